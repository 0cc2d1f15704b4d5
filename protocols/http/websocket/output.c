/* SPDX-License-Identifier: MIT */
/* output.c - frames put together where they are sent from; pongs.
 *
 * A small frame is written in one piece into the output that the turn gathers, so that the answers to all messages of a
 * read are one send. A server hands on a large payload where it lies; a client's has to be masked, and is copied by
 * that. */
#include <bight/memory.h>
#include <bight/sys/output.h>

#include "http/websocket/socket.h"

#define LARGE 4096  /* from here on the transport sends a payload from where it lies */
#define BLOCK 65536 /* of a masked payload, at once */

static struct bight_transport *transport_of(const struct bight_websocket *socket)
{
    return socket->base.transport;
}

static inline void put_payload(uint8_t *room, const void *data, size_t size, const bi_mask *mask)
{
    if (mask != NULL) {
        (void)bi_mask_apply(room, data, size, *mask);
    } else if (size > 0) {
        memcpy(room, data, size);
    }
}

/* In one piece. */
static inline int write_small(
    struct bight_websocket *socket, unsigned first, const void *data, size_t size, const bi_mask *mask)
{
    size_t head = bi_frame_head_size(size, mask != NULL);
    uint8_t *room = bight_transport_reserve(transport_of(socket), head + size);
    if (BI_RARELY(room == NULL)) {
        return bight_transport_commit(transport_of(socket), 0);
    }
    (void)(mask != NULL ? bi_frame_write_head(room, first, size, mask) : bi_frame_write_short_head(room, first, size));
    put_payload(room + head, data, size, mask);
    return bight_transport_commit(transport_of(socket), head + size);
}

BI_HOT static int __attribute__((noinline))
write_large(struct bight_websocket *socket, unsigned first, const void *data, size_t size)
{
    uint8_t head[BI_FRAME_HEAD];
    struct iovec parts[] = { { head, bi_frame_write_head(head, first, size, NULL) },
        { (void *)(uintptr_t)data, size } };
    return bight_transport_write_sequence(transport_of(socket), parts, 2);
}

static int write_masked(struct bight_websocket *socket, unsigned first, const uint8_t *data, size_t size, bi_mask mask)
{
    uint8_t head[BI_FRAME_HEAD];
    int code = bight_transport_write(transport_of(socket), head, bi_frame_write_head(head, first, size, &mask));
    for (size_t at = 0, count; at < size && code == BIGHT_OK; at += count) {
        count = size - at < BLOCK ? size - at : BLOCK;
        uint8_t *room = bight_transport_reserve(transport_of(socket), count);
        if (room != NULL) {
            (void)bi_mask_apply(room, data + at, count, bi_mask_behind(mask, at));
        }
        code = bight_transport_commit(transport_of(socket), room != NULL ? count : 0);
    }
    return code;
}

/* Out of line, as what compresses, so that a server's usual frame needs no frame on the stack for them. */
static int __attribute__((noinline))
write_as_client(struct bight_websocket *socket, unsigned first, const void *data, size_t size)
{
    bi_mask mask = 0;
    int code = bi_shared_mask(socket->own->shared, &mask);
    if (code != BIGHT_OK) {
        return code;
    }
    return size < LARGE ? write_small(socket, first, data, size, &mask) : write_masked(socket, first, data, size, mask);
}

int bi_socket_write(struct bight_websocket *socket, unsigned first, const void *data, size_t size)
{
    if (socket->own->is_client) {
        return write_as_client(socket, first, data, size);
    }
    return size < LARGE ? write_small(socket, first, data, size, NULL) : write_large(socket, first, data, size);
}

int bi_socket_refuse_message(const struct bight_websocket *socket)
{
    return bight_websocket_is_open(socket)
               ? bi_websocket_usage(BIGHT_E_USAGE, "a message: the one in pieces before it has not ended")
               : BIGHT_E_CLOSED;
}

/* A stream has no gap. */
static int __attribute__((noinline)) give_up(struct bight_websocket *socket, int code)
{
    bi_socket_abort(socket);
    return code;
}

int bi_socket_send(struct bight_websocket *socket, unsigned first, const void *data, size_t size)
{
    int code = bi_socket_write(socket, first, data, size);
    return BI_USUALLY(code == BIGHT_OK) ? code : give_up(socket, code);
}

static int __attribute__((noinline))
send_compressed(struct bight_websocket *socket, unsigned opcode, const void *data, size_t size)
{
    size_t small;
    uint8_t *compressed = bi_deflate_message(socket->own, (struct bi_view) { data, size }, &small);
    if (compressed == NULL) {
        return bi_socket_send(socket, BI_FRAME_FINAL | opcode, data, size);
    }
    int code = bi_socket_send(socket, BI_FRAME_FINAL | BI_FRAME_COMPRESSED | opcode, compressed, small);
    bight_free(compressed);
    return code;
}

BI_HOT static int __attribute__((noinline))
send_other(struct bight_websocket *socket, unsigned opcode, const void *data, size_t size)
{
    return socket->own->is_deflated ? send_compressed(socket, opcode, data, size)
                                    : bi_socket_send(socket, BI_FRAME_FINAL | opcode, data, size);
}

/* A server's small message, as nearly all are, has the short way. */
BI_HOT int bi_socket_send_message(struct bight_websocket *socket, unsigned opcode, const void *data, size_t size)
{
    const struct bight_websocket_state *own = socket->own;
    if (BI_RARELY(own->is_client || own->is_deflated || size >= LARGE)) {
        return send_other(socket, opcode, data, size);
    }
    int code = write_small(socket, BI_FRAME_FINAL | opcode, data, size, NULL);
    return BI_USUALLY(code == BIGHT_OK) ? code : give_up(socket, code);
}

/* ---------------------------------------------------------------------------------------------- pongs */

/* The peer does not take what is sent to it: what it asks for may wait, and of several pings the last one counts. */
static bool is_under_pressure(const struct bight_websocket *socket)
{
    size_t low, high;
    bight_transport_get_watermarks(transport_of(socket), &low, &high);
    return bight_transport_queued(transport_of(socket)) > high;
}

static void keep_pong(struct bight_websocket *socket, struct bi_view payload)
{
    struct bi_extras *extras = bi_extras_of(socket->own);
    if (extras != NULL && extras->pong == NULL) {
        extras->pong = bight_malloc(sizeof *extras->pong);
    }
    if (extras != NULL && extras->pong != NULL) {
        extras->pong->size = (uint8_t)payload.size;
        memcpy(extras->pong->bytes, payload.at, payload.size);
    }
}

/* What waited is the caller's. */
static struct bi_control *take_pong(struct bight_websocket *socket)
{
    struct bi_extras *extras = socket->own->extras;
    struct bi_control *pong = extras != NULL ? extras->pong : NULL;
    if (pong != NULL) {
        extras->pong = NULL;
        bi_extras_trim(socket->own);
    }
    return pong;
}

void bi_socket_pong(struct bight_websocket *socket, struct bi_view payload)
{
    if (is_under_pressure(socket)) {
        keep_pong(socket, payload);
        return;
    }
    bight_free(take_pong(socket));
    (void)bi_socket_send(socket, BI_FRAME_FINAL | BI_OPCODE_PONG, payload.at, payload.size);
}

void bi_socket_send_kept_pong(struct bight_websocket *socket)
{
    struct bi_control *pong = take_pong(socket);
    if (pong != NULL && socket->own->phase == BI_PHASE_OPEN) {
        (void)bi_socket_send(socket, BI_FRAME_FINAL | BI_OPCODE_PONG, pong->bytes, pong->size);
    }
    bight_free(pong);
}
