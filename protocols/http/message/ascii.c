/* SPDX-License-Identifier: MIT */
/* ascii.c - runs of ASCII: no byte of them has its top bit.
 *
 * Blocks of 128 bytes are ORed together and looked at once, by whatever is the widest that the processor has, which is
 * asked for when the program runs. What comes behind the last block is for whoever asks, who has to look closer there
 * anyway. */
#include "http/message/ascii.h"

#include <stdatomic.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BLOCK 128

typedef size_t run_function(const uint8_t *at, size_t size);

static size_t run_of_words(const uint8_t *at, size_t size)
{
    size_t run = 0;
    for (; size - run >= BLOCK; run += BLOCK) {
        uint64_t words[BLOCK / sizeof(uint64_t)], all = 0;
        memcpy(words, at + run, sizeof words);
        for (size_t i = 0; i < BLOCK / sizeof(uint64_t); i++) {
            all |= words[i];
        }
        if ((all & UINT64_C(0x8080808080808080)) != 0) {
            break;
        }
    }
    return run;
}

#if defined(__x86_64__)
static inline __m128i two_of_sse2(const uint8_t *at)
{
    return _mm_or_si128(
        _mm_loadu_si128((const __m128i *)(const void *)at), _mm_loadu_si128((const __m128i *)(const void *)(at + 16)));
}

static size_t run_of_sse2(const uint8_t *at, size_t size)
{
    size_t run = 0;
    for (; size - run >= BLOCK; run += BLOCK) {
        const uint8_t *block = at + run;
        __m128i first = _mm_or_si128(two_of_sse2(block), two_of_sse2(block + 32));
        __m128i last = _mm_or_si128(two_of_sse2(block + 64), two_of_sse2(block + 96));
        if (_mm_movemask_epi8(_mm_or_si128(first, last)) != 0) {
            break;
        }
    }
    return run;
}

__attribute__((target("avx2"))) static inline __m256i two_of_avx2(const uint8_t *at)
{
    return _mm256_or_si256(_mm256_loadu_si256((const __m256i *)(const void *)at),
        _mm256_loadu_si256((const __m256i *)(const void *)(at + 32)));
}

__attribute__((target("avx2"))) static size_t run_of_avx2(const uint8_t *at, size_t size)
{
    size_t run = 0;
    for (; size - run >= BLOCK; run += BLOCK) {
        __m256i all = _mm256_or_si256(two_of_avx2(at + run), two_of_avx2(at + run + 64));
        if (_mm256_movemask_epi8(all) != 0) {
            break;
        }
    }
    return run;
}
#endif

/* ------------------------------------------------------------------------------------- choosing one */

static run_function *find(enum bi_ascii_means means)
{
    switch (means) {
    case BI_ASCII_WORDS:
        return run_of_words;
#if defined(__x86_64__)
    case BI_ASCII_SSE2:
        return run_of_sse2;
    case BI_ASCII_AVX2:
        return __builtin_cpu_supports("avx2") ? run_of_avx2 : NULL;
#else
    case BI_ASCII_SSE2:
    case BI_ASCII_AVX2:
#endif
    case BI_ASCII_MEANS_COUNT:
        break;
    }
    return NULL;
}

static run_function choose_and_run;
static run_function *_Atomic chosen = choose_and_run;

bool bi_ascii_choose(enum bi_ascii_means means)
{
    run_function *found = find(means);
    if (found != NULL) {
        atomic_store_explicit(&chosen, found, memory_order_relaxed);
    }
    return found != NULL;
}

/* The first call. Several threads may choose at once, and choose the same. */
static size_t choose_and_run(const uint8_t *at, size_t size)
{
    enum bi_ascii_means means = BI_ASCII_MEANS_COUNT;
    do {
        means--;
    } while (!bi_ascii_choose(means));
    return bi_ascii_run(at, size);
}

size_t bi_ascii_run(const uint8_t *at, size_t size)
{
    return atomic_load_explicit(&chosen, memory_order_relaxed)(at, size);
}
