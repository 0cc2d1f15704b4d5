/* SPDX-License-Identifier: MIT */
/* hello_await.c - hello, three seconds, World: with await. An argument scales the time: 0.001 for milliseconds. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static void hello(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    puts("hello");
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 3 * second), result) != 0) {
        return;
    }
    puts("World");
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(hello, argc, argv);
}
