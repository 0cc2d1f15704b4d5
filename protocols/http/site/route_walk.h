/* SPDX-License-Identifier: MIT */
/* route_walk.h - straight down the tree along a path: nearly all of nearly every look-up.
 *
 * It is here so that the handling of a request can take this way without a call. What is not found on it is
 * bi_routes_find's, which comes back up. Behind a path BI_WORD bytes are read, whatever they are. */
#ifndef BI_HTTP_ROUTE_WALK_H
#define BI_HTTP_ROUTE_WALK_H

#include "http/message/likely.h"
#include "http/site/routes.h"

#define BI_ROUTE_BIT(method) (UINT64_C(1) << (method))

/* Where a walk is. */
struct bi_place {
    const struct bi_tree_node *node;
    size_t at;      /* how far the path is matched */
    unsigned count; /* of parts */
};

/* The first of these routes that takes the method, as index + 1; 0: none, and they are noted. */
static inline uint32_t bi_routes_choose(
    const struct bi_routes *routes, uint32_t first, uint64_t accepts, uint64_t *allowed)
{
    while (first != 0) {
        const struct bi_route *route = &routes->routes[first - 1];
        if (BI_USUALLY((accepts >> route->method & 1) != 0)) {
            return first;
        }
        *allowed |= BI_ROUTE_BIT(route->method);
        first = route->next;
    }
    return 0;
}

/* The path's next bytes, and zeros behind its end; with `slashed` a slash first that is not there. */
static inline uint64_t bi_route_word(const uint8_t *path, size_t size, size_t at, bool slashed)
{
    size_t left = size - at;
    uint64_t word = bi_load_word(path + at);
    if (left >= BI_WORD) {
        return word;
    }
    word &= bi_load_word(bi_tree_masks[left]);
    return slashed ? word | bi_word_with('/', left) : word;
}

/* Where the segment at `at` ends, of which `word` are the next bytes. */
static inline size_t bi_route_segment_end(const uint8_t *path, size_t size, size_t at, uint64_t word)
{
    unsigned found = bi_word_find(word, '/');
    if (found < BI_WORD) {
        return at + found;
    }
    if (size - at <= BI_WORD) {
        return size;
    }
    return (size_t)(bi_find_byte(path + at + BI_WORD, path + size, '/') - path);
}

/* As far down as text, or else a name, leads. This is nearly all of nearly every look-up. */
static inline struct bi_place bi_routes_go_down(const struct bi_route_tree *tree, const uint8_t *path, size_t size,
    struct bi_span *parts, struct bi_place place, bool slashed)
{
    const struct bi_tree_node *nodes = tree->nodes;
    size_t end = size + (slashed ? 1 : 0);
    while (place.at < end) {
        uint64_t word = bi_route_word(path, size, place.at, slashed);
        uint8_t byte = bi_word_first(word);
        uint32_t child = bi_tree_child(tree, place.node, byte);
        if (BI_USUALLY(child != 0) && BI_USUALLY(bi_tree_goes_on(&nodes[child], word))) {
            place.node = &nodes[child];
            place.at += place.node->size;
        } else if (place.node->name != 0 && byte != '/') {
            size_t stop = bi_route_segment_end(path, size, place.at, word);
            parts[place.count++] = (struct bi_span) { (uint32_t)place.at, (uint32_t)(stop - place.at) };
            place.node = &nodes[place.node->name];
            place.at = stop;
        } else {
            break;
        }
    }
    return place;
}

/* The methods of the patterns that a request with a known one may have; 0: the method is not known. */
extern const uint64_t bi_routes_accepted[BI_METHOD_COUNT];

/* The route, as index + 1, of a request in a table without hosts whose path it leads to straight; 0: bi_routes_find may
 * know one. `parts` as in a match, of which *count are set. */
static inline uint32_t bi_routes_find_straight(
    const struct bi_routes *routes, enum bi_method method, struct bi_view path, struct bi_span *parts, unsigned *count)
{
    if (BI_RARELY(routes->has_hosts) || BI_RARELY(routes->count == 0)) {
        return 0;
    }
    uint64_t unheard = 0;
    struct bi_place place = { &routes->tree.nodes[BI_TREE_PATHS], 0, 0 };
    place = bi_routes_go_down(&routes->tree, path.at, path.size, parts, place, false);
    *count = place.count;
    return place.at == path.size ? bi_routes_choose(routes, place.node->here, bi_routes_accepted[method], &unheard) : 0;
}

#endif
