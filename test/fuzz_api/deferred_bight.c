/* SPDX-License-Identifier: MIT */
/* deferred_bight.c - bight's own Deferreds behind the table of deferred_model.h. */
#include "deferred_model.h"

#include <stdlib.h>

#include "deferred/owner.h"

static struct bight_deferred *make(
    struct bight_promise *promise, bight_canceller canceller, void *context, bight_release_function release)
{
    return bight_deferred_new_full(promise, canceller, context, release);
}

static struct bight_deferred *succeed(const struct bight_type *type, void *value)
{
    return bight_succeed(type, value);
}

static struct bight_deferred *fail(struct bight_failure *failure)
{
    return bight_fail(failure);
}

static int callback(struct bight_promise promise, const struct bight_type *type, void *value)
{
    return bight_callback(promise, type, value);
}

static int errback(struct bight_promise promise, struct bight_failure *failure)
{
    return bight_errback(promise, failure);
}

static int abandon(struct bight_promise promise)
{
    return bight_abandon(promise);
}

static struct bight_deferred *combine(enum combination how, struct bight_deferred *const *members, size_t count)
{
    const unsigned all = BIGHT_FIRE_ON_ONE_CALLBACK | BIGHT_FIRE_ON_ONE_ERRBACK | BIGHT_CONSUME_ERRORS;
    switch (how) {
    case COMBINE_LIST:
        return bight_deferred_list(members, count, 0);
    case COMBINE_ONE_CALLBACK:
        return bight_deferred_list(members, count, BIGHT_FIRE_ON_ONE_CALLBACK);
    case COMBINE_ONE_ERRBACK:
        return bight_deferred_list(members, count, BIGHT_FIRE_ON_ONE_ERRBACK);
    case COMBINE_EITHER_CONSUMING:
        return bight_deferred_list(members, count, all);
    case COMBINE_GATHER:
        return bight_gather_results(members, count);
    case COMBINE_RACE:
        return bight_race(members, count);
    case COMBINE_WHEN_FIRST:
        return bight_when_first(members, count);
    case COMBINE_WHEN_ALL:
        return bight_when_all(members, count);
    default:
        return bight_shield(members[0]);
    }
}

static struct bight_owner *owner_new(void (*finished)(struct bight_owner *owner))
{
    struct bight_owner *owner = malloc(sizeof *owner);
    if (owner == NULL) {
        abort();
    }
    bi_owner_init(owner, finished);
    return owner;
}

static void owner_free(struct bight_owner *owner)
{
    free(owner);
}

const struct deferred_api deferred_of_bight = {
    .make = make,
    .succeed = succeed,
    .fail = fail,
    .callback = callback,
    .errback = errback,
    .abandon = abandon,
    .is_open = bight_promise_is_open,
    .add = bight_deferred_add_callbacks_full,
    .chain = bight_deferred_chain,
    .cancel = bight_deferred_cancel,
    .add_timeout = bight_deferred_add_timeout_full,
    .pause = bight_deferred_pause,
    .unpause = bight_deferred_unpause,
    .hold = bight_deferred_hold,
    .release = bight_deferred_release,
    .tie = bight_deferred_tie,
    .has_fired = bight_deferred_has_fired,
    .result = bight_deferred_result,
    .result_chain = bight_result_chain,
    .combine = combine,
    .owner_new = owner_new,
    .owner_end = bi_owner_end,
    .owner_sweep = bi_owner_sweep,
    .owner_free = owner_free,
};
