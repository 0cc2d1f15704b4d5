/* SPDX-License-Identifier: MIT */
/* connect.c - a client's side of the handshake: connecting, TLS, the request, its answer, and the switch to the socket
 * (W7). Its texts are dial_text.c's. */
#include <bight/endpoint.h>
#include <bight/memory.h>

#include "http/websocket/dial.h"

#define SECONDS 10.0

static const struct bight_websocket_connect_options no_options = { .size = sizeof no_options };

static struct bi_dial *dial_of(struct bight_factory *factory)
{
    return (struct bi_dial *)factory; /* its first member */
}

/* --------------------------------------------------------------------------------------------- the ends */

static void release_dial(struct bight_factory *factory)
{
    struct bi_dial *dial = dial_of(factory);
    bi_response_parser_finish(&dial->parser);
    bi_dial_free_texts(dial);
    bight_free(dial);
}

/* The failure is taken. What there is of a connection ends. */
static void fail(struct bi_dial *dial, struct bight_failure *failure)
{
    struct bight_transport *transport = dial->transport;
    dial->transport = NULL;
    if (transport != NULL) {
        (void)bight_transport_abort_connection(transport);
    }
    (void)bight_errback(dial->promise, failure);
}

static void fail_with(struct bi_dial *dial, int code, const char *why)
{
    fail(dial, bight_failure_new(code, 0, NULL, "%s", why));
}

static void cancel(struct bight_promise promise, void *context)
{
    struct bi_dial *dial = context;
    struct bight_transport *transport = dial->transport;
    (void)promise;
    dial->transport = NULL;
    if (dial->connecting != NULL) {
        bight_deferred_cancel(dial->connecting);
    }
    if (transport != NULL) {
        (void)bight_transport_abort_connection(transport);
    }
}

static void release_hold(void *context)
{
    bight_factory_release(&((struct bi_dial *)context)->factory);
}

static struct bi_dial *take_dial(struct bight_websocket *socket)
{
    struct bi_extras *extras = socket->own->extras;
    struct bi_dial *dial = extras != NULL ? extras->dial : NULL;
    if (dial != NULL) {
        extras->dial = NULL;
    }
    return dial;
}

void bi_dial_opened(struct bight_websocket *socket)
{
    struct bi_dial *dial = take_dial(socket);
    if (dial != NULL) {
        dial->transport = NULL;
        if (bight_promise_is_open(dial->promise)) {
            (void)bight_callback(dial->promise, &bight_type_websocket, bight_websocket_hold(socket));
        }
        bight_factory_release(&dial->factory);
    }
}

void bi_dial_dropped(struct bight_websocket *socket)
{
    struct bi_dial *dial = take_dial(socket);
    if (dial != NULL) {
        dial->transport = NULL;
        if (bight_promise_is_open(dial->promise)) {
            (void)bight_errback(dial->promise, bight_failure_of(BIGHT_E_CLOSED));
        }
        bight_factory_release(&dial->factory);
    }
}

/* ----------------------------------------------------------------------------------------- the answer */

static struct bight_websocket *make_socket(struct bi_dial *dial, struct bi_view subprotocol)
{
    struct bight_address peer;
    bool is_asked = dial->target->base.ops != NULL || dial->target->base.inner != NULL; /* else nobody looks at it */
    bool is_known = is_asked && bight_transport_peer(dial->transport, &peer) == BIGHT_OK;
    struct bight_protocol *protocol = bight_factory_build_protocol(&dial->target->base, is_known ? &peer : NULL, NULL);
    struct bight_websocket *socket = protocol != NULL ? bi_websocket_of(protocol) : NULL;
    if (protocol != NULL && protocol->ops != &bight_websocket_protocol_ops) {
        (void)bi_websocket_usage(BIGHT_E_WRONG_TYPE, "a WebSocket: its factory makes protocols of another kind");
        bight_protocol_free(protocol);
        return NULL;
    }
    bool is_whole = socket == NULL ||
                    (bi_extras_of(socket->own) != NULL &&
                        (subprotocol.at == NULL || bi_extras_set_subprotocol(socket->own, subprotocol) == BIGHT_OK));
    if (!is_whole) {
        dial->target->base.out_of_memory = true;
        bight_protocol_free(protocol);
        return NULL;
    }
    return socket;
}

/* What has come behind the answer is the socket's. */
static void become(struct bi_dial *dial, const struct bi_agreed *agreed, struct bi_view rest)
{
    struct bight_websocket *socket = make_socket(dial, agreed->subprotocol);
    if (socket == NULL) {
        fail(dial, bight_failure_of(dial->target->base.out_of_memory ? BIGHT_E_OUT_OF_MEMORY : BIGHT_E_NO_PROTOCOL));
        return;
    }
    socket->own->is_client = true;
    socket->own->is_deflated = agreed->is_deflated;
    socket->own->extras->terms = agreed->deflate;
    socket->own->extras->dial = dial;
    (void)bight_factory_hold(&dial->factory);
    int code = bight_transport_switch_protocol(dial->transport, &socket->base, rest.at, rest.size);
    if (code != BIGHT_OK) {
        bight_protocol_free(&socket->base);
        fail(dial, bight_failure_of(code));
    }
}

struct bight_failure *bi_dial_judge(const struct bi_dial *dial, struct bi_agreed *agreed)
{
    const struct bi_response_parser *parser = &dial->parser;
    const struct bi_asked asked = { dial->accept, (const char *const *)dial->subprotocols, dial->deflate };
    if (parser->head.status != 101) {
        return bight_failure_new_status(BIGHT_E_HTTP_STATUS, parser->head.status, NULL,
            "the server answers %u instead of a WebSocket", parser->head.status);
    }
    const char *why = bi_answer_judge(&parser->head, parser->bytes, &asked, agreed);
    return why != NULL ? bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "%s", why) : NULL;
}

static void answered(struct bi_dial *dial, struct bi_view rest)
{
    struct bi_agreed agreed = { .is_deflated = false };
    struct bight_failure *failure = bi_dial_judge(dial, &agreed);
    if (failure != NULL) {
        fail(dial, failure);
    } else {
        become(dial, &agreed, rest);
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bi_dial *dial = dial_of(protocol->factory);
    struct bi_view input = { data, size }, piece;
    while (dial->transport != NULL) {
        switch (bi_response_parser_next(&dial->parser, &input, &piece)) {
        case BI_RESPONSE_INTERIM:
            continue;
        case BI_RESPONSE_HEAD:
            answered(dial, input);
            return;
        case BI_RESPONSE_FAILED:
            fail_with(dial, dial->parser.code, dial->parser.why);
            return;
        case BI_RESPONSE_PARTIAL:
        case BI_RESPONSE_DATA:
        case BI_RESPONSE_END:
            return;
        }
    }
}

/* ----------------------------------------------------------------------------------------- the request */

void bi_dial_begin_answer(struct bi_dial *dial)
{
    static const struct bi_response_limits limits = {
        .head = 32768, .fields = BI_DIAL_FIELDS, .interim = BI_RESPONSE_DEFAULT_INTERIM
    };
    bi_response_parser_begin(&dial->parser, &limits, dial->fields);
    dial->parser.asked = BI_METHOD_GET;
    dial->parser.upgrades = true;
}

static void ask(struct bi_dial *dial)
{
    bi_dial_begin_answer(dial);
    int code = bight_transport_write(dial->transport, dial->request, dial->request_size);
    if (code != BIGHT_OK) {
        fail(dial, bight_failure_of(code));
    }
}

static void handshake_completed(struct bight_protocol *protocol)
{
    struct bi_dial *dial = dial_of(protocol->factory);
    if (dial->transport != NULL && dial->tls != NULL) {
        ask(dial);
    }
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bi_dial *dial = dial_of(protocol->factory);
    bool is_early = bight_failure_is(reason, BIGHT_E_CONNECTION_DONE);
    if (dial->transport != NULL) {
        dial->transport = NULL;
        (void)bight_errback(dial->promise,
            is_early ? bight_failure_new(BIGHT_E_INCOMPLETE, 0, NULL, "the server ends the connection unasked")
                     : bight_failure_hold(reason));
    }
}

static const struct bight_protocol_ops dial_ops = {
    .data_received = data_received, .connection_lost = connection_lost, .handshake_completed = handshake_completed
};

static void begin(struct bi_dial *dial, struct bight_transport *transport)
{
    dial->transport = transport;
    if (dial->tls == NULL) {
        ask(dial);
        return;
    }
    int code = bight_transport_start_tls(transport, dial->tls, dial->host);
    if (code != BIGHT_OK) {
        fail(dial, bight_failure_of(code));
    }
}

static void connected(struct bight_result *result, void *context)
{
    struct bi_dial *dial = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    bight_deferred_release(dial->connecting);
    dial->connecting = NULL;
    if (failure != NULL) {
        (void)bight_errback(dial->promise, failure);
    } else if (!bight_promise_is_open(dial->promise)) {
        bight_result_discard(result);
    } else {
        struct bight_protocol *protocol = bight_result_take(result, &bight_type_protocol);
        begin(dial, protocol->transport);
        bight_protocol_release(protocol);
    }
}

/* ------------------------------------------------------------------------------------------------ a call */

static const struct bight_factory_ops factory_ops = { .release = release_dial };

static struct bi_dial *make(struct bight_websocket_factory *target)
{
    static const struct bight_factory plain = BIGHT_FACTORY(struct bight_protocol, &dial_ops);
    struct bi_dial *dial = bight_calloc(1, sizeof *dial);
    if (dial != NULL) {
        dial->factory = plain;
        dial->factory.ops = &factory_ops;
        dial->target = target;
        (void)bight_factory_hold(&dial->factory); /* of this call */
    }
    return dial;
}

static void connect_to(struct bi_dial *dial, struct bight_reactor *reactor)
{
    struct bight_deferred *connecting = bight_connect(reactor, dial->endpoint, &dial->factory);
    dial->connecting = connecting;
    (void)bight_factory_hold(&dial->factory);
    int code = bight_deferred_add_both_full(connecting, connected, dial, release_hold);
    if (code != BIGHT_OK) {
        dial->connecting = NULL;
        bight_deferred_cancel(connecting);
        bight_deferred_release(connecting);
        (void)bight_errback(dial->promise, bight_failure_of(code));
        bight_factory_release(&dial->factory);
    }
}

static double seconds_of(const struct bight_websocket_connect_options *options)
{
    bool has_seconds = options->size >= offsetof(struct bight_websocket_connect_options, seconds) + sizeof(double);
    return has_seconds && options->seconds > 0 ? options->seconds : SECONDS;
}

/* The Deferred has a hold of its own on the dial, until it fires. */
static struct bight_deferred *start(struct bi_dial *dial, struct bight_reactor *reactor, double seconds)
{
    (void)bight_factory_hold(&dial->factory);
    struct bight_deferred *deferred = bight_deferred_new_full(&dial->promise, cancel, dial, release_hold);
    if (!bight_promise_is_open(dial->promise)) {
        return deferred;
    }
    int code = bight_deferred_add_timeout(deferred, seconds, bight_reactor_clock(reactor));
    if (code == BIGHT_OK) {
        connect_to(dial, reactor);
    } else {
        (void)bight_errback(dial->promise, bight_failure_of(code));
    }
    return deferred;
}

struct bight_deferred *bight_websocket_connect(struct bight_reactor *reactor, const char *url,
    struct bight_websocket_factory *factory, const struct bight_websocket_connect_options *options)
{
    options = options != NULL ? options : &no_options;
    struct bi_dial *dial = make(factory);
    if (dial == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_failure *failure = bi_dial_write(dial, reactor, url, options);
    struct bight_deferred *deferred = failure == NULL ? start(dial, reactor, seconds_of(options)) : bight_fail(failure);
    bight_factory_release(&dial->factory);
    return deferred;
}

/* ---------------------------------------------------------------------------------------------- results */

static void release_value(void *socket)
{
    bight_type_protocol.destroy(socket);
}

static void discard_value(void *socket)
{
    bight_type_protocol.discard(socket);
}

const struct bight_type bight_type_websocket = {
    .name = "WebSocket", .destroy = release_value, .discard = discard_value
};
