/* SPDX-License-Identifier: MIT */
/* event.c - the events that triggers wait for: the reactor's own, which shutdown.c fires, and a program's, which are
 * made with their first trigger, fired here, and forgotten with their last.
 *
 * Firing takes steps: run the before-triggers that have not run, wait, and when there is nothing left to wait for run
 * the rest. The first step is taken inside the call, each further one as a task on a later turn, so no trigger runs
 * inside another's. While an event is under way it stays, whatever triggers are removed. */
#include <bight/memory.h>

#include <string.h>

#include "deferred/deferred.h"
#include "deferred/promises.h"
#include "reactor/state.h"

/* A program's. */
struct named_event {
    struct bi_event base;
    struct bi_task task;
    struct bight_reactor *reactor;
    struct bi_link waiters; /* of those that fired it this time */
    struct bi_link asked;   /* of those that did while it was under way */
    bool is_under_way;
    char name[];
};

/* ----------------------------------------------------------------------------------------- the reactor's */

static void wake(struct bight_reactor *reactor, struct bi_event *event)
{
    (void)event;
    bi_reactor_wake(reactor);
}

void bi_events_init(struct bi_reactor_state *state)
{
    bi_list_init(&state->events);
    bi_event_init(&state->startup, BIGHT_STARTUP, wake, state);
    bi_event_init(&state->shutdown, BIGHT_SHUTDOWN, wake, state);
}

struct bi_event *bi_event_find(const struct bi_reactor_state *state, const char *name)
{
    for (const struct bi_link *link = state->events.next; link != &state->events; link = link->next) {
        struct bi_event *event = BI_CONTAINER((struct bi_link *)(uintptr_t)link, struct bi_event, link);
        if (strcmp(event->name, name) == 0) {
            return event;
        }
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------- a program's */

static void take_step(struct bi_task *task);

static void take_step_soon(struct bight_reactor *reactor, struct bi_event *event)
{
    struct named_event *named = BI_CONTAINER(event, struct named_event, base);
    if (named->is_under_way && named->task.run == NULL) {
        bi_reactor_soon(reactor, &named->task, take_step);
    }
}

struct bi_event *bi_event_new(struct bight_reactor *reactor, const char *name)
{
    size_t size = strlen(name) + 1;
    struct named_event *named = bight_calloc(1, sizeof *named + size);
    if (named == NULL) {
        return NULL;
    }
    memcpy(named->name, name, size);
    named->reactor = reactor;
    bi_list_init(&named->waiters);
    bi_list_init(&named->asked);
    bi_event_init(&named->base, named->name, take_step_soon, reactor->state);
    return &named->base;
}

static void forget_unless_used(struct named_event *named)
{
    if (!named->is_under_way && !bi_event_has_triggers(&named->base)) {
        bi_reactor_unqueue(named->reactor, &named->task);
        bi_list_remove(&named->base.link);
        bight_free(named);
    }
}

static bool is_named(const struct bi_event *event)
{
    return event->go_on == take_step_soon;
}

void bi_event_lost_trigger(struct bight_reactor *reactor, struct bi_event *event)
{
    (void)reactor;
    if (is_named(event)) {
        forget_unless_used(BI_CONTAINER(event, struct named_event, base));
    }
}

void bi_events_finish(struct bight_reactor *reactor)
{
    struct bi_link *link;
    while ((link = bi_list_take_first(&reactor->state->events)) != NULL) {
        struct bi_event *event = BI_CONTAINER(link, struct bi_event, link);
        bi_event_drop(event);
        if (is_named(event)) {
            struct named_event *named = BI_CONTAINER(event, struct named_event, base);
            bi_promises_end(&named->waiters, BIGHT_E_ABANDONED);
            bi_promises_end(&named->asked, BIGHT_E_ABANDONED);
            bi_reactor_unqueue(reactor, &named->task);
            bight_free(named);
        }
    }
}

/* --------------------------------------------------------------------------------------------- firing */

/* All have run. Last: a waiter's handler may remove the last trigger. */
static void end(struct named_event *named)
{
    struct bight_reactor *reactor = named->reactor;
    struct bi_link waiters;
    bi_list_take_all(&waiters, &named->waiters);
    named->is_under_way = !bi_list_is_empty(&named->asked);
    if (named->is_under_way) {
        struct bi_link *link;
        while ((link = bi_list_take_first(&named->asked)) != NULL) {
            bi_list_append(&named->waiters, link);
        }
        named->base.last_before_run = 0;
        take_step_soon(reactor, &named->base);
    }
    forget_unless_used(named);
    bi_promises_fire(&waiters, NULL);
}

static void run_the_rest(struct named_event *named)
{
    bi_event_run(named->reactor, &named->base, BIGHT_DURING);
    bi_event_run(named->reactor, &named->base, BIGHT_AFTER);
    end(named);
}

/* What is called in here may not free the reactor. A before-trigger that was added meanwhile has its step coming. */
static void advance(struct named_event *named)
{
    struct bight_reactor *reactor = named->reactor;
    bi_reactor_enter(reactor);
    bi_event_run_before(reactor, &named->base);
    if (bi_event_has_before(&named->base)) {
        take_step_soon(reactor, &named->base);
    } else if (bi_list_is_empty(&named->base.awaited)) {
        run_the_rest(named);
    }
    bi_reactor_leave(reactor);
}

static void take_step(struct bi_task *task)
{
    struct named_event *named = BI_CONTAINER(task, struct named_event, task);
    if (named->is_under_way) {
        advance(named);
    }
}

static struct bight_deferred *fire(const char *place, struct named_event *named)
{
    if (named->is_under_way) {
        return bi_promises_add(place, &named->asked, NULL);
    }
    struct bight_deferred *deferred = bi_promises_add(place, &named->waiters, NULL);
    if (!bight_deferred_has_fired(deferred)) {
        named->is_under_way = true;
        named->base.last_before_run = 0;
        advance(named);
    }
    return deferred;
}

struct bight_deferred *bight_fire_event_at(const char *place, struct bight_reactor *reactor, const char *name)
{
    int code = bi_reactor_check_use(reactor, "bight_fire_event");
    if (code != 0) {
        return bight_fail_at(place, bight_failure_of(code));
    }
    struct bi_event *event = name == NULL ? NULL : bi_event_find(reactor->state, name);
    if (name == NULL || name[0] == '\0' || (event != NULL && !is_named(event))) {
        code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_fire_event: it is no event of the program's own");
        return bight_fail_at(place, bight_failure_of(code));
    }
    return event == NULL ? bight_succeed_at(place, NULL, NULL)
                         : fire(place, BI_CONTAINER(event, struct named_event, base));
}
