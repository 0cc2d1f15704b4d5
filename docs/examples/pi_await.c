/* SPDX-License-Identifier: MIT */
/* pi_await.c - a long computation that yields: pi as well as it can be had within three seconds, which another
 * coroutine counts meanwhile. pi.c is the same with a cooperator and a looping call. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static double second = 1;
static int seconds;

static struct bight_deferred *sleep_for(double time)
{
    return bight_sleep(bight_reactor_clock(bight_coroutine_reactor()), time);
}

static void tick(struct bight_result *result, void *context)
{
    (void)context;
    while (seconds < 3 && bight_await(sleep_for(second), result) == 0) {
        printf("second %d\n", ++seconds);
    }
}

/* Terms of 4 - 4/3 + 4/5 - 4/7 ... At least a million are needed. */
static void compute(struct bight_result *result, void *context)
{
    double sum = 0;
    (void)context;
    for (double term = 0; seconds < 3 || term < 1e6; term += 2) {
        sum += 4 / (2 * term + 1) - 4 / (2 * term + 3);
        if ((long)term % 10000 == 0 && bight_await(sleep_for(0), result) != 0) { /* others have their turn */
            return;
        }
    }
    printf("pi is about %.5f\n", sum);
}

static void count_and_compute(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    second = argc > 1 ? strtod(argv[1], NULL) : second;
    struct bight_deferred *both[] = { bight_spawn(reactor, tick, NULL), bight_spawn(reactor, compute, NULL) };
    (void)bight_await(bight_gather_results(both, 2), result);
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(count_and_compute, argc, argv);
}
