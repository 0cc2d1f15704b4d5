/* SPDX-License-Identifier: MIT */
/* fuzz_stream.c - reads of a stream under arbitrary bytes, cut in arbitrary places.
 *
 * The first eight bytes choose how the bytes are cut and seven reads, which are made again and again until the end;
 * the rest is what comes. It is fed whole and cut: both must give the same answers, so reads that take whatever is
 * there are left out. A read that answers with a failure is followed by a read of one byte, so that all goes on. */
#include <bight/stream.h>
#include <bight/testing.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define READS 7
#define MAX_ANSWERS 4096

static const uint8_t *reads;
static unsigned answers;
static bool failed;
static uint64_t digest; /* of the answers */
static struct bight_promise over;

static void note(uint8_t event, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    digest = (digest ^ event) * UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static struct bight_deferred *read_next(struct bight_stream *stream)
{
    uint8_t read = reads[answers % READS];
    size_t parameter = read / 4;
    if (failed) {
        failed = false;
        return bight_stream_read_exactly(stream, 1);
    }
    switch (read % 4) {
    case 0:
        return bight_stream_read_exactly(stream, parameter);
    case 1:
        return bight_stream_read_until(stream, "aba", 1 + parameter % 3, 1 + parameter);
    default:
        return bight_stream_read_line(stream, 1 + parameter);
    }
}

static void hear(struct bight_result *result, void *context);

static void go_on(struct bight_stream *stream)
{
    if (answers == MAX_ANSWERS || bight_stream_at_end(stream)) {
        (void)bight_callback(over, NULL, NULL);
        return;
    }
    struct bight_deferred *deferred = read_next(stream);
    (void)bight_deferred_add_both(deferred, hear, stream);
    bight_deferred_release(deferred);
}

static void hear(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_failure(result);
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    answers++;
    if (failure != NULL) {
        int code = bight_failure_code(failure);
        failed = true;
        note('F', &code, sizeof code);
    } else {
        note(bytes == NULL ? 'E' : 'B', bytes == NULL ? NULL : bight_bytes_data(bytes),
            bytes == NULL ? 0 : bight_bytes_size(bytes));
    }
    bight_result_clear(result);
    go_on(context);
}

static struct bight_deferred *begin(struct bight_stream *stream, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_deferred_new(&over, NULL, NULL);
    go_on(stream);
    return deferred;
}

static struct bight_stream_factory factory = BIGHT_STREAM_FACTORY(struct bight_stream, begin, NULL);

static uint64_t digest_of(const uint8_t *data, size_t size, size_t chunk)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    digest = UINT64_C(14695981039346656037);
    answers = 0;
    failed = false;
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory.base, true);
    bight_string_feed_chunked(peer, data, size, chunk);
    bight_testing_settle(reactor, 10000);
    bight_string_end(peer);
    bight_testing_settle(reactor, 10000);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 + READS || size > 4096) {
        return 0;
    }
    reads = data + 1;
    const uint8_t *bytes = data + 1 + READS;
    size_t count = size - 1 - READS;
    if (digest_of(bytes, count, count + 1) != digest_of(bytes, count, 1 + data[0] % 16)) {
        abort();
    }
    return 0;
}
