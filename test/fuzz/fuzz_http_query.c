/* SPDX-License-Identifier: MIT */
/* fuzz_http_query.c - urlencoded text: any cutting returns the same fields, and they hold what a slow reading says.
 *
 * The first byte says in pieces of which size the others come. */
#include "http/message/query.h"

#include <stdlib.h>

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Fields one behind the other, each as "size name size value", the sizes as bytes are in memory. */
struct heard {
    uint8_t *bytes;
    size_t size;
};

static void hear_part(struct heard *heard, struct bi_view encoded)
{
    size_t size = bi_query_decode(encoded, heard->bytes + heard->size + sizeof size);
    struct bi_view decoded = { heard->bytes + heard->size + sizeof size, size };
    require(size <= encoded.size && bi_query_equal(encoded, decoded));
    require(!bi_query_is_plain(encoded) || bi_view_equal(encoded, decoded));
    memcpy(heard->bytes + heard->size, &size, sizeof size);
    heard->size += sizeof size + size;
}

static enum bi_query_result hear(struct bi_query *query, struct bi_view *text, bool ended, struct heard *heard)
{
    struct bi_query_field field;
    enum bi_query_result result;
    while ((result = bi_query_next(query, text, ended, &field)) == BI_QUERY_FIELD) {
        hear_part(heard, field.name);
        hear_part(heard, field.value);
    }
    return result;
}

/* Each piece in memory of its own, with what was left before it. */
static enum bi_query_result hear_in_pieces(struct bi_view text, size_t piece, struct heard *heard)
{
    enum bi_query_result result;
    struct bi_query query;
    size_t begin = 0;
    size_t there = 0;
    bi_query_begin(&query);
    query.max_fields = 20;
    query.max_field = 30;
    do {
        there = there + piece < text.size ? there + piece : text.size;
        uint8_t *copy = malloc(there - begin + 1);
        struct bi_view left = { copy, there - begin };
        memcpy(copy, text.at + begin, left.size);
        result = hear(&query, &left, there == text.size, heard);
        begin = there - left.size;
        free(copy);
    } while (result == BI_QUERY_PARTIAL);
    return result;
}

/* The model: C strings of single characters. */
static long model_value(const uint8_t *at, const uint8_t *end)
{
    char digits[3] = { 0 };
    memcpy(digits, at, end - at < 2 ? (size_t)(end - at) : 2);
    return strspn(digits, "0123456789abcdefABCDEF") == 2 ? strtol(digits, NULL, 16) : -1;
}

static void model_part(struct heard *heard, const uint8_t *at, const uint8_t *end)
{
    size_t size = 0;
    uint8_t *out = heard->bytes + heard->size + sizeof size;
    while (at < end) {
        long value = *at == '%' ? model_value(at + 1, end) : -1;
        out[size++] = value >= 0 ? (uint8_t)value : *at == '+' ? ' ' : *at;
        at += value >= 0 ? 3 : 1;
    }
    memcpy(heard->bytes + heard->size, &size, sizeof size);
    heard->size += sizeof size + size;
}

static enum bi_query_result model(struct bi_view text, struct heard *heard)
{
    const uint8_t *end = text.at + text.size;
    unsigned count = 0;
    for (const uint8_t *at = text.at; at < end;) {
        const uint8_t *stop = at;
        const uint8_t *equals = NULL;
        for (; stop < end && *stop != '&'; stop++) {
            equals = equals == NULL && *stop == '=' ? stop : equals;
        }
        if (stop - at > 30 || (stop > at && count == 20)) {
            return BI_QUERY_REFUSED;
        }
        if (stop > at) {
            count++;
            model_part(heard, at, equals != NULL ? equals : stop);
            model_part(heard, equals != NULL ? equals + 1 : stop, stop);
        }
        at = stop + 1;
    }
    return BI_QUERY_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct bi_view text = { data + 1, size - 1 };
    size_t most = (2 * sizeof(size_t) + 2) * size;
    struct heard whole = { malloc(most), 0 };
    struct heard pieces = { malloc(most), 0 };
    struct heard expected = { malloc(most), 0 };
    enum bi_query_result result = model(text, &expected);
    require(hear_in_pieces(text, text.size + 1, &whole) == result);
    require(hear_in_pieces(text, 1u + data[0], &pieces) == result);
    require(whole.size == expected.size && memcmp(whole.bytes, expected.bytes, whole.size) == 0);
    require(pieces.size == expected.size && memcmp(pieces.bytes, expected.bytes, pieces.size) == 0);
    free(expected.bytes);
    free(pieces.bytes);
    free(whole.bytes);
    return 0;
}
