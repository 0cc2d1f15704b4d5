/* SPDX-License-Identifier: MIT */
/* bight/thread.h - calls between threads: into the loop's thread, and out to pools for work that blocks.
 *
 * The mailbox's functions, bight_call_from_thread and bight_blocking_call_from_thread may be called from any thread;
 * all others of bight that have to do with a reactor in its thread only. Other threads hold the reactor's mailbox and
 * never the reactor (R9). */
#ifndef BIGHT_THREAD_H
#define BIGHT_THREAD_H

#include <bight/reactor.h>

BIGHT_BEGIN

struct bight_mailbox;

/* The reactor's mailbox with one more hold for the caller. Outlives the reactor. In the reactor's thread. */
BIGHT_API BIGHT_MUST_USE struct bight_mailbox *bight_reactor_mailbox(struct bight_reactor *reactor);

/* Any thread. */
BIGHT_API struct bight_mailbox *bight_mailbox_hold(struct bight_mailbox *mailbox);
BIGHT_API void bight_mailbox_release(struct bight_mailbox *mailbox);

/* Any thread: function(context) runs in the loop's thread, first come first served, at most 1024 a turn; a call made
 * before run waits for it. 0; SHUTDOWN when the reactor has gone; QUEUE_OVERFLOW when as many wait as the reactor's
 * call_limit says; OUT_OF_MEMORY: then nothing was taken. In the _full form
 * release(context) is called once, in the loop's thread after the call, or when the reactor goes. */
BIGHT_API int bight_call_from_thread(struct bight_mailbox *mailbox, bight_timer_function function, void *context);
BIGHT_API int bight_call_from_thread_full(
    struct bight_mailbox *mailbox, bight_timer_function function, void *context, bight_release_function release);

/* ------------------------------------------------------------------- calls that wait for their answer */

/* What is called in the loop's thread. Returns a Deferred (taken), or NULL for an empty success. */
typedef struct bight_deferred *(*bight_blocking_function)(void *context);

/* From any thread but the loop's: function(context) runs in the loop's thread, in order with other calls, and this one
 * blocks until the Deferred's handlers so far have run. What they leave is moved into *result (zeroed or a result; what
 * was there is destroyed) and is the caller's: its type's functions must be fit for any thread. With `result` NULL it
 * is destroyed in the loop's thread.
 *
 * 0, or the code of the failure that is in *result then. Apart from those of the Deferred: SHUTDOWN, and `function` is
 * not called, when the reactor has gone or its run has ended; also when the run ends meanwhile, and then the Deferred
 * is cancelled. OUT_OF_MEMORY. INVALID_ARGUMENT, a usage error, for no function. WRONG_THREAD, a usage error, in the
 * thread that runs the reactor or, until one has run it, the one that made it. Called elsewhere before the first run,
 * it waits for that, or for the reactor to be freed. In the child of a fork the Deferreds of its parent's calls are
 * cancelled.
 *
 * When it returns, the function has returned or will never be called; so `context` may be on the caller's stack. */
BIGHT_API int bight_blocking_call_from_thread(
    struct bight_mailbox *mailbox, bight_blocking_function function, void *context, struct bight_result *result);

/* The same for `seconds` of real time. When they are over: TIMED_OUT at once if the function has not been called, which
 * it then never is; else the Deferred is cancelled in the loop's thread, and TIMED_OUT given when that is done, unless
 * it produced something better than CANCELLED. So a loop that is stuck in a handler can make it late. What a Deferred
 * that goes on in spite of a cancel brings later is discarded. INVALID_ARGUMENT for a negative or NaN time. */
BIGHT_API int bight_blocking_call_from_thread_timeout(struct bight_mailbox *mailbox, bight_blocking_function function,
    void *context, double seconds, struct bight_result *result);

/* --------------------------------------------------------------------------------------- work that blocks */

/* A bounded number of threads for work that blocks, and a queue of jobs before them (R10). A reactor has one of its
 * own; a program may make others, so that one kind of work does not wait behind another. Name look-ups have threads
 * apart. */
struct bight_thread_pool;

/* A pool of at most `limit` threads (1 to 1024); none is started before there is work. The name, of 1 to 15 bytes, is
 * copied; its threads carry it (as `ps -L` and debuggers show), and so does the log. NULL when out of memory, and, as a
 * usage error, for a name or limit out of range. The reactor's: freed with it at the latest. */
BIGHT_API BIGHT_MUST_USE struct bight_thread_pool *bight_thread_pool_new(
    struct bight_reactor *reactor, const char *name, unsigned limit);

/* Ends it as a shutdown would, except that what fails fails with ABANDONED: jobs that have not begun, and those that
 * still run after 5 s. A job that is inside bight_blocking_call_from_thread is told SHUTDOWN there. May be called in
 * any handler, those of the pool's own jobs included. NULL is allowed. The reactor's own pool stays (a usage error). */
BIGHT_API void bight_thread_pool_free(struct bight_thread_pool *pool);

/* The reactor's own pool, named "bight", which it keeps; made when it is first asked for, with the limit of the
 * reactor's options. NULL when out of memory, which the functions below put up with. */
BIGHT_API struct bight_thread_pool *bight_reactor_thread_pool(struct bight_reactor *reactor);

/* Runs in a thread of a pool. Puts a value or failure into `result` (empty at first), of a type whose functions may be
 * called in any thread. Touches nothing of a reactor's but its mailbox. */
typedef void (*bight_thread_function)(struct bight_result *result, void *context);

/* Runs `function` in the pool, first come first served; the Deferred fires in the loop's thread. Cancelled before it
 * began, it never runs; cancelled later, its result is discarded when it comes. `release` is called in the loop's
 * thread. At the end of each run of the reactor, jobs that have not begun fail with SHUTDOWN, and those that run are
 * waited for, 5 s for all pools together. One that runs even longer fails with SHUTDOWN too and is reported; then its
 * thread is left behind, and when the function returns at last discards the result and calls `release` itself. The pool
 * can be used again when the shutdown is over. In the child of a fork (R13) jobs that had not come home fail with
 * ABANDONED, and the context of one that was running is not release. SYSTEM when no thread can be started;
 * QUEUE_OVERFLOW when too many wait; OUT_OF_MEMORY, also for a pool of NULL; INVALID_ARGUMENT, a usage error, for no
 * function.
 *
 *     struct bight_deferred *bight_thread_pool_defer(struct bight_thread_pool *pool, bight_thread_function function,
 *         void *context);
 *     struct bight_deferred *bight_thread_pool_defer_full(struct bight_thread_pool *pool,
 *         bight_thread_function function, void *context, bight_release_function release); */
#define bight_thread_pool_defer(...) bight_thread_pool_defer_at(BIGHT_HERE, __VA_ARGS__)
#define bight_thread_pool_defer_full(...) bight_thread_pool_defer_full_at(BIGHT_HERE, __VA_ARGS__)

/* The short form for the reactor's own pool.
 *
 *     struct bight_deferred *bight_defer_to_thread(struct bight_reactor *reactor, bight_thread_function function,
 *         void *context);
 *     struct bight_deferred *bight_defer_to_thread_full(struct bight_reactor *reactor,
 *         bight_thread_function function, void *context, bight_release_function release); */
#define bight_defer_to_thread(...) bight_defer_to_thread_at(BIGHT_HERE, __VA_ARGS__)
#define bight_defer_to_thread_full(...) bight_defer_to_thread_full_at(BIGHT_HERE, __VA_ARGS__)

/* Fires empty when no job is left in the pool: at once when there is none. A job is left until its function has
 * returned, also one that was cancelled while it ran, and its Deferred's handlers have run; what is handed in while
 * this waits is waited for too. Cancelling ends the wait alone. At the end of a run every job ends, so it fires
 * then. ABANDONED when the pool is freed; OUT_OF_MEMORY, also for a pool of NULL.
 *
 *     struct bight_deferred *bight_thread_pool_join(struct bight_thread_pool *pool); */
#define bight_thread_pool_join(pool) bight_thread_pool_join_at(BIGHT_HERE, (pool))

/* Most threads at once, from 1 to 1024. Threads start when work waits and end when the limit sinks. 0 or
 * INVALID_ARGUMENT; OUT_OF_MEMORY for a pool of NULL. */
BIGHT_API int bight_thread_pool_resize(struct bight_thread_pool *pool, unsigned limit);
BIGHT_API unsigned bight_thread_pool_limit(struct bight_thread_pool *pool); /* 0 for a pool of NULL */

/* Most jobs that may wait when every thread has work; more fail with QUEUE_OVERFLOW. 0: none may wait. SIZE_MAX, the
 * default: no limit. What waits already stays. 0, or OUT_OF_MEMORY for a pool of NULL. */
BIGHT_API int bight_thread_pool_set_queue_limit(struct bight_thread_pool *pool, size_t limit);
BIGHT_API size_t bight_thread_pool_get_queue_limit(struct bight_thread_pool *pool); /* 0 for a pool of NULL */

struct bight_thread_pool_figures {
    size_t size;            /* sizeof(struct bight_thread_pool_figures), set by the caller */
    unsigned threads, busy; /* now */
    unsigned limit;         /* of threads */
    size_t queued;          /* jobs that no thread has begun */
    uint64_t done;          /* jobs that have run, since the pool was made */
    /* Nanoseconds: how long jobs that were begun had waited, and how long those that are done have run. */
    uint64_t longest_wait, total_wait;
    uint64_t longest_run, total_run;
};
/* Fills as much as figures->size says; all is zero for a pool of NULL. 0, or INVALID_ARGUMENT for what is no size. */
BIGHT_API int bight_thread_pool_read_figures(struct bight_thread_pool *pool, struct bight_thread_pool_figures *figures);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_thread_pool_defer_at(
    const char *place, struct bight_thread_pool *pool, bight_thread_function function, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_thread_pool_defer_full_at(const char *place,
    struct bight_thread_pool *pool, bight_thread_function function, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_defer_to_thread_at(
    const char *place, struct bight_reactor *reactor, bight_thread_function function, void *context);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_defer_to_thread_full_at(const char *place,
    struct bight_reactor *reactor, bight_thread_function function, void *context, bight_release_function release);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_thread_pool_join_at(
    const char *place, struct bight_thread_pool *pool);

BIGHT_END

#endif
