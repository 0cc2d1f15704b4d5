/* SPDX-License-Identifier: MIT */
/* scope_tree.c - scopes inside scopes: joining, and orders that go down through any depth.
 *
 * A scope is a member of the one around it, without functions of its own: an order's giver knows it by its table and
 * puts it on a list, the *walk*, which the outermost caller works off, so no depth costs C stack. A scope is in one
 * walk at a time, which keeps it; an order that reaches it meanwhile raises the one that it has. The news of an end
 * goes up in a loop, in bi_scope_look_for_the_end. */
#include "task/scope.h"

#include "base/check.h"

struct bi_scope_walk {
    struct bight_scope *first, *last;
};

static const struct bight_scope_member_ops inner_ops = { .kind = "scope" };

static struct bight_scope *scope_of(struct bight_scope_member *member)
{
    return BI_CONTAINER(member, struct bight_scope, member);
}

bool bi_scope_is_inner(const struct bight_scope_member *member)
{
    return member->ops == &inner_ops;
}

/* ------------------------------------------------------------------------------------------- orders */

static void give_order(struct bight_scope *scope, enum bi_scope_order order, uint64_t until)
{
    if (scope->order == BI_SCOPE_NOTHING) {
        scope->order_until = UINT64_MAX;
    }
    scope->order = order > scope->order ? order : scope->order;
    scope->order_until = until < scope->order_until ? until : scope->order_until;
}

static void append(struct bi_scope_walk *walk, struct bight_scope *scope)
{
    scope->busy++;
    scope->is_in_walk = true;
    scope->next_asked = NULL;
    if (walk->last != NULL) {
        walk->last->next_asked = scope;
    } else {
        walk->first = scope;
    }
    walk->last = scope;
}

static struct bight_scope *take_first(struct bi_scope_walk *walk)
{
    struct bight_scope *scope = walk->first;
    if (scope != NULL) {
        walk->first = scope->next_asked;
        walk->last = walk->first != NULL ? walk->last : NULL;
        scope->is_in_walk = false;
    }
    return scope;
}

bool bi_scope_pass_on(
    struct bi_scope_walk *walk, struct bight_scope_member *member, enum bi_scope_order order, uint64_t until)
{
    if (!bi_scope_is_inner(member)) {
        return false;
    }
    struct bight_scope *scope = scope_of(member);
    give_order(scope, order, until);
    if (!scope->is_in_walk) {
        append(walk, scope);
    }
    return true;
}

void bi_scope_command(struct bight_scope *scope, enum bi_scope_order order, uint64_t until)
{
    struct bi_scope_walk walk = { NULL, NULL };
    struct bight_scope *inner;
    scope->busy++;
    give_order(scope, order, until);
    bi_scope_obey(scope, &walk);
    while ((inner = take_first(&walk)) != NULL) {
        if (inner->order != BI_SCOPE_NOTHING) { /* else another came before the walk */
            bi_scope_obey(inner, &walk);
        }
        bi_scope_leave_busy(inner);
    }
    bi_scope_leave_busy(scope);
}

/* ------------------------------------------------------------------------------------------ joining */

static void move_in(struct bight_scope *inner, struct bight_scope *outer)
{
    struct bight_scope *left = bi_scope_take_out(&inner->member);
    inner->member.ops = &inner_ops;
    bi_scope_put_in(outer, &inner->member);
    bi_scope_look_for_the_end(left); /* last: a handler may free either */
}

struct bight_scope *bight_scope_new_inside_at(const char *place, struct bight_scope *outer)
{
    struct bight_scope *inner = bight_scope_new_at(place, outer->clock);
    if (inner == NULL) {
        return NULL;
    }
    if (outer->is_closing) {
        bi_scope_report_late(outer, inner_ops.kind, place);
        bi_scope_command(inner, BI_SCOPE_CLOSE, 0);
    } else {
        move_in(inner, outer);
    }
    return inner;
}

static bool lies_inside(const struct bight_scope *scope, const struct bight_scope *outer)
{
    while (scope != NULL && scope != outer) {
        scope = scope->member.scope;
    }
    return scope == outer;
}

int bight_scope_join_scope(struct bight_scope *inner, struct bight_scope *outer)
{
    /* Joined one inside the other, downwards, each is empty still: the way up would grow with each. */
    if (inner == outer || (inner->member_count > 0 && lies_inside(outer, inner))) {
        return bi_usage_error(BIGHT_E_CIRCULAR, BIGHT_HERE, "bight_scope_join_scope: a scope would lie inside itself");
    }
    if (outer->is_closing) {
        bi_scope_report_late(outer, inner_ops.kind, inner->made_at);
        return BIGHT_E_CANCELLED;
    }
    if (!inner->is_over) {
        move_in(inner, outer);
    }
    return BIGHT_OK;
}
