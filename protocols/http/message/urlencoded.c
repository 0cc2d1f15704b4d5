/* SPDX-License-Identifier: MIT */
/* urlencoded.c - fields of an urlencoded body, gathered up to their `&` and decoded where they lie (A11).
 *
 * How a field is split and what its escapes mean is query.c's. */
#include "http/message/urlencoded.h"

#include <bight/memory.h>

#define SMALLEST 256
#define ENCODED 3 /* bytes that one may take */

void bi_urlencoded_begin(struct bi_urlencoded *decoder, uint32_t max_fields, uint32_t max_text)
{
    uint32_t most = max_text <= (UINT32_MAX - 2) / ENCODED ? max_text : (UINT32_MAX - 2) / ENCODED;
    *decoder = (struct bi_urlencoded) { .max_text = max_text };
    bi_query_begin(&decoder->query);
    decoder->query.max_fields = max_fields;
    decoder->query.max_field = most * ENCODED + 1;
}

void bi_urlencoded_finish(struct bi_urlencoded *decoder)
{
    bight_free(decoder->kept);
    decoder->kept = NULL;
    decoder->size = decoder->capacity = 0;
}

/* Room for `more` bytes and a NUL. */
static bool reserve(struct bi_urlencoded *decoder, size_t more)
{
    size_t capacity = decoder->capacity < SMALLEST ? SMALLEST : decoder->capacity;
    if (decoder->capacity - decoder->size > more) {
        return true;
    }
    while (capacity - decoder->size <= more) {
        capacity *= 2;
    }
    uint8_t *kept = bight_realloc(decoder->kept, capacity);
    if (kept == NULL) {
        return false;
    }
    decoder->kept = kept;
    decoder->capacity = capacity;
    return true;
}

/* Takes bytes of the field off `text`, up to its end, but no more than prove it too long. */
static bool gather(struct bi_urlencoded *decoder, struct bi_view *text, bool *has_end)
{
    size_t room = (size_t)decoder->query.max_field + 1 - decoder->size;
    size_t most = text->size < room ? text->size : room;
    const uint8_t *end = most > 0 ? memchr(text->at, '&', most) : NULL;
    struct bi_view piece = { text->at, end != NULL ? (size_t)(end - text->at) : most };
    if (!reserve(decoder, piece.size)) {
        return false;
    }
    if (piece.size > 0) {
        memcpy(decoder->kept + decoder->size, piece.at, piece.size);
    }
    decoder->size += piece.size;
    *text = bi_view_from(*text, piece.size);
    *has_end = bi_take_byte(text, '&');
    return true;
}

/* In its place, where there is room for a NUL: that of the `=`, or behind the field. */
static struct bi_view decode(struct bi_view encoded)
{
    uint8_t *out = (uint8_t *)(uintptr_t)encoded.at;
    struct bi_view text = { out, bi_query_decode(encoded, out) };
    out[text.size] = '\0';
    return text;
}

static enum bi_urlencoded_result refuse(struct bi_urlencoded *decoder, const char *why)
{
    decoder->why = why;
    return BI_URLENCODED_REFUSED;
}

/* What has been gathered is a whole field, or so much of one. */
static enum bi_urlencoded_result judge(struct bi_urlencoded *decoder, bool is_whole, struct bi_urlencoded_field *field)
{
    struct bi_view text = { decoder->kept, decoder->size };
    struct bi_query_field encoded;
    switch (bi_query_next(&decoder->query, &text, is_whole, &encoded)) {
    case BI_QUERY_REFUSED:
        return refuse(decoder, decoder->query.why);
    case BI_QUERY_PARTIAL:
        return BI_URLENCODED_PARTIAL;
    case BI_QUERY_END:
        return BI_URLENCODED_END;
    case BI_QUERY_FIELD:
        break;
    }
    decoder->size = 0;
    field->name = decode(encoded.name);
    field->value = encoded.value.size > 0 ? decode(encoded.value) : bi_view_of("");
    return field->name.size + field->value.size <= decoder->max_text ? BI_URLENCODED_FIELD
                                                                     : refuse(decoder, "a field is too long");
}

enum bi_urlencoded_result bi_urlencoded_next(
    struct bi_urlencoded *decoder, struct bi_view *text, bool ended, struct bi_urlencoded_field *field)
{
    bool has_end;
    do {
        if (!gather(decoder, text, &has_end)) {
            return BI_URLENCODED_NO_MEMORY;
        }
    } while (has_end && decoder->size == 0);
    return judge(decoder, has_end || (ended && text->size == 0), field);
}
