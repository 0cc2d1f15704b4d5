/* SPDX-License-Identifier: MIT */
/* timers.c - the pending calls of a reactor, read off its wheel: nothing is recorded when they are made.
 *
 * For tests, so the wheel is simply walked, once for each deadline that is asked for. */
#include <bight/testing/recorder.h>

#include "reactor/reactor.h"
#include "testing/kit/testing.h"

struct visitor {
    void (*visit)(const struct bi_wheel_entry *entry, void *context);
    void *context;
};

static void visit_call(const struct bi_wheel_entry *entry, void *context)
{
    const struct visitor *visitor = context;
    if (bi_reactor_call_of(entry) != NULL) {
        visitor->visit(entry, visitor->context);
    }
}

void bi_testing_visit_calls(
    struct bight_reactor *reactor, void (*visit)(const struct bi_wheel_entry *entry, void *context), void *context)
{
    struct visitor visitor = { visit, context };
    bi_wheel_visit(&reactor->wheel, visit_call, &visitor);
}

struct tally {
    uint64_t after; /* deadlines up to this one have been seen */
    uint64_t least; /* of the rest */
    size_t at_least, all;
};

static void count(const struct bi_wheel_entry *entry, void *context)
{
    struct tally *tally = context;
    tally->all++;
    if (entry->deadline > tally->after && entry->deadline <= tally->least) {
        tally->at_least = entry->deadline < tally->least ? 1 : tally->at_least + 1;
        tally->least = entry->deadline;
    }
}

/* The least deadline after `after`, and how many calls have it. */
static struct tally find_next(struct bight_reactor *reactor, uint64_t after)
{
    struct tally tally = { .after = after, .least = UINT64_MAX };
    bi_testing_visit_calls(reactor, count, &tally);
    return tally;
}

size_t bight_testing_timers(struct bight_reactor *reactor)
{
    return find_next(reactor, 0).all;
}

double bight_testing_timer(struct bight_reactor *reactor, size_t index)
{
    struct tally tally = find_next(reactor, 0);
    while (tally.at_least > 0 && index >= tally.at_least) {
        index -= tally.at_least;
        tally = find_next(reactor, tally.least);
    }
    if (tally.at_least == 0) {
        return -1;
    }
    uint64_t now = bi_reactor_now(reactor);
    return tally.least <= now ? 0 : (double)(tally.least - now) / (double)BIGHT_NANOSECONDS_PER_SECOND;
}
