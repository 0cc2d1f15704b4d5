/* SPDX-License-Identifier: MIT */
/* as_completed.c - members' results one at a time, in the order in which they come.
 *
 * A group (group.c) without an outer: results that are not awaited yet are collected and their indexes queued, and
 * waiters stand in a row with the memory for the answer. One of the two is always empty. */
#include "deferred/group.h"

#include <bight/memory.h>

#include "base/list.h"

struct bight_as_completed {
    struct bi_group group;
    struct bi_link waiters;
    size_t waiting;
    size_t unheard_or_queued; /* members whose result has not been given */
    size_t first, last;       /* of the queue, which is `order` between them */
    size_t order[];
};

/* Begins with what it returns, since that is freed as a block of its own. */
struct waiter {
    struct bight_indexed indexed;
    struct bi_link link;
    struct bight_as_completed *completed;
    struct bight_promise promise;
};

static struct waiter *take_waiter(struct bight_as_completed *completed)
{
    struct waiter *waiter = BI_CONTAINER(completed->waiters.next, struct waiter, link);
    bi_list_remove(&waiter->link);
    completed->waiting--;
    return waiter;
}

static struct bight_deferred *on_result(struct bi_group *group, struct bi_member *member, struct bight_result *result)
{
    struct bight_as_completed *completed = (struct bight_as_completed *)group;
    if (bi_list_is_empty(&completed->waiters)) {
        bi_group_collect(group, member, result);
        completed->order[completed->last++] = member->index;
        return NULL;
    }
    struct waiter *waiter = take_waiter(completed);
    struct bight_deferred *to = waiter->promise.slot;
    completed->unheard_or_queued--;
    waiter->indexed.index = member->index;
    bight_result_move(&waiter->indexed.result, result);
    bi_group_let_go_heard(member);
    bi_group_accept(to, &bight_type_indexed, &waiter->indexed);
    return to;
}

static const struct bi_group_ops as_completed_ops = { .on_result = on_result };

static struct bight_as_completed *make(size_t count)
{
    if (count > SIZE_MAX / 2 / sizeof(size_t)) {
        return NULL;
    }
    size_t size = sizeof(struct bight_as_completed) + count * sizeof(size_t);
    struct bi_group *group = bi_group_new(&as_completed_ops, size, BI_GROUP_DETACHED, count, count);
    if (group == NULL) {
        return NULL;
    }
    struct bight_as_completed *completed = (struct bight_as_completed *)group;
    group->place = BIGHT_HERE;
    bi_list_init(&completed->waiters);
    completed->unheard_or_queued = count;
    return completed;
}

struct bight_as_completed *bight_as_completed_new(struct bight_deferred *const *members, size_t count)
{
    if (members == NULL && count > 0) {
        bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_as_completed_new: there are no members, only their number");
        return NULL;
    }
    struct bight_as_completed *completed = make(count);
    if (completed == NULL) {
        bi_group_refuse(members, count, BI_GROUP_DETACHED);
        return NULL;
    }
    bi_group_join_all(&completed->group, members);
    return completed;
}

size_t bight_as_completed_remaining(const struct bight_as_completed *completed)
{
    return completed == NULL ? 0 : completed->unheard_or_queued - completed->waiting;
}

static void cancel_waiter(struct bight_promise promise, void *context)
{
    struct waiter *waiter = context;
    (void)promise;
    bi_list_remove(&waiter->link);
    waiter->completed->waiting--;
    bight_free(waiter);
}

/* The first of the queue, as an answer. */
static struct bight_deferred *give_queued(
    const char *place, struct bight_as_completed *completed, struct bight_indexed *indexed)
{
    size_t index = completed->order[completed->first++];
    completed->unheard_or_queued--;
    indexed->index = index;
    bight_result_move(&indexed->result, &completed->group.results->items[index]);
    completed->group.kept--;
    bi_group_let_go(&completed->group.members[index]);
    return bight_succeed_at(place, &bight_type_indexed, indexed);
}

static struct bight_deferred *wait_in_row(
    const char *place, struct bight_as_completed *completed, struct waiter *waiter)
{
    struct bight_deferred *deferred = bight_deferred_new_at(place, &waiter->promise, cancel_waiter, waiter, NULL);
    if (bight_deferred_has_fired(deferred)) {
        bight_free(waiter);
        return deferred;
    }
    waiter->completed = completed;
    bi_list_append(&completed->waiters, &waiter->link);
    completed->waiting++;
    return deferred;
}

struct bight_deferred *bight_as_completed_next_at(const char *place, struct bight_as_completed *completed)
{
    if (completed == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    if (completed->group.is_over) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_ABANDONED));
    }
    if (bight_as_completed_remaining(completed) == 0) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_QUEUE_UNDERFLOW));
    }
    struct waiter *waiter = bight_calloc(1, sizeof(*waiter));
    if (waiter == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    if (completed->first < completed->last) {
        return give_queued(place, completed, &waiter->indexed);
    }
    return wait_in_row(place, completed, waiter);
}

void bight_as_completed_free(struct bight_as_completed *completed)
{
    if (completed == NULL) {
        return;
    }
    if (completed->group.is_over) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_as_completed_free: " BI_FREED_TWICE);
        return;
    }
    bi_group_enter(&completed->group);
    completed->group.is_over = true;
    while (!bi_list_is_empty(&completed->waiters)) {
        struct waiter *waiter = take_waiter(completed);
        struct bight_promise promise = waiter->promise;
        bight_free(waiter);
        bi_promise_end(promise, bight_failure_of(BIGHT_E_ABANDONED));
    }
    bi_group_drop_collected(&completed->group);
    bi_group_leave(&completed->group);
}
