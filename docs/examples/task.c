/* SPDX-License-Identifier: MIT */
/* task.c - a task started, waited for, its value printed: with callbacks. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static struct bight_reactor *reactor;
static double second = 1;

static void finish_task(struct bight_result *result, void *context)
{
    (void)context;
    puts("task: done");
    bight_result_set(result, &bight_type_integer, bight_integer(42));
}

static struct bight_deferred *start_task(void)
{
    puts("task: begun");
    return bight_defer_later(bight_reactor_clock(reactor), 2 * second, finish_task, NULL);
}

static void show(struct bight_result *result, void *context)
{
    (void)context;
    printf("main: its value is %d\n", (int)bight_integer_value(result->value));
    bight_result_clear(result); /* else it were the program's exit status */
}

static struct bight_deferred *start(struct bight_reactor *started, int argc, char **argv)
{
    reactor = started;
    second = argc > 1 ? strtod(argv[1], NULL) : 1;
    puts("main: starts the task");
    struct bight_deferred *task = start_task();
    puts("main: waits for it");
    bight_deferred_add_callback(task, show, NULL);
    return task;
}

int main(int argc, char **argv)
{
    return bight_main(start, argc, argv);
}
