/* SPDX-License-Identifier: MIT */
/* identity.h - a certificate of one's own with its key and chain. */
#ifndef BI_TLS_IDENTITY_H
#define BI_TLS_IDENTITY_H

#include <bight/tls.h>

#include <openssl/ssl.h>

#include "tls/errors.h"

/* Gives it to `ctx`. False: problems were added, all that there are. */
bool bi_tls_use_identity(SSL_CTX *ctx, const struct bight_tls_identity *identity, struct bi_tls_problems *problems);

#endif
