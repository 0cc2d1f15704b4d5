/* SPDX-License-Identifier: MIT */
/* alpn.h - which protocol is spoken above TLS (RFC 7301). */
#ifndef BI_TLS_ALPN_H
#define BI_TLS_ALPN_H

#include <openssl/ssl.h>

#include "tls/errors.h"

/* A list of names, each behind a byte with its length, as it is sent. */
struct bi_tls_alpn {
    uint8_t *names; /* NULL: there are none */
    size_t size;
};

/* From "h2,http/1.1"; NULL: none. False: a problem was added. */
bool bi_tls_alpn_parse(struct bi_tls_alpn *alpn, const char *text, struct bi_tls_problems *problems);
void bi_tls_alpn_finish(struct bi_tls_alpn *alpn);

/* False: want of memory. */
bool bi_tls_alpn_use(SSL_CTX *ctx, const struct bi_tls_alpn *alpn, bool is_server);

#endif
