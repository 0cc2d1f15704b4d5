/* SPDX-License-Identifier: MIT */
/* set_cookie.c - cookies that are set: checked, and written (A11).
 *
 * What a client sends is cookie.c's. */
#include "http/message/set_cookie.h"

#include <inttypes.h>
#include <stdio.h>

/* RFC 6265bis, section 4.1.1: cookie-octet. */
static bool is_value(struct bi_view value)
{
    for (size_t i = 0; i < value.size; i++) {
        uint8_t byte = value.at[i];
        if (!bi_is(byte, BI_CLASS_VISIBLE) || byte == '"' || byte == ',' || byte == ';' || byte == '\\') {
            return false;
        }
    }
    return true;
}

static bool is_path(struct bi_view path)
{
    if (path.size == 0 || path.at[0] != '/' || path.size > BI_SET_COOKIE_MAX_PATH) {
        return false;
    }
    for (size_t i = 0; i < path.size; i++) {
        if (!bi_is(path.at[i], BI_CLASS_VISIBLE) || path.at[i] == ';') {
            return false;
        }
    }
    return true;
}

/* Letters, digits and inner hyphens, up to the next dot. */
static bool take_label(struct bi_view *domain)
{
    struct bi_view label = bi_take(domain, bi_before(*domain, "."));
    if (label.size == 0 || label.size > 63 || label.at[0] == '-' || label.at[label.size - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < label.size; i++) {
        if (!bi_is(label.at[i], BI_CLASS_ALPHA | BI_CLASS_DIGIT) && label.at[i] != '-') {
            return false;
        }
    }
    return true;
}

/* A name of two labels at least, and no address: its last label has a letter. */
static bool is_domain(struct bi_view domain)
{
    struct bi_view last;
    unsigned labels = 0;
    if (domain.size > BI_SET_COOKIE_MAX_DOMAIN) {
        return false;
    }
    do {
        last = domain;
        labels++;
        if (!take_label(&domain)) {
            return false;
        }
    } while (bi_take_byte(&domain, '.'));
    return labels > 1 && bi_run(last, BI_CLASS_DIGIT) < last.size;
}

/* Whatever its case, for browsers look at it so (section 5.7). */
static bool has_prefix(struct bi_view name, const char *prefix)
{
    struct bi_view wanted = bi_view_of(prefix);
    return name.size >= wanted.size && bi_view_equal_nocase((struct bi_view) { name.at, wanted.size }, wanted);
}

static const char *check_prefix(const struct bi_set_cookie *cookie)
{
    bool is_host = has_prefix(cookie->name, "__Host-");
    if ((is_host || has_prefix(cookie->name, "__Secure-")) && !cookie->secure) {
        return "a cookie whose name begins with __Host- or __Secure- has to be secure";
    }
    if (is_host && cookie->domain.size > 0) {
        return "a cookie whose name begins with __Host- has no domain";
    }
    if (is_host && !bi_view_equal(cookie->path, bi_view_of("/"))) {
        return "a cookie whose name begins with __Host- has the path /";
    }
    return NULL;
}

static const char *check_attributes(const struct bi_set_cookie *cookie)
{
    if (!is_path(cookie->path)) {
        return "a cookie's path begins with a slash, and has at most 1024 visible characters and no semicolon";
    }
    if (cookie->domain.size > 0 && !is_domain(cookie->domain)) {
        return "a cookie's domain is no name of two labels at least, without a dot before or behind";
    }
    if (cookie->max_age < -1) {
        return "a cookie's time is negative";
    }
    if (cookie->same_site == BI_SAME_SITE_NONE && !cookie->secure) {
        return "a cookie with SameSite=None has to be secure";
    }
    if (cookie->partitioned && !cookie->secure) {
        return "a cookie that is partitioned has to be secure";
    }
    return NULL;
}

const char *bi_set_cookie_check(const struct bi_set_cookie *cookie)
{
    if (!bi_is_token(cookie->name)) {
        return "a cookie's name is no token";
    }
    if (!is_value(cookie->value)) {
        return "a cookie's value holds what it may not: white space, quotes, comma, semicolon, backslash, control";
    }
    if (cookie->name.size > BI_SET_COOKIE_MAX_PAIR || cookie->value.size > BI_SET_COOKIE_MAX_PAIR - cookie->name.size) {
        return "a cookie's name and value have more than 4096 bytes together";
    }
    const char *why = check_attributes(cookie);
    return why != NULL ? why : check_prefix(cookie);
}

static char *write_view(char *at, const char *before, struct bi_view text)
{
    size_t size = strlen(before);
    memcpy(at, before, size);
    memcpy(at + size, text.at, text.size);
    return at + size + text.size;
}

/* Expires is for those who do not know Max-Age, and may not know the time either. */
static char *write_time(char *at, int64_t seconds)
{
    char text[32];
    if (seconds < 0) {
        return at;
    }
    (void)snprintf(text, sizeof text, "%" PRId64, seconds);
    at = write_view(at, "; Max-Age=", bi_view_of(text));
    return seconds > 0 ? at : write_view(at, "; Expires=", bi_view_of("Thu, 01 Jan 1970 00:00:00 GMT"));
}

void bi_set_cookie_write(const struct bi_set_cookie *cookie, char text[BI_SET_COOKIE_SIZE])
{
    static const char *const same_site[] = { "Lax", "Strict", "None" };
    static const struct bi_view nothing = { (const uint8_t *)"", 0 };
    char *at = write_view(text, "", cookie->name);
    at = write_view(at, "=", cookie->value);
    at = write_view(at, "; Path=", cookie->path);
    at = cookie->domain.size > 0 ? write_view(at, "; Domain=", cookie->domain) : at;
    at = write_time(at, cookie->max_age);
    at = write_view(at, "; SameSite=", bi_view_of(same_site[cookie->same_site]));
    at = cookie->secure ? write_view(at, "; Secure", nothing) : at;
    at = cookie->http_only ? write_view(at, "; HttpOnly", nothing) : at;
    at = cookie->partitioned ? write_view(at, "; Partitioned", nothing) : at;
    *at = '\0';
}
