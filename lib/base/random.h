/* SPDX-License-Identifier: MIT */
/* random.h - where random bytes come from: an argument, so that a simulation can be replayed from a seed. */
#ifndef BIGHT_BASE_RANDOM_H
#define BIGHT_BASE_RANDOM_H

#include <bight/error.h>

/* Fills `buffer`. 0, or a code when the source failed: then the buffer must not be used. */
typedef int (*bight_random_function)(void *context, void *buffer, size_t size);

/* The production source: OpenSSL's RAND_bytes. */
int bight_random_openssl(void *context, void *buffer, size_t size);

/* Which OpenSSL runs: "3.0.17". Lives for ever. */
const char *bight_openssl_version(void);

#endif
