/* SPDX-License-Identifier: MIT */
/* fuzz_http_chunked.c - the chunked coding against a model that has all bytes at once, cut anywhere, and there and
 * back.
 *
 * The first byte chooses how the stream is cut and whether white space is tolerated. */
#include "http/message/chunked.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

struct outcome {
    enum bi_chunked_result result;
    size_t used, body_size;
    bool tolerated;
    uint8_t *body;
};

static struct outcome decode(const uint8_t *data, size_t size, size_t piece, bool tolerant)
{
    struct bi_chunked decoder;
    struct outcome outcome = { .result = BI_CHUNKED_PARTIAL, .body = malloc(size + 1) };
    bi_chunked_begin(&decoder, tolerant);
    while (outcome.result == BI_CHUNKED_PARTIAL && outcome.used < size) {
        size_t come = size - outcome.used < piece ? size - outcome.used : piece, left = come, data_size;
        uint8_t *copy = malloc(come);
        const uint8_t *at = memcpy(copy, data + outcome.used, come), *view;
        while ((outcome.result = bi_chunked_next(&decoder, &at, &left, &view, &data_size)) == BI_CHUNKED_DATA) {
            memcpy(outcome.body + outcome.body_size, view, data_size);
            outcome.body_size += data_size;
        }
        require(outcome.result != BI_CHUNKED_PARTIAL || left == 0);
        outcome.used += come - left;
        free(copy);
    }
    outcome.tolerated = decoder.tolerated;
    return outcome;
}

/* Where the line's LF is, or `size`: the first byte that is wrong is before it. *chunk is the size it says. */
static size_t model_line(const uint8_t *data, size_t at, size_t size, bool tolerant, uint64_t *chunk, bool *wrong)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    size_t begin = at;
    *chunk = 0;
    for (; at < size && data[at] != '\0' && strchr(digits, data[at]) != NULL; at++) {
        size_t digit = (size_t)(strchr(digits, data[at]) - digits);
        *chunk = *chunk * 16 + (digit < 16 ? digit : digit - 6);
        *wrong = *wrong || at - begin >= 16;
    }
    *wrong = *wrong || (at < size && at == begin);
    while (tolerant && at < size && (data[at] == ' ' || data[at] == '\t')) {
        at++;
    }
    if (at < size && data[at] == ';') {
        while (at < size && (data[at] >= 0x20 || data[at] == '\t') && data[at] != 0x7f) {
            at++;
        }
    }
    *wrong = *wrong || (at < size && data[at] != '\r');
    at++;
    *wrong = *wrong || (at < size && data[at] != '\n');
    return at < size ? at : size;
}

/* What happens to the whole, and how much of a body there is. The limit of extensions is beyond what is fed here. */
static enum bi_chunked_result model(const uint8_t *data, size_t size, bool tolerant, size_t *body_size)
{
    *body_size = 0;
    for (size_t at = 0;;) {
        uint64_t chunk;
        bool wrong = false;
        at = model_line(data, at, size, tolerant, &chunk, &wrong);
        if (wrong || at == size) {
            return wrong ? BI_CHUNKED_REFUSED : BI_CHUNKED_PARTIAL;
        }
        at++;
        if (chunk == 0) {
            return BI_CHUNKED_END;
        }
        *body_size += chunk < size - at ? (size_t)chunk : size - at;
        if (chunk > size - at || size - at - chunk < 2) {
            bool cut = chunk >= size - at || data[at + chunk] == '\r';
            return cut ? BI_CHUNKED_PARTIAL : BI_CHUNKED_REFUSED;
        }
        at += (size_t)chunk;
        if (memcmp(data + at, "\r\n", 2) != 0) {
            return BI_CHUNKED_REFUSED;
        }
        at += 2;
    }
}

/* A body in chunks of `piece` bytes is decoded to itself. */
static void go_there_and_back(const uint8_t *body, size_t size, size_t piece)
{
    uint8_t *coded = malloc((size / piece + 2) * (BI_CHUNK_LINE + 2) + size);
    size_t coded_size = 0;
    for (size_t at = 0; at < size; at += piece) {
        size_t part = size - at < piece ? size - at : piece;
        coded_size += bi_chunk_line((char *)coded + coded_size, part);
        memcpy(coded + coded_size, body + at, part);
        memcpy(coded + coded_size + part, "\r\n", 2);
        coded_size += part + 2;
    }
    coded_size += bi_chunk_line((char *)coded + coded_size, 0);
    struct outcome outcome = decode(coded, coded_size, 7, false);
    require(outcome.result == BI_CHUNKED_END && outcome.used == coded_size);
    require(outcome.body_size == size && memcmp(outcome.body, body, size) == 0);
    free(outcome.body);
    free(coded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 16000) {
        return 0;
    }
    size_t piece = 1 + data[0] % 64, expected;
    bool tolerant = data[0] >= 0x80;
    struct outcome whole = decode(data + 1, size - 1, size, tolerant);
    struct outcome cut = decode(data + 1, size - 1, piece, tolerant);
    require(whole.result == cut.result && whole.used == cut.used && whole.tolerated == cut.tolerated);
    require(whole.body_size == cut.body_size && memcmp(whole.body, cut.body, cut.body_size) == 0);
    require(model(data + 1, size - 1, tolerant, &expected) == whole.result && expected == whole.body_size);
    go_there_and_back(data + 1, size - 1, piece);
    free(whole.body);
    free(cut.body);
    return 0;
}
