/* SPDX-License-Identifier: MIT */
/* origin.c - a serialized origin, taken apart and compared.
 *
 * What is done about an answer is the site's. */
#include "http/message/origin.h"

#include "http/message/authority.h"

#include <string.h>

struct origin {
    struct bi_view scheme, host;
    uint32_t port; /* 0: there is none, and the scheme has none of its own that is known */
};

static uint32_t port_of_scheme(struct bi_view scheme)
{
    return bi_view_equal_nocase(scheme, bi_view_of("http"))    ? 80
           : bi_view_equal_nocase(scheme, bi_view_of("https")) ? 443
                                                               : 0;
}

static uint32_t number_of(struct bi_view digits)
{
    uint32_t number = 0;
    for (size_t i = 0; i < digits.size; i++) { /* at most 65535: that has been checked */
        number = number * 10 + (digits.at[i] - (uint32_t)'0');
    }
    return number;
}

/* Host and port; `own` is the port that is meant where there is none. */
static bool read_authority(struct origin *origin, struct bi_view text, uint32_t own)
{
    struct bi_authority authority;
    struct bi_span all = { 0, (uint32_t)text.size };
    if (text.size > UINT16_MAX || !bi_authority_parse(&authority, text.at, all)) {
        return false;
    }
    origin->host = (struct bi_view) { text.at + authority.host.at, authority.host.size };
    origin->port = authority.port.size == 0
                       ? own
                       : number_of((struct bi_view) { text.at + authority.port.at, authority.port.size });
    return true;
}

static bool read_origin(struct origin *origin, struct bi_view text)
{
    size_t size = bi_before(text, ":/");
    struct bi_view rest = bi_view_from(text, size);
    origin->scheme = (struct bi_view) { text.at, size };
    if (size == 0 || rest.size < 4 || memcmp(rest.at, "://", 3) != 0 || !bi_is_token(origin->scheme)) {
        return false;
    }
    return read_authority(origin, bi_view_from(rest, 3), port_of_scheme(origin->scheme));
}

static bool is_same_host(const struct origin *one, const struct origin *other)
{
    return one->port == other->port && bi_view_equal_nocase(one->host, other->host);
}

bool bi_origin_is_valid(struct bi_view text)
{
    struct origin origin;
    return read_origin(&origin, text);
}

bool bi_origin_equal(struct bi_view one_text, struct bi_view other_text)
{
    struct origin one, other;
    return read_origin(&one, one_text) && read_origin(&other, other_text) &&
           bi_view_equal_nocase(one.scheme, other.scheme) && is_same_host(&one, &other);
}

/* Behind a proxy that ends TLS the request's own scheme is not the browser's, so schemes are not compared, and a host
 * without a port means the one that the origin's scheme has. */
static bool is_own_host(struct bi_view origin_text, struct bi_view host_text)
{
    struct origin origin, host;
    return read_origin(&origin, origin_text) && read_authority(&host, host_text, port_of_scheme(origin.scheme)) &&
           is_same_host(&origin, &host);
}

enum bi_origin_verdict bi_origin_judge(struct bi_view fetch_site, struct bi_view origin, struct bi_view host)
{
    if (fetch_site.at != NULL) {
        return bi_view_equal(fetch_site, bi_view_of("same-origin")) || bi_view_equal(fetch_site, bi_view_of("none"))
                   ? BI_ORIGIN_SAME
                   : BI_ORIGIN_CROSS;
    }
    if (origin.at == NULL) {
        return BI_ORIGIN_UNKNOWN;
    }
    return is_own_host(origin, host) ? BI_ORIGIN_SAME : BI_ORIGIN_CROSS;
}
