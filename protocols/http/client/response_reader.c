/* SPDX-License-Identifier: MIT */
/* response_reader.c - one whole answer, collected from what the parser finds.
 *
 * What an answer is made of is response_parser.c's. */
#include "http/client/response_reader.h"

#include <string.h>

#include "http/server/answer.h"

void bi_response_reader_init(struct bi_response_reader *reader)
{
    const struct bi_response_limits limits = {
        .head = BI_HEAD_CEILING, .fields = BI_RESPONSE_DEFAULT_FIELDS, .interim = BI_RESPONSE_DEFAULT_INTERIM
    };
    memset(reader, 0, offsetof(struct bi_response_reader, array));
    bi_response_parser_begin(&reader->parser, &limits, reader->array);
}

void bi_response_reader_finish(struct bi_response_reader *reader)
{
    bi_response_parser_finish(&reader->parser);
    bi_http_buffer_free(&reader->fields);
    bi_http_buffer_free(&reader->body);
}

static void fail(struct bi_response_reader *reader, int code, const char *why)
{
    reader->state = BI_READER_FAILED;
    reader->code = code;
    reader->why = why;
}

static void fail_of_length(struct bi_response_reader *reader)
{
    fail(reader, BIGHT_E_TOO_LONG, "the body of the answer is longer than is allowed");
}

static void keep_head(struct bi_response_reader *reader)
{
    const struct bi_response_parser *parser = &reader->parser;
    uint8_t *room = bi_http_buffer_room(&reader->fields, bi_response_lines_size(&parser->head));
    if (room == NULL) {
        fail(reader, BIGHT_E_OUT_OF_MEMORY, "out of memory");
        return;
    }
    reader->status = parser->head.status;
    reader->fields.end += bi_response_write_lines(&parser->head, parser->bytes, 0, room);
    if (parser->framing.body == BI_BODY_LENGTH && parser->framing.length > reader->limit) {
        fail_of_length(reader);
    }
}

static void keep_piece(struct bi_response_reader *reader, struct bi_view piece)
{
    if (piece.size > reader->limit - reader->body.end) {
        fail_of_length(reader);
    } else if (bi_http_buffer_append(&reader->body, piece.at, piece.size) != BIGHT_OK) {
        fail(reader, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    }
}

/* False: there is nothing more to be read now. */
static bool take(struct bi_response_reader *reader, enum bi_response_event event, struct bi_view piece)
{
    switch (event) {
    case BI_RESPONSE_PARTIAL:
        return false;
    case BI_RESPONSE_INTERIM:
        break;
    case BI_RESPONSE_HEAD:
        keep_head(reader);
        break;
    case BI_RESPONSE_DATA:
        keep_piece(reader, piece);
        break;
    case BI_RESPONSE_END:
        reader->state = BI_READER_WHOLE;
        break;
    case BI_RESPONSE_FAILED:
        fail(reader, reader->parser.code, reader->parser.why);
        break;
    }
    return reader->state == BI_READER_UNFINISHED;
}

/* The parser is told what the request was before it reads anything. */
static void begin(struct bi_response_reader *reader)
{
    reader->begun = true;
    reader->parser.asked = (uint8_t)reader->asked;
    reader->parser.upgrades = reader->upgrades;
}

size_t bi_response_reader_feed(struct bi_response_reader *reader, const uint8_t *data, size_t size)
{
    struct bi_view input = { data, size }, piece = { NULL, 0 };
    if (!reader->begun) {
        begin(reader);
    }
    while (reader->state == BI_READER_UNFINISHED &&
           take(reader, bi_response_parser_next(&reader->parser, &input, &piece), piece)) {
    }
    return size - input.size;
}

void bi_response_reader_end(struct bi_response_reader *reader)
{
    if (reader->state == BI_READER_UNFINISHED) {
        (void)take(reader, bi_response_parser_end(&reader->parser), (struct bi_view) { NULL, 0 });
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
