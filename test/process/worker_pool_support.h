/* SPDX-License-Identifier: MIT */
/* worker_pool_support.h - a pool of worker_program.c, made for each test, and what its tests ask of it. */
#ifndef BIGHT_TEST_WORKER_POOL_SUPPORT_H
#define BIGHT_TEST_WORKER_POOL_SUPPORT_H
#include "child_support.h"

#include <sched.h>
#include <signal.h>

#include <bight/scope.h>
#include <bight/testing.h>

static struct bight_worker_pool_options options;
static struct bight_worker_pool *pool;
static const char *program[3];
static char directory[] = "/tmp/bight-pool-XXXXXX";

/* A pool of the worker program with this argument (NULL: none), and of `options`, which is cleared. */
static struct bight_worker_pool *make_pool(const char *argument)
{
    program[0] = BIGHT_TEST_WORKER;
    program[1] = argument;
    options.size = sizeof options;
    options.argv = program;
    pool = bight_worker_pool_new(reactor, &options);
    options = (struct bight_worker_pool_options) { .size = 0 };
    return pool;
}

static void set_up_pool(void)
{
    set_up();
    ck_assert_ptr_nonnull(mkdtemp(directory));
    descriptors_before = count_descriptors();
}

static void tear_down_pool(void)
{
    bight_worker_pool_free(pool);
    UNTIL(!has_children());
    bight_reactor_free(reactor);
    rmdir(directory);
}

static inline struct bight_deferred *submit(const char *job)
{
    return bight_worker_pool_submit(pool, job, strlen(job));
}

static inline bool is_heard(void)
{
    return heard[0] != '\0';
}

static inline struct bight_worker_pool_figures figures(void)
{
    struct bight_worker_pool_figures now = { .size = sizeof now };
    (void)bight_worker_pool_read_figures(pool, &now);
    return now;
}

/* How many words have been heard. */
static inline int words(void)
{
    int count = heard[0] != '\0';
    for (const char *at = heard; *at != '\0'; at++) {
        count += *at == ' ';
    }
    return count;
}

#endif
