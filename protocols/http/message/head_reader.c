/* SPDX-License-Identifier: MIT */
/* head_reader.c - which reader: the widest that the processor has, asked once. */
#include "http/message/head_reader.h"

#include <stdatomic.h>

static bool read_nothing(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    (void)head;
    (void)bytes;
    (void)size;
    return false;
}

/* NULL: not on this processor. */
static bi_head_reader *reader_of(enum bi_head_means means)
{
    switch (means) {
    case BI_HEAD_PLAIN:
        return read_nothing;
    case BI_HEAD_WORDS:
        return bi_head_read_words;
    case BI_HEAD_SSE2:
#if defined(__SSE2__)
        return bi_head_read_sse2;
#else
        return NULL;
#endif
    case BI_HEAD_AVX2:
#if defined(__x86_64__)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
                   ? bi_head_read_avx2
                   : NULL;
#else
        return NULL;
#endif
    case BI_HEAD_MEANS_COUNT:
        break;
    }
    return NULL;
}

/* The first call; several threads may choose at once, and choose the same. */
static bool choose_and_read(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    enum bi_head_means means = BI_HEAD_MEANS_COUNT;
    do {
        means--;
    } while (!bi_head_choose(means));
    return bi_head_read(head, bytes, size);
}

static bi_head_reader *_Atomic chosen = choose_and_read;

bool bi_head_choose(enum bi_head_means means)
{
    bi_head_reader *reader = reader_of(means);
    if (reader == NULL) {
        return false;
    }
    atomic_store_explicit(&chosen, reader, memory_order_relaxed);
    return true;
}

bool bi_head_read(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return atomic_load_explicit(&chosen, memory_order_relaxed)(head, bytes, size);
}
