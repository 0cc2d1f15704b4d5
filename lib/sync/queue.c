/* SPDX-License-Identifier: MIT */
/* queue.c - the queue: putting, getting, and the work that is in progress (D30).
 *
 * Each function changes what is stored or the waiters, and leaves the rest to the steps of queue_wait.c. A value is
 * always in one place: the caller's, a waiting putter's, the store, or the Deferred of a getter that has left. */
#include "sync/queue.h"

#include <string.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/options.h"

/* -------------------------------------------------------------------------------------------- life */

static size_t limit_of(size_t option)
{
    if (option == 0) {
        return SIZE_MAX;
    }
    return option == BIGHT_QUEUE_NOTHING ? 0 : option;
}

static bool read_options(struct bight_queue_options *options, const struct bight_queue_options *given)
{
    bi_take_options(options, sizeof(*options), given);
    bool has_size = given == NULL || given->size >= sizeof(given->size);
    return has_size && (unsigned)options->order <= BIGHT_QUEUE_PRIORITY;
}

struct bight_queue *bight_queue_new(const struct bight_queue_options *given)
{
    struct bight_queue_options options;
    if (!read_options(&options, given)) {
        bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_queue_new: the options lack their size, or the order is none");
        return NULL;
    }
    struct bight_queue *queue = bight_calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return NULL;
    }
    bi_gate_init(&queue->gate, bi_queue_step);
    bi_waiters_init(&queue->getters);
    bi_waiters_init(&queue->putters);
    bi_waiters_init(&queue->joiners);
    bi_waiters_init(&queue->joined);
    queue->store.order = options.order;
    queue->size_limit = limit_of(options.size_limit);
    queue->backlog_limit = limit_of(options.backlog_limit);
    return queue;
}

static void destroy_next(struct bight_queue *queue)
{
    struct bi_entry entry = bi_store_pop(&queue->store);
    struct bight_result result = { entry.type, entry.value, NULL };
    bight_result_clear(&result);
}

void bight_queue_free(struct bight_queue *queue)
{
    if (queue == NULL || !bi_gate_close(&queue->gate, "bight_queue_free")) {
        return;
    }
    while (queue->putters.count > 0) {
        bi_queue_refuse_putter(queue, BIGHT_E_ABANDONED);
    }
    bi_waiters_abandon(&queue->getters);
    bi_waiters_abandon(&queue->joiners);
    while (queue->store.count > 0) {
        destroy_next(queue);
    }
    bi_store_finish(&queue->store);
    bi_gate_release(&queue->gate);
}

/* ------------------------------------------------------------------------------------------ putting */

/* What is stored above what the waiters have a claim to is within the limit, and no waiter is before us. */
static bool has_room(const struct bight_queue *queue)
{
    size_t claimed = queue->getters.count;
    size_t stored = queue->store.count;
    return queue->putters.count == 0 && (stored < claimed || stored - claimed < queue->size_limit);
}

/* Why nothing can be put; 0 when it can. */
static int find_obstacle(const char *place, const struct bight_queue *queue, const struct bight_type *type)
{
    if (type == &bight_type_failure || type == &bight_type_deferred) {
        return bi_usage_error(BIGHT_E_WRONG_TYPE, place, "bight_queue_put: " BI_BAD_TYPE);
    }
    if (queue->gate.is_freed) {
        return BIGHT_E_ABANDONED;
    }
    return queue->is_shut ? BIGHT_E_SHUTDOWN : BIGHT_OK;
}

/* There is room. At rest a getter is served past the store, which needs no memory. */
static int put(struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value)
{
    if (queue->getters.count > 0 && bi_gate_enter(&queue->gate)) {
        queue->unfinished++;
        bi_waiter_fire(bi_waiters_first(&queue->getters), type, value);
        bi_gate_leave(&queue->gate);
        return BIGHT_OK;
    }
    int code = bi_store_push(&queue->store, priority, type, value);
    queue->unfinished += code == BIGHT_OK ? 1 : 0;
    return code;
}

static int put_now(struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value)
{
    int code = find_obstacle(BIGHT_HERE, queue, type);
    if (code != BIGHT_OK) {
        return code;
    }
    return has_room(queue) ? put(queue, priority, type, value) : BIGHT_E_QUEUE_OVERFLOW;
}

int bight_queue_put(struct bight_queue *queue, const struct bight_type *type, void *value)
{
    return put_now(queue, 0, type, value);
}

int bight_queue_put_priority(struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value)
{
    if (queue->store.order != BIGHT_QUEUE_PRIORITY) {
        return bi_usage_error(
            BIGHT_E_NOT_SUPPORTED, BIGHT_HERE, "bight_queue_put_priority: the queue has no priorities");
    }
    return put_now(queue, priority, type, value);
}

/* The Deferred comes first, so that what it says is what has happened to the value. */
static struct bight_deferred *put_with_room(
    const char *place, struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, NULL, NULL, NULL);
    int code = bight_promise_is_open(promise) ? put(queue, priority, type, value) : BIGHT_E_OUT_OF_MEMORY;
    if (code == BIGHT_OK) {
        bight_callback_at(place, promise, NULL, NULL);
        return deferred;
    }
    if (bight_promise_is_open(promise)) {
        bight_errback_at(place, promise, bight_failure_of(code));
    }
    bi_store_discard(type, value);
    return deferred;
}

static struct bight_deferred *wait_for_room(
    const char *place, struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value)
{
    struct bi_waiter *waiter;
    struct bight_deferred *deferred = bi_wait(place, &queue->gate, &queue->putters, bi_queue_cancel_put, &waiter);
    if (waiter == NULL) {
        bi_store_discard(type, value);
        return deferred;
    }
    waiter->type = type;
    waiter->value = value;
    waiter->priority = priority;
    return deferred;
}

struct bight_deferred *bight_queue_put_later_at(
    const char *place, struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value)
{
    int code = find_obstacle(place, queue, type);
    if (code == BIGHT_OK && priority != 0 && queue->store.order != BIGHT_QUEUE_PRIORITY) {
        code =
            bi_usage_error(BIGHT_E_NOT_SUPPORTED, place, "bight_queue_put_priority_later: the queue has no priorities");
    }
    if (code != BIGHT_OK) {
        bi_store_discard(type, value);
        return bi_refuse_wait(place, code);
    }
    return has_room(queue) ? put_with_room(place, queue, priority, type, value)
                           : wait_for_room(place, queue, priority, type, value);
}

/* ------------------------------------------------------------------------------------------ getting */

/* Why there is nothing to be had at once; 0 when there is. */
static int find_lack(const struct bight_queue *queue)
{
    if (queue->gate.is_freed) {
        return BIGHT_E_ABANDONED;
    }
    if (bi_queue_has_value(queue)) {
        return BIGHT_OK;
    }
    bool is_over = queue->is_shut && queue->store.count == 0;
    return is_over ? BIGHT_E_SHUTDOWN : BIGHT_E_QUEUE_UNDERFLOW;
}

/* The caller has taken a value: there may be room for the waiters. */
static void go_on(struct bight_queue *queue, struct bight_deferred *putter)
{
    bool entered = bi_gate_enter(&queue->gate);
    if (putter != NULL) {
        bi_waiter_let_go(putter);
    }
    if (entered) {
        bi_gate_leave(&queue->gate);
    }
}

static struct bight_deferred *get_now(const char *place, struct bight_queue *queue)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, NULL, NULL, NULL);
    if (!bight_promise_is_open(promise)) {
        return deferred;
    }
    struct bight_deferred *putter;
    struct bi_entry entry = bi_queue_take_next(queue, &putter);
    bight_callback_at(place, promise, entry.type, entry.value);
    go_on(queue, putter);
    return deferred;
}

/* The waiters and have no value coming. */
static size_t lacking(const struct bight_queue *queue)
{
    size_t coming = queue->store.count + queue->putters.count;
    return queue->getters.count > coming ? queue->getters.count - coming : 0;
}

struct bight_deferred *bight_queue_get_at(const char *place, struct bight_queue *queue)
{
    int code = find_lack(queue);
    if (code == BIGHT_OK) {
        return get_now(place, queue);
    }
    if (code != BIGHT_E_QUEUE_UNDERFLOW || lacking(queue) >= queue->backlog_limit) {
        return bi_refuse_wait(place, code);
    }
    struct bi_waiter *waiter;
    return bi_wait(place, &queue->gate, &queue->getters, bi_waiter_cancel, &waiter);
}

int bight_queue_try_get(struct bight_queue *queue, struct bight_result *result)
{
    int code = find_lack(queue);
    if (code != BIGHT_OK) {
        return code;
    }
    struct bight_deferred *putter;
    struct bi_entry entry = bi_queue_take_next(queue, &putter);
    bi_gate_hold(&queue->gate);
    bight_result_set(result, entry.type, entry.value);
    go_on(queue, putter);
    bi_gate_release(&queue->gate);
    return BIGHT_OK;
}

/* --------------------------------------------------------------------------------- work in progress */

struct bight_deferred *bight_queue_join_at(const char *place, struct bight_queue *queue)
{
    if (queue->unfinished == 0 && !queue->gate.is_freed) {
        return bight_succeed_at(place, NULL, NULL);
    }
    struct bi_waiter *waiter;
    return bi_wait(place, &queue->gate, &queue->joiners, bi_waiter_cancel, &waiter);
}

int bight_queue_task_done(struct bight_queue *queue)
{
    if (queue->unfinished == 0) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_queue_task_done: all that was put is done");
    }
    bi_queue_count_done(queue);
    bi_gate_run(&queue->gate);
    return BIGHT_OK;
}

void bight_queue_shutdown(struct bight_queue *queue, bool immediate)
{
    bool entered = bi_gate_enter(&queue->gate);
    queue->is_shut = true;
    while (immediate && queue->store.count > 0) {
        if (queue->unfinished > 0) {
            bi_queue_count_done(queue);
        }
        destroy_next(queue);
    }
    if (entered) {
        bi_gate_leave(&queue->gate);
    }
}

bool bight_queue_is_shut_down(const struct bight_queue *queue)
{
    return queue->is_shut;
}

/* ------------------------------------------------------------------------------------------- counts */

size_t bight_queue_size(const struct bight_queue *queue)
{
    return queue->store.count > queue->getters.count ? queue->store.count - queue->getters.count : 0;
}

size_t bight_queue_waiting(const struct bight_queue *queue)
{
    return lacking(queue);
}

size_t bight_queue_waiting_puts(const struct bight_queue *queue)
{
    return queue->putters.count;
}

size_t bight_queue_unfinished(const struct bight_queue *queue)
{
    return queue->unfinished;
}
