/* SPDX-License-Identifier: MIT */
/* random.h - where random bytes come from: an argument, so that a simulation can be replayed from a seed. */
#ifndef BI_BASE_RANDOM_H
#define BI_BASE_RANDOM_H

#include <bight/clock.h>

/* Fills `buffer`. 0, or a code when the source failed: then the buffer must not be used. */
typedef int (*bi_random_function)(void *context, void *buffer, size_t size);

/* The production source: OpenSSL's RAND_bytes. */
int bi_random_openssl(void *context, void *buffer, size_t size);

/* A clock's: its own, or the production source when it has none. */
static inline int bi_clock_random(struct bight_clock *clock, void *buffer, size_t size)
{
    return clock->ops->random != NULL ? clock->ops->random(clock, buffer, size) : bi_random_openssl(NULL, buffer, size);
}

/* From 0 to just below 1, of 64 random bits. */
static inline double bi_fraction(uint64_t drawn)
{
    return (double)(drawn >> 11) * 0x1p-53;
}

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
