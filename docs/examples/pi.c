/* SPDX-License-Identifier: MIT */
/* pi.c - a long computation that yields: pi as well as it can be had within three seconds, which a looping call counts
 * meanwhile. With a cooperator; pi_await.c is the same with a coroutine. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_cooperator *cooperator;
static struct bight_looping_call *ticking;
static int seconds;
static double terms, sum;

static struct bight_deferred *tick(struct bight_looping_call *call, void *context)
{
    (void)context;
    printf("second %d\n", ++seconds);
    if (seconds == 3) {
        bight_looping_call_stop(call);
    }
    return NULL;
}

/* A small piece of the work: some terms of 4 - 4/3 + 4/5 - 4/7 ... At least a million are needed. */
static enum bight_step add_terms(struct bight_cooperative_task *task, void *context)
{
    (void)task;
    (void)context;
    for (int i = 0; i < 1000; i++, terms += 2) {
        sum += 4 / (2 * terms + 1) - 4 / (2 * terms + 3);
    }
    return seconds < 3 || terms < 1e6 ? BIGHT_STEP_MORE : BIGHT_STEP_DONE;
}

static void print_pi(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    printf("pi is about %.5f\n", sum);
}

static struct bight_deferred *begin(double second)
{
    struct bight_cooperative_task *task = bight_cooperate(cooperator, add_terms, NULL);
    if (task == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *computed = bight_cooperative_task_when_done(task);
    bight_deferred_add_callback(computed, print_pi, NULL);
    bight_cooperative_task_release(task);
    struct bight_deferred *both[] = { bight_looping_call_start(ticking, second, false), computed };
    return bight_gather_results(both, 2);
}

static void clean_up(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    bight_looping_call_free(ticking);
    bight_cooperator_free(cooperator);
}

static struct bight_deferred *start(struct bight_reactor *reactor, int argc, char **argv)
{
    struct bight_clock *clock_of_program = bight_reactor_clock(reactor);
    cooperator = bight_cooperator_new(clock_of_program);
    ticking = bight_looping_call_new(clock_of_program, tick, NULL);
    struct bight_deferred *done = cooperator == NULL || ticking == NULL
                                      ? bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY))
                                      : begin(argc > 1 ? strtod(argv[1], NULL) : 1);
    bight_deferred_add_both(done, clean_up, NULL);
    return done;
}

int main(int argc, char **argv)
{
    return bight_main(start, argc, argv);
}
