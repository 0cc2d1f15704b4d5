/* SPDX-License-Identifier: MIT */
/* peer.h - what the peer's certificate says, for programs. */
#ifndef BI_TLS_PEER_H
#define BI_TLS_PEER_H

#include <bight/tls.h>

#include <openssl/x509.h>

/* NULL when out of memory. One block, to be freed with bight_free. */
struct bight_tls_certificate *bi_tls_describe_certificate(const X509 *certificate);

#endif
