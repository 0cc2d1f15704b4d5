/* SPDX-License-Identifier: MIT */
/* switch.c - handing a live connection from one protocol to another (T23).
 *
 * A switch is a request in the extension. It is carried out when the handler that asked has returned, or on a later
 * turn when none is on the stack; a handler of the new protocol may ask for the next. What was not consumed lies in
 * front of held input. The old protocol is left with a transport that answers CLOSED, and with its ties to end. */
#include "transport/transport.h"

void bi_switch_drop(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (!(transport->state & BI_STATE_SWITCHING)) {
        return;
    }
    struct bight_protocol *protocol = extension->next_protocol;
    transport->state &= ~BI_STATE_SWITCHING;
    bi_input_drop(&extension->switch_input);
    extension->next_protocol = NULL;
    protocol->transport = BI_TRANSPORT_CLOSED;
    struct bight_factory *factory = protocol->factory;
    bi_protocol_disconnect(protocol);
    bi_factory_remove_connection(factory);
}

/* The old protocol's factory: the first one, which built the connection's, hears when the connection ends; one that
 * came by a switch leaves with its protocol. */
static void leave_factory(struct bight_transport *transport, struct bight_factory *factory)
{
    if (transport->state & BI_STATE_FACTORY_APART) {
        bi_factory_remove_connection(factory);
        return;
    }
    transport->extension->factory = factory;
    transport->state |= BI_STATE_FACTORY_APART;
}

static void replace(struct bight_transport *transport, struct bight_protocol *old)
{
    struct bight_protocol *protocol = transport->extension->next_protocol;
    transport->state &= ~BI_STATE_SWITCHING;
    transport->extension->next_protocol = NULL;
    transport->protocol = protocol;
    old->transport = BI_TRANSPORT_CLOSED;
    bi_protocol_end_ties(old);
    if (old->ops->protocol_replaced != NULL) {
        old->ops->protocol_replaced(old);
    }
    leave_factory(transport, old->factory);
    bi_protocol_disconnect(old);
}

static void switch_once(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    int code = bi_receive_give_back(transport, bi_input_take(&extension->switch_input));
    if (code != BIGHT_OK) {
        bi_switch_drop(transport);
        bi_close_end(transport, bight_failure_of(code), true);
        return;
    }
    if (transport->state & BI_STATE_END_DELIVERED) { /* to the old one */
        transport->state ^= BI_STATE_END_DELIVERED | BI_STATE_END_HELD;
    }
    replace(transport, transport->protocol);
    struct bight_protocol *protocol = transport->protocol;
    if (protocol->ops->connection_made != NULL) {
        protocol->ops->connection_made(protocol);
    }
}

void bi_switch_now(struct bight_transport *transport)
{
    while ((transport->state & BI_STATE_SWITCHING) && !(transport->state & BI_STATE_OVER)) {
        transport->state |= BI_STATE_IN_HANDLER;
        switch_once(transport);
        transport->state &= ~BI_STATE_IN_HANDLER;
    }
}

int bight_transport_switch_protocol(
    struct bight_transport *transport, struct bight_protocol *protocol, const void *data, size_t size)
{
    if (transport->state & (BI_STATE_OVER | BI_STATE_LOSING)) {
        return BIGHT_E_CLOSED;
    }
    if (protocol == NULL || (protocol->state & BI_PROTOCOL_CONNECTED) || (transport->state & BI_STATE_SWITCHING)) {
        return bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE,
            protocol == NULL ? "bight_transport_switch_protocol: there is no protocol"
            : (transport->state & BI_STATE_SWITCHING)
                ? "bight_transport_switch_protocol: a switch is pending already"
                : "bight_transport_switch_protocol: the protocol has, or has had, a connection");
    }
    struct bight_factory *factory = protocol->factory;
    struct bi_extension *extension = bi_extension_of(transport);
    int code = extension == NULL ? BIGHT_E_OUT_OF_MEMORY : bi_input_append(&extension->switch_input, data, size);
    if (code != BIGHT_OK) {
        return code;
    }
    code = bi_factory_add_connection(factory, transport->hub->reactor);
    if (code != BIGHT_OK) {
        bi_input_drop(&extension->switch_input);
        return code;
    }
    bi_protocol_connect(protocol, transport);
    extension->next_protocol = protocol;
    transport->state |= BI_STATE_SWITCHING;
    if (!(transport->state & BI_STATE_IN_HANDLER)) {
        bi_receive_later(transport);
    }
    return BIGHT_OK;
}
