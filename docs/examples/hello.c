/* SPDX-License-Identifier: MIT */
/* hello.c - hello, three seconds, World: with a callback. An argument scales the time: 0.001 for milliseconds. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static void say_world(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    puts("World");
}

static struct bight_deferred *hello(struct bight_reactor *reactor, int argc, char **argv)
{
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    puts("hello");
    return bight_defer_later(bight_reactor_clock(reactor), 3 * second, say_world, NULL);
}

int main(int argc, char **argv)
{
    return bight_main(hello, argc, argv);
}
