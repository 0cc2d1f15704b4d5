/* SPDX-License-Identifier: MIT */
/* trust.h - the trusted authorities, and the revoked certificates. */
#ifndef BI_TLS_TRUST_H
#define BI_TLS_TRUST_H

#include <bight/tls.h>

#include <openssl/x509.h>

#include "tls/errors.h"

enum { BI_TLS_DIGEST_SIZE = 32 };

struct bi_tls_trust {
    X509_STORE *store; /* NULL: none was read */
    STACK_OF(X509_NAME) *
        names; /* of the trusted authorities, sent to clients; NULL: they are too many, or not needed */
    uint8_t digest[BI_TLS_DIGEST_SIZE]; /* SHA-256 of what was read */
};

/* Reads the certificates in `ca` and in the files of `directory`, or, with neither, what the system trusts. False:
 * problems were added. */
bool bi_tls_trust_load(
    struct bi_tls_trust *trust, const struct bight_pem *ca, const char *directory, struct bi_tls_problems *problems);
/* False: want of memory. */
bool bi_tls_trust_copy(struct bi_tls_trust *copy, const struct bi_tls_trust *trust);
void bi_tls_trust_finish(struct bi_tls_trust *trust);

struct bi_tls_revoked {
    STACK_OF(X509_CRL) * lists; /* NULL: none was given */
    uint8_t digest[BI_TLS_DIGEST_SIZE];
};

bool bi_tls_revoked_load(struct bi_tls_revoked *revoked, const struct bight_pem *crl, struct bi_tls_problems *problems);
bool bi_tls_revoked_copy(struct bi_tls_revoked *copy, const struct bi_tls_revoked *revoked);
void bi_tls_revoked_finish(struct bi_tls_revoked *revoked);

#endif
