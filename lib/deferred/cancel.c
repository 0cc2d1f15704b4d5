/* SPDX-License-Identifier: MIT */
/* cancel.c - cancelling: finding what the Deferred waits for in the end, and asking its canceller.
 *
 * A cancel holds what it works on, since a canceller may do anything. It allocates nothing. */
#include "deferred/deferred.h"

/* What a cancel of `deferred` reaches (D16): NULL when there is nothing left to cancel. */
static struct bight_deferred *find_target(struct bight_deferred *deferred)
{
    while ((deferred->flags & BIGHT_DEFERRED_WAITING) != 0) {
        deferred = deferred->waiting_on;
    }
    const uint32_t over = BIGHT_DEFERRED_FIRED | BIGHT_DEFERRED_CANCELLING;
    return (deferred->flags & over) != 0 ? NULL : deferred;
}

/* The context is the cancel's until the canceller has returned, even when that fires the promise (D14, D33). */
static void ask_canceller(struct bight_deferred *deferred)
{
    bight_release_function release = deferred->canceller_release;
    void *context = deferred->canceller_context;
    deferred->flags &= ~(uint32_t)BIGHT_DEFERRED_CANCELLABLE;
    deferred->canceller((struct bight_promise) { deferred, deferred->generation }, context);
    if (release != NULL) {
        release(context);
    }
}

static void cancel_target(struct bight_deferred *deferred)
{
    if ((deferred->flags & BIGHT_DEFERRED_COROUTINE) != 0) {
        deferred->flags |= BIGHT_DEFERRED_CANCEL_ASKED; /* its body runs: the next await will see to it */
        return;
    }
#if !BIGHT_PLANTED_MISSING_HOLD
    bight_deferred_hold(deferred);
#endif
    deferred->flags |= BIGHT_DEFERRED_CANCELLING;
    bool asks = (deferred->flags & BIGHT_DEFERRED_CANCELLABLE) != 0 && deferred->canceller != NULL;
    if (asks) {
        ask_canceller(deferred);
    }
    if ((deferred->flags & BIGHT_DEFERRED_FIRED) == 0) {
        deferred->flags |= asks ? 0 : BIGHT_DEFERRED_CANCELLED;
        bight_deferred_accept(deferred, BIGHT_HERE, &bight_type_failure, bight_failure_of(BIGHT_E_CANCELLED));
        bight_deferred_run(deferred);
    }
#if !BIGHT_PLANTED_MISSING_HOLD
    bight_deferred_release(deferred);
#endif
}

void bight_deferred_cancel(struct bight_deferred *deferred)
{
    struct bight_deferred *target = find_target(deferred);
    if (target != NULL) {
        cancel_target(target);
    }
}

void bight_deferred_cancel_for_owner(struct bight_deferred *deferred)
{
    struct bight_deferred *target = find_target(deferred);
    if (target != NULL) {
        deferred->flags |= BIGHT_DEFERRED_OWNER_ENDED;
        cancel_target(target);
    }
}
