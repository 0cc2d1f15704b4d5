/* SPDX-License-Identifier: MIT */
/* own.h - what of ours hangs on an OpenSSL object and goes with it: on a session (SSL), and on what sessions are made
 * of (SSL_CTX).
 *
 * Most sessions of servers have nothing of ours, which would cost each some 200 bytes. */
#ifndef BI_TLS_OWN_H
#define BI_TLS_OWN_H

#include <bight/failure.h>

#include <openssl/ssl.h>

struct bi_tls_choice;
struct bi_tls_material;

struct bi_tls_own {
    struct bight_failure *failure; /* what went wrong, where more is known of it than OpenSSL tells */
    struct bi_tls_choice *choice;  /* a server's, while it is to be made */
    bool has_chosen;               /* a choice was made: it is not asked for again, when a client says hello twice */
    char *key;                     /* a client's, for the sessions that it keeps: "443 host.example"; NULL: none are */
    int64_t not_after;             /* of the session that was offered; 0: none was */
};

struct bi_tls_own *bi_tls_own(const SSL *ssl);  /* NULL: there is none */
struct bi_tls_own *bi_tls_own_or_new(SSL *ssl); /* NULL when out of memory */

/* Of the context that the session uses now. Never NULL. */
struct bi_tls_material *bi_tls_material_of(const SSL *ssl);
struct bi_tls_material *bi_tls_material_of_ctx(const SSL_CTX *ctx);
/* Takes it, but on false, which is want of memory. */
bool bi_tls_set_material(SSL_CTX *ctx, struct bi_tls_material *material);

#endif
