/* SPDX-License-Identifier: MIT */
/* scopes.c - three mirrors are asked at once and the first answer wins; then somebody's patience ends. An argument
 * scales the time: 0.001 for milliseconds. */
#include <bight/bight.h>

#include <stdio.h>
#include <stdlib.h>

struct mirror {
    const char *name;
    double delay;
};

static struct mirror mirrors[] = { { "near", 1 }, { "far", 20 }, { "farther", 30 } };

struct program {
    struct bight_reactor *reactor;
    struct bight_clock *clock;
    double second;
};

static struct bight_promise first;

static void answered(struct bight_result *result, void *context)
{
    struct mirror *mirror = context;
    (void)result;
    printf("%s answered\n", mirror->name);
    bight_callback(first, &bight_type_pointer, mirror);
}

static void given_up(struct bight_result *result, void *context)
{
    struct mirror *mirror = context;
    printf("%s is not needed any more\n", mirror->name);
    bight_result_clear(result);
}

static struct bight_deferred *ask_mirrors(struct bight_scope *scope, void *context)
{
    struct program *program = context;
    struct bight_deferred *fetched = bight_deferred_new(&first, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        double delay = mirrors[i].delay * program->second;
        struct bight_deferred *answer = bight_defer_later(program->clock, delay, answered, &mirrors[i]);
        bight_deferred_add_errback(answer, given_up, &mirrors[i]);
        bight_deferred_release(bight_deferred_tie(answer, bight_scope_owner(scope)));
    }
    return fetched;
}

static struct bight_deferred *wait_an_hour(struct bight_scope *scope, void *context)
{
    struct program *program = context;
    bight_scope_set_deadline(scope, 2 * program->second);
    return bight_sleep(program->clock, 3600);
}

static void fetched(struct bight_result *result, void *context)
{
    struct program *program = context;
    struct mirror *mirror = bight_result_peek(result, &bight_type_pointer);
    printf("fetched from %s\n", mirror->name);
    bight_result_chain(result, bight_scope_run(program->clock, wait_an_hour, program));
}

static void over(struct bight_result *result, void *context)
{
    struct program *program = context;
    const struct bight_failure *failure = bight_result_failure(result);
    printf("%s\n", failure != NULL ? bight_failure_message(failure) : "done");
    bight_result_clear(result);
    bight_reactor_stop(program->reactor);
}

int main(int argc, char **argv)
{
    struct program program = { .second = argc > 1 ? atof(argv[1]) : 1 };
    program.reactor = bight_reactor_new();
    program.clock = bight_reactor_clock(program.reactor);
    struct bight_deferred *done = bight_scope_run(program.clock, ask_mirrors, &program);
    bight_deferred_add_callback(done, fetched, &program);
    bight_deferred_add_both(done, over, &program);
    bight_deferred_release(done);
    int status = bight_reactor_run(program.reactor);
    bight_reactor_free(program.reactor);
    return status;
}
