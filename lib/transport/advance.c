/* SPDX-License-Identifier: MIT */
/* advance.c - the one place where it is decided what follows from a change of a connection's state.
 *
 * Calls, timers and the bottom only mark. When nothing of the connection is on the stack any more, advance goes through
 * the consequences in a fixed order, again and again until nothing changes. The order: data before ends, ends before
 * losses, marks after sends, and the watch for reading last, since all others change its answer. What the decisions do
 * stands in the files that they belong to.
 *
 * A call of the program must not call the protocol (T6), so advance is quiet inside one: what would is left to a later
 * turn. So is what is still undecided after some rounds, for a protocol that always asks for more must not hold up the
 * others. */
#include "transport/close.h"
#include "transport/establish.h"
#include "transport/held.h"
#include "transport/levels.h"
#include "transport/state.h"

#define ROUNDS 8

/* While one of these is set, the function on the stack decides when it has returned. */
#define ON_THE_STACK (BI_IN_HANDLER | BI_IN_LAYER | BI_ADVANCING | BI_IN_CALL)

static bool is_quiet(const struct bight_transport *transport)
{
    return (transport->state & BI_IN_CALL) != 0;
}

/* Only what has an extension can have something that is due later; the output's task does the rest. */
static void run_later(struct bi_task *task)
{
    struct bi_extension *extension = BI_CONTAINER(task, struct bi_extension, task);
    struct bight_transport *transport = extension->transport;
    bi_levels_begin_turn(transport);
    extension->may_go_on = true;
    bi_transport_advance(transport);
    if (!(transport->state & ON_THE_STACK)) {
        bi_extension_drop_unused(transport);
    }
}

void bi_transport_later(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (bi_life_of(transport) == BI_BROKEN) {
        bi_close_broken_later(transport);
    } else if (extension != NULL && extension->task.run == NULL) {
        bi_reactor_soon(transport->hub->reactor, &extension->task, run_later);
    }
}

/* Calls of the protocol: new input, a switch, ends. */
static void tell(struct bight_transport *transport)
{
    if (is_quiet(transport)) {
        if (transport->state & (BI_SWITCHING | BI_WAITING)) {
            bi_transport_later(transport);
        }
        return;
    }
    bi_switch_now(transport);
    bi_levels_run(transport);
}

static void decide(struct bight_transport *transport)
{
    bi_establish_go_on(transport, is_quiet(transport));
    bi_levels_take_back(transport, NULL, 0);
    tell(transport);
    if (BI_UNLIKELY(transport->state & BI_HELD)) {
        is_quiet(transport) ? bi_transport_later(transport) : bi_held_go_on(transport);
    }
    bi_close_go_on(transport, is_quiet(transport));
    bi_flow_check_watermarks(transport);
    if (BI_UNLIKELY(bi_flow_awaits_room(transport)) && !bi_is_over(transport)) {
        bi_flow_tell_room(transport, is_quiet(transport));
    }
}

static void go_through(struct bight_transport *transport)
{
    transport->state |= BI_ADVANCING;
    for (int round = 0; round < ROUNDS && !bi_is_over(transport); round++) {
        transport->state &= ~BI_CHANGED;
        decide(transport);
        if (!(transport->state & BI_CHANGED)) {
            break;
        }
    }
    transport->state &= ~BI_ADVANCING;
    if (bi_is_over(transport)) {
        return;
    }
    if (transport->state & BI_CHANGED) {
        bi_levels_take_back(transport, NULL, 0);
        bi_transport_later(transport);
    }
    bi_receive_update(transport);
    bi_close_bound(transport);
    BI_CHECK_INVARIANTS(transport, bi_invariants_decided);
    if (BI_UNLIKELY(bi_flow_awaits_room(transport)) && !bi_is_over(transport)) {
        transport->state |= BI_CHANGED; /* for the next send */
    }
}

void bi_transport_advance(struct bight_transport *transport)
{
    if (bi_is_over(transport)) {
        return;
    }
    if (transport->state & ON_THE_STACK) {
        transport->state |= BI_CHANGED;
        return;
    }
    go_through(transport);
}

void bi_transport_changed(struct bight_transport *transport)
{
    transport->state |= BI_CHANGED;
    if (!(transport->state & ON_THE_STACK) && !bi_is_over(transport)) {
        transport->state |= BI_IN_CALL;
        go_through(transport);
        transport->state &= ~BI_IN_CALL;
    }
}
