/* SPDX-License-Identifier: MIT */
/* test_tls_reload.c - contexts that read everything again, and the file of keys. */
#include "tls_support.h"

#include <pthread.h>

static struct bight_testing_ca *ca;

static void set_up(void)
{
    make_place();
    tls_logged[0] = '\0';
    bight_log_set_observer(keep_tls_log, NULL);
    ca = bight_testing_ca_new("Testing Root", NULL);
}

static void tear_down(void)
{
    bight_testing_ca_free(ca);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

static const struct bight_testing_certificate *certificate_called(const char *subject, const char *names)
{
    const struct bight_testing_certificate_options options = {
        .size = sizeof options, .subject = subject, .names = names
    };
    const struct bight_testing_certificate *certificate = bight_testing_certificate_new(ca, &options);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

static void put_certificate(const char *file, const char *subject, const char *names)
{
    const struct bight_testing_certificate *certificate = certificate_called(subject, names);
    put_file(file, certificate->all, 0600);
    bight_testing_certificate_free(certificate);
}

/* The subject of the certificate that a client gets who wants `name`. */
static const char *served(struct bight_tls *server, const char *name)
{
    static char subject[256];
    struct tls_talk talk;
    struct bight_tls *client = make_client((struct bight_tls_client_options) { .without_verification = true });
    talk_tls(&talk, server, client, name);
    assert_both_good(&talk);
    X509_NAME *of_peer = X509_get_subject_name(SSL_get0_peer_certificate(talk.client.ssl));
    X509_NAME_get_text_by_NID(of_peer, NID_commonName, subject, sizeof subject);
    end_talk(&talk);
    bight_tls_release(client);
    return subject;
}

static struct bight_tls *serve_file(const char *path)
{
    struct bight_tls_identity identity = { .certificate.file = path };
    return make_server((struct bight_tls_server_options) { .identities = &identity, .identity_count = 1 });
}

START_TEST(a_reload_serves_what_is_new) /* L13 */
{
    put_certificate("server.pem", "old", NULL);
    struct bight_tls *server = serve_file(in_place("server.pem"));
    ck_assert_str_eq(served(server, NULL), "old");
    put_certificate("server.pem", "new", NULL);
    ck_assert_str_eq(served(server, NULL), "old");
    ck_assert_ptr_null(bight_tls_reload(server));
    ck_assert_str_eq(served(server, NULL), "new");
    bight_tls_release(server);
}
END_TEST

START_TEST(an_entry_that_cannot_be_used_keeps_its_old_one_and_the_rest_is_new) /* L13 */
{
    ck_assert_int_eq(mkdir(in_place("certs"), 0700), 0);
    put_certificate("server.pem", "old server", NULL);
    put_certificate("certs/a.pem", "old a", "a.example");
    put_certificate("certs/b.pem", "old b", "b.example");
    struct bight_tls_identity identity = { .certificate.file = in_place("server.pem") };
    struct bight_tls *server = make_server((struct bight_tls_server_options) {
        .identities = &identity, .identity_count = 1, .directory = in_place("certs") });
    put_file("server.pem", "half a fi", 0600);
    put_file("certs/a.pem", "half a fi", 0600);
    put_certificate("certs/b.pem", "new b", "b.example");
    put_certificate("certs/c.pem", "new c", "c.example");
    struct bight_failure *failure = bight_tls_reload(server);
    assert_says(failure, "not all of TLS could be reloaded");
    assert_says(failure, "server.pem: there is no certificate in it");
    assert_says(failure, "certs/a.pem: there is no certificate in it");
    bight_failure_release(failure);
    ck_assert_str_eq(served(server, NULL), "old server");
    ck_assert_str_eq(served(server, "a.example"), "old a");
    ck_assert_str_eq(served(server, "b.example"), "new b");
    ck_assert_str_eq(served(server, "c.example"), "new c");
    ck_assert_int_eq(unlink(in_place("certs/a.pem")), 0);
    put_certificate("server.pem", "new server", NULL);
    ck_assert_ptr_null(bight_tls_reload(server));
    ck_assert_str_eq(served(server, "a.example"), "new server");
    bight_tls_release(server);
}
END_TEST

START_TEST(a_directory_that_cannot_be_read_keeps_all_that_was_in_it) /* L13 */
{
    ck_assert_int_eq(mkdir(in_place("certs"), 0700), 0);
    put_certificate("server.pem", "server", NULL);
    put_certificate("certs/a.pem", "a", "a.example");
    struct bight_tls_identity identity = { .certificate.file = in_place("server.pem") };
    struct bight_tls *server = make_server((struct bight_tls_server_options) {
        .identities = &identity, .identity_count = 1, .directory = in_place("certs") });
    ck_assert_int_eq(rename(in_place("certs"), in_place("gone")), 0);
    struct bight_failure *failure = bight_tls_reload(server);
    assert_says(failure, "directory of certificates cannot be read");
    bight_failure_release(failure);
    ck_assert_str_eq(served(server, "a.example"), "a");
    bight_tls_release(server);
}
END_TEST

START_TEST(a_renewal_that_is_half_done_is_told_by_its_code) /* L13 */
{
    const struct bight_testing_certificate *old = certificate_called("old", NULL),
                                           *new = certificate_called("new", NULL);
    struct bight_tls_identity identity = { .certificate.file = put_file("server.crt", old->certificate, 0644),
        .key.file = put_file("server.key", old->key, 0600) };
    struct bight_tls *server =
        make_server((struct bight_tls_server_options) { .identities = &identity, .identity_count = 1 });
    put_file("server.crt", new->certificate, 0644);
    struct bight_failure *failure = bight_tls_reload(server);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_CERTIFICATE_MISMATCH);
    bight_failure_release(failure);
    ck_assert_str_eq(served(server, NULL), "old");
    put_file("server.key", new->key, 0600);
    ck_assert_ptr_null(bight_tls_reload(server));
    ck_assert_str_eq(served(server, NULL), "new");
    bight_tls_release(server);
    bight_testing_certificate_free(old);
    bight_testing_certificate_free(new);
}
END_TEST

START_TEST(a_context_from_memory_does_not_change) /* L13 */
{
    const struct bight_testing_certificate *certificate = certificate_called("kept", NULL);
    char text[8192];
    snprintf(text, sizeof text, "%s", certificate->all);
    struct bight_tls_identity identity = { .certificate = pem_of(text) };
    struct bight_tls *server =
        make_server((struct bight_tls_server_options) { .identities = &identity, .identity_count = 1 });
    memset(text, 'x', sizeof text);
    ck_assert_ptr_null(bight_tls_reload(server));
    ck_assert_str_eq(served(server, NULL), "kept");
    bight_tls_release(server);
    bight_testing_certificate_free(certificate);
}
END_TEST

START_TEST(sessions_go_on_with_what_they_began_with) /* L13 */
{
    struct tls_talk talk;
    put_certificate("server.pem", "old", NULL);
    struct bight_tls *server = serve_file(in_place("server.pem"));
    struct bight_tls *client = make_client((struct bight_tls_client_options) { .without_verification = true });
    begin_talk(&talk, server, client, NULL);
    put_certificate("server.pem", "new", NULL);
    ck_assert_ptr_null(bight_tls_reload(server));
    bight_tls_release(server);
    bight_tls_release(client);
    go_on_talking(&talk);
    assert_both_good(&talk);
    char byte;
    ck_assert_int_eq(SSL_write(talk.client.ssl, "x", 1), 1);
    ck_assert_int_eq(SSL_read(talk.server.ssl, &byte, 1), 1);
    end_talk(&talk);
}
END_TEST

/* Whether a second connection resumes the first one's session, with a reload between. */
static bool resumes_over(struct bight_tls *server, struct bight_tls *client, struct bight_tls *reloaded)
{
    struct tls_talk talk;
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    end_talk(&talk);
    ck_assert_ptr_null(bight_tls_reload(reloaded));
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    bool is = SSL_session_reused(talk.client.ssl) == 1;
    end_talk(&talk);
    return is;
}

START_TEST(tickets_outlive_a_servers_reload_and_kept_sessions_no_clients) /* L6, L12, L13 */
{
    put_certificate("server.pem", "server", NULL);
    struct bight_tls *server = serve_file(in_place("server.pem")), *client = client_trusting(bight_testing_ca_pem(ca));
    ck_assert(resumes_over(server, client, server));
    ck_assert(!resumes_over(server, client, client));
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_reload_reads_whom_to_trust_and_who_was_revoked_again) /* L7, L13 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate *certificate = certificate_called("server", NULL);
    struct bight_tls *server = server_of(certificate);
    struct bight_tls *client =
        make_client((struct bight_tls_client_options) { .ca.file = put_file("ca.pem", bight_testing_ca_pem(ca), 0644),
            .crl.file = put_file("crl.pem", bight_testing_ca_crl(ca), 0644) });
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    end_talk(&talk);
    ck_assert_int_eq(bight_testing_ca_revoke(ca, certificate), BIGHT_OK);
    put_file("crl.pem", bight_testing_ca_crl(ca), 0644);
    put_file("ca.pem", "nothing", 0644);
    struct bight_failure *failure = bight_tls_reload(client);
    assert_says(failure, "ca.pem: there is no certificate in it that could be trusted");
    bight_failure_release(failure);
    talk_tls(&talk, server, client, "localhost");
    assert_says(talk.client.failure, "certificate revoked");
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
    bight_testing_certificate_free(certificate);
}
END_TEST

/* --------------------------------------------------------------------------------------------- threads */

static void *reload_often(void *context)
{
    for (int i = 0; i < 20; i++) {
        if (bight_tls_reload(context) != NULL) {
            return context;
        }
    }
    return NULL;
}

START_TEST(a_reload_in_another_thread_loses_no_handshake) /* L13 */
{
    pthread_t thread;
    void *failed;
    put_certificate("server.pem", "server", NULL);
    struct bight_tls *server = serve_file(in_place("server.pem"));
    ck_assert_int_eq(pthread_create(&thread, NULL, reload_often, server), 0);
    for (int i = 0; i < 50; i++) {
        ck_assert_str_eq(served(server, NULL), "server");
    }
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    bight_tls_release(server);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ keys */

static struct bight_tls *log_keys_to(const char *path)
{
    put_certificate("server.pem", "server", NULL);
    struct bight_tls_identity identity = { .certificate.file = in_place("server.pem") };
    return make_server(
        (struct bight_tls_server_options) { .identities = &identity, .identity_count = 1, .keylog_file = path });
}

START_TEST(keys_are_logged_when_asked_for_to_a_file_of_ones_own) /* L14 */
{
    char text[4096] = "";
    struct stat status;
    struct bight_tls *server = log_keys_to(in_place("keys"));
    ck_assert(was_logged("the keys of TLS sessions are written to "));
    (void)served(server, NULL);
    ck_assert_int_eq(stat(in_place("keys"), &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0600);
    int fd = open(in_place("keys"), O_RDONLY);
    ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
    close(fd);
    ck_assert_ptr_nonnull(strstr(text, "CLIENT_HANDSHAKE_TRAFFIC_SECRET "));
    ck_assert_ptr_nonnull(strstr(text, "\nSERVER_TRAFFIC_SECRET_0 "));
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    bight_tls_release(server);
}
END_TEST

static void assert_keylog_refused(const char *path)
{
    struct bight_tls_identity identity = { .certificate.file = in_place("server.pem") };
    struct bight_failure *failure = refuse_server(
        (struct bight_tls_server_options) { .identities = &identity, .identity_count = 1, .keylog_file = path });
    assert_says(failure, "keys cannot be logged to ");
    bight_failure_release(failure);
}

START_TEST(keys_are_not_logged_where_others_may_read_them_nor_through_links) /* L14 */
{
    put_certificate("server.pem", "server", NULL);
    assert_keylog_refused(put_file("keys", "", 0640));
    ck_assert_int_eq(chmod(in_place("keys"), 0600), 0);
    ck_assert_int_eq(symlink("keys", in_place("link")), 0);
    assert_keylog_refused(in_place("link"));
    assert_keylog_refused(tls_place);
    ck_assert_str_eq(tls_logged, "");
}
END_TEST

START_TEST(the_environment_does_not_ask_for_keys) /* L14 */
{
    put_certificate("server.pem", "server", NULL);
    setenv("SSLKEYLOGFILE", in_place("keys"), 1);
    struct bight_tls *server = serve_file(in_place("server.pem"));
    (void)served(server, NULL);
    ck_assert_int_ne(access(in_place("keys"), F_OK), 0);
    bight_tls_release(server);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_reload_serves_what_is_new);
    tcase_add_test(tests, an_entry_that_cannot_be_used_keeps_its_old_one_and_the_rest_is_new);
    tcase_add_test(tests, a_directory_that_cannot_be_read_keeps_all_that_was_in_it);
    tcase_add_test(tests, a_renewal_that_is_half_done_is_told_by_its_code);
    tcase_add_test(tests, a_context_from_memory_does_not_change);
    tcase_add_test(tests, sessions_go_on_with_what_they_began_with);
    tcase_add_test(tests, tickets_outlive_a_servers_reload_and_kept_sessions_no_clients);
    tcase_add_test(tests, a_reload_reads_whom_to_trust_and_who_was_revoked_again);
    tcase_add_test(tests, a_reload_in_another_thread_loses_no_handshake);
    tcase_add_test(tests, keys_are_logged_when_asked_for_to_a_file_of_ones_own);
    tcase_add_test(tests, keys_are_not_logged_where_others_may_read_them_nor_through_links);
    tcase_add_test(tests, the_environment_does_not_ask_for_keys);
}

BIGHT_TEST_MAIN("tls_reload", add_tests)
