/* SPDX-License-Identifier: MIT */
/* pool_threads.c - the threads of a pool: their start, what they do, their number, their end.
 *
 * They start while more jobs wait than threads are idle, up to the limit, and stay until the limit sinks or the pool
 * stops; only the loop's thread starts and joins them. One that does not end in time is detached: it then touches the
 * job that it is in and the pool, which it holds, and nothing of the reactor. */
#include <bight/memory.h>

#include <errno.h>
#include <time.h>

#include "thread/pool.h"
#include "thread/start.h"

void bi_pool_unlock_and_release(struct bight_thread_pool *pool)
{
    bool last = --pool->holds == 0;
    pthread_mutex_unlock(&pool->lock);
    if (last) {
        bi_fork_guard_remove(&pool->guard);
        pthread_cond_destroy(&pool->work);
        pthread_cond_destroy(&pool->ended);
        pthread_mutex_destroy(&pool->lock);
        bight_mailbox_release(pool->mailbox);
        bight_free(pool);
    }
}

/* ----------------------------------------------------------------------------------------- left behind */

static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned left_behind; /* threads, of the whole process */

static void forget_left(struct bi_fork_guard *guard)
{
    (void)guard;
    left_behind = 0; /* in a child of a fork they are not there */
}

BI_FORK_GUARD(left_lock, BI_FORK_LEFT, forget_left)

unsigned bi_threads_left_behind(void)
{
    pthread_mutex_lock(&left_lock);
    unsigned count = left_behind;
    pthread_mutex_unlock(&left_lock);
    return count;
}

static void count_left(int by)
{
    pthread_mutex_lock(&left_lock);
    left_behind += (unsigned)by;
    pthread_mutex_unlock(&left_lock);
}

/* ------------------------------------------------------------------------------------ in a pool thread */

static bool should_end(const struct bight_thread_pool *pool, const struct bi_pool_thread *worker)
{
    return pool->crew.is_ending || worker->detached || pool->threads > pool->limit;
}

/* Under the lock, which it unlocks. */
static void leave(struct bight_thread_pool *pool, struct bi_pool_thread *worker)
{
    bool is_detached = worker->detached;
    if (is_detached) {
        bight_free(worker);
    } else {
        worker->ended = true;
        pool->threads--;
    }
    pthread_cond_signal(&pool->ended);
    bi_pool_unlock_and_release(pool);
    if (is_detached) {
        count_left(-1);
    }
}

static void *work(void *context)
{
    struct bi_pool_thread *worker = context;
    struct bight_thread_pool *pool = worker->pool;
    (void)pthread_setname_np(pthread_self(), pool->name);
    bi_crew_join(&pool->crew);
    pthread_mutex_lock(&pool->lock);
    while (!should_end(pool, worker)) {
        if (!bi_list_is_empty(&pool->queue)) {
            bi_job_run_oldest(pool);
            continue;
        }
        pool->idle++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->idle--;
    }
    leave(pool, worker);
    return NULL;
}

/* -------------------------------------------------------------------------------- starting and joining */

/* 0 or a positive errno. */
static int start_thread(struct bight_thread_pool *pool)
{
    struct bi_pool_thread *worker = bight_calloc(1, sizeof *worker);
    if (worker == NULL) {
        return ENOMEM;
    }
    worker->pool = pool;
    pthread_mutex_lock(&pool->lock);
    pool->threads++;
    pool->holds++;
    pthread_mutex_unlock(&pool->lock);
    int number = bi_thread_start(&worker->thread, work, worker);
    if (number != 0) {
        pthread_mutex_lock(&pool->lock);
        pool->threads--;
        bi_pool_unlock_and_release(pool);
        bight_free(worker);
        return number;
    }
    bi_list_append(&pool->workers, &worker->link);
    return 0;
}

static bool wants_thread(struct bight_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    bool wants = pool->queued > pool->idle && pool->threads < pool->limit && !pool->crew.is_ending &&
                 pool->reactor->system->ops->start_job == NULL;
    pthread_mutex_unlock(&pool->lock);
    return wants;
}

/* A job that the system runs, where it has no threads: the oldest that waits, if one still does. */
static void work_once(void *context)
{
    struct bight_thread_pool *pool = context;
    pthread_mutex_lock(&pool->lock);
    if (!bi_list_is_empty(&pool->queue)) {
        bi_job_run_oldest(pool);
    }
    bi_pool_unlock_and_release(pool);
}

int bi_pool_find_worker(struct bight_thread_pool *pool)
{
    struct bight_system *system = pool->reactor->system;
    if (system->ops->start_job == NULL) {
        return wants_thread(pool) ? start_thread(pool) : 0;
    }
    int result = system->ops->start_job(system, work_once, pool);
    pool->holds += result == 0;
    return -result;
}

void bi_pool_join_ended(struct bight_thread_pool *pool)
{
    struct bi_link *link = pool->workers.next;
    while (link != &pool->workers) {
        struct bi_pool_thread *worker = BI_CONTAINER(link, struct bi_pool_thread, link);
        link = link->next;
        pthread_mutex_lock(&pool->lock);
        bool ended = worker->ended;
        pthread_mutex_unlock(&pool->lock);
        if (ended) {
            pthread_join(worker->thread, NULL);
            bi_list_remove(&worker->link);
            bight_free(worker);
        }
    }
}

int bight_thread_pool_resize(struct bight_thread_pool *pool, unsigned limit)
{
    if (limit < 1 || limit > BI_POOL_LIMIT) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_thread_pool_resize: a pool has from 1 to %d threads", BI_POOL_LIMIT);
    }
    if (pool == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    pthread_mutex_lock(&pool->lock);
    pool->limit = limit;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    while (wants_thread(pool) && start_thread(pool) == 0) {
    }
    bi_pool_join_ended(pool);
    return 0;
}

/* --------------------------------------------------------------------------------------------- the end */

void bi_pool_stop_threads(struct bight_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    pool->crew.is_ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

/* Those that will come: with a pool that forgets, only threads that have nothing to do. */
static bool are_awaited(const struct bight_thread_pool *pool)
{
    return pool->threads > (pool->forgets ? pool->in_jobs : 0);
}

void bi_pool_await_threads(struct bight_thread_pool *pool, uint64_t since)
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

unsigned bi_pool_detach_threads(struct bight_thread_pool *pool)
{
    unsigned late = 0;
    pthread_mutex_lock(&pool->lock);
    BI_LIST_EACH_TAKEN (link, &pool->workers) {
        struct bi_pool_thread *worker = BI_CONTAINER(link, struct bi_pool_thread, link);
        pthread_detach(worker->thread);
        if (worker->ended) {
            bight_free(worker);
        } else {
            worker->detached = true;
            count_left(1);
            pool->threads--;
            late++;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return late;
}

void bi_pool_forget_threads(struct bight_thread_pool *pool)
{
    BI_LIST_EACH_TAKEN (link, &pool->workers) {
        bight_free(BI_CONTAINER(link, struct bi_pool_thread, link));
    }
    pool->in_jobs = 0;
    pool->threads = pool->idle = 0;
    pool->holds = 1;
}
