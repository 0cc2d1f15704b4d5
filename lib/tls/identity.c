/* SPDX-License-Identifier: MIT */
/* identity.c - a certificate of one's own: read with its chain and its key, and looked at for what is usually wrong.
 *
 * Everything is read before anything is judged, so that all mistakes are reported at once. Reading PEM is
 * source.c's. */
#include "tls/identity.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "tls/certificate.h"
#include "tls/defaults.h"
#include "tls/source.h"

enum { FILE_LIMIT = 1 << 20, MAX_CERTIFICATES = 32 };

struct parts {
    struct bi_tls_text certificate, key, chain;
    STACK_OF(X509) * certificates; /* the first is one's own */
    EVP_PKEY *private_key;
    bool is_without_password; /* one was asked for, and there is none */
};

/* ------------------------------------------------------------------------------------------ the key */

struct password {
    const struct bight_tls_identity *identity;
    bool is_missing;
};

static int ask_password(char *buffer, int size, int is_writing, void *context)
{
    (void)is_writing;
    struct password *password = context;
    const struct bight_tls_identity *identity = password->identity;
    int length = identity->password == NULL ? -1 : identity->password(buffer, (size_t)size, identity->password_context);
    password->is_missing = length < 0;
    return length > size ? -1 : length;
}

static bool has_no_key(void)
{
    unsigned long error = ERR_peek_last_error();
    return bi_tls_is_at_end_of_pem() ||
           (ERR_GET_LIB(error) == ERR_LIB_OSSL_DECODER && ERR_GET_REASON(error) == ERR_R_UNSUPPORTED);
}

static struct bight_failure *explain_key(const struct bi_tls_text *text, const struct password *password, bool is_own)
{
    const int code = BIGHT_E_UNUSABLE_CERTIFICATE;
    if (password->is_missing) {
        ERR_clear_error();
        return bight_failure_new(
            code, 0, NULL, "%s: the key is encrypted, and there is no password for it", text->name);
    }
    if (has_no_key()) {
        return bi_tls_take_errors(
            code, "%s: there is no private key in it%s", text->name, is_own ? "" : " (is it in a file of its own?)");
    }
    return bi_tls_take_errors(code, "%s: the private key cannot be used", text->name);
}

static void read_key(struct parts *parts, const struct bight_tls_identity *identity, struct bi_tls_problems *problems)
{
    bool is_own = bi_pem_is_given(&identity->key);
    const struct bi_tls_text *text = is_own ? &parts->key : &parts->certificate;
    struct password password = { .identity = identity };
    BIO *bio = bi_tls_text_open(text);
    if (bio != NULL) {
        parts->private_key = PEM_read_bio_PrivateKey(bio, NULL, ask_password, &password);
    }
    if (parts->private_key == NULL) {
        bi_tls_add_problem(problems, explain_key(text, &password, is_own));
    }
    BIO_free(bio);
    ERR_clear_error(); /* what was in the file before the key */
}

/* -------------------------------------------------------------------------------- the certificates */

static void read_certificates(struct parts *parts, struct bi_tls_problems *problems)
{
    parts->certificates = sk_X509_new_null();
    if (parts->certificates == NULL) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_OUT_OF_MEMORY, "%s", parts->certificate.name));
        return;
    }
    if (bi_tls_text_certificates(&parts->certificate, parts->certificates, MAX_CERTIFICATES, problems) &&
        sk_X509_num(parts->certificates) == 0) {
        bi_tls_add_problem(problems,
            bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                "%s: there is no certificate in it (it must be PEM, with BEGIN CERTIFICATE)", parts->certificate.name));
    }
}

static void read_chain(struct parts *parts, struct bi_tls_problems *problems)
{
    int before = sk_X509_num(parts->certificates);
    if (bi_tls_text_certificates(&parts->chain, parts->certificates, MAX_CERTIFICATES, problems) &&
        sk_X509_num(parts->certificates) == before) {
        bi_tls_add_problem(problems, bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                                         "%s: there is no certificate in it", parts->chain.name));
    }
}

/* --------------------------------------------------------------------------------------- together */

static void warn_of_time(const struct parts *parts)
{
    const X509 *certificate = sk_X509_value(parts->certificates, 0);
    const char *name = parts->certificate.name;
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
        bight_log(BIGHT_LOG_WARNING, "tls", NULL, "%s: the certificate has expired", name);
    } else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
        bight_log(BIGHT_LOG_WARNING, "tls", NULL, "%s: the certificate is not valid yet", name);
    }
}

static int key_is_of(const struct parts *parts)
{
    for (int i = 0; i < sk_X509_num(parts->certificates); i++) {
        if (X509_check_private_key(sk_X509_value(parts->certificates, i), parts->private_key) == 1) {
            return i;
        }
    }
    return -1;
}

static struct bight_failure *explain_mismatch(const struct parts *parts, const struct bight_tls_identity *identity)
{
    const char *certificate = parts->certificate.name;
    int index = key_is_of(parts);
    if (bi_tls_clear_errors()) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    if (index > 0) {
        return bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
            "%s: the key is that of certificate number %d, which must come first", certificate, index + 1);
    }
    return bight_failure_new(BIGHT_E_CERTIFICATE_MISMATCH, 0, NULL,
        "%s: certificate and key%s%s do not belong together", certificate,
        bi_pem_is_given(&identity->key) ? " in " : "", bi_pem_is_given(&identity->key) ? parts->key.name : "");
}

static bool belong_together(
    struct parts *parts, const struct bight_tls_identity *identity, struct bi_tls_problems *problems)
{
    if (X509_check_private_key(sk_X509_value(parts->certificates, 0), parts->private_key) == 1) {
        return true;
    }
    bi_tls_add_problem(problems, explain_mismatch(parts, identity));
    return false;
}

/* A key that others know is no secret any more, and one that they may write is theirs. */
static void check_secrecy(const struct bi_tls_text *text, struct bi_tls_problems *problems)
{
    if (text->file.others_may_write) {
        bi_tls_add_problem(
            problems, bight_failure_new(BIGHT_E_UNUSABLE_CERTIFICATE, 0, NULL,
                          "%s: everybody may write to the file of the key (chmod o-rwx helps)", text->name));
    } else if (text->file.others_may_read) {
        bight_log(BIGHT_LOG_WARNING, "tls", NULL, "everybody may read the file of the key, %s (chmod o-rwx helps)",
            text->name);
    }
}

static void read_parts(struct parts *parts, const struct bight_tls_identity *identity, struct bi_tls_problems *problems)
{
    bool has_certificate =
        bi_tls_text_read(&parts->certificate, &identity->certificate, "certificate", FILE_LIMIT, problems);
    bool has_key = bi_tls_text_read(&parts->key, &identity->key, "key", FILE_LIMIT, problems);
    bool has_chain = bi_tls_text_read(&parts->chain, &identity->chain, "chain", FILE_LIMIT, problems);
    if (has_certificate) {
        read_certificates(parts, problems);
    }
    if (has_key && (has_certificate || bi_pem_is_given(&identity->key))) {
        read_key(parts, identity, problems);
    }
    if (parts->certificates != NULL && has_chain && bi_pem_is_given(&identity->chain)) {
        read_chain(parts, problems);
    }
}

static void finish_parts(struct parts *parts)
{
    sk_X509_pop_free(parts->certificates, X509_free);
    EVP_PKEY_free(parts->private_key);
    bi_tls_text_finish(&parts->certificate);
    bi_tls_text_finish(&parts->key);
    bi_tls_text_finish(&parts->chain);
}

/* ------------------------------------------------------------------------------------- the identity */

/* Takes what is in `parts`. */
static struct bi_tls_identity *make(struct parts *parts, struct bi_tls_problems *problems)
{
    struct bi_tls_identity *identity = bight_calloc(1, sizeof *identity);
    if (identity == NULL) {
        bi_tls_add_problem(problems, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return NULL;
    }
    atomic_init(&identity->holds, 1);
    identity->own = sk_X509_shift(parts->certificates);
    if (sk_X509_num(parts->certificates) > 0) {
        identity->chain = parts->certificates;
        parts->certificates = NULL;
    }
    identity->key = parts->private_key;
    parts->private_key = NULL;
    if (!bi_tls_digest_names(identity->own, identity->names)) {
        bi_tls_add_problem(problems,
            bi_tls_take_errors(BIGHT_E_UNUSABLE_CERTIFICATE, "%s: its names cannot be read", parts->certificate.name));
        bi_tls_identity_release(identity);
        return NULL;
    }
    return identity;
}

struct bi_tls_identity *bi_tls_identity_load(
    const struct bight_tls_identity *identity, SSL_CTX *trial, struct bi_tls_problems *problems)
{
    struct parts parts = { .certificates = NULL };
    struct bi_tls_identity *made = NULL;
    size_t before = problems->count;
    ERR_clear_error();
    read_parts(&parts, identity, problems);
    check_secrecy(bi_pem_is_given(&identity->key) ? &parts.key : &parts.certificate, problems);
    if (problems->count == before && belong_together(&parts, identity, problems)) {
        warn_of_time(&parts);
        made = make(&parts, problems);
    }
    if (made != NULL && !bi_tls_identity_give(trial, made)) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_UNUSABLE_CERTIFICATE, "%s", parts.certificate.name));
        bi_tls_identity_release(made);
        made = NULL;
    }
    finish_parts(&parts);
    return made;
}

struct bi_tls_identity *bi_tls_identity_hold(struct bi_tls_identity *identity)
{
    atomic_fetch_add_explicit(&identity->holds, 1, memory_order_relaxed);
    return identity;
}

void bi_tls_identity_release(struct bi_tls_identity *identity)
{
    if (identity == NULL || atomic_fetch_sub_explicit(&identity->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    X509_free(identity->own);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    bight_free(identity);
}

bool bi_tls_identity_give(SSL_CTX *ctx, const struct bi_tls_identity *identity)
{
    return SSL_CTX_use_cert_and_key(ctx, identity->own, identity->key, identity->chain, 1) == 1;
}

bool bi_tls_identity_use(SSL *ssl, const struct bi_tls_identity *identity)
{
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, identity->own, identity->key, identity->chain, 1) == 1;
}

SSL_CTX *bi_tls_trial_new(struct bi_tls_problems *problems)
{
    SSL_CTX *trial = SSL_CTX_new(TLS_method());
    if (trial == NULL) {
        bi_tls_add_problem(problems, bi_tls_take_errors(BIGHT_E_TLS, "OpenSSL cannot be set up"));
        return NULL;
    }
    bi_tls_use_security(trial);
    return trial;
}
