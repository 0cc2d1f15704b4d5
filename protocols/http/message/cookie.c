/* SPDX-License-Identifier: MIT */
/* cookie.c - what a client's Cookie fields say, pair by pair (A11).
 *
 * Only reading: cookies that are set are the handler's affair. Nothing is decoded, and nothing is trusted. */
#include "http/message/cookie.h"

/* How many bytes there are before `byte`; all of them if there is none. */
static size_t before(struct bi_view text, uint8_t byte)
{
    const uint8_t *found = text.size == 0 ? NULL : memchr(text.at, byte, text.size);
    return found == NULL ? text.size : (size_t)(found - text.at);
}

static bool read_pair(struct bi_view pair, struct bi_cookie *cookie)
{
    size_t name_size = before(pair, '=');
    if (name_size == pair.size) {
        return false;
    }
    cookie->name = bi_trim(bi_take(&pair, name_size));
    (void)bi_take(&pair, 1);
    cookie->value = bi_trim(pair);
    return cookie->name.size > 0;
}

void bi_cookies_begin(struct bi_cookies *cookies, struct bi_lines lines)
{
    *cookies = (struct bi_cookies) { .lines = lines, .left = BI_COOKIE_LIMIT };
}

static bool has_rest(struct bi_cookies *cookies)
{
    while (cookies->rest.size == 0 && cookies->lines.count > 0) {
        cookies->rest = *cookies->lines.lines++;
        cookies->lines.count--;
    }
    return cookies->rest.size > 0;
}

bool bi_cookies_next(struct bi_cookies *cookies, struct bi_cookie *cookie)
{
    while (cookies->left > 0 && has_rest(cookies)) {
        struct bi_view pair = bi_take(&cookies->rest, before(cookies->rest, ';'));
        (void)bi_take_byte(&cookies->rest, ';');
        if (read_pair(pair, cookie)) {
            cookies->left--;
            return true;
        }
    }
    return false;
}

bool bi_cookie_find(struct bi_lines lines, struct bi_view name, struct bi_view *value)
{
    struct bi_cookies cookies;
    struct bi_cookie cookie;
    bi_cookies_begin(&cookies, lines);
    while (bi_cookies_next(&cookies, &cookie)) {
        if (bi_view_equal(cookie.name, name)) {
            *value = cookie.value;
            return true;
        }
    }
    return false;
}
