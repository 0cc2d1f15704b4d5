/* SPDX-License-Identifier: MIT */
/* task_await.c - a task started, waited for, its value printed: with await. An argument scales the time. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

static void task_body(struct bight_result *result, void *context)
{
    const double *second = context;
    puts("task: begun");
    if (bight_await(bight_sleep(bight_reactor_clock(bight_coroutine_reactor()), 2 * *second), result) != 0) {
        return;
    }
    puts("task: done");
    bight_result_set(result, &bight_type_integer, bight_integer(42));
}

static void main_body(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    double second = argc > 1 ? strtod(argv[1], NULL) : 1;
    puts("main: starts the task");
    struct bight_deferred *task = bight_spawn(reactor, task_body, &second);
    puts("main: waits for it");
    if (bight_await(task, result) != 0) {
        return;
    }
    printf("main: its value is %d\n", (int)bight_integer_value(result->value));
    bight_result_clear(result); /* else it were the program's exit status */
}

int main(int argc, char **argv)
{
    return bight_main_coroutine(main_body, argc, argv);
}
