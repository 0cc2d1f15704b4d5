/* SPDX-License-Identifier: MIT */
/* socket.c - a socket as a protocol: frames in, messages out (W1).
 *
 * A message that lies whole in the receive buffer is unmasked where it lies, and handed out from there; text moves one
 * byte towards its head by that, which makes room for the NUL behind it. Only what comes in parts is gathered, and each
 * byte is copied once. Between any two handlers the transport is asked whether it takes more, and what is left is given
 * back. */
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/sys/input.h>

#include "http/message/likely.h"
#include "http/websocket/dial.h"

#define CLIENT_OUTPUT ((size_t)16 << 20) /* what a transport lets wait, as for a server's */
#define SCRATCH 4096
#define LARGEST_PIECE 65536

/* Of a factory without a table. */
static const struct bight_websocket_ops no_ops = { .opened = NULL };

/* What is being gone through. */
struct delivery {
    struct bight_websocket *socket;
    struct bi_incoming *incoming;
    struct bi_view input;
    const uint8_t *begin;
    bool may_change, is_quick; /* what lies whole in it is for receive_whole */
};

/* ---------------------------------------------------------------------------------------- messages out */

static void deliver(struct bight_websocket *socket, unsigned opcode, const uint8_t *data, size_t size)
{
    const struct bight_websocket_ops *ops = socket->own->ops;
    if (opcode == BI_OPCODE_BINARY && ops->binary_received != NULL) {
        ops->binary_received(socket, data, size);
    } else if (opcode == BI_OPCODE_TEXT && ops->text_received != NULL) {
        ops->text_received(socket, (const char *)data, size);
    }
}

static bool is_open(const struct bight_websocket *socket)
{
    return socket->own->phase == BI_PHASE_OPEN;
}

static void fail_as_read(const struct delivery *delivery)
{
    bi_socket_fail(delivery->socket, (enum bi_violation)delivery->incoming->reader.violation);
}

/* Where a whole message may be put without copying it elsewhere; NULL: nowhere. */
static uint8_t *place_of(const struct delivery *delivery, const struct bi_frame_piece *piece)
{
    uint8_t *at = (uint8_t *)(uintptr_t)piece->data.at;
    bool is_text = piece->opcode == BI_OPCODE_TEXT;
    if (!piece->is_first || !piece->is_last || piece->is_compressed) {
        return NULL;
    }
    if (!delivery->may_change && (is_text || piece->mask != 0)) {
        return NULL;
    }
    return !is_text ? at : piece->data.at > delivery->begin ? at - 1 : NULL;
}

static void receive_in_place(const struct delivery *delivery, const struct bi_frame_piece *piece, uint8_t *to)
{
    if (BI_RARELY(!bi_frame_take(&delivery->incoming->reader, piece, to))) {
        fail_as_read(delivery);
        return;
    }
    if (piece->opcode == BI_OPCODE_TEXT) {
        to[piece->data.size] = '\0';
    }
    deliver(delivery->socket, piece->opcode, to, piece->data.size);
}

/* Of 64 KiB at most, as they would have come. */
static void deliver_in_pieces(struct bight_websocket *socket, unsigned opcode, const struct bi_gathered *message)
{
    size_t at = 0, size;
    do {
        size = message->size - at < LARGEST_PIECE ? message->size - at : LARGEST_PIECE;
        socket->own->ops->piece_received(
            socket, (enum bight_websocket_kind)opcode, message->bytes + at, size, at + size == message->size);
        at += size;
    } while (at < message->size && is_open(socket));
}

/* The message is taken out while its handler runs. */
static void deliver_gathered(const struct delivery *delivery, unsigned opcode)
{
    struct bi_gathered *message = delivery->incoming->message;
    delivery->incoming->message = NULL;
    message->bytes[message->size] = '\0';
    if (delivery->socket->own->takes_pieces) {
        deliver_in_pieces(delivery->socket, opcode, message);
    } else {
        deliver(delivery->socket, opcode, message->bytes, message->size);
    }
    bight_free(message);
}

/* In place of what has been gathered, what that stands for. False: nothing. */
static bool inflate_gathered(const struct delivery *delivery, unsigned opcode)
{
    struct bi_incoming *incoming = delivery->incoming;
    struct bi_shared *shared = delivery->socket->own->shared;
    struct bi_gathered *plain;
    struct bi_view data = { incoming->message->bytes, incoming->message->size };
    enum bi_inflate_result result =
        bi_inflate_message(delivery->socket->own, data, shared->settings.message_limit, &plain);
    bi_gathered_drop(&incoming->message);
    if (result == BI_INFLATE_NO_MEMORY) {
        bi_socket_abort(delivery->socket);
    } else if (result != BI_INFLATE_MORE) {
        bi_socket_fail(
            delivery->socket, result == BI_INFLATE_FULL ? BI_VIOLATION_TOO_BIG : BI_VIOLATION_NOT_COMPRESSED);
    } else if (opcode == BI_OPCODE_TEXT && !bi_frame_check_text(&incoming->reader, plain->bytes, plain->size, true)) {
        bi_gathered_drop(&plain);
        fail_as_read(delivery);
    } else {
        incoming->message = plain;
    }
    return incoming->message != NULL;
}

static void gather(const struct delivery *delivery, const struct bi_frame_piece *piece)
{
    struct bi_incoming *incoming = delivery->incoming;
    uint8_t *room = bi_gathered_room(&incoming->message, piece->data.size, piece->behind);
    if (room == NULL) {
        bi_gathered_drop(&incoming->message);
        bi_socket_abort(delivery->socket);
    } else if (!bi_frame_take(&incoming->reader, piece, room)) {
        bi_gathered_drop(&incoming->message);
        fail_as_read(delivery);
    } else {
        incoming->message->size += piece->data.size;
        if (piece->is_last && (!piece->is_compressed || inflate_gathered(delivery, piece->opcode))) {
            deliver_gathered(delivery, piece->opcode);
        }
    }
}

static void deliver_piece(const struct delivery *delivery, const struct bi_frame_piece *piece, uint8_t *to)
{
    struct bight_websocket *socket = delivery->socket;
    if (!bi_frame_take(&delivery->incoming->reader, piece, to)) {
        fail_as_read(delivery);
        return;
    }
    socket->own->ops->piece_received(
        socket, (enum bight_websocket_kind)piece->opcode, to, piece->data.size, piece->is_last);
}

/* What may not be changed where it lies is copied bit by bit. */
static void receive_pieces(const struct delivery *delivery, const struct bi_frame_piece *piece)
{
    uint8_t scratch[SCRATCH];
    struct bi_frame_piece part = *piece;
    if (delivery->may_change) {
        deliver_piece(delivery, piece, (uint8_t *)(uintptr_t)piece->data.at);
        return;
    }
    do {
        struct bi_view rest = bi_view_from(part.data, part.data.size < SCRATCH ? part.data.size : SCRATCH);
        part.data.size -= rest.size;
        part.is_last = piece->is_last && rest.size == 0;
        deliver_piece(delivery, &part, scratch);
        part.mask = bi_mask_behind(part.mask, part.data.size);
        part.data = rest;
    } while (part.data.size > 0 && is_open(delivery->socket));
}

static void receive_data(const struct delivery *delivery, const struct bi_frame_piece *piece)
{
    if (piece->is_last) {
        delivery->incoming->is_timed = false;
    }
    if (!is_open(delivery->socket)) {
        return;
    }
    if (delivery->socket->own->takes_pieces && !piece->is_compressed) {
        receive_pieces(delivery, piece);
        return;
    }
    uint8_t *place = place_of(delivery, piece);
    if (BI_USUALLY(place != NULL)) {
        receive_in_place(delivery, piece, place);
    } else {
        gather(delivery, piece);
    }
}

/* -------------------------------------------------------------------------------------- control frames */

static void receive_control(const struct delivery *delivery, const struct bi_frame_piece *piece)
{
    struct bight_websocket *socket = delivery->socket;
    const struct bight_websocket_ops *ops = socket->own->ops;
    struct bi_incoming *incoming = delivery->incoming;
    incoming->is_timed = incoming->is_timed && incoming->reader.message != 0;
    if (piece->opcode == BI_OPCODE_CLOSE) {
        bi_socket_close_received(socket, piece->data);
    } else if (!is_open(socket)) {
        return;
    } else if (piece->opcode == BI_OPCODE_PONG) {
        if (ops->pong_received != NULL) {
            ops->pong_received(socket, piece->data.at, piece->data.size);
        }
    } else {
        bi_socket_pong(socket, piece->data);
        if (ops->ping_received != NULL) {
            ops->ping_received(socket, piece->data.at, piece->data.size);
        }
    }
}

/* ---------------------------------------------------------------------------------------- whole messages */

/* False: its handler is for the rest to find. */
static inline bool has_handler(const struct bight_websocket_ops *ops, unsigned opcode)
{
    return opcode == BI_OPCODE_TEXT ? ops->text_received != NULL : ops->binary_received != NULL;
}

/* Its head makes room for the NUL. */
static inline void deliver_text(struct bight_websocket *socket, const struct bi_frame_whole *whole)
{
    size_t size = whole->data.size;
    uint8_t *text = (uint8_t *)(uintptr_t)whole->data.at - 1;
    if (BI_RARELY(!bi_mask_apply(text, whole->data.at, size, whole->mask)) && !bi_is_utf8(text, size)) {
        bi_socket_fail(socket, BI_VIOLATION_NOT_UTF8);
        return;
    }
    text[size] = '\0';
    socket->own->ops->text_received(socket, (const char *)text, size);
}

static inline void deliver_binary(struct bight_websocket *socket, const struct bi_frame_whole *whole)
{
    uint8_t *data = (uint8_t *)(uintptr_t)whole->data.at;
    if (whole->mask != 0) {
        (void)bi_mask_apply(data, data, whole->data.size, whole->mask);
    }
    socket->own->ops->binary_received(socket, data, whole->data.size);
}

static bool takes_more(const struct bight_websocket *socket)
{
    return is_open(socket) && bight_transport_takes_input(socket->base.transport);
}

/* Messages that lie whole in input that may be changed, up to the first thing that is none: each is unmasked and handed
 * out where it lies, and nothing is remembered of it. To be called when no message is under way, and more is taken. */
BI_HOT static void receive_whole(struct bight_websocket *socket, struct bi_view *input)
{
    const struct bight_websocket_state *own = socket->own;
    struct bi_frame_whole whole;
    struct bi_view rest;
    do {
        if (!bi_frame_find_whole(*input, own->shared->settings.message_limit, !own->is_client, &whole, &rest) ||
            !has_handler(own->ops, whole.opcode)) {
            return;
        }
        *input = rest;
        if (whole.opcode == BI_OPCODE_TEXT) {
            deliver_text(socket, &whole);
        } else {
            deliver_binary(socket, &whole);
        }
    } while (rest.size > 0 && takes_more(socket));
}

/* ------------------------------------------------------------------------------------------- input */

static struct bi_frame_rule rule_of(const struct bight_websocket_state *own)
{
    const struct bight_websocket_ops *ops = own->ops;
    bool takes_all = own->takes_pieces || (ops->text_received == NULL && ops->binary_received == NULL);
    return (struct bi_frame_rule) { .limit = own->shared->settings.message_limit,
        .is_masked = !own->is_client,
        .is_deflated = own->is_deflated,
        .takes_text = takes_all || ops->text_received != NULL,
        .takes_binary = takes_all || ops->binary_received != NULL };
}

/* False: all has been used. */
static bool receive_next(struct delivery *delivery, const struct bi_frame_rule *rule)
{
    uint8_t scratch[BI_CONTROL_PAYLOAD];
    struct bi_frame_piece piece;
    switch (bi_frame_next(&delivery->incoming->reader, rule, &delivery->input, &piece, scratch)) {
    case BI_FRAME_DATA:
        receive_data(delivery, &piece);
        return true;
    case BI_FRAME_CONTROL:
        receive_control(delivery, &piece);
        return true;
    case BI_FRAME_VIOLATION:
        fail_as_read(delivery);
        return true;
    case BI_FRAME_NO_MEMORY:
        bi_socket_abort(delivery->socket);
        return true;
    case BI_FRAME_PARTIAL:
        break;
    }
    return false;
}

/* Something has not come whole: its time runs. */
static void keep(struct delivery *delivery, const struct bi_incoming *fresh)
{
    struct bight_websocket *socket = delivery->socket;
    struct bi_incoming *incoming = delivery->incoming;
    const struct bi_shared *shared = socket->own->shared;
    if (!incoming->is_timed && is_open(socket)) {
        incoming->is_timed = true;
        incoming->begun = shared->tick;
        bi_watch_want_within(socket, shared->settings.fragment);
    }
    if (bi_incoming_keep(socket->own, incoming, fresh) != BIGHT_OK) {
        bi_incoming_drop(socket->own, incoming, fresh);
        bi_socket_abort(socket);
    }
}

static void go_through(struct delivery *delivery)
{
    const struct bight_websocket_state *own = delivery->socket->own;
    struct bight_transport *transport = delivery->socket->base.transport;
    struct bi_frame_rule rule = rule_of(own);
    while (delivery->input.size > 0 && own->phase < BI_PHASE_ENDING && bight_transport_takes_input(transport) &&
           receive_next(delivery, &rule)) {
        if (bi_frame_is_between(&delivery->incoming->reader) && delivery->is_quick && takes_more(delivery->socket)) {
            receive_whole(delivery->socket, &delivery->input);
        }
    }
    if (BI_RARELY(delivery->input.size > 0) && own->phase < BI_PHASE_ENDING) {
        (void)bight_transport_give_back(transport, delivery->input.at, delivery->input.size);
    }
}

/* Anything but messages that lie whole, and what follows it. */
static void __attribute__((noinline))
receive_other(struct bight_websocket *socket, struct bi_view input, bool may_change, bool is_quick)
{
    struct bight_websocket_state *own = socket->own;
    struct bi_incoming fresh;
    struct delivery delivery = { .socket = socket,
        .incoming = bi_incoming_take(own, &fresh),
        .input = input,
        .begin = input.at,
        .may_change = may_change,
        .is_quick = is_quick };
    go_through(&delivery);
    if (delivery.incoming == &fresh && bi_incoming_is_nothing(&fresh)) {
        return;
    }
    if (own->phase < BI_PHASE_ENDING && !bi_frame_is_between(&delivery.incoming->reader)) {
        keep(&delivery, &fresh);
    } else {
        bi_incoming_drop(own, delivery.incoming, &fresh);
    }
}

BI_HOT static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bight_websocket *socket = bi_websocket_of(protocol);
    struct bight_websocket_state *own = socket->own;
    struct bi_view input = { data, size };
    if (BI_RARELY(own->phase >= BI_PHASE_ENDING)) {
        return;
    }
    bi_watch_heard(own);
    if (BI_RARELY(own->shared->is_still)) {
        bi_watch_arm(own->shared);
    }
    bool may_change = bight_input_may_change(protocol, data, size), is_quick = may_change && !own->takes_pieces;
    if (BI_USUALLY(is_quick && own->incoming == NULL && is_open(socket))) {
        receive_whole(socket, &input);
    }
    if (BI_RARELY(input.size > 0) && own->phase < BI_PHASE_ENDING) {
        receive_other(socket, input, may_change, is_quick);
    }
}

/* ------------------------------------------------------------------------------------- the beginning */

static void set_memory(struct bight_protocol *protocol, void *memory)
{
    const struct bight_websocket_factory *factory = (const struct bight_websocket_factory *)protocol->factory;
    struct bight_websocket_state *own = memory;
    own->ops = factory->ops != NULL ? factory->ops : &no_ops;
    own->takes_pieces = own->ops->piece_received != NULL;
    own->place = (uint32_t)((size_t)((char *)memory - (char *)protocol) / BI_PLACE);
    bi_websocket_of(protocol)->own = own;
}

/* Accepted connections have a limit. */
static void limit_output(struct bight_websocket *socket)
{
    if (socket->own->is_client) {
        (void)bight_transport_set_output_limit(socket->base.transport, CLIENT_OUTPUT);
    }
}

static void connection_made(struct bight_protocol *protocol)
{
    struct bight_websocket *socket = bi_websocket_of(protocol);
    struct bight_websocket_state *own = socket->own;
    if (bi_shared_join(socket) != BIGHT_OK) {
        own->phase = BI_PHASE_ENDING;
        (void)bight_transport_abort_connection(protocol->transport);
        return;
    }
    own->phase = BI_PHASE_OPEN;
    own->was_opened = true;
    limit_output(socket);
    bi_watch_heard(own);
    bi_watch_want_within(socket, own->shared->settings.ping);
    if (own->ops->opened != NULL) {
        own->ops->opened(socket, own->extras != NULL ? own->extras->request : NULL);
    }
    bi_socket_release_request(socket);
    bi_dial_opened(socket);
    bi_extras_trim(own);
}

/* -------------------------------------------------------------------------------------------- the ends */

static void call_closed(struct bight_websocket *socket)
{
    const struct bight_websocket_state *own = socket->own;
    if (own->was_opened && own->ops->closed != NULL) {
        own->ops->closed(socket, bi_socket_close_code(socket), bi_socket_close_reason(socket), own->is_clean);
    }
}

static void drop_incoming(struct bight_websocket_state *own)
{
    struct bi_incoming *incoming = own->incoming;
    own->incoming = NULL;
    if (incoming != NULL) {
        bi_incoming_drop(own, incoming, NULL);
    }
}

static void come_to_end(struct bight_protocol *protocol)
{
    struct bight_websocket *socket = bi_websocket_of(protocol);
    socket->own->phase = BI_PHASE_ENDING;
    drop_incoming(socket->own);
    bi_kept_drop(socket->own);
    bi_socket_release_request(socket);
    bi_dial_dropped(socket);
    if (socket->own->shared != NULL) {
        bi_shared_leave(socket);
    }
    call_closed(socket);
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)reason;
    come_to_end(protocol);
}

static void room(struct bight_protocol *protocol)
{
    struct bight_websocket *socket = bi_websocket_of(protocol);
    bi_socket_send_kept_pong(socket);
    if (is_open(socket) && socket->own->ops->room != NULL) {
        socket->own->ops->room(socket);
    }
}

/* One that is closing has its time. */
static bool drain(struct bight_protocol *protocol)
{
    struct bight_websocket *socket = bi_websocket_of(protocol);
    const struct bight_websocket_ops *ops = socket->own->ops;
    if (!is_open(socket) || ops->drain == NULL || !ops->drain(socket)) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_GOING_AWAY, NULL);
    }
    return true;
}

static void finish(struct bight_protocol *protocol)
{
    struct bight_websocket *socket = bi_websocket_of(protocol);
    struct bight_websocket_state *own = socket->own;
    drop_incoming(own);
    bi_socket_release_request(socket);
    bi_dial_dropped(socket);
    if (own->ops->finish != NULL) {
        own->ops->finish(socket);
    }
    bi_extras_free(own);
    bi_shared_release(own->shared);
}

const struct bight_protocol_ops bight_websocket_protocol_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .connection_lost = connection_lost,
    .protocol_replaced = come_to_end,
    .room = room,
    .drain = drain,
    .finish = finish,
    .memory_size = sizeof(struct bight_websocket_state),
    .set_memory = set_memory,
};

/* --------------------------------------------------------------------------------------------- facts */

bool bight_websocket_is_open(const struct bight_websocket *socket)
{
    return is_open(socket) && bight_transport_is_open(socket->base.transport);
}

const char *bight_websocket_subprotocol(const struct bight_websocket *socket)
{
    return socket->own->extras != NULL ? socket->own->extras->subprotocol : NULL;
}
