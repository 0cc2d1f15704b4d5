/* SPDX-License-Identifier: MIT */
/* dial_text.c - from a URL and options to the request for a socket, and where to connect for it (W7). */
#include <bight/endpoint.h>
#include <bight/memory.h>
#include <bight/sys/digest.h>

#include <stdio.h>

#include "http/message/names.h"
#include "http/message/url.h"
#include "http/websocket/dial.h"

#define OPTION(options, member)                                                                            \
    ((options)->size >= offsetof(struct bight_websocket_connect_options, member) + sizeof(options)->member \
            ? (options)->member                                                                            \
            : NULL)

/* ------------------------------------------------------------------------------------------- text */

/* What has been written, or only counted while there is no room. */
struct text {
    char *at;
    size_t size;
};

static void put(struct text *text, const void *data, size_t size)
{
    if (text->at != NULL) {
        memcpy(text->at + text->size, data, size);
    }
    text->size += size;
}

static void put_text(struct text *text, const char *part)
{
    put(text, part, strlen(part));
}

static void put_span(struct text *text, const char *url, struct bi_span span)
{
    put(text, url + span.at, span.size);
}

/* ------------------------------------------------------------------------------------------- the request */

struct call {
    const char *url_text;
    struct bi_url url;
    const struct bight_websocket_connect_options *options;
    struct bi_deflate_wish deflate;
    char key[BIGHT_BASE64_LENGTH(BI_KEY_SIZE) + 1];
};

static void put_host(struct text *text, const struct call *call)
{
    bool is_ipv6 = call->url.host_kind == BI_HOST_IPV6;
    put_text(text, is_ipv6 ? "[" : "");
    put_span(text, call->url_text, call->url.host);
    put_text(text, is_ipv6 ? "]" : "");
}

static void put_port(struct text *text, const struct call *call)
{
    char digits[16];
    (void)snprintf(digits, sizeof digits, ":%u", call->url.port);
    put_text(text, digits);
}

static void put_target(struct text *text, const struct call *call)
{
    put_text(text, call->url.path.size == 0 ? "/" : "");
    put_span(text, call->url_text, call->url.path);
    if (call->url.has_query) {
        put_text(text, "?");
        put_span(text, call->url_text, call->url.query);
    }
}

static void put_subprotocols(struct text *text, const char *const *subprotocols)
{
    for (size_t i = 0; subprotocols != NULL && subprotocols[i] != NULL; i++) {
        put_text(text, i == 0 ? "Sec-WebSocket-Protocol: " : ", ");
        put_text(text, subprotocols[i]);
    }
    put_text(text, subprotocols != NULL && subprotocols[0] != NULL ? "\r\n" : "");
}

static void put_extensions(struct text *text, const struct bi_deflate_wish *wish)
{
    char terms[BI_TERMS_TEXT];
    if (wish->is_there) {
        bi_terms_offer(wish, terms);
        put_text(text, "Sec-WebSocket-Extensions: ");
        put_text(text, terms);
        put_text(text, "\r\n");
    }
}

static void put_fields(struct text *text, const char *const *fields)
{
    for (; fields != NULL && *fields != NULL; fields++) {
        put_text(text, *fields);
        put_text(text, "\r\n");
    }
}

static void put_request(struct text *text, const struct call *call)
{
    const char *origin = OPTION(call->options, origin);
    put_text(text, "GET ");
    put_target(text, call);
    put_text(text, " HTTP/1.1\r\nHost: ");
    put_host(text, call);
    if (call->url.port != (call->url.scheme == BI_URL_WSS ? 443 : 80)) {
        put_port(text, call);
    }
    put_text(text, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    put_text(text, call->key);
    put_text(text, "\r\n");
    if (origin != NULL) {
        put_text(text, "Origin: ");
        put_text(text, origin);
        put_text(text, "\r\n");
    }
    put_extensions(text, &call->deflate);
    put_subprotocols(text, OPTION(call->options, subprotocols));
    put_fields(text, OPTION(call->options, fields));
    put_text(text, "\r\n");
}

static void put_endpoint(struct text *text, const struct call *call)
{
    const char *own = OPTION(call->options, endpoint);
    if (own != NULL) {
        put_text(text, own);
        return;
    }
    bool is_tls = call->url.scheme == BI_URL_WSS && OPTION(call->options, tls) == NULL;
    put_text(text, is_tls ? "tls:" : "tcp:");
    put_host(text, call);
    put_port(text, call);
    put_text(text, is_tls ? ":timeout=0:alpn=http/1.1" : ":timeout=0");
}

/* Request, endpoint and host, one behind the other. */
static size_t write_texts(struct bi_dial *dial, const struct call *call, char *room)
{
    struct text text = { .at = room };
    put_request(&text, call);
    dial->request_size = text.size;
    dial->request = room;
    put(&text, "", 1);
    dial->endpoint = room != NULL ? room + text.size : NULL;
    put_endpoint(&text, call);
    put(&text, "", 1);
    dial->host = room != NULL ? room + text.size : NULL;
    put_span(&text, call->url_text, call->url.host);
    put(&text, "", 1);
    return text.size;
}

/* ------------------------------------------------------------------------------------------- what is wrong */

/* What makes the request one for a socket, and a request alone, is written once, and here. */
static bool is_reserved(struct bi_view name, bool has_origin)
{
    static const char prefix[] = "sec-websocket-";
    const uint64_t reserved = BI_NAME_BIT(CONNECTION) | BI_NAME_BIT(CONTENT_LENGTH) | BI_NAME_BIT(EXPECT) |
                              BI_NAME_BIT(HOST) | BI_NAME_BIT(KEEP_ALIVE) | BI_NAME_BIT(PROXY_CONNECTION) |
                              BI_NAME_BIT(TE) | BI_NAME_BIT(TRAILER) | BI_NAME_BIT(TRANSFER_ENCODING) |
                              BI_NAME_BIT(UPGRADE);
    enum bi_name known = bi_name_find(name.at, name.size);
    if (known != BI_NAME_OTHER && ((reserved >> known & 1) != 0 || (has_origin && known == BI_NAME_ORIGIN))) {
        return true;
    }
    struct bi_view start = { name.at, name.size < sizeof prefix - 1 ? name.size : sizeof prefix - 1 };
    return bi_view_equal_nocase(start, bi_view_of(prefix));
}

static const char *complain_of_field(const char *line, bool has_origin)
{
    struct bi_view text = bi_view_of(line), name;
    if (!bi_take_token(&text, &name) || !bi_take_byte(&text, ':')) {
        return "a WebSocket's request: a field is not \"Name: value\"";
    }
    bi_skip_space(&text);
    if (!bi_is_field_value(bi_trim(text))) {
        return "a WebSocket's request: the value of a field holds what no value may hold";
    }
    return is_reserved(name, has_origin) ? "a WebSocket's request: a field is one that the library sets itself" : NULL;
}

static const char *complain_of_fields(const char *const *fields, bool has_origin)
{
    const char *complaint = NULL;
    for (; complaint == NULL && fields != NULL && *fields != NULL; fields++) {
        complaint = complain_of_field(*fields, has_origin);
    }
    return complaint;
}

static bool are_tokens(const char *const *tokens)
{
    for (; tokens != NULL && *tokens != NULL; tokens++) {
        if (!bi_is_token(bi_view_of(*tokens))) {
            return false;
        }
    }
    return true;
}

static const char *complain(const struct call *call)
{
    const char *origin = OPTION(call->options, origin);
    const char *complaint = complain_of_fields(OPTION(call->options, fields), origin != NULL);
    if (complaint != NULL) {
        return complaint;
    }
    if (!are_tokens(OPTION(call->options, subprotocols))) {
        return "a WebSocket's request: a subprotocol is no token";
    }
    if (origin != NULL && !bi_is_field_value(bi_view_of(origin))) {
        return "a WebSocket's request: the origin holds what no value may hold";
    }
    if (call->url.scheme == BI_URL_WSS && OPTION(call->options, endpoint) != NULL &&
        OPTION(call->options, tls) == NULL) {
        return "a WebSocket's request: wss: through an endpoint of one's own needs `tls`";
    }
    return NULL;
}

static struct bight_failure *parse(struct call *call)
{
    if (!bi_url_parse(&call->url, bi_view_of(call->url_text))) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "the URL: %s, at byte %u", call->url.why, call->url.bad_at);
    }
    if (call->url.scheme != BI_URL_WS && call->url.scheme != BI_URL_WSS) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "the URL is neither ws: nor wss:");
    }
    if (call->url.has_userinfo) {
        return bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "the URL has a user in it");
    }
    const char *complaint = complain(call);
    if (complaint != NULL) {
        (void)bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, complaint);
        return bight_failure_new(BIGHT_E_INVALID_ARGUMENT, 0, NULL, "%s", complaint);
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------- all of it */

static int make_key(struct call *call, struct bight_reactor *reactor, struct bi_dial *dial)
{
    uint8_t bytes[BI_KEY_SIZE];
    int code = bight_random(reactor, bytes, sizeof bytes);
    if (code == BIGHT_OK) {
        (void)bight_base64_encode(BIGHT_BASE64, bytes, sizeof bytes, call->key);
        code = bi_accept_of(bi_view_of(call->key), dial->accept);
    }
    return code;
}

/* The pointers, and the texts behind them. */
static int copy_subprotocols(struct bi_dial *dial, const char *const *list)
{
    size_t count = 0, size = 0;
    for (; list != NULL && list[count] != NULL; count++) {
        size += strlen(list[count]) + 1;
    }
    dial->subprotocols = bight_malloc((count + 1) * sizeof *dial->subprotocols + size);
    if (dial->subprotocols == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    char *at = (char *)(dial->subprotocols + count + 1);
    for (size_t i = 0; i < count; i++) {
        dial->subprotocols[i] = at;
        at = stpcpy(at, list[i]) + 1;
    }
    dial->subprotocols[count] = NULL;
    return BIGHT_OK;
}

struct bight_failure *bi_dial_write(struct bi_dial *dial, struct bight_reactor *reactor, const char *url,
    const struct bight_websocket_connect_options *options)
{
    struct call call = { .url_text = url, .options = options };
    struct bight_failure *failure = parse(&call);
    if (failure != NULL) {
        return failure;
    }
    int code = bi_shared_deflate_wish(dial->target, &dial->deflate);
    call.deflate = dial->deflate;
    code = code == BIGHT_OK ? make_key(&call, reactor, dial) : code;
    code = code == BIGHT_OK ? copy_subprotocols(dial, OPTION(options, subprotocols)) : code;
    if (code != BIGHT_OK) {
        return bight_failure_of(code);
    }
    char *room = bight_malloc(write_texts(dial, &call, NULL));
    if (room == NULL) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    (void)write_texts(dial, &call, room);
    struct bight_tls *tls = OPTION(options, tls);
    dial->tls = tls != NULL && call.url.scheme == BI_URL_WSS ? bight_tls_hold(tls) : NULL;
    return NULL;
}

void bi_dial_free_texts(struct bi_dial *dial)
{
    bight_free(dial->request);
    bight_free(dial->subprotocols);
    bight_tls_release(dial->tls);
}
