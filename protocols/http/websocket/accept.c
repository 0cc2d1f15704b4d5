/* SPDX-License-Identifier: MIT */
/* accept.c - a server's side of the handshake: an answer like others, from any handler (W7).
 *
 * What is decided is handshake.c's. The protocol is made before the answer goes out, so that nothing can be missing
 * behind it. */
#include <bight/memory.h>

#include "http/message/words.h"
#include "http/server/answer.h"
#include "http/site/site.h"
#include "http/websocket/handshake.h"
#include "http/websocket/socket.h"

static const struct bight_websocket_accept_options no_options = { .size = sizeof no_options };

#define OPTION(options, member)                                                                           \
    ((options)->size >= offsetof(struct bight_websocket_accept_options, member) + sizeof(options)->member \
            ? (options)->member                                                                           \
            : 0)

/* ------------------------------------------------------------------------------------------- refusing */

#define PUT(request, name, value) bi_fields_put((request), (name), sizeof(name) - 1, (value))

static int refuse(struct bight_http_request *request, enum bi_offer_verdict verdict)
{
    int code = BIGHT_OK;
    switch (verdict) {
    case BI_OFFER_METHOD:
        code = PUT(request, "Allow", "GET");
        return code != BIGHT_OK ? code : bight_http_respond_error(request, 405, NULL);
    case BI_OFFER_NONE:
    case BI_OFFER_VERSION:
        code = PUT(request, "Sec-WebSocket-Version", "13");
        code = code != BIGHT_OK ? code : PUT(request, "Upgrade", "websocket");
        code = code != BIGHT_OK ? code : PUT(request, "Connection", "Upgrade");
        return code != BIGHT_OK ? code : bight_http_respond_error(request, 426, "This is for WebSocket, version 13.");
    case BI_OFFER_KEY:
        return bight_http_respond_error(request, 400, "Sec-WebSocket-Key is not 16 bytes in base64.");
    case BI_OFFER_ORIGIN:
        return bight_http_respond_error(request, 403, "The page is of another origin.");
    case BI_OFFER_FINE:
        break;
    }
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- accepting */

static struct bi_offer offer_of(
    const struct bight_http_request *request, const struct bight_websocket_accept_options *options)
{
    struct bi_span authority = request->framing.authority;
    bool is_trusted = (request->due & BI_DUE_HOOKS) != 0 && request->hooks.is_trusted;
    return (struct bi_offer) { .head = &request->head,
        .bytes = request->bytes,
        .host = { request->bytes + authority.at, authority.size },
        .upgrades = request->framing.upgrades,
        .is_trusted = is_trusted || OPTION(options, any_origin),
        .origins = OPTION(options, origins) };
}

/* 0 or OUT_OF_MEMORY. */
static int remember(struct bight_websocket_state *own, struct bight_http_request *request, const char *subprotocol)
{
    struct bi_extras *extras = bi_extras_of(own);
    if (extras == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    extras->request = bight_http_request_hold(request);
    return subprotocol != NULL ? bi_extras_set_subprotocol(own, bi_view_of(subprotocol)) : BIGHT_OK;
}

/* NULL: *code says why. */
static struct bight_websocket *make_socket(
    struct bight_http_request *request, struct bight_websocket_factory *factory, const char *subprotocol, int *code)
{
    struct bight_address peer;
    bool is_asked = factory->base.ops != NULL || factory->base.inner != NULL; /* else nobody looks at it */
    bool is_known = is_asked && bight_http_request_connection_peer(request, &peer) == BIGHT_OK;
    struct bight_protocol *protocol = bight_factory_build_protocol(&factory->base, is_known ? &peer : NULL, NULL);
    *code = factory->base.out_of_memory ? BIGHT_E_OUT_OF_MEMORY : BIGHT_E_NO_PROTOCOL;
    if (protocol == NULL) {
        return NULL;
    }
    if (protocol->ops != &bight_websocket_protocol_ops) {
        *code = bi_websocket_usage(BIGHT_E_WRONG_TYPE, "a WebSocket: its factory makes protocols of another kind");
        bight_protocol_free(protocol);
        return NULL;
    }
    struct bight_websocket *socket = bi_websocket_of(protocol);
    *code = remember(socket->own, request, subprotocol);
    if (*code != BIGHT_OK) {
        bight_protocol_free(protocol);
        return NULL;
    }
    return socket;
}

/* `terms`: of compression; NULL: there is none. */
static int put_fields(
    struct bight_http_request *request, struct bi_view key, const char *subprotocol, const char *terms)
{
    char accept[BI_ACCEPT_TEXT + 1];
    int code = bi_accept_of(key, accept);
    code = code != BIGHT_OK ? code : PUT(request, "Sec-WebSocket-Accept", accept);
    if (code == BIGHT_OK && subprotocol != NULL) {
        code = bight_http_respond_set(request, "Sec-WebSocket-Protocol", subprotocol);
    }
    if (code == BIGHT_OK && terms != NULL) {
        code = PUT(request, "Sec-WebSocket-Extensions", terms);
    }
    return code;
}

/* What stands in the way is not the client's fault. */
static int fail(struct bight_http_request *request, int code)
{
    (void)bight_http_respond_error(request, code == BIGHT_E_NO_PROTOCOL ? 503 : 500, NULL);
    return code;
}

static int upgrade(struct bight_http_request *request, struct bight_websocket_factory *factory, const char *subprotocol)
{
    struct bi_deflate_wish wish;
    struct bi_deflate_terms terms = { .out_bits = 0 };
    char text[BI_TERMS_TEXT];
    int code = bi_shared_deflate_wish(factory, &wish);
    bool is_deflated = code == BIGHT_OK && bi_terms_accept(&request->head, request->bytes, &wish, &terms, text);
    if (code == BIGHT_OK) {
        struct bi_view key = bi_request_field(request, BI_NAME_SEC_WEBSOCKET_KEY);
        code = put_fields(request, key, subprotocol, is_deflated ? text : NULL);
    }
    if (code != BIGHT_OK) {
        return fail(request, code);
    }
    struct bight_websocket *socket = make_socket(request, factory, subprotocol, &code);
    if (socket == NULL) {
        return fail(request, code);
    }
    socket->own->is_deflated = is_deflated;
    socket->own->extras->terms = terms;
    return bight_http_respond_upgrade(request, "websocket", &socket->base);
}

int bight_http_respond_websocket(struct bight_http_request *request, struct bight_websocket_factory *factory,
    const struct bight_websocket_accept_options *options)
{
    options = options != NULL ? options : &no_options;
    int code = bi_answer_check(request, 200);
    if (code != BIGHT_OK) {
        return code;
    }
    struct bi_offer offer = offer_of(request, options);
    enum bi_offer_verdict verdict = bi_offer_judge(&offer);
    if (verdict != BI_OFFER_FINE) {
        code = refuse(request, verdict);
        return code != BIGHT_OK ? code : BIGHT_E_HTTP_STATUS;
    }
    return upgrade(request, factory, bi_offer_choose(&offer, OPTION(options, subprotocols)));
}

/* -------------------------------------------------------------------------------------------- a route */

struct route {
    struct bight_websocket_factory *factory;
    struct bight_websocket_accept_options options;
};

static void answer(struct bight_http_request *request, void *context)
{
    const struct route *route = context;
    (void)bight_http_respond_websocket(request, route->factory, &route->options);
}

static void free_route(void *context)
{
    struct route *route = context;
    bight_factory_release(&route->factory->base);
    bight_free(route);
}

static struct route *make_route(
    struct bight_websocket_factory *factory, const struct bight_websocket_accept_options *options)
{
    struct route *route = bight_malloc(sizeof *route);
    if (route != NULL) {
        *route = (struct route) { factory, { .size = sizeof route->options,
                                               .subprotocols = OPTION(options, subprotocols),
                                               .origins = OPTION(options, origins),
                                               .any_origin = OPTION(options, any_origin) } };
        (void)bight_factory_hold(&factory->base);
    }
    return route;
}

int bight_websocket_route_full(struct bight_http_site *site, const char *path, struct bight_websocket_factory *factory,
    const struct bight_websocket_accept_options *options)
{
    size_t size = strlen(path) + 1;
    struct route *route = make_route(factory, options != NULL ? options : &no_options);
    char *pattern = bight_malloc(4 + size);
    if (pattern == NULL || route == NULL) {
        bight_free(pattern);
        if (route != NULL) {
            free_route(route);
        }
        if (site != NULL) {
            site->is_broken = true;
        }
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(pattern, "GET ", 4);
    memcpy(pattern + 4, path, size);
    int code = bight_http_route_full(site, pattern, answer, route, free_route, NULL);
    bight_free(pattern);
    return code;
}

int bight_websocket_route(struct bight_http_site *site, const char *path, struct bight_websocket_factory *factory)
{
    return bight_websocket_route_full(site, path, factory, NULL);
}
