/* SPDX-License-Identifier: MIT */
/* worker_pool.c - a pool of worker processes: its queue of jobs, and which worker gets which.
 *
 * Dispatching brings jobs and workers together and calls nothing of the program's; whatever changes one side asks for
 * it. Submitting therefore never fires another job's Deferred. One worker's processes and frames are in
 * worker_process.c, what happens to a pool whose workers die, and its end, in worker_pool_end.c. A job is the context
 * of its Deferred's canceller and goes when that fires. */
#include <string.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/options.h"
#include "deferred/deferred.h"
#include "deferred/promises.h"
#include "process/worker_pool.h"
#include "reactor/reactor.h"

enum { DEFAULT_WORKERS = 4, DEFAULT_QUEUE = 1000, DEFAULT_DEATHS = 5 };
static const size_t default_frame = (size_t)16 << 20;

/* -------------------------------------------------------------------------------------------- the jobs */

static void enqueue(struct bi_worker_job *job, bool first)
{
    struct bight_worker_pool *pool = job->pool;
    bi_list_append(first ? pool->queue.next : &pool->queue, &job->link);
    job->is_queued = true;
    pool->queued++;
}

static void dequeue(struct bi_worker_job *job)
{
    if (job->is_queued) {
        job->is_queued = false;
        job->pool->queued--;
        bi_list_remove(&job->link);
    }
}

static void free_job(void *context)
{
    struct bi_worker_job *job = context;
    bight_bytes_release(job->data);
    bight_free(job);
}

/* The cancelled one's worker does not matter any more, or is spared. */
static void cancel_job(struct bight_promise promise, void *context)
{
    struct bi_worker_job *job = context;
    struct bight_worker_pool *pool = job->pool;
    struct bi_worker *worker = job->worker;
    (void)promise;
    pool->figures.cancelled++;
    dequeue(job);
    if (worker != NULL) {
        bi_worker_drop_job(worker);
        if (!pool->options.spare_cancelled) {
            bi_worker_kill(worker);
        }
        bi_pool_dispatch(pool);
    }
    bi_list_remove(&job->link);
    bi_pool_hold(pool);
    bi_pool_look_for_end(pool);
    bi_pool_release(pool);
}

static void detach(struct bi_worker_job *job)
{
    dequeue(job);
    if (job->worker != NULL) {
        bi_worker_drop_job(job->worker);
    }
    bi_list_remove(&job->link);
}

void bi_worker_job_answer(struct bi_worker_job *job, struct bight_bytes *answer)
{
    detach(job);
    job->pool->figures.done++;
    (void)bight_callback(job->promise, &bight_type_bytes, answer);
}

void bi_worker_job_fail(struct bi_worker_job *job, struct bight_failure *failure)
{
    detach(job);
    job->pool->figures.failed++;
    if (bight_failure_is(
            failure, BIGHT_E_CANCELLED)) { /* the pool is freed or closed by its scope, or the reactor ends */
        bi_promise_end(job->promise, failure);
    } else {
        (void)bight_errback(job->promise, failure);
    }
}

void bi_worker_job_lose_worker(struct bi_worker_job *job, const struct bight_failure *reason)
{
    int code = bight_failure_code(reason);
    if (code == BIGHT_E_SHUTDOWN) {
        bi_worker_job_fail(job, bight_failure_hold(reason));
    } else if (job->pool->options.retry && !job->is_retried) {
        job->is_retried = true;
        enqueue(job, true);
    } else {
        bi_worker_job_fail(job, bight_failure_new_status(BIGHT_E_PROCESS_TERMINATED, bight_failure_status(reason),
                                    bight_failure_hold(reason), "a worker ended in the middle of a job"));
    }
}

void bi_pool_fail_queue(struct bight_worker_pool *pool, const struct bight_failure *failure)
{
    struct bi_link all;
    bi_list_take_all(&all, &pool->queue);
    while (!bi_list_is_empty(&all)) {
        bi_worker_job_fail(BI_CONTAINER(all.next, struct bi_worker_job, link), bight_failure_hold(failure));
    }
}

/* ---------------------------------------------------------------------------------------- dispatching */

/* NULL when there is none for the next job, and none can be had now. */
static struct bi_worker *find_worker(struct bight_worker_pool *pool)
{
    struct bight_failure *failure = NULL;
    if (pool->idle_count == 0) {
        bool full = pool->busy_count >= pool->options.workers;
        if (full || pool->is_paused || pool->is_freed || bi_reactor_is_ending(pool->reactor)) {
            return NULL;
        }
        int code = bi_worker_start(pool, &failure);
        if (code != 0) {
            failure = failure != NULL ? failure : bight_failure_of(code);
            bi_pool_note_death(pool, failure);
            bight_failure_release(failure);
            return NULL;
        }
    }
    return BI_CONTAINER(pool->idle.next, struct bi_worker, link);
}

void bi_pool_dispatch(struct bight_worker_pool *pool)
{
    while (pool->queued > 0) {
        struct bi_worker *worker = find_worker(pool);
        if (worker == NULL) {
            return;
        }
        struct bi_worker_job *job = BI_CONTAINER(pool->queue.next, struct bi_worker_job, link);
        dequeue(job);
        bi_worker_assign(worker, job);
    }
}

/* -------------------------------------------------------------------------------------------- submitting */

/* 0: the job is taken. */
static int find_obstacle(const char *place, const struct bight_worker_pool *pool, size_t size)
{
    if (bi_reactor_check_thread_at(place, pool->reactor, "bight_worker_pool_submit") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    if (pool->is_closing) {
        return BIGHT_E_CLOSED;
    }
    if (size > pool->options.frame_limit) {
        return BIGHT_E_TOO_LONG;
    }
    if (bi_reactor_is_ending(pool->reactor)) {
        return BIGHT_E_SHUTDOWN;
    }
    return pool->queued >= pool->options.queue_limit ? BIGHT_E_QUEUE_OVERFLOW : BIGHT_OK;
}

static struct bight_failure *refuse(const char *place, const struct bight_worker_pool *pool, size_t size)
{
    int code = find_obstacle(place, pool, size);
    if (code != 0) {
        return bight_failure_of(code);
    }
    bool is_hopeless = pool->is_broken && pool->idle_count + pool->busy_count == 0;
    return is_hopeless ? bight_failure_hold(pool->last_reason) : NULL;
}

struct bight_deferred *bight_worker_pool_submit_at(
    const char *place, struct bight_worker_pool *pool, const void *data, size_t size)
{
    struct bight_failure *refusal = refuse(place, pool, size);
    if (refusal != NULL) {
        pool->figures.failed++;
        return bight_fail_at(place, refusal);
    }
    struct bi_worker_job *job = bight_calloc(1, sizeof *job);
    struct bight_bytes *bytes = bight_bytes_new(data, size);
    if (job == NULL || bytes == NULL) {
        bight_free(job);
        bight_bytes_release(bytes);
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    job->pool = pool;
    job->data = bytes;
    bi_list_init(&job->link);
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, cancel_job, job, free_job);
    if (bight_promise_is_open(promise)) {
        job->promise = promise;
        enqueue(job, false);
        bi_pool_dispatch(pool);
    }
    return deferred;
}

/* ------------------------------------------------------------------------------------------------ making */

/* What is wrong with the options, in words; NULL: nothing. */
static const char *find_mistake(const struct bight_worker_pool_options *options)
{
    uint64_t nanoseconds;
    if (options->size == 0) {
        return "the options lack their size";
    }
    if (options->path == NULL && (options->argv == NULL || options->argv[0] == NULL)) {
        return "neither a path nor arguments name the program";
    }
    if (options->frame_limit > FRAME_CEILING) {
        return "the limit of frames is too large";
    }
    return bight_seconds_to_nanoseconds(options->job_seconds, &nanoseconds) != 0 ? BI_BAD_SECONDS : NULL;
}

static void fill_in(struct bight_worker_pool_options *options)
{
    options->workers = options->workers == 0 ? DEFAULT_WORKERS : options->workers;
    options->queue_limit = options->queue_limit == 0 ? DEFAULT_QUEUE : options->queue_limit;
    options->frame_limit = options->frame_limit == 0 ? default_frame : options->frame_limit;
    options->death_limit = options->death_limit == 0 ? DEFAULT_DEATHS : options->death_limit;
}

struct bight_worker_pool *bight_worker_pool_new(
    struct bight_reactor *reactor, const struct bight_worker_pool_options *given)
{
    struct bight_worker_pool_options options;
    bi_take_options(&options, sizeof options, given);
    const char *mistake = find_mistake(&options);
    if (mistake != NULL) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_worker_pool_new: %s", mistake);
        return NULL;
    }
    fill_in(&options);
    struct bight_worker_pool *pool = bight_calloc(1, sizeof *pool);
    if (pool == NULL || bi_pool_copy_texts(&options) != 0) {
        bight_free(pool);
        return NULL;
    }
    pool->reactor = reactor;
    pool->options = options;
    pool->holds = 1;
    bi_list_init(&pool->queue);
    bi_list_init(&pool->idle);
    bi_list_init(&pool->busy);
    bi_list_init(&pool->leaving);
    bi_list_init(&pool->closers);
    return pool;
}

int bight_worker_pool_read_figures(const struct bight_worker_pool *pool, struct bight_worker_pool_figures *figures)
{
    struct bight_worker_pool_figures all = pool->figures;
    all.workers = pool->idle_count + pool->busy_count;
    all.busy = pool->busy_count;
    all.queued = pool->queued;
    return bi_give_figures("bight_worker_pool_read_figures", figures, &all, sizeof all);
}
