/* SPDX-License-Identifier: MIT */
/* exchange.c - the life of an exchange: its head, its handler, its end.
 *
 * It is over when the answer has been written and the body has been read or thrown away, or when the client has gone;
 * then the request leaves the connection, which goes on with the next one (H4). Everything that changes calls
 * bi_exchange_advance, which decides. What an exchange waits for is bounded in deadlines.c. */
#include <bight/log.h>

#include <string.h>

#include "http/message/head_reader.h"
#include "http/message/likely.h"
#include "http/server/request.h"

/* What is zeroed for each use; all behind it is written before it is read, or is empty. */
#define ZEROED offsetof(struct bight_http_request, answer.fields)
#define PART 48
_Static_assert(ZEROED == 6 * PART, "it is zeroed in parts");

static inline void zero_part(struct bight_http_request *request, size_t part)
{
    memset((char *)request + part * PART, 0, PART);
}

/* By moves in a row: all of it at once would be a call or an instruction that begins slowly, and a loop half as much
 * again. */
static inline void zero(struct bight_http_request *request)
{
    zero_part(request, 0);
    zero_part(request, 1);
    zero_part(request, 2);
    zero_part(request, 3);
    zero_part(request, 4);
    zero_part(request, 5);
}

static inline struct bight_http_request *take_spare(struct bi_http_server *server)
{
    struct bight_http_request *request = server->spare;
    if (BI_RARELY(request == NULL)) {
        return bi_http_server_make(server);
    }
    server->spare = request->next;
    server->spare_count--;
    return request;
}

static inline struct bight_http_request *begin(struct bi_http_connection *connection)
{
    struct bi_http_server *server = (struct bi_http_server *)connection->base.factory;
    struct bight_http_request *request = take_spare(server);
    if (request == NULL) {
        bi_http_close(connection, true);
        return NULL;
    }
    zero(request);
    request->server = server;
    request->connection = connection;
    request->holds = 1;
    connection->request = request;
    return request;
}

struct bight_http_request *bi_exchange_begin(struct bi_http_connection *connection)
{
    struct bight_http_request *request = begin(connection);
    if (request != NULL) {
        bi_head_begin(&request->head, BI_HEAD_REQUEST);
    }
    return request;
}

/* --------------------------------------------------------------------------------------------- the end */

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

/* The client has said that it sends nothing more (RFC 9112, 9.6), and nothing more has come: there is no input that
 * could have the kernel reset the connection before the answer has been read, so there is no need to wait for the
 * client's end. Behind bodies some clients send a CRLF too many; through TLS more goes back and forth than the
 * request. */
static bool is_the_last(const struct bight_http_request *request)
{
    return request->dispatched && !request->framing.keeps_alive && request->framing.body == BI_BODY_NONE &&
           request->rest == 0 && bi_http_buffer_size(&request->backlog) == 0 &&
           !bight_http_request_connection_is_secure(request);
}

void bi_exchange_finish_unusual(struct bight_http_request *request)
{
    struct bi_http_connection *connection = request->connection;
    struct bi_http_buffer backlog = request->backlog;
    if (request->input < BI_INPUT_DONE) {
        bi_body_fail(
            request, bight_failure_new(BIGHT_E_CANCELLED, 0, NULL, "the request was answered without its body"));
    }
    bool closes = request->closing, is_last = is_the_last(request);
    request->backlog = (struct bi_http_buffer) { .bytes = NULL };
    bi_exchange_leave(request);
    bi_deadlines_restore_idle(connection);
    if (closes) {
        if (is_last) {
            (void)bight_transport_set_linger(connection->base.transport, 0, 0);
        }
        bi_http_buffer_free(&backlog);
        bi_http_close(connection, false);
    } else {
        go_on_with(connection, &backlog);
    }
    bi_request_release(request);
}

void bi_exchange_gone(struct bight_http_request *request, const struct bight_failure *reason)
{
    bool tells = request->dispatched && request->answer.state != BI_ANSWER_WHOLE;
    request->gone = true;
    request->server->figures.abandoned += tells;
    bight_protocol_free(request->upgrade);
    request->upgrade = NULL;
    bi_exchange_leave(request);
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
    request->hooks.was_aborted = true;
    request->answer.state = BI_ANSWER_WHOLE;
    if (request->connection != NULL) {
        bi_http_close(request->connection, true);
    }
}

/* ------------------------------------------------------------------------------------- what is decided */

void bi_exchange_discard_rest(struct bight_http_request *request)
{
    if (request->input == BI_INPUT_UPGRADE) {
        return;
    }
    if (!request->closing) {
        bi_body_discard(request);
    }
    if (request->connection != NULL && (request->input == BI_INPUT_DONE || request->closing)) {
        bi_exchange_finish(request);
    }
}

/* Nothing is left that might answer (A2). A body's failure has been reported: that is the answer. */
static void answer_for_them(struct bight_http_request *request)
{
    if (request->answer.state == BI_ANSWER_NONE && request->has_body && request->body.failure != NULL) {
        (void)bight_http_respond_failure(request, bight_failure_hold(request->body.failure));
    } else if (request->answer.state == BI_ANSWER_NONE) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "a request was released without an answer: 500");
        request->server->ops->failed(request->server, request, 500, NULL);
    }
}

/* Nothing is left that might finish it; the program's page may have been begun and released just now. */
static void give_up_answer(struct bight_http_request *request)
{
    if (BI_ANSWER_IS_UNDER_WAY(request->answer.state) && !request->answer.producing) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "an answer was released before its end: the connection is aborted");
        bi_exchange_abort(request);
    }
}

void bi_request_end_pending(struct bight_http_request *request)
{
    if (--request->pending == 0 && request->connection != NULL && request->answer.state != BI_ANSWER_WHOLE) {
        request->pending++; /* an answer may hold and release */
        answer_for_them(request);
        if (request->pending == 1) {
            give_up_answer(request);
        }
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
    request->head.present = request->head.repeated = 0;
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

/* The handler has returned, and the request is held: the exchange that goes on, or the program alone. What is in the
 * receive buffer must outlive it. */
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
static inline __attribute__((always_inline)) void dispatch(struct bight_http_request *request, size_t rest)
{
    struct bi_http_server *server = request->server;
    struct bi_http_connection *connection = request->connection;
    struct bi_framing *framing = &request->framing;
    if (BI_RARELY(!bi_framing_of_request(framing, &request->head, request->bytes))) {
        bi_exchange_refuse(request, framing->status, framing->why);
        return;
    }
    request->dispatched = true;
    server->figures.requests++;
    server->figures.in_flight++;
    connection->served++;
    request->closing = !framing->keeps_alive || connection->served >= server->limits.requests || connection->draining;
    request->input = BI_INPUT_DONE;
    if (BI_RARELY(framing->body != BI_BODY_NONE)) {
        bi_body_begin(request);
    }
    request->rest = rest;
    request->holds = 2; /* the exchange's and the handler's: no other has seen it yet */
    request->pending = 1;
    if (BI_RARELY(server->freed)) {
        request->closing = true;
        server->ops->failed(server, request, 503, NULL);
    } else {
        server->ops->requested(server, request);
    }
    if (BI_USUALLY(request->holds == 1)) { /* that of its handler: nothing is left that could answer, or has to */
        bi_request_put_back(request);
        return;
    }
    request->holds++;
    bi_request_end_pending(request);
    if (request->holds > 1) {
        park(request);
    }
    bi_request_release(request);
}

/* Of one that has not come at once. */
static void __attribute__((noinline)) dispatch_late(struct bight_http_request *request, size_t rest)
{
    dispatch(request, rest);
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
    dispatch_late(request, size - used);
    return used;
}

/* Of one that has not been read from, or not at once. */
static size_t read_begun(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    struct bi_head *head = &request->head;
    request->bytes = data;
    switch (bi_head_parse(head, data, size)) {
    case BI_HEAD_PARTIAL:
        (void)keep_part(request, data, size);
        return size;
    case BI_HEAD_REFUSED:
        bi_exchange_refuse(request, head->status, head->why);
        return size;
    case BI_HEAD_WHOLE:
        break;
    }
    size_t used = head->size;
    dispatch_late(request, size - used);
    return used;
}

size_t bi_exchange_read_head(struct bight_http_request *request, const uint8_t *data, size_t size)
{
    return request->kept.bytes != NULL ? read_rest(request, data, size) : read_begun(request, data, size);
}

/* Nearly all heads come whole, and are in order. */
size_t bi_exchange_start(struct bi_http_connection *connection, const uint8_t *data, size_t size)
{
    struct bight_http_request *request = begin(connection);
    if (request == NULL) {
        return 0;
    }
    struct bi_head *head = &request->head;
    uint32_t seen = size < head->limits.size ? (uint32_t)size : head->limits.size;
    if (BI_RARELY(!bi_head_read_new(head, data, seen))) {
        bi_head_begin(head, BI_HEAD_REQUEST);
        return read_begun(request, data, size);
    }
    size_t used = head->size;
    request->bytes = data;
    dispatch(request, size - used);
    return used;
}
