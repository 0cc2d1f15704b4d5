/* SPDX-License-Identifier: MIT */
/* digest.c - digests and comparing, over libcrypto (bight/sys/digest.h). Encodings are base64.c's, and random bytes of
 * a reactor lib/reactor/random.c's.
 *
 * libcrypto allocates even for a digest in one call, so each may fail; what it has put into the thread's queue of
 * errors then is taken out again, or the next who looks there (TLS) would take it for its own. */
#include <bight/sys/digest.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

/* libcrypto takes no NULL. */
static const void *some(const void *data)
{
    return data == NULL ? "" : data;
}

/* Want of memory comes out as almost anything, or as nothing at all; a digest that there is not, as "unsupported", and
 * first. */
static int take_error(void)
{
    unsigned long oldest = ERR_peek_error();
    ERR_clear_error();
    return ERR_GET_REASON(oldest) == ERR_R_UNSUPPORTED ? BIGHT_E_SYSTEM : BIGHT_E_OUT_OF_MEMORY;
}

int bight_sha1(const void *data, size_t size, uint8_t digest[BIGHT_SHA1_SIZE])
{
    bool done = EVP_Digest(some(data), size, digest, NULL, EVP_sha1(), NULL) == 1;
    return done ? BIGHT_OK : take_error();
}

int bight_sha256(const void *data, size_t size, uint8_t digest[BIGHT_SHA256_SIZE])
{
    bool done = EVP_Digest(some(data), size, digest, NULL, EVP_sha256(), NULL) == 1;
    return done ? BIGHT_OK : take_error();
}

int bight_hmac_sha256(
    const void *key, size_t key_size, const void *data, size_t size, uint8_t digest[BIGHT_SHA256_SIZE])
{
    size_t written = 0;
    bool done = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, some(key), key_size, some(data), size, digest,
                    BIGHT_SHA256_SIZE, &written) != NULL;
    return done && written == BIGHT_SHA256_SIZE ? BIGHT_OK : take_error();
}

bool bight_equal_constant_time(const void *one, const void *other, size_t size)
{
    return CRYPTO_memcmp(some(one), some(other), size) == 0;
}
