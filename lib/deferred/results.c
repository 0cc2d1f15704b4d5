/* SPDX-License-Identifier: MIT */
/* results.c - the values of combinators: results in order, and one result with its index.
 *
 * Results of combinators hold results of combinators, to any depth, so what is to be released is put on a pile that
 * runs through its own first slots: no depth costs stack (D12), and nothing is allocated. They are filled in by group.c
 * and its kin. */
#include <bight/combine.h>

#include <bight/memory.h>

#include "deferred/group.h"

struct results_block {
    struct bight_results results;
    struct bight_result items[];
};

/* What is left to release, linked through the slots' `deferred`, which a result that stands alone has no use for. */
struct pile {
    struct bight_results *results;
    struct bight_indexed *indexed;
    bool discards;
};

struct bight_results *bi_results_new(size_t count)
{
    if (count > (SIZE_MAX - sizeof(struct results_block)) / sizeof(struct bight_result)) {
        return NULL;
    }
    struct results_block *block = bight_calloc(1, sizeof(*block) + count * sizeof(block->items[0]));
    if (block == NULL) {
        return NULL;
    }
    block->results = (struct bight_results) { count, block->items };
    return &block->results;
}

struct bight_indexed *bi_indexed_new(void)
{
    return bight_calloc(1, sizeof(struct bight_indexed));
}

static void pile_results(struct pile *pile, struct bight_results *results)
{
    if (results->count == 0) {
        bight_free(results);
        return;
    }
    results->items[0].deferred = (struct bight_deferred *)(void *)pile->results;
    pile->results = results;
}

static void pile_indexed(struct pile *pile, struct bight_indexed *indexed)
{
    indexed->result.deferred = (struct bight_deferred *)(void *)pile->indexed;
    pile->indexed = indexed;
}

static inline void let_go_of_item(struct pile *pile, struct bight_result *item)
{
    if (item->type == NULL || (item->type->destroy == NULL && item->type->discard == NULL)) {
        return;
    }
    item->deferred = NULL;
    if (item->type == &bight_type_results && item->value != NULL) {
        pile_results(pile, item->value);
    } else if (item->type == &bight_type_indexed && item->value != NULL) {
        pile_indexed(pile, item->value);
    } else if (pile->discards) {
        bight_result_discard(item);
    } else {
        bight_result_clear(item);
    }
}

static void take_results(struct pile *pile)
{
    struct bight_results *results = pile->results;
    pile->results = (struct bight_results *)(void *)results->items[0].deferred;
    for (size_t i = 0; i < results->count; i++) {
        let_go_of_item(pile, &results->items[i]);
    }
    bight_free(results);
}

static void take_indexed(struct pile *pile)
{
    struct bight_indexed *indexed = pile->indexed;
    pile->indexed = (struct bight_indexed *)(void *)indexed->result.deferred;
    let_go_of_item(pile, &indexed->result);
    bight_free(indexed);
}

static void let_go_of_results(struct bight_results *results, struct bight_indexed *indexed, bool discards)
{
    struct pile pile = { NULL, NULL, discards };
    if (results != NULL) {
        pile_results(&pile, results);
    }
    if (indexed != NULL) {
        pile_indexed(&pile, indexed);
    }
    while (pile.results != NULL || pile.indexed != NULL) {
        if (pile.results != NULL) {
            take_results(&pile);
        } else {
            take_indexed(&pile);
        }
    }
}

void bight_results_free(struct bight_results *results)
{
    let_go_of_results(results, NULL, false);
}

void bight_indexed_free(struct bight_indexed *indexed)
{
    let_go_of_results(NULL, indexed, false);
}

static void destroy_results(void *value)
{
    let_go_of_results(value, NULL, false);
}

static void discard_results(void *value)
{
    let_go_of_results(value, NULL, true);
}

static void destroy_indexed(void *value)
{
    let_go_of_results(NULL, value, false);
}

static void discard_indexed(void *value)
{
    let_go_of_results(NULL, value, true);
}

const struct bight_type bight_type_results = {
    .name = "results",
    .destroy = destroy_results,
    .discard = discard_results,
};

const struct bight_type bight_type_indexed = {
    .name = "indexed",
    .destroy = destroy_indexed,
    .discard = discard_indexed,
};
