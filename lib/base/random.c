/* SPDX-License-Identifier: MIT */
/* random.c - the production source of random bytes, over OpenSSL.
 *
 * Other sources (the seeded one of a simulation) stand with who needs them; all share the function type of
 * random.h. */
#include "base/random.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

int bi_random_openssl(void *context, void *buffer, size_t size)
{
    (void)context;
    unsigned char *at = buffer;
    while (size > 0) {
        int part = size < INT_MAX ? (int)size : INT_MAX;
        if (RAND_bytes(at, part) != 1) {
            return BIGHT_E_SYSTEM;
        }
        at += part;
        size -= (size_t)part;
    }
    return BIGHT_OK;
}

const char *bi_openssl_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}
