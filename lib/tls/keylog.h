/* SPDX-License-Identifier: MIT */
/* keylog.h - the file to which the secrets of sessions are written, for debugging. */
#ifndef BI_TLS_KEYLOG_H
#define BI_TLS_KEYLOG_H

#include <openssl/ssl.h>

#include "tls/errors.h"

/* Its descriptor; -1: `path` is NULL, or a problem was added. */
int bi_tls_keylog_open(const char *path, struct bi_tls_problems *problems);
void bi_tls_keylog_use(SSL_CTX *ctx);

#endif
