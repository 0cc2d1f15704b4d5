/* SPDX-License-Identifier: MIT */
/* Tests of sites that are meant for their own machine (protocols/http/site/guard.c): which names they answer for, and
 * on which addresses. */
#include "site_support.h"

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "hello");
}

/* To a site at that address. */
static const char *ask_at(const char *address, const char *host_line)
{
    struct bight_address near, far;
    char text[300];
    ck_assert_int_eq(bight_address_parse_ip(&near, address, 8080), 0);
    ck_assert_int_eq(bight_address_parse_ip(&far, address, 40000), 0);
    bight_string_peer_free(peer);
    peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, &near, &far);
    (void)snprintf(text, sizeof text, "GET / HTTP/1.%c\r\n%s\r\n", *host_line == '\0' ? '0' : '1', host_line);
    return say(text);
}

static void begin(void)
{
    static const char *const names[] = { "My-Box.example", "box" };
    begin_site(NULL);
    add_route("/", hello);
    ck_assert_int_eq(bight_http_site_guard_loopback(site, names, 2), 0);
}

START_TEST(at_a_loopback_address_only_names_of_the_machine_are_answered) /* F5 */
{
    static const char *const good[] = { "localhost", "LocalHost:8080", "localhost.", "127.0.0.1", "127.0.0.1:8080",
        "[::1]", "[0:0::1]:8080", "my-box.EXAMPLE:1", "box" };
    static const char *const bad[] = { "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
        "x.localhost", "127.0.0.2", "[::2]", "my-box.example.evil", "bo", "boxx", "evil.example:8080" };
    static const char *const addresses[] = { "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1" };
    char line[100];
    begin();
    for (size_t at = 0; at < sizeof addresses / sizeof *addresses; at++) {
        for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
            (void)snprintf(line, sizeof line, "Host: %s\r\n", good[i]);
            ck_assert_msg(has_line(ask_at(addresses[at], line), "HTTP/1.1 200 OK"), "%s", good[i]);
        }
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            (void)snprintf(line, sizeof line, "Host: %s\r\n", bad[i]);
            ck_assert_msg(has_line(ask_at(addresses[at], line), "HTTP/1.1 421 Misdirected Request"), "%s", bad[i]);
        }
    }
    ck_assert(has_line(ask_at("127.0.0.1", ""), "HTTP/1.1 421 Misdirected Request"));
    end_site();
}
END_TEST

START_TEST(at_other_addresses_any_name_is) /* F5 */
{
    begin();
    ck_assert(has_line(ask_at("192.0.2.1", "Host: evil.example\r\n"), "HTTP/1.1 200 OK"));
    ck_assert(has_line(ask_at("2001:db8::1", "Host: evil.example\r\n"), "HTTP/1.1 200 OK"));
    end_site();
}
END_TEST

START_TEST(names_can_be_replaced_and_are_checked) /* F5 */
{
    static const char *const other[] = { "other" }, *const none[][2] = { { "a", "" }, { "a/b", "c" }, { "::1", "c" } };
    begin();
    ck_assert_int_eq(bight_http_site_guard_loopback(site, other, 1), 0);
    ck_assert(has_line(ask_at("127.0.0.1", "Host: other\r\n"), "HTTP/1.1 200 OK"));
    ck_assert(has_line(ask_at("127.0.0.1", "Host: box\r\n"), "HTTP/1.1 421 Misdirected Request"));
    ck_assert_int_eq(bight_http_site_guard_loopback(site, NULL, 0), 0);
    ck_assert(has_line(ask_at("127.0.0.1", "Host: other\r\n"), "HTTP/1.1 421 Misdirected Request"));
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_assert_int_eq(bight_http_site_guard_loopback(site, none[i], 2), BIGHT_E_SYNTAX);
    }
    ck_assert_uint_eq(usage_errors, 3);
    ck_assert_int_eq(bight_http_site_guard_loopback(NULL, NULL, 0), BIGHT_E_OUT_OF_MEMORY);
    end_site();
}
END_TEST

static int heads;

static void note_head(struct bight_http_request *request, int status, void *context)
{
    (void)request, (void)context;
    heads += status == 421;
}

START_TEST(middleware_is_told_of_what_the_guard_refuses) /* F5, A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .head = note_head };
    heads = 0;
    begin();
    ck_assert_int_eq(bight_http_use(site, &ops, NULL), 0);
    ck_assert(has_line(ask_at("127.0.0.1", "Host: evil.example\r\n"), "HTTP/1.1 421 Misdirected Request"));
    ck_assert_int_eq(bight_http_site_guard_loopback(site, NULL, 0), 0);
    ck_assert(has_line(ask_at("127.0.0.1", "Host: box\r\n"), "HTTP/1.1 421 Misdirected Request"));
    ck_assert(has_line(ask_at("127.0.0.1", "Host: localhost\r\n"), "HTTP/1.1 200 OK"));
    ck_assert_int_eq(heads, 2);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, at_a_loopback_address_only_names_of_the_machine_are_answered);
    tcase_add_test(tests, at_other_addresses_any_name_is);
    tcase_add_test(tests, names_can_be_replaced_and_are_checked);
    tcase_add_test(tests, middleware_is_told_of_what_the_guard_refuses);
}

BIGHT_TEST_MAIN("http_guard", add_tests)
