/* SPDX-License-Identifier: MIT */
/* join.c - waiting until a pool of threads has no job left (R10).
 *
 * Nothing is kept for it while there is no waiter: the first one makes an event, which is set, once, when the last job
 * has left, and goes with that. The setting is deferred to a later turn: the handlers of the last job's Deferred come
 * first, which may hand in more, or free the pool. */
#include "deferred/deferred.h"
#include "thread/pool.h"

/* Last: a waiter's handler may free the pool. */
static void tell(struct bight_thread_pool *pool)
{
    struct bight_event *joined = pool->joined;
    if (joined != NULL && bi_list_is_empty(&pool->outstanding)) {
        pool->joined = NULL;
        bight_event_set(joined);
        bight_event_free(joined);
    }
}

static void tell_later(struct bi_task *task)
{
    tell(BI_CONTAINER(task, struct bight_thread_pool, join_task));
}

void bi_pool_job_left(struct bight_thread_pool *pool)
{
    if (pool->joined != NULL && pool->join_task.run == NULL && bi_list_is_empty(&pool->outstanding)) {
        bi_reactor_soon(pool->reactor, &pool->join_task, tell_later);
    }
}

void bi_pool_end_joins(struct bight_thread_pool *pool)
{
    bi_reactor_unqueue(pool->reactor, &pool->join_task);
    tell(pool);
}

void bi_pool_abandon_joins(struct bight_thread_pool *pool)
{
    struct bight_event *joined = pool->joined;
    pool->joined = NULL;
    bi_reactor_unqueue(pool->reactor, &pool->join_task);
    bight_event_free(joined);
}

struct bight_deferred *bight_thread_pool_join_at(const char *place, struct bight_thread_pool *pool)
{
    int code = pool == NULL ? BIGHT_E_OUT_OF_MEMORY
                            : bi_reactor_check_thread_at(place, pool->reactor, "bight_thread_pool_join");
    if (code != 0) {
        return bight_fail_at(place, bight_failure_of(code));
    }
    if (bi_list_is_empty(&pool->outstanding)) {
        return bight_succeed_at(place, NULL, NULL);
    }
    if (pool->joined == NULL) {
        pool->joined = bight_event_new();
    }
    return pool->joined == NULL ? bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY))
                                : bight_event_wait_at(place, pool->joined);
}
