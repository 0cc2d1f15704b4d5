/* SPDX-License-Identifier: MIT */
/* blocking.c - two functions that block, in a pool of two threads, beside a loop that ticks. Each reads a gauge, which
 * is a pipe, with the blocking read(2). The third tick lets the rain fall, and after the rain comes the wind: so both
 * functions have blocked at once, and the loop went on. An argument scales the time. */
#include <bight/bight.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct gauge {
    const char *name;
    unsigned char force;
    struct gauge *next; /* which has something to read after this one */
    int ends[2];
};
static struct gauge wind = { .name = "wind", .force = 7 }, rain = { .name = "rain", .force = 3, .next = &wind };
static int ticks;

static void blow(const struct gauge *gauge)
{
    if (write(gauge->ends[1], &gauge->force, 1) != 1) {
        perror(gauge->name);
    }
}

/* In a thread of the pool: may block for as long as it likes, and touches nothing of the reactor's. */
static void read_gauge(struct bight_result *result, void *context)
{
    const struct gauge *gauge = context;
    unsigned char force;
    if (read(gauge->ends[0], &force, 1) != 1) {
        bight_result_fail(result, bight_failure_from_errno(errno, gauge->name));
        return;
    }
    bight_result_set(result, &bight_type_integer, bight_integer(force));
}

/* Back in the loop's thread. */
static void show(struct bight_result *result, void *context)
{
    const struct gauge *gauge = context;
    printf("%s: %d\n", gauge->name, (int)bight_integer_value(result->value));
    if (gauge->next != NULL) {
        blow(gauge->next);
    }
}

static struct bight_deferred *tick(struct bight_looping_call *call, void *context)
{
    (void)context;
    printf("tick %d\n", ++ticks);
    if (ticks == 3) {
        blow(&rain);
        bight_looping_call_stop(call);
    }
    return NULL;
}

static void free_call(struct bight_result *result, void *call)
{
    (void)result;
    bight_looping_call_free(call);
}

static struct bight_deferred *start(struct bight_reactor *reactor, int argc, char **argv)
{
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    struct bight_looping_call *call = bight_looping_call_new(bight_reactor_clock(reactor), tick, NULL);
    if (call == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_thread_pool *pool = bight_thread_pool_new(reactor, "gauges", 2); /* goes with the reactor */
    struct bight_deferred *all[] = { bight_thread_pool_defer(pool, read_gauge, &wind),
        bight_thread_pool_defer(pool, read_gauge, &rain), bight_looping_call_start(call, second, false) };
    bight_deferred_add_callback(all[0], show, &wind);
    bight_deferred_add_callback(all[1], show, &rain);
    bight_deferred_add_both(all[2], free_call, call);
    return bight_gather_results(all, 3);
}

int main(int argc, char **argv)
{
    if (pipe(wind.ends) != 0 || pipe(rain.ends) != 0) {
        perror("pipe");
        return EXIT_FAILURE;
    }
    return bight_main(start, argc, argv);
}
