/* SPDX-License-Identifier: MIT */
/* timer.c - the reactor as a clock: calls at a deadline, their handles, and the pass that makes them.
 *
 * The order is the wheel's business, waking is the loop's. Here is when each is bothered: the clock is read once for a
 * relative delay and once for a pass, and the loop gets a deadline only when that got earlier or has passed. A call's
 * slot comes from a slab, so a handle that outlived its call is told apart (R7). */
#include <bight/log.h>
#include <bight/sys/digest.h>

#include "base/places.h"
#include "base/slab.h"
#include "deferred/deferred.h"
#include "reactor/state.h"

/* Most calls that one pass makes; what is left over waits until the descriptors were polled (R4). */
#define CALLS_A_PASS 1024

/* The entry begins as a struct bi_slot and a struct bight_timer_slot do. Small: with a million of them pending the
 * cache misses are what they cost, so the clock is the handle's to know. */
struct timed_call {
    struct bi_wheel_entry entry;
    void *context;
};

_Static_assert(sizeof(struct timed_call) <= 48, "four calls that own nothing fit three cache lines");

/* A call whose context is released: its generation has the bit OWNING. */
struct owning_call {
    struct timed_call call;
    bight_release_function release;
};

#define OWNING (UINT64_C(1) << 63)

static struct bi_slab_kind timed_call_kind = { .name = "timer", .slot_size = sizeof(struct timed_call) };
static struct bi_slab_kind owning_call_kind = {
    .name = "owning timer", .slot_size = sizeof(struct owning_call), .first_generation = OWNING
};
static _Thread_local struct bi_slab timed_calls __attribute__((tls_model("initial-exec"))) = {
    .kind = &timed_call_kind,
};
static _Thread_local struct bi_slab owning_calls __attribute__((tls_model("initial-exec"))) = {
    .kind = &owning_call_kind,
};

static inline struct bight_reactor *reactor_of(struct bight_clock *clock)
{
    return (struct bight_reactor *)clock;
}

static inline bool is_call(const struct bi_wheel_entry *entry)
{
    return entry->generation % 2 == 1;
}

static inline bool is_owning(const struct timed_call *call)
{
    return (call->entry.generation & OWNING) != 0;
}

/* ---------------------------------------------------------------------------- what the loop is told */

static void tell_loop(struct bight_reactor *reactor, uint64_t deadline)
{
    int code = reactor->loop->ops->set_deadline(reactor->loop, deadline);
    reactor->loop_deadline = deadline;
    reactor->state->loop_woke = false;
    if (BI_UNLIKELY(code != 0)) {
        bight_log(BIGHT_LOG_ERROR, "reactor", NULL, "cannot set the timer: %s", bight_error_text(code));
    }
}

/* An entry was armed that is earlier than the loop's deadline. */
static void hasten(struct bight_reactor *reactor, uint64_t deadline)
{
    struct bi_reactor_state *state = reactor->state;
    if (reactor->timers_due || state->in_timer_pass) {
        return; /* the pass sees to it */
    }
    if (deadline <= state->seen_now) {
        reactor->timers_due = true; /* is due already: the next turn does it, without a system call */
        bi_reactor_wake(reactor);
        return;
    }
    tell_loop(reactor, deadline);
}

void bi_reactor_arm(struct bight_reactor *reactor, struct bi_wheel_entry *entry, uint64_t deadline)
{
    bi_wheel_arm(&reactor->wheel, entry, deadline);
    if (deadline < reactor->loop_deadline) {
        hasten(reactor, deadline);
    }
}

void bi_reactor_deadline_passed(void *context)
{
    struct bight_reactor *reactor = context;
    reactor->state->loop_woke = true;
    reactor->loop_deadline = UINT64_MAX;
    reactor->timers_due = true;
    bi_reactor_wake(reactor);
}

/* ----------------------------------------------------------------------------------------- the pass */

static uint64_t read_clock(struct bight_reactor *reactor)
{
    uint64_t now = bi_reactor_now(reactor);
    reactor->state->seen_now = now;
    return now;
}

/* After a pass: more work for the next turn, or a deadline for the loop. */
static void plan_next_pass(struct bight_reactor *reactor, uint64_t now)
{
    uint64_t next = bi_wheel_next(&reactor->wheel);
    if (next <= now) {
        reactor->timers_due = true;
        bi_reactor_wake(reactor);
        return;
    }
    if (next < reactor->loop_deadline || reactor->state->loop_woke) {
        tell_loop(reactor, next);
    }
}

static void fire_owning(struct timed_call *call)
{
    bight_timer_function function = call->entry.call;
    bight_release_function release = ((struct owning_call *)call)->release;
    void *context = call->context;
    bi_slab_give(&owning_calls, call);
    function(context);
    release(context);
}

/* Returns a call's slot, which makes every handle to it stale, then lets its owner do what is left to do. */
static inline void fire(struct bi_wheel_entry *entry)
{
    struct timed_call *call = (struct timed_call *)entry;
    if (BI_UNLIKELY(!is_call(entry))) {
        entry->function(entry);
        return;
    }
    if (is_owning(call)) {
        fire_owning(call);
        return;
    }
    bight_timer_function function = entry->call;
    void *context = call->context;
    bi_slab_give(&timed_calls, call);
    function(context);
}

void bi_reactor_run_timers(struct bight_reactor *reactor)
{
    uint64_t now = read_clock(reactor);
    reactor->timers_due = false;
    reactor->state->in_timer_pass = true;
    bi_wheel_begin(&reactor->wheel, now);
    int calls = 0;
    for (; calls < CALLS_A_PASS; calls++) {
        struct bi_wheel_entry *entry = bi_wheel_take(&reactor->wheel, now);
        if (entry == NULL) {
            break;
        }
        bi_reactor_enter_for(reactor, "timer", entry, entry->generation);
        fire(entry);
        bi_reactor_leave(reactor);
    }
    reactor->meter.timers_fired += (uint64_t)calls;
    reactor->state->owed_timers -=
        (size_t)calls < reactor->state->owed_timers ? (size_t)calls : reactor->state->owed_timers;
    reactor->state->in_timer_pass = false;
    plan_next_pass(reactor, now);
}

/* They come before whatever is armed later for as early a time, so their number says when they have run, unless some
 * are cancelled. */
void bi_reactor_owe_due_timers(struct bight_reactor *reactor)
{
    struct bi_reactor_state *state = reactor->state;
    state->stopped_at = read_clock(reactor);
    bi_wheel_begin(&reactor->wheel, state->stopped_at);
    state->owed_timers = bi_wheel_count_due(&reactor->wheel, state->stopped_at);
    reactor->timers_due = reactor->timers_due || state->owed_timers > 0;
}

bool bi_reactor_owes_timers(const struct bight_reactor *reactor)
{
    const struct bi_reactor_state *state = reactor->state;
    return state->owed_timers > 0 && bi_wheel_is_due(&reactor->wheel, state->stopped_at);
}

/* ------------------------------------------------------------------------------------------ calls */

static uint64_t clock_now(struct bight_clock *clock)
{
    return read_clock(reactor_of(clock));
}

static int clock_call_at(struct bight_clock *clock, uint64_t deadline, bight_timer_function function, void *context,
    bight_release_function release, struct bight_timer *timer)
{
    struct bight_reactor *reactor = reactor_of(clock);
    if (BI_UNLIKELY(bi_reactor_check_thread(reactor, "bight_call_at") != 0)) {
        return BIGHT_E_WRONG_THREAD;
    }
    if (BI_UNLIKELY(reactor->state->phase == BI_PHASE_FREEING)) {
        return BIGHT_E_SHUTDOWN;
    }
    struct timed_call *call = bi_slab_take(release == NULL ? &timed_calls : &owning_calls);
    if (BI_UNLIKELY(call == NULL)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    call->entry.link.next = NULL;
    call->entry.call = function;
    call->context = context;
    if (release != NULL) {
        ((struct owning_call *)call)->release = release;
    }
    if (timer != NULL) {
        *timer = (struct bight_timer) { call, call->entry.generation, clock };
    }
    bi_reactor_arm(reactor, &call->entry, deadline);
    return 0;
}

static void forget(struct timed_call *call)
{
    if (BI_LIKELY(!is_owning(call))) {
        bi_slab_give(&timed_calls, call);
        return;
    }
    bight_release_function release = ((struct owning_call *)call)->release;
    void *context = call->context;
    bi_slab_give(&owning_calls, call);
    release(context);
}

static void clock_cancel(struct bight_clock *clock, struct bight_timer_slot *slot)
{
    struct timed_call *call = (struct timed_call *)slot;
    bi_wheel_disarm(&reactor_of(clock)->wheel, &call->entry);
    forget(call);
}

static void clock_reset_at(struct bight_clock *clock, struct bight_timer_slot *slot, uint64_t deadline)
{
    bi_reactor_arm(reactor_of(clock), &((struct timed_call *)slot)->entry, deadline);
}

static uint64_t clock_deadline(struct bight_clock *clock, const struct bight_timer_slot *slot)
{
    (void)clock;
    return ((const struct timed_call *)slot)->entry.deadline;
}

static int clock_random(struct bight_clock *clock, void *buffer, size_t size)
{
    return bight_random(reactor_of(clock), buffer, size);
}

const struct bight_clock_ops bi_reactor_clock_ops = {
    .size = sizeof(struct bight_clock_ops),
    .now = clock_now,
    .call_at = clock_call_at,
    .cancel = clock_cancel,
    .reset_at = clock_reset_at,
    .deadline = clock_deadline,
    .random = clock_random,
};

const struct bight_timer_slot *bi_reactor_call_of(const struct bi_wheel_entry *entry)
{
    return is_call(entry) ? (const struct bight_timer_slot *)entry : NULL;
}

void bi_reactor_drop_timers(struct bight_reactor *reactor)
{
    struct bi_wheel_entry *entry;
    while ((entry = bi_wheel_take_any(&reactor->wheel)) != NULL) {
        if (is_call(entry)) {
            forget((struct timed_call *)entry);
        }
    }
}

/* -------------------------------------------------------------------------------- the public calls */

struct bight_clock *bight_reactor_clock(struct bight_reactor *reactor)
{
    return &reactor->clock;
}

/* Debug mode: where the call was made. */
static int note(int code, const char *place, const struct bight_timer *timer)
{
    if (code == 0) {
        bi_places_note(&(struct bi_place) {
            .object = timer->slot, .generation = timer->generation, .kind = "timer", .place = place, .is_slot = true });
    }
    return code;
}

int bight_call_later_full_at(const char *place, struct bight_reactor *reactor, double seconds,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer)
{
    struct bight_timer own;
    if (BI_LIKELY(!bi_deferred_debug())) {
        return bight_clock_call_later_at(place, &reactor->clock, seconds, function, context, release, timer);
    }
    timer = timer == NULL ? &own : timer;
    int code = bight_clock_call_later_at(place, &reactor->clock, seconds, function, context, release, timer);
    return note(code, place, timer);
}

int bight_call_later_at(const char *place, struct bight_reactor *reactor, double seconds, bight_timer_function function,
    void *context, struct bight_timer *timer)
{
    return bight_call_later_full_at(place, reactor, seconds, function, context, NULL, timer);
}

int bight_call_at_full_at(const char *place, struct bight_reactor *reactor, uint64_t deadline,
    bight_timer_function function, void *context, bight_release_function release, struct bight_timer *timer)
{
    struct bight_timer own;
    if (BI_LIKELY(!bi_deferred_debug())) {
        return clock_call_at(&reactor->clock, deadline, function, context, release, timer);
    }
    timer = timer == NULL ? &own : timer;
    return note(clock_call_at(&reactor->clock, deadline, function, context, release, timer), place, timer);
}

int bight_call_at_at(const char *place, struct bight_reactor *reactor, uint64_t deadline, bight_timer_function function,
    void *context, struct bight_timer *timer)
{
    return bight_call_at_full_at(place, reactor, deadline, function, context, NULL, timer);
}
