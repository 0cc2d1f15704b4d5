/* SPDX-License-Identifier: MIT */
/* tunnel.c - the layer that asks a proxy for a tunnel before there is a protocol (bight/sys/wrapper.h).
 *
 * Of the answer it reads the head and no more: after a 2xx what follows is the target's, after any other there is
 * nothing to be had. How long it may take is its user's affair. */
#include "http/client/tunnel.h"
#include "http/client/response_parser.h"

#include <bight/memory.h>
#include <bight/sys/wrapper.h>

#include <stdio.h>
#include <string.h>

#define FOREVER 1e9 /* seconds */
#define MOST_HEAD 16384
#define MOST_FIELDS BI_RESPONSE_TRAILERS

/* ------------------------------------------------------------------------------------------- what is asked */

struct bi_tunnel_request {
    size_t size;
    char text[]; /* the head, with a NUL */
};

static void free_request(void *context)
{
    struct bi_tunnel_request *request = context;
    volatile char *at = request->text; /* it may hold a password */
    for (size_t i = 0; i < request->size; i++) {
        at[i] = '\0';
    }
    bight_free(request);
}

static struct bi_tunnel_request *new_request(const struct bi_tunnel_options *options)
{
    const char *value = options->authorization;
    bool has_value = value != NULL;
    size_t room = 96 + 2 * strlen(options->target) + (has_value ? strlen(value) : 0) + options->lines.size;
    struct bi_tunnel_request *request = bight_malloc(sizeof *request + room);
    if (request != NULL) {
        request->size = (size_t)snprintf(request->text, room, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%.*s%s%s%s\r\n",
            options->target, options->target, (int)options->lines.size, (const char *)options->lines.at,
            has_value ? "Proxy-Authorization: " : "", has_value ? value : "", has_value ? "\r\n" : "");
    }
    return request;
}

/* ------------------------------------------------------------------------------------------- the layer */

struct reading {
    struct bi_response_parser parser;
    struct bi_field fields[MOST_FIELDS];
};

struct tunnel {
    struct bight_layer base;
    const struct bi_tunnel_request *request; /* the wrapper's: there until it is ready */
    struct reading *reading;                 /* NULL: the proxy has answered */
};

static void stop_reading(struct tunnel *tunnel)
{
    if (tunnel->reading != NULL) {
        bi_response_parser_finish(&tunnel->reading->parser);
        bight_free(tunnel->reading);
        tunnel->reading = NULL;
    }
}

static int prepare(struct bight_layer *layer)
{
    const struct bi_tunnel_request *request = ((struct tunnel *)layer)->request;
    struct bight_piece piece = { .data = (const uint8_t *)request->text, .size = request->size, .counted = true };
    int code = bight_layer_send(layer, &piece, 1);
    return code == BIGHT_OK ? 1 : code;
}

static void judge(struct tunnel *tunnel, struct bi_view rest)
{
    int status = tunnel->reading->parser.head.status;
    stop_reading(tunnel);
    if (status >= 200 && status < 300) {
        bight_layer_ready(&tunnel->base);
        if (rest.size > 0) {
            bight_layer_deliver(&tunnel->base, rest.at, rest.size);
        }
        return;
    }
    bight_layer_fail(&tunnel->base,
        bight_failure_new_status(BIGHT_E_HTTP_STATUS, status, NULL,
            status == 407 ? "the proxy wants other credentials: its status is %d" : "the proxy's status is %d",
            status));
}

static void received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct tunnel *tunnel = (struct tunnel *)layer;
    struct bi_view input = { data, size }, piece;
    enum bi_response_event event;
    if (tunnel->reading == NULL) {
        bight_layer_deliver(layer, data, size);
        return;
    }
    do {
        event = bi_response_parser_next(&tunnel->reading->parser, &input, &piece);
    } while (event == BI_RESPONSE_INTERIM);
    if (event == BI_RESPONSE_HEAD) {
        judge(tunnel, input);
    } else if (event == BI_RESPONSE_FAILED) {
        const struct bi_response_parser *parser = &tunnel->reading->parser;
        bight_layer_fail(layer, bight_failure_new(parser->code, 0, NULL, "the proxy's answer: %s", parser->why));
    }
}

static void free_tunnel(struct bight_layer *layer)
{
    stop_reading((struct tunnel *)layer);
    bight_free(layer);
}

static const struct bight_layer_ops tunnel_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = received,
    .free = free_tunnel,
    .prepare = prepare,
};

static struct bight_layer *make_layer(void *context, struct bight_transport *transport, struct bight_failure **failure)
{
    const struct bi_response_limits limits = {
        .head = MOST_HEAD, .fields = MOST_FIELDS, .interim = BI_RESPONSE_DEFAULT_INTERIM
    };
    struct tunnel *tunnel = bight_calloc(1, sizeof *tunnel);
    struct reading *reading = tunnel != NULL ? bight_calloc(1, sizeof *reading) : NULL;
    (void)transport;
    (void)failure;
    if (reading == NULL) {
        bight_free(tunnel);
        return NULL;
    }
    bi_response_parser_begin(&reading->parser, &limits, reading->fields);
    reading->parser.asked = BI_METHOD_CONNECT;
    tunnel->base.ops = &tunnel_ops;
    tunnel->request = context;
    tunnel->reading = reading;
    return &tunnel->base;
}

/* ------------------------------------------------------------------------------------------- connecting */

/* Takes the request. */
static struct bight_wrapper wrapper_of(struct bi_tunnel_request *request, double timeout)
{
    return (struct bight_wrapper) {
        .size = sizeof(struct bight_wrapper),
        .name = "CONNECT",
        .place = BIGHT_WRAPPER_BELOW,
        .make_layer = make_layer,
        .release = free_request,
        .context = request,
        .timeout = timeout,
    };
}

struct bight_deferred *bi_connect_wrapped(struct bight_reactor *reactor, const char *endpoint,
    struct bight_factory *factory, const struct bight_wrapper *wrapper)
{
    int code;
    struct bight_factory *wrapped = bight_wrapped_factory_new(reactor, factory, wrapper, &code);
    if (wrapped == NULL) {
        return bight_fail(bight_failure_of(code));
    }
    struct bight_deferred *deferred = bight_connect(reactor, endpoint, wrapped);
    bight_wrapped_factory_release(wrapped); /* the attempt uses it */
    return deferred;
}

struct bight_deferred *bi_tunnel_connect(struct bight_reactor *reactor, const char *endpoint,
    struct bight_factory *factory, const struct bi_tunnel_options *options)
{
    struct bi_tunnel_request *request = new_request(options);
    if (request == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    const struct bight_wrapper wrapper = wrapper_of(request, FOREVER);
    return bi_connect_wrapped(reactor, endpoint, factory, &wrapper);
}

struct bight_deferred *bi_tunnel_connect_through(struct bight_reactor *reactor, const struct bight_argument *inner,
    struct bight_factory *factory, const struct bi_tunnel_options *options)
{
    struct bi_tunnel_request *request = new_request(options);
    if (request == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    const struct bight_wrapper wrapper = wrapper_of(request, 0);
    return bight_connect_through(reactor, inner, factory, &wrapper);
}

struct bight_failure *bi_tunnel_with_status(struct bight_failure *failure)
{
    if (bight_failure_code(failure) != BIGHT_E_HTTP_STATUS || bight_failure_cause_count(failure) == 0) {
        return failure;
    }
    const struct bight_failure *cause = bight_failure_cause(failure, 0);
    int status = bight_failure_status(cause);
    return bight_failure_new_status(
        BIGHT_E_HTTP_STATUS, status, failure, "%s: %s", bight_failure_message(failure), bight_failure_message(cause));
}
