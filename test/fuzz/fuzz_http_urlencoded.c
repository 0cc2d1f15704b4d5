/* SPDX-License-Identifier: MIT */
/* fuzz_http_urlencoded.c - urlencoded bodies: any cutting returns the same fields, and they are those of query.h's
 * reading of the whole.
 *
 * The first byte says in pieces of which size the others come. */
#include "http/message/urlencoded.h"

#include <stdlib.h>

#include "fuzz.h"

#define MAX_FIELDS 20
#define MAX_TEXT 30

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Fields one behind the other, each text with its size before it. */
struct heard {
    uint8_t *bytes;
    size_t size;
};

static void hear(struct heard *heard, struct bi_view text)
{
    memcpy(heard->bytes + heard->size, &text.size, sizeof text.size);
    memcpy(heard->bytes + heard->size + sizeof text.size, text.at, text.size);
    heard->size += sizeof text.size + text.size;
}

static enum bi_urlencoded_result read_in_pieces(struct bi_view text, size_t piece, struct heard *heard)
{
    enum bi_urlencoded_result result;
    struct bi_urlencoded decoder;
    struct bi_urlencoded_field field;
    bi_urlencoded_begin(&decoder, MAX_FIELDS, MAX_TEXT);
    do {
        size_t size = text.size < piece ? text.size : piece;
        uint8_t *copy = malloc(size + 1);
        struct bi_view left = { copy, size };
        memcpy(copy, bi_take(&text, size).at, size);
        while ((result = bi_urlencoded_next(&decoder, &left, text.size == 0, &field)) == BI_URLENCODED_FIELD) {
            require(field.name.at[field.name.size] == 0 && field.value.at[field.value.size] == 0);
            hear(heard, field.name);
            hear(heard, field.value);
        }
        require(result == BI_URLENCODED_REFUSED || left.size == 0);
        free(copy);
    } while (result == BI_URLENCODED_PARTIAL);
    require(decoder.capacity <= 8 * MAX_TEXT + 256);
    bi_urlencoded_finish(&decoder);
    return result;
}

/* The whole, with limits that are not reached, and these counted here. */
static enum bi_urlencoded_result read_at_once(struct bi_view text, struct heard *heard)
{
    struct bi_query query;
    struct bi_query_field field;
    unsigned count = 0;
    bi_query_begin(&query);
    query.max_fields = query.max_field = UINT32_MAX - 1;
    while (bi_query_next(&query, &text, true, &field) == BI_QUERY_FIELD) {
        uint8_t name[3 * MAX_TEXT + 1], value[3 * MAX_TEXT + 1];
        if (++count > MAX_FIELDS || field.name.size + field.value.size > sizeof name - 1) {
            return BI_URLENCODED_REFUSED;
        }
        struct bi_view decoded = { name, bi_query_decode(field.name, name) };
        struct bi_view other = { value, bi_query_decode(field.value, value) };
        if (decoded.size + other.size > MAX_TEXT) {
            return BI_URLENCODED_REFUSED;
        }
        hear(heard, decoded);
        hear(heard, other);
    }
    return BI_URLENCODED_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 10000) {
        return 0;
    }
    struct bi_view text = { data + 1, size - 1 };
    size_t most = 2 * sizeof(size_t) * (MAX_FIELDS + 1) + size;
    struct heard whole = { malloc(most), 0 }, pieces = { malloc(most), 0 }, expected = { malloc(most), 0 };
    enum bi_urlencoded_result result = read_at_once(text, &expected);
    require(read_in_pieces(text, text.size + 1, &whole) == result);
    require(read_in_pieces(text, 1u + data[0], &pieces) == result);
    require(whole.size == expected.size && memcmp(whole.bytes, expected.bytes, whole.size) == 0);
    require(pieces.size == expected.size && memcmp(pieces.bytes, expected.bytes, pieces.size) == 0);
    free(expected.bytes);
    free(pieces.bytes);
    free(whole.bytes);
    return 0;
}
