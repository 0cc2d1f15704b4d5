/* SPDX-License-Identifier: MIT */
/* flow.c - what may go on: pause and resume of the input, producers and backpressure against the output's marks.
 *
 * The marks are looked at after an attempt to send (T13), so a peer that reads keeps everything going however much is
 * written. A producer, when there is one, is paused; without one the connection's own input stands still instead.
 * Defaults need no extension; a connection with a setting gets one. */
#include "transport/layer_talk.h"
#include "transport/levels.h"
#include "transport/state.h"

size_t bi_flow_limit(const struct bight_transport *transport)
{
    if (transport->extension != NULL) {
        return transport->extension->limit;
    }
    return transport->state & BI_ACCEPTED ? BI_ACCEPTED_LIMIT : SIZE_MAX;
}

size_t bi_flow_queued(const struct bight_transport *transport)
{
    size_t layered = transport->state & BI_LAYERED ? bi_layers_queued(transport) : 0;
    return bi_output_waiting(transport) + layered;
}

/* ---------------------------------------------------------------------------------- the input (T2) */

int bight_transport_pause(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_pause");
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    transport->state |= bi_is_losing(transport) ? 0 : BI_PAUSED;
    return BIGHT_OK;
}

int bight_transport_resume(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_resume");
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (!(transport->state & BI_PAUSED)) {
        return BIGHT_OK;
    }
    transport->state &= ~BI_PAUSED;
    transport->state |= BI_LOOK_LATER;
    bi_levels_put_off(transport);
    bi_transport_changed(transport);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------- backpressure */

static void set_pressed(struct bight_transport *transport, bool on)
{
    if (((transport->state & BI_THROTTLED) != 0) == on) {
        return;
    }
    transport->state ^= BI_THROTTLED;
    if (!on) {
        bi_transport_changed(transport);
    }
}

static bool is_below(size_t queued, size_t low)
{
    return queued < low || queued == 0;
}

static bool is_above(const struct bi_extension *extension, size_t queued)
{
    return queued > (extension == NULL ? BI_HIGH_WATERMARK : extension->high);
}

static bool is_below_low(const struct bi_extension *extension, size_t queued)
{
    return is_below(queued, extension == NULL ? BI_LOW_WATERMARK : extension->low);
}

static void check_producer(struct bi_extension *extension, size_t queued)
{
    if (!extension->streaming) {
        return;
    }
    if (!extension->producer_paused && queued > extension->high) {
        extension->producer_paused = true;
        if (extension->producer->pause != NULL) {
            extension->producer->pause(extension->producer_context);
        }
    } else if (extension->producer_paused && is_below(queued, extension->low)) {
        extension->producer_paused = false;
        if (extension->producer->resume != NULL) {
            extension->producer->resume(extension->producer_context);
        }
    }
}

/* Around a producer's function that may be called inside the program's own call: what it gathers is sent later, as what
 * is written outside any handler, since nothing may happen to other connections, or to this one's output, in here. */
static void enter_producer(struct bight_reactor *reactor)
{
    reactor->handler_depth++;
}

static void leave_producer(struct bight_reactor *reactor)
{
    if (--reactor->handler_depth == 0 && reactor->afterwards.first != NULL) {
        bi_reactor_wake(reactor);
    }
}

void bi_flow_check_watermarks(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    size_t queued = bi_flow_queued(transport);
    if (bi_is_cut(transport) || transport->hub->sequence == transport) {
        return;
    }
    if (is_above(extension, queued) && transport->protocol->ops->room != NULL && !bi_flow_awaits_room(transport)) {
        transport->protocol->state |= BI_PROTOCOL_ABOVE;
        transport->state |= BI_CHANGED; /* or a send that takes all there is would not ask */
    }
    if (transport->state & BI_PRODUCING) {
        struct bight_reactor *reactor = transport->hub->reactor;
        set_pressed(transport, false);
        enter_producer(reactor);
        check_producer(extension, queued);
        leave_producer(reactor);
        return;
    }
    if (!(transport->state & BI_PRESSURE_ON) || bi_life_of(transport) != BI_OPEN || bi_has_failed(transport)) {
        set_pressed(transport, false);
    } else if (is_above(extension, queued)) {
        set_pressed(transport, true);
    } else if (is_below_low(extension, queued)) {
        set_pressed(transport, false);
    }
}

/* A protocol that cannot write any more has nothing to do with room. */
static bool wants_room(const struct bight_transport *transport)
{
    return bi_life_of(transport) == BI_OPEN && bi_write_end_of(transport) == BI_WRITE_OPEN &&
           !(transport->state & BI_PRODUCING) && transport->protocol->ops->room != NULL;
}

void bi_flow_tell_room(struct bight_transport *transport, bool quiet)
{
    struct bight_protocol *protocol = transport->protocol;
    if (!bi_flow_awaits_room(transport) || !is_below_low(transport->extension, bi_flow_queued(transport))) {
        return;
    }
    if (!wants_room(transport)) {
        protocol->state &= ~BI_PROTOCOL_ABOVE;
    } else if (quiet) {
        bi_transport_later(transport);
    } else {
        protocol->state &= ~BI_PROTOCOL_ABOVE;
        transport->state |= BI_CHANGED;
        bi_enter_handler(transport);
        protocol->ops->room(protocol);
        bi_leave_handler(transport);
    }
}

/* ---------------------------------------------------------------------------------------- producers */

static void pull(struct bi_task *task)
{
    struct bi_extension *extension = BI_CONTAINER(task, struct bi_extension, pull_task);
    struct bight_transport *transport = extension->transport;
    bool wanted = (transport->state & BI_PRODUCING) && !bi_is_cut(transport);
    if (wanted && !extension->streaming && bi_flow_queued(transport) == 0 && extension->producer->resume != NULL) {
        extension->producer->resume(extension->producer_context);
    }
}

/* T13: a pull producer is asked on the next turn, so at most once a turn. */
void bi_flow_drained(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    bool pulled = (transport->state & BI_PRODUCING) && !bi_is_cut(transport) && !extension->streaming;
    if (pulled && extension->pull_task.run == NULL) {
        bi_reactor_soon(transport->hub->reactor, &extension->pull_task, pull);
    }
}

void bi_flow_stop_producer(struct bight_transport *transport)
{
    if (!(transport->state & BI_PRODUCING)) {
        return;
    }
    struct bi_extension *extension = transport->extension;
    transport->state &= ~BI_PRODUCING;
    if (extension->producer->stop != NULL) {
        extension->producer->stop(extension->producer_context);
    }
}

static bool takes_producer(const struct bight_transport *transport)
{
    return !bi_is_cut(transport) && !bi_is_losing(transport) && bi_write_end_of(transport) == BI_WRITE_OPEN;
}

int bight_transport_register_producer(
    struct bight_transport *transport, const struct bight_producer_ops *ops, void *context, bool streaming)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_register_producer");
    if (ops == NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_transport_register_producer: there is no table of functions");
    }
    if ((transport->state & BI_PRODUCING) && !bi_is_over(transport)) {
        return bi_usage_error(BIGHT_E_PRODUCER_REGISTERED, BIGHT_HERE,
            "bight_transport_register_producer: another producer is registered already");
    }
    if (!takes_producer(transport)) {
        if (ops->stop != NULL) {
            ops->stop(context);
        }
        return BIGHT_E_CLOSED;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    extension->producer = ops;
    extension->producer_context = context;
    extension->streaming = streaming;
    extension->producer_paused = false;
    transport->state |= BI_PRODUCING;
    bi_flow_check_watermarks(transport);
    if (!streaming && ops->resume != NULL && (transport->state & BI_PRODUCING)) {
        enter_producer(transport->hub->reactor);
        ops->resume(context);
        leave_producer(transport->hub->reactor);
    }
    return BIGHT_OK;
}

int bight_transport_unregister_producer(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_unregister_producer");
    bool has_producer = (transport->state & BI_PRODUCING) != 0;
    if (bi_is_over(transport) || (!has_producer && (bi_is_cut(transport) || bi_is_losing(transport)))) {
        return BIGHT_E_CLOSED; /* it may have been stopped, and its owner need not have been notified */
    }
    if (!has_producer) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_transport_unregister_producer: no producer is registered");
    }
    transport->state &= ~BI_PRODUCING;
    if (transport->state & BI_WRITE_END_DUE) {
        int code = bi_output_ask(transport); /* the protocol is notified from the loop that writing has ended */
        if (code != BIGHT_OK) {
            bi_close_end(transport, bight_failure_of(code), true);
            return BIGHT_OK;
        }
    }
    bi_transport_changed(transport);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ settings */

int bight_transport_set_watermarks(struct bight_transport *transport, size_t low, size_t high)
{
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (low >= high) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_transport_set_watermarks: the low mark %zu is not below the high one %zu", low, high);
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    extension->low = low;
    extension->high = high;
    return BIGHT_OK;
}

int bight_transport_set_backpressure(struct bight_transport *transport, bool on)
{
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (on) {
        transport->state |= BI_PRESSURE_ON;
    } else {
        transport->state &= ~BI_PRESSURE_ON;
        set_pressed(transport, false);
    }
    return BIGHT_OK;
}

int bight_transport_set_output_limit(struct bight_transport *transport, size_t limit)
{
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    extension->limit = limit;
    return BIGHT_OK;
}
