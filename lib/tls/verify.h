/* SPDX-License-Identifier: MIT */
/* verify.h - who the peer is: its chain, and its name. */
#ifndef BI_TLS_VERIFY_H
#define BI_TLS_VERIFY_H

#include <openssl/ssl.h>

#include "tls/settings.h"

/* What a context verifies. */
void bi_tls_use_verification(SSL_CTX *ctx, enum bi_tls_verification verification);

/* Whom a session is for. 0 or a code. */
int bi_tls_expect(SSL *ssl, const char *name);

#endif
