/* SPDX-License-Identifier: MIT */
/* api_share.c - what is taken turns at: named thread pools, and locks on a file of each host.
 *
 * Two locks a host stand for two processes. The model is small: who hears that it has a lock has it, and no two locks
 * of a host are held at once. */
#include "api_world.h"

#include <bight/file_lock.h>

/* ------------------------------------------------------------------------------------------- pools */

static void run_job(struct bight_result *result, void *context)
{
    struct item *item = context;
    if (item->is_released || item->budget++ > 0) {
        fuzz_fail("job %u of a pool runs again", item->id);
    }
    bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)item->id));
}

static void defer(struct fuzz_operation *operation, unsigned side)
{
    struct item *item = new_item("job of a pool", side);
    struct item *waiter = new_item("Deferred of a pool's job", side);
    (void)operation;
    if (item != NULL && waiter != NULL) {
        watch_deferred(waiter, bight_thread_pool_defer_full(world.pools[side], run_job, item, release_item));
    } else if (item != NULL) {
        release_item(item);
    }
}

static void look_at(struct bight_thread_pool *pool)
{
    struct bight_thread_pool_figures figures = { .size = sizeof figures };
    (void)bight_thread_pool_read_figures(pool, &figures);
    if (figures.longest_run > figures.total_run || figures.longest_wait > figures.total_wait) {
        fuzz_fail("a pool's longest is longer than all together");
    }
}

static void end_pool(unsigned side)
{
    struct bight_thread_pool *pool = world.pools[side];
    world.pools[side] = NULL;
    bight_thread_pool_free(pool);
}

void act_pool(struct fuzz_operation *operation, void *context)
{
    unsigned side = operation->subject % 2;
    (void)context;
    if (world.pools[side] == NULL && !world.is_ending) {
        world.pools[side] = bight_thread_pool_new(world.reactors[side], "fuzzed", 1);
    }
    struct bight_thread_pool *pool = world.pools[side];
    switch (fuzz_choose(operation, 8)) {
    case 0:
        end_pool(side);
        break;
    case 1:
        (void)bight_thread_pool_resize(pool, 1 + fuzz_choose(operation, 3));
        break;
    case 2:
        (void)bight_thread_pool_set_queue_limit(pool, fuzz_choose(operation, 4));
        break;
    case 3:
        look_at(pool);
        break;
    default:
        defer(operation, side);
    }
}

/* ------------------------------------------------------------------------------------------- locks */

static void check_holders(void)
{
    unsigned held[2] = { 0, 0 };
    for (unsigned i = 0; i < LOCKS; i++) {
        held[i % 2] += world.locks[i] != NULL && bight_file_lock_is_locked(world.locks[i]);
    }
    if (held[0] > 1 || held[1] > 1) {
        fuzz_fail("two locks on one file are held at once");
    }
}

static void on_locked(struct bight_result *result, void *context)
{
    struct item *item = context;
    (void)result;
    if (world.locks[item->order] == NULL || !bight_file_lock_is_locked(world.locks[item->order])) {
        fuzz_fail("wait %u is told that it has a lock that it has not", item->id);
    }
    check_holders();
    act_inside(item->id * 43u, NULL);
}

static struct bight_deferred *work_locked(void *context)
{
    struct item *item = context;
    on_locked(NULL, context);
    return item->id % 2 == 0 ? NULL : bight_deferred_new(&item->promise, NULL, NULL);
}

static void wait_for(struct fuzz_operation *operation, unsigned number)
{
    struct bight_file_lock *lock = world.locks[number];
    bool runs = fuzz_choose(operation, 2) == 0;
    struct item *item = new_item(runs ? "run of a lock" : "wait for a lock", number % 2);
    if (item == NULL) {
        return;
    }
    item->order = number;
    struct bight_deferred *deferred =
        runs ? bight_file_lock_run(lock, work_locked, item) : bight_file_lock_acquire(lock);
    if (!runs) {
        (void)bight_deferred_add_callback(deferred, on_locked, item);
    }
    watch_deferred(item, deferred);
}

static void let_go(unsigned number)
{
    bool is_held = bight_file_lock_is_locked(world.locks[number]);
    int code = bight_file_lock_release(world.locks[number]);
    if (code != (is_held ? 0 : BIGHT_E_USAGE)) {
        fuzz_fail("releasing lock %u answers %d", number, code);
    }
}

static void end_lock(unsigned number)
{
    struct bight_file_lock *lock = world.locks[number];
    world.locks[number] = NULL;
    bight_file_lock_free(lock);
}

void act_lock(struct fuzz_operation *operation, void *context)
{
    unsigned number = operation->subject % LOCKS;
    (void)context;
    if (world.locks[number] == NULL && !world.is_ending) {
        world.locks[number] = bight_file_lock_new(world.reactors[number % 2], "/run/fuzzed");
    }
    if (world.locks[number] == NULL) {
        return;
    }
    switch (fuzz_choose(operation, 9)) {
    case 0:
        end_lock(number);
        break;
    case 1:
        (void)bight_file_lock_try_acquire(world.locks[number]);
        break;
    case 2:
    case 3:
    case 4:
        let_go(number);
        break;
    default:
        wait_for(operation, number);
    }
    check_holders();
}

/* --------------------------------------------------------------------------------------- the end */

void end_shares(void)
{
    for (unsigned i = 0; i < LOCKS; i++) {
        end_lock(i);
    }
    for (unsigned side = 0; side < 2 && world.tape->seed % 3 != 0; side++) {
        end_pool(side); /* else they go with their reactors */
    }
}
