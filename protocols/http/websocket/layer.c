/* SPDX-License-Identifier: MIT */
/* layer.c - bytes over WebSocket: what is written goes out in binary messages, and what comes in them is received (W8).
 *
 * The handshake is what a wrapper's layer prepares. Of messages nothing is kept: the payload of a server's frame lies
 * in the input as it is. Ends are the stream's: a write that ends sends a close frame and the end behind it, and the
 * peer's close frame is the end of what is received. */
#include "http/websocket/layer.h"

#include <bight/memory.h>
#include <bight/sys/digest.h>

#define MOST_FRAME ((size_t)64 << 10) /* bytes of a message that is sent */
#define SILENCE 30.0                  /* seconds until a ping, and from then on until the peer is dead */

struct lent {
    struct lent *next;
    bight_release_function release;
    void *context;
};

struct layer {
    struct bight_layer base;
    struct bi_dial *dial; /* the wrapper's; NULL: the handshake is over */
    struct bi_frame_reader reader;
    struct lent *lent; /* memory that has been copied, to be released outside of any write */
    struct bight_timer timer;
    bool is_ready, is_end_sent, is_end_read, is_over, is_heard, is_pinged, has_pong;
    size_t pong_size;
    uint8_t pong[BI_CONTROL_PAYLOAD];
};

static const struct bi_frame_rule rule = { .limit = UINT64_MAX, .takes_binary = true };

static struct layer *layer_of(struct bight_layer *layer)
{
    return (struct layer *)layer; /* its first member */
}

static void fail(struct layer *layer, struct bight_failure *failure)
{
    layer->is_over = true;
    bight_layer_fail(&layer->base, failure);
}

/* ------------------------------------------------------------------------------------------- frames out */

static int write_frame(struct layer *layer, uint8_t *room, unsigned first, const void *data, size_t size, size_t *used)
{
    bi_mask mask = 0;
    int code = bight_random(bight_transport_reactor(layer->base.transport), &mask, sizeof mask);
    if (code == BIGHT_OK) {
        size_t head = bi_frame_write_head(room, first, size, &mask);
        (void)bi_mask_apply(room + head, data, size, mask);
        *used += head + size;
    }
    return code;
}

static int send_control(struct layer *layer, unsigned opcode, const void *data, size_t size)
{
    uint8_t room[BI_FRAME_HEAD + BI_CONTROL_PAYLOAD];
    size_t used = 0;
    int code = write_frame(layer, room, BI_FRAME_FINAL | opcode, data, size, &used);
    const struct bight_piece piece = { .data = room, .size = used, .counted = true };
    return code == BIGHT_OK ? bight_layer_send(&layer->base, &piece, 1) : code;
}

static void send_close(struct layer *layer, const void *payload, size_t size)
{
    if (!layer->is_end_sent) {
        layer->is_end_sent = true;
        (void)send_control(layer, BI_OPCODE_CLOSE, payload, size);
    }
}

static void send_close_code(struct layer *layer, unsigned code)
{
    const uint8_t payload[] = { (uint8_t)(code >> 8), (uint8_t)code };
    send_close(layer, payload, sizeof payload);
}

/* ------------------------------------------------------------------------------------------- bytes out */

static size_t size_of(const struct bight_piece *pieces, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += pieces[i].size;
    }
    return size;
}

/* What the pieces lend is theirs again soon. */
static int note_lent(const struct bight_piece *pieces, size_t count, struct lent **noted)
{
    *noted = NULL;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].release == NULL) {
            continue;
        }
        struct lent *lent = bight_malloc(sizeof *lent);
        if (lent == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
        *lent = (struct lent) { *noted, pieces[i].release, pieces[i].context };
        *noted = lent;
    }
    return BIGHT_OK;
}

static void forget(struct lent *lent, bool releases)
{
    while (lent != NULL) {
        struct lent *next = lent->next;
        if (releases) {
            lent->release(lent->context);
        }
        bight_free(lent);
        lent = next;
    }
}

/* One behind the other. */
static void gather(const struct bight_piece *pieces, size_t count, uint8_t *to)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].size > 0) {
            memcpy(to, pieces[i].data, pieces[i].size);
        }
        to += pieces[i].size;
    }
}

/* The bytes stand at the end of the room, and are masked towards its beginning. */
static int frame_all(struct layer *layer, uint8_t *room, const uint8_t *data, size_t size, size_t *used)
{
    int code = BIGHT_OK;
    while (size > 0 && code == BIGHT_OK) {
        size_t part = size < MOST_FRAME ? size : MOST_FRAME;
        code = write_frame(layer, room + *used, BI_FRAME_FINAL | BI_OPCODE_BINARY, data, part, used);
        data += part;
        size -= part;
    }
    return code;
}

static int send_framed(struct layer *layer, const struct bight_piece *pieces, size_t count, size_t size)
{
    size_t heads = (size / MOST_FRAME + 1) * BI_FRAME_HEAD, used = 0;
    uint8_t *room = bight_malloc(heads + size);
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    gather(pieces, count, room + heads);
    int code = frame_all(layer, room, room + heads, size, &used);
    const struct bight_piece piece = {
        .data = room, .size = used, .release = bight_free, .context = room, .counted = true
    };
    code = code == BIGHT_OK ? bight_layer_send(&layer->base, &piece, 1) : code;
    if (code != BIGHT_OK) {
        bight_free(room);
    }
    return code;
}

static int written(struct bight_layer *base, const struct bight_piece *pieces, size_t count)
{
    struct layer *layer = layer_of(base);
    size_t size = size_of(pieces, count);
    struct lent *lent;
    if (layer->is_end_sent || layer->is_over) {
        return BIGHT_E_CLOSED;
    }
    int code = note_lent(pieces, count, &lent);
    code = code == BIGHT_OK && size > 0 ? send_framed(layer, pieces, count, size) : code;
    if (code != BIGHT_OK) {
        forget(lent, false);
        return code;
    }
    if (lent != NULL) {
        struct lent *last = lent;
        while (last->next != NULL) {
            last = last->next;
        }
        last->next = layer->lent;
        layer->lent = lent;
        bight_layer_flush_later(base);
    }
    return BIGHT_OK;
}

static void write_ended(struct bight_layer *base)
{
    send_close_code(layer_of(base), BIGHT_WEBSOCKET_NORMAL);
    bight_layer_send_end(base);
}

/* --------------------------------------------------------------------------------------------- pongs */

static bool is_full(const struct layer *layer)
{
    size_t low, high;
    bight_transport_get_watermarks(layer->base.transport, &low, &high);
    return bight_transport_queued(layer->base.transport) > high;
}

static int flush(struct bight_layer *base)
{
    struct layer *layer = layer_of(base);
    struct lent *lent = layer->lent;
    int code = BIGHT_OK;
    layer->lent = NULL;
    if (layer->has_pong && !is_full(layer)) {
        layer->has_pong = false;
        code = layer->is_end_sent ? BIGHT_OK : send_control(layer, BI_OPCODE_PONG, layer->pong, layer->pong_size);
    }
    forget(lent, true);
    return code;
}

/* Of several pings the last one counts, if the peer takes none of the answers. */
static void answer_ping(struct layer *layer, struct bi_view payload)
{
    layer->has_pong = true;
    layer->pong_size = payload.size;
    if (payload.size > 0) {
        memcpy(layer->pong, payload.at, payload.size);
    }
    if (is_full(layer)) {
        bight_layer_flush_with_room(&layer->base);
    } else {
        bight_layer_flush_later(&layer->base);
    }
}

/* -------------------------------------------------------------------------------------------- silence */

static void look(void *context);

static void watch(struct layer *layer)
{
    (void)bight_call_later(bight_transport_reactor(layer->base.transport), SILENCE, look, layer, &layer->timer);
}

/* A peer that is not listened to may have said something. */
static void look(void *context)
{
    struct layer *layer = context;
    bool is_alive = layer->is_heard || !bight_transport_takes_input(layer->base.transport);
    if (layer->is_over || layer->is_end_read) {
        return;
    }
    if (!is_alive && layer->is_pinged) {
        fail(layer, bight_failure_new(BIGHT_E_TIMED_OUT, 0, NULL, "the WebSocket's peer does not answer"));
        return;
    }
    layer->is_pinged = !is_alive;
    layer->is_heard = false;
    if (!is_alive && !layer->is_end_sent) {
        (void)send_control(layer, BI_OPCODE_PING, NULL, 0);
    }
    watch(layer);
}

/* ------------------------------------------------------------------------------------------- frames in */

static void close_received(struct layer *layer, struct bi_view payload)
{
    unsigned code = payload.size >= 2 ? (unsigned)payload.at[0] << 8 | payload.at[1] : BIGHT_WEBSOCKET_NO_CODE;
    bool is_fine =
        code == BIGHT_WEBSOCKET_NORMAL || code == BIGHT_WEBSOCKET_GOING_AWAY || code == BIGHT_WEBSOCKET_NO_CODE;
    layer->is_end_read = true;
    if (layer->is_end_sent || is_fine) {
        send_close(layer, payload.at, payload.size);
        bight_layer_deliver_end(&layer->base);
        return;
    }
    send_close(layer, payload.at, payload.size);
    fail(
        layer, bight_failure_new_status(BIGHT_E_CONNECTION_LOST, (int)code, NULL,
                   "the WebSocket has closed with %u%s%.*s", code, payload.size > 2 ? ": " : "",
                   payload.size > 2 ? (int)payload.size - 2 : 0, payload.size > 2 ? (const char *)payload.at + 2 : ""));
}

static void refuse(struct layer *layer)
{
    enum bi_violation violation = (enum bi_violation)layer->reader.violation;
    send_close_code(layer, bi_violation_code(violation));
    fail(layer, bight_failure_new(BIGHT_E_SYNTAX, 0, NULL, "the WebSocket: %s", bi_violation_text(violation)));
}

static void receive_control(struct layer *layer, const struct bi_frame_piece *piece)
{
    if (piece->opcode == BI_OPCODE_CLOSE) {
        close_received(layer, piece->data);
    } else if (piece->opcode == BI_OPCODE_PING) {
        answer_ping(layer, piece->data);
    }
}

static void receive_frames(struct layer *layer, struct bi_view input)
{
    uint8_t scratch[BI_CONTROL_PAYLOAD];
    struct bi_frame_piece piece;
    layer->is_heard |= input.size > 0;
    while (input.size > 0 && !layer->is_end_read && !layer->is_over) {
        switch (bi_frame_next(&layer->reader, &rule, &input, &piece, scratch)) {
        case BI_FRAME_DATA:
            if (piece.data.size > 0) { /* without a mask it is as it is */
                bight_layer_deliver(&layer->base, piece.data.at, piece.data.size);
            }
            break;
        case BI_FRAME_CONTROL:
            receive_control(layer, &piece);
            break;
        case BI_FRAME_VIOLATION:
            refuse(layer);
            break;
        case BI_FRAME_NO_MEMORY:
            fail(layer, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
            break;
        case BI_FRAME_PARTIAL:
            return;
        }
    }
}

/* ----------------------------------------------------------------------------------------- the handshake */

static int prepare(struct bight_layer *base)
{
    const struct bi_dial *dial = layer_of(base)->dial;
    const struct bight_piece piece = {
        .data = (const uint8_t *)dial->request, .size = dial->request_size, .counted = true
    };
    int code = bight_layer_send(base, &piece, 1);
    return code == BIGHT_OK ? 1 : code;
}

static void end_handshake(struct layer *layer)
{
    if (layer->dial != NULL) {
        bi_response_parser_finish(&layer->dial->parser);
        layer->dial = NULL;
    }
}

static void answered(struct layer *layer, struct bi_view rest)
{
    struct bi_agreed agreed = { .is_deflated = false };
    struct bight_failure *failure = bi_dial_judge(layer->dial, &agreed);
    end_handshake(layer);
    if (failure != NULL) {
        fail(layer, failure);
        return;
    }
    layer->is_ready = true;
    watch(layer);
    bight_layer_ready(&layer->base);
    receive_frames(layer, rest);
}

static void received(struct bight_layer *base, const uint8_t *data, size_t size)
{
    struct layer *layer = layer_of(base);
    struct bi_view input = { data, size }, piece;
    enum bi_response_event event;
    if (layer->is_ready) {
        receive_frames(layer, input);
        return;
    }
    if (layer->dial == NULL) {
        return;
    }
    do {
        event = bi_response_parser_next(&layer->dial->parser, &input, &piece);
    } while (event == BI_RESPONSE_INTERIM);
    if (event == BI_RESPONSE_HEAD) {
        answered(layer, input);
    } else if (event == BI_RESPONSE_FAILED) {
        const struct bi_response_parser *parser = &layer->dial->parser;
        fail(layer, bight_failure_new(parser->code, 0, NULL, "the WebSocket's handshake: %s", parser->why));
    }
}

/* Without a close frame somebody may have cut the stream. */
static void end_received(struct bight_layer *base)
{
    struct layer *layer = layer_of(base);
    if (layer->is_over || layer->is_end_read) {
        return;
    }
    if (layer->is_end_sent || !layer->is_ready) {
        layer->is_end_read = true;
        bight_layer_deliver_end(base);
    } else {
        fail(layer, bight_failure_new(
                        BIGHT_E_TRUNCATED, 0, NULL, "the peer ended the connection without closing the WebSocket"));
    }
}

/* ------------------------------------------------------------------------------------------- a layer */

static void free_layer(struct bight_layer *base)
{
    struct layer *layer = layer_of(base);
    (void)bight_timer_cancel(layer->timer);
    end_handshake(layer);
    bi_frame_reader_finish(&layer->reader);
    forget(layer->lent, true);
    bight_free(layer);
}

static const struct bight_layer_ops layer_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = received,
    .received_end = end_received,
    .write = written,
    .write_end = write_ended,
    .free = free_layer,
    .flush = flush,
    .prepare = prepare,
};

struct bight_layer *bi_websocket_layer_new(
    void *context, struct bight_transport *transport, struct bight_failure **failure)
{
    struct layer *layer = bight_calloc(1, sizeof *layer);
    (void)transport;
    (void)failure;
    if (layer == NULL) {
        return NULL;
    }
    layer->base.ops = &layer_ops;
    layer->dial = context;
    bi_dial_begin_answer(layer->dial);
    return &layer->base;
}
