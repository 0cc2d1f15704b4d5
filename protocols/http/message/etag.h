/* SPDX-License-Identifier: MIT */
/* etag.h - entity-tags, lists of them, and the two ways of comparing.
 *
 * RFC 9110, section 8.8.3. A tag is no quoted string: `\` is a byte like others, so the list iterator of tokens.h is
 * not for tags. */
#ifndef BI_HTTP_ETAG_H
#define BI_HTTP_ETAG_H

#include "http/message/tokens.h"

struct bi_etag {
    struct bi_view opaque; /* between the quotes */
    bool weak;
};

/* The whole text is one tag, `"..."` or `W/"..."`. False: it is not. */
bool bi_etag_parse(struct bi_view text, struct bi_etag *tag);

enum bi_etag_result {
    BI_ETAG_NEXT,
    BI_ETAG_END,
    BI_ETAG_MALFORMED, /* where what is no tag begins: nothing behind it means anything */
};

/* The next tag, taken off the beginning of a comma-separated list; empty members are skipped. */
enum bi_etag_result bi_etag_next(struct bi_view *list, struct bi_etag *tag);

/* What ranges and what changes something compare by: the same bytes, for sure. */
bool bi_etag_equal_strong(const struct bi_etag *one, const struct bi_etag *other);

/* What caches compare by: as good as the same. */
bool bi_etag_equal_weak(const struct bi_etag *one, const struct bi_etag *other);

#endif
