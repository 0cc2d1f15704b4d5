/* SPDX-License-Identifier: MIT */
/* stream.c - an answer piece by piece (H6): chunked, counted against its length, or until the end of the connection. */
#include <bight/memory.h>
#include <bight/sys/output.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/server/filter.h"

#define SMALL 4096 /* pieces up to this are put together with the line before them */

static const char last_chunk[] = "0\r\n\r\n";

int bight_http_respond_begin(struct bight_http_request *request, int status, const char *type, int64_t length)
{
    if (request->answer.state == BI_ANSWER_NONE) {
        request->answer.streams = true;
    }
    if (request->due & BI_DUE_HOOKS) {
        return bi_filter_begin(request, status, type, length < 0 ? -1 : length);
    }
    int code = bi_answer_begin_told(request, status, type, length < 0 ? -1 : length, NULL, 0);
    if (code == BIGHT_OK) {
        request->answer.state = BI_ANSWER_BEGUN;
        request->answer.left = length < 0 ? 0 : (uint64_t)length;
    }
    return code;
}

/* 0; BI_FILTERED, if it goes through a filter; or why no piece can be written. */
static int check(const struct bight_http_request *request)
{
    if (request->gone || (request->connection != NULL && (request->connection->flags & BI_HTTP_CLOSING))) {
        return BIGHT_E_CLOSED;
    }
    if (request->answer.state == BI_ANSWER_BEGUN) {
        return BIGHT_OK;
    }
    return request->answer.state == BI_ANSWER_FILTERED && !request->hooks.is_started
               ? BI_FILTERED
               : bi_http_usage(BIGHT_E_USAGE, "a piece of an answer: none has been begun");
}

/* ---------------------------------------------------------------------------------------------- writing */

static int write_small_chunk(struct bight_transport *transport, const void *data, size_t size)
{
    char *room = (char *)bight_transport_reserve(transport, BI_CHUNK_LINE + size + 2);
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    size_t line = bi_chunk_line(room, size);
    memcpy(room + line, data, size);
    memcpy(room + line + size, "\r\n", 2);
    return bight_transport_commit(transport, line + size + 2);
}

static int write_chunk(struct bight_transport *transport, const void *data, size_t size)
{
    if (size <= SMALL) {
        return write_small_chunk(transport, data, size);
    }
    char line[BI_CHUNK_LINE];
    struct iovec parts[] = {
        { line, bi_chunk_line(line, size) },
        { (void *)(uintptr_t)data, size },
        { (void *)(uintptr_t) "\r\n", 2 },
    };
    return bight_transport_write_sequence(transport, parts, 3);
}

/* By reference where that is worth it, with what frames it beside it. */
static int write_chunk_of_bytes(struct bight_transport *transport, struct bight_bytes *bytes)
{
    size_t size = bight_bytes_size(bytes);
    if (size <= SMALL) {
        return write_small_chunk(transport, bight_bytes_data(bytes), size);
    }
    char line[BI_CHUNK_LINE];
    int code = bight_transport_write(transport, line, bi_chunk_line(line, size));
    if (code == BIGHT_OK) {
        code = bight_transport_write_bytes(transport, bytes);
    }
    return code == BIGHT_OK ? bight_transport_write(transport, "\r\n", 2) : code;
}

int bi_chunk_write(struct bight_transport *transport, struct bight_bytes *bytes, const void *data, size_t size)
{
    return bytes != NULL ? write_chunk_of_bytes(transport, bytes) : write_chunk(transport, data, size);
}

/* A piece of `size` bytes, which are `bytes`, if those are not NULL, or at `data`. */
static int write_piece(struct bight_http_request *request, struct bight_bytes *bytes, const void *data, size_t size)
{
    struct bight_transport *transport = request->connection->base.transport;
    bi_answer_count(request, size);
    if (request->answer.chunked) {
        return bi_chunk_write(transport, bytes, data, size);
    }
    return bytes != NULL ? bight_transport_write_bytes(transport, bytes) : bight_transport_write(transport, data, size);
}

static int put(struct bight_http_request *request, struct bight_bytes *bytes, const void *data, size_t size)
{
    int code = write_piece(request, bytes, data, size);
    if (code != BIGHT_OK) {
        bi_exchange_abort(request);
        return code;
    }
    bi_deadlines_bound_stream(request->connection, size);
    return BIGHT_OK;
}

int bi_stream_put(struct bight_http_request *request, const void *data, size_t size)
{
    return put(request, NULL, data, size);
}

static int write_counted(struct bight_http_request *request, struct bight_bytes *bytes, const void *data, size_t size)
{
    struct bi_http_answer *answer = &request->answer;
    int code = check(request);
    if (code != BIGHT_OK || size == 0) {
        return code == BI_FILTERED ? bi_filter_write(request, data, size) : code;
    }
    if (answer->has_length && size > answer->left) {
        bi_exchange_abort(request);
        return bi_http_usage(BIGHT_E_TOO_LONG, "a piece of an answer: it is longer than what was announced");
    }
    answer->left -= answer->has_length ? size : 0;
    return answer->bodiless ? BIGHT_OK : put(request, bytes, data, size);
}

int bight_http_respond_write(struct bight_http_request *request, const void *data, size_t size)
{
    return write_counted(request, NULL, data, size);
}

int bight_http_respond_write_bytes(struct bight_http_request *request, struct bight_bytes *bytes)
{
    if (bytes == NULL) {
        bight_http_respond_abort(request);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    return write_counted(request, bytes, bight_bytes_data(bytes), bight_bytes_size(bytes));
}

int bight_http_respond_writef(struct bight_http_request *request, const char *format, ...)
{
    char buffer[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    if (size < 0) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a piece of an answer: its format is no good");
    }
    if ((size_t)size < sizeof buffer) {
        return bight_http_respond_write(request, buffer, (size_t)size);
    }
    char *larger = bight_malloc((size_t)size + 1);
    if (larger == NULL) {
        bi_exchange_abort(request);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    va_start(arguments, format);
    (void)vsnprintf(larger, (size_t)size + 1, format, arguments);
    va_end(arguments);
    int code = bight_http_respond_write(request, larger, (size_t)size);
    bight_free(larger);
    return code;
}

/* ---------------------------------------------------------------------------------------------- its end */

int bi_stream_end(struct bight_http_request *request)
{
    struct bi_http_answer *answer = &request->answer;
    struct bight_transport *transport = request->connection->base.transport;
    if (answer->chunked && !answer->bodiless &&
        bight_transport_write(transport, last_chunk, sizeof last_chunk - 1) != BIGHT_OK) {
        return bi_answer_lost(request);
    }
    if (answer->producing) {
        answer->producing = false;
        (void)bight_transport_unregister_producer(transport);
    }
    return bi_answer_written(request, sizeof last_chunk);
}

int bight_http_respond_finish(struct bight_http_request *request)
{
    struct bi_http_answer *answer = &request->answer;
    int code = check(request);
    if (code != BIGHT_OK) {
        return code == BI_FILTERED ? bi_filter_finish(request) : code;
    }
    if (answer->has_length && answer->left > 0 && request->head.method_known != BI_METHOD_HEAD) {
        bi_exchange_abort(request);
        return bi_http_usage(BIGHT_E_INCOMPLETE, "an answer: it is shorter than what was announced");
    }
    return bi_stream_end(request);
}

void bight_http_respond_abort(struct bight_http_request *request)
{
    if (request->connection != NULL) {
        bi_exchange_abort(request);
    }
}

/* T14: a producer that is told CLOSED has been stopped. */
static int stop_at_once(const struct bight_producer_ops *ops, void *context)
{
    if (ops->stop != NULL) {
        ops->stop(context);
    }
    return BIGHT_E_CLOSED;
}

/* A body that is not sent need not be made. The obvious way, to drop what is written, has no end for a pull producer:
 * the transport asks for more when something has drained, and nothing does. The answer is over first: stopping may
 * release it.
 */
static int spare_producer(struct bight_http_request *request, const struct bight_producer_ops *ops, void *context)
{
    bight_http_request_hold(request);
    (void)bi_answer_written(request, 0);
    int code = stop_at_once(ops, context);
    bight_http_request_release(request);
    return code;
}

int bight_http_respond_register_producer(
    struct bight_http_request *request, const struct bight_producer_ops *ops, void *context, bool streaming)
{
    if (ops == NULL) {
        return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a producer of an answer: there is no table of functions");
    }
    int code = check(request);
    if (code < BIGHT_OK) {
        return code == BIGHT_E_CLOSED ? stop_at_once(ops, context) : code;
    }
    if (request->answer.bodiless) {
        return spare_producer(request, ops, context);
    }
    request->answer.producing = true;
    code = bight_transport_register_producer(request->connection->base.transport, ops, context, streaming);
    if (code != BIGHT_OK) {
        request->answer.producing = false;
    }
    return code;
}
