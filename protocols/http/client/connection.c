/* SPDX-License-Identifier: MIT */
/* connection.c - a connection of the client's as its protocol sees it: what happens to it, and whose it is.
 *
 * It belongs to an attempt until it is ready, then to one exchange after the other, and is kept in between. Nobody else
 * may send on it: whatever comes while no exchange is under way ends it (C2). */
#include "http/client/trace.h"

static struct bi_client_connection *connection_of(struct bight_protocol *protocol)
{
    return (struct bi_client_connection *)protocol;
}

void bi_connection_close(struct bi_client_connection *connection, bool abort)
{
    struct bight_transport *transport = connection->base.transport;
    bi_pool_forget(connection);
    bi_link_remove(&connection->link);
    connection->is_closing = true;
    (void)(abort ? bight_transport_abort_connection(transport) : bight_transport_lose_connection(transport));
}

static void handshake_completed(struct bight_protocol *protocol)
{
    struct bi_client_connection *connection = connection_of(protocol);
    if (connection->attempt != NULL) {
        bi_trace_note(connection->attempt->call, BIGHT_HTTP_STEP_SECURED);
        bi_attempt_succeed(connection->attempt);
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bi_client_connection *connection = connection_of(protocol);
    if (connection->call != NULL) {
        bi_client_exchange_read(connection, (struct bi_view) { data, size });
    } else if (!connection->is_closing) {
        bi_connection_close(connection, true);
    }
}

/* True would keep our side open, which has nothing to say any more. */
static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct bi_client_connection *connection = connection_of(protocol);
    bi_pool_forget(connection);
    connection->is_closing = true;
    if (connection->call != NULL) {
        bi_client_exchange_end_input(connection);
    }
    return false;
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bi_client_connection *connection = connection_of(protocol);
    struct bi_pool_host *host = connection->host;
    struct bi_attempt *attempt = connection->attempt;
    if (host == NULL) {
        return; /* nobody has wanted it */
    }
    struct bight_http_client *client = host->client;
    (void)bight_factory_hold(&client->factory);
    bi_pool_forget(connection);
    bi_link_remove(&connection->link);
    connection->is_closing = true;
    connection->host = NULL;
    if (attempt != NULL) {
        attempt->connection = NULL; /* the slot is the attempt's again */
        bi_attempt_fail(attempt, bight_failure_hold(reason));
    } else {
        if (connection->call != NULL) {
            bi_client_exchange_lost(connection, reason);
        }
        bi_pool_release_slot(host);
    }
    bight_factory_release(&client->factory);
}

static void finish(struct bight_protocol *protocol)
{
    bi_response_parser_finish(&connection_of(protocol)->parser);
}

const struct bight_protocol_ops bi_client_connection_ops = {
    .data_received = data_received,
    .connection_lost = connection_lost,
    .read_connection_lost = read_connection_lost,
    .handshake_completed = handshake_completed,
    .finish = finish,
};
