/* SPDX-License-Identifier: MIT */
/* scope.c - scopes: an owner of Deferreds that owns timers and members besides (D37).
 *
 * Members stand in rings that say how far they have been asked: fresh, asked to close, asked to abort. A sweep moves
 * each to the next ring before it asks, so members may come and go meanwhile. Each close gives a Deferred that is
 * forwarded from one that was made with the scope, so that closing works without memory. `busy` keeps the memory
 * while one of our own functions is on it. */
#include <bight/sys/scope.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/list.h"
#include "deferred/owner.h"

struct bight_scope {
    struct bight_owner owner;
    struct bight_clock *clock;
    struct bight_scope_member fresh, closing, aborting; /* heads of rings */
    struct bight_link timers;
    size_t member_count, timer_count;
    struct bight_timer deadline;
    struct bight_deferred *ended;
    struct bight_promise ended_promise;
    unsigned busy;
    bool is_closing;
    bool is_freed;
};

struct scope_timer {
    struct bight_link link;
    struct bight_scope *scope;
    struct bight_timer timer;
    bight_timer_function function;
    void *context;
    bight_release_function release;
};

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

/* ---------------------------------------------------------------------------------------- life */

/* The end of the scope, or of its memory, when it is due. */
static void look_for_the_end(struct bight_scope *scope)
{
    if (!scope->is_closing || scope->busy > 0 || bight_scope_count(scope) > 0) {
        return;
    }
    scope->busy++;
    bight_timer_cancel(scope->deadline);
    if (bight_promise_is_open(scope->ended_promise)) {
        bight_callback(scope->ended_promise, NULL, NULL);
    }
    scope->busy--;
    if (scope->is_freed && scope->busy == 0) {
        bight_deferred_release(scope->ended);
        bight_free(scope);
    }
}

static void leave_busy(struct bight_scope *scope)
{
    scope->busy--;
    look_for_the_end(scope);
}

static void ties_have_ended(struct bight_owner *owner)
{
    look_for_the_end(BIGHT_CONTAINER(owner, struct bight_scope, owner));
}

struct bight_scope *bight_scope_new_at(const char *place, struct bight_clock *clock)
{
    (void)place;
    struct bight_scope *scope = bight_calloc(1, sizeof(*scope));
    if (scope == NULL) {
        return NULL;
    }
    scope->ended = bight_deferred_new(&scope->ended_promise, NULL, NULL);
    if (bight_deferred_has_fired(scope->ended)) {
        bight_free(scope);
        return NULL;
    }
    scope->clock = clock;
    bight_owner_init(&scope->owner, ties_have_ended);
    bight_list_init(&scope->timers);
    ring_init(&scope->fresh);
    ring_init(&scope->closing);
    ring_init(&scope->aborting);
    return scope;
}

void bight_scope_free(struct bight_scope *scope)
{
    if (scope == NULL) {
        return;
    }
    if (scope->is_freed) {
        bight_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_scope_free: it has been freed");
        return;
    }
    scope->busy++;
    scope->is_freed = true;
    bight_deferred_release(bight_scope_close(scope, 0));
    leave_busy(scope);
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

/* A timer whose function is running cannot be cancelled: it stays until that has returned. */
static void cancel_timers(struct bight_scope *scope)
{
    struct bight_link left;
    bight_list_take_all(&left, &scope->timers);
    while (!bight_list_is_empty(&left)) {
        struct scope_timer *timer = BIGHT_CONTAINER(left.next, struct scope_timer, link);
        bight_list_remove(&timer->link);
        bight_list_append(&scope->timers, &timer->link);
        bight_timer_cancel(timer->timer);
    }
}

static void close_members(struct bight_scope *scope)
{
    while (scope->fresh.next != &scope->fresh) {
        struct bight_scope_member *member = scope->fresh.next;
        ring_remove(member);
        ring_append(&scope->closing, member);
        member->ops->close(member);
    }
}

static void abort_what_is_left(struct bight_scope *scope)
{
    bight_timer_cancel(scope->deadline);
    while (scope->closing.next != &scope->closing) {
        struct bight_scope_member *member = scope->closing.next;
        ring_remove(member);
        ring_append(&scope->aborting, member);
        member->ops->abort(member);
    }
    bight_owner_sweep(&scope->owner);
}

static void deadline_passed(void *context)
{
    struct bight_scope *scope = context;
    scope->busy++;
    abort_what_is_left(scope);
    leave_busy(scope);
}

/* Whoever cannot be given until the deadline, for want of memory or a proper one, is aborted at once. */
static void give_until(struct bight_scope *scope, double seconds)
{
    if (seconds == 0 ||
        bight_clock_call_later(scope->clock, seconds, deadline_passed, scope, NULL, &scope->deadline) != BIGHT_OK) {
        abort_what_is_left(scope);
    }
}

static void begin_closing(struct bight_scope *scope, double seconds)
{
    scope->is_closing = true;
    bight_owner_end(&scope->owner);
    cancel_timers(scope);
    close_members(scope);
    if (bight_scope_count(scope) > 0) {
        give_until(scope, seconds);
    }
}

/* A Deferred of its own for each close, so that nobody can cancel another's. */
static struct bight_deferred *wait_for_the_end(struct bight_scope *scope)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    if (bight_deferred_chain(scope->ended, promise) != BIGHT_OK) {
        bight_errback(promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return deferred;
}

struct bight_deferred *bight_scope_close(struct bight_scope *scope, double seconds)
{
    scope->busy++;
    struct bight_deferred *deferred = wait_for_the_end(scope);
    if (scope->is_closing) {
        close_members(scope);
        abort_what_is_left(scope);
    } else {
        begin_closing(scope, seconds);
    }
    leave_busy(scope);
    return deferred;
}

/* ------------------------------------------------------------------------------------------- timers */

static void run_timer(void *context)
{
    struct scope_timer *timer = context;
    timer->function(timer->context);
}

static void release_timer(void *context)
{
    struct scope_timer *timer = context;
    struct bight_scope *scope = timer->scope;
    scope->busy++;
    bight_list_remove(&timer->link);
    scope->timer_count--;
    if (timer->release != NULL) {
        timer->release(timer->context);
    }
    bight_free(timer);
    leave_busy(scope);
}

int bight_scope_call_later_at(const char *place, struct bight_scope *scope, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *handle)
{
    (void)place;
    if (scope->is_closing) {
        return BIGHT_E_CANCELLED;
    }
    struct scope_timer *timer = bight_malloc(sizeof(*timer));
    if (timer == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *timer = (struct scope_timer) { .scope = scope, .function = function, .context = context, .release = release };
    int code = bight_clock_call_later(scope->clock, seconds, run_timer, timer, release_timer, &timer->timer);
    if (code != BIGHT_OK) {
        bight_free(timer);
        return code;
    }
    bight_list_append(&scope->timers, &timer->link);
    scope->timer_count++;
    if (handle != NULL) {
        *handle = timer->timer;
    }
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ members */

/* The scope that it was in, whose end may be due now; NULL when it was in none. */
static struct bight_scope *take_out(struct bight_scope_member *member)
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

int bight_scope_join(
    struct bight_scope *scope, struct bight_scope_member *member, const struct bight_scope_member_ops *ops)
{
    if (ops == NULL || ops->close == NULL || ops->abort == NULL) {
        return bight_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_scope_join");
    }
    if (scope->is_closing) {
        return BIGHT_E_CANCELLED;
    }
    struct bight_scope *left = take_out(member);
    member->ops = ops;
    member->scope = scope;
    ring_append(&scope->fresh, member);
    scope->member_count++;
    if (left != NULL) {
        look_for_the_end(left); /* last: whoever hears of it may move the member on, or free either scope */
    }
    return BIGHT_OK;
}

void bight_scope_leave(struct bight_scope_member *member)
{
    struct bight_scope *left = take_out(member);
    if (left != NULL) {
        look_for_the_end(left);
    }
}
