/* SPDX-License-Identifier: MIT */
/* fuzz_utf8.c - UTF-8 against a plain decoder, whole and in two pieces cut anywhere.
 *
 * The decoder puts numbers together and looks at them, where the library's walks through states. */
#include "http/message/utf8.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* How many bytes a character has by its first; 0: none begins so. */
static size_t size_by(uint8_t first)
{
    return first < 0x80 ? 1 : (first & 0xe0) == 0xc0 ? 2 : (first & 0xf0) == 0xe0 ? 3 : (first & 0xf8) == 0xf0 ? 4 : 0;
}

static bool is_character(uint32_t number, size_t size)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    return number >= least[size] && number <= 0x10ffff && (number < 0xd800 || number > 0xdfff);
}

/* The size of the character at the beginning; 0: there is none. */
static size_t decode(const uint8_t *data, size_t size)
{
    static const uint8_t bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    size_t wanted = size_by(data[0]);
    if (wanted == 0 || wanted > size) {
        return 0;
    }
    uint32_t number = data[0] & bits[wanted];
    for (size_t at = 1; at < wanted; at++) {
        if ((data[at] & 0xc0) != 0x80) {
            return 0;
        }
        number = number << 6 | (data[at] & 0x3f);
    }
    return is_character(number, wanted) ? wanted : 0;
}

/* How many bytes at the beginning are whole characters. */
static size_t good_bytes(const uint8_t *data, size_t size)
{
    size_t at = 0;
    for (size_t step; at < size && (step = decode(data + at, size - at)) > 0; at += step) {
    }
    return at;
}

/* Whether `size` bytes, fewer than a character has, may be the beginning of one: some end makes it one. */
static bool may_begin(const uint8_t *data, size_t size)
{
    uint8_t text[4] = { 0x80, 0x80, 0x80, 0x80 };
    memcpy(text, data, size);
    for (unsigned next = 0x80; next < 0xc0; next++) {
        text[size] = (uint8_t)next;
        if (decode(text, 4) > size) {
            return true;
        }
    }
    return false;
}

static void cut(const uint8_t *data, size_t size, size_t at, bool is_good, bool may_go_on)
{
    struct bi_utf8 utf8 = { 0 };
    (void)bi_utf8_feed(&utf8, data, at);
    require(bi_utf8_feed(&utf8, data + at, size - at) == may_go_on);
    require(bi_utf8_is_complete(&utf8) == is_good);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t good = good_bytes(data, size), left = size - good;
    bool is_good = left == 0;
    bool may_go_on = is_good || (left < 4 && left < size_by(data[good]) && may_begin(data + good, left));
    require(bi_is_utf8(data, size) == is_good);
    for (size_t at = 0; at <= size; at += 1 + size / 50) {
        cut(data, size, at, is_good, may_go_on);
    }
    return 0;
}
