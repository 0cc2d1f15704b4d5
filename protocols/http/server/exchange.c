/* SPDX-License-Identifier: MIT */
/* exchange.c - the life of an exchange: its head, its handler, its end.
 *
 * It is over when the answer has been written and the body has been read or thrown away, or when the client has gone;
 * then the request leaves the connection, which goes on with the next one (H4). Everything that changes calls
 * bi_exchange_advance, which decides. What an exchange waits for is bounded in deadlines.c. */
#include <bight/log.h>

#include "http/server/request.h"

struct bight_http_request *bi_exchange_begin(struct bi_http_connection *connection)
{
    struct bi_http_server *server = (struct bi_http_server *)connection->base.factory;
    struct bight_http_request *request = bi_http_server_take(server);
    if (request == NULL) {
        bi_http_close(connection, true);
        return NULL;
    }
    request->connection = connection;
    request->holds = 1;
    connection->request = request;
    bi_head_begin(&request->head, BI_HEAD_REQUEST);
    request->head.known_host = &server->known_host;
    return request;
}

/* --------------------------------------------------------------------------------------------- the end */

/* The request leaves its connection, which the caller looks after. */
static void leave(struct bight_http_request *request)
{
    request->connection->request = NULL;
    request->connection = NULL;
    if (request->kept.bytes != NULL) { /* else it has never waited */
        bi_deadlines_stop(request);
    }
    if (request->dispatched) {
        request->server->figures.in_flight--;
    }
    bi_request_end_owner(request);
}

/* Input behind the exchange belongs to the next one. */
static void go_on_with(struct bi_http_connection *connection, struct bi_http_buffer *backlog)
{
    if (bi_http_buffer_size(backlog) == 0) {
        bi_http_buffer_free(backlog);
    } else {
        struct bight_http_request *next = bi_exchange_begin(connection);
        if (next == NULL) {
            bi_http_buffer_free(backlog);
            return;
        }
        next->backlog = *backlog;
        bi_http_go_on(connection);
    }
    bi_http_update_flow(connection);
    bi_http_check_end(connection);
}

static void finish(struct bight_http_request *request)
{
    struct bi_http_connection *connection = request->connection;
    struct bi_http_buffer backlog = request->backlog;
    if (request->input < BI_INPUT_DONE) {
        bi_body_fail(
            request, bight_failure_new(BIGHT_E_CANCELLED, 0, NULL, "the request was answered without its body"));
    }
    request->backlog = (struct bi_http_buffer) { .bytes = NULL };
    bool closes = request->closing;
    leave(request);
    bi_deadlines_restore_idle(connection);
    if (closes) {
        bi_http_buffer_free(&backlog);
        bi_http_close(connection, false);
    } else if (backlog.bytes != NULL || connection->ended || (connection->flags & BI_HTTP_PAUSED)) {
        go_on_with(connection, &backlog);
    }
    bi_request_release(request);
}

void bi_exchange_gone(struct bight_http_request *request, const struct bight_failure *reason)
{
    bool tells = request->dispatched && request->answer.state != BI_ANSWER_WHOLE;
    request->gone = true;
    bight_protocol_free(request->upgrade);
    request->upgrade = NULL;
    leave(request);
    bi_body_fail(request, bight_failure_new(BIGHT_E_CLOSED, 0, bight_failure_hold(reason), "the client has gone"));
    if (request->later != NULL && request->cancel_when_gone) {
        bight_deferred_cancel(request->later);
    }
    if (tells && request->gone_function != NULL) { /* what was told before may have taken it back */
        request->gone_function(request, request->gone_context);
    }
    bi_request_release(request);
}

void bi_exchange_abort(struct bight_http_request *request)
{
    request->answer.state = BI_ANSWER_WHOLE;
    if (request->connection != NULL) {
        bi_http_close(request->connection, true);
    }
}

/* ------------------------------------------------------------------------------------- what is decided */

void bi_exchange_advance(struct bight_http_request *request)
{
    struct bi_http_connection *connection = request->connection;
    if (connection == NULL || (connection->flags & BI_HTTP_CLOSING) || request->answer.state != BI_ANSWER_WHOLE ||
        request->input == BI_INPUT_UPGRADE) {
        return;
    }
    if (request->input != BI_INPUT_DONE && !request->closing) {
        bi_body_discard(request);
    }
    if (request->connection != NULL && (request->input == BI_INPUT_DONE || request->closing)) {
        finish(request);
    }
}

void bi_request_begin_pending(struct bight_http_request *request)
{
    request->holds++;
    request->pending++;
}

/* Nobody is left who might answer (A2). */
static void answer_for_them(struct bight_http_request *request)
{
    if (request->answer.state == BI_ANSWER_NONE) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "a request was let go without an answer: 500");
        request->server->ops->failed(request->server, request, 500, NULL);
    } else if (request->answer.state == BI_ANSWER_BEGUN && !request->answer.producing) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "an answer was let go before its end: the connection is aborted");
        bi_exchange_abort(request);
    }
}

void bi_request_end_pending(struct bight_http_request *request)
{
    if (--request->pending == 0 && request->connection != NULL && request->answer.state != BI_ANSWER_WHOLE) {
        request->pending++; /* an answer may hold and release */
        answer_for_them(request);
        request->pending--;
    }
    bi_request_release(request);
}

/* ------------------------------------------------------------------------------------------- the head */

/* A head that is no good, or cannot be kept, must not be taken for one. */
static void forget_head(struct bight_http_request *request)
{
    request->bytes = (const uint8_t *)"";
    request->head.field_count = request->parameter_count = 0;
    request->head.method = request->head.target = (struct bi_span) { 0, 0 };
    request->framing = (struct bi_framing) { .body = BI_BODY_NONE };
    request->path = (struct bi_view) { NULL, 0 };
    for (size_t i = 0; i < BI_NAME_COUNT; i++) {
        request->head.first[i] = 0;
    }
}

void bi_exchange_refuse(struct bight_http_request *request, int status, const char *why)
{
    bight_log(BIGHT_LOG_INFO, "http", NULL, "a request was refused with %d: %s", status, why);
    request->server->figures.refused++;
    request->closing = true;
    if (!request->dispatched) {
        request->input = BI_INPUT_DONE;
        forget_head(request);
    }
    bi_request_begin_pending(request);
    request->server->ops->failed(request->server, request, status, why);
    bi_request_end_pending(request);
}

/* The handler has returned, and somebody keeps the request: the exchange that goes on, or the program alone. What is in
 * the receive buffer must outlive it. */
static void park(struct bight_http_request *request)
{
    struct bi_http_connection *connection = request->connection;
    if (bi_request_keep_head(request) != BIGHT_OK) {
        forget_head(request);
        bi_exchange_abort(request);
    } else if (connection != NULL && !(connection->flags & BI_HTTP_CLOSING)) {
        request->is_parked = true;
        bi_deadlines_park(request);
    }
    request->rest = 0; /* now it waits in the backlog, if it is not read at once */
}

/* Of a whole head. `rest` bytes have come behind it. */
static void dispatch(struct bight_http_request *request, size_t rest)
{
    struct bi_http_server *server = request->server;
    struct bi_http_connection *connection = request->connection;
    struct bi_framing *framing = &request->framing;
    if (!bi_framing_of_request(framing, &request->head, request->bytes)) {
        bi_exchange_refuse(request, framing->status, framing->why);
        return;
    }
    request->dispatched = true;
    server->figures.requests++;
    server->figures.in_flight++;
    connection->served++;
    request->closing = !framing->keeps_alive || connection->served >= server->limits.requests || connection->draining;
    request->input = BI_INPUT_DONE;
    if (framing->body != BI_BODY_NONE) {
        bi_body_begin(request);
    }
    request->rest = rest;
    bi_request_begin_pending(request);
    if (server->freed) {
        request->closing = true;
        server->ops->failed(server, request, 503, NULL);
    } else {
        server->ops->requested(server, request);
    }
    request->holds++;
    bi_request_end_pending(request);
    if (request->holds > 1) {
        park(request);
    }
    bi_request_release(request);
}

bool bi_exchange_is_empty(const struct bight_http_request *request)
{
    const struct bi_http_buffer *kept = &request->kept;
    return request->input == BI_INPUT_HEAD && (kept->end == 0 || (kept->end <= 2 && kept->bytes[0] == '\r'));
}

/* A head that has not come whole is kept, and has its time. Returns whether there was memory. */
static bool keep_part(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    if (bi_http_buffer_append(&request->kept, data, size) != BIGHT_OK) {
        bi_http_close(request->connection, true);
        return false;
    }
    request->bytes = request->kept.bytes;
    if (!bi_exchange_is_empty(request)) {
        bi_deadlines_watch_head(request);
    }
    return true;
}

/* Of a head that began with what was kept before. */
static size_t read_rest(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    size_t before = request->kept.end;
    size_t room = request->head.limits.size + 1 - before;
    size_t added = size < room ? size : room;
    if (!keep_part(request, data, added)) {
        return size;
    }
    switch (bi_head_parse(&request->head, request->bytes, request->kept.end)) {
    case BI_HEAD_PARTIAL:
        return added;
    case BI_HEAD_REFUSED:
        bi_exchange_refuse(request, request->head.status, request->head.why);
        return size;
    case BI_HEAD_WHOLE:
        break;
    }
    size_t used = request->head.size - before;
    bight_timer_cancel(request->input_timer);
    dispatch(request, size - used);
    return used;
}

size_t bi_exchange_read_head(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    if (request->kept.bytes != NULL) {
        return read_rest(request, data, size);
    }
    request->bytes = data;
    switch (bi_head_parse(&request->head, data, size)) {
    case BI_HEAD_PARTIAL:
        (void)keep_part(request, data, size);
        return size;
    case BI_HEAD_REFUSED:
        bi_exchange_refuse(request, request->head.status, request->head.why);
        return size;
    case BI_HEAD_WHOLE:
        break;
    }
    size_t used = request->head.size;
    dispatch(request, size - used);
    return used;
}
