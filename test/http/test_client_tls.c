/* SPDX-License-Identifier: MIT */
/* Tests of https (protocols/http/client/attempt.c, tls.c): whom a client believes, and what redirects may not weaken.
 */
#include "client_support.h"

#define HELLO ANSWER(5, "Hello")

static struct bight_testing_ca *ca;
static struct bight_tls *trusting, *lax;
static struct peer *server, *plain;

static struct bight_tls *client_tls(bool verifies)
{
    struct bight_failure *failure = NULL;
    struct bight_tls_client_options options = { .size = sizeof options, .without_verification = !verifies };
    if (verifies) {
        options.ca.text = bight_testing_ca_pem(ca);
        options.ca.size = strlen(options.ca.text);
    }
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    ck_assert_ptr_nonnull(tls);
    return tls;
}

static struct bight_tls *server_tls(const char *names)
{
    struct bight_failure *failure = NULL;
    const struct bight_testing_certificate_options wanted = {
        .size = sizeof wanted, .names = names, .begins = -1e9, .ends = 1e9
    };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &wanted);
    struct bight_tls_identity identity = bight_testing_identity(certificate);
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1, .alpn = "h2,http/1.1"
    };
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    ck_assert_ptr_nonnull(tls);
    bight_testing_certificate_free(certificate);
    return tls;
}

/* The client trusts the CA, unless `options` say otherwise. */
static void begin(const char *names, const char *text, bool is_trusting)
{
    ca = bight_testing_ca_new("Test", NULL);
    trusting = client_tls(true);
    lax = client_tls(false);
    const struct bight_http_call_options calls = { .size = sizeof calls, .tls = trusting };
    const struct bight_http_client_options options = { .size = sizeof options, .calls = &calls };
    begin_world(is_trusting ? &options : NULL);
    server = add_peer("server", "tcp:443", text);
    server->tls = server_tls(names);
    plain = add_peer("plain", NULL, HELLO);
}

static void end(void)
{
    end_world();
    bight_tls_release(trusting);
    bight_tls_release(lax);
    bight_testing_ca_free(ca);
}

START_TEST(a_verified_server_is_talked_to_and_its_connection_kept) /* C9 */
{
    begin("server", HELLO, true);
    for (int i = 0; i < 3; i++) {
        get("https://server/", "");
        pass(1);
    }
    ck_heard("200 'Hello' 200 'Hello' 200 'Hello'");
    ck_assert_uint_eq(server->accepted, 1);
    ck_assert_ptr_nonnull(strstr(server->last, "Host: server\r\n"));
    end();
}
END_TEST

START_TEST(a_certificate_for_another_name_is_refused) /* C9 */
{
    begin("other,*.server", HELLO, true);
    get("https://server/", "");
    pass(1);
    ck_heard("WRONG_NAME");
    ck_assert_uint_eq(server->requests, 0);
    end();
}
END_TEST

START_TEST(without_options_what_the_system_trusts_is_believed_alone) /* C9 */
{
    begin("server", HELLO, false);
    get("https://server/", "");
    get("https://server/", "");
    pass(1);
    ck_heard("NOT_VERIFIED NOT_VERIFIED");
    ck_assert_uint_eq(server->requests, 0);
    end();
}
END_TEST

START_TEST(a_call_may_have_a_context_of_its_own) /* C2 C9 */
{
    begin("other", HELLO, true);
    const struct bight_http_call_options options = { .size = sizeof options, .tls = lax };
    struct bight_http_call *call = bight_http_call_new(client, "GET", "https://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    note(bight_http_call_send(call), "1 ");
    pass(1);
    get("https://server/", "2 ");
    pass(1);
    ck_heard("1 200 'Hello' 2 WRONG_NAME");
    end();
}
END_TEST

START_TEST(https_through_any_endpoint_is_verified_by_the_urls_host) /* C7 C9 */
{
    begin("public.example", HELLO, true);
    struct bight_http_call *call = bight_http_call_new(client, "GET", "https://public.example/");
    ck_assert_int_eq(bight_http_call_endpoint(call, "tcp:server:443"), 0);
    note(bight_http_call_send(call), "1 ");
    pass(1);
    call = bight_http_call_new(client, "GET", "https://server/");
    ck_assert_int_eq(bight_http_call_endpoint(call, "tcp:server:443"), 0);
    note(bight_http_call_send(call), "2 ");
    pass(1);
    ck_heard("1 200 'Hello' 2 WRONG_NAME");
    end();
}
END_TEST

START_TEST(what_is_no_tls_is_refused) /* C9 */
{
    begin("server", HELLO, true);
    plain->greeting = "220 ready\r\n";
    get("https://plain:80/", "");
    pass(1);
    ck_heard("TLS");
    end();
}
END_TEST

START_TEST(a_redirect_leads_from_https_to_http_only_if_asked) /* C4 */
{
    begin("server", "HTTP/1.1 302 X\r\nLocation: http://plain/\r\nContent-Length: 0\r\n\r\n", true);
    const struct bight_http_call_options options = {
        .size = sizeof options, .allow_downgrade = BIGHT_HTTP_YES, .tls = trusting
    };
    get("https://server/", "1 ");
    pass(1);
    ck_assert_uint_eq(plain->accepted, 0);
    struct bight_http_call *call = bight_http_call_new(client, "GET", "https://server/");
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    note(bight_http_call_send(call), "2 ");
    pass(1);
    ck_heard("1 HTTP_STATUS/302 2 200 'Hello'");
    end();
}
END_TEST

/* FIN without close_notify: what ends with the connection may have been cut by anybody. */
static void cut(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "\r\nHello");
    (void)bight_transport_abort_connection(talk->base.transport);
}

static void end_gracefully(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "\r\nHello");
    hang_up(talk);
}

START_TEST(a_body_that_ends_with_the_connection_has_to_end_gracefully) /* C5 C9 */
{
    begin("server", NULL, true);
    server->script = end_gracefully;
    get("https://server/", "1 ");
    pass(1);
    server->script = cut;
    get("https://server/", "2 ");
    pass(1);
    ck_heard("1 200 'Hello' 2 INCOMPLETE");
    end();
}
END_TEST

START_TEST(a_client_may_be_freed_while_its_context_is_made) /* C9 */
{
    begin("server", HELLO, false);
    get("https://server/", "");
    for (int i = 0; i < _i; i++) {
        (void)bight_simulation_step(network);
    }
    bight_http_client_free(client);
    client = NULL;
    ck_assert_ptr_nonnull(strstr("ABANDONED NOT_VERIFIED", heard));
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_verified_server_is_talked_to_and_its_connection_kept);
    tcase_add_test(tests, a_certificate_for_another_name_is_refused);
    tcase_add_test(tests, without_options_what_the_system_trusts_is_believed_alone);
    tcase_add_test(tests, a_call_may_have_a_context_of_its_own);
    tcase_add_test(tests, https_through_any_endpoint_is_verified_by_the_urls_host);
    tcase_add_test(tests, what_is_no_tls_is_refused);
    tcase_add_test(tests, a_redirect_leads_from_https_to_http_only_if_asked);
    tcase_add_test(tests, a_body_that_ends_with_the_connection_has_to_end_gracefully);
    tcase_add_loop_test(tests, a_client_may_be_freed_while_its_context_is_made, 0, 10);
}

BIGHT_TEST_MAIN("http_client_tls", add_tests)
