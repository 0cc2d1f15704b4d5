/* SPDX-License-Identifier: MIT */
/* coroutine.c - coroutines: spawning, awaiting, and what becomes of them when their reactor goes (D35, D36).
 *
 * A coroutine is the producer of its Deferred, the outer. While it waits, the outer stands among the waiters of what
 * is awaited, just as a fired Deferred whose handler chained that one: so deferred/chain.c and cancel.c know what to
 * do, and waiting takes no memory. When the result arrives deferred/run.c calls the outer's resume, which changes to
 * the coroutine's stack; that changes back when the body waits again or has ended. Whoever resumes a coroutine thus
 * goes on when it lets go, and none runs on the stack of another. Stacks come from coroutine_stack.c, the change of
 * stacks from coroutine_switch.h.
 *
 * A body whose awaits are all answered at once would hold the loop for as long as that lasts: a writer whose reader
 * keeps up, and timers, other connections and signals wait. So after so many in a row it parks: what it was answered
 * lies in the outer's result, as if it had waited, until a task of the next turn resumes it. */
#include <bight/coroutine.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>

#include "deferred/deferred.h"
#include "reactor/coroutine_annotate.h"
#include "reactor/coroutine_stack.h"
#include "reactor/coroutine_switch.h"
#include "reactor/state.h"

#define ALIGNMENT ((uintptr_t)64)
#define STACK_SIZE_UNLESS_TOLD ((size_t)256 << 10)
#define POOL_LIMIT_UNLESS_TOLD 64

/* Awaits in a row that are answered at once, before a turn of the loop goes between. */
#define MOST_ANSWERED 256

/* At the end of a run those that go on waiting are asked again, a few times and after a few rounds of put-off work. */
#define ROUNDS_BETWEEN_CANCELS 8
#define CANCELS_AT_THE_END 6
/* When the reactor goes there is nothing left to wait for. */
#define CANCELS_AT_LAST 16

/* One reactor's. */
struct hub {
    struct bight_attachment attachment;
    struct bight_reactor *reactor;
    struct bight_stack_pool stacks;
    struct bight_link alive; /* coroutines that have begun and not ended */
    size_t count;
    size_t limit;
    struct bight_task task; /* asks again */
    unsigned rounds;
};

/* Lies at the upper end of its stack. What each await touches comes first. */
struct coroutine {
    struct hub *hub;
    struct bight_deferred *outer;
    const char *awaits_at;
    unsigned handler_depth; /* of the reactor, on this stack */
    unsigned answered;      /* awaits at once, since it last changed stacks */
    bool has_ended;
    struct bight_switch inside, outside; /* where it is left, and where it was resumed from */
    struct bight_fiber fiber;
    struct bight_link link;
    struct bight_task turn; /* queued while it is parked */
    struct bight_stack *stack;
    bight_coroutine_function function;
    void *context;
    bight_release_function release;
    struct bight_result result;
    const char *spawned_at;
};

/* On whose stack this thread is; NULL: on none. */
static _Thread_local struct coroutine *current __attribute__((tls_model("initial-exec")));

static const char hub_key;

bool bight_in_coroutine(void)
{
    return current != NULL;
}

struct bight_reactor *bight_coroutine_reactor(void)
{
    return current != NULL ? current->hub->reactor : NULL;
}

/* ---------------------------------------------------------------------------------- changing stacks */

/* Until the body waits or has ended. Handlers that are on the body's own stack count only while it runs. */
static void run_inside(struct coroutine *self)
{
    struct bight_reactor *reactor = self->hub->reactor;
    struct coroutine *resumer = current;
    unsigned depth = reactor->handler_depth;
    current = self;
    reactor->handler_depth = depth + 1 + self->handler_depth;
    bight_fiber_going_in(&self->fiber, self->stack->low, self->stack->size);
    bight_switch_change(&self->outside, &self->inside);
    bight_fiber_came_back(&self->fiber);
    self->handler_depth = reactor->handler_depth - depth - 1;
    reactor->handler_depth = depth;
    current = resumer;
    if (depth == 0 && reactor->afterwards.first != NULL) {
        bight_reactor_wake(reactor);
    }
}

static void suspend(struct coroutine *self)
{
    self->answered = 0;
    bight_fiber_going_out(&self->fiber, false);
    bight_switch_change(&self->inside, &self->outside);
    bight_fiber_arrived(&self->fiber);
}

static void refuse_deferred_as_outcome(struct coroutine *self)
{
    int code =
        bight_usage_error(BIGHT_E_WRONG_TYPE, self->spawned_at, "a coroutine's result is a Deferred: await it instead");
    bight_result_discard(&self->result);
    bight_result_fail(&self->result, bight_failure_of(code));
}

static void run_body(struct coroutine *self)
{
    self->function(&self->result, self->context);
    if (self->release != NULL) {
        self->release(self->context);
    }
    if (self->result.type == &bight_type_deferred) {
        refuse_deferred_as_outcome(self);
    }
}

void bight_coroutine_begin(void)
{
    struct coroutine *self = current;
    bight_fiber_arrived(&self->fiber);
    run_body(self);
    self->has_ended = true;
    bight_fiber_going_out(&self->fiber, true);
    bight_switch_change(&self->inside, &self->outside);
    __builtin_unreachable();
}

/* Fires the outer, without running its handlers. `self` is gone then, with its stack. */
static void finish(struct coroutine *self)
{
    struct bight_deferred *outer = self->outer;
    struct hub *hub = self->hub;
    struct bight_result result = self->result;
    const char *place = self->spawned_at;
    bight_fiber_end(&self->fiber);
    bight_list_remove(&self->link);
    hub->count--;
    bight_stack_give(&hub->stacks, self->stack);
    outer->flags &= ~(uint32_t)(BIGHT_DEFERRED_COROUTINE | BIGHT_DEFERRED_CANCEL_ASKED);
    bight_deferred_accept(outer, place, result.type, result.value);
}

static bool resume(struct bight_deferred *outer)
{
    struct coroutine *self = outer->canceller_context;
    run_inside(self);
    if (BIGHT_LIKELY(!self->has_ended)) {
        return false;
    }
    finish(self);
    return true;
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
    int code = bight_usage_error(is_inside ? BIGHT_E_INVALID_ARGUMENT : BIGHT_E_USAGE, place,
        is_inside ? "bight_await: there is no Deferred, or no result" : "bight_await: not in a coroutine");
    if (deferred != NULL) {
        bight_deferred_cancel_for_owner(deferred); /* what comes of it is no news */
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
    return BIGHT_LIKELY(to->type != &bight_type_failure) ? BIGHT_OK : bight_failure_code(to->value);
}

static void go_on(struct bight_task *task)
{
    struct bight_deferred *outer = BIGHT_CONTAINER(task, struct coroutine, turn)->outer;
    if (resume(outer)) {
        bight_deferred_run(outer);
    }
}

/* An await that was answered with what `result` holds, once too often. A cancel that came meanwhile is one of an await
 * that waits: a value gives way to it, or a body that is answered for ever could not be cancelled. */
static int __attribute__((noinline))
go_on_later(struct coroutine *self, const char *place, struct bight_result *result, int code)
{
    struct bight_reactor *reactor = self->hub->reactor;
    struct bight_deferred *outer = self->outer;
    self->answered = 0;
    if (reactor->state->phase == BIGHT_PHASE_FREEING) {
        return code; /* there is no later turn */
    }
    (void)move_result(&outer->result, result);
    self->awaits_at = place;
    if ((outer->flags & BIGHT_DEFERRED_CANCEL_ASKED) == 0) {
        bight_reactor_soon(reactor, &self->turn, go_on);
        suspend(self);
    }
    (void)move_result(result, &outer->result);
    if ((outer->flags & BIGHT_DEFERRED_CANCEL_ASKED) != 0) {
        outer->flags &= ~(uint32_t)BIGHT_DEFERRED_CANCEL_ASKED;
        if (code == BIGHT_OK) {
            bight_result_discard(result);
            return fail(result, BIGHT_E_CANCELLED);
        }
    }
    return code;
}

/* Of an await at once: counts it. */
static inline int answer(struct coroutine *self, const char *place, struct bight_result *result, int code)
{
    return BIGHT_LIKELY(self->answered++ < MOST_ANSWERED) ? code : go_on_later(self, place, result, code);
}

/* What is at rest: moves its result. */
static int take_result(
    struct coroutine *self, const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    self->outer->flags |= deferred->flags & BIGHT_DEFERRED_OWNER_ENDED;
    int code = move_result(result, &deferred->result);
    bight_deferred_release(deferred);
    return answer(self, place, result, code);
}

static int wait_for_result(
    struct coroutine *self, const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    struct bight_deferred *outer = self->outer;
    if ((outer->flags & BIGHT_DEFERRED_CANCEL_ASKED) != 0) {
        outer->flags &= ~(uint32_t)BIGHT_DEFERRED_CANCEL_ASKED;
        bight_deferred_cancel(deferred);
        if (bight_deferred_is_at_rest(deferred)) {
            return take_result(self, place, deferred, result);
        }
    }
    int code = bight_deferred_begin_await(outer, deferred);
    if (code != BIGHT_OK) {
        bight_deferred_release(deferred);
        return answer(self, place, result, fail(result, code));
    }
    self->awaits_at = place;
    suspend(self);
    return move_result(result, &outer->result);
}

int bight_await_at(const char *place, struct bight_deferred *deferred, struct bight_result *result)
{
    struct coroutine *self = current;
    if (BIGHT_UNLIKELY(self == NULL || deferred == NULL || result == NULL)) {
        return misused(place, deferred, result);
    }
    if (BIGHT_UNLIKELY((deferred->flags & BIGHT_DEFERRED_OUT_OF_MEMORY) != 0)) {
        return answer(self, place, result, fail(result, BIGHT_E_OUT_OF_MEMORY));
    }
    if (bight_deferred_is_at_rest(deferred)) {
        return take_result(self, place, deferred, result);
    }
    return wait_for_result(self, place, deferred, result);
}

/* --------------------------------------------------------------------------------- a reactor's coroutines */

/* Those parked go on now: there is no later turn. */
static void unpark(struct coroutine *self)
{
    bight_reactor_unqueue(self->hub->reactor, &self->turn);
    go_on(&self->turn);
}

/* Cancels once each of those that are there now. */
static void cancel_all(struct hub *hub)
{
    bool is_last = hub->reactor->state->phase == BIGHT_PHASE_FREEING;
    struct bight_link ring;
    bight_list_take_all(&ring, &hub->alive);
    while (!bight_list_is_empty(&ring)) {
        struct coroutine *each = BIGHT_CONTAINER(ring.next, struct coroutine, link);
        bight_list_remove(&each->link);
        bight_list_append(&hub->alive, &each->link);
        bool is_parked = each->turn.run != NULL;
        bight_deferred_cancel_for_owner(each->outer);
        if (is_parked && is_last) {
            unpark(each);
        }
    }
}

static void ask_again(struct bight_task *task)
{
    struct hub *hub = BIGHT_CONTAINER(task, struct hub, task);
    hub->rounds++;
    if (hub->rounds % ROUNDS_BETWEEN_CANCELS == 0) {
        cancel_all(hub);
    }
    if (hub->count > 0 && hub->rounds < ROUNDS_BETWEEN_CANCELS * CANCELS_AT_THE_END) {
        bight_reactor_soon(hub->reactor, &hub->task, ask_again);
    }
}

static void disconnect(struct bight_attachment *attachment)
{
    struct hub *hub = BIGHT_CONTAINER(attachment, struct hub, attachment);
    cancel_all(hub);
    hub->rounds = 0;
    if (hub->count > 0 && hub->task.run == NULL) {
        bight_reactor_soon(hub->reactor, &hub->task, ask_again);
    }
}

/* It will not run again. Its stack stays, since there may be pointers into it. */
static void leave_behind(struct coroutine *self)
{
    struct bight_deferred *outer = self->outer;
    bight_log_at(self->spawned_at, BIGHT_LOG_CRITICAL, "coroutine", NULL,
        "a coroutine did not end with its reactor: it waits at %s", self->awaits_at);
    bight_list_remove(&self->link);
    self->hub->count--;
    bight_fiber_end(&self->fiber);
    bight_deferred_release(bight_deferred_stop_await(outer));
    outer->flags &= ~(uint32_t)(BIGHT_DEFERRED_COROUTINE | BIGHT_DEFERRED_CANCEL_ASKED);
    if (self->release != NULL) {
        self->release(self->context);
    }
    bight_result_discard(&self->result);
    outer->flags |= BIGHT_DEFERRED_OWNER_ENDED; /* it has been said */
    bight_deferred_accept(outer, BIGHT_HERE, &bight_type_failure, bight_failure_of(BIGHT_E_ABANDONED));
    bight_deferred_run(outer);
}

static void free_hub(struct bight_attachment *attachment)
{
    struct hub *hub = BIGHT_CONTAINER(attachment, struct hub, attachment);
    if (hub->task.run != NULL) {
        bight_reactor_unqueue(hub->reactor, &hub->task);
    }
    for (int i = 0; i < CANCELS_AT_LAST && hub->count > 0; i++) {
        cancel_all(hub);
    }
    while (!bight_list_is_empty(&hub->alive)) {
        leave_behind(BIGHT_CONTAINER(hub->alive.next, struct coroutine, link));
    }
    bight_stack_pool_trim(&hub->stacks, 0);
    bight_free(hub);
}

static struct hub *find_hub(struct bight_reactor *reactor)
{
    struct bight_attachment *attachment = bight_reactor_attachment(reactor, &hub_key);
    return attachment != NULL ? BIGHT_CONTAINER(attachment, struct hub, attachment) : NULL;
}

/* Made when there is none; NULL without memory. */
static struct hub *hub_of(struct bight_reactor *reactor)
{
    struct hub *hub = find_hub(reactor);
    if (hub != NULL) {
        return hub;
    }
    hub = bight_calloc(1, sizeof *hub);
    if (hub == NULL) {
        return NULL;
    }
    hub->attachment = (struct bight_attachment) { .key = &hub_key, .disconnect = disconnect, .free = free_hub };
    hub->reactor = reactor;
    hub->limit = SIZE_MAX;
    bight_list_init(&hub->alive);
    bight_stack_pool_init(&hub->stacks, reactor->system);
    bight_stack_pool_change(&hub->stacks, STACK_SIZE_UNLESS_TOLD, true, POOL_LIMIT_UNLESS_TOLD);
    bight_reactor_attach(reactor, &hub->attachment);
    return hub;
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
        return bight_failure_of(bight_usage_error(BIGHT_E_USAGE, place, "%s", what));
    }
    int code = bight_reactor_check_thread_at(place, reactor, "bight_spawn");
    if (code != 0) {
        return bight_failure_of(code);
    }
    if (scope != NULL && bight_scope_is_closing(scope)) {
        return bight_failure_of(BIGHT_E_CANCELLED);
    }
    return bight_reactor_is_ending(reactor) ? bight_failure_of(BIGHT_E_SHUTDOWN) : NULL;
}

/* NULL when there is none to be had; then *failure says why. */
static struct bight_stack *take_stack(struct hub *hub, struct bight_failure **failure)
{
    if (hub == NULL) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    if (hub->count >= hub->limit) {
        *failure = bight_failure_new(BIGHT_E_LIMIT, 0, NULL, "there are %zu coroutines already", hub->count);
        return NULL;
    }
    return bight_stack_take(&hub->stacks, failure);
}

/* Puts a coroutine on its stack; it has not begun yet. */
static struct coroutine *make(struct hub *hub, struct bight_stack *stack, const struct body *body, const char *place)
{
    uintptr_t top = (uintptr_t)(stack->low + stack->size - sizeof(struct coroutine));
    struct coroutine *self = (struct coroutine *)(top / ALIGNMENT * ALIGNMENT);
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
    self->turn.run = NULL;
    self->has_ended = false;
    bight_fiber_begin(&self->fiber);
    bight_switch_prepare(&self->inside, stack->low, (size_t)((unsigned char *)self - stack->low));
    bight_list_append(&hub->alive, &self->link);
    hub->count++;
    return self;
}

static void run_first(struct coroutine *self, struct bight_deferred *outer)
{
    self->outer = outer;
    outer->flags |= BIGHT_DEFERRED_COROUTINE;
    outer->resume = resume;
    outer->canceller_context = self;
    if (resume(outer)) {
        bight_deferred_run(outer); /* has no handlers yet, but maybe an owner that waits for it */
    }
}

static struct bight_deferred *spawn(
    const char *place, struct bight_scope *scope, struct bight_reactor *reactor, const struct body *body)
{
    struct bight_failure *failure = find_obstacle(place, reactor, scope, body);
    if (failure != NULL) {
        return refuse(place, body, failure);
    }
    struct hub *hub = hub_of(reactor);
    struct bight_stack *stack = take_stack(hub, &failure);
    if (stack == NULL) {
        return refuse(place, body, failure);
    }
    struct bight_promise promise;
    struct bight_deferred *outer = bight_deferred_new_at(place, &promise, NULL, NULL, NULL);
    if (!bight_promise_is_open(promise)) {
        bight_stack_give(&hub->stacks, stack);
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

/* ------------------------------------------------------------------------------- options and figures */

int bight_coroutine_set_options(struct bight_reactor *reactor, const struct bight_coroutine_options *given)
{
    struct bight_coroutine_options options;
    int code = bight_reactor_check_thread(reactor, "bight_coroutine_set_options");
    if (code != 0) {
        return code;
    }
    memset(&options, 0, sizeof options);
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
    size_t stack_size = options.stack_size != 0 ? options.stack_size : STACK_SIZE_UNLESS_TOLD;
    if (stack_size < BIGHT_STACK_SIZE_LEAST || stack_size > BIGHT_STACK_SIZE_MOST) {
        return bight_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_coroutine_set_options: the stack size %zu is out of range", stack_size);
    }
    struct hub *hub = hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    hub->limit = options.limit != 0 ? options.limit : SIZE_MAX;
    bight_stack_pool_change(&hub->stacks, stack_size, !options.no_guard_pages,
        options.pool_limit != 0 ? options.pool_limit : POOL_LIMIT_UNLESS_TOLD);
    return 0;
}

void bight_coroutine_read_figures(struct bight_reactor *reactor, struct bight_coroutine_figures *figures)
{
    const struct hub *hub = find_hub(reactor);
    *figures = (struct bight_coroutine_figures) { 0 };
    if (hub != NULL) {
        figures->coroutines = hub->count;
        figures->pooled = hub->stacks.count;
    }
}
