/* SPDX-License-Identifier: MIT */
/* test_tls_hostile.c - peers that say what nobody should: first messages damaged in every place, and odd certificates.
 */
#include "tls_support.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tls/peer.h"

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

/* --------------------------------------------------------------------------------------- certificates */

static X509 *read_certificate(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

START_TEST(a_certificate_is_described) /* L7 */
{
    const struct bight_testing_certificate_options options = {
        .size = sizeof options, .subject = "a\\b\xc3\xbc", .names = "a.example,*.b.example,192.0.2.1,2001:db8::1"
    };
    const struct bight_testing_certificate *issued = bight_testing_certificate_new(ca, &options);
    X509 *certificate = read_certificate(issued->certificate);
    struct bight_tls_certificate *facts = bi_tls_describe_certificate(certificate);
    static const char *const names[] = { "a.example", "*.b.example", "192.0.2.1", "2001:db8::1" };
    ck_assert_uint_eq(facts->name_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(facts->names[i], names[i]);
    }
    ck_assert_str_eq(facts->subject, "CN=a\\\\\\\\b\\\\C3\\\\BC");
    ck_assert_uint_eq(strspn(facts->serial, "0123456789ABCDEF"), strlen(facts->serial));
    ck_assert_int_eq(facts->not_after - facts->not_before, 25 * 3600);
    uint8_t digest[32];
    unsigned size;
    ck_assert_int_eq(X509_digest(certificate, EVP_sha256(), digest, &size), 1);
    ck_assert_mem_eq(facts->sha256, digest, 32);
    const uint8_t *at = facts->der;
    X509 *again = d2i_X509(NULL, &at, (long)facts->der_size);
    ck_assert_int_eq(X509_cmp(again, certificate), 0);
    X509_free(again);
    X509_free(certificate);
    bight_free(facts);
    bight_testing_certificate_free(issued);
}
END_TEST

/* With a SAN of `der`, as it is; not signed, since nobody asks. */
static X509 *with_names(const uint8_t *der, size_t size)
{
    X509 *certificate = read_certificate(good->certificate);
    int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, der, (int)size);
    X509_EXTENSION_set_data(X509_get_ext(certificate, at), value);
    ASN1_OCTET_STRING_free(value);
    uint8_t *whole = NULL;
    int length = i2d_re_X509_tbs(certificate, &whole);
    ck_assert_int_gt(length, 0);
    OPENSSL_free(whole);
    length = i2d_X509(certificate, NULL);
    uint8_t *copy = malloc((size_t)length), *to = copy;
    i2d_X509(certificate, &to);
    X509_free(certificate);
    const uint8_t *from = copy;
    certificate = d2i_X509(NULL, &from, length);
    free(copy);
    ck_assert_ptr_nonnull(certificate);
    return certificate;
}

START_TEST(names_that_are_none_are_not_told) /* L7 */
{
    /* DNS names with a NUL, with a line's end, empty, and one that is good; an address of three bytes. */
    static const uint8_t odd[] = { 0x30, 27, 0x82, 3, 'a', 0, 'b', 0x82, 2, 'a', '\n', 0x82, 0, 0x82, 9, 'a', '.', 'e',
        'x', 'a', 'm', 'p', 'l', 'e', 0x87, 3, 1, 2, 3 };
    X509 *certificate = with_names(odd, sizeof odd);
    struct bight_tls_certificate *facts = bi_tls_describe_certificate(certificate);
    ck_assert_uint_eq(facts->name_count, 1);
    ck_assert_str_eq(facts->names[0], "a.example");
    bight_free(facts);
    X509_free(certificate);
    static const uint8_t damaged[] = { 0x30, 200, 0x82, 9, 'a' };
    certificate = with_names(damaged, sizeof damaged);
    facts = bi_tls_describe_certificate(certificate);
    ck_assert_uint_eq(facts->name_count, 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    bight_free(facts);
    X509_free(certificate);
}
END_TEST

START_TEST(of_many_names_only_so_many_are_told) /* L7 */
{
    uint8_t der[8192] = { 0x30, 0x82, 0, 0 };
    size_t size = 4;
    for (int i = 0; i < 1500; i++) {
        static const uint8_t name[] = { 0x82, 3, 'a', '.', 'b' };
        memcpy(der + size, name, sizeof name);
        size += sizeof name;
    }
    der[2] = (uint8_t)((size - 4) >> 8);
    der[3] = (uint8_t)(size - 4);
    X509 *certificate = with_names(der, size);
    struct bight_tls_certificate *facts = bi_tls_describe_certificate(certificate);
    ck_assert_uint_eq(facts->name_count, 1000);
    ck_assert_str_eq(facts->names[999], "a.b");
    bight_free(facts);
    X509_free(certificate);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_first_message_may_be_damaged_in_any_byte);
    tcase_add_test(tests, of_many_protocols_only_so_many_are_shown);
    tcase_add_test(tests, a_certificate_is_described);
    tcase_add_test(tests, names_that_are_none_are_not_told);
    tcase_add_test(tests, of_many_names_only_so_many_are_told);
}

BIGHT_TEST_MAIN("tls_hostile", add_tests)
