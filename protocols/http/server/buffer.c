/* SPDX-License-Identifier: MIT */
/* buffer.c - bytes kept in one piece: a head that came in parts, input that waits, fields of an answer.
 *
 * How much of each may be kept is decided by the caller that adds. */
#include <bight/memory.h>

#include <string.h>

#include "http/server/request.h"

#define SMALLEST 256

/* What has been used up makes room first; then the memory doubles. */
static bool grow(struct bi_http_buffer *buffer, size_t size)
{
    size_t held = bi_http_buffer_size(buffer);
    if (size > SIZE_MAX / 4 - held) {
        return false;
    }
    if (buffer->capacity - held >= size && buffer->start >= held) {
        memcpy(buffer->bytes, buffer->bytes + buffer->start, held);
    } else {
        size_t capacity = buffer->capacity < SMALLEST ? SMALLEST : buffer->capacity;
        while (capacity - held < size) {
            capacity *= 2;
        }
        uint8_t *bytes = bight_malloc(capacity);
        if (bytes == NULL) {
            return false;
        }
        if (held > 0) {
            memcpy(bytes, buffer->bytes + buffer->start, held);
        }
        bight_free(buffer->bytes);
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    buffer->start = 0;
    buffer->end = held;
    return true;
}

uint8_t *bi_http_buffer_room(struct bi_http_buffer *buffer, size_t size)
{
    if (buffer->capacity - buffer->end < size && !grow(buffer, size)) {
        return NULL;
    }
    return buffer->bytes + buffer->end;
}

int bi_http_buffer_append(struct bi_http_buffer *buffer, const void *data, size_t size)
{
    if (size == 0) {
        return BIGHT_OK;
    }
    uint8_t *room = bi_http_buffer_room(buffer, size);
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(room, data, size);
    buffer->end += size;
    return BIGHT_OK;
}

void bi_http_buffer_free(struct bi_http_buffer *buffer)
{
    bight_free(buffer->bytes);
    *buffer = (struct bi_http_buffer) { .bytes = NULL };
}

static void free_bytes(void *bytes)
{
    bight_free(bytes);
}

struct bight_bytes *bi_http_buffer_take(struct bi_http_buffer *buffer)
{
    if (buffer->bytes == NULL) {
        return bight_bytes_new("", 0);
    }
    struct bight_bytes *bytes =
        bight_bytes_new_lent(buffer->bytes + buffer->start, bi_http_buffer_size(buffer), free_bytes, buffer->bytes);
    if (bytes != NULL) {
        *buffer = (struct bi_http_buffer) { .bytes = NULL };
    }
    return bytes;
}
