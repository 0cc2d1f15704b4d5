/* SPDX-License-Identifier: MIT */
/* fuzz_http_multipart.c - bodies in parts: any cutting has the same parts, and their data are those that a search over
 * the whole finds.
 *
 * The first byte says in pieces of which size the body comes, the second which boundary it has. */
#include "http/message/multipart.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define HEAD_LIMIT 100
#define FIELD_LIMIT 3

static const char *const boundaries[] = { "b", "--", "-b-b", &"\"b"[1],
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "?b b" };

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What has been heard, as bytes: `[`, the size of a head, data, `]`. */
struct outcome {
    enum bi_multipart_result result;
    bool has_ended, too_large;
    uint8_t *heard;
    size_t size;
};

static void hear(struct outcome *outcome, const void *bytes, size_t size)
{
    memcpy(outcome->heard + outcome->size, bytes, size);
    outcome->size += size;
}

/* All that is in a piece. */
static enum bi_multipart_result read_piece(struct bi_multipart *decoder, struct bi_view text, struct outcome *outcome)
{
    enum bi_multipart_result result;
    struct bi_view data;
    while (
        (result = bi_multipart_next(decoder, &text, &data)) != BI_MULTIPART_PARTIAL && result != BI_MULTIPART_REFUSED) {
        if (result == BI_MULTIPART_DATA) {
            require(data.size > 0);
            hear(outcome, data.at, data.size);
        } else if (result == BI_MULTIPART_PART) {
            require(decoder->head.size <= HEAD_LIMIT && decoder->head.field_count <= FIELD_LIMIT);
            hear(outcome, "[", 1);
            hear(outcome, &decoder->head.size, sizeof decoder->head.size);
        } else {
            hear(outcome, "]", 1);
        }
    }
    require(result == BI_MULTIPART_REFUSED || text.size == 0);
    return result;
}

static struct outcome read_in_pieces(struct bi_view text, struct bi_view boundary, size_t piece)
{
    struct outcome outcome = { .result = BI_MULTIPART_PARTIAL, .heard = malloc(8 * text.size + 64) };
    struct bi_field fields[FIELD_LIMIT];
    struct bi_multipart decoder;
    uint8_t *bytes = malloc(HEAD_LIMIT);
    bi_multipart_begin(&decoder, boundary, bytes, HEAD_LIMIT, fields, FIELD_LIMIT);
    while (outcome.result == BI_MULTIPART_PARTIAL && text.size > 0) {
        size_t size = text.size < piece ? text.size : piece;
        uint8_t *copy = malloc(size);
        memcpy(copy, bi_take(&text, size).at, size);
        outcome.result = read_piece(&decoder, (struct bi_view) { copy, size }, &outcome);
        free(copy);
    }
    outcome.has_ended = bi_multipart_has_ended(&decoder);
    outcome.too_large = outcome.result == BI_MULTIPART_REFUSED && decoder.too_large;
    free(bytes);
    return outcome;
}

/* The model: of a body in order, with memmem and nothing cut. Heads are split off at the first empty line. */
static void check_by_search(struct bi_view text, struct bi_view boundary, const struct outcome *outcome)
{
    uint8_t delimiter[80] = "\r\n--";
    size_t size = 4 + boundary.size, heard = 0;
    uint8_t *body = malloc(text.size + 2);
    memcpy(delimiter + 4, boundary.at, boundary.size);
    memcpy(body, "\r\n", 2);
    memcpy(body + 2, text.at, text.size);
    const uint8_t *end = body + 2 + text.size, *at = memmem(body, text.size + 2, delimiter, size);
    while (at != NULL && end - at >= (ptrdiff_t)size + 2 && memcmp(at + size, "\r\n", 2) == 0) {
        at += size + 2;
        const uint8_t *blank =
            end - at >= 2 && memcmp(at, "\r\n", 2) == 0 ? at : memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        require(blank != NULL);
        blank += blank == at ? 2 : 4;
        uint32_t head_size = (uint32_t)(blank - at);
        const uint8_t *next = memmem(blank, (size_t)(end - blank), delimiter, size);
        require(next != NULL);
        require(outcome->heard[heard] == '[' && memcmp(outcome->heard + heard + 1, &head_size, 4) == 0);
        heard += 5;
        require(memcmp(outcome->heard + heard, blank, (size_t)(next - blank)) == 0);
        heard += (size_t)(next - blank);
        require(outcome->heard[heard++] == ']');
        at = next;
    }
    require(heard == outcome->size);
    free(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 20000) {
        return 0;
    }
    struct bi_view text = { data + 2, size - 2 };
    struct bi_view boundary = bi_view_of(boundaries[data[1] % (sizeof boundaries / sizeof *boundaries)]);
    require(bi_multipart_is_boundary(boundary));
    struct outcome whole = read_in_pieces(text, boundary, size);
    struct outcome pieces = read_in_pieces(text, boundary, 1u + data[0] % 64);
    require(whole.result == pieces.result && whole.has_ended == pieces.has_ended);
    require(whole.too_large == pieces.too_large);
    require(whole.size == pieces.size && memcmp(whole.heard, pieces.heard, whole.size) == 0);
    if (whole.has_ended) {
        check_by_search(text, boundary, &whole);
    }
    (void)bi_multipart_is_boundary((struct bi_view) { data, size < 100 ? size : 100 });
    free(pieces.heard);
    free(whole.heard);
    return 0;
}
