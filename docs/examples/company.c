/* SPDX-License-Identifier: MIT */
/* company.c - several answers that come later: all of them, the first of them, one by one, a few at a time. */
#include <bight/bight.h>

#include <stdio.h>

struct shop {
    const char *name;
    double seconds; /* until it answers */
    int price;      /* 0: it is closed */
};

static struct shop shops[] = { { "Amsterdam", 0.1, 30 }, { "Bergen", 0.01, 0 }, { "Cork", 0.02, 20 } };
static struct bight_reactor *reactor;

/* ---------------------------------------------------------------------------------- one that answers */

static void quote(struct bight_result *result, void *context)
{
    const struct shop *shop = context;
    if (shop->price == 0) {
        bight_result_fail(result, bight_failure_new(BIGHT_E_APPLICATION, 0, NULL, "%s is closed", shop->name));
        return;
    }
    bight_result_set(result, &bight_type_integer, bight_integer(shop->price));
}

static struct bight_deferred *ask(size_t index, void *context)
{
    (void)context;
    return bight_defer_later(bight_reactor_clock(reactor), shops[index].seconds, quote, &shops[index]);
}

static void ask_all(struct bight_deferred *answers[3])
{
    for (size_t i = 0; i < 3; i++) {
        answers[i] = ask(i, NULL);
    }
}

static void show(const char *name, const struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    if (failure != NULL) {
        printf("%s: %s\n", name, bight_failure_message(failure));
    } else {
        printf("%s: %d\n", name, (int)bight_integer_value(bight_result_peek(result, &bight_type_integer)));
    }
}

/* --------------------------------------------------------------------------------------- every outcome */

static void show_every(struct bight_result *result, void *context)
{
    struct bight_results *answers = bight_result_peek(result, &bight_type_results);
    (void)context;
    for (size_t i = 0; i < answers->count; i++) {
        show(shops[i].name, &answers->items[i]);
    }
}

static void every_outcome(struct bight_result *result, void *context)
{
    struct bight_deferred *answers[3];
    (void)context;
    ask_all(answers);
    struct bight_deferred *all = bight_deferred_list(answers, 3, 0);
    bight_deferred_add_callback(all, show_every, NULL);
    bight_result_chain(result, all);
}

/* ---------------------------------------------------------------------------------------- all or none */

static void show_failure(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    printf("gather: %s, because %s\n", bight_failure_message(failure),
        bight_failure_message(bight_failure_cause(failure, 0)));
    bight_result_clear(result);
}

static void all_or_none(struct bight_result *result, void *context)
{
    struct bight_deferred *answers[3];
    (void)context;
    ask_all(answers);
    struct bight_deferred *all = bight_gather_results(answers, 3);
    bight_deferred_add_errback(all, show_failure, NULL);
    bight_result_chain(result, all);
}

/* ----------------------------------------------------------------------------------------- the fastest */

static void show_winner(struct bight_result *result, void *context)
{
    const struct bight_indexed *winner = bight_result_peek(result, &bight_type_indexed);
    (void)context;
    printf("race: ");
    show(shops[winner->index].name, &winner->result);
}

static void fastest(struct bight_result *result, void *context)
{
    struct bight_deferred *answers[3];
    (void)context;
    ask_all(answers);
    struct bight_deferred *race = bight_race(answers, 3);
    bight_deferred_add_callback(race, show_winner, NULL);
    bight_result_chain(result, race);
}

/* ----------------------------------------------------------------------------------------- one by one */

static void show_next(struct bight_result *result, void *context)
{
    struct bight_as_completed *answers = context;
    const struct bight_indexed *answer = bight_result_peek(result, &bight_type_indexed);
    printf("next: ");
    show(shops[answer->index].name, &answer->result);
    if (bight_as_completed_remaining(answers) == 0) {
        bight_as_completed_free(answers);
        return;
    }
    struct bight_deferred *next = bight_as_completed_next(answers);
    bight_deferred_add_callback(next, show_next, answers);
    bight_result_chain(result, next);
}

static void one_by_one(struct bight_result *result, void *context)
{
    struct bight_deferred *answers[3];
    (void)context;
    ask_all(answers);
    struct bight_as_completed *completed = bight_as_completed_new(answers, 3);
    struct bight_deferred *next = bight_as_completed_next(completed);
    bight_deferred_add_callback(next, show_next, completed);
    bight_result_chain(result, next);
}

/* ------------------------------------------------------------------------------------ a few at a time */

static void two_at_a_time(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_deferred *all = bight_map_limited(ask, 3, 2, BIGHT_ALL_OUTCOMES, NULL);
    bight_deferred_add_callback(all, show_every, NULL);
    bight_result_chain(result, all);
}

static void done(struct bight_result *result, void *context)
{
    (void)context;
    if (bight_result_failure(result) != NULL) {
        show("unexpected", result);
    }
    bight_result_clear(result);
    bight_reactor_stop(reactor);
}

int main(void)
{
    reactor = bight_reactor_new();
    struct bight_deferred *steps = bight_maybe_deferred(every_outcome, NULL);
    bight_deferred_add_callback(steps, all_or_none, NULL);
    bight_deferred_add_callback(steps, fastest, NULL);
    bight_deferred_add_callback(steps, one_by_one, NULL);
    bight_deferred_add_callback(steps, two_at_a_time, NULL);
    bight_deferred_add_both(steps, done, NULL);
    bight_deferred_release(steps);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
