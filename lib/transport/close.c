/* SPDX-License-Identifier: MIT */
/* close.c - the ways in which a connection ends gracefully: lose_connection, half-closes, flush and linger (T7, T8,
 * T11), and what bounds them. The end itself is in loss.c.
 *
 * Closing is a state: the calls mark, and what then can go on is decided by advance.c, which calls
 * bi_close_go_on whenever something has changed. */
#include "transport/close.h"

#include "base/moment.h"
#include "transport/establish.h"
#include "transport/layer_talk.h"
#include "transport/levels.h"
#include "transport/state.h"

void bi_close_done(struct bight_transport *transport)
{
    bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
}

/* ------------------------------------------------------------------------------------ going on with it */

static bool is_not_to_linger(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    return transport->idle.no_linger || (extension != NULL && (extension->linger == 0 || extension->linger_bytes == 0));
}

/* T7. The obvious way, closing once all is flushed, fails because input that comes then is answered with a reset, which
 * destroys what the peer has not read yet; therefore the writing side is shut, and input dropped for a while. If the
 * timer cannot be allocated it closes at once. A bottom that cannot shut its writing side (a pipe) shows the end by
 * closing. */
static void linger(struct bight_transport *transport)
{
    bool is_over = is_not_to_linger(transport) || (transport->state & BI_EOF_RECEIVED);
    if (is_over || transport->bottom->shut_writing == NULL || bi_extension_of(transport) == NULL) {
        bi_close_done(transport);
        return;
    }
    bi_set_life(transport, BI_LINGERING);
    bi_timeouts_disarm(transport);
}

static void tell_write_end(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    transport->state &= ~BI_WRITE_END_DUE;
    transport->state |= BI_CHANGED;
    if (bi_life_of(transport) != BI_OPEN || protocol->ops->write_connection_lost == NULL) {
        return;
    }
    bi_enter_handler(transport);
    protocol->ops->write_connection_lost(protocol);
    bi_leave_handler(transport);
}

/* Nothing is waited for before the descriptor is closed, and that shuts, too; but not while another process has a copy
 * of it, as after a fork. */
static bool is_closed_next(const struct bight_transport *transport)
{
    return (transport->state & BI_EOF_RECEIVED) ||
           (is_not_to_linger(transport) && !bi_reactor_may_be_shared(transport->hub->reactor));
}

/* What the parent has too is not ours to shut. */
static void shut(struct bight_transport *transport)
{
    bool losing = bi_life_of(transport) == BI_LOSING;
    bool inherited = bi_close_is_inherited(transport);
    bi_set_write_end(transport, BI_SHUT);
    if (losing && (inherited || is_closed_next(transport))) {
        bi_close_done(transport);
    } else if (!inherited && transport->bottom->shut_writing != NULL) {
        transport->bottom->shut_writing(transport);
    }
}

/* Nothing more is written: the layers end first, each when it has sent its own. A producer is waited for (T8). Telling
 * the protocol at once would call it inside its own lose_write; therefore that has asked for an output, even an empty
 * one, and its going, in a flush from the loop, is waited for. */
static void end_output(struct bight_transport *transport, bool quiet)
{
    if (bi_write_end_of(transport) == BI_END_ASKED && !(transport->state & (BI_PRODUCING | BI_HELD))) {
        bool layered = (transport->state & BI_LAYERED) != 0;
        bi_set_write_end(transport, layered ? BI_END_IN_LAYERS : BI_END_QUEUED);
        if (layered) {
            bi_layers_flush(transport);
            bi_layers_write_end(transport);
        }
    }
    if (bi_write_end_of(transport) == BI_END_QUEUED && bi_output_queued(transport) == 0 && !bi_is_cut(transport)) {
        shut(transport);
    }
    if ((transport->state & BI_WRITE_END_DUE) && bi_write_end_of(transport) == BI_SHUT && transport->output == NULL) {
        quiet ? bi_transport_later(transport) : tell_write_end(transport);
    }
}

static void end_both(struct bight_transport *transport)
{
    uint32_t life = bi_life_of(transport);
    const uint32_t both = BI_EOF_DELIVERED | BI_WRITE_END_DUE;
    if (life == BI_LOSING) {
        linger(transport);
    } else if (life == BI_LINGERING && (transport->state & BI_EOF_RECEIVED)) {
        bi_close_done(transport);
    } else if (life == BI_OPEN && (transport->state & both) == BI_EOF_DELIVERED) {
        bi_close_done(transport); /* T11 */
    }
}

/* The reason was kept when it broke: bi_close_done only ends it. */
static void end_broken(struct bight_transport *transport)
{
    bool is_read = (transport->state & BI_EOF_RECEIVED) != 0;
    if (is_read && !(transport->state & BI_WAITING)) {
        bi_close_done(transport);
    } else if (!is_read && bi_levels_want_input(transport)) {
        bi_close_broken_later(transport);
    }
}

void bi_close_go_on(struct bight_transport *transport, bool quiet)
{
    if (bi_life_of(transport) == BI_BROKEN) {
        end_broken(transport);
        return;
    }
    if (bi_is_over(transport)) {
        return;
    }
    end_output(transport, quiet);
    if (bi_write_end_of(transport) == BI_SHUT) {
        end_both(transport);
    }
}

void bi_close_end_reached(struct bight_transport *transport)
{
    if (!bi_is_cut(transport) && bi_write_end_of(transport) < BI_END_QUEUED) {
        bi_set_write_end(transport, BI_END_QUEUED);
        bi_transport_changed(transport);
    }
}

/* T7. Pause and backpressure end here: input that they left in the kernel would make the close a reset; therefore it is
 * read from now on, and dropped. */
void bi_begin_close(struct bight_transport *transport)
{
    bi_set_life(transport, BI_LOSING);
    if (bi_write_end_of(transport) == BI_WRITE_OPEN) {
        bi_set_write_end(transport, BI_END_ASKED);
    }
    transport->state &= ~(BI_THROTTLED | BI_PAUSED);
    bi_levels_drop_facade(transport);
    bi_switch_drop(transport);
    bi_idle_stop(transport); /* T7: the flush has a bound of its own */
    bi_timeouts_disarm_close(transport);
    bi_transport_changed(transport);
}

/* True when it is the first. While it lingers all has been flushed and shut: the end stays DONE. */
static bool keep_reason(struct bight_transport *transport, struct bight_layer *layer, struct bight_failure *reason)
{
    struct bi_extension *extension = transport->extension;
    if (extension->reason != NULL || bi_life_of(transport) == BI_LINGERING) {
        bight_failure_release(reason);
        return false;
    }
    extension->reason = reason;
    bi_layers_end_below(layer);
    bi_flow_stop_producer(transport);
    transport->state &= ~BI_THROTTLED; /* by output that is not waited for */
    return true;
}

/* What the layer has delivered may still wait for the protocol: so a failure goes up as an end does, behind the data,
 * and is the end of the connection when it has come to the protocol. */
void bi_close_failed(struct bight_transport *transport, struct bight_layer *layer, struct bight_failure *reason)
{
    if (bi_life_of(transport) == BI_BROKEN) {
        bi_close_explain(transport, reason);
        return;
    }
    bool is_first = keep_reason(transport, layer, reason);
    if (bi_life_of(transport) == BI_OPEN && !(transport->state & BI_EOF_DELIVERED)) {
        bi_levels_failed(transport, layer);
    } else if (is_first) {
        bi_begin_close(transport);
    }
}

void bi_close_discarded(struct bight_transport *transport, size_t size)
{
    struct bi_extension *extension = transport->extension;
    if (bi_life_of(transport) != BI_LINGERING) {
        return;
    }
    if (size >= extension->linger_bytes) {
        bi_close_done(transport);
    } else {
        extension->linger_bytes -= size;
    }
}

/* True: the protocol finishes by itself. */
static bool tell_drain(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_protocol *protocol = transport->protocol;
    if (bi_life_of(transport) != BI_OPEN || protocol->ops->drain == NULL) {
        return false;
    }
    if (!(protocol->state & BI_PROTOCOL_DRAINING)) {
        bi_reactor_enter_for(reactor, "connection", transport, transport->id);
        bi_enter_handler(transport);
        protocol->state |= protocol->ops->drain(protocol) ? BI_PROTOCOL_DRAINING : 0;
        bi_leave_handler(transport);
        bi_reactor_leave(reactor);
    }
    return (protocol->state & BI_PROTOCOL_DRAINING) != 0;
}

void bi_close_drain(struct bight_transport *transport, bool lose)
{
    if (bi_life_of(transport) == BI_ESTABLISHING) {
        struct bi_establishing *establishing = transport->extension->establishing;
        establishing->is_drained = true;
        establishing->is_lost_when_drained = lose;
    } else if (!tell_drain(transport) && lose) {
        (void)bight_transport_lose_connection(transport);
    }
}

/* ------------------------------------------------------------------------------------------ the bounds */

static bool is_refused(const struct bight_transport *transport)
{
    return (transport->output != NULL && transport->output->watching) || (transport->state & BI_HELD);
}

/* What may take only so long without progress, in nanoseconds; 0: nothing does. Output that has not been tried yet is
 * not waiting. */
static uint64_t bound_of(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    uint64_t flush = extension == NULL ? BI_FLUSH_SECONDS * BIGHT_NANOSECONDS_PER_SECOND : extension->flush;
    uint64_t stall = extension == NULL ? 0 : extension->stall;
    bool waits_for_producer = bi_write_end_of(transport) == BI_END_ASKED && (transport->state & BI_PRODUCING);
    switch (bi_life_of(transport)) {
    case BI_OPEN:
        return waits_for_producer || bi_has_failed(transport) ? flush : is_refused(transport) ? stall : 0;
    case BI_LOSING:
        return waits_for_producer || is_refused(transport) || bi_write_end_of(transport) == BI_END_IN_LAYERS ? flush
                                                                                                             : 0;
    case BI_BROKEN:
        return flush;
    default:
        return 0;
    }
}

static void time_is_up(struct bi_wheel_entry *entry)
{
    struct bight_transport *transport = BI_CONTAINER(entry, struct bi_extension, close_timer)->transport;
    if (bi_life_of(transport) == BI_LINGERING || bi_life_of(transport) == BI_BROKEN) {
        bi_close_done(transport);
    } else if ((transport->state & BI_PRODUCING) && bi_write_end_of(transport) == BI_END_ASKED &&
               !is_refused(transport)) {
        bi_flow_stop_producer(transport); /* T8: it has had its time, and what it wrote is flushed */
        transport->state |= BI_CHANGED;
        bi_transport_advance(transport);
    } else {
        bi_timeouts_end(transport);
    }
}

static void arm(struct bight_transport *transport, uint64_t nanoseconds)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bi_extension *extension = transport->extension;
    extension->progress = 0;
    extension->close_timer.function = time_is_up;
    bi_reactor_arm(reactor, &extension->close_timer, bi_moment_after(bi_reactor_now(reactor), nanoseconds));
}

static bool is_bounded(const struct bight_transport *transport)
{
    return transport->extension != NULL && bi_wheel_is_armed(&transport->extension->close_timer);
}

/* A flush that nothing bounds might never end: if the timer cannot be allocated the connection ends at once. */
void bi_close_bound(struct bight_transport *transport)
{
    uint64_t bound = bi_life_of(transport) == BI_LINGERING ? transport->extension->linger : bound_of(transport);
    if (bound == 0) {
        if (is_bounded(transport)) {
            bi_reactor_disarm(transport->hub->reactor, &transport->extension->close_timer);
        }
    } else if (!is_bounded(transport)) {
        if (bi_extension_of(transport) == NULL) {
            bi_close_end(transport, bight_failure_of(BIGHT_E_OUT_OF_MEMORY), true);
            return;
        }
        arm(transport, bound);
    }
}

/* The flush has its time again for each bit of progress, and not for each byte: a peer that takes one now and then must
 * not keep megabytes alive. */
void bi_close_progress(struct bight_transport *transport, size_t sent)
{
    if (!is_bounded(transport) || bi_life_of(transport) == BI_LINGERING) {
        bi_close_bound(transport);
        return;
    }
    struct bi_extension *extension = transport->extension;
    extension->progress += sent;
    if (extension->progress >= extension->least_progress || bi_output_waiting(transport) == 0) {
        bi_reactor_disarm(transport->hub->reactor, &extension->close_timer);
        bi_close_bound(transport);
    }
}

/* ------------------------------------------------------------------------------------------ the calls */

int bight_transport_lose_connection(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_lose_connection");
    if (bi_life_of(transport) == BI_LOST) {
        return BIGHT_E_CLOSED;
    }
    if (bi_life_of(transport) == BI_LOSS_DUE || bi_is_losing(transport)) {
        return BIGHT_OK;
    }
    bi_close_claim(transport);
    if (bi_life_of(transport) == BI_BROKEN) {
        bi_close_done(transport); /* the reason was kept; nothing more is delivered */
    } else {
        bi_begin_close(transport);
    }
    return BIGHT_OK;
}

int bight_transport_abort_connection(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_abort_connection");
    if (bi_life_of(transport) == BI_LOST) {
        return BIGHT_E_CLOSED;
    }
    bi_close_claim(transport);
    bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_ABORTED), true);
    return BIGHT_OK;
}

int bight_transport_lose_write(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_lose_write");
    if (bi_is_cut(transport) || bi_is_losing(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (bi_write_end_of(transport) != BI_WRITE_OPEN) {
        return BIGHT_OK;
    }
    if (transport->bottom->shut_writing == NULL) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    bi_close_claim(transport);
    int code = bi_output_ask(transport); /* so that the protocol is notified from the loop */
    if (code != BIGHT_OK) {
        return code;
    }
    bi_set_write_end(transport, BI_END_ASKED);
    transport->state |= BI_WRITE_END_DUE;
    bi_transport_changed(transport);
    return BIGHT_OK;
}
