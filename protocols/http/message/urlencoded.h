/* SPDX-License-Identifier: MIT */
/* urlencoded.h - the body of an urlencoded form: field after field, decoded, however its bytes come.
 *
 * The WHATWG URL standard's application/x-www-form-urlencoded, as query.h reads it. A field that has not come whole is
 * kept here; no more of it than the limits allow. */
#ifndef BI_HTTP_URLENCODED_H
#define BI_HTTP_URLENCODED_H

#include "http/message/query.h"

enum bi_urlencoded_result {
    BI_URLENCODED_FIELD,
    BI_URLENCODED_PARTIAL,   /* all was taken, more has to come */
    BI_URLENCODED_END,       /* there are no more */
    BI_URLENCODED_REFUSED,   /* a limit was passed; `why` says which */
    BI_URLENCODED_NO_MEMORY, /* nothing more can be read */
};

struct bi_urlencoded {
    struct bi_query query;
    uint32_t max_text;
    uint8_t *kept; /* the field under way, and what it was decoded to */
    size_t size, capacity;
    const char *why; /* lives for ever */
};

/* Decoded, and a NUL behind each; they stay until the next call. */
struct bi_urlencoded_field {
    struct bi_view name, value;
};

/* At most `max_fields`, each with a name and a value that have `max_text` bytes together. */
void bi_urlencoded_begin(struct bi_urlencoded *decoder, uint32_t max_fields, uint32_t max_text);
/* Frees what is kept. */
void bi_urlencoded_finish(struct bi_urlencoded *decoder);

/* Takes from the beginning of `text`. `ended`: nothing comes behind it. Not to be called again behind END, REFUSED and
 * NO_MEMORY. */
enum bi_urlencoded_result bi_urlencoded_next(
    struct bi_urlencoded *decoder, struct bi_view *text, bool ended, struct bi_urlencoded_field *field);

#endif
