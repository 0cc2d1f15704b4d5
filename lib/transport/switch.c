/* SPDX-License-Identifier: MIT */
/* switch.c - handing a live connection from one protocol to another (T23).
 *
 * A switch is a request in the extension. It is carried out when the handler that asked has returned, or on a later
 * turn when none is on the stack; a handler of the new protocol may ask for the next. What was not consumed lies in
 * front of held input. The old protocol is left with a transport that answers CLOSED, and with its ties to end. A
 * switched connection is as small as any other when that is over. */
#include "transport/levels.h"
#include "transport/state.h"

void bi_switch_drop(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (!(transport->state & BI_SWITCHING)) {
        return;
    }
    struct bight_protocol *protocol = extension->next_protocol;
    transport->state &= ~BI_SWITCHING;
    extension->next_protocol = NULL;
    protocol->transport = BI_TRANSPORT_CLOSED;
    struct bight_factory *factory = protocol->factory;
    bi_protocol_disconnect(protocol);
    bi_factory_remove_connection(factory);
}

/* The old protocol's factory. The one that was asked for the connection is notified when that ends: `apart`, or this.
 * Any other leaves with its protocol, and none counts twice. */
static void leave_factory(struct bight_transport *transport, struct bight_factory *factory, struct bight_factory *apart)
{
    struct bight_factory *asked = apart != NULL ? apart : factory;
    bool comes_back = transport->protocol->factory == asked;
    bi_transport_note_apart(transport, asked);
    if (apart != NULL) {
        bi_factory_remove_connection(factory);
    }
    if (comes_back) {
        bi_factory_remove_connection(asked);
    }
}

static void replace(struct bight_transport *transport, struct bight_protocol *old)
{
    struct bight_protocol *protocol = transport->extension->next_protocol;
    struct bight_factory *apart = bi_transport_apart(transport);
    transport->state &= ~BI_SWITCHING;
    transport->extension->next_protocol = NULL;
    transport->protocol = protocol;
    protocol->state |= BI_PROTOCOL_MADE; /* it will be, right behind this */
    old->transport = BI_TRANSPORT_CLOSED;
    bi_protocol_end_ties(old);
    if (old->ops->protocol_replaced != NULL) {
        old->ops->protocol_replaced(old);
    }
    leave_factory(transport, old->factory, apart);
    bi_protocol_disconnect(old);
}

static void switch_once(struct bight_transport *transport)
{
    bi_enter_handler(transport);
    replace(transport, transport->protocol);
    struct bight_protocol *protocol = transport->protocol;
    bi_levels_end_again(transport);
    if (protocol->ops->connection_made != NULL) {
        protocol->ops->connection_made(protocol);
    }
    bi_leave_handler(transport);
    bi_levels_take_back(transport, NULL, 0);
}

/* What waited to be given to the old protocol on a later turn is the new one's at once. On that turn the extension goes
 * if nothing else needs it. */
void bi_switch_now(struct bight_transport *transport)
{
    while ((transport->state & BI_SWITCHING) && !bi_is_over(transport)) {
        transport->extension->facade.waits = false;
        transport->state |= BI_CHANGED;
        switch_once(transport);
        bi_transport_later(transport);
    }
}

static int refuse(const char *why)
{
    return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_transport_switch_protocol: %s", why);
}

/* What was not consumed lies in front of what waits. If it cannot be allocated nothing has changed. */
static int prepare(struct bight_transport *transport, struct bight_protocol *protocol, const void *data, size_t size)
{
    int code = bi_factory_add_connection(protocol->factory, transport->hub->reactor);
    if (code != BIGHT_OK) {
        return code;
    }
    if (bi_is_over(transport)) { /* the factory's `started` may have done anything */
        code = BIGHT_E_CLOSED;
    } else if (transport->state & BI_SWITCHING) {
        code = refuse("a switch is pending already");
    } else {
        code = bi_levels_return(transport, data, size);
    }
    if (code != BIGHT_OK) {
        bi_factory_remove_connection(protocol->factory);
    }
    return code;
}

int bight_transport_switch_protocol(
    struct bight_transport *transport, struct bight_protocol *protocol, const void *data, size_t size)
{
    if (bi_is_over(transport) || bi_is_losing(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (protocol == NULL) {
        return refuse("there is no protocol");
    }
    if (transport->state & BI_SWITCHING) {
        return refuse("a switch is pending already");
    }
    if (protocol->state & BI_PROTOCOL_CONNECTED) {
        return refuse("the protocol has, or has had, a connection");
    }
    int code = prepare(transport, protocol, data, size);
    if (code != BIGHT_OK) {
        return code;
    }
    (void)bi_protocol_connect(protocol, transport);
    transport->extension->next_protocol = protocol;
    transport->state |= BI_SWITCHING;
    bi_transport_changed(transport);
    return BIGHT_OK;
}
