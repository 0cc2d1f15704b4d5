/* SPDX-License-Identifier: MIT */
/* verify.c - the peer's certificate: its chain up to what is trusted, its name as RFC 9525 has it, and what was wrong.
 *
 * OpenSSL forgets the certificate that it refuses, so the words are found in the callback that verifies, where the
 * certificate still is, and kept with the session until its failure is asked for. */
#include "tls/verify.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <bight/log.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/text.h"
#include "tls/context.h"
#include "tls/certificate.h"
#include "tls/errors.h"
#include "tls/material.h"
#include "tls/own.h"

enum { LONGEST_CHAIN = 10, NAMES_TOLD = 8, WORDS_SIZE = 768 };

/* ------------------------------------------------------------------------------------------ the name */

static bool is_address(const char *name)
{
    unsigned char address[16];
    return inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
}

static bool is_host_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 253 || name[0] == '.') {
        return false;
    }
    for (; *name != '\0'; name++) {
        if ((unsigned char)*name <= ' ' || (unsigned char)*name >= 127 || strchr("*/:@[]", *name) != NULL) {
            return false;
        }
    }
    return true;
}

static int expect_host(SSL *ssl, const char *name)
{
    char host[BI_TLS_NAME_SIZE];
    if (!is_host_name(name)) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, NULL, "TLS: the peer's name is neither a host name nor an address");
    }
    /* The dot that says that a name is complete is no part of it (RFC 6066, 3). */
    size_t length = strlen(name);
    (void)snprintf(host, sizeof host, "%.*s", (int)(name[length - 1] == '.' ? length - 1 : length), name);
    return SSL_set_tlsext_host_name(ssl, host) == 1 && SSL_set1_host(ssl, host) == 1 ? BIGHT_OK : BIGHT_E_OUT_OF_MEMORY;
}

int bi_tls_expect(SSL *ssl, const char *name)
{
    /* Names in the subject (CN) are not looked at, and a wildcard stands for a whole label. */
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_address(name)) {
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1 ? BIGHT_OK : BIGHT_E_OUT_OF_MEMORY;
    }
    return expect_host(ssl, name);
}

static bool has_expected_name(SSL *ssl, X509 *certificate)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    if (host != NULL) {
        return X509_check_host(certificate, host, 0, X509_VERIFY_PARAM_get_hostflags(param), NULL) == 1;
    }
    char *address = X509_VERIFY_PARAM_get1_ip_asc(param);
    bool is_good = address != NULL && X509_check_ip_asc(certificate, address, 0) == 1;
    OPENSSL_free(address);
    return is_good;
}

/* ------------------------------------------------------------------------------------------ in words */

static void say(struct bi_text *text, const char *string)
{
    bi_text_append_string(text, string);
}

static void say_escaped(struct bi_text *text, const void *data, size_t size)
{
    char escaped[BI_TLS_NAME_SIZE];
    (void)bight_escape(data, size, escaped, sizeof escaped);
    say(text, escaped);
}

struct telling {
    struct bi_text *text;
    int told;
};

static bool say_name(void *context, const char *name, size_t size)
{
    struct telling *telling = context;
    if (telling->told == NAMES_TOLD) {
        say(telling->text, " and more");
        return false;
    }
    say(telling->text, telling->told++ > 0 ? ", " : "");
    say_escaped(telling->text, name, size);
    return true;
}

/* "a.example, 192.0.2.1 and more". */
static void say_names(struct bi_text *text, const X509 *certificate)
{
    struct telling telling = { text, 0 };
    (void)bi_tls_each_name(certificate, say_name, &telling);
    ERR_clear_error();
    say(text, telling.told == 0 ? "no name at all" : "");
}

/* Whom the session is for, as it was said. */
static void say_expected(struct bi_text *text, SSL *ssl)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    unsigned char bytes[16];
    char canonical[INET6_ADDRSTRLEN];
    char *address = X509_VERIFY_PARAM_get1_ip_asc(param);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    if (address != NULL && inet_pton(AF_INET6, address, bytes) == 1) {
        (void)inet_ntop(AF_INET6, bytes, canonical, sizeof canonical); /* OpenSSL does not shorten it */
        say(text, canonical);
    } else {
        say(text, host != NULL ? host : address != NULL ? address : "an unknown peer");
    }
    OPENSSL_free(address);
}

static struct bight_failure *wrong_name(SSL *ssl, const X509 *certificate)
{
    char words[WORDS_SIZE];
    struct bi_text text = { words, sizeof words, 0 };
    say(&text, "the peer's certificate is not for ");
    say_expected(&text, ssl);
    say(&text, ", but for ");
    say_names(&text, certificate);
    bi_text_end(&text);
    return bight_failure_new(BIGHT_E_WRONG_NAME, 0, NULL, "%s", words);
}

static void say_subject(struct bi_text *text, const X509 *certificate)
{
    BIO *bio = certificate == NULL ? NULL : BIO_new(BIO_s_mem());
    char *data;
    if (bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE) > 0) {
        long size = BIO_get_mem_data(bio, &data);
        say_escaped(text, data, size > 0 ? (size_t)size : 0);
    }
    BIO_free(bio);
    ERR_clear_error();
}

static const char *hint_of(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return " (either its issuer is not trusted here, or the peer does not send its whole chain)";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return " (it signed itself: give the certificate as the one to trust)";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return " (the root of the chain is not trusted here)";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return " (is the clock right?)";
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return " (there is no list of who was revoked by its issuer)";
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return " (a newer list of who was revoked is due)";
    case X509_V_ERR_INVALID_PURPOSE:
        return " (its extended key usage is for something else)";
    default:
        return "";
    }
}

static struct bight_failure *not_verified(const X509_STORE_CTX *store)
{
    char subject[WORDS_SIZE];
    struct bi_text text = { subject, sizeof subject, 0 };
    int error = X509_STORE_CTX_get_error(store);
    say_subject(&text, X509_STORE_CTX_get_current_cert(store));
    bi_text_end(&text);
    return bight_failure_new(BIGHT_E_NOT_VERIFIED, 0, NULL,
        "the peer's certificate was not verified: %s, at depth %d: %s%s", X509_verify_cert_error_string(error),
        X509_STORE_CTX_get_error_depth(store), subject, hint_of(error));
}

static bool is_about_name(int error)
{
    return error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
}

/* --------------------------------------------------------------------------------------- verifying */

static struct bight_failure *explain(SSL *ssl, const X509_STORE_CTX *store)
{
    int error = X509_STORE_CTX_get_error(store);
    if (error == X509_V_ERR_OUT_OF_MEM) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    return is_about_name(error) ? wrong_name(ssl, X509_STORE_CTX_get0_cert(store)) : not_verified(store);
}

/* A list must be there of the issuer of the certificate itself. An issuer's issuer may have none. */
static int judge(int is_good, X509_STORE_CTX *store)
{
    bool lacks_list = X509_STORE_CTX_get_error(store) == X509_V_ERR_UNABLE_TO_GET_CRL;
    if (is_good == 0 && lacks_list && X509_STORE_CTX_get_error_depth(store) > 0) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        return 1;
    }
    return is_good;
}

static void use_lists(X509_STORE_CTX *store, const struct bi_tls_revoked *revoked)
{
    if (revoked->lists != NULL) {
        X509_STORE_CTX_set0_crls(store, revoked->lists);
        X509_STORE_CTX_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        X509_STORE_CTX_set_verify_cb(store, judge);
    }
}

static bool is_good_chain(X509_STORE_CTX *store)
{
    if (X509_verify_cert(store) == 1 && X509_STORE_CTX_get_error(store) == X509_V_OK) {
        return true;
    }
    if (X509_STORE_CTX_get_error(store) == X509_V_OK) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    }
    return false;
}

static int verify(X509_STORE_CTX *store, void *context)
{
    (void)context;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (!bi_tls_is_verifying(ssl)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION); /* it must not be taken for verified */
        return 1;
    }
    use_lists(store, &bi_tls_material_of(ssl)->revoked);
    if (is_good_chain(store)) {
        return 1;
    }
    bi_tls_set_failure(ssl, explain(ssl, store));
    return 0;
}

/* Sends clients the authorities that may have issued their certificates. */
static bool use_names(SSL_CTX *ctx, const struct bi_tls_material *material)
{
    if (material->is_server && material->trust.names != NULL) {
        STACK_OF(X509_NAME) *names = SSL_dup_CA_list(material->trust.names);
        SSL_CTX_set_client_CA_list(ctx, names);
        return names != NULL;
    }
    return true;
}

bool bi_tls_use_verification(SSL_CTX *ctx, const struct bi_tls_material *material)
{
    static const int modes[] = {
        [BI_TLS_UNVERIFIED] = SSL_VERIFY_NONE,
        [BI_TLS_VERIFIED_IF_SENT] = SSL_VERIFY_PEER,
        [BI_TLS_VERIFIED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_verify(ctx, modes[material->verification], NULL);
    SSL_CTX_set_verify_depth(ctx, LONGEST_CHAIN);
    SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
    if (material->trust.store != NULL) {
        SSL_CTX_set1_cert_store(ctx, material->trust.store);
    }
    return use_names(ctx, material);
}

bool bi_tls_is_verifying(const SSL *ssl)
{
    return (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
}

/* ------------------------------------------------------------------------------ after the handshake */

static struct bight_failure *check_certificate(SSL *ssl, X509 *certificate)
{
    if (SSL_get_verify_result(ssl) != X509_V_OK) {
        return bight_failure_new(BIGHT_E_NOT_VERIFIED, 0, NULL, "the peer's certificate was not verified: %s",
            X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
    }
    return SSL_is_server(ssl) || has_expected_name(ssl, certificate) ? NULL : wrong_name(ssl, certificate);
}

struct bight_failure *bi_tls_check(SSL *ssl)
{
    const int needed = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    if (!bi_tls_is_verifying(ssl)) {
        return NULL;
    }
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate != NULL) {
        return check_certificate(ssl, certificate);
    }
    return (SSL_get_verify_mode(ssl) & needed) == needed
               ? bight_failure_new(BIGHT_E_NOT_VERIFIED, 0, NULL, "the peer has no certificate")
               : NULL;
}
