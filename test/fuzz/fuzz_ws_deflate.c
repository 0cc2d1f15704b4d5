/* SPDX-License-Identifier: MIT */
/* fuzz_ws_deflate.c - any bytes as a compressed message: what comes out does not depend on the room, and never is more
 * than there is room for; and any bytes compressed come out again, by themselves and, in parts, one on top of another
 * over a small window. */
#include "http/coding/raw_deflate.h"

#include <stdlib.h>

#include "fuzz.h"

#define MOST 100000

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* With so much room at once. Returns how much came out; *result is the last one. */
static size_t inflate_all(
    struct bi_raw_inflater *inflater, struct bi_view data, size_t step, uint8_t *out, enum bi_inflate_result *result)
{
    size_t size = 0;
    bi_raw_inflater_begin(inflater);
    do {
        size_t most = MOST - size < step ? MOST - size : step;
        *result = bi_raw_inflate(inflater, &data, out + size, &most);
        size += most;
    } while (*result == BI_INFLATE_FULL && size < MOST);
    return size;
}

/* The input as messages of up to 300 bytes, of which each may refer to those before it; one that has no room is left
 * out. */
static void require_takeover(const uint8_t *data, size_t size)
{
    struct bi_raw_deflater *deflater = bi_raw_deflater_new(6, 9, true);
    struct bi_raw_inflater *inflater = bi_raw_inflater_new(9, true);
    require(deflater != NULL && inflater != NULL);
    for (size_t at = 0, part; at < size; at += part) {
        uint8_t small[400], plain[400];
        enum bi_inflate_result result;
        part = 1 + data[at] * 7u % 300;
        part = part < size - at ? part : size - at;
        size_t room = data[at] % 5 == 0 ? part / 2 : sizeof small;
        size_t made = bi_raw_deflate(deflater, (struct bi_view) { data + at, part }, small, room);
        if (made > 0) {
            size_t most = sizeof plain;
            struct bi_view rest = { small, made };
            bi_raw_inflater_begin(inflater);
            result = bi_raw_inflate(inflater, &rest, plain, &most);
            require(result == BI_INFLATE_MORE && most == part && memcmp(plain, data + at, part) == 0);
        }
    }
    bi_raw_deflater_free(deflater);
    bi_raw_inflater_free(inflater);
}

/* Any bytes to one that keeps, in two messages: whatever the room, the same. */
static void require_kept(const uint8_t *data, size_t size)
{
    static uint8_t outs[2][MOST];
    size_t sizes[2] = { 0, 0 };
    enum bi_inflate_result results[2];
    for (int i = 0; i < 2; i++) {
        struct bi_raw_inflater *inflater = bi_raw_inflater_new(10, true);
        require(inflater != NULL);
        size_t step = i == 0 ? MOST : 1 + size % 97;
        sizes[i] = inflate_all(inflater, (struct bi_view) { data, size / 2 }, step, outs[i], &results[i]);
        if (results[i] == BI_INFLATE_MORE) {
            sizes[i] = inflate_all(
                inflater, (struct bi_view) { data + size / 2, size - size / 2 }, step, outs[i], &results[i]);
        }
        bi_raw_inflater_free(inflater);
    }
    require(results[0] == BI_INFLATE_REFUSED || results[0] == results[1]);
    require(results[0] == BI_INFLATE_REFUSED || (sizes[0] == sizes[1] && memcmp(outs[0], outs[1], sizes[0]) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bi_raw_inflater *inflater;
    static struct bi_raw_deflater *deflater;
    static uint8_t one[MOST], other[MOST], small[MOST];
    enum bi_inflate_result result, again;
    inflater = inflater != NULL ? inflater : bi_raw_inflater_new(15, false);
    deflater = deflater != NULL ? deflater : bi_raw_deflater_new(6, 15, false);
    require(inflater != NULL && deflater != NULL);
    size_t whole = inflate_all(inflater, (struct bi_view) { data, size }, MOST, one, &result);
    size_t parts = inflate_all(inflater, (struct bi_view) { data, size }, 1 + size % 97, other, &again);
    require(result == BI_INFLATE_REFUSED || again == result);
    require(result == BI_INFLATE_REFUSED || (whole == parts && memcmp(one, other, whole) == 0));
    size_t made = size < MOST / 2 ? bi_raw_deflate(deflater, (struct bi_view) { data, size }, small, sizeof small) : 0;
    if (made > 0) {
        require(inflate_all(inflater, (struct bi_view) { small, made }, MOST, one, &result) == size);
        require(result == BI_INFLATE_MORE && memcmp(one, data, size) == 0);
    }
    if (size < 5000) {
        require_takeover(data, size);
        require_kept(data, size);
    }
    return 0;
}
