/* SPDX-License-Identifier: MIT */
/* provided.c - adding one of this room's middleware to a site, and what goes wrong with that. */
#include "http/middleware/provided.h"

#include <bight/memory.h>

int bi_provided_use(struct bight_http_site *site, const struct bight_http_middleware_ops *ops, void *context,
    bight_release_function release)
{
    if (context != NULL) {
        return bight_http_use_full(site, ops, context, release);
    }
    if (site != NULL) {
        site->is_broken = true;
    }
    return BIGHT_E_OUT_OF_MEMORY;
}

int bi_provided_refuse(struct bight_http_site *site, const char *what)
{
    if (site != NULL) {
        site->is_broken = true;
    }
    return bi_http_usage(BIGHT_E_INVALID_ARGUMENT, what);
}

bool bi_provided_is_time(double seconds)
{
    return seconds >= 0; /* NaN is not */
}
