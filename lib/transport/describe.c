/* SPDX-License-Identifier: MIT */
/* describe.c - the connections of a reactor, for a picture of what waits for what (bight/debug.h).
 *
 * Nothing is changed by looking: a peer that has not been asked for before is asked for and not remembered. Ports and
 * attempts are described in open.c. */
#include <bight/transport.h>

#include <stdio.h>

#include "deferred/describe.h"
#include "transport/describe.h"
#include "transport/state.h"

bool bi_describe_peer(struct bight_transport *transport, struct bight_address *peer)
{
    const struct bi_extension *extension = transport->extension;
    if (extension != NULL && extension->peer != NULL) {
        *peer = *extension->peer;
        return true;
    }
    if (bi_life_of(transport) == BI_LOST || transport->bottom == NULL || transport->bottom->address == NULL) {
        return false;
    }
    *peer = (struct bight_address) { .family = BIGHT_ADDRESS_NONE };
    return transport->bottom->address(transport, true, peer) == BIGHT_OK && peer->family != BIGHT_ADDRESS_NONE;
}

static const char *describe_peer(struct bight_transport *transport, char *text, size_t size)
{
    struct bight_address peer;
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    text[0] = '\0';
    if (bi_describe_peer(transport, &peer)) {
        bight_address_format(&peer, address, sizeof address);
        snprintf(text, size, "\npeer %s", address);
    }
    return text;
}

const char *bi_describe_state(const struct bight_transport *transport)
{
    static const char *const names[] = {
        [BI_NEW] = "beginning",
        [BI_ESTABLISHING] = "being established",
        [BI_LOSING] = "closing, flushes its output",
        [BI_LINGERING] = "closing, waits for the peer's end",
        [BI_BROKEN] = "broken, delivers what came before",
        [BI_LOSS_DUE] = "connection_lost is due",
        [BI_LOST] = "ended, held by the program",
    };
    if (bi_life_of(transport) != BI_OPEN) {
        return names[bi_life_of(transport)];
    }
    if (transport->state & BI_THROTTLED) {
        return "open, not read from until it has sent";
    }
    return (transport->state & BI_PAUSED) != 0 ? "open, paused by the protocol" : "open";
}

static void describe(struct bight_transport *transport, struct bi_dump *dump)
{
    char name[BI_DUMP_NAME_SIZE];
    char place[BI_DUMP_PLACE_SIZE];
    char peer[BIGHT_ADDRESS_TEXT_SIZE + 8];
    char ties[BI_DUMP_LIST_SIZE];
    struct bight_protocol *protocol = transport->protocol;
    bool has_ties = protocol != NULL && protocol->reserved != NULL;
    snprintf(name, sizeof name, "connection %llu", (unsigned long long)transport->id);
    (void)bi_dump_ties(dump, name, has_ties ? bight_protocol_owner(protocol) : NULL, ties);
    bi_dump_node(dump, name, "cds", "%s%s\n%s%s\n%zu bytes to send%s", name,
        bi_dump_place(transport, transport->id, place), bi_describe_state(transport),
        describe_peer(transport, peer, sizeof peer), bi_output_waiting(transport), ties);
}

void bi_hub_describe(struct bi_attachment *attachment, struct bi_dump *dump)
{
    const struct bi_hub *hub = BI_CONTAINER(attachment, const struct bi_hub, attachment);
    struct bight_transport *transport;
    size_t cursor = 0;
    bi_dump_section(dump, (size_t)hub->reactor->traffic.open, "connection");
    while ((transport = bi_hub_next(hub, &cursor)) != NULL) {
        describe(transport, dump);
    }
}
