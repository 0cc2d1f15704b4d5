/* SPDX-License-Identifier: MIT */
/* group.h - a group: several Deferreds, the members, whose results go to one, the outer, for the files of this room.
 *
 * A group listens at its members through levels (deferred.h), in slots of which each serves one member at a time. It
 * takes a member's result when that comes to the level, and holds the member until then; those whose result may have to
 * be given back it holds until it is over. It is over when the outer has fired, and its memory goes when it is over and
 * has had all members' results. Everything that an outcome needs but failures is allocated with the group. What is
 * specific to a kind of group is in its ops and its traits. */
#ifndef BI_DEFERRED_GROUP_H
#define BI_DEFERRED_GROUP_H

#include <bight/combine.h>

#include "deferred/deferred.h"

struct bi_group;

struct bi_member {
    struct bi_group *group;
    struct bight_deferred *deferred; /* held; NULL: none, or released */
    size_t index;                    /* of its result */
    bool is_heard;
};

enum bi_group_trait {
    BI_GROUP_ENDS_ON_VALUE = 1 << 0,
    BI_GROUP_ENDS_ON_FAILURE = 1 << 1,
    BI_GROUP_GIVES_FAILURE = 1 << 2, /* with its index; else ending on one is FIRST_ERROR */
    BI_GROUP_CONSUMES = 1 << 3,      /* failures that are not delivered are not reported */
    BI_GROUP_CANCELS_REST = 1 << 4,  /* when it ends by itself */
    BI_GROUP_DETACHED = 1 << 5,      /* never cancels, and leaves results to a member's other holders */
    BI_GROUP_ALL_FAILED = 1 << 6     /* nothing but failures in the end is a failure */
};

struct bi_group_ops {
    /* A result that is wanted: takes it, or leaves it to others. As bi_on_result_function. */
    struct bight_deferred *(*on_result)(struct bi_group *group, struct bi_member *member, struct bight_result *result);
    /* Releases what the kind has of its own; NULL: nothing. */
    void (*finish)(struct bi_group *group);
};

struct bi_group {
    const struct bi_group_ops *ops;
    const char *place;             /* where it was asked for */
    struct bight_promise promise;  /* of the outer; stale when there is none */
    struct bight_results *results; /* what has been collected; NULL when delivered or not needed */
    struct bight_indexed *indexed; /* for one outcome; NULL when delivered or not needed */
    struct bi_member *members;
    size_t slot_count;
    size_t pending;  /* joined members whose result has not come */
    size_t failures; /* among the results */
    size_t kept;     /* members that are held though their result has come */
    unsigned traits;
    unsigned busy; /* our own functions on it, which keep its memory */
    bool is_over;
    bool is_cancelling;
    bool has_cancelled;     /* members: their CANCELLED is not reported */
    size_t cancelled;       /* slots that the walk of a cancel has seen */
    struct bi_group *below; /* on the stack of a cancel */
};

/* A group of `slot_count` slots with `result_count` results (SIZE_MAX: none), in `size` bytes that begin with it; those
 * behind are zeroed. NULL when out of memory. */
struct bi_group *bi_group_new(
    const struct bi_group_ops *ops, size_t size, unsigned traits, size_t slot_count, size_t result_count);

/* Makes the outer. When there is no memory for it the group is freed, and the outer is D34's. */
struct bight_deferred *bi_group_make_outer(struct bi_group *group, const char *place);

/* Begins to listen in a free slot. `deferred` is taken; NULL is misuse and counts as a failure. */
void bi_group_join(struct bi_group *group, struct bi_member *member, size_t index, struct bight_deferred *deferred);

/* Joins `members`, one a slot. */
void bi_group_join_all(struct bi_group *group, struct bight_deferred *const *members);

/* What a group would have taken, when there is none. */
void bi_group_refuse(struct bight_deferred *const *members, size_t count, unsigned traits);

/* No results at all, without a group. */
struct bight_deferred *bi_group_give_none(const char *place);

/* Between these the group stays; the second may free it. */
static inline void bi_group_enter(struct bi_group *group)
{
    group->busy++;
}
void bi_group_leave(struct bi_group *group);

/* Moves a member's result to where it is collected. The member is held on when its result may have to go back. */
void bi_group_collect(struct bi_group *group, struct bi_member *member, struct bight_result *result);

/* Fires the outer, cancels the rest if that is a trait, and releases what had been collected. Returns the outer, which
 * stays until the group is left (group.c), for a kind's on_result to return. */
struct bight_deferred *bi_group_fire(struct bi_group *group, const struct bight_type *type, void *value);

/* The same with FIRST_ERROR, because of the failure that `result` is. */
struct bight_deferred *bi_group_fire_first_error(
    struct bi_group *group, struct bi_member *member, struct bight_result *result);

/* The same with what all members gave; NULL when that is to be CANCELLED by the cancel that is under way. */
struct bight_deferred *bi_group_fire_all(struct bi_group *group);

/* Releases a member whose result has come. */
static inline void bi_group_let_go(struct bi_member *member)
{
    struct bight_deferred *deferred = member->deferred;
    member->deferred = NULL;
    bight_deferred_release(deferred);
}

/* The same inside its listener, when it is RUNNING and so not freed. */
static inline void bi_group_let_go_heard(struct bi_member *member)
{
    struct bight_deferred *deferred = member->deferred;
    if (BI_UNLIKELY((deferred->flags & (BI_DEFERRED_PAUSED | BI_DEFERRED_OUT_OF_MEMORY)) != 0)) {
        bi_group_let_go(member);
        return;
    }
    member->deferred = NULL;
    deferred->holds--;
}

/* Fires `to`, without running it, and keeps it until a kind's on_result has returned it. */
void bi_group_accept(struct bight_deferred *to, const struct bight_type *type, void *value);

/* The group wants nothing more: releases what has been collected, and members whose result has come. */
void bi_group_drop_collected(struct bi_group *group);

/* For cancel.c. The group is kept between begin and end. */
void bi_group_begin_cancel(struct bi_group *group);
struct bight_deferred *bi_group_next_to_cancel(struct bi_group *group);
void bi_group_end_unfired(struct bi_group *group);
void bi_group_end_cancel(struct bi_group *group);

/* results.c: empty ones, NULL when out of memory. */
struct bight_results *bi_results_new(size_t count);
struct bight_indexed *bi_indexed_new(void);

#endif
