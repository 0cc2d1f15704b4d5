/* SPDX-License-Identifier: MIT */
/* deferred_model_group.c - the model's combinators: what D21 to D27 say, with recursion and without freeing.
 *
 * A group is what its members' results go to. Containers of results are bight's own (they are not what is compared);
 * when results are taken, given back, discarded and reported, and whom a cancel reaches in which order, is said here
 * once more. */
#include "deferred_model_inside.h"

#include <stdlib.h>

#include "deferred/group.h"

enum { MAX_MEMBERS = 8 };

struct model_group {
    struct model_group *next_made;
    struct model *outer;
    bool ends_on_value, ends_on_failure, gives_failure, consumes, cancels_rest, is_detached, all_must_fail;
    bool passes; /* a shield */
    size_t count, pending;
    bool is_over, is_cancelling, has_cancelled, has_failures;
    struct model *members[MAX_MEMBERS]; /* NULL: released */
    bool heard[MAX_MEMBERS];
    struct bight_results *results;
};

static struct model_group *all_groups;

void model_end_groups(void)
{
    while (all_groups != NULL) {
        struct model_group *next = all_groups->next_made;
        bight_results_free(all_groups->results);
        free(all_groups);
        all_groups = next;
    }
}

static void let_go(struct model_group *group, size_t index)
{
    struct model *member = group->members[index];
    group->members[index] = NULL;
    model_release(member);
}

static void move(struct bight_result *to, struct bight_result *from)
{
    to->type = from->type;
    to->value = from->value;
    from->type = NULL;
    from->value = NULL;
}

static bool is_reported(const struct model_group *group, const struct bight_failure *failure)
{
    return !group->consumes && !(group->has_cancelled && bight_failure_code(failure) == BIGHT_E_CANCELLED);
}

/* ------------------------------------------------------------------------------------------- ending */

/* D23, D27: what cannot be delivered goes back where it can. */
static void give_back(struct model_group *group, struct model *member, struct bight_result *item)
{
    const struct bight_failure *failure = bight_result_failure(item);
    bool is_wanted = failure != NULL ? is_reported(group, failure) : member->holds > 1;
    if (is_wanted && model_is_at_rest(member) && member->result.type == NULL) {
        move(&member->result, item);
    }
}

static void drop_collected(struct model_group *group)
{
    struct bight_results *results = group->results;
    group->results = NULL;
    for (size_t i = 0; i < group->count; i++) {
        if (!group->heard[i] || group->members[i] == NULL) {
            continue;
        }
        if (results != NULL) {
            give_back(group, group->members[i], &results->items[i]);
        }
        let_go(group, i);
    }
    for (size_t i = 0; results != NULL && i < results->count; i++) {
        const struct bight_failure *failure = bight_result_failure(&results->items[i]);
        if (failure != NULL && is_reported(group, failure)) {
            model_report(failure);
        }
    }
    if (results != NULL) {
        bight_type_results.discard(results);
    }
}

/* D24, D26: all of them, also when one of them ends the group. */
static void cancel_members(struct model_group *group)
{
    group->has_cancelled = true;
    for (size_t i = 0; i < group->count; i++) {
        if (!group->heard[i] && group->members[i] != NULL) {
            model_cancel(group->members[i], false);
        }
    }
}

static struct model *fire(struct model_group *group, const struct bight_type *type, void *value)
{
    group->is_over = true;
    group->outer->is_kept = true;
    model_accept(group->outer, type, value);
    if (group->cancels_rest && !group->is_cancelling) {
        cancel_members(group);
    }
    drop_collected(group);
    return group->outer;
}

void model_cancel_group(struct model_group *group)
{
    group->is_cancelling = true;
    if (!group->is_detached) {
        cancel_members(group);
    }
    if (!group->is_over) {
        group->is_over = true;
        drop_collected(group);
    }
}

/* ------------------------------------------------------------------------------------------ hearing */

static struct model *end_with(struct model_group *group, size_t index, struct bight_result *result)
{
    struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL && !group->gives_failure) {
        failure = bight_result_take_failure(result);
        group->outer->owner_ended = group->outer->owner_ended || group->members[index]->owner_ended;
        let_go(group, index);
        return fire(group, &bight_type_failure, bight_failure_first_error(index, failure));
    }
    struct bight_indexed *indexed = bi_indexed_new();
    indexed->index = index;
    move(&indexed->result, result);
    let_go(group, index);
    return fire(group, &bight_type_indexed, indexed);
}

static struct model *fire_all(struct model_group *group)
{
    if (group->has_failures && group->is_cancelling && (group->ends_on_failure || group->all_must_fail)) {
        return NULL;
    }
    struct bight_results *results = group->results;
    if (!group->all_must_fail) {
        group->results = NULL;
        return fire(group, &bight_type_results, results);
    }
    struct bight_failure *causes[MAX_MEMBERS];
    bool all_by_owner = true;
    for (size_t i = 0; i < group->count; i++) {
        all_by_owner = all_by_owner && group->members[i]->owner_ended;
        causes[i] = bight_result_take_failure(&results->items[i]);
    }
    group->outer->owner_ended = group->outer->owner_ended || all_by_owner;
    return fire(group, &bight_type_failure,
        bight_failure_new_many(BIGHT_E_ALL_FAILED, causes, group->count, "all of them failed"));
}

static struct model *hear_wanted(struct model_group *group, size_t index, struct model *from)
{
    bool failed = bight_result_failure(&from->result) != NULL;
    if (group->passes) {
        struct bight_result moved = { NULL, NULL, NULL };
        group->outer->owner_ended = group->outer->owner_ended || from->owner_ended;
        move(&moved, &from->result);
        let_go(group, index);
        return fire(group, moved.type, moved.value);
    }
    if (failed ? group->ends_on_failure && !group->is_cancelling : group->ends_on_value) {
        return end_with(group, index, &from->result);
    }
    move(&group->results->items[index], &from->result);
    group->has_failures = group->has_failures || failed;
    if (!failed && !group->is_detached) {
        let_go(group, index);
    }
    return group->pending == 0 ? fire_all(group) : NULL;
}

static void hear_late(struct model_group *group, size_t index, struct model *from)
{
    const struct bight_failure *failure = bight_result_failure(&from->result);
    if (failure != NULL ? !is_reported(group, failure) : !group->is_detached || from->holds <= 1) {
        bight_result_discard(&from->result);
    }
    let_go(group, index);
}

struct model *model_hear(struct model *from, const struct model_level *level)
{
    struct model_group *group = level->group;
    struct model *other = NULL;
    group->heard[level->index] = true;
    group->pending--;
    if (group->is_over) {
        hear_late(group, level->index, from);
    } else {
        other = hear_wanted(group, level->index, from);
    }
    if (other != NULL) {
        other->is_kept = false;
    }
    return other;
}

/* ------------------------------------------------------------------------------------------- making */

static void set_traits(struct model_group *group, enum combination how)
{
    group->ends_on_value = how == COMBINE_ONE_CALLBACK || how == COMBINE_EITHER_CONSUMING || how == COMBINE_RACE ||
                           how == COMBINE_WHEN_FIRST;
    group->ends_on_failure = how == COMBINE_ONE_ERRBACK || how == COMBINE_EITHER_CONSUMING || how == COMBINE_GATHER ||
                             how == COMBINE_WHEN_FIRST;
    group->gives_failure = how == COMBINE_WHEN_FIRST;
    group->consumes = how == COMBINE_EITHER_CONSUMING || how == COMBINE_RACE;
    group->cancels_rest = group->all_must_fail = how == COMBINE_RACE;
    group->is_detached = how == COMBINE_WHEN_FIRST || how == COMBINE_WHEN_ALL || how == COMBINE_SHIELD;
    group->passes = how == COMBINE_SHIELD;
}

struct bight_deferred *model_combine(enum combination how, struct bight_deferred *const *members, size_t count)
{
    struct model_group *group = calloc(1, sizeof *group);
    if (group == NULL || count > MAX_MEMBERS) {
        abort();
    }
    group->next_made = all_groups;
    all_groups = group;
    set_traits(group, how);
    group->outer = model_new();
    group->outer->group = group;
    group->count = group->pending = count;
    group->results = bi_results_new(count);
    for (size_t i = 0; i < count; i++) {
        group->members[i] = (struct model *)members[i];
        model_add_level(group->members[i], (struct model_level) { .group = group, .index = i });
        if (group->is_over && group->has_cancelled && !group->heard[i]) {
            model_cancel(group->members[i], false);
        }
    }
    return (struct bight_deferred *)group->outer;
}
