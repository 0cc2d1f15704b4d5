/* SPDX-License-Identifier: MIT */
/* bight/sys/digest.h - what protocols need of cryptography and of encodings of bytes, one call for each: digests,
 * random bytes, comparing secrets, base64 and hexadecimal.
 *
 * Any thread, but for bight_random. No key or text is kept. `data` may be NULL when `size` is 0. */
#ifndef BIGHT_SYS_DIGEST_H
#define BIGHT_SYS_DIGEST_H

#include <bight/error.h>

#include <sys/types.h>

BIGHT_BEGIN

struct bight_reactor;

/* --------------------------------------------------------------------------------------- digests */

#define BIGHT_SHA1_SIZE 20
#define BIGHT_SHA256_SIZE 32

/* Of `size` bytes (FIPS 180-4; HMAC: RFC 2104), by OpenSSL's libcrypto. 0; OUT_OF_MEMORY, or SYSTEM when libcrypto's
 * configuration has no such digest, and then `digest` is not to be used. SHA-1 is for protocols that prescribe it
 * (WebSocket), and no protection any more. */
BIGHT_API int bight_sha1(const void *data, size_t size, uint8_t digest[BIGHT_SHA1_SIZE]);
BIGHT_API int bight_sha256(const void *data, size_t size, uint8_t digest[BIGHT_SHA256_SIZE]);
BIGHT_API int bight_hmac_sha256(
    const void *key, size_t key_size, const void *data, size_t size, uint8_t digest[BIGHT_SHA256_SIZE]);

/* Keys derived from passwords, slowly: PBKDF2 with HMAC-SHA-256 (RFC 8018), scrypt (RFC 7914; `n` is a power of two,
 * and it takes 128 * r * (n + p) bytes of memory). For threads: these may take a second. 0, and the codes above;
 * INVALID_ARGUMENT for costs that cannot be. */
BIGHT_API int bight_pbkdf2_sha256(const void *password, size_t size, const void *salt, size_t salt_size,
    uint32_t iterations, void *key, size_t key_size);
BIGHT_API int bight_scrypt(const void *password, size_t size, const void *salt, size_t salt_size, uint64_t n,
    uint32_t r, uint32_t p, void *key, size_t key_size);

/* Overwrites what was secret, which compilers leave out of a memset before the memory goes. */
BIGHT_API void bight_wipe(void *data, size_t size);

/* In a time that depends on `size` alone: for comparing what a peer must not guess byte by byte. */
BIGHT_API bool bight_equal_constant_time(const void *one, const void *other, size_t size);

/* ---------------------------------------------------------------------------------------- random */

/* Fills `buffer` with unpredictable bytes, from the reactor's table of system calls (bight/sys/system.h): the kernel's
 * has libcrypto's generator, a simulation's follows from its seed. Only in the reactor's thread. 0, or when the source
 * failed the errno's code, SYSTEM or OUT_OF_MEMORY; then the buffer must not be used. */
BIGHT_API int bight_random(struct bight_reactor *reactor, void *buffer, size_t size);

/* ---------------------------------------------------------------------------------------- base64 */

/* RFC 4648, 4 and 5: which characters stand for 62 and 63, and whether "=" fills the last four. */
enum bight_base64 {
    BIGHT_BASE64,          /* "+/", filled */
    BIGHT_BASE64_UNFILLED, /* "+/", never filled */
    BIGHT_BASE64URL,       /* "-_", never filled: in URLs, cookies and names of files */
    BIGHT_BASE64URL_FILLED /* "-_", filled */
};

/* The most characters that `size` bytes make, without a NUL; the most bytes that `length` characters make. */
#define BIGHT_BASE64_LENGTH(size) (((size) + 2) / 3 * 4)
#define BIGHT_BASE64_BYTES(length) (((length) + 3) / 4 * 3)

/* Writes the characters and a NUL, BIGHT_BASE64_LENGTH(size) + 1 at most; returns their number without the NUL. The
 * text must not overlap the data. */
BIGHT_API size_t bight_base64_encode(enum bight_base64 form, const void *data, size_t size, char *text);

/* The bytes that `length` characters stand for, at most `room`; returns their number. SYNTAX for all that encoding
 * would not have given: other characters (white space too), "=" where it is not due or none where it is, last bits that
 * are not 0; so bytes have one text only. OVERFLOW: they are more than `room`. After a code `data` has anything. It may
 * be the text's own memory. */
BIGHT_API ssize_t bight_base64_decode(enum bight_base64 form, const char *text, size_t length, void *data, size_t room);

/* ----------------------------------------------------------------------------------- hexadecimal */

/* Writes 2 * size small letters and digits, and a NUL. The text must not overlap the data. */
BIGHT_API void bight_hex_encode(const void *data, size_t size, char *text);

/* The bytes that `length` digits of either case stand for, at most `room`; returns their number, or SYNTAX or OVERFLOW
 * as above. It may be the text's own memory. */
BIGHT_API ssize_t bight_hex_decode(const char *text, size_t length, void *data, size_t room);

BIGHT_END

#endif
