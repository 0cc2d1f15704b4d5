/* SPDX-License-Identifier: MIT */
/* Tests of trusted proxies (protocols/http/middleware/trusted_proxies.c, networks.c): who the client is, and of what a
 * request is believed. */
#include "http/middleware/networks.h"

#include "site_support.h"

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

/* --------------------------------------------------------------------------------------- networks */

static const struct {
    const char *network, *address;
    bool has;
} contained[] = {
    { "192.0.2.1", "192.0.2.1", true },
    { "192.0.2.1", "192.0.2.2", false },
    { "192.0.2.0/24", "192.0.2.255", true },
    { "192.0.2.0/24", "192.0.3.0", false },
    { "10.0.0.0/9", "10.127.255.255", true },
    { "10.0.0.0/9", "10.128.0.0", false },
    { "0.0.0.0/0", "203.0.113.1", true },
    { "0.0.0.0/0", "2001:db8::1", false },
    { "::/0", "2001:db8::1", true },
    { "::/0", "192.0.2.1", false },
    { "2001:db8::/33", "2001:db8:7fff::1", true },
    { "2001:db8::/33", "2001:db8:8000::1", false },
    { "192.0.2.0/24", "::ffff:192.0.2.7", true }, /* of a socket for both */
    { "::ffff:192.0.2.0/24", "192.0.2.7", true },
    { "unix", "192.0.2.7", false },
};

START_TEST(a_network_has_the_addresses_with_its_prefix) /* A8 */
{
    struct bi_network network;
    struct bight_address address;
    ck_assert(bi_network_parse(&network, contained[_i].network));
    ck_assert_int_eq(bight_address_parse_ip(&address, contained[_i].address, 80), 0);
    ck_assert_int_eq(bi_network_has(&network, &address), contained[_i].has);
    ck_assert_int_eq(bi_networks_have(&network, 1, &address), contained[_i].has);
}
END_TEST

static const char *const no_networks[] = { "", "a", "192.0.2.1/33", "192.0.2.1/24", "::1/129", "192.0.2.0/",
    "192.0.2.0/-1", "192.0.2.0/024x", "fe80::1%1", "192.0.2.0/24/24", "UNIX",
    "0000000000000000000000000000000000000000000000000000000000000000000000" };

START_TEST(what_is_no_network_is_refused) /* A8 */
{
    struct bi_network network;
    ck_assert(!bi_network_parse(&network, no_networks[_i]));
}
END_TEST

START_TEST(unix_is_every_socket_without_an_address) /* A8 */
{
    struct bi_network network;
    const struct bight_address address = { .family = BIGHT_ADDRESS_UNIX };
    ck_assert(bi_network_parse(&network, "unix"));
    ck_assert(bi_network_has(&network, &address));
    ck_assert(bi_network_parse(&network, "0.0.0.0/0"));
    ck_assert(!bi_network_has(&network, &address));
}
END_TEST

/* ---------------------------------------------------------------------------------------- requests */

static char seen[256];

/* What a handler is told: "192.0.2.1 http a.example". */
static void tell(struct bight_http_request *request, void *context)
{
    struct bight_address peer_address = { .family = BIGHT_ADDRESS_NONE };
    char text[BIGHT_ADDRESS_TEXT_SIZE] = "none";
    (void)context;
    if (bight_http_request_peer(request, &peer_address) == 0) {
        (void)bight_address_format(&peer_address, text, sizeof text);
    }
    (void)snprintf(seen, sizeof seen, "%s %s %s", text, bight_http_request_is_secure(request) ? "https" : "http",
        bight_http_request_host(request));
    ck_assert(!bight_http_request_connection_is_secure(request));
    (void)bight_http_respond_text(request, 200, "Hello");
}

static const char *const trusted[] = { "10.0.0.0/8", "2001:db8:1::/48", NULL };

static void begin(struct bight_http_trusted_proxies_options options, const char *from)
{
    struct bight_address address;
    begin_site(NULL);
    options.size = sizeof options;
    ck_assert_int_eq(bight_http_use_trusted_proxies(site, trusted, &options), 0);
    add_route("/", tell);
    ck_assert_int_eq(bight_address_parse_ip(&address, from, 4000), 0);
    peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, NULL, &address);
}

#define ONE "10.0.0.1"

static const struct {
    const char *from, *fields, *seen;
} forwarded_for[] = {
    { ONE, "", ONE ":4000 http a.example" },
    { ONE, "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1:0 http a.example" },
    { ONE, "X-Forwarded-For: 198.51.100.1, 192.0.2.1\r\n", "192.0.2.1:0 http a.example" },
    { ONE, "X-Forwarded-For: 198.51.100.1, 192.0.2.1, 10.2.3.4\r\n", "192.0.2.1:0 http a.example" },
    { ONE, "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 10.2.3.4\r\n",
        "192.0.2.1:0 http a.example" },
    { ONE, "X-Forwarded-For: 10.9.9.9, 10.2.3.4\r\n", "10.9.9.9:0 http a.example" },
    { ONE, "X-Forwarded-For: unknown, 10.2.3.4\r\n", "10.2.3.4:0 http a.example" },
    { ONE, "X-Forwarded-For: 192.0.2.1, unknown\r\n", ONE ":4000 http a.example" },
    { ONE, "X-Forwarded-For: \"192.0.2.1\"\r\n", ONE ":4000 http a.example" },
    { ONE, "X-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Proto: https\r\n", "[2001:db8::1]:0 https a.example" },
    { ONE, "X-Forwarded-Proto: HTTPS\r\n", ONE ":4000 https a.example" },
    { ONE, "X-Forwarded-Proto: gopher\r\n", ONE ":4000 http a.example" },
    { ONE, "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https, http\r\n", "192.0.2.1:0 http a.example" },
    { ONE, "X-Forwarded-For: 192.0.2.1, 10.2.3.4\r\nX-Forwarded-Proto: https, http\r\n",
        "192.0.2.1:0 https a.example" },
    { ONE, "X-Forwarded-For: 192.0.2.1, 10.2.3.4\r\nX-Forwarded-Proto: https\r\n", "192.0.2.1:0 https a.example" },
    { ONE, "X-Forwarded-Host: b.example\r\nForwarded: for=192.0.2.1;proto=https\r\n", ONE ":4000 http a.example" },
    /* from strangers */
    { "192.0.2.9", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.example\r\n",
        "192.0.2.9:4000 http a.example" },
    { "2001:db8:2::1", "X-Forwarded-For: 192.0.2.1\r\n", "[2001:db8:2::1]:4000 http a.example" },
    { "2001:db8:1::1", "X-Forwarded-For: 192.0.2.1\r\n", "192.0.2.1:0 http a.example" },
};

static const char *ask(const char *fields)
{
    char request[1024];
    seen[0] = '\0';
    (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: a.example\r\n%s\r\n", fields);
    (void)say(request);
    return seen;
}

START_TEST(the_first_from_the_right_that_is_not_trusted_is_the_client) /* A8 */
{
    begin((struct bight_http_trusted_proxies_options) { .size = 0 }, forwarded_for[_i].from);
    ck_assert_str_eq(ask(forwarded_for[_i].fields), forwarded_for[_i].seen);
    end_site();
}
END_TEST

static const struct {
    const char *fields, *seen;
} forwarded[] = {
    { "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n", ONE ":4000 http a.example" },
    { "Forwarded: for=192.0.2.1;proto=https;host=b.example\r\n", "192.0.2.1:0 https b.example" },
    { "Forwarded: for=198.51.100.1, for=192.0.2.1;proto=https, for=10.2.3.4;proto=http\r\n",
        "192.0.2.1:0 https a.example" },
    { "Forwarded: for=\"[2001:db8::1]:99\";host=\"b.example:8443\"\r\n", "[2001:db8::1]:99 http b.example" },
    { "Forwarded: for=\", for=192.0.2.1\r\n", "192.0.2.1:0 http a.example" },
    { "Forwarded: for=192.0.2.1, for=_hidden;proto=https\r\n", ONE ":4000 http a.example" },
    { "Forwarded: for=192.0.2.1;for=192.0.2.2\r\n", ONE ":4000 http a.example" },
    { "Forwarded: for=192.0.2.1;host=\"a b\"\r\n", "192.0.2.1:0 http a.example" },
};

START_TEST(the_other_family_can_be_chosen) /* A8 */
{
    begin((struct bight_http_trusted_proxies_options) { .reads_forwarded = true, .reads_host = true }, ONE);
    ck_assert_str_eq(ask(forwarded[_i].fields), forwarded[_i].seen);
    end_site();
}
END_TEST

START_TEST(a_forwarded_host_counts_only_by_option) /* A8 */
{
    begin((struct bight_http_trusted_proxies_options) { .reads_host = _i == 1 }, ONE);
    add_route("b.example/", tell);
    (void)ask("X-Forwarded-Host: c.example, B.example:8080\r\n");
    ck_assert_str_eq(seen, _i == 1 ? ONE ":4000 http b.example" : ONE ":4000 http a.example");
    end_site();
}
END_TEST

START_TEST(the_protection_across_origins_goes_by_the_forwarded_host) /* A8, A7 */
{
    begin((struct bight_http_trusted_proxies_options) { .reads_host = true }, ONE);
    const char *answer = say("POST / HTTP/1.1\r\nHost: a.example\r\nOrigin: https://b.example\r\nX-Forwarded-Host: "
                             "b.example\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 200"));
    bight_string_clear(peer);
    answer = say("POST / HTTP/1.1\r\nHost: a.example\r\nOrigin: https://a.example\r\nX-Forwarded-Host: "
                 "b.example\r\nContent-Length: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 403"));
    end_site();
}
END_TEST

START_TEST(of_very_many_lines_the_last_ones_count) /* A8 */
{
    char fields[1000] = "";
    for (unsigned i = 0; i < 30; i++) {
        strcat(fields, "X-Forwarded-For: 10.0.0.9\r\n");
    }
    begin((struct bight_http_trusted_proxies_options) { .size = 0 }, ONE);
    ck_assert_str_eq(ask(fields), "10.0.0.9:0 http a.example");
    end_site();
}
END_TEST

START_TEST(there_has_to_be_a_network) /* A8 */
{
    static const char *const none[] = { NULL }, *const wrong[] = { "10.0.0.1/8", NULL };
    begin_site(NULL);
    ck_assert_int_eq(bight_http_use_trusted_proxies(site, NULL, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_trusted_proxies(site, none, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_trusted_proxies(site, wrong, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_trusted_proxies(NULL, trusted, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(usage_errors, 3);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_network_has_the_addresses_with_its_prefix, 0, COUNT(contained));
    tcase_add_loop_test(tests, what_is_no_network_is_refused, 0, COUNT(no_networks));
    tcase_add_test(tests, unix_is_every_socket_without_an_address);
    tcase_add_loop_test(tests, the_first_from_the_right_that_is_not_trusted_is_the_client, 0, COUNT(forwarded_for));
    tcase_add_loop_test(tests, the_other_family_can_be_chosen, 0, COUNT(forwarded));
    tcase_add_loop_test(tests, a_forwarded_host_counts_only_by_option, 0, 2);
    tcase_add_test(tests, the_protection_across_origins_goes_by_the_forwarded_host);
    tcase_add_test(tests, of_very_many_lines_the_last_ones_count);
    tcase_add_test(tests, there_has_to_be_a_network);
}

BIGHT_TEST_MAIN("http_trusted_proxies", add_tests)
