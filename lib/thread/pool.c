/* SPDX-License-Identifier: MIT */
/* pool.c - pools of threads for work that blocks (R10): their making, their threads, their size and figures.
 *
 * A reactor's own pool is made for the first job, that of the names for the first look-up, others when a program asks
 * for them; all stand in the reactor's list. Threads start while more jobs wait than threads are idle, up to the limit,
 * and stay until the limit sinks or a run ends; only the loop's thread starts and joins them. What they do is in
 * job.c, the end in pool_end.c. */
#include <bight/memory.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "thread/pool.h"
#include "thread/start.h"

enum { THREADS_UNLESS_TOLD = 10, THREADS_AT_MOST = 1024 };

/* Of name servers that do not answer; enough for the names of a crawler, and few enough to leave behind. */
#define NAME_THREADS 16

#define OWN_NAME "bight"
#define NAMES_NAME "bight-names"
#define PATIENCE (5 * BIGHT_NANOSECONDS_PER_SECOND)

static _Thread_local const struct bight_thread_pool *pool_of_this_thread;
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned left_behind; /* threads, of the whole process */

/* ------------------------------------------------------------------------------------------- the pool */

static void init_conditions(struct bi_fork_guard *guard)
{
    struct bight_thread_pool *pool = BI_CONTAINER(guard, struct bight_thread_pool, guard);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->work, &attributes);
    pthread_cond_init(&pool->ended, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void init_locks(struct bight_thread_pool *pool)
{
    pool->guard = (struct bi_fork_guard) { .lock = &pool->lock, .order = BI_FORK_POOL, .in_child = init_conditions };
    pthread_mutex_init(&pool->lock, NULL);
    init_conditions(&pool->guard);
    bi_fork_guard_add(&pool->guard);
}

/* The last of the list, so that they are ended in the order of their making. */
static void enlist(struct bight_thread_pool *pool)
{
    struct bight_thread_pool **last = &pool->hub->pools;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = pool;
}

/* Threads are measured by the real clock, also under a clock of a test's. NULL without memory. */
static struct bight_thread_pool *make_pool(struct bi_thread_hub *hub, const char *name, unsigned limit)
{
    struct bight_reactor *reactor = hub->attachment.reactor;
    struct bight_thread_pool *pool = bight_calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    init_locks(pool);
    bi_list_init(&pool->queue);
    bi_list_init(&pool->workers);
    bi_list_init(&pool->outstanding);
    pool->holds = 1;
    pool->limit = limit;
    pool->queue_limit = SIZE_MAX;
    pool->hub = hub;
    pool->reactor = reactor;
    pool->mailbox = bight_reactor_mailbox(reactor);
    pool->clock = reactor->system->ops->start_job != NULL ? reactor->system : bight_system_real();
    pool->patience = PATIENCE;
    memcpy(pool->name, name, strlen(name) + 1);
    enlist(pool);
    return pool;
}

static void free_pools(struct bi_attachment *attachment)
{
    struct bi_thread_hub *hub = BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
    while (hub->pools != NULL) {
        bi_pool_drop(hub->pools);
    }
}

static const struct bi_attachment_kind threads = {
    .order = BI_ORDER_THREADS,
    .size = sizeof(struct bi_thread_hub),
    .at = { [BI_DISCONNECTED] = bi_thread_pools_end },
    .finish = free_pools,
    .after_fork = bi_thread_pools_after_fork,
};

/* NULL without memory, and while the reactor goes. */
static struct bi_thread_hub *hub_of(struct bight_reactor *reactor)
{
    if (bi_reactor_is_freeing(reactor)) {
        return NULL;
    }
    struct bi_attachment *attachment = bi_attachment_of(reactor, &threads);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
}

struct bight_thread_pool *bi_thread_pools(const struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &threads);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_thread_hub, attachment)->pools;
}

struct bight_thread_pool *bight_thread_pool_new(struct bight_reactor *reactor, const char *name, unsigned limit)
{
    size_t length = strnlen(name, BI_THREAD_NAME_SIZE);
    if (bi_reactor_check_thread(reactor, "bight_thread_pool_new") != 0) {
        return NULL;
    }
    if (length == 0 || length == BI_THREAD_NAME_SIZE || limit < 1 || limit > THREADS_AT_MOST) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            length == 0 || length == BI_THREAD_NAME_SIZE ? "bight_thread_pool_new: the name is empty or too long"
                                                         : "bight_thread_pool_new: a pool has from 1 to %d threads",
            (int)THREADS_AT_MOST);
        return NULL;
    }
    struct bi_thread_hub *hub = hub_of(reactor);
    return hub == NULL ? NULL : make_pool(hub, name, limit);
}

static unsigned limit_of(const struct bight_reactor *reactor)
{
    unsigned limit = bi_reactor_thread_limit(reactor);
    if (limit == 0) {
        return THREADS_UNLESS_TOLD;
    }
    return limit < THREADS_AT_MOST ? limit : THREADS_AT_MOST;
}

struct bight_thread_pool *bight_reactor_thread_pool(struct bight_reactor *reactor)
{
    if (bi_reactor_check_thread(reactor, "bight_reactor_thread_pool") != 0) {
        return NULL;
    }
    struct bi_thread_hub *hub = hub_of(reactor);
    if (hub != NULL && hub->own == NULL) {
        hub->own = make_pool(hub, OWN_NAME, limit_of(reactor));
    }
    return hub == NULL ? NULL : hub->own;
}

struct bight_thread_pool *bi_reactor_name_pool(struct bight_reactor *reactor)
{
    struct bi_thread_hub *hub = hub_of(reactor);
    if (hub != NULL && hub->names == NULL) {
        hub->names = make_pool(hub, NAMES_NAME, NAME_THREADS);
        if (hub->names != NULL) {
            hub->names->forgets = true;
        }
    }
    return hub == NULL ? NULL : hub->names;
}

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

void bi_pool_drop(struct bight_thread_pool *pool)
{
    struct bight_thread_pool **link = &pool->hub->pools;
    while (*link != pool) {
        link = &(*link)->next;
    }
    *link = pool->next;
    pthread_mutex_lock(&pool->lock);
    bi_pool_unlock_and_release(pool);
}

/* ------------------------------------------------------------------------------------ in a pool thread */

const struct bight_thread_pool *bi_pool_of_this_thread(void)
{
    return pool_of_this_thread;
}

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

void bi_threads_leave_behind(void)
{
    pthread_mutex_lock(&left_lock);
    left_behind++;
    pthread_mutex_unlock(&left_lock);
}

void bi_threads_come_back(void)
{
    pthread_mutex_lock(&left_lock);
    left_behind--;
    pthread_mutex_unlock(&left_lock);
}

static bool should_end(const struct bight_thread_pool *pool, const struct bi_pool_thread *worker)
{
    return pool->stopping || worker->detached || pool->threads > pool->limit;
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
        bi_threads_come_back();
    }
}

static void *work(void *context)
{
    struct bi_pool_thread *worker = context;
    struct bight_thread_pool *pool = worker->pool;
    (void)pthread_setname_np(pthread_self(), pool->name);
    pool_of_this_thread = pool;
    pthread_mutex_lock(&pool->lock);
    while (!should_end(pool, worker)) {
        if (!bi_list_is_empty(&pool->queue)) {
            bi_pool_run_job(pool);
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
    bool wants = pool->queued > pool->idle && pool->threads < pool->limit && !pool->stopping &&
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
        bi_pool_run_job(pool);
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

/* ------------------------------------------------------------------------------------- size and figures */

int bight_thread_pool_resize(struct bight_thread_pool *pool, unsigned limit)
{
    if (limit < 1 || limit > THREADS_AT_MOST) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_thread_pool_resize: a pool has from 1 to %d threads", (int)THREADS_AT_MOST);
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

int bight_thread_pool_set_queue_limit(struct bight_thread_pool *pool, size_t limit)
{
    if (pool == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    pthread_mutex_lock(&pool->lock);
    pool->queue_limit = limit;
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

void bight_thread_pool_read_figures(struct bight_thread_pool *pool, struct bight_thread_pool_figures *figures)
{
    *figures = (struct bight_thread_pool_figures) { 0 };
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    *figures = pool->sums;
    figures->threads = pool->threads;
    figures->busy = pool->threads - pool->idle;
    figures->limit = pool->limit;
    figures->queued = pool->queued;
    pthread_mutex_unlock(&pool->lock);
}

void bi_thread_pool_set_patience(struct bight_thread_pool *pool, uint64_t nanoseconds)
{
    pool->patience = nanoseconds;
}
