/* SPDX-License-Identifier: MIT */
/* errors.h - OpenSSL's errors as failures, and the list of what is wrong with a context. */
#ifndef BI_TLS_ERRORS_H
#define BI_TLS_ERRORS_H

#include <bight/failure.h>

#include <openssl/ssl.h>

/* The failure that OpenSSL's queue of errors tells of: "MESSAGE: OpenSSL's words", or OUT_OF_MEMORY when memory was
 * wanting anywhere. Empties the queue. Never NULL. */
struct bight_failure *bi_tls_take_errors(int code, const char *format, ...) BIGHT_PRINTF(2, 3);

/* Empties the queue. True: memory was wanting. */
bool bi_tls_clear_errors(void);

/* Where the session's own failure is kept, which a callback knows more about than OpenSSL (taken; the first stays). */
void bi_tls_set_failure(SSL *ssl, struct bight_failure *failure);

enum { BI_TLS_MAX_PROBLEMS = 16 };

/* What is wrong with a context, all of it. */
struct bi_tls_problems {
    struct bight_failure *list[BI_TLS_MAX_PROBLEMS];
    bool lacks_memory;
    size_t count; /* also those that the list has no room for */
};

/* Takes it; what is too much is released. */
void bi_tls_add_problem(struct bi_tls_problems *problems, struct bight_failure *failure);

/* One failure that has them all (at least one), which are taken. Its code is what they have in common, TLS at worst;
 * OUT_OF_MEMORY when that is among them. */
struct bight_failure *bi_tls_sum_up(struct bi_tls_problems *problems, const char *what);

#endif
