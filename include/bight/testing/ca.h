/* SPDX-License-Identifier: MIT */
/* bight/testing/ca.h - a certification authority made on the fly, so that a test has certificates of every kind.
 *
 * Good ones, expired ones, for other names, for other uses, self-signed, with a chain, revoked: all of them made in a
 * millisecond and in memory, trusted by the test alone. */
#ifndef BIGHT_TESTING_CA_H
#define BIGHT_TESTING_CA_H

#include <bight/tls.h>

BIGHT_BEGIN

struct bight_testing_ca;

/* A root, or an intermediate that `issuer` (borrowed, must live as long) has signed. NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_testing_ca *bight_testing_ca_new(
    const char *name, struct bight_testing_ca *issuer);

/* NULL is allowed. What it has issued lives on. */
BIGHT_API void bight_testing_ca_free(struct bight_testing_ca *ca);

/* Its own certificate in PEM: what one passes as `ca`. Lives as long as the CA. */
BIGHT_API const char *bight_testing_ca_pem(const struct bight_testing_ca *ca);

/* The list of what it has revoked so far, signed again, in PEM; NULL when out of memory. Lives until the next call. */
BIGHT_API const char *bight_testing_ca_crl(struct bight_testing_ca *ca);

enum bight_testing_key { BIGHT_TESTING_P256, BIGHT_TESTING_RSA };

/* What a certificate may be used for. */
enum bight_testing_usage { BIGHT_TESTING_ANY, BIGHT_TESTING_SERVER, BIGHT_TESTING_CLIENT };

struct bight_testing_certificate_options {
    size_t size;         /* sizeof(struct bight_testing_certificate_options) */
    const char *names;   /* "a.example,*.b.example,192.0.2.1,::1"; NULL: "localhost,127.0.0.1,::1"; "": none */
    const char *subject; /* its common name, which should be ignored; NULL: "test" */
    double begins, ends; /* seconds from now; both 0: an hour ago, in a day */
    enum bight_testing_key key;
    enum bight_testing_usage usage;
};

/* All in PEM; NUL-terminated. */
struct bight_testing_certificate {
    const char *certificate, *key;
    const char *chain; /* the intermediates up to the root, which is not among them; may be "" */
    const char *all;   /* certificate, chain and key: what cert=FILE takes */
};

/* NULL for options: all defaults. NULL for `ca`: it is self-signed. NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE const struct bight_testing_certificate *bight_testing_certificate_new(
    struct bight_testing_ca *ca, const struct bight_testing_certificate_options *options);

/* NULL is allowed. */
BIGHT_API void bight_testing_certificate_free(const struct bight_testing_certificate *certificate);

/* The CA that issued it takes it back: 0, or OUT_OF_MEMORY. */
BIGHT_API int bight_testing_ca_revoke(struct bight_testing_ca *ca, const struct bight_testing_certificate *certificate);

/* It as an identity for a context; borrows its memory. */
static inline struct bight_tls_identity bight_testing_identity(const struct bight_testing_certificate *certificate)
{
    struct bight_tls_identity identity = { { NULL, NULL, 0 }, { NULL, NULL, 0 }, { NULL, NULL, 0 }, NULL, NULL };
    identity.certificate.text = certificate->all;
    for (const char *end = certificate->all; *end != '\0'; end++) {
        identity.certificate.size++;
    }
    return identity;
}

BIGHT_END

#endif
