/* SPDX-License-Identifier: MIT */
/* permits.h - what lock, semaphore, condition and the lock between processes stand on: a number of permits, their
 * holders, the waiters.
 *
 * The value that an acquisition fires with is a *token*: the waiter itself, which goes from the list of the waiters
 * to that of the tokens about. A token ends when its value is destroyed, and stands for nothing any more when more
 * tokens are about than permits are held: then the newest are cut off. So a token that is discarded returns a permit
 * that is held, once, or does nothing, also when the lock has gone. */
#ifndef BI_SYNC_PERMITS_H
#define BI_SYNC_PERMITS_H

#include <bight/sync.h>

#include "sync/waiters.h"

struct bi_permits {
    struct bi_gate gate;
    struct bi_waiters waiting;
    struct bi_waiters tokens; /* never more than are held */
    size_t held, limit;
    const struct bight_type *type; /* of the tokens */
    bool is_bounded;
};

struct bight_lock {
    struct bi_permits permits;
};

struct bight_semaphore {
    struct bi_permits permits;
};

void bi_permits_init(struct bi_permits *permits, const struct bight_type *type, size_t limit);
void bi_permits_free(struct bi_permits *permits, const char *what);
struct bight_deferred *bi_permits_acquire(const char *place, struct bi_permits *permits);
bool bi_permits_try_acquire(struct bi_permits *permits);
int bi_permits_release(struct bi_permits *permits, const char *function);

/* None is held from here on; waiters are not let through. */
void bi_permits_forfeit(struct bi_permits *permits);

/* The gate's step, for one that has more to do. */
bool bi_permits_step(struct bi_gate *gate);

/* holding.c: bight_lock_run and its like; `acquire` is bi_permits_acquire or what stands for it. */
typedef struct bight_deferred *(*bi_acquire_function)(const char *place, struct bi_permits *permits);
struct bight_deferred *bi_permits_run(const char *place, struct bi_permits *permits, bi_acquire_function acquire,
    bight_holding_function function, void *context, bight_release_function release);

/* The functions of the tokens' types. */
void bi_token_destroy(void *token);
void bi_token_discard(void *token);

/* ----------------------------------------------------------------------------------- for conditions
 *
 * A waiter of a condition has an `origin`, of which it keeps a reference. The token that stood for the permit which it
 * gave up is its `partner` meanwhile, and stands for the one that it gets back; if it was discarded by then, that one
 * is given back when the handlers have run. One whose outcome is decided has a Deferred that has fired, or is about to,
 * and is kept (bi_waiter_keep) until it has its permit. */

/* Releases a held permit on behalf of `waiter`. Others may get it inside. */
void bi_permits_lend(struct bi_permits *permits, struct bi_waiter *waiter);

/* `waiter`, which is in no list, waits for a permit from here on; when the permits have gone it is released without
 * one. */
void bi_permits_join(struct bi_permits *permits, struct bi_waiter *waiter);

/* For a holder of a permit: a Deferred that has fired with one more token of it. */
struct bight_deferred *bi_permits_confirm(const char *place, struct bi_permits *permits);

/* condition.c: a waiter that is in no list, and has got a permit that is no use to it, is in the condition's list
 * again. False: it goes on with the permit, since the condition has been freed. */
bool bi_condition_take_back(struct bi_waiter *waiter);

#endif
