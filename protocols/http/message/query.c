/* SPDX-License-Identifier: MIT */
/* query.c - fields of urlencoded text, one after the other, and what their names and values mean (A11).
 *
 * Query strings and bodies of forms alike, as much of them as has come; limits are the caller's. */
#include "http/message/query.h"
#include "http/message/escape.h"

void bi_query_begin(struct bi_query *query)
{
    *query = (struct bi_query) { .max_fields = BI_QUERY_MAX_FIELDS, .max_field = BI_QUERY_MAX_FIELD };
}

static enum bi_query_result refuse(struct bi_query *query, const char *why)
{
    query->why = why;
    return BI_QUERY_REFUSED;
}

static void split(struct bi_view text, struct bi_query_field *field)
{
    const uint8_t *equals = text.size > 0 ? memchr(text.at, '=', text.size) : NULL;
    field->name = text;
    field->value = bi_view_from(text, text.size);
    if (equals != NULL) {
        field->name.size = (size_t)(equals - text.at);
        field->value = bi_view_from(text, field->name.size + 1);
    }
}

/* The size of the field that `text` begins with; text.size: its end is not there. It goes on where it stopped. No more
 * is looked at than a field may have, and one byte. */
static size_t find_end(const struct bi_query *query, struct bi_view text)
{
    size_t most = text.size <= query->max_field ? text.size : (size_t)query->max_field + 1;
    size_t fresh = most - query->scanned;
    const uint8_t *end = fresh > 0 ? memchr(text.at + query->scanned, '&', fresh) : NULL;
    return end != NULL ? (size_t)(end - text.at) : most;
}

static void skip_empty(const struct bi_query *query, struct bi_view *text)
{
    while (query->scanned == 0 && bi_take_byte(text, '&')) {
    }
}

enum bi_query_result bi_query_next(
    struct bi_query *query, struct bi_view *text, bool ended, struct bi_query_field *field)
{
    skip_empty(query, text);
    if (text->size == 0) {
        return ended ? BI_QUERY_END : BI_QUERY_PARTIAL;
    }
    if (query->count == query->max_fields) {
        return refuse(query, "there are too many fields");
    }
    size_t size = find_end(query, *text);
    if (size > query->max_field) {
        return refuse(query, "a field is too long");
    }
    if (size == text->size && !ended) {
        query->scanned = (uint32_t)size;
        return BI_QUERY_PARTIAL;
    }
    query->scanned = 0;
    query->count++;
    split(bi_take(text, size), field);
    (void)bi_take_byte(text, '&');
    return BI_QUERY_FIELD;
}

bool bi_query_find(struct bi_query *query, struct bi_view *text, struct bi_view name, struct bi_query_field *field)
{
    while (bi_query_next(query, text, true, field) == BI_QUERY_FIELD) {
        if (bi_query_equal(field->name, name)) {
            return true;
        }
    }
    return false;
}

bool bi_query_is_plain(struct bi_view encoded)
{
    for (size_t i = 0; i < encoded.size; i++) {
        if (encoded.at[i] == '+' || encoded.at[i] == '%') {
            return false;
        }
    }
    return true;
}

/* The byte that `encoded`, which is not empty, begins with, taken off it. */
static uint8_t take_decoded(struct bi_view *encoded)
{
    int value = *encoded->at == '%' ? bi_escape_value(encoded->at, encoded->size) : -1;
    if (value >= 0) {
        (void)bi_take(encoded, BI_ESCAPE_SIZE);
        return (uint8_t)value;
    }
    uint8_t byte = *bi_take(encoded, 1).at;
    return byte == '+' ? ' ' : byte;
}

size_t bi_query_decode(struct bi_view encoded, uint8_t *out)
{
    size_t size = 0;
    while (encoded.size > 0) {
        out[size++] = take_decoded(&encoded);
    }
    return size;
}

bool bi_query_equal(struct bi_view encoded, struct bi_view text)
{
    size_t size = 0;
    while (encoded.size > 0 && size < text.size && take_decoded(&encoded) == text.at[size]) {
        size++;
    }
    return encoded.size == 0 && size == text.size;
}
