/* SPDX-License-Identifier: MIT */
/* frame.c - frames, a byte of a head at a time, and payloads as they come.
 *
 * Each byte of a head is looked at by itself, so that where the input is cut cannot make a difference, and each
 * function here that takes one knows all that it can prove. Only a message that is whole and in order is read at once:
 * by bi_frame_find_whole. */
#include "http/websocket/frame.h"

#include <bight/memory.h>

#include "http/message/likely.h"

enum step {
    STEP_FIRST /* 0: bi_frame_is_between */,
    STEP_SECOND,
    STEP_LENGTH_16,
    STEP_LENGTH_64,
    STEP_MASK,
    STEP_PAYLOAD
};

#define OPCODE 0x0fu
#define RESERVED 0x70u
#define MASKED 0x80u
#define LENGTH 0x7fu

/* ------------------------------------------------------------------------------------------- violations */

static const struct {
    uint16_t code;
    const char *text;
} violations[] = {
#define ROW(name, code, text) { code, text },
    BI_VIOLATIONS(ROW)
#undef ROW
};

unsigned bi_violation_code(enum bi_violation violation)
{
    return violations[violation].code;
}

const char *bi_violation_text(enum bi_violation violation)
{
    return violations[violation].text;
}

bool bi_close_code_is_allowed(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* -------------------------------------------------------------------------------------------- writing */

static uint8_t *put_big_endian(uint8_t *at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(number >> (8 * (size - 1 - i)));
    }
    return at + size;
}

size_t bi_frame_write_head(uint8_t *room, unsigned first, uint64_t size, const bi_mask *mask)
{
    uint8_t *at = room + 2;
    unsigned masked = mask != NULL ? MASKED : 0;
    room[0] = (uint8_t)first;
    if (size <= 125) {
        room[1] = (uint8_t)(masked | size);
    } else if (size <= UINT16_MAX) {
        room[1] = (uint8_t)(masked | 126u);
        at = put_big_endian(at, size, 2);
    } else {
        room[1] = (uint8_t)(masked | 127u);
        at = put_big_endian(at, size, 8);
    }
    if (mask != NULL) {
        memcpy(at, mask, sizeof *mask);
        at += sizeof *mask;
    }
    return (size_t)(at - room);
}

/* --------------------------------------------------------------------------------------- reading heads */

static bool refuse(struct bi_frame_reader *reader, enum bi_violation violation)
{
    reader->violation = (uint8_t)violation;
    return false;
}

static bool is_control(const struct bi_frame_reader *reader)
{
    return (reader->first & OPCODE) >= BI_OPCODE_CLOSE;
}

static bool check_control(struct bi_frame_reader *reader)
{
    if ((reader->first & BI_FRAME_COMPRESSED) != 0) {
        return refuse(reader, BI_VIOLATION_RESERVED_BITS);
    }
    return (reader->first & BI_FRAME_FINAL) != 0 || refuse(reader, BI_VIOLATION_FRAGMENTED_CONTROL);
}

static bool check_continuation(struct bi_frame_reader *reader)
{
    if ((reader->first & BI_FRAME_COMPRESSED) != 0) {
        return refuse(reader, BI_VIOLATION_RESERVED_BITS);
    }
    return reader->message != 0 || refuse(reader, BI_VIOLATION_CONTINUATION);
}

static bool begin_message(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, unsigned opcode)
{
    if (reader->message != 0) {
        return refuse(reader, BI_VIOLATION_UNFINISHED);
    }
    if (opcode == BI_OPCODE_TEXT ? !rule->takes_text : !rule->takes_binary) {
        return refuse(
            reader, opcode == BI_OPCODE_TEXT ? BI_VIOLATION_UNSUPPORTED_TEXT : BI_VIOLATION_UNSUPPORTED_BINARY);
    }
    reader->message = (uint8_t)opcode;
    reader->is_compressed = (reader->first & BI_FRAME_COMPRESSED) != 0;
    reader->is_begun = false;
    reader->total = 0;
    reader->utf8 = (struct bi_utf8) { 0 };
    return true;
}

static bool read_first(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, uint8_t byte)
{
    unsigned opcode = byte & OPCODE, reserved = byte & RESERVED & ~(rule->is_deflated ? BI_FRAME_COMPRESSED : 0);
    reader->first = byte;
    reader->step = STEP_SECOND;
    if (reserved != 0) {
        return refuse(reader, BI_VIOLATION_RESERVED_BITS);
    }
    if (opcode > BI_OPCODE_PONG || (opcode > BI_OPCODE_BINARY && opcode < BI_OPCODE_CLOSE)) {
        return refuse(reader, BI_VIOLATION_RESERVED_OPCODE);
    }
    return opcode >= BI_OPCODE_CLOSE          ? check_control(reader)
           : opcode == BI_OPCODE_CONTINUATION ? check_continuation(reader)
                                              : begin_message(reader, rule, opcode);
}

/* A compressed message that could not be compressed is somewhat longer on its way. */
static uint64_t room_of(const struct bi_frame_reader *reader, const struct bi_frame_rule *rule)
{
    uint64_t more = reader->is_compressed ? (rule->limit >> 8) + 64 : 0;
    uint64_t limit = rule->limit < UINT64_MAX - more ? rule->limit + more : UINT64_MAX;
    return limit > reader->total ? limit - reader->total : 0;
}

/* A length that is `least` at least. */
static bool check_length(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, uint64_t least)
{
    return is_control(reader) || least <= room_of(reader, rule) || refuse(reader, BI_VIOLATION_TOO_BIG);
}

/* The length is known. */
static bool end_length(struct bi_frame_reader *reader, const struct bi_frame_rule *rule)
{
    if (!check_length(reader, rule, reader->left)) {
        return false;
    }
    reader->total += is_control(reader) ? 0 : reader->left;
    reader->mask = 0;
    reader->step = rule->is_masked ? STEP_MASK : STEP_PAYLOAD;
    reader->wanted = sizeof reader->mask;
    return true;
}

static bool read_second(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, uint8_t byte)
{
    unsigned length = byte & LENGTH;
    if (((byte & MASKED) != 0) != rule->is_masked) {
        return refuse(reader, rule->is_masked ? BI_VIOLATION_NO_MASK : BI_VIOLATION_MASK);
    }
    if (is_control(reader) && length > BI_CONTROL_PAYLOAD) {
        return refuse(reader, BI_VIOLATION_LONG_CONTROL);
    }
    if ((reader->first & OPCODE) == BI_OPCODE_CLOSE && length == 1) {
        return refuse(reader, BI_VIOLATION_CLOSE_PAYLOAD);
    }
    if (length <= 125) {
        reader->left = length;
        return end_length(reader, rule);
    }
    reader->left = 0;
    reader->step = length == 126 ? STEP_LENGTH_16 : STEP_LENGTH_64;
    reader->wanted = length == 126 ? 2 : 8;
    return check_length(reader, rule, length == 126 ? 126 : UINT64_C(1) << 16);
}

static bool read_length(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, uint8_t byte)
{
    bool is_wide = reader->step == STEP_LENGTH_64;
    if (is_wide && reader->wanted == 8 && byte >= 0x80) {
        return refuse(reader, BI_VIOLATION_LENGTH_TOP_BIT);
    }
    reader->left = reader->left << 8 | byte;
    reader->wanted--;
    if (is_wide ? reader->wanted == 2 && reader->left == 0 : reader->wanted == 0 && reader->left < 126) {
        return refuse(reader, BI_VIOLATION_LENGTH_NOT_MINIMAL);
    }
    return reader->wanted == 0 ? end_length(reader, rule)
                               : check_length(reader, rule, reader->left << (8 * reader->wanted));
}

static bool read_mask(struct bi_frame_reader *reader, uint8_t byte)
{
    uint8_t key[sizeof reader->mask];
    memcpy(key, &reader->mask, sizeof key);
    key[sizeof key - reader->wanted] = byte;
    memcpy(&reader->mask, key, sizeof key);
    if (--reader->wanted == 0) {
        reader->step = STEP_PAYLOAD;
    }
    return true;
}

static bool read_byte(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, uint8_t byte)
{
    switch ((enum step)reader->step) {
    case STEP_FIRST:
        return read_first(reader, rule, byte);
    case STEP_SECOND:
        return read_second(reader, rule, byte);
    case STEP_LENGTH_16:
    case STEP_LENGTH_64:
        return read_length(reader, rule, byte);
    case STEP_MASK:
        return read_mask(reader, byte);
    case STEP_PAYLOAD:
        break;
    }
    return true;
}

/* The mask of a frame whose head is in order so far, if all of it is here. */
static inline void read_whole_mask(struct bi_frame_reader *reader, struct bi_view *input)
{
    if (BI_USUALLY(reader->step == STEP_MASK) && BI_USUALLY(reader->wanted == 4) && BI_USUALLY(input->size >= 4)) {
        memcpy(&reader->mask, bi_take(input, 4).at, sizeof reader->mask);
        reader->step = STEP_PAYLOAD;
    }
}

/* As much of a head as there is; false: it is refused. */
static bool read_head(struct bi_frame_reader *reader, const struct bi_frame_rule *rule, struct bi_view *input)
{
    while (reader->step != STEP_PAYLOAD && input->size > 0) {
        if (BI_RARELY(!read_byte(reader, rule, *bi_take(input, 1).at))) {
            return false;
        }
        read_whole_mask(reader, input);
    }
    return true;
}

/* ----------------------------------------------------------------------------------- control frames */

/* Of a close frame, from the byte on that was not there at the last call. */
static bool check_close(struct bi_frame_reader *reader, struct bi_control *control, size_t from, bool is_whole)
{
    const uint8_t *bytes = control->bytes;
    unsigned high = control->size > 0 ? bytes[0] : 0;
    if (control->size == 1 && (high < 1000 >> 8 || (high > 1014 >> 8 && high < 3000 >> 8) || high > 4999 >> 8)) {
        return refuse(reader, BI_VIOLATION_CLOSE_CODE);
    }
    if (from < 2 && control->size >= 2 && !bi_close_code_is_allowed(high << 8 | bytes[1])) {
        return refuse(reader, BI_VIOLATION_CLOSE_CODE);
    }
    from = from < 2 ? 2 : from;
    bool is_text = control->size <= from || bi_utf8_feed(&control->utf8, bytes + from, control->size - from);
    if (!is_text || (is_whole && !bi_utf8_is_complete(&control->utf8))) {
        return refuse(reader, BI_VIOLATION_REASON_NOT_UTF8);
    }
    return true;
}

/* The payload of a control frame as far as it has come. */
static bool gather(struct bi_frame_reader *reader, struct bi_control *control, struct bi_view *input)
{
    size_t from = control->size, size = input->size < reader->left ? input->size : (size_t)reader->left;
    struct bi_view part = bi_take(input, size);
    (void)bi_mask_apply(control->bytes + from, part.at, size, reader->mask);
    reader->mask = bi_mask_behind(reader->mask, size);
    reader->left -= size;
    control->size = (uint8_t)(from + size);
    return (reader->first & OPCODE) != BI_OPCODE_CLOSE || check_close(reader, control, from, reader->left == 0);
}

static enum bi_frame_event keep_control(struct bi_frame_reader *reader, const struct bi_control *control)
{
    if (reader->control == NULL && control->size > 0) {
        reader->control = bight_malloc(sizeof *reader->control);
        if (reader->control == NULL) {
            return BI_FRAME_NO_MEMORY;
        }
        *reader->control = *control;
    }
    return BI_FRAME_PARTIAL;
}

static enum bi_frame_event read_control(
    struct bi_frame_reader *reader, struct bi_view *input, struct bi_frame_piece *piece, uint8_t *scratch)
{
    struct bi_control fresh, *control = reader->control != NULL ? reader->control : &fresh;
    fresh.size = 0;
    fresh.utf8 = (struct bi_utf8) { 0 };
    if (!gather(reader, control, input)) {
        return BI_FRAME_VIOLATION;
    }
    if (reader->left > 0) {
        return keep_control(reader, control);
    }
    memcpy(scratch, control->bytes, control->size);
    *piece = (struct bi_frame_piece) { .data = { scratch, control->size }, .opcode = reader->first & OPCODE };
    bi_frame_reader_finish(reader);
    reader->step = STEP_FIRST;
    return BI_FRAME_CONTROL;
}

void bi_frame_reader_finish(struct bi_frame_reader *reader)
{
    bight_free(reader->control);
    reader->control = NULL;
}

/* ---------------------------------------------------------------------------------------------- data */

/* A piece of the payload, which may be none; *is_it: there is something to tell. */
static bool read_data(struct bi_frame_reader *reader, struct bi_view *input, struct bi_frame_piece *piece)
{
    size_t size = input->size < reader->left ? input->size : (size_t)reader->left;
    bool is_over = size == reader->left, is_last = is_over && (reader->first & BI_FRAME_FINAL) != 0;
    *piece = (struct bi_frame_piece) { .data = bi_take(input, size),
        .behind = reader->left - size,
        .opcode = reader->message,
        .is_first = !reader->is_begun,
        .is_last = is_last,
        .is_compressed = reader->is_compressed,
        .mask = reader->mask };
    reader->mask = bi_mask_behind(reader->mask, size);
    reader->left -= size;
    if (is_over) {
        reader->step = STEP_FIRST;
    }
    if (is_last) {
        reader->message = 0;
    }
    bool is_any = size > 0 || is_last;
    reader->is_begun |= is_any;
    return is_any;
}

/* What lies whole in the input is told without the reader. Whatever else goes byte by byte. */
static inline bool read_whole(const struct bi_frame_reader *reader, const struct bi_frame_rule *rule,
    struct bi_view *input, struct bi_frame_piece *piece)
{
    struct bi_frame_whole whole;
    struct bi_view rest;
    if (!bi_frame_is_between(reader) || !bi_frame_find_whole(*input, rule->limit, rule->is_masked, &whole, &rest)) {
        return false;
    }
    if (!(whole.opcode == BI_OPCODE_TEXT ? rule->takes_text : rule->takes_binary)) {
        return false;
    }
    *input = rest;
    *piece = (struct bi_frame_piece) {
        .data = whole.data, .opcode = whole.opcode, .is_first = true, .is_last = true, .mask = whole.mask
    };
    return true;
}

enum bi_frame_event bi_frame_next(struct bi_frame_reader *reader, const struct bi_frame_rule *rule,
    struct bi_view *input, struct bi_frame_piece *piece, uint8_t scratch[BI_CONTROL_PAYLOAD])
{
    if (BI_USUALLY(read_whole(reader, rule, input, piece))) {
        return BI_FRAME_DATA;
    }
    do {
        if (!read_head(reader, rule, input)) {
            return BI_FRAME_VIOLATION;
        }
        if (reader->step != STEP_PAYLOAD) {
            return BI_FRAME_PARTIAL;
        }
        if (is_control(reader)) {
            return read_control(reader, input, piece, scratch);
        }
        if (read_data(reader, input, piece)) {
            return BI_FRAME_DATA;
        }
    } while (input->size > 0);
    return BI_FRAME_PARTIAL;
}

bool bi_frame_check_text(struct bi_frame_reader *reader, const void *data, size_t size, bool is_last)
{
    bool is_text = bi_utf8_feed(&reader->utf8, data, size);
    return (is_text && (!is_last || bi_utf8_is_complete(&reader->utf8))) || refuse(reader, BI_VIOLATION_NOT_UTF8);
}

bool bi_frame_take(struct bi_frame_reader *reader, const struct bi_frame_piece *piece, uint8_t *to)
{
    bool is_moved = to != piece->data.at || piece->mask != 0;
    bool is_ascii = is_moved && bi_mask_apply(to, piece->data.at, piece->data.size, piece->mask);
    if (piece->opcode != BI_OPCODE_TEXT || piece->is_compressed) {
        return true;
    }
    if (is_ascii && bi_utf8_is_complete(&reader->utf8)) {
        return true;
    }
    return bi_frame_check_text(reader, to, piece->data.size, piece->is_last);
}
