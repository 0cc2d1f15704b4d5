/* SPDX-License-Identifier: MIT */
/* barrier.c - the barrier: a place where a number of parties meet (D30).
 *
 * When the last has come, or the barrier breaks, each waiter's outcome is set and it moves to the list of the woken; a
 * waiter that comes from then on, from a handler of the first, belongs to the next round. Calling the woken, one by
 * one, is the gate's (waiters.c). */
#include <bight/memory.h>
#include <bight/sync.h>

#include "base/check.h"
#include "deferred/deferred.h"
#include "sync/waiters.h"

struct bight_barrier {
    struct bi_gate gate;
    struct bi_waiters waiting, woken;
    size_t parties;
    bool is_broken;
};

static bool step(struct bi_gate *gate)
{
    struct bight_barrier *barrier = BI_CONTAINER(gate, struct bight_barrier, gate);
    struct bi_waiter *waiter = bi_waiters_first(&barrier->woken);
    if (waiter == NULL) {
        return false;
    }
    if (waiter->code != BIGHT_OK) {
        bi_waiter_fail(waiter, waiter->code);
    } else {
        bi_waiter_fire(waiter, &bight_type_integer, bight_integer(waiter->number));
    }
    return true;
}

struct bight_barrier *bight_barrier_new(long parties)
{
    if (parties < 1) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_barrier_new: the number of parties is below 1");
        return NULL;
    }
    struct bight_barrier *barrier = bight_malloc(sizeof(*barrier));
    if (barrier != NULL) {
        bi_gate_init(&barrier->gate, step);
        bi_waiters_init(&barrier->waiting);
        bi_waiters_init(&barrier->woken);
        barrier->parties = (size_t)parties;
        barrier->is_broken = false;
    }
    return barrier;
}

void bight_barrier_free(struct bight_barrier *barrier)
{
    if (barrier != NULL && bi_gate_close(&barrier->gate, "bight_barrier_free")) {
        bi_waiters_abandon(&barrier->waiting);
        bi_gate_release(&barrier->gate);
    }
}

/* The round ends: the waiters are numbered, or fail with `code`. */
static void end_round(struct bight_barrier *barrier, int code)
{
    struct bi_waiter *waiter;
    for (intptr_t number = 0; (waiter = bi_waiters_first(&barrier->waiting)) != NULL; number++) {
        waiter->number = number;
        waiter->code = code;
        bi_waiters_remove(waiter);
        bi_waiters_append(&barrier->woken, waiter);
    }
    bi_gate_run(&barrier->gate);
}

/* The last of the round. If it cannot be allocated, it has not come. */
static struct bight_deferred *complete(const char *place, struct bight_barrier *barrier)
{
    struct bight_deferred *last =
        bight_succeed_at(place, &bight_type_integer, bight_integer((intptr_t)barrier->parties - 1));
    if ((last->flags & BI_DEFERRED_OUT_OF_MEMORY) == 0) {
        end_round(barrier, BIGHT_OK);
    }
    return last;
}

struct bight_deferred *bight_barrier_wait_at(const char *place, struct bight_barrier *barrier)
{
    if (barrier->is_broken && !barrier->gate.is_freed) {
        return bi_refuse_wait(place, BIGHT_E_BROKEN);
    }
    if (barrier->waiting.count + 1 >= barrier->parties && !barrier->gate.is_freed) {
        return complete(place, barrier);
    }
    struct bi_waiter *waiter;
    return bi_wait(place, &barrier->gate, &barrier->waiting, bi_waiter_cancel, &waiter);
}

void bight_barrier_break(struct bight_barrier *barrier)
{
    barrier->is_broken = true;
    end_round(barrier, BIGHT_E_BROKEN);
}

void bight_barrier_reset(struct bight_barrier *barrier)
{
    barrier->is_broken = false;
    end_round(barrier, BIGHT_E_BROKEN);
}

size_t bight_barrier_waiting(const struct bight_barrier *barrier)
{
    return barrier->waiting.count;
}

bool bight_barrier_is_broken(const struct bight_barrier *barrier)
{
    return barrier->is_broken;
}

size_t bight_barrier_parties(const struct bight_barrier *barrier)
{
    return barrier->parties;
}
