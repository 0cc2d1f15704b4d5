/* SPDX-License-Identifier: MIT */
/* multipart.c - a state for each place that the bytes can be at, and a function for each that takes some.
 *
 * A delimiter begins with the only CR that it has. So bytes that were the beginning of one and then were not hold no
 * other beginning, and nothing is ever looked at more than twice. */
#include "http/message/multipart.h"

enum state {
    PREAMBLE,
    DATA,
    DELIMITED,        /* behind a delimiter */
    DELIMITED_RETURN, /* and a CR */
    DELIMITED_HYPHEN, /* or a hyphen */
    HEAD,
    EPILOGUE,
    REFUSED,
};

bool bi_multipart_is_boundary(struct bi_view boundary)
{
    static const char others[] = "'()+_,-./:=? ";
    if (boundary.size == 0 || boundary.size > BI_MULTIPART_MAX_BOUNDARY || boundary.at[boundary.size - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < boundary.size; i++) {
        if (!bi_is(boundary.at[i], BI_CLASS_DIGIT | BI_CLASS_ALPHA) &&
            memchr(others, boundary.at[i], sizeof others - 1) == NULL) {
            return false;
        }
    }
    return true;
}

/* The first delimiter needs no line end before it: as if there had been one. */
void bi_multipart_begin(struct bi_multipart *decoder, struct bi_view boundary, uint8_t *bytes, uint32_t head_limit,
    struct bi_field *fields, uint16_t field_limit)
{
    *decoder = (struct bi_multipart) { .state = PREAMBLE, .matched = 2, .bytes = bytes };
    decoder->head.fields = fields;
    decoder->head.limits = (struct bi_head_limits) { .line = head_limit, .size = head_limit, .fields = field_limit };
    memcpy(decoder->delimiter, "\r\n--", 4);
    memcpy(decoder->delimiter + 4, boundary.at, boundary.size);
    decoder->delimiter_size = (uint8_t)(4 + boundary.size);
}

bool bi_multipart_has_ended(const struct bi_multipart *decoder)
{
    return decoder->state == EPILOGUE;
}

static enum bi_multipart_result refuse(struct bi_multipart *decoder, bool too_large, const char *why)
{
    decoder->state = REFUSED;
    decoder->too_large = too_large;
    decoder->why = why;
    return BI_MULTIPART_REFUSED;
}

/* ------------------------------------------------------------------------------------------ the delimiter */

/* Where in `text` a delimiter begins, or what may be one that goes on behind it; text.size: nowhere. */
static size_t find(const struct bi_multipart *decoder, struct bi_view text)
{
    const uint8_t *end = text.at + text.size;
    for (const uint8_t *at = text.at; at < end && (at = memchr(at, '\r', (size_t)(end - at))) != NULL; at++) {
        size_t left = (size_t)(end - at);
        if (memcmp(at, decoder->delimiter, left < decoder->delimiter_size ? left : decoder->delimiter_size) == 0) {
            return (size_t)(at - text.at);
        }
    }
    return text.size;
}

/* Takes what comes next of a delimiter. False: something else comes. */
static bool match(struct bi_multipart *decoder, struct bi_view *text)
{
    size_t wanted = (size_t)decoder->delimiter_size - decoder->matched;
    size_t size = text->size < wanted ? text->size : wanted;
    if (memcmp(text->at, decoder->delimiter + decoder->matched, size) != 0) {
        return false;
    }
    (void)bi_take(text, size);
    decoder->matched = (uint8_t)(decoder->matched + size);
    if (decoder->matched == decoder->delimiter_size) {
        decoder->matched = 0;
        decoder->state = DELIMITED;
    }
    return true;
}

/* Takes what is before a delimiter; nothing when one begins, or has begun. */
static struct bi_view take_before(struct bi_multipart *decoder, struct bi_view *text)
{
    if (decoder->matched == 0) {
        size_t before = find(decoder, *text);
        if (before > 0) {
            return bi_take(text, before);
        }
    }
    if (match(decoder, text)) {
        return (struct bi_view) { text->at, 0 };
    }
    struct bi_view data = { decoder->delimiter, decoder->matched };
    decoder->matched = 0;
    return data;
}

/* ------------------------------------------------------------------------------------------- the states */

static enum bi_multipart_result skip(struct bi_multipart *decoder, size_t size)
{
    if (size > BI_MULTIPART_MAX_AROUND - decoder->around) {
        return refuse(decoder, true, "there is too much around the parts of a form");
    }
    decoder->around += (uint32_t)size;
    return BI_MULTIPART_PARTIAL;
}

static enum bi_multipart_result take_data(struct bi_multipart *decoder, struct bi_view *text, struct bi_view *data)
{
    *data = take_before(decoder, text);
    return data->size > 0 ? BI_MULTIPART_DATA : BI_MULTIPART_PARTIAL;
}

/* The line of a delimiter is whole, and with it the part before. */
static enum bi_multipart_result end_part(struct bi_multipart *decoder, enum state next)
{
    bool was_in_part = decoder->in_part;
    decoder->in_part = false;
    decoder->state = (uint8_t)next;
    return was_in_part ? BI_MULTIPART_PART_END : BI_MULTIPART_PARTIAL;
}

static enum bi_multipart_result take_delimited(struct bi_multipart *decoder, uint8_t byte)
{
    if (decoder->state == DELIMITED && (byte == '\r' || byte == '-')) {
        decoder->state = byte == '\r' ? DELIMITED_RETURN : DELIMITED_HYPHEN;
        return BI_MULTIPART_PARTIAL;
    }
    if (decoder->state == DELIMITED_RETURN && byte == '\n') {
        decoder->come = 0;
        bi_head_begin(&decoder->head, BI_HEAD_TRAILERS);
        return end_part(decoder, HEAD);
    }
    if (decoder->state == DELIMITED_HYPHEN && byte == '-') {
        return end_part(decoder, EPILOGUE);
    }
    return refuse(decoder, false, "a boundary that is not at the end of its line");
}

static enum bi_multipart_result take_head(struct bi_multipart *decoder, struct bi_view *text)
{
    uint32_t before = decoder->come, room = decoder->head.limits.size - before;
    uint32_t size = text->size < room ? (uint32_t)text->size : room;
    memcpy(decoder->bytes + before, text->at, size);
    decoder->come += size;
    switch (bi_head_parse(&decoder->head, decoder->bytes, decoder->come)) {
    case BI_HEAD_PARTIAL:
        (void)bi_take(text, size);
        return BI_MULTIPART_PARTIAL;
    case BI_HEAD_REFUSED:
        return refuse(decoder, decoder->head.status == 431, decoder->head.why);
    case BI_HEAD_WHOLE:
        break;
    }
    (void)bi_take(text, decoder->head.size - before);
    decoder->in_part = true;
    decoder->state = DATA;
    return BI_MULTIPART_PART;
}

static enum bi_multipart_result take(struct bi_multipart *decoder, struct bi_view *text, struct bi_view *data)
{
    switch ((enum state)decoder->state) {
    case PREAMBLE:
        return skip(decoder, take_before(decoder, text).size);
    case DATA:
        return take_data(decoder, text, data);
    case DELIMITED:
    case DELIMITED_RETURN:
    case DELIMITED_HYPHEN:
        return take_delimited(decoder, *bi_take(text, 1).at);
    case HEAD:
        return take_head(decoder, text);
    case EPILOGUE:
        return skip(decoder, bi_take(text, text->size).size);
    case REFUSED:
        break;
    }
    return BI_MULTIPART_REFUSED;
}

enum bi_multipart_result bi_multipart_next(struct bi_multipart *decoder, struct bi_view *text, struct bi_view *data)
{
    enum bi_multipart_result result = BI_MULTIPART_PARTIAL;
    while (result == BI_MULTIPART_PARTIAL && text->size > 0) {
        result = take(decoder, text, data);
    }
    return result;
}
