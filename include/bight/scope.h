/* SPDX-License-Identifier: MIT */
/* bight/scope.h - a scope owns what is started in it, and nothing outlives it (D37).
 *
 * Deferreds are tied to the scope's owner; timers are asked for through it; connections, ports, other scopes and
 * whatever else can be ended join as members (bight/sys/scope.h; bight_protocol_join_scope in bight/transport.h,
 * bight_looping_call_join_scope in bight/task.h). Closing asks every member to end, a deadline or a second close aborts
 * those that are left, and a Deferred says when all have gone. No reactor is needed to use it, only a clock.
 *
 * In debug mode (bight_deferred_set_debug) a scope warns of what tries to outlive it, with the place where that was
 * made: what is still there at its deadline or when it is freed, and what is started in it after it began to close. */
#ifndef BIGHT_SCOPE_H
#define BIGHT_SCOPE_H

#include <bight/deferred.h>

BIGHT_BEGIN

struct bight_scope;

/* How long a scope that closes by itself (bight_scope_set_deadline, bight_scope_run) lets its members end gracefully,
 * in seconds; bight_scope_set_grace sets another time. */
#define BIGHT_SCOPE_GRACE 5.0

/* NULL when out of memory. The clock is borrowed and must outlive the scope.
 *
 *     struct bight_scope *bight_scope_new(struct bight_clock *clock); */
#define bight_scope_new(clock) bight_scope_new_at(BIGHT_HERE, (clock))

/* A scope on the clock of `outer`, inside it (see bight_scope_join_scope). In one that is closing it is a scope that is
 * closed already, in which nothing can be started. It is the caller's to free, before or after the outer one.
 *
 *     struct bight_scope *bight_scope_new_inside(struct bight_scope *outer); */
#define bight_scope_new_inside(outer) bight_scope_new_inside_at(BIGHT_HERE, (outer))

/* Puts `inner` into `outer`, whose end waits for the end of the inner one from then on: closing the outer closes the
 * inner, with what is left of the outer's time; aborting it aborts the inner. It leaves the scope that it was in
 * before. CANCELLED when the outer is closing, CIRCULAR (a usage error) when it is the inner one or lies inside it. */
BIGHT_API int bight_scope_join_scope(struct bight_scope *inner, struct bight_scope *outer);

/* Cancels the tied Deferreds and timers, asks the members to close, and aborts those that are left after `seconds`
 * (0: at once; infinity: never). Closing again aborts at once. The Deferred fires empty when all have ended; it is
 * a new one each time. The scope's memory stays until bight_scope_free.
 *
 *     struct bight_deferred *bight_scope_close(struct bight_scope *scope, double seconds); */
#define bight_scope_close(scope, seconds) bight_scope_close_at(BIGHT_HERE, (scope), (seconds))

/* Aborts what is left, and frees the scope as soon as its last member has ended. NULL is allowed. A usage error for the
 * scope of bight_scope_run. */
BIGHT_API void bight_scope_free(struct bight_scope *scope);

/* Closes as bight_scope_close and hands the memory to the scope, which frees itself when the last member has ended: for
 * a scope without an owner. The Deferred fires empty then. Until it has fired the scope may still be used, to close it
 * again and thereby abort what is left, say. NULL is allowed: an empty success. Fails with USAGE, a usage error, for
 * the scope of bight_scope_run, and for one that is freed already.
 *
 *     struct bight_deferred *bight_scope_close_and_free(struct bight_scope *scope, double seconds); */
#define bight_scope_close_and_free(scope, seconds) bight_scope_close_and_free_at(BIGHT_HERE, (scope), (seconds))

/* The scope closes by itself `seconds` from now, and what is left of it then has its grace. A second deadline takes the
 * place of the first; infinity: none. 0, CANCELLED when it is closing, INVALID_ARGUMENT for a negative or NaN time,
 * OUT_OF_MEMORY and then the deadline is as it was. */
BIGHT_API int bight_scope_set_deadline(struct bight_scope *scope, double seconds);

/* 0 (aborts at once) to infinity. INVALID_ARGUMENT for a negative or NaN one. */
BIGHT_API int bight_scope_set_grace(struct bight_scope *scope, double seconds);

/* Seconds until the scope closes by itself, 0 when that is due; infinity: it has no deadline, or is closing. */
BIGHT_API double bight_scope_get_deadline(const struct bight_scope *scope);
BIGHT_API double bight_scope_get_grace(const struct bight_scope *scope);

/* True when it was its own deadline that closed it. */
BIGHT_API bool bight_scope_timed_out(const struct bight_scope *scope);

/* For bight_deferred_tie: the Deferred is cancelled when the scope closes. */
BIGHT_API struct bight_owner *bight_scope_owner(struct bight_scope *scope);

/* A call after `seconds` that is dropped when the scope closes. As bight_clock_call_later; CANCELLED when the
 * scope is closing, and then nothing was taken.
 *
 *     int bight_scope_call_later(struct bight_scope *scope, double seconds, bight_timer_function function,
 *         void *context, bight_release_function release, struct bight_timer *timer); */
#define bight_scope_call_later(scope, seconds, function, context, release, timer) \
    bight_scope_call_later_at(BIGHT_HERE, (scope), (seconds), (function), (context), (release), (timer))

/* True from the first close on. */
BIGHT_API bool bight_scope_is_closing(const struct bight_scope *scope);

/* Members, ties and timers that have not ended. */
BIGHT_API size_t bight_scope_count(const struct bight_scope *scope);

/* Starts things in `scope` and returns the Deferred (taken) of what it waits for itself; NULL: nothing. */
typedef struct bight_deferred *(*bight_scope_function)(struct bight_scope *scope, void *context);

/* A nursery: makes a scope and calls function(scope, context). When its Deferred has fired, either way, the scope is
 * closed with its grace, and when all that was started in it has ended the Deferred given here fires with the
 * function's result. Nothing outlives it: cancelling cancels the function's Deferred, or when that has fired aborts
 * what is left, and still waits for the end. When the scope's own deadline closes it the function's Deferred is
 * cancelled (unless it is tied to another owner), and its CANCELLED becomes TIMED_OUT. The scope goes with the end. No
 * function is a usage error, INVALID_ARGUMENT. The context is borrowed; the _full form releases it at the end, on every
 * path.
 *
 *     struct bight_deferred *bight_scope_run(struct bight_clock *clock, bight_scope_function function,
 *         void *context);
 *     struct bight_deferred *bight_scope_run_full(struct bight_clock *clock, bight_scope_function function,
 *         void *context, bight_release_function release); */
#define bight_scope_run(clock, function, context) bight_scope_run_at(BIGHT_HERE, (clock), (function), (context), NULL)
#define bight_scope_run_full(clock, function, context, release) \
    bight_scope_run_at(BIGHT_HERE, (clock), (function), (context), (release))

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_scope *bight_scope_new_at(const char *place, struct bight_clock *clock);
BIGHT_API BIGHT_MUST_USE struct bight_scope *bight_scope_new_inside_at(const char *place, struct bight_scope *outer);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_scope_close_at(
    const char *place, struct bight_scope *scope, double seconds);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_scope_close_and_free_at(
    const char *place, struct bight_scope *scope, double seconds);
BIGHT_API int bight_scope_call_later_at(const char *place, struct bight_scope *scope, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_scope_run_at(const char *place, struct bight_clock *clock,
    bight_scope_function function, void *context, bight_release_function release);

BIGHT_END

#endif
