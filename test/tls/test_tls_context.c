/* SPDX-License-Identifier: MIT */
/* test_tls_context.c - contexts: what they are made of, what is wrong with it in words, and that peers are verified. */
#include "tls_support.h"

static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *good;

static void set_up(void)
{
    ca = bight_testing_ca_new("Testing Root", NULL);
    good = bight_testing_certificate_new(ca, NULL);
    ck_assert_ptr_nonnull(good);
}

static void tear_down(void)
{
    bight_testing_certificate_free(good);
    bight_testing_ca_free(ca);
}

START_TEST(a_client_believes_a_certificate_that_its_ca_issued_for_the_name) /* L6 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good), *client = client_trusting(bight_testing_ca_pem(ca));
    static const char *const names[] = { "localhost", "LOCALHOST.", "127.0.0.1", "::1" };
    for (size_t i = 0; i < 4; i++) {
        talk_tls(&talk, server, client, names[i]);
        ck_assert(both_are_good(&talk));
        ck_assert_str_eq(SSL_get_version(talk.client.ssl), "TLSv1.3");
        end_talk(&talk);
    }
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(a_certificate_for_other_names_is_refused_with_the_names_that_it_has) /* L6 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good), *client = client_trusting(bight_testing_ca_pem(ca));
    talk_tls(&talk, server, client, "example.com");
    ck_assert_int_eq(bight_failure_code(talk.client.failure), BIGHT_E_WRONG_NAME);
    assert_says(talk.client.failure, "not for example.com, but for localhost, 127.0.0.1, ::1");
    assert_says(talk.server.failure, "bad_certificate");
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_client_believes_a_certificate_that_its_ca_issued_for_the_name);
    tcase_add_test(tests, a_certificate_for_other_names_is_refused_with_the_names_that_it_has);
}

BIGHT_TEST_MAIN("tls_context", add_tests)
