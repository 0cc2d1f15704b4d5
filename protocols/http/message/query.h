/* SPDX-License-Identifier: MIT */
/* query.h - query strings and urlencoded forms: names and values, read where they came.
 *
 * The WHATWG URL standard's application/x-www-form-urlencoded, for that is what browsers send: fields are split at `&`
 * alone (`;` is text), at their first `=` into name and value (without one the value is empty); empty fields are
 * skipped; `+` is a space. An escape that is none stands for itself, as there and in browsers, where Go refuses it:
 * "100%" is typed by people, and nothing is ever decoded twice. What is decoded may be any bytes, no UTF-8 and NUL
 * among them: text that is not UTF-8 is left as it is.
 *
 * Text that comes in pieces may be cut anywhere. All that is done here takes linear time. */
#ifndef BI_HTTP_QUERY_H
#define BI_HTTP_QUERY_H

#include "http/message/private.h"
#include "http/message/tokens.h"

/* A11. */
#define BI_QUERY_MAX_FIELDS 1000
#define BI_QUERY_MAX_FIELD 65536 /* bytes of a field as it came, name and all */

enum bi_query_result {
    BI_QUERY_FIELD,
    BI_QUERY_PARTIAL, /* what is left is the beginning of a field, the rest of which has to come */
    BI_QUERY_END,     /* there are no more */
    BI_QUERY_REFUSED, /* a limit was passed; `why` says which */
};

struct bi_query {
    uint32_t max_fields, max_field;
    uint32_t count;   /* fields so far */
    uint32_t scanned; /* of the unfinished field */
    const char *why;  /* lives for ever */
};

/* As they came: names are compared and values decoded by the functions below. */
struct bi_query_field {
    struct bi_view name, value;
};

/* With A11's limits, which may be changed then. */
BI_HTTP_PRIVATE_API void bi_query_begin(struct bi_query *query);

/* Takes the next field off the beginning of `text`. After PARTIAL it is called again with what was left, which may lie
 * elsewhere then, and more behind it. `ended`: no more comes. */
BI_HTTP_PRIVATE_API enum bi_query_result bi_query_next(
    struct bi_query *query, struct bi_view *text, bool ended, struct bi_query_field *field);

/* The next field of whole text that has this name (which is no longer encoded), likewise; a caller that wants the first
 * begins again. False: there is none, or a limit was passed before it came. */
bool bi_query_find(struct bi_query *query, struct bi_view *text, struct bi_view name, struct bi_query_field *field);

/* Whether decoding leaves the very bytes. */
bool bi_query_is_plain(struct bi_view encoded);

/* What a name or value means. `out` has encoded.size bytes, and may be where they are. Returns the size. */
BI_HTTP_PRIVATE_API size_t bi_query_decode(struct bi_view encoded, uint8_t *out);

/* Whether that would be `text`. */
bool bi_query_equal(struct bi_view encoded, struct bi_view text);

#endif
