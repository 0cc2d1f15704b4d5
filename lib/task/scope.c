/* SPDX-License-Identifier: MIT */
/* scope.c - scopes: an owner of Deferreds that also owns timers and members (D37).
 *
 * Members stand in rings that say how far they have been asked: fresh, asked to close, asked to abort. A sweep moves
 * each to the next ring before it asks, so members may come and go meanwhile; scopes among them are left to the walk of
 * scope_tree.c. Each close returns a Deferred that is forwarded from one that was made with the scope, so that closing
 * works when out of memory. `busy` keeps the memory while one of our own functions is on it. */
#include "task/scope.h"

#include <bight/memory.h>

#include "base/check.h"

/* -------------------------------------------------------------------------------------------- rings */

static void ring_init(struct bight_scope_member *head)
{
    head->next = head->previous = head;
}

static void ring_append(struct bight_scope_member *head, struct bight_scope_member *member)
{
    member->previous = head->previous;
    member->next = head;
    head->previous->next = member;
    head->previous = member;
}

static void ring_remove(struct bight_scope_member *member)
{
    member->previous->next = member->next;
    member->next->previous = member->previous;
    member->next = member->previous = NULL;
}

/* --------------------------------------------------------------------------------------------- life */

/* Its end, or that of its memory. Returns the scope around it, whose end may be due now. */
static struct bight_scope *end(struct bight_scope *scope)
{
    scope->busy++;
    scope->is_over = true;
    bight_timer_cancel(scope->timer);
    if (bight_promise_is_open(scope->ended_promise)) {
        bight_callback(scope->ended_promise, NULL, NULL);
    }
    struct bight_scope *outer = bi_scope_take_out(&scope->member);
    scope->busy--;
    if (scope->is_freed && scope->busy == 0) {
        bight_deferred_release(scope->ended);
        bight_free(scope);
    }
    return outer;
}

void bi_scope_look_for_the_end(struct bight_scope *scope)
{
    while (scope != NULL && scope->is_closing && scope->busy == 0 && bight_scope_count(scope) == 0) {
        scope = end(scope);
    }
}

void bi_scope_leave_busy(struct bight_scope *scope)
{
    scope->busy--;
    bi_scope_look_for_the_end(scope);
}

static void ties_have_ended(struct bight_owner *owner)
{
    bi_scope_look_for_the_end(BI_CONTAINER(owner, struct bight_scope, owner));
}

struct bight_scope *bight_scope_new_at(const char *place, struct bight_clock *clock)
{
    if (clock == NULL) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_scope_new: there is no clock");
        return NULL;
    }
    struct bight_scope *scope = bight_calloc(1, sizeof(*scope));
    if (scope == NULL) {
        return NULL;
    }
    scope->ended = bight_deferred_new_at(place, &scope->ended_promise, NULL, NULL, NULL);
    if (bight_deferred_has_fired(scope->ended)) {
        bight_free(scope);
        return NULL;
    }
    scope->clock = clock;
    scope->made_at = place;
    (void)bight_seconds_to_nanoseconds(BIGHT_SCOPE_GRACE, &scope->grace);
    bi_owner_init(&scope->owner, ties_have_ended);
    scope->owner.refused = bi_scope_report_late_tie;
    bi_list_init(&scope->timers);
    ring_init(&scope->fresh);
    ring_init(&scope->closing);
    ring_init(&scope->aborting);
    return scope;
}

/* The memory goes with the scope's end from here on; false, and a usage error: it is not the caller's to free. */
static bool give_up(const char *place, struct bight_scope *scope, const char *function)
{
    if (scope->is_freed || scope->is_nursery) {
        bi_usage_error(
            BIGHT_E_USAGE, place, "%s: %s", function, scope->is_nursery ? "it is bight_scope_run's" : BI_FREED_TWICE);
        return false;
    }
    scope->is_freed = true;
    return true;
}

void bight_scope_free(struct bight_scope *scope)
{
    if (scope == NULL || !give_up(BIGHT_HERE, scope, "bight_scope_free")) {
        return;
    }
    scope->busy++;
    bi_scope_report_left(scope, "that is freed");
    bi_scope_command(scope, BI_SCOPE_ABORT, 0);
    bi_scope_leave_busy(scope);
}

struct bight_owner *bight_scope_owner(struct bight_scope *scope)
{
    return &scope->owner;
}

bool bight_scope_is_closing(const struct bight_scope *scope)
{
    return scope->is_closing;
}

size_t bight_scope_count(const struct bight_scope *scope)
{
    return scope->owner.tied + scope->member_count + scope->timer_count;
}

/* ------------------------------------------------------------------------------------------ closing */

/* The first of `from` goes to `to`; NULL: there is none. */
static struct bight_scope_member *move_first(struct bight_scope_member *to, struct bight_scope_member *from)
{
    struct bight_scope_member *member = from->next;
    if (member == from) {
        return NULL;
    }
    ring_remove(member);
    ring_append(to, member);
    return member;
}

static void close_members(struct bight_scope *scope, struct bi_scope_walk *walk)
{
    struct bight_scope_member *member;
    while ((member = move_first(&scope->closing, &scope->fresh)) != NULL) {
        if (!bi_scope_pass_on(walk, member, BI_SCOPE_CLOSE, scope->until)) {
            member->ops->close(member);
        }
    }
}

static void abort_members(struct bight_scope *scope, struct bi_scope_walk *walk, enum bi_scope_order order)
{
    struct bight_scope_member *member;
    while ((member = move_first(&scope->aborting, &scope->closing)) != NULL) {
        if (!bi_scope_pass_on(walk, member, order, 0)) {
            member->ops->abort(member);
        }
    }
}

static void deadline_passed(void *context)
{
    bi_scope_command(context, BI_SCOPE_ABORT_LATE, 0);
}

/* False: there is no time, or no memory to wait. */
static bool give_time(struct bight_scope *scope)
{
    if (scope->until == UINT64_MAX) {
        return true;
    }
    return scope->until > bight_clock_now(scope->clock) &&
           bight_clock_call_at(scope->clock, scope->until, deadline_passed, scope, NULL, &scope->timer) == BIGHT_OK;
}

static void begin_closing(struct bight_scope *scope, struct bi_scope_walk *walk, uint64_t until)
{
    scope->is_closing = true;
    scope->until = until;
    bight_timer_cancel(scope->timer);
    bi_owner_end(&scope->owner);
    bi_scope_cancel_timers(scope);
    close_members(scope, walk);
}

void bi_scope_obey(struct bight_scope *scope, struct bi_scope_walk *walk)
{
    enum bi_scope_order order = scope->order;
    scope->order = BI_SCOPE_NOTHING;
    if (!scope->is_closing) {
        begin_closing(scope, walk, order == BI_SCOPE_CLOSE ? scope->order_until : 0);
        bool has_time = order == BI_SCOPE_CLOSE && !scope->is_aborting; /* a cancelled one may have closed again */
        if (bight_scope_count(scope) == 0 || (has_time && give_time(scope))) {
            return;
        }
    } else if (order == BI_SCOPE_CLOSE) {
        return;
    }
    scope->is_aborting = true;
    bight_timer_cancel(scope->timer);
    if (order == BI_SCOPE_ABORT_LATE) {
        bi_scope_report_left(scope, "whose time is up");
    }
    close_members(scope, walk);
    abort_members(scope, walk, order == BI_SCOPE_CLOSE ? BI_SCOPE_ABORT : order);
    bi_owner_sweep(&scope->owner);
}

/* A Deferred of its own for each close, so that no caller can cancel another's. */
static struct bight_deferred *wait_for_the_end(const char *place, struct bight_scope *scope)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, NULL, NULL, NULL);
    if (bight_deferred_chain(scope->ended, promise) != BIGHT_OK) {
        bight_errback(promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return deferred;
}

/* An invalid time counts as none. */
struct bight_deferred *bight_scope_close_at(const char *place, struct bight_scope *scope, double seconds)
{
    uint64_t span;
    int code = bight_seconds_to_nanoseconds(seconds, &span);
    if (code != BIGHT_OK) {
        span = 0;
        bi_usage_error(code, place, "bight_scope_close: " BI_BAD_SECONDS);
    }
    scope->busy++;
    struct bight_deferred *deferred = wait_for_the_end(place, scope);
    if (scope->is_closing) {
        bi_scope_command(scope, BI_SCOPE_ABORT, 0);
    } else {
        bi_scope_command(scope, BI_SCOPE_CLOSE, bi_scope_time_in(scope, span));
    }
    bi_scope_leave_busy(scope);
    return deferred;
}

struct bight_deferred *bight_scope_close_and_free_at(const char *place, struct bight_scope *scope, double seconds)
{
    if (scope == NULL) {
        return bight_succeed_at(place, NULL, NULL);
    }
    if (!give_up(place, scope, "bight_scope_close_and_free")) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_USAGE));
    }
    return bight_scope_close_at(place, scope, seconds);
}

/* ------------------------------------------------------------------------------------------ members */

struct bight_scope *bi_scope_take_out(struct bight_scope_member *member)
{
    struct bight_scope *scope = member->scope;
    if (scope == NULL) {
        return NULL;
    }
    ring_remove(member);
    member->scope = NULL;
    scope->member_count--;
    return scope;
}

void bi_scope_put_in(struct bight_scope *scope, struct bight_scope_member *member)
{
    member->scope = scope;
    ring_append(&scope->fresh, member);
    scope->member_count++;
}

int bight_scope_join(
    struct bight_scope *scope, struct bight_scope_member *member, const struct bight_scope_member_ops *ops)
{
    if (ops == NULL || ops->close == NULL || ops->abort == NULL) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_scope_join: there is no table of functions, or close or abort is missing in it");
    }
    if (scope->is_closing) {
        bi_scope_report_late_member(scope, member, ops);
        return BIGHT_E_CANCELLED;
    }
    struct bight_scope *left = bi_scope_take_out(member);
    member->ops = ops;
    bi_scope_put_in(scope, member);
    bi_scope_look_for_the_end(left); /* last: a handler may move the member on, or free either scope */
    return BIGHT_OK;
}

void bight_scope_leave(struct bight_scope_member *member)
{
    bi_scope_look_for_the_end(bi_scope_take_out(member));
}
