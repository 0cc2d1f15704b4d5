/* SPDX-License-Identifier: MIT */
/* lock_await.c - a lock handed from a timer to two who wait for it: with await. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_lock *lock;
static double second = 1;

static void use(struct bight_result *result, void *name)
{
    printf("%s waits for the lock\n", (const char *)name);
    if (bight_await(bight_lock_acquire(lock), result) != 0) {
        return;
    }
    printf("%s has the lock\n", (const char *)name);
    if (bight_await(bight_sleep(bight_reactor_clock(bight_coroutine_reactor()), second), result) == 0) {
        printf("%s is done\n", (const char *)name);
    }
    bight_lock_release(lock); /* also when the sleep was cancelled */
}

static void hand_on(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    static char ada[] = "Ada", ben[] = "Ben";
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    puts("the lock is held");
    bight_lock_try_acquire(lock);
    struct bight_deferred *both[] = { bight_spawn(reactor, use, ada), bight_spawn(reactor, use, ben) };
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 2 * second), result) == 0) {
        puts("the timer releases it");
    }
    bight_lock_release(lock);
    (void)bight_await(bight_gather_results(both, 2), result);
}

int main(int argc, char **argv)
{
    lock = bight_lock_new();
    if (lock == NULL) {
        return EX_OSERR;
    }
    int status = bight_main_coroutine(hand_on, argc, argv);
    bight_lock_free(lock);
    return status;
}
