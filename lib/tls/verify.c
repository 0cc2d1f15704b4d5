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
#include "tls/errors.h"

enum { LONGEST_CHAIN = 10, NAMES_TOLD = 8, NAME_SIZE = 256, WORDS_SIZE = 768 };

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
    char host[NAME_SIZE];
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
    char escaped[NAME_SIZE];
    (void)bight_escape(data, size, escaped, sizeof escaped);
    say(text, escaped);
}

static bool say_name(struct bi_text *text, const GENERAL_NAME *name)
{
    if (name->type == GEN_DNS) {
        say_escaped(text, ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        char address[INET6_ADDRSTRLEN] = "an address of no kind";
        int size = ASN1_STRING_length(name->d.iPAddress);
        (void)(size == 4 || size == 16 ? inet_ntop(size == 4 ? AF_INET : AF_INET6,
                                             ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof address)
                                       : NULL);
        say(text, address);
    }
    return name->type == GEN_DNS || name->type == GEN_IPADD;
}

/* "a.example, 192.0.2.1 and more". */
static void say_names(struct bi_text *text, const X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    int told = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS && name->type != GEN_IPADD) {
            continue;
        }
        if (told == NAMES_TOLD) {
            say(text, " and more");
            break;
        }
        say(text, told++ > 0 ? ", " : "");
        (void)say_name(text, name);
    }
    say(text, told == 0 ? "no name at all" : "");
    GENERAL_NAMES_free(names);
    ERR_clear_error();
}

static struct bight_failure *wrong_name(SSL *ssl, const X509 *certificate)
{
    char names[WORDS_SIZE];
    struct bi_text text = { names, sizeof names, 0 };
    char *address = X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(ssl));
    const char *host = X509_VERIFY_PARAM_get0_host(SSL_get0_param(ssl), 0);
    say_names(&text, certificate);
    bi_text_end(&text);
    struct bight_failure *failure = bight_failure_new(BIGHT_E_WRONG_NAME, 0, NULL,
        "the peer's certificate is not for %s, but for %s", host != NULL ? host : address, names);
    OPENSSL_free(address);
    return failure;
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

static int verify(X509_STORE_CTX *store, void *context)
{
    (void)context;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    if (!bi_tls_is_verifying(ssl)) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION); /* nobody shall take it for verified */
        return 1;
    }
    if (X509_verify_cert(store) == 1 && X509_STORE_CTX_get_error(store) == X509_V_OK) {
        return 1;
    }
    if (X509_STORE_CTX_get_error(store) == X509_V_OK) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
    }
    bi_tls_set_failure(ssl, explain(ssl, store));
    return 0;
}

void bi_tls_use_verification(SSL_CTX *ctx, enum bi_tls_verification verification)
{
    static const int modes[] = {
        [BI_TLS_UNVERIFIED] = SSL_VERIFY_NONE,
        [BI_TLS_VERIFIED_IF_SENT] = SSL_VERIFY_PEER,
        [BI_TLS_VERIFIED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_verify(ctx, modes[verification], NULL);
    SSL_CTX_set_verify_depth(ctx, LONGEST_CHAIN);
    SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
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
