/* SPDX-License-Identifier: MIT */
/* trigger.c - what a program wants called when the reactor starts and shuts down (R2, R3), or when an event of its own
 * comes (event.c).
 *
 * A ring for each event and phase, in order of adding, which is also the order of ids: so a walk survives whatever
 * a trigger adds or removes. A before-trigger that gave a Deferred is in its event's `awaited` until the Deferred
 * fires; when that is no longer waited for it is taken out, so a Deferred that fires late, even after the
 * reactor has gone, finds only the trigger's own counted memory. */
#include <bight/memory.h>

#include "reactor/state.h"

struct trigger {
    struct bi_link link;         /* in its ring */
    struct bi_link awaited_link; /* in event->awaited, or pointing at itself */
    uint64_t id;
    struct bight_reactor *reactor;
    struct bi_event *event;
    unsigned holds;       /* the ring's, a run's, one for each Deferred that is out */
    unsigned outstanding; /* Deferreds that have not fired */
    bool running;
    bool removed;
    bight_trigger_function function;
    void *context;
    bight_release_function release;
};

static void let_go(void *context)
{
    struct trigger *trigger = context;
    if (--trigger->holds == 0) {
        bight_free(trigger);
    }
}

static void release_context(struct trigger *trigger)
{
    if (trigger->release != NULL) {
        trigger->release(trigger->context);
    }
}

static struct trigger *make(
    struct bight_reactor *reactor, bight_trigger_function function, void *context, bight_release_function release)
{
    struct trigger *trigger = bight_calloc(1, sizeof *trigger);
    if (trigger != NULL) {
        trigger->reactor = reactor;
        trigger->holds = 1;
        trigger->function = function;
        trigger->context = context;
        trigger->release = release;
        bi_list_init(&trigger->awaited_link);
    }
    return trigger;
}

int bight_add_trigger(struct bight_reactor *reactor, const char *name, enum bight_trigger_phase phase,
    bight_trigger_function function, void *context, bight_release_function release, uint64_t *id)
{
    int code = bi_reactor_check_use(reactor, "bight_add_trigger");
    if (code != 0) {
        return code;
    }
    if (name == NULL || name[0] == '\0' || (unsigned)phase >= BI_TRIGGER_PHASES || function == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            function == NULL ? "bight_add_trigger: there is no function"
                             : "bight_add_trigger: there is no such event or phase");
    }
    struct trigger *trigger = make(reactor, function, context, release);
    struct bi_event *event = bi_event_find(reactor->state, name);
    if (event == NULL && trigger != NULL) {
        event = bi_event_new(reactor, name);
    }
    if (event == NULL || trigger == NULL) {
        bight_free(trigger);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    trigger->event = event;
    trigger->id = ++reactor->state->last_trigger;
    bi_list_append(&event->rings[phase], &trigger->link);
    if (id != NULL) {
        *id = trigger->id;
    }
    event->go_on(reactor, event); /* a before-trigger that is added to what is under way runs in it */
    return 0;
}

/* The first trigger of a ring with an id above `id`; NULL when there is none. */
static struct trigger *first_above(struct bi_link *ring, uint64_t id)
{
    for (struct bi_link *link = ring->next; link != ring; link = link->next) {
        struct trigger *trigger = BI_CONTAINER(link, struct trigger, link);
        if (trigger->id > id) {
            return trigger;
        }
    }
    return NULL;
}

/* It has been taken out of its ring. */
static void drop(struct trigger *trigger)
{
    trigger->removed = true;
    if (!trigger->running) {
        release_context(trigger);
    }
    let_go(trigger);
}

static struct trigger *find_in(struct bi_event *event, uint64_t id)
{
    struct trigger *found = NULL;
    for (int phase = 0; phase < BI_TRIGGER_PHASES && (found == NULL || found->id != id); phase++) {
        found = first_above(&event->rings[phase], id - 1);
    }
    return found != NULL && found->id == id ? found : NULL;
}

int bight_remove_trigger(struct bight_reactor *reactor, uint64_t id)
{
    if (bi_reactor_check_thread(reactor, "bight_remove_trigger") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    struct bi_link *events = &reactor->state->events;
    for (struct bi_link *link = events->next; id > 0 && link != events; link = link->next) {
        struct bi_event *event = BI_CONTAINER(link, struct bi_event, link);
        struct trigger *trigger = find_in(event, id);
        if (trigger != NULL) {
            bi_list_remove(&trigger->link);
            bi_event_lost_trigger(reactor, event);
            drop(trigger);
            return 0;
        }
    }
    return bi_reactor_remove_call(reactor, id) ? 0 : BIGHT_E_STALE;
}

/* A handler of the Deferred that a trigger gave: its result passes on untouched, so that a failure is reported. */
static void settled(struct bight_result *result, void *context)
{
    struct trigger *trigger = context;
    (void)result;
    if (--trigger->outstanding > 0 || bi_list_is_empty(&trigger->awaited_link)) {
        return;
    }
    bi_list_remove(&trigger->awaited_link);
    if (bi_list_is_empty(&trigger->event->awaited)) {
        trigger->event->go_on(trigger->reactor, trigger->event);
    }
}

/* The trigger is awaited until each Deferred that it gave, now or an earlier time, has fired. */
static void await(struct trigger *trigger, struct bight_deferred *deferred)
{
    trigger->holds++;
    trigger->outstanding++;
    bi_list_remove(&trigger->awaited_link);
    bi_list_append(&trigger->event->awaited, &trigger->awaited_link);
    if (bight_deferred_add_both_full(deferred, settled, trigger, let_go) != 0) {
        settled(NULL, trigger); /* no memory for a handler: not waited for */
        let_go(trigger);
    }
}

/* Calls the trigger; false when it was removed meanwhile (it may be freed by then). */
static bool run_trigger(struct trigger *trigger, bool awaits)
{
    trigger->holds++;
    trigger->running = true;
    bi_reactor_enter_for(trigger->reactor, "trigger", NULL, 0);
    struct bight_deferred *deferred = trigger->function(trigger->context);
    if (deferred != NULL && awaits) {
        await(trigger, deferred);
    }
    bight_deferred_release(deferred);
    bi_reactor_leave(trigger->reactor);
    trigger->running = false;
    bool removed = trigger->removed;
    if (removed) {
        release_context(trigger);
    }
    let_go(trigger);
    return !removed;
}

/* Those of a ring with ids above `after` that are there now. */
static void run_ring(struct bight_reactor *reactor, struct bi_link *ring, uint64_t after, bool awaits)
{
    uint64_t last = reactor->state->last_trigger;
    struct trigger *trigger = first_above(ring, after);
    while (trigger != NULL && trigger->id <= last) {
        uint64_t id = trigger->id;
        if (!run_trigger(trigger, awaits)) {
            trigger = first_above(ring, id);
            continue;
        }
        struct bi_link *next = trigger->link.next;
        trigger = next == ring ? NULL : BI_CONTAINER(next, struct trigger, link);
    }
}

void bi_event_run(struct bight_reactor *reactor, struct bi_event *event, enum bight_trigger_phase phase)
{
    run_ring(reactor, &event->rings[phase], 0, false);
}

void bi_event_run_before(struct bight_reactor *reactor, struct bi_event *event)
{
    uint64_t after = event->last_before_run;
    event->last_before_run = reactor->state->last_trigger;
    run_ring(reactor, &event->rings[BIGHT_BEFORE], after, true);
}

bool bi_event_has_before(const struct bi_event *event)
{
    const struct bi_link *ring = &event->rings[BIGHT_BEFORE];
    return !bi_list_is_empty(ring) &&
           BI_CONTAINER(ring->previous, const struct trigger, link)->id > event->last_before_run;
}

void bi_event_stop_awaiting(struct bi_event *event)
{
    while (bi_list_take_first(&event->awaited) != NULL) {
    }
}

void bi_event_init(struct bi_event *event, const char *name,
    void (*go_on)(struct bight_reactor *reactor, struct bi_event *event), struct bi_reactor_state *state)
{
    event->name = name;
    event->go_on = go_on;
    for (int phase = 0; phase < BI_TRIGGER_PHASES; phase++) {
        bi_list_init(&event->rings[phase]);
    }
    bi_list_init(&event->awaited);
    bi_list_append(&state->events, &event->link);
}

bool bi_event_has_triggers(const struct bi_event *event)
{
    bool has_any = false;
    for (int phase = 0; phase < BI_TRIGGER_PHASES; phase++) {
        has_any = has_any || !bi_list_is_empty(&event->rings[phase]);
    }
    return has_any;
}

void bi_event_drop(struct bi_event *event)
{
    struct bi_link *link;
    bi_event_stop_awaiting(event);
    for (int phase = 0; phase < BI_TRIGGER_PHASES; phase++) {
        while ((link = bi_list_take_first(&event->rings[phase])) != NULL) {
            drop(BI_CONTAINER(link, struct trigger, link));
        }
    }
}
