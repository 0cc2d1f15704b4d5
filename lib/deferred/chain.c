/* SPDX-License-Identifier: MIT */
/* chain.c - a Deferred that waits for another: taking its end, finding circles, handing the result over.
 *
 * The one that waits is linked into the one it waits for, together with how many of that one's levels come first, so
 * chaining allocates nothing and cannot fail. Both directions of the link are used to look for circles. What the one
 * that waits does with the result is run.c's. */
#include "deferred/deferred.h"

/* What a result turns into that could not wait for `inner`, which is released. */
static void refuse(struct bight_result *result, struct bight_deferred *inner, int code)
{
    bight_result_fail(result, bight_failure_of(code));
    if (inner != NULL) {
        bi_deferred_drop(inner);
    }
}

static struct bight_deferred *step_down(const struct bight_deferred *deferred)
{
    return (deferred->flags & BI_DEFERRED_WAITING) != 0 ? deferred->waiting_on : NULL;
}

static struct bight_deferred *step_up(const struct bight_deferred *deferred)
{
    return (deferred->flags & BI_DEFERRED_WAITED) != 0 ? deferred->first_waiter : NULL;
}

/* D8: does `inner` wait for `outer`? Walked from both ends in step, since links that are built from the inside out
 * make the way down long and those from the outside in the way up. Where several wait for one the way up
 * branches; then only the way down counts. */
static bool waits_for(const struct bight_deferred *inner, const struct bight_deferred *outer)
{
    const struct bight_deferred *down = inner;
    const struct bight_deferred *up = outer;
    bool branches = false;
    for (;;) {
        if (down == outer || up == inner) {
            return true;
        }
        down = step_down(down);
        if (!branches) {
            up = step_up(up);
            branches = up != NULL && up->next_waiter != NULL;
        }
        if (down == NULL || (up == NULL && !branches)) {
            return false;
        }
    }
}

static void wait_for(struct bight_deferred *outer, struct bight_deferred *inner)
{
    outer->flags |= BI_DEFERRED_WAITING;
    outer->waiting_on = inner;
    outer->wait_index = inner->count;
    outer->next_waiter = NULL;
    if ((inner->flags & BI_DEFERRED_WAITED) != 0) {
        inner->last_waiter->next_waiter = outer;
    } else {
        inner->flags |= BI_DEFERRED_WAITED;
        inner->first_waiter = outer;
    }
    inner->last_waiter = outer;
}

int bi_deferred_begin_await(struct bight_deferred *outer, struct bight_deferred *inner)
{
    bool is_linked = ((inner->flags & BI_DEFERRED_WAITING) | (outer->flags & BI_DEFERRED_WAITED)) != 0;
    if (inner == outer || (is_linked && waits_for(inner, outer))) {
        return BIGHT_E_CIRCULAR;
    }
    wait_for(outer, inner);
    return BIGHT_OK;
}

struct bight_deferred *bi_deferred_stop_await(struct bight_deferred *outer)
{
    struct bight_deferred *inner = outer->waiting_on;
    struct bight_deferred *before = NULL;
    for (struct bight_deferred *each = inner->first_waiter; each != outer; each = each->next_waiter) {
        before = each;
    }
    if (before != NULL) {
        before->next_waiter = outer->next_waiter;
    } else {
        inner->first_waiter = outer->next_waiter;
    }
    if (inner->last_waiter == outer) {
        inner->last_waiter = before;
    }
    if (inner->first_waiter == NULL) {
        inner->flags &= ~(uint32_t)BI_DEFERRED_WAITED;
    }
    outer->flags &= ~(uint32_t)BI_DEFERRED_WAITING;
    return inner;
}

/* Moves the result; what the slot of `to` held meanwhile is destroyed. */
static void move_result(struct bight_deferred *to, struct bight_deferred *from)
{
    if (to->result.type != NULL) {
        bight_result_clear(&to->result);
    }
    to->result.type = from->result.type;
    to->result.value = from->result.value;
    to->flags |= from->flags & BI_DEFERRED_OWNER_ENDED;
    from->result.type = NULL;
    from->result.value = NULL;
}

struct bight_deferred *bi_deferred_hand_over(struct bight_deferred *from)
{
    struct bight_deferred *to = from->first_waiter;
    from->first_waiter = to->next_waiter;
    if (from->first_waiter == NULL) {
        from->flags &= ~(uint32_t)BI_DEFERRED_WAITED;
    }
    if ((to->flags & BI_DEFERRED_COROUTINE) != 0) {
        __builtin_prefetch(to->canceller_context); /* a cold stack's, and wanted in a moment */
    }
    move_result(to, from);
    to->flags &= ~(uint32_t)BI_DEFERRED_WAITING;
    if (from->holds > 0) {
        from->holds--;
    }
    return (to->flags & BI_DEFERRED_RUNNING) != 0 ? NULL : to;
}

/* Why the result cannot wait for `inner`; 0 when it can. */
static int find_misuse(const struct bight_result *result, const struct bight_deferred *inner)
{
    const struct bight_deferred *outer = result->deferred;
    if (inner == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_result_chain: there is no Deferred");
    }
    if (outer == NULL || (outer->flags & BI_DEFERRED_RUNNING) == 0) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_result_chain: called outside of a handler");
    }
    if ((outer->flags & BI_DEFERRED_WAITING) != 0) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_result_chain: the result waits for another already");
    }
    return BIGHT_OK;
}

void bight_result_chain(struct bight_result *result, struct bight_deferred *inner)
{
    struct bight_deferred *outer = result->deferred;
    if (outer != NULL && (outer->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0 && inner != NULL) {
        bi_deferred_drop(inner); /* D34: what a handler makes of the result is discarded */
        return;
    }
    int code = find_misuse(result, inner);
    if (code != BIGHT_OK) {
        refuse(result, inner, code);
        return;
    }
    bight_result_clear(result);
    if ((inner->flags & BI_DEFERRED_OUT_OF_MEMORY) != 0) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (waits_for(inner, outer)) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_CIRCULAR));
        bight_deferred_release(inner);
    } else if (bi_deferred_is_at_rest(inner)) {
        move_result(outer, inner);
        bight_deferred_release(inner);
    } else {
        wait_for(outer, inner);
    }
}
