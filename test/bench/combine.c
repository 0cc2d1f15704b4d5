/* SPDX-License-Identifier: MIT */
/* combine - what gathering N Deferreds costs beside the N Deferreds themselves.
 *
 * N bare ones are made, fired and released, all of them before the next step begins (and, for the record, each by
 * itself); then N are made, given to gather_results, fired, and what came of it is released. One JSON line each.
 * Options: -n N (default 1000), -t TIMES (default 2000), -r ROUNDS (default 5, the medians count). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <bight/combine.h>

#include "measure.h"

#define MAX_ROUNDS 99

struct options {
    unsigned count, times, rounds;
};

static struct bight_deferred **members;
static struct bight_promise *promises;

static void make(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        members[i] = bight_deferred_new(&promises[i], NULL, NULL);
    }
}

static void fire(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bight_callback(promises[i], &bight_type_integer, bight_integer(i));
    }
}

static uintptr_t run_bare(unsigned count)
{
    uintptr_t sum = 0;
    make(count);
    fire(count);
    for (unsigned i = 0; i < count; i++) {
        sum += (uintptr_t)bight_result_peek(bight_deferred_result(members[i]), &bight_type_integer);
        bight_deferred_release(members[i]);
    }
    return sum;
}

static uintptr_t run_one_by_one(unsigned count)
{
    uintptr_t sum = 0;
    for (unsigned i = 0; i < count; i++) {
        struct bight_promise promise;
        struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
        bight_callback(promise, &bight_type_integer, bight_integer(i));
        sum += (uintptr_t)bight_result_peek(bight_deferred_result(deferred), &bight_type_integer);
        bight_deferred_release(deferred);
    }
    return sum;
}

static uintptr_t run_gather(unsigned count)
{
    uintptr_t sum = 0;
    make(count);
    struct bight_deferred *gathered = bight_gather_results(members, count);
    fire(count);
    struct bight_results *results = bight_result_peek(bight_deferred_result(gathered), &bight_type_results);
    for (unsigned i = 0; results != NULL && i < count; i++) {
        sum += (uintptr_t)results->items[i].value;
    }
    bight_deferred_release(gathered);
    return sum;
}

static int measure(const struct options *options)
{
    static const struct {
        const char *name;
        uintptr_t (*run)(unsigned count);
    } all[] = { { "bare", run_bare }, { "bare again", run_bare }, { "bare, one by one", run_one_by_one },
        { "gather_results", run_gather } };
    enum { KINDS = sizeof(all) / sizeof(all[0]) };
    static double times[KINDS][MAX_ROUNDS];
    uintptr_t sums[KINDS] = { 0 };
    for (unsigned round = 0; round < options->rounds; round++) {
        for (unsigned i = 0; i < KINDS; i++) {
            double start = now();
            for (unsigned j = 0; j < options->times; j++) {
                sums[i] += all[i].run(options->count);
            }
            times[i][round] = (now() - start) / options->times / options->count;
        }
    }
    double bare = median(times[0], options->rounds);
    bool agree = true;
    for (unsigned i = 0; i < KINDS; i++) {
        double each = median(times[i], options->rounds);
        printf("{\"combine\":\"%s\",\"n\":%u,\"ns_each\":%.1f,\"times_bare\":%.2f}\n", all[i].name, options->count,
            each, each / bare);
        agree = agree && sums[i] == sums[0];
    }
    return agree ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options = { 1000, 2000, 5 };
    int option;
    while ((option = getopt(argc, argv, "n:t:r:")) != -1) {
        unsigned value = option == '?' ? 0 : (unsigned)strtoul(optarg, NULL, 10);
        if (value == 0) {
            fprintf(stderr, "usage: combine [-n DEFERREDS] [-t TIMES] [-r ROUNDS]\n");
            return 64;
        }
        *(option == 'n' ? &options.count : option == 't' ? &options.times : &options.rounds) = value;
    }
    options.rounds = options.rounds < MAX_ROUNDS ? options.rounds : MAX_ROUNDS;
    members = calloc(options.count, sizeof(struct bight_deferred *));
    promises = calloc(options.count, sizeof(*promises));
    return members != NULL && promises != NULL ? measure(&options) : EXIT_FAILURE;
}
