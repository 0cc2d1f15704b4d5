/* SPDX-License-Identifier: MIT */
/* pool.c - pools of threads for work that blocks (R10): their making, their end, their figures.
 *
 * A reactor's own pool is made for the first job, that of the names for the first look-up, others when a program asks
 * for them; all stand in the reactor's list. When a run ends all are stopped before any is waited for, so that the time
 * is waited once. Afterwards they are as new. A pool that forgets is not waited for at all: its threads stay with the
 * jobs that they are in, and go on as its threads afterwards, unless the reactor goes.
 *
 * In the child of a fork (R13) a pool is empty: jobs that had not come home fail with ABANDONED, for the parent does
 * that work. The context of one that was running is left alone: a thread that is not here was using it. */
#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>
#include <time.h>

#include "base/options.h"
#include "thread/pool.h"

#define THREADS_UNLESS_TOLD 10

/* Of name servers that do not answer; enough for the names of a crawler, and few enough to leave behind. */
#define NAME_THREADS 16

/* Of disks: enough to keep one busy that takes many requests at a time. */
#define FILE_THREADS 8

#define OWN_NAME "bight"
#define NAMES_NAME "bight-names"
#define FILES_NAME "bight-files"
#define PATIENCE (5 * BIGHT_NANOSECONDS_PER_SECOND)

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

/* Threads are measured by the real clock, also under a clock of a test's. NULL when out of memory. */
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

static void drop(struct bight_thread_pool *pool)
{
    struct bight_thread_pool **link = &pool->hub->pools;
    while (*link != pool) {
        link = &(*link)->next;
    }
    *link = pool->next;
    bi_pool_abandon_joins(pool);
    pthread_mutex_lock(&pool->lock);
    bi_pool_unlock_and_release(pool);
}

static void free_pools(struct bi_attachment *attachment)
{
    struct bi_thread_hub *hub = BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
    while (hub->pools != NULL) {
        drop(hub->pools);
    }
}

/* --------------------------------------------------------------------------------------------- the end */

/* The code of jobs that will not be done: a pool that goes is no shutdown (D28). */
static int code_of_end(const struct bight_thread_pool *pool)
{
    return pool->freed ? BIGHT_E_ABANDONED : BIGHT_E_SHUTDOWN;
}

static struct bi_job *find_queued(struct bight_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct bi_link *oldest = pool->queue.next;
    pthread_mutex_unlock(&pool->lock);
    return oldest == &pool->queue ? NULL : BI_CONTAINER(oldest, struct bi_job, queued);
}

/* No thread begins any. */
static void end_queued(struct bight_thread_pool *pool)
{
    struct bi_job *job;
    while ((job = find_queued(pool)) != NULL) {
        bi_job_end(job, code_of_end(pool));
    }
}

/* The real clock in any case: these are real threads, also under a simulated kernel. */
static uint64_t real_now(void)
{
    struct bight_system *real = bight_system_real();
    return real->ops->now(real);
}

/* Its threads have been told to stop and what they had not begun has ended. */
static void finish(struct bight_thread_pool *pool)
{
    bool goes = bi_reactor_is_freeing(pool->reactor);
    unsigned late = pool->forgets && !goes ? 0 : bi_pool_detach_threads(pool);
    if (late != 0 && !pool->forgets) {
        bight_log(BIGHT_LOG_WARNING, "threads", NULL,
            "%u threads of the pool %s did not end in time and are left behind", late, pool->name);
    }
    while (!bi_list_is_empty(&pool->outstanding)) {
        bi_job_end(BI_CONTAINER(pool->outstanding.next, struct bi_job, outstanding), code_of_end(pool));
    }
    if (!pool->freed) {
        bi_pool_end_joins(pool);
    }
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
        pool->freed = true; /* the function that is ending it does the rest */
        return;
    }
    pool->freed = true;
    reactor->handler_depth++; /* what is called in here may not free the reactor */
    bi_pool_stop_threads(pool);
    bi_blocking_calls_end(pool->mailbox, &pool->crew);
    end_queued(pool);
    bi_pool_await_threads(pool, real_now());
    finish(pool);
    drop(pool);
    if (--reactor->handler_depth == 0 && reactor->afterwards.first != NULL) {
        bi_reactor_wake(reactor); /* and the work that it deferred is not done in here, but on the next turn */
    }
}

static void begin_anew(struct bi_thread_hub *hub)
{
    struct bight_thread_pool *next;
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = next) {
        next = pool->next;
        pool->crew.is_ending = false;
        if (pool->freed) {
            drop(pool);
        }
    }
}

/* Handlers make and free pools meanwhile: new ones are appended and come too, freed ones are only marked. */
static void end_all(struct bi_attachment *attachment)
{
    struct bi_thread_hub *hub = BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
    hub->is_ending = true;
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        bi_pool_stop_threads(pool);
    }
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        end_queued(pool);
    }
    uint64_t since = real_now();
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        bi_pool_await_threads(pool, since);
        finish(pool);
    }
    begin_anew(hub);
    hub->is_ending = false;
}

static int be_after_fork(struct bi_attachment *attachment)
{
    struct bi_thread_hub *hub = BI_CONTAINER(attachment, struct bi_thread_hub, attachment);
    for (struct bight_thread_pool *pool = hub->pools; pool != NULL; pool = pool->next) {
        bi_pool_forget_threads(pool);
        for (struct bi_link *link = pool->outstanding.next; link != &pool->outstanding; link = link->next) {
            bi_job_lose(BI_CONTAINER(link, struct bi_job, outstanding));
        }
    }
    return 0;
}

/* --------------------------------------------------------------------------------- the pools of a reactor */

static const struct bi_attachment_kind threads = {
    .order = BI_ORDER_THREADS,
    .size = sizeof(struct bi_thread_hub),
    .at = { [BI_DISCONNECTED] = end_all },
    .finish = free_pools,
    .after_fork = be_after_fork,
};

/* NULL when out of memory, and while the reactor goes. */
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
    if (length == 0 || length == BI_THREAD_NAME_SIZE || limit < 1 || limit > BI_POOL_LIMIT) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            length == 0 || length == BI_THREAD_NAME_SIZE ? "bight_thread_pool_new: the name is empty or too long"
                                                         : "bight_thread_pool_new: a pool has from 1 to %d threads",
            BI_POOL_LIMIT);
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
    return limit < BI_POOL_LIMIT ? limit : BI_POOL_LIMIT;
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

struct bight_thread_pool *bi_reactor_file_pool(struct bight_reactor *reactor)
{
    struct bi_thread_hub *hub = hub_of(reactor);
    if (hub != NULL && hub->files == NULL) {
        hub->files = make_pool(hub, FILES_NAME, FILE_THREADS);
    }
    return hub == NULL ? NULL : hub->files;
}

/* ------------------------------------------------------------------------------------------- figures */

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

static struct bight_thread_pool_figures look_at(struct bight_thread_pool *pool, size_t *queue_limit)
{
    pthread_mutex_lock(&pool->lock);
    struct bight_thread_pool_figures all = pool->sums;
    all.threads = pool->threads;
    all.busy = pool->threads - pool->idle;
    all.limit = pool->limit;
    all.queued = pool->queued;
    *queue_limit = pool->queue_limit;
    pthread_mutex_unlock(&pool->lock);
    return all;
}

unsigned bight_thread_pool_limit(struct bight_thread_pool *pool)
{
    size_t queue_limit;
    return pool == NULL ? 0 : look_at(pool, &queue_limit).limit;
}

size_t bight_thread_pool_get_queue_limit(struct bight_thread_pool *pool)
{
    size_t queue_limit = 0;
    if (pool != NULL) {
        (void)look_at(pool, &queue_limit);
    }
    return queue_limit;
}

int bight_thread_pool_read_figures(struct bight_thread_pool *pool, struct bight_thread_pool_figures *figures)
{
    struct bight_thread_pool_figures all = { 0 };
    size_t queue_limit;
    if (pool != NULL) {
        all = look_at(pool, &queue_limit);
    }
    return bi_give_figures("bight_thread_pool_read_figures", figures, &all, sizeof all);
}

void bi_thread_pool_set_patience(struct bight_thread_pool *pool, uint64_t nanoseconds)
{
    pool->patience = nanoseconds;
}
