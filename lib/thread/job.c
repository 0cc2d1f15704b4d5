/* SPDX-License-Identifier: MIT */
/* job.c - a job of a thread pool, from the queue to its end (R10).
 *
 * It is queued, run by a thread, and posted to the mailbox, itself the call, so that coming home allocates nothing. A
 * job ends once, in the loop's thread, wherever it is by then: at home as a rule, or when it is cancelled, its pool or
 * the run ends, no thread can be had, or the process is another. What is due then depends on its holder:
 *
 *                   its Deferred gets    result and context go            the job is freed
 *     the loop      the code             now                              now
 *     the queue     the code             now                              now
 *     a thread      the code             when the function returns,       likewise
 *                                        and in that thread
 *     the mailbox   its own result       now                              when it arrives
 *
 * With the code 0 the Deferred gets the job's own result; with CANCELLED nothing, since its canceller fires it. One
 * that is cancelled while it runs has not ended yet: it comes home, unless its pool forgets. The pool is there until
 * the job has ended; what arrives later does not look at it. */
#include <bight/memory.h>

#include "deferred/deferred.h"
#include "thread/pool.h"

/* Under the lock. */
static void move(struct bi_job *job, enum bi_job_place to)
{
    struct bight_thread_pool *pool = job->pool;
    pool->queued -= job->place == BI_JOB_QUEUED;
    pool->running -= job->place == BI_JOB_RUNNING;
    pool->queued += to == BI_JOB_QUEUED;
    pool->running += to == BI_JOB_RUNNING;
    bi_list_remove(&job->queued);
    job->place = to;
}

/* ------------------------------------------------------------------------------------------- its end */

/* By its last holder. */
static void let_go(struct bi_job *job)
{
    bight_result_discard(&job->result);
    if (job->release != NULL) {
        job->release(job->context);
        job->release = NULL;
    }
}

static void give_result(struct bight_promise promise, struct bight_result *result)
{
    if (bight_result_failure(result) != NULL) {
        bight_errback(promise, bight_result_take_failure(result));
    } else {
        const struct bight_type *type = result->type;
        bight_callback(promise, type, type != NULL ? bight_result_take(result, type) : NULL);
    }
}

/* The promise of a job that was cancelled while it ran is not open. */
static void tell(struct bight_promise promise, struct bight_result *result, int code)
{
    if (code == 0 && bight_promise_is_open(promise)) {
        give_result(promise, result);
    } else if (code != 0 && code != BIGHT_E_CANCELLED) {
        bi_promise_end(promise, bight_failure_of(code));
    }
}

/* Takes it from its holder. False: it is not to end yet. */
static bool take(struct bi_job *job, int code, enum bi_job_place *place)
{
    struct bight_thread_pool *pool = job->pool;
    pthread_mutex_lock(&pool->lock);
    *place = job->place;
    bool ends = code != BIGHT_E_CANCELLED || *place != BI_JOB_RUNNING || pool->forgets;
    if (ends) {
        bi_list_remove(&job->outstanding);
        move(job, BI_JOB_ENDED);
    }
    pthread_mutex_unlock(&pool->lock);
    return ends;
}

/* The table above; a job that runs may have been freed by its thread. */
static void end_at(enum bi_job_place place, struct bi_job *job, struct bight_promise promise, int code)
{
    if (place == BI_JOB_RUNNING) {
        tell(promise, NULL, code);
        return;
    }
    tell(promise, &job->result, place == BI_JOB_POSTED && code != BIGHT_E_CANCELLED ? 0 : code);
    let_go(job);
    if (place != BI_JOB_POSTED) {
        bight_free(job);
    }
}

void bi_job_end(struct bi_job *job, int code)
{
    struct bight_promise promise = job->promise;
    enum bi_job_place place;
    bi_reactor_unqueue(job->pool->reactor, &job->task);
    struct bight_thread_pool *pool = job->pool;
    if (take(job, code, &place)) {
        bi_pool_job_left(pool);
        end_at(place, job, promise, code);
    }
}

/* By now it is the loop's alone, and the lock is spared. A reactor that goes drops none that has not ended. */
static void come_home(struct bi_call *call, bool dropped)
{
    struct bi_job *job = BI_CONTAINER(call, struct bi_job, call);
    (void)dropped;
    if (job->place == BI_JOB_ENDED) {
        bight_free(job);
        return;
    }
    bi_list_remove(&job->outstanding);
    bi_pool_job_left(job->pool);
    end_at(BI_JOB_LOOPS, job, job->promise, 0);
}

static void give_up(struct bi_task *task)
{
    bi_job_end(BI_CONTAINER(task, struct bi_job, task), BIGHT_E_ABANDONED);
}

/* A result half made by a thread that is not here is not looked at, and the context was in use. */
void bi_job_lose(struct bi_job *job)
{
    if (job->place == BI_JOB_POSTED) {
        return;
    }
    if (job->place == BI_JOB_RUNNING) {
        job->release = NULL;
        job->result = (struct bight_result) { 0 };
    }
    move(job, BI_JOB_LOOPS);
    bi_reactor_soon(job->pool->reactor, &job->task, give_up);
}

/* ----------------------------------------------------------------------------------- queued and run */

struct bi_job *bi_job_new(
    struct bight_thread_pool *pool, bight_thread_function function, void *context, bight_release_function release)
{
    struct bi_job *job = bight_calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->call.run = come_home;
    bi_list_init(&job->queued);
    bi_list_init(&job->outstanding);
    job->pool = pool;
    job->function = function;
    job->context = context;
    job->release = release;
    return job;
}

static uint64_t now_in(const struct bight_thread_pool *pool)
{
    return pool->clock->ops->now(pool->clock);
}

bool bi_job_queue(struct bi_job *job)
{
    struct bight_thread_pool *pool = job->pool;
    job->since = now_in(pool);
    bi_list_append(&pool->outstanding, &job->outstanding);
    pthread_mutex_lock(&pool->lock);
    move(job, BI_JOB_QUEUED);
    bi_list_append(&pool->queue, &job->queued);
    pthread_cond_signal(&pool->work);
    bool has_threads = pool->threads != 0;
    pthread_mutex_unlock(&pool->lock);
    return has_threads;
}

static void add(uint64_t time, uint64_t *longest, uint64_t *total)
{
    *total += time;
    *longest = time > *longest ? time : *longest;
}

/* The mailbox is open: before it closes all jobs have ended. A clock other than the real one is the reactor's and gone
 * with it; but then a job takes no time for others to end the reactor in. */
void bi_job_run_oldest(struct bight_thread_pool *pool)
{
    struct bi_job *job = BI_CONTAINER(pool->queue.next, struct bi_job, queued);
    uint64_t began = now_in(pool);
    add(began - job->since, &pool->sums.longest_wait, &pool->sums.total_wait);
    move(job, BI_JOB_RUNNING);
    pool->in_jobs++;
    pthread_mutex_unlock(&pool->lock);
    job->function(&job->result, job->context);
    uint64_t ended = now_in(pool);
    pthread_mutex_lock(&pool->lock);
    pool->in_jobs--;
    add(ended - began, &pool->sums.longest_run, &pool->sums.total_run);
    pool->sums.done++;
    if (job->place != BI_JOB_ENDED) {
        move(job, BI_JOB_POSTED);
        (void)bi_mailbox_post(pool->mailbox, &job->call);
        return;
    }
    pthread_mutex_unlock(&pool->lock);
    let_go(job);
    bight_free(job);
    pthread_mutex_lock(&pool->lock);
}
