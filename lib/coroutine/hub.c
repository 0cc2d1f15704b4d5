/* SPDX-License-Identifier: MIT */
/* hub.c - a reactor's coroutines: their stacks and limits, and what happens to them when it goes (D36).
 *
 * A run that ends cancels those that wait, again and again for a while, since each may go on to wait for something
 * else; a reactor that is freed does so without turns in between, and leaves behind what will not end. */
#include "base/options.h"
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
static void unpark(struct bi_coroutine *self)
{
    bi_reactor_unqueue(self->hub->reactor, &self->turn);
    bi_coroutine_go_on(&self->turn);
}

/* Cancels once each of those that are there now. */
static void cancel_all(struct bi_coroutine_hub *hub)
{
    bool is_last = bi_reactor_is_freeing(hub->reactor);
    BI_LIST_EACH_NOW (link, &hub->alive) {
        struct bi_coroutine *each = BI_CONTAINER(link, struct bi_coroutine, link);
        bool is_parked = each->turn.run != NULL;
        each->is_told_to_end = is_last;
        bi_deferred_cancel_for_owner(each->outer);
        if (is_parked && is_last) {
            unpark(each);
        }
    }
}

static void ask_again(struct bi_task *task)
{
    struct bi_coroutine_hub *hub = BI_CONTAINER(task, struct bi_coroutine_hub, task);
    hub->rounds++;
    if (hub->rounds % ROUNDS_BETWEEN_CANCELS == 0) {
        cancel_all(hub);
    }
    if (hub->count > 0 && hub->rounds < ROUNDS_BETWEEN_CANCELS * CANCELS_AT_THE_END) {
        bi_reactor_soon(hub->reactor, &hub->task, ask_again);
    }
}

static void disconnect(struct bi_attachment *attachment)
{
    struct bi_coroutine_hub *hub = BI_CONTAINER(attachment, struct bi_coroutine_hub, attachment);
    cancel_all(hub);
    hub->rounds = 0;
    if (hub->count > 0 && hub->task.run == NULL) {
        bi_reactor_soon(hub->reactor, &hub->task, ask_again);
    }
}

/* It will not run again. Its stack stays, since there may be pointers into it. */
static void leave_behind(struct bi_coroutine *self)
{
    struct bight_deferred *outer = self->outer;
    bight_log_at(self->spawned_at, BIGHT_LOG_CRITICAL, "coroutine", NULL,
        "a coroutine did not end with its reactor: it waits at %s", self->awaits_at);
    bi_list_remove(&self->link);
    self->hub->count--;
    bi_fiber_end(&self->fiber);
    if (self->turn.run != NULL) {
        bi_reactor_unqueue(self->hub->reactor, &self->turn);
    } else {
        bight_deferred_release(bi_deferred_stop_await(outer));
    }
    outer->flags &= ~(uint32_t)(BI_DEFERRED_COROUTINE | BI_DEFERRED_CANCEL_ASKED);
    if (self->release != NULL) {
        self->release(self->context);
    }
    bight_result_discard(&self->result);
    outer->flags |= BI_DEFERRED_OWNER_ENDED; /* it has been said */
    bi_deferred_accept(outer, BIGHT_HERE, &bight_type_failure, bight_failure_of(BIGHT_E_ABANDONED));
    bi_deferred_run(outer);
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct bi_coroutine_hub *hub = BI_CONTAINER(attachment, struct bi_coroutine_hub, attachment);
    if (hub->task.run != NULL) {
        bi_reactor_unqueue(hub->reactor, &hub->task);
    }
    for (int i = 0; i < CANCELS_AT_LAST && hub->count > 0; i++) {
        cancel_all(hub);
    }
    while (!bi_list_is_empty(&hub->alive)) {
        leave_behind(BI_CONTAINER(hub->alive.next, struct bi_coroutine, link));
    }
    bi_stack_pool_trim(&hub->stacks, 0);
}

static bool open_hub(struct bi_attachment *attachment)
{
    struct bi_coroutine_hub *hub = BI_CONTAINER(attachment, struct bi_coroutine_hub, attachment);
    hub->reactor = attachment->reactor;
    hub->limit = SIZE_MAX;
    bi_list_init(&hub->alive);
    bi_stack_pool_init(&hub->stacks, hub->reactor->system);
    bi_stack_pool_change(&hub->stacks, STACK_SIZE_UNLESS_TOLD, true, POOL_LIMIT_UNLESS_TOLD);
    return true;
}

static const struct bi_attachment_kind coroutines = {
    .order = BI_ORDER_COROUTINES,
    .size = sizeof(struct bi_coroutine_hub),
    .open = open_hub,
    .at = { [BI_DISCONNECTING] = disconnect },
    .finish = finish_hub,
};

static struct bi_coroutine_hub *hub_in(struct bi_attachment *attachment)
{
    return attachment != NULL ? BI_CONTAINER(attachment, struct bi_coroutine_hub, attachment) : NULL;
}

struct bi_coroutine_hub *bi_coroutine_hub_of(struct bight_reactor *reactor)
{
    return hub_in(bi_attachment_of(reactor, &coroutines));
}

/* ------------------------------------------------------------------------------- options and figures */

int bight_coroutine_set_options(struct bight_reactor *reactor, const struct bight_coroutine_options *given)
{
    struct bight_coroutine_options options;
    int code = bi_reactor_check_thread(reactor, "bight_coroutine_set_options");
    if (code != 0) {
        return code;
    }
    bi_take_options(&options, sizeof options, given);
    size_t stack_size = options.stack_size != 0 ? options.stack_size : STACK_SIZE_UNLESS_TOLD;
    if (stack_size < BI_MIN_STACK_SIZE || stack_size > BI_MAX_STACK_SIZE) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_coroutine_set_options: the stack size %zu is out of range", stack_size);
    }
    struct bi_coroutine_hub *hub = bi_coroutine_hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    hub->limit = options.limit != 0 ? options.limit : SIZE_MAX;
    bi_stack_pool_change(&hub->stacks, stack_size, !options.no_guard_pages,
        options.pool_limit != 0 ? options.pool_limit : POOL_LIMIT_UNLESS_TOLD);
    return 0;
}

int bight_coroutine_get_options(struct bight_reactor *reactor, struct bight_coroutine_options *options)
{
    const struct bi_coroutine_hub *hub = bi_coroutine_hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct bight_coroutine_options all = {
        .stack_size = hub->stacks.stack_size,
        .no_guard_pages = !hub->stacks.has_guards,
        .pool_limit = (unsigned)hub->stacks.limit,
        .limit = hub->limit == SIZE_MAX ? 0 : (unsigned)hub->limit,
    };
    return bi_give_figures("bight_coroutine_get_options", options, &all, sizeof all);
}

int bight_coroutine_read_figures(struct bight_reactor *reactor, struct bight_coroutine_figures *figures)
{
    const struct bi_coroutine_hub *hub = hub_in(bi_attachment_find(reactor, &coroutines));
    struct bight_coroutine_figures all = { 0 };
    if (hub != NULL) {
        all.coroutines = hub->count;
        all.pooled = hub->stacks.count;
    }
    return bi_give_figures("bight_coroutine_read_figures", figures, &all, sizeof all);
}
