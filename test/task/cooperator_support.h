/* SPDX-License-Identifier: MIT */
/* cooperator_support.h - what the tests of cooperators share: a task whose steps are noted and cost time, and turns of
 * a loop. */
#ifndef BIGHT_TEST_COOPERATOR_SUPPORT_H
#define BIGHT_TEST_COOPERATOR_SUPPORT_H

#include <math.h>

#include <bight/task.h>

#include "deferred_support.h"

static struct bight_cooperator *cooperator;

/* A task of `steps` steps, each of `cost` nanoseconds, that notes each when it has a name. */
struct work {
    const char *name;
    int steps;
    uint64_t cost;
    void (*act)(struct bight_cooperative_task *task); /* in each step */
    bool is_released;
};

static inline enum bight_step work_step(struct bight_cooperative_task *task, void *context)
{
    struct work *work = context;
    if (work->name != NULL) {
        note(work->name);
    }
    test_clock.now += work->cost;
    if (work->act != NULL) {
        work->act(task);
    }
    return --work->steps > 0 ? BIGHT_STEP_MORE : BIGHT_STEP_DONE;
}

static inline void release_work(void *context)
{
    struct work *work = context;
    if (work->is_released) {
        ck_abort_msg("released twice");
    }
    work->is_released = true;
}

static inline void set_up(void)
{
    begin();
    cooperator = bight_cooperator_new(&test_clock.base);
    ck_assert_ptr_nonnull(cooperator);
}

static inline void tear_down(void)
{
    bight_cooperator_free(cooperator);
    ck_assert_uint_eq(timers_pending(), 0);
    ck_assert_int_eq(reports, 0);
}

/* One turn of a loop: what is due now, and not what that asks for. */
static inline void turn(void)
{
    struct test_timer due[16];
    size_t count = 0;
    for (size_t i = 0; i < 16; i++) {
        struct test_timer *timer = &test_clock.timers[i];
        if (timer->pending && timer->deadline <= test_clock.now) {
            timer->pending = false;
            timer->slot.generation++;
            due[count++] = *timer;
        }
    }
    for (size_t i = 0; i < count; i++) {
        due[i].function(due[i].context);
        if (due[i].release != NULL) {
            due[i].release(due[i].context);
        }
    }
}

static inline struct bight_cooperative_task *begin_work(struct work *work)
{
    struct bight_cooperative_task *task = bight_cooperate_full(cooperator, work_step, work, release_work);
    ck_assert_ptr_nonnull(task);
    return task;
}

static inline void watch(struct bight_cooperative_task *task, const char *name)
{
    struct bight_deferred *done = bight_cooperative_task_when_done(task);
    bight_deferred_add_both(done, seen, NAME(name));
    bight_deferred_add_errback(done, cleared, NULL);
    bight_deferred_release(done);
}

/* Watched, and its handle released. */
static inline void begin_watched(struct work *work, const char *name)
{
    struct bight_cooperative_task *task = begin_work(work);
    watch(task, name);
    bight_cooperative_task_release(task);
}

static struct bight_promise answer;

static inline void wait_for_answer(struct bight_cooperative_task *task)
{
    struct bight_deferred *deferred = bight_deferred_new(&answer, NULL, NULL);
    ck_assert_int_eq(bight_cooperative_task_await(task, deferred), 0);
}

static inline void fail_it(struct bight_cooperative_task *task)
{
    ck_assert_int_eq(bight_cooperative_task_fail(task, bight_failure_of(BIGHT_E_APPLICATION)), 0);
    ck_assert_int_eq(bight_cooperative_task_fail(task, bight_failure_of(BIGHT_E_LIMIT)), BIGHT_E_STALE);
    ck_assert_int_eq(bight_cooperative_task_await(task, bight_succeed(NULL, NULL)), BIGHT_E_STALE);
}

#endif
