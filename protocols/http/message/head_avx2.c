/* SPDX-License-Identifier: MIT */
/* head_avx2.c - the reader for processors with AVX2 and BMI, which are asked for when the program runs: thirty-two
 * bytes at once, and names without a loop. */
#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>

#include "http/message/head_reader.h"
#include "http/message/names_table.h"

#define TARGET __attribute__((target("avx2,bmi,bmi2")))
#define INLINE TARGET static inline __attribute__((always_inline))
#define LANES 32

typedef __m256i lanes;
typedef uint32_t mask;

INLINE lanes load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

/* The bytes that are compared with, in all lanes. What the compiler knows of it makes three instructions instead, each
 * time; so it is another file's. */
INLINE lanes all_of(enum bi_head_byte byte)
{
    return _mm256_load_si256((const __m256i *)(const void *)bi_head_lanes[byte]);
}

INLINE lanes is_equal(lanes bytes, enum bi_head_byte byte)
{
    return _mm256_cmpeq_epi8(bytes, all_of(byte));
}

/* As unsigned numbers, which there is no comparison for. */
INLINE lanes is_at_most(lanes bytes, enum bi_head_byte limit)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, all_of(limit)), bytes);
}

INLINE mask stops_name(lanes bytes)
{
    return (mask)_mm256_movemask_epi8(
        _mm256_or_si256(is_equal(bytes, BI_HEAD_COLON), is_at_most(bytes, BI_HEAD_SPACE)));
}

/* As signed numbers those from 0x80 on are below all others. */
INLINE mask stops_target(lanes bytes)
{
    lanes low = _mm256_cmpgt_epi8(all_of(BI_HEAD_FIRST_VISIBLE), bytes);
    return (mask)_mm256_movemask_epi8(
        _mm256_or_si256(low, _mm256_or_si256(is_equal(bytes, BI_HEAD_HASH), is_equal(bytes, BI_HEAD_DELETE))));
}

INLINE mask stops_value(lanes bytes)
{
    return (mask)_mm256_movemask_epi8(
        _mm256_or_si256(is_at_most(bytes, BI_HEAD_LAST_CONTROL), is_equal(bytes, BI_HEAD_DELETE)));
}

INLINE mask equals(lanes bytes, enum bi_head_byte byte)
{
    return (mask)_mm256_movemask_epi8(is_equal(bytes, byte));
}

INLINE mask has_mark(lanes bytes)
{
    return (mask)_mm256_movemask_epi8(_mm256_or_si256(is_equal(bytes, BI_HEAD_QUESTION),
        _mm256_or_si256(is_equal(bytes, BI_HEAD_PERCENT), is_equal(bytes, BI_HEAD_DOT))));
}

INLINE unsigned first(mask found)
{
    return _tzcnt_u32(found);
}

INLINE mask drop(mask found, unsigned count)
{
    return found >> count;
}

/* The lanes of the text among `found`; there are at most as many as lanes. */
INLINE bool has_all(mask found, size_t size)
{
    return _bzhi_u32(~found, (uint32_t)size) == 0;
}

/* Letters in one case; of what is not below `!`, nothing else becomes a letter or a hyphen. What is compared with the
 * lanes before the name are the bytes before the known one, which are there: it is not the first of its table. */
INLINE bool is_name(lanes bytes, unsigned before, const struct bi_known_name *known, const uint8_t *text, size_t size)
{
    lanes lower = _mm256_or_si256(bytes, all_of(BI_HEAD_SPACE)); /* which is the bit that capitals have not */
    lanes same = _mm256_cmpeq_epi8(lower, load((const uint8_t *)known - before));
    (void)text;
    return has_all(drop((mask)_mm256_movemask_epi8(same), before), size);
}

/* A byte's lower half selects a set of upper halves, a bit each from 2 to 7, with which it is a token character. */
INLINE bool is_token(lanes bytes, unsigned before, const uint8_t *text, size_t size)
{
    const lanes sets = all_of(BI_HEAD_TOKEN_SETS), halves = all_of(BI_HEAD_TOKEN_HALVES), half = all_of(BI_HEAD_HALF);
    lanes set = _mm256_shuffle_epi8(sets, _mm256_and_si256(bytes, half));
    lanes upper = _mm256_shuffle_epi8(halves, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
    lanes none = _mm256_cmpeq_epi8(_mm256_and_si256(set, upper), _mm256_setzero_si256());
    (void)text;
    return has_all(drop(~(mask)_mm256_movemask_epi8(none), before), size);
}

#define read_fewer bi_head_read_sse2
#define read_fewer_new bi_head_read_new_sse2
#include "http/message/head_reader_core.h"

TARGET bool bi_head_read_new_avx2(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return read_new(head, bytes, size);
}

TARGET bool bi_head_read_avx2(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return read_lines(head, bytes, size);
}
#else
typedef int no_avx2; /* a file that is not empty */
#endif
