/* SPDX-License-Identifier: MIT */
/* lock.c - a lock handed from a timer to two who wait for it: with callbacks. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_reactor *reactor;
static struct bight_lock *lock;
static double second = 1;

static void finish(struct bight_result *result, void *name)
{
    (void)result;
    printf("%s is done\n", (const char *)name);
}

/* Runs with the lock held, which is released when the Deferred has fired, however that comes. */
static struct bight_deferred *use(void *name)
{
    printf("%s has the lock\n", (const char *)name);
    return bight_defer_later(bight_reactor_clock(reactor), second, finish, name);
}

static struct bight_deferred *want(char *name)
{
    printf("%s waits for the lock\n", name);
    return bight_lock_run(lock, use, name);
}

static void let_go(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    puts("the timer releases it");
    bight_lock_release(lock);
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    static char ada[] = "Ada", ben[] = "Ben";
    reactor = started;
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    puts("the lock is held");
    bight_lock_try_acquire(lock);
    struct bight_deferred *all[] = { bight_defer_later(bight_reactor_clock(reactor), 2 * second, let_go, NULL),
        want(ada), want(ben) };
    return bight_gather_results(all, 3);
}

int main(int argc, char **argv)
{
    lock = bight_lock_new();
    if (lock == NULL) {
        return EX_OSERR;
    }
    int status = bight_main(start, argc, argv);
    bight_lock_free(lock);
    return status;
}
