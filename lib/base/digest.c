/* SPDX-License-Identifier: MIT */
/* digest.c - digests, keys from passwords, and comparing, over libcrypto (bight/sys/digest.h). Encodings are
 * base64.c's, and random bytes of a reactor lib/reactor/random.c's.
 *
 * libcrypto allocates even for a digest in one call, so each may fail; what it has put into the thread's queue of
 * errors is taken out again, or the next to look there (TLS) would take it for its own. */
#include <bight/sys/digest.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

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

/* ---------------------------------------------------------------------------- keys from passwords */

static int derive(const char *name, const OSSL_PARAM *parameters, void *key, size_t size)
{
    EVP_KDF *function = EVP_KDF_fetch(NULL, name, NULL);
    EVP_KDF_CTX *context = function != NULL ? EVP_KDF_CTX_new(function) : NULL;
    bool is_done = context != NULL && EVP_KDF_derive(context, key, size, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(function);
    return conclude(is_done);
}

static OSSL_PARAM bytes(const char *name, const void *data, size_t size)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)(uintptr_t)some(data), size);
}

int bight_pbkdf2_sha256(const void *password, size_t size, const void *salt, size_t salt_size, uint32_t iterations,
    void *key, size_t key_size)
{
    static char digest[] = "SHA256";
    uint64_t count = iterations;
    int any = 1; /* SP 800-132's least costs are not asked for: they are the caller's to choose */
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        bytes(OSSL_KDF_PARAM_PASSWORD, password, size),
        bytes(OSSL_KDF_PARAM_SALT, salt, salt_size),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_ITER, &count),
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_PKCS5, &any),
        OSSL_PARAM_construct_end(),
    };
    return iterations == 0 || key_size == 0 ? BIGHT_E_INVALID_ARGUMENT : derive("PBKDF2", parameters, key, key_size);
}

/* n * r up to 2^32, so that nothing overflows; RFC 7914, section 6: n below 2^(16 r), r * p below 2^30. */
static bool are_costs(uint64_t n, uint32_t r, uint32_t p)
{
    return n > 1 && (n & (n - 1)) == 0 && n < UINT64_C(1) << 32 && r > 0 && p > 0 && (r > 1 || n < 65536) &&
           n * r < UINT64_C(1) << 32 && (uint64_t)r * p < UINT64_C(1) << 30;
}

int bight_scrypt(const void *password, size_t size, const void *salt, size_t salt_size, uint64_t n, uint32_t r,
    uint32_t p, void *key, size_t key_size)
{
    if (!are_costs(n, r, p) || key_size == 0) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    uint64_t most = UINT64_C(128) * r * (n + p + 8) + 65536;
    const OSSL_PARAM parameters[] = {
        bytes(OSSL_KDF_PARAM_PASSWORD, password, size),
        bytes(OSSL_KDF_PARAM_SALT, salt, salt_size),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
        OSSL_PARAM_construct_end(),
    };
    return derive("SCRYPT", parameters, key, key_size);
}

/* -------------------------------------------------------------------------------------------- secrets */

void bight_wipe(void *data, size_t size)
{
    if (data != NULL) {
        OPENSSL_cleanse(data, size);
    }
}

bool bight_equal_constant_time(const void *one, const void *other, size_t size)
{
    return CRYPTO_memcmp(some(one), some(other), size) == 0;
}
