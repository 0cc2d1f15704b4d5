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

static struct bi_slab_kind slab_kind = { .name = "waiter", .slot_size = sizeof(struct bi_waiter) };
static _Thread_local struct bi_slab slab = { .kind = &slab_kind };

/* ------------------------------------------------------------------------------------------- gates */

void bi_gate_init(struct bi_gate *gate, bool (*step)(struct bi_gate *gate))
{
    *gate = (struct bi_gate) { .step = step, .references = 1 };
}

bool bi_gate_enter(struct bi_gate *gate)
{
    if (gate->is_running) {
        return false;
    }
    gate->is_running = true;
    bi_gate_hold(gate);
    return true;
}

/* Apart, since mostly there is no waiter to let through, or one. */
static void __attribute__((noinline)) let_the_others_through(struct bi_gate *gate)
{
    struct bi_inner_loop loop, *before = bi_inner_loop;
    bi_inner_loop_begin(&loop);
    do {
        bi_inner_loop = &loop;
    } while (gate->step(gate));
    bi_inner_loop = before;
}

void bi_gate_leave(struct bi_gate *gate)
{
    if (gate->step(gate)) {
        let_the_others_through(gate);
    }
    gate->is_running = false;
    bi_gate_release(gate);
}

void bi_gate_run(struct bi_gate *gate)
{
    if (bi_gate_enter(gate)) {
        bi_gate_leave(gate);
    }
}

bool bi_gate_close(struct bi_gate *gate, const char *function)
{
    if (gate->is_freed) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "%s: " BI_FREED_TWICE, function);
        return false;
    }
    gate->is_freed = true;
    return true;
}

void bi_gate_release(struct bi_gate *gate)
{
    if (--gate->references == 0) {
        bight_free(gate);
    }
}

/* ------------------------------------------------------------------------------------------- lists */

void bi_waiters_append(struct bi_waiters *list, struct bi_waiter *waiter)
{
    bi_list_append(&list->ring, &waiter->link);
    list->count++;
    waiter->list = list;
}

void bi_waiters_remove(struct bi_waiter *waiter)
{
    if (waiter->list != NULL) {
        bi_list_remove(&waiter->link);
        waiter->list->count--;
        waiter->list = NULL;
    }
}

void bi_waiters_move(struct bi_waiters *to, struct bi_waiters *from)
{
    struct bi_waiter *waiter;
    while ((waiter = bi_waiters_first(from)) != NULL) {
        bi_waiters_remove(waiter);
        bi_waiters_append(to, waiter);
    }
}

void bi_waiters_abandon(struct bi_waiters *list)
{
    struct bi_waiter *waiter;
    while ((waiter = bi_waiters_first(list)) != NULL) {
        bi_waiter_fail(waiter, BIGHT_E_ABANDONED);
    }
}

/* ----------------------------------------------------------------------------------------- waiters */

struct bi_waiter *bi_waiter_take(void)
{
    struct bi_waiter *waiter = bi_slab_take(&slab);
    if (waiter != NULL) {
        *waiter = (struct bi_waiter) { .generation = waiter->generation };
    }
    return waiter;
}

void bi_waiter_give(struct bi_waiter *waiter)
{
    bi_slab_give(&slab, waiter);
}

struct bight_deferred *bi_refuse_wait(const char *place, int code)
{
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bi_wait(const char *place, struct bi_gate *gate, struct bi_waiters *list,
    bight_canceller canceller, struct bi_waiter **waiter)
{
    *waiter = NULL;
    if (gate->is_freed) {
        return bi_refuse_wait(place, BIGHT_E_ABANDONED);
    }
    struct bi_waiter *taken = bi_waiter_take();
    if (taken == NULL) {
        return bi_refuse_wait(place, BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, canceller, taken, NULL);
    if (!bight_promise_is_open(promise)) {
        bi_waiter_give(taken);
        return deferred;
    }
    taken->gate = gate;
    taken->deferred = deferred;
    bi_waiters_append(list, taken);
    *waiter = taken;
    return deferred;
}

void bi_waiter_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    bi_waiters_remove(context);
    bi_waiter_give(context);
}

struct bight_promise bi_waiter_leave(struct bi_waiter *waiter)
{
    struct bight_promise promise = { waiter->deferred, waiter->deferred->generation };
    bi_waiters_remove(waiter);
    bi_waiter_give(waiter);
    return promise;
}

void bi_waiter_fire(struct bi_waiter *waiter, const struct bight_type *type, void *value)
{
    bight_callback(bi_waiter_leave(waiter), type, value);
}

void bi_waiter_fail(struct bi_waiter *waiter, int code)
{
    struct bight_promise promise = bi_waiter_leave(waiter);
    if (code == BIGHT_E_ABANDONED) { /* what was waited for has been freed */
        bi_promise_end(promise, bight_failure_of(code));
    } else {
        bight_errback(promise, bight_failure_of(code));
    }
}

void bi_waiter_keep(struct bight_deferred *deferred)
{
    bight_deferred_hold(deferred);
    bight_deferred_pause(deferred);
}

void bi_waiter_let_go(struct bight_deferred *deferred)
{
    bight_deferred_unpause(deferred);
    bight_deferred_release(deferred);
}
