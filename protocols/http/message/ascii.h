/* SPDX-License-Identifier: MIT */
/* ascii.h - how much of a text is ASCII, many bytes at once. */
#ifndef BI_HTTP_ASCII_H
#define BI_HTTP_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes from the first on are ASCII for certain: a multiple of what is looked at at once, so that up to 127
 * more may be. */
size_t bi_ascii_run(const uint8_t *at, size_t size);

enum bi_ascii_means {
    BI_ASCII_WORDS, /* eight bytes at once, anywhere */
    BI_ASCII_SSE2,
    BI_ASCII_AVX2,
    BI_ASCII_MEANS_COUNT
};

/* For tests and benchmarks; what the processor does best is chosen by itself. False: it cannot do that. */
bool bi_ascii_choose(enum bi_ascii_means means);

#endif
