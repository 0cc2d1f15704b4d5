/* SPDX-License-Identifier: MIT */
/* fuzz_http_signed.c - cookies with signed sessions: what is believed is what was signed, with a key that is listed,
 * for this very cookie, in the one text that it has; and its values are those that a reading byte by byte finds.
 *
 * The first byte chooses: the rest is a cookie, which a stranger made up; or it is what somebody signed, who knows one
 * of the keys, and the second and third byte say what was changed of it. */
#include <stdlib.h>
#include <string.h>

#include <bight/sys/digest.h>

#include "fuzz.h"
#include "http/session/session.h"

#define NAME "__Host-session"

enum { ROOM = 8192, MOST = BI_SESSION_HEAD + BI_SESSION_MOST_SIGNED };

static const char first_key[] = "0123456789abcdef0123456789abcdef", second_key[] = "abcdefghijklmnopqrstuvwxyz012345";
static const char no_key[] = "abcdefghijklmnopqrstuvwxyz0123456";
static struct bi_sessions sessions = { .key_count = 2, .keys = { { first_key, 32 }, { second_key, 32 } } };

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* The text of the bytes, as somebody with this key makes it. */
static void sign(char text[ROOM], const char *key, const char *name, const uint8_t *bytes, size_t size)
{
    uint8_t signed_bytes[ROOM], sum[BIGHT_SHA256_SIZE];
    memcpy(signed_bytes, name, strlen(name) + 1);
    memcpy(signed_bytes + strlen(name) + 1, bytes, size);
    require(bight_hmac_sha256(key, strlen(key), signed_bytes, strlen(name) + 1 + size, sum) == 0);
    size_t length = bight_base64_encode(BIGHT_BASE64URL, bytes, size, text);
    text[length] = '.';
    text[length + 1 + bight_base64_encode(BIGHT_BASE64URL, sum, sizeof sum, text + length + 1)] = '\0';
}

static bool believes(const char *name, const char *text)
{
    struct bi_session session = { .sessions = &sessions };
    bool believed = bi_session_verify(&session, name, text);
    require(believed || (session.began == 0 && session.saved == 0 && bi_http_buffer_size(&session.values) == 0));
    bi_http_buffer_free(&session.values);
    return believed;
}

/* Names and values take turns, each ends with a NUL. */
static bool are_pairs(const uint8_t *bytes, size_t size)
{
    bool of_name = true, ended = true;
    for (size_t i = 0; i < size; i++) {
        ended = bytes[i] == '\0';
        of_name ^= ended;
    }
    return ended && of_name;
}

static const char *model_find(const char *at, size_t size, const char *name)
{
    for (const char *end = at + size; at < end;) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0) {
            return value;
        }
        at = value + strlen(value) + 1;
    }
    return NULL;
}

/* Each name is found, and signing it again makes the same text. */
static void look_at(struct bi_session *session, const char *text)
{
    char again[BI_SESSION_COOKIE + 1];
    size_t size = bi_http_buffer_size(&session->values);
    const char *at = (const char *)bi_http_buffer_data(&session->values), *end = size > 0 ? at + size : at;
    for (const char *name = at; name < end; name += strlen(name) + 1, name += strlen(name) + 1) {
        const char *found = bi_session_find(session, name);
        require(found != NULL && found == model_find(at, size, name));
    }
    require(bi_session_sign(session, NAME, again) == 0);
    require(strlen(again) <= BI_SESSION_COOKIE && strcmp(again, text) == 0);
}

/* A value is set, or goes: it is there, or not, and what is signed then is believed. */
static void change(struct bi_session *session, uint8_t choice)
{
    char text[BI_SESSION_COOKIE + 1];
    const char *value = choice & 1 ? "value" : NULL;
    const char *name = bi_http_buffer_size(&session->values) > 0 && (choice & 2)
                           ? (const char *)bi_http_buffer_data(&session->values)
                           : "name";
    char copy[MOST + 1];
    memcpy(copy, name, strlen(name) + 1);
    if (bi_session_put(session, copy, value, BI_SESSION_MOST_SIGNED) == 0 && value != NULL) {
        require(model_find((const char *)bi_http_buffer_data(&session->values), bi_http_buffer_size(&session->values),
                    copy) != NULL);
    }
    require(bi_http_buffer_size(&session->values) <= BI_SESSION_MOST_SIGNED);
    require(bi_session_sign(session, NAME, text) == 0 && believes(NAME, text));
}

static void read_signed(const char *text, const uint8_t *bytes, size_t size, uint8_t choice)
{
    struct bi_session session = { .sessions = &sessions };
    bool good = size >= BI_SESSION_HEAD && size <= MOST && are_pairs(bytes + BI_SESSION_HEAD, size - BI_SESSION_HEAD);
    require(bi_session_verify(&session, NAME, text) == good);
    if (good) {
        require(bi_http_buffer_size(&session.values) == size - BI_SESSION_HEAD);
        if ((choice & 4) == 0) { /* the first key's: a session is signed with that again */
            look_at(&session, text);
        }
        change(&session, choice);
    }
    bi_http_buffer_free(&session.values);
}

/* One character is another, or one less, or one more. */
static void spoil(char *text, uint8_t where, uint8_t how)
{
    size_t length = strlen(text), at = where * length / 256;
    if (how % 4 == 0) {
        text[length - 1 - (how & 4 ? at : 0)] = '\0';
    } else if (how % 4 == 1) {
        memmove(text + at + 1, text + at, length - at + 1);
        text[at] = (char)(how | 1);
    } else {
        text[at] = (char)(text[at] ^ (how | 1));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[ROOM];
    if (size < 3 || size > MOST + 64) {
        return 0;
    }
    uint8_t choice = data[0], where = data[1], how = data[2];
    const uint8_t *bytes = data + 3;
    size -= 3;
    if (choice & 8) {
        memcpy(text, bytes, size);
        text[size] = '\0';
        (void)believes(NAME, text);
        return 0;
    }
    sign(text, choice & 4 ? second_key : first_key, NAME, bytes, size);
    read_signed(text, bytes, size, choice);
    require(!believes("session", text));
    spoil(text, where, how);
    require(!believes(NAME, text));
    sign(text, no_key, NAME, bytes, size);
    require(!believes(NAME, text));
    return 0;
}
