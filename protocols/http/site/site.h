/* SPDX-License-Identifier: MIT */
/* site.h - what a site's files share. */
#ifndef BI_HTTP_SITE_H
#define BI_HTTP_SITE_H

#include <bight/protocols/http_site.h>

#include "http/server/request.h"
#include "http/site/routes.h"

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
    bool is_broken; /* a route could not be added */
};

static inline struct bight_http_site *bi_site_of(struct bi_http_server *server)
{
    return (struct bight_http_site *)server;
}

/* handlers.c: finds the route of a request and calls its handler. */
void bi_site_requested(struct bi_http_server *server, struct bight_http_request *request);

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

/* page.c: answers with the page of an error. */
void bi_site_failed(struct bi_http_server *server, struct bight_http_request *request, int status, const char *message);

#endif
