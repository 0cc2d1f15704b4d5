/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_client_cookies.h - the cookies that HTTP clients keep: a jar.
 *
 *     struct bight_http_cookie_jar *jar = bight_http_cookie_jar_new(reactor, NULL);
 *     const struct bight_http_client_options options = { .size = sizeof options, .cookies = jar };
 *     struct bight_http_client *client = bight_http_client_new(reactor, &options);
 *
 * What a response's Set-Cookie says is kept, and sent with the calls that it is for, redirects among them (RFC 6265bis,
 * C6). A client without a jar keeps nothing. How a server sets cookies is bight/protocols/http_cookie.h's. */
#ifndef BIGHT_PROTOCOLS_HTTP_CLIENT_COOKIES_H
#define BIGHT_PROTOCOLS_HTTP_CLIENT_COOKIES_H

#include <bight/deferred.h>
#include <bight/reactor.h>

BIGHT_BEGIN

struct bight_http_cookie_jar;

struct bight_http_cookie_jar_options {
    size_t size;             /* sizeof(struct bight_http_cookie_jar_options) */
    unsigned max_cookies;    /* in all: 3000. Past it the one goes that was used longest ago */
    unsigned max_per_domain; /* 50. Past it: the same, of those that are not secure first */
    const void *reserved[4];
};

/* A jar for clients of this reactor, as many as want it; it is counted. Options may be NULL, and are copied. NULL when
 * out of memory. Everything happens in the reactor's thread, and the last hold goes before the reactor is freed. */
BIGHT_API BIGHT_MUST_USE struct bight_http_cookie_jar *bight_http_cookie_jar_new(
    struct bight_reactor *reactor, const struct bight_http_cookie_jar_options *options);
/* NULL is allowed. */
BIGHT_API struct bight_http_cookie_jar *bight_http_cookie_jar_hold(struct bight_http_cookie_jar *jar);
BIGHT_API void bight_http_cookie_jar_release(struct bight_http_cookie_jar *jar);

/* ------------------------------------------------------------------------------------------ looking */

/* A cookie of a jar, to be read until the jar changes: it may whenever the program returns to the reactor. */
struct bight_http_kept_cookie {
    const char *name; /* "": it has none, and is sent as its value alone */
    const char *value;
    const char *domain; /* in lower case, without a dot before it; or an IP address */
    const char *path;
    int64_t expires;       /* seconds since 1970 UTC; 0: it ends with the session */
    const char *same_site; /* "Lax", "Strict", "None"; NULL: it did not say. A client does not look at it */
    bool host_only;        /* it does not go to subdomains of its domain */
    bool secure;           /* it goes through https only */
    bool http_only;        /* scripts would not see it */
};

/* The one behind `after`, NULL: the first one, in the order in which they came. NULL: there are no more. Those that
 * have expired are left out. */
BIGHT_API const struct bight_http_kept_cookie *bight_http_cookie_jar_next(
    const struct bight_http_cookie_jar *jar, const struct bight_http_kept_cookie *after);

/* The first of this name that a call for the URL would send. NULL: none. */
BIGHT_API const struct bight_http_kept_cookie *bight_http_cookie_jar_find(
    struct bight_http_cookie_jar *jar, const char *url, const char *name);

/* ------------------------------------------------------------------------------------------ changing */

/* Does what a response from the URL with this Set-Cookie would: "name=value; Path=/; Secure". Max-Age=0 removes. 0;
 * SYNTAX for what no URL is, or for a cookie that is ignored; OUT_OF_MEMORY, also for a jar of NULL. */
BIGHT_API int bight_http_cookie_jar_set(struct bight_http_cookie_jar *jar, const char *url, const char *set_cookie);

/* Removes those with this domain, path and name, whether host-only or not. False: there was none. */
BIGHT_API bool bight_http_cookie_jar_remove(
    struct bight_http_cookie_jar *jar, const char *domain, const char *path, const char *name);

/* Removes all, or all that end with the session. NULL is allowed. */
BIGHT_API void bight_http_cookie_jar_clear(struct bight_http_cookie_jar *jar);
BIGHT_API void bight_http_cookie_jar_end_session(struct bight_http_cookie_jar *jar);

/* ------------------------------------------------------------------------------------------ files */

/* Files are cookies.txt, as curl and wget read and write it. Both functions work in a thread of the reactor's pool.
 *
 * Writes what there is now, with `with_session` also what ends with the session, in place of the file, if there is one:
 * a new one, 0600, gets its name when it is on the disk. Left out is what the format cannot tell: cookies without a
 * name or with a tab in them. SameSite is not in the file. Fires with the number of cookies (bight_type_integer); fails
 * as open, write, fsync and rename do, with OUT_OF_MEMORY, or with INVALID_ARGUMENT, a usage error, for a path that
 * names no file. Cancelled before it began, it writes nothing. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_cookie_jar_save(
    struct bight_http_cookie_jar *jar, const char *path, bool with_session);

/* Adds what a file has; a cookie that the jar has stays as it is. Fires with the number of lines that are no cookies
 * and were skipped (bight_type_integer); what has expired is no mistake. Fails as open and read do; with TOO_LONG for a
 * file of more than 16 MiB; with INVALID_ARGUMENT for what is no file; with OUT_OF_MEMORY, and the jar may have some of
 * it then. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_http_cookie_jar_load(
    struct bight_http_cookie_jar *jar, const char *path);

BIGHT_END

#endif
