/* SPDX-License-Identifier: MIT */
/* string.c - a connection in memory: the bottom of a transport, and the far end that a test feeds and reads.
 *
 * The peer stands for kernel and network: two buffers, a window, an end, a reset. It answers as a socket does (counts
 * or -errno) and announces readiness level-triggered, by a task on the reactor's soon queue that comes again on each
 * turn as long as it is watched for and the condition lasts. Its buffers are the kernel's in reality and so do not
 * come from the hook. The peer is freed when both its owner has let go and the transport has told that it ended. */
#include <errno.h>

#include <bight/memory.h>
#include <bight/sys/bottom.h>

#include <string.h>

#include "reactor/reactor.h"
#include "testing/testing.h"

#define TURNS_AT_LEAST 1000

struct buffer {
    uint8_t *data;
    size_t start, size, capacity; /* size bytes from start on */
};

struct bight_string_peer {
    struct bight_reactor *reactor;
    struct bight_transport *transport; /* NULL: it has ended */
    struct bight_task task;
    struct buffer input;   /* to the protocol */
    struct buffer written; /* from it */
    size_t chunk;          /* most bytes received at once */
    size_t window;
    int reset_number; /* the errno of a reset; 0: none */
    bool input_ended;
    bool reading, writing; /* watched for */
    bool shut, closed, was_reset;
    bool freed; /* by its owner */
};

/* ------------------------------------------------------------------------------------------ buffers */

static bool reserve(struct buffer *buffer, size_t more)
{
    size_t needed = buffer->start + buffer->size + more;
    if (needed <= buffer->capacity) {
        return true;
    }
    if (buffer->start > 0) {
        memmove(buffer->data, buffer->data + buffer->start, buffer->size);
        buffer->start = 0;
        return reserve(buffer, more);
    }
    size_t capacity = needed * 2;
    uint8_t *data = bight_testing_plain_realloc(buffer->data, capacity);
    if (data == NULL) {
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

static bool append(struct buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return true;
    }
    if (!reserve(buffer, size)) {
        return false;
    }
    memcpy(buffer->data + buffer->start + buffer->size, data, size);
    buffer->size += size;
    return true;
}

static size_t take(struct buffer *buffer, void *data, size_t size)
{
    size_t taken = size < buffer->size ? size : buffer->size;
    if (taken > 0) {
        memcpy(data, buffer->data + buffer->start, taken);
        buffer->start += taken;
        buffer->size -= taken;
    }
    return taken;
}

static void forget(struct buffer *buffer)
{
    buffer->start = buffer->size = 0;
}

/* ---------------------------------------------------------------------------------------- readiness */

static struct bight_string_peer *peer_of(const struct bight_transport *transport)
{
    return bight_transport_bottom_memory(transport);
}

static bool is_readable(const struct bight_string_peer *peer)
{
    return peer->reading && (peer->input.size > 0 || peer->input_ended || peer->reset_number != 0);
}

static bool is_writable(const struct bight_string_peer *peer)
{
    return peer->writing && (peer->written.size < peer->window || peer->reset_number != 0);
}

static void announce(struct bight_string_peer *peer);

static void tell_transport(struct bight_task *task)
{
    struct bight_string_peer *peer = BIGHT_CONTAINER(task, struct bight_string_peer, task);
    bool readable = is_readable(peer);
    bool writable = is_writable(peer);
    if (readable || writable) {
        announce(peer); /* comes again, until somebody takes it out */
    }
    if (writable) {
        bight_transport_writable(peer->transport);
    }
    /* What the first call did may have closed the near end, which takes the task out. */
    if (readable && is_readable(peer)) {
        bight_transport_readable(peer->transport);
    }
}

/* Sees to it that a turn tells the transport what it waits for, if that is so. */
static void announce(struct bight_string_peer *peer)
{
    if ((is_readable(peer) || is_writable(peer)) && peer->task.run == NULL) {
        bight_reactor_soon(peer->reactor, &peer->task, tell_transport);
    }
}

static void be_silent(struct bight_string_peer *peer)
{
    peer->reading = peer->writing = false;
    if (peer->task.run != NULL) {
        bight_reactor_unqueue(peer->reactor, &peer->task);
    }
}

/* --------------------------------------------------------------------------------------- the bottom */

static ssize_t string_receive(struct bight_transport *transport, void *buffer, size_t size)
{
    struct bight_string_peer *peer = peer_of(transport);
    if (peer->reset_number != 0) {
        return -peer->reset_number;
    }
    if (peer->input.size == 0) {
        return peer->input_ended ? 0 : -EAGAIN;
    }
    return (ssize_t)take(&peer->input, buffer, size < peer->chunk ? size : peer->chunk);
}

static ssize_t string_send(struct bight_transport *transport, const struct iovec *parts, int count)
{
    struct bight_string_peer *peer = peer_of(transport);
    ssize_t sent = 0;
    if (peer->shut || peer->reset_number != 0) {
        return -EPIPE;
    }
    for (int i = 0; i < count && peer->written.size < peer->window; i++) {
        size_t room = peer->window - peer->written.size;
        size_t size = parts[i].iov_len < room ? parts[i].iov_len : room;
        if (!append(&peer->written, parts[i].iov_base, size)) {
            return sent > 0 ? sent : -ENOBUFS;
        }
        sent += (ssize_t)size;
    }
    return sent > 0 ? sent : -EAGAIN;
}

static int string_watch_reading(struct bight_transport *transport, bool on)
{
    struct bight_string_peer *peer = peer_of(transport);
    peer->reading = on;
    announce(peer);
    return 0;
}

static int string_watch_writing(struct bight_transport *transport, struct bight_watch *watch, bool on)
{
    struct bight_string_peer *peer = peer_of(transport);
    (void)watch;
    peer->writing = on;
    announce(peer);
    return 0;
}

static void string_shut_writing(struct bight_transport *transport)
{
    peer_of(transport)->shut = true;
}

static void string_close(struct bight_transport *transport, bool reset)
{
    struct bight_string_peer *peer = peer_of(transport);
    be_silent(peer);
    peer->closed = true;
    peer->was_reset = reset;
}

static int string_address(struct bight_transport *transport, bool peer, struct bight_address *address)
{
    (void)transport;
    (void)peer;
    memset(address, 0, sizeof *address);
    return 0;
}

static int string_set_option(struct bight_transport *transport, enum bight_transport_option option, bool on)
{
    (void)transport;
    (void)option;
    (void)on;
    return BIGHT_E_NOT_SUPPORTED;
}

static void free_peer(struct bight_string_peer *peer)
{
    bight_testing_plain_free(peer->input.data);
    bight_testing_plain_free(peer->written.data);
    bight_free(peer);
}

static void string_ended(struct bight_transport *transport)
{
    struct bight_string_peer *peer = peer_of(transport);
    be_silent(peer);
    peer->transport = NULL;
    peer->reactor = NULL;
    if (peer->freed) {
        free_peer(peer);
    }
}

static const struct bight_bottom_ops string_bottom_ops = {
    .size = sizeof(struct bight_bottom_ops),
    .receive = string_receive,
    .send = string_send,
    .watch_reading = string_watch_reading,
    .watch_writing = string_watch_writing,
    .shut_writing = string_shut_writing,
    .close = string_close,
    .address = string_address,
    .set_option = string_set_option,
    .ended = string_ended,
};

/* -------------------------------------------------------------------------------------- the far end */

static void settle(struct bight_string_peer *peer, size_t turns)
{
    if (peer->reactor != NULL) {
        (void)bight_testing_settle_quietly(peer->reactor, TURNS_AT_LEAST + turns);
    }
}

struct bight_string_peer *bight_string_connect(
    struct bight_reactor *reactor, struct bight_factory *factory, bool accepted)
{
    struct bight_address nowhere = { 0 };
    int code;
    struct bight_string_peer *peer = bight_calloc(1, sizeof *peer);
    if (peer == NULL) {
        return NULL;
    }
    peer->reactor = reactor;
    peer->chunk = peer->window = SIZE_MAX;
    peer->transport = bight_transport_new(reactor, factory, &string_bottom_ops, peer, -1, &nowhere, accepted, &code);
    if (peer->transport == NULL) {
        free_peer(peer);
        return NULL;
    }
    bight_reactor_enter(reactor);
    bight_transport_start(peer->transport);
    bight_reactor_leave(reactor);
    settle(peer, 0);
    return peer;
}

/* To a connection that is still there it is as if the peer's machine had said goodbye rudely. */
void bight_string_peer_free(struct bight_string_peer *peer)
{
    if (peer == NULL) {
        return;
    }
    if (peer->transport == NULL) {
        free_peer(peer);
        return;
    }
    struct bight_reactor *reactor = peer->reactor;
    peer->freed = true;
    peer->reset_number = ECONNRESET;
    announce(peer);
    (void)bight_testing_settle_quietly(reactor, TURNS_AT_LEAST);
}

struct bight_protocol *bight_string_protocol(const struct bight_string_peer *peer)
{
    return peer->transport == NULL ? NULL : bight_transport_protocol(peer->transport);
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
    if (peer->closed || peer->transport == NULL || peer->input_ended || peer->reset_number != 0 ||
        !append(&peer->input, data, size)) {
        return peer->input.size + size;
    }
    peer->chunk = chunk > 0 ? chunk : 1;
    announce(peer);
    settle(peer, 2 * (size / peer->chunk));
    return peer->input.size;
}

void bight_string_end(struct bight_string_peer *peer)
{
    peer->input_ended = true;
    if (peer->transport != NULL) {
        announce(peer);
        settle(peer, 0);
    }
}

void bight_string_reset(struct bight_string_peer *peer, int number)
{
    peer->reset_number = number == 0 ? ECONNRESET : number;
    forget(&peer->input);
    if (peer->transport != NULL) {
        announce(peer);
        settle(peer, 0);
    }
}

const uint8_t *bight_string_written(struct bight_string_peer *peer, size_t *size)
{
    *size = peer->written.size;
    return peer->written.size == 0 ? (const uint8_t *)"" : peer->written.data + peer->written.start;
}

const char *bight_string_written_text(struct bight_string_peer *peer)
{
    if (!reserve(&peer->written, 1) || peer->written.data == NULL) {
        return "";
    }
    peer->written.data[peer->written.start + peer->written.size] = '\0';
    return (const char *)peer->written.data + peer->written.start;
}

void bight_string_clear(struct bight_string_peer *peer)
{
    forget(&peer->written);
    if (peer->transport != NULL) {
        announce(peer);
        settle(peer, 0);
    }
}

void bight_string_set_window(struct bight_string_peer *peer, size_t bytes)
{
    peer->window = bytes;
    if (peer->transport != NULL) {
        announce(peer);
    }
}

bool bight_string_is_shut(const struct bight_string_peer *peer)
{
    return peer->shut || peer->closed;
}

bool bight_string_is_closed(const struct bight_string_peer *peer)
{
    return peer->closed;
}

bool bight_string_was_reset(const struct bight_string_peer *peer)
{
    return peer->was_reset;
}
