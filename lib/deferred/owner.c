/* SPDX-License-Identifier: MIT */
/* owner.c - ties between Deferreds and what they were started for (D32).
 *
 * An owner keeps an intrusive list of what is tied to it. A sweep cancels each of them once: it takes the first, marks
 * it and moves it to the end, and is over when the first is marked, whatever has come and gone meanwhile. `finished` is
 * called when the last tie to an ended owner has gone. Whose ties they are (a protocol's, a scope's) is not known
 * here. */
#include "base/slab.h"
#include "deferred/deferred.h"

void bi_owner_init(struct bight_owner *owner, void (*finished)(struct bight_owner *owner))
{
    *owner = (struct bight_owner) { .finished = finished };
}

static void append(struct bight_owner *owner, struct bight_deferred *deferred)
{
    deferred->next_tied = NULL;
    deferred->previous_tied = owner->last_tied;
    if (owner->last_tied != NULL) {
        owner->last_tied->next_tied = deferred;
    } else {
        owner->first_tied = deferred;
    }
    owner->last_tied = deferred;
}

static void unlink_tied(struct bight_owner *owner, struct bight_deferred *deferred)
{
    struct bight_deferred *previous = deferred->previous_tied;
    struct bight_deferred *next = deferred->next_tied;
    if (previous != NULL) {
        previous->next_tied = next;
    } else {
        owner->first_tied = next;
    }
    if (next != NULL) {
        next->previous_tied = previous;
    } else {
        owner->last_tied = previous;
    }
}

/* `finished` may free the owner. */
static void finish_when_over(struct bight_owner *owner)
{
    if (owner->ended && !owner->ending && owner->tied == 0 && owner->finished != NULL) {
        owner->finished(owner);
    }
}

/* The owner is to be looked at by finish_when_over then. */
static struct bight_owner *take_out(struct bight_deferred *deferred)
{
    struct bight_owner *owner = deferred->owner;
    deferred->flags &= ~(uint32_t)(BI_DEFERRED_TIED | BI_DEFERRED_OWNER_ASKED);
    unlink_tied(owner, deferred);
    owner->tied--;
    return owner;
}

void bi_deferred_untie(struct bight_deferred *deferred)
{
    finish_when_over(take_out(deferred));
}

static void link_tied(struct bight_deferred *deferred, struct bight_owner *owner)
{
    deferred->flags |= BI_DEFERRED_TIED;
    deferred->owner = owner;
    append(owner, deferred);
    owner->tied++;
}

/* An owner that has ended still counts what does not end at once, unless it has been told that all have gone. */
static bool counts(const struct bight_owner *owner)
{
    return !owner->ended || owner->ending || owner->tied > 0;
}

/* The former owner's `finished` may free the new one, or tie the Deferred again: the tie comes first. */
static void move_tie(struct bight_deferred *deferred, struct bight_owner *owner)
{
    struct bight_owner *former = (deferred->flags & BI_DEFERRED_TIED) != 0 ? take_out(deferred) : NULL;
    link_tied(deferred, owner);
    deferred->flags |= owner->ended ? BI_DEFERRED_OWNER_ASKED : 0;
    if (former != NULL) {
        finish_when_over(former);
    }
}

/* `finished` may release the Deferred, or tie it again: hence the loop. */
static void untie_all(struct bight_deferred *deferred)
{
    while ((deferred->flags & BI_DEFERRED_TIED) != 0) {
        bi_deferred_untie(deferred);
    }
}

/* The owner may have been freed when move_tie and untie_all return, so it is asked before. */
static void tie_to_ended(struct bight_deferred *deferred, struct bight_owner *owner)
{
    if (owner->refused != NULL && bi_deferred_debug()) {
        owner->refused(owner, deferred);
    }
    if (counts(owner) && !bi_deferred_is_at_rest(deferred)) {
        move_tie(deferred, owner);
    } else {
        untie_all(deferred);
    }
    bi_deferred_cancel_for_owner(deferred);
}

/* A canceller, too, may release the Deferred. */
static void tie_with_care(struct bight_deferred *deferred, struct bight_owner *owner)
{
    bight_deferred_hold(deferred);
    if (owner == NULL) {
        untie_all(deferred);
    } else if (owner->ended) {
        tie_to_ended(deferred, owner);
    } else {
        move_tie(deferred, owner);
    }
    bight_deferred_release(deferred);
}

struct bight_deferred *bight_deferred_tie(struct bight_deferred *deferred, struct bight_owner *owner)
{
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        return deferred;
    }
    struct bight_owner *present = (deferred->flags & BI_DEFERRED_TIED) != 0 ? deferred->owner : NULL;
    if (present != owner) {
        tie_with_care(deferred, owner);
    }
    return deferred;
}

static void cancel_tied(struct bight_owner *owner, struct bight_deferred *deferred)
{
    unlink_tied(owner, deferred);
    append(owner, deferred);
    deferred->flags |= BI_DEFERRED_OWNER_ASKED;
    bight_deferred_hold(deferred);
    bi_deferred_cancel_for_owner(deferred);
    bi_deferred_collect(deferred);
    bight_deferred_release(deferred);
}

void bi_owner_sweep(struct bight_owner *owner)
{
    if (owner->ending) {
        return;
    }
    owner->ending = true;
    for (struct bight_deferred *each = owner->first_tied; each != NULL; each = each->next_tied) {
        each->flags &= ~(uint32_t)BI_DEFERRED_OWNER_ASKED;
    }
    while (owner->first_tied != NULL && (owner->first_tied->flags & BI_DEFERRED_OWNER_ASKED) == 0) {
        cancel_tied(owner, owner->first_tied);
    }
    owner->ending = false;
    finish_when_over(owner);
}

void bi_owner_end(struct bight_owner *owner)
{
    if (owner->ended) {
        return;
    }
    owner->ended = true;
    bi_owner_sweep(owner);
}

/* ----------------------------------------------------------------------------------- owners by themselves */

struct own_owner {
    uint64_t generation; /* the slab's */
    struct bight_owner owner;
    bool is_freed;
};

static struct bi_slab_kind slab_kind = { .name = "owner", .slot_size = sizeof(struct own_owner) };
static _Thread_local struct bi_slab slab = { .kind = &slab_kind };

static struct own_owner *own_of(struct bight_owner *owner)
{
    return (struct own_owner *)(void *)((char *)owner - offsetof(struct own_owner, owner));
}

static void give_when_freed(struct bight_owner *owner)
{
    if (own_of(owner)->is_freed) {
        bi_slab_give(&slab, own_of(owner));
    }
}

struct bight_owner *bight_owner_new(void)
{
    struct own_owner *own = bi_slab_take(&slab);
    if (own == NULL) {
        return NULL;
    }
    own->is_freed = false;
    bi_owner_init(&own->owner, give_when_freed);
    return &own->owner;
}

void bight_owner_end(struct bight_owner *owner)
{
    bi_owner_end(owner);
}

/* One that has not ended, or has ties, is given back when it ends. */
void bight_owner_free(struct bight_owner *owner)
{
    if (owner == NULL) {
        return;
    }
    own_of(owner)->is_freed = true;
    if (!owner->ended) {
        bi_owner_end(owner);
    } else if (!owner->ending && owner->tied == 0) {
        give_when_freed(owner);
    }
}
