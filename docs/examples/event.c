/* SPDX-License-Identifier: MIT */
/* event.c - an event that wakes two who wait for it: with callbacks. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static struct bight_event *door;

static void come_in(struct bight_result *result, void *name)
{
    (void)result;
    printf("%s comes in\n", (const char *)name);
}

static struct bight_deferred *visit(char *name)
{
    printf("%s %s\n", name, bight_event_is_set(door) ? "finds the door open" : "waits at the door");
    struct bight_deferred *visit = bight_event_wait(door);
    bight_deferred_add_callback(visit, come_in, name);
    return visit;
}

static void open_door(struct bight_result *result, void *context)
{
    static char cleo[] = "Cleo";
    (void)context;
    puts("the door opens");
    bight_event_set(door);
    bight_result_chain(result, visit(cleo));
}

static struct bight_deferred *start(struct bight_reactor *reactor, int argc, char **argv)
{
    static char ada[] = "Ada", ben[] = "Ben";
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    struct bight_deferred *all[] = { visit(ada), visit(ben),
        bight_defer_later(bight_reactor_clock(reactor), 2 * second, open_door, NULL) };
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
