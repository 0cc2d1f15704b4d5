/* SPDX-License-Identifier: MIT */
/* attempt.c - from a call that needs a connection to one that can be used: looking up, connecting, TLS.
 *
 * An attempt is begun for a call, but the connection is for whoever waits longest then, and the attempt is another's if
 * its call finds a connection before, or nobody's. What is tried, and in which order, is the endpoint's affair; how
 * long it may take, limits.c's. */
#include "http/client/dial.h"
#include "http/client/trace.h"
#include "http/client/tunnel.h"

#include <bight/endpoint.h>
#include <bight/memory.h>

#include <stdio.h>

/* ------------------------------------------------------------------------------------------- the ends */

/* What it has is its caller's now. */
static void free_attempt(struct bi_attempt *attempt)
{
    if (attempt->call != NULL) {
        attempt->call->attempt = NULL;
    }
    bi_link_remove(&attempt->link);
    bi_dial_end(attempt);
    bight_free(attempt);
}

void bi_attempt_succeed(struct bi_attempt *attempt)
{
    struct bi_client_connection *connection = attempt->connection;
    connection->attempt = NULL;
    free_attempt(attempt);
    bi_pool_offer(connection);
}

/* The Deferred's handler, called inside the cancel, frees it. */
static void cancel(struct bi_attempt *attempt)
{
    attempt->is_dropped = true;
    if (attempt->call != NULL) {
        attempt->call->attempt = NULL;
        attempt->call = NULL;
    }
    bight_deferred_cancel(attempt->deferred);
}

/* Its slot goes with the connection, if there is one. */
static void end(struct bi_attempt *attempt)
{
    struct bi_pool_host *host = attempt->host;
    struct bi_client_connection *connection = attempt->connection;
    if (attempt->deferred != NULL) {
        cancel(attempt);
        return;
    }
    free_attempt(attempt);
    if (connection != NULL) {
        connection->attempt = NULL;
        bi_connection_close(connection, true);
    } else {
        bi_pool_release_slot(host);
    }
}

void bi_attempt_drop(struct bi_attempt *attempt)
{
    end(attempt);
}

void bi_attempt_fail(struct bi_attempt *attempt, struct bight_failure *failure)
{
    struct bight_http_call *call = attempt->call;
    if (call != NULL) {
        attempt->call = NULL;
        call->attempt = NULL;
        bi_pool_withdraw(call);
    }
    end(attempt);
    if (call != NULL) {
        bi_call_fail(call, failure);
    } else {
        bight_failure_release(failure);
    }
}

/* ------------------------------------------------------------------------------------------- connecting */

static void establish(struct bi_attempt *attempt, struct bi_client_connection *connection)
{
    struct bi_pool_host *host = attempt->host;
    struct bight_http_client *client = host->client;
    bi_trace_note(attempt->call, BIGHT_HTTP_STEP_CONNECTED);
    connection->attempt = attempt;
    connection->host = host;
    connection->idle_time = client->idle_time;
    attempt->connection = connection;
    bi_ring_append(&client->connections, &connection->link);
    (void)bight_transport_set_linger(connection->base.transport, 0, 0);
    if (!host->is_secure) {
        bi_attempt_succeed(attempt);
        return;
    }
    struct bight_tls *tls = host->tls != NULL ? host->tls : client->tls;
    int code = bight_transport_start_tls(connection->base.transport, tls, host->name);
    if (code != BIGHT_OK) {
        bi_attempt_fail(attempt, bight_failure_of(code));
    }
}

static void connected(struct bight_result *result, void *context)
{
    struct bi_attempt *attempt = context;
    bight_deferred_release(attempt->deferred);
    attempt->deferred = NULL;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        bi_attempt_fail(attempt, bi_tunnel_with_status(failure));
    } else if (attempt->is_dropped) {
        bight_result_discard(result);
        end(attempt);
    } else {
        struct bight_protocol *protocol = bight_result_take(result, &bight_type_protocol);
        establish(attempt, (struct bi_client_connection *)protocol);
        bight_protocol_release(protocol);
    }
}

/* Through a tunnel if a proxy leads to a host that is to be secure. */
static struct bight_deferred *begin_connecting(const struct bi_pool_host *host, struct bight_factory *factory)
{
    const struct bight_http_client *client = host->client;
    char target[256 + 16];
    if (host->proxy == NULL || !host->is_secure) {
        return bight_connect(client->reactor, host->endpoint, factory);
    }
    (void)snprintf(target, sizeof target, host->is_ipv6 ? "[%s]:%u" : "%s:%u", host->name, host->port);
    const struct bi_tunnel_options options = { .target = target,
        .authorization = host->proxy->authorization,
        .lines = { (const uint8_t *)client->lines, client->lines_size } };
    return bi_tunnel_connect(client->reactor, host->endpoint, factory, &options);
}

void bi_attempt_connect(struct bi_attempt *attempt)
{
    struct bight_factory *factory = bi_dial_begin(attempt);
    if (factory == NULL) {
        bi_attempt_fail(attempt, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    bi_trace_note(attempt->call, BIGHT_HTTP_STEP_CONNECTING);
    struct bight_deferred *connecting = begin_connecting(attempt->host, factory);
    attempt->deferred = connecting;
    int code = bight_deferred_add_both(connecting, connected, attempt);
    if (code != BIGHT_OK) {
        attempt->deferred = NULL;
        bight_deferred_cancel(connecting);
        bight_deferred_release(connecting);
        bi_attempt_fail(attempt, bight_failure_of(code));
    }
}

/* A call that cannot have one is no longer waiting when its failure comes. */
static void fail_without_memory(struct bight_http_call *call)
{
    bi_pool_withdraw(call);
    bi_call_fail(call, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
}

void bi_attempt_start(struct bi_pool_host *host, struct bight_http_call *call)
{
    struct bight_http_client *client = host->client;
    struct bi_attempt *attempt = bight_calloc(1, sizeof *attempt);
    if (attempt == NULL) {
        fail_without_memory(call);
        return;
    }
    attempt->host = host;
    attempt->call = call;
    attempt->since = bi_limits_stamp(client);
    attempt->limit = call->settings.connect;
    call->attempt = attempt;
    bi_ring_append(&client->attempts, &attempt->link);
    host->holds++;
    host->slots++;
    client->slots++;
    int tls = host->is_secure && host->tls == NULL ? bi_client_need_tls(client) : BI_TLS_THERE;
    if (tls < 0) {
        bi_attempt_fail(attempt, bight_failure_of(tls));
    } else if (tls == BI_TLS_THERE) {
        bi_attempt_connect(attempt);
    }
}
