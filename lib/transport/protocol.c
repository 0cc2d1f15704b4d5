/* SPDX-License-Identifier: MIT */
/* protocol.c - the life of a protocol: made by its factory, held, tied to, and freed.
 *
 * The connection has one hold of a protocol until connection_lost or protocol_replaced has returned; the record of its
 * ties, made when something is first tied, has another until the last tied Deferred has finished. The transport's slot
 * goes with the protocol that it ended with. Which of its functions is called when is not here: opening is in
 * transport.c, the way in in receive.c, the end in close.c. */
#include <stddef.h>

#include <bight/memory.h>
#include <bight/transport.h>

#include "base/places.h"
#include "transport/state.h"

/* In protocol->reserved. */
struct record {
    struct bight_owner owner;
    struct bight_protocol *protocol;
};

/* ------------------------------------------------------------------------------------ making, freeing */

/* Where anything may stand behind a program's struct. */
static size_t aligned(size_t size)
{
    const size_t unit = _Alignof(max_align_t);
    return (size + unit - 1) / unit * unit;
}

struct bight_protocol *bight_protocol_new(struct bight_factory *factory)
{
    const char *lack = bi_factory_lack(factory);
    if (lack != NULL) {
        bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_protocol_new: %s", lack);
        return NULL;
    }
    const struct bight_protocol_ops *ops = factory->protocol_ops;
    size_t size = aligned(factory->protocol_size);
    struct bight_protocol *protocol = bight_calloc(1, size + ops->memory_size);
    factory->out_of_memory = protocol == NULL;
    if (protocol == NULL) {
        return NULL;
    }
    protocol->ops = ops;
    protocol->transport = BI_TRANSPORT_CLOSED;
    protocol->factory = factory;
    protocol->holds = 1;
    if (ops->set_memory != NULL) {
        ops->set_memory(protocol, (char *)protocol + size);
    }
    if (bi_factory_taken(factory) == factory) {
        protocol->state = BI_PROTOCOL_HOLDS;
        (void)bight_factory_hold(factory);
    }
    return protocol;
}

void *bight_protocol_self_failed(const char *place)
{
    bi_usage_error(BIGHT_E_USAGE, place, "bight_self: the protocol's factory makes something smaller than this type");
    return NULL;
}

static void free_protocol(struct bight_protocol *protocol)
{
    struct bight_transport *transport = protocol->transport;
    struct bight_factory *held = protocol->state & BI_PROTOCOL_HOLDS ? protocol->factory : NULL;
    if (protocol->ops->finish != NULL) {
        protocol->ops->finish(protocol);
    }
    bight_free(protocol->reserved);
    bight_free(protocol);
    if (transport != BI_TRANSPORT_CLOSED) {
        bi_hub_give(transport);
    }
    bight_factory_release(held);
}

void bight_protocol_free(struct bight_protocol *protocol)
{
    if (protocol == NULL) {
        return;
    }
    if (protocol->state & BI_PROTOCOL_CONNECTED) {
        bi_usage_error(BIGHT_E_USAGE, BIGHT_HERE, "bight_protocol_free: the protocol has, or has had, a connection");
        return;
    }
    bi_protocol_end_ties(protocol);
    bight_protocol_release(protocol);
}

struct bight_protocol *bight_protocol_hold(struct bight_protocol *protocol)
{
    protocol->holds++;
    return protocol;
}

void bight_protocol_release(struct bight_protocol *protocol)
{
    if (protocol != NULL && --protocol->holds == 0) {
        free_protocol(protocol);
    }
}

/* ----------------------------------------------------------------------------------- its connection */

int bi_protocol_connect(struct bight_protocol *protocol, struct bight_transport *transport)
{
    if (protocol->state & BI_PROTOCOL_CONNECTED) {
        return bi_usage_error(
            BIGHT_E_USAGE, BIGHT_HERE, "a factory gave a protocol that has, or has had, a connection");
    }
    protocol->state |= BI_PROTOCOL_CONNECTED;
    protocol->transport = transport;
    return BIGHT_OK;
}

void bi_protocol_disconnect(struct bight_protocol *protocol)
{
    bi_protocol_end_ties(protocol);
    bight_protocol_release(protocol);
}

/* ---------------------------------------------------------------------------------------- ties (D32) */

static void ties_finished(struct bight_owner *owner)
{
    bight_protocol_release(BI_CONTAINER(owner, struct record, owner)->protocol);
}

struct bight_owner *bight_protocol_owner(struct bight_protocol *protocol)
{
    struct record *record = protocol->reserved;
    if (record != NULL) {
        return &record->owner;
    }
    record = bight_malloc(sizeof *record);
    if (record == NULL) {
        return NULL;
    }
    record->protocol = bight_protocol_hold(protocol);
    bi_owner_init(&record->owner, ties_finished);
    protocol->reserved = record;
    if (protocol->state & BI_PROTOCOL_OVER) {
        bi_owner_end(&record->owner);
    }
    return &record->owner;
}

struct bight_deferred *bight_protocol_tie(struct bight_protocol *protocol, struct bight_deferred *deferred)
{
    bool never_tied = protocol->reserved == NULL;
    struct bight_owner *owner =
        never_tied && (protocol->state & BI_PROTOCOL_OVER) ? NULL : bight_protocol_owner(protocol);
    if (owner != NULL) {
        return bight_deferred_tie(deferred, owner);
    }
    bight_deferred_hold(deferred);
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    return deferred;
}

void bi_protocol_end_ties(struct bight_protocol *protocol)
{
    protocol->state |= BI_PROTOCOL_OVER;
    struct record *record = protocol->reserved;
    if (record != NULL) {
        bi_owner_end(&record->owner);
    }
}

/* --------------------------------------------------------------------------------------- scopes (D37) */

static struct bight_transport *transport_of(const struct bight_scope_member *member)
{
    return BI_CONTAINER(member, struct bi_extension, member)->transport;
}

static void close_member(struct bight_scope_member *member)
{
    (void)bight_transport_lose_connection(transport_of(member));
}

static void abort_member(struct bight_scope_member *member)
{
    (void)bight_transport_abort_connection(transport_of(member));
}

static const char *member_made_at(const struct bight_scope_member *member)
{
    const struct bight_transport *transport = transport_of(member);
    return bi_places_find(transport, transport->id, NULL);
}

static const struct bight_scope_member_ops member_ops = {
    .close = close_member,
    .abort = abort_member,
    .kind = "connection",
    .made_at = member_made_at,
};

int bight_protocol_join_scope(struct bight_protocol *protocol, struct bight_scope *scope)
{
    struct bight_transport *transport = protocol->transport;
    if (bi_is_over(transport)) {
        return BIGHT_E_CLOSED;
    }
    struct bi_extension *extension = bi_extension_of(transport);
    if (extension == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return bight_scope_join(scope, &extension->member, &member_ops);
}

/* ------------------------------------------------------------------------------------- as a result */

static void destroy_value(void *protocol)
{
    bight_protocol_release(protocol);
}

static void discard_value(void *value)
{
    struct bight_protocol *protocol = value;
    (void)bight_transport_abort_connection(protocol->transport);
    bight_protocol_release(protocol);
}

const struct bight_type bight_type_protocol = {
    .name = "protocol",
    .destroy = destroy_value,
    .discard = discard_value,
};
