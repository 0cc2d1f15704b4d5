/* SPDX-License-Identifier: MIT */
/* group.h - a group: several Deferreds, the members, whose results go to one, the outer, for the files of this room.
 *
 * A group listens at its members through levels (deferred.h), in slots of which each serves one member at a time. It
 * takes a member's result when that comes to the level, and holds the member until then; those whose result may have
 * to be given back it holds until it is over. It is over when the outer has fired, and its memory goes when it is over
 * and has heard all members. Everything that an outcome needs but failures is allocated with the group. What is
 * specific to a kind of group is in its ops and its traits. */
#ifndef BIGHT_DEFERRED_GROUP_H
#define BIGHT_DEFERRED_GROUP_H

#include <bight/combine.h>

#include "deferred/deferred.h"

struct bight_group;

struct bight_member {
    struct bight_group *group;
    struct bight_deferred *deferred; /* held; NULL: none, or let go of */
    size_t index;                    /* of its result */
    bool is_heard;
};

enum bight_group_trait {
    BIGHT_GROUP_ENDS_ON_VALUE = 1 << 0,
    BIGHT_GROUP_ENDS_ON_FAILURE = 1 << 1,
    BIGHT_GROUP_GIVES_FAILURE = 1 << 2, /* with its index; else ending on one is FIRST_ERROR */
    BIGHT_GROUP_CONSUMES = 1 << 3,      /* failures that are not delivered are not reported */
    BIGHT_GROUP_CANCELS_REST = 1 << 4,  /* when it ends by itself */
    BIGHT_GROUP_DETACHED = 1 << 5,      /* never cancels, and leaves results to others who hold a member */
    BIGHT_GROUP_ALL_FAILED = 1 << 6     /* nothing but failures in the end is a failure */
};

struct bight_group_ops {
    /* A result that is wanted: takes it, or leaves it to others. As bight_hear_function. */
    struct bight_deferred *(*hear)(struct bight_group *group, struct bight_member *member, struct bight_result *result);
    /* Lets go of what the kind has of its own; NULL: nothing. */
    void (*finish)(struct bight_group *group);
};

struct bight_group {
    const struct bight_group_ops *ops;
    const char *place;             /* where it was asked for */
    struct bight_promise promise;  /* of the outer; stale when there is none */
    struct bight_results *results; /* what has been collected; NULL when delivered or not needed */
    struct bight_indexed *indexed; /* for one outcome; NULL when delivered or not needed */
    struct bight_member *members;
    size_t slot_count;
    size_t pending;  /* members that were joined and have not been heard */
    size_t failures; /* among the results */
    size_t kept;     /* members that are held though they have been heard */
    unsigned traits;
    unsigned busy; /* our own functions on it, which keep its memory */
    bool is_over;
    bool is_cancelling;
    bool has_cancelled;        /* members: their CANCELLED is nobody's failure */
    size_t cancelled;          /* slots that the walk of a cancel has seen */
    struct bight_group *below; /* on the stack of a cancel */
};

/* A group of `slot_count` slots with `result_count` results (SIZE_MAX: none), in `size` bytes that begin with it; those
 * behind are zeroed. NULL without memory. */
struct bight_group *bight_group_new(
    const struct bight_group_ops *ops, size_t size, unsigned traits, size_t slot_count, size_t result_count);

/* Makes the outer. When there is no memory for it the group is freed, and the outer is D34's. */
struct bight_deferred *bight_group_make_outer(struct bight_group *group, const char *place);

/* Begins to listen in a free slot. `deferred` is taken; NULL is misuse and counts as a failure. */
void bight_group_join(
    struct bight_group *group, struct bight_member *member, size_t index, struct bight_deferred *deferred);

/* Joins `members`, one a slot. */
void bight_group_join_all(struct bight_group *group, struct bight_deferred *const *members);

/* What a group would have taken, when there is none. */
void bight_group_refuse(struct bight_deferred *const *members, size_t count, unsigned traits);

/* No results at all, without a group. */
struct bight_deferred *bight_group_give_none(const char *place);

/* Between these the group stays; the second may free it. */
static inline void bight_group_enter(struct bight_group *group)
{
    group->busy++;
}
void bight_group_leave(struct bight_group *group);

/* Moves a member's result to where it is collected. The member is held on when its result may have to go back. */
void bight_group_collect(struct bight_group *group, struct bight_member *member, struct bight_result *result);

/* Fires the outer, cancels the rest if that is a trait, and lets go of what had been collected. Gives the outer, which
 * stays until the group is left by bight_group_hear, for a kind's hear to give on. */
struct bight_deferred *bight_group_fire(struct bight_group *group, const struct bight_type *type, void *value);

/* The same with FIRST_ERROR, because of the failure that `result` is. */
struct bight_deferred *bight_group_fire_first_error(
    struct bight_group *group, struct bight_member *member, struct bight_result *result);

/* The same with what all members gave; NULL when that is to be CANCELLED by the cancel that is under way. */
struct bight_deferred *bight_group_fire_all(struct bight_group *group);

/* Lets go of a member that has been heard. */
static inline void bight_group_let_go(struct bight_member *member)
{
    struct bight_deferred *deferred = member->deferred;
    member->deferred = NULL;
    bight_deferred_release(deferred);
}

/* The same while it is being heard, when it is RUNNING and so not freed. */
static inline void bight_group_let_go_heard(struct bight_member *member)
{
    struct bight_deferred *deferred = member->deferred;
    if (BIGHT_UNLIKELY((deferred->flags & (BIGHT_DEFERRED_PAUSED | BIGHT_DEFERRED_OUT_OF_MEMORY)) != 0)) {
        bight_group_let_go(member);
        return;
    }
    member->deferred = NULL;
    deferred->holds--;
}

/* Fires `to`, without running it, and keeps it until a kind's hear has given it on. */
void bight_group_accept(struct bight_deferred *to, const struct bight_type *type, void *value);

/* The group wants nothing more: lets go of what has been collected, and of members that have been heard. */
void bight_group_drop_collected(struct bight_group *group);

/* For cancel.c. The group is kept between begin and end. */
void bight_group_begin_cancel(struct bight_group *group);
struct bight_deferred *bight_group_next_to_cancel(struct bight_group *group);
void bight_group_end_unfired(struct bight_group *group);
void bight_group_end_cancel(struct bight_group *group);

/* results.c: empty ones, NULL without memory. */
struct bight_results *bight_results_new(size_t count);
struct bight_indexed *bight_indexed_new(void);

#endif
