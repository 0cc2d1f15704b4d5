/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_provided.h - middleware that bight provides: one function each adds it to a site (A6).
 *
 *     bight_http_use_access_log(site, &(struct bight_http_access_log_options) {
 *         .size = sizeof(struct bight_http_access_log_options), .path = "/var/log/site/access.log" });
 *     bight_http_use_request_id(site, NULL);
 *
 * They are asked in order of adding (bight/protocols/http_middleware.h); docs/http_middleware.md says in which order
 * they make sense, and what each costs. Of options NULL is allowed, and 0 or NULL in one is its default; what they
 * point to is copied. Each function returns 0; OUT_OF_MEMORY; INVALID_ARGUMENT, a usage error, for options that cannot
 * be. After a code the site does not serve. Only in the reactor's thread. */
#ifndef BIGHT_PROTOCOLS_HTTP_PROVIDED_H
#define BIGHT_PROTOCOLS_HTTP_PROVIDED_H

#include <bight/protocols/http_middleware.h>

BIGHT_BEGIN

/* --------------------------------------------------------------------------------------- access log */

enum bight_http_log_format {
    BIGHT_HTTP_LOG_COMBINED, /* as nginx and Apache write it, in UTC; what a client sent as \xHH where it is not
                                visible ASCII, `"` and `\` too */
    BIGHT_HTTP_LOG_JSON      /* an object a line, in UTF-8 whatever the client sent */
};

/* Whole lines, each with its end. In the reactor's thread; must not call back into the site. */
typedef void (*bight_http_log_function)(const char *lines, size_t size, void *context);

struct bight_http_access_log_options {
    size_t size; /* sizeof(struct bight_http_access_log_options) */
    enum bight_http_log_format format;
    const char *path;              /* appended to, made with 0640; NULL or "-": standard error */
    bight_http_log_function write; /* instead of a file; NULL: none */
    void *context;
    size_t buffer;        /* bytes that are gathered, twice: at least, and 0 is, 65536 */
    double flush_seconds; /* after which gathered lines are written at the latest: 1 */
    bool without_query;   /* neither the target's nor the Referer's */
    bool with_seconds;    /* as of struct bight_http_outcome. In the combined format these stand behind all others */
    bool with_request_id;
    bool with_pattern;
    const void *reserved[4];
};

/* A line for each request at its end. 499 stands for the status of one whose client left before an answer was begun,
 * 444 of one that was aborted before. The bytes are the body's. Of a target 4096 bytes are shown, of a Referer 2048, of
 * a User-Agent 1024. Authorization and cookies never are.
 *
 * Lines are gathered, and written by a thread of the reactor's pool when half of the buffer is full or the time is
 * over; a line that finds no room, because the disk is too slow, is dropped. That is logged, once, as is a failure to
 * write, until one succeeds. What is gathered is written when the site is freed. A path that cannot be opened is a
 * code. */
BIGHT_API int bight_http_use_access_log(
    struct bight_http_site *site, const struct bight_http_access_log_options *options);

/* After a rotation: the files of the site's access logs are opened again, by a thread; lines to come go there. */
BIGHT_API void bight_http_access_log_reopen(struct bight_http_site *site);

/* --------------------------------------------------------------------------------------- request id */

struct bight_http_request_id_options {
    size_t size;       /* sizeof(struct bight_http_request_id_options) */
    const char *field; /* "X-Request-ID" */
    bool takes_any;    /* one that the request has is taken, if it is 1 to 128 of A-Z a-z 0-9 . _ - */
    const void *reserved[4];
};

/* Each request gets an id, 128 random bits in hexadecimal, and its answer says it. Ids that come with requests are
 * anybody's to choose, so they are taken only when that is asked for. */
BIGHT_API int bight_http_use_request_id(
    struct bight_http_site *site, const struct bight_http_request_id_options *options);

/* The id; stays as long as the request. NULL: it has none. */
BIGHT_API const char *bight_http_request_id(const struct bight_http_request *request);

/* ------------------------------------------------------------------------------------------- limits */

struct bight_http_limits_options {
    size_t size;         /* sizeof(struct bight_http_limits_options) */
    double seconds;      /* as of struct bight_http_route_options: 30. Infinity: any */
    uint64_t body_limit; /* bytes; 0: the site's */
    const void *reserved[4];
};

/* For all routes that have no limits of their own. The time includes what middleware waited for. */
BIGHT_API int bight_http_use_limits(struct bight_http_site *site, const struct bight_http_limits_options *options);

/* ---------------------------------------------------------------------------------- security fields */

/* Texts: NULL is the default, "" leaves the field out. */
struct bight_http_security_options {
    size_t size;                 /* sizeof(struct bight_http_security_options) */
    const char *referrer_policy; /* "strict-origin-when-cross-origin" */
    const char *frames;          /* X-Frame-Options: "DENY"; or "SAMEORIGIN" */
    const char *content_policy;  /* Content-Security-Policy: frame-ancestors, as `frames` says, alone */
    const char *opener_policy;   /* Cross-Origin-Opener-Policy: "same-origin" */
    bool allow_sniffing;         /* no X-Content-Type-Options: nosniff */
    double https_seconds;        /* Strict-Transport-Security of answers by https, a promise that cannot be taken back
                                    before its time; 0: none */
    bool https_subdomains;       /* it is for all below the host, too */
    const void *reserved[4];
};

/* Sets these fields of every answer, but for those that the handler has set. */
BIGHT_API int bight_http_use_security_fields(
    struct bight_http_site *site, const struct bight_http_security_options *options);

/* --------------------------------------------------------------------------------------------- CORS */

struct bight_http_cors_options {
    size_t size; /* sizeof(struct bight_http_cors_options) */
    const char *const
        *origins;        /* "https://app.example.org" ..., and a NULL; or "*" alone, for any. There has to be one */
    const char *methods; /* "GET, HEAD, POST" */
    const char *fields;  /* of requests, beyond those that need no leave: "Content-Type, X-Key"; NULL: none */
    const char *exposed; /* of answers, that scripts may read, likewise */
    double max_age;      /* seconds for which browsers may keep what a preflight was answered: 600 */
    bool credentials;    /* cookies and their like may come along; never with "*" */
    const void *reserved[4];
};

/* A7: who may read answers across origins (https://fetch.spec.whatwg.org). Preflights are answered, 204, before routes
 * are looked for. Origins of the list are exempt from the protection across origins, if it is the site that serves
 * that has them; with "*" none is. */
BIGHT_API int bight_http_use_cors(struct bight_http_site *site, const struct bight_http_cors_options *options);

BIGHT_END

#endif
