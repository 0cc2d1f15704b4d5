/* SPDX-License-Identifier: MIT */
/* defaults.h - what is spoken: versions, ciphers, groups, and how OpenSSL behaves. */
#ifndef BI_TLS_DEFAULTS_H
#define BI_TLS_DEFAULTS_H

#include <openssl/ssl.h>

#include "tls/settings.h"

/* How weak a key or a signature may be. */
void bi_tls_use_security(SSL_CTX *ctx);

/* Sets all of it, whatever openssl.cnf says. False: OpenSSL's queue tells why. */
bool bi_tls_use_defaults(SSL_CTX *ctx, const struct bi_tls_settings *settings);

#endif
