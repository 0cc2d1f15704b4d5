/* SPDX-License-Identifier: MIT */
/* thread_support.h - for tests with threads: a gate, waiting without sleeping, an allocator whose n-th call fails in
 * whatever thread, a system table that counts and refuses, and a recorded log. */
#ifndef BIGHT_TEST_THREAD_SUPPORT_H
#define BIGHT_TEST_THREAD_SUPPORT_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <bight/log.h>
#include <bight/memory.h>

#include "reactor/reactor.h"
#include "support.h"

/* ThreadSanitizer cannot follow a fork of a process with threads. */
#if defined(__SANITIZE_THREAD__)
#define FOLLOWS_FORKS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FOLLOWS_FORKS 0
#endif
#endif
#ifndef FOLLOWS_FORKS
#define FOLLOWS_FORKS 1
#endif

/* ---------------------------------------------------------------------------------------------- a gate */

/* Threads wait at it until it is opened; it counts who has come. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned arrived;
    bool open;
};

#define GATE                                                                   \
    {                                                                          \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
    }

static inline void gate_pass(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->arrived++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->open) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

static inline void gate_await(struct gate *gate, unsigned arrived)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->arrived < arrived) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    pthread_mutex_unlock(&gate->lock);
}

static inline void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

/* Takes turns until the condition, which the loop itself brings about, holds. It must not wait for more once it does,
 * so a turn with work to do does not block. */
#define turn_until(reactor, condition)                                   \
    do {                                                                 \
        while (!(condition)) {                                           \
            bi_reactor_turn((reactor), !bi_reactor_has_work((reactor))); \
        }                                                                \
    } while (0)

/* What a Deferred came to: 0 for a value, else the code of its failure; 1 while it has not fired. */
static inline void outcome(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    *(int *)context = failure != NULL ? bight_failure_code(failure) : 0;
    bight_failure_release(failure);
}

static inline void watch_outcome(struct bight_deferred *deferred, int *code)
{
    *code = 1;
    if (bight_deferred_add_both(deferred, outcome, code) != 0) {
        *code = BIGHT_E_OUT_OF_MEMORY;
        bight_deferred_cancel(deferred);
    }
    bight_deferred_release(deferred);
}

/* ------------------------------------------------------------------------------------------ memory faults */

static atomic_int memory_out;      /* blocks not yet released */
static atomic_uint memory_asked;   /* since memory_fail */
static atomic_uint memory_failing; /* the call that fails, from 1; 0: none */
static atomic_bool memory_all;     /* and all behind it */

static inline bool memory_grant(void *context)
{
    (void)context;
    unsigned asked = atomic_fetch_add(&memory_asked, 1) + 1;
    unsigned failing = atomic_load(&memory_failing);
    return failing == 0 || (atomic_load(&memory_all) ? asked < failing : asked != failing);
}

static inline void *memory_allocate(void *context, size_t size)
{
    void *memory = memory_grant(context) ? malloc(size) : NULL;
    atomic_fetch_add(&memory_out, memory != NULL);
    return memory;
}

static inline void *memory_reallocate(void *context, void *old, size_t size)
{
    void *memory = memory_grant(context) ? realloc(old, size) : NULL;
    atomic_fetch_add(&memory_out, memory != NULL && old == NULL);
    return memory;
}

static inline void memory_release(void *context, void *memory)
{
    (void)context;
    atomic_fetch_sub(&memory_out, memory != NULL);
    free(memory);
}

static inline void memory_install(void)
{
    static const struct bight_allocator allocator = {
        .size = sizeof allocator,
        .allocate = memory_allocate,
        .reallocate = memory_reallocate,
        .release = memory_release,
        .permit = memory_grant,
    };
    bight_set_allocator(&allocator);
}

static inline void memory_fail(unsigned nth, bool all)
{
    atomic_store(&memory_asked, 0);
    atomic_store(&memory_all, all);
    atomic_store(&memory_failing, nth);
}

/* Runs scenario() with each allocation failing in turn, and with all from each one on, until one passes untouched. */
static inline void memory_each(void (*scenario)(void))
{
    memory_install();
    for (int all = 0; all < 2; all++) {
        unsigned nth = 0;
        do {
            nth++;
            memory_fail(nth, all != 0);
            scenario();
        } while (atomic_load(&memory_asked) >= nth && nth < 2000);
        ck_assert_uint_lt(nth, 2000);
        ck_assert_uint_gt(nth, 1);
    }
    memory_fail(0, false);
}

/* --------------------------------------------------------------------------------------------- the kernel */

/* The real one, counted; set a number to make the call fail with it. */
struct test_system {
    struct bight_system system; /* first */
    struct bight_system_ops ops;
    atomic_uint reads, writes;
    int eventfd_error, pipe2_error;
};

static inline ssize_t test_read(struct bight_system *system, int fd, void *buffer, size_t size)
{
    struct test_system *test = (struct test_system *)(void *)system;
    atomic_fetch_add(&test->reads, 1);
    return bight_system_real()->ops->read(bight_system_real(), fd, buffer, size);
}

static inline ssize_t test_write(struct bight_system *system, int fd, const void *data, size_t size)
{
    struct test_system *test = (struct test_system *)(void *)system;
    atomic_fetch_add(&test->writes, 1);
    return bight_system_real()->ops->write(bight_system_real(), fd, data, size);
}

static inline int test_eventfd(struct bight_system *system, unsigned initial, int flags)
{
    struct test_system *test = (struct test_system *)(void *)system;
    return test->eventfd_error != 0 ? -test->eventfd_error
                                    : bight_system_real()->ops->eventfd(bight_system_real(), initial, flags);
}

static inline int test_pipe2(struct bight_system *system, int ends[2], int flags)
{
    struct test_system *test = (struct test_system *)(void *)system;
    return test->pipe2_error != 0 ? -test->pipe2_error
                                  : bight_system_real()->ops->pipe2(bight_system_real(), ends, flags);
}

static inline struct bight_reactor *test_system_reactor(struct test_system *test)
{
    test->ops = *bight_system_real()->ops;
    test->ops.read = test_read;
    test->ops.write = test_write;
    test->ops.eventfd = test_eventfd;
    test->ops.pipe2 = test_pipe2;
    test->system.ops = &test->ops;
    struct bight_reactor_options options = { .size = sizeof options, .system = &test->system };
    return bight_reactor_new_full(&options);
}

/* ------------------------------------------------------------------------------------------------ the log */

static atomic_uint logged_warnings, logged_errors;

static inline void count_log(const struct bight_log_event *event, void *context)
{
    (void)context;
    atomic_fetch_add(&logged_warnings, event->level == BIGHT_LOG_WARNING);
    atomic_fetch_add(&logged_errors, event->level >= BIGHT_LOG_ERROR);
}

/* From here on events are counted and not printed. */
static inline void quiet_log(void)
{
    bight_log_set_observer(count_log, NULL);
}

#endif
