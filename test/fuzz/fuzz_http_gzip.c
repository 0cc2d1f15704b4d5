/* SPDX-License-Identifier: MIT */
/* fuzz_http_gzip.c - any bytes as gzip: cut anywhere, read into any room, they are the same; no more is written than
 * there is room for; and the input itself, compressed, comes back.
 *
 * The first two bytes choose the pieces and the rooms. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/coding/gzip.h"

#define LIMIT ((size_t)1 << 16) /* of what is made, as a body has one */

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

struct reading {
    enum bi_inflate_result result;
    size_t size;
    bool is_whole;
    uint8_t *made;
};

/* In a copy of its own, so that one byte too far is found. */
static enum bi_inflate_result read_piece(
    struct reading *reading, struct bi_inflater *inflater, struct bi_view *view, size_t room)
{
    size_t left = LIMIT - reading->size, size = room < left ? room : left, given = size;
    uint8_t *piece = malloc(size);
    enum bi_inflate_result result = bi_inflater_read(inflater, view, piece, &size);
    require(size <= given && (result != BI_INFLATE_FULL || size == given));
    require(result != BI_INFLATE_MORE || view->size == 0);
    memcpy(reading->made + reading->size, piece, size);
    reading->size += size;
    free(piece);
    return result;
}

static struct reading unpack(const uint8_t *data, size_t size, size_t piece, size_t room)
{
    struct reading reading = { .result = BI_INFLATE_MORE, .made = malloc(LIMIT) };
    struct bi_inflater *inflater = bi_inflater_new();
    for (size_t at = 0; at < size && reading.result == BI_INFLATE_MORE; at += piece) {
        size_t come = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(come);
        struct bi_view view = { memcpy(copy, data + at, come), come };
        do {
            reading.result = read_piece(&reading, inflater, &view, room);
        } while (reading.result == BI_INFLATE_FULL && reading.size < LIMIT);
        free(copy);
    }
    reading.is_whole = bi_inflater_is_whole(inflater);
    bi_inflater_free(inflater);
    return reading;
}

static void go_there_and_back(const uint8_t *data, size_t size, size_t room)
{
    static struct bi_deflater *deflater;
    struct bi_view rest = { data, size };
    uint8_t *packed = malloc(2 * size + 1000);
    size_t made = 0;
    bool done = false;
    if (deflater == NULL) {
        deflater = bi_deflater_new(1);
    }
    bi_deflater_begin(deflater);
    while (!done) {
        made += bi_deflater_write(deflater, &rest, BI_DEFLATE_END, packed + made, room, &done);
    }
    struct reading reading = unpack(packed, made, made, LIMIT);
    require(reading.is_whole && reading.size == size && memcmp(reading.made, data, size) == 0);
    free(reading.made);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 8000) {
        return 0;
    }
    size_t piece = 1 + data[0] % 50, room = 1 + data[1] * 4;
    struct reading whole = unpack(data + 2, size - 2, size, LIMIT);
    struct reading cut = unpack(data + 2, size - 2, piece, room);
    require(whole.size == cut.size && memcmp(whole.made, cut.made, cut.size) == 0);
    if (whole.size < LIMIT) { /* else there may be more to come, or not */
        require(whole.result == cut.result && whole.is_whole == cut.is_whole);
    }
    go_there_and_back(data + 2, size - 2, 10 + room);
    free(whole.made);
    free(cut.made);
    return 0;
}
