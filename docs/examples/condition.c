/* SPDX-License-Identifier: MIT */
/* condition.c - a condition that wakes one, then two, then all that are left of five: with callbacks. An argument
 * scales the time. */
#include <bight/bight.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_lock *lock;
static struct bight_condition *condition;
static char sleepers[5][8] = { "Ada", "Ben", "Cleo", "Dora", "Emil" };
static size_t one = 1, two = 2, all = SIZE_MAX;

static void wake_up(struct bight_result *result, void *name)
{
    (void)result;
    printf("%s wakes up\n", (const char *)name);
}

/* With the lock held. The wait releases it and holds it again before it fires. */
static struct bight_deferred *fall_asleep(void *name)
{
    printf("%s falls asleep\n", (const char *)name);
    struct bight_deferred *sleep = bight_condition_wait(condition);
    bight_deferred_add_callback(sleep, wake_up, name);
    return sleep;
}

/* With the lock held. Those who are woken have it one after the other, when this is over. */
static struct bight_deferred *wake(void *context)
{
    size_t number = *(const size_t *)context, asleep = bight_condition_waiting(condition);
    printf("%zu of %zu to wake up\n", number < asleep ? number : asleep, asleep);
    bight_condition_notify(condition, number);
    return NULL;
}

static void ring(struct bight_result *result, void *number)
{
    bight_result_chain(result, bight_lock_run(lock, wake, number));
}

static struct bight_deferred *start(struct bight_reactor *reactor, int argc, char **argv)
{
    struct bight_clock *clock = bight_reactor_clock(reactor);
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    struct bight_deferred *parts[8];
    for (size_t i = 0; i < 5; i++) {
        parts[i] = bight_lock_run(lock, fall_asleep, sleepers[i]);
    }
    parts[5] = bight_defer_later(clock, second, ring, &one);
    parts[6] = bight_defer_later(clock, 2 * second, ring, &two);
    parts[7] = bight_defer_later(clock, 3 * second, ring, &all);
    return bight_gather_results(parts, 8);
}

int main(int argc, char **argv)
{
    lock = bight_lock_new();
    condition = lock != NULL ? bight_condition_new(lock) : NULL;
    int status = condition != NULL ? bight_main(start, argc, argv) : EX_OSERR;
    bight_condition_free(condition);
    bight_lock_free(lock);
    return status;
}
