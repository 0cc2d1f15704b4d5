/* SPDX-License-Identifier: MIT */
/* bight/tls.h - secure connections: contexts, which say who we are, whom we trust, and what we offer.
 *
 * A context is made once from options, is read-only afterwards, and serves any number of connections of the reactors
 * of any threads; so it may be made in a thread of a pool, which is the place for reading files. L1 to L15 of
 * docs/semantics.md say what it promises. The defaults are safe, and what weakens them is an option whose name says so.
 */
#ifndef BIGHT_TLS_H
#define BIGHT_TLS_H

#include <bight/failure.h>

BIGHT_BEGIN

struct bight_tls; /* a context; counted */

enum bight_tls_version { BIGHT_TLS_DEFAULT, BIGHT_TLS_1_2, BIGHT_TLS_1_3 };

/* Text in PEM: in a file, or in memory. One of the two, or neither: there is none. */
struct bight_pem {
    const char *file;
    const void *text; /* copied, and wiped when it is no longer needed */
    size_t size;
};

/* Writes the password that decrypts a key to `buffer`, without a NUL, and returns its length; negative: there is none.
 * Called while a context is made, in that thread. */
typedef int (*bight_password_function)(char *buffer, size_t size, void *context);

/* A certificate of one's own and its key. */
struct bight_tls_identity {
    struct bight_pem certificate;     /* the chain, from one's own certificate upwards, may follow in it, and the key */
    struct bight_pem key;             /* none: it is in `certificate` */
    struct bight_pem chain;           /* what links the certificate to a root, unless it is in `certificate` */
    bight_password_function password; /* NULL: an encrypted key is an error. Nobody is ever asked on a terminal */
    void *password_context;           /* must live as long as the context */
};

struct bight_tls_server_options {
    size_t size;                                 /* sizeof(struct bight_tls_server_options) */
    const struct bight_tls_identity *identities; /* at least one; more for other kinds of key: ECDSA beside RSA */
    size_t identity_count;
    enum bight_tls_version min_version, max_version; /* the defaults are 1.2 and 1.3 */
};

struct bight_tls_client_options {
    size_t size; /* sizeof(struct bight_tls_client_options) */
    /* Each certificate in it is trusted as it stands, also one that is no CA's. None: what the system trusts. */
    struct bight_pem ca;
    bool without_verification; /* whoever answers is believed to be the peer; logged as a warning, once */
    enum bight_tls_version min_version, max_version;
};

/* Makes a context from options (copied). NULL: *failure says why, with every error that there is as a cause of its own:
 * which file, what is wrong with it, and what may help. A certificate of one's own whose time is over, or has not come,
 * is only warned of. Reads files; that takes about a millisecond, and some 100 ms the first time that a client of the
 * process needs what the system trusts. */
BIGHT_API BIGHT_MUST_USE struct bight_tls *bight_tls_server_new(
    const struct bight_tls_server_options *options, struct bight_failure **failure);
BIGHT_API BIGHT_MUST_USE struct bight_tls *bight_tls_client_new(
    const struct bight_tls_client_options *options, struct bight_failure **failure);

/* One more hold; returns the context. In any thread. */
BIGHT_API struct bight_tls *bight_tls_hold(struct bight_tls *tls);

/* NULL is allowed. In any thread. Connections keep what they need of it. */
BIGHT_API void bight_tls_release(struct bight_tls *tls);

BIGHT_END

#endif
