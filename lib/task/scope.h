/* SPDX-License-Identifier: MIT */
/* scope.h - a scope from the inside, for the files that make it up: life and closing (scope.c), the scopes inside
 * (scope_tree.c), what is timed (scope_timer.c), debug mode's warnings (scope_report.c), the nursery (scope_run.c). */
#ifndef BI_TASK_SCOPE_H
#define BI_TASK_SCOPE_H

#include <bight/sys/scope.h>

#include "base/list.h"
#include "deferred/owner.h"

/* What a scope is asked to do; the later one covers those before. */
enum bi_scope_order {
    BI_SCOPE_NOTHING,
    BI_SCOPE_CLOSE,
    BI_SCOPE_ABORT,
    BI_SCOPE_ABORT_LATE /* its time is up: what is left is worth a warning */
};

struct bight_scope {
    struct bight_owner owner;
    struct bight_clock *clock;
    struct bight_scope_member member;                   /* in the scope around it */
    struct bight_scope_member fresh, closing, aborting; /* heads of rings */
    struct bi_link timers;
    size_t member_count, timer_count;
    uint64_t grace;           /* nanoseconds */
    uint64_t until;           /* closing: when what is left is aborted */
    struct bight_timer timer; /* for that; before, for the scope's own deadline */
    struct bight_deferred *ended;
    struct bight_promise ended_promise;
    const char *made_at;
    struct bight_scope *next_asked; /* among those that a walk has still to ask */
    enum bi_scope_order order;      /* not yet obeyed */
    uint64_t order_until;
    unsigned busy;
    bool is_closing, is_aborting, is_over, is_freed, is_timed_out, is_in_walk;
    bool is_nursery;  /* bight_scope_run's to free */
    bool is_reported; /* what it left over */
};

/* scope.c: to be called when something has gone that the scope's end, or the end of its memory, may have waited for.
 * NULL is allowed.
 */
void bi_scope_look_for_the_end(struct bight_scope *scope);
void bi_scope_leave_busy(struct bight_scope *scope);

/* scope.c: takes the member out; returns the scope that it was in, whose end may be due now. */
struct bight_scope *bi_scope_take_out(struct bight_scope_member *member);
void bi_scope_put_in(struct bight_scope *scope, struct bight_scope_member *member);

/* scope.c: closes it, if it is not closing, and aborts it when the order or the time says so. Scopes inside are left to
 * `walk`. Allocates nothing but the timer. */
struct bi_scope_walk;
void bi_scope_obey(struct bight_scope *scope, struct bi_scope_walk *walk);

/* scope_tree.c: sends an order to a scope and, through any depth in constant stack, to those inside that it concerns.
 */
void bi_scope_command(struct bight_scope *scope, enum bi_scope_order order, uint64_t until);

/* scope_tree.c: passes an order on when the member is a scope; false: it is not. */
bool bi_scope_pass_on(
    struct bi_scope_walk *walk, struct bight_scope_member *member, enum bi_scope_order order, uint64_t until);
bool bi_scope_is_inner(const struct bight_scope_member *member);

/* scope_timer.c */
void bi_scope_cancel_timers(struct bight_scope *scope);
uint64_t bi_scope_time_in(const struct bight_scope *scope, uint64_t span); /* from now on, capped */

/* scope_report.c: in debug mode only. */
void bi_scope_report_left(struct bight_scope *scope, const char *when);
void bi_scope_report_late(const struct bight_scope *scope, const char *kind, const char *made_at);
void bi_scope_report_late_member(
    const struct bight_scope *scope, const struct bight_scope_member *member, const struct bight_scope_member_ops *ops);
void bi_scope_report_late_tie(struct bight_owner *owner, const struct bight_deferred *deferred);

/* A call of bight_scope_call_later. */
struct bi_scope_timer {
    struct bi_link link;
    struct bight_scope *scope;
    struct bight_timer timer;
    bight_timer_function function;
    void *context;
    bight_release_function release;
    const char *made_at;
};

#endif
