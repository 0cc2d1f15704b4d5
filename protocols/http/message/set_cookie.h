/* SPDX-License-Identifier: MIT */
/* set_cookie.h - the value of a Set-Cookie: what a server may say (RFC 6265bis, section 4.1), and nothing that browsers
 * would ignore or read otherwise (section 5.7). */
#ifndef BI_HTTP_SET_COOKIE_H
#define BI_HTTP_SET_COOKIE_H

#include "http/message/tokens.h"

/* Browsers ignore cookies and attributes that are longer (section 5.6). */
#define BI_SET_COOKIE_MAX_PAIR 4096 /* name and value together */
#define BI_SET_COOKIE_MAX_PATH 1024
#define BI_SET_COOKIE_MAX_DOMAIN 253
/* A whole one, with a NUL. */
#define BI_SET_COOKIE_SIZE (BI_SET_COOKIE_MAX_PAIR + BI_SET_COOKIE_MAX_PATH + BI_SET_COOKIE_MAX_DOMAIN + 256)

enum bi_same_site {
    BI_SAME_SITE_LAX,
    BI_SAME_SITE_STRICT,
    BI_SAME_SITE_NONE,
};

struct bi_set_cookie {
    struct bi_view name, value;
    struct bi_view path;
    struct bi_view domain; /* empty: none */
    int64_t max_age;       /* seconds; -1: none, 0: it goes at once */
    enum bi_same_site same_site;
    bool http_only, secure, partitioned;
};

/* NULL: it can be sent; else what is wrong, which lives for ever. */
const char *bi_set_cookie_check(const struct bi_set_cookie *cookie);

/* Writes one that can be sent, and a NUL. */
void bi_set_cookie_write(const struct bi_set_cookie *cookie, char text[BI_SET_COOKIE_SIZE]);

#endif
