/* SPDX-License-Identifier: MIT */
/* names_table.h - the one candidate that a text can be: for names.c, and for code that compares many bytes at once. */
#ifndef BI_HTTP_NAMES_TABLE_H
#define BI_HTTP_NAMES_TABLE_H

#include <string.h>

#include "http/message/names.h"
#include "http/message/tokens.h"

/* A whole vector together, so that one is found by a shift and compared where it is. */
#define BI_KNOWN_LONGEST 30
struct bi_known_name {
    char text[BI_KNOWN_LONGEST + 1];
    uint8_t size;
};
_Static_assert(sizeof(struct bi_known_name) == 32, "it is compared with whole vectors");

#define BI_NAME_SLOTS 256
#define BI_NAME_SLOT(size, first, last) (((size)*5 + (first)*3u + (last)*8u) % BI_NAME_SLOTS)

extern const struct bi_known_name bi_known_names[BI_NAME_COUNT];
extern const uint8_t bi_name_slots[BI_NAME_SLOTS];

/* Of a text that is not empty: the only one it can be, of which the size has not been looked at. That of OTHER is 0. */
static inline unsigned bi_name_candidate_of(const uint8_t *text, size_t size)
{
    return bi_name_slots[BI_NAME_SLOT(size, text[0] | 0x20u, text[size - 1] | 0x20u)];
}

/* The same with its size; OTHER: it is not known. */
static inline enum bi_name bi_name_candidate(const uint8_t *text, size_t size)
{
    unsigned found = bi_name_candidate_of(text, size);
    return bi_known_names[found].size == size ? (enum bi_name)found : BI_NAME_OTHER;
}

static inline uint64_t bi_eight_bytes(const void *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* The first and the last four of `size` bytes, 4 to 8. */
static inline uint64_t bi_twice_four_bytes(const void *at, size_t size)
{
    uint32_t head, tail;
    memcpy(&head, at, sizeof head);
    memcpy(&tail, (const char *)at + size - sizeof tail, sizeof tail);
    return (uint64_t)tail << 32 | head;
}

/* Not zero: these bytes are not those of a known name in any case. A letter and its capital differ in 0x20, and so do
 * `-` and CR, of which only the letters have 0x40. */
static inline uint64_t bi_known_differs(uint64_t have, uint64_t want)
{
    const uint64_t bit = UINT64_C(0x2020202020202020);
    return ((have | bit) ^ want) | (~(have | have >> 1) & bit);
}

/* Of as many bytes as the name has; the last word overlaps the one before. */
static inline bool bi_known_is(const struct bi_known_name *known, const uint8_t *text, size_t size)
{
    uint64_t differs = 0;
    size_t at = 0;
    if (size < 4) {
        return bi_view_equal_nocase(
            (struct bi_view) { text, size }, (struct bi_view) { (const uint8_t *)known->text, size });
    }
    if (size < 8) {
        return bi_known_differs(bi_twice_four_bytes(text, size), bi_twice_four_bytes(known->text, size)) == 0;
    }
    for (; at + 8 < size; at += 8) {
        differs |= bi_known_differs(bi_eight_bytes(text + at), bi_eight_bytes(known->text + at));
    }
    at = size - 8;
    return (differs | bi_known_differs(bi_eight_bytes(text + at), bi_eight_bytes(known->text + at))) == 0;
}

#endif
