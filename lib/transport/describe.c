/* SPDX-License-Identifier: MIT */
/* describe.c - the connections of a reactor, for a picture of what waits for what (bight/debug.h).
 *
 * Nothing is changed by looking: a peer that has not been asked for before is asked for and not remembered. Ports and
 * attempts are described in open.c. */
#include <bight/transport.h>

#include <stdio.h>

#include "deferred/describe.h"
#include "transport/transport.h"

static bool find_peer(struct bight_transport *transport, struct bight_address *peer)
{
    const struct bi_extension *extension = transport->extension;
    if (extension != NULL && extension->peer != NULL) {
        *peer = *extension->peer;
        return true;
    }
    if ((transport->state & BI_STATE_ENDED) != 0 || transport->bottom == NULL || transport->bottom->address == NULL) {
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
    if (find_peer(transport, &peer)) {
        bight_address_format(&peer, address, sizeof address);
        snprintf(text, size, "\npeer %s", address);
    }
    return text;
}

static const char *name_state(uint32_t state)
{
    if ((state & BI_STATE_ENDED) != 0) {
        return "ended, held by the program";
    }
    if ((state & BI_STATE_ENDING) != 0) {
        return "connection_lost is due";
    }
    if ((state & BI_STATE_LOSING) != 0) {
        return (state & BI_STATE_SHUT) != 0 ? "closing, waits for the peer's end" : "closing, flushes its output";
    }
    if ((state & BI_STATE_STARTED) == 0) {
        return "beginning";
    }
    if ((state & BI_STATE_PRESSED) != 0) {
        return "open, not read from until it has sent";
    }
    return (state & BI_STATE_PAUSED) != 0 ? "open, paused by the protocol" : "open";
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
        bi_dump_place(transport, transport->id, place), name_state(transport->state),
        describe_peer(transport, peer, sizeof peer), bi_output_queued(transport), ties);
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
