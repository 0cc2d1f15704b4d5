/* SPDX-License-Identifier: MIT */
/* frames.h - reads frames in pieces, and says what was in them as a text that does not depend on the cuts:
 * `T<` and `B<` begin a message, `>` ends it, `~` before stands for compressed; `close(...)`, `ping(...)`, `pong(...)`;
 * `!1002@5 why` is a violation that the byte at 5 proves. Bytes that are not visible ASCII are \xx. Each piece lies in
 * memory of just its size, so that a sanitizer sees every byte read too far. */
#ifndef BIGHT_TEST_HTTP_FRAMES_H
#define BIGHT_TEST_HTTP_FRAMES_H

#include "http/websocket/frame.h"

#include <stdio.h>
#include <stdlib.h>

struct frames {
    struct bi_frame_rule rule;
    struct bi_frame_reader reader;
    char *text; /* the caller frees it */
    size_t size, room;
    size_t read; /* bytes in all */
};

static inline void frames_say(struct frames *frames, const char *text)
{
    size_t size = strlen(text);
    if (frames->size + size + 1 > frames->room) {
        frames->room = 2 * frames->room + size + 64;
        frames->text = realloc(frames->text, frames->room);
        if (frames->text == NULL) {
            abort();
        }
    }
    memcpy(frames->text + frames->size, text, size + 1);
    frames->size += size;
}

static inline void frames_say_bytes(struct frames *frames, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char text[8];
        bool is_plain = data[i] > ' ' && data[i] < 0x7f && strchr("\\<>()!~", data[i]) == NULL;
        (void)snprintf(text, sizeof text, is_plain ? "%c" : "\\%02x", data[i]);
        frames_say(frames, text);
    }
}

/* False: it is not the text that it is to be. */
static inline bool frames_say_data(struct frames *frames, const struct bi_frame_piece *piece)
{
    uint8_t *to = malloc(piece->data.size + 1);
    if (to == NULL) {
        abort();
    }
    bool is_fine = bi_frame_take(&frames->reader, piece, to);
    if (piece->is_first) {
        frames_say(frames, piece->is_compressed ? "~" : "");
        frames_say(frames, piece->opcode == BI_OPCODE_TEXT ? "T<" : "B<");
    }
    if (is_fine) {
        frames_say_bytes(frames, to, piece->data.size);
        frames_say(frames, piece->is_last ? ">" : "");
    }
    free(to);
    return is_fine;
}

static inline void frames_say_control(struct frames *frames, const struct bi_frame_piece *piece)
{
    frames_say(frames, piece->opcode == BI_OPCODE_CLOSE  ? "close("
                       : piece->opcode == BI_OPCODE_PING ? "ping("
                                                         : "pong(");
    frames_say_bytes(frames, piece->data.at, piece->data.size);
    frames_say(frames, ")");
}

/* A payload is looked at as a whole, so its place is told of heads alone. */
static inline void frames_say_violation(struct frames *frames, size_t used, bool is_of_head)
{
    char text[100];
    enum bi_violation violation = (enum bi_violation)frames->reader.violation;
    int size = snprintf(text, sizeof text, "!%u", bi_violation_code(violation));
    if (is_of_head) {
        size += snprintf(text + size, sizeof text - (size_t)size, "@%zu", frames->read + used - 1);
    }
    (void)snprintf(text + size, sizeof text - (size_t)size, " %s", bi_violation_text(violation));
    frames_say(frames, text);
}

/* Returns false when it is over. */
static inline bool frames_feed_piece(struct frames *frames, const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1), scratch[BI_CONTROL_PAYLOAD];
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, data, size);
    struct bi_view input = { copy, size };
    struct bi_frame_piece piece;
    enum bi_frame_event event;
    while ((event = bi_frame_next(&frames->reader, &frames->rule, &input, &piece, scratch)) != BI_FRAME_PARTIAL) {
        if (event == BI_FRAME_VIOLATION || (event == BI_FRAME_DATA && !frames_say_data(frames, &piece))) {
            bool is_of_head = event == BI_FRAME_VIOLATION && frames->reader.violation != BI_VIOLATION_REASON_NOT_UTF8 &&
                              frames->reader.violation != BI_VIOLATION_CLOSE_CODE;
            frames_say_violation(frames, size - input.size, is_of_head);
            break;
        }
        if (event == BI_FRAME_NO_MEMORY) {
            abort();
        }
        if (event == BI_FRAME_CONTROL) {
            frames_say_control(frames, &piece);
        }
    }
    frames->read += size;
    free(copy);
    return event == BI_FRAME_PARTIAL;
}

/* All of it, in pieces of `piece` bytes. Returns the text, which is the caller's. */
static inline char *frames_read(const struct bi_frame_rule *rule, const uint8_t *data, size_t size, size_t piece)
{
    struct frames frames = { .rule = *rule };
    frames_say(&frames, "");
    bool goes_on = true;
    for (size_t at = 0; at < size && goes_on; at += piece) {
        goes_on = frames_feed_piece(&frames, data + at, size - at < piece ? size - at : piece);
    }
    bi_frame_reader_finish(&frames.reader);
    return frames.text;
}

#endif
