/* SPDX-License-Identifier: MIT */
/* bight/retry.h - trying again, with pauses that grow, until something succeeds.
 *
 * For what fails now and may succeed soon: a server that restarts, a name that cannot be looked up yet. Needs a clock
 * and nothing else. (Twisted's ReconnectingClientFactory has the same arithmetic for connections alone.) */
#ifndef BIGHT_RETRY_H
#define BIGHT_RETRY_H

#include <bight/deferred.h>

BIGHT_BEGIN

/* One attempt. Returns a Deferred, which is taken, or NULL for an empty success. */
typedef struct bight_deferred *(*bight_retry_function)(void *context);

/* Whether an attempt that failed so (borrowed) is worth another one; the context is the function's. */
typedef bool (*bight_retry_predicate)(const struct bight_failure *failure, void *context);

/* Zeroed but for `size`: the defaults. Before the second attempt there is a pause of `first` seconds, before each
 * further one a pause that is `factor` times as long, up to `longest`. Of each pause, a share of up to `jitter` is left
 * to chance: the pause that is made is at least 1 - jitter of it and at most the whole, so that many clients that
 * failed at the same time do not come back at the same time. The chance is the clock's (see bight_clock_ops): in a
 * simulation it follows from the seed. */
struct bight_retry_policy {
    size_t size;                    /* sizeof(struct bight_retry_policy) */
    double first;                   /* seconds; 0: 1 */
    double factor;                  /* at least 1; 0: 2 */
    double longest;                 /* seconds; 0: 60 */
    double jitter;                  /* 0 to 1; 0: a half */
    bool no_jitter;                 /* the pauses are exact; `jitter` counts for nothing */
    bight_retry_predicate worth_it; /* NULL: any failure is, but one of the kinds CANCELLED and USAGE */
};

/* Calls function(context), at once for the first time, until its Deferred succeeds: at most `times` times (0: as often
 * as it takes). The Deferred given goes on with the value. The policy may be NULL; it is copied.
 *
 * When an attempt fails that is not worth another, or the last one, it fails with the code of that failure. Of a single
 * attempt it is the failure itself; of several a new one that says how many there were, whose causes are theirs: the
 * last one first, of more than BIGHT_RETRY_CAUSES the last ones. Errno and status are the causes'.
 *
 * Cancelling ends it: a pause at once, with CANCELLED; an attempt by cancelling its Deferred, whose outcome stands
 * then, whatever it is. ABANDONED when the clock ends during a pause. It fails with INVALID_ARGUMENT, a usage error,
 * without a clock or function or with a policy out of range, and with OUT_OF_MEMORY. The clock is borrowed and must
 * outlive it. The context is borrowed; the _full form releases it once, on every path, when no attempt is under way any
 * more.
 *
 *     struct bight_deferred *bight_retry(struct bight_clock *clock, unsigned times,
 *         const struct bight_retry_policy *policy, bight_retry_function function, void *context);
 *     struct bight_deferred *bight_retry_full(struct bight_clock *clock, unsigned times,
 *         const struct bight_retry_policy *policy, bight_retry_function function, void *context,
 *         bight_release_function release); */
#define BIGHT_RETRY_CAUSES 16
#define bight_retry(clock, times, policy, function, context) \
    bight_retry_at(BIGHT_HERE, (clock), (times), (policy), (function), (context), NULL)
#define bight_retry_full(clock, times, policy, function, context, release) \
    bight_retry_at(BIGHT_HERE, (clock), (times), (policy), (function), (context), (release))

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_retry_at(const char *place, struct bight_clock *clock,
    unsigned times, const struct bight_retry_policy *policy, bight_retry_function function, void *context,
    bight_release_function release);

BIGHT_END

#endif
