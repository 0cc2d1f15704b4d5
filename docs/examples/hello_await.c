/* SPDX-License-Identifier: MIT */
/* hello_await.c - hello, three seconds, World: with await. An argument scales the time: 0.001 for milliseconds. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static double second = 1;

static void hello(struct bight_result *result, void *context)
{
    (void)context;
    puts("hello");
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 3 * second), result) != 0) {
        return;
    }
    puts("World");
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    reactor = started;
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    return bight_spawn(reactor, hello, NULL);
}

int main(int argc, char **argv)
{
    return bight_main(start, argc, argv);
}
