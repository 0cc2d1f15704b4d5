/* SPDX-License-Identifier: MIT */
/* flow.c - who may go on: pause and resume of the input, producers and backpressure against the output's marks.
 *
 * The marks are judged after an attempt to send (T13), so a peer that reads keeps everybody going however much is
 * written. A producer, when there is one, is told; without one the connection's own input stands still instead.
 * Defaults need no extension; whoever sets something gets one. */
#include "transport/transport.h"

size_t bi_flow_limit(const struct bight_transport *transport)
{
    if (transport->extension != NULL) {
        return transport->extension->limit;
    }
    return transport->state & BI_STATE_ACCEPTED ? BI_ACCEPTED_LIMIT : SIZE_MAX;
}

/* ---------------------------------------------------------------------------------- the input (T2) */

int bight_transport_pause(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_pause");
    if (transport->state & BI_STATE_OVER) {
        return BIGHT_E_CLOSED;
    }
    transport->state |= BI_STATE_PAUSED;
    return BIGHT_OK;
}

int bight_transport_resume(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_resume");
    if (transport->state & BI_STATE_OVER) {
        return BIGHT_E_CLOSED;
    }
    if (!(transport->state & BI_STATE_PAUSED)) {
        return BIGHT_OK;
    }
    transport->state &= ~BI_STATE_PAUSED;
    transport->state |= BI_STATE_LOOK_LATER;
    if (transport->state & (BI_STATE_HELD_INPUT | BI_STATE_END_HELD)) {
        bi_receive_later(transport);
    }
    bi_receive_update(transport);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------- backpressure */

static void set_pressed(struct bight_transport *transport, bool on)
{
    if (((transport->state & BI_STATE_PRESSED) != 0) == on) {
        return;
    }
    transport->state ^= BI_STATE_PRESSED;
    if (!on) {
        bi_receive_update(transport);
    }
}

static bool is_below(size_t queued, size_t low)
{
    return queued < low || queued == 0;
}

static void judge_producer(struct bi_extension *extension, size_t queued)
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

void bi_flow_judge(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    size_t queued = bi_output_queued(transport);
    if (transport->state & (BI_STATE_OVER | BI_STATE_IN_SEQUENCE)) {
        return;
    }
    if (transport->state & BI_STATE_PRODUCING) {
        struct bight_reactor *reactor = transport->hub->reactor;
        set_pressed(transport, false);
        enter_producer(reactor);
        judge_producer(extension, queued);
        leave_producer(reactor);
        return;
    }
    if (!(transport->state & BI_STATE_PRESSURE_ON)) {
        set_pressed(transport, false);
    } else if (queued > (extension == NULL ? BI_HIGH_WATERMARK : extension->high)) {
        set_pressed(transport, true);
    } else if (is_below(queued, extension == NULL ? BI_LOW_WATERMARK : extension->low)) {
        set_pressed(transport, false);
    }
}

/* ---------------------------------------------------------------------------------------- producers */

static void pull(struct bi_task *task)
{
    struct bi_extension *extension = BI_CONTAINER(task, struct bi_extension, pull_task);
    struct bight_transport *transport = extension->transport;
    bool wanted = (transport->state & (BI_STATE_PRODUCING | BI_STATE_OVER)) == BI_STATE_PRODUCING;
    if (wanted && !extension->streaming && bi_output_queued(transport) == 0 && extension->producer->resume != NULL) {
        extension->producer->resume(extension->producer_context);
    }
}

/* T13: a pull producer is asked on the next turn, so at most once a turn. */
void bi_flow_drained(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    bool pulled =
        (transport->state & (BI_STATE_PRODUCING | BI_STATE_OVER)) == BI_STATE_PRODUCING && !extension->streaming;
    if (pulled && extension->pull_task.run == NULL) {
        bi_reactor_soon(transport->hub->reactor, &extension->pull_task, pull);
    }
}

void bi_flow_stop_producer(struct bight_transport *transport)
{
    if (!(transport->state & BI_STATE_PRODUCING)) {
        return;
    }
    struct bi_extension *extension = transport->extension;
    transport->state &= ~BI_STATE_PRODUCING;
    if (extension->producer->stop != NULL) {
        extension->producer->stop(extension->producer_context);
    }
}

static bool takes_producer(const struct bight_transport *transport)
{
    return !(transport->state & (BI_STATE_OVER | BI_STATE_LOSING | BI_STATE_WRITE_ENDED));
}

int bight_transport_register_producer(
    struct bight_transport *transport, const struct bight_producer_ops *ops, void *context, bool streaming)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_register_producer");
    if (ops == NULL) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_transport_register_producer: there is no table of functions");
    }
    if ((transport->state & (BI_STATE_PRODUCING | BI_STATE_OVER)) == BI_STATE_PRODUCING) {
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
    transport->state |= BI_STATE_PRODUCING;
    bi_flow_judge(transport);
    if (!streaming && ops->resume != NULL && (transport->state & BI_STATE_PRODUCING)) {
        enter_producer(transport->hub->reactor);
        ops->resume(context);
        leave_producer(transport->hub->reactor);
    }
    return BIGHT_OK;
}

/* What lose_connection or lose_write waited for goes on; that writing has ended the protocol hears from the loop. */
static void go_on_closing(struct bight_transport *transport)
{
    int code = transport->state & BI_STATE_LOSING ? BIGHT_OK : bi_output_ask(transport);
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
        return;
    }
    bi_close_flush(transport);
}

int bight_transport_unregister_producer(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_unregister_producer");
    if (transport->state & BI_STATE_OVER) {
        return BIGHT_E_CLOSED;
    }
    if (!(transport->state & BI_STATE_PRODUCING)) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_transport_unregister_producer: no producer is registered");
    }
    transport->state &= ~BI_STATE_PRODUCING;
    if (transport->state & (BI_STATE_LOSING | BI_STATE_WRITE_ENDED)) {
        go_on_closing(transport);
    } else {
        bi_flow_judge(transport);
    }
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ settings */

int bight_transport_set_watermarks(struct bight_transport *transport, size_t low, size_t high)
{
    if (transport->state & BI_STATE_OVER) {
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
    if (transport->state & BI_STATE_OVER) {
        return BIGHT_E_CLOSED;
    }
    if (on) {
        transport->state |= BI_STATE_PRESSURE_ON;
    } else {
        transport->state &= ~BI_STATE_PRESSURE_ON;
        set_pressed(transport, false);
    }
    return BIGHT_OK;
}

int bight_transport_set_output_limit(struct bight_transport *transport, size_t limit)
{
    if (transport->state & BI_STATE_OVER) {
        return BIGHT_E_CLOSED;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    extension->limit = limit;
    return BIGHT_OK;
}
