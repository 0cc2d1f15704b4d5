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
    size_t buffer;        /* bytes that may wait, twice: at least 65536; 0 is 1 MiB */
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
 * Lines are gathered, and written by a thread of the reactor's pool when there are 32 KiB or the time is over; a line
 * that finds no room, because the disk is too slow, is dropped. That is logged, every ten seconds; a failure to write
 * once, until one succeeds. What is gathered is written when the site is freed. A path that cannot be opened is a
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

/* -------------------------------------------------------------------------------------- rate limits */

struct bight_http_rate_limit_options {
    size_t size;        /* sizeof(struct bight_http_rate_limit_options) */
    double rate;        /* requests a second: 10 */
    double burst;       /* that may come at once: 50 */
    uint32_t addresses; /* that are remembered: 65536, which take 3 MiB; then the one that asked least recently goes */
    const void *reserved[4];
};

/* A token bucket for each client's address (bight_http_request_peer), in IPv6 for each network of 64 bits: beyond it
 * 429, with Retry-After. Clients over UNIX sockets have no address, and no limit. Several may be added, for different
 * times.
 */
BIGHT_API int bight_http_use_rate_limit(
    struct bight_http_site *site, const struct bight_http_rate_limit_options *options);

/* ----------------------------------------------------------------------------------- trusted proxies */

struct bight_http_trusted_proxies_options {
    size_t size;          /* sizeof(struct bight_http_trusted_proxies_options) */
    bool reads_forwarded; /* Forwarded (RFC 7239) instead of X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host */
    bool reads_host;      /* what they say of the host counts as the request's Host */
    const void *reserved[4];
};

/* A8. `networks` are the proxies': "10.0.0.0/8", "2001:db8::7", "unix" for all that come over a UNIX socket; and a
 * NULL. From others nothing is believed. Addresses are taken from the right, those of the networks skipped; the first
 * other is the client's, which bight_http_request_peer then returns, with port 0 if none was told. One that is no
 * address ends it: the client is the last that was one. bight_http_request_is_secure is what was told of that client.
 * To be added before all that asks for these. */
BIGHT_API int bight_http_use_trusted_proxies(struct bight_http_site *site, const char *const *networks,
    const struct bight_http_trusted_proxies_options *options);

/* ------------------------------------------------------------------------------ basic authentication */

/* The hash of the user's password, as bight_http_hash_password writes it; NULL: there is no such user. It is copied. */
typedef const char *(*bight_http_password_function)(const char *user, void *context);

struct bight_http_basic_auth_options {
    size_t size;                       /* sizeof(struct bight_http_basic_auth_options) */
    const char *file;                  /* of lines USER:HASH, read once; what is wrong with it is logged */
    bight_http_password_function find; /* or a function, asked for each request */
    void *context;
    double seconds;   /* for which a password that was right is not hashed again: 300 */
    unsigned jobs;    /* hashes at once: 4. One may take 32 MiB and a tenth of a second */
    uint32_t waiting; /* requests that may wait for that: 64; more are 503 */
    const void *reserved[4];
};

/* RFC 7617: 401 without a user's name and password. Hashes are computed by threads of the reactor's pool; a user whom
 * there is not takes as long. Passwords go over the wire with each request: only through TLS. `realm` is what the
 * browser shows. A file that cannot be read is a code. */
BIGHT_API int bight_http_use_basic_auth(
    struct bight_http_site *site, const char *realm, const struct bight_http_basic_auth_options *options);

/* The name of the user who has proved to be; stays as long as the request. NULL: nobody has. */
BIGHT_API const char *bight_http_request_user(const struct bight_http_request *request);

/* Writes the hash of a password, as text with a NUL: "$scrypt$ln=15,r=8,p=3$SALT$HASH". The salt is
 * BIGHT_HTTP_SALT_SIZE random bytes, for each hash others. Takes a tenth of a second and 32 MiB; any thread. 0, or a
 * code of bight_scrypt. */
#define BIGHT_HTTP_SALT_SIZE 16
#define BIGHT_HTTP_HASH_SIZE 128
BIGHT_API int bight_http_hash_password(
    const void *password, size_t size, const uint8_t salt[BIGHT_HTTP_SALT_SIZE], char text[BIGHT_HTTP_HASH_SIZE]);

/* Whether the hash is the password's: scrypt, and "$pbkdf2-sha256$i=600000$SALT$HASH"; takes as long. Any thread. 0;
 * PERMISSION_DENIED: it is not; SYNTAX: it is no hash; a code of bight_scrypt. */
BIGHT_API int bight_http_check_password(const char *hash, const void *password, size_t size);

BIGHT_END

#endif
