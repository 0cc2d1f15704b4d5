/* SPDX-License-Identifier: MIT */
/* peers.c - the addresses of connections' peers, so that who logs or limits each request does not ask the kernel each
 * time.
 *
 * A table beside the connections, which are small: of those that share a place in it the last one is remembered, and
 * others are asked for again. A site that nobody asks has none. */
#include <bight/memory.h>

#include "http/server/request.h"

#define PLACES 256

/* Of an address what connections have of it. */
struct bi_http_peer {
    const struct bi_http_connection *connection; /* NULL: none */
    uint32_t scope;
    uint16_t port;
    uint8_t family;
    uint8_t ip[16];
};

static struct bi_http_peer *place_of(const struct bi_http_server *server, const struct bi_http_connection *connection)
{
    uint64_t mixed = (uint64_t)(uintptr_t)connection * UINT64_C(0x9e3779b97f4a7c15);
    return &server->peers[mixed >> 56];
}

void bi_http_peers_forget(struct bi_http_server *server, const struct bi_http_connection *connection)
{
    if (server->peers != NULL && connection != NULL) {
        place_of(server, connection)->connection = NULL;
    }
}

void bi_http_peers_free(struct bi_http_server *server)
{
    bight_free(server->peers);
    server->peers = NULL;
}

/* Addresses of other families, and those with more to them, are not kept. */
static void keep(
    struct bi_http_server *server, const struct bi_http_connection *connection, const struct bight_address *address)
{
    bool is_ip = address->family == BIGHT_ADDRESS_IPV4 || address->family == BIGHT_ADDRESS_IPV6;
    if (!is_ip || address->flow != 0) {
        return;
    }
    if (server->peers == NULL) {
        server->peers = bight_calloc(PLACES, sizeof *server->peers);
        if (server->peers == NULL) {
            return;
        }
    }
    struct bi_http_peer *place = place_of(server, connection);
    *place = (struct bi_http_peer) { connection, address->scope, address->port, (uint8_t)address->family, { 0 } };
    memcpy(place->ip, address->at.ipv6, address->family == BIGHT_ADDRESS_IPV4 ? 4 : 16);
}

static bool find(
    const struct bi_http_server *server, const struct bi_http_connection *connection, struct bight_address *address)
{
    const struct bi_http_peer *place = server->peers != NULL ? place_of(server, connection) : NULL;
    if (place == NULL || place->connection != connection) {
        return false;
    }
    *address = (struct bight_address) {
        .family = (enum bight_address_family)place->family, .port = place->port, .scope = place->scope
    };
    memcpy(address->at.ipv6, place->ip, sizeof place->ip);
    return true;
}

int bight_http_request_connection_peer(struct bight_http_request *request, struct bight_address *address)
{
    struct bi_http_connection *connection = request->connection;
    if (connection == NULL) {
        return BIGHT_E_CLOSED;
    }
    if (find(request->server, connection, address)) {
        return BIGHT_OK;
    }
    int code = bight_transport_peer(connection->base.transport, address);
    if (code == BIGHT_OK) {
        keep(request->server, connection, address);
    }
    return code;
}
