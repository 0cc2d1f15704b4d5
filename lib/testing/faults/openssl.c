/* SPDX-License-Identifier: MIT */
/* openssl.c - OpenSSL's allocations, which know nothing of the hook, among those that faults are for.
 *
 * Only the refusing is the faulty allocator's; the memory is the C library's all the time. OpenSSL keeps much of it for
 * ever, and frees some at any time, so that none of it could be told from what was left behind: a leak in it is
 * for a sanitizer to find. */
#include <bight/testing.h>

#include <stdlib.h>

#include <openssl/crypto.h>

#include "testing/kit/testing.h"

static size_t every = 1;

static void *allocate(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return bi_testing_grants(every) ? malloc(size) : NULL;
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return bi_testing_grants(every) ? realloc(memory, size) : NULL;
}

static void release(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    free(memory);
}

bool bight_testing_hook_openssl(size_t one_in)
{
    every = one_in == 0 ? 1 : one_in;
    return CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
}
