/* SPDX-License-Identifier: MIT */
/* test_tls_resume.c - sessions that are resumed: the server's tickets and their secrets, and what a client keeps. */
#include "tls_support.h"

#include "tls/clock.h"
#include "tls/tickets.h"

static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *good;
static int64_t present;

static int64_t tell_time(void)
{
    return present;
}

static void pass_hours(int64_t hours)
{
    present += hours * 3600;
}

static uint64_t present_hour(void)
{
    return (uint64_t)present / 3600;
}

static void set_up(void)
{
    make_place();
    tls_logged[0] = '\0';
    bight_log_set_observer(keep_tls_log, NULL);
    present = (int64_t)time(NULL);
    bi_tls_clock = tell_time;
    ca = bight_testing_ca_new("Testing Root", NULL);
    good = bight_testing_certificate_new(ca, NULL);
}

static void tear_down(void)
{
    bight_testing_certificate_free(good);
    bight_testing_ca_free(ca);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

static struct bight_tls_client_options trusting(void)
{
    return (struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)) };
}

/* One connection; whether it was resumed. It must be good. */
static bool resumes(struct bight_tls *server, struct bight_tls *client, const char *name)
{
    struct tls_talk talk;
    talk_tls(&talk, server, client, name);
    assert_both_good(&talk);
    bool is = SSL_session_reused(talk.client.ssl) == 1;
    ck_assert_int_eq(SSL_session_reused(talk.server.ssl) == 1, is);
    end_talk(&talk);
    return is;
}

/* ------------------------------------------------------------------------------------------ what is kept */

START_TEST(each_connection_resumes_the_session_of_the_one_before) /* L6, L12 */
{
    for (int version = BIGHT_TLS_1_2; version <= BIGHT_TLS_1_3; version++) {
        struct bight_tls_client_options options = trusting();
        options.max_version = (enum bight_tls_version)version;
        struct bight_tls *server = server_of(good), *client = make_client(options);
        ck_assert(!resumes(server, client, "localhost"));
        for (int i = 0; i < 6; i++) { /* more than the tickets that come at first */
            ck_assert(resumes(server, client, "localhost"));
        }
        bight_tls_release(server);
        bight_tls_release(client);
    }
}
END_TEST

START_TEST(a_session_is_kept_for_its_name_and_context_alone) /* L6 */
{
    struct bight_tls *server = server_of(good), *client = make_client(trusting()), *other = make_client(trusting());
    ck_assert(!resumes(server, client, "localhost"));
    ck_assert(!resumes(server, client, "127.0.0.1"));
    ck_assert(!resumes(server, other, "localhost"));
    ck_assert(resumes(server, client, "127.0.0.1"));
    bight_tls_release(server);
    bight_tls_release(client);
    bight_tls_release(other);
}
END_TEST

START_TEST(a_session_is_kept_for_its_port_alone) /* L6 */
{
    struct tls_talk talk;
    struct bight_failure *failure;
    struct bight_tls *server = server_of(good), *client = make_client(trusting());
    ck_assert(!resumes(server, client, "localhost"));
    begin_talk(&talk, server, client, "localhost");
    SSL *of_other_port = bi_tls_session_new(client, "localhost", 8443, &failure);
    ck_assert_ptr_null(SSL_get0_session(of_other_port));
    SSL_free(of_other_port);
    ck_assert_ptr_nonnull(SSL_get0_session(talk.client.ssl));
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_session_of_tls_1_3_is_offered_once) /* L6 */
{
    struct bight_failure *failure;
    struct bight_tls *server = server_of(good), *client = make_client(trusting());
    ck_assert(!resumes(server, client, "localhost")); /* two tickets came */
    SSL *sessions[3];
    for (int i = 0; i < 3; i++) {
        sessions[i] = bi_tls_session_new(client, "localhost", 443, &failure);
    }
    ck_assert_ptr_nonnull(SSL_get0_session(sessions[0]));
    ck_assert_ptr_nonnull(SSL_get0_session(sessions[1]));
    ck_assert_ptr_ne(SSL_get0_session(sessions[0]), SSL_get0_session(sessions[1]));
    ck_assert_ptr_null(SSL_get0_session(sessions[2]));
    for (int i = 0; i < 3; i++) {
        SSL_free(sessions[i]);
    }
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_client_that_does_not_verify_keeps_nothing) /* L6 */
{
    struct bight_tls *server = server_of(good);
    struct bight_tls *client = make_client((struct bight_tls_client_options) { .without_verification = true });
    ck_assert(!resumes(server, client, "localhost"));
    ck_assert(!resumes(server, client, "localhost"));
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_session_made_without_verification_is_refused_under_verification) /* L6 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate *self_signed = bight_testing_certificate_new(NULL, NULL);
    struct bight_tls *server = server_of(self_signed), *verifying = make_client(trusting());
    struct bight_tls *blind = make_client((struct bight_tls_client_options) { .without_verification = true });
    talk_tls(&talk, server, blind, "localhost");
    assert_both_good(&talk);
    SSL_SESSION *session = SSL_SESSION_dup(SSL_get0_session(talk.client.ssl));
    end_talk(&talk);
    begin_talk(&talk, server, verifying, "localhost");
    ck_assert_int_eq(SSL_set_session(talk.client.ssl, session), 1); /* as if it had been kept */
    go_on_talking(&talk);
    ck_assert_int_eq(bight_failure_code(talk.client.failure), BIGHT_E_NOT_VERIFIED);
    end_talk(&talk);
    SSL_SESSION_free(session);
    bight_testing_certificate_free(self_signed);
    bight_tls_release(server);
    bight_tls_release(verifying);
    bight_tls_release(blind);
}
END_TEST

START_TEST(the_name_is_looked_at_again_when_a_session_is_resumed) /* L6 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good), *client = make_client(trusting());
    talk_tls(&talk, server, client, "localhost");
    SSL_SESSION *session = SSL_SESSION_dup(SSL_get0_session(talk.client.ssl));
    end_talk(&talk);
    begin_talk(&talk, server, client, "other.example");
    ck_assert_int_eq(SSL_set_session(talk.client.ssl, session), 1);
    go_on_talking(&talk);
    ck_assert_int_eq(SSL_session_reused(talk.client.ssl), 1);
    ck_assert_int_eq(bight_failure_code(talk.client.failure), BIGHT_E_WRONG_NAME);
    end_talk(&talk);
    SSL_SESSION_free(session);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(resumption_is_off_by_option_on_either_side) /* L12 */
{
    struct bight_tls_identity identity = bight_testing_identity(good);
    struct bight_tls *plain = server_of(good), *keeping = make_client(trusting());
    struct bight_tls *without_tickets = make_server(
        (struct bight_tls_server_options) { .identities = &identity, .identity_count = 1, .without_tickets = true });
    for (int version = BIGHT_TLS_1_2; version <= BIGHT_TLS_1_3; version++) {
        struct bight_tls_client_options options = trusting();
        options.max_version = (enum bight_tls_version)version;
        struct bight_tls *client = make_client(options);
        ck_assert(!resumes(without_tickets, client, "localhost"));
        ck_assert(!resumes(without_tickets, client, "localhost"));
        bight_tls_release(client);
    }
    struct bight_tls_client_options options = trusting();
    options.without_resumption = true;
    struct bight_tls *forgetting = make_client(options);
    ck_assert(!resumes(plain, forgetting, "localhost"));
    ck_assert(!resumes(plain, forgetting, "localhost"));
    bight_tls_release(plain);
    bight_tls_release(keeping);
    bight_tls_release(without_tickets);
    bight_tls_release(forgetting);
}
END_TEST

START_TEST(no_session_is_offered_once_its_time_or_its_chains_is_over) /* L6 */
{
    static const struct {
        double ends;
        int64_t later;
        bool is_resumed;
    } cases[] = { { 9000, 7100, true }, { 9000, 7300, false }, { 600, 500, true }, { 600, 700, false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bight_failure *failure;
        struct bight_testing_certificate_options options = {
            .size = sizeof options, .begins = -60, .ends = cases[i].ends
        };
        const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &options);
        struct bight_tls *server = server_of(certificate), *client = make_client(trusting());
        ck_assert(!resumes(server, client, "localhost"));
        ck_assert(
            resumes(server, client, "localhost")); /* and what results from a resumed one ends with the same chain */
        present += cases[i].later;
        SSL *session = bi_tls_session_new(client, "localhost", 443, &failure);
        ck_assert_int_eq(SSL_get0_session(session) != NULL, cases[i].is_resumed);
        present -= cases[i].later;
        SSL_free(session);
        bight_testing_certificate_free(certificate);
        bight_tls_release(server);
        bight_tls_release(client);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------- tickets */

/* The session that a client has after a connection to `server`, for others to offer. */
static SSL_SESSION *session_of(struct bight_tls *server, struct bight_tls_client_options options)
{
    struct tls_talk talk;
    struct bight_tls *client = make_client(options);
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    SSL_SESSION *session = SSL_SESSION_dup(SSL_get0_session(talk.client.ssl));
    end_talk(&talk);
    bight_tls_release(client);
    return session;
}

/* Offers it to `server`; whether that took it. */
static bool is_taken(struct bight_tls *server, struct bight_tls_client_options options, SSL_SESSION *session)
{
    struct tls_talk talk;
    struct bight_tls *client = make_client(options);
    begin_talk(&talk, server, client, "localhost");
    ck_assert_int_eq(SSL_set_session(talk.client.ssl, session), 1);
    go_on_talking(&talk);
    assert_both_good(&talk);
    bool is = SSL_session_reused(talk.server.ssl) == 1;
    end_talk(&talk);
    bight_tls_release(client);
    return is;
}

static void fill_secret(uint8_t *secret, int seed)
{
    memset(secret, seed, BIGHT_TLS_TICKET_SECRET_SIZE);
}

START_TEST(a_ticket_is_accepted_for_a_day_and_no_longer) /* L12 */
{
    struct bight_tls *server = server_of(good);
    SSL_SESSION *session = session_of(server, trusting());
    pass_hours(23);
    ck_assert(is_taken(server, trusting(), session));
    pass_hours(1);
    ck_assert(!is_taken(server, trusting(), session));
    SSL_SESSION_free(session);
    bight_tls_release(server);
}
END_TEST

START_TEST(secrets_are_wiped_after_a_day) /* L12 */
{
    uint8_t secret[BIGHT_TLS_TICKET_SECRET_SIZE];
    struct bi_tls_tickets *tickets = bi_tls_tickets_new();
    const uint64_t hour = 500000;
    for (uint64_t i = 0; i < 100; i++) {
        fill_secret(secret, (int)i);
        ck_assert_int_eq(bi_tls_tickets_add(tickets, hour + i, hour + i + 1, secret), BIGHT_OK);
        ck_assert_uint_le(bi_tls_tickets_count(tickets, hour + i), 25);
    }
    ck_assert_uint_eq(bi_tls_tickets_count(tickets, hour + 99), 25);
    ck_assert_uint_eq(bi_tls_tickets_count(tickets, hour + 123), 1);
    ck_assert_uint_eq(bi_tls_tickets_count(tickets, hour + 124), 0);
    ck_assert_int_eq(bi_tls_tickets_add(tickets, hour, hour - 24, secret), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bi_tls_tickets_add(tickets, hour, hour + 3, secret), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bi_tls_tickets_add(tickets, hour, UINT64_MAX, secret), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bi_tls_tickets_add(tickets, hour, 0, secret), BIGHT_E_INVALID_ARGUMENT);
    bi_tls_tickets_release(tickets);
}
END_TEST

START_TEST(servers_with_the_same_secrets_accept_each_others_tickets_even_an_hour_early) /* L12 */
{
    uint8_t now[BIGHT_TLS_TICKET_SECRET_SIZE], next[BIGHT_TLS_TICKET_SECRET_SIZE];
    struct bight_tls *early = server_of(good), *late = server_of(good), *stranger = server_of(good);
    fill_secret(now, 1);
    fill_secret(next, 2);
    ck_assert_int_eq(bight_tls_add_ticket_secret(early, present_hour(), now), BIGHT_OK);
    ck_assert_int_eq(bight_tls_add_ticket_secret(late, present_hour(), now), BIGHT_OK);
    ck_assert_int_eq(
        bight_tls_add_ticket_secret(late, present_hour() + 1, next), BIGHT_OK); /* not used before its hour */
    SSL_SESSION *session = session_of(late, trusting());
    ck_assert(is_taken(early, trusting(), session));
    ck_assert(!is_taken(stranger, trusting(), session));
    SSL_SESSION_free(session);
    ck_assert_int_eq(bight_tls_add_ticket_secret(early, present_hour() + 1, next), BIGHT_OK);
    pass_hours(1);
    session = session_of(early, trusting());
    pass_hours(-1); /* as if its clock were behind */
    ck_assert(is_taken(late, trusting(), session));
    SSL_SESSION_free(session);
    bight_tls_release(early);
    bight_tls_release(late);
    bight_tls_release(stranger);
}
END_TEST

/* Servers that share their secret, so that nothing but what they ask for keeps their tickets apart. */
static struct bight_tls *sharing_server(const struct bight_testing_certificate *certificate, const char *client_ca,
    enum bight_tls_client_auth client_auth, const char *crl)
{
    uint8_t secret[BIGHT_TLS_TICKET_SECRET_SIZE];
    struct bight_tls_identity identity = bight_testing_identity(certificate);
    struct bight_tls_server_options options = {
        .identities = &identity, .identity_count = 1, .client_auth = client_auth
    };
    options.client_ca = client_ca == NULL ? options.client_ca : pem_of(client_ca);
    options.crl = crl == NULL ? options.crl : pem_of(crl);
    struct bight_tls *server = make_server(options);
    fill_secret(secret, 7);
    ck_assert_int_eq(bight_tls_add_ticket_secret(server, present_hour(), secret), BIGHT_OK);
    return server;
}

static void assert_not_taken(struct bight_tls *server, SSL_SESSION *session, struct bight_tls_client_options options)
{
    ck_assert(!is_taken(server, options, session));
    bight_tls_release(server);
}

START_TEST(a_ticket_does_not_cross_names_nor_what_clients_are_asked_for) /* L12 */
{
    const struct bight_testing_certificate_options more = { .size = sizeof more, .names = "localhost,a.example" };
    const struct bight_testing_certificate *other = bight_testing_certificate_new(ca, &more);
    const struct bight_testing_certificate *renewed = bight_testing_certificate_new(ca, NULL);
    struct bight_testing_ca *second = bight_testing_ca_new("Second Root", NULL);
    char both[8192];
    const char *pem = bight_testing_ca_pem(ca);
    snprintf(both, sizeof both, "%s%s", pem, bight_testing_ca_pem(second));
    const enum bight_tls_client_auth required = BIGHT_TLS_CLIENT_AUTH_REQUIRED,
                                     optional = BIGHT_TLS_CLIENT_AUTH_OPTIONAL;
    struct bight_tls_client_options options = trusting();
    options.identity = bight_testing_identity(good);
    for (int version = BIGHT_TLS_1_2; version <= BIGHT_TLS_1_3; version++) {
        options.max_version = (enum bight_tls_version)version;
        struct bight_tls *server = sharing_server(good, pem, required, NULL);
        SSL_SESSION *session = session_of(server, options);
        bight_tls_release(server);
        server = sharing_server(renewed, pem, required, NULL);
        ck_assert(is_taken(server, options, session)); /* for the same names */
        bight_tls_release(server);
        assert_not_taken(sharing_server(other, pem, required, NULL), session, options);
        assert_not_taken(sharing_server(good, both, required, NULL), session, options);
        assert_not_taken(sharing_server(good, pem, optional, NULL), session, options);
        assert_not_taken(sharing_server(good, pem, required, bight_testing_ca_crl(ca)), session, options);
        assert_not_taken(sharing_server(good, NULL, required, NULL), session, options);
        SSL_SESSION_free(session);
    }
    bight_testing_ca_free(second);
    bight_testing_certificate_free(other);
    bight_testing_certificate_free(renewed);
}
END_TEST

static struct bight_deferred *choose_by_name(
    const struct bight_tls_hello *hello, struct bight_tls **chosen, void *context)
{
    struct bight_tls **servers = context;
    const char *name = bight_tls_hello_name(hello);
    *chosen = bight_tls_hold(name != NULL && strcmp(name, "localhost") == 0 ? servers[0] : servers[1]);
    return NULL;
}

START_TEST(a_ticket_of_a_name_is_not_good_at_another_that_asks_clients_for_more) /* L12 */
{
    const struct bight_testing_certificate_options inner = { .size = sizeof inner, .names = "localhost,inner.example" };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &inner);
    struct bight_tls *servers[] = { sharing_server(certificate, NULL, BIGHT_TLS_CLIENT_AUTH_REQUIRED, NULL),
        sharing_server(certificate, bight_testing_ca_pem(ca), BIGHT_TLS_CLIENT_AUTH_REQUIRED, NULL) };
    struct bight_tls *front =
        make_server((struct bight_tls_server_options) { .choose = choose_by_name, .choose_context = servers });
    struct tls_talk talk;
    struct bight_tls *client = make_client(trusting());
    SSL_SESSION *session = session_of(front, trusting());
    begin_talk(&talk, front, client, "inner.example");
    ck_assert_int_eq(SSL_set_session(talk.client.ssl, session), 1);
    go_on_talking(&talk);
    assert_says(talk.server.failure, "peer did not return a certificate");
    end_talk(&talk);
    ck_assert(is_taken(front, trusting(), session));
    SSL_SESSION_free(session);
    bight_testing_certificate_free(certificate);
    bight_tls_release(servers[0]);
    bight_tls_release(servers[1]);
    bight_tls_release(front);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_resumed_session_still_has_the_clients_certificate) /* L7, L12 */
{
    struct tls_talk talk;
    struct bight_tls_client_options options = trusting();
    options.identity = bight_testing_identity(good);
    struct bight_tls *server = sharing_server(good, bight_testing_ca_pem(ca), BIGHT_TLS_CLIENT_AUTH_REQUIRED, NULL);
    struct bight_tls *client = make_client(options);
    ck_assert(!resumes(server, client, "localhost"));
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    ck_assert_int_eq(SSL_session_reused(talk.server.ssl), 1);
    ck_assert_ptr_nonnull(SSL_get0_peer_certificate(talk.server.ssl));
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_client_whose_certificate_has_expired_does_not_resume) /* L12 */
{
    const struct bight_testing_certificate_options soon = { .size = sizeof soon, .begins = -60, .ends = 1000 };
    const struct bight_testing_certificate *of_client = bight_testing_certificate_new(ca, &soon);
    struct bight_tls_client_options options = trusting();
    options.identity = bight_testing_identity(of_client);
    for (int version = BIGHT_TLS_1_2; version <= BIGHT_TLS_1_3; version++) {
        options.max_version = (enum bight_tls_version)version;
        struct bight_tls *server = sharing_server(good, bight_testing_ca_pem(ca), BIGHT_TLS_CLIENT_AUTH_REQUIRED, NULL);
        SSL_SESSION *session = session_of(server, options);
        present += 900;
        ck_assert(is_taken(server, options, session));
        present += 200; /* for us; OpenSSL believes it in the full handshake */
        ck_assert(!is_taken(server, options, session));
        present -= 1100;
        SSL_SESSION_free(session);
        bight_tls_release(server);
    }
    bight_testing_certificate_free(of_client);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_connection_resumes_the_session_of_the_one_before);
    tcase_add_test(tests, a_session_is_kept_for_its_name_and_context_alone);
    tcase_add_test(tests, a_session_is_kept_for_its_port_alone);
    tcase_add_test(tests, a_session_of_tls_1_3_is_offered_once);
    tcase_add_test(tests, a_client_that_does_not_verify_keeps_nothing);
    tcase_add_test(tests, a_session_made_without_verification_is_refused_under_verification);
    tcase_add_test(tests, the_name_is_looked_at_again_when_a_session_is_resumed);
    tcase_add_test(tests, resumption_is_off_by_option_on_either_side);
    tcase_add_test(tests, no_session_is_offered_once_its_time_or_its_chains_is_over);
    tcase_add_test(tests, a_ticket_is_accepted_for_a_day_and_no_longer);
    tcase_add_test(tests, secrets_are_wiped_after_a_day);
    tcase_add_test(tests, servers_with_the_same_secrets_accept_each_others_tickets_even_an_hour_early);
    tcase_add_test(tests, a_ticket_does_not_cross_names_nor_what_clients_are_asked_for);
    tcase_add_test(tests, a_ticket_of_a_name_is_not_good_at_another_that_asks_clients_for_more);
    tcase_add_test(tests, a_client_whose_certificate_has_expired_does_not_resume);
    tcase_add_test(tests, a_resumed_session_still_has_the_clients_certificate);
}

BIGHT_TEST_MAIN("tls_resume", add_tests)
