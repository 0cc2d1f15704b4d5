/* SPDX-License-Identifier: MIT */
/* fuzz_http_received_cookie.c - Set-Cookie as a client reads it: the pair against a reading byte by byte, what is
 * promised of the rest, and that attributes which say nothing change nothing. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http/message/cookie_date.h"
#include "http/message/received_cookie.h"

#define NOW INT64_C(1893456000)

static void require(bool condition)
{
    if (!condition) {
        abort();
    }
}

/* What stands from `from` to `to`, without SP and HTAB around it. */
static struct bi_view between(const uint8_t *data, size_t from, size_t to)
{
    while (from < to && (data[from] == ' ' || data[from] == '\t')) {
        from++;
    }
    while (to > from && (data[to - 1] == ' ' || data[to - 1] == '\t')) {
        to--;
    }
    return (struct bi_view) { data + from, to - from };
}

static bool has_control(const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if ((data[at] < ' ' && data[at] != '\t') || data[at] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void compare_pair(const struct bi_received_cookie *cookie, bool is_one, const uint8_t *data, size_t size)
{
    size_t end = 0, equals = 0;
    while (end < size && data[end] != ';') {
        end++;
    }
    while (equals < end && data[equals] != '=') {
        equals++;
    }
    bool has_name = equals < end;
    struct bi_view name = has_name ? between(data, 0, equals) : between(data, 0, 0);
    struct bi_view value = has_name ? between(data, equals + 1, end) : between(data, 0, end);
    size_t both = name.size + value.size;
    require(is_one == (both > 0 && both <= BI_COOKIE_MAX_PAIR && !has_control(data, size)));
    require(!is_one || (bi_view_equal(cookie->name, name) && bi_view_equal(cookie->value, value)));
}

static void check_promises(const struct bi_received_cookie *cookie)
{
    require(cookie->path.size == 0 || *cookie->path.at == '/');
    require(cookie->path.size <= BI_COOKIE_MAX_ATTRIBUTE && cookie->domain.size <= BI_COOKIE_MAX_ATTRIBUTE);
    require(!cookie->is_persistent || cookie->expires <= NOW + BI_COOKIE_MAX_SECONDS);
    require(cookie->site <= BI_COOKIE_SITE_NONE);
}

static bool is_same(const struct bi_received_cookie *one, const struct bi_received_cookie *other)
{
    return bi_view_equal(one->name, other->name) && bi_view_equal(one->value, other->value) &&
           bi_view_equal(one->path, other->path) && bi_view_equal(one->domain, other->domain) &&
           one->expires == other->expires && one->is_persistent == other->is_persistent &&
           one->is_secure == other->is_secure && one->is_http_only == other->is_http_only && one->site == other->site;
}

static void say_more(const struct bi_received_cookie *cookie, const uint8_t *data, size_t size)
{
    static const char more[] = "; ; Max-Age=x; Expires=; Version=1;\tnothing = at all ";
    struct bi_received_cookie longer;
    uint8_t *text = malloc(size + sizeof more);
    require(text != NULL);
    memcpy(text, data, size);
    memcpy(text + size, more, sizeof more - 1);
    require(bi_received_cookie_read((struct bi_view) { text, size + sizeof more - 1 }, NOW, &longer));
    require(is_same(cookie, &longer));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bi_received_cookie cookie;
    int64_t seconds = 0;
    bool is_one = bi_received_cookie_read((struct bi_view) { data, size }, NOW, &cookie);
    compare_pair(&cookie, is_one, data, size);
    if (is_one) {
        check_promises(&cookie);
        say_more(&cookie, data, size);
    }
    if (bi_cookie_date_parse((struct bi_view) { data, size }, &seconds)) {
        require(seconds >= INT64_C(-11644473600) && seconds <= INT64_C(253402300799)); /* 1601 to 9999 */
    }
    return 0;
}
