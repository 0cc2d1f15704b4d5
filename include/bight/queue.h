/* SPDX-License-Identifier: MIT */
/* bight/queue.h - a queue of values between producers and consumers (D30).
 *
 * Twisted's DeferredQueue and asyncio's Queue, PriorityQueue and LifoQueue in one. A value that is put goes to the
 * oldest waiter, else it is stored. What is said in bight/sync.h of waiting, cancelling, freeing and calls from inside
 * handlers holds here too. A cancelled get has left the queue before anything else happens: no value goes to it, and
 * none is lost: one that was put for it meanwhile, inside a handler, is stored, be it beyond the limit. */
#ifndef BIGHT_QUEUE_H
#define BIGHT_QUEUE_H

#include <bight/deferred.h>

BIGHT_BEGIN

struct bight_queue;

enum bight_queue_order {
    BIGHT_QUEUE_FIFO,    /* the oldest first */
    BIGHT_QUEUE_LIFO,    /* the newest first */
    BIGHT_QUEUE_PRIORITY /* the lowest priority first, of equal ones the oldest */
};

/* A limit of nothing at all, for options in which 0 means "no limit". */
#define BIGHT_QUEUE_NOTHING SIZE_MAX

/* Zeroed but for `size`: first in first out, without limits. */
struct bight_queue_options {
    size_t size;          /* sizeof(struct bight_queue_options) */
    size_t size_limit;    /* most values stored; 0: no limit; BIGHT_QUEUE_NOTHING: none, values go to waiters */
    size_t backlog_limit; /* most gets that wait; 0: no limit; BIGHT_QUEUE_NOTHING: none may */
    enum bight_queue_order order;
};

/* The options may be NULL. NULL when out of memory, and for wrong options, which are a usage error. */
BIGHT_API BIGHT_MUST_USE struct bight_queue *bight_queue_new(const struct bight_queue_options *options);

/* Destroys what is stored, discards what waited for room, and fails all waiters with ABANDONED. NULL is allowed. */
BIGHT_API void bight_queue_free(struct bight_queue *queue);

/* ------------------------------------------------------------------------------------------ putting */

/* Puts a value (type NULL: an empty one). 0, and it is taken; QUEUE_OVERFLOW when the queue is full, SHUTDOWN after a
 * shutdown, OUT_OF_MEMORY, or WRONG_TYPE (a usage error) for a failure or a Deferred: then it stays the caller's. A
 * queue with priorities uses priority 0. */
BIGHT_API int bight_queue_put(struct bight_queue *queue, const struct bight_type *type, void *value);

/* The same with a priority, lower first. NOT_SUPPORTED (a usage error) for a queue without priorities. */
BIGHT_API int bight_queue_put_priority(
    struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value);

/* Waits for room, first come first served, and fires empty when the value is in. The value is taken in any case:
 * when the put fails or is cancelled it is discarded.
 *
 *     struct bight_deferred *bight_queue_put_later(struct bight_queue *queue, int64_t priority,
 *         const struct bight_type *type, void *value);
 *     struct bight_deferred *bight_queue_put_priority_later(struct bight_queue *queue, int64_t priority,
 *         const struct bight_type *type, void *value); */
#define bight_queue_put_later(queue, type, value) bight_queue_put_later_at(BIGHT_HERE, (queue), 0, (type), (value))
#define bight_queue_put_priority_later(queue, priority, type, value) \
    bight_queue_put_later_at(BIGHT_HERE, (queue), (priority), (type), (value))

/* ------------------------------------------------------------------------------------------ getting */

/* Fires with a value: at once when one is stored, else when one comes. QUEUE_UNDERFLOW when no more may wait; SHUTDOWN
 * when the queue is shut down and empty. When out of memory no value is lost.
 *
 *     struct bight_deferred *bight_queue_get(struct bight_queue *queue); */
#define bight_queue_get(queue) bight_queue_get_at(BIGHT_HERE, (queue))

/* A value at once: 0, and it is in `result`, whose content before is destroyed (zero one that stands alone).
 * QUEUE_UNDERFLOW when there is none, or others wait for it; SHUTDOWN when the queue is shut down and empty. */
BIGHT_API int bight_queue_try_get(struct bight_queue *queue, struct bight_result *result);

/* ------------------------------------------------------------------------------------- work in progress */

/* Fires empty when task_done has been called for every value that was put: at once when there is none.
 *
 *     struct bight_deferred *bight_queue_join(struct bight_queue *queue); */
#define bight_queue_join(queue) bight_queue_join_at(BIGHT_HERE, (queue))

/* A value that was got has been dealt with. USAGE when there were more of these than values. */
BIGHT_API int bight_queue_task_done(struct bight_queue *queue);

/* No more puts: those that wait for room fail with SHUTDOWN. What is stored can still be got; then gets, those that
 * wait too, fail with SHUTDOWN. `immediate`: what is stored is destroyed at once and counts as done. Again: nothing,
 * but a shutdown may become an immediate one. */
BIGHT_API void bight_queue_shutdown(struct bight_queue *queue, bool immediate);
BIGHT_API bool bight_queue_is_shut_down(const struct bight_queue *queue);

/* Values stored; gets that wait; puts that wait for room; values put and not yet done. */
BIGHT_API size_t bight_queue_size(const struct bight_queue *queue);
BIGHT_API size_t bight_queue_waiting(const struct bight_queue *queue);
BIGHT_API size_t bight_queue_waiting_puts(const struct bight_queue *queue);
BIGHT_API size_t bight_queue_unfinished(const struct bight_queue *queue);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_queue_put_later_at(
    const char *place, struct bight_queue *queue, int64_t priority, const struct bight_type *type, void *value);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_queue_get_at(const char *place, struct bight_queue *queue);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_queue_join_at(const char *place, struct bight_queue *queue);

BIGHT_END

#endif
