/* SPDX-License-Identifier: MIT */
/* promises.c - a ring of promises that are kept at the same time.
 *
 * Each is a small object, the context of its Deferred's canceller, which goes when the Deferred fires. What they wait
 * for, and when it comes, is their owner's. */
#include "deferred/promises.h"

#include <bight/memory.h>

#include "deferred/deferred.h"

struct waiting {
    struct bi_link link;
    struct bight_promise promise;
    struct bi_link *ring;
    void (*deserted)(struct bi_link *ring);
};

static void free_waiting(void *context)
{
    struct waiting *waiting = context;
    bi_list_remove(&waiting->link);
    bight_free(waiting);
}

static void stop_waiting(struct bight_promise promise, void *context)
{
    struct waiting *waiting = context;
    (void)promise;
    bi_list_remove(&waiting->link);
    if (waiting->deserted != NULL && bi_list_is_empty(waiting->ring)) {
        waiting->deserted(waiting->ring);
    }
}

struct bight_deferred *bi_promises_add(const char *place, struct bi_link *ring, void (*deserted)(struct bi_link *ring))
{
    struct bight_promise promise;
    struct waiting *waiting = bight_malloc(sizeof *waiting);
    if (waiting == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bi_list_init(&waiting->link);
    waiting->ring = ring;
    waiting->deserted = deserted;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, stop_waiting, waiting, free_waiting);
    if (bight_promise_is_open(promise)) {
        waiting->promise = promise;
        bi_list_append(ring, &waiting->link);
    }
    return deferred;
}

void bi_promises_fire(struct bi_link *ring, const struct bight_failure *failure)
{
    struct bi_link all;
    bi_list_take_all(&all, ring);
    BI_LIST_EACH_TAKEN (link, &all) {
        struct bight_promise promise = BI_CONTAINER(link, struct waiting, link)->promise;
        if (failure == NULL) {
            (void)bight_callback(promise, NULL, NULL);
        } else {
            (void)bight_errback(promise, bight_failure_hold(failure));
        }
    }
}

void bi_promises_end(struct bi_link *ring, int code)
{
    struct bi_link all;
    bi_list_take_all(&all, ring);
    BI_LIST_EACH_TAKEN (link, &all) {
        bi_promise_end(BI_CONTAINER(link, struct waiting, link)->promise, bight_failure_of(code));
    }
}

struct bight_deferred *bi_promises_take(struct bi_link *ring, const struct bight_failure *failure, bool by_owner)
{
    struct bi_link *first = bi_list_take_first(ring);
    if (first == NULL) {
        return NULL;
    }
    struct bight_deferred *deferred = BI_CONTAINER(first, struct waiting, link)->promise.slot;
    const struct bight_type *type = failure != NULL ? &bight_type_failure : NULL;
    deferred->flags |= by_owner ? BI_DEFERRED_OWNER_ENDED : 0;
    bi_deferred_accept(deferred, BIGHT_HERE, type, failure != NULL ? bight_failure_hold(failure) : NULL);
    return deferred;
}
