/* SPDX-License-Identifier: MIT */
/* origin.h - who had a browser send a request: its own pages, or another site's (A7). RFC 6454; Fetch Metadata. */
#ifndef BI_HTTP_ORIGIN_H
#define BI_HTTP_ORIGIN_H

#include "http/message/tokens.h"

enum bi_origin_verdict {
    BI_ORIGIN_SAME,    /* one of the site's own pages, or its user by hand */
    BI_ORIGIN_UNKNOWN, /* no browser of today: nothing says where it comes from */
    BI_ORIGIN_CROSS,
};

/* `fetch_site` and `origin` are the values of Sec-Fetch-Site and Origin, with a NULL `at` where there is none; `host`
 * is the request's authority. Origin counts where Sec-Fetch-Site is missing: browsers send that over secure connections
 * and to this machine only. */
enum bi_origin_verdict bi_origin_judge(struct bi_view fetch_site, struct bi_view origin, struct bi_view host);

/* Is it `scheme://host[:port]` and nothing else? */
bool bi_origin_is_valid(struct bi_view origin);

/* Schemes and hosts in any case; a port may be left out where it is the scheme's own. */
bool bi_origin_equal(struct bi_view one, struct bi_view other);

#endif
