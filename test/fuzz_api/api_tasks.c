/* SPDX-License-Identifier: MIT */
/* api_tasks.c - looping calls and cooperative tasks, which do anything from inside: wait, stop, free, start again (R11,
 * R12).
 *
 * A function is not called while what it gave has not fired, nor after its loop was stopped or freed; a task takes no
 * step while it waits, is paused, or has ended. */
#include "api_company.h"

#include <bight/task.h>

#include <string.h>

enum { LOOPS = 4, TASKS = 6 };

static struct {
    struct loop {
        struct bight_looping_call *call;
        struct item *item; /* the context of the function */
    } loops[LOOPS];
    struct bight_cooperator *cooperators[2];
    struct task {
        struct bight_cooperative_task *task;
        struct item *item;
    } tasks[TASKS];
} state;

/* In an item: `budget` counts down calls, `order` counts what is waited for. */
static void on_fired(struct bight_result *result, void *context)
{
    (void)result;
    ((struct item *)context)->order--;
}

static struct bight_deferred *wait_of(struct item *item)
{
    uint64_t drawn = draw_from((uint64_t)item->id * 151u << 8 | item->budget);
    struct bight_deferred *deferred = drawn % 3 == 0 ? NULL : some_deferred(item->side, drawn / 3);
    if (deferred != NULL) {
        item->order++;
        (void)bight_deferred_add_both(deferred, on_fired, item);
    }
    return deferred;
}

/* ----------------------------------------------------------------------------------- looping calls */

static struct loop *loop_of(const struct item *item)
{
    for (unsigned i = 0; i < LOOPS; i++) {
        if (state.loops[i].item == item) {
            return &state.loops[i];
        }
    }
    return NULL;
}

static struct bight_deferred *on_tick(struct bight_looping_call *call, void *context)
{
    struct item *item = context;
    struct loop *loop = loop_of(item);
    fuzz_tell(world.tape, "-> loop %u ticks", item->id);
    if (item->is_released || item->is_inside || item->order > 0 || loop == NULL || loop->call != call ||
        !bight_looping_call_is_running(call)) {
        fuzz_fail("loop %u ticks and should not", item->id);
    }
    (void)bight_looping_call_missed(call);
    item->is_inside = true;
    act_inside(item->id * 157u + item->budget, NULL);
    item->is_inside = false;
    if (item->budget-- == 0) {
        item->budget = 0;
        (void)(loop->call == call ? bight_looping_call_stop(call) : 0);
        return NULL;
    }
    return wait_of(item);
}

static void begin_loop(struct loop *loop, unsigned side)
{
    struct item *item = world.is_ending ? NULL : new_item("looping call", side);
    if (item == NULL) {
        return;
    }
    item->budget = 30;
    loop->item = item;
    loop->call = bight_looping_call_new_full(bight_reactor_clock(world.reactors[side]), on_tick, item, release_item);
}

static void end_loop(struct loop *loop)
{
    struct bight_looping_call *call = loop->call;
    loop->call = NULL;
    bight_looping_call_free(call);
}

static void start_loop(struct fuzz_operation *operation, struct loop *loop)
{
    static const double intervals[] = { 0, 0.001, 0.01, 0.05, 2, 1e300 };
    struct item *item = new_item("run of a loop", loop->item->side);
    if (item != NULL) {
        double interval = intervals[fuzz_choose(operation, 6)];
        watch_deferred(item, bight_looping_call_start(loop->call, interval, fuzz_choose(operation, 2) == 0));
    }
}

static void use_loop(struct fuzz_operation *operation, struct loop *loop, unsigned how)
{
    struct bight_scope *scope = world.scopes[fuzz_choose(operation, SCOPES)].scope;
    bool is_running = bight_looping_call_is_running(loop->call);
    int code = is_running ? 0 : BIGHT_E_NOT_RUNNING, answer = code;
    switch (how) {
    case 0:
        answer = bight_looping_call_stop(loop->call);
        break;
    case 1:
        answer = bight_looping_call_reset(loop->call);
        break;
    case 2:
        (void)bight_looping_call_set_jitter(loop->call, 0.1 * fuzz_choose(operation, 6), 1);
        break;
    default:
        (void)bight_looping_call_join_scope(loop->call, scope);
    }
    if (answer != code) {
        fuzz_fail("stopping or resetting a loop answers %d", answer);
    }
}

void act_loop(struct fuzz_operation *operation, void *context)
{
    struct loop *loop = &state.loops[operation->subject % LOOPS];
    (void)context;
    if (loop->call == NULL) {
        begin_loop(loop, operation->subject % 2);
    }
    if (loop->call == NULL) {
        return;
    }
    unsigned how = fuzz_choose(operation, 12);
    if (how == 0) {
        end_loop(loop);
    } else if (how < 6) {
        start_loop(operation, loop);
    } else {
        use_loop(operation, loop, how - 6);
    }
}

/* ------------------------------------------------------------------------------- cooperative tasks */

static enum bight_step on_step(struct bight_cooperative_task *task, void *context)
{
    struct item *item = context;
    fuzz_tell(world.tape, "-> task %u takes a step", item->id);
    if (item->is_released || item->is_inside || item->order > 0 || item->has_run) {
        fuzz_fail("task %u takes a step and should not", item->id);
    }
    item->is_inside = true;
    act_inside(item->id * 163u + item->budget, NULL);
    item->is_inside = false;
    struct bight_deferred *deferred = wait_of(item);
    if (deferred != NULL) {
        (void)bight_cooperative_task_await(task, deferred);
    }
    return item->budget-- == 0 ? BIGHT_STEP_DONE : BIGHT_STEP_MORE;
}

static void on_task_done(struct bight_result *result, void *context)
{
    struct item *item = context;
    const struct bight_failure *failure = bight_result_failure(result);
    int code = failure == NULL ? 0 : bight_failure_code(failure);
    finish_item(item, result);
    if (code != BIGHT_E_CANCELLED) { /* else it is perhaps the asking that was cancelled */
        world.items[item->order].has_run = true;
    }
    act_inside(item->id * 167u, NULL);
    bight_result_clear(result);
}

static void ask_when_done(const struct task *task)
{
    struct item *item = new_item("end of a task", task->item->side);
    if (item != NULL) {
        item->order = task->item->id;
        watch_with(item, bight_cooperative_task_when_done(task->task), on_task_done);
    }
}

static void begin_task(struct task *task, unsigned side)
{
    if (state.cooperators[side] == NULL && !world.is_ending) {
        state.cooperators[side] = bight_cooperator_new(bight_reactor_clock(world.reactors[side]));
    }
    struct item *item = state.cooperators[side] == NULL ? NULL : new_item("task", side);
    if (item != NULL) {
        item->budget = (unsigned)(draw_from(item->id * 173u) % 10);
        task->item = item;
        task->task = bight_cooperate_full(state.cooperators[side], on_step, item, release_item);
    }
}

static void let_go_of_task(struct task *task)
{
    struct bight_cooperative_task *handle = task->task;
    task->task = NULL;
    bight_cooperative_task_release(handle);
}

static void use_task(struct fuzz_operation *operation, struct task *task, unsigned how)
{
    struct bight_scope *scope = world.scopes[fuzz_choose(operation, SCOPES)].scope;
    switch (how) {
    case 0:
        let_go_of_task(task);
        break;
    case 1:
        (void)bight_cooperative_task_pause(task->task);
        break;
    case 2:
    case 3:
        (void)bight_cooperative_task_resume(task->task);
        break;
    case 4:
        (void)bight_cooperative_task_stop(task->task);
        break;
    case 5:
        (void)bight_cooperative_task_join_scope(task->task, scope);
        break;
    case 6:
        (void)bight_cooperative_task_fail(task->task, bight_failure_of(BIGHT_E_LIMIT));
        break;
    default:
        ask_when_done(task);
    }
}

static void end_cooperator(unsigned side)
{
    struct bight_cooperator *cooperator = state.cooperators[side];
    state.cooperators[side] = NULL;
    bight_cooperator_free(cooperator);
}

void act_task(struct fuzz_operation *operation, void *context)
{
    struct task *task = &state.tasks[operation->subject % TASKS];
    unsigned side = operation->subject % 2, how = fuzz_choose(operation, 24);
    (void)context;
    if (how == 0) {
        end_cooperator(side);
    } else if (how == 1 && state.cooperators[side] != NULL) {
        (void)bight_cooperator_set_slice(state.cooperators[side], 0.001 * fuzz_choose(operation, 3));
    } else if (task->task == NULL) {
        begin_task(task, side);
    } else {
        use_task(operation, task, how % 9);
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
}

static void check(void)
{
    for (unsigned i = 0; i < TASKS; i++) {
        const struct task *task = &state.tasks[i];
        if (task->task != NULL && task->item->is_inside) {
            fuzz_fail("a step of task %u has not returned", task->item->id);
        }
    }
}

static void end(void)
{
    for (unsigned i = 0; i < LOOPS; i++) {
        end_loop(&state.loops[i]);
    }
    for (unsigned i = 0; i < TASKS; i++) {
        let_go_of_task(&state.tasks[i]);
    }
    end_cooperator(0);
    end_cooperator(1);
}

static void finish(void)
{
}

const struct part task_part = { begin, check, end, finish };
