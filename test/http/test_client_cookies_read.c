/* SPDX-License-Identifier: MIT */
/* Tests of what cookies are read from and compared with (protocols/http/message/received_cookie.c, cookie_date.c,
 * stored_cookie.c, cookies_txt.c): no store, no network. */
#include <stdio.h>

#include "http/message/cookie_date.h"
#include "http/message/cookies_txt.h"
#include "http/message/received_cookie.h"
#include "support.h"

#include <bight/testing/check.h>

#define NOW INT64_C(1893456000) /* 2030-01-01 */
#define DAY INT64_C(86400)

static void ck_view(struct bi_view view, const char *text)
{
    ck_assert_uint_eq(view.size, strlen(text));
    ck_assert_int_eq(memcmp(view.size > 0 ? (const char *)view.at : "", text, view.size), 0);
}

/* ------------------------------------------------------------------------------------------- Set-Cookie */

static const struct {
    const char *text, *name, *value, *domain, *path;
    const char *flags; /* p: persistent, s: Secure, h: HttpOnly, l S n: SameSite */
} rows[] = {
    { "a=b", "a", "b", "", "", "" },
    { "  a \t= b\t ", "a", "b", "", "", "" },
    { "a=\"b c\"", "a", "\"b c\"", "", "", "" },
    { "a=b=c", "a", "b=c", "", "", "" },
    { "a=", "a", "", "", "", "" },
    { "=b", "", "b", "", "", "" },
    { "b", "", "b", "", "", "" },
    { "==b", "", "=b", "", "", "" },
    { "a=b;", "a", "b", "", "", "" },
    { "a=b;;;", "a", "b", "", "", "" },
    { "a=\xc3\xa4", "a", "\xc3\xa4", "", "", "" },
    { "a=b\tc", "a", "b\tc", "", "", "" },
    { "a=b; Secure; HttpOnly", "a", "b", "", "", "sh" },
    { "a=b; secure=no; HTTPONLY=x", "a", "b", "", "", "sh" },
    { "a=b; Secured", "a", "b", "", "", "" },
    { "a=b; Domain=Example.com", "a", "b", "Example.com", "", "" },
    { "a=b; domain = .example.com ", "a", "b", "example.com", "", "" },
    { "a=b; domain=..example.com", "a", "b", ".example.com", "", "" },
    { "a=b; Domain=a; Domain=", "a", "b", "", "", "" },
    { "a=b; Domain=a; Domain=b", "a", "b", "b", "", "" },
    { "a=b; Path=/x", "a", "b", "", "/x", "" },
    { "a=b; Path=\"/x\"", "a", "b", "", "", "" },
    { "a=b; Path=/x; Path=y", "a", "b", "", "", "" },
    { "a=b; Path=/x y", "a", "b", "", "/x y", "" },
    { "a=b; SameSite=lax", "a", "b", "", "", "l" },
    { "a=b; SameSite=Strict", "a", "b", "", "", "S" },
    { "a=b; SameSite=None", "a", "b", "", "", "n" },
    { "a=b; SameSite=Lax; SameSite=x", "a", "b", "", "", "" },
    { "a=b; Max-Age=1", "a", "b", "", "", "p" },
    { "a=b; Max-Age=-", "a", "b", "", "", "" },
    { "a=b; Max-Age=", "a", "b", "", "", "" },
    { "a=b; Max-Age=1.5", "a", "b", "", "", "" },
    { "a=b; Max-Age=+1", "a", "b", "", "", "" },
    { "a=b; Max-Age=\"1\"", "a", "b", "", "", "" },
    { "a=b; Expires=never", "a", "b", "", "", "" },
    { "a=b; Expires=Wed, 01 Jan 2031 00:00:00 GMT", "a", "b", "", "", "p" },
    { "a=b; Version=1; Comment=x", "a", "b", "", "", "" },
    { "", NULL, NULL, NULL, NULL, NULL },
    { "=", NULL, NULL, NULL, NULL, NULL },
    { " ; Path=/", NULL, NULL, NULL, NULL, NULL },
    { "a=b\x01", NULL, NULL, NULL, NULL, NULL },
    { "a=b\x7f", NULL, NULL, NULL, NULL, NULL },
    { "a=b; Path=/\x02", NULL, NULL, NULL, NULL, NULL },
    { "a=b\r\nX: y", NULL, NULL, NULL, NULL, NULL },
};

static const char *flags_of(const struct bi_received_cookie *cookie)
{
    static char flags[8];
    (void)snprintf(flags, sizeof flags, "%s%s%s%s", cookie->is_persistent ? "p" : "", cookie->is_secure ? "s" : "",
        cookie->is_http_only ? "h" : "",
        cookie->site == BI_COOKIE_SITE_LAX      ? "l"
        : cookie->site == BI_COOKIE_SITE_STRICT ? "S"
        : cookie->site == BI_COOKIE_SITE_NONE   ? "n"
                                                : "");
    return flags;
}

START_TEST(a_set_cookie_is_read_as_browsers_do) /* C6 */
{
    struct bi_received_cookie cookie;
    bool is_one = bi_received_cookie_read(bi_view_of(rows[_i].text), NOW, &cookie);
    ck_assert_int_eq(is_one, rows[_i].name != NULL);
    if (is_one) {
        ck_view(cookie.name, rows[_i].name);
        ck_view(cookie.value, rows[_i].value);
        ck_view(cookie.domain, rows[_i].domain);
        ck_view(cookie.path, rows[_i].path);
        ck_assert_str_eq(flags_of(&cookie), rows[_i].flags);
    }
}
END_TEST

static const struct {
    const char *text;
    int64_t expires;
} times[] = {
    { "a=b; Max-Age=60", NOW + 60 },
    { "a=b; Max-Age=0", -1 },
    { "a=b; Max-Age=-5", -1 },
    { "a=b; Max-Age=0000060", NOW + 60 },
    { "a=b; Max-Age=34560000", NOW + 400 * DAY },
    { "a=b; Max-Age=34560001", NOW + 400 * DAY },
    { "a=b; Max-Age=99999999999999999999999999999999", NOW + 400 * DAY },
    { "a=b; Max-Age=60; Max-Age=x; Max-Age=70", NOW + 70 },
    { "a=b; Max-Age=60; Expires=Wed, 01 Jan 2031 00:00:00 GMT", NOW + 60 },
    { "a=b; Expires=Wed, 01 Jan 2031 00:00:00 GMT; Max-Age=60", NOW + 60 },
    { "a=b; Expires=Wed, 01 Jan 2031 00:00:00 GMT", NOW + 365 * DAY },
    { "a=b; Expires=Wed, 01 Jan 2031 00:00:00 GMT; Expires=x", NOW + 365 * DAY },
    { "a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT", NOW + 400 * DAY },
    { "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 0 },
};

START_TEST(max_age_counts_before_expires_and_neither_past_400_days) /* C6 */
{
    struct bi_received_cookie cookie;
    ck_assert(bi_received_cookie_read(bi_view_of(times[_i].text), NOW, &cookie));
    ck_assert(cookie.is_persistent);
    if (times[_i].expires < 0) {
        ck_assert_int_lt(cookie.expires, NOW);
    } else {
        ck_assert_int_eq(cookie.expires, times[_i].expires);
    }
}
END_TEST

START_TEST(a_pair_has_4_kib_and_an_attribute_1) /* C6 */
{
    static char text[8192];
    struct bi_received_cookie cookie;
    for (int more = 0; more < 2; more++) {
        (void)snprintf(text, sizeof text, "ab=%0*d; Secure", 4094 + more, 0);
        ck_assert_int_eq(bi_received_cookie_read(bi_view_of(text), NOW, &cookie), more == 0);
        (void)snprintf(text, sizeof text, "a=b; Path=/%0*d", 1023 + more, 0);
        ck_assert(bi_received_cookie_read(bi_view_of(text), NOW, &cookie));
        ck_assert_uint_eq(cookie.path.size, more == 0 ? 1024 : 0);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------- dates */

static const struct {
    const char *text;
    int64_t seconds; /* -1: it is none */
} dates[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
    { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
    { "Sun Nov  6 08:49:37 1994", 784111777 },
    { "6 november 1994 8:49:37", 784111777 },
    { "08:49:37,,1994;;nov;;6", 784111777 },
    { "1994 6 Nov 08:49:37", 784111777 },
    { "94 Nov 6 08:49:37", -1 },
    { "06/Nov/1994/08:49:37.123", 784111777 },
    { "6x Novx 1994x 08:49:37x", 784111777 },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Thu, 01-Jan-70 00:00:01 GMT", 1 },
    { "Mon, 31-Dec-69 23:59:59 GMT", 3155759999 },
    { "29 Feb 2000 00:00:00", 951782400 },
    { "29 Feb 1900 00:00:00", -1 },
    { "31 Apr 2000 00:00:00", -1 },
    { "0 Apr 2000 00:00:00", -1 },
    { "32 Apr 2000 00:00:00", -1 },
    { "1 Apr 1600 00:00:00", -1 },
    { "1 Apr 2000 24:00:00", -1 },
    { "1 Apr 2000 00:60:00", -1 },
    { "1 Apr 2000 00:00:60", -1 },
    { "1 Apr 2000 00:00", -1 },
    { "1 Apr 20000 00:00:00", -1 },
    { "001 Apr 2000 00:00:00", -1 },
    { "1 Ap 2000 00:00:00", -1 },
    { "1 Apr 00:00:00", -1 },
    { "", -1 },
};

START_TEST(a_cookie_date_is_words_in_any_order) /* C6 */
{
    int64_t seconds = -1;
    bool is_one = bi_cookie_date_parse(bi_view_of(dates[_i].text), &seconds);
    ck_assert_int_eq(seconds, dates[_i].seconds);
    ck_assert_int_eq(is_one, dates[_i].seconds != -1);
}
END_TEST

/* ------------------------------------------------------------------------------------------- where it goes */

static const struct {
    const char *host, *domain;
    bool matches;
} domains[] = {
    { "example.com", "example.com", true },
    { "www.example.com", "example.com", true },
    { "a.b.example.com", "example.com", true },
    { "badexample.com", "example.com", false },
    { "example.com", "www.example.com", false },
    { "example.com.", "example.com", false },
    { "example.com", "", false },
    { "www.example.org", "example.com", false },
};

START_TEST(a_domain_matches_what_is_below_it) /* C6 */
{
    ck_assert_int_eq(
        bi_cookie_domain_matches(bi_view_of(domains[_i].host), bi_view_of(domains[_i].domain)), domains[_i].matches);
}
END_TEST

static const struct {
    const char *url_path, *path, *default_path;
    bool matches;
} paths[] = {
    { "", "/", "/", true },
    { "/", "/", "/", true },
    { "/a", "/", "/", true },
    { "/a", "/a", "/", true },
    { "/a/", "/a", "/a", true },
    { "/a/b", "/a", "/a", true },
    { "/a/b", "/a/", "/a", true },
    { "/ab", "/a", "/", false },
    { "/a", "/a/", "/", false },
    { "/a/b/c", "/a/c", "/a/b", false },
    { "/A", "/a", "/", false },
    { "//", "/a", "/", false },
};

START_TEST(a_path_matches_what_is_below_it) /* C6 */
{
    struct bi_view url_path = bi_view_of(paths[_i].url_path);
    ck_assert_int_eq(bi_cookie_path_matches(url_path, bi_view_of(paths[_i].path)), paths[_i].matches);
    ck_view(bi_cookie_default_path(url_path), paths[_i].default_path);
}
END_TEST

/* ------------------------------------------------------------------------------------------- cookies.txt */

static const struct {
    const char *line;
    enum bi_cookies_txt what;
    const char *written; /* NULL: as it is */
} lines[] = {
    { "", BI_COOKIES_TXT_NOTHING, NULL },
    { "  \t", BI_COOKIES_TXT_NOTHING, NULL },
    { "# Netscape HTTP Cookie File", BI_COOKIES_TXT_NOTHING, NULL },
    { "#example.com\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_NOTHING, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_COOKIE, NULL },
    { ".example.com\tTRUE\t/x\tTRUE\t1900000000\ta\tb=c d", BI_COOKIES_TXT_COOKIE, NULL },
    { "#HttpOnly_.example.com\tTRUE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_COOKIE, NULL },
    { "example.com\ttrue\t/\tfalse\t0\ta\tb\r", BI_COOKIES_TXT_COOKIE, ".example.com\tTRUE\t/\tFALSE\t0\ta\tb" },
    { ".example.com\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_COOKIE, "example.com\tFALSE\t/\tFALSE\t0\ta\tb" },
    { "example.com\tFALSE\t/\tFALSE\t0\ta", BI_COOKIES_TXT_COOKIE, "example.com\tFALSE\t/\tFALSE\t0\ta\t" },
    { "::1\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_COOKIE, NULL },
    { "example.com\tFALSE\t/\tTRUE\t0\t__Host-a\tb", BI_COOKIES_TXT_COOKIE, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\t__Host-a\tb", BI_COOKIES_TXT_BAD, NULL },
    { ".example.com\tTRUE\t/\tTRUE\t0\t__host-a\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\t__Secure-a\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\t\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\ta\tb\tc", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\ta\tb;c", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\ta=\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t0\ta\tb\x01", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t-1\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\t/\tFALSE\t\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tFALSE\tx\tFALSE\t0\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com\tMAYBE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "example.com FALSE / FALSE 0 a b", BI_COOKIES_TXT_BAD, NULL },
    { "\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "a/b\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "..com\tTRUE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { ".#x\tFALSE\t/\tFALSE\t0\ta\tb", BI_COOKIES_TXT_BAD, NULL },
    { "hello", BI_COOKIES_TXT_BAD, NULL },
};

START_TEST(a_line_of_cookies_txt_is_a_cookie_or_it_is_not) /* C6 */
{
    struct bi_stored_cookie cookie;
    uint8_t room[512];
    ck_assert_int_eq(bi_cookies_txt_read(bi_view_of(lines[_i].line), &cookie), lines[_i].what);
    if (lines[_i].what == BI_COOKIES_TXT_COOKIE) {
        ck_assert(bi_cookies_txt_can_tell(&cookie));
        uint8_t *end = bi_cookies_txt_write(&cookie, room);
        ck_assert_uint_le((size_t)(end - room), bi_cookies_txt_room(&cookie));
        ck_assert_int_eq(end[-1], '\n');
        ck_view((struct bi_view) { room, (size_t)(end - room) - 1 },
            lines[_i].written != NULL ? lines[_i].written : lines[_i].line);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_set_cookie_is_read_as_browsers_do, 0, sizeof rows / sizeof *rows);
    tcase_add_loop_test(
        tests, max_age_counts_before_expires_and_neither_past_400_days, 0, sizeof times / sizeof *times);
    tcase_add_test(tests, a_pair_has_4_kib_and_an_attribute_1);
    tcase_add_loop_test(tests, a_cookie_date_is_words_in_any_order, 0, sizeof dates / sizeof *dates);
    tcase_add_loop_test(tests, a_domain_matches_what_is_below_it, 0, sizeof domains / sizeof *domains);
    tcase_add_loop_test(tests, a_path_matches_what_is_below_it, 0, sizeof paths / sizeof *paths);
    tcase_add_loop_test(tests, a_line_of_cookies_txt_is_a_cookie_or_it_is_not, 0, sizeof lines / sizeof *lines);
}

BIGHT_TEST_MAIN("http_client_cookies_read", add_tests)
