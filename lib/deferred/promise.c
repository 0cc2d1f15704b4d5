/* SPDX-License-Identifier: MIT */
/* promise.c - the producer's end: firing, failing and abandoning.
 *
 * A promise is looked at before the Deferred is: a wrong generation means that the slot has been freed, perhaps
 * taken again, and is answered without touching anything else of it. Whatever cannot be delivered is discarded
 * (D4, D31). What firing sets off is run.c's. */
#include "deferred/deferred.h"

#include "base/slab.h"

/* Firing one of these is more than storing a result. */
#define NEEDS_CARE (BI_DEFERRED_FIRED | BI_DEFERRED_BLOCKED | BI_DEFERRED_CANCELLABLE | BI_DEFERRED_HAS_PLACES)

static inline bool is_current(struct bight_promise promise)
{
    return promise.slot != NULL && bi_slot_is_current(promise.slot, promise.generation);
}

/* Why the promise cannot be fired; 0 when it can. */
static int find_obstacle(struct bight_promise promise)
{
    if (!is_current(promise)) {
        return BIGHT_E_STALE;
    }
    uint32_t flags = promise.slot->flags;
    if ((flags & BI_DEFERRED_FIRED) == 0) {
        return BIGHT_OK;
    }
    if ((flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return (flags & BI_DEFERRED_CANCELLED) != 0 ? BIGHT_E_CANCELLED : BIGHT_E_ALREADY_CALLED;
}

int bi_promise_check(const char *place, struct bight_promise promise)
{
    int code = find_obstacle(promise);
    if (code == BIGHT_E_ALREADY_CALLED) {
        return bi_deferred_refuse(code, place, promise.slot);
    }
    if (code == BIGHT_E_STALE && bi_deferred_debug()) {
        return bi_deferred_refuse(code, place, NULL);
    }
    return code;
}

/* The canceller's context is released when the Deferred fires (D15), but for a canceller that is firing it: then
 * the cancel has it. */
static void release_canceller(struct bight_deferred *deferred)
{
    deferred->flags &= ~(uint32_t)BI_DEFERRED_CANCELLABLE;
    bight_release_function release = deferred->canceller_release;
    if (release != NULL) {
        deferred->flags |= BI_DEFERRED_RUNNING;
        release(deferred->canceller_context);
        deferred->flags &= ~(uint32_t)BI_DEFERRED_RUNNING;
    }
}

void bi_deferred_accept(struct bight_deferred *deferred, const char *place, const struct bight_type *type, void *value)
{
    deferred->flags |= BI_DEFERRED_FIRED;
    deferred->result.type = type;
    deferred->result.value = value;
    if ((deferred->flags & BI_DEFERRED_HAS_PLACES) != 0) {
        deferred->fired_at = place;
    }
    if ((deferred->flags & BI_DEFERRED_CANCELLABLE) != 0) {
        release_canceller(deferred);
    }
}

static int discard(int code, const struct bight_type *type, void *value)
{
    struct bight_result result = { type, value, NULL };
    bight_result_discard(&result);
    return code;
}

static int __attribute__((noinline))
fire_with_care(const char *place, struct bight_promise promise, const struct bight_type *type, void *value)
{
    int code = bi_promise_check(place, promise);
    if (code != BIGHT_OK) {
        return discard(code, type, value);
    }
    bi_deferred_accept(promise.slot, place, type, value);
    bi_deferred_run(promise.slot);
    return BIGHT_OK;
}

static inline int fire(const char *place, struct bight_promise promise, const struct bight_type *type, void *value)
{
    struct bight_deferred *deferred = promise.slot;
    if (BI_UNLIKELY(!is_current(promise) || (deferred->flags & NEEDS_CARE) != 0)) {
        return fire_with_care(place, promise, type, value);
    }
    deferred->flags |= BI_DEFERRED_FIRED | BI_DEFERRED_RUNNING;
    deferred->result.type = type;
    deferred->result.value = value;
    return bi_deferred_run_marked(deferred);
}

static int __attribute__((noinline)) refuse_type(const char *place, const struct bight_type *type, void *value)
{
    return discard(bi_usage_error(BIGHT_E_WRONG_TYPE, place, "bight_callback: " BI_BAD_TYPE), type, value);
}

int bight_callback_at(const char *place, struct bight_promise promise, const struct bight_type *type, void *value)
{
    if (BI_UNLIKELY(type == &bight_type_failure || type == &bight_type_deferred)) {
        return refuse_type(place, type, value);
    }
    return fire(place, promise, type, value);
}

int bight_errback_at(const char *place, struct bight_promise promise, struct bight_failure *failure)
{
    if (BI_UNLIKELY(failure == NULL)) {
        failure =
            bight_failure_of(bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_errback: there is no failure"));
    }
    return fire(place, promise, &bight_type_failure, failure);
}

int bight_abandon_at(const char *place, struct bight_promise promise)
{
    int code = find_obstacle(promise);
    if (code != BIGHT_OK) {
        return code;
    }
    return fire(place, promise, &bight_type_failure, bight_failure_of(BIGHT_E_ABANDONED));
}

void bi_promise_end(struct bight_promise promise, struct bight_failure *failure)
{
    if (find_obstacle(promise) != BIGHT_OK) {
        bight_failure_release(failure);
        return;
    }
    promise.slot->flags |= BI_DEFERRED_OWNER_ENDED;
    (void)fire(BIGHT_HERE, promise, &bight_type_failure, failure);
}

bool bight_promise_is_open(struct bight_promise promise)
{
    return find_obstacle(promise) == BIGHT_OK;
}
