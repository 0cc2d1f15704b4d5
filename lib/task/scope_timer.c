/* SPDX-License-Identifier: MIT */
/* scope_timer.c - what is timed in a scope: calls that are dropped when it closes, and its own deadline.
 *
 * A call's record lives as long as its timer; the timer's release function takes it out of the scope, on every path.
 * When a scope closes is scope.c's. */
#include "task/scope.h"

#include <math.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/moment.h"

/* A timer whose function is running cannot be cancelled: it stays until that has returned. */
void bi_scope_cancel_timers(struct bight_scope *scope)
{
    BI_LIST_EACH_NOW (link, &scope->timers) {
        bight_timer_cancel(BI_CONTAINER(link, struct bi_scope_timer, link)->timer);
    }
}

static void run_timer(void *context)
{
    struct bi_scope_timer *timer = context;
    timer->function(timer->context);
}

static void release_timer(void *context)
{
    struct bi_scope_timer *timer = context;
    struct bight_scope *scope = timer->scope;
    scope->busy++;
    bi_list_remove(&timer->link);
    scope->timer_count--;
    if (timer->release != NULL) {
        timer->release(timer->context);
    }
    bight_free(timer);
    bi_scope_leave_busy(scope);
}

int bight_scope_call_later_at(const char *place, struct bight_scope *scope, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *handle)
{
    if (scope->is_closing) {
        bi_scope_report_late(scope, "call", place);
        return BIGHT_E_CANCELLED;
    }
    struct bi_scope_timer *timer = bight_calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    timer->scope = scope;
    timer->function = function;
    timer->context = context;
    timer->release = release;
    timer->made_at = place;
    int code = bight_clock_call_later_at(place, scope->clock, seconds, run_timer, timer, release_timer, &timer->timer);
    if (code != BIGHT_OK) {
        bight_free(timer);
        return code;
    }
    bi_list_append(&scope->timers, &timer->link);
    scope->timer_count++;
    if (handle != NULL) {
        *handle = timer->timer;
    }
    return BIGHT_OK;
}

/* ----------------------------------------------------------------------------------------- deadline */

uint64_t bi_scope_time_in(const struct bight_scope *scope, uint64_t span)
{
    return bi_moment_after(bight_clock_now(scope->clock), span);
}

static void time_is_up(void *context)
{
    struct bight_scope *scope = context;
    scope->is_timed_out = true;
    bi_scope_command(scope, BI_SCOPE_CLOSE, bi_scope_time_in(scope, scope->grace));
}

int bight_scope_set_deadline(struct bight_scope *scope, double seconds)
{
    uint64_t span;
    int code = bight_seconds_to_nanoseconds(seconds, &span);
    if (code != BIGHT_OK) {
        return bi_usage_error(code, BIGHT_HERE, "bight_scope_set_deadline: " BI_BAD_SECONDS);
    }
    if (scope->is_closing) {
        return BIGHT_E_CANCELLED;
    }
    uint64_t deadline = bi_scope_time_in(scope, span);
    if (span == UINT64_MAX) {
        bight_timer_cancel(scope->timer);
        return BIGHT_OK;
    }
    if (bight_timer_reset_at(scope->timer, deadline) == BIGHT_OK) {
        return BIGHT_OK;
    }
    return bight_clock_call_at(scope->clock, deadline, time_is_up, scope, NULL, &scope->timer);
}

int bight_scope_set_grace(struct bight_scope *scope, double seconds)
{
    uint64_t grace;
    int code = bight_seconds_to_nanoseconds(seconds, &grace);
    if (code != BIGHT_OK) {
        return bi_usage_error(code, BIGHT_HERE, "bight_scope_set_grace: " BI_BAD_SECONDS);
    }
    scope->grace = grace;
    return BIGHT_OK;
}

/* The timer is the deadline's until the scope closes. */
double bight_scope_get_deadline(const struct bight_scope *scope)
{
    uint64_t deadline = scope->is_closing ? 0 : bight_timer_deadline(scope->timer);
    return deadline == 0 ? (double)INFINITY : bi_seconds_until(bight_clock_now(scope->clock), deadline);
}

double bight_scope_get_grace(const struct bight_scope *scope)
{
    return bi_seconds_of(scope->grace);
}

bool bight_scope_timed_out(const struct bight_scope *scope)
{
    return scope->is_timed_out;
}
