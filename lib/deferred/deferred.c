/* SPDX-License-Identifier: MIT */
/* deferred.c - how a Deferred is made, held, released and freed.
 *
 * A Deferred is freed when no consumer holds it, it has fired, and its levels have run; bi_deferred_collect()
 * is the one place that decides so. When out of memory everybody is given the same constant Deferred (D34), which each
 * function of this room knows by its flag. Firing is in promise.c, running in run.c. */
#include "deferred/deferred.h"

#include <bight/log.h>

#include "base/places.h"
#include "base/slab.h"

static struct bi_slab_kind slab_kind = { .name = "deferred", .slot_size = sizeof(struct bight_deferred) };
static _Thread_local struct bi_slab slab __attribute__((tls_model("initial-exec"))) = { .kind = &slab_kind };

const struct bight_deferred bi_deferred_out_of_memory = {
    .generation = 1,
    .holds = 1,
    .flags = BI_DEFERRED_FIRED | BI_DEFERRED_OUT_OF_MEMORY,
};

static struct bight_deferred *give_out_of_memory(const char *place)
{
    bight_log_at(place, BIGHT_LOG_CRITICAL, "deferred", NULL, "no memory for a Deferred");
    return (struct bight_deferred *)(uintptr_t)&bi_deferred_out_of_memory;
}

/* What a new one needs to be valid. */
static inline void init(struct bight_deferred *deferred, uint32_t flags)
{
    deferred->result.type = NULL;
    deferred->result.value = NULL;
    deferred->result.deferred = deferred;
    deferred->levels = deferred->inline_levels;
    deferred->next = 0;
    deferred->count = 0;
    deferred->holds = 1;
    deferred->flags = flags;
    deferred->capacity = BI_DEFERRED_INLINE_LEVELS;
    deferred->pauses = 0;
}

static struct bight_deferred *make(const char *place, uint32_t flags)
{
    struct bight_deferred *deferred = bi_slab_take(&slab);
    if (deferred == NULL) {
        return NULL;
    }
    init(deferred, flags);
    if (bi_deferred_debug()) {
        deferred->flags |= BI_DEFERRED_HAS_PLACES;
        deferred->made_at = place;
        deferred->fired_at = (flags & BI_DEFERRED_FIRED) != 0 ? place : NULL;
        bi_places_note(&(struct bi_place) { .object = deferred,
            .generation = deferred->generation,
            .kind = "Deferred",
            .place = place,
            .is_slot = true });
    }
    return deferred;
}

static void set_canceller(
    struct bight_deferred *deferred, bight_canceller canceller, void *context, bight_release_function release)
{
    deferred->flags |= BI_DEFERRED_CANCELLABLE;
    deferred->canceller = canceller;
    deferred->canceller_context = context;
    deferred->canceller_release = release;
}

static struct bight_deferred *__attribute__((noinline)) new_with_care(const char *place, struct bight_promise *promise,
    bight_canceller canceller, void *context, bight_release_function release)
{
    struct bight_deferred *deferred = make(place, 0);
    if (deferred == NULL) {
        deferred = give_out_of_memory(place);
        *promise = (struct bight_promise) { deferred, deferred->generation };
        if (release != NULL) {
            release(context);
        }
        return deferred;
    }
    *promise = (struct bight_promise) { deferred, deferred->generation };
    if (canceller != NULL || release != NULL) {
        set_canceller(deferred, canceller, context, release);
    }
    return deferred;
}

/* The common case is kept free of calls, and with them of a frame. */
struct bight_deferred *bight_deferred_new_at(const char *place, struct bight_promise *promise,
    bight_canceller canceller, void *context, bight_release_function release)
{
    bool is_common = slab.free_list != NULL && !BI_MEMORY_CHECKED && !bi_memory_asks_permit && !bi_deferred_may_debug();
    if (BI_UNLIKELY(!is_common)) {
        return new_with_care(place, promise, canceller, context, release);
    }
    struct bight_deferred *deferred = bi_slab_take(&slab);
    init(deferred, 0);
    promise->slot = deferred;
    promise->generation = deferred->generation;
    if (canceller != NULL || release != NULL) {
        set_canceller(deferred, canceller, context, release);
    }
    return deferred;
}

/* A Deferred that has fired with what `result` holds, which is taken. */
static struct bight_deferred *make_fired(const char *place, struct bight_result *result)
{
    struct bight_deferred *deferred = make(place, BI_DEFERRED_FIRED);
    if (deferred == NULL) {
        bight_result_discard(result);
        return give_out_of_memory(place);
    }
    deferred->result.type = result->type;
    deferred->result.value = result->value;
    return deferred;
}

struct bight_deferred *bight_succeed_at(const char *place, const struct bight_type *type, void *value)
{
    struct bight_result result = { type, value, NULL };
    if (type == &bight_type_failure || type == &bight_type_deferred) {
        int code = bi_usage_error(BIGHT_E_WRONG_TYPE, place, "bight_succeed: " BI_BAD_TYPE);
        bight_result_discard(&result);
        bight_result_fail(&result, bight_failure_of(code));
    }
    return make_fired(place, &result);
}

struct bight_deferred *bight_fail_at(const char *place, struct bight_failure *failure)
{
    if (failure == NULL) {
        failure = bight_failure_of(bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_fail: there is no failure"));
    }
    struct bight_result result = { &bight_type_failure, failure, NULL };
    return make_fired(place, &result);
}

struct bight_deferred *bight_deferred_hold(struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) == 0) {
        deferred->holds++;
    }
    return deferred;
}

/* The observer of the log, the value's destroy and the owner's `finished` may do anything meanwhile: RUNNING keeps
 * them from this Deferred, whose promise is still good for an answer. */
static void __attribute__((noinline)) bury(struct bight_deferred *deferred)
{
    deferred->flags |= BI_DEFERRED_RUNNING;
    if (deferred->result.type == &bight_type_failure) {
        bi_deferred_report(deferred);
    }
    bight_result_clear(&deferred->result);
    if ((deferred->flags & BI_DEFERRED_TIED) != 0) {
        bi_deferred_untie(deferred);
    }
}

static inline void free_deferred(struct bight_deferred *deferred)
{
    const struct bight_type *type = deferred->result.type;
    if ((type != NULL && type->destroy != NULL) || (deferred->flags & BI_DEFERRED_TIED) != 0) {
        bury(deferred);
    }
    if (BI_UNLIKELY(deferred->levels != deferred->inline_levels)) {
        bight_free(deferred->levels);
    }
    bi_slab_give(&slab, deferred);
}

static inline void settle(struct bight_deferred *deferred)
{
    const uint32_t needed = BI_DEFERRED_STACKED | BI_DEFERRED_KEPT;
    if (!bi_deferred_is_at_rest(deferred) || (deferred->flags & needed) != 0) {
        return;
    }
    if (deferred->holds == 0) {
        free_deferred(deferred);
        return;
    }
    if (BI_UNLIKELY((deferred->flags & BI_DEFERRED_TIED) != 0) && deferred->owner->ended) {
        bi_deferred_untie(deferred);
    }
}

void bi_deferred_collect(struct bight_deferred *deferred)
{
    settle(deferred);
}

static void undo_pauses(struct bight_deferred *deferred)
{
    deferred->pauses = 0;
    deferred->flags &= ~(uint32_t)BI_DEFERRED_PAUSED;
    if ((deferred->flags & BI_DEFERRED_FIRED) != 0) {
        bi_deferred_run(deferred);
    }
}

void bight_deferred_release(struct bight_deferred *deferred)
{
    if (deferred == NULL || (deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        return;
    }
    if (BI_UNLIKELY(deferred->holds == 0)) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_deferred_release: nobody holds the Deferred");
        return;
    }
    if (--deferred->holds > 0) {
        return;
    }
    if (BI_UNLIKELY((deferred->flags & BI_DEFERRED_PAUSED) != 0)) {
        undo_pauses(deferred);
        return;
    }
    settle(deferred);
}

void bi_deferred_drop(struct bight_deferred *deferred)
{
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
}

size_t bi_deferred_count(void)
{
    return bi_slab_count_taken(&slab_kind);
}

bool bight_deferred_has_fired(const struct bight_deferred *deferred)
{
    return (deferred->flags & BI_DEFERRED_FIRED) != 0;
}

/* What D34's Deferred shows: put right at each look, since the looker may edit it. */
static struct bight_result *out_of_memory_result(void)
{
    static _Thread_local struct bight_result shown;
    bight_result_discard(&shown);
    shown.type = &bight_type_failure;
    shown.value = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    return &shown;
}

struct bight_result *bight_deferred_result(struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        return out_of_memory_result();
    }
    return bi_deferred_is_at_rest(deferred) ? &deferred->result : NULL;
}

/* A Deferred is never a result (D4): the type is there to be refused, and to release what came with it. */
static void destroy_deferred(void *value)
{
    bight_deferred_release((struct bight_deferred *)value);
}

static void discard_deferred(void *value)
{
    bi_deferred_drop((struct bight_deferred *)value);
}

const struct bight_type bight_type_deferred = {
    .name = "deferred",
    .destroy = destroy_deferred,
    .discard = discard_deferred,
};
