/* SPDX-License-Identifier: MIT */
/* transport.c - the facade itself: how a connection is made and started, its extension, and the facts about it.
 *
 * Writing stands in write.c, the way out in output.c, the way in in receive.c, the end in close.c. The one idea of
 * the facade: everything that few connections need is in an extension which is made when it is first asked for. */
#include <bight/memory.h>

#include <string.h>

#include "base/places.h"
#include "deferred/deferred.h"
#include "transport/establish.h"
#include "transport/levels.h"
#include "transport/port.h"
#include "transport/state.h"
#include "transport/wrapper.h"

const struct bight_transport bi_transport_closed = {
    .descriptor = -1,
    .state = BI_LOST,
};

/* -------------------------------------------------------------------------------------- extension */

/* All of it, what lies between its members too, so that two can be compared. */
static void fill_extension(struct bi_extension *extension, struct bight_transport *transport)
{
    memset(extension, 0, sizeof *extension);
    extension->transport = transport;
    extension->low = BI_LOW_WATERMARK;
    extension->high = BI_HIGH_WATERMARK;
    extension->limit = transport->state & BI_ACCEPTED ? BI_ACCEPTED_LIMIT : SIZE_MAX;
    extension->flush = BI_FLUSH_SECONDS * BIGHT_NANOSECONDS_PER_SECOND;
    extension->linger = BI_LINGER_SECONDS * BIGHT_NANOSECONDS_PER_SECOND;
    extension->linger_bytes = BI_LINGER_BYTES;
    extension->least_progress = BI_MIN_PROGRESS;
}

static struct bi_extension *make_extension(struct bight_transport *transport)
{
    struct bi_extension *extension = bi_pool_take(&transport->hub->extensions);
    if (extension != NULL) {
        fill_extension(extension, transport);
        transport->extension = extension;
    }
    return extension;
}

struct bi_extension *bi_extension_of(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    return extension != NULL ? extension : make_extension(transport);
}

void bi_extension_drop(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    if (extension == NULL) {
        return;
    }
    if (extension->task.run != NULL) {
        bi_reactor_unqueue(transport->hub->reactor, &extension->task);
    }
    if (extension->pull_task.run != NULL) {
        bi_reactor_unqueue(transport->hub->reactor, &extension->pull_task);
    }
    bi_timeouts_disarm(transport);
    bi_switch_drop(transport);
    bi_levels_drop_facade(transport);
    bi_establish_drop(transport);
    bight_failure_release(extension->reason);
    bight_free(extension->peer);
    transport->extension = NULL;
    bi_pool_give(&transport->hub->extensions, extension);
}

/* What was set and is as by default again counts as never set; a member that is not known here only keeps it. */
void bi_extension_drop_unused(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension, made;
    if (extension == NULL || extension->task.run != NULL) {
        return;
    }
    extension->task.next = NULL; /* these are left as they were */
    extension->may_go_on = false;
    fill_extension(&made, transport);
    if (memcmp(extension, &made, sizeof made) == 0) {
        transport->extension = NULL;
        bi_pool_give(&transport->hub->extensions, extension);
    }
}

/* -------------------------------------------------------------------------------- making, starting */

/* An accepted connection need not remember what its port has asked for it. */
struct bight_factory *bi_transport_apart(const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    if (extension != NULL && extension->factory != NULL) {
        return extension->factory;
    }
    const struct bight_port *port = bi_port_of(transport);
    bool is_apart = port != NULL && bi_has_protocol(transport) && port->asked != transport->protocol->factory;
    return is_apart ? port->asked : NULL;
}

void bi_transport_note_apart(struct bight_transport *transport, struct bight_factory *factory)
{
    const struct bight_port *port = bi_port_of(transport);
    bool is_known = factory == transport->protocol->factory || (port != NULL && port->asked == factory);
    transport->extension->factory = is_known ? NULL : factory;
}

/* A protocol that names another factory than the one that was asked (which wraps it) counts with both. */
static int join_own_factory(
    struct bight_transport *transport, struct bight_protocol *protocol, struct bight_factory *asked)
{
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bi_factory_add_connection(protocol->factory, transport->hub->reactor);
    if (code == BIGHT_OK) {
        extension->factory = asked;
    }
    return code;
}

int bi_transport_build(
    struct bight_transport *transport, struct bight_factory *factory, const struct bight_address *peer)
{
    int code = BIGHT_OK;
    struct bight_protocol *protocol = bi_factory_build(factory, peer, &code);
    if (protocol == NULL) {
        return code;
    }
    code = bi_protocol_connect(protocol, transport);
    if (code != BIGHT_OK) {
        return code; /* it has a connection already, to which it belongs */
    }
    if (protocol->factory != factory) {
        code = join_own_factory(transport, protocol, factory);
    }
    if (code == BIGHT_OK) {
        transport->protocol = protocol;
    } else {
        protocol->transport = BI_TRANSPORT_CLOSED;
        bi_protocol_disconnect(protocol);
    }
    return code;
}

static struct bight_transport *make(
    struct bi_hub *hub, struct bight_factory *factory, const struct bight_address *peer, bool accepted, int *code)
{
    struct bight_transport *transport = bi_hub_take(hub);
    if (transport == NULL) {
        *code = BIGHT_E_OUT_OF_MEMORY;
        return NULL;
    }
    transport->state = BI_NEW | (accepted ? BI_ACCEPTED | BI_PRESSURE_ON : 0);
    *code = bi_is_wrapped(factory) ? bi_establish_prepare(transport, factory, peer)
                                   : bi_transport_build(transport, factory, peer);
    if (*code != BIGHT_OK) {
        bi_extension_drop(transport);
        bi_hub_give(transport);
        return NULL;
    }
    return transport;
}

struct bight_transport *bight_transport_new(struct bight_reactor *reactor, struct bight_factory *factory,
    const struct bight_bottom_ops *bottom, void *memory, int descriptor, const struct bight_address *peer,
    bool accepted, int *code)
{
    struct bi_hub *hub = bi_hub_of(reactor);
    int untold;
    code = code != NULL ? code : &untold;
    if (hub == NULL || hub->disconnecting) {
        *code = hub == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_E_SHUTDOWN;
        return NULL;
    }
    *code = bi_factory_add_connection(factory, reactor);
    if (*code != BIGHT_OK) {
        return NULL;
    }
    struct bight_transport *transport = make(hub, factory, peer, accepted, code);
    if (transport == NULL) {
        bi_factory_remove_connection(factory);
        return NULL;
    }
    if (accepted) {
        reactor->traffic.accepted++;
    } else {
        reactor->traffic.made++;
    }
    if (bi_deferred_debug()) {
        bi_places_note(&(struct bi_place) { .object = transport, .generation = transport->id });
    }
    transport->bottom = bottom;
    transport->state |= bottom->short_read_is_empty ? 0 : BI_LOOKS_ON;
    transport->bottom_memory = memory;
    transport->descriptor = descriptor;
    return transport;
}

void bi_transport_made(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    protocol->state |= BI_PROTOCOL_MADE;
    transport->state |= BI_CHANGED;
    bi_connection_log_begin(transport);
    bi_enter_handler(transport);
    if (protocol->ops->connection_made != NULL) {
        protocol->ops->connection_made(protocol);
    }
    bi_leave_handler(transport);
}

void bight_transport_start(struct bight_transport *transport)
{
    if (bi_is_over(transport) || (transport->protocol->state & BI_PROTOCOL_MADE) ||
        bi_life_of(transport) == BI_ESTABLISHING) {
        return;
    }
    struct bight_reactor *reactor = transport->hub->reactor;
    bi_reactor_enter_for(reactor, "connection", transport, transport->id);
    if (!bi_has_protocol(transport)) {
        bi_establish_start(transport);
    } else {
        if (bi_life_of(transport) == BI_NEW) {
            bi_set_life(transport, BI_OPEN);
        }
        bi_transport_made(transport);
    }
    bi_reactor_leave(reactor);
}

void *bight_transport_bottom_memory(const struct bight_transport *transport)
{
    return transport->bottom_memory;
}

struct bight_watch *bight_transport_watch(struct bight_transport *transport)
{
    return bi_watch_of(transport);
}

/* ------------------------------------------------------------------------------------------ facts */

/* A peer's that has been asked for before outlives the descriptor. */
static int ask_address(struct bight_transport *transport, bool peer, struct bight_address *address)
{
    struct bi_extension *extension = transport->extension;
    if (peer && extension != NULL && extension->peer != NULL) {
        *address = *extension->peer;
        return BIGHT_OK;
    }
    *address = (struct bight_address) { .family = BIGHT_ADDRESS_NONE };
    if (bi_life_of(transport) == BI_LOST) {
        return BIGHT_E_CLOSED;
    }
    return transport->bottom->address == NULL ? BIGHT_OK : transport->bottom->address(transport, peer, address);
}

int bi_transport_remember_peer(struct bight_transport *transport, const struct bight_address *address)
{
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension != NULL && extension->peer == NULL) {
        extension->peer = bight_malloc(sizeof *extension->peer);
    }
    if (extension == NULL || extension->peer == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *extension->peer = *address;
    return BIGHT_OK;
}

int bight_transport_peer(struct bight_transport *transport, struct bight_address *address)
{
    int code = ask_address(transport, true, address);
    if (code == BIGHT_OK && bi_life_of(transport) != BI_LOST) {
        (void)bi_transport_remember_peer(transport, address); /* else it will have to be asked for again */
    }
    return code;
}

/* Not remembered: it is not asked for repeatedly, and it would cost every such connection its memory. */
int bight_transport_host(struct bight_transport *transport, struct bight_address *address)
{
    return ask_address(transport, false, address);
}

static int set_option(struct bight_transport *transport, enum bight_transport_option option, bool on)
{
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (transport->bottom->set_option == NULL) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    return transport->bottom->set_option(transport, option, on);
}

int bight_transport_set_nodelay(struct bight_transport *transport, bool on)
{
    return set_option(transport, BIGHT_OPTION_NODELAY, on);
}

int bight_transport_set_keepalive(struct bight_transport *transport, bool on)
{
    return set_option(transport, BIGHT_OPTION_KEEPALIVE, on);
}

uint64_t bight_transport_id(const struct bight_transport *transport)
{
    return bi_life_of(transport) == BI_LOST ? 0 : transport->id;
}

struct bight_protocol *bight_transport_protocol(const struct bight_transport *transport)
{
    return bi_has_protocol(transport) ? transport->protocol : NULL;
}

struct bight_reactor *bight_transport_reactor(const struct bight_transport *transport)
{
    return transport->hub == NULL ? NULL : transport->hub->reactor;
}

int bight_transport_descriptor(const struct bight_transport *transport)
{
    return bi_life_of(transport) == BI_LOST ? -1 : transport->descriptor;
}

BI_HOT bool bight_transport_is_open(const struct bight_transport *transport)
{
    return bi_life_of(transport) < BI_LOSING;
}

size_t bight_transport_queued(const struct bight_transport *transport)
{
    return bi_is_cut(transport) ? 0 : bi_flow_queued(transport);
}
