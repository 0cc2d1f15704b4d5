/* SPDX-License-Identifier: MIT */
/* fuzz_http_origin.c - who had a request sent, against a reading of RFC 6454 that copies; and that comparing origins is
 * the same from both sides.
 *
 * The first byte says which fields there are; the others are Sec-Fetch-Site, Origin, Host and an origin to compare
 * with, one a line. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "http/message/origin.h"
#include "http_lines.h"

enum { LINES = 4, ROOM = 4096 };

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* Texts, so that a NUL ends one: who has one in it is no origin. */
struct model {
    char scheme[ROOM], host[ROOM];
    unsigned long port; /* 0: nothing says which */
};

static bool is_of(const char *text, const char *others)
{
    for (; *text != '\0'; text++) {
        if (!(isascii((unsigned char)*text) && isalnum((unsigned char)*text)) && strchr(others, *text) == NULL) {
            return false;
        }
    }
    return true;
}

static bool is_host(const char *host)
{
    unsigned char address[16];
    char inside[ROOM];
    size_t size = strlen(host);
    if (host[0] != '[') {
        return size > 0 && is_of(host, "!$&'()*+,-.;=_~");
    }
    if (size < 3 || host[size - 1] != ']') {
        return false;
    }
    memcpy(inside, host + 1, size - 2);
    inside[size - 2] = '\0';
    return inet_pton(AF_INET6, inside, address) == 1;
}

/* Behind the last colon that is in no brackets. */
static bool split(struct model *model, const char *authority, unsigned long own)
{
    const char *colon = strrchr(authority, ':'), *bracket = strrchr(authority, ']');
    bool has_port = colon != NULL && (bracket == NULL || colon > bracket);
    size_t size = has_port ? (size_t)(colon - authority) : strlen(authority);
    memcpy(model->host, authority, size);
    model->host[size] = '\0';
    model->port = own;
    if (has_port && colon[1] != '\0') {
        if (colon[1 + strspn(colon + 1, "0123456789")] != '\0') {
            return false;
        }
        model->port = strtoul(colon + 1, NULL, 10);
    }
    return model->port <= 65535 && is_host(model->host);
}

static unsigned long port_of(const char *scheme)
{
    return strcasecmp(scheme, "http") == 0 ? 80 : strcasecmp(scheme, "https") == 0 ? 443 : 0;
}

static bool to_text(char text[ROOM], struct bi_view view)
{
    if (view.size > 0) {
        memcpy(text, view.at, view.size);
    }
    text[view.size] = '\0';
    return strlen(text) == view.size;
}

static bool read_origin(struct model *model, struct bi_view view)
{
    char text[ROOM];
    char *end = to_text(text, view) ? strstr(text, "://") : NULL;
    if (end == NULL || end == text) {
        return false;
    }
    *end = '\0';
    memcpy(model->scheme, text, (size_t)(end - text) + 1);
    return is_of(text, "!#$%&'*+-.^_`|~") && split(model, end + 3, port_of(text));
}

static enum bi_origin_verdict judge(struct bi_view fetch_site, struct bi_view origin, struct bi_view host)
{
    static struct model from, to;
    char text[ROOM];
    if (fetch_site.at != NULL) {
        bool is_text = to_text(text, fetch_site);
        return is_text && (strcmp(text, "same-origin") == 0 || strcmp(text, "none") == 0) ? BI_ORIGIN_SAME
                                                                                          : BI_ORIGIN_CROSS;
    }
    if (origin.at == NULL) {
        return BI_ORIGIN_UNKNOWN;
    }
    bool is_same = read_origin(&from, origin) && to_text(text, host) && split(&to, text, port_of(from.scheme)) &&
                   from.port == to.port && strcasecmp(from.host, to.host) == 0;
    return is_same ? BI_ORIGIN_SAME : BI_ORIGIN_CROSS;
}

static void compare(struct bi_view one, struct bi_view other)
{
    static struct model first, second;
    bool are = read_origin(&first, one);
    require(bi_origin_is_valid(one) == are);
    require(bi_origin_equal(one, one) == are);
    bool is_other = read_origin(&second, other);
    require(bi_origin_is_valid(other) == is_other);
    bool is_same = are && is_other && strcasecmp(first.scheme, second.scheme) == 0 && first.port == second.port &&
                   strcasecmp(first.host, second.host) == 0;
    require(bi_origin_equal(one, other) == is_same && bi_origin_equal(other, one) == is_same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_view text = { data, size }, lines[LINES], none = { NULL, 0 };
    if (size < 1 || size >= ROOM) {
        return 0;
    }
    uint8_t there = *bi_take(&text, 1).at;
    for (int line = 0; line < LINES; line++) {
        lines[line] = next_line(&text);
    }
    struct bi_view fetch_site = there & 1 ? lines[0] : none, origin = there & 2 ? lines[1] : none;
    require(bi_origin_judge(fetch_site, origin, lines[2]) == judge(fetch_site, origin, lines[2]));
    compare(lines[1], lines[3]);
    return 0;
}
