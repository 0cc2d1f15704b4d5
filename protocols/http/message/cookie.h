/* SPDX-License-Identifier: MIT */
/* cookie.h - what a client's Cookie says.
 *
 * RFC 6265bis, section 5.8.3, read as servers have to: clients send whatever a script has once stored, so nothing but
 * `;` and the first `=` means anything. Names and values are any bytes that a field may have, quotes among them. */
#ifndef BI_HTTP_COOKIE_H
#define BI_HTTP_COOKIE_H

#include "http/message/tokens.h"

enum { BI_COOKIE_LIMIT = 100 }; /* more than that are not read */

/* A walk over all pairs, in their order; of equal names the first is the most specific, and counts. */
struct bi_cookies {
    struct bi_lines lines; /* those behind `rest` */
    struct bi_view rest;
    unsigned left;
};

struct bi_cookie {
    struct bi_view name; /* never empty: a pair without a name, or without `=`, is skipped */
    struct bi_view value;
};

void bi_cookies_begin(struct bi_cookies *cookies, struct bi_lines lines);
bool bi_cookies_next(struct bi_cookies *cookies, struct bi_cookie *cookie);

/* The first of this name, whose case counts, among those that a walk finds. */
bool bi_cookie_find(struct bi_lines lines, struct bi_view name, struct bi_view *value);

#endif
