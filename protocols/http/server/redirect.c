/* SPDX-License-Identifier: MIT */
/* redirect.c - sending a client elsewhere: a Location that cannot mean another host by mistake (A5).
 *
 * The redirects of slashes are the site's own: they are made of paths, and need no checking. */
#include <string.h>
#include <strings.h>

#include "http/message/escape.h"
#include "http/message/tokens.h"
#include "http/server/answer.h"

static bool begins_with(const char *text, const char *beginning)
{
    return strncasecmp(text, beginning, strlen(beginning)) == 0;
}

/* A path of this host, or a whole URL. "//evil" and "/\evil" are both another host to a browser. */
static bool is_allowed(const char *location)
{
    if (strchr(location, '\\') != NULL) {
        return false;
    }
    return location[0] == '/' ? location[1] != '/'
                              : begins_with(location, "http://") || begins_with(location, "https://");
}

/* RFC 3986: all that may stand in some part of a URL, escapes included. */
static bool stands_in_url(uint8_t byte)
{
    return bi_is(byte, BI_CLASS_VISIBLE) && strchr("\"<>\\^`{|}", byte) == NULL;
}

/* What may not stand in a URL is escaped; escapes stay. */
static const char *escape(struct bight_http_request *request, const char *location)
{
    size_t size = strlen(location);
    uint8_t *text = (uint8_t *)bi_request_allocate(request, BI_ESCAPE_SIZE * size + 1);
    if (text == NULL) {
        return NULL;
    }
    uint8_t *at = text;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)location[i];
        if (stands_in_url(byte)) {
            *at++ = byte;
        } else {
            bi_escape_write(at, byte);
            at += BI_ESCAPE_SIZE;
        }
    }
    *at = '\0';
    return (const char *)text;
}

int bight_http_respond_redirect(struct bight_http_request *request, int status, const char *location)
{
    int code = bi_answer_check(request, status);
    if (code == BIGHT_OK && (status < 300 || status > 399 || !is_allowed(location))) {
        code = bi_http_usage(
            BIGHT_E_INVALID_ARGUMENT, "a redirect: its status is no 3xx, or it leads to no path and no http URL");
    }
    if (code != BIGHT_OK) {
        return code;
    }
    const char *text = escape(request, location);
    code = text == NULL ? BIGHT_E_OUT_OF_MEMORY : bight_http_respond_set(request, "Location", text);
    if (code == BIGHT_E_OUT_OF_MEMORY) {
        bi_exchange_abort(request);
    }
    return code == BIGHT_OK ? bight_http_respond_empty(request, status) : code;
}
