/* SPDX-License-Identifier: MIT */
/* bight/worker_pool.h - a pool of worker processes: jobs in, answers out.
 *
 * The multiprocessing.Pool of this world, for work that computes for long, may crash, or is another program's. Workers
 * are started when jobs wait and kept; one that dies is replaced. A job is bytes, its answer is bytes. What a worker
 * has to do is in bight/worker.h, what goes over its pipes in docs/workers.md. Only in the reactor's thread. */
#ifndef BIGHT_WORKER_POOL_H
#define BIGHT_WORKER_POOL_H

#include <bight/process.h>

BIGHT_BEGIN

struct bight_worker_pool;

/* Zero always means the default. All is copied. */
struct bight_worker_pool_options {
    size_t size;      /* sizeof(struct bight_worker_pool_options) */
    const char *path; /* the worker program; these four as in struct bight_process_options */
    const char *const *argv;
    const char *const *environment;
    const char *directory;

    unsigned workers;         /* most at once. 0: 4 */
    unsigned jobs_per_worker; /* then it is replaced. 0: no limit */
    double job_seconds;       /* a job that takes longer fails with TIMED_OUT, and its worker is killed. 0: no limit */
    size_t queue_limit;       /* most jobs that wait. 0: 1000 */
    size_t frame_limit;       /* most bytes of a job or an answer. 0: 16 MiB; at most 1 GiB */
    unsigned death_limit;     /* see below. 0: 5 */
    bool retry;               /* a job whose worker died is given to another, once */
    bool spare_cancelled;     /* a worker whose job is cancelled is left to finish it instead of being killed */
    const void *reserved[4];
};

/* NULL when out of memory, or for options that make no sense (a usage error). Starts nothing. */
BIGHT_API BIGHT_MUST_USE struct bight_worker_pool *bight_worker_pool_new(
    struct bight_reactor *reactor, const struct bight_worker_pool_options *options);

/* A Deferred of the answer (bight_type_bytes); `data` is copied. Jobs begin in the order in which they were submitted.
 * Fails with APPLICATION and the worker's message when the worker says so; PROCESS_TERMINATED when the worker ended or
 * broke the rules of the pipe (the cause says how); TIMED_OUT; QUEUE_OVERFLOW; TOO_LONG for a job over the frame limit;
 * CLOSED after closing; ABANDONED when the pool is freed; SHUTDOWN when the reactor's run ends.
 *
 * Workers that end by themselves are replaced after a pause that grows from 0.1 s to 10 s until a job is done. After
 * death_limit of them in a row, or when the program cannot be started at all, every job that waits fails with the last
 * one's reason, and so do jobs that are submitted in the next 10 s.
 *
 * Cancelling a job that waits takes it out; cancelling one that runs kills its worker, which is replaced.
 *
 *     struct bight_deferred *bight_worker_pool_submit(struct bight_worker_pool *pool, const void *data, size_t size);
 */
#define bight_worker_pool_submit(...) bight_worker_pool_submit_at(BIGHT_HERE, __VA_ARGS__)

/* Takes no more jobs, does those that it has, then lets the workers end (5 s, then they are killed). The Deferred fires
 * empty when all have been reaped. May be asked again.
 *
 *     struct bight_deferred *bight_worker_pool_close(struct bight_worker_pool *pool); */
#define bight_worker_pool_close(...) bight_worker_pool_close_at(BIGHT_HERE, __VA_ARGS__)

/* Kills the workers and fails the jobs with ABANDONED. Legal at any time; NULL is allowed. Deferreds of close fire when
 * the workers have been reaped. */
BIGHT_API void bight_worker_pool_free(struct bight_worker_pool *pool);

/* D37. The scope's close closes the pool; at its deadline the jobs fail with CANCELLED and the workers are killed. The
 * pool is still to be freed. 0, or CANCELLED when the scope is closing. */
BIGHT_API int bight_worker_pool_join_scope(struct bight_worker_pool *pool, struct bight_scope *scope);

struct bight_worker_pool_figures {
    size_t size;                      /* sizeof(struct bight_worker_pool_figures), set by the caller */
    unsigned workers, busy;           /* now; those that are ending do not count */
    size_t queued;                    /* jobs that wait for a worker */
    uint64_t done, failed, cancelled; /* jobs so far; failed with or without an answer */
    uint64_t started, deaths;         /* workers so far; those of them that ended by themselves */
};
/* Fills as much as figures->size says. 0, or INVALID_ARGUMENT for what is no size. */
BIGHT_API int bight_worker_pool_read_figures(
    const struct bight_worker_pool *pool, struct bight_worker_pool_figures *figures);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_worker_pool_submit_at(
    const char *place, struct bight_worker_pool *pool, const void *data, size_t size);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_worker_pool_close_at(
    const char *place, struct bight_worker_pool *pool);

BIGHT_END

#endif
