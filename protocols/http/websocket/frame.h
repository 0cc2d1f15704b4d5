/* SPDX-License-Identifier: MIT */
/* frame.h - frames: their heads written, and read as they come, with all that can be wrong about them (W2).
 *
 * RFC 6455, sections 5 to 7. Bytes in, events out, and no I/O; whatever the cuts, the events are the same but for where
 * payloads are cut. What is wrong is told at the first byte that proves it. A reader keeps no payload but that of a
 * control frame that did not come whole, and copies none: where a payload goes is its owner's to say. Messages that are
 * put together of frames are message.h's. */
#ifndef BI_WEBSOCKET_FRAME_H
#define BI_WEBSOCKET_FRAME_H

#include "http/message/tokens.h"
#include "http/message/utf8.h"
#include "http/websocket/mask.h"

enum bi_opcode {
    BI_OPCODE_CONTINUATION = 0,
    BI_OPCODE_TEXT = 1,
    BI_OPCODE_BINARY = 2,
    BI_OPCODE_CLOSE = 8, /* from here on: control frames */
    BI_OPCODE_PING = 9,
    BI_OPCODE_PONG = 10,
};

#define BI_FRAME_FINAL 0x80u
#define BI_FRAME_COMPRESSED 0x40u /* RSV1, RFC 7692 */
#define BI_FRAME_HEAD 14          /* bytes of the longest one */
#define BI_CONTROL_PAYLOAD 125    /* the most of a control frame */

/* ------------------------------------------------------------------------------------------- writing */

/* How many bytes a head has. */
static inline size_t bi_frame_head_size(uint64_t size, bool is_masked)
{
    return (size <= 125 ? 2u : size <= UINT16_MAX ? 4u : 10u) + (is_masked ? 4u : 0u);
}

/* Writes one, for a payload of `size` bytes: `first` is opcode and flags, `mask` NULL for a server's. Returns its size.
 */
size_t bi_frame_write_head(uint8_t *room, unsigned first, uint64_t size, const bi_mask *mask);

/* The same for a server's payload of at most 64 KiB less one byte, as nearly all are. */
static inline size_t bi_frame_write_short_head(uint8_t *room, unsigned first, size_t size)
{
    room[0] = (uint8_t)first;
    if (size <= 125) {
        room[1] = (uint8_t)size;
        return 2;
    }
    room[1] = 126;
    room[2] = (uint8_t)(size >> 8);
    room[3] = (uint8_t)size;
    return 4;
}

/* ----------------------------------------------------------------------------------------- close codes */

/* Whether a close frame may have the code: what RFC 6455, section 7.4, and its registry have, and 3000 to 4999. */
bool bi_close_code_is_allowed(unsigned code);

/* ------------------------------------------------------------------------------------------- reading */

/* What can be wrong, with the close code of each and what is told of it. */
#define BI_VIOLATIONS(each)                                                                                           \
    each(NONE, 1000, "") each(RESERVED_BITS, 1002, "reserved bits are set") each(RESERVED_OPCODE, 1002,               \
        "the opcode is reserved") each(FRAGMENTED_CONTROL, 1002, "a control frame is fragmented")                     \
        each(LONG_CONTROL, 1002, "a control frame is over 125 bytes")                                                 \
            each(NO_MASK, 1002, "a client's frame has no mask") each(MASK, 1002, "a server's frame has a mask")       \
                each(LENGTH_NOT_MINIMAL, 1002, "a length is not minimal")                                             \
                    each(LENGTH_TOP_BIT, 1002, "a length has its top bit set")                                        \
                        each(CONTINUATION, 1002, "a continuation is out of place")                                    \
                            each(UNFINISHED, 1002, "a message begins within another")                                 \
                                each(CLOSE_PAYLOAD, 1002, "a close frame has one byte")                               \
                                    each(CLOSE_CODE, 1002, "a close code is not allowed")                             \
                                        each(UNSUPPORTED_TEXT, 1003, "text is not taken here")                        \
                                            each(UNSUPPORTED_BINARY, 1003, "binary messages are not taken here")      \
                                                each(NOT_UTF8, 1007, "text is not UTF-8")                             \
                                                    each(REASON_NOT_UTF8, 1007, "a reason is not UTF-8")              \
                                                        each(NOT_COMPRESSED, 1007, "a compressed message is damaged") \
                                                            each(TOO_SLOW, 1008, "a message took too long")           \
                                                                each(TOO_BIG, 1009, "a message is too big")

enum bi_violation {
#define BI_VIOLATION_ENUM_(name, code, text) BI_VIOLATION_##name,
    BI_VIOLATIONS(BI_VIOLATION_ENUM_)
#undef BI_VIOLATION_ENUM_
};

unsigned bi_violation_code(enum bi_violation violation);
const char *bi_violation_text(enum bi_violation violation); /* lives for ever */

/* What a reader is to allow; the same at each call. */
struct bi_frame_rule {
    uint64_t limit;   /* bytes of a message */
    bool is_masked;   /* the other side is a client */
    bool is_deflated; /* permessage-deflate has been agreed on */
    bool takes_text;
    bool takes_binary;
};

/* The payload of a control frame that has not come whole. */
struct bi_control {
    struct bi_utf8 utf8; /* of a reason */
    uint8_t size;
    uint8_t bytes[BI_CONTROL_PAYLOAD];
};

/* Zeroed: nothing has come. */
struct bi_frame_reader {
    uint64_t left;                           /* of the payload; in a head: its length as far as that has come */
    uint64_t total;                          /* of the message: with all of each frame whose head has come */
    bi_mask mask;                            /* for the next byte of the payload */
    uint8_t first;                           /* of the frame's head */
    uint8_t step;                            /* what comes next */
    uint8_t wanted;                          /* bytes of it */
    uint8_t message;                         /* the opcode of the message under way; 0: there is none */
    uint8_t is_compressed : 1, is_begun : 1; /* the message: some of it has been handed out */
    uint8_t violation;                       /* enum bi_violation; nothing is read any more */
    struct bi_utf8 utf8;                     /* of the message */
    struct bi_control *control;              /* allocated; NULL: none is under way, or nothing of it has come */
};

enum bi_frame_event {
    BI_FRAME_PARTIAL, /* all of the input has been used, more has to come */
    BI_FRAME_DATA,    /* a piece of a message, perhaps empty */
    BI_FRAME_CONTROL, /* a control frame, its payload unmasked */
    BI_FRAME_VIOLATION,
    BI_FRAME_NO_MEMORY,
};

struct bi_frame_piece {
    struct bi_view data; /* DATA: as it came, in the input; CONTROL: in the reader's or the caller's memory */
    uint64_t behind;     /* DATA: how much of its frame is to come behind it */
    uint8_t opcode;      /* of the message, or of the control frame */
    bool is_first, is_last, is_compressed;
    bi_mask mask; /* of the piece */
};

/* The next event, for which it takes from the beginning of `input`. To be called until PARTIAL; behind VIOLATION and
 * NO_MEMORY not again. `scratch` is for a control frame's payload, which is there until the next call. */
enum bi_frame_event bi_frame_next(struct bi_frame_reader *reader, const struct bi_frame_rule *rule,
    struct bi_view *input, struct bi_frame_piece *piece, uint8_t scratch[BI_CONTROL_PAYLOAD]);

/* Nothing has come of a frame or a message that has not come whole. */
static inline bool bi_frame_is_between(const struct bi_frame_reader *reader)
{
    return reader->step == 0 && reader->message == 0;
}

/* A message of one frame that lies whole at the beginning of the input, as nearly all do. */
struct bi_frame_whole {
    struct bi_view data; /* as it came */
    bi_mask mask;
    uint8_t opcode; /* TEXT or BINARY */
};

/* Finds one, and takes nothing; `rest` is what lies behind it. Only for a reader that is between two messages, which
 * has nothing to remember of it, and nothing is refused: false is for whatever is not that, or wrong, or not all there,
 * which bi_frame_next tells apart. */
static inline bool bi_frame_find_whole(
    struct bi_view input, uint64_t limit, bool is_masked, struct bi_frame_whole *whole, struct bi_view *rest)
{
    const uint8_t *at = input.at;
    size_t head = 2 + (is_masked ? sizeof whole->mask : 0);
    if (input.size < head) {
        return false;
    }
    unsigned opcode = at[0] ^ BI_FRAME_FINAL;
    size_t size =
        at[1] ^ (is_masked ? 0x80u : 0u); /* with a mask where none should be, or the other way round: large */
    if (size > 125) {
        size_t wide = size == 126 && input.size >= 4 ? (size_t)at[2] << 8 | at[3] : 0;
        size = wide > 125 ? wide : SIZE_MAX / 2;
        head += 2;
    }
    if ((opcode != BI_OPCODE_TEXT && opcode != BI_OPCODE_BINARY) || size > limit || head + size > input.size) {
        return false;
    }
    bi_mask mask = 0;
    if (is_masked) {
        memcpy(&mask, at + head - sizeof mask, sizeof mask);
    }
    whole->mask = mask;
    whole->opcode = (uint8_t)opcode;
    whole->data = (struct bi_view) { at + head, size };
    *rest = bi_view_from(input, head + size);
    return true;
}

/* To be called with each piece, in order: writes it to `to`, which is as for bi_mask_apply. False: what is to be text
 * is not, and that is the violation. A piece that is compressed is not looked at. */
bool bi_frame_take(struct bi_frame_reader *reader, const struct bi_frame_piece *piece, uint8_t *to);

/* Of the text that compressed pieces stand for: the same check. */
bool bi_frame_check_text(struct bi_frame_reader *reader, const void *data, size_t size, bool is_last);

/* What it has allocated goes. */
void bi_frame_reader_finish(struct bi_frame_reader *reader);

#endif
