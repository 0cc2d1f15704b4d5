/* SPDX-License-Identifier: MIT */
/* chain - what a Deferred costs beside the least that a chain of callbacks can cost in C.
 *
 * The bare thing is a pooled record of a value and a growing list of callback pairs: no types, no ownership, no
 * second end, no library to call into. Both are made, given K callbacks, fired and freed, N times. One JSON line each;
 * the last returns the ratio. Options: -k K (default 2), -n N (default 2000000), -r ROUNDS (default 5, the medians
 * count). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/deferred.h>

#include "measure.h"

#define MAX_ROUNDS 99
#define CHECKED_EVERY 1024

struct options {
    unsigned callbacks, times, rounds;
};

/* -------------------------------------------------------------------------------------- the bare thing */

struct bare_pair {
    void *(*callback)(void *value, void *context);
    void *(*errback)(void *value, void *context);
    void *callback_context, *errback_context;
};

struct bare_chain {
    struct bare_chain *next_free;
    struct bare_pair *pairs;
    void *value;
    unsigned next, count, capacity;
    bool failed;
    struct bare_pair inline_pairs[4];
};

static struct bare_chain *bare_pool;

static struct bare_chain *bare_new(void)
{
    struct bare_chain *chain = bare_pool;
    if (chain != NULL) {
        bare_pool = chain->next_free;
    } else if ((chain = malloc(sizeof(*chain))) == NULL) {
        exit(EXIT_FAILURE);
    }
    chain->pairs = chain->inline_pairs;
    chain->next = chain->count = 0;
    chain->capacity = 4;
    chain->failed = false;
    return chain;
}

static void bare_grow(struct bare_chain *chain)
{
    struct bare_pair *pairs = malloc(2 * chain->capacity * sizeof(*pairs));
    if (pairs == NULL) {
        exit(EXIT_FAILURE);
    }
    memcpy(pairs, chain->pairs, chain->count * sizeof(*pairs));
    if (chain->pairs != chain->inline_pairs) {
        free(chain->pairs);
    }
    chain->pairs = pairs;
    chain->capacity *= 2;
}

__attribute__((noinline)) static void bare_add(struct bare_chain *chain, void *(*callback)(void *, void *),
    void *callback_context, void *(*errback)(void *, void *), void *errback_context)
{
    if (chain->count == chain->capacity) {
        bare_grow(chain);
    }
    chain->pairs[chain->count++] = (struct bare_pair) { callback, errback, callback_context, errback_context };
}

__attribute__((noinline)) static void bare_fire(struct bare_chain *chain, void *value)
{
    chain->value = value;
    while (chain->next < chain->count) {
        struct bare_pair *pair = &chain->pairs[chain->next++];
        void *(*function)(void *, void *) = chain->failed ? pair->errback : pair->callback;
        if (function != NULL) {
            chain->value = function(chain->value, chain->failed ? pair->errback_context : pair->callback_context);
        }
    }
}

static void bare_free(struct bare_chain *chain)
{
    if (chain->pairs != chain->inline_pairs) {
        free(chain->pairs);
    }
    chain->next_free = bare_pool;
    bare_pool = chain;
}

static void *bare_increment(void *value, void *context)
{
    (void)context;
    return (char *)value + 1;
}

static uintptr_t run_bare(const struct options *options)
{
    uintptr_t sum = 0;
    for (unsigned i = 0; i < options->times; i++) {
        struct bare_chain *chain = bare_new();
        for (unsigned j = 0; j < options->callbacks; j++) {
            bare_add(chain, bare_increment, NULL, NULL, NULL);
        }
        bare_fire(chain, (void *)(uintptr_t)i);
        sum += i % CHECKED_EVERY == 0 ? (uintptr_t)chain->value : 0;
        bare_free(chain);
    }
    return sum;
}

/* ---------------------------------------------------------------------------------------- Deferreds */

static void increment(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_set(result, &bight_type_integer, bight_integer(bight_integer_value(result->value) + 1));
}

static void increment_in_place(struct bight_result *result, void *context)
{
    (void)context;
    result->value = bight_integer(bight_integer_value(result->value) + 1);
}

static uintptr_t run_deferred(const struct options *options, bight_handler handler)
{
    uintptr_t sum = 0;
    for (unsigned i = 0; i < options->times; i++) {
        struct bight_promise promise;
        struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
        for (unsigned j = 0; j < options->callbacks; j++) {
            bight_deferred_add_callback(deferred, handler, NULL);
        }
        bight_callback(promise, &bight_type_integer, bight_integer(i));
        if (i % CHECKED_EVERY == 0) {
            sum += (uintptr_t)bight_result_peek(bight_deferred_result(deferred), &bight_type_integer);
        }
        bight_deferred_release(deferred);
    }
    return sum;
}

static uintptr_t run_setting(const struct options *options)
{
    return run_deferred(options, increment);
}

static uintptr_t run_in_place(const struct options *options)
{
    return run_deferred(options, increment_in_place);
}

/* ---------------------------------------------------------------------------------------- measuring */

static void show(const char *name, const struct options *options, double nanoseconds, double bare)
{
    printf("{\"chain\":\"%s\",\"k\":%u,\"ns_per_deferred\":%.1f,\"callbacks_per_s\":%.0f,\"times_bare\":%.2f}\n", name,
        options->callbacks, nanoseconds, options->callbacks * 1e9 / nanoseconds, nanoseconds / bare);
}

static int measure(const struct options *options)
{
    static const struct {
        const char *name;
        uintptr_t (*run)(const struct options *options);
    } all[] = { { "bare", run_bare }, { "bight", run_in_place }, { "bight, set", run_setting } };
    static double times[3][MAX_ROUNDS];
    uintptr_t sums[3];
    for (unsigned round = 0; round < options->rounds; round++) {
        for (unsigned i = 0; i < 3; i++) {
            double start = now();
            sums[i] = all[i].run(options);
            times[i][round] = (now() - start) / options->times;
        }
    }
    double bare = median(times[0], options->rounds);
    for (unsigned i = 0; i < 3; i++) {
        show(all[i].name, options, median(times[i], options->rounds), bare);
    }
    return sums[0] == sums[1] && sums[0] == sums[2] ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options = { 2, 2000000, 5 };
    int option;
    while ((option = getopt(argc, argv, "k:n:r:")) != -1) {
        unsigned value = option == '?' ? 0 : (unsigned)strtoul(optarg, NULL, 10);
        if (value == 0) {
            fprintf(stderr, "usage: chain [-k CALLBACKS] [-n TIMES] [-r ROUNDS]\n");
            return 64;
        }
        switch (option) {
        case 'k':
            options.callbacks = value;
            break;
        case 'n':
            options.times = value;
            break;
        default:
            options.rounds = value < MAX_ROUNDS ? value : MAX_ROUNDS;
            break;
        }
    }
    return measure(&options);
}
