/* SPDX-License-Identifier: MIT */
/* fuzz_http_cookies_txt.c - lines of cookies.txt: what is read and written again reads the same. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/cookies_txt.h"

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

static void check(const struct bi_stored_cookie *cookie)
{
    require(cookie->name.size > 0 && cookie->name.size + cookie->value.size <= BI_COOKIE_MAX_PAIR);
    require(cookie->domain.size > 0 && cookie->domain.size <= BI_COOKIE_MAX_DOMAIN);
    require(cookie->path.size > 0 && *cookie->path.at == '/');
    require(bi_cookie_has_no_control(cookie->name) && bi_cookie_has_no_control(cookie->value));
    require(bi_cookie_keeps_its_prefix(cookie));
    require(cookie->is_persistent == (cookie->expires > 0));
    require(bi_cookies_txt_can_tell(cookie));
}

static bool is_same(const struct bi_stored_cookie *one, const struct bi_stored_cookie *other)
{
    return bi_view_equal(one->name, other->name) && bi_view_equal(one->value, other->value) &&
           bi_view_equal(one->path, other->path) && bi_view_equal(one->domain, other->domain) &&
           one->expires == other->expires && one->is_host_only == other->is_host_only &&
           one->is_secure == other->is_secure && one->is_http_only == other->is_http_only;
}

static void write_and_read(const struct bi_stored_cookie *cookie)
{
    struct bi_stored_cookie again;
    size_t room = bi_cookies_txt_room(cookie);
    uint8_t *text = malloc(room);
    require(text != NULL);
    size_t size = (size_t)(bi_cookies_txt_write(cookie, text) - text);
    require(size <= room && text[size - 1] == '\n' && memchr(text, '\n', size) == text + size - 1);
    require(bi_cookies_txt_read((struct bi_view) { text, size - 1 }, &again) == BI_COOKIES_TXT_COOKIE);
    require(is_same(cookie, &again));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_view text = { data, size };
    do {
        const uint8_t *end = text.size == 0 ? NULL : memchr(text.at, '\n', text.size);
        struct bi_view line = bi_take(&text, end != NULL ? (size_t)(end - text.at) : text.size);
        struct bi_stored_cookie cookie;
        if (bi_cookies_txt_read(line, &cookie) == BI_COOKIES_TXT_COOKIE) {
            check(&cookie);
            write_and_read(&cookie);
        }
    } while (bi_take_byte(&text, '\n'));
    return 0;
}
