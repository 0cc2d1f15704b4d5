/* SPDX-License-Identifier: MIT */
/* testing.c - requests of a test: each has a connection in memory of its own, whose client side is here.
 *
 * The Deferred fires when the client's connection is over, so a test that goes on then finds nothing of it left. The
 * connection is reset as soon as the answer is whole: a server that waits for more of the request learns that there
 * will be none. What belongs to a request is freed with its factory's last connection. */
#include <bight/memory.h>
#include <bight/protocols/http_testing.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "http/client/response_reader.h"

#define DEFAULT_LIMIT ((size_t)16 << 20)
#define TURNS 1000 /* without time passing */

struct asking {
    struct bight_factory factory; /* first */
    struct bight_pair *pair;
    struct bight_promise promise;
    struct bight_transport *transport; /* NULL: it is over, or has not begun */
    struct bi_http_buffer request;
    bool connecting; /* the connecting function looks at it afterwards */
    bool stopped;
    struct bi_response_reader reader;
};

static struct asking *asking_of(const struct bight_protocol *protocol)
{
    return (struct asking *)protocol->factory;
}

static void free_asking(struct asking *asking)
{
    bight_pair_free(asking->pair);
    bi_http_buffer_free(&asking->request);
    bi_response_reader_finish(&asking->reader);
    bight_free(asking);
}

/* ------------------------------------------------------------------------------------------- the client */

static void connection_made(struct bight_protocol *protocol)
{
    struct asking *asking = asking_of(protocol);
    asking->transport = protocol->transport;
    (void)bight_transport_set_output_limit(protocol->transport, SIZE_MAX);
    (void)bight_transport_write(protocol->transport, asking->request.bytes, bi_http_buffer_size(&asking->request));
    bi_http_buffer_free(&asking->request);
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct asking *asking = asking_of(protocol);
    (void)bi_response_reader_feed(&asking->reader, data, size);
    if (asking->reader.state >= BI_READER_WHOLE) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
}

static bool read_connection_lost(struct bight_protocol *protocol)
{
    bi_response_reader_end(&asking_of(protocol)->reader);
    return false;
}

static struct bight_failure *failure_of(const struct bi_response_reader *reader, const struct bight_failure *reason)
{
    return reader->state == BI_READER_FAILED ? bight_failure_new(reader->code, 0, NULL, "%s", reader->why)
                                             : bight_failure_hold(reason);
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct asking *asking = asking_of(protocol);
    struct bi_response_reader *reader = &asking->reader;
    asking->transport = NULL;
    if (!bight_promise_is_open(asking->promise)) {
        return;
    }
    struct bight_http_response *response = reader->state == BI_READER_WHOLE ? bi_response_reader_take(reader) : NULL;
    if (response != NULL) {
        (void)bight_callback(asking->promise, &bight_type_http_response, response);
    } else if (reader->state == BI_READER_WHOLE) {
        (void)bight_errback(asking->promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else {
        (void)bight_errback(asking->promise, failure_of(reader, reason));
    }
}

static const struct bight_protocol_ops client_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .read_connection_lost = read_connection_lost,
    .connection_lost = connection_lost,
};

static void stopped(struct bight_factory *factory)
{
    struct asking *asking = (struct asking *)factory;
    asking->stopped = true;
    if (!asking->connecting) {
        free_asking(asking);
    }
}

static const struct bight_factory_ops factory_ops = { .stopped = stopped };

static void cancel(struct bight_promise promise, void *context)
{
    struct asking *asking = context;
    (void)promise;
    if (asking->transport != NULL) {
        (void)bight_transport_abort_connection(asking->transport);
    }
}

/* ------------------------------------------------------------------------------------------ the request */

/* What would end a line, or a part of one, early. */
static bool is_text(const char *text, bool may_have_spaces)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if ((byte < ' ' && byte != '\t') || byte == 0x7f || (!may_have_spaces && (byte == ' ' || byte == '\t'))) {
            return false;
        }
    }
    return true;
}

static bool is_request(const char *method, const char *target, const char *const *fields)
{
    bool is_fine = *method != '\0' && *target != '\0' && is_text(method, false) && is_text(target, false);
    for (; is_fine && fields != NULL && *fields != NULL; fields++) {
        is_fine = is_text(*fields, true) && strchr(*fields, ':') != NULL;
    }
    return is_fine;
}

static bool has_field(const char *const *fields, const char *name)
{
    size_t size = strlen(name);
    for (; fields != NULL && *fields != NULL; fields++) {
        if (strncasecmp(*fields, name, size) == 0 && (*fields)[size] == ':') {
            return true;
        }
    }
    return false;
}

static int add(struct bi_http_buffer *request, const char *text)
{
    return bi_http_buffer_append(request, text, strlen(text));
}

static int add_framing(struct bi_http_buffer *request, const struct bight_http_testing_options *options)
{
    char line[64];
    if (options->body == NULL || has_field(options->fields, "Content-Length") ||
        has_field(options->fields, "Transfer-Encoding")) {
        return BIGHT_OK;
    }
    if (options->chunked) {
        return add(request, "Transfer-Encoding: chunked\r\n");
    }
    (void)snprintf(line, sizeof line, "Content-Length: %zu\r\n", options->body_size);
    return add(request, line);
}

static int add_head(struct bi_http_buffer *request, const char *method, const char *target,
    const struct bight_http_testing_options *options)
{
    const char *const start[] = { method, " ", target, " HTTP/1.1\r\n" };
    int code = BIGHT_OK;
    for (size_t i = 0; i < sizeof start / sizeof *start && code == BIGHT_OK; i++) {
        code = add(request, start[i]);
    }
    if (code == BIGHT_OK && !has_field(options->fields, "Host")) {
        code = add(request, "Host: localhost\r\n");
    }
    for (const char *const *field = options->fields; code == BIGHT_OK && field != NULL && *field != NULL; field++) {
        code = add(request, *field);
        code = code != BIGHT_OK ? code : add(request, "\r\n");
    }
    code = code != BIGHT_OK ? code : add_framing(request, options);
    return code != BIGHT_OK ? code : add(request, "\r\n");
}

/* As one chunk, if it is chunked; the last one ends it. */
static int add_body(struct bi_http_buffer *request, const struct bight_http_testing_options *options)
{
    char line[BI_CHUNK_LINE + 1];
    int code = BIGHT_OK;
    if (options->chunked && options->body_size > 0) {
        (void)snprintf(line, sizeof line, "%zx\r\n", options->body_size);
        code = add(request, line);
    }
    code = code != BIGHT_OK ? code : bi_http_buffer_append(request, options->body, options->body_size);
    if (code == BIGHT_OK && options->chunked) {
        code = add(request, options->body_size > 0 ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
    }
    return code;
}

/* -------------------------------------------------------------------------------------------- asking */

/* NULL, or why the site cannot be asked on this reactor. */
static struct bight_failure *check(struct bight_factory *factory, const struct bight_reactor *reactor)
{
    if (factory == NULL) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    if (reactor == NULL) {
        return bight_failure_new(BIGHT_E_INVALID_ARGUMENT, 0, NULL, "a request of a test: there is no testing reactor");
    }
    if (factory->reactor != NULL && factory->reactor != reactor) {
        return bight_failure_of(BIGHT_E_FACTORY_IN_USE);
    }
    return factory->ops->check(factory);
}

static struct asking *new_asking(
    const char *method, const char *target, const struct bight_http_testing_options *options)
{
    struct asking *asking = bight_malloc(sizeof *asking);
    if (asking == NULL) {
        return NULL;
    }
    memset(asking, 0, offsetof(struct asking, reader));
    asking->factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &client_ops);
    asking->factory.ops = &factory_ops;
    struct bi_response_reader *reader = &asking->reader;
    bi_response_reader_init(reader);
    reader->asked = strcmp(method, "HEAD") == 0      ? BI_METHOD_HEAD
                    : strcmp(method, "CONNECT") == 0 ? BI_METHOD_CONNECT
                                                     : BI_METHOD_OTHER;
    reader->upgrades = has_field(options->fields, "Upgrade");
    reader->limit = options->limit != 0 ? options->limit : DEFAULT_LIMIT;
    if (add_head(&asking->request, method, target, options) != BIGHT_OK ||
        (options->body != NULL && add_body(&asking->request, options) != BIGHT_OK)) {
        free_asking(asking);
        return NULL;
    }
    return asking;
}

/* Nothing has crossed yet when both sides are there; what can happen by itself then does. */
static struct bight_deferred *send_to(
    struct asking *asking, struct bight_factory *server, struct bight_reactor *reactor, size_t chunk)
{
    struct bight_deferred *deferred = bight_deferred_new(&asking->promise, cancel, asking);
    if (!bight_promise_is_open(asking->promise)) {
        free_asking(asking);
        return deferred;
    }
    asking->connecting = true;
    struct bight_pair *pair = bight_pair_connect(reactor, server, &asking->factory);
    asking->connecting = false;
    asking->pair = pair;
    if (pair == NULL || asking->stopped) {
        (void)(bight_promise_is_open(asking->promise) &&
               bight_errback(asking->promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY)));
        free_asking(asking);
        return deferred;
    }
    if (chunk > 0) {
        bight_pair_set_chunk(pair, chunk);
    }
    (void)bight_pair_pump(pair, TURNS);
    return deferred;
}

struct bight_deferred *bight_http_testing_request(struct bight_http_site *site, const char *method, const char *target,
    const struct bight_http_testing_options *options)
{
    const struct bight_http_testing_options none = { .size = sizeof none };
    options = options != NULL ? options : &none;
    struct bight_factory *server = bight_http_site_factory(site);
    struct bight_reactor *reactor = options->reactor;
    if (reactor == NULL && server != NULL) {
        reactor = server->reactor != NULL ? server->reactor : bight_testing_reactor();
    }
    struct bight_failure *failure = check(server, reactor);
    if (failure != NULL) {
        return bight_fail(failure);
    }
    if (!is_request(method, target, options->fields)) {
        return bight_fail(bight_failure_new(
            BIGHT_E_INVALID_ARGUMENT, 0, NULL, "a request of a test: a method, target or field that none can be"));
    }
    struct asking *asking = new_asking(method, target, options);
    return asking == NULL ? bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY))
                          : send_to(asking, server, reactor, options->chunk);
}

struct bight_deferred *bight_http_testing_get(struct bight_http_site *site, const char *target)
{
    return bight_http_testing_request(site, "GET", target, NULL);
}

struct bight_deferred *bight_http_testing_post(
    struct bight_http_site *site, const char *target, const char *type, const void *data, size_t size)
{
    char line[256];
    if (type != NULL && strlen(type) > sizeof line - sizeof "Content-Type: ") {
        return bight_fail(
            bight_failure_new(BIGHT_E_INVALID_ARGUMENT, 0, NULL, "a request of a test: a type that is too long"));
    }
    (void)snprintf(line, sizeof line, "Content-Type: %s", type != NULL ? type : "");
    const char *const fields[] = { type != NULL ? line : NULL, NULL };
    const struct bight_http_testing_options options = {
        .size = sizeof options, .fields = fields, .body = size > 0 ? data : "", .body_size = size
    };
    return bight_http_testing_request(site, "POST", target, &options);
}

const char *bight_http_testing_text(const struct bight_http_response *response)
{
    const struct bight_bytes *body = bight_http_response_body(response);
    return body == NULL ? "" : (const char *)bight_bytes_data(body);
}
