/* SPDX-License-Identifier: MIT */
/* group.c - what all combinators share: listening at members, collecting, firing the outer, ending.
 *
 * What the user may do from inside (destroy functions, cancellers, the log's observer) is anything at all, so `busy`
 * keeps the group and KEPT keeps the outer that has fired until it is given to the run loop. Nothing here nests by
 * depth: a group that fires hands its outer to the loop that the member ran in (run.c), and a cancel walks groups with
 * a stack of its own (cancel.c). */
#include "deferred/group.h"

#include <bight/memory.h>

/* ------------------------------------------------------------------------------------------- making */

static size_t round_up(size_t size)
{
    const size_t unit = _Alignof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

static bool allocate_outcomes(struct bi_group *group, size_t result_count)
{
    if (result_count != SIZE_MAX && (group->results = bi_results_new(result_count)) == NULL) {
        return false;
    }
    if ((group->traits & BI_GROUP_ENDS_ON_VALUE) != 0 && (group->indexed = bi_indexed_new()) == NULL) {
        return false;
    }
    return true;
}

static void free_group(struct bi_group *group)
{
    bight_free(group->results); /* empty, if any */
    bight_free(group->indexed);
    bight_free(group);
}

struct bi_group *bi_group_new(
    const struct bi_group_ops *ops, size_t size, unsigned traits, size_t slot_count, size_t result_count)
{
    size = round_up(size);
    if (slot_count > (SIZE_MAX - size) / sizeof(struct bi_member)) {
        return NULL;
    }
    struct bi_group *group = bight_calloc(1, size + slot_count * sizeof(struct bi_member));
    if (group == NULL) {
        return NULL;
    }
    group->ops = ops;
    group->traits = traits;
    group->members = (struct bi_member *)(void *)((char *)group + size);
    group->slot_count = slot_count;
    if (!allocate_outcomes(group, result_count)) {
        free_group(group);
        return NULL;
    }
    return group;
}

struct bight_deferred *bi_group_make_outer(struct bi_group *group, const char *place)
{
    struct bight_deferred *outer = bight_deferred_new_at(place, &group->promise, NULL, NULL, NULL);
    if ((outer->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        free_group(group);
        return outer;
    }
    group->place = place;
    outer->flags |= BI_DEFERRED_GROUP | BI_DEFERRED_CANCELLABLE;
    outer->canceller = NULL;
    outer->canceller_context = group;
    outer->canceller_release = NULL;
    return outer;
}

/* A member that will have no listener. */
static void turn_away(struct bight_deferred *deferred, unsigned traits)
{
    if (deferred == NULL) {
        return;
    }
    if ((traits & BI_GROUP_DETACHED) != 0 && deferred->holds > 1) {
        bight_deferred_release(deferred);
    } else {
        bi_deferred_drop(deferred);
    }
}

void bi_group_refuse(struct bight_deferred *const *members, size_t count, unsigned traits)
{
    for (size_t i = 0; members != NULL && i < count; i++) {
        turn_away(members[i], traits);
    }
}

struct bight_deferred *bi_group_give_none(const char *place)
{
    struct bight_results *results = bi_results_new(0);
    if (results == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return bight_succeed_at(place, &bight_type_results, results);
}

/* ------------------------------------------------------------------------------------------- ending */

void bi_group_leave(struct bi_group *group)
{
    if (--group->busy > 0 || !group->is_over || group->pending > 0) {
        return;
    }
    if (group->ops->finish != NULL) {
        group->ops->finish(group);
    }
    free_group(group);
}

/* Is a failure that was not delivered to be reported? */
static bool is_reported(const struct bi_group *group, const struct bight_failure *failure)
{
    if ((group->traits & BI_GROUP_CONSUMES) != 0) {
        return false;
    }
    return !group->has_cancelled || bight_failure_code(failure) != BIGHT_E_CANCELLED;
}

/* A result that cannot be delivered goes back to its member where it can: a failure, so that it is reported when the
 * last holder releases it (D23), and what a member's other holders were to keep. */
static void give_back(struct bi_group *group, struct bight_deferred *deferred, struct bight_result *item)
{
    const struct bight_failure *failure = bight_result_failure(item);
    if ((deferred->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        bight_result_discard(item); /* it was logged where it was given (D34) */
        return;
    }
    bool is_wanted = failure != NULL ? is_reported(group, failure) : deferred->holds > 1;
    if (is_wanted && bi_deferred_is_at_rest(deferred) && deferred->result.type == NULL) {
        deferred->result.type = item->type;
        deferred->result.value = item->value;
        item->type = NULL;
        item->value = NULL;
    }
}

/* Whose member has gone, or is not at rest. */
static void report_failures(const struct bi_group *group, const struct bight_results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        const struct bight_failure *failure = bight_result_failure(&results->items[i]);
        if (failure != NULL && is_reported(group, failure)) {
            bi_deferred_report(&(struct bight_deferred) { .result = results->items[i] });
        }
    }
}

static void let_go_of_kept(struct bi_group *group, struct bight_results *results)
{
    for (size_t i = 0; group->kept > 0 && i < group->slot_count; i++) {
        struct bi_member *member = &group->members[i];
        if (!member->is_heard || member->deferred == NULL) {
            continue;
        }
        if (results != NULL) {
            give_back(group, member->deferred, &results->items[member->index]);
        }
        group->kept--;
        bi_group_let_go(member);
    }
}

void bi_group_drop_collected(struct bi_group *group)
{
    struct bight_results *results = group->results;
    group->results = NULL;
    let_go_of_kept(group, results);
    if (results != NULL) {
        report_failures(group, results);
        bight_type_results.discard(results);
    }
}

/* ------------------------------------------------------------------------------------------- firing */

void bi_group_accept(struct bight_deferred *to, const struct bight_type *type, void *value)
{
    to->flags |= BI_DEFERRED_KEPT;
    bi_deferred_accept(to, BIGHT_HERE, type, value);
}

/* Begins a walk over the members to be cancelled, of which each is asked once: by this walk, or when it joins in a slot
 * that the walk has passed. */
static void begin_walk(struct bi_group *group)
{
    group->has_cancelled = true;
    group->cancelled = 0;
}

/* NULL at the end, and for a group that cancels no member. */
static struct bight_deferred *next_of_walk(struct bi_group *group)
{
    while (group->has_cancelled && group->cancelled < group->slot_count) {
        struct bi_member *member = &group->members[group->cancelled++];
        if (!member->is_heard && member->deferred != NULL) {
            return member->deferred;
        }
    }
    return NULL;
}

static bool was_passed(const struct bi_group *group, const struct bi_member *member)
{
    return group->has_cancelled && (size_t)(member - group->members) < group->cancelled;
}

/* A cancel of the outer that is under way gets to the rest by itself. */
static void cancel_rest(struct bi_group *group)
{
    if (group->is_cancelling) {
        return;
    }
    begin_walk(group);
    struct bight_deferred *member;
    while ((member = next_of_walk(group)) != NULL) {
        bight_deferred_cancel(member);
    }
}

struct bight_deferred *bi_group_fire(struct bi_group *group, const struct bight_type *type, void *value)
{
    struct bight_deferred *outer = group->promise.slot;
    group->is_over = true;
    bi_group_accept(outer, type, value);
    if ((group->traits & BI_GROUP_CANCELS_REST) != 0) {
        cancel_rest(group);
    }
    bi_group_drop_collected(group);
    return outer;
}

struct bight_deferred *bi_group_fire_first_error(
    struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    struct bight_failure *cause = bight_result_take_failure(result);
    group->promise.slot->flags |= member->deferred->flags & BI_DEFERRED_OWNER_ENDED;
    bi_group_let_go_heard(member);
    struct bight_failure *failure = bight_failure_first_error_at(group->place, member->index, cause);
    return bi_group_fire(group, &bight_type_failure, failure);
}

/* All have failed because of an owner's end (D18). */
static uint32_t flag_of_owners(const struct bi_group *group)
{
    uint32_t flag = BI_DEFERRED_OWNER_ENDED;
    for (size_t i = 0; i < group->slot_count; i++) {
        const struct bight_deferred *deferred = group->members[i].deferred;
        flag &= deferred == NULL ? 0 : deferred->flags;
    }
    return flag;
}

/* What the members failed with, in order, as one failure. */
static struct bight_failure *gather_failures(struct bi_group *group)
{
    struct bight_results *results = group->results;
    struct bight_failure **causes = bight_malloc(results->count * sizeof(struct bight_failure *));
    if (causes == NULL) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < results->count; i++) {
        causes[i] = bight_result_take_failure(&results->items[i]);
    }
    struct bight_failure *failure = bight_failure_new_many_at(
        group->place, BIGHT_E_ALL_FAILED, causes, results->count, "all of %zu failed", results->count);
    bight_free(causes);
    return failure;
}

struct bight_deferred *bi_group_fire_all(struct bi_group *group)
{
    const unsigned minds_failure = BI_GROUP_ENDS_ON_FAILURE | BI_GROUP_ALL_FAILED;
    if (group->is_cancelling && group->failures > 0 && (group->traits & minds_failure) != 0) {
        return NULL;
    }
    if ((group->traits & BI_GROUP_ALL_FAILED) != 0) {
        group->promise.slot->flags |= flag_of_owners(group);
        return bi_group_fire(group, &bight_type_failure, gather_failures(group));
    }
    struct bight_results *results = group->results;
    group->results = NULL;
    return bi_group_fire(group, &bight_type_results, results);
}

/* ------------------------------------------------------------------------------------------ hearing */

void bi_group_collect(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    struct bight_result *item = &group->results->items[member->index];
    bool failed = result->type == &bight_type_failure;
    item->type = result->type;
    item->value = result->value;
    result->type = NULL;
    result->value = NULL;
    group->failures += failed ? 1 : 0;
    if (failed || (group->traits & BI_GROUP_DETACHED) != 0) {
        group->kept++;
    } else {
        bi_group_let_go_heard(member);
    }
}

/* It is no longer awaited. */
static void hear_late(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    bool is_left = failure != NULL ? is_reported(group, failure)
                                   : (group->traits & BI_GROUP_DETACHED) != 0 && member->deferred->holds > 1;
    if (!is_left) {
        bight_result_discard(result);
    }
    bi_group_let_go_heard(member);
}

static struct bight_deferred *on_result(
    struct bight_deferred *from, struct bight_result *result, const struct bi_level *level)
{
    (void)from;
    struct bi_member *member = level->listener;
    struct bi_group *group = member->group;
    struct bight_deferred *other = NULL;
    member->is_heard = true;
    group->pending--;
    bi_group_enter(group);
    if (group->is_over) {
        hear_late(group, member, result);
    } else {
        other = group->ops->on_result(group, member, result);
    }
    bi_group_leave(group);
    if (other != NULL) {
        other->flags &= ~(uint32_t)BI_DEFERRED_KEPT;
    }
    return other;
}

const struct bight_deferred *bi_group_successor(const struct bi_level *level)
{
    if (level->callback != bi_listener_tag || level->on_result != on_result) {
        return NULL;
    }
    const struct bi_member *member = level->listener;
    return bight_promise_is_open(member->group->promise) ? member->group->promise.slot : NULL;
}

/* A member that cannot take a level for want of memory has failed so. */
static void listen_without_memory(struct bi_member *member)
{
    struct bight_deferred *deferred = member->deferred;
    unsigned traits = member->group->traits;
    member->deferred = (struct bight_deferred *)(uintptr_t)&bi_deferred_out_of_memory;
    bi_deferred_add_listener(member->deferred, on_result, member);
    turn_away(deferred, traits);
}

static void listen_at(struct bi_group *group, struct bi_member *member, size_t index, struct bight_deferred *deferred)
{
    if (BI_UNLIKELY(deferred == NULL)) {
        int code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, group->place, "a combinator's member is NULL");
        deferred = bight_fail(bight_failure_of(code));
    }
    *member = (struct bi_member) { group, deferred, index, false };
    if (BI_UNLIKELY(bi_deferred_add_listener(deferred, on_result, member) != BIGHT_OK)) {
        listen_without_memory(member);
    } else if (BI_UNLIKELY(was_passed(group, member) && !member->is_heard)) {
        bight_deferred_cancel(member->deferred);
    }
}

void bi_group_join(struct bi_group *group, struct bi_member *member, size_t index, struct bight_deferred *deferred)
{
    group->pending++;
    listen_at(group, member, index, deferred);
}

void bi_group_join_all(struct bi_group *group, struct bight_deferred *const *members)
{
    bi_group_enter(group);
    group->pending += group->slot_count;
    for (size_t i = 0; i < group->slot_count; i++) {
        listen_at(group, &group->members[i], i, members[i]);
    }
    bi_group_leave(group);
}

/* --------------------------------------------------------------------------------------- cancelling */

void bi_group_begin_cancel(struct bi_group *group)
{
    bi_group_enter(group);
    group->is_cancelling = true;
    if ((group->traits & BI_GROUP_DETACHED) == 0) {
        begin_walk(group);
    }
}

/* All of them, also when one has ended the group meanwhile (D24). */
struct bight_deferred *bi_group_next_to_cancel(struct bi_group *group)
{
    return next_of_walk(group);
}

void bi_group_end_unfired(struct bi_group *group)
{
    group->is_over = true;
    bi_group_drop_collected(group);
}

void bi_group_end_cancel(struct bi_group *group)
{
    bi_group_leave(group);
}
