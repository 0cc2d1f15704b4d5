/* SPDX-License-Identifier: MIT */
/* random.h - where random bytes come from: an argument, so that a simulation can be replayed from a seed. */
#ifndef BI_BASE_RANDOM_H
#define BI_BASE_RANDOM_H

#include <bight/error.h>

/* Fills `buffer`. 0, or a code when the source failed: then the buffer must not be used. */
typedef int (*bi_random_function)(void *context, void *buffer, size_t size);

/* The production source: OpenSSL's RAND_bytes. */
int bi_random_openssl(void *context, void *buffer, size_t size);

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators): any state will do, and the next
 * number differs in about half its bits. Not for secrets. */
static inline uint64_t bi_split_mix(uint64_t *state)
{
    uint64_t mixed = (*state += UINT64_C(0x9e3779b97f4a7c15));
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* Which OpenSSL runs: "3.0.17". Lives for ever. */
const char *bi_openssl_version(void);

#endif
