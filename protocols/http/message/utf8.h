/* SPDX-License-Identifier: MIT */
/* utf8.h - whether text is UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing over U+10FFFF.
 *
 * Text may come in pieces, cut anywhere. What is wrong is told with the first byte that proves it, though the character
 * that it belongs to has not come whole. NUL is a character like others. */
#ifndef BI_HTTP_UTF8_H
#define BI_HTTP_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: nothing has come yet. */
struct bi_utf8 {
    uint8_t state;
};

/* The next piece. False: it is none, whatever comes; and so is all that is fed then. */
bool bi_utf8_feed(struct bi_utf8 *utf8, const void *data, size_t size);

/* No character has begun and not ended, and nothing was wrong. */
static inline bool bi_utf8_is_complete(const struct bi_utf8 *utf8)
{
    return utf8->state == 0;
}

/* Of text that is whole. */
bool bi_is_utf8(const void *data, size_t size);

#endif
