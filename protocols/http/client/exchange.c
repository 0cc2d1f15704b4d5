/* SPDX-License-Identifier: MIT */
/* exchange.c - a call and its connection, from the request's first byte to the response's last.
 *
 * The connection goes back to the pool before the program hears of the response: what the program asks next finds it
 * there. */
#include "http/client/again.h"
#include "http/client/cookie_jar.h"
#include "http/client/decode.h"
#include "http/client/sending.h"
#include "http/client/stream.h"
#include "http/client/trace.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------ beginning */

void bi_client_exchange_begin(struct bight_http_call *call, struct bi_client_connection *connection)
{
    struct bight_http_client *client = call->client;
    bi_response_parser_begin(&connection->parser, &client->limits, client->fields);
    connection->parser.asked = call->method;
    connection->call = call;
    connection->queued = 0;
    connection->is_paused = false;
    connection->since = bi_limits_stamp(client);
    call->connection = connection;
    call->state = BI_CALL_SENT;
    call->received = 0;
    if (bi_call_write(call) != BIGHT_OK) {
        (void)bight_transport_abort_connection(connection->base.transport); /* the call fails with its loss */
    }
    bi_trace_sent(call);
}

/* ------------------------------------------------------------------------------------------- the end */

static void leave(struct bi_client_connection *connection)
{
    bi_sending_stop(connection->call);
    connection->call->connection = NULL;
    connection->call = NULL;
}

/* The response has been read, and `left` bytes behind it. */
static void release_connection(struct bi_client_connection *connection, size_t left)
{
    const struct bi_framing *framing = &connection->parser.framing;
    struct bight_transport *transport = connection->base.transport;
    bool is_sent = connection->call->sending == BI_SENDING_DONE;
    leave(connection);
    connection->served++;
    if (connection->is_closing) {
        return;
    }
    if (connection->is_paused) {
        connection->is_paused = false;
        (void)bight_transport_resume(transport);
    }
    is_sent = is_sent && bight_transport_queued(transport) == 0;
    bool is_sound = framing->keeps_alive && !framing->tolerated && left == 0;
    if (is_sound && bight_transport_is_open(transport) && is_sent) {
        bi_pool_offer(connection);
    } else {
        bi_connection_close(connection, left > 0 || !is_sent);
    }
}

static void break_off(struct bi_client_connection *connection)
{
    leave(connection);
    if (!connection->is_closing) {
        bi_connection_close(connection, true);
    }
}

/* The connection is no more the call's. Calls user code. */
static void conclude(struct bight_http_call *call)
{
    switch ((enum bi_call_rest)call->rest) {
    case BI_REST_COLLECTED:
        bi_call_succeed(call);
        break;
    case BI_REST_REDIRECTED:
        call->rest = BI_REST_COLLECTED;
        bi_trace_go_on(call);
        bi_pool_submit(call);
        break;
    case BI_REST_REFUSED:
        bi_call_fail(call, bight_failure_new_status(
                               BIGHT_E_HTTP_STATUS, call->status, NULL, "the response's status is %d", call->status));
        break;
    }
}

static void fail(struct bight_http_call *call, int code, const char *why)
{
    bi_call_fail(call, bight_failure_new(code, 0, NULL, "%s", why));
}

/* Of what is collected; a stream has a limit only if it was given one. */
#define DEFAULT_BODY ((uint64_t)16 << 20)

static uint64_t body_limit(const struct bight_http_call *call)
{
    return call->settings.body != 0 ? call->settings.body : call->is_streamed ? UINT64_MAX : DEFAULT_BODY;
}

static void fail_of_length(struct bight_http_call *call)
{
    bi_call_fail(call, bight_failure_new(BIGHT_E_TOO_LONG, 0, NULL, "the response's body is longer than %llu bytes",
                           (unsigned long long)body_limit(call)));
}

static void fail_without_memory(struct bight_http_call *call)
{
    bi_call_fail(call, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
}

/* ------------------------------------------------------------------------------------------- the head */

/* Keep-Alive: timeout=N, less the second that a request may take to get there; 0 is not worth keeping. */
static uint64_t kept_for(const struct bight_http_client *client, const struct bi_response_parser *parser)
{
    struct bi_members list = bi_members_begin(&parser->head, parser->bytes, BI_NAME_KEEP_ALIVE);
    struct bi_view member, name;
    uint64_t seconds = 0;
    while (bi_members_next(&list, &member)) {
        if (bi_take_token(&member, &name) && bi_view_equal_nocase(name, bi_view_of("timeout")) &&
            bi_take_byte(&member, '=') && member.size > 0 && member.size < 10 &&
            bi_run(member, BI_CLASS_DIGIT) == member.size) {
            for (size_t i = 0; i < member.size; i++) {
                seconds = seconds * 10 + (uint64_t)(member.at[i] - '0');
            }
            uint64_t time = seconds > 0 ? (seconds - 1) * BIGHT_NANOSECONDS_PER_SECOND : 0;
            return time < client->idle_time ? time : client->idle_time;
        }
    }
    return client->idle_time;
}

/* What is to be read for the connection's sake alone. */
static void begin_discarding(struct bight_http_call *call, enum bi_call_rest rest)
{
    call->rest = (uint8_t)rest;
    call->status = call->connection->parser.head.status;
}

static void begin_response(struct bight_http_call *call, const struct bi_response_parser *parser)
{
    if (parser->framing.body == BI_BODY_LENGTH && parser->framing.length > body_limit(call)) {
        fail_of_length(call);
        return;
    }
    int code = call->asks_for_codings ? bi_decoder_begin(&call->decoder, parser) : BIGHT_OK;
    if (code == BIGHT_E_TOO_LONG) {
        fail(call, code, "the response has more than two content codings");
        return;
    }
    call->response = code == BIGHT_OK ? bi_received_new(call, parser) : NULL;
    if (call->response == NULL || (call->is_streamed && bi_body_stream_begin(call) != BIGHT_OK)) {
        fail_without_memory(call);
    } else if (call->is_streamed) {
        bi_call_deliver_head(call);
    }
}

/* The call may be gone behind it. */
static void take_head(struct bight_http_call *call)
{
    struct bi_client_connection *connection = call->connection;
    const struct bi_response_parser *parser = &connection->parser;
    const char *why;
    call->state = BI_CALL_ANSWERED;
    bi_sending_give_up(call);
    bi_trace_answered(call);
    connection->idle_time = bi_head_first(&parser->head, BI_NAME_KEEP_ALIVE) != 0 ? kept_for(call->client, parser)
                                                                                  : call->client->idle_time;
    if (bi_call_take_cookies(call, parser) != BIGHT_OK) {
        fail_without_memory(call);
    } else if (bi_again_is_due(call, parser)) {
        begin_discarding(call, BI_REST_REDIRECTED);
    } else if (bi_redirect_is_followed(call, parser)) {
        begin_discarding(call, BI_REST_REDIRECTED);
        int code = bi_redirect_prepare(call, parser, &why);
        if (code != BIGHT_OK) {
            bi_call_fail(call, bight_failure_new_status(code, parser->head.status, NULL, "%s", why));
        }
    } else if (call->settings.fails_on_status && parser->head.status >= 400) {
        begin_discarding(call, BI_REST_REFUSED);
    } else {
        begin_response(call, parser);
    }
}

/* ------------------------------------------------------------------------------------------- the body */

static void decode(struct bight_http_call *call, struct bi_view piece)
{
    int code = bi_decoder_put(call->decoder, piece, &call->collected, body_limit(call));
    if (code != BIGHT_OK) {
        fail(call, code, bi_decoder_why(code));
    }
}

/* All of it at once needs no copy but one. */
static bool is_all(const struct bi_response_parser *parser, struct bi_view piece)
{
    return parser->framing.body == BI_BODY_LENGTH && piece.size == parser->framing.length;
}

static void take_piece(struct bight_http_call *call, struct bi_view piece)
{
    struct bi_client_connection *connection = call->connection;
    call->received += piece.size;
    if (call->rest != BI_REST_COLLECTED) {
        if (call->received > BI_CLIENT_DISCARDED) {
            break_off(connection);
            conclude(call);
        }
    } else if (call->received > body_limit(call)) {
        fail_of_length(call);
    } else if (call->stream != NULL) {
        bi_body_stream_put(call, piece);
    } else if (call->decoder != NULL) {
        decode(call, piece);
    } else if (is_all(&connection->parser, piece)) {
        call->response->body = bight_bytes_new(piece.at, piece.size);
        if (call->response->body == NULL) {
            fail_without_memory(call);
        }
    } else if (bi_http_buffer_append(&call->collected, piece.at, piece.size) != BIGHT_OK) {
        fail_without_memory(call);
    }
}

/* There is a NUL behind it. */
static bool finish_body(struct bight_http_call *call)
{
    struct bight_http_response *response = call->response;
    if (call->stream != NULL) {
        return true;
    }
    if (response->body == NULL && call->collected.end == 0) {
        response->body = bight_bytes_new("", 0);
    } else if (response->body == NULL) {
        uint8_t *end = bi_http_buffer_room(&call->collected, 1);
        if (end != NULL) {
            *end = '\0';
            response->body = bi_http_buffer_take(&call->collected);
        }
    }
    return response->body != NULL;
}

static bool finish_trailers(struct bight_http_call *call, const struct bi_response_parser *parser)
{
    struct bi_http_buffer *trailers = &bi_received_origin(call->response)->trailers;
    if (!parser->has_trailers) {
        return true;
    }
    uint8_t *room = bi_http_buffer_room(trailers, bi_response_lines_size(&parser->head));
    trailers->end += room != NULL ? bi_response_write_lines(&parser->head, parser->bytes, 0, room) : 0;
    return room != NULL;
}

static void take_end(struct bight_http_call *call, size_t left)
{
    struct bi_client_connection *connection = call->connection;
    if (call->decoder != NULL && call->received > 0 && !bi_decoder_is_whole(call->decoder)) {
        fail(call, BIGHT_E_INCOMPLETE, "the response's body ends within what is compressed");
        return;
    }
    if (call->rest == BI_REST_COLLECTED && (!finish_body(call) || !finish_trailers(call, &connection->parser))) {
        fail_without_memory(call);
        return;
    }
    release_connection(connection, left);
    conclude(call);
}

/* What has come is told of; the parser says what is wrong. */
static void take_failure(struct bight_http_call *call, const struct bi_response_parser *parser)
{
    if (call->state == BI_CALL_ANSWERED && call->rest != BI_REST_COLLECTED) {
        break_off(call->connection);
        conclude(call);
    } else if (call->state == BI_CALL_ANSWERED) {
        bi_call_fail(call, bight_failure_new(parser->code, 0, NULL, "%s; %llu bytes of its body had come", parser->why,
                               (unsigned long long)call->received));
    } else {
        fail(call, parser->code, parser->why);
    }
}

/* ------------------------------------------------------------------------------------------- all of it */

static void take(struct bight_http_call *call, enum bi_response_event event, struct bi_view piece, size_t left)
{
    switch (event) {
    case BI_RESPONSE_PARTIAL:
        break;
    case BI_RESPONSE_INTERIM:
        if (call->connection->parser.head.status == 100) {
            bi_sending_go_on(call);
        }
        break;
    case BI_RESPONSE_HEAD:
        take_head(call);
        break;
    case BI_RESPONSE_DATA:
        take_piece(call, piece);
        break;
    case BI_RESPONSE_END:
        take_end(call, left);
        break;
    case BI_RESPONSE_FAILED:
        take_failure(call, &call->connection->parser);
        break;
    }
}

/* What has come is taken, and waits in the stream if nobody wants it; what has not stays with the server. */
static void hold_up(struct bi_client_connection *connection)
{
    const struct bight_http_call *call = connection->call;
    if (call->stream != NULL && bi_body_stream_is_full(call->stream)) {
        connection->is_paused = true;
        (void)bight_transport_pause(connection->base.transport);
    }
}

void bi_client_exchange_read(struct bi_client_connection *connection, struct bi_view input)
{
    struct bight_http_call *call = connection->call;
    enum bi_response_event event;
    connection->since = bi_limits_stamp(call->client);
    if (connection->parser.is_fresh) {
        bi_trace_note(call, BIGHT_HTTP_STEP_FIRST_BYTE);
    }
    do {
        struct bi_view piece = { NULL, 0 };
        event = bi_response_parser_next(&connection->parser, &input, &piece);
        take(call, event, piece, input.size);
    } while (event < BI_RESPONSE_END && event != BI_RESPONSE_PARTIAL && connection->call == call);
    if (event == BI_RESPONSE_PARTIAL) {
        hold_up(connection);
    }
}

/* Before any byte of a response it is the connection's loss that tells why. */
void bi_client_exchange_end_input(struct bi_client_connection *connection)
{
    struct bight_http_call *call = connection->call;
    if (!connection->parser.is_fresh) {
        take(call, bi_response_parser_end(&connection->parser), (struct bi_view) { NULL, 0 }, 0);
    }
}

/* ------------------------------------------------------------------------------------------- its loss */

static bool is_safe_to_repeat(enum bi_method method)
{
    return bi_method_is_harmless(method) || method == BI_METHOD_PUT || method == BI_METHOD_DELETE ||
           method == BI_METHOD_TRACE;
}

/* C2: it had been kept, and may have been dead when the request was written. */
static bool may_be_repeated(const struct bi_client_connection *connection, const struct bight_failure *reason)
{
    const struct bight_http_call *call = connection->call;
    return connection->served > 0 && connection->parser.is_fresh && call->settings.repeats && !call->is_repeated &&
           is_safe_to_repeat((enum bi_method)call->method) && !call->client->is_freed &&
           (bight_failure_is(reason, BIGHT_E_CONNECTION_DONE) || bight_failure_is(reason, BIGHT_E_CONNECTION_LOST) ||
               bight_failure_is(reason, BIGHT_E_TRUNCATED)) &&
           bi_sending_is_repeatable(call);
}

static struct bight_failure *failure_of_loss(
    const struct bi_client_connection *connection, const struct bight_failure *reason)
{
    const struct bight_http_upload *upload = connection->call->upload;
    if (upload != NULL && upload->failure != NULL) {
        return bight_failure_hold(upload->failure);
    }
    if (!bight_failure_is(reason, BIGHT_E_CONNECTION)) {
        return bight_failure_hold(reason);
    }
    return bight_failure_new(BIGHT_E_INCOMPLETE, 0, bight_failure_hold(reason), "%s",
        connection->parser.is_fresh ? "the connection has ended without a response"
                                    : "the connection has ended before the response was whole");
}

void bi_client_exchange_lost(struct bi_client_connection *connection, const struct bight_failure *reason)
{
    struct bight_http_call *call = connection->call;
    bool again = may_be_repeated(connection, reason);
    struct bight_failure *failure = again ? NULL : failure_of_loss(connection, reason);
    leave(connection);
    if (again) {
        call->is_repeated = true;
        bi_pool_submit(call);
    } else if (call->state == BI_CALL_ANSWERED && call->rest != BI_REST_COLLECTED) {
        bight_failure_release(failure);
        conclude(call);
    } else {
        bi_call_fail(call, failure);
    }
}
