/* SPDX-License-Identifier: MIT */
/* send.c - what programs send: messages, whole or in pieces, pings; and messages that are sent to many (W3, W5).
 *
 * What the other side would have to refuse is refused here. */
#include <bight/memory.h>
#include <bight/sys/output.h>

#include <stdatomic.h>

#include "http/websocket/socket.h"

static int refuse_text(void)
{
    return bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, "a text message: it is not UTF-8");
}

/* ------------------------------------------------------------------------------------------- one message */

BI_HOT int bight_websocket_send_text(struct bight_websocket *socket, const char *text, size_t size)
{
    int code = bi_socket_check(socket);
    if (code == BIGHT_OK && !bi_is_utf8(text, size)) {
        code = refuse_text();
    }
    return code == BIGHT_OK ? bi_socket_send_message(socket, BI_OPCODE_TEXT, text, size) : code;
}

BI_HOT int bight_websocket_send_binary(struct bight_websocket *socket, const void *data, size_t size)
{
    int code = bi_socket_check(socket);
    return code == BIGHT_OK ? bi_socket_send_message(socket, BI_OPCODE_BINARY, data, size) : code;
}

/* The head comes before the text, which makes way for it. */
static int commit_text(struct bight_websocket *socket, char *text, size_t size)
{
    struct bight_transport *transport = socket->base.transport;
    bool is_client = socket->own->is_client;
    size_t head = bi_frame_head_size(size, is_client);
    bi_mask mask = 0;
    int code = bi_is_utf8(text, size) ? BIGHT_OK : refuse_text();
    if (code == BIGHT_OK && is_client) {
        code = bi_shared_mask(socket->own->shared, &mask);
    }
    if (code != BIGHT_OK) {
        (void)bight_transport_commit(transport, 0);
        return code;
    }
    memmove(text + head, text, size);
    (void)bi_mask_apply((uint8_t *)text + head, (uint8_t *)text + head, size, mask);
    (void)bi_frame_write_head((uint8_t *)text, BI_FRAME_FINAL | BI_OPCODE_TEXT, size, is_client ? &mask : NULL);
    return bight_transport_commit(transport, head + size);
}

int bight_websocket_sendf(struct bight_websocket *socket, const char *format, ...)
{
    int code = bi_socket_check(socket);
    char *text;
    size_t size;
    if (code != BIGHT_OK) {
        return code;
    }
    va_list arguments;
    va_start(arguments, format);
    code = bight_transport_reserve_format(socket->base.transport, BI_FRAME_HEAD, &text, &size, format, arguments);
    va_end(arguments);
    return code == BIGHT_OK ? commit_text(socket, text, size) : code;
}

int bight_websocket_ping(struct bight_websocket *socket, const void *data, size_t size)
{
    if (size > BI_CONTROL_PAYLOAD) {
        return bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, "a ping: it is over 125 bytes");
    }
    return bight_websocket_is_open(socket) ? bi_socket_send(socket, BI_FRAME_FINAL | BI_OPCODE_PING, data, size)
                                           : BIGHT_E_CLOSED;
}

/* ----------------------------------------------------------------------------------------------- in pieces */

static int check_piece(struct bight_websocket *socket, unsigned kind)
{
    if (!bight_websocket_is_open(socket)) {
        return BIGHT_E_CLOSED;
    }
    if (kind != BI_OPCODE_TEXT && kind != BI_OPCODE_BINARY) {
        return bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, "a piece of a message: its kind is none");
    }
    if (socket->own->sending != 0 && socket->own->sending != kind) {
        return bi_websocket_usage(BIGHT_E_USAGE, "a piece of a message: those before it are of the other kind");
    }
    return BIGHT_OK;
}

/* What is known of the text changes only if the piece goes out. */
static int check_text(struct bi_utf8 *sent, const void *data, size_t size, bool last)
{
    bool is_text = bi_utf8_feed(sent, data, size) && (!last || bi_utf8_is_complete(sent));
    return is_text ? BIGHT_OK : refuse_text();
}

int bight_websocket_send_piece(
    struct bight_websocket *socket, enum bight_websocket_kind kind, const void *data, size_t size, bool last)
{
    struct bight_websocket_state *own = socket->own;
    int code = check_piece(socket, (unsigned)kind);
    if (code != BIGHT_OK) {
        return code;
    }
    struct bi_utf8 sent = own->sending != 0 ? own->sent : (struct bi_utf8) { 0 };
    code = kind == BIGHT_WEBSOCKET_TEXT ? check_text(&sent, data, size, last) : BIGHT_OK;
    if (code != BIGHT_OK) {
        return code;
    }
    unsigned opcode = own->sending != 0 ? BI_OPCODE_CONTINUATION : (unsigned)kind;
    own->sent = sent;
    own->sending = last ? 0 : (uint8_t)kind;
    return bi_socket_send(socket, opcode | (last ? BI_FRAME_FINAL : 0), data, size);
}

/* --------------------------------------------------------------------------------------------- to many */

struct bight_websocket_message {
    atomic_size_t holds;
    unsigned first; /* of its frame */
    bool is_small;  /* is never compressed */
    size_t head;    /* bytes of `frame` before the payload */
    struct bight_bytes *frame;
    _Atomic(struct bight_bytes *) compressed; /* a hold; NULL: not yet; `frame`: it is not worth it */
};

static struct bight_bytes *make_frame(unsigned first, const void *data, size_t size, size_t *head)
{
    uint8_t *content;
    *head = bi_frame_head_size(size, false);
    struct bight_bytes *frame = size <= SIZE_MAX - *head ? bight_bytes_new_uninitialised(*head + size, &content) : NULL;
    if (frame != NULL) {
        (void)bi_frame_write_head(content, first, size, NULL);
        if (size > 0) {
            memcpy(content + *head, data, size);
        }
    }
    return frame;
}

struct bight_websocket_message *bight_websocket_message_new(
    enum bight_websocket_kind kind, const void *data, size_t size)
{
    if (kind != BIGHT_WEBSOCKET_TEXT && kind != BIGHT_WEBSOCKET_BINARY) {
        (void)bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, "a message for many: its kind is none");
        return NULL;
    }
    if (kind == BIGHT_WEBSOCKET_TEXT && !bi_is_utf8(data, size)) {
        (void)refuse_text();
        return NULL;
    }
    struct bight_websocket_message *message = bight_malloc(sizeof *message);
    if (message == NULL) {
        return NULL;
    }
    atomic_init(&message->holds, 1);
    message->first = BI_FRAME_FINAL | (unsigned)kind;
    message->is_small = size < BI_DEFLATE_FROM;
    atomic_init(&message->compressed, NULL);
    message->frame = make_frame(message->first, data, size, &message->head);
    if (message->frame == NULL) {
        bight_free(message);
        return NULL;
    }
    return message;
}

struct bight_websocket_message *bight_websocket_message_hold(struct bight_websocket_message *message)
{
    if (message != NULL) {
        atomic_fetch_add_explicit(&message->holds, 1, memory_order_relaxed);
    }
    return message;
}

void bight_websocket_message_release(struct bight_websocket_message *message)
{
    if (message != NULL && atomic_fetch_sub_explicit(&message->holds, 1, memory_order_acq_rel) == 1) {
        bight_bytes_release(atomic_load_explicit(&message->compressed, memory_order_relaxed));
        bight_bytes_release(message->frame);
        bight_free(message);
    }
}

static struct bight_bytes *compress(struct bi_shared *shared, const struct bight_websocket_message *message)
{
    struct bi_view payload = { bight_bytes_data(message->frame) + message->head,
        bight_bytes_size(message->frame) - message->head };
    size_t size, head;
    uint8_t *small = bi_deflate_shared(shared, payload, &size);
    struct bight_bytes *frame =
        small != NULL ? make_frame(message->first | BI_FRAME_COMPRESSED, small, size, &head) : NULL;
    bight_free(small);
    return frame != NULL ? frame : bight_bytes_hold(message->frame);
}

/* Once, by whichever reactor is the first; borrowed. */
static struct bight_bytes *compressed_frame(struct bi_shared *shared, struct bight_websocket_message *message)
{
    struct bight_bytes *frame = atomic_load_explicit(&message->compressed, memory_order_acquire), *none = NULL;
    if (frame != NULL) {
        return frame;
    }
    frame = compress(shared, message);
    if (!atomic_compare_exchange_strong(&message->compressed, &none, frame)) {
        bight_bytes_release(frame);
        frame = none;
    }
    return frame;
}

/* A client's frames are masked, each with a mask of its own. What others share refers to nothing that was sent before,
 * and with takeover is no part of what the next message may refer to, so it goes as it is. */
static int send_frame(struct bight_websocket *socket, struct bight_websocket_message *message)
{
    size_t size = bight_bytes_size(message->frame) - message->head;
    if (socket->own->is_client) {
        return bi_socket_send_message(
            socket, message->first & ~BI_FRAME_FINAL, bight_bytes_data(message->frame) + message->head, size);
    }
    bool is_shared = bi_deflate_may_share(socket->own, size);
    int code = bight_transport_write_bytes(
        socket->base.transport, is_shared ? compressed_frame(socket->own->shared, message) : message->frame);
    if (code != BIGHT_OK) {
        bi_socket_abort(socket);
    }
    return code;
}

static int __attribute__((noinline))
send_unusual(struct bight_websocket *socket, struct bight_websocket_message *message)
{
    int code = message != NULL ? bi_socket_check(socket) : BIGHT_E_OUT_OF_MEMORY;
    if (code != BIGHT_OK) {
        return code;
    }
    const struct bi_settings *settings = &socket->own->shared->settings;
    if (bight_transport_queued(socket->base.transport) > settings->slow_limit) {
        if (!settings->skip_slow) {
            bi_socket_abort(socket);
        }
        return BIGHT_E_OVERFLOW;
    }
    return send_frame(socket, message);
}

/* Nearly always: nothing but the transport has to be asked. */
static inline bool is_plain(const struct bight_websocket_state *own, const struct bight_websocket_message *message)
{
    return own->phase == BI_PHASE_OPEN && own->sending == 0 && !own->is_client &&
           (!own->is_deflated || message->is_small);
}

int bight_websocket_send_message(struct bight_websocket *socket, struct bight_websocket_message *message)
{
    const struct bight_websocket_state *own = socket->own;
    if (message != NULL && is_plain(own, message) &&
        bight_transport_write_common(socket->base.transport, message->frame, own->shared->settings.slow_limit)) {
        return BIGHT_OK;
    }
    return send_unusual(socket, message);
}
