/* SPDX-License-Identifier: MIT */
/* bio.h - the BIO between OpenSSL and the layers of a reactor. */
#ifndef BI_TLS_BIO_H
#define BI_TLS_BIO_H

#include "tls/hub.h"

/* NULL when out of memory. */
BIO *bi_tls_bio_new(struct bi_tls_hub *hub);

#endif
