/* SPDX-License-Identifier: MIT */
/* producers_await.c - two bakers, two eaters, and a shelf with room for two loaves between them, in virtual time. With
 * coroutines; producers.c is the same with callbacks. */
#include <bight/testing.h>

#include <stdio.h>
#include <sysexits.h>

struct person {
    const char *name;
    double seconds; /* for a loaf */
};

static struct person ada = { "Ada", 2 }, ben = { "Ben", 3 }, cleo = { "Cleo", 5 }, dan = { "Dan", 7 };
static struct bight_clock *virtual_clock;
static struct bight_queue *shelf;

static void say(const struct person *person, const char *what)
{
    int seconds =
        (int)(bight_clock_now(virtual_clock) / BIGHT_NANOSECONDS_PER_SECOND) - 1; /* virtual time begins at 1 s */
    printf("%2d s: %s %s\n", seconds, person->name, what);
}

static void bake(struct bight_result *result, void *context)
{
    struct person *baker = context;
    for (int loaves = 0; loaves < 3; loaves++) {
        if (bight_await(bight_sleep(virtual_clock, baker->seconds), result) != 0) {
            return;
        }
        say(baker, "has baked a loaf");
        if (bight_await(bight_queue_put_later(shelf, &bight_type_pointer, baker), result) != 0) {
            return;
        }
    }
}

static void eat(struct bight_result *result, void *context)
{
    struct person *eater = context;
    while (bight_await(bight_queue_get(shelf), result) == 0) {
        say(eater, result->value == &ada ? "takes one of Ada's" : "takes one of Ben's");
        if (bight_await(bight_sleep(virtual_clock, eater->seconds), result) != 0) {
            return;
        }
    }
    if (bight_failure_is(bight_result_failure(result), BIGHT_E_SHUTDOWN)) { /* there will be no more */
        say(eater, "goes home");
        bight_result_clear(result);
    }
}

static void evening(struct bight_result *result, struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    virtual_clock = bight_reactor_clock(reactor);
    struct bight_deferred *bakers[] = { bight_spawn(reactor, bake, &ada), bight_spawn(reactor, bake, &ben) };
    struct bight_deferred *eaters[] = { bight_spawn(reactor, eat, &cleo), bight_spawn(reactor, eat, &dan) };
    struct bight_deferred *eaten = bight_gather_results(eaters, 2);
    int code = bight_await(bight_gather_results(bakers, 2), result);
    bight_queue_shutdown(shelf, false);
    if (code == 0) {
        (void)bight_await(eaten, result);
    } else {
        bight_deferred_release(eaten);
    }
}

int main(int argc, char **argv)
{
    struct bight_queue_options options = { .size = sizeof options, .size_limit = 2 };
    shelf = bight_queue_new(&options);
    int status = shelf != NULL ? bight_testing_main_coroutine(evening, argc, argv) : EX_OSERR;
    bight_queue_free(shelf);
    return status;
}
