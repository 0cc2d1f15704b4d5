/* SPDX-License-Identifier: MIT */
/* bight/coroutine.h - coroutines: a function that waits for Deferreds in the middle of its body.
 *
 * bight_spawn runs a function on a stack of its own and returns a Deferred of what it leaves in its result;
 * bight_await suspends it until another Deferred has its result. What waits costs a stack, of which only the touched
 * pages take memory, and no thread: everything runs in the reactor's thread, one at a time, and changes hands only
 * in bight_await. D35 and D36 of docs/semantics.md are the contract.
 *
 * A body runs on a small stack (256 KiB unless set otherwise): no large arrays, no deep recursion. It must not leave
 * by longjmp or by a C++ exception, and ends by returning. */
#ifndef BIGHT_COROUTINE_H
#define BIGHT_COROUTINE_H

#include <bight/reactor.h>
#include <bight/scope.h>

BIGHT_BEGIN

/* A coroutine's body. `result` is empty at first; what it holds when the body returns, a value or a failure, is the
 * outcome. The result stands alone: it cannot be chained. */
typedef void (*bight_coroutine_function)(struct bight_result *result, void *context);

/* Runs function(result, context) at once, on its own stack, until its first await that has to wait; returns a Deferred
 * that fires with the outcome. It may have fired already. Cancelling it cancels what the body waits for, each time
 * again (D36): the body sees CANCELLED, or whatever else came of that, and decides; while the body is not waiting, the
 * next await that would wait is cancelled instead. Letting go of the Deferred cancels nothing.
 *
 * Failures of its own, for which the body never runs: TOO_MANY_STACKS when the kernel maps no more stacks, LIMIT past
 * the limit that was set, SHUTDOWN while the reactor disconnects or is freed, OUT_OF_MEMORY, USAGE for no function or
 * no reactor.
 *
 * When a run of the reactor ends and when it is freed, whatever parked coroutines wait for is cancelled, so that they
 * unwind. A body that goes on waiting all the same is reported when the reactor is freed: its Deferred fails with
 * ABANDONED, it never runs again, and its stack is left behind, since others may point into it.
 *
 * The context is borrowed; in the _full form release(context) is called once, on the body's stack when it has returned,
 * or at once when it does not run.
 *
 *     struct bight_deferred *bight_spawn(struct bight_reactor *reactor, bight_coroutine_function function,
 *         void *context);
 *     struct bight_deferred *bight_spawn_full(struct bight_reactor *reactor, bight_coroutine_function function,
 *         void *context, bight_release_function release); */
#define bight_spawn(...) bight_spawn_at(BIGHT_HERE, __VA_ARGS__)
#define bight_spawn_full(...) bight_spawn_full_at(BIGHT_HERE, __VA_ARGS__)

/* The same with the Deferred tied to the scope before the body runs (D37): closing the scope cancels the body, and
 * the scope has not ended before the body has. CANCELLED when the scope is closing: then the body never runs.
 *
 *     struct bight_deferred *bight_spawn_in_scope(struct bight_scope *scope, struct bight_reactor *reactor,
 *         bight_coroutine_function function, void *context);
 *     struct bight_deferred *bight_spawn_in_scope_full(struct bight_scope *scope, struct bight_reactor *reactor,
 *         bight_coroutine_function function, void *context, bight_release_function release); */
#define bight_spawn_in_scope(...) bight_spawn_in_scope_at(BIGHT_HERE, __VA_ARGS__)
#define bight_spawn_in_scope_full(...) bight_spawn_in_scope_full_at(BIGHT_HERE, __VA_ARGS__)

/* In a coroutine: takes the Deferred's consumer's end, waits until it has fired and its handlers have run (through
 * chains and pauses, D5 to D7), and moves its value or failure into *result, whose former content is destroyed. Returns
 * 0, or the failure's code. A failure is the caller's then: passed on by returning when `result` is the body's own,
 * else cleared or taken.
 *
 *     if (bight_await(bight_connect(...), result) != 0) {
 *         return;
 *     }
 *
 * One that has fired returns its result at once, unless 256 in a row have: then the body goes on on a later turn, so
 * that a loop of such awaits never holds the reactor's (before a run: on its first turn). A cancel that comes until
 * then takes the place of a value, not of a failure; so does that of a reactor that is being freed. Waiting needs no
 * memory and so cannot fail. When what is awaited fires, the body goes on inside that call, on its own stack, and the
 * call returns when the body waits again or has ended. When coroutines go on letting each other through inside one call
 * (at a lock, a queue, an event), each goes on once and then about 256 times in all, the next on a later turn. CIRCULAR
 * when the Deferred waits for this very coroutine. Outside any coroutine: the Deferred is cancelled and released, and
 * the answer is USAGE.
 *
 *     int bight_await(struct bight_deferred *deferred, struct bight_result *result); */
#define bight_await(deferred, result) bight_await_at(BIGHT_HERE, (deferred), (result))

/* True on the stack of a coroutine, be it in its body or in something that the body called. */
BIGHT_API bool bight_in_coroutine(void);

/* The reactor of the coroutine on whose stack this is; NULL on no coroutine's. What a body calls is on its stack. What
 * it asked for and the loop calls later is not: a handler, a timer, the function of bight_map_limited. These are given
 * the reactor in their context. */
BIGHT_API struct bight_reactor *bight_coroutine_reactor(void);

/* bight_main (bight/reactor.h) for a program that is one coroutine, whose body this is. */
typedef void (*bight_main_body)(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv);
BIGHT_API int bight_main_coroutine(bight_main_body body, int argc, char **argv);

struct bight_coroutine_options {
    size_t size;         /* sizeof(struct bight_coroutine_options) */
    size_t stack_size;   /* address space of a stack in bytes, rounded up to pages; 16 KiB to 1 GiB. 0: 256 KiB */
    bool no_guard_pages; /* no unmapped page below each stack: then the kernel needs no two mappings for each, and an
                            overflow overwrites the next stack instead of ending the process */
    unsigned pool_limit; /* most stacks kept for reuse. 0: 64 */
    unsigned limit;      /* most coroutines at once. 0: as many as the kernel maps stacks for */
};

/* For coroutines spawned from now on. 0, INVALID_ARGUMENT, OUT_OF_MEMORY, or WRONG_THREAD in debug builds. */
BIGHT_API int bight_coroutine_set_options(struct bight_reactor *reactor, const struct bight_coroutine_options *options);
/* What holds now, with the defaults' figures in place of 0 (but `limit`, where 0 is none): fills as much as
 * options->size says. 0; INVALID_ARGUMENT for what is no size; OUT_OF_MEMORY. */
BIGHT_API int bight_coroutine_get_options(struct bight_reactor *reactor, struct bight_coroutine_options *options);

struct bight_coroutine_figures {
    size_t size;       /* sizeof(struct bight_coroutine_figures), set by the caller */
    size_t coroutines; /* that have begun and not ended */
    size_t pooled;     /* stacks kept for reuse */
};
/* Fills as much as figures->size says. 0, or INVALID_ARGUMENT for what is no size. */
BIGHT_API int bight_coroutine_read_figures(struct bight_reactor *reactor, struct bight_coroutine_figures *figures);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_spawn_at(
    const char *place, struct bight_reactor *reactor, bight_coroutine_function function, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_spawn_full_at(const char *place, struct bight_reactor *reactor,
    bight_coroutine_function function, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_spawn_in_scope_at(const char *place, struct bight_scope *scope,
    struct bight_reactor *reactor, bight_coroutine_function function, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_spawn_in_scope_full_at(const char *place,
    struct bight_scope *scope, struct bight_reactor *reactor, bight_coroutine_function function, void *context,
    bight_release_function release);
BIGHT_API int bight_await_at(const char *place, struct bight_deferred *deferred, struct bight_result *result);

BIGHT_END

#endif
