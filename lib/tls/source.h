/* SPDX-License-Identifier: MIT */
/* source.h - where PEM comes from: a file, or memory; and the objects in it. */
#ifndef BI_TLS_SOURCE_H
#define BI_TLS_SOURCE_H

#include <bight/tls.h>

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "system/disk.h"
#include "tls/errors.h"

/* The text of a source, while it is read. */
struct bi_tls_text {
    struct bi_disk_file file; /* none: memory */
    const uint8_t *data;
    size_t size;
    char name[256]; /* "server.pem", "the key in memory": for messages */
};

static inline bool bi_pem_is_given(const struct bight_pem *pem)
{
    return pem->file != NULL || pem->text != NULL;
}

/* Reads the whole of it, at most `limit` bytes. `what` says what it is: "certificate". False: a problem was added. The
 * text is to be finished in either case. */
bool bi_tls_text_read(struct bi_tls_text *text, const struct bight_pem *pem, const char *what, size_t limit,
    struct bi_tls_problems *problems);
void bi_tls_text_finish(struct bi_tls_text *text);

/* The failure of reading a file or directory, with a hint. */
struct bight_failure *bi_tls_cannot_read(const char *what, const char *path, int number);

/* To read it from its beginning; NULL when out of memory. */
BIO *bi_tls_text_open(const struct bi_tls_text *text);

/* Appends the certificates in it to `certificates`, at most `limit` altogether. False: a problem was added. */
bool bi_tls_text_certificates(
    const struct bi_tls_text *text, STACK_OF(X509) * certificates, size_t limit, struct bi_tls_problems *problems);

/* What OpenSSL failed with last is that no more objects of the kind came: not a fault. */
bool bi_tls_is_at_end_of_pem(void);

#endif
