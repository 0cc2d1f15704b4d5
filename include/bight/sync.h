/* SPDX-License-Identifier: MIT */
/* bight/sync.h - taking turns: lock, semaphore, event, condition, barrier (D28 to D30).
 *
 * What Twisted and asyncio have for tasks of one thread, over Deferreds; no reactor is needed, and no other thread may
 * touch them. Common to all:
 *
 * - A waiter is served first come first served, leaves by cancelling its Deferred, and may be given a time limit with
 *   bight_deferred_add_timeout. A wait costs one small pooled object on top of its Deferred.
 * - Each may be released, set, cancelled and freed inside any handler. What one of these wakes from inside a handler of
 *   the same object runs when that handler has returned, so that a million waiters that each release in their own
 *   handler need the stack of one.
 * - Freeing (NULL is allowed) fails the waiters with ABANDONED. Usage errors are logged and change nothing.
 * - An acquisition that cannot be delivered releases itself: see bight_type_lock. */
#ifndef BIGHT_SYNC_H
#define BIGHT_SYNC_H

#include <bight/deferred.h>

BIGHT_BEGIN

/* What is done while something is held. A Deferred is taken and waited for; NULL is an empty success at once. */
typedef struct bight_deferred *(*bight_holding_function)(void *context);

/* --------------------------------------------------------------------------------------------- lock */

struct bight_lock;

/* The value that an acquisition fires with: a token of the acquisition, good for nothing but to be released. Destroyed,
 * as at the end of every chain of handlers, it changes nothing: the lock stays held until it is released. Discarded,
 * because it cannot be delivered (the loser of a race, D26; a shared Deferred, D34), it releases the acquisition that
 * it stands for, unless that was released or the lock freed before. Peek at it, or leave it alone. A handler that takes
 * it out of the chain ends it with its type's destroy or discard. */
extern BIGHT_API const struct bight_type bight_type_lock;

/* A lock that is free; NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_lock *bight_lock_new(void);

/* May be held: its holder need not release it first, and must not after this. */
BIGHT_API void bight_lock_free(struct bight_lock *lock);

/* Fires with a bight_type_lock: at once when the lock is free, else when those before have had it.
 *
 *     struct bight_deferred *bight_lock_acquire(struct bight_lock *lock); */
#define bight_lock_acquire(lock) bight_lock_acquire_at(BIGHT_HERE, (lock))

/* True: held now. False when it is held, or when others wait for it already. */
BIGHT_API bool bight_lock_try_acquire(struct bight_lock *lock);

/* Hands the lock to the oldest waiter, whose handlers run inside this call; else it is free. USAGE when it is not held.
 * Tokens of the acquisition that are still about stand for nothing from here on. */
BIGHT_API int bight_lock_release(struct bight_lock *lock);

/* True also when it is about to be handed over. */
BIGHT_API bool bight_lock_is_locked(const struct bight_lock *lock);

/* How many wait for it. */
BIGHT_API size_t bight_lock_waiting(const struct bight_lock *lock);

/* Acquires, calls function(context), waits for what that returns, and releases, on failure and cancel also. The
 * Deferred goes on with the function's result. Cancelled before the lock was acquired, the function is never called;
 * later the cancel goes to the function's Deferred. No function is a usage error, INVALID_ARGUMENT. The context is
 * borrowed; the _full form releases it when the function's part is over, or at once when it will never be called (D33).
 *
 *     struct bight_deferred *bight_lock_run(struct bight_lock *lock, bight_holding_function function, void *context);
 *     struct bight_deferred *bight_lock_run_full(struct bight_lock *lock, bight_holding_function function,
 *         void *context, bight_release_function release); */
#define bight_lock_run(lock, function, context) bight_lock_run_at(BIGHT_HERE, (lock), (function), (context), NULL)
#define bight_lock_run_full(lock, function, context, release) \
    bight_lock_run_at(BIGHT_HERE, (lock), (function), (context), (release))

/* ---------------------------------------------------------------------------------------- semaphore */

struct bight_semaphore;

/* The value that an acquisition fires with; all as for bight_type_lock. */
extern BIGHT_API const struct bight_type bight_type_semaphore;

/* At most `n` hold it at once (D29). NULL when out of memory, and when n < 1, which is a usage error. The plain form
 * can be resized, the bounded form keeps its n for ever. Neither can be released more often than it was acquired. */
BIGHT_API BIGHT_MUST_USE struct bight_semaphore *bight_semaphore_new(long n);
BIGHT_API BIGHT_MUST_USE struct bight_semaphore *bight_semaphore_new_bounded(long n);

BIGHT_API void bight_semaphore_free(struct bight_semaphore *semaphore);

/* As for the lock.
 *
 *     struct bight_deferred *bight_semaphore_acquire(struct bight_semaphore *semaphore); */
#define bight_semaphore_acquire(semaphore) bight_semaphore_acquire_at(BIGHT_HERE, (semaphore))
BIGHT_API bool bight_semaphore_try_acquire(struct bight_semaphore *semaphore);

/* USAGE when it is not held. Releases are not told apart: when you release by hand and a token is left where it may be
 * discarded, as in a race, clear the result, or let bight_semaphore_run do it. */
BIGHT_API int bight_semaphore_release(struct bight_semaphore *semaphore);

/* How many more could acquire it now. */
BIGHT_API size_t bight_semaphore_available(const struct bight_semaphore *semaphore);
BIGHT_API size_t bight_semaphore_waiting(const struct bight_semaphore *semaphore);

/* From now on at most `n` hold it. More of them let in waiters, inside this call; with fewer, present holders keep it.
 * 0; INVALID_ARGUMENT when n < 1; NOT_SUPPORTED for the bounded form. */
BIGHT_API int bight_semaphore_resize(struct bight_semaphore *semaphore, long n);

/* The `n` that it was made with or last resized to. */
BIGHT_API long bight_semaphore_limit(const struct bight_semaphore *semaphore);

/* As bight_lock_run.
 *
 *     struct bight_deferred *bight_semaphore_run(struct bight_semaphore *semaphore, bight_holding_function function,
 *         void *context);
 *     struct bight_deferred *bight_semaphore_run_full(struct bight_semaphore *semaphore,
 *         bight_holding_function function, void *context, bight_release_function release); */
#define bight_semaphore_run(semaphore, function, context) \
    bight_semaphore_run_at(BIGHT_HERE, (semaphore), (function), (context), NULL)
#define bight_semaphore_run_full(semaphore, function, context, release) \
    bight_semaphore_run_at(BIGHT_HERE, (semaphore), (function), (context), (release))

/* -------------------------------------------------------------------------------------------- event */

struct bight_event;

/* A flag to wait for, down at first; NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_event *bight_event_new(void);
BIGHT_API void bight_event_free(struct bight_event *event);

/* Raises the flag and wakes all waiters, in their order, inside this call. All of them are woken, whatever the first
 * does to the flag. */
BIGHT_API void bight_event_set(struct bight_event *event);

/* Lowers the flag: callers wait from now on. */
BIGHT_API void bight_event_clear(struct bight_event *event);
BIGHT_API bool bight_event_is_set(const struct bight_event *event);

/* Fires empty: at once when the flag is up, else at the next set.
 *
 *     struct bight_deferred *bight_event_wait(struct bight_event *event); */
#define bight_event_wait(event) bight_event_wait_at(BIGHT_HERE, (event))

/* How many wait for the next set. */
BIGHT_API size_t bight_event_waiting(const struct bight_event *event);

/* ---------------------------------------------------------------------------------------- condition */

struct bight_condition;

/* Something that may come true while others hold `lock`, which is borrowed; NULL when out of memory. Lock and condition
 * may be freed in either order. */
BIGHT_API BIGHT_MUST_USE struct bight_condition *bight_condition_new(struct bight_lock *lock);

/* Fails the waiters with ABANDONED, each when it holds the lock again. */
BIGHT_API void bight_condition_free(struct bight_condition *condition);

/* The caller holds the lock. Releases it, waits for a notification, acquires the lock again and then fires, with a
 * bight_type_lock. Whatever it fires with, CANCELLED and TIMED_OUT also, the lock is held by then and is to be
 * released: a cancelled wait fails when its turn at the lock has come, and a notification that it had is passed on to
 * the next. From then on a second cancel changes nothing. Only when the lock itself has been freed is it ABANDONED
 * without it. Inside bight_lock_run all this is taken care of: it releases the lock as if it had been held throughout.
 * A wait that outlives the run (the loser of a race in it) has the lock while its handlers run; then it is released.
 * Fails with USAGE when the lock is not held; when out of memory too the lock is as it was.
 *
 *     struct bight_deferred *bight_condition_wait(struct bight_condition *condition); */
#define bight_condition_wait(condition) bight_condition_wait_at(BIGHT_HERE, (condition))

/* What is waited for is there. Called with the lock held; looks, and changes nothing of the lock and the waiters. */
typedef bool (*bight_condition_predicate)(void *context);

/* As bight_condition_wait, until predicate(context) is true. It is asked at once: the lock stays held then, and the
 * Deferred has fired with one more token of it. Else it is asked whenever a notification has brought the lock, which is
 * given up again when the answer is no: then the wait stands behind the waiters already. The context is borrowed,
 * until the Deferred has fired. A condition that was freed before the answer was yes fails it with ABANDONED, with the
 * lock. INVALID_ARGUMENT without a predicate, a usage error.
 *
 *     struct bight_deferred *bight_condition_wait_for(struct bight_condition *condition,
 *         bight_condition_predicate predicate, void *context); */
#define bight_condition_wait_for(condition, predicate, context) \
    bight_condition_wait_for_at(BIGHT_HERE, (condition), (predicate), (context))

/* The caller holds the lock. The `n` oldest waiters, or all, go on to wait for the lock, in their order, behind the
 * waiters for it already. USAGE when the lock is not held. */
BIGHT_API int bight_condition_notify(struct bight_condition *condition, size_t n);
BIGHT_API int bight_condition_notify_all(struct bight_condition *condition);

/* How many wait for a notification. */
BIGHT_API size_t bight_condition_waiting(const struct bight_condition *condition);

/* ------------------------------------------------------------------------------------------ barrier */

struct bight_barrier;

/* A place where `parties` meet; NULL when out of memory, and when parties < 1, which is a usage error. */
BIGHT_API BIGHT_MUST_USE struct bight_barrier *bight_barrier_new(long parties);
BIGHT_API void bight_barrier_free(struct bight_barrier *barrier);

/* Waits until as many as are needed wait. The last to come fires all, in the order in which they came, each with an
 * integer from 0 to parties - 1, the last with the highest. Then the next round begins. A cancelled wait leaves: the
 * others wait for one more. BROKEN while the barrier is broken.
 *
 *     struct bight_deferred *bight_barrier_wait(struct bight_barrier *barrier); */
#define bight_barrier_wait(barrier) bight_barrier_wait_at(BIGHT_HERE, (barrier))

/* Breaks the barrier: the waiters fail with BROKEN, and so do later waits, until reset. */
BIGHT_API void bight_barrier_break(struct bight_barrier *barrier);

/* Mends it. A waiter fails with BROKEN; later waits begin a new round. */
BIGHT_API void bight_barrier_reset(struct bight_barrier *barrier);

/* How many wait in this round for the others. */
BIGHT_API size_t bight_barrier_waiting(const struct bight_barrier *barrier);
BIGHT_API bool bight_barrier_is_broken(const struct bight_barrier *barrier);

/* How many are needed. */
BIGHT_API size_t bight_barrier_parties(const struct bight_barrier *barrier);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_lock_acquire_at(const char *place, struct bight_lock *lock);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_lock_run_at(const char *place, struct bight_lock *lock,
    bight_holding_function function, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_semaphore_acquire_at(
    const char *place, struct bight_semaphore *semaphore);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_semaphore_run_at(const char *place,
    struct bight_semaphore *semaphore, bight_holding_function function, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_event_wait_at(const char *place, struct bight_event *event);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_condition_wait_at(
    const char *place, struct bight_condition *condition);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_condition_wait_for_at(
    const char *place, struct bight_condition *condition, bight_condition_predicate predicate, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_barrier_wait_at(const char *place, struct bight_barrier *barrier);

BIGHT_END

#endif
