/* SPDX-License-Identifier: MIT */
/* promises.c - a ring of promises that are kept at the same time.
 *
 * Each is a small object, the context of its Deferred's canceller, which goes when the Deferred fires. */
#include "deferred/promises.h"

#include <bight/memory.h>

#include "deferred/deferred.h"

struct waiting {
    struct bight_link link;
    struct bight_promise promise;
    struct bight_link *ring;
    void (*deserted)(struct bight_link *ring);
};

static void free_waiting(void *context)
{
    struct waiting *waiting = context;
    bight_list_remove(&waiting->link);
    bight_free(waiting);
}

static void stop_waiting(struct bight_promise promise, void *context)
{
    struct waiting *waiting = context;
    (void)promise;
    bight_list_remove(&waiting->link);
    if (waiting->deserted != NULL && bight_list_is_empty(waiting->ring)) {
        waiting->deserted(waiting->ring);
    }
}

struct bight_deferred *bight_promises_add(
    const char *place, struct bight_link *ring, void (*deserted)(struct bight_link *ring))
{
    struct bight_promise promise;
    struct waiting *waiting = bight_malloc(sizeof *waiting);
    if (waiting == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bight_list_init(&waiting->link);
    waiting->ring = ring;
    waiting->deserted = deserted;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, stop_waiting, waiting, free_waiting);
    if (bight_promise_is_open(promise)) {
        waiting->promise = promise;
        bight_list_append(ring, &waiting->link);
    }
    return deferred;
}

void bight_promises_fire(struct bight_link *ring, const struct bight_failure *failure)
{
    struct bight_link all;
    bight_list_take_all(&all, ring);
    while (!bight_list_is_empty(&all)) {
        struct waiting *waiting = BIGHT_CONTAINER(all.next, struct waiting, link);
        bight_list_remove(&waiting->link);
        if (failure == NULL) {
            (void)bight_callback(waiting->promise, NULL, NULL);
        } else {
            (void)bight_errback(waiting->promise, bight_failure_hold(failure));
        }
    }
}

struct bight_deferred *bight_promises_take(struct bight_link *ring, const struct bight_failure *failure, bool by_owner)
{
    if (bight_list_is_empty(ring)) {
        return NULL;
    }
    struct bight_deferred *deferred = BIGHT_CONTAINER(ring->next, struct waiting, link)->promise.slot;
    bight_list_remove(ring->next);
    const struct bight_type *type = failure != NULL ? &bight_type_failure : NULL;
    deferred->flags |= by_owner ? BIGHT_DEFERRED_OWNER_ENDED : 0;
    bight_deferred_accept(deferred, BIGHT_HERE, type, failure != NULL ? bight_failure_hold(failure) : NULL);
    return deferred;
}
