/* SPDX-License-Identifier: MIT */
/* trust.h - whom one trusts: what the system trusts, or certificates of one's own choice. */
#ifndef BI_TLS_TRUST_H
#define BI_TLS_TRUST_H

#include <bight/tls.h>

#include <openssl/x509.h>

#include "tls/errors.h"

/* The certificates in `ca`, or what the system trusts when it is not given. NULL: problems were added. A hold is the
 * caller's. */
X509_STORE *bi_tls_trust(const struct bight_pem *ca, struct bi_tls_problems *problems);

#endif
