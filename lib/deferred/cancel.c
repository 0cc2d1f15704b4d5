/* SPDX-License-Identifier: MIT */
/* cancel.c - cancelling: finding what the Deferred waits for in the end, and asking its canceller.
 *
 * A cancel holds what it works on, since a canceller may do anything. It allocates nothing. A Deferred that a group
 * fires (group.h) has the group's members cancelled first; groups within groups are walked with a stack that runs
 * through them, so their depth costs no C stack (D12). */
#include "deferred/group.h"

/* What a cancel goes on to instead; NULL: nothing. */
static struct bight_deferred *step_down(const struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_WAITING) != 0) {
        return deferred->waiting_on;
    }
    if ((deferred->flags & (BI_DEFERRED_PATIENT | BI_DEFERRED_FIRED)) == BI_DEFERRED_PATIENT) {
        return ((struct bi_patience *)deferred->canceller_context)->awaited;
    }
    return NULL;
}

/* What a cancel of `deferred` reaches (D16): NULL when there is nothing left to cancel. */
static struct bight_deferred *find_target(struct bight_deferred *deferred)
{
    for (struct bight_deferred *next = step_down(deferred); next != NULL; next = step_down(next)) {
        deferred = next;
    }
    const uint32_t over = BI_DEFERRED_FIRED | BI_DEFERRED_CANCELLING;
    return (deferred->flags & over) != 0 ? NULL : deferred;
}

/* The context is the cancel's until the canceller has returned, even when that fires the promise (D14, D33): firing
 * releases the context of a CANCELLABLE Deferred, which the canceller still uses, so the flag goes first. */
static void ask_canceller(struct bight_deferred *deferred)
{
    bight_release_function release = deferred->canceller_release;
    void *context = deferred->canceller_context;
    deferred->flags &= ~(uint32_t)BI_DEFERRED_CANCELLABLE;
    deferred->canceller((struct bight_promise) { deferred, deferred->generation }, context);
    if (release != NULL) {
        release(context);
    }
}

static inline void hold_for_cancel(struct bight_deferred *deferred)
{
    bight_deferred_hold(deferred);
    deferred->flags |= BI_DEFERRED_CANCELLING;
}

static inline void release_from_cancel(struct bight_deferred *deferred)
{
    bight_deferred_release(deferred);
}

static void fail_as_cancelled(struct bight_deferred *deferred)
{
    bi_deferred_accept(deferred, BIGHT_HERE, &bight_type_failure, bight_failure_of(BIGHT_E_CANCELLED));
    bi_deferred_run(deferred);
}

/* Its producer ends in its own time, and then releases the context: so CANCELLABLE stays, and each cancel asks
 * again. */
static void ask_patiently(struct bight_deferred *deferred)
{
    bight_deferred_hold(deferred);
    deferred->canceller((struct bight_promise) { deferred, deferred->generation }, deferred->canceller_context);
    bight_deferred_release(deferred);
}

static void cancel_one(struct bight_deferred *deferred)
{
    if ((deferred->flags & BI_DEFERRED_PATIENT) != 0) {
        ask_patiently(deferred);
        return;
    }
    if ((deferred->flags & BI_DEFERRED_COROUTINE) != 0) {
        deferred->flags |= BI_DEFERRED_CANCEL_ASKED; /* its body runs: the next await will see to it */
        return;
    }
    hold_for_cancel(deferred);
    bool asks = (deferred->flags & BI_DEFERRED_CANCELLABLE) != 0 && deferred->canceller != NULL;
    if (asks) {
        ask_canceller(deferred);
    }
    if ((deferred->flags & BI_DEFERRED_FIRED) == 0) {
        /* Nothing has stopped the producer: when it fires later, that is no usage error (D13). */
        deferred->flags |= asks ? 0 : BI_DEFERRED_CANCELLED;
        fail_as_cancelled(deferred);
    }
    release_from_cancel(deferred);
}

/* Puts the group of `deferred` on the stack; returns the new top. */
static struct bi_group *begin_group(struct bight_deferred *deferred, struct bi_group *stack)
{
    struct bi_group *group = deferred->canceller_context;
    hold_for_cancel(deferred);
    bi_group_begin_cancel(group);
    group->below = stack;
    return group;
}

/* All members have been cancelled: if that fired nothing, the group's Deferred has been cancelled (D14). Returns what
 * was below. */
static struct bi_group *end_group(struct bi_group *group)
{
    struct bi_group *below = group->below;
    struct bight_deferred *deferred = group->promise.slot;
    if (!group->is_over) {
        bi_group_end_unfired(group);
        fail_as_cancelled(deferred);
    }
    bi_group_end_cancel(group);
    release_from_cancel(deferred);
    return below;
}

/* The next that the groups on the stack have left to cancel; NULL when the stack is empty. A loop, since members that
 * are over have no target, and a group that ends uncovers the one below. */
static struct bight_deferred *next_of_groups(struct bi_group **stack)
{
    while (*stack != NULL) {
        struct bight_deferred *member = bi_group_next_to_cancel(*stack);
        struct bight_deferred *target = member != NULL ? find_target(member) : NULL;
        if (target != NULL) {
            return target;
        }
        if (member == NULL) {
            *stack = end_group(*stack);
        }
    }
    return NULL;
}

static void cancel_target(struct bight_deferred *target)
{
    struct bi_group *stack = NULL;
    do {
        if ((target->flags & BI_DEFERRED_GROUP) != 0) {
            stack = begin_group(target, stack);
        } else {
            cancel_one(target);
        }
        target = next_of_groups(&stack);
    } while (target != NULL);
}

void bight_deferred_cancel(struct bight_deferred *deferred)
{
    struct bight_deferred *target = find_target(deferred);
    if (target != NULL) {
        cancel_target(target);
    }
}

void bi_deferred_cancel_for_owner(struct bight_deferred *deferred)
{
    struct bight_deferred *target = find_target(deferred);
    if (target != NULL) {
        deferred->flags |= BI_DEFERRED_OWNER_ENDED;
        cancel_target(target);
    }
}
