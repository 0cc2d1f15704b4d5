/* SPDX-License-Identifier: MIT */
/* bight/task.h - time: what is done later, what is done again and again, and long work in small pieces.
 *
 * Each needs a clock and nothing else: a reactor's (bight_reactor_clock) or a test's. A looping call calls a function
 * at a fixed interval (R11); a cooperator shares the loop's spare time among long computations (R12). */
#ifndef BIGHT_TASK_H
#define BIGHT_TASK_H

#include <bight/scope.h>

BIGHT_BEGIN

/* -------------------------------------------------------------------------------------------- later */

/* A Deferred that fires empty after `seconds`. Cancelling it cancels the timer. It fails with INVALID_ARGUMENT for a
 * negative or NaN delay, with OUT_OF_MEMORY, and with ABANDONED when the clock ends before.
 *
 *     struct bight_deferred *bight_sleep(struct bight_clock *clock, double seconds); */
#define bight_sleep(clock, seconds) bight_sleep_at(BIGHT_HERE, (clock), (seconds))

/* Twisted's deferLater: calls function(result, context) after `seconds`; the Deferred goes on with what it made of the
 * empty result: left alone an empty success, set a value, failed a failure, chained what another Deferred brings. It
 * fails as bight_sleep does, and then the function is not called. Cancelling cancels the timer, and after the call what
 * the function chained. The context is borrowed; the _full form releases it once, on every path.
 *
 *     struct bight_deferred *bight_defer_later(struct bight_clock *clock, double seconds, bight_handler function,
 *         void *context);
 *     struct bight_deferred *bight_defer_later_full(struct bight_clock *clock, double seconds,
 *         bight_handler function, void *context, bight_release_function release); */
#define bight_defer_later(clock, seconds, function, context) \
    bight_defer_later_at(BIGHT_HERE, (clock), (seconds), (function), (context), NULL)
#define bight_defer_later_full(clock, seconds, function, context, release) \
    bight_defer_later_at(BIGHT_HERE, (clock), (seconds), (function), (context), (release))

/* ------------------------------------------------------------------------------------ again and again */

struct bight_looping_call;

/* NULL: the next tick comes in its time. A Deferred (taken): no tick before it has fired; its value is discarded, its
 * failure ends the loop. May do anything to `call`, freeing it included. */
typedef struct bight_deferred *(*bight_looping_function)(struct bight_looping_call *call, void *context);

/* A call that is not running yet; NULL when out of memory or a function (a usage error): then nothing was taken. The
 * clock is borrowed and must outlive it. The context is borrowed; the _full form releases it when the call has been
 * freed and its function is not under way any more. */
BIGHT_API BIGHT_MUST_USE struct bight_looping_call *bight_looping_call_new(
    struct bight_clock *clock, bight_looping_function function, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_looping_call *bight_looping_call_new_full(
    struct bight_clock *clock, bight_looping_function function, void *context, bight_release_function release);

/* Ends the loop, cancels what its function waits for, and frees the call: start's Deferred fails with ABANDONED. NULL
 * is fine. Inside the function it is freed when that has returned. */
BIGHT_API void bight_looping_call_free(struct bight_looping_call *call);

/* Calls the function every `seconds` from now on; `now`: at once too, inside this call. The ticks stay on the grid of
 * the start, in whole nanoseconds: nothing drifts, and what a slow function, a busy loop or a jump of the clock has
 * missed is left out, never made up for (bight_looping_call_missed). 0 seconds: once a turn. Infinity: only `now`.
 *
 * The Deferred fires empty when the loop was stopped and the call under way is over. It fails with what the function's
 * Deferred failed with, or with OUT_OF_MEMORY; both end the loop. Cancelling it stops the loop and cancels what the
 * function waits for. INVALID_ARGUMENT for a negative or NaN interval, USAGE when it is running: then the Deferred has
 * failed and nothing changed. CANCELLED when the scope that it had joined was closed.
 *
 * A call that was stopped, or that failed, may be started again. While the last run's call is under way it passes to
 * the new run, whose first tick waits for it; the last run's Deferred fires then.
 *
 *     struct bight_deferred *bight_looping_call_start(struct bight_looping_call *call, double seconds, bool now); */
#define bight_looping_call_start(call, seconds, now) bight_looping_call_start_at(BIGHT_HERE, (call), (seconds), (now))

/* No more ticks. Start's Deferred fires, at once or when the call under way is over. NOT_RUNNING when it is not. */
BIGHT_API int bight_looping_call_stop(struct bight_looping_call *call);

/* Begins the grid again: the next tick comes one interval from now. NOT_RUNNING when it is not. */
BIGHT_API int bight_looping_call_reset(struct bight_looping_call *call);

BIGHT_API bool bight_looping_call_is_running(const struct bight_looping_call *call);

/* Inside the function: how many ticks have been left out since the last call (Twisted's withCount counts this plus
 * one). */
BIGHT_API uint64_t bight_looping_call_missed(const struct bight_looping_call *call);

/* From the next tick on each comes early or late by a random time of at most `fraction` (0 to 0.5) of the interval:
 * around its place on the grid, so that many calls begun together spread, none drifts, and none overtakes another. The
 * same `seed` yields the same times; 0 draws one from the clock. INVALID_ARGUMENT for another fraction; SYSTEM when the
 * clock returns no random bytes. */
BIGHT_API int bight_looping_call_set_jitter(struct bight_looping_call *call, double fraction, uint64_t seed);
BIGHT_API double bight_looping_call_get_jitter(const struct bight_looping_call *call); /* the fraction */

/* Stops with the scope, which waits for the call under way, and cancels that when it aborts; it cannot be started any
 * more then. Leaves any other scope; NULL: leaves. CANCELLED when the scope is closing. */
BIGHT_API int bight_looping_call_join_scope(struct bight_looping_call *call, struct bight_scope *scope);

/* -------------------------------------------------------------------------------- long work in pieces */

struct bight_cooperator;
struct bight_cooperative_task;

enum bight_step { BIGHT_STEP_MORE, BIGHT_STEP_DONE };

/* Does a small piece of the work. May do anything to the task and its cooperator. */
typedef enum bight_step (*bight_step_function)(struct bight_cooperative_task *task, void *context);

/* Works on its tasks in turn, one step each, for at most 10 ms of a turn of the clock's loop (or 10,000 steps, where
 * time stands still); then I/O and timers have theirs. NULL when out of memory. The clock is borrowed and must outlive
 * it. */
BIGHT_API BIGHT_MUST_USE struct bight_cooperator *bight_cooperator_new(struct bight_clock *clock);

/* Its tasks end: their Deferreds fail with ABANDONED, what they wait for is cancelled. NULL is allowed. */
BIGHT_API void bight_cooperator_free(struct bight_cooperator *cooperator);

/* How long one slice lasts; a step that has begun is not interrupted. 0: one step. INVALID_ARGUMENT when it is negative
 * or NaN. */
BIGHT_API int bight_cooperator_set_slice(struct bight_cooperator *cooperator, double seconds);
BIGHT_API double bight_cooperator_get_slice(const struct bight_cooperator *cooperator);

/* A new task, whose first step comes on a later turn. The handle is the caller's to release; NULL when out of memory or
 * a step (a usage error): then nothing was taken. The context is borrowed; the _full form releases it once, when the
 * task has ended, its step has returned and what it waited for has gone.
 *
 *     struct bight_cooperative_task *bight_cooperate(struct bight_cooperator *cooperator, bight_step_function step,
 *         void *context);
 *     struct bight_cooperative_task *bight_cooperate_full(struct bight_cooperator *cooperator,
 *         bight_step_function step, void *context, bight_release_function release); */
#define bight_cooperate(cooperator, step, context) bight_cooperate_at(BIGHT_HERE, (cooperator), (step), (context), NULL)
#define bight_cooperate_full(cooperator, step, context, release) \
    bight_cooperate_at(BIGHT_HERE, (cooperator), (step), (context), (release))

/* In a step: the next one waits until `deferred` (taken) has fired. Its value is discarded, its failure fails the task.
 * A step that answers DONE is done when it has fired. One at a time: a second one, and one outside the step, is a USAGE
 * error; after the end it is STALE; each is cancelled and released. */
BIGHT_API int bight_cooperative_task_await(struct bight_cooperative_task *task, struct bight_deferred *deferred);

/* Ends the task with a failure (taken), whatever the step answers. STALE when it has ended. A failure that is not asked
 * for (when_done) is logged when the task goes. */
BIGHT_API int bight_cooperative_task_fail(struct bight_cooperative_task *task, struct bight_failure *failure);

/* Pauses count. STALE when the task has ended; resuming one that is not paused is a USAGE error; OUT_OF_MEMORY: it
 * stays paused. */
BIGHT_API int bight_cooperative_task_pause(struct bight_cooperative_task *task);
BIGHT_API int bight_cooperative_task_resume(struct bight_cooperative_task *task);

/* Ends the task with CANCELLED and cancels what it waits for. STALE when it has ended. */
BIGHT_API int bight_cooperative_task_stop(struct bight_cooperative_task *task);

/* A Deferred that fires empty when the task is done, or fails with what ended it; also when that was before. Each call
 * returns one of its own: cancelling it does nothing to the task. Tasks of which each awaits the next one's end need
 * the stack of one when the first ends (D12).
 *
 *     struct bight_deferred *bight_cooperative_task_when_done(struct bight_cooperative_task *task); */
#define bight_cooperative_task_when_done(task) bight_cooperative_task_when_done_at(BIGHT_HERE, (task))

/* As a looping call's: closing the scope stops the task. STALE when it has ended. */
BIGHT_API int bight_cooperative_task_join_scope(struct bight_cooperative_task *task, struct bight_scope *scope);

/* Releases the handle; the task goes on. NULL is allowed. */
BIGHT_API void bight_cooperative_task_release(struct bight_cooperative_task *task);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_sleep_at(
    const char *place, struct bight_clock *clock, double seconds);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_defer_later_at(const char *place, struct bight_clock *clock,
    double seconds, bight_handler function, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_looping_call_start_at(
    const char *place, struct bight_looping_call *call, double seconds, bool now);
BIGHT_API BIGHT_MUST_USE struct bight_cooperative_task *bight_cooperate_at(const char *place,
    struct bight_cooperator *cooperator, bight_step_function step, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_cooperative_task_when_done_at(
    const char *place, struct bight_cooperative_task *task);

BIGHT_END

#endif
