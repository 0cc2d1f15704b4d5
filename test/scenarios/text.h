/* SPDX-License-Identifier: MIT */
/* text.h - bytes that grow, for clients that speak a protocol by hand. */
#ifndef BIGHT_TEST_SCENARIO_TEXT_H
#define BIGHT_TEST_SCENARIO_TEXT_H

#include <string.h>

#include "scenario.h"

struct text {
    uint8_t *data;
    size_t size, room;
};

static inline uint8_t *text_room(struct text *text, size_t size)
{
    if (text->size + size > text->room) {
        text->room = 2 * text->room + size;
        text->data = bight_realloc(text->data, text->room);
    }
    text->size += size;
    return text->data + text->size - size;
}

static inline void put(struct text *text, const char *words)
{
    size_t size = strlen(words);
    if (size > 0) { /* there may be no room yet */
        memcpy(text_room(text, size), words, size);
    }
}

static inline void put_stream(struct text *text, uint32_t key, size_t from, size_t size)
{
    uint8_t *room = text_room(text, size);
    for (size_t i = 0; i < size; i++) {
        room[i] = stream_byte(key, from + i);
    }
}

/* The first bytes are not needed any more. */
static inline void text_drop(struct text *text, size_t size)
{
    text->size -= size;
    memmove(text->data, text->data + size, text->size);
}

static inline void text_free(struct text *text)
{
    bight_free(text->data);
    *text = (struct text) { .data = NULL };
}

/* Where the head's end is: the number of its bytes; 0: it is not here yet. */
static inline size_t find_head(const struct text *heard)
{
    const uint8_t *end = heard->size == 0 ? NULL : memmem(heard->data, heard->size, "\r\n\r\n", 4);
    return end == NULL ? 0 : (size_t)(end - heard->data) + 4;
}

#endif
