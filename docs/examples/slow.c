/* SPDX-License-Identifier: MIT */
/* slow.c - a slow operation that fires a Deferred: a division that is thought over for some seconds. One succeeds, one
 * fails, one takes too long and is cancelled. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static double second = 1;

/* ------------------------------------------------------------------------------ who brings the result */

struct division {
    struct bight_promise promise; /* the producer's end of the Deferred */
    struct bight_timer timer;     /* owns this struct */
    intptr_t dividend, divisor;
};

static void answer(void *context)
{
    struct division *division = context;
    if (division->divisor == 0) {
        bight_errback(division->promise, bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "nothing is divided by 0"));
        return;
    }
    intptr_t quotient = division->dividend / division->divisor;
    bight_callback(division->promise, &bight_type_integer, bight_integer(quotient));
}

/* The canceller: nobody wants the answer any more. Without one of its own the Deferred fails with CANCELLED. */
static void forget(struct bight_promise promise, void *context)
{
    struct division *division = context;
    (void)promise;
    bight_timer_cancel(division->timer);
}

static struct bight_deferred *divide(intptr_t dividend, intptr_t divisor, double seconds)
{
    struct division *division = bight_malloc(sizeof *division);
    if (division == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    *division = (struct division) { .dividend = dividend, .divisor = divisor };
    struct bight_deferred *quotient = bight_deferred_new(&division->promise, forget, division);
    int error = bight_call_later_full(reactor, seconds, answer, division, bight_free, &division->timer);
    if (error != 0) {
        bight_errback(division->promise, bight_failure_of(error));
        bight_free(division);
    }
    return quotient;
}

/* ----------------------------------------------------------------------------------- who waits for it */

static void show(struct bight_result *result, void *question)
{
    printf("%s is %d\n", (const char *)question, (int)bight_integer_value(result->value));
}

static void show_failure(struct bight_result *result, void *question)
{
    printf("%s: %s\n", (const char *)question, bight_failure_message(bight_result_failure(result)));
    bight_result_clear(result);
}

static struct bight_deferred *ask(intptr_t dividend, intptr_t divisor, double seconds, char *question)
{
    struct bight_deferred *quotient = divide(dividend, divisor, seconds);
    bight_deferred_add_timeout(quotient, 3 * second, bight_reactor_clock(reactor));
    bight_deferred_add_callbacks(quotient, show, show_failure, question);
    return quotient;
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    static char easy[] = "84 / 2", wrong[] = "84 / 0", hard[] = "84 / 7";
    reactor = started;
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    struct bight_deferred *all[] = { ask(84, 2, second, easy), ask(84, 0, 2 * second, wrong),
        ask(84, 7, 600 * second, hard) };
    return bight_gather_results(all, 3);
}

int main(int argc, char **argv)
{
    return bight_main(start, argc, argv);
}
