/* SPDX-License-Identifier: MIT */
/* printable.c - text of others, which a terminal must not obey: what is no whole character of UTF-8 or is a control is
 * replaced, whatever it is part of. Who shows it, and where, is not looked at here. */
#include "printable.h"

#include <string.h>

static size_t length_of(unsigned char first)
{
    return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
}

size_t runner_utf8_size(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t count = size > 0 ? length_of(at[0]) : 0;
    if (count == 0 || count > size) {
        return 0;
    }
    for (size_t i = 1; i < count; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_wrong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] >= 0xa0) ||
                    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] >= 0x90);
    return count > 1 && is_wrong ? 0 : count;
}

/* Of a character of three bytes: U+200B to 200F, U+2028 to 202E, U+2060 to 206F, U+FEFF. */
static bool is_mark(const unsigned char *at)
{
    return (at[0] == 0xe2 && at[1] == 0x80 && ((at[2] >= 0x8b && at[2] <= 0x8f) || (at[2] >= 0xa8 && at[2] <= 0xae))) ||
           (at[0] == 0xe2 && at[1] == 0x81 && at[2] >= 0xa0 && at[2] <= 0xaf) ||
           (at[0] == 0xef && at[1] == 0xbb && at[2] == 0xbf);
}

size_t runner_printable_size(const char *text, size_t size)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t count = runner_utf8_size(text, size);
    bool is_control = (count == 1 && (at[0] < ' ' || at[0] == 0x7f)) || (count == 2 && at[0] == 0xc2 && at[1] < 0xa0) ||
                      (count == 2 && at[0] == 0xd8 && at[1] == 0x9c);
    return is_control || (count == 3 && is_mark(at)) ? 0 : count;
}

bool runner_is_utf8(const char *text, size_t size)
{
    for (size_t count; size > 0; text += count, size -= count) {
        count = runner_utf8_size(text, size);
        if (count == 0) {
            return false;
        }
    }
    return true;
}

static size_t escape(unsigned char byte, char *shown)
{
    static const char digits[] = "0123456789abcdef";
    if (byte == '\n' || byte == '\t') {
        shown[0] = '\\';
        shown[1] = byte == '\n' ? 'n' : 't';
        return 2;
    }
    shown[0] = '\\';
    shown[1] = 'x';
    shown[2] = digits[byte >> 4];
    shown[3] = digits[byte & 15];
    return 4;
}

size_t runner_make_printable(const char *text, size_t size, bool keeps_lines, char *shown)
{
    size_t written = 0;
    while (size > 0) {
        size_t count = runner_printable_size(text, size);
        if (count == 0 && keeps_lines && (*text == '\n' || *text == '\t')) {
            count = 1;
        }
        if (count > 0) {
            memcpy(shown + written, text, count);
            written += count;
        } else {
            count = 1;
            written += escape((unsigned char)*text, shown + written);
        }
        text += count;
        size -= count;
    }
    return written;
}
