/* SPDX-License-Identifier: MIT */
/* combine.c - what is about just one: shield and maybe_deferred.
 *
 * A shield is a group (group.c) of one that is detached: a cancel of the outer ends the group and not the member. */
#include "deferred/group.h"

static struct bight_deferred *hear(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    group->promise.slot->flags |= member->deferred->flags & BI_DEFERRED_OWNER_ENDED;
    struct bight_result moved = { NULL, NULL, NULL };
    bight_result_move(&moved, result);
    bi_group_let_go_heard(member);
    return bi_group_fire(group, moved.type, moved.value);
}

static const struct bi_group_ops shield_ops = { .hear = hear };

struct bight_deferred *bight_shield_at(const char *place, struct bight_deferred *inner)
{
    struct bi_group *group = bi_group_new(&shield_ops, sizeof(*group), BI_GROUP_DETACHED, 1, SIZE_MAX);
    if (group == NULL) {
        bi_group_refuse(&inner, 1, BI_GROUP_DETACHED);
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *outer = bi_group_make_outer(group, place);
    if (bight_deferred_has_fired(outer)) {
        bi_group_refuse(&inner, 1, BI_GROUP_DETACHED);
        return outer;
    }
    bi_group_join_all(group, &inner);
    return outer;
}

struct bight_deferred *bight_maybe_deferred_at(const char *place, bight_handler function, void *context)
{
    if (function == NULL) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_maybe_deferred: there is no function");
        return bight_fail_at(place, bight_failure_of(code));
    }
    struct bight_deferred *deferred = bight_succeed_at(place, NULL, NULL);
    bight_deferred_add_callback(deferred, function, context); /* the first level needs no memory */
    return deferred;
}
