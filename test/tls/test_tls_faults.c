/* SPDX-License-Identifier: MIT */
/* test_tls_faults.c - every allocation of bight's and OpenSSL's failing in turn: what was asked for results from it
 * with every check made, or a failure; never a crash, a leak or a peer that was not verified. */
#include "tls_support.h"

static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *good, *strange;
static char path[128], crl_path[128];

static void set_up(void)
{
    make_place();
    bight_log_set_observer(keep_tls_log, NULL);
    ca = bight_testing_ca_new("Testing Root", NULL);
    good = bight_testing_certificate_new(ca, NULL);
    strange = bight_testing_certificate_new(NULL, NULL);
    snprintf(path, sizeof path, "%s", put_file("localhost.pem", good->all, 0600));
    snprintf(crl_path, sizeof crl_path, "%s", put_file("crl", bight_testing_ca_crl(ca), 0600));
}

static void tear_down(void)
{
    bight_testing_certificate_free(good);
    bight_testing_certificate_free(strange);
    bight_testing_ca_free(ca);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

/* OpenSSL does not always say that memory was wanting. */
static bool is_honest(struct bight_failure *failure)
{
    bight_failure_release(failure);
    return bight_testing_fault_injected() && ERR_peek_error() == 0;
}

/* NULL: it could not be made, and the failure says why. */
static bool reload_and_release(struct bight_tls *tls, struct bight_failure *failure)
{
    if (tls == NULL) {
        return is_honest(failure);
    }
    failure = bight_tls_reload(tls);
    bight_tls_release(tls);
    return failure == NULL || is_honest(failure);
}

static bool make_and_reload(void *context)
{
    (void)context;
    struct bight_failure *failure;
    struct bight_tls_identity identity = { .certificate.file = path };
    const struct bight_tls_server_options options = { .size = sizeof options,
        .identities = &identity,
        .identity_count = 1,
        .directory = tls_place,
        .alpn = "h2",
        .client_ca = pem_of(bight_testing_ca_pem(ca)),
        .crl.file = crl_path };
    tls_logged[0] = '\0';
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    return reload_and_release(tls, failure);
}

START_TEST(contexts_are_made_and_reloaded_or_not_at_all) /* L15 */
{
    ck_assert(make_and_reload(NULL));
    ck_survives_faults(make_and_reload, NULL);
}
END_TEST

static bool make_client_context(void *context)
{
    (void)context;
    struct bight_failure *failure;
    const struct bight_tls_client_options options = { .size = sizeof options,
        .ca = pem_of(bight_testing_ca_pem(ca)),
        .identity = bight_testing_identity(good),
        .alpn = "h2" };
    struct bight_tls *tls = bight_tls_client_new(&options, &failure);
    return reload_and_release(tls, failure);
}

START_TEST(clients_are_made_and_reloaded_or_not_at_all) /* L15 */
{
    ck_assert(make_client_context(NULL));
    ck_survives_faults(make_client_context, NULL);
}
END_TEST

/* ------------------------------------------------------------------------------------------- handshakes */

struct faulty {
    struct bight_tls *server, *client;
    const char *name;
    bool may_succeed;
};

static bool begin_faulty(struct tls_talk *talk, const struct faulty *faulty)
{
    BIO *ours = NULL, *theirs = NULL;
    *talk = (struct tls_talk) { .server.is_done = false };
    talk->server.ssl = bi_tls_session_new(faulty->server, NULL, 0, &talk->server.failure);
    talk->client.ssl = bi_tls_session_new(faulty->client, faulty->name, 443, &talk->client.failure);
    if (talk->server.ssl == NULL || talk->client.ssl == NULL ||
        BIO_new_bio_pair(&ours, 1 << 16, &theirs, 1 << 16) != 1) {
        ERR_clear_error();
        return false;
    }
    SSL_set_bio(talk->server.ssl, ours, ours);
    SSL_set_bio(talk->client.ssl, theirs, theirs);
    return true;
}

/* What was sent arrives whole, or not at all. */
static bool exchange_data(struct tls_talk *talk)
{
    char byte = 0;
    bool is_sent = SSL_write(talk->client.ssl, "x", 1) == 1;
    bool is_read = is_sent && SSL_read(talk->server.ssl, &byte, 1) == 1;
    ERR_clear_error();
    return (!is_read || byte == 'x') && (is_read || bight_testing_fault_injected());
}

/* An end that failed says so honestly; the other's failure is what came of it. */
static bool is_well(const struct tls_talk *talk, const struct faulty *faulty)
{
    bool is_up = both_are_good(talk);
    if (is_up) {
        return faulty->may_succeed && bi_tls_is_verifying(talk->client.ssl) &&
               SSL_get_verify_result(talk->client.ssl) == X509_V_OK;
    }
    return bight_testing_fault_injected() || !faulty->may_succeed;
}

static bool shake_hands(void *context)
{
    const struct faulty *faulty = context;
    struct tls_talk talk;
    bool is_good = true;
    if (begin_faulty(&talk, faulty)) {
        go_on_talking(&talk);
        is_good = is_well(&talk, faulty) && (!both_are_good(&talk) || exchange_data(&talk));
    } else {
        is_good = bight_testing_fault_injected();
    }
    end_talk(&talk);
    ERR_clear_error();
    return is_good;
}

static struct bight_tls *strict_server(const struct bight_testing_certificate *certificate)
{
    struct bight_tls_identity identity = bight_testing_identity(certificate);
    return make_server((struct bight_tls_server_options) { .identities = &identity,
        .identity_count = 1,
        .directory = tls_place,
        .alpn = "h2",
        .client_ca = pem_of(bight_testing_ca_pem(ca)) });
}

static void shake_with_faults(const struct bight_testing_certificate *certificate, struct faulty faulty)
{
    faulty.server = strict_server(certificate);
    faulty.client = make_client((struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)),
        .identity = bight_testing_identity(good),
        .alpn = "h2",
        .without_resumption = true });
    ck_assert(shake_hands(&faulty));
    ck_survives_faults(shake_hands, &faulty);
    bight_tls_release(faulty.server);
    bight_tls_release(faulty.client);
}

START_TEST(handshakes_end_with_every_check_made_or_fail) /* L15 */
{
    shake_with_faults(good, (struct faulty) { .name = "localhost", .may_succeed = true });
}
END_TEST

START_TEST(no_want_of_memory_makes_a_stranger_the_peer) /* L15 */
{
    shake_with_faults(strange, (struct faulty) { .name = "127.0.0.1" });
}
END_TEST

START_TEST(no_want_of_memory_makes_another_name_the_peers) /* L15 */
{
    shake_with_faults(good, (struct faulty) { .name = "other.example" });
}
END_TEST

/* A client that resumes, and keeps what results from it. What it keeps is made and released in the run. */
static bool resume(void *context)
{
    struct faulty faulty = *(struct faulty *)context;
    struct bight_failure *failure;
    const struct bight_tls_client_options options = {
        .size = sizeof options, .ca = pem_of(bight_testing_ca_pem(ca)), .identity = bight_testing_identity(good)
    };
    faulty.client = bight_tls_client_new(&options, &failure);
    if (faulty.client == NULL) {
        return is_honest(failure);
    }
    bool is_good = shake_hands(&faulty) && shake_hands(&faulty);
    bight_tls_release(faulty.client);
    return is_good;
}

START_TEST(sessions_are_resumed_or_made_or_fail) /* L15 */
{
    struct faulty faulty = { .server = strict_server(good), .name = "localhost", .may_succeed = true };
    ck_assert(resume(&faulty));
    ck_survives_faults(resume, &faulty);
    bight_tls_release(faulty.server);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    give_faults_time(tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    if (!hook_openssl(97)) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("tls_faults");
    TCase *contexts = add_case(suite, "contexts"), *handshakes = add_case(suite, "handshakes"),
          *resumption = add_case(suite, "resumption");
    tcase_add_test(contexts, contexts_are_made_and_reloaded_or_not_at_all);
    tcase_add_test(contexts, clients_are_made_and_reloaded_or_not_at_all);
    tcase_add_test(handshakes, handshakes_end_with_every_check_made_or_fail);
    tcase_add_test(handshakes, no_want_of_memory_makes_a_stranger_the_peer);
    tcase_add_test(handshakes, no_want_of_memory_makes_another_name_the_peers);
    tcase_add_test(resumption, sessions_are_resumed_or_made_or_fail);
    return bight_test_run(suite);
}
