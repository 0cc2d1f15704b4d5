/* SPDX-License-Identifier: MIT */
/* accept.h - lists with weights, and which of several offers they prefer.
 *
 * RFC 9110, section 12; languages as RFC 4647 matches them. Offers are the program's, in its own order of preference,
 * which decides where the client's weights are equal. Choosing reads the list once for each offer. */
#ifndef BI_HTTP_ACCEPT_H
#define BI_HTTP_ACCEPT_H

#include "http/message/tokens.h"

enum { BI_ACCEPT_WEIGHT = 1000 }; /* weights are in thousandths */

struct bi_accept_member {
    struct bi_view range;      /* "text/html", "gzip", "en-US", "*" */
    struct bi_view parameters; /* those before the weight, each with its semicolon; well-formed */
    uint16_t weight;           /* 0: not wanted */
};

/* The next member taken off the beginning of a list. What is malformed is skipped: a member that does not begin with a
 * token or two with a slash between, a parameter that is none, a weight that is not 0 or 1 with at most three decimals,
 * or over 1. Parameters behind the weight must be well-formed and mean nothing. False: there are no more. */
bool bi_accept_next(struct bi_view *list, struct bi_accept_member *member);

enum bi_accept_kind {
    BI_ACCEPT_MEDIA,    /* Accept */
    BI_ACCEPT_CODING,   /* Accept-Encoding */
    BI_ACCEPT_LANGUAGE, /* Accept-Language */
};

/* The weight of one offer: that of the most specific member that speaks of it; of equally specific ones the largest.
 * -1: none does. Media types: with parameters (all of which the offer must have), without, "text/" with any subtype,
 * any; the more parameters, the more specific. Codings: by name ("x-gzip" is "gzip"), or "*". Languages: the longest
 * range that is the offer or begins it at a hyphen; else one with a weight that the offer begins so ("en" for "en-GB");
 * else "*". */
int bi_accept_weight(enum bi_accept_kind kind, struct bi_lines lines, const char *offer);

/* The index of the offer with the largest weight over 0, the first of equals. BI_ACCEPT_NONE: none has one. If the
 * field is not there, or no member of it is well-formed, any media type or language is welcome: the first offer.
 *
 * Codings: the offers are those that could be applied; BI_ACCEPT_IDENTITY, which need not be offered, means none is.
 * Identity has its own weight, or that of "*"; if nothing speaks of it it comes after all that has a weight over 0, and
 * without the field it is what is sent. BI_ACCEPT_NONE: everything has been refused, identity too. */
#define BI_ACCEPT_NONE SIZE_MAX
#define BI_ACCEPT_IDENTITY (SIZE_MAX - 1)
size_t bi_accept_choose(enum bi_accept_kind kind, struct bi_lines lines, const char *const *offers, size_t count);

#endif
