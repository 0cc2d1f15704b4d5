/* SPDX-License-Identifier: MIT */
/* Tests of where a client may connect to (protocols/http/client/dial.c, public_address.c): a filter of the program's,
 * and `public_only`. */
#include "client_support.h"

#include <bight/protocols/http_client_hooks.h>

static char name[] = "mine";
static enum bight_address_family refused;
static struct peer *server, *other;

/* "6:80" is an IPv6 address. */
static bool may_connect(const struct bight_address *address, const char *host, void *context)
{
    ck_assert_str_eq(context, "mine");
    hear("%s=%c:%u", host, "?46u"[address->family], address -> port);
    return address->family != refused;
}

static void begin(enum bight_address_family family, bool public_only)
{
    const struct bight_http_client_hooks hooks = { .size = sizeof hooks, .may_connect = may_connect, .context = name };
    const struct bight_http_client_options options = {
        .size = sizeof options, .hooks = public_only ? NULL : &hooks, .public_only = public_only
    };
    refused = family;
    begin_world(&options);
    server = add_peer("server", NULL, ANSWER(2, "Hi"));
    other = add_peer("other", NULL, "HTTP/1.1 302 X\r\nLocation: http://server/\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(each_address_is_asked_for) /* C11 */
{
    begin(BIGHT_ADDRESS_NONE, false);
    get("http://server/", "");
    pass(1);
    get("http://server/", "");
    pass(1);
    ck_heard("server=6:80 200 'Hi' 200 'Hi'"); /* a kept connection has been asked for */
    end_world();
}
END_TEST

START_TEST(what_is_refused_is_not_connected_to) /* C11 */
{
    begin(BIGHT_ADDRESS_IPV6, false);
    get("http://server/", "");
    pass(1);
    ck_heard("server=6:80 server=4:80 200 'Hi'");
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

START_TEST(redirects_are_asked_for_too) /* C11 */
{
    begin(BIGHT_ADDRESS_NONE, false);
    get("http://other/", "");
    pass(1);
    ck_heard("other=6:80 server=6:80 200 'Hi'");
    end_world();
}
END_TEST

START_TEST(literals_are_asked_for_and_fail_if_refused) /* C11 */
{
    begin(BIGHT_ADDRESS_IPV4, false);
    get("http://10.0.0.2:81/", "");
    pass(1);
    ck_heard("10.0.0.2=4:81 ADDRESS_REFUSED");
    end_world();
}
END_TEST

START_TEST(endpoints_of_the_programs_are_asked_for) /* C11 */
{
    begin(BIGHT_ADDRESS_UNIX, false);
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://server/");
    bight_http_call_endpoint(call, "unix:/run/socket");
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("server=u:0 ADDRESS_REFUSED");
    end_world();
}
END_TEST

/* Also what a name has been bound to in the meantime: it is the address that is looked at. */
START_TEST(public_only_refuses_what_is_not_public) /* C11 */
{
    static const char *const urls[] = { "http://server/", "http://10.0.0.2/", "http://127.0.0.1/", "http://[::1]/",
        "http://[::ffff:10.0.0.2]/", "http://[64:ff9b::a00:2]/", "http://[2002:a00:2::]/", "http://localhost/" };
    begin(BIGHT_ADDRESS_NONE, true);
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        heard[0] = '\0';
        get(urls[i], "");
        pass(1);
        ck_heard("ADDRESS_REFUSED");
    }
    ck_assert_uint_eq(server->accepted, 0);
    end_world();
}
END_TEST

START_TEST(public_only_takes_the_programs_word_for_an_endpoint) /* C11 */
{
    begin(BIGHT_ADDRESS_NONE, true);
    struct bight_http_call *call = bight_http_call_new(client, "GET", "http://anything/");
    bight_http_call_endpoint(call, "tcp:other:80");
    note(bight_http_call_send(call), "");
    pass(1);
    ck_heard("ADDRESS_REFUSED"); /* where it redirected to */
    ck_assert_uint_eq(other->accepted, 1);
    ck_assert_uint_eq(server->accepted, 0);
    end_world();
}
END_TEST

static bool frees(const struct bight_address *address, const char *host, void *context)
{
    (void)address;
    (void)host;
    (void)context;
    bight_http_client_free(client);
    client = NULL;
    return true;
}

START_TEST(the_client_may_be_freed_when_it_asks) /* C11 */
{
    const struct bight_http_client_hooks hooks = { .size = sizeof hooks, .may_connect = frees };
    const struct bight_http_client_options options = { .size = sizeof options, .hooks = &hooks };
    begin_world(&options);
    server = add_peer("server", NULL, NULL);
    get("http://server/", "");
    pass(1);
    ck_heard("ABANDONED");
    ck_assert_uint_eq(server->accepted, 0);
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- addresses */

static const struct {
    const char *address;
    bool is_public;
} rows[] = {
    { "0.0.0.0", false },
    { "0.1.2.3", false },
    { "1.1.1.1", true },
    { "9.255.255.255", true },
    { "10.0.0.0", false },
    { "10.255.255.255", false },
    { "11.0.0.0", true },
    { "100.63.255.255", true },
    { "100.64.0.0", false },
    { "100.127.255.255", false },
    { "100.128.0.0", true },
    { "127.0.0.1", false },
    { "127.255.255.255", false },
    { "128.0.0.0", true },
    { "169.253.255.255", true },
    { "169.254.169.254", false },
    { "172.15.255.255", true },
    { "172.16.0.0", false },
    { "172.31.255.255", false },
    { "172.32.0.0", true },
    { "192.0.0.8", false },
    { "192.0.1.0", true },
    { "192.0.2.1", false },
    { "192.88.99.1", false },
    { "192.167.255.255", true },
    { "192.168.1.1", false },
    { "192.169.0.0", true },
    { "198.17.255.255", true },
    { "198.18.0.0", false },
    { "198.19.255.255", false },
    { "198.20.0.0", true },
    { "198.51.100.7", false },
    { "203.0.113.7", false },
    { "223.255.255.255", true },
    { "224.0.0.1", false },
    { "240.0.0.1", false },
    { "255.255.255.255", false },
    { "::", false },
    { "::1", false },
    { "::8.8.8.8", false },
    { "::10.0.0.1", false },
    { "::ffff:8.8.8.8", true },
    { "::ffff:127.0.0.1", false },
    { "::ffff:0:8.8.8.8", false },
    { "64:ff9b::8.8.8.8", true },
    { "64:ff9b::10.0.0.1", false },
    { "64:ff9b:1::8.8.8.8", false },
    { "100::1", false },
    { "2000::1", true },
    { "2001::1", false },
    { "2001:1ff::1", false },
    { "2001:200::1", true },
    { "2001:db8::1", false },
    { "2001:db9::1", true },
    { "2002:808:808::1", true },
    { "2002:7f00:1::1", false },
    { "2002:a9fe:a9fe::", false },
    { "2003::1", true },
    { "2606:4700:4700::1111", true },
    { "3ffe::1", true },
    { "3fff::1", false },
    { "3fff:fff::1", false },
    { "3fff:1000::1", true },
    { "4000::1", false },
    { "5f00::1", false },
    { "fc00::1", false },
    { "fd12::1", false },
    { "fe80::1", false },
    { "fec0::1", false },
    { "ff02::1", false },
};

START_TEST(an_address_is_public_or_it_is_not) /* C11 */
{
    struct bight_address address;
    ck_assert_int_eq(bight_address_parse_ip(&address, rows[_i].address, 80), 0);
    ck_assert(bight_http_address_is_public(&address) == rows[_i].is_public);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, each_address_is_asked_for);
    tcase_add_test(tests, what_is_refused_is_not_connected_to);
    tcase_add_test(tests, redirects_are_asked_for_too);
    tcase_add_test(tests, literals_are_asked_for_and_fail_if_refused);
    tcase_add_test(tests, endpoints_of_the_programs_are_asked_for);
    tcase_add_test(tests, public_only_refuses_what_is_not_public);
    tcase_add_test(tests, public_only_takes_the_programs_word_for_an_endpoint);
    tcase_add_test(tests, the_client_may_be_freed_when_it_asks);
    tcase_add_loop_test(tests, an_address_is_public_or_it_is_not, 0, sizeof rows / sizeof *rows);
}

BIGHT_TEST_MAIN("http_client_addresses", add_tests)
