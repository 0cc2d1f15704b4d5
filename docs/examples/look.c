/* SPDX-License-Identifier: MIT */
/* A program that holds its own loop up, and is told so; then it looks at what it waits for. */
#include <bight/bight.h>
#include <bight/debug.h>
#include <bight/figures.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static struct bight_promise dough;

static void count_primes(void *context)
{
    (void)context;
    clock_t end = clock() + CLOCKS_PER_SEC * 3 / 10; /* of the processor's time */
    while (clock() < end) { /* the loop stands still */
    }
}

static void bake(struct bight_result *result, void *oven)
{
    bight_result_chain(result, oven);
}

static void order(void)
{
    struct bight_promise heat;
    struct bight_deferred *oven = bight_deferred_new(&heat, NULL, NULL);
    struct bight_deferred *bread = bight_deferred_new(&dough, NULL, NULL);
    bight_deferred_add_callback(bread, bake, oven);
    bight_deferred_release(bread);
    bight_callback(dough, NULL, NULL); /* bread waits for oven, which nobody will heat */
}

static void print_figures(struct bight_reactor *reactor)
{
    struct bight_reactor_figures figures = { .size = sizeof figures };
    bight_reactor_read_figures(reactor, &figures);
    printf("%" PRIu64 " of %" PRIu64 " handlers took too long; the longest: %s %s, %.1f s\n", figures.blocks,
        figures.handlers, figures.longest_kind, figures.longest_place, (double)figures.longest_handler / 1e9);
}

static void print(const char *text, size_t size, void *context)
{
    fwrite(text, 1, size, context);
}

static void look(void *context)
{
    struct bight_reactor *reactor = context;
    print_figures(reactor);
    bight_debug_dump(reactor, BIGHT_DUMP_TEXT, print, stdout);
    bight_reactor_stop(reactor);
}

int main(void)
{
    bight_deferred_set_debug(true); /* or BIGHT_DEBUG=1 in the environment */
    struct bight_reactor *reactor = bight_reactor_new();
    bight_reactor_set_block_limit(reactor, 0.1);
    bight_reactor_set_watchdog(reactor, 0.1);
    order();
    bight_call_later(reactor, 0, count_primes, NULL, NULL);
    bight_call_later(reactor, 0.01, look, reactor, NULL);
    bight_call_later(reactor, 3600, look, reactor, NULL);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
