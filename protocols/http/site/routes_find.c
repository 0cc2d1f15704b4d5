/* SPDX-License-Identifier: MIT */
/* routes_find.c - the look-up: down the tree along the path, and back up where it led nowhere.
 *
 * At each node text is tried first, then a name, then the rest: the narrowest first, so what is found first is the
 * route. (That is so because patterns that match one request stand in a row: see shape.c.) Going down, a node's parts
 * are compared with the path, going up, parents and the parts taken tell where in the path that was, so there is no
 * stack. What does not fit because of its method is collected on the way. */
#include "http/message/names.h"
#include "http/message/path.h"
#include "http/message/words.h"
#include "http/site/route_walk.h"

#define BIT BI_ROUTE_BIT
#define ALL BIT(BI_METHOD_OTHER) /* patterns for all methods */
#define WITH_HEAD(method) ((method) == BI_METHOD_HEAD ? BIT(BI_METHOD_GET) : 0)

/* What few look-ups need stays out of the way of the others. */
#define RARE __attribute__((noinline, cold))

struct walk {
    const struct bi_routes *routes;
    struct bi_route_match *match;
    const uint8_t *path;
    size_t size;      /* of the path */
    uint64_t accepts; /* the methods of patterns that would do */
    bool blocked;     /* a route was found that may not have this path (A1) */
};

/* The route that takes all that is left, as index + 1; 0: none. */
static uint32_t take_rest(struct walk *walk, struct bi_place *place)
{
    if (place->node->rest == 0) {
        return 0;
    }
    size_t left = place->at < walk->size ? walk->size - place->at : 0;
    uint64_t unheard = 0;
    bool plain = bi_path_is_plain((struct bi_view) { walk->path + walk->size - left, left });
    uint32_t found =
        bi_routes_choose(walk->routes, place->node->rest, walk->accepts, plain ? &walk->match->allowed : &unheard);
    walk->blocked = found != 0 && !plain && !walk->routes->routes[found - 1].is_mount;
    if (found != 0) {
        walk->match->parts[place->count++] = (struct bi_span) { (uint32_t)place->at, (uint32_t)left };
    }
    return found;
}

/* Back up to the parent of a node, and to where in the path it was reached. False: that was by a name, so there is
 * nothing left to try but the rest. */
static bool leave(const struct walk *walk, struct bi_place *place)
{
    const struct bi_tree_node *left = place->node;
    place->node = &walk->routes->tree.nodes[left->parent];
    if (left->is_name) {
        place->at = walk->match->parts[--place->count].at;
        return false;
    }
    place->at -= left->size;
    return true;
}

/* Takes a segment for the child `{name}`. False: there is none of either. */
static bool take_name(const struct walk *walk, struct bi_place *place)
{
    size_t at = place->at;
    if (place->node->name == 0 || at >= walk->size || walk->path[at] == '/') {
        return false;
    }
    size_t end = bi_route_segment_end(walk->path, walk->size, at, bi_route_word(walk->path, walk->size, at, false));
    walk->match->parts[place->count++] = (struct bi_span) { (uint32_t)at, (uint32_t)(end - at) };
    place->node = &walk->routes->tree.nodes[place->node->name];
    place->at = end;
    return true;
}

/* From a node that leads nowhere up to one where a name does, which is taken, or a rest is found, as index + 1 in
 * *found. False: there is nothing up to the root. */
static bool go_up(struct walk *walk, struct bi_place *place, const struct bi_tree_node *root, uint32_t *found)
{
    while (place->node != root) {
        if (leave(walk, place) && take_name(walk, place)) {
            return true;
        }
        *found = take_rest(walk, place);
        if (*found != 0) {
            return true;
        }
    }
    return false;
}

/* Goes on from where a walk down has come to its end. The route, as index + 1; 0: none. */
static uint32_t go_on(struct walk *walk, struct bi_place *place, uint32_t root, bool slashed)
{
    const struct bi_routes *routes = walk->routes;
    uint32_t found = take_rest(walk, place);
    while (found == 0 && go_up(walk, place, &routes->tree.nodes[root], &found) && found == 0) {
        *place = bi_routes_go_down(&routes->tree, walk->path, walk->size, walk->match->parts, *place, slashed);
        if (place->at == walk->size + (slashed ? 1 : 0)) {
            found = bi_routes_choose(routes, place->node->here, walk->accepts, &walk->match->allowed);
        }
        if (found == 0) {
            found = take_rest(walk, place);
        }
    }
    walk->match->count = (uint8_t)place->count;
    return found;
}

/* The route below a root, as index + 1; 0: none. */
static uint32_t walk_from(struct walk *walk, uint32_t root, bool slashed)
{
    const struct bi_routes *routes = walk->routes;
    struct bi_place place = { &routes->tree.nodes[root], 0, 0 };
    uint32_t found = 0;
    place = bi_routes_go_down(&routes->tree, walk->path, walk->size, walk->match->parts, place, slashed);
    if (place.at == walk->size + (slashed ? 1 : 0)) {
        found = bi_routes_choose(routes, place.node->here, walk->accepts, &walk->match->allowed);
    }
    walk->match->count = (uint8_t)place.count;
    return found != 0 ? found : go_on(walk, &place, root, slashed);
}

/* Where the paths of the request's host begin; BI_TREE_PATHS: it has none of its own. */
static RARE uint32_t find_host(const struct bi_routes *routes, struct bi_view authority)
{
    uint8_t room[BI_HOST_SIZE + BI_WORD] = { 0 };
    size_t size = bi_host_read(authority, room);
    struct bi_place place = { &routes->tree.nodes[BI_TREE_HOSTS], 0, 0 };
    place = bi_routes_go_down(&routes->tree, room, size, NULL, place, false); /* no host has a name in it */
    return place.at == size && size > 0 ? (uint32_t)(place.node - routes->tree.nodes) : BI_TREE_PATHS;
}

const uint64_t bi_routes_accepted[BI_METHOD_COUNT] = {
#define ACCEPTED(name, ...) [BI_METHOD_##name] = ALL | BIT(BI_METHOD_##name) | WITH_HEAD(BI_METHOD_##name),
    BI_METHODS(ACCEPTED)
#undef ACCEPTED
};

static RARE uint64_t accepted_by_other(const struct bi_routes *routes, struct bi_view method)
{
    unsigned number = bi_routes_method(routes, BI_METHOD_OTHER, method);
    return ALL | (number < BI_ROUTE_METHODS ? BIT(number) : 0);
}

static inline uint64_t accepted_by(const struct bi_routes *routes, const struct bi_route_request *request)
{
    uint64_t accepts = bi_routes_accepted[request->method_known];
    return accepts != 0 ? accepts : accepted_by_other(routes, request->method);
}

/* Whether the path with another end has a route for this method. */
static bool is_there(const struct walk *like, uint32_t host, size_t size, bool slashed)
{
    struct bi_route_match match = { .parts = like->match->parts };
    struct walk walk = *like;
    walk.match = &match;
    walk.size = size;
    uint32_t found = walk_from(&walk, host, slashed);
    if (found == 0 && host != BI_TREE_PATHS) {
        found = walk_from(&walk, BI_TREE_PATHS, slashed);
    }
    return found != 0 && !walk.blocked;
}

static enum bi_route_result find_none(const struct walk *walk, uint32_t host, const struct bi_route_request *request)
{
    struct bi_view path = request->path;
    if (walk->match->allowed != 0) {
        return request->method_known == BI_METHOD_OPTIONS ? BI_ROUTE_OPTIONS : BI_ROUTE_NOT_ALLOWED;
    }
    if (walk->routes->ignores_slashes || path.size <= 1) {
        return BI_ROUTE_NOT_FOUND;
    }
    bool slash = path.at[path.size - 1] == '/';
    if (!is_there(walk, host, path.size - (slash ? 1 : 0), !slash)) {
        return BI_ROUTE_NOT_FOUND;
    }
    return slash ? BI_ROUTE_REMOVES_SLASH : BI_ROUTE_ADDS_SLASH;
}

static inline enum bi_route_result found_route(
    const struct bi_routes *routes, uint32_t found, struct bi_route_match *match)
{
    match->route = found - 1;
    match->value = routes->routes[found - 1].value;
    return BI_ROUTE_FOUND;
}

/* What straight down from its root has led nowhere. */
static RARE enum bi_route_result find_on(const struct bi_routes *routes, const struct bi_route_request *request,
    struct bi_route_match *match, uint32_t host, struct bi_place place)
{
    struct walk walk = {
        .routes = routes,
        .match = match,
        .path = request->path.at,
        .size = request->path.size,
        .accepts = accepted_by(routes, request),
    };
    uint32_t found = go_on(&walk, &place, host, false);
    if (found == 0 && host != BI_TREE_PATHS) {
        found = walk_from(&walk, BI_TREE_PATHS, false);
    }
    if (found == 0) {
        return find_none(&walk, host, request);
    }
    if (walk.blocked) {
        match->allowed = 0;
        return BI_ROUTE_NOT_FOUND;
    }
    return found_route(routes, found, match);
}

enum bi_route_result bi_routes_find(
    const struct bi_routes *routes, const struct bi_route_request *request, struct bi_route_match *match)
{
    match->allowed = 0;
    if (routes->count == 0) {
        return BI_ROUTE_NOT_FOUND;
    }
    uint32_t host = routes->has_hosts ? find_host(routes, request->authority) : BI_TREE_PATHS;
    size_t size = request->path.size;
    struct bi_place place = { &routes->tree.nodes[host], 0, 0 };
    place = bi_routes_go_down(&routes->tree, request->path.at, size, match->parts, place, false);
    if (place.at == size) {
        uint32_t found = bi_routes_choose(routes, place.node->here, accepted_by(routes, request), &match->allowed);
        if (found != 0) {
            match->count = (uint8_t)place.count;
            return found_route(routes, found, match);
        }
    }
    return find_on(routes, request, match, host, place);
}
