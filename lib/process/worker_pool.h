/* SPDX-License-Identifier: MIT */
/* worker_pool.h - the inside of pools of worker processes, shared by the files of lib/transport/worker*.c.
 *
 * A job is in the queue, or a worker has it, or its promise is about to be fired; a worker is in one of the pool's
 * rings for as long as there is a process. The pool's memory stays until its owner and its last worker have gone. */
#ifndef BI_PROCESS_WORKER_POOL_H
#define BI_PROCESS_WORKER_POOL_H

#include <bight/bytes.h>
#include <bight/sys/scope.h>
#include <bight/worker_pool.h>

#include "base/list.h"
#include "process/worker_frame.h"

enum { WORKER_READS = 3, WORKER_WRITES = 4 }; /* descriptors of the worker's */

struct bi_worker_job {
    struct bi_link link;
    struct bight_worker_pool *pool;
    struct bi_worker *worker; /* NULL: it waits, or its promise is being fired */
    struct bight_promise promise;
    struct bight_bytes *data;
    bool is_queued, is_retried;
};

struct bi_worker {
    struct bight_process_protocol base;
    struct bi_link link; /* in one of the pool's rings */
    struct bight_worker_pool *pool;
    struct bi_worker_job *job; /* NULL: none, or one that was cancelled */
    bool is_busy;
    bool is_leaving; /* it gets no more jobs, and its end is no news */
    unsigned jobs_done;
    struct bight_timer timer; /* of its job, or for its leaving */
    struct bi_frame_reader reader;
};

struct bight_worker_pool {
    struct bight_reactor *reactor;
    struct bight_worker_pool_options options; /* with the defaults filled in; its texts are copies */
    unsigned holds;
    struct bi_link queue, idle, busy, leaving, closers;
    size_t queued;
    unsigned idle_count, busy_count;
    bool is_closing, is_freed;

    unsigned deaths_in_row;
    bool is_paused;  /* no worker is started until the timer has run */
    bool is_broken;  /* too many deaths: what waits fails with last_reason */
    bool is_to_fail; /* the timer is to do that */
    struct bight_timer timer;
    struct bight_failure *last_reason;

    struct bight_scope_member member;
    struct bight_worker_pool_figures figures;
};

static inline void bi_pool_hold(struct bight_worker_pool *pool)
{
    pool->holds++;
}
void bi_pool_release(struct bight_worker_pool *pool);

/* --- worker_pool.c */

/* Hands jobs to workers as far as there are both, and starts workers. Calls nothing of the program's. */
void bi_pool_dispatch(struct bight_worker_pool *pool);
/* Takes the job from the queue or its worker, and fires its promise: an answer, or a failure (both taken). */
void bi_worker_job_answer(struct bi_worker_job *job, struct bight_bytes *answer);
void bi_worker_job_fail(struct bi_worker_job *job, struct bight_failure *failure);
/* The worker that had the job has ended; `reason` is borrowed. */
void bi_worker_job_lose_worker(struct bi_worker_job *job, const struct bight_failure *reason);
/* All that wait; `failure` is borrowed. */
void bi_pool_fail_queue(struct bight_worker_pool *pool, const struct bight_failure *failure);

/* --- worker_pool_end.c */

/* A worker has ended by itself, or could not be started: no other for a while. `reason` is borrowed. */
void bi_pool_note_death(struct bight_worker_pool *pool, const struct bight_failure *reason);
/* Workers do their jobs. */
void bi_pool_note_life(struct bight_worker_pool *pool);
/* Ends idle workers and notifies the waiters, if the pool is closing and has come so far. The pool may be gone. */
void bi_pool_look_for_end(struct bight_worker_pool *pool);

/* --- worker_process.c */

/* Starts a worker, which is idle then. 0, or a code with *failure as for bight_spawn_process. */
int bi_worker_start(struct bight_worker_pool *pool, struct bight_failure **failure);
void bi_worker_assign(struct bi_worker *worker, struct bi_worker_job *job);
/* Its job is not its any more. */
void bi_worker_drop_job(struct bi_worker *worker);
/* Lets it end, or kills it. It gets no more jobs. */
void bi_worker_retire(struct bi_worker *worker);
void bi_worker_kill(struct bi_worker *worker);

/* --- worker_options.c */

/* Copies of all the texts. 0 or OUT_OF_MEMORY, and then nothing is left. */
int bi_pool_copy_texts(struct bight_worker_pool_options *options);
void bi_pool_free_texts(struct bight_worker_pool_options *options);

#endif
