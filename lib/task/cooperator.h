/* SPDX-License-Identifier: MIT */
/* cooperator.h - a cooperator and its tasks, for the two files that make them up.
 *
 * A task is *ready* when it stands in the cooperator's queue: it is neither paused nor waiting, nor in its step. It has
 * *ended* when its outcome is known, and is *finished* when its step has returned and what it awaited has gone too. */
#ifndef BI_TASK_COOPERATOR_H
#define BI_TASK_COOPERATOR_H

#include <bight/sys/scope.h>
#include <bight/task.h>

#include "base/list.h"

struct bight_cooperator {
    struct bight_clock *clock;
    uint64_t slice;       /* nanoseconds */
    struct bi_link ready; /* in the order of their turns */
    struct bi_link tasks; /* all that have not ended */
    struct bight_timer timer;
    unsigned busy;
    bool is_scheduled, is_slicing, is_freed;
};

struct bight_cooperative_task {
    struct bi_link ready, link;          /* in the cooperator's lists, or pointing at themselves */
    struct bight_cooperator *cooperator; /* NULL: it has ended */
    bight_step_function step;
    void *context;
    bight_release_function release;
    struct bight_deferred *awaited; /* held */
    struct bight_failure *failure;  /* what ended it */
    struct bi_link waiters;         /* for its end (promises.h) */
    struct bight_deferred *telling; /* fires at its end and tells the waiters; NULL: there were none, or it is over */
    struct bight_scope_member member;
    const char *made_at;
    unsigned pauses;
    uint32_t holds; /* the handle, the task until it is finished, functions at work on it */
    bool is_in_step, is_last_wait, is_finished;
    bool is_expected; /* the failure: it need not be reported */
    bool by_owner;    /* it comes from an owner's end (D18) */
};

/* cooperator.c: a ready one's turn will come. 0, or OUT_OF_MEMORY. */
int bi_cooperator_schedule(struct bight_cooperator *cooperator);

/* cooperator.c: one is not ready any more. When it was the last there will be no slice. */
void bi_cooperator_remove(struct bight_cooperator *cooperator, struct bight_cooperative_task *task);

/* cooperative_task.c: takes it out of the queue, and does one step. */
void bi_cooperative_task_run(struct bight_cooperative_task *task);

/* cooperative_task.c: its end; takes the failure, NULL when it is done. */
void bi_cooperative_task_end(struct bight_cooperative_task *task, struct bight_failure *failure);

#endif
