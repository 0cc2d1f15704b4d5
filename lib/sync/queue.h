/* SPDX-License-Identifier: MIT */
/* queue.h - the queue itself, for queue.c and queue_wait.c.
 *
 * Between runs either nothing is stored or no getter waits, and a putter waits only for a full queue. Between the steps
 * of a run that need not be so: what is stored then belongs to the waiters, as far as it goes. */
#ifndef BI_SYNC_QUEUE_H
#define BI_SYNC_QUEUE_H

#include <bight/queue.h>

#include "sync/store.h"
#include "sync/waiters.h"

struct bight_queue {
    struct bi_gate gate;
    struct bi_store store;
    struct bi_waiters getters, putters, joiners;
    struct bi_waiters joined;         /* joiners that are to be fired */
    size_t size_limit, backlog_limit; /* SIZE_MAX: none */
    size_t unfinished;
    bool is_shut;
};

/* queue_wait.c */
bool bi_queue_step(struct bi_gate *gate);

/* There is a value that no waiter has a claim to. */
bool bi_queue_has_value(const struct bight_queue *queue);

/* Takes the next value, from the store or, when that is empty, from the waiters to put: then *putter gets that one's
 * Deferred, to be released (bi_waiter_let_go); else NULL. Runs no handlers. */
struct bi_entry bi_queue_take_next(struct bight_queue *queue, struct bight_deferred **putter);

/* One has been done. Joiners are fired by the next run. */
void bi_queue_count_done(struct bight_queue *queue);

/* Fails a waiter to put, and discards what it would have put. */
void bi_queue_refuse_putter(struct bight_queue *queue, int code);

/* The canceller of the waiters to put. */
void bi_queue_cancel_put(struct bight_promise promise, void *context);

#endif
