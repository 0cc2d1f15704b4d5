/* SPDX-License-Identifier: MIT */
/* list.c - lists of Deferreds: deferred_list, gather_results, race, when_first, when_all; and what is about just one:
 * shield and maybe_deferred.
 *
 * Lists are one thing with different traits: results are collected in order until all are there, unless a value or a
 * failure ends it before. A shield is a group of one that is detached: a cancel of the outer ends the group and not the
 * member. The group (group.c) does the rest. */
#include "deferred/group.h"

/* A result that ends the group before all are there. */
static struct bight_deferred *end_with(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    bool failed = result->type == &bight_type_failure;
    if (failed && (group->traits & BI_GROUP_GIVES_FAILURE) == 0) {
        return bi_group_fire_first_error(group, member, result);
    }
    struct bight_indexed *indexed = group->indexed;
    group->indexed = NULL;
    indexed->index = member->index;
    bight_result_move(&indexed->result, result);
    bi_group_let_go_heard(member);
    return bi_group_fire(group, &bight_type_indexed, indexed);
}

static struct bight_deferred *on_result(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    bool failed = result->type == &bight_type_failure;
    unsigned ends = failed ? BI_GROUP_ENDS_ON_FAILURE : BI_GROUP_ENDS_ON_VALUE;
    if ((group->traits & ends) != 0 && !(failed && group->is_cancelling)) {
        return end_with(group, member, result);
    }
    bi_group_collect(group, member, result);
    return group->pending == 0 ? bi_group_fire_all(group) : NULL;
}

static const struct bi_group_ops list_ops = { .on_result = on_result };

static struct bight_deferred *refuse(
    const char *place, struct bight_deferred *const *members, size_t count, unsigned traits, int code)
{
    bi_group_refuse(members, count, traits);
    return bight_fail_at(place, bight_failure_of(code));
}

/* Where both a value and a failure end it nothing is ever collected. */
static size_t results_needed(size_t count, unsigned traits)
{
    const unsigned ends = BI_GROUP_ENDS_ON_VALUE | BI_GROUP_GIVES_FAILURE;
    return (traits & ends) == ends ? SIZE_MAX : count;
}

/* Of at least one, with room for `results`; SIZE_MAX: none. */
static struct bight_deferred *form(const char *place, const struct bi_group_ops *ops,
    struct bight_deferred *const *members, size_t count, size_t results, unsigned traits)
{
    struct bi_group *group = bi_group_new(ops, sizeof(*group), traits, count, results);
    if (group == NULL) {
        return refuse(place, members, count, traits, BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_deferred *outer = bi_group_make_outer(group, place);
    if (bight_deferred_has_fired(outer)) {
        bi_group_refuse(members, count, traits);
        return outer;
    }
    bi_group_join_all(group, members);
    return outer;
}

static struct bight_deferred *combine(
    const char *place, const char *function, struct bight_deferred *const *members, size_t count, unsigned traits)
{
    bool needs_one = (traits & BI_GROUP_ENDS_ON_VALUE) != 0;
    if ((count > 0 && members == NULL) || (count == 0 && needs_one)) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place,
            count > 0 ? "%s: there are no members, only their number" : "%s: of no members none can be the first",
            function);
        return refuse(place, NULL, 0, traits, code);
    }
    if (count == 0) {
        return bi_group_give_none(place);
    }
    return form(place, &list_ops, members, count, results_needed(count, traits), traits);
}

struct bight_deferred *bight_deferred_list_at(
    const char *place, struct bight_deferred *const *members, size_t count, unsigned flags)
{
    const unsigned known =
        BIGHT_FIRE_ON_ONE_CALLBACK | BIGHT_FIRE_ON_ONE_ERRBACK | BIGHT_CONSUME_ERRORS | BIGHT_CANCEL_REST;
    if ((flags & ~known) != 0) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_deferred_list: there are no such flags");
        return refuse(place, members, count, 0, code);
    }
    unsigned traits = 0;
    traits |= (flags & BIGHT_FIRE_ON_ONE_CALLBACK) != 0 ? BI_GROUP_ENDS_ON_VALUE : 0;
    traits |= (flags & BIGHT_FIRE_ON_ONE_ERRBACK) != 0 ? BI_GROUP_ENDS_ON_FAILURE : 0;
    traits |= (flags & BIGHT_CONSUME_ERRORS) != 0 ? BI_GROUP_CONSUMES : 0;
    traits |= (flags & BIGHT_CANCEL_REST) != 0 ? BI_GROUP_CANCELS_REST : 0;
    return combine(place, "bight_deferred_list", members, count, traits);
}

struct bight_deferred *bight_gather_results_at(const char *place, struct bight_deferred *const *members, size_t count)
{
    return combine(place, "bight_gather_results", members, count, BI_GROUP_ENDS_ON_FAILURE);
}

struct bight_deferred *bight_race_at(const char *place, struct bight_deferred *const *members, size_t count)
{
    const unsigned traits = BI_GROUP_ENDS_ON_VALUE | BI_GROUP_CANCELS_REST | BI_GROUP_CONSUMES | BI_GROUP_ALL_FAILED;
    return combine(place, "bight_race", members, count, traits);
}

struct bight_deferred *bight_when_first_at(const char *place, struct bight_deferred *const *members, size_t count)
{
    const unsigned traits =
        BI_GROUP_ENDS_ON_VALUE | BI_GROUP_ENDS_ON_FAILURE | BI_GROUP_GIVES_FAILURE | BI_GROUP_DETACHED;
    return combine(place, "bight_when_first", members, count, traits);
}

struct bight_deferred *bight_when_all_at(const char *place, struct bight_deferred *const *members, size_t count)
{
    return combine(place, "bight_when_all", members, count, BI_GROUP_DETACHED);
}

/* -------------------------------------------------------------------------------------- about just one */

static struct bight_deferred *on_result_of_one(
    struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    group->promise.slot->flags |= member->deferred->flags & BI_DEFERRED_OWNER_ENDED;
    struct bight_result moved = { NULL, NULL, NULL };
    bight_result_move(&moved, result);
    bi_group_let_go_heard(member);
    return bi_group_fire(group, moved.type, moved.value);
}

static const struct bi_group_ops shield_ops = { .on_result = on_result_of_one };

struct bight_deferred *bight_shield_at(const char *place, struct bight_deferred *inner)
{
    return form(place, &shield_ops, &inner, 1, SIZE_MAX, BI_GROUP_DETACHED);
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
