/* SPDX-License-Identifier: MIT */
/* response_reader.c - one answer as it comes: interim heads, its head, its body, its trailers (C5).
 *
 * Where it comes from, and what happens to it, is its owner's; what heads and chunks say is message/'s. */
#include "http/client/response_reader.h"

#include <string.h>

#include "http/server/answer.h"

#define MAX_TRAILERS 8192

static void begin_head(struct bi_response_reader *reader, enum bi_head_kind kind, uint32_t size)
{
    reader->kept.end = 0;
    reader->head.fields = reader->array;
    reader->head.limits = (struct bi_head_limits) { .line = size, .size = size, .fields = BI_READER_FIELDS };
    bi_head_begin(&reader->head, kind);
}

void bi_response_reader_init(struct bi_response_reader *reader)
{
    memset(reader, 0, offsetof(struct bi_response_reader, array));
    begin_head(reader, BI_HEAD_RESPONSE, BI_HEAD_CEILING);
}

void bi_response_reader_finish(struct bi_response_reader *reader)
{
    bi_http_buffer_free(&reader->kept);
    bi_http_buffer_free(&reader->fields);
    bi_http_buffer_free(&reader->body);
}

static void fail(struct bi_response_reader *reader, int code, const char *why)
{
    reader->state = BI_READER_FAILED;
    reader->code = code;
    reader->why = why;
}

static void fail_without_memory(struct bi_response_reader *reader)
{
    fail(reader, BIGHT_E_OUT_OF_MEMORY, "out of memory");
}

/* ------------------------------------------------------------------------------------------ heads */

/* More of a head or of trailers: true when it is whole, and *used is what it took. */
static bool read_head(struct bi_response_reader *reader, const uint8_t *data, size_t size, size_t *used)
{
    struct bi_http_buffer *kept = &reader->kept;
    size_t before = kept->end;
    size_t room = reader->head.limits.size + 1 - before;
    *used = size < room ? size : room;
    if (bi_http_buffer_append(kept, data, *used) != BIGHT_OK) {
        fail_without_memory(reader);
        return false;
    }
    switch (bi_head_parse(&reader->head, kept->bytes, kept->end)) {
    case BI_HEAD_PARTIAL:
        return false;
    case BI_HEAD_REFUSED:
        fail(reader, reader->head.status == 431 ? BIGHT_E_TOO_LONG : BIGHT_E_SYNTAX, reader->head.why);
        return false;
    case BI_HEAD_WHOLE:
        break;
    }
    *used = reader->head.size - before;
    return true;
}

static int append_span(struct bi_response_reader *reader, size_t at, size_t size)
{
    return bi_http_buffer_append(&reader->fields, reader->kept.bytes + at, size);
}

/* "Name: value\r\n", as the fields of a response are kept. */
static bool keep_fields(struct bi_response_reader *reader)
{
    int code = BIGHT_OK;
    for (unsigned i = 0; i < reader->head.field_count && code == BIGHT_OK; i++) {
        const struct bi_field *field = &reader->head.fields[i];
        code = append_span(reader, field->name_at, field->name_size);
        code = code != BIGHT_OK ? code : bi_http_buffer_append(&reader->fields, ": ", 2);
        code = code != BIGHT_OK ? code : append_span(reader, field->value.at, field->value.size);
        code = code != BIGHT_OK ? code : bi_http_buffer_append(&reader->fields, "\r\n", 2);
    }
    return code == BIGHT_OK;
}

/* True: another head comes behind this one. */
static bool skip_interim(struct bi_response_reader *reader)
{
    if (reader->head.status >= 200 || (reader->head.status == 101 && reader->upgrades)) {
        return false;
    }
    if (reader->head.status == 101) {
        fail(reader, BIGHT_E_SYNTAX, "101 was answered to a request that asks for no upgrade");
    } else if (++reader->interim > BI_READER_MAX_INTERIM) {
        fail(reader, BIGHT_E_TOO_LONG, "there are too many interim responses");
    } else {
        begin_head(reader, BI_HEAD_RESPONSE, BI_HEAD_CEILING);
    }
    return true;
}

static void begin_body(struct bi_response_reader *reader)
{
    switch ((enum bi_body_kind)reader->framing.body) {
    case BI_BODY_NONE:
        reader->state = BI_READER_WHOLE;
        break;
    case BI_BODY_LENGTH:
        reader->left = reader->framing.length;
        reader->state = BI_READER_BODY;
        if (reader->left > reader->limit) {
            fail(reader, BIGHT_E_TOO_LONG, "the body of the answer is longer than is allowed");
        }
        break;
    case BI_BODY_UNTIL_CLOSE:
        reader->state = BI_READER_BODY;
        break;
    case BI_BODY_CHUNKED:
        bi_chunked_begin(&reader->chunked, true);
        reader->state = BI_READER_BODY;
        break;
    }
}

static size_t feed_head(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    size_t used;
    if (!read_head(reader, data, size, &used)) {
        return used;
    }
    if (reader->head.folded) {
        bi_head_unfold(&reader->head, reader->kept.bytes);
    }
    if (skip_interim(reader)) {
        return used;
    }
    reader->status = reader->head.status;
    if (!bi_framing_of_response(&reader->framing, &reader->head, reader->kept.bytes, reader->asked)) {
        fail(reader, BIGHT_E_SYNTAX, reader->framing.why);
    } else if (!keep_fields(reader)) {
        fail_without_memory(reader);
    } else {
        begin_body(reader);
    }
    return used;
}

static size_t feed_trailers(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    size_t used;
    uint16_t status;
    const char *why;
    if (!read_head(reader, data, size, &used)) {
        return used;
    }
    reader->state = BI_READER_WHOLE;
    if (!bi_framing_check_trailers(&reader->head, &status, &why)) {
        fail(reader, BIGHT_E_SYNTAX, why);
    }
    return used;
}

/* ------------------------------------------------------------------------------------------- the body */

static void keep_piece(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    if (size > reader->limit - reader->body.end) {
        fail(reader, BIGHT_E_TOO_LONG, "the body of the answer is longer than is allowed");
    } else if (bi_http_buffer_append(&reader->body, data, size) != BIGHT_OK) {
        fail_without_memory(reader);
    }
}

static size_t feed_plain(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    if (reader->framing.body == BI_BODY_UNTIL_CLOSE) {
        keep_piece(reader, data, size);
        return size;
    }
    size_t piece = size < reader->left ? size : (size_t)reader->left;
    reader->left -= piece;
    keep_piece(reader, data, piece);
    if (reader->left == 0 && reader->state == BI_READER_BODY) {
        reader->state = BI_READER_WHOLE;
    }
    return piece;
}

static size_t feed_chunked(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    const uint8_t *at = data, *piece;
    size_t left = size, piece_size;
    switch (bi_chunked_next(&reader->chunked, &at, &left, &piece, &piece_size)) {
    case BI_CHUNKED_DATA:
        keep_piece(reader, piece, piece_size);
        break;
    case BI_CHUNKED_PARTIAL:
        break;
    case BI_CHUNKED_END:
        begin_head(reader, BI_HEAD_TRAILERS, MAX_TRAILERS);
        reader->state = BI_READER_TRAILERS;
        break;
    case BI_CHUNKED_REFUSED:
        fail(reader, BIGHT_E_SYNTAX, reader->chunked.why);
        break;
    }
    return size - left;
}

/* ---------------------------------------------------------------------------------------------- all of it */

static size_t feed_some(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    switch ((enum bi_reader_state)reader->state) {
    case BI_READER_HEAD:
        return feed_head(reader, data, size);
    case BI_READER_BODY:
        return reader->framing.body == BI_BODY_CHUNKED ? feed_chunked(reader, data, size)
                                                       : feed_plain(reader, data, size);
    case BI_READER_TRAILERS:
        return feed_trailers(reader, data, size);
    case BI_READER_WHOLE:
    case BI_READER_FAILED:
        break;
    }
    return 0;
}

size_t bi_response_reader_feed(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    size_t used = 0;
    while (used < size && reader->state < BI_READER_WHOLE) {
        used += feed_some(reader, data + used, size - used);
    }
    return used;
}

void bi_response_reader_end(struct bi_response_reader *reader)
{
    if (reader->state >= BI_READER_WHOLE) {
        return;
    }
    if (reader->state == BI_READER_BODY && reader->framing.body == BI_BODY_UNTIL_CLOSE) {
        reader->state = BI_READER_WHOLE;
    } else {
        fail(reader, BIGHT_E_INCOMPLETE, "the connection has ended before the answer was whole");
    }
}

struct bight_http_response *bi_response_reader_take(struct bi_response_reader *reader)
{
    uint8_t *end = bi_http_buffer_room(&reader->body, 1);
    if (end == NULL) {
        return NULL;
    }
    *end = '\0'; /* so that the body can be taken for a text */
    return bi_response_received(reader->status, &reader->fields, &reader->body);
}
