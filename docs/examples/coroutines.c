/* SPDX-License-Identifier: MIT */
/* Breakfast: three coroutines that wait for the clock, and one that waits for them.
 *
 * Usage: coroutines [SECONDS_PER_MINUTE] */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static double minute = 1.0;

static struct bight_deferred *minutes(double number)
{
    return bight_sleep(bight_reactor_clock(bight_coroutine_reactor()), number * minute);
}

static void make_coffee(struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(minutes(2), result) != 0) {
        return;
    }
    puts("coffee: ready");
}

static void make_toast(struct bight_result *result, void *context)
{
    intptr_t wanted = *(const int *)context;
    for (intptr_t slice = 1; slice <= wanted; slice++) {
        if (bight_await(minutes(2), result) != 0) {
            return;
        }
        printf("toast: slice %d\n", (int)slice);
    }
    bight_result_set(result, &bight_type_integer, bight_integer(wanted));
}

static void cook_stew(struct bight_result *result, void *context)
{
    (void)context;
    if (bight_await(minutes(600), result) != 0) {
        puts("stew: off the stove");
        return;
    }
    puts("stew: ready");
}

static void make_breakfast(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    int slices = 2;
    minute = argc > 1 ? strtod(argv[1], NULL) : minute;
    struct bight_deferred *toast = bight_spawn(reactor, make_toast, &slices);
    struct bight_deferred *coffee = bight_spawn(reactor, make_coffee, NULL);
    struct bight_deferred *stew = bight_spawn(reactor, cook_stew, NULL);

    (void)bight_await(coffee, result);
    if (bight_await(toast, result) == 0) {
        printf("coffee and %d slices\n", (int)bight_integer_value(result->value));
    }
    bight_deferred_add_timeout(stew, 5 * minute, bight_reactor_clock(reactor));
    if (bight_await(stew, result) == BIGHT_E_TIMED_OUT) {
        puts("no stew today");
        bight_result_clear(result);
    }
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(make_breakfast, argc, argv);
}
