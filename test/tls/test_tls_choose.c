/* SPDX-License-Identifier: MIT */
/* test_tls_choose.c - what is decided by what a client says first: the protocol (ALPN), the certificate, the context.
 */
#include "tls_support.h"

static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *everybodys;

static void set_up(void)
{
    make_place();
    tls_logged[0] = '\0';
    bight_log_set_observer(keep_tls_log, NULL);
    ca = bight_testing_ca_new("Testing Root", NULL);
    everybodys = bight_testing_certificate_new(ca, NULL);
}

static void tear_down(void)
{
    bight_testing_certificate_free(everybodys);
    bight_testing_ca_free(ca);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

static struct bight_tls_client_options trusting(void)
{
    return (struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)) };
}

/* ------------------------------------------------------------------------------------------------ ALPN */

/* What both have agreed on: "" nothing, "!" an alert. */
static const char *agree(const char *of_server, const char *of_client)
{
    static char agreed[64];
    struct tls_talk talk;
    struct bight_tls_identity identity = bight_testing_identity(everybodys);
    struct bight_tls_client_options options = trusting();
    options.alpn = of_client;
    struct bight_tls *server = make_server(
        (struct bight_tls_server_options) { .identities = &identity, .identity_count = 1, .alpn = of_server });
    struct bight_tls *client = make_client(options);
    talk_tls(&talk, server, client, "localhost");
    const unsigned char *name = NULL;
    unsigned size = 0;
    SSL_get0_alpn_selected(talk.server.ssl, &name, &size);
    snprintf(agreed, sizeof agreed, "%.*s", (int)size, (const char *)name);
    if (!both_are_good(&talk)) {
        assert_says(talk.client.failure, "no_application_protocol (120)");
        snprintf(agreed, sizeof agreed, "!");
    }
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
    return agreed;
}

START_TEST(the_servers_order_decides_which_protocol_is_spoken) /* L8 */
{
    ck_assert_str_eq(agree("h2,http/1.1", "http/1.1,h2"), "h2");
    ck_assert_str_eq(agree("h2,http/1.1", "x,http/1.1"), "http/1.1");
    ck_assert_str_eq(agree("h2,http/1.1", "h"), "!");
    ck_assert_str_eq(agree("h2", NULL), "");
    ck_assert_str_eq(agree(NULL, "h2"), "");
}
END_TEST

START_TEST(a_list_of_protocols_has_limits) /* L8 */
{
    char long_name[300], long_list[1200];
    memset(long_name, 'x', sizeof long_name);
    long_name[256] = '\0';
    memset(long_list, 'x', sizeof long_list);
    for (size_t i = 100; i < sizeof long_list; i += 100) {
        long_list[i] = ',';
    }
    long_list[1150] = '\0';
    const char *const lists[] = { "", ",", "a,", ",a", long_name, long_list };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        struct bight_tls_client_options options = trusting();
        options.alpn = lists[i];
        struct bight_failure *failure = refuse_client(options);
        ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_BAD_VALUE);
        assert_says(failure, "is no list of protocols for ALPN, such as \"h2,http/1.1\"");
        bight_failure_release(failure);
    }
    long_name[255] = '\0';
    ck_assert_str_eq(agree(long_name, "x"), "!");
}
END_TEST

static int choose_what_was_not_offered(SSL *ssl, const unsigned char **chosen, unsigned char *size,
    const unsigned char *offered, unsigned offered_size, void *context)
{
    (void)ssl, (void)offered, (void)offered_size, (void)context;
    *chosen = (const unsigned char *)"smtp";
    *size = 4;
    return SSL_TLSEXT_ERR_OK;
}

START_TEST(a_server_that_chooses_what_was_not_offered_is_refused) /* L8 */
{
    struct tls_talk talk;
    struct bight_tls_client_options options = trusting();
    options.alpn = "h2";
    struct bight_tls *server = server_of(everybodys), *client = make_client(options);
    begin_talk(&talk, server, client, "localhost");
    SSL_CTX_set_alpn_select_cb(SSL_get_SSL_CTX(talk.server.ssl), choose_what_was_not_offered, NULL);
    go_on_talking(&talk);
    assert_says(talk.client.failure, "bad extension");
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

/* --------------------------------------------------------------------------------------- the directory */

static void put_certificate(const char *name, const char *names, double ends)
{
    const struct bight_testing_certificate_options options = {
        .size = sizeof options, .names = names, .subject = name, .begins = -60, .ends = ends
    };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &options);
    put_file(name, certificate->all, 0600);
    bight_testing_certificate_free(certificate);
}

/* The subject of the certificate that a client gets who wants `name`, unverified; "!": it is refused. */
static const char *served(struct bight_tls *server, const char *name)
{
    static char subject[256];
    struct tls_talk talk;
    struct bight_tls *client = make_client((struct bight_tls_client_options) { .without_verification = true });
    talk_tls(&talk, server, client, name);
    snprintf(subject, sizeof subject, "!");
    if (both_are_good(&talk)) {
        X509_NAME *of_peer = X509_get_subject_name(SSL_get0_peer_certificate(talk.client.ssl));
        X509_NAME_get_text_by_NID(of_peer, NID_commonName, subject, sizeof subject);
    } else {
        assert_says(talk.client.failure, "unrecognized_name (112): it has no certificate for the name");
    }
    end_talk(&talk);
    bight_tls_release(client);
    return subject;
}

static struct bight_tls *serve_directory(bool refuses_unknown_names, bool has_default)
{
    struct bight_tls_identity identity = bight_testing_identity(everybodys);
    return make_server((struct bight_tls_server_options) { .identities = &identity,
        .identity_count = has_default ? 1 : 0,
        .directory = tls_place,
        .refuses_unknown_names = refuses_unknown_names });
}

START_TEST(the_names_in_the_certificates_of_a_directory_decide) /* L8 */
{
    put_certificate("a.pem", "a.example,alias.example", 9000);
    put_certificate("wild.pem", "*.example,*.deep.example", 9000);
    put_file("README", "not a certificate", 0644);
    ck_assert_int_eq(mkdir(in_place("b.example"), 0700), 0);
    const struct bight_testing_certificate_options options = {
        .size = sizeof options, .names = "b.example", .subject = "certbot"
    };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &options);
    put_file("b.example/fullchain.pem", certificate->certificate, 0644);
    put_file("b.example/privkey.pem", certificate->key, 0600);
    bight_testing_certificate_free(certificate);
    struct bight_tls *server = serve_directory(false, true);
    static const char *const cases[][2] = {
        { "a.example", "a.pem" },
        { "A.Example", "a.pem" },
        { "alias.example", "a.pem" },
        { "b.example", "certbot" },
        { "c.example", "wild.pem" },
        { "x.deep.example", "wild.pem" },
        { "x.y.deep.example", "test" },
        { "example", "test" },
        { "localhost", "test" },
        { "127.0.0.1", "test" },
        { NULL, "test" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_str_eq(served(server, cases[i][0]), cases[i][1]);
    }
    ck_assert_str_eq(tls_logged[0] == '\0' ? "" : strstr(tls_logged, "both") == NULL ? "" : tls_logged, "");
    bight_tls_release(server);
}
END_TEST

START_TEST(a_strict_server_refuses_names_that_it_does_not_know) /* L8 */
{
    put_certificate("a.pem", "a.example", 9000);
    struct bight_tls *server = serve_directory(true, true);
    ck_assert_str_eq(served(server, "a.example"), "a.pem");
    ck_assert_str_eq(served(server, "localhost"), "test");
    ck_assert_str_eq(served(server, "b.example"), "!");
    ck_assert_str_eq(served(server, NULL), "!");
    bight_tls_release(server);
    server = serve_directory(true, false);
    ck_assert_str_eq(served(server, "a.example"), "a.pem");
    ck_assert_str_eq(served(server, "localhost"), "!");
    bight_tls_release(server);
}
END_TEST

START_TEST(of_two_certificates_for_a_name_the_one_that_ends_last_is_served) /* L8 */
{
    put_certificate("a.pem", "a.example", 9000);
    put_certificate("b.pem", "a.example,b.example", 20000);
    put_certificate("c.pem", "a.example", 10000);
    struct bight_tls *server = serve_directory(false, true);
    ck_assert_str_eq(served(server, "a.example"), "b.pem");
    ck_assert_str_eq(served(server, "b.example"), "b.pem");
    ck_assert(was_logged("are both certificates for a.example"));
    ck_assert(!was_logged("for b.example"));
    bight_tls_release(server);
}
END_TEST

static void assert_directory_refused(const char *says)
{
    struct bight_tls_identity identity = bight_testing_identity(everybodys);
    struct bight_failure *failure = refuse_server(
        (struct bight_tls_server_options) { .identities = &identity, .identity_count = 1, .directory = tls_place });
    assert_says(failure, says);
    bight_failure_release(failure);
}

START_TEST(what_others_may_write_is_refused) /* L8 */
{
    put_certificate("a.pem", "a.example", 9000);
    ck_assert_int_eq(chmod(in_place("a.pem"), 0606), 0);
    assert_directory_refused("a.pem: everybody may write to the file of the key");
    ck_assert_int_eq(chmod(in_place("a.pem"), 0600), 0);
    ck_assert_int_eq(chmod(tls_place, 0707), 0);
    assert_directory_refused("everybody may write to this directory (chmod o-w helps)");
    ck_assert_int_eq(chmod(tls_place, 0700), 0);
    ck_assert_int_eq(mkdir(in_place("b.example"), 0700), 0);
    put_file("b.example/fullchain.pem", everybodys->certificate, 0644);
    put_file("b.example/privkey.pem", everybodys->key, 0600);
    bight_tls_release(serve_directory(false, true));
    ck_assert_int_eq(chmod(in_place("b.example"), 0707), 0);
    assert_directory_refused("b.example: everybody may write to this directory (chmod o-w helps)");
}
END_TEST

START_TEST(a_link_in_a_directory_is_followed_and_a_broken_one_told) /* L8 */
{
    put_certificate("real", "a.example", 9000);
    ck_assert_int_eq(symlink("real", in_place("a.pem")), 0);
    struct bight_tls *server = serve_directory(true, false);
    ck_assert_str_eq(served(server, "a.example"), "real");
    bight_tls_release(server);
    ck_assert_int_eq(symlink("nowhere", in_place("b.pem")), 0);
    assert_directory_refused("b.pem: reading it: No such file");
}
END_TEST

/* ---------------------------------------------------------------------------------- a program's choice */

struct chooser {
    struct bight_tls *now;
    struct bight_deferred *later;
    unsigned asked;
    char heard[256];
};

static struct bight_deferred *choose(const struct bight_tls_hello *hello, struct bight_tls **chosen, void *context)
{
    struct chooser *chooser = context;
    const char *name = bight_tls_hello_name(hello), *protocol;
    chooser->asked++;
    snprintf(chooser->heard, sizeof chooser->heard, "%s", name == NULL ? "nobody" : name);
    for (size_t i = 0; (protocol = bight_tls_hello_protocol(hello, i)) != NULL; i++) {
        size_t used = strlen(chooser->heard);
        snprintf(chooser->heard + used, sizeof chooser->heard - used, " %s", protocol);
    }
    *chosen = chooser->now == NULL ? NULL : bight_tls_hold(chooser->now);
    struct bight_deferred *later = chooser->later;
    chooser->later = NULL;
    return later;
}

static struct bight_tls *server_with(struct chooser *chooser, bool has_default)
{
    struct bight_tls_identity identity = bight_testing_identity(everybodys);
    return make_server((struct bight_tls_server_options) {
        .identities = &identity, .identity_count = has_default ? 1 : 0, .choose = choose, .choose_context = chooser });
}

static struct bight_tls *server_called(const char *subject)
{
    const struct bight_testing_certificate_options options = { .size = sizeof options, .subject = subject };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &options);
    struct bight_tls *server = server_of(certificate);
    bight_testing_certificate_free(certificate);
    return server;
}

START_TEST(a_program_chooses_by_name_and_protocols) /* L8 */
{
    struct tls_talk talk;
    struct chooser chooser = { .now = server_called("chosen") };
    struct bight_tls_client_options options = trusting();
    options.alpn = "acme-tls/1,x";
    struct bight_tls *server = server_with(&chooser, false), *client = make_client(options);
    talk_tls(&talk, server, client, "LOCALhost");
    assert_both_good(&talk);
    ck_assert_str_eq(chooser.heard, "localhost acme-tls/1 x");
    end_talk(&talk);
    ck_assert_str_eq(served(server, NULL), "chosen");
    ck_assert_str_eq(chooser.heard, "nobody");
    bight_tls_release(chooser.now);
    chooser.now = NULL;
    ck_assert_str_eq(served(server, NULL), "!");
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_program_may_leave_the_choice_to_the_context) /* L8 */
{
    struct chooser chooser = { .now = NULL };
    struct bight_tls *server = server_with(&chooser, true);
    ck_assert_str_eq(served(server, "a.example"), "test");
    ck_assert_uint_eq(chooser.asked, 1);
    bight_tls_release(server);
}
END_TEST

static void note_resumed(void *context)
{
    ++*(int *)context;
}

/* Until the server waits for the choice. */
static void begin_waiting(struct tls_talk *talk, struct bight_tls *server, struct bight_tls *client, int *resumed)
{
    begin_talk(talk, server, client, "localhost");
    step_end(&talk->client);
    int result = SSL_do_handshake(talk->server.ssl);
    ck_assert_int_eq(SSL_get_error(talk->server.ssl, result), SSL_ERROR_WANT_CLIENT_HELLO_CB);
    bi_tls_when_chosen(talk->server.ssl, note_resumed, resumed);
    result = SSL_do_handshake(talk->server.ssl);
    ck_assert_int_eq(SSL_get_error(talk->server.ssl, result), SSL_ERROR_WANT_CLIENT_HELLO_CB);
    ck_assert_int_eq(*resumed, 0);
}

START_TEST(a_program_may_choose_later) /* L8 */
{
    struct tls_talk talk;
    struct bight_promise promise;
    int resumed = 0;
    struct chooser chooser = { .later = bight_deferred_new(&promise, NULL, NULL) };
    struct bight_tls *server = server_with(&chooser, true);
    struct bight_tls *client = make_client((struct bight_tls_client_options) { .without_verification = true });
    begin_waiting(&talk, server, client, &resumed);
    ck_assert_int_eq(bight_callback(promise, &bight_type_tls, server_called("later")), BIGHT_OK);
    ck_assert_int_eq(resumed, 1);
    go_on_talking(&talk);
    assert_both_good(&talk);
    ck_assert_uint_eq(chooser.asked, 1);
    char subject[64];
    X509_NAME_get_text_by_NID(
        X509_get_subject_name(SSL_get0_peer_certificate(talk.client.ssl)), NID_commonName, subject, 64);
    ck_assert_str_eq(subject, "later");
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_choice_that_fails_refuses_the_client) /* L8 */
{
    struct tls_talk talk;
    struct bight_promise promise;
    int resumed = 0;
    struct chooser chooser = { .later = bight_deferred_new(&promise, NULL, NULL) };
    struct bight_tls *server = server_with(&chooser, true), *client = make_client(trusting());
    begin_waiting(&talk, server, client, &resumed);
    bight_errback(promise, bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "nobody of that name"));
    go_on_talking(&talk);
    assert_says(talk.server.failure, "the TLS handshake was refused: nobody of that name");
    assert_says(talk.client.failure, "handshake_failure (40)");
    end_talk(&talk);
    chooser.later = bight_fail(bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "nor of this"));
    talk_tls(&talk, server, client, "localhost");
    assert_says(talk.server.failure, "the TLS handshake was refused: nor of this");
    end_talk(&talk);
    chooser.later = bight_succeed(NULL, NULL);
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    end_talk(&talk);
    ck_assert_str_eq(tls_logged, "");
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

static void note_cancel(struct bight_promise promise, void *context)
{
    (void)promise;
    ++*(int *)context;
}

START_TEST(a_session_that_goes_cancels_its_choice) /* L8 */
{
    struct tls_talk talk;
    struct bight_promise promise;
    int resumed = 0, cancelled = 0;
    struct chooser chooser = { .later = bight_deferred_new(&promise, note_cancel, &cancelled) };
    struct bight_tls *server = server_with(&chooser, true), *client = make_client(trusting());
    begin_waiting(&talk, server, client, &resumed);
    end_talk(&talk);
    ck_assert_int_eq(cancelled, 1);
    ck_assert_int_eq(resumed, 0);
    ck_assert(!bight_promise_is_open(promise));
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

static void end_in_resume(void *context)
{
    end_talk(context);
}

START_TEST(a_session_may_be_freed_when_it_hears_of_its_choice) /* L8 */
{
    struct tls_talk talk;
    struct bight_promise promise;
    int resumed = 0;
    struct chooser chooser = { .later = bight_deferred_new(&promise, NULL, NULL) };
    struct bight_tls *server = server_with(&chooser, true), *client = make_client(trusting());
    begin_waiting(&talk, server, client, &resumed);
    bi_tls_when_chosen(talk.server.ssl, end_in_resume, &talk);
    ck_assert_int_eq(bight_callback(promise, &bight_type_tls, server_called("too late")), BIGHT_OK);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(what_was_chosen_brings_all_that_is_its_own) /* L8 */
{
    struct tls_talk talk;
    struct bight_tls_identity identity = bight_testing_identity(everybodys);
    struct chooser chooser = { .now = make_server((struct bight_tls_server_options) { .identities = &identity,
                                   .identity_count = 1,
                                   .alpn = "inner",
                                   .client_ca = pem_of(bight_testing_ca_pem(ca)),
                                   .max_version = BIGHT_TLS_1_2 }) };
    struct bight_tls_client_options options = trusting();
    options.alpn = "inner";
    struct bight_tls *server = server_with(&chooser, true), *client = make_client(options);
    talk_tls(&talk, server, client, "localhost");
    assert_says(talk.server.failure, "peer did not return a certificate");
    end_talk(&talk);
    bight_tls_release(client);
    options.identity = identity;
    client = make_client(options);
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    ck_assert_str_eq(SSL_get_version(talk.client.ssl), "TLSv1.2");
    const unsigned char *name;
    unsigned size;
    SSL_get0_alpn_selected(talk.client.ssl, &name, &size);
    ck_assert_uint_eq(size, 5);
    end_talk(&talk);
    bight_tls_release(chooser.now);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_client_that_says_hello_twice_is_asked_about_once) /* L8 */
{
    struct tls_talk talk;
    struct chooser chooser = { .now = server_called("chosen") };
    struct bight_tls *server = server_with(&chooser, true), *client = make_client(trusting());
    begin_talk(&talk, server, client, "localhost");
    ck_assert_int_eq(SSL_set1_groups_list(talk.client.ssl, "P-521:P-384"), 1); /* its first guess is not the server's */
    go_on_talking(&talk);
    assert_both_good(&talk);
    ck_assert_uint_eq(chooser.asked, 1);
    end_talk(&talk);
    bight_tls_release(chooser.now);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_clients_context_cannot_be_chosen) /* L8 */
{
    struct tls_talk talk;
    struct bight_tls *client = make_client(trusting());
    struct chooser chooser = { .now = client };
    struct bight_tls *server = server_with(&chooser, true);
    talk_tls(&talk, server, client, "localhost");
    ck_assert_int_eq(bight_failure_code(talk.server.failure), BIGHT_E_INVALID_ARGUMENT);
    ck_assert(was_logged("a client's context was chosen for a server"));
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, the_servers_order_decides_which_protocol_is_spoken);
    tcase_add_test(tests, a_list_of_protocols_has_limits);
    tcase_add_test(tests, a_server_that_chooses_what_was_not_offered_is_refused);
    tcase_add_test(tests, the_names_in_the_certificates_of_a_directory_decide);
    tcase_add_test(tests, a_strict_server_refuses_names_that_it_does_not_know);
    tcase_add_test(tests, of_two_certificates_for_a_name_the_one_that_ends_last_is_served);
    tcase_add_test(tests, what_others_may_write_is_refused);
    tcase_add_test(tests, a_link_in_a_directory_is_followed_and_a_broken_one_told);
    tcase_add_test(tests, a_program_chooses_by_name_and_protocols);
    tcase_add_test(tests, a_program_may_leave_the_choice_to_the_context);
    tcase_add_test(tests, a_program_may_choose_later);
    tcase_add_test(tests, a_choice_that_fails_refuses_the_client);
    tcase_add_test(tests, a_session_that_goes_cancels_its_choice);
    tcase_add_test(tests, a_session_may_be_freed_when_it_hears_of_its_choice);
    tcase_add_test(tests, what_was_chosen_brings_all_that_is_its_own);
    tcase_add_test(tests, a_client_that_says_hello_twice_is_asked_about_once);
    tcase_add_test(tests, a_clients_context_cannot_be_chosen);
}

BIGHT_TEST_MAIN("tls_choose", add_tests)
