/* SPDX-License-Identifier: MIT */
/* sessions.h - the sessions that a client keeps, to resume them with the next connection to the same server. */
#ifndef BI_TLS_SESSIONS_H
#define BI_TLS_SESSIONS_H

#include <bight/macros.h>

#include <openssl/ssl.h>

#include "tls/errors.h"

struct bi_tls_sessions;

/* NULL: a problem was added. */
struct bi_tls_sessions *bi_tls_sessions_new(struct bi_tls_problems *problems);
void bi_tls_sessions_free(struct bi_tls_sessions *sessions); /* NULL is allowed */

void bi_tls_sessions_use(SSL_CTX *ctx);

/* For a session with `name` at `port`: offers what is kept of them, and keeps what results from it. Want of memory
 * means a full handshake and nothing else. */
void bi_tls_sessions_offer(SSL *ssl, const char *name, uint16_t port);

#endif
