/* SPDX-License-Identifier: MIT */
/* condition_await.c - a condition that wakes one, then two, then all that are left of five: with await. An argument
 * scales the time. */
#include <bight/bight.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_lock *lock;
static struct bight_condition *condition;
static double second = 1;

static void sleep_sound(struct bight_result *result, void *name)
{
    if (bight_await(bight_lock_acquire(lock), result) != 0) {
        return;
    }
    printf("%s falls asleep\n", (const char *)name);
    if (bight_await(bight_condition_wait(condition), result) == 0) {
        printf("%s wakes up\n", (const char *)name);
    }
    bight_lock_release(lock); /* held again, whatever came of the wait */
}

static void ring(struct bight_result *result, void *context)
{
    static const size_t numbers[3] = { 1, 2, SIZE_MAX };
    struct bight_clock *clock = bight_reactor_clock(bight_coroutine_reactor());
    (void)context;
    for (size_t i = 0; i < 3; i++) {
        if (bight_await(bight_sleep(clock, second), result) != 0 ||
            bight_await(bight_lock_acquire(lock), result) != 0) {
            return;
        }
        size_t asleep = bight_condition_waiting(condition);
        printf("%zu of %zu to wake up\n", numbers[i] < asleep ? numbers[i] : asleep, asleep);
        bight_condition_notify(condition, numbers[i]);
        bight_lock_release(lock);
    }
}

static void night(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    static char names[5][8] = { "Ada", "Ben", "Cleo", "Dora", "Emil" };
    struct bight_deferred *parts[6];
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    for (size_t i = 0; i < 5; i++) {
        parts[i] = bight_spawn(reactor, sleep_sound, names[i]);
    }
    parts[5] = bight_spawn(reactor, ring, NULL);
    (void)bight_await(bight_gather_results(parts, 6), result);
}

int main(int argc, char **argv)
{
    lock = bight_lock_new();
    condition = lock != NULL ? bight_condition_new(lock) : NULL;
    int status = condition != NULL ? bight_main_coroutine(night, argc, argv) : EX_OSERR;
    bight_condition_free(condition);
    bight_lock_free(lock);
    return status;
}
