/* SPDX-License-Identifier: MIT */
/* site.h - what a site's files share. */
#ifndef BI_HTTP_SITE_H
#define BI_HTTP_SITE_H

#include <bight/protocols/http_middleware.h>

#include "http/server/request.h"
#include "http/site/routes.h"

struct bi_http_guard;

/* What a pattern leads to. */
struct bi_http_route {
    struct bi_http_route *next; /* all of the site's */
    bight_http_handler handler;
    bight_http_coroutine coroutine;  /* instead of a handler */
    struct bight_http_site *mounted; /* instead of either, held */
    void *context;
    bight_release_function release;
    uint64_t body_limit; /* 0: the site's */
    double seconds;      /* 0: any */
    bool cancel_when_gone;
    bool has_body_rules; /* any of these: a limit, or ... */
    bool decodes;        /* ... bodies are decoded */
};

/* One in a site's chain. */
struct bi_http_middleware {
    const struct bight_http_middleware_ops *ops;
    void *context;
    bight_release_function release;
};

/* What a request has seen of a site's chain: linked from the outermost site on, in the request's memory. */
struct bi_passage {
    struct bi_passage *next;
    const struct bight_http_site *site;
    uint32_t passed; /* how many have been asked */
};

struct bight_http_site {
    struct bi_http_server server;
    struct bi_routes routes;
    struct bi_http_route *all, *mounts;
    unsigned holds;      /* its own, until nothing of it is left, and of the sites that it is mounted in */
    uint64_t walk;       /* of mount.c: the last one that came by */
    uint64_t body_limit; /* that was asked for; 0: none */
    bight_http_error_handler error;
    void *error_context;
    struct bi_http_guard *guard; /* guard.c; NULL: none */
    struct bi_http_middleware *uses;
    uint32_t use_count, use_room;
    struct bi_trusted_origin *trusted;
    bool trusts_all;
    bool is_broken; /* a route or a middleware could not be added */
};

static inline struct bight_http_site *bi_site_of(struct bi_http_server *server)
{
    return (struct bight_http_site *)server;
}

/* handlers.c: finds the route of a request and calls its handler. */
void bi_site_requested(struct bi_http_server *server, struct bight_http_request *request);
/* Answers with 308, to the same path and query with a slash at its end, or without the one that it has. */
void bi_site_redirect_slash(struct bight_http_request *request, bool adds);

/* Sets the path, canonical, if the request has one. 0; SYNTAX and why it is to be refused; OUT_OF_MEMORY. */
int bi_site_find_path(struct bight_http_request *request, const char **why);
/* site.c: the same server with a chain of middleware. */
const struct bi_http_server_ops *bi_site_ops_with_middleware(void);
/* The same with a guard, and without middleware. */
const struct bi_http_server_ops *bi_site_ops_with_guard(void);

/* guard.c. Whether the host of a request to a site with a guard is one that it answers for; else it has been answered.
 */
bool bi_guard_admits(const struct bight_http_site *site, struct bight_http_request *request);
/* Of the server: asks the guard, and goes on to the handler. */
void bi_guard_requested(struct bi_http_server *server, struct bight_http_request *request);

/* The innermost site that the request has come to. */
static inline struct bight_http_site *bi_site_of_request(const struct bight_http_request *request)
{
    return request->is_mounted ? request->mount.site : bi_site_of(request->server);
}

/* mount.c: releases a hold. */
void bi_site_release(struct bight_http_site *site);
/* A route of it, or of a site in it, could not be added. */
bool bi_site_is_broken(struct bight_http_site *site);
/* The request goes on to the site of the route, with the part of the path that was found to be the rest. */
void bi_mount_enter(struct bight_http_request *request, const struct bi_http_route *route, struct bi_span behind);

/* middleware.c: asks those of the site's middleware that the request has not met. True: it goes on, unless the site has
 * been freed; else it has been answered, or waits. */
bool bi_middleware_admits(const struct bight_http_site *site, struct bight_http_request *request);
void bi_middleware_announced(struct bi_http_server *server, struct bight_http_request *request, int status);
void bi_middleware_ended(struct bi_http_server *server, struct bight_http_request *request);
/* Instead of bi_site_requested, once the site has any. */
void bi_middleware_requested(struct bi_http_server *server, struct bight_http_request *request);
/* Those of a site that is freed. */
void bi_middleware_free(struct bight_http_site *site);

/* cross_origin.c: whether a request that may change something may come from where it comes from (A7). */
bool bi_cross_origin_admits(const struct bight_http_site *site, const struct bight_http_request *request);
void bi_cross_origin_free(struct bight_http_site *site);

/* page.c: answers with the page of an error. */
void bi_site_failed(struct bi_http_server *server, struct bight_http_request *request, int status, const char *message);

#endif
