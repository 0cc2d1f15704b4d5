/* SPDX-License-Identifier: MIT */
/* bight/combine.h - combinators: several Deferreds into one, and limits on how many are under way.
 *
 * What all of these have in common (D20 to D27, D31, D34 of docs/semantics.md):
 *
 * - `members` is an array of consumer's ends. All of them are taken, also when the call fails; the array is only read
 *   during the call. A NULL among them is a usage error and counts as one that failed with INVALID_ARGUMENT.
 * - A function that returns a Deferred never returns NULL. When out of memory, or when the arguments are refused, the
 *   members are cancelled and released (the functions below that do not cancel leave a member with another holder
 *   uncancelled) and the Deferred has failed.
 * - The result of a member is taken when it comes to the level at which the member was handed over. Another holder of
 *   that member sees it empty from there on.
 * - Once the outer Deferred has fired, the other members are no longer awaited: their values are discarded on arrival,
 *   their failures are reported as unhandled, as said at each function. Values that had been collected and cannot be
 *   delivered are discarded, failures reported.
 * - Cancelling the outer Deferred cancels all members that have not fired, each once, unless it says otherwise below.
 *   What results from that may still be the outer's result (D14), at which its handlers run before the rest are
 *   cancelled; else it fails with CANCELLED, so that a timeout (D17) works. The members' own CANCELLED is not reported
 *   then.
 * - Firing, cancelling and freeing take constant stack, however deeply they are nested.
 *
 * The functions that do not cancel (when_first, when_all, as_completed, shield) leave their members to their other
 * holders. When the outer Deferred has fired or was cancelled, a member with another holder keeps its result, unless
 * that was delivered; one without goes on, its value is discarded and its failure reported. */
#ifndef BIGHT_COMBINE_H
#define BIGHT_COMBINE_H

#include <bight/deferred.h>

BIGHT_BEGIN

/* ------------------------------------------------------------------------------------------- results */

/* Results in the order of the members. One allocation; the items are destroyed, or discarded, with it. Taking or
 * moving an item out of it is fine. An item is a success when bight_result_failure(&item) is NULL. */
struct bight_results {
    size_t count;
    struct bight_result *items;
};

/* One member's result and which member's. One allocation; the result is destroyed, or discarded, with it. */
struct bight_indexed {
    size_t index;
    struct bight_result result;
};

extern BIGHT_API const struct bight_type bight_type_results;
extern BIGHT_API const struct bight_type bight_type_indexed;

/* Releases what was taken from a result; NULL is allowed. */
BIGHT_API void bight_results_free(struct bight_results *results);
BIGHT_API void bight_indexed_free(struct bight_indexed *indexed);

/* --------------------------------------------------------------------------------- several into one */

enum bight_list_flag {
    BIGHT_FIRE_ON_ONE_CALLBACK = 1 << 0, /* the first success fires it, with a bight_indexed */
    BIGHT_FIRE_ON_ONE_ERRBACK = 1 << 1,  /* the first failure fails it, with FIRST_ERROR */
    BIGHT_CONSUME_ERRORS = 1 << 2,       /* failures that are not delivered are not reported either */
    BIGHT_CANCEL_REST = 1 << 3           /* when one fires it the others are cancelled, and that is not reported */
};

/* D21 to D24: waits for all and returns every outcome in order, as bight_type_results; it never fails by itself. None
 * at all: fires at once, but with FIRE_ON_ONE_CALLBACK it is a usage error and fails with INVALID_ARGUMENT. A
 * FIRST_ERROR has the member's failure as its cause, and bight_first_error_index() of it. Cancelling cancels all
 * members; when every one has its outcome then, the list returns these.
 *
 *     struct bight_deferred *bight_deferred_list(struct bight_deferred *const *members, size_t count,
 *         unsigned flags); */
#define bight_deferred_list(members, count, flags) bight_deferred_list_at(BIGHT_HERE, (members), (count), (flags))

/* D25: the values in order, as bight_type_results whose items are all successes, or FIRST_ERROR at the first failure;
 * the others go on then, and later failures are reported. Cancelling cancels all.
 *
 *     struct bight_deferred *bight_gather_results(struct bight_deferred *const *members, size_t count); */
#define bight_gather_results(members, count) bight_gather_results_at(BIGHT_HERE, (members), (count))

/* D26: the first success wins, and is given as bight_type_indexed. The others are cancelled, and what they still
 * produce is discarded, failures too. When all fail: ALL_FAILED, with all failures as causes, in order. None at all:
 * a usage error, INVALID_ARGUMENT.
 *
 *     struct bight_deferred *bight_race(struct bight_deferred *const *members, size_t count); */
#define bight_race(members, count) bight_race_at(BIGHT_HERE, (members), (count))

/* D27: the first completion, success or failure, as bight_type_indexed; it fails only by a cancel. The others go on,
 * and cancelling the outer cancels no member. None at all: a usage error, INVALID_ARGUMENT.
 *
 *     struct bight_deferred *bight_when_first(struct bight_deferred *const *members, size_t count); */
#define bight_when_first(members, count) bight_when_first_at(BIGHT_HERE, (members), (count))

/* D27: every outcome in order, as bight_type_results; it fails only by a cancel, which cancels no member: what had been
 * collected goes back to those members that have another holder.
 *
 *     struct bight_deferred *bight_when_all(struct bight_deferred *const *members, size_t count); */
#define bight_when_all(members, count) bight_when_all_at(BIGHT_HERE, (members), (count))

/* ------------------------------------------------------------------------------------- one by one */

struct bight_as_completed;

/* D27: the members' results one at a time, in the order in which they come. Cancels nothing. When out of memory it is
 * NULL, of which the functions below make a next that has failed with OUT_OF_MEMORY, and none remaining. */
BIGHT_API BIGHT_MUST_USE struct bight_as_completed *bight_as_completed_new(
    struct bight_deferred *const *members, size_t count);

/* The next to complete, as bight_type_indexed (whose result may be a failure); several may wait, first come first
 * served, and one that is cancelled leaves the row. When bight_as_completed_remaining() is 0 it fails with
 * QUEUE_UNDERFLOW.
 *
 *     struct bight_deferred *bight_as_completed_next(struct bight_as_completed *completed); */
#define bight_as_completed_next(completed) bight_as_completed_next_at(BIGHT_HERE, (completed))

/* How many more calls of bight_as_completed_next() will be answered: the members, less the results delivered and less
 * the calls that wait. */
BIGHT_API size_t bight_as_completed_remaining(const struct bight_as_completed *completed);

/* Those that wait fail with ABANDONED. NULL is allowed. Allowed in a handler of a next. */
BIGHT_API void bight_as_completed_free(struct bight_as_completed *completed);

/* ----------------------------------------------------------------------------------- about just one */

/* D27: returns `inner`'s result. Cancelling the outer does not reach the inner: the outer fails with CANCELLED and the
 * inner goes on.
 *
 *     struct bight_deferred *bight_shield(struct bight_deferred *inner); */
#define bight_shield(inner) bight_shield_at(BIGHT_HERE, (inner))

/* D20: calls `function` at once with an empty result to edit, and returns a Deferred of what it made of it: left alone
 * or set it is a success, failed a failure (bight_result_fail), and with a Deferred (bight_result_chain) it is what
 * results from that, which a cancel reaches. When out of memory the function is not called.
 *
 *     struct bight_deferred *bight_maybe_deferred(bight_handler function, void *context); */
#define bight_maybe_deferred(function, context) bight_maybe_deferred_at(BIGHT_HERE, (function), (context))

/* ------------------------------------------------------------------------------- many, a few at a time */

/* Begins the work of number `index`. Returns a Deferred, which is taken, or NULL for an empty success. */
typedef struct bight_deferred *(*bight_map_function)(size_t index, void *context);

enum bight_map_flag {
    BIGHT_ALL_OUTCOMES = 1 << 0 /* a failure does not end it; the results hold every outcome */
};

/* Calls `function` for 0 up to `count` - 1, in order, with at most `limit` of its Deferreds under way; returns the
 * results in order, as bight_type_results. The first calls are made inside this one. At the first failure it fails with
 * FIRST_ERROR (see bight_first_error_index()), starts nothing more and cancels what is under way, whose values are
 * discarded; with ALL_OUTCOMES it goes on and never fails by itself. Cancelling it cancels what is under way and
 * starts nothing more. A limit of 0 and unknown flags are a usage error, INVALID_ARGUMENT. In the _full form `release`
 * is called with the context when the last of its Deferreds has come to its end.
 *
 *     struct bight_deferred *bight_map_limited(bight_map_function function, size_t count, size_t limit,
 *         unsigned flags, void *context);
 *     struct bight_deferred *bight_map_limited_full(bight_map_function function, size_t count, size_t limit,
 *         unsigned flags, void *context, bight_release_function release); */
#define bight_map_limited(function, count, limit, flags, context) \
    bight_map_limited_at(BIGHT_HERE, (function), (count), (limit), (flags), (context), NULL)
#define bight_map_limited_full(function, count, limit, flags, context, release) \
    bight_map_limited_at(BIGHT_HERE, (function), (count), (limit), (flags), (context), (release))

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_deferred_list_at(
    const char *place, struct bight_deferred *const *members, size_t count, unsigned flags);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_gather_results_at(
    const char *place, struct bight_deferred *const *members, size_t count);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_race_at(
    const char *place, struct bight_deferred *const *members, size_t count);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_when_first_at(
    const char *place, struct bight_deferred *const *members, size_t count);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_when_all_at(
    const char *place, struct bight_deferred *const *members, size_t count);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_as_completed_next_at(
    const char *place, struct bight_as_completed *completed);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_shield_at(const char *place, struct bight_deferred *inner);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_maybe_deferred_at(
    const char *place, bight_handler function, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_map_limited_at(const char *place, bight_map_function function,
    size_t count, size_t limit, unsigned flags, void *context, bight_release_function release);

BIGHT_END

#endif
