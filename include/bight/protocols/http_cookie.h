/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_cookie.h - cookies that are set.
 *
 *     bight_http_respond_set_cookie(request, "theme", "dark", NULL);
 *
 * What clients send back is read with bight_http_request_cookie and its kin (bight/protocols/http_request.h). RFC
 * 6265bis. */
#ifndef BIGHT_PROTOCOLS_HTTP_COOKIE_H
#define BIGHT_PROTOCOLS_HTTP_COOKIE_H

#include <bight/protocols/http_respond.h>

BIGHT_BEGIN

/* With which requests from other sites a cookie goes. */
enum bight_http_same_site {
    BIGHT_HTTP_SAME_SITE_LAX,    /* those that lead to the site: links */
    BIGHT_HTTP_SAME_SITE_STRICT, /* none */
    BIGHT_HTTP_SAME_SITE_NONE,   /* all; has to be secure */
};

/* Zeroed, and NULL for all of it, is: for this host alone, for every path, until the browser ends, not for scripts,
 * Lax, and secure if the request has come through TLS. */
struct bight_http_cookie_options {
    size_t size;        /* sizeof(struct bight_http_cookie_options) */
    const char *path;   /* NULL: "/" */
    const char *domain; /* also its subdomains'; NULL: the host's alone */
    int64_t max_age;    /* seconds; 0 or -1: until the browser ends */
    enum bight_http_same_site same_site;
    bool secure;      /* goes through TLS only: to be set where a proxy ends it, and the request does not tell */
    bool not_secure;  /* not even if the request has come through TLS */
    bool for_scripts; /* scripts of the page may read it: without HttpOnly */
    bool partitioned; /* kept apart for each site that the page is framed in; has to be secure */
    const void *reserved[4];
};

/* Adds a Set-Cookie to the answer to come. The name is a token; the value, which may be empty, has visible ASCII but
 * for `"`, `,`, `;` and `\`: what else there may be is to be encoded first; 4096 bytes in all. What a browser would
 * ignore is refused, too: a name that begins with `__Secure-` or `__Host-`, in any case, if the cookie is not secure,
 * and with `__Host-` if it has a domain or another path than "/"; SameSite=None and `partitioned` if it is not secure.
 * The codes of bight_http_respond_set; INVALID_ARGUMENT for what is refused, and the usage error says what it is. */
BIGHT_API int bight_http_respond_set_cookie(struct bight_http_request *request, const char *name, const char *value,
    const struct bight_http_cookie_options *options);

/* Has the client forget a cookie: sets it, empty and in the past. Path, domain and `partitioned` are to be those that
 * it was set with. */
BIGHT_API int bight_http_respond_clear_cookie(
    struct bight_http_request *request, const char *name, const struct bight_http_cookie_options *options);

BIGHT_END

#endif
