/* SPDX-License-Identifier: MIT */
/* ws_streams.h - what a peer may say over a WebSocket, by chance: frames in order, and frames that something is wrong
 * with. */
#ifndef BIGHT_TEST_HTTP_WS_STREAMS_H
#define BIGHT_TEST_HTTP_WS_STREAMS_H

#include "http/coding/raw_deflate.h"
#include "http/websocket/frame.h"

#include <stdlib.h>

#define WS_STREAM_ROOM 400000

struct ws_stream {
    uint64_t chance;
    bool is_masked, is_deflated, keeps;
    struct bi_raw_deflater *deflater; /* of a stream, if it keeps what was said; NULL: none yet */
    size_t size;
    uint8_t bytes[WS_STREAM_ROOM];
};

/* Below `count`. */
static inline size_t ws_draw(struct ws_stream *stream, size_t count)
{
    return (size_t)(ws_random(&stream->chance) % count);
}

/* Mostly small ones, and those at which heads change. */
static inline size_t ws_draw_size(struct ws_stream *stream)
{
    static const size_t edges[] = { 0, 1, 2, 5, 63, 64, 124, 125, 126, 127, 128, 255, 256, 4095, 4096 };
    static const size_t large[] = { 65535, 65536, 70000 };
    return ws_draw(stream, 60) == 0  ? large[ws_draw(stream, 3)]
           : ws_draw(stream, 2) == 0 ? ws_draw(stream, 20)
                                     : edges[ws_draw(stream, sizeof edges / sizeof *edges)];
}

static inline void ws_draw_payload(struct ws_stream *stream, uint8_t *room, size_t size, bool is_text)
{
    static const char *const pieces[] = { "a", "Hello ", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "x", "!p" };
    for (size_t at = 0; at < size;) {
        const char *piece = pieces[ws_draw(stream, sizeof pieces / sizeof *pieces)];
        size_t length = is_text ? strlen(piece) : 1;
        if (!is_text) {
            room[at] = (uint8_t)ws_draw(stream, 256);
        } else if (length <= size - at) {
            memcpy(room + at, piece, length);
        } else {
            room[at] = 'y';
            length = 1;
        }
        at += length;
    }
    if (is_text && size > 0 && ws_draw(stream, 25) == 0) {
        room[ws_draw(stream, size)] = (uint8_t)(0x80 + ws_draw(stream, 128));
    }
}

/* One frame, if there is room for it. */
static inline void ws_put_frame(struct ws_stream *stream, unsigned first, const uint8_t *payload, size_t size)
{
    bi_mask mask = (bi_mask)ws_random(&stream->chance);
    if (stream->size + size + BI_FRAME_HEAD > sizeof stream->bytes) {
        return;
    }
    uint8_t *at = stream->bytes + stream->size;
    size_t head = bi_frame_write_head(at, first, size, stream->is_masked ? &mask : NULL);
    (void)bi_mask_apply(at + head, payload, size, stream->is_masked ? mask : 0);
    stream->size += head + size;
}

static inline void ws_put_close(struct ws_stream *stream)
{
    static const uint16_t codes[] = { 1000, 1001, 1003, 1011, 1014, 3000, 4999, 999, 1004, 1005, 1006, 1015, 2999, 5000,
        0, 65535 };
    uint8_t payload[BI_CONTROL_PAYLOAD];
    size_t size = ws_draw(stream, 4) == 0 ? ws_draw(stream, 4) : ws_draw(stream, BI_CONTROL_PAYLOAD + 1);
    uint16_t code = codes[ws_draw(stream, ws_draw(stream, 3) > 0 ? 7 : sizeof codes / sizeof *codes)];
    payload[0] = (uint8_t)(code >> 8);
    payload[1] = (uint8_t)code;
    if (size > 2) {
        ws_draw_payload(stream, payload + 2, size - 2, true);
    }
    ws_put_frame(stream, BI_FRAME_FINAL | BI_OPCODE_CLOSE, payload, size);
}

static inline void ws_put_control(struct ws_stream *stream)
{
    uint8_t payload[BI_CONTROL_PAYLOAD];
    size_t size = ws_draw(stream, BI_CONTROL_PAYLOAD + 1);
    ws_draw_payload(stream, payload, size, false);
    ws_put_frame(stream, BI_FRAME_FINAL | (ws_draw(stream, 2) == 0 ? BI_OPCODE_PING : BI_OPCODE_PONG), payload, size);
}

/* In one frame or in several, among which there may be others. */
static inline void ws_put_cut(struct ws_stream *stream, unsigned first, const uint8_t *payload, size_t size)
{
    size_t parts = ws_draw(stream, 3) > 0 ? 1 : 1 + ws_draw(stream, 5), at = 0;
    for (size_t i = 0; i < parts; i++) {
        size_t part = i + 1 == parts ? size - at : ws_draw(stream, size - at + 1);
        ws_put_frame(stream, (i == 0 ? first : 0) | (i + 1 == parts ? BI_FRAME_FINAL : 0), payload + at, part);
        at += part;
        if (i + 1 < parts && ws_draw(stream, 3) == 0) {
            ws_put_control(stream);
        }
    }
}

static inline void ws_put_message(struct ws_stream *stream)
{
    static uint8_t payload[70000], packed[80000];
    bool is_text = ws_draw(stream, 2) == 0;
    size_t size = ws_draw_size(stream), small = 0;
    unsigned first = is_text ? BI_OPCODE_TEXT : BI_OPCODE_BINARY;
    ws_draw_payload(stream, payload, size, is_text);
    if (stream->is_deflated && ws_draw(stream, 4) > 0) {
        stream->deflater = stream->deflater != NULL ? stream->deflater : bi_raw_deflater_new(6, 10, stream->keeps);
        small = stream->deflater != NULL
                    ? bi_raw_deflate(stream->deflater, (struct bi_view) { payload, size }, packed, sizeof packed)
                    : 0;
    }
    if (small > 0) {
        ws_put_cut(stream, first | BI_FRAME_COMPRESSED, packed, small);
    } else {
        ws_put_cut(stream, first, payload, size);
    }
}

/* A byte is another one, is missing, or is there twice; or all ends there. */
static inline void ws_break(struct ws_stream *stream)
{
    size_t at = stream->size > 0 ? ws_draw(stream, ws_draw(stream, 2) == 0 ? stream->size : 1 + stream->size / 8) : 0;
    if (stream->size == 0) {
        return;
    }
    switch (ws_draw(stream, 5)) {
    case 0:
        stream->bytes[at] ^= (uint8_t)(1u << ws_draw(stream, 8));
        break;
    case 1:
        stream->bytes[at] = (uint8_t)ws_draw(stream, 256);
        break;
    case 2:
        memmove(stream->bytes + at, stream->bytes + at + 1, --stream->size - at);
        break;
    case 3:
        if (stream->size < sizeof stream->bytes) {
            memmove(stream->bytes + at + 1, stream->bytes + at, stream->size++ - at);
        }
        break;
    default:
        stream->size = at;
        break;
    }
}

/* A head that no program writes: any first byte, any form of a length. */
static inline void ws_put_odd_head(struct ws_stream *stream)
{
    static const uint8_t lengths[] = { 0, 1, 125, 126, 127 };
    if (stream->size + 20 > sizeof stream->bytes) {
        return;
    }
    uint8_t length = lengths[ws_draw(stream, sizeof lengths)];
    size_t zeros = length == 127 ? 4 + ws_draw(stream, 4) : ws_draw(stream, 3);
    stream->bytes[stream->size++] =
        (uint8_t)(ws_draw(stream, 2) == 0 ? ws_draw(stream, 256) : 0x80 | ws_draw(stream, 3));
    stream->bytes[stream->size++] = (uint8_t)(length | (stream->is_masked != (ws_draw(stream, 20) == 0) ? 0x80 : 0));
    for (size_t i = 0; i < 8; i++) {
        stream->bytes[stream->size++] = i < zeros ? 0 : (uint8_t)ws_draw(stream, 256);
    }
}

/* The next one, of the kind that is said. */
static inline void ws_draw_stream(struct ws_stream *stream)
{
    stream->size = 0;
    bi_raw_deflater_free(stream->deflater);
    stream->deflater = NULL;
    for (size_t left = ws_draw(stream, 8); left > 0; left--) {
        ws_draw(stream, 4) == 0 ? ws_put_control(stream) : ws_put_message(stream);
    }
    if (ws_draw(stream, 10) == 0) {
        ws_put_odd_head(stream);
    }
    if (ws_draw(stream, 2) == 0) {
        ws_put_close(stream);
    }
    for (size_t left = ws_draw(stream, 3) == 0 ? 1 + ws_draw(stream, 2) : 0; left > 0; left--) {
        ws_break(stream);
    }
}

#endif
