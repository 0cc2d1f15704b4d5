/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_middleware.h - what a site does with every request, whatever its handler: A6.
 *
 *     static bool require_key(struct bight_http_request *request, void *context)
 *     {
 *         const char *key = bight_http_request_field(request, "X-Key");
 *         if (key != NULL && strcmp(key, context) == 0) {
 *             return true;
 *         }
 *         bight_http_respond_error(request, 401, "a key is needed");
 *         return false;
 *     }
 *
 *     static const struct bight_http_middleware_ops keys = { .size = sizeof keys, .before = require_key };
 *     bight_http_use(site, &keys, "secret");
 *
 * A site without middleware pays nothing for it. */
#ifndef BIGHT_PROTOCOLS_HTTP_MIDDLEWARE_H
#define BIGHT_PROTOCOLS_HTTP_MIDDLEWARE_H

#include <bight/protocols/http_site.h>

BIGHT_BEGIN

/* How an exchange ended. */
struct bight_http_outcome {
    int status;          /* that was sent; 0: none */
    bool is_whole;       /* all of the answer has been handed to the connection; false: it was aborted, or the client
                            left before */
    uint64_t bytes_sent; /* of the answer with its head, but for the lines of chunks, as handed to the connection */
    double seconds;      /* from when its handler had returned, 0 for one that was answered by then: handlers' own times
                            are in bight_reactor_read_figures */
};

/* Any slot may be NULL. All that were asked about a request are told of its answer and of its end, in order of adding,
 * a mounted site's behind those of the site around it; those behind the one that answered are not asked. Each slot is
 * called at most once for a request, and may do anything. */
struct bight_http_middleware_ops {
    size_t size; /* sizeof(struct bight_http_middleware_ops) */
    /* Before the request's route is looked for. True: it goes on. False: it has been answered, or waits for
     * bight_http_request_proceed, held (bight_http_request_hold); what is neither is answered 500. */
    bool (*before)(struct bight_http_request *request, void *context);
    /* The answer's head is about to be sent: bight_http_respond_set and _add may be called, nothing else that answers.
     */
    void (*head)(struct bight_http_request *request, int status, void *context);
    /* The exchange is over, in whatever way. What a request says can be asked for yet. */
    void (*done)(struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context);
};

/* Adds it to the site's, for requests to come. Table and context are borrowed. 0 or OUT_OF_MEMORY; the site then does
 * not serve. Requests whose head is refused (H2) meet none; they are counted, and logged. When the site is freed, what
 * is under way is told nothing more. */
BIGHT_API int bight_http_use(struct bight_http_site *site, const struct bight_http_middleware_ops *ops, void *context);

/* The same with a release function for the context (NULL: none), called when the site is freed, or at once on a code.
 */
BIGHT_API int bight_http_use_full(struct bight_http_site *site, const struct bight_http_middleware_ops *ops,
    void *context, bight_release_function release);

/* The request that `before` has stopped goes on: to the next middleware, and then to its handler, which may be called
 * inside. 0; CLOSED when its client has gone; USAGE, a usage error, when nobody has stopped it, or it has been
 * answered. A hold that was taken is still to be released. */
BIGHT_API int bight_http_request_proceed(struct bight_http_request *request);

/* A7. Unless it was made with allow_cross_origin, a site answers 403 to a request with a method other than GET, HEAD
 * and OPTIONS that a page of another site had a browser send: Sec-Fetch-Site is there and neither same-origin nor none,
 * or, where it is missing, Origin is there and its host and port are not those of Host. What no browser sent has
 * neither. From an origin of this list, "https://app.example.org", any is admitted. 0; INVALID_ARGUMENT, and
 * OUT_OF_MEMORY: the site then does not serve. Where sites are mounted the list of the one that serves counts. */
BIGHT_API int bight_http_trust_origin(struct bight_http_site *site, const char *origin);

BIGHT_END

#endif
