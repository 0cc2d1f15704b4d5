/* SPDX-License-Identifier: MIT */
/* fuzz_line.c - the line receiver under arbitrary streams, cut in arbitrary places.
 *
 * The first four bytes choose the delimiter, the limit and how the stream is cut; the rest is the stream, and what
 * lines say in it makes the receiver turn raw, pause, forget and close. The stream is fed whole and cut: both must
 * give the same events. */
#include <bight/protocols/line.h>
#include <bight/testing.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static uint64_t digest; /* of the events */

static void note(uint8_t event, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    digest = (digest ^ event) * UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static void hear_line(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    note('L', line, size);
    switch (size == 0 ? 0 : line[0]) {
    case 'R':
        bight_line_set_raw_mode(receiver);
        break;
    case 'P':
        bight_line_pause(receiver);
        break;
    case 'C':
        bight_transport_lose_connection(bight_line_transport(receiver));
        break;
    case 'A':
        bight_transport_abort_connection(bight_line_transport(receiver));
        break;
    default:
        (void)bight_line_send(receiver, line, size);
    }
}

static void hear_raw(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        note('r', data + i, 1);
        if (data[i] == '.') {
            bight_line_set_line_mode(receiver, data + i + 1, size - i - 1);
            return;
        }
    }
}

static void hear_length(struct bight_line_receiver *receiver, size_t size)
{
    note('X', &size, sizeof size);
    if (size % 2 == 0) {
        bight_line_set_raw_mode(receiver);
    }
}

static const struct bight_line_ops ops = {
    .line_received = hear_line, .raw_data_received = hear_raw, .line_length_exceeded = hear_length
};
static struct bight_line_factory factory = BIGHT_LINE_FACTORY(struct bight_line_receiver, &ops);

/* Whatever paused is resumed until nothing waits any more. */
static void resume_all(struct bight_reactor *reactor, struct bight_string_peer *peer)
{
    struct bight_protocol *protocol;
    bight_testing_settle(reactor, 100);
    while ((protocol = bight_string_protocol(peer)) != NULL && bight_transport_is_open(protocol->transport)) {
        uint64_t before = digest;
        bight_line_resume((struct bight_line_receiver *)protocol);
        bight_testing_settle(reactor, 100);
        if (digest == before) {
            return;
        }
    }
}

static uint64_t digest_of(const uint8_t *stream, size_t size, size_t chunk)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory.base, true);
    digest = UINT64_C(14695981039346656037);
    bight_string_feed_chunked(peer, stream, size, chunk);
    resume_all(reactor, peer);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const delimiters[] = { NULL, "\r\n", "--", "abab", "\n", "aa" };
    if (size < 4) {
        return 0;
    }
    factory.delimiter = delimiters[data[0] % 6];
    factory.limit = 1 + data[1] % 64;
    size_t chunk = 1 + data[2] % 16;
    uint64_t whole = digest_of(data + 4, size - 4, SIZE_MAX / 2);
    if (whole != digest_of(data + 4, size - 4, chunk)) {
        abort();
    }
    return 0;
}
