/* SPDX-License-Identifier: MIT */
/* verify.h - the peer's identity: its chain, and its name. */
#ifndef BI_TLS_VERIFY_H
#define BI_TLS_VERIFY_H

#include <bight/macros.h>

#include <openssl/ssl.h>

struct bi_tls_material;

/* Whom a context trusts, and whether it asks. False: want of memory. */
bool bi_tls_use_verification(SSL_CTX *ctx, const struct bi_tls_material *material);

/* Whom a session is for. 0 or a code. */
int bi_tls_expect(SSL *ssl, const char *name);

#endif
