/* SPDX-License-Identifier: MIT */
/* deferred_ops.c - the operations of the Deferred fuzzer: what a program may do, and how often it does.
 *
 * An operation that finds nothing to work on does nothing. `context` is the slot of the handler that acts, or NULL. */
#include "deferred_driver.h"

#include "fake_clock.h"

/* The first place from the operation's subject on that has a Deferred; NULL when none has. */
static struct place *find_place(const struct fuzz_operation *operation)
{
    for (unsigned i = 0; i < driver.places_used; i++) {
        struct place *place = &driver.places[(operation->subject + i) % driver.places_used];
        if (place->deferred != NULL) {
            return place;
        }
    }
    return NULL;
}

static struct place *pick_place(struct fuzz_operation *operation)
{
    return &driver.places[operation->subject % driver.places_used];
}

/* A place that is free and whose promise is spent; NULL when there is none. */
static struct place *find_room(const struct fuzz_operation *operation)
{
    for (unsigned i = 0; i < driver.places_used; i++) {
        struct place *place = &driver.places[(operation->subject + i) % driver.places_used];
        if (place->deferred == NULL && !driver.api->is_open(place->promise)) {
            return place;
        }
    }
    return NULL;
}

static void begin_place(struct place *place, const struct fuzz_operation *operation)
{
    driver.old_promises[operation->position % OLD_PROMISES] = place->promise;
    *place = (struct place) { .holds = 1, .made = ++driver.place_count };
}

/* ------------------------------------------------------------------------------------------ making */

static void act_make(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_room(operation);
    (void)context;
    if (place == NULL) {
        return;
    }
    begin_place(place, operation);
    bool has_canceller = fuzz_choose(operation, 2) == 0;
    place->deferred =
        driver.api->make(&place->promise, has_canceller ? run_canceller : NULL, new_item(operation), release_item);
}

static void act_succeed(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_room(operation);
    (void)context;
    if (place != NULL) {
        begin_place(place, operation);
        place->deferred = driver.api->succeed(&live_type, new_value(operation));
    }
}

static void act_fail(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_room(operation);
    (void)context;
    if (place != NULL) {
        begin_place(place, operation);
        place->deferred = driver.api->fail(new_failure(operation));
    }
}

/* ------------------------------------------------------------------------------------------ firing */

static void fire(struct fuzz_operation *operation, struct bight_promise promise)
{
    switch (fuzz_choose(operation, 8)) {
    case 0:
        see_answer(driver.api->abandon(promise));
        break;
    case 1:
        see_answer(driver.api->callback(promise, NULL, NULL));
        break;
    case 2:
    case 3:
    case 4:
        see_answer(driver.api->errback(promise, new_failure(operation)));
        break;
    default:
        see_answer(driver.api->callback(promise, &live_type, new_value(operation)));
        break;
    }
}

static void act_fire(struct fuzz_operation *operation, void *context)
{
    (void)context;
    fire(operation, pick_place(operation)->promise);
}

static void act_fire_old(struct fuzz_operation *operation, void *context)
{
    (void)context;
    fire(operation, driver.old_promises[operation->subject % OLD_PROMISES]);
}

/* ---------------------------------------------------------------------------------------- handlers */

static void act_add(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place == NULL) {
        return;
    }
    unsigned which = fuzz_choose(operation, 4);
    struct item *item = new_item(operation);
    see_answer(driver.api->add(
        place->deferred, which != 1 ? run_callback : NULL, which != 2 ? run_errback : NULL, item, release_item));
}

static void act_chain(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place != NULL) {
        see_answer(
            driver.api->chain(place->deferred, driver.places[fuzz_choose(operation, driver.places_used)].promise));
    }
}

static void act_timeout(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place == NULL) {
        return;
    }
    double seconds = fuzz_choose(operation, 10);
    if (fuzz_choose(operation, 2) == 0) {
        see_answer(driver.api->add_timeout(place->deferred, seconds, driver.clock, NULL, NULL, NULL));
    } else {
        see_answer(driver.api->add_timeout(
            place->deferred, seconds, driver.clock, run_callback, new_item(operation), release_item));
    }
}

static void act_pass_time(struct fuzz_operation *operation, void *context)
{
    (void)context;
    fake_clock_pass(fuzz_choose(operation, 10));
}

/* --------------------------------------------------------------------------- editing a result (D3) */

static void take(struct bight_result *result)
{
    struct value *value = bight_result_peek(result, &live_type);
    see(SAW_RESULT, 0, describe_result(result));
    if (value != NULL) {
        value_taken(bight_result_take(result, &live_type));
    } else if (bight_result_peek(result, &bight_type_results) != NULL) {
        bight_results_free(bight_result_take(result, &bight_type_results));
    } else if (bight_result_failure(result) != NULL) {
        bight_failure_release(bight_result_take_failure(result));
    }
}

static void act_edit(struct fuzz_operation *operation, void *context)
{
    struct bight_result *result = context;
    if (result == NULL) {
        act_add(operation, NULL);
        return;
    }
    switch (fuzz_choose(operation, 5)) {
    case 0:
        bight_result_clear(result);
        break;
    case 1:
        bight_result_fail(result, new_failure(operation));
        break;
    case 2:
        bight_result_discard(result);
        break;
    case 3:
        take(result);
        break;
    default:
        bight_result_set(result, &live_type, new_value(operation));
        break;
    }
}

static void act_wait(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    struct bight_deferred *inner = context == NULL || place == NULL ? NULL : part_with(place);
    if (inner != NULL) {
        driver.api->result_chain(context, inner);
    }
}

/* ------------------------------------------------------------------------------------ in company */

static void act_combine(struct fuzz_operation *operation, void *context)
{
    struct bight_deferred *members[MAX_MEMBERS];
    enum combination how = fuzz_choose(operation, COMBINATIONS);
    unsigned wanted = how == COMBINE_SHIELD ? 1 : 1 + fuzz_choose(operation, MAX_MEMBERS);
    unsigned count = 0;
    (void)context;
    for (unsigned i = 0; i < PLACES && count < wanted; i++) {
        struct place *place = &driver.places[(operation->subject + i) % driver.places_used];
        struct bight_deferred *member = place->deferred == NULL ? NULL : part_with(place);
        if (member != NULL) {
            members[count++] = member;
        }
    }
    if (count == 0) {
        return;
    }
    unsigned number = driver.combined_count++;
    struct bight_deferred *combined = driver.api->combine(how, members, count); /* which may do anything */
    driver.combined[number] = driver.api->hold(combined);
    struct place *room = find_room(operation);
    if (room == NULL) {
        driver.api->release(combined);
        return;
    }
    begin_place(room, operation);
    room->deferred = combined;
}

/* --------------------------------------------------------------------------------- the other calls */

static void act_cancel(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place != NULL) {
        driver.api->cancel(place->deferred);
    }
}

static void act_pause(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place != NULL) {
        place->pauses++;
        driver.api->pause(place->deferred);
    }
}

static void act_unpause(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place != NULL && place->pauses > 0) {
        place->pauses--;
        driver.api->unpause(place->deferred);
    }
}

static void act_hold(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    if (place != NULL) {
        place->holds++;
        driver.api->hold(place->deferred);
    }
}

static void act_release(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    struct bight_deferred *deferred = place == NULL ? NULL : part_with(place);
    (void)context;
    if (deferred != NULL) {
        driver.api->release(deferred);
    }
}

static void act_tie(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    unsigned owner = fuzz_choose(operation, OWNERS + 1);
    (void)context;
    if (place != NULL) {
        driver.api->tie(place->deferred, owner < OWNERS ? driver.owners[owner] : NULL);
    }
}

static void act_end_owner(struct fuzz_operation *operation, void *context)
{
    (void)context;
    unsigned number = operation->subject % OWNERS;
    driver.api->owner_end(driver.owners[number]);
    if (!driver.owner_is_over[number]) {
        driver.api->owner_sweep(driver.owners[number]);
    }
}

static void act_look(struct fuzz_operation *operation, void *context)
{
    struct place *place = find_place(operation);
    (void)context;
    see_answer(driver.api->is_open(pick_place(operation)->promise));
    if (place == NULL) {
        return;
    }
    struct bight_result *result = driver.api->result(place->deferred);
    see_answer(driver.api->has_fired(place->deferred));
    see_answer(result != NULL);
    if (result != NULL && fuzz_choose(operation, 2) == 0) {
        take(result);
    }
}

const struct fuzz_kind deferred_kinds[] = {
    { "make", 14, act_make },
    { "succeed", 3, act_succeed },
    { "fail", 2, act_fail },
    { "fire", 12, act_fire },
    { "fire an old promise", 1, act_fire_old },
    { "add callbacks", 16, act_add },
    { "chain to a promise", 5, act_chain },
    { "add timeout", 3, act_timeout },
    { "let time pass", 2, act_pass_time },
    { "edit the result", 12, act_edit },
    { "wait for another", 12, act_wait },
    { "combine", 8, act_combine },
    { "cancel", 5, act_cancel },
    { "pause", 3, act_pause },
    { "unpause", 3, act_unpause },
    { "hold", 3, act_hold },
    { "release", 7, act_release },
    { "tie", 4, act_tie },
    { "end an owner", 1, act_end_owner },
    { "look", 3, act_look },
};
const size_t deferred_kind_count = sizeof deferred_kinds / sizeof *deferred_kinds;
