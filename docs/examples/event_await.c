/* SPDX-License-Identifier: MIT */
/* event_await.c - an event that wakes two who wait for it: with await. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_reactor *reactor;
static struct bight_event *door;
static double second = 1;

static void visit(struct bight_result *result, void *name)
{
    printf("%s %s\n", (const char *)name, bight_event_is_set(door) ? "finds the door open" : "waits at the door");
    if (bight_await(bight_event_wait(door), result) == 0) {
        printf("%s comes in\n", (const char *)name);
    }
}

static void open_door(struct bight_result *result, void *context)
{
    static char cleo[] = "Cleo";
    (void)context;
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 2 * second), result) != 0) {
        return;
    }
    puts("the door opens");
    bight_event_set(door);
    visit(result, cleo);
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    static char ada[] = "Ada", ben[] = "Ben";
    reactor = started;
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    struct bight_deferred *all[] = { bight_spawn(reactor, visit, ada), bight_spawn(reactor, visit, ben),
        bight_spawn(reactor, open_door, NULL) };
    return bight_gather_results(all, 3);
}

int main(int argc, char **argv)
{
    door = bight_event_new();
    if (door == NULL) {
        return EX_OSERR;
    }
    int status = bight_main(start, argc, argv);
    bight_event_free(door);
    return status;
}
