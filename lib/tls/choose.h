/* SPDX-License-Identifier: MIT */
/* choose.h - what a server does with a client's first message: which context, which certificate. */
#ifndef BI_TLS_CHOOSE_H
#define BI_TLS_CHOOSE_H

#include <openssl/ssl.h>

struct bi_tls_choice;

void bi_tls_choose_use(SSL_CTX *ctx);

/* The session goes, and does not wait for its choice any longer. NULL is allowed. */
void bi_tls_choice_drop(struct bi_tls_choice *choice);

#endif
