/* SPDX-License-Identifier: MIT */
/* shrink.c - which faults a failing run needs: delta debugging over the numbers of its faults.
 *
 * Up to a fault that is left out a run is the same, to the byte; so first the shortest beginning of the list that still
 * fails is looked for by halving, which needs no count of the faults (a crash tells none). Then pieces are taken out of
 * it, smaller and smaller ones, until no single fault can be spared (Zeller and Hildebrandt's ddmin). */
#include "testing/explorer/explorer.h"

#include <string.h>

#include "testing/kit/testing.h"

#define MAX_FAULTS (1u << 20)

struct shrinker {
    struct bi_run run;
    const struct bi_verdict *verdict;
    double end; /* of the host's clock */
    uint32_t *kept, *tried;
    size_t count;
};

static size_t length_to_number(const char *text)
{
    return strcspn(text, "0123456789");
}

bool bi_verdict_same(const struct bi_verdict *one, const struct bi_verdict *other)
{
    size_t length = length_to_number(one->text);
    if (one->trouble != other->trouble) {
        return false;
    }
    return length == length_to_number(other->text) && memcmp(one->text, other->text, length) == 0;
}

static bool is_time_up(const struct shrinker *shrinker)
{
    return bi_explorer_clock() >= shrinker->end;
}

static bool fails_with(struct shrinker *shrinker, const uint32_t *numbers, size_t count)
{
    struct bi_verdict verdict;
    shrinker->run.faults = (struct bi_fault_set) { .numbers = numbers, .count = count };
    bi_trial_run(&shrinker->run, &verdict, NULL);
    return bi_verdict_same(&verdict, shrinker->verdict);
}

/* The shortest beginning of 0, 1, 2 ... that fails; false when no beginning does. */
static bool find_beginning(struct shrinker *shrinker)
{
    size_t too_few = 0, enough = 1;
    for (uint32_t i = 0; i < MAX_FAULTS; i++) {
        shrinker->kept[i] = i;
    }
    if (fails_with(shrinker, shrinker->kept, 0)) {
        shrinker->count = 0;
        return true;
    }
    while (!fails_with(shrinker, shrinker->kept, enough)) {
        if (enough >= MAX_FAULTS || is_time_up(shrinker)) {
            return false;
        }
        too_few = enough;
        enough *= 2;
    }
    while (enough - too_few > 1 && !is_time_up(shrinker)) {
        size_t middle = too_few + (enough - too_few) / 2;
        if (fails_with(shrinker, shrinker->kept, middle)) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    shrinker->count = enough;
    return true;
}

/* Without the piece from `first` on; keeps it so when that fails too. */
static bool spare(struct shrinker *shrinker, size_t first, size_t length)
{
    size_t rest = shrinker->count - length;
    memcpy(shrinker->tried, shrinker->kept, first * sizeof *shrinker->tried);
    memcpy(shrinker->tried + first, shrinker->kept + first + length, (rest - first) * sizeof *shrinker->tried);
    if (!fails_with(shrinker, shrinker->tried, rest)) {
        return false;
    }
    memcpy(shrinker->kept, shrinker->tried, rest * sizeof *shrinker->kept);
    shrinker->count = rest;
    return true;
}

/* From behind: what comes late depends on what came before, and can be spared more often. */
static bool spare_pieces(struct shrinker *shrinker, size_t length)
{
    bool spared = false;
    for (size_t end = shrinker->count; end > 0 && !is_time_up(shrinker);) {
        size_t first = end > length ? end - length : 0;
        spared = spare(shrinker, first, end - first) || spared;
        end = first;
    }
    return spared;
}

static void find_least(struct shrinker *shrinker)
{
    for (size_t length = shrinker->count / 2; length >= 1 && !is_time_up(shrinker);) {
        bool spared = spare_pieces(shrinker, length);
        if (length == 1 && !spared) {
            return;
        }
        length = length > 1 ? length / 2 : 1;
    }
}

bool bi_explorer_shrink(
    const struct bi_run *run, const struct bi_verdict *verdict, double patience, struct bi_least_faults *least)
{
    struct shrinker shrinker = { .run = *run, .verdict = verdict, .end = bi_explorer_clock() + patience };
    memset(least, 0, sizeof *least);
    shrinker.kept = bi_testing_plain_realloc(NULL, MAX_FAULTS * sizeof *shrinker.kept);
    shrinker.tried = bi_testing_plain_realloc(NULL, MAX_FAULTS * sizeof *shrinker.tried);
    bool found = shrinker.kept != NULL && shrinker.tried != NULL && find_beginning(&shrinker);
    if (found) {
        least->of = verdict->fault_count > shrinker.count ? verdict->fault_count : (uint32_t)shrinker.count;
        find_least(&shrinker);
        least->numbers = shrinker.kept;
        least->count = shrinker.count;
        least->is_least = !is_time_up(&shrinker);
    } else {
        bi_testing_plain_free(shrinker.kept);
    }
    bi_testing_plain_free(shrinker.tried);
    return found;
}
