/* SPDX-License-Identifier: MIT */
/* condition.c - the condition: waiting for a notification without the lock, and going on with it (D30).
 *
 * A waiter begins in the condition's list and moves on to the lock's when it is notified, cancelled or abandoned, so
 * the lock's own order decides when it goes on. A cancel cannot be deferred (D14), but what follows can: the Deferred
 * fires with CANCELLED and is kept from running its handlers until it has the lock. The lock's memory is held until the
 * condition has been freed. */
#include <bight/memory.h>

#include "base/check.h"
#include "deferred/deferred.h"
#include "sync/permits.h"

struct bight_condition {
    struct bi_gate gate;
    struct bi_waiters waiting; /* for a notification */
    struct bi_permits *permits;
};

/* No waiter is let through here: that is the lock's to do. */
static bool step(struct bi_gate *gate)
{
    (void)gate;
    return false;
}

struct bight_condition *bight_condition_new(struct bight_lock *lock)
{
    struct bight_condition *condition = bight_malloc(sizeof(*condition));
    if (condition != NULL) {
        bi_gate_init(&condition->gate, step);
        bi_waiters_init(&condition->waiting);
        condition->permits = &lock->permits;
        bi_gate_hold(&lock->permits.gate);
    }
    return condition;
}

/* The waiter's outcome is known, or will be when the canceller has returned. */
static void decide(struct bi_waiter *waiter)
{
    waiter->is_decided = true;
    bi_waiter_keep(waiter->deferred);
}

/* Its handlers run when it has the lock. */
static void fail_with_lock(struct bi_waiter *waiter)
{
    struct bight_deferred *deferred = waiter->deferred;
    decide(waiter);
    struct bight_promise promise = { deferred, deferred->generation };
    bi_promise_end(promise, bight_failure_of(BIGHT_E_ABANDONED));
}

/* On to the lock. Handlers run only when that has been freed. */
static void move_on(struct bight_condition *condition, struct bi_waiter *waiter)
{
    bi_waiters_remove(waiter);
    bi_permits_join(condition->permits, waiter);
}

static void abandon(struct bight_condition *condition, struct bi_waiter *waiter)
{
    if (!condition->permits->gate.is_freed) {
        fail_with_lock(waiter);
    }
    move_on(condition, waiter);
}

void bight_condition_free(struct bight_condition *condition)
{
    if (condition == NULL || !bi_gate_close(&condition->gate, "bight_condition_free")) {
        return;
    }
    struct bi_waiter *waiter;
    while ((waiter = bi_waiters_first(&condition->waiting)) != NULL) {
        abandon(condition, waiter);
    }
    bi_gate_run(&condition->permits->gate);
    bi_gate_release(&condition->permits->gate);
    bi_gate_release(&condition->gate);
}

/* -------------------------------------------------------------------------------------------- waiting */

/* A notification that is not used goes to the next. Then a free lock may have a waiter to go to. */
static void cancel_wait(struct bight_promise promise, void *context)
{
    struct bi_waiter *waiter = context;
    struct bight_condition *condition = BI_CONTAINER(waiter->origin, struct bight_condition, gate);
    struct bi_gate *lock = waiter->gate;
    struct bi_waiter *next = bi_waiters_first(&condition->waiting);
    bool is_notified = waiter->list != &condition->waiting;
    (void)promise;
    decide(waiter);
    if (!is_notified) {
        move_on(condition, waiter);
    } else if (next != NULL) {
        move_on(condition, next);
    }
    bi_gate_run(lock);
}

static int find_obstacle(const char *place, const struct bight_condition *condition)
{
    if (condition->gate.is_freed || condition->permits->gate.is_freed) {
        return BIGHT_E_ABANDONED;
    }
    if (condition->permits->held == 0) {
        return bi_usage_error(BIGHT_E_USAGE, place, "bight_condition_wait: the lock is not held");
    }
    return BIGHT_OK;
}

static struct bight_deferred *wait(
    const char *place, struct bight_condition *condition, bight_condition_predicate predicate, void *context)
{
    struct bi_permits *permits = condition->permits;
    struct bi_waiter *waiter;
    struct bight_deferred *deferred = bi_wait(place, &permits->gate, &condition->waiting, cancel_wait, &waiter);
    if (waiter != NULL) {
        waiter->predicate = predicate;
        waiter->context = context;
        waiter->origin = &condition->gate;
        bi_gate_hold(&condition->gate);
        bi_permits_lend(permits, waiter);
    }
    return deferred;
}

struct bight_deferred *bight_condition_wait_at(const char *place, struct bight_condition *condition)
{
    int code = find_obstacle(place, condition);
    return code == BIGHT_OK ? wait(place, condition, NULL, NULL) : bi_refuse_wait(place, code);
}

/* The predicate may do what it must not, such as freeing the condition. */
static struct bight_deferred *look_and_wait(
    const char *place, struct bight_condition *condition, bight_condition_predicate predicate, void *context)
{
    bool is_true = predicate(context);
    int code = find_obstacle(place, condition);
    if (code != BIGHT_OK) {
        return bi_refuse_wait(place, code);
    }
    return is_true ? bi_permits_confirm(place, condition->permits) : wait(place, condition, predicate, context);
}

struct bight_deferred *bight_condition_wait_for_at(
    const char *place, struct bight_condition *condition, bight_condition_predicate predicate, void *context)
{
    int code = find_obstacle(place, condition);
    if (code == BIGHT_OK && predicate == NULL) {
        code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_condition_wait_for: there is no predicate");
    }
    if (code != BIGHT_OK) {
        return bi_refuse_wait(place, code);
    }
    struct bi_gate *lock = &condition->permits->gate;
    bi_gate_hold(lock);
    bi_gate_hold(&condition->gate);
    struct bight_deferred *deferred = look_and_wait(place, condition, predicate, context);
    bi_gate_release(&condition->gate);
    bi_gate_release(lock);
    return deferred;
}

bool bi_condition_take_back(struct bi_waiter *waiter)
{
    struct bight_condition *condition = BI_CONTAINER(waiter->origin, struct bight_condition, gate);
    if (condition->gate.is_freed) {
        fail_with_lock(waiter);
        return false;
    }
    bi_waiters_append(&condition->waiting, waiter);
    return true;
}

int bight_condition_notify(struct bight_condition *condition, size_t n)
{
    const struct bi_permits *permits = condition->permits;
    if (condition->gate.is_freed) {
        return BIGHT_E_ABANDONED;
    }
    if (permits->held == 0 && !permits->gate.is_freed) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_condition_notify: the lock is not held");
    }
    bi_gate_hold(&condition->gate);
    struct bi_waiter *waiter;
    while (n > 0 && (waiter = bi_waiters_first(&condition->waiting)) != NULL) {
        move_on(condition, waiter);
        n--;
    }
    bi_gate_release(&condition->gate);
    return BIGHT_OK;
}

int bight_condition_notify_all(struct bight_condition *condition)
{
    return bight_condition_notify(condition, SIZE_MAX);
}

size_t bight_condition_waiting(const struct bight_condition *condition)
{
    return condition->waiting.count;
}
