/* SPDX-License-Identifier: MIT */
/* text.c - telling printable UTF-8 (RFC 3629) from what would disturb a terminal, and escaping the latter.
 *
 * Not printable are controls, characters that change the direction or break lines, invisible ones, and whatever is not
 * UTF-8 at all: overlong forms, surrogates, cut sequences. Everything else is the reader's own business. */
#include "text.h"

#include <stdint.h>
#include <string.h>

static const struct {
    uint32_t first, last;
} unprintable[] = {
    { 0x0000, 0x001f },
    { 0x007f, 0x009f },
    { 0x00ad, 0x00ad },
    { 0x061c, 0x061c },
    { 0x180e, 0x180e },
    { 0x200b, 0x200f },
    { 0x2028, 0x202e },
    { 0x2060, 0x206f },
    { 0xd800, 0xdfff },
    { 0xfdd0, 0xfdef },
    { 0xfeff, 0xfeff },
    { 0xfff0, 0xfffb },
    { 0xfffe, 0xffff },
    { 0xe0000, 0xe0fff },
};

static bool is_printable(uint32_t point)
{
    for (size_t i = 0; i < sizeof unprintable / sizeof unprintable[0]; i++) {
        if (point >= unprintable[i].first && point <= unprintable[i].last) {
            return false;
        }
    }
    return point <= 0x10ffff && (point & 0xfffe) != 0xfffe;
}

/* The length of the printable character that the text begins with; 0: it begins with something else. */
static size_t printable_length(const uint8_t *text, size_t size)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t point = text[0];
    size_t length = point < 0x80 ? 1 : point >= 0xf0 ? 4 : point >= 0xe0 ? 3 : 2;
    if (length > size || point >= 0xf8 || (point >= 0x80 && point < 0xc0)) {
        return 0;
    }
    point &= length == 1 ? 0x7f : 0xffu >> (length + 1);
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        point = point << 6 | (text[i] & 0x3fu);
    }
    return point >= least[length] && is_printable(point) ? length : 0;
}

bool bi_chat_text_is_printable(const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        size_t length = printable_length((const uint8_t *)text + at, size - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

static void escape_byte(uint8_t byte, char *out)
{
    static const char digits[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[byte >> 4];
    out[3] = digits[byte & 15];
}

size_t bi_chat_text_clean(const char *text, size_t size, char *out)
{
    size_t written = 0;
    for (size_t at = 0; at < size;) {
        size_t length = printable_length((const uint8_t *)text + at, size - at);
        if (out != NULL && length == 0) {
            escape_byte((uint8_t)text[at], out + written);
        } else if (out != NULL) {
            memcpy(out + written, text + at, length);
        }
        written += length == 0 ? 4 : length;
        at += length == 0 ? 1 : length;
    }
    return written;
}
