/* SPDX-License-Identifier: MIT */
/* limits.c - limits of time and of bodies for all routes of a site.
 *
 * They are set before the route is looked for; a route that has its own replaces them. How they are kept is
 * server/deadlines.c's and server/body.c's. */
#include <bight/memory.h>

#include <math.h>

#include "http/middleware/provided.h"

#define DEFAULT_SECONDS 30.0

struct limits {
    double seconds; /* 0: any */
    uint64_t body;  /* 0: the site's */
};

static bool set_limits(struct bight_http_request *request, void *context)
{
    const struct limits *limits = context;
    request->hooks.seconds = limits->seconds;
    if (limits->body != 0 && request->has_body) {
        request->body.limit = limits->body;
    }
    return true;
}

static const struct bight_http_middleware_ops limits_ops = { .size = sizeof limits_ops, .before = set_limits };

int bight_http_use_limits(struct bight_http_site *site, const struct bight_http_limits_options *options)
{
    double seconds = BI_GIVEN(options, seconds);
    if (!bi_provided_is_time(seconds)) {
        return bi_provided_refuse(site, "limits: a time that is none");
    }
    struct limits *limits = bight_malloc(sizeof *limits);
    if (limits != NULL) {
        limits->seconds = isinf(seconds) ? 0 : seconds > 0 ? seconds : DEFAULT_SECONDS;
        limits->body = BI_GIVEN(options, body_limit);
    }
    return bi_provided_use(site, &limits_ops, limits, bight_free);
}
