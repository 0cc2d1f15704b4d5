/* SPDX-License-Identifier: MIT */
/* line_buffer.c - where a line receiver keeps input: an unfinished line, or what waits while it is paused.
 *
 * There is no buffer between whole lines. It grows by doubling, so that a line that comes byte by byte is copied a
 * constant number of times; delivered input is stepped over by `start`, so that pausing at every line copies nothing.
 * Without memory the connection is aborted: a stream has no gap. */
#include "line.h"

#include <bight/memory.h>

#include <string.h>

enum { SMALLEST = 128 };

void bi_line_buffer_attach(
    struct bight_line_receiver *receiver, uint8_t *memory, uint32_t start, uint32_t used, uint32_t room)
{
    receiver->buffer = memory;
    receiver->start = start;
    receiver->used = used;
    receiver->room = room;
    receiver->state |= LINE_PENDING;
}

void bi_line_buffer_detach(struct bight_line_receiver *receiver)
{
    receiver->buffer = NULL;
    receiver->start = receiver->used = receiver->room = 0;
}

void bi_line_buffer_drop(struct bight_line_receiver *receiver)
{
    bight_free(receiver->buffer);
    bi_line_buffer_detach(receiver);
    receiver->state &= ~(uint32_t)LINE_PENDING;
}

void bi_line_buffer_compact(struct bight_line_receiver *receiver)
{
    if (receiver->start > 0) {
        memmove(receiver->buffer, receiver->buffer + receiver->start, receiver->used - receiver->start);
        receiver->used -= receiver->start;
        receiver->start = 0;
    }
}

static bool grow(struct bight_line_receiver *receiver, size_t needed)
{
    size_t room = receiver->room == 0 ? SMALLEST : receiver->room;
    while (room < needed) {
        room *= 2;
    }
    uint8_t *memory = room > UINT32_MAX ? NULL : bight_realloc(receiver->buffer, room);
    if (memory == NULL) {
        return false;
    }
    receiver->buffer = memory;
    receiver->room = (uint32_t)room;
    return true;
}

bool bi_line_buffer_append(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    if (size == 0) {
        return true;
    }
    bi_line_buffer_compact(receiver);
    if (size > receiver->room - receiver->used && !grow(receiver, receiver->used + size)) {
        bi_line_buffer_drop(receiver);
        (void)bight_transport_abort_connection(receiver->base.transport);
        return false;
    }
    memcpy(receiver->buffer + receiver->used, data, size);
    receiver->used += (uint32_t)size;
    return true;
}

void bi_line_span_enter(struct bight_line_receiver *receiver, struct bight_line_span *span)
{
    span->outer = receiver->delivering;
    receiver->delivering = span;
}

void bi_line_span_leave(struct bight_line_receiver *receiver, struct bight_line_span *span)
{
    receiver->delivering = span->outer;
    if (span->size == 0 || (receiver->state & LINE_OVER) != 0 || !bight_transport_is_open(receiver->base.transport)) {
        return;
    }
    if (bi_line_buffer_append(receiver, span->data, span->size)) {
        receiver->state |= LINE_PENDING;
    }
}
