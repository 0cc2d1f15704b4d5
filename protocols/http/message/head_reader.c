/* SPDX-License-Identifier: MIT */
/* head_reader.c - which reader: the widest that the processor has, asked once; and the constants that they compare
 * with.
 *
 * The readers themselves are head_reader_core.h over what each head_*.c says of its lanes. */
#include "http/message/head_reader.h"

#define TWO(...)                 \
    {                            \
        __VA_ARGS__, __VA_ARGS__ \
    }
#define ALL(byte)                                                                                               \
    TWO((byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte), (byte), \
        (byte), (byte), (byte))

_Alignas(BI_HEAD_LANES) const uint8_t bi_head_lanes[BI_HEAD_BYTE_COUNT][BI_HEAD_LANES] = {
    [BI_HEAD_COLON] = ALL(':'),
    [BI_HEAD_SPACE] = ALL(' '),
    [BI_HEAD_FIRST_VISIBLE] = ALL('!'),
    [BI_HEAD_LAST_CONTROL] = ALL(0x1f),
    [BI_HEAD_DELETE] = ALL(0x7f),
    [BI_HEAD_HASH] = ALL('#'),
    [BI_HEAD_QUESTION] = ALL('?'),
    [BI_HEAD_SLASH] = ALL('/'),
    [BI_HEAD_DOT] = ALL('.'),
    [BI_HEAD_PERCENT] = ALL('%'),
    [BI_HEAD_HALF] = ALL(0x0f),
    [BI_HEAD_TOKEN_SETS] = TWO(
        0x3a, 0x3f, 0x3e, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3e, 0x3e, 0x3d, 0x15, 0x34, 0x15, 0x3d, 0x1c),
    [BI_HEAD_TOKEN_HALVES] = TWO(0, 0, 1, 2, 4, 8, 16, 32, 0, 0, 0, 0, 0, 0, 0, 0),
};

static bool read_nothing(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    (void)head;
    (void)bytes;
    (void)size;
    return false;
}

struct readers {
    bi_head_reader *lines, *whole; /* NULL: not on this processor */
};

static struct readers readers_of(enum bi_head_means means)
{
    switch (means) {
    case BI_HEAD_PLAIN:
        return (struct readers) { read_nothing, read_nothing };
    case BI_HEAD_WORDS:
        return (struct readers) { bi_head_read_words, bi_head_read_new_words };
    case BI_HEAD_SSE2:
#if defined(__SSE2__)
        return (struct readers) { bi_head_read_sse2, bi_head_read_new_sse2 };
#else
        break;
#endif
    case BI_HEAD_AVX2:
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) {
            return (struct readers) { bi_head_read_avx2, bi_head_read_new_avx2 };
        }
#endif
        break;
    case BI_HEAD_MEANS_COUNT:
        break;
    }
    return (struct readers) { NULL, NULL };
}

/* Several threads may choose at once, and choose the same. */
static void choose(void)
{
    enum bi_head_means means = BI_HEAD_MEANS_COUNT;
    do {
        means--;
    } while (!bi_head_choose(means));
}

/* The first call. */
static bool choose_and_read(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    choose();
    return bi_head_read(head, bytes, size);
}

static bool choose_and_read_new(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    choose();
    return bi_head_read_new(head, bytes, size);
}

bi_head_reader *_Atomic bi_head_chosen = choose_and_read;
bi_head_reader *_Atomic bi_head_chosen_new = choose_and_read_new;

bool bi_head_choose(enum bi_head_means means)
{
    struct readers readers = readers_of(means);
    if (readers.lines == NULL) {
        return false;
    }
    atomic_store_explicit(&bi_head_chosen, readers.lines, memory_order_relaxed);
    atomic_store_explicit(&bi_head_chosen_new, readers.whole, memory_order_relaxed);
    return true;
}
