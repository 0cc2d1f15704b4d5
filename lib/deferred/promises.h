/* SPDX-License-Identifier: MIT */
/* promises.h - a ring of promises that are kept at the same time: the waiters for one event of something's life.
 *
 * For what embeds a head (bi_list_init) and outlives the waiters; where waiters come one after the other there is
 * waiters.h. */
#ifndef BI_DEFERRED_PROMISES_H
#define BI_DEFERRED_PROMISES_H

#include <bight/deferred.h>

#include "base/list.h"

/* A Deferred whose promise is in the ring until it is fired or cancelled. Never NULL (D34). `deserted` (may be NULL) is
 * called with the ring when a cancel has left it empty; the ring must live until it is. */
struct bight_deferred *bi_promises_add(const char *place, struct bi_link *ring, void (*deserted)(struct bi_link *ring));

/* Fires all that are in the ring: empty, or with `failure` (borrowed). Handlers may do anything; those added meanwhile
 * are in the ring afterwards, which is not looked at again. */
void bi_promises_fire(struct bi_link *ring, const struct bight_failure *failure);

/* Fails all that are in the ring with the code: what they wait for has ended with its owner (D18). */
void bi_promises_end(struct bi_link *ring, int code);

/* For a listener in a run loop (bi_on_result_function): the first has left the ring and fired, and its handlers have
 * not run; NULL: the ring is empty. by_owner: the failure comes from an owner's end (D18). */
struct bight_deferred *bi_promises_take(struct bi_link *ring, const struct bight_failure *failure, bool by_owner);

#endif
