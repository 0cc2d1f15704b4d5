/* SPDX-License-Identifier: MIT */
/* Tests of NO_PROXY (protocols/http/client/no_proxy.c): which hosts a list names. */
#include "http/client/no_proxy.h"

#include "support.h"

#include <bight/testing/check.h>

static const struct {
    const char *list, *host;
    uint16_t port;
    bool has;
} rows[] = {
    { "", "a.example", 80, false },
    { "*", "a.example", 80, true },
    { "b.example, *", "10.0.0.1", 80, true },
    { "example", "example", 80, true },
    { "example", "a.example", 80, true },
    { "example", "A.EXAMPLE", 80, true },
    { "EXAMPLE", "a.example", 80, true },
    { "example", "aexample", 80, false },
    { "example", "example.com", 80, false },
    { "example", "a.example.", 80, true },
    { ".example", "a.example", 80, true },
    { ".example", "example", 80, true },
    { "*.example", "a.example", 80, true },
    { ".", "example", 80, false },
    { "b,example", "example", 80, true },
    { "b example", "example", 80, true },
    { " ,, b\texample ,", "example", 80, true },
    { "example:80", "example", 80, true },
    { "example:80", "example", 81, false },
    { "example:80,example:81", "example", 81, true },
    { "example:", "example", 80, false },
    { "example:x", "example", 80, false },
    { "*:8080", "anything", 8080, true },
    { "*:8080", "anything", 80, false },
    { "10.0.0.1", "10.0.0.1", 80, true },
    { "10.0.0.1", "10.0.0.11", 80, false },
    { "0.1", "10.0.0.1", 80, false },
    { "10.0.0.1:81", "10.0.0.1", 81, true },
    { "10.0.0.1:81", "10.0.0.1", 80, false },
    { "10.0.0.0/8", "10.255.0.1", 80, true },
    { "10.0.0.0/8", "11.0.0.1", 80, false },
    { "10.128.0.0/9", "10.127.0.1", 80, false },
    { "10.128.0.0/9", "10.200.0.1", 80, true },
    { "0.0.0.0/0", "192.0.2.1", 80, true },
    { "10.0.0.0/33", "10.0.0.0", 80, false },
    { "10.0.0.0/", "10.0.0.0", 80, false },
    { "10.0.0.0/8", "::ffff:10.0.0.1", 80, false },
    { "::1", "::1", 80, true },
    { "[::1]", "::1", 80, true },
    { "[::1]:81", "::1", 81, true },
    { "[::1]:81", "::1", 80, false },
    { "0:0::0:1", "::1", 80, true },
    { "2001:db8::/32", "2001:db8:1::1", 80, true },
    { "2001:db8::/32", "2001:db9::1", 80, false },
};

static enum bi_host_kind kind_of(const char *host)
{
    return strchr(host, ':') != NULL                     ? BI_HOST_IPV6
           : strspn(host, "0123456789.") == strlen(host) ? BI_HOST_IPV4
                                                         : BI_HOST_NAME;
}

START_TEST(a_list_names_a_host_or_it_does_not) /* C7 */
{
    ck_assert(bi_no_proxy_has(bi_view_of(rows[_i].list), bi_view_of(rows[_i].host), kind_of(rows[_i].host),
                  rows[_i].port) == rows[_i].has);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_list_names_a_host_or_it_does_not, 0, sizeof rows / sizeof *rows);
}

BIGHT_TEST_MAIN("http_no_proxy", add_tests)
