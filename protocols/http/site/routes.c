/* SPDX-License-Identifier: MIT */
/* routes.c - adding routes: parsed, compared with those there are, given room, put into the tree. Look-ups are in
 * routes_find.c. */
#include "http/site/routes.h"
#include "http/message/names.h"

#include <bight/error.h>
#include <bight/memory.h>

#include <stdio.h>

void bi_routes_finish(struct bi_routes *routes)
{
    bi_tree_finish(&routes->tree);
    bight_free(routes->routes);
    bight_free(routes->text);
    *routes = (struct bi_routes) { 0 };
}

static struct bi_view kept(const struct bi_routes *routes, uint32_t at, size_t size)
{
    return (struct bi_view) { routes->text + at, size };
}

struct bi_view bi_routes_pattern(const struct bi_routes *routes, uint32_t route)
{
    return kept(routes, routes->routes[route].pattern_at, routes->routes[route].pattern_size);
}

static struct bi_shape shape_of(const struct bi_routes *routes, const struct bi_route *route)
{
    return (struct bi_shape) { kept(routes, route->shape_at, route->shape_size), route->has_rest };
}

/* Errors show at most so much of a pattern. */
enum { SHOWN = 120 };

static int shown(struct bi_view text)
{
    return (int)(text.size < SHOWN ? text.size : SHOWN);
}

static int explain(struct bi_route_error *error, struct bi_view pattern, size_t at, const char *why)
{
    if (error != NULL) {
        error->column = (uint32_t)at + 1;
        snprintf(error->text, sizeof error->text, "route \"%.*s\", column %zu: %s", shown(pattern),
            (const char *)pattern.at, at + 1, why);
    }
    return BIGHT_E_SYNTAX;
}

static int fail(struct bi_route_error *error, int code, struct bi_view pattern, const char *why)
{
    if (error != NULL) {
        error->column = 0;
        snprintf(error->text, sizeof error->text, "route \"%.*s\": %s", shown(pattern), (const char *)pattern.at, why);
    }
    return code;
}

static struct bi_view method_text(const struct bi_routes *routes, unsigned method)
{
    if (method >= BI_METHOD_COUNT) {
        struct bi_span span = routes->methods[method - BI_METHOD_COUNT];
        return kept(routes, span.at, span.size);
    }
    const char *text = bi_method_text((enum bi_method)method);
    return bi_view_of(text != NULL ? text : "");
}

unsigned bi_routes_other_method(const struct bi_routes *routes, struct bi_view text)
{
    for (unsigned i = 0; i < routes->method_count; i++) {
        if (bi_view_equal(method_text(routes, BI_METHOD_COUNT + i), text)) {
            return BI_METHOD_COUNT + i;
        }
    }
    return BI_ROUTE_METHODS;
}

/* BI_ROUTE_METHODS: one that is new to the table. */
static unsigned method_of(const struct bi_routes *routes, const struct bi_pattern *pattern)
{
    if (pattern->method.size == 0) {
        return BI_METHOD_OTHER;
    }
    return bi_routes_method(routes, bi_method_find(pattern->method.at, pattern->method.size), pattern->method);
}

static enum bi_relation method_relation(unsigned one, unsigned other)
{
    if (one == other) {
        return BI_RELATION_EQUAL;
    }
    if (one == BI_METHOD_OTHER || (one == BI_METHOD_GET && other == BI_METHOD_HEAD)) {
        return BI_RELATION_WIDER;
    }
    if (other == BI_METHOD_OTHER || (other == BI_METHOD_GET && one == BI_METHOD_HEAD)) {
        return BI_RELATION_NARROWER;
    }
    return BI_RELATION_DISJOINT;
}

/* A method that both a pattern, whose own may be new to the table, and a route have. */
static struct bi_view common_method(
    const struct bi_routes *routes, const struct bi_pattern *pattern, const struct bi_route *route)
{
    bool wider = method_relation(method_of(routes, pattern), route->method) == BI_RELATION_WIDER;
    struct bi_view method = wider ? method_text(routes, route->method) : pattern->method;
    return method.size > 0 ? method : bi_view_of("GET");
}

static int tell_conflict(const struct bi_routes *routes, struct bi_view text, const struct bi_pattern *pattern,
    const struct bi_route *route, enum bi_relation relation, struct bi_route_error *error)
{
    struct bi_view other = kept(routes, route->pattern_at, route->pattern_size);
    struct bi_view method = common_method(routes, pattern, route);
    uint8_t path[SHOWN];
    if (error == NULL) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    size_t size = bi_shape_example(pattern->shape, shape_of(routes, route), path, sizeof path);
    error->column = 0;
    snprintf(error->text, sizeof error->text, "route \"%.*s\" %s \"%.*s\": both match %.*s %.*s%.*s%s", shown(text),
        (const char *)text.at, relation == BI_RELATION_EQUAL ? "is the same as" : "conflicts with", shown(other),
        (const char *)other.at, shown(method), (const char *)method.at, shown(pattern->host),
        (const char *)pattern->host.at, size < sizeof path ? (int)size : (int)sizeof path, (const char *)path,
        relation == BI_RELATION_EQUAL ? "" : ", and neither matches less than the other");
    return BIGHT_E_INVALID_ARGUMENT;
}

static int check_conflicts(
    const struct bi_routes *routes, struct bi_view text, const struct bi_pattern *pattern, struct bi_route_error *error)
{
    unsigned method = method_of(routes, pattern);
    for (uint32_t i = 0; i < routes->count; i++) {
        const struct bi_route *route = &routes->routes[i];
        enum bi_relation methods = method_relation(method, route->method);
        if (methods == BI_RELATION_DISJOINT ||
            !bi_view_equal(kept(routes, route->host_at, route->host_size), pattern->host)) {
            continue;
        }
        enum bi_relation relation =
            bi_relation_of_both(methods, bi_shape_relation(pattern->shape, shape_of(routes, route)));
        if (relation == BI_RELATION_EQUAL || relation == BI_RELATION_OVERLAPPING) {
            return tell_conflict(routes, text, pattern, route, relation, error);
        }
    }
    return BIGHT_OK;
}

/* Room for `more` elements behind `count`, doubled when it has to grow. */
static int reserve_array(void **array, size_t element, uint32_t count, uint32_t more, uint32_t *room)
{
    if (*room - count >= more) {
        return BIGHT_OK;
    }
    if (more > INT32_MAX - count) {
        return BIGHT_E_LIMIT;
    }
    uint32_t wanted = count + more > 2 * *room ? count + more : 2 * *room;
    void *moved = bight_realloc(*array, element * wanted);
    if (moved == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *array = moved;
    *room = wanted;
    return BIGHT_OK;
}

static int reserve(struct bi_routes *routes, struct bi_view text, const struct bi_pattern *pattern)
{
    size_t walked = pattern->host.size + pattern->shape.text.size;
    int code = bi_tree_reserve(&routes->tree, pattern->name_count, walked);
    if (code == BIGHT_OK) {
        code = reserve_array(
            (void **)&routes->text, 1, routes->text_size, (uint32_t)(text.size + walked), &routes->text_room);
    }
    if (code == BIGHT_OK) {
        code = reserve_array((void **)&routes->routes, sizeof *routes->routes, routes->count, 1, &routes->room);
    }
    return code;
}

/* The node at which the route's host and shape end. */
static uint32_t add_to_tree(struct bi_routes *routes, const struct bi_route *route)
{
    struct bi_view left = kept(routes, route->shape_at, route->shape_size);
    uint32_t node = BI_TREE_PATHS;
    if (route->host_size > 0) {
        node = bi_tree_add_text(&routes->tree, BI_TREE_HOSTS, kept(routes, route->host_at, route->host_size));
    }
    while (left.size > 0) {
        const uint8_t *name = memchr(left.at, BI_SHAPE_NAME, left.size);
        size_t size = name != NULL ? (size_t)(name - left.at) : left.size;
        node = bi_tree_add_text(&routes->tree, node, bi_take(&left, size));
        if (bi_take_byte(&left, BI_SHAPE_NAME)) {
            node = bi_tree_add_name(&routes->tree, node);
        }
    }
    return node;
}

/* Narrower methods come first, so the first that fits is the one. */
static unsigned rank(const struct bi_route *route)
{
    return route->method == BI_METHOD_OTHER ? 2 : route->method != BI_METHOD_HEAD;
}

static void link_route(struct bi_routes *routes, uint32_t index)
{
    struct bi_route *route = &routes->routes[index];
    struct bi_tree_node *node = &routes->tree.nodes[add_to_tree(routes, route)];
    uint32_t *place = route->has_rest ? &node->rest : &node->here;
    while (*place != 0 && rank(&routes->routes[*place - 1]) <= rank(route)) {
        place = &routes->routes[*place - 1].next;
    }
    route->next = *place;
    *place = index + 1;
}

static unsigned number_method(struct bi_routes *routes, const struct bi_pattern *pattern, uint32_t at)
{
    unsigned method = method_of(routes, pattern);
    if (method == BI_ROUTE_METHODS) {
        routes->methods[routes->method_count] = (struct bi_span) { at, (uint32_t)pattern->method.size };
        method = BI_METHOD_COUNT + routes->method_count++;
    }
    return method;
}

/* Returns where. There is room. */
static uint32_t keep(struct bi_routes *routes, struct bi_view bytes)
{
    uint32_t at = routes->text_size;
    if (bytes.size > 0) {
        memcpy(routes->text + at, bytes.at, bytes.size);
    }
    routes->text_size += (uint32_t)bytes.size;
    return at;
}

static void keep_route(struct bi_routes *routes, struct bi_view text, const struct bi_pattern *pattern, void *value)
{
    uint32_t at = keep(routes, text);
    routes->routes[routes->count] = (struct bi_route) {
        .value = value,
        .pattern_at = at,
        .host_at = keep(routes, pattern->host),
        .shape_at = keep(routes, pattern->shape.text),
        .pattern_size = (uint16_t)text.size,
        .host_size = (uint16_t)pattern->host.size,
        .shape_size = (uint16_t)pattern->shape.text.size,
        .has_rest = pattern->shape.has_rest,
        .method = (uint8_t)number_method(routes, pattern, at),
    };
    routes->has_hosts |= pattern->host.size > 0;
    link_route(routes, routes->count++);
}

int bi_routes_add(struct bi_routes *routes, const char *pattern, void *value, struct bi_route_error *error)
{
    struct bi_view text = bi_view_of(pattern);
    struct bi_pattern parsed;
    if (!bi_pattern_parse(&parsed, text)) {
        return explain(error, text, parsed.bad_at, parsed.why);
    }
    int code = check_conflicts(routes, text, &parsed, error);
    if (code != BIGHT_OK) {
        return code;
    }
    if (method_of(routes, &parsed) == BI_ROUTE_METHODS && BI_METHOD_COUNT + routes->method_count == BI_ROUTE_METHODS) {
        return fail(error, BIGHT_E_LIMIT, text, "there are too many methods");
    }
    code = reserve(routes, text, &parsed);
    if (code != BIGHT_OK) {
        return fail(error, code, text, bight_error_text(code));
    }
    keep_route(routes, text, &parsed, value);
    return BIGHT_OK;
}

/* Whether `text`, which begins behind a brace, is this name. No name ends with a dot. */
static bool is_named(struct bi_view text, struct bi_view name)
{
    bool begins = name.size > 0 && text.size > name.size && memcmp(text.at, name.at, name.size) == 0;
    return begins && name.at[name.size - 1] != '.' && (text.at[name.size] == '}' || text.at[name.size] == '.');
}

int bi_routes_name(const struct bi_routes *routes, uint32_t route, struct bi_view name)
{
    struct bi_view text = bi_routes_pattern(routes, route);
    const uint8_t *brace = memchr(text.at, '{', text.size);
    for (int i = 0; brace != NULL; i++) {
        text = bi_view_from(text, (size_t)(brace - text.at) + 1);
        if (is_named(text, name)) {
            return i;
        }
        brace = memchr(text.at, '{', text.size);
    }
    return -1;
}

struct listing {
    uint8_t *out;
    size_t room, size;
};

static void list(struct listing *listing, struct bi_view text)
{
    const struct bi_view parts[] = { bi_view_of(listing->size > 0 ? ", " : ""), text };
    for (size_t i = 0; i < 2; i++) {
        if (parts[i].size > 0 && listing->size + parts[i].size <= listing->room) {
            memcpy(listing->out + listing->size, parts[i].at, parts[i].size);
        }
        listing->size += parts[i].size;
    }
}

size_t bi_routes_allow(const struct bi_routes *routes, uint64_t allowed, uint8_t *out, size_t room)
{
    struct listing listing = { out, room, 0 };
    uint64_t head = (allowed >> BI_METHOD_GET & 1) << BI_METHOD_HEAD;
    allowed |= head | UINT64_C(1) << BI_METHOD_OPTIONS;
    for (unsigned method = BI_METHOD_OTHER + 1; method < BI_METHOD_COUNT + (unsigned)routes->method_count; method++) {
        if ((allowed >> method & 1) != 0) {
            list(&listing, method_text(routes, method));
        }
    }
    return listing.size;
}
