/* SPDX-License-Identifier: MIT */
/* event_await.c - an event that wakes two who wait for it: with await. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_event *door;

static void visit(struct bight_result *result, void *name)
{
    printf("%s %s\n", (const char *)name, bight_event_is_set(door) ? "finds the door open" : "waits at the door");
    if (bight_await(bight_event_wait(door), result) == 0) {
        printf("%s comes in\n", (const char *)name);
    }
}

static void evening(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    static char ada[] = "Ada", ben[] = "Ben", cleo[] = "Cleo";
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    bight_deferred_release(bight_spawn(reactor, visit, ada)); /* go on by themselves */
    bight_deferred_release(bight_spawn(reactor, visit, ben));
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 2 * second), result) != 0) {
        return;
    }
    puts("the door opens");
    bight_event_set(door);
    visit(result, cleo);
}

int main(int argc, char **argv)
{
    door = bight_event_new();
    if (door == NULL) {
        return EX_OSERR;
    }
    int status = bight_main_coroutine(evening, argc, argv);
    bight_event_free(door);
    return status;
}
