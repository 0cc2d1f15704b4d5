/* SPDX-License-Identifier: MIT */
/* routes.h - the table of a site's routes: a pattern and a pointer of the caller's each, and the look-up of requests.
 *
 * A5. Of several patterns that match a request the narrowest is its route, whatever the order of adding; two that match
 * a common request must be one narrower than the other, or the second is refused. Patterns for the request's host go
 * before those for all hosts, whatever their paths. What a pattern looks like is in pattern.h.
 *
 * A look-up walks a compressed tree once, allocates nothing and writes nothing but its result, whose parts are offsets
 * into the path. Routes may be added at any time: indices, of which results have one, stay, pointers into the table do
 * not. A walk visits a node of the tree once at most, so its length is bounded by the table, whatever the path. */
#ifndef BI_HTTP_ROUTES_H
#define BI_HTTP_ROUTES_H

#include "http/message/head.h"
#include "http/site/pattern.h"
#include "http/site/route_tree.h"

/* The methods of a table: those of names.h, and behind them others that its patterns have. A set of them has a bit for
 * each. BI_METHOD_OTHER stands for all. */
#define BI_ROUTE_METHODS 64

struct bi_route {
    void *value;
    uint32_t pattern_at, host_at, shape_at; /* in the table's text */
    uint16_t pattern_size, host_size, shape_size;
    bool has_rest, is_mount; /* is_mount: the rest is looked up elsewhere, whatever is in it; set behind adding */
    uint8_t method;
    uint32_t next; /* index + 1 of another with the same shape; 0: there is none */
};

/* Zeros are an empty table. */
struct bi_routes {
    struct bi_route_tree tree;
    struct bi_route *routes;
    uint8_t *text;
    uint32_t count, room;
    uint32_t text_size, text_room;
    bool has_hosts;
    bool ignores_slashes; /* no redirects between paths that differ in their last slash */
    uint8_t method_count; /* of others */
    struct bi_span methods[BI_ROUTE_METHODS - BI_METHOD_COUNT];
};

/* Why a route was not added. */
struct bi_route_error {
    uint32_t column; /* in the pattern, from 1; 0: it is not about a place */
    char text[512];
};

/* Frees the table, not the values. */
void bi_routes_finish(struct bi_routes *routes);

/* Adds a route, whose index is the number of those before it. 0; SYNTAX: it is no pattern; INVALID_ARGUMENT: it
 * conflicts with another, the text names both, and a request that would be for either; OUT_OF_MEMORY; LIMIT. On a code
 * the table is as it was. Takes time in proportion to the number of routes. `error` may be NULL. */
int bi_routes_add(struct bi_routes *routes, const char *pattern, void *value, struct bi_route_error *error);

/* Until the next route is added. */
struct bi_view bi_routes_pattern(const struct bi_routes *routes, uint32_t route);

struct bi_route_request {
    enum bi_method method_known; /* as in the head */
    struct bi_view method;       /* looked at if it is OTHER */
    struct bi_view authority;    /* with its port, checked; empty: there is none */
    struct bi_view path;         /* canonical; BI_WORD bytes behind it can be read, whatever they are */
};

enum bi_route_result {
    BI_ROUTE_FOUND,
    BI_ROUTE_OPTIONS,       /* answered by `allowed` */
    BI_ROUTE_ADDS_SLASH,    /* there is a route for the path with a slash behind it, */
    BI_ROUTE_REMOVES_SLASH, /* without the one at its end: 308 */
    BI_ROUTE_NOT_ALLOWED,   /* 405, `allowed` says what is */
    BI_ROUTE_NOT_FOUND,     /* 404 */
};

struct bi_route_match {
    uint32_t route; /* of FOUND: its index */
    uint8_t count;
    void *value;
    uint64_t allowed; /* the methods that the path has, as the patterns say */

    /* What its names stand for, in the path, canonical: the caller's room for BI_PATTERN_NAMES, of which `count` are
     * set. */
    struct bi_span *parts;
};

/* A slash is missing or superfluous only where the path is not there for any method (that would be 405), and the other
 * path is there for this one. A `{rest...}` that holds a `/` or `\` that was escaped is not found (A1): no other route
 * is tried for it. */
enum bi_route_result bi_routes_find(
    const struct bi_routes *routes, const struct bi_route_request *request, struct bi_route_match *match);

/* Which of a route's parts has this name; -1: none. */
int bi_routes_name(const struct bi_routes *routes, uint32_t route, struct bi_view name);

/* Writes the value of an Allow field: these methods, HEAD if there is GET, and OPTIONS. Returns its size, and has
 * written it whole if that is not more than `room`. */
size_t bi_routes_allow(const struct bi_routes *routes, uint64_t allowed, uint8_t *out, size_t room);

/* The number of a method in this table; BI_ROUTE_METHODS: no pattern has it. Never that for all. */
unsigned bi_routes_other_method(const struct bi_routes *routes, struct bi_view text);
static inline unsigned bi_routes_method(const struct bi_routes *routes, enum bi_method known, struct bi_view text)
{
    return known != BI_METHOD_OTHER ? (unsigned)known : bi_routes_other_method(routes, text);
}

#endif
