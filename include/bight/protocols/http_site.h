/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_site.h - a site: routes from paths to handlers, and the factory that serves them.
 *
 *     struct bight_http_site *site = bight_http_site_new();
 *     bight_http_route(site, "GET /users/{id}", show_user, NULL);
 *     bight_serve(reactor, "tcp:8888", bight_http_site_factory(site));
 *
 * A site serves one reactor at a time, over any number of ports. Functions accept the NULL of a failed
 * bight_http_site_new. Only in the reactor's thread. */
#ifndef BIGHT_PROTOCOLS_HTTP_SITE_H
#define BIGHT_PROTOCOLS_HTTP_SITE_H

#include <bight/coroutine.h>
#include <bight/protocols/http_respond.h>

BIGHT_BEGIN

struct bight_http_site;

/* H3: what a client may ask for, and how long it may take. 0, or 0.0, everywhere: the default. */
struct bight_http_site_options {
    size_t size;              /* sizeof(struct bight_http_site_options) */
    uint32_t line_limit;      /* bytes of the request line: 8192; else 414 */
    uint32_t head_limit;      /* bytes of a head: 32768, at most 65535; else 431 */
    uint16_t field_limit;     /* fields of a head: 100, at most 1000; else 431 */
    uint64_t body_limit;      /* bytes of a body, unless its route says otherwise: 1 MiB; else 413. UINT64_MAX: any */
    uint32_t request_limit;   /* requests a connection: 1000. UINT32_MAX: any */
    double head_seconds;      /* from a head's first byte to its end: 10; else 408 */
    double idle_seconds;      /* without a request: 75 */
    uint32_t least_body_rate; /* bytes a second, over 10 s, while the body is read: 1024; else 408 */
    uint32_t least_read_rate; /* bytes a second that a client takes, over 30 s, while some wait for it: 1024 */
    bool half_close;          /* a client that ends its side still wants its answer (A3) */
    bool no_slash_redirects;  /* A5: no 308 to the other form */
    bool allow_cross_origin;  /* A7: no protection against requests that another site's pages have a browser send */
    const void *reserved[4];
};

/* NULL when out of memory, or (logged) for options that cannot be. */
BIGHT_API BIGHT_MUST_USE struct bight_http_site *bight_http_site_new(void);
BIGHT_API BIGHT_MUST_USE struct bight_http_site *bight_http_site_new_full(
    const struct bight_http_site_options *options);

/* Legal at any time. From then on no handler is called; what is under way may be answered yet, and an idle connection
 * ends with its next request, which is answered 503, or when its idle time is over. The memory goes when ports,
 * connections and held requests have gone. NULL is allowed. */
BIGHT_API void bight_http_site_free(struct bight_http_site *site);

/* For bight_serve, bight_listen and their kin. It fails to listen (status 78) when a route could not be added. */
BIGHT_API struct bight_factory *bight_http_site_factory(struct bight_http_site *site);

/* ------------------------------------------------------------------------------------------- routes */

/* Answers the request, at once or later (A2). May do anything: free the site, close, abort, stop the reactor. */
typedef void (*bight_http_handler)(struct bight_http_request *request, void *context);

/* A5: `pattern` is "[METHOD ][HOST]/path/{name}/{rest...}". 0; SYNTAX for a pattern that is wrong,
 * INVALID_ARGUMENT for one that conflicts with another, LIMIT for more than 64 methods; OUT_OF_MEMORY. What is wrong,
 * and where, is logged. The context is borrowed. */
BIGHT_API int bight_http_route(
    struct bight_http_site *site, const char *pattern, bight_http_handler handler, void *context);

struct bight_http_route_options {
    size_t size;           /* sizeof(struct bight_http_route_options) */
    uint64_t body_limit;   /* 0: the site's */
    double seconds;        /* from the request's head to its answer; then the owner's Deferreds are cancelled and 503 is
                              answered. 0: none */
    bool cancel_when_gone; /* A3: what respond_later waits for, and a coroutine, is cancelled when the client goes, and
                              when the time is over */
    bool decode;           /* A4: as if its handler began with bight_http_request_decode */
    const void *reserved[4];
};

/* The same with options (NULL: none) and a release function for the context, called when the route goes. */
BIGHT_API int bight_http_route_full(struct bight_http_site *site, const char *pattern, bight_http_handler handler,
    void *context, bight_release_function release, const struct bight_http_route_options *options);

/* A handler that is a coroutine: in it bight_await works. When it returns without having answered, *result is the
 * answer, as of bight_http_respond_later. */
typedef void (*bight_http_coroutine)(struct bight_http_request *request, struct bight_result *result, void *context);
BIGHT_API int bight_http_route_coroutine(
    struct bight_http_site *site, const char *pattern, bight_http_coroutine body, void *context);

/* The same with options, as bight_http_route_full. With cancel_when_gone the coroutine is cancelled when its answer
 * cannot reach the client any more, and what it awaits fails then; without, it runs on for its other work. */
BIGHT_API int bight_http_route_coroutine_full(struct bight_http_site *site, const char *pattern,
    bight_http_coroutine body, void *context, bight_release_function release,
    const struct bight_http_route_options *options);

/* Mounts a site in another: what lies below the path is asked of it, with the path's rest. `path` is "[HOST]/path",
 * with or without a slash at its end; "/" is all of a host, or of all. Routes of the site around it that are more
 * specific go first; paths that are not below it are not its. The mounted site's routes, pages of errors and limits of
 * bodies apply, its other options, ports and figures are those of the site that serves. It is borrowed, may be mounted
 * and served elsewhere too, and either may be freed first: below a site that has been freed all is 503. Both belong to
 * one reactor. 0; SYNTAX; INVALID_ARGUMENT for a conflict, or a site that would be in itself; OUT_OF_MEMORY, also for a
 * NULL. */
BIGHT_API int bight_http_mount(struct bight_http_site *site, const char *path, struct bight_http_site *mounted);

/* F5: on connections to a loopback address the site answers only requests whose Host is localhost, 127.0.0.1, [::1] or
 * one of `names`, whatever the port; others, and those without a Host, are 421. Pages of strangers cannot have a
 * browser read what is meant for this machine alone then, by a name of theirs that they point at it (DNS rebinding).
 * `names` has `count` texts in any case, which are copied; a call replaces those of the one before. For the site that
 * serves, not one that is mounted. 0; OUT_OF_MEMORY, also for a site of NULL; SYNTAX, a usage error, for what is no
 * host. On a code the site fails to serve. */
BIGHT_API int bight_http_site_guard_loopback(struct bight_http_site *site, const char *const *names, size_t count);

/* The pages of 404, 405, other 4xx and 5xx: answers `request` with `status`; `message` may be NULL. */
typedef void (*bight_http_error_handler)(
    struct bight_http_request *request, int status, const char *message, void *context);
BIGHT_API void bight_http_site_set_error(struct bight_http_site *site, bight_http_error_handler handler, void *context);

/* ------------------------------------------------------------------------------------------ figures */

/* A15. Entry n of latencies counts the answers that took no longer than bight_http_latency_limit(n) and longer than the
 * limit before: 1, 5, 10, 25, 50, 100, 250 and 500 ms, 1, 2.5, 5 and 10 s, and the last any time. An answer's time
 * runs from when its handler has returned to when it has been written; one that is whole by then has taken none. How
 * long handlers themselves take is in bight_reactor_read_figures. */
#define BIGHT_HTTP_LATENCIES 13

struct bight_http_figures {
    size_t size;             /* sizeof(struct bight_http_figures), set by the caller */
    uint64_t requests;       /* whose head was in order */
    uint64_t refused;        /* that were not, or came too slowly */
    uint64_t abandoned;      /* requests whose client left before the answer was whole */
    uint64_t answers[6];     /* begun so far, by the first digit of their status */
    uint64_t in_flight;      /* requests that are not over */
    uint64_t connections;    /* that are open */
    uint64_t bytes_received; /* that connections handed on: heads, bodies, without TLS */
    uint64_t bytes_sent;     /* heads and bodies of answers, but for the lines of chunks, as handed to connections */
    uint64_t latencies[BIGHT_HTTP_LATENCIES];
    double latency_time; /* seconds, all together */
    const void *reserved[8];
};

/* Fills as much as figures->size says, of what the site has served on its own ports since it was made. Costs next to
 * nothing. 0 or INVALID_ARGUMENT (no size, no site). */
BIGHT_API int bight_http_site_read_figures(const struct bight_http_site *site, struct bight_http_figures *figures);

/* Seconds; infinity from the last entry on. */
BIGHT_API double bight_http_latency_limit(size_t number);

/* A handler: answers with the figures of `site` as the text format of Prometheus, 0.0.4. NULL: of the site that serves
 * the request. bight_http_route(site, "GET /metrics", bight_http_figures_handler, NULL); */
BIGHT_API void bight_http_figures_handler(struct bight_http_request *request, void *site);

BIGHT_END

#endif
