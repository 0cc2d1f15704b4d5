/* SPDX-License-Identifier: MIT */
/* waiters.c - gates, lists of waiters, and how one waiter comes and goes.
 *
 * Nothing here knows a lock from a queue: that is the step function of the gate. Waiters come from a slab, so that a
 * wait costs no allocation in steady state; leaving, being fired and being abandoned never allocate. */
#include "sync/waiters.h"

#include <bight/memory.h>

#include "base/check.h"
#include "base/slab.h"
#include "deferred/deferred.h"

static struct bight_slab_kind slab_kind = { .name = "waiter", .slot_size = sizeof(struct bight_waiter) };
static _Thread_local struct bight_slab slab = { .kind = &slab_kind };

/* ------------------------------------------------------------------------------------------- gates */

void bight_gate_init(struct bight_gate *gate, bool (*step)(struct bight_gate *gate))
{
    *gate = (struct bight_gate) { .step = step, .references = 1 };
}

bool bight_gate_enter(struct bight_gate *gate)
{
    if (gate->is_running) {
        return false;
    }
    gate->is_running = true;
    bight_gate_hold(gate);
    return true;
}

/* Apart, since mostly there is nobody to let through, or one. */
static void __attribute__((noinline)) let_the_others_through(struct bight_gate *gate)
{
    struct bight_inner_loop loop, *before = bight_inner_loop;
    bight_inner_loop_begin(&loop);
    do {
        bight_inner_loop = &loop;
    } while (gate->step(gate));
    bight_inner_loop = before;
}

void bight_gate_leave(struct bight_gate *gate)
{
    if (gate->step(gate)) {
        let_the_others_through(gate);
    }
    gate->is_running = false;
    bight_gate_release(gate);
}

void bight_gate_run(struct bight_gate *gate)
{
    if (bight_gate_enter(gate)) {
        bight_gate_leave(gate);
    }
}

bool bight_gate_close(struct bight_gate *gate, const char *function)
{
    if (gate->is_freed) {
        bight_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "%s: " BIGHT_FREED_TWICE, function);
        return false;
    }
    gate->is_freed = true;
    return true;
}

void bight_gate_release(struct bight_gate *gate)
{
    if (--gate->references == 0) {
        bight_free(gate);
    }
}

/* ------------------------------------------------------------------------------------------- lists */

void bight_waiters_append(struct bight_waiters *list, struct bight_waiter *waiter)
{
    bight_list_append(&list->ring, &waiter->link);
    list->count++;
    waiter->list = list;
}

void bight_waiters_remove(struct bight_waiter *waiter)
{
    if (waiter->list != NULL) {
        bight_list_remove(&waiter->link);
        waiter->list->count--;
        waiter->list = NULL;
    }
}

void bight_waiters_move(struct bight_waiters *to, struct bight_waiters *from)
{
    struct bight_waiter *waiter;
    while ((waiter = bight_waiters_first(from)) != NULL) {
        bight_waiters_remove(waiter);
        bight_waiters_append(to, waiter);
    }
}

void bight_waiters_abandon(struct bight_waiters *list)
{
    struct bight_waiter *waiter;
    while ((waiter = bight_waiters_first(list)) != NULL) {
        bight_waiter_fail(waiter, BIGHT_E_ABANDONED);
    }
}

/* ----------------------------------------------------------------------------------------- waiters */

struct bight_waiter *bight_waiter_take(void)
{
    struct bight_waiter *waiter = bight_slab_take(&slab);
    if (waiter != NULL) {
        *waiter = (struct bight_waiter) { .generation = waiter->generation };
    }
    return waiter;
}

void bight_waiter_give(struct bight_waiter *waiter)
{
    bight_slab_give(&slab, waiter);
}

struct bight_deferred *bight_refuse_wait(const char *place, int code)
{
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_wait(const char *place, struct bight_gate *gate, struct bight_waiters *list,
    bight_canceller canceller, struct bight_waiter **waiter)
{
    *waiter = NULL;
    if (gate->is_freed) {
        return bight_refuse_wait(place, BIGHT_E_ABANDONED);
    }
    struct bight_waiter *taken = bight_waiter_take();
    if (taken == NULL) {
        return bight_refuse_wait(place, BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, canceller, taken, NULL);
    if (!bight_promise_is_open(promise)) {
        bight_waiter_give(taken);
        return deferred;
    }
    taken->gate = gate;
    taken->deferred = deferred;
    bight_waiters_append(list, taken);
    *waiter = taken;
    return deferred;
}

void bight_waiter_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    bight_waiters_remove(context);
    bight_waiter_give(context);
}

/* The waiter has left, and its Deferred can be fired. */
static struct bight_promise leave(struct bight_waiter *waiter)
{
    struct bight_promise promise = { waiter->deferred, waiter->deferred->generation };
    bight_waiters_remove(waiter);
    bight_waiter_give(waiter);
    return promise;
}

void bight_waiter_fire(struct bight_waiter *waiter, const struct bight_type *type, void *value)
{
    bight_callback(leave(waiter), type, value);
}

void bight_waiter_fail(struct bight_waiter *waiter, int code)
{
    struct bight_promise promise = leave(waiter);
    if (code == BIGHT_E_ABANDONED) { /* what was waited for has been freed */
        bight_promise_end(promise, bight_failure_of(code));
    } else {
        bight_errback(promise, bight_failure_of(code));
    }
}

void bight_waiter_keep(struct bight_deferred *deferred)
{
    bight_deferred_hold(deferred);
    bight_deferred_pause(deferred);
}

void bight_waiter_let_go(struct bight_deferred *deferred)
{
    bight_deferred_unpause(deferred);
    bight_deferred_release(deferred);
}
