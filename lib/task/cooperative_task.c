/* SPDX-License-Identifier: MIT */
/* cooperative_task.c - long work in small steps (R12): what a task waits for, how it ends, how its waiters are fired.
 *
 * Whose turn it is, is cooperator.c's. The end is told at once, whatever is on the stack; the context and the scope
 * wait until the step has returned and what it awaited has gone. Tasks that wait for each other's end are told in one
 * run loop (run.c): the end of each is a Deferred, which hands one waiter after the other to that loop. */
#include "task/cooperator.h"

#include <bight/log.h>
#include <bight/memory.h>

#include "base/check.h"
#include "deferred/deferred.h"
#include "deferred/promises.h"

/* --------------------------------------------------------------------------------------------- life */

static void report(const struct bight_cooperative_task *task)
{
    const char *place = bi_deferred_debug() ? task->made_at : NULL;
    bight_log_at(place, BIGHT_LOG_CRITICAL, "cooperator", task->failure, "unhandled failure in a cooperative task");
}

static void let_go(struct bight_cooperative_task *task)
{
    if (--task->holds > 0) {
        return;
    }
    if (task->failure != NULL && !task->is_expected) {
        report(task);
    }
    bight_failure_release(task->failure);
    bight_free(task);
}

/* For callers that hold it. */
static void finish_when_over(struct bight_cooperative_task *task)
{
    bool is_over = task->cooperator == NULL && !task->is_in_step && task->awaited == NULL;
    if (!is_over || task->is_finished) {
        return;
    }
    task->is_finished = true;
    bight_scope_leave(&task->member);
    if (task->release != NULL) {
        task->release(task->context);
    }
    let_go(task);
}

/* Everybody has been told. */
static void leave_end(struct bight_cooperative_task *task)
{
    finish_when_over(task);
    let_go(task);
}

/* Hands on the waiters, one at each call: the level is put back until none is left. */
static struct bight_deferred *tell(
    struct bight_deferred *telling, struct bight_result *result, const struct bi_level *level)
{
    struct bight_cooperative_task *task = level->listener;
    struct bight_deferred *told = bi_promises_take(&task->waiters, task->failure, task->by_owner);
    (void)result;
    if (told != NULL) {
        telling->next--;
        return told;
    }
    task->telling = NULL;
    bight_deferred_release(telling);
    leave_end(task);
    return NULL;
}

/* Returns the Deferred that is to be run so that the waiters are told; NULL: there are none, and all is done. */
static struct bight_deferred *end_task(struct bight_cooperative_task *task, struct bight_failure *failure)
{
    if (task->cooperator == NULL) {
        bight_failure_release(failure);
        return NULL;
    }
    task->holds++;
    bi_cooperator_remove(task->cooperator, task);
    task->cooperator = NULL;
    task->failure = failure;
    bi_list_remove(&task->link);
    if (task->awaited != NULL) {
        bight_deferred_cancel(task->awaited);
    }
    if (task->telling == NULL) {
        leave_end(task);
        return NULL;
    }
    task->is_expected = task->is_expected || !bi_list_is_empty(&task->waiters);
    bi_deferred_accept(task->telling, BIGHT_HERE, NULL, NULL);
    return task->telling;
}

void bi_cooperative_task_end(struct bight_cooperative_task *task, struct bight_failure *failure)
{
    struct bight_deferred *telling = end_task(task, failure);
    if (telling != NULL) {
        bi_deferred_run(telling);
    }
}

/* As bi_cooperator_schedule; then it is not ready. */
static int make_ready(struct bight_cooperative_task *task)
{
    if (task->pauses > 0 || task->awaited != NULL || task->is_in_step) {
        return BIGHT_OK;
    }
    bi_list_append(&task->cooperator->ready, &task->ready);
    int code = bi_cooperator_schedule(task->cooperator);
    if (code != BIGHT_OK) {
        bi_list_remove(&task->ready);
    }
    return code;
}

static struct bight_cooperative_task *make(const char *place, struct bight_cooperator *cooperator)
{
    struct bight_cooperative_task *task = bight_calloc(1, sizeof(*task));
    if (task == NULL) {
        return NULL;
    }
    task->cooperator = cooperator;
    task->made_at = place;
    task->holds = 2;
    bi_list_init(&task->waiters);
    bi_list_init(&task->ready);
    bi_list_append(&cooperator->tasks, &task->link);
    return task;
}

struct bight_cooperative_task *bight_cooperate_at(const char *place, struct bight_cooperator *cooperator,
    bight_step_function step, void *context, bight_release_function release)
{
    if (cooperator->is_freed) {
        bi_usage_error(BIGHT_E_USAGE, place, "bight_cooperate: the cooperator has been freed");
        return NULL;
    }
    if (step == NULL) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_cooperate: there is no step");
        return NULL;
    }
    struct bight_cooperative_task *task = make(place, cooperator);
    if (task == NULL) {
        return NULL;
    }
    if (make_ready(task) != BIGHT_OK) {
        bi_list_remove(&task->link);
        bight_free(task);
        return NULL;
    }
    task->step = step;
    task->context = context;
    task->release = release;
    return task;
}

void bight_cooperative_task_release(struct bight_cooperative_task *task)
{
    if (task != NULL) {
        let_go(task);
    }
}

/* -------------------------------------------------------------------------------------------- steps */

void bi_cooperative_task_run(struct bight_cooperative_task *task)
{
    bi_list_remove(&task->ready);
    task->holds++;
    task->is_in_step = true;
    enum bight_step answer = task->step(task, task->context);
    task->is_in_step = false;
    if (task->cooperator == NULL) {
        finish_when_over(task);
    } else if (answer == BIGHT_STEP_MORE) {
        (void)make_ready(task); /* inside a slice: nothing is scheduled, nothing fails */
    } else if (task->awaited != NULL) {
        task->is_last_wait = true;
    } else {
        bi_cooperative_task_end(task, NULL);
    }
    let_go(task);
}

/* Takes the failure. As end_task when that is the task's end. */
static struct bight_deferred *go_on(struct bight_cooperative_task *task, struct bight_failure *failure)
{
    if (task->cooperator == NULL) {
        bight_failure_release(failure);
        finish_when_over(task);
        return NULL;
    }
    if (failure == NULL && !task->is_last_wait) {
        int code = make_ready(task);
        if (code == BIGHT_OK) {
            return NULL;
        }
        failure = bight_failure_of(code);
    }
    return end_task(task, failure);
}

static struct bight_deferred *hear_awaited(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level)
{
    struct bight_cooperative_task *task = level->listener;
    struct bight_deferred *awaited = task->awaited;
    struct bight_failure *failure = bight_result_take_failure(result);
    task->by_owner = failure != NULL && (from->flags & BI_DEFERRED_OWNER_ENDED) != 0;
    task->is_expected = task->is_expected || (failure != NULL && !bi_failure_is_news(failure, task->by_owner));
    task->holds++;
    bight_result_discard(result);
    task->awaited = NULL;
    bight_deferred_release(awaited);
    struct bight_deferred *telling = go_on(task, failure);
    let_go(task);
    return telling;
}

static int find_obstacle(const struct bight_cooperative_task *task, const struct bight_deferred *deferred)
{
    if (deferred == NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_cooperative_task_await: there is no Deferred");
    }
    if (task->cooperator == NULL) {
        return BIGHT_E_STALE;
    }
    if (!task->is_in_step || task->awaited != NULL) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE,
            task->is_in_step ? "bight_cooperative_task_await: the task waits already"
                             : "bight_cooperative_task_await: called outside of its step");
    }
    return BIGHT_OK;
}

int bight_cooperative_task_await(struct bight_cooperative_task *task, struct bight_deferred *deferred)
{
    int code = find_obstacle(task, deferred);
    if (code == BIGHT_OK) {
        task->awaited = bight_deferred_hold(deferred);
        code = bi_deferred_add_listener(deferred, hear_awaited, task);
        if (code == BIGHT_OK) {
            bight_deferred_release(deferred);
            return BIGHT_OK;
        }
        task->awaited = NULL;
        bight_deferred_release(deferred);
        bi_cooperative_task_end(task, bight_failure_of(code));
    }
    if (deferred != NULL) {
        bi_deferred_drop(deferred);
    }
    return code;
}

int bight_cooperative_task_fail(struct bight_cooperative_task *task, struct bight_failure *failure)
{
    if (failure == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_cooperative_task_fail: there is no failure");
    }
    int code = task->cooperator != NULL ? BIGHT_OK : BIGHT_E_STALE;
    bi_cooperative_task_end(task, failure);
    return code;
}

/* -------------------------------------------------------------------------------------- from outside */

int bight_cooperative_task_pause(struct bight_cooperative_task *task)
{
    if (task->cooperator == NULL) {
        return BIGHT_E_STALE;
    }
    task->pauses++;
    bi_cooperator_remove(task->cooperator, task);
    return BIGHT_OK;
}

int bight_cooperative_task_resume(struct bight_cooperative_task *task)
{
    if (task->cooperator == NULL) {
        return BIGHT_E_STALE;
    }
    if (task->pauses == 0) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_cooperative_task_resume: it is not paused");
    }
    task->pauses--;
    int code = make_ready(task);
    task->pauses += code == BIGHT_OK ? 0 : 1;
    return code;
}

int bight_cooperative_task_stop(struct bight_cooperative_task *task)
{
    if (task->cooperator == NULL) {
        return BIGHT_E_STALE;
    }
    task->is_expected = true;
    bi_cooperative_task_end(task, bight_failure_of(BIGHT_E_CANCELLED));
    return BIGHT_OK;
}

static struct bight_deferred *give_outcome(const char *place, struct bight_cooperative_task *task)
{
    if (task->failure == NULL) {
        return bight_succeed_at(place, NULL, NULL);
    }
    task->is_expected = true;
    return bight_fail_at(place, bight_failure_hold(task->failure));
}

/* False when out of memory. */
static bool prepare_telling(struct bight_cooperative_task *task)
{
    struct bight_promise promise;
    if (task->telling != NULL) {
        return true;
    }
    struct bight_deferred *telling = bight_deferred_new_at(task->made_at, &promise, NULL, NULL, NULL);
    if (!bight_promise_is_open(promise)) {
        return false;
    }
    bi_deferred_add_listener(telling, tell, task); /* there is room for it in a new one */
    task->telling = telling;
    return true;
}

struct bight_deferred *bight_cooperative_task_when_done_at(const char *place, struct bight_cooperative_task *task)
{
    if (task->cooperator == NULL) {
        return give_outcome(place, task);
    }
    if (!prepare_telling(task)) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return bi_promises_add(place, &task->waiters, NULL);
}

/* ------------------------------------------------------------------------------------------- scopes */

static struct bight_cooperative_task *task_of(const struct bight_scope_member *member)
{
    return BI_CONTAINER(member, struct bight_cooperative_task, member);
}

static void close_member(struct bight_scope_member *member)
{
    (void)bight_cooperative_task_stop(task_of(member));
}

static void abort_member(struct bight_scope_member *member)
{
    if (task_of(member)->awaited != NULL) {
        bight_deferred_cancel(task_of(member)->awaited);
    }
}

static const char *made_at(const struct bight_scope_member *member)
{
    return task_of(member)->made_at;
}

int bight_cooperative_task_join_scope(struct bight_cooperative_task *task, struct bight_scope *scope)
{
    static const struct bight_scope_member_ops ops = { close_member, abort_member, "cooperative task", made_at };
    if (scope == NULL) {
        bight_scope_leave(&task->member);
        return BIGHT_OK;
    }
    return task->cooperator == NULL ? BIGHT_E_STALE : bight_scope_join(scope, &task->member, &ops);
}
