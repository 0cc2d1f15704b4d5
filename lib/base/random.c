/* SPDX-License-Identifier: MIT */
/* random.c - the production source of random bytes, over OpenSSL.
 *
 * Other sources (the seeded one of a simulation) stand with their users; all share the function type of random.h. */
#include "base/random.h"

#include <limits.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

/* Empties OpenSSL's queue of errors, in which want of memory is rarely the last, nor always the first. */
static int take_error(void)
{
    int code = BIGHT_E_SYSTEM;
    for (unsigned long error; (error = ERR_get_error()) != 0;) {
        code = ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE ? BIGHT_E_OUT_OF_MEMORY : code;
    }
    return code;
}

int bi_random_openssl(void *context, void *buffer, size_t size)
{
    (void)context;
    unsigned char *at = buffer;
    while (size > 0) {
        int part = size < INT_MAX ? (int)size : INT_MAX;
        if (RAND_bytes(at, part) != 1) {
            return take_error();
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
