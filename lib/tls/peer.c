/* SPDX-License-Identifier: MIT */
/* peer.c - a certificate taken apart for programs: one block with all that they may want to know.
 *
 * What it holds is measured first and then written behind the struct. A peer chooses all of it, so names that could not
 * be a host's are left out, and only so many of the others are taken. */
#include "tls/peer.h"

#include <string.h>

#include <bight/log.h>
#include <bight/memory.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/text.h"
#include "tls/certificate.h"

enum { MAX_NAMES = 1000, SUBJECT_SIZE = 1024, SERIAL_SIZE = 64 };

/* --------------------------------------------------------------------------------------- its parts */

struct parts {
    char subject[SUBJECT_SIZE]; /* cut when it is longer */
    char serial[SERIAL_SIZE];
    size_t name_count, names_size; /* with their NULs */
    size_t der_size;
};

/* As a host name or address is written; a wildcard is one. */
static bool is_plain(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] > '~') {
            return false;
        }
    }
    return size > 0 && size < BI_TLS_NAME_SIZE;
}

static bool measure_name(void *context, const char *name, size_t size)
{
    struct parts *parts = context;
    if (is_plain(name, size)) {
        parts->name_count++;
        parts->names_size += size + 1;
    }
    return parts->name_count < MAX_NAMES;
}

static bool read_subject(struct parts *parts, const X509 *certificate)
{
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_good = bio != NULL && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0;
    if (is_good) {
        long size = BIO_get_mem_data(bio, &text);
        (void)bight_escape(text, size > 0 ? (size_t)size : 0, parts->subject, sizeof parts->subject);
    }
    BIO_free(bio);
    return is_good;
}

/* RFC 5280, 4.1.2.2: at most 20 bytes; of more only the first digits are told. */
static bool read_serial(struct parts *parts, const X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *digits = number == NULL ? NULL : BN_bn2hex(number);
    struct bi_text text = { parts->serial, sizeof parts->serial, 0 };
    bi_text_append_string(&text, digits == NULL ? "" : digits);
    bi_text_end(&text);
    OPENSSL_free(digits);
    BN_free(number);
    return digits != NULL;
}

static bool read_parts(struct parts *parts, const X509 *certificate)
{
    int der_size = i2d_X509(certificate, NULL);
    parts->der_size = der_size > 0 ? (size_t)der_size : 0;
    (void)bi_tls_each_name(certificate, measure_name, parts); /* a SAN that is none: no names */
    return der_size > 0 && read_subject(parts, certificate) && read_serial(parts, certificate);
}

/* --------------------------------------------------------------------------------------- together */

struct writing {
    struct bight_tls_certificate *facts;
    const char **names;
    uint8_t *at;
};

/* Copies it to where the next will stand behind it. */
static void *put(struct writing *writing, const void *data, size_t size)
{
    void *copy = memcpy(writing->at, data, size);
    writing->at += size;
    return copy;
}

static bool put_name(void *context, const char *name, size_t size)
{
    struct writing *writing = context;
    if (is_plain(name, size)) {
        writing->names[writing->facts->name_count++] = put(writing, name, size);
        *writing->at++ = '\0';
    }
    return writing->facts->name_count < MAX_NAMES;
}

static bool write_facts(struct writing *writing, const struct parts *parts, const X509 *certificate)
{
    struct bight_tls_certificate *facts = writing->facts;
    facts->names = writing->names;
    if (parts->name_count > 0 && !bi_tls_each_name(certificate, put_name, writing)) {
        return false; /* it was good a moment ago */
    }
    facts->subject = put(writing, parts->subject, strlen(parts->subject) + 1);
    facts->serial = put(writing, parts->serial, strlen(parts->serial) + 1);
    facts->not_before = bi_tls_seconds_of(X509_get0_notBefore(certificate));
    facts->not_after = bi_tls_seconds_of(X509_get0_notAfter(certificate));
    facts->der = writing->at;
    facts->der_size = parts->der_size;
    return i2d_X509(certificate, &writing->at) == (int)parts->der_size &&
           EVP_Digest(facts->der, facts->der_size, facts->sha256, NULL, EVP_sha256(), NULL) == 1;
}

static struct bight_tls_certificate *describe(const X509 *certificate)
{
    struct parts parts = { .name_count = 0 };
    if (!read_parts(&parts, certificate)) {
        return NULL;
    }
    size_t pointers = parts.name_count * sizeof(char *);
    size_t texts = parts.names_size + strlen(parts.subject) + strlen(parts.serial) + 2;
    struct bight_tls_certificate *facts = bight_calloc(1, sizeof *facts + pointers + texts + parts.der_size);
    if (facts == NULL) {
        return NULL;
    }
    const char **names = (const char **)(void *)(facts + 1);
    struct writing writing = { facts, names, (uint8_t *)(names + parts.name_count) };
    if (!write_facts(&writing, &parts, certificate)) {
        bight_free(facts);
        return NULL;
    }
    return facts;
}

struct bight_tls_certificate *bi_tls_describe_certificate(const X509 *certificate)
{
    struct bight_tls_certificate *facts = describe(certificate);
    if (ERR_peek_error() != 0) {
        ERR_clear_error();
    }
    return facts;
}
