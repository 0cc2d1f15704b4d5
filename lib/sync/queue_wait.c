/* SPDX-License-Identifier: MIT */
/* queue_wait.c - the waiters at a queue, and the steps by which they are served (D30).
 *
 * One step brings one value to one getter, lets one putter in, or fires a joiner. The order of the steps makes the
 * order of service: first what is owed (joins), then values to getters, then room to putters, and last, after a
 * shutdown, those for whom nothing will come. */
#include "base/check.h"
#include "sync/queue.h"

/* ------------------------------------------------------------------------------------------- values */

bool bi_queue_has_value(const struct bight_queue *queue)
{
    bool may_take_from_putter = queue->putters.count > 0 && !queue->is_shut;
    return queue->getters.count == 0 && (queue->store.count > 0 || may_take_from_putter);
}

static struct bi_entry take_from(struct bi_waiter *putter)
{
    return (struct bi_entry) { putter->type, putter->value, putter->priority, 0 };
}

/* The putter has left; its Deferred fires now, and its handlers run when it is released. */
static struct bight_deferred *admit(struct bight_queue *queue, struct bi_waiter *putter)
{
    struct bight_deferred *deferred = putter->deferred;
    queue->unfinished++;
    bi_waiter_keep(deferred);
    bi_waiter_fire(putter, NULL, NULL);
    return deferred;
}

struct bi_entry bi_queue_take_next(struct bight_queue *queue, struct bight_deferred **putter)
{
    *putter = NULL;
    if (queue->store.count > 0) {
        return bi_store_pop(&queue->store);
    }
    struct bi_waiter *first = bi_waiters_first(&queue->putters);
    BI_INVARIANT(first != NULL);
    struct bi_entry entry = take_from(first);
    *putter = admit(queue, first);
    return entry;
}

void bi_queue_count_done(struct bight_queue *queue)
{
    queue->unfinished--;
    if (queue->unfinished == 0) {
        bi_waiters_move(&queue->joined, &queue->joiners);
    }
}

/* ------------------------------------------------------------------------------------------ putters */

void bi_queue_refuse_putter(struct bight_queue *queue, int code)
{
    struct bi_waiter *putter = bi_waiters_first(&queue->putters);
    struct bi_entry entry = take_from(putter);
    bi_waiter_fail(putter, code);
    bi_store_discard(entry.type, entry.value);
}

void bi_queue_cancel_put(struct bight_promise promise, void *context)
{
    struct bi_entry entry = take_from(context);
    bi_waiter_cancel(promise, context);
    bi_store_discard(entry.type, entry.value);
}

/* -------------------------------------------------------------------------------------------- steps */

static bool tell_joiner(struct bight_queue *queue)
{
    struct bi_waiter *joiner = bi_waiters_first(&queue->joined);
    if (joiner == NULL) {
        return false;
    }
    bi_waiter_fire(joiner, NULL, NULL);
    return true;
}

/* The getter has its value before the handlers of a putter run, which may cancel it. */
static bool serve_getter(struct bight_queue *queue)
{
    struct bi_waiter *getter = bi_waiters_first(&queue->getters);
    if (getter == NULL || (queue->store.count == 0 && queue->putters.count == 0)) {
        return false;
    }
    struct bight_deferred *putter;
    struct bi_entry entry = bi_queue_take_next(queue, &putter);
    if (putter == NULL) {
        bi_waiter_fire(getter, entry.type, entry.value);
        return true;
    }
    struct bight_deferred *served = getter->deferred;
    bi_waiter_keep(served);
    bi_waiter_fire(getter, entry.type, entry.value);
    bi_waiter_let_go(putter);
    bi_waiter_let_go(served);
    return true;
}

/* When out of memory to store it, it goes on waiting: the next get takes it from there. */
static bool admit_putter(struct bight_queue *queue)
{
    struct bi_waiter *putter = bi_waiters_first(&queue->putters);
    if (putter == NULL || queue->store.count >= queue->size_limit) {
        return false;
    }
    if (bi_store_push(&queue->store, putter->priority, putter->type, putter->value) != BIGHT_OK) {
        return false;
    }
    bi_waiter_let_go(admit(queue, putter));
    return true;
}

/* A putter that a shutdown turns away. */
static bool turn_away(struct bight_queue *queue)
{
    if (!queue->is_shut || queue->putters.count == 0) {
        return false;
    }
    bi_queue_refuse_putter(queue, BIGHT_E_SHUTDOWN);
    return true;
}

/* A getter for which nothing will come any more. */
static bool send_away(struct bight_queue *queue)
{
    struct bi_waiter *getter = bi_waiters_first(&queue->getters);
    if (!queue->is_shut || getter == NULL) {
        return false;
    }
    bi_waiter_fail(getter, BIGHT_E_SHUTDOWN);
    return true;
}

bool bi_queue_step(struct bi_gate *gate)
{
    struct bight_queue *queue = BI_CONTAINER(gate, struct bight_queue, gate);
    return tell_joiner(queue) || turn_away(queue) || serve_getter(queue) || admit_putter(queue) || send_away(queue);
}
