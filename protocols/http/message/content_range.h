/* SPDX-License-Identifier: MIT */
/* content_range.h - Content-Range: which part of what a response brings (RFC 9110, section 14.4). */
#ifndef BI_HTTP_CONTENT_RANGE_H
#define BI_HTTP_CONTENT_RANGE_H

#include "http/message/tokens.h"

struct bi_content_range {
    bool is_unsatisfied;  /* the whole alone is told: of a 416 */
    uint64_t first, last; /* bytes, both counted from 0 and inside */
    int64_t total;        /* -1: it is not known */
};

/* False: it is malformed, of another unit, or says what cannot be. */
bool bi_content_range_parse(struct bi_view value, struct bi_content_range *range);

#endif
