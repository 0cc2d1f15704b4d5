/* SPDX-License-Identifier: MIT */
/* http_lines.h - an input that is several values of fields, one a line. */
#ifndef BIGHT_TEST_HTTP_LINES_H
#define BIGHT_TEST_HTTP_LINES_H

#include "http/message/tokens.h"

/* The next line, which the text then begins behind; at the end an empty one. */
static inline struct bi_view next_line(struct bi_view *text)
{
    const uint8_t *end = text->size == 0 ? NULL : memchr(text->at, '\n', text->size);
    struct bi_view line = bi_take(text, end == NULL ? text->size : (size_t)(end - text->at));
    (void)bi_take_byte(text, '\n');
    return line;
}

#endif
