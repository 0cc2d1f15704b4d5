/* SPDX-License-Identifier: MIT */
/* site.c - sites: their options, how routes are added to them, their life.
 *
 * What is done with a request is handlers.c's; the table of routes is routes.c's. */
#include "http/site/site.h"

#include <bight/log.h>
#include <bight/memory.h>

#include <math.h>

/* ------------------------------------------------------------------------------------------- its life */

static void free_routes(struct bight_http_site *site)
{
    while (site->all != NULL) {
        struct bi_http_route *route = site->all;
        site->all = route->next;
        if (route->release != NULL) {
            route->release(route->context);
        }
        bight_free(route);
    }
}

/* Requests that were held ask their routes' patterns for names until then. */
static void gone(struct bi_http_server *server)
{
    bi_site_release(bi_site_of(server));
}

/* A site whose routes are not all there would answer 404 where it should not. */
static struct bight_failure *check(const struct bi_http_server *server)
{
    return bi_site_is_broken((struct bight_http_site *)(uintptr_t)server)
               ? bight_failure_new(BIGHT_E_CONFIGURATION, 0, NULL, "a route of the site could not be added")
               : NULL;
}

static const struct bi_http_server_ops server_ops = {
    .requested = bi_site_requested,
    .failed = bi_site_failed,
    .announced = bi_middleware_announced,
    .ended = bi_middleware_ended,
    .gone = gone,
    .check = check,
};

static const struct bi_http_server_ops ops_with_middleware = {
    .requested = bi_middleware_requested,
    .failed = bi_site_failed,
    .announced = bi_middleware_announced,
    .ended = bi_middleware_ended,
    .gone = gone,
    .check = check,
};

const struct bi_http_server_ops *bi_site_ops_with_middleware(void)
{
    return &ops_with_middleware;
}

static const struct bi_http_server_ops ops_with_guard = {
    .requested = bi_guard_requested,
    .failed = bi_site_failed,
    .announced = bi_middleware_announced,
    .ended = bi_middleware_ended,
    .gone = gone,
    .check = check,
};
const struct bi_http_server_ops *bi_site_ops_with_guard(void)
{
    return &ops_with_guard;
}

void bight_http_site_free(struct bight_http_site *site)
{
    if (site == NULL) {
        return;
    }
    bi_http_server_begin_free(&site->server); /* what is released may let requests proceed, which find nothing */
    bi_middleware_free(site);
    bi_cross_origin_free(site);
    free_routes(site);
    site->error = NULL;
    bi_http_server_free(&site->server);
}

struct bight_factory *bight_http_site_factory(struct bight_http_site *site)
{
    return site == NULL ? NULL : &site->server.factory;
}

/* --------------------------------------------------------------------------------------------- options */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member) \
    (options->size >= offsetof(struct bight_http_site_options, member) + sizeof options->member ? options->member : 0)

static bool is_time(double seconds)
{
    return seconds >= 0 && !isnan(seconds);
}

static const char *find_mistake(const struct bight_http_site_options *options)
{
    if (GIVEN(options, head_limit) > BI_HEAD_CEILING || GIVEN(options, line_limit) > BI_HEAD_CEILING) {
        return "a head of more than 65535 bytes";
    }
    if (GIVEN(options, field_limit) > BI_HEAD_MAX_FIELDS) {
        return "more than 1000 fields";
    }
    return is_time(GIVEN(options, head_seconds)) && is_time(GIVEN(options, idle_seconds)) ? NULL
                                                                                          : "a time that is none";
}

#define TAKE(limit, member)            \
    if (GIVEN(options, member) != 0) { \
        (limit) = (options)->member;   \
    }

static void take_options(struct bight_http_site *site, const struct bight_http_site_options *options)
{
    struct bi_http_limits *limits = &site->server.limits;
    TAKE(limits->head.line, line_limit)
    TAKE(limits->head.size, head_limit)
    TAKE(limits->head.fields, field_limit)
    TAKE(limits->body, body_limit)
    TAKE(site->body_limit, body_limit)
    TAKE(limits->requests, request_limit)
    TAKE(limits->head_seconds, head_seconds)
    TAKE(limits->idle_seconds, idle_seconds)
    TAKE(limits->body_rate, least_body_rate)
    TAKE(limits->read_rate, least_read_rate)
    limits->half_close = GIVEN(options, half_close);
    site->routes.ignores_slashes = GIVEN(options, no_slash_redirects);
    site->trusts_all = GIVEN(options, allow_cross_origin);
}

struct bight_http_site *bight_http_site_new_full(const struct bight_http_site_options *options)
{
    const char *mistake = options != NULL ? find_mistake(options) : NULL;
    if (mistake != NULL) {
        bight_log(BIGHT_LOG_ERROR, "usage", NULL, "bight_http_site_new: %s", mistake);
        return NULL;
    }
    struct bight_http_site *site = bight_calloc(1, sizeof *site);
    if (site == NULL) {
        return NULL;
    }
    bi_http_server_init(&site->server, &server_ops);
    site->holds = 1;
    if (options != NULL) {
        take_options(site, options);
    }
    return site;
}

struct bight_http_site *bight_http_site_new(void)
{
    return bight_http_site_new_full(NULL);
}

void bight_http_site_set_error(struct bight_http_site *site, bight_http_error_handler handler, void *context)
{
    if (site != NULL) {
        site->error = handler;
        site->error_context = context;
    }
}

/* ---------------------------------------------------------------------------------------------- routes */

/* Adds the route, which is taken when 0 is returned. */
static int add(struct bight_http_site *site, const char *pattern, struct bi_http_route *route)
{
    struct bi_route_error error;
    int code = bi_routes_add(&site->routes, pattern, route, &error);
    if (code != BIGHT_OK) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "%s", error.text);
        return code;
    }
    route->next = site->all;
    site->all = route;
    return BIGHT_OK;
}

static int add_route(struct bight_http_site *site, const char *pattern, const struct bi_http_route *wanted)
{
    int code = BIGHT_E_OUT_OF_MEMORY;
    struct bi_http_route *route = site != NULL ? bight_malloc(sizeof *route) : NULL;
    if (route != NULL) {
        *route = *wanted;
        code = add(site, pattern, route);
    }
    if (code != BIGHT_OK) {
        bight_free(route);
        if (site != NULL) {
            site->is_broken = true;
        }
        if (wanted->release != NULL) { /* it may free the site */
            wanted->release(wanted->context);
        }
    }
    return code;
}

static int add_route_with(struct bight_http_site *site, const char *pattern, struct bi_http_route *route,
    const struct bight_http_route_options *options)
{
    if (options != NULL) {
        route->body_limit = options->body_limit;
        route->seconds = options->seconds;
        route->cancel_when_gone = options->cancel_when_gone;
        route->decodes = options->decode;
        route->has_body_rules = route->body_limit != 0 || route->decodes;
    }
    return add_route(site, pattern, route);
}

int bight_http_route(struct bight_http_site *site, const char *pattern, bight_http_handler handler, void *context)
{
    return add_route(site, pattern, &(struct bi_http_route) { .handler = handler, .context = context });
}

int bight_http_route_full(struct bight_http_site *site, const char *pattern, bight_http_handler handler, void *context,
    bight_release_function release, const struct bight_http_route_options *options)
{
    struct bi_http_route route = { .handler = handler, .context = context, .release = release };
    return add_route_with(site, pattern, &route, options);
}

int bight_http_route_coroutine(
    struct bight_http_site *site, const char *pattern, bight_http_coroutine body, void *context)
{
    return add_route(site, pattern, &(struct bi_http_route) { .coroutine = body, .context = context });
}

int bight_http_route_coroutine_full(struct bight_http_site *site, const char *pattern, bight_http_coroutine body,
    void *context, bight_release_function release, const struct bight_http_route_options *options)
{
    struct bi_http_route route = { .coroutine = body, .context = context, .release = release };
    return add_route_with(site, pattern, &route, options);
}
