/* SPDX-License-Identifier: MIT */
/* head_sse2.c - the reader for any x86-64: sixteen bytes at once, names by words.
 *
 * Only what lanes are is told here; what is read in which order is head_reader_core.h's. */
#if defined(__SSE2__)
#include <emmintrin.h>
#include <stdint.h>

#include "http/message/head_reader.h"
#include "http/message/names_table.h"

#define INLINE static inline
#define LANES 16

typedef __m128i lanes;
typedef uint32_t mask;

INLINE lanes load(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE lanes all_of(enum bi_head_byte byte)
{
    return _mm_load_si128((const __m128i *)(const void *)bi_head_lanes[byte]);
}

INLINE lanes is_equal(lanes bytes, enum bi_head_byte byte)
{
    return _mm_cmpeq_epi8(bytes, all_of(byte));
}

/* As unsigned numbers, which there is no comparison for. */
INLINE lanes is_at_most(lanes bytes, enum bi_head_byte limit)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, all_of(limit)), bytes);
}

INLINE mask stops_name(lanes bytes)
{
    return (mask)_mm_movemask_epi8(_mm_or_si128(is_equal(bytes, BI_HEAD_COLON), is_at_most(bytes, BI_HEAD_SPACE)));
}

/* As signed numbers those from 0x80 on are below all others. */
INLINE mask stops_target(lanes bytes)
{
    lanes low = _mm_cmplt_epi8(bytes, all_of(BI_HEAD_FIRST_VISIBLE));
    return (mask)_mm_movemask_epi8(
        _mm_or_si128(low, _mm_or_si128(is_equal(bytes, BI_HEAD_HASH), is_equal(bytes, BI_HEAD_DELETE))));
}

INLINE mask stops_value(lanes bytes)
{
    return (mask)_mm_movemask_epi8(
        _mm_or_si128(is_at_most(bytes, BI_HEAD_LAST_CONTROL), is_equal(bytes, BI_HEAD_DELETE)));
}

INLINE mask equals(lanes bytes, enum bi_head_byte byte)
{
    return (mask)_mm_movemask_epi8(is_equal(bytes, byte));
}

INLINE mask has_mark(lanes bytes)
{
    return (mask)_mm_movemask_epi8(_mm_or_si128(is_equal(bytes, BI_HEAD_QUESTION),
        _mm_or_si128(is_equal(bytes, BI_HEAD_PERCENT), is_equal(bytes, BI_HEAD_DOT))));
}

INLINE unsigned first(mask found)
{
    return (unsigned)__builtin_ctz(found);
}

INLINE mask drop(mask found, unsigned count)
{
    return found >> count;
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

#define read_fewer bi_head_read_words
#define read_fewer_new bi_head_read_new_words
#include "http/message/head_reader_core.h"

bool bi_head_read_new_sse2(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return read_new(head, bytes, size);
}

bool bi_head_read_sse2(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return read_lines(head, bytes, size);
}
#else
typedef int no_sse2; /* a file that is not empty */
#endif
