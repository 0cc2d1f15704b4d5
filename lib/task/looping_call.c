/* SPDX-License-Identifier: MIT */
/* looping_call.c - a function that is called again and again, on a grid of whole nanoseconds (R11).
 *
 * Tick number k stands at start + k * interval, computed from the clock and never from the tick before, so nothing
 * adds up. A call is *under way* from when its function is entered until what that waits for has fired; the next tick
 * is looked for only then, from the clock as it is then. A run is over when its promise has been fired: stopping leaves
 * that to the call under way. `busy` keeps the memory while one of our own functions is on it. */
#include <bight/sys/scope.h>
#include <bight/task.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/list.h"
#include "base/moment.h"
#include "base/random.h"
#include "deferred/deferred.h"

/* So far from its place a tick may be moved at most, whatever the interval. */
#define FARTHEST_SHIFT (UINT64_C(1) << 62)

struct bight_looping_call {
    struct bight_clock *clock;
    bight_looping_function function;
    void *context;
    bight_release_function release;
    uint64_t start, interval; /* the grid */
    uint64_t due;             /* the first tick that has not been called */
    uint64_t next;            /* the tick that the timer stands for */
    uint64_t missed;
    struct bight_timer timer;
    struct bight_promise promise;   /* start's; closed or zeroed when the run is over */
    struct bight_deferred *awaited; /* held; what the call under way waits for */
    double jitter;
    uint64_t random;
    struct bight_scope_member member;
    const char *started_at;
    unsigned busy;
    bool is_running; /* there will be ticks */
    bool is_under_way;
    bool is_shut; /* its scope was closed */
    bool is_freed;
};

/* --------------------------------------------------------------------------------------------- life */

static struct bight_looping_call *enter(struct bight_looping_call *call)
{
    call->busy++;
    return call;
}

/* A handler of the scope's end may free the call: it is still busy then. */
static void leave(struct bight_looping_call *call)
{
    if (!call->is_under_way && (call->is_shut || call->is_freed)) {
        bight_scope_leave(&call->member);
    }
    if (--call->busy > 0 || call->is_under_way || !call->is_freed) {
        return;
    }
    if (call->release != NULL) {
        call->release(call->context);
    }
    bight_free(call);
}

struct bight_looping_call *bight_looping_call_new_full(
    struct bight_clock *clock, bight_looping_function function, void *context, bight_release_function release)
{
    if (clock == NULL || function == NULL) {
        bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_looping_call_new: there is no clock, or no function");
        return NULL;
    }
    struct bight_looping_call *call = bight_calloc(1, sizeof(*call));
    if (call == NULL) {
        return NULL;
    }
    call->clock = clock;
    call->function = function;
    call->context = context;
    call->release = release;
    return call;
}

struct bight_looping_call *bight_looping_call_new(
    struct bight_clock *clock, bight_looping_function function, void *context)
{
    return bight_looping_call_new_full(clock, function, context, NULL);
}

bool bight_looping_call_is_running(const struct bight_looping_call *call)
{
    return call->is_running;
}

uint64_t bight_looping_call_missed(const struct bight_looping_call *call)
{
    return call->missed;
}

/* --------------------------------------------------------------------------------------------- grid */

/* To the nearest nanosecond, not up: 1.1 s are no double, and a grid should not drift by that. */
static int find_interval(double seconds, uint64_t *interval)
{
    int code = bight_seconds_to_nanoseconds(seconds, interval);
    if (code != BIGHT_OK || *interval == UINT64_MAX || *interval < 2) {
        return code;
    }
    uint64_t whole = (uint64_t)seconds;
    double rest = (seconds - (double)whole) * (double)BIGHT_NANOSECONDS_PER_SECOND;
    *interval = whole * BIGHT_NANOSECONDS_PER_SECOND + (uint64_t)(rest + 0.5);
    return BIGHT_OK;
}

/* The last tick whose place is not after `now`. */
static uint64_t tick_at(const struct bight_looping_call *call, uint64_t now)
{
    if (call->interval == 0 || now < call->start) {
        return 0;
    }
    return (now - call->start) / call->interval;
}

/* Somewhere about `place`, not before `now`. Windows of neighbours do not overlap. */
static uint64_t move_about(struct bight_looping_call *call, uint64_t place, uint64_t now)
{
    double most = call->jitter * (double)call->interval;
    uint64_t reach = most < (double)FARTHEST_SHIFT ? (uint64_t)most : FARTHEST_SHIFT;
    if (reach == 0 || place == UINT64_MAX) {
        return place;
    }
    uint64_t first = place - now < reach ? now : place - reach;
    uint64_t last = bi_moment_after(place, reach);
    return first + bi_split_mix(&call->random) % (last - first + 1);
}

/* Chooses the next tick from the time that it is, and returns its deadline. */
static uint64_t plan_next(struct bight_looping_call *call)
{
    uint64_t now = bight_clock_now(call->clock);
    uint64_t present = tick_at(call, now);
    if (call->interval == 0 || call->due == 0) {
        call->next = present > call->due ? present : call->due;
        return now;
    }
    uint64_t from = now > call->start ? now : call->start;
    uint64_t place = bi_moment_after(from - (from - call->start) % call->interval, call->interval);
    call->next = present + 1;
    if (call->next < call->due) { /* this one came early */
        call->next++;
        place = bi_moment_after(place, call->interval);
    }
    return move_about(call, place, from);
}

/* -------------------------------------------------------------------------------------------- a run */

/* Takes the failure; NULL: it was stopped. */
static void end_run(struct bight_looping_call *call, struct bight_failure *failure)
{
    struct bight_promise promise = call->promise;
    call->promise = (struct bight_promise) { .slot = NULL };
    call->is_running = false;
    bight_timer_cancel(call->timer);
    if (!bight_promise_is_open(promise)) {
        bight_failure_release(failure);
    } else if (failure != NULL) {
        bight_errback(promise, failure);
    } else {
        bight_callback(promise, NULL, NULL);
    }
}

static void tick(void *context);

static void schedule(struct bight_looping_call *call)
{
    uint64_t deadline = plan_next(call);
    int code = bight_clock_call_at(call->clock, deadline, tick, call, NULL, &call->timer);
    if (code != BIGHT_OK) {
        end_run(call, bight_failure_of(code));
    }
}

/* Takes the failure. */
static void call_is_over(struct bight_looping_call *call, struct bight_failure *failure)
{
    call->is_under_way = false;
    if (failure != NULL || !call->is_running) {
        end_run(call, failure);
    } else {
        schedule(call);
    }
}

static void awaited_has_fired(struct bight_result *result, void *context)
{
    struct bight_looping_call *call = enter(context);
    struct bight_deferred *awaited = call->awaited;
    struct bight_failure *failure = bight_result_take_failure(result);
    bight_result_discard(result);
    call->awaited = NULL;
    bight_deferred_release(awaited);
    call_is_over(call, failure);
    leave(call);
}

/* A run that is over already, cancelled or freed by the function, cancels what that still began. */
static void await(struct bight_looping_call *call, struct bight_deferred *deferred)
{
    bool is_wanted = bight_promise_is_open(call->promise);
    bight_deferred_hold(deferred);
    call->awaited = deferred;
    int code = bight_deferred_add_both(deferred, awaited_has_fired, call);
    if (code != BIGHT_OK) {
        call->awaited = NULL;
        bight_deferred_release(deferred);
        call_is_over(call, bight_failure_of(code));
    }
    if (code != BIGHT_OK || !is_wanted) {
        bight_deferred_cancel(deferred);
    }
    bight_deferred_release(deferred);
}

static void call_function(struct bight_looping_call *call, uint64_t number)
{
    call->missed = number - call->due;
    call->due = number + 1;
    call->is_under_way = true;
    struct bight_deferred *deferred = call->function(call, call->context);
    if (deferred != NULL) {
        await(call, deferred);
    } else {
        call_is_over(call, NULL);
    }
}

static void tick(void *context)
{
    struct bight_looping_call *call = enter(context);
    uint64_t present = tick_at(call, bight_clock_now(call->clock));
    call_function(call, present > call->next ? present : call->next);
    leave(call);
}

/* --------------------------------------------------------------------------------------- start, stop */

/* Asked through start's Deferred, which fires with what the canceller makes happen, or with CANCELLED. */
static void cancel_run(struct bight_promise promise, void *context)
{
    struct bight_looping_call *call = enter(context);
    (void)promise;
    call->is_running = false;
    bight_timer_cancel(call->timer);
    if (call->awaited != NULL) {
        bight_deferred_cancel(call->awaited);
    }
    leave(call);
}

static int find_obstacle(const struct bight_looping_call *call, double seconds, uint64_t *interval)
{
    if (call->is_running || call->is_freed) {
        return BIGHT_E_USAGE;
    }
    return call->is_shut ? BIGHT_E_CANCELLED : find_interval(seconds, interval);
}

static struct bight_deferred *refuse(const char *place, int code)
{
    if (code != BIGHT_E_CANCELLED) {
        bi_usage_error(code, place, "bight_looping_call_start: %s",
            code == BIGHT_E_USAGE ? "it runs already, or has been freed" : BI_BAD_SECONDS);
    }
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_looping_call_start_at(
    const char *place, struct bight_looping_call *call, double seconds, bool now)
{
    struct bight_promise promise, former = call->promise;
    uint64_t interval;
    int code = find_obstacle(call, seconds, &interval);
    if (code != BIGHT_OK) {
        return refuse(place, code);
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, cancel_run, call, NULL);
    if (!bight_promise_is_open(promise)) {
        return deferred;
    }
    enter(call);
    call->promise = promise;
    call->is_running = true;
    call->interval = interval;
    call->start = bight_clock_now(call->clock);
    call->due = now ? 0 : 1;
    call->started_at = place;
    if (call->is_under_way) {
        if (bight_promise_is_open(former)) {
            bight_callback(former, NULL, NULL);
        }
    } else if (now) {
        call_function(call, 0);
    } else {
        schedule(call);
    }
    leave(call);
    return deferred;
}

int bight_looping_call_stop(struct bight_looping_call *call)
{
    if (!call->is_running) {
        return BIGHT_E_NOT_RUNNING;
    }
    enter(call);
    call->is_running = false;
    bight_timer_cancel(call->timer);
    if (!call->is_under_way) {
        end_run(call, NULL);
    }
    leave(call);
    return BIGHT_OK;
}

int bight_looping_call_reset(struct bight_looping_call *call)
{
    if (!call->is_running) {
        return BIGHT_E_NOT_RUNNING;
    }
    call->start = bight_clock_now(call->clock);
    call->due = 1;
    if (!call->is_under_way) {
        bight_timer_reset_at(call->timer, plan_next(call));
    }
    return BIGHT_OK;
}

void bight_looping_call_free(struct bight_looping_call *call)
{
    if (call == NULL) {
        return;
    }
    if (call->is_freed) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_looping_call_free: " BI_FREED_TWICE);
        return;
    }
    enter(call)->is_freed = true;
    call->is_running = false;
    bight_timer_cancel(call->timer);
    struct bight_promise promise = call->promise;
    call->promise = (struct bight_promise) { .slot = NULL };
    bi_promise_end(promise, bight_failure_of(BIGHT_E_ABANDONED));
    if (call->awaited != NULL) {
        bight_deferred_cancel(call->awaited);
    }
    leave(call);
}

/* ------------------------------------------------------------------------------------ jitter, scopes */

int bight_looping_call_set_jitter(struct bight_looping_call *call, double fraction, uint64_t seed)
{
    if (!(fraction >= 0 && fraction <= 0.5)) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_looping_call_set_jitter: the fraction is not from 0 to 0.5");
    }
    if (seed == 0 && bi_clock_random(call->clock, &seed, sizeof(seed)) != BIGHT_OK) {
        return BIGHT_E_SYSTEM;
    }
    call->jitter = fraction;
    call->random = seed;
    return BIGHT_OK;
}

double bight_looping_call_get_jitter(const struct bight_looping_call *call)
{
    return call->jitter;
}

static struct bight_looping_call *call_of(const struct bight_scope_member *member)
{
    return BI_CONTAINER(member, struct bight_looping_call, member);
}

static void close_member(struct bight_scope_member *member)
{
    struct bight_looping_call *call = enter(call_of(member));
    call->is_shut = true;
    (void)bight_looping_call_stop(call);
    leave(call);
}

static void abort_member(struct bight_scope_member *member)
{
    struct bight_looping_call *call = enter(call_of(member));
    if (call->awaited != NULL) {
        bight_deferred_cancel(call->awaited);
    }
    leave(call);
}

static const char *made_at(const struct bight_scope_member *member)
{
    return call_of(member)->started_at;
}

int bight_looping_call_join_scope(struct bight_looping_call *call, struct bight_scope *scope)
{
    static const struct bight_scope_member_ops ops = { close_member, abort_member, "looping call", made_at };
    if (scope == NULL) {
        bight_scope_leave(&call->member);
        return BIGHT_OK;
    }
    int code = bight_scope_join(scope, &call->member, &ops);
    call->is_shut = call->is_shut && code != BIGHT_OK;
    return code;
}
