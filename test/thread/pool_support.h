/* SPDX-License-Identifier: MIT */
/* pool_support.h - two named pools, and the jobs that tests give them and the reactor's own. */
#ifndef BIGHT_TEST_POOL_SUPPORT_H
#define BIGHT_TEST_POOL_SUPPORT_H

#include <bight/thread.h>

#include "thread/pool.h"
#include "thread_support.h"

static struct bight_reactor *reactor;
static struct bight_thread_pool *pool, *other;
static struct gate gate = GATE;
static atomic_uint released;
static pthread_t released_in;

static inline void make_reactor(void)
{
    reactor = bight_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static inline void make_pools(unsigned limit)
{
    make_reactor();
    pool = bight_thread_pool_new(reactor, "disk", limit);
    other = bight_thread_pool_new(reactor, "cards", limit);
    ck_assert_ptr_nonnull(pool);
    ck_assert_ptr_nonnull(other);
}

static inline struct bight_thread_pool_figures figures_of(struct bight_thread_pool *of)
{
    struct bight_thread_pool_figures figures = { .size = sizeof figures };
    (void)bight_thread_pool_read_figures(of, &figures);
    return figures;
}

static inline void give_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static inline void pass_gate(struct bight_result *result, void *context)
{
    (void)result;
    gate_pass(context);
}

static inline void must_not_run(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    abort();
}

static inline void note_release(void *context)
{
    (void)context;
    released_in = pthread_self();
    atomic_fetch_add(&released, 1);
}

static inline void run_one(struct bight_thread_pool *in)
{
    int code;
    watch_outcome(bight_thread_pool_defer(in, give_nothing, NULL), &code);
    turn_until(reactor, code != 1);
    ck_assert_int_eq(code, 0);
}

#endif
