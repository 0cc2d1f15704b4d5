/* SPDX-License-Identifier: MIT */
/* stored_cookie.h - a cookie as a client keeps it, and the comparisons that say where it goes (RFC 6265bis, sections
 * 5.1.3, 5.1.4 and 5.7).
 *
 * Views alone: who has the bytes, and where the cookies are, is the store's affair. */
#ifndef BI_HTTP_STORED_COOKIE_H
#define BI_HTTP_STORED_COOKIE_H

#include "http/message/tokens.h"

#define BI_COOKIE_MAX_PAIR 4096                          /* bytes of name and value together */
#define BI_COOKIE_MAX_ATTRIBUTE 1024                     /* bytes of an attribute's value */
#define BI_COOKIE_MAX_DOMAIN 255                         /* bytes, as of any host */
#define BI_COOKIE_MAX_SECONDS ((int64_t)400 * 24 * 3600) /* for which it is kept at most */

/* What SameSite said. */
enum bi_cookie_site { BI_COOKIE_SITE_UNSAID, BI_COOKIE_SITE_LAX, BI_COOKIE_SITE_STRICT, BI_COOKIE_SITE_NONE };

struct bi_stored_cookie {
    struct bi_view name, value; /* one of them may be empty */
    struct bi_view domain;      /* in lower case, without a dot before it */
    struct bi_view path;        /* from its slash on */
    int64_t expires;            /* seconds since 1970 UTC; only if it is persistent */
    bool is_persistent, is_host_only, is_secure, is_http_only;
    uint8_t site; /* enum bi_cookie_site */
};

/* No control but HTAB, which a byte of Set-Cookie may not be. */
bool bi_cookie_has_no_control(struct bi_view text);

/* Whether the host is the domain, or one below it; both in lower case, and neither an IP address. */
bool bi_cookie_domain_matches(struct bi_view host, struct bi_view domain);

/* Whether a cookie with this path goes to that one of a URL, which may be empty. */
bool bi_cookie_path_matches(struct bi_view url_path, struct bi_view path);

/* The path of a cookie that says none: the directory of the URL's. */
struct bi_view bi_cookie_default_path(struct bi_view url_path);

/* Whether it may have its name: what begins with __Secure- or __Host-, in any case, has to be so. */
bool bi_cookie_keeps_its_prefix(const struct bi_stored_cookie *cookie);

#endif
