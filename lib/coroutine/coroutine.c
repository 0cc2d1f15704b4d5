/* SPDX-License-Identifier: MIT */
/* coroutine.c - coroutines: spawning and awaiting (D35). What happens to them when their reactor goes is in
 * hub.c.
 *
 * A coroutine is the producer of its Deferred, the outer. While it waits, the outer stands among the waiters of what is
 * awaited, just as a fired Deferred whose handler chained that one: so deferred/chain.c and cancel.c know what to do,
 * and waiting takes no memory. When the result arrives deferred/run.c calls the outer's resume, which changes to the
 * coroutine's stack; that changes back when the body waits again or has ended. The function that resumes a coroutine
 * thus goes on when that one suspends, and none runs on the stack of another. Stacks come from stack.c, the change of
 * stacks from switch.h.
 *
 * A body whose awaits are all answered at once would hold the loop for as long as that lasts: a writer whose reader
 * keeps up, and timers, other connections and signals wait. So after so many in a row it parks: what it was answered
 * lies in the outer's result, as if it had waited, until a task of the next turn resumes it. The same holds the loop up
 * when coroutines let each other through, at a lock that each acquires again: every await waits, and is answered by a
 * loop of the library that never ends. There a coroutine that is resumed again, once too often for that loop, parks.
 * How often it is resumed otherwise does not count: a handler that fires many promises in a row has each handled at
 * once. */
#include <bight/coroutine.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>

#include "coroutine/coroutine.h"
#include "deferred/deferred.h"

#define ALIGNMENT ((uintptr_t)64)

/* Awaits in a row that are answered at once, before a turn of the loop goes between. */
#define MAX_ANSWERED 256

/* How often one inner loop (deferred.h) resumes coroutines again, before a turn goes between. */
#define MAX_RESUMED 256

/* On whose stack this thread is; NULL: on none. */
static _Thread_local struct bi_coroutine *current __attribute__((tls_model("initial-exec")));

bool bight_in_coroutine(void)
{
    return current != NULL;
}

struct bight_reactor *bight_coroutine_reactor(void)
{
    return current != NULL ? current->hub->reactor : NULL;
}

/* ---------------------------------------------------------------------------------- changing stacks */

/* Until the body waits or has ended. Handlers that are on the body's own stack count only while it runs. The resumer's
 * inner loop is hidden from the body: what it fires itself is not part of that loop. */
static void run_inside(struct bi_coroutine *self)
{
    struct bight_reactor *reactor = self->hub->reactor;
    struct bi_coroutine *resumer = current;
    struct bi_inner_loop *loop = bi_inner_loop;
    unsigned depth = reactor->handler_depth;
    current = self;
    bi_inner_loop = NULL;
    reactor->handler_depth = depth + 1 + self->handler_depth;
    bi_fiber_going_in(&self->fiber, self->stack->low, self->stack->size);
    bi_switch_change(&self->outside, &self->inside);
    bi_fiber_came_back(&self->fiber);
    self->handler_depth = reactor->handler_depth - depth - 1;
    reactor->handler_depth = depth;
    bi_inner_loop = loop;
    current = resumer;
    if (depth == 0 && reactor->afterwards.first != NULL) {
        bi_reactor_wake(reactor);
    }
}

static void suspend(struct bi_coroutine *self)
{
    self->answered = 0;
    bi_fiber_going_out(&self->fiber, false);
    bi_switch_change(&self->inside, &self->outside);
    bi_fiber_arrived(&self->fiber);
}

static void refuse_deferred_as_outcome(struct bi_coroutine *self)
{
    int code =
        bi_usage_error(BIGHT_E_WRONG_TYPE, self->spawned_at, "a coroutine's result is a Deferred: await it instead");
    bight_result_discard(&self->result);
    bight_result_fail(&self->result, bight_failure_of(code));
}

static void run_body(struct bi_coroutine *self)
{
    self->function(&self->result, self->context);
    if (self->release != NULL) {
        self->release(self->context);
    }
    if (self->result.type == &bight_type_deferred) {
        refuse_deferred_as_outcome(self);
    }
}

void bi_coroutine_begin(void)
{
    struct bi_coroutine *self = current;
    bi_fiber_arrived(&self->fiber);
    run_body(self);
    self->has_ended = true;
    bi_fiber_going_out(&self->fiber, true);
    bi_switch_change(&self->inside, &self->outside);
    __builtin_unreachable();
}

/* Fires the outer, without running its handlers. `self` lies on its stack and goes with it: so all is read first. The
 * flag goes before firing, or the run loop would resume what has ended. */
static void finish(struct bi_coroutine *self)
{
    struct bight_deferred *outer = self->outer;
    struct bi_coroutine_hub *hub = self->hub;
    struct bight_result result = self->result;
    const char *place = self->spawned_at;
    bi_fiber_end(&self->fiber);
    bi_list_remove(&self->link);
    hub->count--;
    bi_stack_give(&hub->stacks, self->stack);
    outer->flags &= ~(uint32_t)(BI_DEFERRED_COROUTINE | BI_DEFERRED_CANCEL_ASKED);
    bi_deferred_accept(outer, place, result.type, result.value);
}

static bool run_on(struct bight_deferred *outer)
{
    struct bi_coroutine *self = outer->canceller_context;
    run_inside(self);
    if (BI_LIKELY(!self->has_ended)) {
        return false;
    }
    finish(self);
    return true;
}

void bi_coroutine_go_on(struct bi_task *task)
{
    struct bight_deferred *outer = BI_CONTAINER(task, struct bi_coroutine, turn)->outer;
    if (run_on(outer)) {
        bi_deferred_run(outer);
    }
}

/* Whether this loop resumes it once too often. It may have been resumed from another meanwhile, which began later. */
static inline bool is_enough(struct bi_coroutine *self, struct bi_inner_loop *loop)
{
    if (self->resumed_by < loop->number) {
        self->resumed_by = loop->number;
        return false;
    }
    return loop->again++ >= MAX_RESUMED;
}

/* What it waited for has come. */
static bool resume(struct bight_deferred *outer)
{
    struct bi_coroutine *self = outer->canceller_context;
    if (BI_UNLIKELY(bi_inner_loop != NULL) && is_enough(self, bi_inner_loop)) {
        bi_reactor_soon(self->hub->reactor, &self->turn, bi_coroutine_go_on);
        return false;
    }
    return run_on(outer);
}

/* ----------------------------------------------------------------------------------------- awaiting */

static int fail(struct bight_result *result, int code)
{
    bight_result_fail(result, bight_failure_of(code));
    return code;
}

static int misused(const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    bool is_inside = current != NULL;
    int code = bi_usage_error(is_inside ? BIGHT_E_INVALID_ARGUMENT : BIGHT_E_USAGE, place,
        is_inside ? "bight_await: there is no Deferred, or no result" : "bight_await: not in a coroutine");
    if (deferred != NULL) {
        bi_deferred_cancel_for_owner(deferred); /* its result is no news */
        bight_deferred_release(deferred);
    }
    return result != NULL ? fail(result, code) : code;
}

/* Inline but for what must be destroyed. */
static inline int move_result(struct bight_result *to, struct bight_result *from)
{
    if (to->type != NULL && to->type->destroy != NULL) {
        bight_result_move(to, from);
    } else {
        to->type = from->type;
        to->value = from->value;
        from->type = NULL;
        from->value = NULL;
    }
    return BI_LIKELY(to->type != &bight_type_failure) ? BIGHT_OK : bight_failure_code(to->value);
}

/* A cancel that came while it was parked is one of an await that waits: a value yields to it, or a body that is
 * answered for ever could not be cancelled. */
static int __attribute__((noinline)) give_way(struct bi_coroutine *self, struct bight_result *result, int code)
{
    self->outer->flags &= ~(uint32_t)BI_DEFERRED_CANCEL_ASKED;
    if (code != BIGHT_OK) {
        return code;
    }
    bight_result_discard(result);
    return fail(result, BIGHT_E_CANCELLED);
}

/* Of an await whose answer lies in the outer. */
static inline int take_answer(struct bi_coroutine *self, struct bight_result *result)
{
    struct bight_deferred *outer = self->outer;
    int code = move_result(result, &outer->result);
    bool is_cancelled = (outer->flags & BI_DEFERRED_CANCEL_ASKED) != 0;
    return BI_UNLIKELY(is_cancelled) ? give_way(self, result, code) : code;
}

/* There is no later turn, so the reactor's cancel comes here, unless it has come and this is what the body does about
 * that. */
static int end_now(struct bi_coroutine *self, struct bight_result *result, int code)
{
    if (self->is_told_to_end) {
        return code;
    }
    self->outer->flags |= BI_DEFERRED_OWNER_ENDED;
    return give_way(self, result, code);
}

/* An await that was answered with what `result` holds, once too often. Cancelled already, it does not park: take_answer
 * yields. */
static int __attribute__((noinline))
go_on_later(struct bi_coroutine *self, const char *place, struct bight_result *result, int code)
{
    struct bight_reactor *reactor = self->hub->reactor;
    struct bight_deferred *outer = self->outer;
    self->answered = 0;
    if (bi_reactor_is_freeing(reactor)) {
        return end_now(self, result, code);
    }
    (void)move_result(&outer->result, result);
    self->awaits_at = place;
    if ((outer->flags & BI_DEFERRED_CANCEL_ASKED) == 0) {
        bi_reactor_soon(reactor, &self->turn, bi_coroutine_go_on);
        suspend(self);
    }
    return take_answer(self, result);
}

/* Of an await at once: counts it. */
static inline int answer(struct bi_coroutine *self, const char *place, struct bight_result *result, int code)
{
    return BI_LIKELY(self->answered++ < MAX_ANSWERED) ? code : go_on_later(self, place, result, code);
}

/* Of one that is at rest: moves its result. */
static int take_result(
    struct bi_coroutine *self, const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    self->outer->flags |= deferred->flags & BI_DEFERRED_OWNER_ENDED;
    int code = move_result(result, &deferred->result);
    bight_deferred_release(deferred);
    return answer(self, place, result, code);
}

static int wait_for_result(
    struct bi_coroutine *self, const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    struct bight_deferred *outer = self->outer;
    if ((outer->flags & BI_DEFERRED_CANCEL_ASKED) != 0) {
        outer->flags &= ~(uint32_t)BI_DEFERRED_CANCEL_ASKED;
        bight_deferred_cancel(deferred);
        if (bi_deferred_is_at_rest(deferred)) {
            return take_result(self, place, deferred, result);
        }
    }
    int code = bi_deferred_begin_await(outer, deferred);
    if (code != BIGHT_OK) {
        bight_deferred_release(deferred);
        return answer(self, place, result, fail(result, code));
    }
    self->awaits_at = place;
    suspend(self);
    return take_answer(self, result);
}

int bight_await_at(const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    struct bi_coroutine *self = current;
    if (BI_UNLIKELY(self == NULL || deferred == NULL || result == NULL)) {
        return misused(place, deferred, result);
    }
    if (BI_UNLIKELY((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0)) {
        return answer(self, place, result, fail(result, BIGHT_E_OUT_OF_MEMORY));
    }
    if (bi_deferred_is_at_rest(deferred)) {
        return take_result(self, place, deferred, result);
    }
    return wait_for_result(self, place, deferred, result);
}

/* ----------------------------------------------------------------------------------------- spawning */

struct body {
    bight_coroutine_function function;
    void *context;
    bight_release_function release;
};

static void release_context(const struct body *body)
{
    if (body->release != NULL) {
        body->release(body->context);
    }
}

static struct bight_deferred *refuse(const char *place, const struct body *body, struct bight_failure *failure)
{
    release_context(body);
    return bight_fail_at(place, failure);
}

/* Why nothing may begin now; NULL when it may. */
static struct bight_failure *find_obstacle(
    const char *place, const struct bight_reactor *reactor, const struct bight_scope *scope, const struct body *body)
{
    if (reactor == NULL || body->function == NULL) {
        const char *what = reactor == NULL ? "bight_spawn: there is no reactor" : "bight_spawn: there is no function";
        return bight_failure_of(bi_usage_error(BIGHT_E_USAGE, place, "%s", what));
    }
    int code = bi_reactor_check_thread_at(place, reactor, "bight_spawn");
    if (code != 0) {
        return bight_failure_of(code);
    }
    if (scope != NULL && bight_scope_is_closing(scope)) {
        return bight_failure_of(BIGHT_E_CANCELLED);
    }
    return bi_reactor_is_ending(reactor) ? bight_failure_of(BIGHT_E_SHUTDOWN) : NULL;
}

/* NULL when there is none to be had; then *failure says why. */
static struct bi_stack *take_stack(struct bi_coroutine_hub *hub, struct bight_failure **failure)
{
    if (hub == NULL) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    if (hub->count >= hub->limit) {
        *failure = bight_failure_new(BIGHT_E_LIMIT, 0, NULL, "there are %zu coroutines already", hub->count);
        return NULL;
    }
    return bi_stack_take(&hub->stacks, failure);
}

/* Puts a coroutine on its stack; it has not begun yet. */
static struct bi_coroutine *make(
    struct bi_coroutine_hub *hub, struct bi_stack *stack, const struct body *body, const char *place)
{
    uintptr_t top = (uintptr_t)(stack->low + stack->size - sizeof(struct bi_coroutine));
    struct bi_coroutine *self = (struct bi_coroutine *)(top / ALIGNMENT * ALIGNMENT);
    self->hub = hub;
    self->stack = stack;
    self->function = body->function;
    self->context = body->context;
    self->release = body->release;
    self->result = (struct bight_result) { NULL, NULL, NULL };
    self->spawned_at = place;
    self->awaits_at = NULL;
    self->handler_depth = 0;
    self->answered = 0;
    self->resumed_by = 0;
    self->turn.run = NULL;
    self->has_ended = false;
    self->is_told_to_end = false;
    bi_fiber_begin(&self->fiber);
    bi_switch_prepare(&self->inside, stack->low, (size_t)((unsigned char *)self - stack->low));
    bi_list_append(&hub->alive, &self->link);
    hub->count++;
    return self;
}

static void run_first(struct bi_coroutine *self, struct bight_deferred *outer)
{
    self->outer = outer;
    outer->flags |= BI_DEFERRED_COROUTINE;
    outer->resume = resume;
    outer->canceller_context = self;
    if (run_on(outer)) {
        bi_deferred_run(outer); /* has no handlers yet, but maybe an owner that waits for it */
    }
}

static struct bight_deferred *spawn(
    const char *place, struct bight_scope *scope, struct bight_reactor *reactor, const struct body *body)
{
    struct bight_failure *failure = find_obstacle(place, reactor, scope, body);
    if (failure != NULL) {
        return refuse(place, body, failure);
    }
    struct bi_coroutine_hub *hub = bi_coroutine_hub_of(reactor);
    struct bi_stack *stack = take_stack(hub, &failure);
    if (stack == NULL) {
        return refuse(place, body, failure);
    }
    struct bight_promise promise;
    struct bight_deferred *outer = bight_deferred_new_at(place, &promise, NULL, NULL, NULL);
    if (!bight_promise_is_open(promise)) {
        bi_stack_give(&hub->stacks, stack);
        release_context(body);
        return outer;
    }
    if (scope != NULL) {
        bight_deferred_tie(outer, bight_scope_owner(scope));
    }
    run_first(make(hub, stack, body, place), outer);
    return outer;
}

struct bight_deferred *bight_spawn_full_at(const char *place, struct bight_reactor *reactor,
    bight_coroutine_function function, void *context, bight_release_function release)
{
    return spawn(place, NULL, reactor, &(struct body) { function, context, release });
}

struct bight_deferred *bight_spawn_at(
    const char *place, struct bight_reactor *reactor, bight_coroutine_function function, void *context)
{
    return spawn(place, NULL, reactor, &(struct body) { function, context, NULL });
}

struct bight_deferred *bight_spawn_in_scope_full_at(const char *place, struct bight_scope *scope,
    struct bight_reactor *reactor, bight_coroutine_function function, void *context, bight_release_function release)
{
    return spawn(place, scope, reactor, &(struct body) { function, context, release });
}

struct bight_deferred *bight_spawn_in_scope_at(const char *place, struct bight_scope *scope,
    struct bight_reactor *reactor, bight_coroutine_function function, void *context)
{
    return spawn(place, scope, reactor, &(struct body) { function, context, NULL });
}
