/* SPDX-License-Identifier: MIT */
/* route_tree.c - how the tree grows: first room for everything that a route may need, then what cannot fail.
 *
 * Going down it is route_walk.h's; what routes mean is routes.c's. */
#include "http/site/route_tree.h"

#include <bight/error.h>
#include <bight/memory.h>

#define ALL 0xff
const uint8_t bi_tree_masks[BI_WORD + 1][BI_WORD] = {
    { 0 },
    { ALL },
    { ALL, ALL },
    { ALL, ALL, ALL },
    { ALL, ALL, ALL, ALL },
    { ALL, ALL, ALL, ALL, ALL },
    { ALL, ALL, ALL, ALL, ALL, ALL },
    { ALL, ALL, ALL, ALL, ALL, ALL, ALL },
    { ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL },
};

void bi_tree_finish(struct bi_route_tree *tree)
{
    bight_free(tree->nodes);
    bight_free(tree->edges);
    *tree = (struct bi_route_tree) { .nodes = NULL };
}

static int reserve_nodes(struct bi_route_tree *tree, uint32_t more)
{
    uint32_t wanted = tree->node_count + more;
    if (wanted > BI_TREE_MAX_NODES) {
        return BIGHT_E_LIMIT;
    }
    if (wanted <= tree->node_room) {
        return BIGHT_OK;
    }
    wanted = wanted > 2 * tree->node_room ? wanted : 2 * tree->node_room;
    struct bi_tree_node *moved = bight_realloc(tree->nodes, wanted * sizeof *moved);
    if (moved == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    tree->nodes = moved;
    tree->node_room = wanted;
    return BIGHT_OK;
}

static size_t edge_room(const struct bi_route_tree *tree)
{
    return tree->edge_shift == 0 ? 0 : (size_t)1 << (32 - tree->edge_shift);
}

/* Where an edge is, or has to be put, from `slot` on. */
static uint32_t edge_place(const struct bi_route_tree *tree, uint32_t key, uint32_t slot)
{
    while (tree->edges[slot].child != 0 && tree->edges[slot].key != key) {
        slot = (slot + 1) & (uint32_t)(edge_room(tree) - 1);
    }
    return slot;
}

uint32_t bi_tree_probe(const struct bi_route_tree *tree, uint32_t key, uint32_t slot)
{
    return tree->edges[edge_place(tree, key, slot)].child;
}

static void put_edge(struct bi_route_tree *tree, struct bi_tree_edge edge)
{
    tree->edges[edge_place(tree, edge.key, bi_tree_slot(tree, edge.key))] = edge;
}

/* The table is at most a quarter full, so the first place that is looked at is nearly always the right one, or free. */
static int reserve_edges(struct bi_route_tree *tree, uint32_t more)
{
    struct bi_route_tree larger = *tree;
    size_t room = edge_room(tree);
    size_t wanted = 4 * ((size_t)tree->edge_count + more);
    if (wanted <= room) {
        return BIGHT_OK;
    }
    larger.edge_shift = tree->edge_shift == 0 ? 32 : tree->edge_shift;
    do {
        larger.edge_shift--;
    } while (edge_room(&larger) < wanted);
    larger.edges = bight_calloc(edge_room(&larger), sizeof *larger.edges);
    if (larger.edges == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    for (size_t slot = 0; slot < room; slot++) {
        if (tree->edges[slot].child != 0) {
            put_edge(&larger, tree->edges[slot]);
        }
    }
    bight_free(tree->edges);
    *tree = larger;
    return BIGHT_OK;
}

static void make_roots(struct bi_route_tree *tree)
{
    while (tree->node_count < BI_TREE_ROOTS) {
        tree->nodes[tree->node_count] = (struct bi_tree_node) { .parent = tree->node_count };
        tree->node_count++;
    }
}

int bi_tree_reserve(struct bi_route_tree *tree, unsigned names, size_t text)
{
    /* Runs of text are the host and what is before, between and behind names. Each may split a node, and adds nodes of
     * eight bytes but for the last. */
    uint32_t runs = names + 2;
    uint32_t nodes = BI_TREE_ROOTS + names + 2 * runs + (uint32_t)(text / BI_WORD);
    int code = reserve_nodes(tree, nodes);
    if (code == BIGHT_OK) {
        code = reserve_edges(tree, runs);
    }
    if (code == BIGHT_OK) {
        make_roots(tree);
    }
    return code;
}

static uint32_t make_node(struct bi_route_tree *tree, struct bi_tree_node node)
{
    tree->nodes[tree->node_count] = node;
    return tree->node_count++;
}

static void set_child(struct bi_route_tree *tree, uint32_t node, uint8_t byte, uint32_t child)
{
    struct bi_tree_node *from = &tree->nodes[node];
    if (from->child == 0 || from->byte == byte) {
        from->byte = byte;
        from->child = child;
        return;
    }
    tree->edge_count += bi_tree_child(tree, from, byte) == 0 ? 1 : 0;
    put_edge(tree, (struct bi_tree_edge) { node << 8 | byte, child });
    from->has_others = true;
}

static void set_label(struct bi_tree_node *node, const uint8_t *text, size_t size)
{
    node->label = 0;
    node->size = (uint8_t)size;
    memcpy(&node->label, text, size);
}

/* A node for the first `size` bytes of a child's label, between the child and its parent. */
static uint32_t split(struct bi_route_tree *tree, uint32_t child, size_t size)
{
    struct bi_tree_node *lower = &tree->nodes[child];
    uint8_t label[BI_WORD];
    memcpy(label, &lower->label, sizeof label);
    uint32_t parent = lower->parent;
    uint32_t upper = make_node(tree, (struct bi_tree_node) { .byte = label[size], .child = child, .parent = parent });
    set_label(&tree->nodes[upper], label, size);
    set_child(tree, parent, label[0], upper);
    set_label(lower, label + size, lower->size - size);
    lower->parent = upper;
    return upper;
}

/* A child for the first bytes of text. */
static uint32_t make_child(struct bi_route_tree *tree, uint32_t node, struct bi_view text)
{
    uint32_t child = make_node(tree, (struct bi_tree_node) { .parent = node });
    set_label(&tree->nodes[child], text.at, text.size < BI_WORD ? text.size : BI_WORD);
    set_child(tree, node, text.at[0], child);
    return child;
}

/* How much of its label the text begins with. */
static size_t common_size(const struct bi_tree_node *node, struct bi_view text)
{
    uint8_t label[BI_WORD];
    size_t common = 0;
    memcpy(label, &node->label, sizeof label);
    while (common < text.size && common < node->size && label[common] == text.at[common]) {
        common++;
    }
    return common;
}

uint32_t bi_tree_add_text(struct bi_route_tree *tree, uint32_t node, struct bi_view text)
{
    while (text.size > 0) {
        uint32_t child = bi_tree_child(tree, &tree->nodes[node], text.at[0]);
        if (child == 0) {
            child = make_child(tree, node, text);
        }
        size_t common = common_size(&tree->nodes[child], text);
        node = common < tree->nodes[child].size ? split(tree, child, common) : child;
        (void)bi_take(&text, common);
    }
    return node;
}

uint32_t bi_tree_add_name(struct bi_route_tree *tree, uint32_t node)
{
    if (tree->nodes[node].name == 0) {
        uint32_t name = make_node(tree, (struct bi_tree_node) { .is_name = true, .parent = node });
        tree->nodes[node].name = name;
    }
    return tree->nodes[node].name;
}
