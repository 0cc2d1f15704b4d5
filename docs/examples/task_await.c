/* SPDX-License-Identifier: MIT */
/* task_await.c - a task started, waited for, its value printed: with await. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static double second = 1;

static void task_body(struct bight_result *result, void *context)
{
    (void)context;
    puts("task: begun");
    if (bight_await(bight_sleep(bight_reactor_clock(reactor), 2 * second), result) != 0) {
        return;
    }
    puts("task: done");
    bight_result_set(result, &bight_type_integer, bight_integer(42));
}

static void main_body(struct bight_result *result, void *context)
{
    (void)context;
    puts("main: starts the task");
    struct bight_deferred *task = bight_spawn(reactor, task_body, NULL);
    puts("main: waits for it");
    if (bight_await(task, result) != 0) {
        return;
    }
    printf("main: its value is %d\n", (int)bight_integer_value(result->value));
    bight_result_clear(result); /* else it were the program's exit status */
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    reactor = started;
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    return bight_spawn(reactor, main_body, NULL);
}

int main(int argc, char **argv)
{
    return bight_main(start, argc, argv);
}
