/* SPDX-License-Identifier: MIT */
/* digest.c - digests and comparing, over libcrypto (bight/sys/digest.h). Encodings are base64.c's, and random bytes of
 * a reactor lib/reactor/random.c's.
 *
 * libcrypto allocates even for a digest in one call, so each may fail; what it has put into the thread's queue of
 * errors is taken out again, or the next to look there (TLS) would take it for its own. */
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
 * first. What was done may have left an error, too: since 3.2 every allocation that fails puts one into the queue by
 * itself, also where libcrypto does without (what it would have remembered of an algorithm, say). */
static int conclude(bool is_done)
{
    unsigned long oldest = ERR_peek_error();
    if (oldest != 0) {
        ERR_clear_error();
    }
    if (is_done) {
        return BIGHT_OK;
    }
    return ERR_GET_REASON(oldest) == ERR_R_UNSUPPORTED ? BIGHT_E_SYSTEM : BIGHT_E_OUT_OF_MEMORY;
}

int bight_sha1(const void *data, size_t size, uint8_t digest[BIGHT_SHA1_SIZE])
{
    return conclude(EVP_Digest(some(data), size, digest, NULL, EVP_sha1(), NULL) == 1);
}

int bight_sha256(const void *data, size_t size, uint8_t digest[BIGHT_SHA256_SIZE])
{
    return conclude(EVP_Digest(some(data), size, digest, NULL, EVP_sha256(), NULL) == 1);
}

int bight_hmac_sha256(
    const void *key, size_t key_size, const void *data, size_t size, uint8_t digest[BIGHT_SHA256_SIZE])
{
    size_t written = 0;
    bool done = EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, some(key), key_size, some(data), size, digest,
                    BIGHT_SHA256_SIZE, &written) != NULL;
    return conclude(done && written == BIGHT_SHA256_SIZE);
}

bool bight_equal_constant_time(const void *one, const void *other, size_t size)
{
    return CRYPTO_memcmp(some(one), some(other), size) == 0;
}
