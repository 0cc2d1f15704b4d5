/* SPDX-License-Identifier: MIT */
/* shrink.c - a failing program made short: operations are left out as long as it goes on failing.
 *
 * Pieces of half the list are tried first, then of a quarter and so on; at the end each operation is tried by itself
 * until none can go. Each trial is a process of its own, so that a crash is an answer like any other. */
#include "tape.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TRIALS = 4000 };

struct shrinking {
    const struct fuzz_target *target;
    uint64_t seed;
    bool *kept;
    bool leaks;
    int status; /* how the whole program ended */
    unsigned trials;
};

static bool still_fails(struct shrinking *shrinking, const bool *kept)
{
    shrinking->trials++;
    return fuzz_try(shrinking->target, shrinking->seed, kept, shrinking->leaks, true) == shrinking->status;
}

/* Leaves out `piece` operations that are kept, from the `from`-th position on; returns the position behind them. */
static size_t leave_out(const struct shrinking *shrinking, bool *kept, size_t from, size_t piece)
{
    while (from < shrinking->target->program_size && piece > 0) {
        piece -= kept[from];
        kept[from++] = false;
    }
    return from;
}

static bool try_pieces(struct shrinking *shrinking, bool *trial, size_t piece)
{
    size_t size = shrinking->target->program_size;
    bool got_shorter = false;
    for (size_t from = 0; from < size && shrinking->trials < MAX_TRIALS;) {
        memcpy(trial, shrinking->kept, size);
        size_t behind = leave_out(shrinking, trial, from, piece);
        if (memcmp(trial, shrinking->kept, size) != 0 && still_fails(shrinking, trial)) {
            memcpy(shrinking->kept, trial, size);
            got_shorter = true;
        }
        from = behind;
    }
    return got_shorter;
}

bool fuzz_shrink(const struct fuzz_target *target, uint64_t seed, bool *kept, bool leaks)
{
    size_t size = target->program_size;
    bool *trial = malloc(size);
    if (trial == NULL) {
        return false;
    }
    memset(kept, true, size);
    struct shrinking shrinking = { .target = target, .seed = seed, .kept = kept, .leaks = leaks };
    shrinking.status = fuzz_try(target, seed, kept, leaks, true);
    if (shrinking.status != 0) {
        for (size_t piece = size / 2; piece > 1; piece /= 2) {
            (void)try_pieces(&shrinking, trial, piece);
        }
        while (try_pieces(&shrinking, trial, 1) && shrinking.trials < MAX_TRIALS) {
        }
    }
    free(trial);
    return shrinking.status != 0;
}
