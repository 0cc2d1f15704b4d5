/* SPDX-License-Identifier: MIT */
/* head_words.c - the reader for any processor: the eight bytes of a word at once.
 *
 * A mask has the top bit of each byte that is meant, exactly: sums of seven bits carry nothing into the next byte. */
#include <stdint.h>
#include <string.h>

#include "http/message/head_reader.h"
#include "http/message/names_table.h"

#define INLINE static inline
#define LANES 8

typedef uint64_t lanes;
typedef uint64_t mask;

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define TOPS EACH(0x80)

/* The first byte lowest. */
INLINE lanes load(const uint8_t *at)
{
    lanes bytes;
    memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

INLINE mask is_over(lanes bytes, uint8_t limit)
{
    return (((bytes & ~TOPS) + EACH(0x7fu - limit)) | bytes) & TOPS;
}

INLINE mask is_equal(lanes bytes, uint8_t byte)
{
    return ~is_over(bytes ^ EACH(byte), 0) & TOPS;
}

INLINE mask stops_name(lanes bytes)
{
    return is_equal(bytes, ':') | (~is_over(bytes, ' ') & TOPS);
}

INLINE mask stops_target(lanes bytes)
{
    return (~is_over(bytes, ' ') & TOPS) | is_over(bytes, 0x7e) | is_equal(bytes, '#');
}

INLINE mask stops_value(lanes bytes)
{
    return (~is_over(bytes, 0x1f) & TOPS) | is_equal(bytes, 0x7f);
}

/* Those that are asked for by their names. */
INLINE mask equals(lanes bytes, enum bi_head_byte byte)
{
    static const uint8_t named[] = {
        [BI_HEAD_QUESTION] = '?', [BI_HEAD_SLASH] = '/', [BI_HEAD_DOT] = '.', [BI_HEAD_PERCENT] = '%'
    };
    return is_equal(bytes, named[byte]);
}

INLINE mask has_mark(lanes bytes)
{
    return is_equal(bytes, '?') | is_equal(bytes, '%') | is_equal(bytes, '.');
}

INLINE unsigned first(mask found)
{
    return (unsigned)__builtin_ctzll(found) / 8;
}

INLINE mask drop(mask found, unsigned count)
{
    return found >> (8 * count);
}

INLINE bool is_name(lanes bytes, unsigned before, const struct bi_known_name *known, const uint8_t *text, size_t size)
{
    (void)bytes;
    (void)before;
    return bi_known_is(known, text, size);
}

INLINE bool is_token(lanes bytes, unsigned before, const uint8_t *text, size_t size)
{
    (void)bytes;
    (void)before;
    return bi_is_token((struct bi_view) { text, size });
}

#define read_fewer(head, bytes, size) false
#define read_fewer_new(head, bytes, size) false
#include "http/message/head_reader_core.h"

bool bi_head_read_new_words(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return read_new(head, bytes, size);
}

bool bi_head_read_words(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return read_lines(head, bytes, size);
}
