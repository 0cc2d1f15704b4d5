/* SPDX-License-Identifier: MIT */
/* response_parser.c - one answer as it comes: interim heads, its head, its body, its trailers (C5).
 *
 * Where it comes from, and what happens to it, is its owner's; what heads and chunks say is message/'s. */
#include "http/client/response_parser.h"

#include <bight/memory.h>

#include <string.h>

/* What a head that came in parts has needed; the next one most probably will not. */
static void forget_kept(struct bi_response_parser *parser)
{
    if (parser->kept.bytes != NULL || parser->own != NULL) {
        bi_http_buffer_free(&parser->kept);
        bight_free(parser->own);
        parser->own = NULL;
    }
}

static void begin_head(struct bi_response_parser *parser, enum bi_head_kind kind, uint32_t size, uint16_t fields)
{
    parser->kept.start = parser->kept.end = 0;
    parser->head.fields = parser->own != NULL ? parser->own : parser->shared;
    parser->head.limits = (struct bi_head_limits) { .line = size, .size = size, .fields = fields };
    parser->head.known_host = NULL;
    bi_head_begin(&parser->head, kind);
}

void bi_response_parser_begin(
    struct bi_response_parser *parser, const struct bi_response_limits *limits, struct bi_field *shared)
{
    parser->asked = BI_METHOD_OTHER;
    parser->upgrades = parser->has_trailers = parser->is_behind_interim = false;
    parser->is_fresh = true;
    parser->state = BI_RESPONSE_IN_HEAD;
    parser->interim = 0;
    parser->limits = *limits;
    parser->shared = shared;
    forget_kept(parser);
    begin_head(parser, BI_HEAD_RESPONSE, limits->head, limits->fields);
}

void bi_response_parser_finish(struct bi_response_parser *parser)
{
    forget_kept(parser);
}

static enum bi_response_event fail(struct bi_response_parser *parser, int code, const char *why)
{
    parser->state = BI_RESPONSE_BROKEN;
    parser->code = code;
    parser->why = why;
    return BI_RESPONSE_FAILED;
}

static enum bi_response_event fail_without_memory(struct bi_response_parser *parser)
{
    return fail(parser, BIGHT_E_OUT_OF_MEMORY, "out of memory");
}

/* ------------------------------------------------------------------------------------------ heads */

/* The fields that have been read leave the array that others use too. */
static bool own_fields(struct bi_response_parser *parser)
{
    if (parser->own != NULL) {
        return true;
    }
    size_t count = parser->limits.fields > BI_RESPONSE_TRAILERS ? parser->limits.fields : BI_RESPONSE_TRAILERS;
    parser->own = bight_malloc(count * sizeof *parser->own);
    if (parser->own == NULL) {
        return false;
    }
    memcpy(parser->own, parser->shared, parser->head.field_count * sizeof *parser->own);
    parser->head.fields = parser->own;
    return true;
}

/* `bytes` have to be ours to be changed. */
static bool unfold(struct bi_response_parser *parser)
{
    if (parser->bytes != parser->kept.bytes) {
        if (bi_http_buffer_append(&parser->kept, parser->bytes, parser->head.size) != BIGHT_OK) {
            return false;
        }
        parser->bytes = parser->kept.bytes;
    }
    bi_head_unfold(&parser->head, parser->kept.bytes);
    return true;
}

/* What is kept, and as much of the input as may belong to it. `taken` is that much. */
static bool gather(struct bi_response_parser *parser, struct bi_view input, size_t *taken)
{
    size_t room = (size_t)parser->head.limits.size + 1 - parser->kept.end;
    *taken = input.size < room ? input.size : room;
    if (parser->kept.end > 0 && bi_http_buffer_append(&parser->kept, input.at, *taken) != BIGHT_OK) {
        return false;
    }
    parser->bytes = parser->kept.end > 0 ? parser->kept.bytes : input.at;
    return true;
}

static enum bi_response_event keep(struct bi_response_parser *parser, struct bi_view *input, size_t taken)
{
    if (parser->kept.end == 0 && bi_http_buffer_append(&parser->kept, input->at, taken) != BIGHT_OK) {
        return fail_without_memory(parser);
    }
    (void)bi_take(input, taken);
    return own_fields(parser) ? BI_RESPONSE_PARTIAL : fail_without_memory(parser);
}

/* More of a head or of trailers. HEAD: it is whole, and has been taken from the input. */
static enum bi_response_event read_head(struct bi_response_parser *parser, struct bi_view *input)
{
    size_t before = parser->kept.end, taken;
    if (input->size == 0) {
        return BI_RESPONSE_PARTIAL;
    }
    parser->is_fresh = false;
    if (!gather(parser, *input, &taken)) {
        return fail_without_memory(parser);
    }
    switch (bi_head_parse(&parser->head, parser->bytes, before + taken)) {
    case BI_HEAD_PARTIAL:
        return keep(parser, input, taken);
    case BI_HEAD_REFUSED:
        return fail(parser, parser->head.status == 431 ? BIGHT_E_TOO_LONG : BIGHT_E_SYNTAX, parser->head.why);
    case BI_HEAD_WHOLE:
        break;
    }
    (void)bi_take(input, parser->head.size - before);
    return parser->head.folded && !unfold(parser) ? fail_without_memory(parser) : BI_RESPONSE_HEAD;
}

static void begin_body(struct bi_response_parser *parser)
{
    parser->state = BI_RESPONSE_IN_BODY;
    parser->left = parser->framing.body == BI_BODY_LENGTH ? parser->framing.length : 0;
    if (parser->framing.body == BI_BODY_CHUNKED) {
        bi_chunked_begin(&parser->chunked, true);
    }
}

static enum bi_response_event interim(struct bi_response_parser *parser)
{
    if (parser->head.status == 101) {
        return fail(parser, BIGHT_E_SYNTAX, "101 was answered to a request that asks for no upgrade");
    }
    if (parser->interim >= parser->limits.interim) {
        return fail(parser, BIGHT_E_TOO_LONG, "there are too many interim responses");
    }
    parser->interim++;
    parser->is_behind_interim = true;
    return BI_RESPONSE_INTERIM;
}

static enum bi_response_event next_of_head(struct bi_response_parser *parser, struct bi_view *input)
{
    if (parser->is_behind_interim) {
        parser->is_behind_interim = false;
        begin_head(parser, BI_HEAD_RESPONSE, parser->limits.head, parser->limits.fields);
    }
    enum bi_response_event event = read_head(parser, input);
    if (event != BI_RESPONSE_HEAD) {
        return event;
    }
    if (parser->head.status < 200 && (parser->head.status != 101 || !parser->upgrades)) {
        return interim(parser);
    }
    if (!bi_framing_of_response(&parser->framing, &parser->head, parser->bytes, (enum bi_method)parser->asked)) {
        return fail(parser, BIGHT_E_SYNTAX, parser->framing.why);
    }
    begin_body(parser);
    return BI_RESPONSE_HEAD;
}

static enum bi_response_event next_of_trailers(struct bi_response_parser *parser, struct bi_view *input)
{
    uint16_t status;
    const char *why;
    enum bi_response_event event = read_head(parser, input);
    if (event != BI_RESPONSE_HEAD) {
        return event;
    }
    if (!bi_framing_check_trailers(&parser->head, &status, &why)) {
        return fail(parser, BIGHT_E_SYNTAX, why);
    }
    parser->framing.tolerated |= parser->head.tolerated;
    parser->has_trailers = parser->head.field_count > 0;
    parser->state = BI_RESPONSE_WHOLE;
    return BI_RESPONSE_END;
}

/* ------------------------------------------------------------------------------------------- the body */

static enum bi_response_event end_body(struct bi_response_parser *parser)
{
    parser->state = BI_RESPONSE_WHOLE;
    return BI_RESPONSE_END;
}

static enum bi_response_event next_of_plain(
    struct bi_response_parser *parser, struct bi_view *input, struct bi_view *piece)
{
    bool until_close = parser->framing.body == BI_BODY_UNTIL_CLOSE;
    if (!until_close && parser->left == 0) {
        return end_body(parser);
    }
    if (input->size == 0) {
        return BI_RESPONSE_PARTIAL;
    }
    size_t size = until_close || input->size < parser->left ? input->size : (size_t)parser->left;
    parser->left -= until_close ? 0 : size;
    *piece = bi_take(input, size);
    return BI_RESPONSE_DATA;
}

static enum bi_response_event next_of_chunked(
    struct bi_response_parser *parser, struct bi_view *input, struct bi_view *piece)
{
    switch (bi_chunked_next(&parser->chunked, &input->at, &input->size, &piece->at, &piece->size)) {
    case BI_CHUNKED_DATA:
        return BI_RESPONSE_DATA;
    case BI_CHUNKED_PARTIAL:
        return BI_RESPONSE_PARTIAL;
    case BI_CHUNKED_REFUSED:
        return fail(parser, BIGHT_E_SYNTAX, parser->chunked.why);
    case BI_CHUNKED_END:
        break;
    }
    parser->framing.tolerated |= parser->chunked.tolerated;
    begin_head(parser, BI_HEAD_TRAILERS, BI_RESPONSE_TRAILER_SIZE, BI_RESPONSE_TRAILERS);
    parser->state = BI_RESPONSE_IN_TRAILERS;
    return next_of_trailers(parser, input);
}

/* ---------------------------------------------------------------------------------------------- all of it */

enum bi_response_event bi_response_parser_next(
    struct bi_response_parser *parser, struct bi_view *input, struct bi_view *piece)
{
    switch ((enum bi_response_state)parser->state) {
    case BI_RESPONSE_IN_HEAD:
        return next_of_head(parser, input);
    case BI_RESPONSE_IN_BODY:
        forget_kept(parser);
        return parser->framing.body == BI_BODY_CHUNKED ? next_of_chunked(parser, input, piece)
                                                       : next_of_plain(parser, input, piece);
    case BI_RESPONSE_IN_TRAILERS:
        return next_of_trailers(parser, input);
    case BI_RESPONSE_WHOLE:
        return BI_RESPONSE_END;
    case BI_RESPONSE_BROKEN:
        break;
    }
    return BI_RESPONSE_FAILED;
}

enum bi_response_event bi_response_parser_end(struct bi_response_parser *parser)
{
    if (parser->state == BI_RESPONSE_IN_BODY && parser->framing.body == BI_BODY_UNTIL_CLOSE) {
        return end_body(parser);
    }
    if (parser->state >= BI_RESPONSE_WHOLE) {
        return parser->state == BI_RESPONSE_WHOLE ? BI_RESPONSE_END : BI_RESPONSE_FAILED;
    }
    return fail(parser, BIGHT_E_INCOMPLETE, "the connection has ended before the answer was whole");
}

/* ---------------------------------------------------------------------------------------- its fields */

/* A line may lack the space behind its colon and the CR at its end. */
size_t bi_response_lines_size(const struct bi_head *head)
{
    return (size_t)head->size + 2 * (size_t)head->field_count;
}

static uint8_t *write(uint8_t *at, const uint8_t *text, size_t size)
{
    memcpy(at, text, size);
    return at + size;
}

size_t bi_response_write_lines(const struct bi_head *head, const uint8_t *bytes, uint64_t without, uint8_t *room)
{
    uint8_t *at = room;
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct bi_field *field = &head->fields[i];
        if ((without >> field->name & 1) == 0) {
            at = write(at, bytes + field->name_at, field->name_size);
            at = write(at, (const uint8_t *)": ", 2);
            at = write(at, bytes + field->value.at, field->value.size);
            at = write(at, (const uint8_t *)"\r\n", 2);
        }
    }
    return (size_t)(at - room);
}
