/* SPDX-License-Identifier: MIT */
/* little_endian.h - bytes as a number that is the same on every machine. */
#ifndef BI_BASE_LITTLE_ENDIAN_H
#define BI_BASE_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* Up to eight bytes, the first one lowest. */
static inline uint64_t bi_read_little_endian(const uint8_t *bytes, size_t size)
{
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

#endif
