/* SPDX-License-Identifier: MIT */
/* password.c - hashes of passwords: read, and compared with what somebody says.
 *
 * How costly a hash may be is limited, though files of hashes are the program's: a slip in one must not cost a thread
 * minutes, nor the process its memory. */
#include "http/middleware/password.h"

#include <bight/protocols/http_provided.h>
#include <bight/sys/digest.h>

#include <stdio.h>

#define MOST_ITERATIONS 10000000u
#define MOST_MEMORY (UINT64_C(256) << 20)
#define LOG_N 15 /* of new ones: 32 MiB, and with P as strong as OWASP's cheat sheet on storing passwords wants */
#define R 8
#define P 3
#define NEW_HASH 32
#define LEAST_SALT 8
#define LEAST_HASH 16

/* -------------------------------------------------------------------------------------------- reading */

/* What stands before the next `end`, taken off with it. False: there is none. */
static bool take_part(struct bi_view *text, const char *end, struct bi_view *part)
{
    size_t size = bi_before(*text, end);
    *part = bi_take(text, size);
    return size > 0;
}

/* "i=600000": a decimal without zeros before it. */
static bool read_number(struct bi_view part, const char *name, uint32_t *number)
{
    size_t size = strlen(name);
    uint64_t value = 0;
    if (part.size <= size || part.size > size + 9 || memcmp(part.at, name, size) != 0 || part.at[size] == '0') {
        return false;
    }
    for (size_t i = size; i < part.size; i++) {
        if (!bi_is(part.at[i], BI_CLASS_DIGIT)) {
            return false;
        }
        value = 10 * value + (uint64_t)(part.at[i] - '0');
    }
    *number = (uint32_t)value;
    return true;
}

static bool read_pbkdf2(struct bi_password *password, struct bi_view costs)
{
    password->kind = BI_PASSWORD_PBKDF2_SHA256;
    return read_number(costs, "i=", &password->iterations) && password->iterations <= MOST_ITERATIONS;
}

static bool read_scrypt(struct bi_password *password, struct bi_view costs)
{
    struct bi_view part;
    password->kind = BI_PASSWORD_SCRYPT;
    if (!take_part(&costs, ",", &part) || !read_number(part, "ln=", &password->log_n) || !bi_take_byte(&costs, ',') ||
        !take_part(&costs, ",", &part) || !read_number(part, "r=", &password->r) || !bi_take_byte(&costs, ',') ||
        !read_number(costs, "p=", &password->p)) {
        return false;
    }
    return password->log_n <= 24 && password->r <= 64 && password->p <= 16 &&
           ((UINT64_C(128) * password->r) << password->log_n) <= MOST_MEMORY;
}

static bool read_bytes(struct bi_view part, uint8_t bytes[BI_PASSWORD_MOST], size_t least, uint8_t *size)
{
    ssize_t read =
        bight_base64_decode(BIGHT_BASE64_UNFILLED, (const char *)part.at, part.size, bytes, BI_PASSWORD_MOST);
    *size = read > 0 ? (uint8_t)read : 0;
    return read >= (ssize_t)least;
}

bool bi_password_parse(struct bi_password *password, struct bi_view text)
{
    struct bi_view name, costs, salt;
    *password = (struct bi_password) { .iterations = 0 };
    if (!bi_take_byte(&text, '$') || !take_part(&text, "$", &name) || !bi_take_byte(&text, '$') ||
        !take_part(&text, "$", &costs) || !bi_take_byte(&text, '$') || !take_part(&text, "$", &salt) ||
        !bi_take_byte(&text, '$')) {
        return false;
    }
    bool is_read = bi_view_equal(name, bi_view_of("pbkdf2-sha256")) ? read_pbkdf2(password, costs)
                   : bi_view_equal(name, bi_view_of("scrypt"))      ? read_scrypt(password, costs)
                                                                    : false;
    return is_read && read_bytes(salt, password->salt, LEAST_SALT, &password->salt_size) &&
           read_bytes(text, password->hash, LEAST_HASH, &password->hash_size);
}

/* ------------------------------------------------------------------------------------------ comparing */

int bi_password_check(const struct bi_password *password, const void *text, size_t size)
{
    uint8_t hash[BI_PASSWORD_MOST];
    int code = password->kind == BI_PASSWORD_SCRYPT
                   ? bight_scrypt(text, size, password->salt, password->salt_size, UINT64_C(1) << password->log_n,
                         password->r, password->p, hash, password->hash_size)
                   : bight_pbkdf2_sha256(text, size, password->salt, password->salt_size, password->iterations, hash,
                         password->hash_size);
    if (code != BIGHT_OK) {
        return code;
    }
    return bight_equal_constant_time(hash, password->hash, password->hash_size) ? BIGHT_OK : BIGHT_E_PERMISSION_DENIED;
}

int bight_http_check_password(const char *hash, const void *password, size_t size)
{
    struct bi_password read;
    return bi_password_parse(&read, bi_view_of(hash)) ? bi_password_check(&read, password, size) : BIGHT_E_SYNTAX;
}

/* --------------------------------------------------------------------------------------------- making */

int bight_http_hash_password(
    const void *password, size_t size, const uint8_t salt[BIGHT_HTTP_SALT_SIZE], char text[BIGHT_HTTP_HASH_SIZE])
{
    uint8_t hash[NEW_HASH];
    char salt_text[BIGHT_BASE64_LENGTH(BIGHT_HTTP_SALT_SIZE) + 1], hash_text[BIGHT_BASE64_LENGTH(NEW_HASH) + 1];
    int code = bight_scrypt(password, size, salt, BIGHT_HTTP_SALT_SIZE, UINT64_C(1) << LOG_N, R, P, hash, sizeof hash);
    if (code != BIGHT_OK) {
        return code;
    }
    (void)bight_base64_encode(BIGHT_BASE64_UNFILLED, salt, BIGHT_HTTP_SALT_SIZE, salt_text);
    (void)bight_base64_encode(BIGHT_BASE64_UNFILLED, hash, sizeof hash, hash_text);
    (void)snprintf(text, BIGHT_HTTP_HASH_SIZE, "$scrypt$ln=%d,r=%d,p=%d$%s$%s", LOG_N, R, P, salt_text, hash_text);
    return BIGHT_OK;
}
