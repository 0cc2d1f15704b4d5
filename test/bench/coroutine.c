/* SPDX-License-Identifier: MIT */
/* coroutine - what an await costs beside a bare change of stacks with the same library.
 *
 * `bare` is a round trip: onto another stack and back. `fired` awaits Deferreds that have fired, `loop` such as the
 * loop fires, 100 coroutines at a time: each is made, awaited, fired and released. `spawn` is a coroutine that never
 * waits. `parked` are the bytes of memory for each of 20,000 that wait. One JSON line each; those of awaits with
 * their ratio to a round trip. Options: -n N (default 2000000), -r ROUNDS (default 5, the medians count). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bight/bight.h>
#include <bight/coroutine.h>

#include "measure.h"

#define MAX_ROUNDS 99
#define AT_ONCE 100
#define PARKED 20000

static unsigned times = 2000000, rounds = 5;
static struct bight_reactor *reactor;

/* ------------------------------------------------------------------------------------- the bare change */

static char bare_stack[65536];

#if BIGHT_FCONTEXT
#define LIBRARY "boost_context"
struct transfer {
    void *context, *data;
};
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*function)(struct transfer));

static void bounce(struct transfer from)
{
    for (;;) {
        from = jump_fcontext(from.context, NULL);
    }
}

static void bare(void)
{
    struct transfer other = { make_fcontext(bare_stack + sizeof bare_stack, sizeof bare_stack, bounce), NULL };
    for (unsigned i = 0; i < times; i++) {
        other = jump_fcontext(other.context, NULL);
    }
}
#else
#define LIBRARY "ucontext"
#include <ucontext.h>

static ucontext_t here, there;

static void bounce(void)
{
    for (;;) {
        swapcontext(&there, &here);
    }
}

static void bare(void)
{
    getcontext(&there);
    there.uc_stack.ss_sp = bare_stack;
    there.uc_stack.ss_size = sizeof bare_stack;
    makecontext(&there, bounce, 0);
    for (unsigned i = 0; i < times; i++) {
        swapcontext(&here, &there);
    }
}
#endif

/* -------------------------------------------------------------------------------------------- awaiting */

static void await_fired(struct bight_result *result, void *context)
{
    (void)context;
    for (unsigned i = 0; i < times; i++) {
        struct bight_promise promise;
        struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
        bight_callback(promise, &bight_type_integer, bight_integer(i));
        bight_await(deferred, result);
    }
    bight_reactor_stop(reactor);
}

static void spawn_fired(void *context)
{
    (void)context;
    bight_deferred_release(bight_spawn(reactor, await_fired, NULL));
}

/* The turns of the loop that go between are in it. */
static void fired(void)
{
    bight_call_when_running(reactor, spawn_fired, NULL);
    bight_reactor_run(reactor);
}

static struct bight_promise waiting[AT_ONCE];
static unsigned running;

static void await_loop(struct bight_result *result, void *context)
{
    running++;
    for (unsigned i = 0; i < times / AT_ONCE; i++) {
        struct bight_deferred *deferred = bight_deferred_new((struct bight_promise *)context, NULL, NULL);
        bight_await(deferred, result);
    }
    running--;
}

static void fire_all(void *context)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        bight_callback(waiting[i], &bight_type_integer, bight_integer((intptr_t)i));
    }
    if (running > 0) {
        bight_call_when_running(reactor, fire_all, context);
    } else {
        bight_reactor_stop(reactor);
    }
}

static void loop(void)
{
    for (size_t i = 0; i < AT_ONCE; i++) {
        bight_deferred_release(bight_spawn(reactor, await_loop, &waiting[i]));
    }
    bight_call_when_running(reactor, fire_all, NULL);
    bight_reactor_run(reactor);
}

static void do_nothing(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void spawn(void)
{
    for (unsigned i = 0; i < times; i++) {
        bight_deferred_release(bight_spawn(reactor, do_nothing, NULL));
    }
}

/* ---------------------------------------------------------------------------------------------- memory */

static void park(struct bight_result *result, void *context)
{
    bight_await(bight_deferred_new((struct bight_promise *)context, NULL, NULL), result);
}

static size_t resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &size, &pages) != 2) {
        return 0;
    }
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static size_t parked(void)
{
    static struct bight_promise promises[PARKED];
    size_t before = resident();
    for (size_t i = 0; i < PARKED; i++) {
        bight_deferred_release(bight_spawn(reactor, park, &promises[i]));
    }
    size_t taken = resident() - before;
    for (size_t i = 0; i < PARKED; i++) {
        bight_callback(promises[i], NULL, NULL);
    }
    return taken / PARKED;
}

/* ---------------------------------------------------------------------------------------------- figures */

/* Nanoseconds each, the median. */
static double measure(void (*work)(void))
{
    double taken[MAX_ROUNDS];
    for (unsigned i = 0; i < rounds; i++) {
        double start = now();
        work();
        taken[i] = (now() - start) / times;
    }
    return median(taken, rounds);
}

static void print(const char *name, double nanoseconds, double trip)
{
    printf("{\"what\": \"%s\", \"ns\": %.2f, \"round_trips\": %.2f}\n", name, nanoseconds, nanoseconds / trip);
}

int main(int argc, char **argv)
{
    int letter;
    while ((letter = getopt(argc, argv, "n:r:")) != -1) {
        unsigned long number = strtoul(optarg, NULL, 10);
        *(letter == 'n' ? &times : &rounds) = (unsigned)number;
        if ((letter != 'n' && letter != 'r') || number == 0 || (letter == 'r' && number > MAX_ROUNDS)) {
            fprintf(stderr, "usage: coroutine [-n N] [-r ROUNDS]\n");
            return 64;
        }
    }
    reactor = bight_reactor_new();
    if (reactor == NULL) {
        return 70;
    }
    double trip = measure(bare);
    print("bare " LIBRARY, trip, trip);
    print("fired", measure(fired), trip);
    print("loop", measure(loop), trip);
    print("spawn", measure(spawn), trip);
    printf("{\"what\": \"parked\", \"bytes\": %zu}\n", parked());
    bight_reactor_free(reactor);
    return 0;
}
