/* SPDX-License-Identifier: MIT */
/* string.c - the far end of a connection in memory, which a test feeds and reads.
 *
 * The peer stands for kernel and network: it is an end of stream.c with an owner. It is freed when its owner has
 * released it and the near end is over. What is done here settles the reactor, so that a test sees the outcome at once;
 * inside a handler the turn that is on the stack does that. */
#include <bight/memory.h>

#include <errno.h>
#include <string.h>

#include "testing/kit/peer.h"
#include "transport/state.h"

#define TURNS_AT_LEAST 1000

static void free_peer(struct bight_string_peer *peer)
{
    bi_stream_finish(&peer->end);
    bight_free(peer);
}

struct bight_string_peer *bi_string_peer_new(const struct bi_stream_end_ops *ops, struct bight_reactor *reactor)
{
    struct bight_string_peer *peer = bight_calloc(1, sizeof *peer);
    if (peer != NULL) {
        bi_stream_init(&peer->end, ops, reactor);
        peer->descriptor = -1;
    }
    return peer;
}

void bi_string_peer_over(struct bight_string_peer *peer)
{
    peer->end.reactor = NULL;
    if (peer->freed) {
        free_peer(peer);
    }
}

static void settle(struct bight_string_peer *peer, size_t turns)
{
    if (peer->end.reactor != NULL) {
        (void)bi_testing_settle_quietly(peer->end.reactor, TURNS_AT_LEAST + turns);
    }
}

static void transport_ended(struct bi_stream_end *end)
{
    bi_string_peer_over(bi_string_peer_of(end));
}

static const struct bi_stream_end_ops string_ops = {
    .readable = bi_stream_tell_readable,
    .writable = bi_stream_tell_writable,
    .ended = transport_ended,
};

struct bight_string_peer *bight_string_connect(
    struct bight_reactor *reactor, struct bight_factory *factory, bool accepted)
{
    return bight_string_connect_at(reactor, factory, accepted, NULL, NULL);
}

struct bight_string_peer *bight_string_connect_at(struct bight_reactor *reactor, struct bight_factory *factory,
    bool accepted, const struct bight_address *host, const struct bight_address *from)
{
    struct bight_string_peer *peer = bi_string_peer_new(&string_ops, reactor);
    if (peer == NULL) {
        return NULL;
    }
    if (host != NULL) {
        peer->end.addresses[0] = *host;
    }
    if (from != NULL) {
        peer->end.addresses[1] = *from;
    }
    if (!bi_stream_connect(&peer->end, factory, accepted)) {
        free_peer(peer);
        return NULL;
    }
    settle(peer, 0);
    return peer;
}

/* To a connection that is still there it is as if the peer's machine had said goodbye rudely. */
void bight_string_peer_free(struct bight_string_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    struct bight_reactor *reactor = peer->end.reactor;
    if (reactor == NULL) {
        free_peer(peer);
        return;
    }
    peer->freed = true;
    bi_stream_reset(&peer->end, ECONNRESET);
    (void)bi_testing_settle_quietly(reactor, TURNS_AT_LEAST);
}

static struct bight_transport *find_transport(struct bight_reactor *reactor, int descriptor)
{
    size_t cursor = 0;
    const struct bi_hub *hub = reactor == NULL ? NULL : bi_hub_of(reactor);
    struct bight_transport *transport;
    while (hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL) {
        if (transport->descriptor == descriptor && bi_life_of(transport) != BI_LOST) {
            return transport;
        }
    }
    return NULL;
}

struct bight_protocol *bight_string_protocol(const struct bight_string_peer *peer)
{
    const struct bight_transport *transport =
        peer->descriptor < 0 ? peer->end.transport : find_transport(peer->end.reactor, peer->descriptor);
    return transport == NULL ? NULL : bight_transport_protocol(transport);
}

size_t bight_string_feed(struct bight_string_peer *peer, const void *data, size_t size)
{
    return bight_string_feed_chunked(peer, data, size, SIZE_MAX);
}

size_t bight_string_feed_text(struct bight_string_peer *peer, const char *text)
{
    return bight_string_feed(peer, text, strlen(text));
}

size_t bight_string_feed_chunked(struct bight_string_peer *peer, const void *data, size_t size, size_t chunk)
{
    size_t kept_chunk = peer->end.chunk;
    peer->end.chunk = chunk > 0 ? chunk : 1;
    if (!bi_stream_feed(&peer->end, data, size)) {
        peer->end.chunk = kept_chunk;
        return peer->end.input.size + size;
    }
    settle(peer, 2 * (size / peer->end.chunk));
    return peer->end.input.size;
}

void bight_string_end(struct bight_string_peer *peer)
{
    bi_stream_end_input(&peer->end);
    settle(peer, 0);
}

void bight_string_reset(struct bight_string_peer *peer, int number)
{
    bi_stream_reset(&peer->end, number);
    settle(peer, 0);
}

const uint8_t *bight_string_written(struct bight_string_peer *peer, size_t *size)
{
    const struct bi_stream_bytes *written = &peer->end.written;
    *size = written->size;
    return written->size == 0 ? (const uint8_t *)"" : written->data + written->start;
}

const char *bight_string_written_text(struct bight_string_peer *peer)
{
    struct bi_stream_bytes *written = &peer->end.written;
    if (!bi_stream_reserve(written, 1) || written->data == NULL) {
        return "";
    }
    written->data[written->start + written->size] = '\0';
    return (const char *)written->data + written->start;
}

void bight_string_clear(struct bight_string_peer *peer)
{
    bi_stream_forget(&peer->end.written);
    bi_stream_announce(&peer->end);
    settle(peer, 0);
}

void bight_string_set_window(struct bight_string_peer *peer, size_t bytes)
{
    peer->end.window = bytes;
    bi_stream_announce(&peer->end);
}

bool bight_string_is_shut(const struct bight_string_peer *peer)
{
    return peer->end.shut || peer->end.closed;
}

bool bight_string_is_closed(const struct bight_string_peer *peer)
{
    return peer->end.closed;
}

bool bight_string_was_reset(const struct bight_string_peer *peer)
{
    return peer->end.was_reset;
}
