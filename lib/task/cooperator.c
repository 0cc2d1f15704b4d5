/* SPDX-License-Identifier: MIT */
/* cooperator.c - the turns of cooperative tasks (R12); the tasks themselves are in cooperative_task.c.
 *
 * While a task is ready, and only then, a timer is pending whose time has come, so on each turn of the clock's loop
 * there is one slice, with I/O and the timers of others in between. A slice runs steps of the queue's first until its
 * time is over; a task that has more to do goes to the queue's end. `busy` keeps the memory while a slice is on it. */
#include "task/cooperator.h"

#include <bight/memory.h>

#include "base/check.h"
#include "base/moment.h"

#define DEFAULT_SLICE UINT64_C(10000000)

/* For clocks that stand still meanwhile. */
#define MAX_STEPS 10000

struct bight_cooperator *bight_cooperator_new(struct bight_clock *clock)
{
    if (clock == NULL) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_cooperator_new: there is no clock");
        return NULL;
    }
    struct bight_cooperator *cooperator = bight_calloc(1, sizeof(*cooperator));
    if (cooperator == NULL) {
        return NULL;
    }
    cooperator->clock = clock;
    cooperator->slice = DEFAULT_SLICE;
    bi_list_init(&cooperator->ready);
    bi_list_init(&cooperator->tasks);
    return cooperator;
}

static void leave(struct bight_cooperator *cooperator)
{
    cooperator->busy--;
    if (cooperator->busy == 0 && cooperator->is_freed) {
        bight_free(cooperator);
    }
}

void bight_cooperator_free(struct bight_cooperator *cooperator)
{
    if (cooperator == NULL) {
        return;
    }
    if (cooperator->is_freed) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_cooperator_free: " BI_FREED_TWICE);
        return;
    }
    cooperator->busy++;
    cooperator->is_freed = true;
    bight_timer_cancel(cooperator->timer);
    while (!bi_list_is_empty(&cooperator->tasks)) {
        struct bight_cooperative_task *task = BI_CONTAINER(cooperator->tasks.next, struct bight_cooperative_task, link);
        task->is_expected = task->by_owner = true;
        bi_cooperative_task_end(task, bight_failure_of(BIGHT_E_ABANDONED));
    }
    leave(cooperator);
}

int bight_cooperator_set_slice(struct bight_cooperator *cooperator, double seconds)
{
    uint64_t slice;
    int code = bight_seconds_to_nanoseconds(seconds, &slice);
    if (code != BIGHT_OK) {
        return bi_usage_error(code, BIGHT_HERE, "bight_cooperator_set_slice: " BI_BAD_SECONDS);
    }
    cooperator->slice = slice;
    return BIGHT_OK;
}

double bight_cooperator_get_slice(const struct bight_cooperator *cooperator)
{
    return bi_seconds_of(cooperator->slice);
}

/* ------------------------------------------------------------------------------------------- slices */

static struct bight_cooperative_task *first_ready(struct bight_cooperator *cooperator)
{
    if (bi_list_is_empty(&cooperator->ready)) {
        return NULL;
    }
    return BI_CONTAINER(cooperator->ready.next, struct bight_cooperative_task, ready);
}

/* There will be no turn for them. */
static void fail_all_ready(struct bight_cooperator *cooperator, int code)
{
    struct bight_cooperative_task *task;
    while ((task = first_ready(cooperator)) != NULL) {
        bi_cooperative_task_end(task, bight_failure_of(code));
    }
}

static void run_slice(void *context)
{
    struct bight_cooperator *cooperator = context;
    uint64_t begin = bight_clock_now(cooperator->clock);
    struct bight_cooperative_task *task;
    unsigned steps = 0;
    cooperator->is_scheduled = false;
    cooperator->is_slicing = true;
    cooperator->busy++;
    while ((task = first_ready(cooperator)) != NULL && steps < MAX_STEPS) {
        bi_cooperative_task_run(task);
        steps++;
        if (bight_clock_now(cooperator->clock) - begin >= cooperator->slice) {
            break;
        }
    }
    cooperator->is_slicing = false;
    int code = bi_cooperator_schedule(cooperator);
    if (code != BIGHT_OK) {
        fail_all_ready(cooperator, code);
    }
    leave(cooperator);
}

int bi_cooperator_schedule(struct bight_cooperator *cooperator)
{
    if (cooperator->is_freed) { /* what is ready comes to its end */
        return BIGHT_OK;
    }
    if (cooperator->is_scheduled || cooperator->is_slicing || bi_list_is_empty(&cooperator->ready)) {
        return BIGHT_OK;
    }
    uint64_t now = bight_clock_now(cooperator->clock);
    int code = bight_clock_call_at(cooperator->clock, now, run_slice, cooperator, NULL, &cooperator->timer);
    cooperator->is_scheduled = code == BIGHT_OK;
    return code;
}

void bi_cooperator_remove(struct bight_cooperator *cooperator, struct bight_cooperative_task *task)
{
    bi_list_remove(&task->ready);
    if (cooperator->is_scheduled && bi_list_is_empty(&cooperator->ready)) {
        cooperator->is_scheduled = false;
        bight_timer_cancel(cooperator->timer);
    }
}
