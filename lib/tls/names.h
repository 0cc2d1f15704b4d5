/* SPDX-License-Identifier: MIT */
/* names.h - a server's certificates by the name that the client wants (SNI): a table made of a directory. */
#ifndef BI_TLS_NAMES_H
#define BI_TLS_NAMES_H

#include "tls/errors.h"
#include "tls/identity.h"

struct bi_tls_names;

struct bi_tls_named {
    struct bi_tls_identity *identity;
    bool is_for_everybody; /* one of those that a client gets that names nobody */
    char *path;            /* NULL: of no directory */
    struct bi_tls_named *next;
};

/* NULL: a problem was added. */
struct bi_tls_names *bi_tls_names_new(struct bi_tls_problems *problems);
void bi_tls_names_free(struct bi_tls_names *names); /* NULL is allowed */

/* What is in a directory. An entry that cannot be used is a problem, and stays as it is in `old` (NULL: there is
 * none). `trial` as for an identity. */
void bi_tls_names_load(struct bi_tls_names *names, const char *directory, const struct bi_tls_names *old,
    SSL_CTX *trial, struct bi_tls_problems *problems);

/* To be called after it; a name that is known already stays with whom it is known for. */
void bi_tls_names_add_default(
    struct bi_tls_names *names, struct bi_tls_identity *identity, struct bi_tls_problems *problems);

/* NULL: the name, in lower case, is not known. */
const struct bi_tls_named *bi_tls_names_find(const struct bi_tls_names *names, const char *name);

#endif
