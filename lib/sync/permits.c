/* SPDX-License-Identifier: MIT */
/* permits.c - a number of permits: acquired, handed on, given back, lost with their tokens (D28, D29).
 *
 * A permit that is given back is free until the gate's next step, which hands it to the oldest waiter; since no other
 * is let in while there are waiters, being free in between is not seen from outside. What a lock, a semaphore or a
 * condition makes of them is in files of their own. */
#include "sync/permits.h"

#include "base/check.h"
#include "deferred/deferred.h"

/* ------------------------------------------------------------------------------------------- tokens */

static struct bi_permits *permits_of(struct bi_gate *gate)
{
    return BI_CONTAINER(gate, struct bi_permits, gate);
}

static void attach(struct bi_permits *permits, struct bi_waiter *token)
{
    token->gate = &permits->gate;
    bi_waiters_append(&permits->tokens, token);
}

/* It stands for nothing from here on. */
static void cut_off(struct bi_waiter *token)
{
    bi_waiters_remove(token);
    token->gate = NULL;
}

/* The two know nothing of each other any more. */
static void part(struct bi_waiter *waiter)
{
    if (waiter->partner != NULL) {
        waiter->partner->partner = NULL;
        waiter->partner = NULL;
    }
}

void bi_token_destroy(void *value)
{
    struct bi_waiter *token = value;
    part(token);
    cut_off(token);
    bi_waiter_give(token);
}

/* The newest past `limit` stand for nothing any more. */
static void limit_tokens(struct bi_permits *permits, size_t limit)
{
    while (permits->tokens.count > limit) {
        cut_off(bi_waiters_last(&permits->tokens));
    }
}

static void give_back(struct bi_permits *permits)
{
    permits->held--;
    limit_tokens(permits, permits->held);
    bi_gate_run(&permits->gate);
}

/* One that is lent is owed until its permit is back. */
void bi_token_discard(void *value)
{
    struct bi_waiter *token = value;
    struct bi_gate *gate = token->gate;
    if (token->partner != NULL) {
        token->is_owed = true;
        return;
    }
    bi_token_destroy(token);
    if (gate != NULL) {
        give_back(permits_of(gate));
    }
}

/* ----------------------------------------------------------------------------------------- granting */

/* The waiter has left the list, and its permit is counted. */
static void grant(struct bi_permits *permits, struct bi_waiter *waiter)
{
    struct bi_gate *origin = waiter->origin;
    struct bi_waiter *partner = waiter->partner;
    struct bight_deferred *deferred = waiter->deferred;
    bool is_owed = partner != NULL && partner->is_owed;
    part(waiter);
    if (partner != NULL) {
        attach(permits, partner);
    }
    if (waiter->is_decided) {
        bi_waiter_give(waiter);
        bi_waiter_let_go(deferred);
    } else {
        waiter->origin = NULL;
        attach(permits, waiter);
        bight_callback(((struct bight_promise) { deferred, deferred->generation }), permits->type, waiter);
    }
    if (is_owed) {
        bi_token_discard(partner);
    }
    if (origin != NULL) {
        bi_gate_release(origin);
    }
}

/* There will be no permit for it. */
static void abandon(struct bi_waiter *waiter)
{
    struct bi_gate *origin = waiter->origin;
    struct bi_waiter *partner = waiter->partner;
    part(waiter);
    if (partner != NULL && partner->is_owed) {
        bi_waiter_give(partner);
    }
    if (waiter->is_decided) {
        struct bight_deferred *deferred = waiter->deferred;
        bi_waiters_remove(waiter);
        bi_waiter_give(waiter);
        bi_waiter_let_go(deferred);
    } else {
        bi_waiter_fail(waiter, BIGHT_E_ABANDONED);
    }
    if (origin != NULL) {
        bi_gate_release(origin);
    }
}

/* Whether the waiter, which is in no list, goes on with its permit. The predicate may do anything at all. */
static bool accepts(struct bi_permits *permits, struct bi_waiter *waiter)
{
    if (waiter->predicate == NULL || waiter->is_decided) {
        return true;
    }
    bool is_true = waiter->predicate(waiter->context);
    if (permits->held == 0) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_condition_wait_for: the predicate has released the lock");
        permits->held++;
    }
    if (permits->gate.is_freed) {
        abandon(waiter);
        return false;
    }
    return is_true || waiter->is_decided || !bi_condition_take_back(waiter);
}

bool bi_permits_step(struct bi_gate *gate)
{
    struct bi_permits *permits = permits_of(gate);
    struct bi_waiter *waiter = bi_waiters_first(&permits->waiting);
    if (waiter == NULL || permits->held >= permits->limit) {
        return false;
    }
    bi_waiters_remove(waiter);
    permits->held++;
    if (accepts(permits, waiter)) {
        grant(permits, waiter);
    } else {
        give_back(permits);
    }
    return true;
}

/* ------------------------------------------------------------------------------------------- public */

void bi_permits_init(struct bi_permits *permits, const struct bight_type *type, size_t limit)
{
    *permits = (struct bi_permits) { .limit = limit, .type = type };
    bi_gate_init(&permits->gate, bi_permits_step);
    bi_waiters_init(&permits->waiting);
    bi_waiters_init(&permits->tokens);
}

void bi_permits_free(struct bi_permits *permits, const char *what)
{
    if (!bi_gate_close(&permits->gate, what)) {
        return;
    }
    limit_tokens(permits, 0);
    struct bi_waiter *waiter;
    while ((waiter = bi_waiters_first(&permits->waiting)) != NULL) {
        abandon(waiter);
    }
    bi_gate_release(&permits->gate);
}

void bi_permits_forfeit(struct bi_permits *permits)
{
    permits->held = 0;
    limit_tokens(permits, 0);
}

static bool can_acquire(const struct bi_permits *permits)
{
    return permits->held < permits->limit && permits->waiting.count == 0 && !permits->gate.is_freed;
}

bool bi_permits_try_acquire(struct bi_permits *permits)
{
    bool can = can_acquire(permits);
    permits->held += can ? 1 : 0;
    return can;
}

struct bight_deferred *bi_permits_acquire(const char *place, struct bi_permits *permits)
{
    if (!can_acquire(permits)) {
        struct bi_waiter *waiter;
        return bi_wait(place, &permits->gate, &permits->waiting, bi_waiter_cancel, &waiter);
    }
    struct bi_waiter *token = bi_waiter_take();
    if (token == NULL) {
        return bi_refuse_wait(place, BIGHT_E_OUT_OF_MEMORY);
    }
    permits->held++;
    attach(permits, token);
    return bight_succeed_at(place, permits->type, token);
}

int bi_permits_release(struct bi_permits *permits, const char *function)
{
    if (permits->held == 0) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "%s: nobody holds it", function);
    }
    give_back(permits);
    return BIGHT_OK;
}

void bi_permits_lend(struct bi_permits *permits, struct bi_waiter *waiter)
{
    struct bi_waiter *token = bi_waiters_first(&permits->tokens);
    if (token != NULL) {
        cut_off(token);
        token->partner = waiter;
        waiter->partner = token;
    }
    give_back(permits);
}

void bi_permits_join(struct bi_permits *permits, struct bi_waiter *waiter)
{
    if (permits->gate.is_freed) {
        abandon(waiter);
    } else {
        bi_waiters_append(&permits->waiting, waiter);
    }
}

/* The token stands for nothing until it is known that it will not be discarded for want of memory. */
struct bight_deferred *bi_permits_confirm(const char *place, struct bi_permits *permits)
{
    struct bi_waiter *token = bi_waiter_take();
    if (token == NULL) {
        return bi_refuse_wait(place, BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_deferred *deferred = bight_succeed_at(place, permits->type, token);
    if (deferred != &bi_deferred_out_of_memory) {
        attach(permits, token);
    }
    return deferred;
}
