/* SPDX-License-Identifier: MIT */
/* context.h - what the layer asks of a context: sessions, ready but for their BIOs, and what went wrong in words. */
#ifndef BI_TLS_CONTEXT_H
#define BI_TLS_CONTEXT_H

#include <bight/tls.h>

#include <openssl/ssl.h>

/* A session in the state of accepting or connecting; the layer sets its BIOs. A client's is for the host name or
 * address `name`, which it verifies and, when it is a host's, sends; `port` tells the sessions that are kept for
 * services of one host apart (0: not known). NULL and 0 for servers; NULL is a usage error for a client that verifies.
 * NULL: *failure says why. The session keeps what it needs of the context. */
SSL *bi_tls_session_new(struct bight_tls *tls, const char *name, uint16_t port, struct bight_failure **failure);

/* To be called once after the handshake, before anything is delivered: OpenSSL verifies nothing when it resumes a
 * session. NULL: the peer is who it should be. */
struct bight_failure *bi_tls_check(SSL *ssl);

/* What went wrong, after a call that failed with `ssl_error` (SSL_get_error, asked before anything else was called).
 * `doing` begins the message: "the TLS handshake failed". Empties OpenSSL's queue of errors. Never NULL. */
struct bight_failure *bi_tls_failure(SSL *ssl, int ssl_error, const char *doing);

/* The same after a read or a write. Those are begun with whatever the thread's other users of OpenSSL have left in its
 * queue, since to look costs a seventieth of them. */
struct bight_failure *bi_tls_failure_of_data(SSL *ssl, int ssl_error, const char *doing);

/* Before other calls, so that the queue has nothing but their errors; and after what is much work for OpenSSL, of which
 * some may be left there though all went well. */
void bi_tls_forget_errors(void);

/* After SSL_ERROR_WANT_CLIENT_HELLO_CB: calls resume(context) once, in the reactor's thread, when the handshake is to
 * be tried again; the session may be freed in it. Never, when the session is freed before. */
void bi_tls_when_chosen(SSL *ssl, void (*resume)(void *context), void *context);

/* A hold of what sessions are made of now; NULL when out of memory. */
SSL_CTX *bi_tls_hold_ctx(struct bight_tls *tls);

bool bi_tls_is_server(const struct bight_tls *tls);

/* Verification was asked for: what bi_tls_check found good is the peer. */
bool bi_tls_is_verifying(const SSL *ssl);

#endif
