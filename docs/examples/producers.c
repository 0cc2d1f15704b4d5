/* SPDX-License-Identifier: MIT */
/* producers.c - two bakers, two eaters, and a shelf with room for two loaves between them, in virtual time. With
 * callbacks; producers_await.c is the same with coroutines. */
#include <bight/testing.h>

#include <stdio.h>
#include <sysexits.h>

struct person {
    const char *name;
    double seconds; /* for a loaf */
    int loaves;     /* baked so far */
};

static struct person ada = { "Ada", 2, 0 }, ben = { "Ben", 3, 0 }, cleo = { "Cleo", 5, 0 }, dan = { "Dan", 7, 0 };
static struct bight_clock *virtual_clock;
static struct bight_queue *shelf;

static void say(const struct person *person, const char *what)
{
    int seconds =
        (int)(bight_clock_now(virtual_clock) / BIGHT_NANOSECONDS_PER_SECOND) - 1; /* virtual time begins at 1 s */
    printf("%2d s: %s %s\n", seconds, person->name, what);
}

static void bake_next(struct bight_result *result, void *context);

static void put(struct bight_result *result, void *context)
{
    struct person *baker = context;
    say(baker, "has baked a loaf");
    bight_result_chain(result, bight_queue_put_later(shelf, &bight_type_pointer, baker));
}

static struct bight_deferred *bake(struct person *baker)
{
    struct bight_deferred *baked = bight_sleep(virtual_clock, baker->seconds);
    bight_deferred_add_callback(baked, put, baker);
    bight_deferred_add_callback(baked, bake_next, baker);
    return baked;
}

static void bake_next(struct bight_result *result, void *context)
{
    struct person *baker = context;
    if (++baker->loaves < 3) {
        bight_result_chain(result, bake(baker));
    }
}

static void eat_next(struct bight_result *result, void *context);

static void got(struct bight_result *result, void *context)
{
    struct person *eater = context, *baker = bight_result_peek(result, &bight_type_pointer);
    say(eater, baker == &ada ? "takes one of Ada's" : "takes one of Ben's");
    bight_result_chain(result, bight_sleep(virtual_clock, eater->seconds));
}

/* SHUTDOWN: there will be no more. */
static void go_home(struct bight_result *result, void *context)
{
    if (bight_failure_is(bight_result_failure(result), BIGHT_E_SHUTDOWN)) {
        say(context, "goes home");
        bight_result_clear(result);
    }
}

static struct bight_deferred *eat(struct person *eater)
{
    struct bight_deferred *eaten = bight_queue_get(shelf);
    bight_deferred_add_callback(eaten, got, eater);
    bight_deferred_add_callback(eaten, eat_next, eater);
    bight_deferred_add_errback(eaten, go_home, eater);
    return eaten;
}

static void eat_next(struct bight_result *result, void *context)
{
    bight_result_chain(result, eat(context));
}

static void close_shelf(struct bight_result *result, void *context)
{
    (void)result;
    bight_queue_shutdown(context, false);
}

static struct bight_deferred *evening(struct bight_reactor *reactor, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    virtual_clock = bight_reactor_clock(reactor);
    struct bight_deferred *bakers[] = { bake(&ada), bake(&ben) };
    struct bight_deferred *baked = bight_gather_results(bakers, 2);
    bight_deferred_add_both(baked, close_shelf, shelf);
    struct bight_deferred *all[] = { baked, eat(&cleo), eat(&dan) };
    return bight_gather_results(all, 3);
}

int main(int argc, char **argv)
{
    struct bight_queue_options options = { .size = sizeof options, .size_limit = 2 };
    shelf = bight_queue_new(&options);
    int status = shelf != NULL ? bight_testing_main(evening, argc, argv) : EX_OSERR;
    bight_queue_free(shelf);
    return status;
}
