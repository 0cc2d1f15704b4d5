/* SPDX-License-Identifier: MIT */
/* fuzz_http_reader.c - one answer, collected by the reader of responses: however cut, it is the same answer or the same
 * failure, its fields are lines that can be taken apart again, and its body keeps to the limit.
 *
 * The first byte chooses how it is cut, the second what was asked; the limit of the body is 1000 bytes. */
#include "http/client/response_reader.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { LIMIT = 1000 };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* In pieces, each in memory of just its size; then the end. Returns how much was used. */
static size_t read_all(struct bi_response_reader *reader, uint8_t asked, const uint8_t *data, size_t size, size_t piece)
{
    size_t at = 0;
    bi_response_reader_init(reader);
    reader->asked = (enum bi_method)(asked % BI_METHOD_COUNT);
    reader->upgrades = asked / BI_METHOD_COUNT % 2 == 1;
    reader->limit = LIMIT;
    while (at < size && reader->state < BI_READER_WHOLE) {
        size_t next = size - at < piece ? size - at : piece;
        uint8_t *bytes = malloc(next);
        memcpy(bytes, data + at, next);
        size_t used = bi_response_reader_feed(reader, bytes, next);
        free(bytes);
        require(used == next || (used < next && reader->state >= BI_READER_WHOLE));
        at += used;
    }
    bi_response_reader_end(reader);
    require(reader->state >= BI_READER_WHOLE);
    return at;
}

static void check_fields(struct bight_http_response *response, const struct bi_response_reader *reader)
{
    const char *name, *value;
    size_t cursor = 0, count = 0;
    while (bight_http_response_next_field(response, &cursor, &name, &value)) {
        require(name[0] != '\0' && strpbrk(name, ": \r\n") == NULL && strpbrk(value, "\r\n") == NULL);
        count++;
    }
    require(reader->parser.head.kind != BI_HEAD_RESPONSE || count == reader->parser.head.field_count);
}

static void check_whole(struct bi_response_reader *one, struct bi_response_reader *other)
{
    struct bight_http_response *first = bi_response_reader_take(one), *second = bi_response_reader_take(other);
    const struct bight_bytes *body = bight_http_response_body(first), *same = bight_http_response_body(second);
    require(bight_http_response_status(first) == bight_http_response_status(second));
    require(bight_bytes_size(body) <= LIMIT && bight_bytes_size(body) == bight_bytes_size(same));
    require(memcmp(bight_bytes_data(body), bight_bytes_data(same), bight_bytes_size(body)) == 0);
    require(bight_bytes_data(body)[bight_bytes_size(body)] == '\0');
    check_fields(first, one);
    check_fields(second, other);
    bight_http_response_release(first);
    bight_http_response_release(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bi_response_reader whole, cut;
    if (size < 2) {
        return 0;
    }
    size_t used = read_all(&whole, data[1], data + 2, size - 2, size);
    size_t used_cut = read_all(&cut, data[1], data + 2, size - 2, 1 + data[0] % 32);
    require(whole.state == cut.state && whole.code == cut.code && whole.why == cut.why);
    if (whole.state == BI_READER_WHOLE) {
        require(used == used_cut);
        check_whole(&whole, &cut);
    }
    bi_response_reader_finish(&whole);
    bi_response_reader_finish(&cut);
    return 0;
}
