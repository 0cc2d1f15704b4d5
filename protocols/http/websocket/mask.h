/* SPDX-License-Identifier: MIT */
/* mask.h - masking and unmasking payloads, which is the same. RFC 6455, section 5.3. */
#ifndef BI_WEBSOCKET_MASK_H
#define BI_WEBSOCKET_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The four bytes of a mask as they are in memory, the one for the next byte first. */
typedef uint32_t bi_mask;

/* The mask for what lies `count` bytes further on. */
static inline bi_mask bi_mask_behind(bi_mask mask, size_t count)
{
    unsigned bits = 8 * (unsigned)(count % sizeof mask), rest = -bits % 32;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return mask >> bits | mask << rest;
#else
    return mask << bits | mask >> rest;
#endif
}

/* Writes `size` bytes from `from` with the mask to `to`, which is elsewhere, or `from` itself, or somewhat before it.
 * True: all of what was written is ASCII. Of a mask of 0 it is a move. */
bool bi_mask_apply(uint8_t *to, const uint8_t *from, size_t size, bi_mask mask);

enum bi_mask_means {
    BI_MASK_WORDS, /* eight bytes at once, anywhere */
    BI_MASK_SSE2,
    BI_MASK_AVX2,
    BI_MASK_MEANS_COUNT
};

/* For tests and benchmarks; what the processor does best is chosen by itself. False: it cannot do that. */
bool bi_mask_choose(enum bi_mask_means means);

#endif
