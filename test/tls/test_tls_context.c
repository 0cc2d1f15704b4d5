/* SPDX-License-Identifier: MIT */
/* test_tls_context.c - contexts: what they are made of, what is wrong with it in words, and what is spoken. */
#include "tls_support.h"

#include <openssl/pem.h>

static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *good, *other;

static void set_up(void)
{
    make_place();
    tls_logged[0] = '\0';
    bight_log_set_observer(keep_tls_log, NULL);
    ca = bight_testing_ca_new("Testing Root", NULL);
    good = bight_testing_certificate_new(ca, NULL);
    other = bight_testing_certificate_new(ca, NULL);
    ck_assert_ptr_nonnull(good);
    ck_assert_ptr_nonnull(other);
}

static void tear_down(void)
{
    bight_testing_certificate_free(good);
    bight_testing_certificate_free(other);
    bight_testing_ca_free(ca);
    bight_log_set_observer(NULL, NULL);
    remove_place();
}

/* Each is refused, with words. */
static void assert_refused(struct bight_tls_identity identity, int code, const char *says)
{
    struct bight_failure *failure =
        refuse_server((struct bight_tls_server_options) { .identities = &identity, .identity_count = 1 });
    assert_says(failure, says);
    ck_assert_int_eq(bight_failure_code(failure), code);
    ck_assert_uint_eq(bight_failure_cause_count(failure), 1);
    bight_failure_release(failure);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* -------------------------------------------------------------------------------------------- mistakes */

START_TEST(each_mistake_with_a_certificate_is_told_in_words) /* L1 */
{
    const int unusable = BIGHT_E_UNUSABLE_CERTIFICATE;
    struct bight_tls_identity identity = { .certificate.file = "/nowhere/server.pem" };
    assert_refused(
        identity, unusable, "the certificate cannot be read from /nowhere/server.pem: reading it: No such file");
    identity.certificate.file = "/tmp";
    assert_refused(identity, unusable, "(it must be a regular file)");
    identity.certificate = pem_of(good->key);
    assert_refused(identity, unusable, "the certificate in memory: there is no certificate in it");
    identity.certificate = pem_of(good->certificate);
    assert_refused(identity, unusable, "there is no private key in it (is it in a file of its own?)");
    identity.key = pem_of(good->certificate);
    assert_refused(identity, unusable, "the key in memory: there is no private key in it");
    identity.key = pem_of(other->key);
    assert_refused(
        identity, BIGHT_E_CERTIFICATE_MISMATCH, "certificate and key in the key in memory do not belong together");
    identity.key = pem_of(good->key);
    identity.chain = pem_of(good->key);
    assert_refused(identity, unusable, "the chain in memory: there is no certificate in it");
}
END_TEST

START_TEST(a_damaged_certificate_is_told_with_openssls_words) /* L1 */
{
    char text[4096];
    snprintf(text, sizeof text, "%s", good->certificate);
    strchr(text, '\n')[20] = '!';
    assert_refused((struct bight_tls_identity) { .certificate = pem_of(text), .key = pem_of(good->key) },
        BIGHT_E_UNUSABLE_CERTIFICATE, "the certificate in memory: certificate number 1 is damaged: bad base64 decode");
}
END_TEST

START_TEST(a_text_in_memory_may_hold_any_bytes) /* L1 */
{
    char text[8192] = "nothing";
    size_t size = 8 + (size_t)snprintf(text + 8, sizeof text - 8, "\n%s", good->all);
    struct bight_tls_identity identity = { .certificate = { .text = text, .size = size } };
    struct bight_failure *failure;
    const struct bight_tls_server_options options = {
        .size = sizeof options, .identities = &identity, .identity_count = 1
    };
    struct bight_tls *tls = bight_tls_server_new(&options, &failure);
    ck_assert(tls != NULL || bight_failure_code(failure) == BIGHT_E_UNUSABLE_CERTIFICATE);
    bight_tls_release(tls);
    bight_failure_release(failure);
    identity.certificate = (struct bight_pem) { .text = text };
    failure = refuse_server(options);
    assert_says(failure, "there is no certificate in it");
    bight_failure_release(failure);
    identity.certificate.size = ((size_t)64 << 20) + 1;
    failure = refuse_server(options);
    ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

START_TEST(a_key_that_is_of_a_later_certificate_is_recognised) /* L1 */
{
    char text[8192];
    snprintf(text, sizeof text, "%s%s", bight_testing_ca_pem(ca), good->all);
    assert_refused((struct bight_tls_identity) { .certificate = pem_of(text) }, BIGHT_E_UNUSABLE_CERTIFICATE,
        "the key is that of certificate number 2, which must come first");
}
END_TEST

START_TEST(a_failure_needs_no_place) /* L1 */
{
    static const char *const names[] = { "localhost", "not a name" };
    const struct bight_tls_client_options client = { .size = sizeof client, .ca.file = "/nowhere/ca.pem" };
    const struct bight_tls_client_options unverified = { .size = sizeof unverified, .without_verification = true };
    ck_assert_ptr_null(bight_tls_client_new(&client, NULL));
    ck_assert_ptr_null(bight_tls_server_new(NULL, NULL));
    ck_assert_ptr_null(bight_tls_self_signed(names, 0, 1, NULL));
    ck_assert_ptr_null(bight_tls_self_signed(names, 2, 1, NULL));
    struct bight_tls *tls = bight_tls_client_new(&unverified, NULL);
    struct bight_bytes *bytes = bight_tls_self_signed(names, 1, 1, NULL);
    ck_assert_ptr_nonnull(tls);
    ck_assert_ptr_nonnull(bytes);
    bight_tls_release(tls);
    bight_bytes_release(bytes);
}
END_TEST

START_TEST(all_mistakes_are_told_at_once) /* L1 */
{
    const struct bight_tls_identity identities[] = {
        { .certificate.file = "/nowhere/a.pem", .key.file = "/nowhere/a.key" },
        { .certificate = pem_of(good->certificate) },
    };
    struct bight_failure *failure = refuse_server((struct bight_tls_server_options) {
        .identities = identities,
        .identity_count = 2,
        .alpn = "h2,,x",
        .client_ca.file = "/nowhere/ca.pem",
        .crl.file = "/nowhere/crl.pem",
        .directory = "/nowhere/certs",
        .keylog_file = "/nowhere/keys",
    });
    ck_assert_uint_eq(bight_failure_cause_count(failure), 8);
    static const char *const said[] = { "the TLS server cannot be set up: ", "a.pem", "a.key", "no private key",
        "h2,,x", "list of trusted certificates cannot be read from /nowhere/ca.pem",
        "list of revoked certificates cannot be read from /nowhere/crl.pem",
        "directory of certificates cannot be read from /nowhere/certs", "keys cannot be logged to /nowhere/keys" };
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        assert_says(failure, said[i]);
    }
    bight_failure_release(failure);
}
END_TEST

START_TEST(a_weak_key_is_refused_with_its_file) /* L1 */
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    BIO *bio = BIO_new(BIO_s_mem());
    X509 *certificate = X509_new();
    char text[8192] = "";
    X509_set_pubkey(certificate, key);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 1000);
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
    PEM_write_bio_X509(bio, certificate);
    PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    ck_assert_int_gt(BIO_read(bio, text, sizeof text - 1), 0);
    assert_refused((struct bight_tls_identity) { .certificate = pem_of(text) }, BIGHT_E_UNUSABLE_CERTIFICATE,
        "the certificate in memory: ee key too small");
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(bio);
}
END_TEST

START_TEST(what_says_nothing_or_contradicts_itself_is_a_usage_error) /* L1 */
{
    struct bight_tls_identity identity = bight_testing_identity(good);
    const struct bight_tls_server_options servers[] = {
        { .size = 0 },
        { .identities = &identity, .identity_count = 17 },
        { .identities = &identity, .identity_count = 1, .min_version = BIGHT_TLS_1_3, .max_version = BIGHT_TLS_1_2 },
        { .identities = &identity, .identity_count = 1, .crl = pem_of(good->all) },
        { .identities = &identity, .identity_count = 1, .client_auth = (enum bight_tls_client_auth)7 },
    };
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
        struct bight_failure *failure = refuse_server(servers[i]);
        ck_assert_int_eq(bight_failure_code(failure), BIGHT_E_INVALID_ARGUMENT);
    }
    struct bight_tls_client_options client = { .without_verification = true, .ca = pem_of(good->all) };
    ck_assert_int_eq(bight_failure_code(refuse_client(client)), BIGHT_E_INVALID_ARGUMENT);
    client = (struct bight_tls_client_options) { .ca = { .file = "x", .text = "y" } };
    ck_assert_int_eq(bight_failure_code(refuse_client(client)), BIGHT_E_INVALID_ARGUMENT);
}
END_TEST

/* -------------------------------------------------------------------------------------------- passwords */

static int give_password(char *buffer, size_t size, void *context)
{
    const char *password = context;
    return password == NULL ? -1 : snprintf(buffer, size, "%s", password);
}

/* `good`'s key, encrypted with "secret". */
static const char *encrypt_key(char *text, size_t size)
{
    BIO *in = BIO_new_mem_buf(good->key, -1), *out = BIO_new(BIO_s_mem());
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    char password[] = "secret";
    PEM_write_bio_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(), password, 6, NULL, NULL);
    int length = BIO_read(out, text, (int)size - 1);
    ck_assert_int_gt(length, 0);
    text[length] = '\0';
    EVP_PKEY_free(key);
    BIO_free(in);
    BIO_free(out);
    return text;
}

START_TEST(an_encrypted_key_is_opened_with_its_password_and_nobody_is_asked_for_one) /* L1, L14 */
{
    char text[4096], wrong[] = "wrong", secret[] = "secret";
    struct bight_tls_identity identity = { .certificate = pem_of(good->certificate),
        .key = pem_of(encrypt_key(text, sizeof text)) };
    assert_refused(identity, BIGHT_E_UNUSABLE_CERTIFICATE, "the key is encrypted, and there is no password for it");
    identity.password = give_password;
    assert_refused(identity, BIGHT_E_UNUSABLE_CERTIFICATE, "the key is encrypted, and there is no password for it");
    identity.password_context = wrong;
    assert_refused(identity, BIGHT_E_UNUSABLE_CERTIFICATE, "the private key cannot be used: bad decrypt");
    identity.password_context = secret;
    bight_tls_release(make_server((struct bight_tls_server_options) { .identities = &identity, .identity_count = 1 }));
}
END_TEST

/* --------------------------------------------------------------------------------------------- warnings */

START_TEST(ones_own_certificate_out_of_its_time_is_warned_of) /* L1 */
{
    const struct bight_testing_certificate_options old = { .size = sizeof old, .begins = -9000, .ends = -60 };
    const struct bight_testing_certificate_options young = { .size = sizeof young, .begins = 9000, .ends = 10000 };
    const struct bight_testing_certificate *expired = bight_testing_certificate_new(ca, &old);
    const struct bight_testing_certificate *unborn = bight_testing_certificate_new(ca, &young);
    bight_tls_release(server_of(expired));
    ck_assert(was_logged("the certificate in memory: the certificate has expired"));
    bight_tls_release(server_of(unborn));
    ck_assert(was_logged("the certificate in memory: the certificate is not valid yet"));
    bight_testing_certificate_free(expired);
    bight_testing_certificate_free(unborn);
}
END_TEST

START_TEST(a_key_that_everybody_may_read_is_warned_of_and_one_that_they_may_write_refused) /* L8 */
{
    struct bight_tls_identity identity = { .certificate.file = put_file("server.pem", good->all, 0640) };
    const struct bight_tls_server_options options = { .identities = &identity, .identity_count = 1 };
    bight_tls_release(make_server(options));
    ck_assert_str_eq(tls_logged, "");
    put_file("server.pem", good->all, 0644);
    bight_tls_release(make_server(options));
    ck_assert(was_logged("everybody may read the file of the key, "));
    put_file("server.pem", good->all, 0602);
    assert_refused(identity, BIGHT_E_UNUSABLE_CERTIFICATE, "server.pem: everybody may write to the file of the key");
}
END_TEST

START_TEST(a_client_that_does_not_verify_is_warned_of) /* L6 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good);
    struct bight_tls *client = make_client((struct bight_tls_client_options) { .without_verification = true });
    ck_assert(was_logged("a TLS client does not verify its peers, as it was asked to"));
    talk_tls(&talk, server, client, NULL);
    assert_both_good(&talk);
    ck_assert(!bi_tls_is_verifying(talk.client.ssl));
    ck_assert_int_ne(SSL_get_verify_result(talk.client.ssl), X509_V_OK);
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

/* --------------------------------------------------------------------------------------------- defaults */

START_TEST(without_options_tls_1_3_is_spoken_with_x25519_or_better) /* L2 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good), *client = client_trusting(bight_testing_ca_pem(ca));
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    ck_assert_str_eq(SSL_get_version(talk.client.ssl), "TLSv1.3");
    ck_assert_str_eq(SSL_get_cipher_name(talk.client.ssl), "TLS_AES_128_GCM_SHA256");
    const char *group = SSL_group_to_name(talk.client.ssl, (int)SSL_get_negotiated_group(talk.client.ssl));
    ck_assert(strcasecmp(group, "x25519") == 0 || strcasecmp(group, "X25519MLKEM768") == 0);
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(each_side_says_which_versions_it_speaks) /* L2 */
{
    struct tls_talk talk;
    struct bight_tls_identity identity = bight_testing_identity(good);
    struct bight_tls *server = server_of(good);
    struct bight_tls *strict = make_server((struct bight_tls_server_options) {
        .identities = &identity, .identity_count = 1, .min_version = BIGHT_TLS_1_3 });
    struct bight_tls *old = make_client(
        (struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)), .max_version = BIGHT_TLS_1_2 });
    talk_tls(&talk, server, old, "localhost");
    assert_both_good(&talk);
    ck_assert_str_eq(SSL_get_version(talk.client.ssl), "TLSv1.2");
    ck_assert_str_eq(SSL_get_cipher_name(talk.client.ssl), "ECDHE-ECDSA-AES128-GCM-SHA256");
    end_talk(&talk);
    talk_tls(&talk, strict, old, "localhost");
    assert_says(talk.server.failure, "unsupported protocol (the peer speaks no version of TLS that is allowed here)");
    assert_says(talk.client.failure, "the peer's alert protocol_version (70): no version of TLS is acceptable to both");
    ck_assert_int_eq(bight_failure_code(talk.client.failure), BIGHT_E_TLS_ALERT);
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(strict);
    bight_tls_release(old);
}
END_TEST

START_TEST(the_servers_order_of_ciphers_decides_but_for_chacha_first) /* L2 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good), *client = client_trusting(bight_testing_ca_pem(ca));
    static const struct {
        const char *offered, *chosen;
    } cases[] = {
        { "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256" },
        { "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256" },
        { "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_talk(&talk, server, client, "localhost");
        ck_assert_int_eq(SSL_set_ciphersuites(talk.client.ssl, cases[i].offered), 1);
        go_on_talking(&talk);
        assert_both_good(&talk);
        ck_assert_str_eq(SSL_get_cipher_name(talk.client.ssl), cases[i].chosen);
        end_talk(&talk);
    }
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(tls_1_1_is_refused) /* L2 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good), *client = client_trusting(bight_testing_ca_pem(ca));
    begin_talk(&talk, server, client, "localhost");
    SSL_set_security_level(talk.client.ssl, 0);
    ck_assert_int_eq(SSL_set_min_proto_version(talk.client.ssl, TLS1_1_VERSION), 1);
    ck_assert_int_eq(SSL_set_max_proto_version(talk.client.ssl, TLS1_1_VERSION), 1);
    ck_assert_int_eq(SSL_set_cipher_list(talk.client.ssl, "ALL"), 1);
    go_on_talking(&talk);
    assert_says(talk.server.failure, "unsupported protocol (the peer speaks no version of TLS that is allowed here)");
    assert_says(talk.client.failure, "protocol_version (70)");
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(renegotiation_is_refused) /* L2 */
{
    struct tls_talk talk;
    char byte;
    struct bight_tls *server = server_of(good);
    struct bight_tls *client = make_client(
        (struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)), .max_version = BIGHT_TLS_1_2 });
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    SSL_clear_options(talk.client.ssl, SSL_OP_NO_RENEGOTIATION);
    ck_assert_int_eq(SSL_renegotiate(talk.client.ssl), 1);
    ck_assert_int_eq(SSL_get_error(talk.client.ssl, SSL_do_handshake(talk.client.ssl)), SSL_ERROR_WANT_READ);
    ck_assert_int_eq(SSL_get_error(talk.server.ssl, SSL_read(talk.server.ssl, &byte, 1)), SSL_ERROR_WANT_READ);
    int error = SSL_get_error(talk.client.ssl, SSL_read(talk.client.ssl, &byte, 1));
    ck_assert_int_eq(error, SSL_ERROR_SSL);
    struct bight_failure *failure = bi_tls_failure(talk.client.ssl, error, "renegotiating failed");
    assert_says(failure, "renegotiat");
    bight_failure_release(failure);
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(no_cipher_without_forward_secrecy_or_with_finite_fields_is_accepted) /* L2 */
{
    struct tls_talk talk;
    struct bight_tls *server = server_of(good);
    struct bight_tls *client = make_client(
        (struct bight_tls_client_options) { .ca = pem_of(bight_testing_ca_pem(ca)), .max_version = BIGHT_TLS_1_2 });
    static const char *const weak[] = { "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256" };
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        begin_talk(&talk, server, client, "localhost");
        ck_assert_int_eq(SSL_set_cipher_list(talk.client.ssl, weak[i]), 1);
        go_on_talking(&talk);
        assert_says(talk.server.failure, "no shared cipher (no cipher suits both sides and the kind of certificate)");
        end_talk(&talk);
    }
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

/* Run in a process that has read a weak openssl.cnf. */
static void look_at_defaults(void)
{
    struct tls_talk talk;
    SSL_CTX *bare = SSL_CTX_new(TLS_server_method());
    ck_assert_int_eq((int)SSL_CTX_get_min_proto_version(bare), TLS1_VERSION);
    SSL_CTX_free(bare);
    struct bight_tls *server = server_of(good), *client = client_trusting(bight_testing_ca_pem(ca));
    talk_tls(&talk, server, client, "localhost");
    assert_both_good(&talk);
    ck_assert_str_eq(SSL_get_version(talk.client.ssl), "TLSv1.3");
    ck_assert_int_eq(SSL_get_security_level(talk.server.ssl), 2);
    ck_assert_int_eq((int)SSL_get_min_proto_version(talk.server.ssl), TLS1_2_VERSION);
    ck_assert_int_ne((int)SSL_get_negotiated_group(talk.client.ssl), NID_secp521r1);
    ck_assert(SSL_get_options(talk.server.ssl) & SSL_OP_NO_COMPRESSION);
    ck_assert(!(SSL_get_options(talk.server.ssl) & (SSL_OP_NO_TICKET | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION)));
    ck_assert_int_eq(SSL_get_verify_mode(talk.server.ssl), SSL_VERIFY_NONE);
    end_talk(&talk);
    bight_tls_release(server);
    bight_tls_release(client);
}

START_TEST(openssl_cnf_weakens_nothing) /* L2 */
{
    char command[512], self[256] = "";
    if (getenv("BIGHT_TEST_WEAK") != NULL) {
        look_at_defaults();
        return;
    }
    const char *path = put_file("openssl.cnf",
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = weak\n[weak]\nMinProtocol = TLSv1\n"
        "MaxProtocol = TLSv1.2\nCipherString = ALL:@SECLEVEL=0\nGroups = P-521\nVerifyMode = Request\n"
        "Options = UnsafeLegacyRenegotiation,Compression,-SessionTicket\nSignatureAlgorithms = ECDSA+SHA1\n",
        0600);
    ck_assert_int_gt(readlink("/proc/self/exe", self, sizeof self - 1), 0);
    snprintf(command, sizeof command, "BIGHT_TEST_WEAK=1 OPENSSL_CONF='%s' CK_RUN_CASE=defaults '%s'", path, self);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(several_certificates_serve_clients_of_several_kinds) /* L1 */
{
    struct tls_talk talk;
    const struct bight_testing_certificate_options rsa_options = { .size = sizeof rsa_options,
        .key = BIGHT_TESTING_RSA };
    const struct bight_testing_certificate *rsa = bight_testing_certificate_new(ca, &rsa_options);
    const struct bight_tls_identity identities[] = { bight_testing_identity(rsa), bight_testing_identity(good) };
    struct bight_tls *server =
        make_server((struct bight_tls_server_options) { .identities = identities, .identity_count = 2 });
    struct bight_tls *client = make_client((struct bight_tls_client_options) {
        .ca = pem_of(bight_testing_ca_pem(ca)), .max_version = BIGHT_TLS_1_2, .without_resumption = true });
    static const char *const ciphers[] = { "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256" };
    static const int kinds[] = { EVP_PKEY_RSA, EVP_PKEY_EC };
    for (size_t i = 0; i < 2; i++) {
        begin_talk(&talk, server, client, "localhost");
        ck_assert_int_eq(SSL_set_cipher_list(talk.client.ssl, ciphers[i]), 1);
        go_on_talking(&talk);
        assert_both_good(&talk);
        X509 *certificate = SSL_get0_peer_certificate(talk.client.ssl);
        ck_assert_int_eq(EVP_PKEY_get_base_id(X509_get0_pubkey(certificate)), kinds[i]);
        end_talk(&talk);
    }
    bight_testing_certificate_free(rsa);
    bight_tls_release(server);
    bight_tls_release(client);
}
END_TEST

START_TEST(what_speaks_no_tls_is_told_so) /* L1 */
{
    struct tls_end server;
    struct bight_tls *tls = server_of(good);
    BIO *ours, *theirs;
    begin_end(&server, tls, NULL);
    ck_assert_int_eq(BIO_new_bio_pair(&ours, 0, &theirs, 0), 1);
    SSL_set_bio(server.ssl, ours, ours);
    BIO_puts(theirs, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    step_end(&server);
    assert_says(server.failure, "http request (the peer does not seem to speak TLS here)");
    ck_assert_int_eq(bight_failure_code(server.failure), BIGHT_E_TLS);
    bight_failure_release(server.failure);
    SSL_free(server.ssl);
    BIO_free(theirs);
    bight_tls_release(tls);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, each_mistake_with_a_certificate_is_told_in_words);
    tcase_add_test(tests, a_damaged_certificate_is_told_with_openssls_words);
    tcase_add_test(tests, a_text_in_memory_may_hold_any_bytes);
    tcase_add_test(tests, a_key_that_is_of_a_later_certificate_is_recognised);
    tcase_add_test(tests, a_failure_needs_no_place);
    tcase_add_test(tests, all_mistakes_are_told_at_once);
    tcase_add_test(tests, a_weak_key_is_refused_with_its_file);
    tcase_add_test(tests, what_says_nothing_or_contradicts_itself_is_a_usage_error);
    tcase_add_test(tests, an_encrypted_key_is_opened_with_its_password_and_nobody_is_asked_for_one);
    tcase_add_test(tests, ones_own_certificate_out_of_its_time_is_warned_of);
    tcase_add_test(tests, a_key_that_everybody_may_read_is_warned_of_and_one_that_they_may_write_refused);
    tcase_add_test(tests, a_client_that_does_not_verify_is_warned_of);
    tcase_add_test(tests, without_options_tls_1_3_is_spoken_with_x25519_or_better);
    tcase_add_test(tests, each_side_says_which_versions_it_speaks);
    tcase_add_test(tests, the_servers_order_of_ciphers_decides_but_for_chacha_first);
    tcase_add_test(tests, tls_1_1_is_refused);
    tcase_add_test(tests, renegotiation_is_refused);
    tcase_add_test(tests, no_cipher_without_forward_secrecy_or_with_finite_fields_is_accepted);
    tcase_add_test(tests, several_certificates_serve_clients_of_several_kinds);
    tcase_add_test(tests, what_speaks_no_tls_is_told_so);
}

/* A case of its own, which can be run alone. */
int main(void)
{
    Suite *suite = suite_create("tls_context");
    TCase *tests = tcase_create("contexts"), *defaults = tcase_create("defaults");
    tcase_set_timeout(tests, 60);
    add_tests(tests);
    tcase_add_checked_fixture(defaults, set_up, tear_down);
    tcase_add_test(defaults, openssl_cnf_weakens_nothing);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, defaults);
    return bight_test_run(suite);
}
