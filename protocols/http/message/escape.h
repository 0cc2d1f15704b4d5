/* SPDX-License-Identifier: MIT */
/* escape.h - percent-encoding, RFC 3986, section 2.1: one escape, read and written.
 *
 * Where escapes may stand and what they must not hide is decided by the readers of paths, queries and URLs. */
#ifndef BI_HTTP_ESCAPE_H
#define BI_HTTP_ESCAPE_H

#include <stddef.h>
#include <stdint.h>

#define BI_ESCAPE_SIZE 3

/* 0 to 15; -1: no hexadecimal digit. */
static inline int bi_hex_value(uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        return byte - '0';
    }
    uint8_t lower = (uint8_t)(byte | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that the escape at `at` stands for, which has a `%` there and `left` bytes in all; -1: it is none. */
static inline int bi_escape_value(const uint8_t *at, size_t left)
{
    if (left < BI_ESCAPE_SIZE) {
        return -1;
    }
    int high = bi_hex_value(at[1]);
    int low = bi_hex_value(at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Writes BI_ESCAPE_SIZE bytes, in capitals as the RFC wants them. */
static inline void bi_escape_write(uint8_t *out, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    out[0] = '%';
    out[1] = (uint8_t)digits[byte >> 4];
    out[2] = (uint8_t)digits[byte & 15];
}

#endif
