/* SPDX-License-Identifier: MIT */
/* hub.c - a reactor's coroutines: their stacks and limits, and what becomes of them when it goes (D36).
 *
 * A run that ends cancels those that wait, again and again for a while, since each may go on to wait for something
 * else; a reactor that is freed does so without turns in between, and leaves behind what will not end. */
#include "coroutine/coroutine.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>

#define STACK_SIZE_UNLESS_TOLD ((size_t)256 << 10)
#define POOL_LIMIT_UNLESS_TOLD 64

/* At the end of a run those that go on waiting are asked again, a few times and after a few rounds of put-off work. */
#define ROUNDS_BETWEEN_CANCELS 8
#define CANCELS_AT_THE_END 6
/* When the reactor goes there is nothing left to wait for. */
#define CANCELS_AT_LAST 16

/* ---------------------------------------------------------------------------------- when the reactor goes */

/* Those parked go on now: there is no later turn. */
static void unpark(struct bight_coroutine *self)
{
    bight_reactor_unqueue(self->hub->reactor, &self->turn);
    bight_coroutine_go_on(&self->turn);
}

/* Cancels once each of those that are there now. */
static void cancel_all(struct bight_coroutine_hub *hub)
{
    bool is_last = bight_reactor_is_freeing(hub->reactor);
    struct bight_link ring;
    bight_list_take_all(&ring, &hub->alive);
    while (!bight_list_is_empty(&ring)) {
        struct bight_coroutine *each = BIGHT_CONTAINER(ring.next, struct bight_coroutine, link);
        bight_list_remove(&each->link);
        bight_list_append(&hub->alive, &each->link);
        bool is_parked = each->turn.run != NULL;
        each->is_told_to_end = is_last;
        bight_deferred_cancel_for_owner(each->outer);
        if (is_parked && is_last) {
            unpark(each);
        }
    }
}

static void ask_again(struct bight_task *task)
{
    struct bight_coroutine_hub *hub = BIGHT_CONTAINER(task, struct bight_coroutine_hub, task);
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
    struct bight_coroutine_hub *hub = BIGHT_CONTAINER(attachment, struct bight_coroutine_hub, attachment);
    cancel_all(hub);
    hub->rounds = 0;
    if (hub->count > 0 && hub->task.run == NULL) {
        bight_reactor_soon(hub->reactor, &hub->task, ask_again);
    }
}

/* It will not run again. Its stack stays, since there may be pointers into it. */
static void leave_behind(struct bight_coroutine *self)
{
    struct bight_deferred *outer = self->outer;
    bight_log_at(self->spawned_at, BIGHT_LOG_CRITICAL, "coroutine", NULL,
        "a coroutine did not end with its reactor: it waits at %s", self->awaits_at);
    bight_list_remove(&self->link);
    self->hub->count--;
    bight_fiber_end(&self->fiber);
    if (self->turn.run != NULL) {
        bight_reactor_unqueue(self->hub->reactor, &self->turn);
    } else {
        bight_deferred_release(bight_deferred_stop_await(outer));
    }
    outer->flags &= ~(uint32_t)(BIGHT_DEFERRED_COROUTINE | BIGHT_DEFERRED_CANCEL_ASKED);
    if (self->release != NULL) {
        self->release(self->context);
    }
    bight_result_discard(&self->result);
    outer->flags |= BIGHT_DEFERRED_OWNER_ENDED; /* it has been said */
    bight_deferred_accept(outer, BIGHT_HERE, &bight_type_failure, bight_failure_of(BIGHT_E_ABANDONED));
    bight_deferred_run(outer);
}

static void finish_hub(struct bight_attachment *attachment)
{
    struct bight_coroutine_hub *hub = BIGHT_CONTAINER(attachment, struct bight_coroutine_hub, attachment);
    if (hub->task.run != NULL) {
        bight_reactor_unqueue(hub->reactor, &hub->task);
    }
    for (int i = 0; i < CANCELS_AT_LAST && hub->count > 0; i++) {
        cancel_all(hub);
    }
    while (!bight_list_is_empty(&hub->alive)) {
        leave_behind(BIGHT_CONTAINER(hub->alive.next, struct bight_coroutine, link));
    }
    bight_stack_pool_trim(&hub->stacks, 0);
}

static bool open_hub(struct bight_attachment *attachment)
{
    struct bight_coroutine_hub *hub = BIGHT_CONTAINER(attachment, struct bight_coroutine_hub, attachment);
    hub->reactor = attachment->reactor;
    hub->limit = SIZE_MAX;
    bight_list_init(&hub->alive);
    bight_stack_pool_init(&hub->stacks, hub->reactor->system);
    bight_stack_pool_change(&hub->stacks, STACK_SIZE_UNLESS_TOLD, true, POOL_LIMIT_UNLESS_TOLD);
    return true;
}

static const struct bight_attachment_kind coroutines = {
    .order = BIGHT_ORDER_COROUTINES,
    .size = sizeof(struct bight_coroutine_hub),
    .open = open_hub,
    .at = { [BIGHT_DISCONNECTING] = disconnect },
    .finish = finish_hub,
};

static struct bight_coroutine_hub *hub_in(struct bight_attachment *attachment)
{
    return attachment != NULL ? BIGHT_CONTAINER(attachment, struct bight_coroutine_hub, attachment) : NULL;
}

struct bight_coroutine_hub *bight_coroutine_hub_of(struct bight_reactor *reactor)
{
    return hub_in(bight_attachment_of(reactor, &coroutines));
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
    struct bight_coroutine_hub *hub = bight_coroutine_hub_of(reactor);
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
    const struct bight_coroutine_hub *hub = hub_in(bight_attachment_find(reactor, &coroutines));
    *figures = (struct bight_coroutine_figures) { 0 };
    if (hub != NULL) {
        figures->coroutines = hub->count;
        figures->pooled = hub->stacks.count;
    }
}
