/* SPDX-License-Identifier: MIT */
/* timeouts.c - a connection's deadlines: idle, total, and the bounds of a close.
 *
 * The timers are embedded in the extension. None is touched per message (T24): a receive stores the hub's coarse time,
 * which one timer for all advances every sixteenth of the shortest idle timeout; a connection's own timer comes once
 * in a timeout, looks at what was stored, and sleeps on. */
#include "transport/transport.h"

#define PERIODS_A_TIMEOUT 16

static uint64_t later(uint64_t now, uint64_t nanoseconds)
{
    return nanoseconds > UINT64_MAX - now ? UINT64_MAX : now + nanoseconds;
}

static void time_out(struct bight_transport *transport)
{
    bight_close_end(transport, bight_failure_of(BIGHT_E_TIMED_OUT), true);
}

/* -------------------------------------------------------------------------------------- coarse time */

void bight_timeouts_tick(struct bight_wheel_entry *entry)
{
    struct bight_hub *hub = BIGHT_CONTAINER(entry, struct bight_hub, idle_timer);
    if (hub->idle_watched == 0) {
        hub->idle_period = 0;
        return;
    }
    hub->coarse_now = bight_reactor_now(hub->reactor);
    bight_reactor_arm(hub->reactor, entry, later(hub->coarse_now, hub->idle_period));
}

/* The coarse time is from now on never older than `period`. */
static void want_period(struct bight_hub *hub, uint64_t period, uint64_t now)
{
    if (hub->idle_period != 0 && hub->idle_period <= period) {
        return;
    }
    hub->idle_period = period;
    hub->coarse_now = now;
    bight_reactor_arm(hub->reactor, &hub->idle_timer, later(now, period));
}

/* --------------------------------------------------------------------------------------------- idle */

static uint64_t period_of(const struct bight_extension *extension)
{
    return extension->idle / PERIODS_A_TIMEOUT + 1;
}

/* What was received in a period is known to be no older than its beginning: so one period more than was asked for. */
static uint64_t idle_deadline(const struct bight_extension *extension)
{
    return later(extension->last_active, later(extension->idle, period_of(extension)));
}

static void idle_timer_ran(struct bight_wheel_entry *entry)
{
    struct bight_extension *extension = BIGHT_CONTAINER(entry, struct bight_extension, idle_timer);
    struct bight_reactor *reactor = extension->transport->hub->reactor;
    uint64_t deadline = idle_deadline(extension);
    if (deadline <= bight_reactor_now(reactor)) {
        time_out(extension->transport);
    } else {
        bight_reactor_arm(reactor, entry, deadline);
    }
}

static void stop_idle(struct bight_transport *transport)
{
    if (transport->state & BIGHT_STATE_IDLE_WATCHED) {
        transport->state &= ~BIGHT_STATE_IDLE_WATCHED;
        transport->hub->idle_watched--;
        bight_reactor_disarm(transport->hub->reactor, &transport->extension->idle_timer);
    }
}

static int take_seconds(struct bight_transport *transport, double seconds, uint64_t *nanoseconds)
{
    if (transport->state & BIGHT_STATE_OVER) {
        return BIGHT_E_CLOSED;
    }
    int code = bight_seconds_to_nanoseconds(seconds, nanoseconds);
    if (code != BIGHT_OK) {
        return bight_usage_error(code, BIGHT_HERE, "a timeout of a transport: " BIGHT_BAD_SECONDS);
    }
    return bight_extension_of(transport) == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

int bight_transport_set_idle_timeout(struct bight_transport *transport, double seconds)
{
    uint64_t nanoseconds;
    int code = take_seconds(transport, seconds, &nanoseconds);
    if (code != BIGHT_OK) {
        return code;
    }
    stop_idle(transport);
    if (nanoseconds == 0) {
        return BIGHT_OK;
    }
    struct bight_extension *extension = transport->extension;
    struct bight_hub *hub = transport->hub;
    uint64_t now = bight_reactor_now(hub->reactor);
    extension->idle = nanoseconds;
    extension->last_active = now;
    extension->idle_timer.function = idle_timer_ran;
    transport->state |= BIGHT_STATE_IDLE_WATCHED;
    hub->idle_watched++;
    want_period(hub, period_of(extension), now);
    bight_reactor_arm(hub->reactor, &extension->idle_timer, idle_deadline(extension));
    return BIGHT_OK;
}

/* -------------------------------------------------------------------------------------------- total */

static void total_timer_ran(struct bight_wheel_entry *entry)
{
    time_out(BIGHT_CONTAINER(entry, struct bight_extension, total_timer)->transport);
}

int bight_transport_set_total_timeout(struct bight_transport *transport, double seconds)
{
    uint64_t nanoseconds;
    int code = take_seconds(transport, seconds, &nanoseconds);
    if (code != BIGHT_OK) {
        return code;
    }
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_wheel_entry *timer = &transport->extension->total_timer;
    bight_reactor_disarm(reactor, timer);
    if (nanoseconds > 0) {
        timer->function = total_timer_ran;
        bight_reactor_arm(reactor, timer, later(bight_reactor_now(reactor), nanoseconds));
    }
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ closing */

static void close_timer_ran(struct bight_wheel_entry *entry)
{
    struct bight_transport *transport = BIGHT_CONTAINER(entry, struct bight_extension, close_timer)->transport;
    if (transport->state & BIGHT_STATE_SHUT) {
        bight_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
    } else {
        time_out(transport);
    }
}

void bight_timeouts_close_in(struct bight_transport *transport, uint64_t nanoseconds)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_wheel_entry *timer = &transport->extension->close_timer;
    timer->function = close_timer_ran;
    bight_reactor_arm(reactor, timer, later(bight_reactor_now(reactor), nanoseconds));
}

/* The new bounds hold from the next time that they are looked at. */
int bight_transport_set_flush_timeout(struct bight_transport *transport, double seconds)
{
    uint64_t nanoseconds;
    int code = take_seconds(transport, seconds, &nanoseconds);
    if (code == BIGHT_OK) {
        transport->extension->flush = nanoseconds;
    }
    return code;
}

int bight_transport_set_linger(struct bight_transport *transport, double seconds, size_t bytes)
{
    uint64_t nanoseconds;
    int code = take_seconds(transport, seconds, &nanoseconds);
    if (code == BIGHT_OK) {
        transport->extension->linger = nanoseconds;
        transport->extension->linger_bytes = bytes;
    }
    return code;
}

/* ----------------------------------------------------------------------------------------- disarming */

void bight_timeouts_disarm_user(struct bight_transport *transport)
{
    if (transport->extension != NULL) {
        stop_idle(transport);
        bight_reactor_disarm(transport->hub->reactor, &transport->extension->total_timer);
    }
}

void bight_timeouts_disarm(struct bight_transport *transport)
{
    if (transport->extension != NULL) {
        bight_timeouts_disarm_user(transport);
        bight_reactor_disarm(transport->hub->reactor, &transport->extension->close_timer);
    }
}
