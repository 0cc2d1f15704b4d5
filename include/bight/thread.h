/* SPDX-License-Identifier: MIT */
/* bight/thread.h - calls between threads: into the loop's thread, and out to a pool for work that blocks.
 *
 * bight_call_from_thread is the one function of bight, with the mailbox's hold and release, that may be called from
 * any thread. Other threads hold the reactor's mailbox and never the reactor (R9). */
#ifndef BIGHT_THREAD_H
#define BIGHT_THREAD_H

#include <bight/reactor.h>

BIGHT_BEGIN

struct bight_mailbox;

/* The reactor's mailbox with one more hold for the caller. Outlives the reactor. In the reactor's thread. */
BIGHT_API struct bight_mailbox *bight_reactor_mailbox(struct bight_reactor *reactor);

/* Any thread. */
BIGHT_API struct bight_mailbox *bight_mailbox_hold(struct bight_mailbox *mailbox);
BIGHT_API void bight_mailbox_release(struct bight_mailbox *mailbox);

/* Any thread: function(context) runs in the loop's thread, first come first served; a call made before run waits
 * for it. 0; SHUTDOWN when the reactor has gone; OUT_OF_MEMORY: then nothing was taken. In the _full form
 * release(context) is called once, in the loop's thread after the call, or when the reactor goes. */
BIGHT_API int bight_call_from_thread(struct bight_mailbox *mailbox, bight_timer_function function, void *context);
BIGHT_API int bight_call_from_thread_full(
    struct bight_mailbox *mailbox, bight_timer_function function, void *context, bight_release_function release);

/* Work that may block. Runs in a thread of the pool; puts a value or failure into `result` (empty at first), of a
 * type whose functions may be called in any thread. */
typedef void (*bight_thread_function)(struct bight_result *result, void *context);

/* R10: runs `function` in the reactor's pool; the Deferred fires in the loop's thread. Cancelled before it began,
 * it never runs; cancelled later, its result is discarded when it comes. `release` is called in the loop's
 * thread. A shutdown fails jobs that have not begun with SHUTDOWN and waits 5 s for those that run. One that runs
 * even longer fails with SHUTDOWN too and is reported; then its thread is left behind, and when the function returns at
 * last discards the result and calls `release` itself. In the child of a fork (R13) jobs that had not come home fail
 * with ABANDONED, and the context of one that was running is not released. SYSTEM when no thread can be started. */
#define bight_defer_to_thread(...) bight_defer_to_thread_at(BIGHT_HERE, __VA_ARGS__)
#define bight_defer_to_thread_full(...) bight_defer_to_thread_full_at(BIGHT_HERE, __VA_ARGS__)
BIGHT_API struct bight_deferred *bight_defer_to_thread_at(
    const char *place, struct bight_reactor *reactor, bight_thread_function function, void *context);
BIGHT_API struct bight_deferred *bight_defer_to_thread_full_at(const char *place, struct bight_reactor *reactor,
    bight_thread_function function, void *context, bight_release_function release);

/* Most threads at once, from 1 to 1024. Threads start when work waits and end when the limit sinks. 0 or
 * INVALID_ARGUMENT. */
BIGHT_API int bight_thread_pool_resize(struct bight_reactor *reactor, unsigned limit);

struct bight_thread_pool_figures {
    unsigned threads, busy; /* now */
    size_t queued;          /* jobs that wait for a thread */
};
BIGHT_API void bight_thread_pool_read_figures(struct bight_reactor *reactor, struct bight_thread_pool_figures *figures);

BIGHT_END

#endif
