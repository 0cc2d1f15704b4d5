/* SPDX-License-Identifier: MIT */
/* shutdown.c - how a reactor starts and, above all, how it ends (R2, R3).
 *
 * Asking for a stop only marks. Between turns bi_reactor_serve_on looks at the marks. While the loop serves on, first
 * what was asked for before is done (calls from threads, timers that are due, calls when running), then before-triggers
 * are run and their Deferreds awaited. Then everything is disconnected and the rest of the triggers run: from there on
 * nothing of the program's is called but handlers of ends. What is asked for so late waits for the next run. A guest on
 * a host's loop goes through the very same steps, from its turns. */
#include <bight/log.h>
#include <bight/memory.h>

#include "base/moment.h"
#include "deferred/promises.h"
#include "reactor/state.h"

/* Rounds of put-off work after the disconnecting; what asks for more than that is up to no good. */
#define ROUNDS_AT_THE_END 64

void bi_reactor_start(struct bight_reactor *reactor)
{
    reactor->state->phase = BI_PHASE_STARTING;
    reactor->state->guest_started = reactor->hosted;
    bi_mailbox_begin(reactor);
    bi_attachments_tell(reactor, BI_RUN_BEGINS);
    bi_event_run(reactor, &reactor->state->startup, BIGHT_BEFORE);
    reactor->state->phase = BI_PHASE_STARTED;
    bi_event_run(reactor, &reactor->state->startup, BIGHT_DURING);
    bi_event_run(reactor, &reactor->state->startup, BIGHT_AFTER);
    reactor->state->phase = BI_PHASE_RUNNING;
}

/* -------------------------------------------------------------------------------- asking for a stop */

/* A guest may be stopped before the host has run at all: it starts and stops on its first turn. */
static bool can_stop(const struct bight_reactor *reactor)
{
    const struct bi_reactor_state *state = reactor->state;
    bool is_coming = reactor->hosted && !state->guest_started && state->phase == BI_PHASE_IDLE;
    return bi_reactor_is_in_run(state) || is_coming;
}

static void mark_stop(struct bight_reactor *reactor)
{
    reactor->state->stop_now = reactor->state->stop_asked;
    reactor->state->stop_asked = true;
    bi_reactor_wake(reactor);
}

int bight_reactor_stop(struct bight_reactor *reactor)
{
    int code = bi_reactor_check_thread(reactor, "bight_reactor_stop");
    if (code != 0) {
        return code;
    }
    if (!can_stop(reactor)) {
        return bi_usage_error(BIGHT_E_NOT_RUNNING, BIGHT_HERE, "bight_reactor_stop: the reactor does not run");
    }
    mark_stop(reactor);
    return 0;
}

struct bight_deferred *bight_reactor_stop_later(struct bight_reactor *reactor)
{
    int code = bight_reactor_stop(reactor);
    if (code != 0) {
        return bight_fail(bight_failure_of(code));
    }
    return bi_promises_add(BIGHT_HERE, &reactor->state->stop_waiters, NULL);
}

void bight_reactor_fail(struct bight_reactor *reactor, int status)
{
    struct bi_reactor_state *state = reactor->state;
    if (bi_reactor_check_thread(reactor, "bight_reactor_fail") != 0) {
        return;
    }
    if (state->exit_status == 0) {
        state->exit_status = status;
    }
    if (status != 0 && can_stop(reactor) && !state->stop_asked) {
        mark_stop(reactor);
    }
}

void bi_reactor_drop_stop_waiters(struct bight_reactor *reactor)
{
    bi_promises_end(&reactor->state->stop_waiters, BIGHT_E_ABANDONED);
}

/* ---------------------------------------------------------------------------------- the shutdown */

static void do_what_was_put_off(struct bight_reactor *reactor)
{
    for (int round = 0; round < ROUNDS_AT_THE_END; round++) {
        if (reactor->soon.first == NULL && reactor->afterwards.first == NULL) {
            return;
        }
        bi_reactor_drain_afterwards(reactor);
        bi_reactor_drain_soon(reactor);
    }
}

void bi_reactor_disconnect(struct bight_reactor *reactor)
{
    bi_attachments_handle(reactor, BI_DISCONNECTING);
    do_what_was_put_off(reactor);
    bi_attachments_handle(reactor, BI_DISCONNECTED);
}

static void time_is_up(struct bi_wheel_entry *entry)
{
    struct bi_reactor_state *state = BI_CONTAINER(entry, struct bi_reactor_state, shutdown_timer);
    bight_log(BIGHT_LOG_WARNING, "reactor", NULL, "shutting down without what is still awaited");
    state->stop_now = true;
    bi_reactor_wake(state->reactor);
}

void bi_reactor_await_longer(struct bight_reactor *reactor, double seconds)
{
    struct bi_wheel_entry *timer = &reactor->state->shutdown_timer;
    uint64_t wait = 0;
    (void)bight_seconds_to_nanoseconds(seconds, &wait);
    uint64_t until = bi_moment_after(bi_moment_after(bi_reactor_now(reactor), wait), BIGHT_NANOSECONDS_PER_SECOND);
    if (bi_wheel_is_armed(timer) && timer->deadline < until) {
        bi_reactor_arm(reactor, timer, until);
    }
}

static void begin_shutdown(struct bight_reactor *reactor)
{
    struct bi_reactor_state *state = reactor->state;
    uint64_t wait = state->shutdown_nanoseconds;
    state->phase = BI_PHASE_STOPPING;
    bi_mailbox_take(reactor);
    bi_reactor_owe_due_timers(reactor);
    state->shutdown_timer.function = time_is_up;
    bi_reactor_arm(reactor, &state->shutdown_timer, bi_moment_after(state->stopped_at, wait));
}

void bi_reactor_break_off(struct bight_reactor *reactor, int status)
{
    struct bi_reactor_state *state = reactor->state;
    bi_reactor_disarm(reactor, &state->shutdown_timer);
    bi_event_stop_awaiting(&state->shutdown);
    state->phase = BI_PHASE_IDLE;
    state->stop_asked = false;
    state->stop_now = false;
    state->exit_status = status;
}

/* Asked when a turn has been taken since the shutdown began, which is all that a stop at once waits for. */
static bool owes_work(const struct bight_reactor *reactor)
{
    return !reactor->state->stop_now && (bi_mailbox_has_taken(reactor) || bi_reactor_owes_timers(reactor));
}

static bool is_wait_over(const struct bi_reactor_state *state)
{
    return state->stop_now || (bi_list_is_empty(&state->shutdown.awaited) && !bi_event_has_before(&state->shutdown));
}

static void end_shutdown(struct bight_reactor *reactor)
{
    struct bi_reactor_state *state = reactor->state;
    state->phase = BI_PHASE_ENDING;
    state->owed_timers = 0;
    bi_reactor_disarm(reactor, &state->shutdown_timer);
    bi_event_stop_awaiting(&state->shutdown);
    bi_mailbox_end_waiting(reactor);
    bi_event_run(reactor, &state->shutdown, BIGHT_DURING);
    bi_reactor_disconnect(reactor);
    bi_event_run(reactor, &state->shutdown, BIGHT_AFTER);
    state->phase = BI_PHASE_IDLE;
    state->stop_asked = false;
    state->stop_now = false;
    bi_reactor_enter(reactor); /* a waiter's handler may not free the reactor */
    bi_promises_fire(&reactor->state->stop_waiters, NULL);
    bi_reactor_leave(reactor);
}

bool bi_reactor_shutdown_is_due(const struct bi_reactor_state *state)
{
    if (BI_LIKELY(state->phase == BI_PHASE_RUNNING)) {
        return state->stop_asked;
    }
    return state->phase == BI_PHASE_STOPPING ||
           (state->phase == BI_PHASE_WAITING && (is_wait_over(state) || bi_event_has_before(&state->shutdown)));
}

bool bi_reactor_serve_on(struct bight_reactor *reactor)
{
    struct bi_reactor_state *state = reactor->state;
    if (BI_LIKELY(!bi_reactor_shutdown_is_due(state))) {
        return bi_reactor_is_in_run(state);
    }
    if (state->phase == BI_PHASE_RUNNING) {
        begin_shutdown(reactor);
        return true;
    }
    if (state->phase == BI_PHASE_STOPPING) {
        if (owes_work(reactor)) {
            return true;
        }
        state->phase = BI_PHASE_WAITING;
        state->shutdown.last_before_run = 0;
    }
    bi_event_run_before(reactor, &state->shutdown);
    if (!is_wait_over(state)) {
        return true;
    }
    end_shutdown(reactor);
    return false;
}
