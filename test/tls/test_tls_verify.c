/* SPDX-License-Identifier: MIT */
/* test_tls_verify.c - who the peer is: chains, names, times, uses, and lists of who was revoked, on either side. */
#include "tls_support.h"

static struct bight_testing_ca *root, *intermediate, *stranger;

static void set_up(void)
{
    make_place();
    tls_logged[0] = '\0';
    bight_log_set_observer(keep_tls_log, NULL);
    root = bight_testing_ca_new("Testing Root", NULL);
    intermediate = bight_testing_ca_new("Testing Intermediate", root);
    stranger = bight_testing_ca_new("Strange Root", NULL);
}

static void tear_down(void)
{
    bight_testing_ca_free(intermediate);
    bight_testing_ca_free(root);
    bight_testing_ca_free(stranger);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

static const struct bight_testing_certificate *issue(
    struct bight_testing_ca *ca, struct bight_testing_certificate_options options)
{
    options.size = sizeof options;
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &options);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

/* The client's failure (the caller's), of a server with `certificate`, whose name is `name`. NULL: it is believed. */
static struct bight_failure *judge(
    const struct bight_testing_certificate *certificate, const char *name, struct bight_tls_client_options options)
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(certificate), *client = make_client(options);
    talk_tls(&talk, server, client, name);
    ck_assert(talk.client.is_done || talk.client.failure != NULL);
    struct bight_failure *failure = talk.client.failure == NULL ? NULL : bight_failure_hold(talk.client.failure);
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
    return failure;
}

static struct bight_tls_client_options trusting(const char *ca)
{
    return (struct bight_tls_client_options) { .ca = pem_of(ca) };
}

/* ----------------------------------------------------------------------------------------------- names */

static void assert_names(const char *names, const char *name, bool is_good)
{
    const struct bight_testing_certificate *certificate =
        issue(root, (struct bight_testing_certificate_options) { .names = names, .subject = "cn.example" });
    struct bight_failure *failure = judge(certificate, name, trusting(bight_testing_ca_pem(root)));
    ck_assert_msg((failure == NULL) == is_good, "%s for %s", names, name);
    if (failure != NULL) {
        ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_WRONG_NAME);
    }
    bight_failure_release(failure);
    bight_testing_certificate_free(certificate);
}

START_TEST(names_are_compared_as_rfc_9525_says) /* L6 */
{
    assert_names("a.example", "a.example", true);
    assert_names("a.example", "A.EXAMPLE.", true);
    assert_names("x.example,a.example", "a.example", true);
    assert_names("*.c.example", "a.c.example", true);
    assert_names("*.example", "a.example", false); /* OpenSSL wants two labels behind the star */
    assert_names("*.c.example", "a.b.c.example", false);
    assert_names("*.c.example", "c.example", false);
    assert_names("a*.c.example", "ab.c.example", false);
    assert_names("*b.c.example", "ab.c.example", false);
    assert_names("a.*.example", "a.b.example", false);
    assert_names("a.example", "b.example", false);
    assert_names("", "cn.example", false);
    assert_names("a.example", "cn.example", false);
    assert_names("192.0.2.1", "192.0.2.1", true);
    assert_names("192.0.2.1", "192.0.2.2", false);
    assert_names("2001:db8::1", "2001:db8:0::1", true);
    assert_names("*.0.2.1", "192.0.2.1", false);
}
END_TEST

START_TEST(a_wrong_name_is_told_with_at_most_eight_of_those_that_are_there) /* L6 */
{
    const struct bight_testing_certificate *certificate =
        issue(root, (struct bight_testing_certificate_options) { .names = "a,b,c,192.0.2.1,e,f,g,h,i,j" });
    struct bight_failure *failure = judge(certificate, "z.example", trusting(bight_testing_ca_pem(root)));
    assert_says(
        failure, "the peer's certificate is not for z.example, but for a, b, c, 192.0.2.1, e, f, g, h and more");
    bight_failure_release(failure);
    failure = judge(certificate, "::1", trusting(bight_testing_ca_pem(root)));
    assert_says(failure, "is not for ::1, but for a, b");
    bight_failure_release(failure);
    bight_testing_certificate_free(certificate);
    certificate = issue(root, (struct bight_testing_certificate_options) { .names = "" });
    failure = judge(certificate, "z.example", trusting(bight_testing_ca_pem(root)));
    assert_says(failure, "but for no name at all");
    bight_failure_release(failure);
    bight_testing_certificate_free(certificate);
}
END_TEST

START_TEST(a_client_that_verifies_must_say_whom_it_wants) /* L5, L6 */
{
    struct bight_failure *failure;
    struct bight_tls *client = client_trusting(bight_testing_ca_pem(root));
    static const char *const wrong[] = { NULL, "", "a b", "*.example", "a/b", "h\xc3\xbc.example", "[::1]" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_ptr_null(bi_tls_session_new(client, wrong[i], 443, &failure));
        ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_INVALID_ARGUMENT);
    }
    bight_tls_release(client);
}
END_TEST

START_TEST(the_name_is_sent_and_an_address_is_not) /* L6 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate *certificate = issue(root, (struct bight_testing_certificate_options) { 0 });
    struct bight_tls *server = server_of(certificate), *client = client_trusting(bight_testing_ca_pem(root));
    talk_tls(&talk, server, client, "localhost.");
    ck_assert_str_eq(SSL_get_servername(talk.server.ssl, TLSEXT_NAMETYPE_host_name), "localhost");
    end_talk(&talk);
    talk_tls(&talk, server, client, "127.0.0.1");
    assert_both_good(&talk);
    ck_assert_ptr_null(SSL_get_servername(talk.server.ssl, TLSEXT_NAMETYPE_host_name));
    end_talk(&talk);
    bight_testing_certificate_free(certificate);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- chains */

static void assert_unverified(
    const struct bight_testing_certificate *certificate, struct bight_tls_client_options options, const char *says)
{
    struct bight_failure *failure = judge(certificate, "localhost", options);
    ck_assert_ptr_nonnull(failure);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_NOT_VERIFIED);
    assert_says(failure, says);
    bight_failure_release(failure);
    bight_testing_certificate_free(certificate);
}

START_TEST(what_is_wrong_with_a_certificate_is_told_with_depth_and_subject) /* L6 */
{
    const struct bight_tls_client_options options = trusting(bight_testing_ca_pem(root));
    assert_unverified(issue(root, (struct bight_testing_certificate_options) { .begins = -9000, .ends = -60 }), options,
        "the peer's certificate was not verified: certificate has expired, at depth 0: CN = test");
    assert_unverified(issue(root, (struct bight_testing_certificate_options) { .begins = 9000, .ends = 9999 }), options,
        "certificate is not yet valid, at depth 0: CN = test (is the clock right?)");
    assert_unverified(issue(root, (struct bight_testing_certificate_options) { .usage = BIGHT_TESTING_CLIENT }),
        options, "(its extended key usage is for something else)");
    assert_unverified(issue(stranger, (struct bight_testing_certificate_options) { .subject = "a\nb" }), options,
        "unable to get local issuer certificate, at depth 0: CN = a\\\\0Ab (either its issuer is not trusted here, or "
        "the");
    assert_unverified(issue(NULL, (struct bight_testing_certificate_options) { 0 }), options,
        "self-signed certificate, at depth 0: CN = test (it signed itself: give the certificate as the one to trust)");
}
END_TEST

static void assert_believed(
    const struct bight_testing_certificate *certificate, struct bight_tls_client_options options)
{
    struct bight_failure *failure = judge(certificate, "localhost", options);
    ck_assert_msg(failure == NULL, "%s", failure == NULL ? "" : bight_failure_message(failure));
}

START_TEST(what_is_given_as_ca_is_trusted_as_it_stands) /* L6 */
{
    const struct bight_testing_certificate *of_intermediate =
        issue(intermediate, (struct bight_testing_certificate_options) { 0 });
    const struct bight_testing_certificate *self_signed = issue(NULL, (struct bight_testing_certificate_options) { 0 });
    assert_believed(of_intermediate, trusting(bight_testing_ca_pem(root)));
    assert_believed(of_intermediate, trusting(bight_testing_ca_pem(intermediate)));
    assert_believed(of_intermediate, trusting(of_intermediate->certificate));
    assert_believed(self_signed, trusting(self_signed->certificate));
    bight_testing_certificate_free(of_intermediate);
    bight_testing_certificate_free(self_signed);
}
END_TEST

START_TEST(a_directory_of_trusted_certificates_is_read_whole) /* L1 */
{
    const struct bight_testing_certificate *certificate = issue(root, (struct bight_testing_certificate_options) { 0 });
    const struct bight_tls_client_options options = { .ca_directory = tls_place };
    put_file("README", "nothing of note", 0644);
    ck_assert_int_eq(mkdir(in_place("folder"), 0700), 0);
    struct bight_failure *failure = refuse_client(options);
    assert_says(failure, "there is no file with a certificate that could be trusted in it");
    bight_failure_release(failure);
    put_file("strange.crt", bight_testing_ca_pem(stranger), 0644);
    put_file("root.pem", bight_testing_ca_pem(root), 0644);
    assert_believed(certificate, options);
    bight_testing_certificate_free(certificate);
}
END_TEST

START_TEST(what_the_system_trusts_is_read_once_and_shared) /* L1 */
{
    const struct bight_testing_certificate *certificate = issue(root, (struct bight_testing_certificate_options) { 0 });
    setenv("SSL_CERT_FILE", put_file("system.pem", bight_testing_ca_pem(root), 0644), 1);
    assert_believed(certificate, (struct bight_tls_client_options) { 0 });
    ck_assert_int_eq(unlink(in_place("system.pem")), 0);
    assert_believed(certificate, (struct bight_tls_client_options) { 0 });
    bight_testing_certificate_free(certificate);
}
END_TEST

START_TEST(what_the_system_trusts_and_cannot_be_read_is_an_error_and_read_again) /* L1 */
{
    setenv("SSL_CERT_FILE", in_place("system.pem"), 1);
    struct bight_failure *failure = refuse_client((struct bight_tls_client_options) { 0 });
    assert_says(failure, "list of trusted certificates cannot be read from");
    bight_failure_release(failure);
    put_file("system.pem", bight_testing_ca_pem(root), 0644);
    bight_tls_release(make_client((struct bight_tls_client_options) { 0 }));
}
END_TEST

/* --------------------------------------------------------------------------------------------- revoked */

START_TEST(a_client_refuses_a_revoked_certificate) /* L7 */
{
    const struct bight_testing_certificate *certificate = issue(root, (struct bight_testing_certificate_options) { 0 });
    struct bight_tls_client_options options = trusting(bight_testing_ca_pem(root));
    options.crl = pem_of(bight_testing_ca_crl(root));
    assert_believed(certificate, options);
    ck_assert_int_eq(bight_testing_ca_revoke(root, certificate), BIGHT_OK);
    options.crl = pem_of(bight_testing_ca_crl(root));
    assert_unverified(certificate, options, "certificate revoked, at depth 0: CN = test");
}
END_TEST

START_TEST(the_issuer_of_the_peers_certificate_must_have_a_list) /* L7 */
{
    struct bight_tls_client_options options = trusting(bight_testing_ca_pem(root));
    options.crl = pem_of(bight_testing_ca_crl(intermediate));
    const struct bight_testing_certificate *certificate =
        issue(intermediate, (struct bight_testing_certificate_options) { 0 });
    assert_believed(certificate, options);
    bight_testing_certificate_free(certificate);
    options.crl = pem_of(bight_testing_ca_crl(root));
    assert_unverified(issue(intermediate, (struct bight_testing_certificate_options) { 0 }), options,
        "unable to get certificate CRL, at depth 0: CN = test (there is no list of who was revoked by its issuer)");
}
END_TEST

START_TEST(a_file_without_lists_is_told) /* L7 */
{
    struct bight_tls_client_options options = trusting(bight_testing_ca_pem(root));
    options.crl = pem_of(bight_testing_ca_pem(root));
    struct bight_failure *failure = refuse_client(options);
    assert_says(failure, "there is no list of revoked certificates in it (it must be PEM, with BEGIN X509 CRL)");
    bight_failure_release(failure);
}
END_TEST

/* --------------------------------------------------------------------------------------------- clients */

struct meeting {
    const struct bight_testing_certificate *server, *client; /* NULL: the client has none */
    enum bight_tls_client_auth client_auth;
    const char *crl; /* NULL: none */
    enum bight_tls_version version;
};

/* A server that asks for certificates of the root's. */
static void meet(struct tls_talk *talk, const struct meeting *meeting)
{
    struct bight_tls_identity own = bight_testing_identity(meeting->server);
    struct bight_tls_server_options server_options = { .identities = &own,
        .identity_count = 1,
        .client_ca = pem_of(bight_testing_ca_pem(root)),
        .client_auth = meeting->client_auth };
    struct bight_tls_client_options client_options = trusting(bight_testing_ca_pem(root));
    if (meeting->crl != NULL) {
        server_options.crl = pem_of(meeting->crl);
    }
    if (meeting->client != NULL) {
        client_options.identity = bight_testing_identity(meeting->client);
    }
    client_options.max_version = meeting->version;
    struct bight_tls *server = make_server(server_options), *client = make_client(client_options);
    talk_tls(talk, server, client, "localhost");
    bight_tls_release(server);
    bight_tls_release(client);
}

START_TEST(a_server_that_asks_for_certificates_verifies_them) /* L7 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate *good = issue(root, (struct bight_testing_certificate_options) { 0 });
    const struct bight_testing_certificate *strange = issue(stranger, (struct bight_testing_certificate_options) { 0 });
    for (int version = BIGHT_TLS_1_2; version <= BIGHT_TLS_1_3; version++) {
        struct meeting meeting = { .server = good, .client = good, .version = (enum bight_tls_version)version };
        meet(&talk, &meeting);
        assert_both_good(&talk);
        ck_assert(bi_tls_is_verifying(talk.server.ssl));
        ck_assert_ptr_nonnull(SSL_get0_peer_certificate(talk.server.ssl));
        end_talk(&talk);
        meeting.client = strange;
        meet(&talk, &meeting);
        assert_says(talk.server.failure, "unable to get local issuer certificate, at depth 0: CN = test");
        assert_says(talk.client.failure, "unknown_ca (48): it does not trust who issued our certificate");
        end_talk(&talk);
        meeting.client_auth = BIGHT_TLS_CLIENT_AUTH_OPTIONAL;
        meet(&talk, &meeting);
        ck_assert_int_eq(bight_failure_code(talk.server.failure), BIGHT_E_NOT_VERIFIED);
        end_talk(&talk);
    }
    bight_testing_certificate_free(good);
    bight_testing_certificate_free(strange);
}
END_TEST

START_TEST(a_client_without_a_certificate_is_refused_unless_that_is_optional) /* L7 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate *good = issue(root, (struct bight_testing_certificate_options) { 0 });
    struct meeting meeting = { .server = good };
    meet(&talk, &meeting);
    assert_says(talk.server.failure, "peer did not return a certificate");
    assert_says(talk.client.failure, "certificate_required (116): it wants a certificate of ours");
    end_talk(&talk);
    meeting.client_auth = BIGHT_TLS_CLIENT_AUTH_OPTIONAL;
    meet(&talk, &meeting);
    assert_both_good(&talk);
    ck_assert_ptr_null(SSL_get0_peer_certificate(talk.server.ssl));
    end_talk(&talk);
    bight_testing_certificate_free(good);
}
END_TEST

START_TEST(a_server_refuses_a_clients_certificate_that_is_revoked_or_for_servers) /* L7 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate *good = issue(root, (struct bight_testing_certificate_options) { 0 });
    const struct bight_testing_certificate *revoked = issue(root, (struct bight_testing_certificate_options) { 0 });
    const struct bight_testing_certificate *of_server =
        issue(root, (struct bight_testing_certificate_options) { .usage = BIGHT_TESTING_SERVER });
    ck_assert_int_eq(bight_testing_ca_revoke(root, revoked), BIGHT_OK);
    struct meeting meeting = { .server = good, .client = good, .crl = bight_testing_ca_crl(root) };
    meet(&talk, &meeting);
    assert_both_good(&talk);
    end_talk(&talk);
    meeting.client = revoked;
    meet(&talk, &meeting);
    assert_says(talk.server.failure, "certificate revoked");
    assert_says(talk.client.failure, "certificate_revoked (44)");
    end_talk(&talk);
    meeting.client = of_server;
    meet(&talk, &meeting);
    assert_says(talk.server.failure, "(its extended key usage is for something else)");
    end_talk(&talk);
    bight_testing_certificate_free(good);
    bight_testing_certificate_free(revoked);
    bight_testing_certificate_free(of_server);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, names_are_compared_as_rfc_9525_says);
    tcase_add_test(tests, a_wrong_name_is_told_with_at_most_eight_of_those_that_are_there);
    tcase_add_test(tests, a_client_that_verifies_must_say_whom_it_wants);
    tcase_add_test(tests, the_name_is_sent_and_an_address_is_not);
    tcase_add_test(tests, what_is_wrong_with_a_certificate_is_told_with_depth_and_subject);
    tcase_add_test(tests, what_is_given_as_ca_is_trusted_as_it_stands);
    tcase_add_test(tests, a_directory_of_trusted_certificates_is_read_whole);
    tcase_add_test(tests, what_the_system_trusts_is_read_once_and_shared);
    tcase_add_test(tests, what_the_system_trusts_and_cannot_be_read_is_an_error_and_read_again);
    tcase_add_test(tests, a_client_refuses_a_revoked_certificate);
    tcase_add_test(tests, the_issuer_of_the_peers_certificate_must_have_a_list);
    tcase_add_test(tests, a_file_without_lists_is_told);
    tcase_add_test(tests, a_server_that_asks_for_certificates_verifies_them);
    tcase_add_test(tests, a_client_without_a_certificate_is_refused_unless_that_is_optional);
    tcase_add_test(tests, a_server_refuses_a_clients_certificate_that_is_revoked_or_for_servers);
}

BIGHT_TEST_MAIN("tls_verify", add_tests)
