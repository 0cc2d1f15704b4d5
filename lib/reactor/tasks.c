/* SPDX-License-Identifier: MIT */
/* tasks.c - work that is deferred: behind the present handler, to a later turn, or until the reactor runs.
 *
 * The queues hold what their owners embed, so putting something off cannot fail; only bight_call_when_running, for
 * programs, allocates. Which queue is drained when is the turn's business (reactor.c). */
#include <bight/memory.h>

#include "reactor/state.h"

/* Rounds of tasks that queue tasks before the rest waits for the next turn. */
#define ROUNDS_A_DRAIN 8

static inline struct bi_task *pop(struct bi_task_queue *queue)
{
    struct bi_task *task = queue->first;
    queue->first = task->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    return task;
}

/* Unqueues the first task, then runs it. */
static inline void run_first(struct bi_task_queue *queue)
{
    struct bi_task *task = pop(queue);
    void (*run)(struct bi_task *) = task->run;
    task->run = NULL;
    run(task);
}

void bi_reactor_soon(struct bight_reactor *reactor, struct bi_task *task, void (*run)(struct bi_task *task))
{
    task->run = run;
    bi_task_push(&reactor->soon, task);
    bi_reactor_wake(reactor);
}

/* Rounds of what was there when they began, unless a task takes the last of it out of the queue. */
static void drain_rounds(struct bi_task_queue *queue)
{
    for (int round = 0; round < ROUNDS_A_DRAIN && queue->first != NULL; round++) {
        struct bi_task *last = queue->last;
        struct bi_task *task;
        do {
            task = queue->first;
            run_first(queue);
        } while (task != last && queue->first != NULL);
    }
}

/* The depth is raised meanwhile, so that a task that brackets handlers does not come here again. As a rule there is one
 * task: the output of the connection whose handler has returned. */
BI_HOT void bi_reactor_drain_afterwards(struct bight_reactor *reactor)
{
    struct bi_task_queue *queue = &reactor->afterwards;
    if (queue->first == NULL) {
        return;
    }
    reactor->handler_depth++;
    run_first(queue);
    if (BI_UNLIKELY(queue->first != NULL)) {
        drain_rounds(queue);
    }
    reactor->handler_depth--;
    if (BI_UNLIKELY(queue->first != NULL)) {
        bi_reactor_wake(reactor);
    }
}

/* As far as the queue is there now. *last may be moved meanwhile, when a task is taken out. */
static void drain_turn(struct bight_reactor *reactor, struct bi_task_queue *queue, struct bi_task **last)
{
    *last = queue->last;
    while (*last != NULL) {
        if (queue->first == *last) {
            *last = NULL;
        }
        bi_reactor_enter_for(reactor, bi_handler_task, NULL, 0);
        run_first(queue);
        bi_reactor_leave(reactor);
    }
}

void bi_reactor_drain_soon(struct bight_reactor *reactor)
{
    drain_turn(reactor, &reactor->soon, &reactor->state->soon_last);
}

/* The task before `task`, NULL when it is the first; false when it is not in the queue. */
static bool find(const struct bi_task_queue *queue, const struct bi_task *task, struct bi_task **before)
{
    *before = NULL;
    for (struct bi_task *each = queue->first; each != NULL; each = each->next) {
        if (each == task) {
            return true;
        }
        *before = each;
    }
    return false;
}

static bool take_out(struct bi_task_queue *queue, struct bi_task *task, struct bi_task **before)
{
    if (!find(queue, task, before)) {
        return false;
    }
    if (*before != NULL) {
        (*before)->next = task->next;
    } else {
        queue->first = task->next;
    }
    if (queue->last == task) {
        queue->last = *before;
    }
    task->run = NULL;
    return true;
}

void bi_reactor_unqueue(struct bight_reactor *reactor, struct bi_task *task)
{
    struct bi_task *before;
    if (task->run == NULL || take_out(&reactor->afterwards, task, &before)) {
        return;
    }
    if (take_out(&reactor->soon, task, &before) && reactor->state->soon_last == task) {
        reactor->state->soon_last = before;
    }
}

/* ------------------------------------------------------------------------- calls when it is running */

struct running_call {
    struct bi_task task; /* first; in state->when_running */
    uint64_t id;
    bight_timer_function function;
    void *context;
    bight_release_function release;
};

static void free_call(struct running_call *call)
{
    if (call->release != NULL) {
        call->release(call->context);
    }
    bight_free(call);
}

static void run_call(struct bi_task *task)
{
    struct running_call *call = (struct running_call *)task;
    call->function(call->context);
    free_call(call);
}

int bight_call_when_running(struct bight_reactor *reactor, bight_timer_function function, void *context)
{
    return bight_call_when_running_full(reactor, function, context, NULL, NULL);
}

int bight_call_when_running_full(struct bight_reactor *reactor, bight_timer_function function, void *context,
    bight_release_function release, uint64_t *id)
{
    int code = bi_reactor_check_use(reactor, "bight_call_when_running");
    if (code != 0) {
        return code;
    }
    struct running_call *call = bight_malloc(sizeof *call);
    if (call == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    call->function = function;
    call->context = context;
    call->release = release;
    call->task.run = run_call;
    call->id = ++reactor->state->last_trigger;
    if (id != NULL) {
        *id = call->id;
    }
    bi_task_push(&reactor->state->when_running, &call->task);
    bi_reactor_wake(reactor);
    return 0;
}

bool bi_reactor_remove_call(struct bight_reactor *reactor, uint64_t id)
{
    struct bi_reactor_state *state = reactor->state;
    struct bi_task *task = state->when_running.first;
    while (task != NULL && ((struct running_call *)task)->id != id) {
        task = task->next;
    }
    struct bi_task *before;
    if (task == NULL || !take_out(&state->when_running, task, &before)) {
        return false;
    }
    if (state->when_running_last == task) {
        state->when_running_last = before;
    }
    free_call((struct running_call *)task);
    return true;
}

bool bi_reactor_has_calls_when_running(const struct bi_reactor_state *state)
{
    return state->when_running.first != NULL && state->phase >= BI_PHASE_RUNNING && state->phase <= BI_PHASE_WAITING;
}

void bi_reactor_run_calls_when_running(struct bight_reactor *reactor)
{
    drain_turn(reactor, &reactor->state->when_running, &reactor->state->when_running_last);
}

void bi_reactor_drop_calls(struct bight_reactor *reactor)
{
    while (reactor->state->when_running.first != NULL) {
        free_call((struct running_call *)pop(&reactor->state->when_running));
    }
}
