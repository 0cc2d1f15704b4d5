/* SPDX-License-Identifier: MIT */
/* routes_model.h - A5 once more, without a tree and without relations: every pattern is tried with every path.
 *
 * What "narrower" means is counted: of two patterns that match a request, that one which matches fewer of all the paths
 * there are. Shared by the tests of routes and their fuzzer. */
#ifndef BIGHT_TEST_HTTP_ROUTES_MODEL_H
#define BIGHT_TEST_HTTP_ROUTES_MODEL_H

#include "http/message/names.h"
#include "http/site/routes.h"

/* A shape as pattern.h says, and a canonical path. `parts` are what its names stand for, if it matches. */
static inline bool model_matches(struct bi_shape shape, struct bi_view path, struct bi_view *parts)
{
    size_t at = 0;
    unsigned count = 0;
    for (size_t i = 0; i < shape.text.size; i++) {
        size_t begin = at;
        if (shape.text.at[i] != BI_SHAPE_NAME) {
            if (at == path.size || path.at[at] != shape.text.at[i]) {
                return false;
            }
            at++;
            continue;
        }
        while (at < path.size && path.at[at] != '/') {
            at++;
        }
        if (at == begin) {
            return false;
        }
        parts[count++] = (struct bi_view) { path.at + begin, at - begin };
    }
    if (shape.has_rest) {
        parts[count] = bi_view_from(path, at);
    }
    return shape.has_rest || at == path.size;
}

/* Whether the rest of a shape that matches is one that A1 refuses. */
static inline bool model_blocks(struct bi_shape shape, struct bi_view path)
{
    struct bi_view parts[BI_PATTERN_NAMES + 1] = { { NULL, 0 } };
    unsigned names = 0;
    for (size_t i = 0; i < shape.text.size; i++) {
        names += shape.text.at[i] == BI_SHAPE_NAME ? 1 : 0;
    }
    if (!shape.has_rest || !model_matches(shape, path, parts)) {
        return false;
    }
    for (size_t i = 0; i < parts[names].size; i++) {
        if (parts[names].at[i] == '\\' || (parts[names].size - i >= 3 && memcmp(parts[names].at + i, "%2F", 3) == 0)) {
            return true;
        }
    }
    return false;
}

struct model_route {
    struct bi_shape shape;
    unsigned method; /* the table's number */
    int host;        /* 0: all */
    bool is_mount;   /* its rest may hold anything; for all methods */
    size_t weight;   /* how many of all paths and methods it matches */
};

struct model {
    struct model_route routes[64];
    unsigned count;
};

struct model_request {
    unsigned method;
    int host; /* 0: none of those that routes have */
    struct bi_view path;
};

static inline bool model_accepts(unsigned route, unsigned method)
{
    return route == BI_METHOD_OTHER || route == method || (route == BI_METHOD_GET && method == BI_METHOD_HEAD);
}

/* The narrowest route for one host that matches, or -1. */
static inline int model_narrowest(const struct model *model, struct model_request request, int host)
{
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    int best = -1;
    for (unsigned i = 0; i < model->count; i++) {
        const struct model_route *route = &model->routes[i];
        if (route->host == host && model_accepts(route->method, request.method) &&
            model_matches(route->shape, request.path, parts) &&
            (best < 0 || route->weight < model->routes[best].weight)) {
            best = (int)i;
        }
    }
    return best;
}

/* The route, or -1, also if it may not have the path. */
static inline int model_route(const struct model *model, struct model_request request, bool *blocked)
{
    int found = request.host != 0 ? model_narrowest(model, request, request.host) : -1;
    found = found < 0 ? model_narrowest(model, request, 0) : found;
    *blocked = found >= 0 && !model->routes[found].is_mount && model_blocks(model->routes[found].shape, request.path);
    return *blocked ? -1 : found;
}

static inline uint64_t model_allowed(const struct model *model, struct model_request request)
{
    struct bi_view parts[BI_PATTERN_NAMES + 1];
    uint64_t allowed = 0;
    for (unsigned i = 0; i < model->count; i++) {
        const struct model_route *route = &model->routes[i];
        if ((route->host == 0 || route->host == request.host) && model_matches(route->shape, request.path, parts) &&
            !model_blocks(route->shape, request.path)) {
            allowed |= UINT64_C(1) << route->method;
        }
    }
    return allowed;
}

/* As bi_routes_find; *route is only set when it is found, *allowed when it is not. */
static inline enum bi_route_result model_find(
    const struct model *model, struct model_request request, int *route, uint64_t *allowed)
{
    static uint8_t other[4096];
    bool blocked;
    *route = model_route(model, request, &blocked);
    if (*route >= 0) {
        return BI_ROUTE_FOUND;
    }
    *allowed = blocked ? 0 : model_allowed(model, request);
    if (blocked) {
        return BI_ROUTE_NOT_FOUND;
    }
    if (*allowed != 0) {
        return request.method == BI_METHOD_OPTIONS ? BI_ROUTE_OPTIONS : BI_ROUTE_NOT_ALLOWED;
    }
    struct model_request redirected = request;
    bool slash = request.path.at[request.path.size - 1] == '/';
    memcpy(other, request.path.at, request.path.size);
    other[request.path.size] = '/';
    redirected.path = (struct bi_view) { other, slash ? request.path.size - 1 : request.path.size + 1 };
    if (redirected.path.size > 0 && model_route(model, redirected, &blocked) >= 0) {
        return slash ? BI_ROUTE_REMOVES_SLASH : BI_ROUTE_ADDS_SLASH;
    }
    return BI_ROUTE_NOT_FOUND;
}

#endif
