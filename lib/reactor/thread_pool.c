/* SPDX-License-Identifier: MIT */
/* thread_pool.c - work that blocks, done in threads, with the outcome delivered in the loop's thread (R10).
 *
 * A pool is made for the first job. Threads start while more jobs wait than threads are idle, up to the limit, and
 * stay until the limit sinks or the pool is shut down; only the loop's thread starts and joins them. A finished job
 * is itself the call that is posted to the mailbox, so coming home allocates nothing. A running job belongs to its
 * thread, any other to the loop. The pool's end is in thread_pool_end.c. */
#include <bight/memory.h>

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "reactor/state.h"
#include "reactor/thread_pool.h"

enum { THREADS_UNLESS_TOLD = 10, THREADS_AT_MOST = 1024 };

#define PATIENCE (5 * BIGHT_NANOSECONDS_PER_SECOND)

/* ------------------------------------------------------------------------------------------- the pool */

void bight_pool_init_locks(struct bight_thread_pool *pool)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->ended, &attributes);
    pthread_condattr_destroy(&attributes);
}

static unsigned limit_of(const struct bight_reactor *reactor)
{
    unsigned limit = reactor->state->thread_limit;
    if (limit == 0) {
        return THREADS_UNLESS_TOLD;
    }
    return limit < THREADS_AT_MOST ? limit : THREADS_AT_MOST;
}

/* The reactor's pool, made when there is none; NULL without memory. */
static struct bight_thread_pool *pool_of(struct bight_reactor *reactor)
{
    struct bight_thread_pool *pool = reactor->state->pool;
    if (pool != NULL) {
        return pool;
    }
    pool = bight_calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    bight_pool_init_locks(pool);
    bight_list_init(&pool->queue);
    bight_list_init(&pool->workers);
    bight_list_init(&pool->outstanding);
    pool->holds = 1;
    pool->limit = limit_of(reactor);
    pool->reactor = reactor;
    pool->mailbox = bight_reactor_mailbox(reactor);
    pool->patience = PATIENCE;
    reactor->state->pool = pool;
    return pool;
}

/* Under the lock, which it unlocks: the last to leave frees the pool. */
void bight_pool_unlock_and_release(struct bight_thread_pool *pool)
{
    bool last = --pool->holds == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last) {
        pthread_cond_destroy(&pool->work);
        pthread_cond_destroy(&pool->ended);
        pthread_mutex_destroy(&pool->lock);
        bight_mailbox_release(pool->mailbox);
        bight_free(pool);
    }
}

/* ------------------------------------------------------------------------------------ in a pool thread */

/* What is left of a job whose reactor did not wait for it. */
static void bury(struct bight_job *job)
{
    bight_result_discard(&job->result);
    if (job->release != NULL) {
        job->release(job->context);
    }
    bight_free(job);
}

/* Under the lock, which it gives up while the job runs and has again afterwards. The job is not the thread's any
 * more once it was posted. */
static void run_job(struct bight_thread_pool *pool, struct bight_job *job)
{
    bight_list_remove(&job->queued);
    pool->queued--;
    job->state = JOB_RUNNING;
    pthread_mutex_unlock(&pool->lock);
    job->function(&job->result, job->context);
    pthread_mutex_lock(&pool->lock);
    if (job->state != JOB_ORPHANED) {
        job->state = JOB_DONE;
        if (bight_mailbox_post(pool->mailbox, &job->call) == 0) {
            return;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    bury(job);
    pthread_mutex_lock(&pool->lock);
}

static bool should_end(const struct bight_thread_pool *pool)
{
    return pool->stopping || pool->threads > pool->limit;
}

static void *work(void *context)
{
    struct bight_worker *worker = context;
    struct bight_thread_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    while (!should_end(pool)) {
        if (!bight_list_is_empty(&pool->queue)) {
            run_job(pool, BIGHT_CONTAINER(pool->queue.next, struct bight_job, queued));
            continue;
        }
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    pool->threads--;
    worker->ended = true;
    if (worker->detached) {
        bight_free(worker);
    }
    pthread_cond_signal(&pool->ended);
    bight_pool_unlock_and_release(pool);
    return NULL;
}

/* -------------------------------------------------------------------------------- starting and joining */

/* Signals are for the loop's thread: the new one has all of them blocked from its first instruction on. */
static int create_thread(struct bight_worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

/* 0 or a positive errno. */
static int start_thread(struct bight_thread_pool *pool)
{
    struct bight_worker *worker = bight_calloc(1, sizeof *worker);
    if (worker == NULL) {
        return ENOMEM;
    }
    worker->pool = pool;
    pthread_mutex_lock(&pool->lock);
    pool->threads++;
    pool->holds++;
    pthread_mutex_unlock(&pool->lock);
    int number = create_thread(worker);
    if (number != 0) {
        pthread_mutex_lock(&pool->lock);
        pool->threads--;
        bight_pool_unlock_and_release(pool);
        bight_free(worker);
        return number;
    }
    bight_list_append(&pool->workers, &worker->link);
    return 0;
}

static bool wants_thread(struct bight_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool wants = pool->queued > pool->idle && pool->threads < pool->limit && !pool->stopping &&
                 pool->reactor->system->ops->start_job == NULL;
    pthread_mutex_unlock(&pool->lock);
    return wants;
}

/* Joins the threads that have ended, or say that they are about to. */
void bight_pool_join_ended(struct bight_thread_pool *pool)
{
    struct bight_link *link = pool->workers.next;
    while (link != &pool->workers) {
        struct bight_worker *worker = BIGHT_CONTAINER(link, struct bight_worker, link);
        link = link->next;
        pthread_mutex_lock(&pool->lock);
        bool ended = worker->ended;
        pthread_mutex_unlock(&pool->lock);
        if (ended) {
            pthread_join(worker->thread, NULL);
            bight_list_remove(&worker->link);
            bight_free(worker);
        }
    }
}

/* --------------------------------------------------------------------------------- in the loop's thread */

/* Deals with the Deferred: with the job's own result, or, when `code` is not 0, with that failure. */
void bight_job_settle(struct bight_job *job, int code)
{
    job->settled = true;
    bight_list_remove(&job->outstanding);
    if (job->cancelled) {
        bight_result_discard(&job->result);
    } else if (code != 0) {
        bight_result_discard(&job->result);
        bight_errback(job->promise, bight_failure_of(code));
    } else if (bight_result_failure(&job->result) != NULL) {
        bight_errback(job->promise, bight_result_take_failure(&job->result));
    } else {
        const struct bight_type *type = job->result.type;
        bight_callback(job->promise, type, type != NULL ? bight_result_take(&job->result, type) : NULL);
    }
}

void bight_job_release_context(struct bight_job *job)
{
    if (job->release != NULL) {
        job->release(job->context);
        job->release = NULL;
    }
}

void bight_job_come_home(struct bight_call *call, bool dropped)
{
    struct bight_job *job = BIGHT_CONTAINER(call, struct bight_job, call);
    if (!job->settled) {
        bight_job_settle(job, dropped ? BIGHT_E_SHUTDOWN : 0);
    }
    bight_job_release_context(job);
    bight_free(job);
}

/* For a job that no thread has and none will. */
void bight_job_fail(struct bight_job *job, int code)
{
    if (job->task.run != NULL) {
        bight_reactor_unqueue(job->pool->reactor, &job->task);
    }
    bight_job_settle(job, code);
    bight_job_release_context(job);
    bight_free(job);
}

/* Takes it out of the queue; false when a thread has begun it. */
bool bight_job_unqueue(struct bight_job *job)
{
    struct bight_thread_pool *pool = job->pool;
    pthread_mutex_lock(&pool->lock);
    bool waits = job->state == JOB_QUEUED;
    if (waits && job->queued.next != &job->queued) {
        bight_list_remove(&job->queued);
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return waits;
}

static void cancel_job(struct bight_promise promise, void *context)
{
    struct bight_job *job = context;
    (void)promise;
    job->cancelled = true;
    if (bight_job_unqueue(job)) {
        bight_job_fail(job, BIGHT_E_CANCELLED);
    }
}

static struct bight_job *new_job(bight_thread_function function, void *context, bight_release_function release)
{
    struct bight_job *job = bight_calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->call.run = bight_job_come_home;
    bight_list_init(&job->queued);
    bight_list_init(&job->outstanding);
    job->function = function;
    job->context = context;
    job->release = release;
    return job;
}

/* A job that the system runs, where it has no threads: the oldest that waits, if one still does. */
static void work_once(void *context)
{
    struct bight_thread_pool *pool = context;
    pthread_mutex_lock(&pool->lock);
    if (!bight_list_is_empty(&pool->queue)) {
        run_job(pool, BIGHT_CONTAINER(pool->queue.next, struct bight_job, queued));
    }
    bight_pool_unlock_and_release(pool);
}

/* 0 or a positive errno. */
static int find_worker(struct bight_thread_pool *pool)
{
    struct bight_system *system = pool->reactor->system;
    if (system->ops->start_job == NULL) {
        return wants_thread(pool) ? start_thread(pool) : 0;
    }
    int result = system->ops->start_job(system, work_once, pool);
    pool->holds += result == 0;
    return -result;
}

/* Hands the job to the threads. Without any thread, and no way to start one, it fails. */
static void submit(struct bight_thread_pool *pool, struct bight_job *job)
{
    job->pool = pool;
    bight_list_append(&pool->outstanding, &job->outstanding);
    bight_pool_join_ended(pool);
    pthread_mutex_lock(&pool->lock);
    bight_list_append(&pool->queue, &job->queued);
    pool->queued++;
    pthread_cond_signal(&pool->work);
    bool alone = pool->threads == 0;
    pthread_mutex_unlock(&pool->lock);
    int number = find_worker(pool);
    if (number == 0 || !alone) {
        return;
    }
    bight_job_unqueue(job);
    bight_result_fail(&job->result, number == ENOMEM ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY)
                                                     : bight_failure_from_errno(number, "starting a thread"));
    bight_job_fail(job, 0);
}

static struct bight_deferred *refuse(int code, void *context, bight_release_function release)
{
    if (release != NULL) {
        release(context);
    }
    return bight_fail(bight_failure_of(code));
}

struct bight_deferred *bight_defer_to_thread_full_at(const char *place, struct bight_reactor *reactor,
    bight_thread_function function, void *context, bight_release_function release)
{
    int code = bight_reactor_check_thread(reactor, "bight_defer_to_thread");
    if (code != 0) {
        return refuse(code, context, release);
    }
    if (reactor->state->phase == BIGHT_PHASE_FREEING) {
        return refuse(BIGHT_E_SHUTDOWN, context, release);
    }
    struct bight_thread_pool *pool = pool_of(reactor);
    if (pool != NULL && pool->stopping) {
        return refuse(BIGHT_E_SHUTDOWN, context, release);
    }
    struct bight_job *job = pool != NULL ? new_job(function, context, release) : NULL;
    if (job == NULL) {
        return refuse(BIGHT_E_OUT_OF_MEMORY, context, release);
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &job->promise, cancel_job, job, NULL);
    if (!bight_promise_is_open(job->promise)) {
        bight_job_release_context(job);
        bight_free(job);
        return deferred;
    }
    submit(pool, job);
    return deferred;
}

struct bight_deferred *bight_defer_to_thread_at(
    const char *place, struct bight_reactor *reactor, bight_thread_function function, void *context)
{
    return bight_defer_to_thread_full_at(place, reactor, function, context, NULL);
}

/* ------------------------------------------------------------------------------------- size and figures */

int bight_thread_pool_resize(struct bight_reactor *reactor, unsigned limit)
{
    if (limit < 1 || limit > THREADS_AT_MOST) {
        return bight_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_thread_pool_resize");
    }
    reactor->state->thread_limit = limit;
    struct bight_thread_pool *pool = reactor->state->pool;
    if (pool == NULL) {
        return 0;
    }
    pthread_mutex_lock(&pool->lock);
    pool->limit = limit;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    while (wants_thread(pool) && start_thread(pool) == 0) {
    }
    bight_pool_join_ended(pool);
    return 0;
}

void bight_thread_pool_read_figures(struct bight_reactor *reactor, struct bight_thread_pool_figures *figures)
{
    struct bight_thread_pool *pool = reactor->state->pool;
    *figures = (struct bight_thread_pool_figures) { 0 };
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    figures->threads = pool->threads;
    figures->busy = pool->threads - pool->idle;
    figures->queued = pool->queued;
    pthread_mutex_unlock(&pool->lock);
}

int bight_thread_pool_set_patience(struct bight_reactor *reactor, uint64_t nanoseconds)
{
    struct bight_thread_pool *pool = pool_of(reactor);
    if (pool == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    pool->patience = nanoseconds;
    return 0;
}
