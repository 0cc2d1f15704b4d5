/* SPDX-License-Identifier: MIT */
/* fuzz_http_response.c - responses one behind another: however cut, and whoever reads the heads, the same is read.
 *
 * The first byte chooses how the stream is cut, the second what was asked. */
#include "http/message/head_reader.h"
#include "http_stream.h"

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* Values have no line ends in them, folded ones neither. */
static void note_event(struct stream *stream, char event, const void *data, size_t size)
{
    if (event == 'V') {
        require(memchr(data, '\r', size) == NULL && memchr(data, '\n', size) == NULL);
        require(memchr(data, '\0', size) == NULL);
    }
    note_digest(stream, event, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stream stream;
    if (size < 2) {
        return 0;
    }
    size_t piece = 1 + data[0] % 32;
    stream.kind = BI_HEAD_RESPONSE;
    stream.asked = (enum bi_method)(data[1] % BI_METHOD_COUNT);
    stream.note = note_event;
    stream.limits = (struct bi_head_limits) { 8192, 32768, STREAM_FIELDS };
    require(bi_head_choose(BI_HEAD_PLAIN));
    stream_read(&stream, data + 2, size - 2, size);
    uint64_t plain = stream.digest;
    for (enum bi_head_means means = 0; means < BI_HEAD_MEANS_COUNT; means++) {
        if (bi_head_choose(means)) {
            stream_read(&stream, data + 2, size - 2, size);
            require(stream.digest == plain);
            stream_read(&stream, data + 2, size - 2, piece);
            require(stream.digest == plain);
        }
    }
    return 0;
}
