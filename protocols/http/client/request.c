/* SPDX-License-Identifier: MIT */
/* request.c - sending a call: what it says, written where it is sent from.
 *
 * A head is put together in one piece of the connection's output, and a small body behind it, so that both leave
 * together. */
#include "http/client/cookie_jar.h"
#include "http/client/decode.h"
#include "http/client/sending.h"
#include "http/client/trace.h"

#include <bight/memory.h>
#include <bight/sys/output.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOGETHER 4096 /* bytes of a body that are written with the head */

/* ------------------------------------------------------------------------------------------- the head */

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

static uint8_t *put_span(uint8_t *at, const struct bight_http_call *call, struct bi_span span)
{
    return put(at, call->url_text.at + span.at, span.size);
}

/* Without the scheme's own port (RFC 9110, section 7.2). */
static uint8_t *put_authority(uint8_t *at, const struct bight_http_call *call)
{
    const struct bi_url *url = &call->url;
    bool is_ipv6 = url->host_kind == BI_HOST_IPV6;
    at = is_ipv6 ? PUT(at, "[") : at;
    at = put_span(at, call, url->host);
    at = is_ipv6 ? PUT(at, "]") : at;
    if (url->port != (url->scheme == BI_URL_HTTPS ? 443 : 80)) {
        at += snprintf((char *)at, 8, ":%u", url->port);
    }
    return at;
}

/* A proxy answers it, and not the end of a tunnel. */
static bool is_for_proxy(const struct bight_http_call *call)
{
    return call->proxy != NULL && call->url.scheme == BI_URL_HTTP;
}

/* Path and query, as they stand in the URL; for a proxy all of it (RFC 9112, section 3.2.2). */
static uint8_t *put_target(uint8_t *at, const struct bight_http_call *call)
{
    const struct bi_url *url = &call->url;
    if (is_for_proxy(call)) {
        at = PUT(at, "http://");
        at = put_authority(at, call);
    }
    at = url->path.size > 0 ? put_span(at, call, url->path) : PUT(at, "/");
    if (url->has_query) {
        at = PUT(at, "?");
        at = put_span(at, call, url->query);
    }
    return at;
}

static bool has_field(const struct bight_http_call *call, const char *name)
{
    size_t size;
    return call->fields.end > 0 && bi_fields_find(&call->fields, name, &size) != NULL;
}

static uint8_t *put_host(uint8_t *at, const struct bight_http_call *call)
{
    at = PUT(at, "Host: ");
    at = put_authority(at, call);
    return PUT(at, "\r\n");
}

static const char *proxy_authorization(const struct bight_http_call *call)
{
    return is_for_proxy(call) ? call->proxy->authorization : NULL;
}

static uint8_t *put_proxy_authorization(uint8_t *at, const struct bight_http_call *call)
{
    const char *value = proxy_authorization(call);
    if (value == NULL) {
        return at;
    }
    at = PUT(at, "Proxy-Authorization: ");
    at = put(at, value, strlen(value));
    return PUT(at, "\r\n");
}

/* One that has a meaning for its body says so even if there is none (RFC 9110, section 8.6). */
static bool says_length(const struct bight_http_call *call)
{
    return bi_sending_has_body(call) || call->method == BI_METHOD_POST || call->method == BI_METHOD_PUT ||
           call->method == BI_METHOD_PATCH;
}

static uint8_t *put_cookies(uint8_t *at, const struct bight_http_call *call)
{
    at = PUT(at, "Cookie: ");
    at = bi_call_write_cookies(call, at);
    return PUT(at, "\r\n");
}

static uint8_t *put_framing(uint8_t *at, const struct bight_http_call *call)
{
    uint64_t size;
    if (!bi_sending_size(call, &size)) {
        at = PUT(at, "Transfer-Encoding: chunked\r\n");
    } else if (says_length(call)) {
        at += snprintf((char *)at, 48, "Content-Length: %" PRIu64 "\r\n", size);
    }
    return bi_sending_asks(call) ? PUT(at, "Expect: 100-continue\r\n") : at;
}

static uint8_t *put_lines(uint8_t *at, const struct bight_http_call *call, bool has_cookies)
{
    const struct bight_http_client *client = call->client;
    at = has_field(call, "Host") ? at : put_host(at, call);
    at = put_proxy_authorization(at, call);
    at = has_field(call, "User-Agent") ? at : put(at, client->lines, client->lines_size);
    at = call->asks_for_codings ? PUT(at, "Accept-Encoding: gzip\r\n") : at;
    at = call->fields.end > 0 ? put(at, call->fields.bytes, call->fields.end) : at;
    at = has_cookies ? put_cookies(at, call) : at;
    at = put_framing(at, call);
    return PUT(at, "\r\n");
}

/* More than the head can need. */
static size_t room_of(const struct bight_http_call *call, size_t cookies)
{
    const char *proxy = proxy_authorization(call);
    return cookies + call->method_size + 3 * call->url_text.size + call->client->lines_size + call->fields.end +
           (proxy != NULL ? strlen(proxy) : 0) + 260;
}

int bi_call_write(struct bight_http_call *call)
{
    struct bight_transport *transport = call->connection->base.transport;
    size_t body_size = call->body != NULL ? bight_bytes_size(call->body) : 0;
    bool together = call->upload == NULL && body_size <= TOGETHER && !bi_sending_asks(call);
    size_t cookies = call->client->cookies != NULL && !has_field(call, "Cookie") ? bi_call_choose_cookies(call) : 0;
    size_t size = room_of(call, cookies) + (together ? body_size : 0);
    uint8_t *room = bight_transport_reserve(transport, size), *at = room;
    if (room != NULL) {
        at = put(at, call->text, call->method_size);
        at = PUT(at, " ");
        at = put_target(at, call);
        at = PUT(at, " HTTP/1.1\r\n");
        at = put_lines(at, call, cookies > 0);
        at = together && body_size > 0 ? put(at, bight_bytes_data(call->body), body_size) : at;
    }
    int code = bight_transport_commit(transport, (size_t)(at - room));
    return code != BIGHT_OK ? code : bi_sending_begin(call, together);
}

/* ------------------------------------------------------------------------------------------- sending */

static void cancelled(struct bight_promise promise, void *context)
{
    struct bight_http_call *call = context;
    struct bight_http_client *client = call->client;
    (void)promise;
    (void)bight_factory_hold(&client->factory);
    bi_call_end(call);
    bi_client_check_end(client);
    bight_factory_release(&client->factory);
}

/* NULL: the call may be sent. */
static struct bight_failure *find_mistake(struct bight_http_call *call)
{
    if (call->client->is_closing) {
        return bight_failure_new(BIGHT_E_CLOSED, 0, NULL, "the HTTP client has been closed");
    }
    if (call->code == BIGHT_E_OUT_OF_MEMORY || bi_call_finish_form(call) != BIGHT_OK) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    return call->code != BIGHT_OK ? bight_failure_new(call->code, 0, NULL, "%s", call->why) : NULL;
}

/* What is asked for so is undone; whoever asks himself, or for a part, gets what comes. */
static bool asks_for_codings(const struct bight_http_call *call)
{
    return call->settings.decodes && bi_decoder_is_built_in() && !has_field(call, "Accept-Encoding") &&
           !has_field(call, "Range");
}

/* What fails at once has failed when this returns. */
static void start(struct bight_http_call *call)
{
    struct bight_http_client *client = call->client;
    (void)bight_factory_hold(&client->factory);
    int code = bi_limits_watch(client, call->has_settings ? bi_limits_shortest(&call->settings) : BI_FOREVER);
    call->began = bi_limits_stamp(client);
    call->number = ++client->sent;
    call->asks_for_codings = asks_for_codings(call);
    bi_ring_append(&client->calls, &call->link);
    bi_trace_begin(call);
    if (code != BIGHT_OK) {
        bi_call_fail(call, bight_failure_of(code));
    } else if (call->upload != NULL && bi_upload_must_open(call->upload)) {
        bi_upload_open(call);
    } else {
        bi_pool_submit(call);
    }
    bight_factory_release(&client->factory);
}

struct bight_deferred *bight_http_call_send(struct bight_http_call *call)
{
    struct bight_failure *failure = call == NULL ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY) : find_mistake(call);
    if (failure != NULL) {
        bight_http_call_free(call);
        return bight_fail(failure);
    }
    struct bight_deferred *deferred = bight_deferred_new(&call->promise, cancelled, call);
    if (!bight_promise_is_open(call->promise)) {
        bi_call_free(call);
        return deferred; /* D34 */
    }
    start(call);
    return deferred;
}

struct bight_deferred *bight_http_call_stream(struct bight_http_call *call)
{
    if (call != NULL) {
        call->is_streamed = true;
    }
    return bight_http_call_send(call);
}

struct bight_deferred *bight_http_get(struct bight_http_client *client, const char *url)
{
    return bight_http_call_send(bight_http_call_new(client, "GET", url));
}
