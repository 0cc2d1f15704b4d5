/* SPDX-License-Identifier: MIT */
/* mask.c - masks over many bytes at once, by whatever is the widest that the processor has.
 *
 * Going through a payload it costs next to nothing to see whether all of it is ASCII, too, which most text is: then no
 * second look at it is needed. Each step loads before it stores, and goes upwards, so that the result may lie where the
 * bytes came from, or before. */
#include "http/websocket/mask.h"

#include "http/message/likely.h"

#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define TOPS UINT64_C(0x8080808080808080)
#define FEW 16u             /* bytes that are not worth a loop */
#define WORTH_CHOOSING 256u /* from here on wider lanes are worth a call, where the usual ones are always there */

typedef bool apply_function(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask);

static inline uint64_t load_word(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static inline uint64_t twice(bi_mask mask)
{
    return (uint64_t)mask << 32 | mask;
}

static inline bool apply_to_bytes(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    uint8_t key[sizeof mask], all = 0;
    memcpy(key, &mask, sizeof mask);
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = from[i] ^ key[i % sizeof mask];
        all |= byte;
        to[i] = byte;
    }
    return all < 0x80;
}

/* 8 to 16 bytes, by two words that may overlap: both are loaded before one is stored. */
static inline bool apply_to_two(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    uint64_t first = load_word(from) ^ twice(mask);
    uint64_t last = load_word(from + size - 8) ^ twice(bi_mask_behind(mask, size));
    memcpy(to, &first, sizeof first);
    memcpy(to + size - 8, &last, sizeof last);
    return ((first | last) & TOPS) == 0;
}

/* At most FEW. */
static inline bool apply_to_few(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    return size >= 8 ? apply_to_two(to, from, size, mask) : apply_to_bytes(to, from, size, mask);
}

static bool apply_words(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    uint64_t all = 0, wide = twice(mask);
    size_t at = 0;
    for (; size - at > FEW; at += 16) {
        uint64_t one = load_word(from + at) ^ wide, other = load_word(from + at + 8) ^ wide;
        all |= one | other;
        memcpy(to + at, &one, sizeof one);
        memcpy(to + at + 8, &other, sizeof other);
    }
    bool is_ascii = apply_to_few(to + at, from + at, size - at, mask);
    return is_ascii && (all & TOPS) == 0;
}

#if defined(__x86_64__)
static inline __m128i load_sse2(const uint8_t *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

static inline void store_sse2(uint8_t *at, __m128i lanes)
{
    _mm_storeu_si128((__m128i *)(void *)at, lanes);
}

/* More than 16 bytes: the last 16 may overlap those before, and are loaded before anything is stored. */
static inline bool apply_lanes(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    const __m128i wide = _mm_set1_epi32((int)mask);
    size_t last = size - 16;
    __m128i end = _mm_xor_si128(load_sse2(from + last), _mm_set1_epi32((int)bi_mask_behind(mask, last)));
    __m128i all = end;
    for (size_t at = 0; at < last; at += 16) {
        __m128i lanes = _mm_xor_si128(load_sse2(from + at), wide);
        all = _mm_or_si128(all, lanes);
        store_sse2(to + at, lanes);
    }
    store_sse2(to + last, end);
    return _mm_movemask_epi8(all) == 0;
}

static inline bool apply_to_rest(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    return size > FEW ? apply_lanes(to, from, size, mask) : apply_to_few(to, from, size, mask);
}

BI_HOT static bool apply_sse2(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    const __m128i wide = _mm_set1_epi32((int)mask);
    __m128i all = _mm_setzero_si128();
    size_t at = 0;
    for (; size - at >= 64; at += 64) {
        __m128i a = _mm_xor_si128(load_sse2(from + at), wide), b = _mm_xor_si128(load_sse2(from + at + 16), wide);
        __m128i c = _mm_xor_si128(load_sse2(from + at + 32), wide), d = _mm_xor_si128(load_sse2(from + at + 48), wide);
        all = _mm_or_si128(all, _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d)));
        store_sse2(to + at, a);
        store_sse2(to + at + 16, b);
        store_sse2(to + at + 32, c);
        store_sse2(to + at + 48, d);
    }
    bool is_ascii = apply_to_rest(to + at, from + at, size - at, mask);
    return is_ascii && _mm_movemask_epi8(all) == 0;
}

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i load_avx2(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

AVX2 static inline void store_avx2(uint8_t *at, __m256i lanes)
{
    _mm256_storeu_si256((__m256i *)(void *)at, lanes);
}

AVX2 BI_HOT static bool apply_avx2(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    const __m256i wide = _mm256_set1_epi32((int)mask);
    __m256i all = _mm256_setzero_si256();
    size_t at = 0;
    for (; size - at >= 128; at += 128) {
        __m256i a = _mm256_xor_si256(load_avx2(from + at), wide);
        __m256i b = _mm256_xor_si256(load_avx2(from + at + 32), wide);
        __m256i c = _mm256_xor_si256(load_avx2(from + at + 64), wide);
        __m256i d = _mm256_xor_si256(load_avx2(from + at + 96), wide);
        all = _mm256_or_si256(all, _mm256_or_si256(_mm256_or_si256(a, b), _mm256_or_si256(c, d)));
        store_avx2(to + at, a);
        store_avx2(to + at + 32, b);
        store_avx2(to + at + 64, c);
        store_avx2(to + at + 96, d);
    }
    bool is_ascii = _mm256_movemask_epi8(all) == 0;
    return apply_sse2(to + at, from + at, size - at, mask) && is_ascii;
}
#endif

/* ------------------------------------------------------------------------------------- choosing one */

static apply_function *find(enum bi_mask_means means)
{
    switch (means) {
    case BI_MASK_WORDS:
        return apply_words;
#if defined(__x86_64__)
    case BI_MASK_SSE2:
        return apply_sse2;
    case BI_MASK_AVX2:
        return __builtin_cpu_supports("avx2") ? apply_avx2 : NULL;
#else
    case BI_MASK_SSE2:
    case BI_MASK_AVX2:
#endif
    case BI_MASK_MEANS_COUNT:
        break;
    }
    return NULL;
}

static apply_function choose_and_apply;
static apply_function *_Atomic chosen = choose_and_apply;

bool bi_mask_choose(enum bi_mask_means means)
{
    apply_function *found = find(means);
    if (found != NULL) {
        atomic_store_explicit(&chosen, found, memory_order_relaxed);
    }
    return found != NULL;
}

/* The first call. Several threads may choose at once, and choose the same. */
static bool choose_and_apply(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    enum bi_mask_means means = BI_MASK_MEANS_COUNT;
    do {
        means--;
    } while (!bi_mask_choose(means));
    return atomic_load_explicit(&chosen, memory_order_relaxed)(to, from, size, mask);
}

BI_HOT bool bi_mask_apply(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask)
{
    if (size <= FEW) {
        return apply_to_few(to, from, size, mask);
    }
#if defined(__x86_64__)
    if (size < WORTH_CHOOSING) {
        return apply_lanes(to, from, size, mask);
    }
#endif
    return atomic_load_explicit(&chosen, memory_order_relaxed)(to, from, size, mask);
}
