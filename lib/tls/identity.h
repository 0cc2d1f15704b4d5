/* SPDX-License-Identifier: MIT */
/* identity.h - a certificate of one's own with its key and chain: read, counted, immutable. */
#ifndef BI_TLS_IDENTITY_H
#define BI_TLS_IDENTITY_H

#include <bight/tls.h>

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "tls/errors.h"

struct bi_tls_identity {
    atomic_size_t holds;
    X509 *own;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* NULL: there is none, since each session would copy an empty one */
    uint8_t names[32];      /* SHA-256 over those of its certificate */
};

/* NULL: problems were added, all that there are. It is given to `trial`, which is good for nothing else: OpenSSL
 * refuses what is too weak when it is used. */
struct bi_tls_identity *bi_tls_identity_load(
    const struct bight_tls_identity *identity, SSL_CTX *trial, struct bi_tls_problems *problems);

/* NULL: a problem was added. */
SSL_CTX *bi_tls_trial_new(struct bi_tls_problems *problems);
struct bi_tls_identity *bi_tls_identity_hold(struct bi_tls_identity *identity);
void bi_tls_identity_release(struct bi_tls_identity *identity); /* NULL is allowed */

/* For all sessions of a context, beside identities with other kinds of key; or for one session, instead of all others.
 * False: OpenSSL's queue tells why. */
bool bi_tls_identity_give(SSL_CTX *ctx, const struct bi_tls_identity *identity);
bool bi_tls_identity_use(SSL *ssl, const struct bi_tls_identity *identity);

#endif
