/* SPDX-License-Identifier: MIT */
/* tls_words.h - what is wrong with the files that a string names. */
#ifndef BI_ENDPOINT_TYPES_TLS_WORDS_H
#define BI_ENDPOINT_TYPES_TLS_WORDS_H

#include <bight/sys/endpoint.h>

/* Takes the failure of a TLS context, which has all that is wrong as its causes, each naming a file; returns one that
 * says it all with the columns of those of the arguments that are the files. `files`: the places of the latter among
 * `arguments`. */
struct bight_failure *bi_tls_with_columns(
    const struct bight_argument *arguments, const unsigned *files, size_t count, struct bight_failure *failure);

#endif
