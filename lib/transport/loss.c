/* SPDX-License-Identifier: MIT */
/* loss.c - the end of a connection: what broke it, what is still delivered then, and the loss itself. What is done
 * gracefully before an end is in close.c.
 *
 * The obvious way, connection_lost where the end is noticed, fails because that may be inside the program's own write
 * or lose, and memory would go that is in use on the stack; therefore the loss runs from the loop on a later turn (T3),
 * or behind the handler while it has not been watched yet: only tasks have seen it by then, and none is under way.
 * Its task lies where the loop's watch was, which is not needed any more: nothing here can fail for want of memory.
 * Order at loss (T4): the producer is stopped, the bottom closed, tied Deferreds cancelled, connection_lost, then the
 * factory and the port are notified. */
#include <errno.h>

#include "transport/close.h"
#include "transport/establish.h"
#include "transport/layer_talk.h"
#include "transport/level_queue.h"
#include "transport/levels.h"
#include "transport/state.h"

static struct bi_loss *loss_of(struct bight_transport *transport)
{
    return (struct bi_loss *)(void *)bi_watch_of(transport);
}

/* -------------------------------------------------------------------------------------------- forking */

bool bi_close_is_inherited(const struct bight_transport *transport)
{
    return (transport->state & BI_INHERITED) || bi_reactor_is_parents(transport->hub->reactor);
}

void bi_close_claim(struct bight_transport *transport)
{
    if (!bi_reactor_is_parents(transport->hub->reactor)) {
        transport->state &= ~BI_INHERITED;
    }
}

/* An end that is on its way is the parent's to bring about. */
void bi_close_inherit(struct bight_transport *transport)
{
    transport->state |= BI_INHERITED;
    bi_output_leave_to_parent(transport);
    if (bi_is_losing(transport)) {
        bi_close_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
    }
}

/* ------------------------------------------------------------------------------------------- the loss */

/* `apart` is in front of the factory that made the protocol, or the first one, from before a switch. */
static void tell_those_in_front(
    struct bight_factory *apart, const struct bight_factory *told, const struct bight_failure *reason)
{
    for (struct bight_factory *each = apart; each != NULL; each = each->inner) {
        if (each != told) {
            bi_factory_tell_end(each, reason);
        }
    }
    bi_factory_remove_connection(apart);
}

static void tell_factories(
    struct bight_transport *transport, struct bight_factory *apart, const struct bight_failure *reason)
{
    bi_extension_drop(transport);
    if (bi_has_protocol(transport)) {
        struct bight_factory *factory = transport->protocol->factory;
        bi_factory_tell_end(factory, reason);
        bi_factory_remove_connection(factory);
        if (apart != NULL) {
            tell_those_in_front(apart, factory, reason);
        }
    } else {
        bi_factory_remove_connection(apart); /* it was asked for nothing */
    }
}

static void tell_protocol(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    if ((protocol->state & BI_PROTOCOL_MADE) && protocol->ops->connection_lost != NULL) {
        protocol->ops->connection_lost(protocol, reason);
    }
}

/* Takes `reason`. The transport may be gone afterwards. */
static void deliver_loss(struct bight_transport *transport, struct bight_failure *reason)
{
    struct bight_protocol *protocol = transport->protocol;
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_factory *apart = bi_transport_apart(transport); /* the port that knows goes with the descriptor */
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    bi_reactor_name_handler(reactor, "connection", transport, transport->id);
    bi_flow_stop_producer(transport);
    bi_output_drop(transport);
    bi_set_life(transport, BI_LOST); /* handlers of ties must not ask a closed descriptor anything */
    transport->bottom->close(transport, (transport->state & BI_RESET) && !bi_close_is_inherited(transport));
    if (bi_has_protocol(transport)) {
        bi_protocol_end_ties(protocol);
    }
    if (transport->state & BI_LAYERED) {
        bi_layers_lost(transport, reason);
    }
    tell_protocol(protocol, reason);
    if (transport->extension != NULL) {
        bi_establish_lost(transport, reason);
        bi_connection_log_end(transport, reason);
        bi_layers_free(transport);
        bight_scope_leave(&transport->extension->member);
    }
    tell_factories(transport, apart, reason);
    bight_failure_release(reason);
    if (transport->bottom->ended != NULL) {
        transport->bottom->ended(transport);
    }
    bi_has_protocol(transport) ? bi_protocol_disconnect(protocol) : bi_hub_give(transport);
    bi_reactor_leave(reactor);
}

/* The output that cannot be sent goes, its producer too; then what came before the failure is delivered. */
static void deliver_rest(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    bi_reactor_name_handler(reactor, "connection", transport, transport->id);
    bi_output_drop(transport);
    bi_flow_stop_producer(transport);
    if (transport->extension != NULL) {
        bi_levels_begin_turn(transport);
    }
    bi_receive_rest(transport);
    bi_transport_advance(transport);
    bi_reactor_leave(reactor);
}

static void run_loss(struct bi_task *task)
{
    struct bi_loss *loss = BI_CONTAINER(task, struct bi_loss, task);
    struct bight_transport *transport = (struct bight_transport *)(void *)loss - 1;
    if (bi_life_of(transport) == BI_BROKEN) {
        deliver_rest(transport);
    } else {
        deliver_loss(transport, loss->reason);
    }
}

/* A break and the loss share the task, and which of them it is for is seen when it runs: the one may have become the
 * other by then. */
static void queue_loss(struct bight_transport *transport)
{
    struct bi_loss *loss = loss_of(transport);
    if (loss->task.run == NULL) {
        loss->is_early ? bi_reactor_afterwards(transport->hub->reactor, &loss->task, run_loss)
                       : bi_reactor_soon(transport->hub->reactor, &loss->task, run_loss);
    }
}

void bi_close_broken_later(struct bight_transport *transport)
{
    queue_loss(transport);
}

/* The first reason is the one that connection_lost gets. */
static struct bight_failure *choose_reason(struct bight_transport *transport, struct bight_failure *reason)
{
    struct bi_extension *extension = transport->extension;
    struct bight_failure *first = extension == NULL ? NULL : extension->reason;
    if (first == NULL) {
        return reason;
    }
    extension->reason = NULL;
    bight_failure_release(reason);
    return first;
}

/* The loss takes the memory of the watch, which is removed first. Takes `reason`. */
static struct bi_loss *make_loss(struct bight_transport *transport, struct bight_failure *reason)
{
    bool is_early = bi_receive_forget_early(transport);
    if (transport->state & BI_READING) {
        transport->bottom->watch_reading(transport, false);
    }
    transport->state &= ~(BI_READING | BI_UNREAD);
    bi_output_quiet(transport);
    struct bi_loss *loss = loss_of(transport);
    *loss = (struct bi_loss) { .reason = choose_reason(transport, reason), .is_early = is_early };
    return loss;
}

/* From here on nothing is called but connection_lost and what belongs to it. After a break the watch's memory has a
 * loss already, which may be queued: it stays as it is, with its reason. */
static void begin_end(struct bight_transport *transport, struct bight_failure *reason, bool reset)
{
    if (bi_life_of(transport) == BI_BROKEN) {
        bi_output_quiet(transport);
        bight_failure_release(reason);
    } else {
        (void)make_loss(transport, reason);
    }
    bi_set_life(transport, BI_LOSS_DUE);
    transport->state |= reset ? BI_RESET : 0;
    bi_timeouts_disarm(transport);
    bi_establish_stop(transport);
}

void bi_close_end(struct bight_transport *transport, struct bight_failure *reason, bool reset)
{
    if (bi_is_over(transport)) {
        bight_failure_release(reason);
        return;
    }
    begin_end(transport, reason, reset);
    queue_loss(transport);
}

/* The obvious way, which is to leave it to a later turn, shows the peer the end behind everything else of this one: it
 * wakes once for the last bytes and once more for the end. */
void bi_close_deliver(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bi_loss *loss = loss_of(transport);
    if (reactor->handler_depth == 0 && loss->task.run != NULL) {
        bi_reactor_unqueue(reactor, &loss->task);
        deliver_loss(transport, loss->reason);
    }
}

/* A reactor that goes: what had been shut, or had broken before, ends as it would have (T5). */
void bi_close_end_now(struct bight_transport *transport, struct bight_failure *reason)
{
    if (bi_life_of(transport) == BI_LOSS_DUE) {
        bight_failure_release(reason);
    } else if (bi_life_of(transport) == BI_LINGERING) {
        bight_failure_release(reason);
        begin_end(transport, bight_failure_of(BIGHT_E_CONNECTION_DONE), false);
    } else {
        begin_end(transport, reason, bi_output_waiting(transport) > 0); /* a cut stream must not look whole */
    }
    struct bi_loss *loss = loss_of(transport);
    if (loss->task.run != NULL) {
        bi_reactor_unqueue(transport->hub->reactor, &loss->task); /* since an earlier end or break; lose frees it */
    }
    deliver_loss(transport, loss->reason);
}

/* ------------------------------------------------------------------------------------------ breaking */

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

/* If a failure with the errno cannot be allocated, the static one without it. */
static struct bight_failure *make_reason(int number, const char *what)
{
    struct bight_failure *reason = loss_by(number, what);
    if (bight_failure_code(reason) == BIGHT_E_CONNECTION_LOST) {
        return reason;
    }
    bight_failure_release(reason);
    return bight_failure_of(BIGHT_E_CONNECTION_LOST);
}

void bi_close_explain(struct bight_transport *transport, struct bight_failure *reason)
{
    struct bi_loss *loss = loss_of(transport);
    bight_failure_release(loss->reason);
    loss->reason = reason;
    bi_close_done(transport);
}

/* Something that came before may still have to be delivered. */
static bool has_more_to_tell(const struct bight_transport *transport)
{
    return (bi_life_of(transport) == BI_OPEN || bi_life_of(transport) == BI_ESTABLISHING) &&
           ((transport->state & BI_WAITING) || !(transport->state & (BI_EOF_RECEIVED | BI_EOF_DELIVERED)));
}

/* A layer had failed, and the failure waits behind data: that it waits is all that is left of the end. */
static void forget_end_of_failed(struct bight_transport *transport)
{
    if (bi_has_failed(transport)) {
        transport->extension->facade.is_ended = false;
        transport->state |= BI_EOF_RECEIVED;
        bi_level_update_flag(transport);
    }
}

/* T5, T7. If all had been flushed and shut before the break, the loss is graceful. Unless the peer itself broke it, the
 * peer gets a reset: it would take a plain end for the end of the data. */
void bi_close_broken(struct bight_transport *transport, int number, const char *what)
{
    bool reset = number != ECONNRESET && number != EPIPE;
    if (bi_is_over(transport) || bi_life_of(transport) == BI_BROKEN) {
        return;
    }
    if (bi_life_of(transport) == BI_ESTABLISHING) {
        bi_establish_broken(transport);
    }
    if (bi_life_of(transport) == BI_LINGERING) {
        bi_close_done(transport);
        return;
    }
    forget_end_of_failed(transport);
    if (!has_more_to_tell(transport)) {
        bi_close_end(transport, make_reason(number, what), reset);
    } else {
        make_loss(transport, make_reason(number, what));
        bi_set_life(transport, BI_BROKEN);
        transport->state = (transport->state & ~BI_THROTTLED) | (reset ? BI_RESET : 0);
        bi_timeouts_disarm(transport);
        queue_loss(transport);
    }
}
