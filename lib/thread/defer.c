/* SPDX-License-Identifier: MIT */
/* defer.c - handing a job to a pool: what is refused, and what results from it as a Deferred (R10).
 *
 * A refusal is a Deferred that has failed, and releases the context at once. A job's way from the queue to its end is
 * job.c's, the threads pool_threads.c's, pools pool.c's. */
#include <errno.h>

#include "deferred/deferred.h"
#include "thread/pool.h"

static void cancel_job(struct bight_promise promise, void *context)
{
    (void)promise;
    bi_job_end(context, BIGHT_E_CANCELLED);
}

/* Without any thread, and no way to start one, it fails. */
static void submit(struct bi_job *job)
{
    bi_pool_join_ended(job->pool);
    bool has_threads = bi_job_queue(job);
    int number = bi_pool_find_worker(job->pool);
    if (number != 0 && !has_threads) {
        bight_result_fail(&job->result, number == ENOMEM ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY)
                                                         : bight_failure_from_errno(number, "starting a thread"));
        bi_job_end(job, 0);
    }
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
    if (pool->hub->is_ending || pool->crew.is_ending || bi_reactor_is_freeing(pool->reactor)) {
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
    struct bi_job *job = bi_job_new(pool, function, context, release);
    if (job == NULL) {
        return refuse(place, BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &job->promise, cancel_job, job, NULL);
    if (bight_promise_is_open(job->promise)) {
        submit(job);
    } else {
        bi_job_end(job, BIGHT_E_OUT_OF_MEMORY);
    }
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
