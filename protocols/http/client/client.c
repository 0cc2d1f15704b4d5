/* SPDX-License-Identifier: MIT */
/* client.c - a client's life: its options, its end.
 *
 * Its memory goes with its last connection, attempt, and call that has not been sent: all of them are uses or holds of
 * the factory that it begins with. */
#include "http/client/cookie_jar.h"
#include "http/client/trace.h"

#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/version.h>

#include <stdio.h>
#include <string.h>

#define GIVEN(options, member)                                                                                  \
    ((options) != NULL &&                                                                                       \
                (options)->size >= offsetof(struct bight_http_client_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                 \
            : 0)

/* ------------------------------------------------------------------------------------------- making */

static void free_client(struct bight_factory *factory)
{
    struct bight_http_client *client = (struct bight_http_client *)factory;
    while (client->spare != NULL) {
        struct bight_http_call *call = client->spare;
        client->spare = call->next;
        bi_http_buffer_free(&call->fields);
        bight_free(call);
    }
    bi_client_forget_tls(client);
    bight_tls_release(client->settings.tls);
    bi_proxies_release(client->settings.proxies);
    bight_http_cookie_jar_release(client->cookies);
    bight_hash_finish(&client->hosts);
    bight_free(client->fields);
    bight_free(client->local_address);
    bight_free(client->lines);
    bight_free(client);
}

static const struct bight_factory_ops factory_ops = { .release = free_client };

static unsigned or_default(unsigned number, unsigned otherwise)
{
    return number != 0 ? number : otherwise;
}

static void read_hooks(struct bight_http_client *client, const struct bight_http_client_hooks *hooks)
{
    if (hooks != NULL) {
        memcpy(&client->hooks, hooks, hooks->size < sizeof *hooks ? hooks->size : sizeof *hooks);
    }
}

/* False: something is out of range, which has been logged. */
static bool read_options(struct bight_http_client *client, const struct bight_http_client_options *options)
{
    client->max_per_host = or_default(GIVEN(options, max_per_host), 8);
    client->max_slots = or_default(GIVEN(options, max_connections), 256);
    client->limits = (struct bi_response_limits) {
        .head = or_default(GIVEN(options, max_head), BI_HEAD_CEILING),
        .fields = (uint16_t)or_default(GIVEN(options, max_fields), BI_RESPONSE_DEFAULT_FIELDS),
        .interim = (uint8_t)or_default(GIVEN(options, max_interim), BI_RESPONSE_DEFAULT_INTERIM),
    };
    if (client->limits.head > BI_HEAD_CEILING || client->limits.fields > BI_HEAD_MAX_FIELDS ||
        !bi_settings_seconds(GIVEN(options, idle_seconds), 15 * BIGHT_NANOSECONDS_PER_SECOND, &client->idle_time)) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "options of an HTTP client: a limit or time is out of range");
        return false;
    }
    client->public_only = GIVEN(options, public_only);
    read_hooks(client, GIVEN(options, hooks));
    const struct bight_http_cookie_jar *jar = GIVEN(options, cookies);
    if (jar != NULL && jar->reactor != client->reactor) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "options of an HTTP client: the cookies are another reactor's");
        return false;
    }
    return bi_settings_read(&client->settings, &bi_settings_default, GIVEN(options, calls)) == BIGHT_OK &&
           bi_call_read_proxies(client, &client->settings.proxies, NULL, GIVEN(options, calls)) == BIGHT_OK;
}

/* The lines of the head that do not change. */
static bool make_lines(struct bight_http_client *client, const char *agent)
{
    agent = agent != NULL ? agent : "bight/" BIGHT_VERSION;
    if (!bi_is_field_value(bi_view_of(agent))) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "options of an HTTP client: user_agent holds what no value may");
        return false;
    }
    size_t size = sizeof "User-Agent: \r\n" + strlen(agent);
    client->lines = bight_malloc(size);
    if (client->lines == NULL) {
        return false;
    }
    client->lines_size = *agent == '\0' ? 0 : (size_t)snprintf(client->lines, size, "User-Agent: %s\r\n", agent);
    return true;
}

static bool make_rest(struct bight_http_client *client, const struct bight_http_client_options *options)
{
    uint64_t key[2];
    const char *local = client->settings.local_address;
    size_t fields = client->limits.fields > BI_RESPONSE_TRAILERS ? client->limits.fields : BI_RESPONSE_TRAILERS;
    client->settings.local_address = client->local_address = local != NULL ? bight_strdup(local) : NULL;
    client->fields = bight_malloc(fields * sizeof *client->fields);
    if ((local != NULL && client->local_address == NULL) || client->fields == NULL ||
        !make_lines(client, GIVEN(options, user_agent)) || bight_random(client->reactor, key, sizeof key) != BIGHT_OK) {
        return false;
    }
    bight_hash_init(&client->hosts, key, NULL);
    return true;
}

static void begin(struct bight_http_client *client, struct bight_reactor *reactor)
{
    client->factory = (struct bight_factory)BIGHT_FACTORY(struct bi_client_connection, &bi_client_connection_ops);
    client->factory.ops = &factory_ops;
    client->reactor = reactor;
    bi_ring_init(&client->starved);
    bi_ring_init(&client->wanting);
    bi_ring_init(&client->calls);
    bi_ring_init(&client->connections);
    bi_ring_init(&client->attempts);
    bi_ring_init(&client->traces);
}

struct bight_http_client *bight_http_client_new(
    struct bight_reactor *reactor, const struct bight_http_client_options *options)
{
    if (reactor == NULL) {
        return NULL; /* of a failed bight_reactor_new */
    }
    struct bight_http_client *client = bight_calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    begin(client, reactor);
    if (!read_options(client, options)) {
        client->settings.tls = NULL;
        free_client(&client->factory);
        return NULL;
    }
    client->settings.tls = client->settings.tls != NULL ? bight_tls_hold(client->settings.tls) : NULL;
    client->cookies = bight_http_cookie_jar_hold(GIVEN(options, cookies));
    if (!make_rest(client, options)) {
        free_client(&client->factory);
        return NULL;
    }
    (void)bight_factory_hold(&client->factory);
    return client;
}

/* ------------------------------------------------------------------------------------------- its end */

static bool has_ended(const struct bight_http_client *client)
{
    return bi_ring_is_empty(&client->calls) && client->slots == 0;
}

void bi_client_check_end(struct bight_http_client *client)
{
    if (client->is_closing && !client->is_freed && has_ended(client) && bight_promise_is_open(client->closed)) {
        (void)bight_callback(client->closed, NULL, NULL);
    }
}

static void close_idle(struct bight_http_client *client)
{
    for (struct bi_link *link = client->connections.next, *next; link != &client->connections; link = next) {
        struct bi_client_connection *connection = BI_LINKED(struct bi_client_connection, link, link);
        next = link->next;
        if (bi_link_is_in(&connection->idle)) {
            bi_connection_close(connection, false);
        }
    }
}

struct bight_deferred *bight_http_client_close(struct bight_http_client *client)
{
    if (client == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    if (client->is_closing) {
        return bight_fail(bight_failure_new(BIGHT_E_CLOSED, 0, NULL, "the HTTP client is being closed already"));
    }
    struct bight_deferred *deferred = bight_deferred_new(&client->closed, NULL, NULL);
    client->is_closing = true;
    close_idle(client);
    bi_client_check_end(client);
    return deferred;
}

static void drop_attempts(struct bight_http_client *client)
{
    while (!bi_ring_is_empty(&client->attempts)) {
        bi_attempt_drop(BI_LINKED(struct bi_attempt, link, client->attempts.next));
    }
}

/* Calls first, for what they wait on goes with them; their callbacks may send more, which fail. */
void bight_http_client_free(struct bight_http_client *client)
{
    if (client == NULL) {
        return;
    }
    client->is_freed = client->is_closing = true;
    while (!bi_ring_is_empty(&client->calls)) {
        bi_call_fail(BI_LINKED(struct bight_http_call, link, client->calls.next),
            bight_failure_new(BIGHT_E_ABANDONED, 0, NULL, "the HTTP client has been freed"));
    }
    drop_attempts(client);
    while (!bi_ring_is_empty(&client->connections)) {
        bi_connection_close(BI_LINKED(struct bi_client_connection, link, client->connections.next), false);
    }
    bi_limits_stop(client);
    bi_client_forget_tls(client);
    (void)bight_timer_cancel(client->telling);
    bi_trace_tell(client);
    (void)bight_abandon(client->closed);
    bight_factory_release(&client->factory);
}
