/* SPDX-License-Identifier: MIT */
/* route_tree.h - a compressed tree of the hosts and shapes of routes: what they have in common is there once.
 *
 * A node is reached by its label: up to eight bytes of text, which are compared as one word (longer text is several
 * nodes), or one `{name}`. Which child a byte of text leads to is in the node for the first of them, and for the others
 * in one hash table of all nodes, so that a node has 32 bytes and splitting one moves no children. Everything is in
 * arrays and named by indices: a tree that grows may move, and an addition can reserve beforehand all that it needs.
 * Node 0 is where paths begin that are for all hosts, node 1 where hosts begin; a host's paths go on from its own node.
 * A node knows its parent, so a walk needs no stack to come back.
 *
 * What routes are there is for the caller: a node has room for two numbers. */
#ifndef BI_HTTP_ROUTE_TREE_H
#define BI_HTTP_ROUTE_TREE_H

#include "http/message/tokens.h"
#include "http/message/words.h"

enum { BI_TREE_PATHS, BI_TREE_HOSTS, BI_TREE_ROOTS };

struct bi_tree_node {
    uint64_t label;  /* as it is in memory, zeros behind it */
    uint32_t child;  /* the first; 0: it has none but for the name */
    uint32_t name;   /* the child `{name}`; 0: none */
    uint32_t parent; /* a root's is itself */
    uint32_t here;   /* the caller's, for what ends here, */
    uint32_t rest;   /* and for what has its rest from here on; both 0 at first */
    uint8_t size;    /* of the label; 0: a name, or a root */
    uint8_t byte;    /* where the first child's label begins */
    bool is_name;
    bool has_others; /* children in the table */
};

/* key: node << 8 | byte; child 0: free. */
struct bi_tree_edge {
    uint32_t key, child;
};

#define BI_TREE_MAX_NODES (UINT32_C(1) << 24)

struct bi_route_tree {
    struct bi_tree_node *nodes;
    struct bi_tree_edge *edges;
    uint32_t node_count, node_room;
    uint32_t edge_count;
    uint8_t edge_shift; /* 32 less the bits of the table's size; 0: there is none */
};

/* A tree of zeros is one without nodes, not even roots. */
void bi_tree_finish(struct bi_route_tree *tree);

/* Room for all that a route with this many names, and so many bytes of host and shape, can need: what is added then
 * cannot fail. 0, OUT_OF_MEMORY or LIMIT; the tree stays as it was. */
int bi_tree_reserve(struct bi_route_tree *tree, unsigned names, size_t text);

/* The node that text, without NUL, leads to from another, made if it is not there. */
uint32_t bi_tree_add_text(struct bi_route_tree *tree, uint32_t node, struct bi_view text);
uint32_t bi_tree_add_name(struct bi_route_tree *tree, uint32_t node);

/* Where an edge is looked for first. */
static inline uint32_t bi_tree_slot(const struct bi_route_tree *tree, uint32_t key)
{
    return key * UINT32_C(0x9E3779B1) >> tree->edge_shift;
}

/* For labels of 0 to 8 bytes, which bytes of a word they have. */
extern const uint8_t bi_tree_masks[BI_WORD + 1][BI_WORD];

/* Whether text goes on with the label of a node; `word` are its next bytes, and zeros behind its end. */
static inline bool bi_tree_goes_on(const struct bi_tree_node *node, uint64_t word)
{
    return ((word ^ node->label) & bi_load_word(bi_tree_masks[node->size])) == 0;
}

/* The same, where the first place that is looked at in the table was another's. */
uint32_t bi_tree_probe(const struct bi_route_tree *tree, uint32_t key, uint32_t slot);

/* A child other than the first; 0: there is none. */
static inline uint32_t bi_tree_other_child(const struct bi_route_tree *tree, uint32_t node, uint8_t byte)
{
    uint32_t key = node << 8 | byte;
    uint32_t slot = bi_tree_slot(tree, key);
    const struct bi_tree_edge *edge = &tree->edges[slot];
    return edge->key == key || edge->child == 0 ? edge->child : bi_tree_probe(tree, key, slot);
}

/* The child whose label begins with `byte`, which is not NUL; 0: there is none. */
static inline uint32_t bi_tree_child(const struct bi_route_tree *tree, const struct bi_tree_node *node, uint8_t byte)
{
    if (node->byte == byte) {
        return node->child;
    }
    return node->has_others ? bi_tree_other_child(tree, (uint32_t)(node - tree->nodes), byte) : 0;
}

#endif
