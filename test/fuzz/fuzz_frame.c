/* SPDX-License-Identifier: MIT */
/* fuzz_frame.c - the frames of a worker under arbitrary bytes, cut in arbitrary places.
 *
 * The first two bytes choose the limit and how the rest is cut. It is read whole and cut: both must give the same
 * frames and the same refusal. No payload is longer than its limit, and no byte is read twice or not at all. */
#include <stdlib.h>

#include "fuzz.h"
#include "process/worker_frame.h"

static uint64_t digest; /* of frames and refusals */

static void note(uint8_t event, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    digest = (digest ^ event) * UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void note_frame(const struct bi_frame *frame, size_t limit)
{
    size_t size = bight_bytes_size(frame->body);
    uint8_t header[FRAME_HEADER];
    bi_frame_put_header(header, frame->kind, size);
    check(frame->kind == FRAME_ANSWER || frame->kind == FRAME_FAILURE);
    check(size <= (frame->kind == FRAME_FAILURE ? FAILURE_CEILING : limit));
    note('h', header, sizeof header);
    note('b', bight_bytes_data(frame->body), size);
    bight_bytes_release(frame->body);
}

/* Below 0: refused. */
static int read_chunk(struct bi_frame_reader *reader, size_t limit, const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    struct bi_frame frame;
    int result = 1;
    while (result > 0 && size > 0) {
        size_t before = size;
        result = bi_frame_read(reader, limit, &data, &size, &frame);
        check(size < before && data + size == end);
        if (result > 0) {
            note_frame(&frame, limit);
        }
    }
    check(result != 0 || size == 0);
    return result;
}

static uint64_t digest_of(const uint8_t *stream, size_t size, size_t chunk, size_t limit)
{
    struct bi_frame_reader reader = { .header_used = 0 };
    digest = UINT64_C(14695981039346656037);
    for (size_t at = 0; at < size; at += chunk) {
        int result = read_chunk(&reader, limit, stream + at, size - at < chunk ? size - at : chunk);
        if (result < 0) {
            note('x', &result, sizeof result);
            break;
        }
    }
    bi_frame_reader_finish(&reader);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t limit = ((size_t)data[0] + 1) * 16;
    uint64_t whole = digest_of(data + 2, size - 2, SIZE_MAX / 2, limit);
    check(whole == digest_of(data + 2, size - 2, 1 + data[1] % 16, limit));
    return 0;
}
