/* SPDX-License-Identifier: MIT */
/* text.h - text put together in a buffer of fixed size: what does not fit is counted, never written. */
#ifndef BI_BASE_TEXT_H
#define BI_BASE_TEXT_H

#include <bight/macros.h>

#include <string.h>

/* Begin with { buffer, size, 0 }. */
struct bi_text {
    char *buffer;
    size_t size;
    size_t needed; /* bytes appended so far, whether they fitted or not */
};

static inline void bi_text_append(struct bi_text *text, const void *data, size_t size)
{
    if (text->needed < text->size) {
        size_t room = text->size - text->needed;
        memcpy(text->buffer + text->needed, data, size < room ? size : room);
    }
    text->needed += size;
}

static inline void bi_text_append_string(struct bi_text *text, const char *string)
{
    bi_text_append(text, string, strlen(string));
}

/* Writes the NUL, over the last byte when the text was too long. Returns the length that was written. */
static inline size_t bi_text_end(struct bi_text *text)
{
    if (text->size == 0) {
        return 0;
    }
    size_t length = text->needed < text->size ? text->needed : text->size - 1;
    text->buffer[length] = '\0';
    return length;
}

#endif
