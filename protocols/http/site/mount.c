/* SPDX-License-Identifier: MIT */
/* mount.c - sites in sites.
 *
 * A mount is a route "path/{rest...}" for all methods whose value is another site, which looks up the rest of the path
 * among its own routes. What it needs for that stays as long as the site around it, whichever is freed first: a freed
 * site is an empty shell that is counted, and answers 503. */
#include <bight/log.h>
#include <bight/memory.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "http/site/site.h"

static const char rest[] = "/{rest...}";

/* ------------------------------------------------------------------------------------------- its life */

void bi_site_release(struct bight_http_site *site)
{
    if (--site->holds > 0) {
        return;
    }
    while (site->mounts != NULL) {
        struct bi_http_route *mount = site->mounts;
        site->mounts = mount->next;
        bi_site_release(mount->mounted);
        bight_free(mount);
    }
    bi_routes_finish(&site->routes);
    bight_free(site->guard);
    bight_free(site);
}

/* -------------------------------------------------------------------------------------- through them all */

/* Each walk has a number, by which it knows the sites that it has seen: sites may be mounted more than once. */
static uint64_t next_walk(void)
{
    static atomic_uint_fast64_t walks;
    return atomic_fetch_add_explicit(&walks, 1, memory_order_relaxed) + 1;
}

typedef bool (*question)(const struct bight_http_site *site, const void *context);

/* True: the answer was yes for this site, or for one that is in it. */
static bool any(struct bight_http_site *site, uint64_t walk, question is, const void *context)
{
    if (site->walk == walk) {
        return false;
    }
    site->walk = walk;
    if (is(site, context)) {
        return true;
    }
    for (const struct bi_http_route *mount = site->mounts; mount != NULL; mount = mount->next) {
        if (any(mount->mounted, walk, is, context)) {
            return true;
        }
    }
    return false;
}

static bool is_broken(const struct bight_http_site *site, const void *context)
{
    (void)context;
    return site->is_broken;
}

static bool is_it(const struct bight_http_site *site, const void *context)
{
    return site == context;
}

bool bi_site_is_broken(struct bight_http_site *site)
{
    return any(site, next_walk(), is_broken, NULL);
}

/* --------------------------------------------------------------------------------------------- mounting */

/* 0, or a code and what is wrong. */
static int check(struct bight_http_site *site, const char *path, struct bight_http_site *mounted, const char **mistake)
{
    *mistake = strchr(path, '/') == NULL      ? "there is no path"
               : strpbrk(path, " {}") != NULL ? "a mount has no method and no names"
                                              : NULL;
    if (*mistake != NULL) {
        return BIGHT_E_SYNTAX;
    }
    if (any(mounted, next_walk(), is_it, site)) {
        *mistake = "the site would be in itself";
        return BIGHT_E_INVALID_ARGUMENT;
    }
    return BIGHT_OK;
}

/* The route, which is the table's when 0 is returned. */
static int add(struct bight_http_site *site, const char *path, struct bi_http_route *route)
{
    struct bi_route_error error;
    size_t size = strlen(path);
    size -= path[size - 1] == '/' ? 1 : 0;
    char *pattern = bight_malloc(size + sizeof rest);
    if (pattern == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(pattern, path, size);
    memcpy(pattern + size, rest, sizeof rest);
    int code = bi_routes_add(&site->routes, pattern, route, &error);
    bight_free(pattern);
    if (code != BIGHT_OK) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "%s", error.text);
        return code;
    }
    site->routes.routes[site->routes.count - 1].is_mount = true;
    return BIGHT_OK;
}

static int mount(struct bight_http_site *site, const char *path, struct bight_http_site *mounted)
{
    const char *mistake;
    int code = check(site, path, mounted, &mistake);
    if (code != BIGHT_OK) {
        bight_log(BIGHT_LOG_ERROR, "http", NULL, "mount \"%s\": %s", path, mistake);
        return code;
    }
    struct bi_http_route *route = bight_calloc(1, sizeof *route);
    code = route == NULL ? BIGHT_E_OUT_OF_MEMORY : add(site, path, route);
    if (code != BIGHT_OK) {
        bight_free(route);
        return code;
    }
    mounted->holds++;
    route->mounted = mounted;
    route->next = site->mounts;
    site->mounts = route;
    return BIGHT_OK;
}

int bight_http_mount(struct bight_http_site *site, const char *path, struct bight_http_site *mounted)
{
    if (site == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = mounted == NULL ? BIGHT_E_OUT_OF_MEMORY : mount(site, path, mounted);
    if (code != BIGHT_OK) {
        site->is_broken = true;
    }
    return code;
}

/* -------------------------------------------------------------------------------------------- requests */

void bi_mount_enter(struct bight_http_request *request, const struct bi_http_route *route, struct bi_span behind)
{
    struct bight_http_site *site = route->mounted;
    struct bight_http_site *pages = request->is_mounted ? request->mount.pages : bi_site_of(request->server);
    request->mount.at = (request->is_mounted ? request->mount.at : 0) + behind.at - 1;
    request->mount.pages = site->error != NULL ? site : pages;
    request->mount.site = site;
    request->mount.text = NULL;
    request->is_mounted = true;
    if (site->body_limit != 0 && request->has_body) {
        request->body.limit = site->body_limit;
    }
}

const char *bight_http_request_mount(struct bight_http_request *request)
{
    if (!request->is_mounted) {
        return "";
    }
    if (request->mount.text == NULL) {
        request->mount.text = bi_request_text(request, request->path.at, request->mount.at);
    }
    return request->mount.text;
}
