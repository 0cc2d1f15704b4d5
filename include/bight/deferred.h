/* SPDX-License-Identifier: MIT */
/* bight/deferred.h - Deferred: a result that comes later, with two ends.
 *
 * The consumer's end is the pointer: handlers are added to it, it can be cancelled, and it is released once (or
 * given away by chaining). The producer's end is a promise, a small value that is checked whenever it is used, so
 * a stale one is an error code and never a use after free. No reactor is needed; everything happens synchronously,
 * in the calling thread, in constant stack however long the chains are. The numbered statements D1 to D34 of
 * docs/semantics.md are the contract. */
#ifndef BIGHT_DEFERRED_H
#define BIGHT_DEFERRED_H

#include <bight/clock.h>
#include <bight/result.h>

BIGHT_BEGIN

struct bight_deferred;
struct bight_owner;

/* The producer's end, by value. Zeroed, it is stale. The promise of an out-of-memory Deferred (D34) takes and
 * discards what it is fired with. */
struct bight_promise {
    struct bight_deferred *slot;
    uint64_t generation;
};

/* Edits the result in place (see bight/result.h). May do anything to any Deferred, this one included. */
typedef void (*bight_handler)(struct bight_result *result, void *context);

/* Called at most once, when a Deferred that has not fired is cancelled (D14): stops the work, and may fire
 * `promise` with what it has; if it does not, the Deferred fails with CANCELLED. */
typedef void (*bight_canceller)(struct bight_promise promise, void *context);

/* ------------------------------------------------------------------------------------------ making */

/* A new Deferred; *promise gets the producer's end. The canceller may be NULL; its context is borrowed, or released
 * through `release` once, when the Deferred fires (D15, D33), also when out of memory: then the result, which is never
 * NULL, is the shared, immortal Deferred that has failed with OUT_OF_MEMORY (D34).
 *
 *     struct bight_deferred *bight_deferred_new(struct bight_promise *promise, bight_canceller canceller,
 *         void *context);
 *     struct bight_deferred *bight_deferred_new_full(struct bight_promise *promise, bight_canceller canceller,
 *         void *context, bight_release_function release); */
#define bight_deferred_new(promise, canceller, context) \
    bight_deferred_new_at(BIGHT_HERE, (promise), (canceller), (context), NULL)
#define bight_deferred_new_full(promise, canceller, context, release) \
    bight_deferred_new_at(BIGHT_HERE, (promise), (canceller), (context), (release))

/* A Deferred that has fired already, with a value (taken; type NULL: empty) or with a failure (taken).
 *
 *     struct bight_deferred *bight_succeed(const struct bight_type *type, void *value);
 *     struct bight_deferred *bight_fail(struct bight_failure *failure); */
#define bight_succeed(type, value) bight_succeed_at(BIGHT_HERE, (type), (value))
#define bight_fail(failure) bight_fail_at(BIGHT_HERE, (failure))

/* ------------------------------------------------------------------------------- the producer's end */

/* Fires with a value, which is taken in any case (type NULL: an empty success). Returns 0; ALREADY_CALLED or
 * CANCELLED while the Deferred lives; STALE afterwards; OUT_OF_MEMORY for D34's promise; WRONG_TYPE when the value
 * is a failure or a Deferred. On every code but 0 the value is discarded (D4, D13, D31).
 *
 *     int bight_callback(struct bight_promise promise, const struct bight_type *type, void *value); */
#define bight_callback(promise, type, value) bight_callback_at(BIGHT_HERE, (promise), (type), (value))

/* Fires with a failure, which is taken in any case. Codes as above.
 *
 *     int bight_errback(struct bight_promise promise, struct bight_failure *failure); */
#define bight_errback(promise, failure) bight_errback_at(BIGHT_HERE, (promise), (failure))

/* Abandons the promise: the Deferred fails with ABANDONED (D31). Codes as above; spent promises are no usage error
 * here, so that teardown paths may abandon whatever they hold.
 *
 *     int bight_abandon(struct bight_promise promise); */
#define bight_abandon(promise) bight_abandon_at(BIGHT_HERE, (promise))

/* True while firing it would be accepted. */
BIGHT_API bool bight_promise_is_open(struct bight_promise promise);

/* ------------------------------------------------------------------------------- the consumer's end */

/* Adds one level of the chain (D2): a callback for values, an errback for failures; either may be NULL and passes
 * on. Runs at once when the result is there (D1), after the present handler when called from one (D10). The
 * context is borrowed; the _full form takes `release`, called once when the level has run, was passed over, or was
 * dropped (D33). Returns 0, or OUT_OF_MEMORY and then nothing was taken. On D34's Deferred the errback runs at
 * once. */
BIGHT_API int bight_deferred_add_callbacks(
    struct bight_deferred *deferred, bight_handler callback, bight_handler errback, void *context);
BIGHT_API int bight_deferred_add_callbacks_full(struct bight_deferred *deferred, bight_handler callback,
    bight_handler errback, void *context, bight_release_function release);

static inline int bight_deferred_add_callback(struct bight_deferred *deferred, bight_handler callback, void *context);
static inline int bight_deferred_add_errback(struct bight_deferred *deferred, bight_handler errback, void *context);
static inline int bight_deferred_add_both(struct bight_deferred *deferred, bight_handler handler, void *context);
static inline int bight_deferred_add_callback_full(
    struct bight_deferred *deferred, bight_handler callback, void *context, bight_release_function release);
static inline int bight_deferred_add_errback_full(
    struct bight_deferred *deferred, bight_handler errback, void *context, bight_release_function release);
static inline int bight_deferred_add_both_full(
    struct bight_deferred *deferred, bight_handler handler, void *context, bight_release_function release);

/* D9: a's result fires `promise` when it gets to this level; a goes on empty, once the handlers behind the promise are
 * over. When the promise has fired or gone by then a value is discarded, and a failure stays in a for the next errback.
 * a stays the caller's. 0, or OUT_OF_MEMORY. */
BIGHT_API int bight_deferred_chain(struct bight_deferred *deferred, struct bight_promise promise);

/* D13 to D16. Returns when the cancel has been dealt with; the Deferred may have been freed by then unless the
 * caller holds it. */
BIGHT_API void bight_deferred_cancel(struct bight_deferred *deferred);

/* D17: cancels after `seconds` on `clock`, and turns the resulting CANCELLED into TIMED_OUT. 0, INVALID_ARGUMENT or
 * OUT_OF_MEMORY. In the _full form `handler` decides instead: it is run with the result of the cancel, only when the
 * time was up. */
BIGHT_API int bight_deferred_add_timeout(struct bight_deferred *deferred, double seconds, struct bight_clock *clock);
BIGHT_API int bight_deferred_add_timeout_full(struct bight_deferred *deferred, double seconds,
    struct bight_clock *clock, bight_handler handler, void *context, bight_release_function release);

/* D11. Pauses count; unpause of one that is not paused is a usage error. */
BIGHT_API void bight_deferred_pause(struct bight_deferred *deferred);
BIGHT_API void bight_deferred_unpause(struct bight_deferred *deferred);

/* One more consumer's hold, to look on; returns the Deferred. */
BIGHT_API struct bight_deferred *bight_deferred_hold(struct bight_deferred *deferred);

/* Releases the consumer's end or a hold; NULL is allowed. Handlers that were added still run when it fires. Releasing
 * the last hold undoes pauses, and reports a failure that was not handled (D18). */
BIGHT_API void bight_deferred_release(struct bight_deferred *deferred);

/* D32: cancelled when the owner ends; tying to an owner that has ended cancels at once. One owner at a time: a
 * second tie replaces the first; NULL unties. Returns `deferred`. */
BIGHT_API struct bight_deferred *bight_deferred_tie(struct bight_deferred *deferred, struct bight_owner *owner);

/* An owner by itself, for what has a life of its own and is neither a protocol nor a scope: a request, a job, a player.
 * In steady state without an allocation. NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_owner *bight_owner_new(void);

/* D32: cancels what is tied to it, and what is tied to it from now on, at once. A second call does nothing. */
BIGHT_API void bight_owner_end(struct bight_owner *owner);

/* Ends it, and releases it: nothing may be tied to it any more. NULL is allowed. Its memory stays while something tied
 * to it has not finished. */
BIGHT_API void bight_owner_free(struct bight_owner *owner);

/* True when it has fired (its handlers may still wait, D5). */
BIGHT_API bool bight_deferred_has_fired(const struct bight_deferred *deferred);

/* The result when the Deferred has fired, no handler runs and nothing is awaited, else NULL. The slot is the
 * Deferred's: peek freely; taking from it counts as handling. */
BIGHT_API struct bight_result *bight_deferred_result(struct bight_deferred *deferred);

/* The type of a value that is a Deferred's consumer's end, for code that passes Deferreds as values. It is never a
 * result: firing with one is a usage error (D4). Discarding one cancels it and releases it. */
extern BIGHT_API const struct bight_type bight_type_deferred;

/* D19: record where Deferreds are made and fired. Process-wide; set before the first Deferred. Also set by the
 * environment variable BIGHT_DEBUG=1. */
BIGHT_API void bight_deferred_set_debug(bool on);
BIGHT_API bool bight_deferred_get_debug(void);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_deferred_new_at(const char *place, struct bight_promise *promise,
    bight_canceller canceller, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_succeed_at(
    const char *place, const struct bight_type *type, void *value);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_fail_at(const char *place, struct bight_failure *failure);
BIGHT_API int bight_callback_at(
    const char *place, struct bight_promise promise, const struct bight_type *type, void *value);
BIGHT_API int bight_errback_at(const char *place, struct bight_promise promise, struct bight_failure *failure);
BIGHT_API int bight_abandon_at(const char *place, struct bight_promise promise);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline int bight_deferred_add_callback(struct bight_deferred *deferred, bight_handler callback, void *context)
{
    return bight_deferred_add_callbacks(deferred, callback, NULL, context);
}

static inline int bight_deferred_add_errback(struct bight_deferred *deferred, bight_handler errback, void *context)
{
    return bight_deferred_add_callbacks(deferred, NULL, errback, context);
}

static inline int bight_deferred_add_both(struct bight_deferred *deferred, bight_handler handler, void *context)
{
    return bight_deferred_add_callbacks(deferred, handler, handler, context);
}

static inline int bight_deferred_add_callback_full(
    struct bight_deferred *deferred, bight_handler callback, void *context, bight_release_function release)
{
    return bight_deferred_add_callbacks_full(deferred, callback, NULL, context, release);
}

static inline int bight_deferred_add_errback_full(
    struct bight_deferred *deferred, bight_handler errback, void *context, bight_release_function release)
{
    return bight_deferred_add_callbacks_full(deferred, NULL, errback, context, release);
}

static inline int bight_deferred_add_both_full(
    struct bight_deferred *deferred, bight_handler handler, void *context, bight_release_function release)
{
    return bight_deferred_add_callbacks_full(deferred, handler, handler, context, release);
}

BIGHT_END

#endif
