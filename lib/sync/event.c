/* SPDX-License-Identifier: MIT */
/* event.c - the event: a flag to wait for (D30).
 *
 * Raising it moves all waiters to the list of the woken before the first handler runs, so that what that does to the
 * flag is no matter to the others. Calling the woken, one by one, is the gate's (waiters.c). */
#include <bight/memory.h>
#include <bight/sync.h>

#include "sync/waiters.h"

struct bight_event {
    struct bi_gate gate;
    struct bi_waiters waiting, woken;
    bool is_set;
};

static bool step(struct bi_gate *gate)
{
    struct bight_event *event = BI_CONTAINER(gate, struct bight_event, gate);
    struct bi_waiter *waiter = bi_waiters_first(&event->woken);
    if (waiter == NULL) {
        return false;
    }
    bi_waiter_fire(waiter, NULL, NULL);
    return true;
}

struct bight_event *bight_event_new(void)
{
    struct bight_event *event = bight_malloc(sizeof(*event));
    if (event != NULL) {
        bi_gate_init(&event->gate, step);
        bi_waiters_init(&event->waiting);
        bi_waiters_init(&event->woken);
        event->is_set = false;
    }
    return event;
}

/* Those that were woken before are still fired, by the run that is on the stack. */
void bight_event_free(struct bight_event *event)
{
    if (event != NULL && bi_gate_close(&event->gate, "bight_event_free")) {
        bi_waiters_abandon(&event->waiting);
        bi_gate_release(&event->gate);
    }
}

void bight_event_set(struct bight_event *event)
{
    event->is_set = true;
    bi_waiters_move(&event->woken, &event->waiting);
    bi_gate_run(&event->gate);
}

void bight_event_clear(struct bight_event *event)
{
    event->is_set = false;
}

bool bight_event_is_set(const struct bight_event *event)
{
    return event->is_set;
}

struct bight_deferred *bight_event_wait_at(const char *place, struct bight_event *event)
{
    if (event->is_set && !event->gate.is_freed) {
        return bight_succeed_at(place, NULL, NULL);
    }
    struct bi_waiter *waiter;
    return bi_wait(place, &event->gate, &event->waiting, bi_waiter_cancel, &waiter);
}

size_t bight_event_waiting(const struct bight_event *event)
{
    return event->waiting.count;
}
