/* SPDX-License-Identifier: MIT */
/* fuzz_line.c - the line receiver under arbitrary streams, cut in arbitrary places.
 *
 * The first four bytes choose the delimiter, the limit, how the stream is cut and what is paused; the rest is the
 * stream, and what lines and raw bytes say in it makes the receiver turn raw, pause, write more than the peer takes,
 * put and give back, switch, push a layer and close. The stream is fed whole and cut: both must give the same events.
 */
#include <bight/protocols/line.h>
#include <bight/sys/layer.h>
#include <bight/testing.h>

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define SETTLED 100000

static uint64_t digest; /* of the events */
static bool pauses;     /* at the beginning and at the limit */

static struct bight_line_factory factory;

static void note(uint8_t event, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    digest = (digest ^ event) * UINT64_C(1099511628211);
    for (size_t i = 0; i < size; i++) {
        digest = (digest ^ bytes[i]) * UINT64_C(1099511628211);
    }
}

static void free_layer(struct bight_layer *layer)
{
    free(layer);
}

static const struct bight_layer_ops layer_ops = {
    .size = sizeof(struct bight_layer_ops), .received = bight_layer_deliver, .free = free_layer
};

/* What lies behind goes through it, and so comes as it would have come. */
static void push_layer(struct bight_line_receiver *receiver)
{
    struct bight_layer *layer = calloc(1, sizeof *layer);
    if (layer == NULL) {
        abort();
    }
    layer->ops = &layer_ops;
    if (bight_transport_push_layer(bight_line_transport(receiver), layer) != 0) {
        free(layer);
    }
}

static void switch_protocol(struct bight_line_receiver *receiver)
{
    struct bight_protocol *heir = bight_protocol_new(&factory.base);
    if (bight_line_switch_protocol(receiver, heir) != 0) {
        bight_protocol_free(heir);
    }
}

/* The last one comes first. */
static void put_back_twice(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    static const uint8_t more[] = "#\r\n--abab#\naa";
    (void)bight_line_set_line_mode(receiver, data, size);
    (void)bight_line_set_line_mode(receiver, more, sizeof more - 1);
}

static void hear_line(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    static const uint8_t much[70000];
    struct bight_transport *transport = bight_line_transport(receiver);
    note('L', line, size);
    if (line[size] != '\0') {
        abort();
    }
    switch (size == 0 ? 0 : line[0]) {
    case 'R':
        bight_line_set_raw_mode(receiver);
        break;
    case 'P':
        bight_line_pause(receiver);
        break;
    case 'W':
        (void)bight_transport_write(transport, much, sizeof much);
        break;
    case 'B':
        put_back_twice(receiver, (const uint8_t *)"#", 1);
        break;
    case 'S':
        switch_protocol(receiver);
        break;
    case 'Y':
        push_layer(receiver);
        break;
    case 'C':
        bight_transport_lose_connection(transport);
        break;
    case 'A':
        bight_transport_abort_connection(transport);
        break;
    default:
        (void)bight_line_send(receiver, line, size);
    }
}

/* What a raw byte says; `data` is what lies behind it. True: the rest of it is not for this call. */
static bool obey(struct bight_line_receiver *receiver, uint8_t byte, const uint8_t *data, size_t size)
{
    switch (byte) {
    case '.':
        (void)bight_line_set_line_mode(receiver, data, size);
        return true;
    case ':':
        put_back_twice(receiver, data, size);
        return true;
    case '|':
        bight_line_pause(receiver);
        return false;
    default:
        return false;
    }
}

static void hear_raw(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        note('r', data + i, 1);
        if (obey(receiver, data[i], data + i + 1, size - i - 1)) {
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
    if (pauses) {
        bight_line_pause(receiver);
    }
}

static void hear_made(struct bight_line_receiver *receiver)
{
    note('M', NULL, 0);
    if (pauses) {
        bight_line_pause(receiver);
    }
}

static const struct bight_line_ops ops = { .connection_made = hear_made,
    .line_received = hear_line,
    .raw_data_received = hear_raw,
    .line_length_exceeded = hear_length };
static struct bight_line_factory factory = BIGHT_LINE_FACTORY(struct bight_line_receiver, &ops);

/* Whatever paused is resumed, and what was written taken, until nothing waits any more. */
static void resume_all(struct bight_reactor *reactor, struct bight_string_peer *peer)
{
    struct bight_protocol *protocol;
    bight_testing_settle(reactor, SETTLED);
    while ((protocol = bight_string_protocol(peer)) != NULL && bight_transport_is_open(protocol->transport)) {
        uint64_t before = digest;
        bight_line_resume((struct bight_line_receiver *)protocol);
        bight_string_set_window(peer, SIZE_MAX);
        bight_testing_settle(reactor, SETTLED);
        bight_string_clear(peer);
        bight_string_set_window(peer, 0);
        if (digest == before) {
            return;
        }
    }
}

static uint64_t digest_of(const uint8_t *stream, size_t size, size_t chunk)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    digest = UINT64_C(14695981039346656037);
    struct bight_string_peer *peer = bight_string_connect(reactor, &factory.base, true);
    bight_string_set_window(peer, 0);
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
    pauses = data[3] % 2 == 1;
    uint64_t whole = digest_of(data + 4, size - 4, SIZE_MAX / 2);
    if (whole != digest_of(data + 4, size - 4, chunk)) {
        abort();
    }
    return 0;
}
