/* SPDX-License-Identifier: MIT */
/* credentials.c - Authorization of a call: basic (RFC 7617) and bearer (RFC 6750).
 *
 * It is a field like others, but for the redirects that drop it (redirect.c). Copies that are not the field's are
 * wiped.
 */
#include "http/client/client.h"

#include <bight/memory.h>
#include <bight/sys/digest.h>

#include <string.h>

/* Not to be taken for useless by a compiler. */
static void wipe(char *text, size_t size)
{
    volatile char *at = text;
    while (size-- > 0) {
        *at++ = '\0';
    }
}

/* "Basic " and the rest; `plain` is "user:password". */
static int set_basic(struct bight_http_call *call, const char *plain, size_t size, char *value)
{
    memcpy(value, "Basic ", 6);
    size_t length = bight_base64_encode(BIGHT_BASE64, plain, size, value + 6);
    value[6 + length] = '\0';
    return bight_http_call_set(call, "Authorization", value);
}

/* Room for a value and more; NULL when out of memory, or without a call. */
static char *room_for(struct bight_http_call *call, size_t size)
{
    char *room = call != NULL ? bight_malloc(size) : NULL;
    if (room == NULL && call != NULL) {
        (void)bi_call_remember(call, BIGHT_E_OUT_OF_MEMORY, "out of memory");
    }
    return room;
}

int bight_http_call_basic_auth(struct bight_http_call *call, const char *user, const char *password)
{
    size_t user_size = strlen(user), size = user_size + 1 + strlen(password);
    size_t value_size = sizeof "Basic " + BIGHT_BASE64_LENGTH(size);
    if (call != NULL && memchr(user, ':', user_size) != NULL) {
        static const char why[] = "basic authentication of an HTTP call: the user has a colon in it";
        return bi_call_remember(call, bi_http_usage(BIGHT_E_INVALID_ARGUMENT, why), why);
    }
    char *plain = room_for(call, size + value_size);
    if (plain == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(plain, user, user_size);
    plain[user_size] = ':';
    memcpy(plain + user_size + 1, password, size - user_size - 1);
    int code = set_basic(call, plain, size, plain + size);
    wipe(plain, size + value_size);
    bight_free(plain);
    return code;
}

int bight_http_call_bearer(struct bight_http_call *call, const char *token)
{
    size_t size = strlen(token) + 1;
    char *value = room_for(call, 7 + size);
    if (value == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(value, "Bearer ", 7);
    memcpy(value + 7, token, size);
    int code = bight_http_call_set(call, "Authorization", value);
    wipe(value, 7 + size);
    bight_free(value);
    return code;
}
