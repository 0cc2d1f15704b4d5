/* SPDX-License-Identifier: MIT */
/* ca.c - a certification authority for tests: keys, certificates and lists of revoked ones, made in memory.
 *
 * Anything that OpenSSL refuses here is want of memory or a mistake in a test, so there is one kind of failure: NULL.
 */
#include <bight/testing/ca.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bight/memory.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/options.h"

enum { DAY = 24 * 60 * 60, HOUR = 60 * 60, NAMES_SIZE = 2048 };

struct bight_testing_ca {
    struct bight_testing_ca *issuer;
    X509 *certificate;
    EVP_PKEY *key;
    X509_CRL *revoked;
    char *pem, *crl;
};

struct issued {
    struct bight_testing_certificate texts;
    X509 *certificate;
    EVP_PKEY *key;
};

/* ---------------------------------------------------------------------------------------------- PEM */

/* What was written to the memory `bio` (freed) as a string of ours. */
static char *take_text(BIO *bio, bool is_good)
{
    char *data = NULL;
    long size = bio == NULL ? 0 : BIO_get_mem_data(bio, &data);
    char *text = is_good && bio != NULL ? bight_strndup(data == NULL ? "" : data, (size_t)size) : NULL;
    BIO_free(bio);
    return text;
}

static bool put_certificate(BIO *bio, X509 *certificate)
{
    return bio != NULL && PEM_write_bio_X509(bio, certificate) == 1;
}

static bool put_key(BIO *bio, EVP_PKEY *key)
{
    return bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1;
}

static bool put_chain(BIO *bio, const struct bight_testing_ca *ca)
{
    bool is_good = bio != NULL;
    for (; is_good && ca != NULL && ca->issuer != NULL; ca = ca->issuer) {
        is_good = put_certificate(bio, ca->certificate);
    }
    return is_good;
}

/* --------------------------------------------------------------------------------------- certificates */

static EVP_PKEY *make_key(enum bight_testing_key kind)
{
    return kind == BIGHT_TESTING_RSA ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                     : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_good;
}

/* "a.example,192.0.2.1" is "DNS:a.example,IP:192.0.2.1" to OpenSSL. */
static bool write_names(char *out, size_t size, const char *names)
{
    size_t used = 0;
    out[0] = '\0';
    while (*names != '\0') {
        char name[256];
        unsigned char address[16];
        size_t length = strcspn(names, ",");
        (void)snprintf(name, sizeof name, "%.*s", (int)length, names);
        bool is_address = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s:%s", used > 0 ? "," : "", is_address ? "IP" : "DNS", name);
        if (used >= size) {
            return false;
        }
        names += length + (names[length] == ',' ? 1 : 0);
    }
    return true;
}

static bool add_names(X509 *certificate, const char *names)
{
    char text[NAMES_SIZE];
    if (*names == '\0') {
        return true;
    }
    return write_names(text, sizeof text, names) && add_extension(certificate, certificate, NID_subject_alt_name, text);
}

static bool set_serial(X509 *certificate)
{
    uint64_t serial = 0;
    return RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1;
}

static bool set_subject(X509 *certificate, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool set_time(X509 *certificate, double begins, double ends)
{
    time_t now = time(NULL);
    return ASN1_TIME_set(X509_getm_notBefore(certificate), now + (time_t)begins) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), now + (time_t)ends) != NULL;
}

/* All but what it may be used for. `ca` NULL: self-signed. */
static X509 *begin_certificate(
    const struct bight_testing_ca *ca, EVP_PKEY *key, const char *name, double begins, double ends)
{
    X509 *certificate = X509_new();
    bool is_good = certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                   set_serial(certificate) && set_subject(certificate, name) && set_time(certificate, begins, ends) &&
                   X509_set_pubkey(certificate, key) == 1;
    X509 *issuer = ca == NULL ? certificate : ca->certificate;
    if (is_good && X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
        add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
        add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always")) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

/* ------------------------------------------------------------------------------------------- a CA */

static bool make_ca_certificate(struct bight_testing_ca *ca, const char *name)
{
    struct bight_testing_ca *issuer = ca->issuer;
    ca->certificate = begin_certificate(issuer, ca->key, name, -2 * HOUR, 10 * DAY);
    return ca->certificate != NULL &&
           add_extension(ca->certificate, ca->certificate, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(ca->certificate, ca->certificate, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           X509_sign(ca->certificate, issuer == NULL ? ca->key : issuer->key, EVP_sha256()) > 0;
}

static bool begin_ca(struct bight_testing_ca *ca, const char *name)
{
    ca->key = make_key(BIGHT_TESTING_P256);
    ca->revoked = X509_CRL_new();
    if (ca->key == NULL || ca->revoked == NULL || !make_ca_certificate(ca, name)) {
        return false;
    }
    BIO *bio = BIO_new(BIO_s_mem());
    ca->pem = take_text(bio, put_certificate(bio, ca->certificate));
    return ca->pem != NULL && X509_CRL_set_version(ca->revoked, X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(ca->revoked, X509_get_subject_name(ca->certificate)) == 1;
}

struct bight_testing_ca *bight_testing_ca_new(const char *name, struct bight_testing_ca *issuer)
{
    struct bight_testing_ca *ca = bight_calloc(1, sizeof *ca);
    if (ca == NULL) {
        return NULL;
    }
    ca->issuer = issuer;
    if (!begin_ca(ca, name)) {
        ERR_clear_error();
        bight_testing_ca_free(ca);
        return NULL;
    }
    return ca;
}

void bight_testing_ca_free(struct bight_testing_ca *ca)
{
    if (ca == NULL) {
        return;
    }
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    X509_CRL_free(ca->revoked);
    bight_free(ca->pem);
    bight_free(ca->crl);
    bight_free(ca);
}

const char *bight_testing_ca_pem(const struct bight_testing_ca *ca)
{
    return ca->pem;
}

/* ------------------------------------------------------------------------------------ what it issues */

static bool add_usage(X509 *certificate, enum bight_testing_usage usage)
{
    static const char *const usages[] = {
        [BIGHT_TESTING_ANY] = "serverAuth,clientAuth",
        [BIGHT_TESTING_SERVER] = "serverAuth",
        [BIGHT_TESTING_CLIENT] = "clientAuth",
    };
    return add_extension(certificate, certificate, NID_ext_key_usage, usages[usage]) &&
           add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:FALSE");
}

static X509 *make_certificate(
    const struct bight_testing_ca *ca, EVP_PKEY *key, const struct bight_testing_certificate_options *options)
{
    X509 *certificate = begin_certificate(
        ca, key, options->subject == NULL ? "test" : options->subject, options->begins, options->ends);
    if (certificate != NULL && add_usage(certificate, options->usage) && add_names(certificate, options->names) &&
        X509_sign(certificate, ca == NULL ? key : ca->key, EVP_sha256()) > 0) {
        return certificate;
    }
    X509_free(certificate);
    return NULL;
}

static bool write_texts(struct issued *issued, const struct bight_testing_ca *ca)
{
    X509 *certificate = issued->certificate;
    BIO *bio = BIO_new(BIO_s_mem());
    issued->texts.certificate = take_text(bio, put_certificate(bio, certificate));
    bio = BIO_new(BIO_s_mem());
    issued->texts.key = take_text(bio, put_key(bio, issued->key));
    bio = BIO_new(BIO_s_mem());
    issued->texts.chain = take_text(bio, put_chain(bio, ca));
    bio = BIO_new(BIO_s_mem());
    bool is_whole = put_certificate(bio, certificate) && put_chain(bio, ca) && put_key(bio, issued->key);
    issued->texts.all = take_text(bio, is_whole);
    return issued->texts.certificate != NULL && issued->texts.key != NULL && issued->texts.chain != NULL &&
           issued->texts.all != NULL;
}

static bool issue(
    struct issued *issued, const struct bight_testing_ca *ca, const struct bight_testing_certificate_options *options)
{
    issued->key = make_key(options->key);
    issued->certificate = issued->key == NULL ? NULL : make_certificate(ca, issued->key, options);
    return issued->certificate != NULL && write_texts(issued, ca);
}

const struct bight_testing_certificate *bight_testing_certificate_new(
    struct bight_testing_ca *ca, const struct bight_testing_certificate_options *options)
{
    struct bight_testing_certificate_options known;
    bi_take_options(&known, sizeof known, options);
    known.names = known.names == NULL ? "localhost,127.0.0.1,::1" : known.names;
    if (known.begins == 0 && known.ends == 0) {
        known.begins = -HOUR;
        known.ends = DAY;
    }
    struct issued *issued = bight_calloc(1, sizeof *issued);
    if (issued == NULL) {
        return NULL;
    }
    if (!issue(issued, ca, &known)) {
        ERR_clear_error();
        bight_testing_certificate_free(&issued->texts);
        return NULL;
    }
    return &issued->texts;
}

void bight_testing_certificate_free(const struct bight_testing_certificate *certificate)
{
    struct issued *issued = (struct issued *)(uintptr_t)certificate;
    if (issued == NULL) {
        return;
    }
    X509_free(issued->certificate);
    EVP_PKEY_free(issued->key);
    bight_free((char *)(uintptr_t)issued->texts.certificate);
    bight_free((char *)(uintptr_t)issued->texts.key);
    bight_free((char *)(uintptr_t)issued->texts.chain);
    bight_free((char *)(uintptr_t)issued->texts.all);
    bight_free(issued);
}

/* ----------------------------------------------------------------------------------------- revoking */

static bool add_revoked(X509_CRL *crl, X509 *certificate)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));
    bool is_good = entry != NULL && now != NULL &&
                   X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate)) == 1 &&
                   X509_REVOKED_set_revocationDate(entry, now) == 1 && X509_CRL_add0_revoked(crl, entry) == 1;
    if (!is_good) {
        X509_REVOKED_free(entry);
    }
    ASN1_TIME_free(now);
    return is_good;
}

int bight_testing_ca_revoke(struct bight_testing_ca *ca, const struct bight_testing_certificate *certificate)
{
    const struct issued *issued = (const struct issued *)(const void *)certificate;
    bool is_good = add_revoked(ca->revoked, issued->certificate);
    ERR_clear_error();
    return is_good ? BIGHT_OK : BIGHT_E_OUT_OF_MEMORY;
}

static bool sign_list(struct bight_testing_ca *ca)
{
    ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) - HOUR), *to = ASN1_TIME_set(NULL, time(NULL) + DAY);
    bool is_good = from != NULL && to != NULL && X509_CRL_set1_lastUpdate(ca->revoked, from) == 1 &&
                   X509_CRL_set1_nextUpdate(ca->revoked, to) == 1 && X509_CRL_sort(ca->revoked) == 1 &&
                   X509_CRL_sign(ca->revoked, ca->key, EVP_sha256()) > 0;
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    return is_good;
}

const char *bight_testing_ca_crl(struct bight_testing_ca *ca)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_good = bio != NULL && sign_list(ca) && PEM_write_bio_X509_CRL(bio, ca->revoked) == 1;
    bight_free(ca->crl);
    ca->crl = take_text(bio, is_good);
    ERR_clear_error();
    return ca->crl;
}
