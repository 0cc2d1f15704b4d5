/* SPDX-License-Identifier: MIT */
/* words.h - short texts looked at eight bytes at a time, where a call of memchr or memcmp costs more than its work.
 *
 * In either order of bytes, and never beyond the text. */
#ifndef BI_HTTP_WORDS_H
#define BI_HTTP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BI_WORD 8
#define BI_EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t bi_load_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Whether two texts are the same; the last word overlaps the one before. */
static inline bool bi_words_equal(const uint8_t *one, const uint8_t *other, size_t size)
{
    if (size < BI_WORD) {
        return memcmp(one, other, size) == 0;
    }
    uint64_t differs = bi_load_word(one) ^ bi_load_word(other);
    for (size_t at = BI_WORD; at + BI_WORD < size; at += BI_WORD) {
        differs |= bi_load_word(one + at) ^ bi_load_word(other + at);
    }
    return (differs | (bi_load_word(one + size - BI_WORD) ^ bi_load_word(other + size - BI_WORD))) == 0;
}

/* The first byte in memory. */
static inline uint8_t bi_word_first(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (uint8_t)word;
#else
    return (uint8_t)(word >> 56);
#endif
}

/* Bits are set in the result if a byte of `word` is `byte`; then perhaps in more significant ones, too, but never
 * without one. */
static inline uint64_t bi_word_has(uint64_t word, uint8_t byte)
{
    uint64_t zeros = word ^ BI_EACH_BYTE(byte);
    return (zeros - BI_EACH_BYTE(0x01)) & ~zeros & BI_EACH_BYTE(0x80);
}

/* Which byte in memory is the first that is `byte`; BI_WORD: none. */
static inline unsigned bi_word_find(uint64_t word, uint8_t byte)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t found = bi_word_has(word, byte);
    return found != 0 ? (unsigned)__builtin_ctzll(found) / 8 : BI_WORD;
#else
    uint64_t others = word ^ BI_EACH_BYTE(byte);
    uint64_t found = ~(((others & BI_EACH_BYTE(0x7f)) + BI_EACH_BYTE(0x7f)) | others | BI_EACH_BYTE(0x7f));
    return found != 0 ? (unsigned)__builtin_clzll(found) / 8 : BI_WORD;
#endif
}

/* A word that has `byte` at this place in memory, and zeros. */
static inline uint64_t bi_word_with(uint8_t byte, size_t place)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (uint64_t)byte << 8 * place;
#else
    return (uint64_t)byte << 8 * (BI_WORD - 1 - place);
#endif
}

/* The `left` bytes at the end of a text of a word at least, more than none and fewer than a word, and zeros behind. */
static inline uint64_t bi_load_last(const uint8_t *end, size_t left)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return bi_load_word(end - BI_WORD) >> 8 * (BI_WORD - left);
#else
    return bi_load_word(end - BI_WORD) << 8 * (BI_WORD - left);
#endif
}

/* Where the first `byte` is, from `at` on; `end`: nowhere. */
static inline const uint8_t *bi_find_byte(const uint8_t *at, const uint8_t *end, uint8_t byte)
{
    while (end - at >= BI_WORD) {
        unsigned found = bi_word_find(bi_load_word(at), byte);
        at += found;
        if (found < BI_WORD) {
            return at;
        }
    }
    while (at < end && *at != byte) {
        at++;
    }
    return at;
}

#endif
