/* SPDX-License-Identifier: MIT */
/* Tests of origins (protocols/http/message/origin.c): who had a browser send a request. */
#include "http/message/origin.h"

#include "support.h"

static struct bi_view view(const char *text)
{
    return text == NULL ? (struct bi_view) { NULL, 0 } : bi_view_of(text);
}

static const struct {
    const char *fetch_site, *origin, *host;
    enum bi_origin_verdict verdict;
} judged[] = {
    { NULL, NULL, "a.example", BI_ORIGIN_UNKNOWN },
    { "same-origin", NULL, "a.example", BI_ORIGIN_SAME },
    { "none", NULL, "a.example", BI_ORIGIN_SAME },
    { "same-site", NULL, "a.example", BI_ORIGIN_CROSS }, /* a subdomain may be anybody's */
    { "cross-site", NULL, "a.example", BI_ORIGIN_CROSS },
    { "", NULL, "a.example", BI_ORIGIN_CROSS },
    { "Same-Origin", NULL, "a.example", BI_ORIGIN_CROSS }, /* no browser writes it so */
    { "same-origin", "https://evil.example", "a.example", BI_ORIGIN_SAME },
    { "cross-site", "https://a.example", "a.example", BI_ORIGIN_CROSS },
    { NULL, "https://a.example", "a.example", BI_ORIGIN_SAME },
    { NULL, "http://a.example", "a.example", BI_ORIGIN_SAME },
    { NULL, "HTTPS://A.Example", "a.eXample", BI_ORIGIN_SAME },
    { NULL, "https://a.example:443", "a.example", BI_ORIGIN_SAME },
    { NULL, "https://a.example", "a.example:443", BI_ORIGIN_SAME },
    { NULL, "https://a.example", "a.example:80", BI_ORIGIN_CROSS },
    { NULL, "http://a.example:8080", "a.example:8080", BI_ORIGIN_SAME },
    { NULL, "http://a.example:8080", "a.example", BI_ORIGIN_CROSS },
    { NULL, "http://a.example", "a.example:8080", BI_ORIGIN_CROSS },
    { NULL, "http://[::1]:8080", "[::1]:8080", BI_ORIGIN_SAME },
    { NULL, "https://b.example", "a.example", BI_ORIGIN_CROSS },
    { NULL, "https://a.example.evil.example", "a.example", BI_ORIGIN_CROSS },
    { NULL, "https://a.example/", "a.example", BI_ORIGIN_CROSS },
    { NULL, "null", "a.example", BI_ORIGIN_CROSS },
    { NULL, "null", "null", BI_ORIGIN_CROSS },
    { NULL, "", "a.example", BI_ORIGIN_CROSS },
    { NULL, "https://user@a.example", "a.example", BI_ORIGIN_CROSS },
    { NULL, "https://a.example https://a.example", "a.example", BI_ORIGIN_CROSS },
    { NULL, "https://a.example", "", BI_ORIGIN_CROSS },
    { NULL, "ext://a.example", "a.example", BI_ORIGIN_SAME },
};

START_TEST(a_request_is_from_the_sites_own_pages_or_from_elsewhere_or_no_browsers) /* A7 */
{
    ck_assert_int_eq(bi_origin_judge(view(judged[_i].fetch_site), view(judged[_i].origin), view(judged[_i].host)),
        judged[_i].verdict);
}
END_TEST

static const struct {
    const char *one, *other;
    bool equal;
} compared[] = {
    { "https://a.example", "https://A.EXAMPLE:443", true },
    { "http://a.example", "https://a.example", false },
    { "http://a.example", "http://a.example:80", true },
    { "https://a.example", "https://b.a.example", false },
    { "app://a", "app://a", true },
    { "null", "null", false },
    { "https://", "https://", false },
    { "https://a.example:443x", "https://a.example", false },
    { "//a.example", "//a.example", false },
};

START_TEST(origins_are_equal_when_scheme_host_and_port_are) /* A7 */
{
    ck_assert_int_eq(bi_origin_equal(view(compared[_i].one), view(compared[_i].other)), compared[_i].equal);
    ck_assert_int_eq(bi_origin_equal(view(compared[_i].other), view(compared[_i].one)), compared[_i].equal);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_request_is_from_the_sites_own_pages_or_from_elsewhere_or_no_browsers, 0,
        (int)(sizeof judged / sizeof *judged));
    tcase_add_loop_test(
        tests, origins_are_equal_when_scheme_host_and_port_are, 0, (int)(sizeof compared / sizeof *compared));
}

BIGHT_TEST_MAIN("http_origin", add_tests)
