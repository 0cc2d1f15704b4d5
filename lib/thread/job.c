/* SPDX-License-Identifier: MIT */
/* job.c - the jobs of a thread pool: handed in, run, and brought home to the loop's thread (R10).
 *
 * A finished job is itself the call that is posted to the mailbox, so coming home allocates nothing. A running job
 * belongs to its thread, any other to the loop. What it has of its pool when it comes home may be gone by then, so it
 * does not look. */
#include <bight/memory.h>

#include <errno.h>

#include "deferred/deferred.h"
#include "thread/pool.h"

/* ------------------------------------------------------------------------------------ in a pool thread */

static uint64_t now_in(const struct bight_thread_pool *pool)
{
    return pool->clock->ops->now(pool->clock);
}

static void add(uint64_t time, uint64_t *longest, uint64_t *total)
{
    *total += time;
    *longest = time > *longest ? time : *longest;
}

/* What is left of a job whose reactor did not wait for it. */
static void bury(struct bi_job *job)
{
    bight_result_discard(&job->result);
    if (job->release != NULL) {
        job->release(job->context);
    }
    bight_free(job);
}

static struct bi_job *begin_job(struct bight_thread_pool *pool)
{
    struct bi_job *job = BI_CONTAINER(pool->queue.next, struct bi_job, queued);
    bi_list_remove(&job->queued);
    pool->queued--;
    pool->running++;
    pool->in_jobs++;
    job->state = JOB_RUNNING;
    return job;
}

/* The job is not the thread's any more once it was posted. A clock other than the real one is the reactor's and gone
 * with it; but then a job takes no time for others to end the reactor in. */
void bi_pool_run_job(struct bight_thread_pool *pool)
{
    struct bi_job *job = begin_job(pool);
    uint64_t began = now_in(pool);
    add(began - job->since, &pool->sums.longest_wait, &pool->sums.total_wait);
    pthread_mutex_unlock(&pool->lock);
    job->function(&job->result, job->context);
    uint64_t ended = now_in(pool);
    pthread_mutex_lock(&pool->lock);
    pool->in_jobs--;
    add(ended - began, &pool->sums.longest_run, &pool->sums.total_run);
    pool->sums.done++;
    if (job->state != JOB_ORPHANED) {
        job->state = JOB_DONE;
        pool->running--;
        if (bi_mailbox_post(pool->mailbox, &job->call) == 0) {
            return;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    bury(job);
    pthread_mutex_lock(&pool->lock);
}

/* --------------------------------------------------------------------------------- in the loop's thread */

void bi_job_settle(struct bi_job *job, int code)
{
    job->settled = true;
    bi_list_remove(&job->outstanding);
    if (job->cancelled) {
        bight_result_discard(&job->result);
    } else if (code != 0) {
        bight_result_discard(&job->result);
        bi_promise_end(job->promise, bight_failure_of(code));
    } else if (bight_result_failure(&job->result) != NULL) {
        bight_errback(job->promise, bight_result_take_failure(&job->result));
    } else {
        const struct bight_type *type = job->result.type;
        bight_callback(job->promise, type, type != NULL ? bight_result_take(&job->result, type) : NULL);
    }
}

void bi_job_release_context(struct bi_job *job)
{
    if (job->release != NULL) {
        job->release(job->context);
        job->release = NULL;
    }
}

void bi_job_come_home(struct bi_call *call, bool dropped)
{
    struct bi_job *job = BI_CONTAINER(call, struct bi_job, call);
    if (!job->settled) {
        bi_job_settle(job, dropped ? BIGHT_E_SHUTDOWN : 0);
    }
    bi_job_release_context(job);
    bight_free(job);
}

void bi_job_fail(struct bi_job *job, int code)
{
    if (job->task.run != NULL) {
        bi_reactor_unqueue(job->pool->reactor, &job->task);
    }
    bi_job_settle(job, code);
    bi_job_release_context(job);
    bight_free(job);
}

bool bi_job_unqueue(struct bi_job *job)
{
    struct bight_thread_pool *pool = job->pool;
    pthread_mutex_lock(&pool->lock);
    bool waits = job->state == JOB_QUEUED;
    if (waits && job->queued.next != &job->queued) {
        bi_list_remove(&job->queued);
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return waits;
}

bool bi_job_orphan(struct bi_job *job)
{
    pthread_mutex_lock(&job->pool->lock);
    bool runs = job->state == JOB_RUNNING;
    if (runs) {
        job->state = JOB_ORPHANED;
        job->pool->running--;
    }
    pthread_mutex_unlock(&job->pool->lock);
    return runs;
}

/* One that has come home is not in its pool's hands any more, but then its Deferred has fired. */
static void cancel_job(struct bight_promise promise, void *context)
{
    struct bi_job *job = context;
    (void)promise;
    job->cancelled = true;
    if (bi_job_unqueue(job)) {
        bi_job_fail(job, BIGHT_E_CANCELLED);
    } else if (job->pool->forgets) {
        bi_list_remove(&job->outstanding); /* before it is the thread's */
        (void)bi_job_orphan(job);
    }
}

static struct bi_job *new_job(bight_thread_function function, void *context, bight_release_function release)
{
    struct bi_job *job = bight_calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->call.run = bi_job_come_home;
    bi_list_init(&job->queued);
    bi_list_init(&job->outstanding);
    job->function = function;
    job->context = context;
    job->release = release;
    return job;
}

/* Hands the job to the threads. Without any thread, and no way to start one, it fails. */
static void submit(struct bight_thread_pool *pool, struct bi_job *job)
{
    job->pool = pool;
    job->since = now_in(pool);
    bi_list_append(&pool->outstanding, &job->outstanding);
    bi_pool_join_ended(pool);
    pthread_mutex_lock(&pool->lock);
    bi_list_append(&pool->queue, &job->queued);
    pool->queued++;
    pthread_cond_signal(&pool->work);
    bool alone = pool->threads == 0;
    pthread_mutex_unlock(&pool->lock);
    int number = bi_pool_find_worker(pool);
    if (number == 0 || !alone) {
        return;
    }
    bi_job_unqueue(job);
    bight_result_fail(&job->result, number == ENOMEM ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY)
                                                     : bight_failure_from_errno(number, "starting a thread"));
    bi_job_fail(job, 0);
}

/* Why the pool takes no job now; 0: it does. */
static int refusal(const char *place, struct bight_thread_pool *pool, bight_thread_function function)
{
    if (function == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_thread_pool_defer: there is no function");
    }
    if (pool == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bi_reactor_check_thread_at(place, pool->reactor, "bight_thread_pool_defer");
    if (code != 0) {
        return code;
    }
    if (pool->hub->is_ending || pool->stopping || bi_reactor_is_freeing(pool->reactor)) {
        return BIGHT_E_SHUTDOWN;
    }
    pthread_mutex_lock(&pool->lock);
    size_t most = pool->queue_limit > SIZE_MAX - pool->limit ? SIZE_MAX : pool->queue_limit + pool->limit;
    bool full = pool->running + pool->queued >= most;
    pthread_mutex_unlock(&pool->lock);
    return full ? BIGHT_E_QUEUE_OVERFLOW : 0;
}

static struct bight_deferred *refuse(const char *place, int code, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_thread_pool_defer_full_at(const char *place, struct bight_thread_pool *pool,
    bight_thread_function function, void *context, bight_release_function release)
{
    int code = refusal(place, pool, function);
    if (code != 0) {
        return refuse(place, code, context, release);
    }
    struct bi_job *job = new_job(function, context, release);
    if (job == NULL) {
        return refuse(place, BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &job->promise, cancel_job, job, NULL);
    if (!bight_promise_is_open(job->promise)) {
        bi_job_release_context(job);
        bight_free(job);
        return deferred;
    }
    submit(pool, job);
    return deferred;
}

struct bight_deferred *bight_thread_pool_defer_at(
    const char *place, struct bight_thread_pool *pool, bight_thread_function function, void *context)
{
    return bight_thread_pool_defer_full_at(place, pool, function, context, NULL);
}

struct bight_deferred *bight_defer_to_thread_full_at(const char *place, struct bight_reactor *reactor,
    bight_thread_function function, void *context, bight_release_function release)
{
    if (bi_reactor_is_freeing(reactor)) {
        return refuse(place, BIGHT_E_SHUTDOWN, context, release);
    }
    int code = bi_reactor_check_thread_at(place, reactor, "bight_defer_to_thread");
    if (code != 0) {
        return refuse(place, code, context, release);
    }
    return bight_thread_pool_defer_full_at(place, bight_reactor_thread_pool(reactor), function, context, release);
}

struct bight_deferred *bight_defer_to_thread_at(
    const char *place, struct bight_reactor *reactor, bight_thread_function function, void *context)
{
    return bight_defer_to_thread_full_at(place, reactor, function, context, NULL);
}
