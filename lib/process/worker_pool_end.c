/* SPDX-License-Identifier: MIT */
/* worker_pool_end.c - pools of workers that go wrong, and the end of pools.
 *
 * A worker that ends by itself is replaced after a pause that doubles from death to death, so that a program that
 * cannot run is no fork bomb. After too many in a row the pool is broken: what waits fails, and so does what comes,
 * until a longer pause is over and one worker is tried again. One timer does both; it also fails the queue when
 * starting failed inside a submit, which may not fire anything. */
#include <bight/memory.h>

#include "deferred/promises.h"
#include "process/worker_pool.h"
#include "reactor/reactor.h"

static const double first_pause = 0.1, longest_pause = 10;

/* -------------------------------------------------------------------------------------------- memory */

void bi_pool_release(struct bight_worker_pool *pool)
{
    if (--pool->holds == 0) {
        bi_pool_free_texts(&pool->options);
        bight_failure_release(pool->last_reason);
        bight_free(pool);
    }
}

/* ---------------------------------------------------------------------------------------------- deaths */

static void pause_is_over(void *context);

/* If the timer cannot be allocated there is no pause: the next event tries again. */
static int arm(struct bight_worker_pool *pool, double seconds)
{
    (void)bight_timer_cancel(pool->timer);
    int code = bight_call_later(pool->reactor, seconds, pause_is_over, pool, &pool->timer);
    pool->is_paused = code == 0;
    return code;
}

static void give_up(struct bight_worker_pool *pool)
{
    pool->is_to_fail = false;
    (void)arm(pool, longest_pause);
    if (pool->idle_count + pool->busy_count == 0) {
        struct bight_failure *reason = bight_failure_hold(pool->last_reason);
        bi_pool_fail_queue(pool, reason);
        bight_failure_release(reason);
    }
}

static void pause_is_over(void *context)
{
    struct bight_worker_pool *pool = context;
    bi_pool_hold(pool);
    pool->is_paused = false;
    if (pool->is_to_fail) {
        give_up(pool);
    } else {
        pool->is_broken = false;
        bi_pool_dispatch(pool);
    }
    bi_pool_look_for_end(pool);
    bi_pool_release(pool);
}

static double pause_after(unsigned deaths)
{
    double pause = first_pause;
    for (unsigned i = 1; i < deaths && pause < longest_pause; i++) {
        pause *= 2;
    }
    return pause < longest_pause ? pause : longest_pause;
}

void bi_pool_note_death(struct bight_worker_pool *pool, const struct bight_failure *reason)
{
    struct bight_failure *before = pool->last_reason;
    unsigned limit = pool->options.death_limit;
    pool->last_reason = bight_failure_hold(reason);
    bight_failure_release(before);
    pool->figures.deaths++;
    pool->deaths_in_row += pool->deaths_in_row < limit;
    if (bight_failure_is(reason, BIGHT_E_NOT_STARTED)) {
        pool->deaths_in_row = limit;
    }
    if (pool->is_freed) {
        return;
    }
    if (pool->deaths_in_row >= limit) {
        pool->is_broken = pool->is_to_fail = true;
    }
    if (arm(pool, pool->is_broken ? 0 : pause_after(pool->deaths_in_row)) != 0 && pool->is_broken) {
        give_up(pool);
    }
}

void bi_pool_note_life(struct bight_worker_pool *pool)
{
    pool->deaths_in_row = 0;
    if (pool->is_broken) {
        (void)bight_timer_cancel(pool->timer);
        pool->is_broken = pool->is_to_fail = pool->is_paused = false;
    }
}

/* ------------------------------------------------------------------------------------------------ closing */

static bool has_workers(const struct bight_worker_pool *pool)
{
    return pool->idle_count + pool->busy_count > 0 || !bi_list_is_empty(&pool->leaving);
}

void bi_pool_look_for_end(struct bight_worker_pool *pool)
{
    if (!pool->is_closing || pool->queued > 0) {
        return;
    }
    while (!bi_list_is_empty(&pool->idle)) {
        bi_worker_retire(BI_CONTAINER(pool->idle.next, struct bi_worker, link));
    }
    if (!has_workers(pool)) {
        (void)bight_timer_cancel(pool->timer);
        bi_pool_hold(pool);
        bi_promises_fire(&pool->closers, NULL);
        bight_scope_leave(&pool->member);
        bi_pool_release(pool);
    }
}

struct bight_deferred *bight_worker_pool_close_at(const char *place, struct bight_worker_pool *pool)
{
    pool->is_closing = true;
    if (pool->queued == 0 && !has_workers(pool)) {
        bi_pool_look_for_end(pool);
        return bight_succeed_at(place, NULL, NULL);
    }
    struct bight_deferred *closed = bi_promises_add(place, &pool->closers, NULL);
    bi_pool_look_for_end(pool);
    return closed;
}

static void kill_all(struct bi_link *ring)
{
    while (!bi_list_is_empty(ring)) {
        bi_worker_kill(BI_CONTAINER(ring->next, struct bi_worker, link));
    }
}

/* Those that the workers have, in their order, before those that wait. */
static void collect_jobs(struct bight_worker_pool *pool, struct bi_link *jobs)
{
    bi_list_init(jobs);
    for (struct bi_link *link = pool->busy.next; link != &pool->busy; link = link->next) {
        struct bi_worker *worker = BI_CONTAINER(link, struct bi_worker, link);
        struct bi_worker_job *job = worker->job;
        if (job != NULL) {
            bi_worker_drop_job(worker);
            bi_list_append(jobs, &job->link);
        }
    }
}

/* Everything ends now. The pool may be gone afterwards unless it is held. */
static void end_all(struct bight_worker_pool *pool, int code)
{
    struct bi_link jobs;
    struct bight_failure *failure = bight_failure_of(code);
    pool->is_closing = true;
    (void)bight_timer_cancel(pool->timer);
    collect_jobs(pool, &jobs);
    kill_all(&pool->busy);
    kill_all(&pool->idle);
    for (struct bi_link *link = pool->leaving.next; link != &pool->leaving; link = link->next) {
        bi_worker_kill(BI_CONTAINER(link, struct bi_worker, link));
    }
    while (!bi_list_is_empty(&jobs)) {
        bi_worker_job_fail(BI_CONTAINER(jobs.next, struct bi_worker_job, link), bight_failure_hold(failure));
    }
    bi_pool_fail_queue(pool, failure);
    bi_pool_look_for_end(pool);
    bight_failure_release(failure);
}

void bight_worker_pool_free(struct bight_worker_pool *pool)
{
    if (pool != NULL) {
        pool->is_freed = true;
        end_all(pool, BIGHT_E_ABANDONED);
        bi_pool_release(pool);
    }
}

/* ------------------------------------------------------------------------------------------ scopes (D37) */

static struct bight_worker_pool *pool_of(struct bight_scope_member *member)
{
    return BI_CONTAINER(member, struct bight_worker_pool, member);
}

static void close_member(struct bight_scope_member *member)
{
    pool_of(member)->is_closing = true;
    bi_pool_look_for_end(pool_of(member));
}

static void abort_member(struct bight_scope_member *member)
{
    struct bight_worker_pool *pool = pool_of(member);
    bi_pool_hold(pool);
    end_all(pool, BIGHT_E_CANCELLED);
    bi_pool_release(pool);
}

static const struct bight_scope_member_ops member_ops = {
    .close = close_member,
    .abort = abort_member,
    .kind = "pool of workers",
};

int bight_worker_pool_join_scope(struct bight_worker_pool *pool, struct bight_scope *scope)
{
    return bight_scope_join(scope, &pool->member, &member_ops);
}
