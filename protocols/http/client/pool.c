/* SPDX-License-Identifier: MIT */
/* pool.c - which connection carries which call (C2): hosts, their queues, kept connections, the limits of both.
 *
 * The key of a host has all in which calls must be equal to share its connections, one byte behind the other. Calls of
 * a host go out in their order. When the client has all the connections that it may have, a connection that is kept for
 * another host makes room, the one that has been idle longest; hosts that find none wait in
 * their order, first those that have none at all. */
#include "http/client/client.h"

#include <bight/endpoint.h>
#include <bight/memory.h>

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------- the key */

enum { KEY_ROOM = 64 + 2 * 256 + 4 * BI_CALL_ENDPOINT };

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *put_text(uint8_t *at, const char *text)
{
    return put(at, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
}

static struct bi_view host_of(const struct bight_http_call *call)
{
    return (struct bi_view) { call->url_text.at + call->url.host.at, call->url.host.size };
}

static uint8_t *put_proxy(uint8_t *at, const struct bi_proxy *proxy)
{
    if (proxy == NULL) {
        return put_text(at, NULL);
    }
    at = put_text(at, proxy->name);
    at = put(at, &proxy->port, sizeof proxy->port);
    return put_text(at, proxy->authorization);
}

/* No text has a NUL in it. An address that no call says is not there, so that of one endpoint for all calls it is. */
static size_t write_key(const struct bight_http_call *call, uint8_t *key)
{
    struct bi_view host = host_of(call);
    uint8_t *at = key;
    *at++ = call->url.scheme;
    *at++ = call->url.host_kind;
    at = put(at, &call->url.port, sizeof call->url.port);
    at = put(at, &call->settings.tls, sizeof call->settings.tls);
    for (size_t i = 0; i < host.size; i++) {
        *at++ = bi_lower(host.at[i]);
    }
    *at++ = '\0';
    at = put_proxy(at, call->proxy);
    at = put_text(at, call->endpoint);
    at = put_text(at, call->settings.local_address);
    return (size_t)(at - key);
}

/* ------------------------------------------------------------------------------------------- hosts */

/* At least as much as it can need: each byte of the texts may be escaped. */
static size_t endpoint_room(const struct bight_http_call *call)
{
    const char *local = call->settings.local_address;
    size_t name = call->proxy != NULL ? strlen(call->proxy->name) : call->url.host.size;
    return call->endpoint != NULL ? strlen(call->endpoint) + 1 : 64 + name + 2 * (local != NULL ? strlen(local) : 0);
}

static void write_endpoint(const struct bight_http_call *call, char *text, size_t room)
{
    const char *local = call->settings.local_address;
    const struct bi_proxy *proxy = call->proxy;
    struct bi_view name = proxy != NULL ? bi_view_of(proxy->name) : host_of(call);
    if (call->endpoint != NULL) {
        memcpy(text, call->endpoint, room);
        return;
    }
    bool is_ipv6 = proxy != NULL ? proxy->is_ipv6 : call->url.host_kind == BI_HOST_IPV6;
    size_t size = (size_t)snprintf(text, room, "tcp:%s%.*s%s:%u:timeout=0", is_ipv6 ? "[" : "", (int)name.size,
        (const char *)name.at, is_ipv6 ? "]" : "", proxy != NULL ? proxy->port : call->url.port);
    if (local != NULL) {
        size += (size_t)snprintf(text + size, room - size, ":bind=");
        (void)bight_endpoint_quote(local, text + size, room - size);
    }
}

static struct bi_pool_host *new_host(struct bight_http_call *call, const uint8_t *key, size_t key_size)
{
    struct bi_view name = host_of(call);
    size_t room = endpoint_room(call);
    struct bi_pool_host *host = bight_calloc(1, sizeof *host + key_size + name.size + 1 + room);
    if (host == NULL) {
        return NULL;
    }
    char *name_text = host->text + key_size, *endpoint = name_text + name.size + 1;
    memcpy(host->text, key, key_size);
    memcpy(name_text, name.at, name.size);
    write_endpoint(call, endpoint, room);
    host->client = call->client;
    host->key_size = key_size;
    host->name = name_text;
    host->endpoint = endpoint;
    host->is_secure = call->url.scheme == BI_URL_HTTPS;
    host->is_elsewhere = call->endpoint != NULL || call->proxy != NULL;
    host->is_ipv6 = call->url.host_kind == BI_HOST_IPV6;
    host->port = call->url.port;
    host->proxy = call->proxy;
    bi_ring_init(&host->queue);
    bi_ring_init(&host->idle);
    if (bight_hash_set(&call->client->hosts, host->text, key_size, host) != BIGHT_OK) {
        bight_free(host);
        return NULL;
    }
    host->tls = call->settings.tls != NULL ? bight_tls_hold(call->settings.tls) : NULL;
    host->proxies = bi_proxies_hold(call->settings.proxies);
    return host;
}

void bi_host_release(struct bi_pool_host *host)
{
    struct bight_http_client *client = host->client;
    if (--host->holds > 0) {
        return;
    }
    if (client->last == host) {
        client->last = NULL;
    }
    bi_link_remove(&host->starved);
    (void)bight_hash_take(&client->hosts, host->text, host->key_size);
    bight_tls_release(host->tls);
    bi_proxies_release(host->proxies);
    bight_free(host);
}

/* With a hold; NULL when out of memory. */
static struct bi_pool_host *find_host(struct bight_http_call *call)
{
    struct bight_http_client *client = call->client;
    uint8_t key[KEY_ROOM];
    call->proxy = call->endpoint != NULL ? NULL : bi_proxies_choose(call->settings.proxies, &call->url, call->url_text);
    size_t size = write_key(call, key);
    struct bi_pool_host *host = client->last;
    if (host == NULL || host->key_size != size || memcmp(host->text, key, size) != 0) {
        host = bight_hash_get(&client->hosts, key, size);
        host = host != NULL ? host : new_host(call, key, size);
        client->last = host;
    }
    if (host != NULL) {
        host->holds++;
    }
    return host;
}

/* ------------------------------------------------------------------------------------------- the queue */

/* The call that has waited longest, of those for which no connection is being made. */
static struct bight_http_call *first_without_attempt(const struct bi_pool_host *host)
{
    for (struct bi_link *link = host->queue.next; link != &host->queue; link = link->next) {
        struct bight_http_call *call = BI_LINKED(struct bight_http_call, queued, link);
        if (call->attempt == NULL) {
            return call;
        }
    }
    return NULL;
}

/* The attempt of a call that needs it no more is another's. False: nobody needs it. */
static bool hand_on(struct bi_pool_host *host, struct bi_attempt *attempt)
{
    struct bight_http_call *other = first_without_attempt(host);
    attempt->call = other;
    if (other != NULL) {
        other->attempt = attempt;
    }
    return other != NULL;
}

static void leave_queue(struct bight_http_call *call)
{
    bi_link_remove(&call->queued);
    call->host = NULL;
}

void bi_pool_withdraw(struct bight_http_call *call)
{
    struct bi_pool_host *host = call->host;
    struct bi_attempt *attempt = call->attempt;
    if (host == NULL) {
        return;
    }
    leave_queue(call);
    call->attempt = NULL;
    if (attempt != NULL && !hand_on(host, attempt)) {
        bi_attempt_drop(attempt);
    }
    bi_host_release(host);
}

/* ------------------------------------------------------------------------------------------- the limits */

static struct bi_client_connection *last_of(struct bi_pool_host *host)
{
    return bi_ring_is_empty(&host->idle) ? NULL : BI_LINKED(struct bi_client_connection, idle, host->idle.previous);
}

/* The connection that has been idle longest makes room; its slot is free when it has closed. */
static void evict(struct bight_http_client *client)
{
    struct bi_client_connection *oldest = NULL;
    size_t cursor = 0, size;
    const void *key;
    void *value;
    while (client->idle_count > 0 && bight_hash_next(&client->hosts, &cursor, &key, &size, &value)) {
        struct bi_client_connection *last = last_of(value);
        if (last != NULL && (oldest == NULL || last->since < oldest->since)) {
            oldest = last;
        }
    }
    if (oldest != NULL) {
        bi_connection_close(oldest, false);
    }
}

/* Hosts that have no connection at all come before those that want more. */
static void wait_for_slot(struct bi_pool_host *host)
{
    struct bight_http_client *client = host->client;
    bool has_none = host->slots == 0;
    if (bi_link_is_in(&host->starved) && host->has_none == has_none) {
        return;
    }
    bi_link_remove(&host->starved);
    host->has_none = has_none;
    bi_ring_append(has_none ? &client->starved : &client->wanting, &host->starved);
    evict(client);
}

/* The next host that waits for a slot; NULL: none does. */
static struct bi_pool_host *next_starved(struct bight_http_client *client)
{
    struct bi_link *ring = bi_ring_is_empty(&client->starved) ? &client->wanting : &client->starved;
    return bi_ring_is_empty(ring) ? NULL : BI_LINKED(struct bi_pool_host, starved, ring->next);
}

/* As many attempts as calls wait and limits allow. User code may be called: the caller has a hold. */
static void begin_attempts(struct bi_pool_host *host)
{
    struct bight_http_client *client = host->client;
    struct bight_http_call *call;
    while (host->slots < client->max_per_host && (call = first_without_attempt(host)) != NULL) {
        if (client->slots < client->max_slots) {
            bi_attempt_start(host, call);
            continue;
        }
        wait_for_slot(host);
        return;
    }
}

/* User code may be called. */
static void serve_starved(struct bight_http_client *client)
{
    struct bi_pool_host *next;
    while (client->slots < client->max_slots && (next = next_starved(client)) != NULL) {
        bi_link_remove(&next->starved);
        next->holds++;
        begin_attempts(next);
        bi_host_release(next);
    }
}

void bi_pool_release_slot(struct bi_pool_host *host)
{
    struct bight_http_client *client = host->client;
    (void)bight_factory_hold(&client->factory);
    host->slots--;
    client->slots--;
    serve_starved(client);
    begin_attempts(host);
    bi_host_release(host);
    bi_client_check_end(client);
    bight_factory_release(&client->factory);
}

/* ------------------------------------------------------------------------------------------- connections */

void bi_pool_forget(struct bi_client_connection *connection)
{
    if (bi_link_is_in(&connection->idle)) {
        bi_link_remove(&connection->idle);
        connection->host->client->idle_count--;
    }
}

static void keep(struct bi_client_connection *connection)
{
    struct bight_http_client *client = connection->host->client;
    if (client->is_closing || next_starved(client) != NULL) {
        bi_connection_close(connection, false);
        return;
    }
    connection->since = bi_limits_stamp(client);
    bi_ring_insert(&connection->host->idle, &connection->idle);
    client->idle_count++;
}

static struct bight_http_call *first_of(struct bi_pool_host *host)
{
    return bi_ring_is_empty(&host->queue) ? NULL : BI_LINKED(struct bight_http_call, queued, host->queue.next);
}

/* The first that may have `connection`: a call that met a dead one is sent again on a new one alone (C2). */
static struct bight_http_call *first_for(struct bi_pool_host *host, const struct bi_client_connection *connection)
{
    for (struct bi_link *link = host->queue.next; link != &host->queue; link = link->next) {
        struct bight_http_call *call = BI_LINKED(struct bight_http_call, queued, link);
        if (connection->served == 0 || !call->is_repeated) {
            return call;
        }
    }
    return NULL;
}

/* A host that has no connection at all goes before one that has some, if its calls wait longer. */
static bool should_yield(struct bight_http_client *client, const struct bight_http_call *call)
{
    struct bi_pool_host *other = next_starved(client);
    const struct bight_http_call *first = other != NULL && other->slots == 0 ? first_of(other) : NULL;
    return first != NULL && first->number < call->number;
}

void bi_pool_offer(struct bi_client_connection *connection)
{
    struct bi_pool_host *host = connection->host;
    struct bight_http_call *first = first_of(host), *call = first_for(host, connection);
    bool makes_room = first != call && first->attempt == NULL;
    if (call == NULL && !makes_room) {
        keep(connection);
        return;
    }
    if (makes_room || should_yield(host->client, call)) {
        bi_connection_close(connection, false);
        return;
    }
    struct bi_attempt *attempt = call->attempt;
    leave_queue(call);
    call->attempt = NULL;
    if (attempt != NULL) {
        (void)hand_on(host, attempt); /* one that nobody needs is kept when it is ready */
    }
    bi_client_exchange_begin(call, connection);
    bi_host_release(host);
}

/* The one that was used last; NULL: there is none. */
static struct bi_client_connection *take_idle(struct bi_pool_host *host)
{
    while (!bi_ring_is_empty(&host->idle)) {
        struct bi_client_connection *connection = BI_LINKED(struct bi_client_connection, idle, host->idle.next);
        bi_pool_forget(connection);
        if (bight_transport_is_open(connection->base.transport)) {
            return connection;
        }
    }
    return NULL;
}

void bi_pool_submit(struct bight_http_call *call)
{
    struct bi_pool_host *host = find_host(call);
    if (host == NULL) {
        bi_call_fail(call, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    struct bi_client_connection *connection =
        call->is_repeated || !bi_ring_is_empty(&host->queue) ? NULL : take_idle(host);
    if (connection != NULL) {
        bi_client_exchange_begin(call, connection);
        bi_host_release(host);
        return;
    }
    call->state = BI_CALL_WAITING;
    call->host = host; /* with its hold */
    host->holds++;
    call->is_repeated ? bi_ring_insert(&host->queue, &call->queued) : bi_ring_append(&host->queue, &call->queued);
    begin_attempts(host);
    bi_host_release(host);
}
