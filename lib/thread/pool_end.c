/* SPDX-License-Identifier: MIT */
/* pool_end.c - the end of thread pools: of one that is freed, of all when a run ends (R10), and what a child of
 * a fork finds of them (R13).
 *
 * All pools of a reactor are stopped before any is waited for, so that the time is waited once. Afterwards they are as
 * new. A thread that does not end in time is detached: it then owns its job, touches the pool only (which it
 * holds) and nothing of the reactor, and releases the job's context where it is. A pool that forgets is not waited for
 * at all: its threads stay with the jobs that they are in, and go on as its threads afterwards, unless the reactor
 * goes.
 *
 * In the child of a fork the pool is empty: jobs that had not come home fail with ABANDONED, for the parent does
 * that work. The context of one that was running is left alone: a thread that is not here was using it. */
#include <bight/log.h>
#include <bight/memory.h>

#include <errno.h>
#include <time.h>

#include "thread/pool.h"

/* --------------------------------------------------------------------------------------------- shutdown */

static void stop_threads(struct bight_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    while (!bi_list_is_empty(&pool->queue)) {
        bi_list_remove(pool->queue.next);
    }
    pool->queued = 0;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

/* What those hear whose jobs will not be done: a pool that goes is no shutdown (D28). */
static int code_of_end(const struct bight_thread_pool *pool)
{
    return pool->freed ? BIGHT_E_ABANDONED : BIGHT_E_SHUTDOWN;
}

/* Fails what has not begun. Handlers may cancel other jobs meanwhile, so each is taken from the front. */
static void fail_unbegun(struct bight_thread_pool *pool)
{
    struct bi_link jobs;
    bi_list_take_all(&jobs, &pool->outstanding);
    while (!bi_list_is_empty(&jobs)) {
        struct bi_job *job = BI_CONTAINER(jobs.next, struct bi_job, outstanding);
        bi_list_remove(&job->outstanding);
        bi_list_append(&pool->outstanding, &job->outstanding);
        if (bi_job_unqueue(job)) {
            bi_job_fail(job, code_of_end(pool));
        }
    }
}

/* The real clock in any case: these are real threads, also under a simulated kernel. */
static uint64_t real_now(void)
{
    struct bight_system *real = bight_system_real();
    return real->ops->now(real);
}

/* Those that will come: with a pool that forgets, only threads that have nothing to do. */
static bool are_awaited(const struct bight_thread_pool *pool)
{
    return pool->threads > (pool->forgets ? pool->in_jobs : 0);
}

static void await_threads(struct bight_thread_pool *pool, uint64_t since)
{
    uint64_t until = since + pool->patience;
    struct timespec deadline = { .tv_sec = (time_t)(until / BIGHT_NANOSECONDS_PER_SECOND),
        .tv_nsec = (long)(until % BIGHT_NANOSECONDS_PER_SECOND) };
    int number = 0;
    pthread_mutex_lock(&pool->lock);
    while (are_awaited(pool) && number != ETIMEDOUT) {
        number = pthread_cond_timedwait(&pool->ended, &pool->lock, &deadline);
    }
    pthread_mutex_unlock(&pool->lock);
    bi_pool_join_ended(pool);
}

/* Lets the threads go that have not ended, and says how many there were. */
static unsigned detach_late(struct bight_thread_pool *pool)
{
    unsigned late = 0;
    pthread_mutex_lock(&pool->lock);
    for (struct bi_link *link = pool->workers.next; link != &pool->workers; link = pool->workers.next) {
        struct bi_pool_thread *worker = BI_CONTAINER(link, struct bi_pool_thread, link);
        bi_list_remove(link);
        pthread_detach(worker->thread);
        if (worker->ended) {
            bight_free(worker);
        } else {
            worker->detached = true;
            bi_threads_leave_behind();
            pool->threads--;
            late++;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return late;
}

/* The context of a late job is its thread's to release. One that has come to its end waits in the mailbox, which
 * frees it. */
static void settle_begun(struct bight_thread_pool *pool)
{
    while (!bi_list_is_empty(&pool->outstanding)) {
        struct bi_job *job = BI_CONTAINER(pool->outstanding.next, struct bi_job, outstanding);
        struct bight_promise promise = job->promise;
        bool wanted = !job->cancelled;
        bi_list_remove(&job->outstanding);
        if (!bi_job_orphan(job)) {
            bi_job_settle(job, 0);
            bi_job_release_context(job);
        } else if (wanted) {
            bight_errback(promise, bight_failure_of(code_of_end(pool)));
        }
    }
}

/* Its threads have been told to stop and what they had not begun has failed. */
static void finish(struct bight_thread_pool *pool)
{
    bool goes = bi_reactor_is_freeing(pool->reactor);
    unsigned late = pool->forgets && !goes ? 0 : detach_late(pool);
    if (late != 0 && !pool->forgets) {
        bight_log(BIGHT_LOG_WARNING, "threads", NULL,
            "%u threads of the pool %s did not end in time and are left behind", late, pool->name);
    }
    settle_begun(pool);
}

void bight_thread_pool_free(struct bight_thread_pool *pool)
{
    if (pool == NULL || bi_reactor_check_thread(pool->reactor, "bight_thread_pool_free") != 0) {
        return;
    }
    struct bight_reactor *reactor = pool->reactor;
    if (pool == pool->hub->own) {
        (void)bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_thread_pool_free: it is the reactor's own pool");
        return;
    }
    if (pool->freed || pool->hub->is_ending) {
        pool->freed = true; /* whoever is ending it does the rest */
        return;
    }
    pool->freed = true;
    reactor->handler_depth++; /* what is called in here may not free the reactor */
    stop_threads(pool);
    bi_blocking_calls_end(pool->mailbox, pool);
    fail_unbegun(pool);
    await_threads(pool, real_now());
    finish(pool);
    bi_pool_drop(pool);
    if (--reactor->handler_depth == 0 && reactor->afterwards.first != NULL) {
        bi_reactor_wake(reactor); /* and what it put off is not done in here, but on the next turn */
    }
}

static void begin_anew(struct bi_thread_hub *hub)
{
    struct bight_thread_pool *next;
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = next) {
        next = pool->next;
        pool->stopping = false;
        if (pool->freed) {
            bi_pool_drop(pool);
        }
    }
}

/* Handlers make and free pools meanwhile: new ones are appended and come too, freed ones are only marked. */
void bi_thread_pools_end(struct bi_attachment *attachment)
{
    struct bi_thread_hub *hub = BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
    hub->is_ending = true;
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        stop_threads(pool);
    }
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        fail_unbegun(pool);
    }
    uint64_t since = real_now();
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        await_threads(pool, since);
        finish(pool);
    }
    begin_anew(hub);
    hub->is_ending = false;
}

/* ------------------------------------------------------------------------------------------------- fork */

static void give_up(struct bi_task *task)
{
    bi_job_fail(BI_CONTAINER(task, struct bi_job, task), BIGHT_E_ABANDONED);
}

static void forget_workers(struct bight_thread_pool *pool)
{
    while (!bi_list_is_empty(&pool->workers)) {
        struct bi_pool_thread *worker = BI_CONTAINER(pool->workers.next, struct bi_pool_thread, link);
        bi_list_remove(&worker->link);
        bight_free(worker);
    }
}

/* A result half made by a thread that is not here is not looked at. */
static void give_up_later(struct bight_thread_pool *pool, struct bi_job *job)
{
    if (job->state != JOB_QUEUED) {
        job->release = NULL;
        job->result = (struct bight_result) { 0 };
        job->state = JOB_QUEUED; /* no thread has it */
    }
    bi_reactor_soon(pool->reactor, &job->task, give_up);
}

static void note_who_is_home(struct bight_mailbox *mailbox)
{
    for (struct bi_call *call = bi_mailbox_first(mailbox); call != NULL; call = call->next) {
        if (call->run == bi_job_come_home) {
            BI_CONTAINER(call, struct bi_job, call)->home = true;
        }
    }
}

static void empty_after_fork(struct bight_thread_pool *pool)
{
    forget_workers(pool);
    bi_list_init(&pool->queue);
    pool->queued = pool->running = pool->in_jobs = 0;
    pool->threads = pool->idle = 0;
    pool->holds = 1;
    for (struct bi_link *link = pool->outstanding.next; link != &pool->outstanding; link = link->next) {
        struct bi_job *job = BI_CONTAINER(link, struct bi_job, outstanding);
        bi_list_init(&job->queued);
        if (!job->home) {
            give_up_later(pool, job);
        }
    }
}

int bi_thread_pools_after_fork(struct bi_attachment *attachment)
{
    struct bi_thread_hub *hub = BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
    note_who_is_home(bi_mailbox_of(attachment->reactor));
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        empty_after_fork(pool);
    }
    return 0;
}
