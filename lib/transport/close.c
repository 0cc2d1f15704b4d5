/* SPDX-License-Identifier: MIT */
/* close.c - the ways in which a connection ends, and the end.
 *
 * Closing is a state: lose and abort mark, bi_close_advance goes on as far as it can whenever something has changed,
 * and the loss itself runs from the loop on a later turn (T3). Its task lies where the loop's watch was, which is
 * not needed any more: nothing here can fail for want of memory. Order at loss (T4): the producer is stopped, the
 * bottom closed, tied Deferreds cancelled, connection_lost, then the factory and the port hear of it. */
#include <errno.h>

#include "transport/transport.h"

static struct bi_loss *loss_of(struct bight_transport *transport)
{
    return (struct bi_loss *)(void *)bi_watch_of(transport);
}

/* -------------------------------------------------------------------------------------------- forking */

/* R13: shutting or resetting a socket that the parent has, too, does so in the parent. */
static bool is_inherited(const struct bight_transport *transport)
{
    return (transport->state & BI_STATE_INHERITED) || bi_reactor_is_parents(transport->hub->reactor);
}

/* A program that has said that it goes on in the child, and ends the connection there, means the connection. */
static void claim(struct bight_transport *transport)
{
    if (!bi_reactor_is_parents(transport->hub->reactor)) {
        transport->state &= ~BI_STATE_INHERITED;
    }
}

/* An end that is on its way is the parent's to bring about. */
void bi_close_inherit(struct bight_transport *transport)
{
    transport->state |= BI_STATE_INHERITED;
    bi_output_leave_to_parent(transport);
    if (transport->state & BI_STATE_LOSING) {
        bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
    }
}

/* ------------------------------------------------------------------------------------------- the loss */

static void tell_factory(struct bight_factory *factory, const struct bight_failure *reason)
{
    if (factory->ops != NULL && factory->ops->connection_ended != NULL) {
        factory->ops->connection_ended(factory, reason);
    }
    bi_factory_remove_connection(factory);
}

static void tell_factories(struct bight_transport *transport, const struct bight_failure *reason)
{
    struct bight_factory *apart = transport->state & BI_STATE_FACTORY_APART ? transport->extension->factory : NULL;
    bi_extension_drop(transport);
    tell_factory(transport->protocol->factory, reason);
    if (apart != NULL) {
        tell_factory(apart, reason);
    }
}

static void tell_protocol(struct bight_transport *transport, const struct bight_failure *reason)
{
    struct bight_protocol *protocol = transport->protocol;
    if (transport->state & BI_STATE_STARTED && protocol->ops->connection_lost != NULL) {
        protocol->ops->connection_lost(protocol, reason);
    }
}

/* Takes `reason`. The transport may be gone afterwards. */
static void lose(struct bight_transport *transport, struct bight_failure *reason)
{
    struct bight_protocol *protocol = transport->protocol;
    struct bight_reactor *reactor = transport->hub->reactor;
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    bi_reactor_name_handler(reactor, "connection", transport, transport->id);
    bi_flow_stop_producer(transport);
    bi_output_drop(transport);
    transport->state |= BI_STATE_ENDED; /* whoever the ties call may not ask a closed descriptor anything */
    transport->bottom->close(transport, (transport->state & BI_STATE_RESET) && !is_inherited(transport));
    bi_protocol_end_ties(protocol);
    tell_protocol(transport, reason);
    if (transport->extension != NULL) {
        bi_connection_log_end(transport, reason);
        bi_layers_free(transport);
        bight_scope_leave(&transport->extension->member);
    }
    tell_factories(transport, reason);
    bight_failure_release(reason);
    if (transport->bottom->ended != NULL) {
        transport->bottom->ended(transport);
    }
    bi_protocol_disconnect(protocol);
    bi_reactor_leave(reactor);
}

static void run_loss(struct bi_task *task)
{
    struct bi_loss *loss = BI_CONTAINER(task, struct bi_loss, task);
    struct bight_transport *transport = (struct bight_transport *)(void *)loss - 1;
    lose(transport, loss->reason);
}

/* From here on nothing is called but connection_lost and what belongs to it. */
static void begin_end(struct bight_transport *transport, bool reset)
{
    if (transport->state & BI_STATE_READING) {
        transport->bottom->watch_reading(transport, false);
    }
    transport->state &= ~BI_STATE_READING;
    transport->state |= BI_STATE_ENDING | (reset ? BI_STATE_RESET : 0);
    bi_output_quiet(transport);
    bi_timeouts_disarm(transport);
}

void bi_close_end(struct bight_transport *transport, struct bight_failure *reason, bool reset)
{
    if (transport->state & BI_STATE_OVER) {
        bight_failure_release(reason);
        return;
    }
    begin_end(transport, reset);
    struct bi_loss *loss = loss_of(transport);
    loss->reason = reason;
    bi_reactor_soon(transport->hub->reactor, &loss->task, run_loss);
}

void bi_close_end_now(struct bight_transport *transport, struct bight_failure *reason)
{
    if (transport->state & BI_STATE_ENDING) {
        struct bi_loss *loss = loss_of(transport);
        bi_reactor_unqueue(transport->hub->reactor, &loss->task);
        bight_failure_release(reason);
        reason = loss->reason;
    } else {
        begin_end(transport, bi_output_queued(transport) > 0); /* a cut stream must not look whole */
    }
    lose(transport, reason);
}

/* What people know it as; of the rest, what could not be done. */
static struct bight_failure *loss_by(int number, const char *what)
{
    switch (number) {
    case ECONNRESET:
        return bight_failure_new(BIGHT_E_CONNECTION_LOST, number, NULL, "connection reset by peer");
    case EPIPE:
        return bight_failure_new(BIGHT_E_CONNECTION_LOST, number, NULL, "connection closed by peer");
    case ETIMEDOUT:
        return bight_failure_new(BIGHT_E_CONNECTION_LOST, number, NULL, "connection lost: the peer no longer answers");
    default:
        return bight_failure_new(BIGHT_E_CONNECTION_LOST, number, NULL, "the connection was lost: cannot %s", what);
    }
}

/* T5. What has been flushed before it broke was lost in good order. Without memory for the errno, without it. Unless it
 * was the peer that broke it, the peer is told by a reset: it would take an end for all that there was to come. */
void bi_close_broken(struct bight_transport *transport, int number, const char *what)
{
    const uint32_t done = BI_STATE_LOSING | BI_STATE_SHUT;
    if ((transport->state & done) == done) {
        bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
        return;
    }
    struct bight_failure *reason = loss_by(number, what);
    if (bight_failure_code(reason) != BIGHT_E_CONNECTION_LOST) {
        reason = bight_failure_of(BIGHT_E_CONNECTION_LOST);
    }
    bi_close_end(transport, reason, number != ECONNRESET && number != EPIPE);
}

/* ------------------------------------------------------------------------------------- in good order */

static void end_done(struct bight_transport *transport)
{
    bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
}

/* The writing side has been shut: T7 waits a while for the peer to see it. Without memory for the timer it does not. A
 * bottom that cannot shut its writing side (a pipe) shows it by closing. */
static void linger(struct bight_transport *transport)
{
    if (transport->bottom->shut_writing == NULL) {
        end_done(transport);
        return;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL || extension->linger == 0 || extension->linger_bytes == 0) {
        end_done(transport);
        bi_close_end(transport, bight_failure_of(BIGHT_E_OUT_OF_MEMORY), true);
        return;
    }
    bi_timeouts_disarm_user(transport);
    bi_timeouts_close_in(transport, extension->linger);
    bi_receive_update(transport);
}

static void tell_write_end(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    transport->state &= ~BI_STATE_WRITE_END_DUE;
    if ((transport->state & BI_STATE_LOSING) || protocol->ops->write_connection_lost == NULL) {
        return;
    }
    transport->state |= BI_STATE_IN_HANDLER;
    protocol->ops->write_connection_lost(protocol);
    transport->state &= ~BI_STATE_IN_HANDLER;
    if (transport->state & BI_STATE_SWITCHING) {
        bi_receive_go_on(transport);
    }
}

static void shut(struct bight_transport *transport)
{
    transport->state |= BI_STATE_SHUT;
    if (is_inherited(transport)) {
        if (transport->state & BI_STATE_LOSING) {
            end_done(transport); /* nor is its input thrown away */
        }
        return;
    }
    if (transport->bottom->shut_writing != NULL) {
        transport->bottom->shut_writing(transport);
    }
    if (transport->state & BI_STATE_LOSING) {
        linger(transport);
    }
}

void bi_close_advance(struct bight_transport *transport)
{
    const uint32_t both = BI_STATE_SHUT | BI_STATE_END_DELIVERED;
    const uint32_t open = BI_STATE_LOSING | BI_STATE_WRITE_END_DUE;
    if (!(transport->state & BI_STATE_SHUT_WANTED) || bi_output_queued(transport) > 0) {
        return;
    }
    if (transport->state & BI_STATE_OVER) {
        return;
    }
    bool losing = (transport->state & BI_STATE_LOSING) != 0;
    if (losing && (transport->state & BI_STATE_INPUT_ENDED)) {
        end_done(transport); /* closing shuts as well */
        return;
    }
    if (!(transport->state & BI_STATE_SHUT)) {
        shut(transport);
    }
    if ((transport->state & BI_STATE_WRITE_END_DUE) && transport->output == NULL) {
        tell_write_end(transport);
    }
    if ((transport->state & (both | open)) == both) {
        end_done(transport); /* T11 */
    }
}

void bi_close_shut_wanted(struct bight_transport *transport)
{
    if (transport->state & (BI_STATE_OVER | BI_STATE_SHUT_WANTED)) {
        return;
    }
    transport->state |= BI_STATE_SHUT_WANTED;
    bi_close_advance(transport);
}

/* Nothing more will be written: the layers end first, each when it has sent its own. */
static void end_writing(struct bight_transport *transport)
{
    if (transport->state & BI_STATE_LAYERED) {
        bi_layers_write_end(transport);
    } else {
        bi_close_shut_wanted(transport);
    }
}

/* The kernel or a layer is waited for. Output that has not been tried yet is not waiting. */
static bool is_flush_waiting(const struct bight_transport *transport)
{
    uint32_t state = transport->state;
    if ((state & (BI_STATE_LOSING | BI_STATE_SHUT | BI_STATE_OVER)) != BI_STATE_LOSING) {
        return false;
    }
    if (transport->output != NULL && transport->output->watching) {
        return true;
    }
    return (state & (BI_STATE_LAYERED | BI_STATE_PRODUCING | BI_STATE_SHUT_WANTED)) == BI_STATE_LAYERED;
}

/* A flush that nothing bounds might never end: without memory for the timer the connection ends at once. */
static void bound_flush(struct bight_transport *transport)
{
    if (!is_flush_waiting(transport)) {
        return;
    }
    if (bi_extension_of(transport) == NULL) {
        bi_close_end(transport, bight_failure_of(BIGHT_E_OUT_OF_MEMORY), true);
        return;
    }
    bi_timeouts_close_in(transport, transport->extension->flush);
}

void bi_close_flush(struct bight_transport *transport)
{
    if (transport->state & BI_STATE_SHUT_WANTED) {
        bi_close_advance(transport);
    } else if (!(transport->state & BI_STATE_PRODUCING)) { /* T8 */
        end_writing(transport);
    }
    bound_flush(transport);
}

void bi_close_lose(struct bight_transport *transport)
{
    transport->state |= BI_STATE_LOSING;
    transport->state &= ~(BI_STATE_PRESSED | BI_STATE_PAUSED);
    bi_receive_drop_held(transport);
    bi_switch_drop(transport);
    if (transport->state & BI_STATE_SHUT) { /* by lose_write */
        transport->state &BI_STATE_INPUT_ENDED ? end_done(transport) : linger(transport);
        return;
    }
    bi_receive_update(transport);
    bi_close_flush(transport);
}

/* The flush has 30 s anew for each bit of progress; while only a producer is waited for it has no bound. */
void bi_close_progress(struct bight_transport *transport, size_t sent)
{
    struct bi_extension *extension = transport->extension;
    bool bounded = extension != NULL && bi_wheel_is_armed(&extension->close_timer);
    if (!is_flush_waiting(transport)) {
        if (bounded) {
            bi_reactor_disarm(transport->hub->reactor, &extension->close_timer);
        }
    } else if (sent > 0 || !bounded) {
        bound_flush(transport);
    }
}

void bi_close_discarded(struct bight_transport *transport, size_t size)
{
    struct bi_extension *extension = transport->extension;
    const uint32_t lingering = BI_STATE_SHUT | BI_STATE_LOSING;
    if ((transport->state & (lingering | BI_STATE_OVER)) != lingering || extension == NULL) {
        return;
    }
    if (size >= extension->linger_bytes) {
        end_done(transport);
        return;
    }
    extension->linger_bytes -= size;
}

/* ------------------------------------------------------------------------------------------ the calls */

int bight_transport_lose_connection(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_lose_connection");
    if (transport->state & BI_STATE_ENDED) {
        return BIGHT_E_CLOSED;
    }
    if (transport->state & (BI_STATE_ENDING | BI_STATE_LOSING)) {
        return BIGHT_OK;
    }
    claim(transport);
    bi_close_lose(transport);
    return BIGHT_OK;
}

int bight_transport_abort_connection(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_abort_connection");
    if (transport->state & BI_STATE_ENDED) {
        return BIGHT_E_CLOSED;
    }
    claim(transport);
    bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_ABORTED), true);
    return BIGHT_OK;
}

int bight_transport_lose_write(struct bight_transport *transport)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_lose_write");
    if (transport->state & (BI_STATE_OVER | BI_STATE_LOSING)) {
        return BIGHT_E_CLOSED;
    }
    if (transport->state & BI_STATE_WRITE_ENDED) {
        return BIGHT_OK;
    }
    if (transport->bottom->shut_writing == NULL) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    claim(transport);
    int code = bi_output_ask(transport); /* so that the protocol hears of it from the loop */
    if (code != BIGHT_OK) {
        return code;
    }
    transport->state |= BI_STATE_WRITE_ENDED | BI_STATE_WRITE_END_DUE;
    bi_close_flush(transport);
    return BIGHT_OK;
}
