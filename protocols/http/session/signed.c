/* SPDX-License-Identifier: MIT */
/* signed.c - sessions in their cookies: base64url of the bytes, a dot, and an HMAC-SHA-256 of the cookie's name, a NUL
 * and those bytes, in which the times are.
 *
 * Anybody can read them, nobody can change them, and nobody can take them back before they expire. */
#include <bight/sys/digest.h>

#include <string.h>

#include "http/session/session.h"

#define MOST_BYTES (BI_SESSION_HEAD + BI_SESSION_MOST_SIGNED)
#define SUM_LENGTH 43 /* of an HMAC as base64url */

/* What is signed: the name, so that the cookie is no other one's. */
static int sum_of(const struct bight_http_session_key *key, const char *name, const uint8_t *bytes, size_t size,
    uint8_t sum[BIGHT_SHA256_SIZE])
{
    uint8_t all[136 + MOST_BYTES];
    size_t name_size = strlen(name) + 1;
    memcpy(all, name, name_size);
    memcpy(all + name_size, bytes, size);
    return bight_hmac_sha256(key->data, key->size, all, name_size + size, sum);
}

int bi_session_sign(const struct bi_session *session, const char *name, char text[BI_SESSION_COOKIE + 1])
{
    uint8_t bytes[MOST_BYTES], sum[BIGHT_SHA256_SIZE];
    size_t size = BI_SESSION_HEAD + bi_http_buffer_size(&session->values);
    _Static_assert(BIGHT_BASE64_LENGTH(MOST_BYTES) + 1 + SUM_LENGTH + 1 <= BI_SESSION_COOKIE, "it has room");
    bi_session_write(session, bytes);
    int code = sum_of(&session->sessions->keys[0], name, bytes, size, sum);
    if (code == BIGHT_OK) {
        size_t length = bight_base64_encode(BIGHT_BASE64URL, bytes, size, text);
        text[length] = '.';
        (void)bight_base64_encode(BIGHT_BASE64URL, sum, sizeof sum, text + length + 1);
    }
    return code;
}

static bool is_signed(
    const struct bi_sessions *sessions, const char *name, const uint8_t *bytes, size_t size, const uint8_t *given)
{
    bool is_any = false;
    for (size_t i = 0; i < sessions->key_count; i++) {
        uint8_t sum[BIGHT_SHA256_SIZE];
        is_any |= sum_of(&sessions->keys[i], name, bytes, size, sum) == BIGHT_OK &&
                  bight_equal_constant_time(sum, given, sizeof sum);
    }
    return is_any;
}

bool bi_session_verify(struct bi_session *session, const char *name, const char *text)
{
    uint8_t bytes[MOST_BYTES], given[BIGHT_SHA256_SIZE];
    const char *dot = strchr(text, '.');
    bool no_memory;
    if (dot == NULL || strlen(dot + 1) != SUM_LENGTH) {
        return false;
    }
    ssize_t size = bight_base64_decode(BIGHT_BASE64URL, text, (size_t)(dot - text), bytes, sizeof bytes);
    ssize_t sum = bight_base64_decode(BIGHT_BASE64URL, dot + 1, SUM_LENGTH, given, sizeof given);
    const struct bi_sessions *sessions = session->sessions;
    return size >= BI_SESSION_HEAD && sum == BIGHT_SHA256_SIZE &&
           is_signed(sessions, name, bytes, (size_t)size, given) &&
           bi_session_read(session, bytes, (size_t)size, &no_memory);
}
