/* SPDX-License-Identifier: MIT */
/* cross_origin.c - the protection against requests that another site's pages have a browser send with its user's
 * cookies (A7; CSRF), and the origins that are exempt from it.
 *
 * How an origin is judged is message/origin.c's; who may read answers across origins is CORS's, a middleware. */
#include <bight/log.h>
#include <bight/memory.h>

#include <string.h>

#include "http/message/origin.h"
#include "http/site/site.h"

struct bi_trusted_origin {
    struct bi_trusted_origin *next;
    size_t size;
    uint8_t text[];
};

static bool is_trusted(const struct bight_http_site *site, struct bi_view origin)
{
    for (const struct bi_trusted_origin *trusted = site->trusted; trusted != NULL; trusted = trusted->next) {
        if (bi_origin_equal((struct bi_view) { trusted->text, trusted->size }, origin)) {
            return true;
        }
    }
    return false;
}

bool bi_cross_origin_admits(const struct bight_http_site *site, const struct bight_http_request *request)
{
    struct bi_span authority = request->framing.authority;
    struct bi_view origin = bi_request_field(request, BI_NAME_ORIGIN);
    bool exempt = site->trusts_all || ((request->due & BI_DUE_HOOKS) && request->hooks.is_trusted);
    if (exempt) {
        return true;
    }
    bool is_twice = (request->head.repeated & BI_NAME_BIT(SEC_FETCH_SITE)) != 0; /* by no browser */
    return (!is_twice && bi_origin_judge(bi_request_field(request, BI_NAME_SEC_FETCH_SITE), origin,
                             (struct bi_view) { request->bytes + authority.at, authority.size }) != BI_ORIGIN_CROSS) ||
           (origin.at != NULL && is_trusted(site, origin));
}

void bi_cross_origin_free(struct bight_http_site *site)
{
    while (site->trusted != NULL) {
        struct bi_trusted_origin *trusted = site->trusted;
        site->trusted = trusted->next;
        bight_free(trusted);
    }
}

int bight_http_trust_origin(struct bight_http_site *site, const char *origin)
{
    if (site == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (!bi_origin_is_valid(bi_view_of(origin))) {
        bight_log(
            BIGHT_LOG_ERROR, "usage", NULL, "bight_http_trust_origin: \"%s\" is not scheme://host[:port]", origin);
        site->is_broken = true;
        return BIGHT_E_INVALID_ARGUMENT;
    }
    size_t size = strlen(origin);
    struct bi_trusted_origin *trusted = bight_malloc(sizeof *trusted + size);
    if (trusted == NULL) {
        site->is_broken = true;
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *trusted = (struct bi_trusted_origin) { .next = site->trusted, .size = size };
    memcpy(trusted->text, origin, size);
    site->trusted = trusted;
    return BIGHT_OK;
}
