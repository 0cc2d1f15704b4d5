/* SPDX-License-Identifier: MIT */
/* test_tls_endpoint.c - tls:, ssl: and secure: in endpoint strings, over the real kernel (L1, L3, L6, L13, K1). What
 * TLS itself does is tested in test/tls. */
#include "endpoint_support.h"

#include <bight/testing/ca.h>
#include <bight/tls.h>

static struct bight_testing_ca *authority;
static const struct bight_testing_certificate *localhost;
static struct bight_port *port;
static char server_file[96], ca_file[96], address[400];

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Work in threads comes back through the loop, however long the machine takes for it; Check ends what never comes. */
#define UNTIL(condition)                     \
    while (!(condition)) {                   \
        bi_reactor_turn(net.reactor, false); \
        sched_yield();                       \
    }

static void begin_tls(void)
{
    begin();
    authority = bight_testing_ca_new("the test's CA", NULL);
    localhost = bight_testing_certificate_new(authority, NULL);
    snprintf(server_file, sizeof server_file, "%s/server.pem", folder);
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", folder);
    write_file(server_file, localhost->all);
    write_file(ca_file, bight_testing_ca_pem(authority));
}

static void end_tls(void)
{
    if (port != NULL) {
        stop(port);
    }
    unlink(server_file);
    unlink(ca_file);
    end();
    ck_assert_int_eq(seen.started, seen.stopped);
    bight_testing_certificate_free(localhost);
    bight_testing_ca_free(authority);
}

static void listen_tls(const char *more)
{
    char string[300];
    snprintf(string, sizeof string, "tls:0:interface=127.0.0.1:cert=%s%s", server_file, more);
    port = net_listen_on(&net, string);
}

/* As a client that trusts the test's CA. */
static void connect_tls(const char *more)
{
    snprintf(address, sizeof address, "tls:127.0.0.1:%u:ca=%s%s", (unsigned)net_port_number(port), ca_file, more);
    forget_outcome(&outcome);
    watch_outcome(bight_connect(net.reactor, address, &probe_factory), &outcome);
}

static struct bight_transport *client(void)
{
    return ((struct bight_protocol *)outcome.value)->transport;
}

START_TEST(a_server_and_a_client_by_strings_alone) /* L3 */
{
    begin_tls();
    listen_tls("");
    connect_tls("");
    ck_assert_int_eq(outcome.fired, 0);
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    const struct bight_tls_session *session = bight_transport_tls(client());
    ck_assert_ptr_nonnull(session);
    ck_assert_str_eq(session->version, "TLSv1.3");
    ck_assert(session->is_verified);
    ck_assert_int_eq(bight_transport_write(client(), "hello", 5), 0);
    UNTIL(seen.received == 5);
    ck_assert_mem_eq(seen.bytes, "hello", 5);
    end_tls();
}
END_TEST

START_TEST(tls_goes_over_any_endpoint) /* K1 */
{
    char string[400];
    begin_tls();
    snprintf(string, sizeof string, "secure:cert=%s:%s", server_file, endpoint);
    port = net_listen_on(&net, string);
    snprintf(string, sizeof string, "secure:servername=localhost:ca=%s:%s", ca_file, endpoint);
    watch_outcome(bight_connect(net.reactor, string, &probe_factory), &outcome);
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_ptr_nonnull(bight_transport_tls(client()));
    end_tls();
}
END_TEST

START_TEST(tls_goes_inside_of_tls) /* L5, K1 */
{
    char string[600];
    begin_tls();
    snprintf(string, sizeof string, "secure:cert=%s:secure:cert=%s:%s", server_file, server_file, endpoint);
    port = net_listen_on(&net, string);
    snprintf(string, sizeof string, "secure:servername=localhost:ca=%s:secure:servername=localhost:ca=%s:%s", ca_file,
        ca_file, endpoint);
    watch_outcome(bight_connect(net.reactor, string, &probe_factory), &outcome);
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_int_eq(bight_transport_write(client(), "hello", 5), 0);
    UNTIL(seen.received == 5);
    end_tls();
}
END_TEST

START_TEST(twisteds_name_is_an_alias) /* E6 */
{
    char string[300];
    begin_tls();
    snprintf(string, sizeof string, "ssl:0:interface=127.0.0.1:privateKey=%s:certKey=%s", server_file, server_file);
    port = net_listen_on(&net, string);
    connect_tls("");
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    end_tls();
}
END_TEST

START_TEST(a_name_that_is_not_in_the_certificate_is_a_failure_that_says_so) /* L6 */
{
    begin_tls();
    listen_tls("");
    connect_tls(":servername=other.example");
    UNTIL(outcome.fired == 1);
    ck_assert_ptr_nonnull(outcome.failure);
    ck_assert_msg(bight_failure_is(outcome.failure, BIGHT_E_TLS), "%s", bight_error_name(outcome.code));
    char words[300];
    bight_failure_describe(outcome.failure, words, sizeof words);
    ck_assert_ptr_nonnull(
        strstr(words, ": the peer's certificate is not for other.example, but for localhost, 127.0.0.1"));
    ck_assert_int_eq(seen.made, 0);
    UNTIL(bight_port_connections(port) == 0);
    ck_assert_int_eq(seen.made, 0);
    end_tls();
}
END_TEST

START_TEST(a_client_that_does_not_verify_says_so_in_its_string) /* L6 */
{
    char string[64];
    begin_tls();
    listen_tls("");
    snprintf(string, sizeof string, "tls:127.0.0.1:%u:verify=no", (unsigned)net_port_number(port));
    watch_outcome(bight_connect(net.reactor, string, &probe_factory), &outcome);
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert(!bight_transport_tls(client())->is_verified);
    end_tls();
}
END_TEST

START_TEST(alpn_is_agreed_on) /* L8 */
{
    begin_tls();
    listen_tls(":alpn=h2,http/1.1");
    connect_tls(":alpn=http/1.1");
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_str_eq(bight_transport_tls(client())->alpn, "http/1.1");
    end_tls();
}
END_TEST

START_TEST(a_second_connect_of_the_same_string_reads_no_file_again) /* L1 */
{
    begin_tls();
    listen_tls("");
    connect_tls("");
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    unlink(ca_file);
    connect_tls("");
    UNTIL(outcome.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    fake_advance(&net.fake, net.reactor, UINT64_C(601) * BIGHT_NANOSECONDS_PER_SECOND);
    connect_tls(":alpn=other"); /* anything makes room */
    UNTIL(outcome.fired == 1);
    connect_tls("");
    UNTIL(outcome.fired == 1);
    ck_assert_ptr_nonnull(outcome.failure); /* it has been forgotten */
    end_tls();
}
END_TEST

START_TEST(attempts_at_once_share_one_context) /* L1 */
{
    struct outcome other;
    begin_tls();
    listen_tls("");
    connect_tls("");
    watch_outcome(bight_connect(net.reactor, address, &probe_factory), &other);
    struct bight_deferred *third = bight_connect(net.reactor, address, &probe_factory);
    bight_deferred_cancel(third);
    bight_deferred_release(third);
    UNTIL(outcome.fired == 1 && other.fired == 1);
    ck_assert_int_eq(outcome.code, 0);
    ck_assert_int_eq(other.code, 0);
    forget_outcome(&other);
    end_tls();
}
END_TEST

START_TEST(a_reactor_may_go_while_a_context_is_made) /* R3 */
{
    begin_tls();
    listen_tls("");
    connect_tls("");
    end_tls();
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_ptr_nonnull(outcome.failure); /* which one depends on how far the thread had come */
    forget_outcome(&outcome);
}
END_TEST

/* ------------------------------------------------------------------------------------------- errors */

START_TEST(a_file_that_cannot_be_used_is_an_error_with_its_column) /* L1 */
{
    begin_tls();
    fail_to_listen("tls:0:cert=/no/where",
        "cannot listen on \"tls:0:cert=/no/where\": column 12: the certificate cannot be read from /no/where: No such"
        " file or directory");
    fail_to_listen("tls:0", "cannot listen on \"tls:0\": a certificate is missing: cert=FILE, or certs=DIRECTORY with"
                            " strict=yes");
    fail_to_listen("tls:0:cert=a:min_version=1.0",
        "cannot listen on \"tls:0:cert=a:min_version=1.0\": column 26: min_version is 1.2 or 1.3, not \"1.0\"");
    fail_to_listen("tls:0:cert=a:client_auth=optional",
        "cannot listen on \"tls:0:cert=a:client_auth=optional\": column 26: client_auth needs client_ca=FILE, whose"
        " certificates are accepted");
    fail_to_listen("tls:0:cert=a:client_ca=b:client_auth=yes",
        "cannot listen on \"tls:0:cert=a:client_ca=b:client_auth=yes\": column 38: client_auth is required or"
        " optional, not \"yes\"");
    end_tls();
}
END_TEST

START_TEST(a_clients_files_too) /* L1 */
{
    begin_tls();
    watch_outcome(bight_connect(net.reactor, "tls:localhost:1:ca=/no/where", &probe_factory), &outcome);
    UNTIL(outcome.fired == 1);
    ck_assert_str_eq(bight_failure_message(outcome.failure),
        "cannot connect to localhost: column 20: the list of trusted certificates cannot be read from /no/where: No"
        " such file or directory");
    forget_outcome(&outcome);
    watch_outcome(bight_connect(net.reactor, "secure:tcp:localhost:1", &probe_factory), &outcome);
    ck_assert_int_eq(outcome.fired, 1);
    ck_assert_str_eq(bight_failure_message(outcome.failure),
        "cannot connect to \"secure:tcp:localhost:1\": column 8: whom to expect is missing before the endpoint:"
        " servername=NAME");
    end_tls();
}
END_TEST

START_TEST(a_password_is_never_shown) /* L14 */
{
    char string[300];
    begin_tls();
    snprintf(string, sizeof string, "tls:0:password=secret:cert=%s:bcklog=1", server_file);
    watch_outcome(bight_listen(net.reactor, string, &probe_factory), &outcome);
    ck_assert_ptr_null(strstr(bight_failure_message(outcome.failure), "secret"));
    ck_assert_ptr_nonnull(strstr(bight_failure_message(outcome.failure), "password=***"));
    end_tls();
}
END_TEST

/* -------------------------------------------------------------------------------------------- reload */

static bool is_renewed(void)
{
    connect_tls(":servername=renewed.example");
    UNTIL(outcome.fired == 1);
    return outcome.code == 0;
}

START_TEST(a_reload_serves_what_the_files_have_now) /* L13 */
{
    struct bight_testing_certificate_options options = { .size = sizeof options, .names = "renewed.example" };
    begin_tls();
    listen_tls("");
    ck_assert(!is_renewed());
    const struct bight_testing_certificate *renewed = bight_testing_certificate_new(authority, &options);
    write_file(server_file, renewed->all);
    ck_assert_uint_ge(bight_reload_endpoints(net.reactor), 1);
    while (!is_renewed()) { /* the thread takes its time */
    }
    write_file(server_file, "nothing\n");
    net.log_count = 0;
    ck_assert_uint_ge(bight_reload_endpoints(net.reactor), 1);
    UNTIL(net.log_count > 0); /* it is told, and what there was stays */
    ck_assert(is_renewed());
    bight_testing_certificate_free(renewed);
    end_tls();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_endpoint");
    TCase *tests = tcase_create("tls_endpoint");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_server_and_a_client_by_strings_alone);
    tcase_add_test(tests, tls_goes_over_any_endpoint);
    tcase_add_test(tests, tls_goes_inside_of_tls);
    tcase_add_test(tests, twisteds_name_is_an_alias);
    tcase_add_test(tests, a_name_that_is_not_in_the_certificate_is_a_failure_that_says_so);
    tcase_add_test(tests, a_client_that_does_not_verify_says_so_in_its_string);
    tcase_add_test(tests, alpn_is_agreed_on);
    tcase_add_test(tests, a_second_connect_of_the_same_string_reads_no_file_again);
    tcase_add_test(tests, attempts_at_once_share_one_context);
    tcase_add_test(tests, a_reactor_may_go_while_a_context_is_made);
    tcase_add_test(tests, a_file_that_cannot_be_used_is_an_error_with_its_column);
    tcase_add_test(tests, a_clients_files_too);
    tcase_add_test(tests, a_password_is_never_shown);
    tcase_add_test(tests, a_reload_serves_what_the_files_have_now);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
