/* SPDX-License-Identifier: MIT */
/* certificate.c - reading certificates: names, times.
 *
 * Whatever a peer's certificate holds is the peer's choice: names of any bytes and any number. */
#include "tls/certificate.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* -------------------------------------------------------------------------------------------- names */

static bool see_address(const ASN1_OCTET_STRING *bytes, bi_tls_see_name see, void *context)
{
    char text[INET6_ADDRSTRLEN];
    int size = ASN1_STRING_length(bytes);
    if (size != 4 && size != 16) {
        return true;
    }
    (void)inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
    return see(context, text, strlen(text));
}

static bool see_name(const GENERAL_NAME *name, bi_tls_see_name see, void *context)
{
    if (name->type == GEN_IPADD) {
        return see_address(name->d.iPAddress, see, context);
    }
    if (name->type != GEN_DNS) {
        return true;
    }
    const ASN1_IA5STRING *host = name->d.dNSName;
    return see(context, (const char *)ASN1_STRING_get0_data(host), (size_t)ASN1_STRING_length(host));
}

bool bi_tls_each_name(const X509 *certificate, bi_tls_see_name see, void *context)
{
    int critical;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && see_name(sk_GENERAL_NAME_value(names, i), see, context); i++) {
    }
    GENERAL_NAMES_free(names);
    return names != NULL || critical == -1; /* -1: there is none */
}

static bool digest_name(void *context, const char *name, size_t size)
{
    /* With its length, so that no two lists are alike. */
    return EVP_DigestUpdate(context, &size, sizeof size) == 1 && EVP_DigestUpdate(context, name, size) == 1;
}

bool bi_tls_digest_names(const X509 *certificate, uint8_t *digest)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                   bi_tls_each_name(certificate, digest_name, context) &&
                   EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

/* --------------------------------------------------------------------------------------------- times */

int64_t bi_tls_seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}
