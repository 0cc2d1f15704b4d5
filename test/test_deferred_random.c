/* SPDX-License-Identifier: MIT */
/* test_deferred_random.c - everything from inside everything: a dozen Deferreds, and whatever a program may do to
 * them, done at random from outside and from inside handlers, cancellers, release and destroy functions.
 *
 * What must hold is little and hard: nothing is used after it is freed (run it under AddressSanitizer), and when all
 * ends have been let go of, every slot is free, every context released and every value gone, each exactly once. */
#include "deferred/owner.h"
#include "deferred_support.h"

#define PLACES 12
#define OWNERS 2
#define ROUNDS 6000
#define ACTS_PER_ROUND 120

/* What the program has of one Deferred. */
struct place {
    struct bight_deferred *deferred;
    struct bight_promise promise;
    unsigned holds, pauses;
};

static struct place places[PLACES];
static struct bight_owner owners[OWNERS];
static uint64_t seed;
static int contexts, values, owners_over;
static unsigned depth, deepest, places_used; /* few places meet more often, many make longer chains */

static unsigned any(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)((seed >> 20) % below);
}

static void act(struct bight_result *result);

static void act_inside(struct bight_result *result)
{
    if (depth < deepest) {
        depth++;
        for (unsigned i = any(3); i > 0; i--) {
            act(result);
        }
        depth--;
    }
}

/* ------------------------------------------------------------------------------- what is handed over */

static void value_gone(void *value)
{
    (void)value;
    values--;
    ck_assert_int_ge(values, 0);
    act_inside(NULL);
}

static const struct bight_type live_value = { .name = "live", .destroy = value_gone, .discard = value_gone };

static void context_gone(void *context)
{
    (void)context;
    contexts--;
    ck_assert_int_ge(contexts, 0);
    act_inside(NULL);
}

static void handler(struct bight_result *result, void *context)
{
    (void)context;
    act_inside(result);
}

static void canceller(struct bight_promise promise, void *context)
{
    (void)context;
    act_inside(NULL);
    if (any(3) == 0) {
        values++;
        bight_callback(promise, &live_value, &values);
    }
}

static void owner_over(struct bight_owner *owner)
{
    (void)owner;
    owners_over++;
    act_inside(NULL);
}

/* -------------------------------------------------------------------------------------------- acts */

static void make(struct place *place)
{
    contexts++;
    place->holds = 1;
    place->pauses = 0;
    place->deferred = bight_deferred_new_full(&place->promise, any(2) == 0 ? canceller : NULL, NULL, context_gone);
}

/* A program that gives away its last hold has undone its pauses before. True when the hold is still there. */
static bool prepare_to_part(struct place *place)
{
    struct bight_deferred *deferred = place->deferred;
    while (place->deferred == deferred && place->holds == 1 && place->pauses > 0) {
        place->pauses--;
        bight_deferred_unpause(deferred);
    }
    return place->deferred == deferred && place->holds > 0 && (place->holds > 1 || place->pauses == 0);
}

/* Takes one hold out of the program's hands. */
static struct bight_deferred *part(struct place *place)
{
    struct bight_deferred *deferred = place->deferred;
    if (--place->holds == 0) {
        place->deferred = NULL;
    }
    return deferred;
}

static void let_go(struct place *place)
{
    if (prepare_to_part(place)) {
        bight_deferred_release(part(place));
    }
}

static void add_level(struct place *place)
{
    contexts++;
    bight_deferred_add_callbacks_full(
        place->deferred, any(4) ? handler : NULL, any(4) ? handler : NULL, NULL, context_gone);
}

static void fire_one(struct bight_promise promise)
{
    switch (any(4)) {
    case 0:
        bight_errback(promise, bight_failure_of(BIGHT_E_TLS));
        break;
    case 1:
        bight_abandon(promise);
        break;
    default:
        values++;
        bight_callback(promise, &live_value, &values);
        break;
    }
}

static void pause_or_not(struct place *place)
{
    if (place->pauses > 0 && any(3) > 0) {
        place->pauses--;
        bight_deferred_unpause(place->deferred);
    } else {
        place->pauses++;
        bight_deferred_pause(place->deferred);
    }
}

static void tie_or_end(struct place *place)
{
    struct bight_owner *owner = &owners[any(OWNERS)];
    if (any(12) == 0) {
        bight_owner_end(owner);
    } else {
        bight_deferred_tie(place->deferred, any(4) ? owner : NULL);
    }
}

static void edit(struct bight_result *result, struct place *place)
{
    switch (any(5)) {
    case 0:
        bight_result_clear(result);
        break;
    case 1:
        bight_result_fail(result, bight_failure_of(BIGHT_E_LIMIT));
        break;
    case 2:
        values++;
        bight_result_set(result, &live_value, &values);
        break;
    default:
        if (place->deferred != NULL && prepare_to_part(place)) {
            bight_result_chain(result, part(place));
        }
        break;
    }
}

static void act_on(struct place *place)
{
    switch (any(12)) {
    case 0:
        bight_deferred_cancel(place->deferred);
        break;
    case 1:
        pause_or_not(place);
        break;
    case 2:
        bight_deferred_hold(place->deferred);
        place->holds++;
        break;
    case 3:
    case 4:
        let_go(place);
        break;
    case 5:
        tie_or_end(place);
        break;
    case 6:
        bight_deferred_chain(place->deferred, places[any(places_used)].promise);
        break;
    case 7:
    case 8:
        fire_one(place->promise);
        break;
    default:
        add_level(place);
        break;
    }
}

/* One act; `result` is the slot of the handler that acts, else NULL. */
static void act(struct bight_result *result)
{
    struct place *place = &places[any(places_used)];
    if (result != NULL && any(2) == 0) {
        edit(result, place);
    } else if (place->deferred == NULL && !bight_promise_is_open(place->promise)) {
        make(place);
    } else if (place->deferred == NULL) {
        fire_one(place->promise);
    } else {
        act_on(place);
    }
}

/* Nobody wants anything any more. What is set off meanwhile may make no new ones. */
static void end_all(void)
{
    depth = deepest;
    for (size_t i = 0; i < PLACES; i++) {
        bight_abandon(places[i].promise);
        while (places[i].deferred != NULL) {
            let_go(&places[i]);
        }
    }
    for (size_t i = 0; i < OWNERS; i++) {
        bight_owner_end(&owners[i]);
    }
}

static void play(uint64_t number)
{
    seed = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    owners_over = 0;
    depth = 0;
    deepest = 3 + number % 7;
    places_used = 2 + number % (PLACES - 1);
    memset(places, 0, sizeof(places));
    for (size_t i = 0; i < OWNERS; i++) {
        bight_owner_init(&owners[i], owner_over);
    }
    for (int i = 0; i < ACTS_PER_ROUND; i++) {
        act(NULL);
    }
    end_all();
}

START_TEST(everything_may_be_done_inside_everything) /* D4 D10 D16 D31 D32 D33 */
{
    begin();
    for (uint64_t number = 0; number < ROUNDS; number++) {
        play(number);
        for (size_t i = 0; i < PLACES; i++) {
            int code = bight_abandon(places[i].promise);
            ck_assert_msg(code == BIGHT_E_STALE, "round %d, place %d: %d", (int)number, (int)i, code);
        }
        ck_assert_msg(contexts == 0, "round %d: %d contexts", (int)number, contexts);
        ck_assert_msg(values == 0, "round %d: %d values", (int)number, values);
        ck_assert_msg(owners_over == OWNERS, "round %d: %d owners", (int)number, owners_over);
    }
}

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, everything_may_be_done_inside_everything);
}

BIGHT_TEST_MAIN("deferred_random", add_tests)
