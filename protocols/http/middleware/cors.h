/* SPDX-License-Identifier: MIT */
/* cors.h - what an answer says of who may read it across origins: decided without a request. */
#ifndef BI_HTTP_CORS_H
#define BI_HTTP_CORS_H

#include "http/message/tokens.h"

struct bi_cors_rules {
    const struct bi_view *origins;
    size_t count;
    bool any; /* origin, instead of those */
    bool credentials;
};

struct bi_cors_verdict {
    bool is_preflight;
    bool is_allowed; /* to be read by the origin's pages */
    bool is_trusted; /* the origin is one of the list */
};

/* `method` is the request's; what is not there has NULL. */
struct bi_cors_verdict bi_cors_judge(
    const struct bi_cors_rules *rules, bool is_options, struct bi_view origin, struct bi_view asked_method);

#endif
