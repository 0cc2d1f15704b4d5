/* SPDX-License-Identifier: MIT */
/* fuzz_ws_deflate.c - any bytes as a compressed message: what comes out does not depend on the room, and never is more
 * than there is room for; and any bytes compressed come out again. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bi_raw_inflater *inflater;
    static struct bi_raw_deflater *deflater;
    static uint8_t one[MOST], other[MOST], small[MOST];
    enum bi_inflate_result result, again;
    inflater = inflater != NULL ? inflater : bi_raw_inflater_new();
    deflater = deflater != NULL ? deflater : bi_raw_deflater_new(6);
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
    return 0;
}
