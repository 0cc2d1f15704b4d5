/* SPDX-License-Identifier: MIT */
/* trigger.c - what a program wants called when the reactor starts and shuts down (R2, R3).
 *
 * A ring for each event and phase, in order of adding, which is also the order of ids: so a walk survives whatever
 * a trigger adds or removes. A trigger that gave a Deferred before a shutdown is in state->awaited until the Deferred
 * fires; when that is no longer waited for it is taken out, so a Deferred that fires late, even after the
 * reactor has gone, finds only the trigger's own counted memory. */
#include <bight/memory.h>

#include "reactor/state.h"

struct trigger {
    struct bi_link link;         /* in its ring */
    struct bi_link awaited_link; /* in state->awaited, or pointing at itself */
    uint64_t id;
    struct bight_reactor *reactor;
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

int bight_add_trigger(struct bight_reactor *reactor, enum bight_trigger_event event, enum bight_trigger_phase phase,
    bight_trigger_function function, void *context, bight_release_function release, uint64_t *id)
{
    struct bi_reactor_state *state = reactor->state;
    int code = bi_reactor_check_use(reactor, "bight_add_trigger");
    if (code != 0) {
        return code;
    }
    if ((unsigned)event >= BI_TRIGGER_EVENTS || (unsigned)phase >= BI_TRIGGER_PHASES || function == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            function == NULL ? "bight_add_trigger: there is no function"
                             : "bight_add_trigger: there is no such event or phase");
    }
    struct trigger *trigger = bight_calloc(1, sizeof *trigger);
    if (trigger == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    trigger->id = ++state->last_trigger;
    trigger->reactor = reactor;
    trigger->holds = 1;
    trigger->function = function;
    trigger->context = context;
    trigger->release = release;
    bi_list_init(&trigger->awaited_link);
    bi_list_append(&state->triggers[event][phase], &trigger->link);
    if (id != NULL) {
        *id = trigger->id;
    }
    bi_reactor_wake(reactor); /* a before-trigger that is added to the shutdown under way runs in it */
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

static void drop(struct trigger *trigger)
{
    bi_list_remove(&trigger->link);
    trigger->removed = true;
    if (!trigger->running) {
        release_context(trigger);
    }
    let_go(trigger);
}

int bight_remove_trigger(struct bight_reactor *reactor, uint64_t id)
{
    if (bi_reactor_check_thread(reactor, "bight_remove_trigger") != 0) {
        return BIGHT_E_WRONG_THREAD;
    }
    struct bi_link *rings = &reactor->state->triggers[0][0];
    for (int ring = 0; id > 0 && ring < BI_TRIGGER_EVENTS * BI_TRIGGER_PHASES; ring++) {
        struct trigger *trigger = first_above(&rings[ring], id - 1);
        if (trigger != NULL && trigger->id == id) {
            drop(trigger);
            return 0;
        }
    }
    return BIGHT_E_STALE;
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
    bi_reactor_wake(trigger->reactor);
}

/* The trigger is awaited until each Deferred that it gave, now or in an earlier shutdown, has fired. */
static void await(struct trigger *trigger, struct bight_deferred *deferred)
{
    trigger->holds++;
    trigger->outstanding++;
    bi_list_remove(&trigger->awaited_link);
    bi_list_append(&trigger->reactor->state->awaited, &trigger->awaited_link);
    if (bight_deferred_add_both_full(deferred, settled, trigger, let_go) != 0) {
        settled(NULL, trigger); /* no memory to hear of it: not waited for */
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

void bi_reactor_run_triggers(
    struct bight_reactor *reactor, enum bight_trigger_event event, enum bight_trigger_phase phase)
{
    run_ring(reactor, &reactor->state->triggers[event][phase], 0, false);
}

void bi_reactor_run_before_triggers(struct bight_reactor *reactor)
{
    struct bi_reactor_state *state = reactor->state;
    uint64_t after = state->last_before_run;
    state->last_before_run = state->last_trigger;
    run_ring(reactor, &state->triggers[BIGHT_SHUTDOWN][BIGHT_BEFORE], after, true);
}

bool bi_reactor_has_before_triggers(const struct bi_reactor_state *state)
{
    const struct bi_link *ring = &state->triggers[BIGHT_SHUTDOWN][BIGHT_BEFORE];
    return !bi_list_is_empty(ring) &&
           BI_CONTAINER(ring->previous, const struct trigger, link)->id > state->last_before_run;
}

void bi_reactor_stop_awaiting(struct bight_reactor *reactor)
{
    struct bi_link *awaited = &reactor->state->awaited;
    while (bi_list_take_first(awaited) != NULL) {
    }
}

void bi_reactor_drop_triggers(struct bight_reactor *reactor)
{
    struct bi_link *rings = &reactor->state->triggers[0][0];
    bi_reactor_stop_awaiting(reactor);
    for (int ring = 0; ring < BI_TRIGGER_EVENTS * BI_TRIGGER_PHASES; ring++) {
        while (!bi_list_is_empty(&rings[ring])) {
            drop(BI_CONTAINER(rings[ring].next, struct trigger, link));
        }
    }
}
