/* SPDX-License-Identifier: MIT */
/* self_signed.c - a certificate that has signed itself, for trying things out: only a peer that is configured to trusts
 * it. Those that are read, and what is made of them, are in identity.c and material.c. */
#include <bight/tls.h>

#include <string.h>
#include <time.h>

#include <bight/address.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/report.h"
#include "base/text.h"
#include "tls/errors.h"

enum { DAY = 24 * 60 * 60, NAMES_SIZE = 8192 };

static bool is_name(const char *name)
{
    static const char of_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*:";
    size_t size = strlen(name);
    return size > 0 && size < 254 && name[strspn(name, of_names)] == '\0';
}

/* "DNS:localhost,IP:127.0.0.1" */
static bool write_names(const char *const *names, size_t count, char *buffer, size_t size)
{
    struct bi_text text = { buffer, size, 0 };
    for (size_t i = 0; i < count; i++) {
        struct bight_address address;
        bool is_address = bight_address_parse_ip(&address, names[i], 0) == 0;
        bi_text_append_string(&text, i > 0 ? "," : "");
        bi_text_append_string(&text, is_address ? "IP:" : "DNS:");
        bi_text_append_string(&text, names[i]);
    }
    (void)bi_text_end(&text);
    return text.needed < size;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

static bool set_facts(X509 *certificate, EVP_PKEY *key, const char *name, unsigned days)
{
    uint64_t serial = 0;
    time_t now = time(NULL);
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 &&
           RAND_bytes((unsigned char *)&serial, sizeof serial) == 1 &&
           ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1) == 1 &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), now - DAY) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), now + (time_t)days * DAY) != NULL &&
           X509_set_pubkey(certificate, key) == 1;
}

/* NULL: OpenSSL's queue says why. A common name has 64 characters at most, and is not checked. */
static X509 *make(EVP_PKEY *key, const char *names, const char *first, unsigned days)
{
    X509 *certificate = X509_new();
    bool is_made = certificate != NULL && set_facts(certificate, key, strlen(first) <= 64 ? first : "bight", days) &&
                   add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
                   add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
                   add_extension(certificate, NID_subject_alt_name, names) &&
                   X509_sign(certificate, key, EVP_sha256()) > 0;
    if (!is_made) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static struct bight_bytes *write_both(EVP_PKEY *key, X509 *certificate)
{
    char *data;
    struct bight_bytes *bytes = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (bio != NULL && PEM_write_bio_X509(bio, certificate) == 1 &&
        PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long size = BIO_get_mem_data(bio, &data);
        bytes = bight_bytes_new(data, (size_t)size);
    }
    BIO_free(bio);
    return bytes;
}

/* What is wrong with the names; NULL: nothing, and `texts` is what the certificate says of them. */
static struct bight_failure *refuse(const char *const *names, size_t count, char texts[NAMES_SIZE])
{
    for (size_t i = 0; i < count; i++) {
        if (!is_name(names[i])) {
            return bight_failure_new(BIGHT_E_INVALID_ARGUMENT, 0, NULL, "\"%s\" is no host name or address", names[i]);
        }
    }
    if (count > 0 && write_names(names, count, texts, NAMES_SIZE)) {
        return NULL;
    }
    return bight_failure_new(BIGHT_E_INVALID_ARGUMENT, 0, NULL,
        count == 0 ? "a certificate needs a name" : "there are too many names for a certificate");
}

static struct bight_bytes *make_both(const char *texts, const char *first, unsigned days)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *certificate = key == NULL ? NULL : make(key, texts, first, days);
    struct bight_bytes *bytes = certificate == NULL ? NULL : write_both(key, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return bytes;
}

struct bight_bytes *bight_tls_self_signed(
    const char *const *names, size_t count, unsigned days, struct bight_failure **failure)
{
    char texts[NAMES_SIZE];
    struct bight_failure *why = refuse(names, count, texts);
    struct bight_bytes *bytes = why == NULL ? make_both(texts, names[0], days) : NULL;
    if (bytes == NULL && why == NULL) {
        why = bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "a certificate cannot be made");
    }
    bi_failure_tell(failure, why);
    return bytes;
}
