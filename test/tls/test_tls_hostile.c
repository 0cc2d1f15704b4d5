/* SPDX-License-Identifier: MIT */
/* test_tls_hostile.c - peers that say what nobody should: first messages damaged in every place. */
#include "tls_support.h"

static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *good;

static void set_up(void)
{
    make_place();
    bight_log_set_observer(keep_tls_log, NULL);
    ca = bight_testing_ca_new("Testing Root", NULL);
    good = bight_testing_certificate_new(ca, NULL);
    put_file("localhost.pem", good->all, 0600);
}

static void tear_down(void)
{
    bight_testing_certificate_free(good);
    bight_testing_ca_free(ca);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

/* ------------------------------------------------------------------------------------- first messages */

static struct bight_deferred *look(const struct bight_tls_hello *hello, struct bight_tls **chosen, void *context)
{
    size_t *seen = context, count = 0;
    const char *name = bight_tls_hello_name(hello);
    ck_assert(name == NULL || strlen(name) < 256);
    while (bight_tls_hello_protocol(hello, count) != NULL) {
        ck_assert_uint_lt(strlen(bight_tls_hello_protocol(hello, count)), 256);
        count++;
    }
    ck_assert_uint_le(count, 64);
    *seen = count;
    *chosen = NULL;
    return NULL;
}

/* What a client says first. */
static size_t say_hello(uint8_t *hello, size_t size, const char *alpn)
{
    struct bight_failure *failure;
    struct bight_tls *client =
        make_client((struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)), .alpn = alpn });
    SSL *ssl = bi_tls_session_new(client, "localhost", 443, &failure);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(ssl, in, out);
    ck_assert_int_eq(SSL_get_error(ssl, SSL_do_handshake(ssl)), SSL_ERROR_WANT_READ);
    int length = BIO_read(out, hello, (int)size);
    ck_assert_int_gt(length, 0);
    SSL_free(ssl);
    bight_tls_release(client);
    return (size_t)length;
}

/* A server hears it: it waits for more, or it fails in words. */
static void hear_it(struct bight_tls *server, const uint8_t *hello, size_t size)
{
    struct bight_failure *failure;
    SSL *ssl = bi_tls_session_new(server, NULL, 0, &failure);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_write(in, hello, (int)size);
    SSL_set_bio(ssl, in, out);
    int error = SSL_get_error(ssl, SSL_do_handshake(ssl));
    if (error != SSL_ERROR_WANT_READ) {
        failure = bi_tls_failure(ssl, error, "the handshake failed");
        ck_assert(bight_failure_is(failure, BIGHT_E_TLS) || bight_failure_is(failure, BIGHT_E_TRUNCATED));
        bight_failure_release(failure);
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    SSL_free(ssl);
}

static struct bight_tls *listening_server(size_t *seen)
{
    struct bight_tls_identity identity = bight_testing_identity(good);
    return make_server((struct bight_tls_server_options) { .identities = &identity,
        .identity_count = 1,
        .directory = tls_place,
        .refuses_unknown_names = true,
        .alpn = "h2",
        .client_ca = pem_of(bight_testing_ca_pem(ca)),
        .choose = look,
        .choose_context = seen });
}

START_TEST(a_first_message_may_be_damaged_in_any_byte) /* L8 */
{
    static const uint8_t changes[] = { 0x01, 0x80, 0xff };
    uint8_t hello[4096];
    size_t seen = 0, size = say_hello(hello, sizeof hello, "h2,http/1.1");
    struct bight_tls *server = listening_server(&seen);
    hear_it(server, hello, size);
    ck_assert_uint_eq(seen, 2);
    for (size_t i = 0; i < size; i++) {
        hello[i] ^= changes[i % 3];
        hear_it(server, hello, size);
        hello[i] ^= changes[i % 3];
        hear_it(server, hello, i);
    }
    bight_tls_release(server);
}
END_TEST

START_TEST(of_many_protocols_only_so_many_are_shown) /* L8 */
{
    char alpn[1024] = "a";
    uint8_t hello[8192];
    size_t seen = 0;
    for (int i = 1; i < 400; i++) {
        strcat(alpn, ",a");
    }
    struct bight_tls *server = listening_server(&seen);
    hear_it(server, hello, say_hello(hello, sizeof hello, alpn));
    ck_assert_uint_eq(seen, 64);
    bight_tls_release(server);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_first_message_may_be_damaged_in_any_byte);
    tcase_add_test(tests, of_many_protocols_only_so_many_are_shown);
}

BIGHT_TEST_MAIN("tls_hostile", add_tests)
