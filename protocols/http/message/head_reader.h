/* SPDX-License-Identifier: MIT */
/* head_reader.h - reading what is in order, many bytes at once.
 *
 * A reader takes whole lines that are in order, as they nearly always are, in one pass: it looks for what ends an
 * element, not at what the element is made of, and stops before the first line that is unusual in any way or not all
 * there. That one is for head_line.c, which knows all that can be wrong, and what is to be tolerated. So a reader has
 * no say in what is refused, and there may be several, by what the processor can do. */
#ifndef BI_HTTP_HEAD_READER_H
#define BI_HTTP_HEAD_READER_H

#include <stdatomic.h>

#include "http/message/head.h"

/* Advances head->parsed over lines in order, of which it adds what they say. True: the head has ended, and its size is
 * set. */
typedef bool bi_head_reader(struct bi_head *head, const uint8_t *bytes, uint32_t size);

bi_head_reader bi_head_read_words, bi_head_read_sse2, bi_head_read_avx2;

/* The same for a request from its first byte, before bi_head_begin. True: the head is whole, and what is said of such a
 * one is set. False: nothing in it means anything, and it is to be begun. */
bi_head_reader bi_head_read_new_words, bi_head_read_new_sse2, bi_head_read_new_avx2;

/* The ones that have been chosen. */
extern bi_head_reader *_Atomic bi_head_chosen, *_Atomic bi_head_chosen_new;
static inline bool bi_head_read(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return atomic_load_explicit(&bi_head_chosen, memory_order_relaxed)(head, bytes, size);
}
static inline bool bi_head_read_new(struct bi_head *head, const uint8_t *bytes, uint32_t size)
{
    return atomic_load_explicit(&bi_head_chosen_new, memory_order_relaxed)(head, bytes, size);
}

/* Bytes that readers look for; in head_avx2.c they are in tables. */
enum bi_head_byte {
    BI_HEAD_COLON,
    BI_HEAD_SPACE,
    BI_HEAD_FIRST_VISIBLE,
    BI_HEAD_LAST_CONTROL,
    BI_HEAD_DELETE,
    BI_HEAD_HASH,
    BI_HEAD_QUESTION,
    BI_HEAD_SLASH,
    BI_HEAD_DOT,
    BI_HEAD_PERCENT,
    BI_HEAD_HALF,
    BI_HEAD_TOKEN_SETS,   /* not of one byte, but of one after the other by a byte's lower half, */
    BI_HEAD_TOKEN_HALVES, /* and by its upper one: see is_token there */
    BI_HEAD_BYTE_COUNT
};
#define BI_HEAD_LANES 32
extern const uint8_t bi_head_lanes[BI_HEAD_BYTE_COUNT][BI_HEAD_LANES];

enum bi_head_means {
    BI_HEAD_PLAIN, /* no reader at all: head_line.c reads every line */
    BI_HEAD_WORDS, /* eight bytes at once, anywhere */
    BI_HEAD_SSE2,
    BI_HEAD_AVX2,
    BI_HEAD_MEANS_COUNT
};

/* For tests and benchmarks; what the processor does best is chosen by itself. False: it cannot do that. */
bool bi_head_choose(enum bi_head_means means);

#endif
