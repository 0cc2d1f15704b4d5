/* SPDX-License-Identifier: MIT */
/* timeouts.c - what a program asks for of a connection's deadlines, and the total one.
 *
 * The timers are embedded in the extension. None is touched per message (T24). How idle timeouts are kept is in idle.c;
 * what is bounded while output waits, and how a close is, in close.c. */
#include "base/moment.h"
#include "transport/state.h"

void bi_timeouts_end(struct bight_transport *transport)
{
    bi_close_end(transport, bight_failure_of(BIGHT_E_TIMED_OUT), true);
}

static int read_seconds(struct bight_transport *transport, double seconds, uint64_t *nanoseconds)
{
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    int code = bight_seconds_to_nanoseconds(seconds, nanoseconds);
    return code == BIGHT_OK ? BIGHT_OK : bi_usage_error(code, BIGHT_HERE, "a timeout of a transport: " BI_BAD_SECONDS);
}

/* For what is kept in the extension. */
static int take_seconds(struct bight_transport *transport, double seconds, uint64_t *nanoseconds)
{
    int code = read_seconds(transport, seconds, nanoseconds);
    return code == BIGHT_OK && bi_extension_of(transport) == NULL ? BIGHT_E_OUT_OF_MEMORY : code;
}

/* -------------------------------------------------------------------------------------------- idle */

int bight_transport_set_idle_timeout(struct bight_transport *transport, double seconds)
{
    uint64_t nanoseconds;
    int code = read_seconds(transport, seconds, &nanoseconds);
    return code == BIGHT_OK ? bi_idle_start(transport, nanoseconds) : code;
}

/* -------------------------------------------------------------------------------------------- total */

static void total_timer_ran(struct bi_wheel_entry *entry)
{
    bi_timeouts_end(BI_CONTAINER(entry, struct bi_extension, total_timer)->transport);
}

int bight_transport_set_total_timeout(struct bight_transport *transport, double seconds)
{
    uint64_t nanoseconds;
    int code = take_seconds(transport, seconds, &nanoseconds);
    if (code != BIGHT_OK) {
        return code;
    }
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bi_wheel_entry *timer = &transport->extension->total_timer;
    bi_reactor_disarm(reactor, timer);
    if (nanoseconds > 0) {
        timer->function = total_timer_ran;
        bi_reactor_arm(reactor, timer, bi_moment_after(bi_reactor_now(reactor), nanoseconds));
    }
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ closing */

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

/* A server sets none for each connection that it closes: that needs no extension. */
int bight_transport_set_linger(struct bight_transport *transport, double seconds, size_t bytes)
{
    uint64_t nanoseconds;
    bool is_none = seconds == 0 && bytes == 0;
    int code =
        is_none ? read_seconds(transport, seconds, &nanoseconds) : take_seconds(transport, seconds, &nanoseconds);
    if (code != BIGHT_OK) {
        return code;
    }
    transport->idle.no_linger = is_none;
    if (transport->extension != NULL) {
        transport->extension->linger = nanoseconds;
        transport->extension->linger_bytes = bytes;
    }
    return BIGHT_OK;
}

/* It counts from the next time that output waits, or again when some of it goes. */
int bight_transport_set_write_timeout(struct bight_transport *transport, double seconds)
{
    uint64_t nanoseconds;
    int code = take_seconds(transport, seconds, &nanoseconds);
    if (code == BIGHT_OK) {
        transport->extension->stall = nanoseconds;
        bi_transport_changed(transport);
    }
    return code;
}

/* Time that runs goes on, towards the new amount. */
int bight_transport_set_least_progress(struct bight_transport *transport, size_t bytes)
{
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (bi_extension_of(transport) == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    transport->extension->least_progress = bytes == 0 ? 1 : bytes;
    return BIGHT_OK;
}

/* ----------------------------------------------------------------------------------------- disarming */

void bi_timeouts_disarm_close(struct bight_transport *transport)
{
    if (transport->extension != NULL) {
        bi_reactor_disarm(transport->hub->reactor, &transport->extension->close_timer);
    }
}

void bi_timeouts_disarm(struct bight_transport *transport)
{
    bi_idle_stop(transport);
    bi_timeouts_disarm_close(transport);
    if (transport->extension != NULL) {
        bi_reactor_disarm(transport->hub->reactor, &transport->extension->total_timer);
    }
}
