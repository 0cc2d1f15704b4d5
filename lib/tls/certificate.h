/* SPDX-License-Identifier: MIT */
/* certificate.h - what a certificate says: the names it is for. */
#ifndef BI_TLS_CERTIFICATE_H
#define BI_TLS_CERTIFICATE_H

#include <bight/macros.h>

#include <openssl/x509.h>

enum { BI_TLS_NAME_SIZE = 256 };

/* Calls see(context, name, size) for each name in the certificate's SAN that is a host's or an address's (as text), in
 * order, until that returns false. Host names are as they stand there: any bytes. False: want of memory, or a SAN that
 * is none; OpenSSL's queue tells. */
typedef bool (*bi_tls_see_name)(void *context, const char *name, size_t size);
bool bi_tls_each_name(const X509 *certificate, bi_tls_see_name see, void *context);

/* Into `digest`, of 32 bytes: SHA-256 over them all. */
bool bi_tls_digest_names(const X509 *certificate, uint8_t *digest);

/* In seconds since 1970; out of range: 0. */
int64_t bi_tls_seconds_of(const ASN1_TIME *time);

#endif
