/* SPDX-License-Identifier: MIT */
/* deferred_driver.c - plays one program of Deferreds, first on the model and then on bight, and compares what is seen.
 *
 * What can be seen: which handler runs with which result, which context is released, value destroyed or discarded,
 * failure reported, owner told, and every answer; all in one order. Callbacks of any kind do further operations. The
 * driver obeys the rules that bind every program: one release for each hold, pauses undone by whoever made them. */
#include "deferred_driver.h"

#include <bight/log.h>

#include <string.h>

#include "deferred/owner.h"
#include "fake_clock.h"

struct note {
    uint32_t sight, subject;
    int64_t object;
};

enum { NOTES = 40 * PROGRAM_SIZE };

static struct note notes[NOTES];
static size_t noted, compared;

struct driver driver;

/* ------------------------------------------------------------------------------------ what is seen */

static const char *const sight_names[] = { "callback", "errback", "release", "destroy", "discard", "report",
    "canceller", "owner over", "answer", "result" };

static void compare(const struct note *seen)
{
    fuzz_tell(driver.tape, "-> %s %u: %llx", sight_names[seen->sight], seen->subject, (long long)seen->object);
    if (compared == noted) {
        fuzz_fail("bight has %s %u: %llx where the model has nothing more", sight_names[seen->sight], seen->subject,
            (long long)seen->object);
    }
    const struct note *due = &notes[compared++];
    if (due->sight != seen->sight || due->subject != seen->subject || due->object != seen->object) {
        fuzz_fail("bight has %s %u: %llx where the model has %s %u: %llx", sight_names[seen->sight], seen->subject,
            (long long)seen->object, sight_names[due->sight], due->subject, (long long)due->object);
    }
}

void see(enum sight sight, unsigned subject, int64_t object)
{
    struct note seen = { sight, subject, object };
    if (driver.api == &deferred_of_bight) {
        compare(&seen);
        return;
    }
    if (noted == NOTES) {
        fuzz_fail("a program that sees too much");
    }
    notes[noted++] = seen;
}

void see_answer(int64_t answer)
{
    see(SAW_ANSWER, 0, answer);
}

static int64_t describe_failure(const struct bight_failure *failure)
{
    int64_t own = (int64_t)-bight_failure_code(failure) << 32 | bight_failure_errno(failure);
    own += (int64_t)(bight_first_error_index(failure) + 1) << 16;
    for (size_t i = 0; i < bight_failure_cause_count(failure); i++) {
        own = 31 * (own & INT32_MAX) + describe_failure(bight_failure_cause(failure, i));
    }
    return own & INT64_MAX;
}

/* 0: empty; a value's number; a failure's code and number; or of several a sum of these. */
int64_t describe_result(const struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    const struct bight_results *results = bight_result_peek(result, &bight_type_results);
    const struct bight_indexed *indexed = bight_result_peek(result, &bight_type_indexed);
    if (failure != NULL) {
        return describe_failure(failure);
    }
    if (indexed != NULL) {
        return ((describe_result(&indexed->result) & INT32_MAX) * 31 + (int64_t)indexed->index + 7) & INT32_MAX;
    }
    if (results != NULL) {
        int64_t sum = 5;
        for (size_t i = 0; i < results->count; i++) {
            sum = (31 * sum + (describe_result(&results->items[i]) & INT32_MAX)) & INT32_MAX;
        }
        return sum;
    }
    const struct value *value = bight_result_peek(result, &live_type);
    return value == NULL ? 0 : (int64_t)value->id;
}

static void report_failure(const struct bight_failure *failure)
{
    struct bight_result result = { &bight_type_failure, (void *)(uintptr_t)failure, NULL };
    see(SAW_REPORT, 0, describe_result(&result));
}

static void observe_log(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->failure != NULL && strcmp(event->system, "deferred") == 0) {
        report_failure(event->failure);
    }
}

/* ----------------------------------------------------------------------- what acts when it is called */

static void act_inside(unsigned acts, struct bight_result *result)
{
    driver.tape->depth++;
    while (acts > 0 && driver.tape->depth < 40 && fuzz_tape_act(driver.tape, deferred_kinds, result)) {
        acts--;
    }
    driver.tape->depth--;
}

static unsigned choose_acts(struct fuzz_operation *operation)
{
    static const unsigned acts[] = { 0, 0, 1, 2, 3 };
    return acts[fuzz_choose(operation, 5)];
}

struct item *new_item(struct fuzz_operation *operation)
{
    struct item *item = &driver.items[driver.item_count++];
    *item = (struct item) { .id = driver.item_count, .acts = choose_acts(operation), .is_live = true };
    return item;
}

struct value *new_value(struct fuzz_operation *operation)
{
    struct value *value = &driver.values[driver.value_count++];
    *value = (struct value) { .id = driver.value_count, .acts = choose_acts(operation), .is_live = true };
    return value;
}

struct bight_failure *new_failure(struct fuzz_operation *operation)
{
    if (fuzz_choose(operation, 4) == 0) {
        return bight_failure_of(BIGHT_E_CANCELLED);
    }
    return bight_failure_new(BIGHT_E_LIMIT, (int)++driver.failure_count, NULL, NULL);
}

void value_taken(struct value *value)
{
    if (!value->is_live) {
        fuzz_fail("value %u is gone and comes again", value->id);
    }
    value->is_live = false;
}

static void destroy_value(void *context)
{
    struct value *value = context;
    see(SAW_DESTROY, value->id, 0);
    value_taken(value);
    act_inside(value->acts, NULL);
}

static void discard_value(void *context)
{
    struct value *value = context;
    see(SAW_DISCARD, value->id, 0);
    value_taken(value);
    act_inside(value->acts, NULL);
}

const struct bight_type live_type = { .name = "live", .destroy = destroy_value, .discard = discard_value };

static void check_item(const struct item *item)
{
    if (!item->is_live) {
        fuzz_fail("context %u was released and is used", item->id);
    }
}

void run_callback(struct bight_result *result, void *context)
{
    struct item *item = context;
    see(SAW_CALLBACK, item->id, describe_result(result));
    check_item(item);
    act_inside(item->acts, result);
}

void run_errback(struct bight_result *result, void *context)
{
    struct item *item = context;
    see(SAW_ERRBACK, item->id, describe_result(result));
    check_item(item);
    act_inside(item->acts, result);
}

void run_canceller(struct bight_promise promise, void *context)
{
    struct item *item = context;
    see(SAW_CANCELLER, item->id, driver.api->is_open(promise));
    check_item(item);
    act_inside(item->acts, NULL);
}

void release_item(void *context)
{
    struct item *item = context;
    see(SAW_RELEASE, item->id, 0);
    check_item(item);
    item->is_live = false;
    act_inside(item->acts, NULL);
}

static void owner_is_over(struct bight_owner *owner)
{
    unsigned number = owner == driver.owners[0] ? 0 : 1;
    see(SAW_OWNER_OVER, number, 0);
    if (driver.owner_is_over[number]) {
        fuzz_fail("owner %u is told twice that all have gone", number);
    }
    driver.owner_is_over[number] = true;
    act_inside(1, NULL);
}

/* ---------------------------------------------------------------------------------------- a program */

struct bight_deferred *part_with(struct place *place)
{
    struct bight_deferred *deferred = place->deferred;
    unsigned made = place->made; /* a new one may have the address of an old one */
    while (place->deferred != NULL && place->made == made && place->holds == 1 && place->pauses > 0) {
        place->pauses--;
        driver.api->unpause(deferred);
    }
    if (place->deferred == NULL || place->made != made || (place->holds == 1 && place->pauses > 0)) {
        return NULL;
    }
    if (--place->holds == 0) {
        place->deferred = NULL;
    }
    return deferred;
}

static void begin(struct fuzz_tape *tape, const struct deferred_api *api)
{
    memset(&driver, 0, sizeof driver);
    tape->next = 0;
    driver.tape = tape;
    driver.api = api;
    driver.places_used = 2 + (unsigned)(tape->seed % (PLACES - 1));
    driver.clock = fake_clock_begin();
    for (size_t i = 0; i < OWNERS; i++) {
        driver.owners[i] = api->owner_new(owner_is_over);
    }
}

/* Nobody wants anything any more; the tape is at its end, so nothing new is made. */
static void end(void)
{
    for (unsigned i = 0; i < driver.combined_count; i++) {
        driver.api->cancel(driver.combined[i]);
        driver.api->release(driver.combined[i]);
    }
    for (size_t i = 0; i < PLACES; i++) {
        see_answer(driver.api->abandon(driver.places[i].promise));
        while (driver.places[i].deferred != NULL) {
            driver.api->release(part_with(&driver.places[i]));
        }
    }
    for (size_t i = 0; i < OWNERS; i++) {
        driver.api->owner_end(driver.owners[i]);
    }
    for (size_t i = 0; i < PLACES; i++) {
        see_answer(driver.api->abandon(driver.places[i].promise));
    }
    fake_clock_pass(1000);
    for (size_t i = 0; i < OWNERS; i++) {
        driver.api->owner_free(driver.owners[i]);
    }
}

static void check_end(void)
{
    for (size_t i = 0; i < driver.item_count; i++) {
        if (driver.items[i].is_live) {
            fuzz_fail("context %u was never release", driver.items[i].id);
        }
    }
    for (size_t i = 0; i < driver.value_count; i++) {
        if (driver.values[i].is_live) {
            fuzz_fail("value %u was neither taken nor destroyed", driver.values[i].id);
        }
    }
    for (size_t i = 0; i < PLACES; i++) {
        int code = driver.api->abandon(driver.places[i].promise);
        if (code != BIGHT_E_STALE) {
            fuzz_fail("the Deferred at place %zu was not freed: %d", i, code);
        }
    }
    for (unsigned i = 0; i < OWNERS; i++) {
        if (!driver.owner_is_over[i]) {
            fuzz_fail("owner %u was never told that all have gone", i);
        }
    }
}

static void play_on(struct fuzz_tape *tape, const struct deferred_api *api)
{
    begin(tape, api);
    while (fuzz_tape_act(tape, deferred_kinds, NULL)) {
    }
    end();
    check_end();
}

static void play(struct fuzz_tape *tape)
{
    bool tells = tape->tells;
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    bight_log_set_observer(observe_log, NULL);
    noted = compared = 0;
    tape->tells = false;
    deferred_model_begin(report_failure);
    play_on(tape, &deferred_of_model);
    deferred_model_end();
    tape->tells = tells;
    play_on(tape, &deferred_of_bight);
    if (compared != noted) {
        fuzz_fail("bight has nothing more where the model has %s %u", sight_names[notes[compared].sight],
            notes[compared].subject);
    }
}

int main(int argc, char **argv)
{
    const struct fuzz_target target = {
        .name = "fuzz_deferred",
        .program_size = PROGRAM_SIZE,
        .kinds = deferred_kinds,
        .kind_count = deferred_kind_count,
        .play = play,
    };
    return fuzz_campaign(&target, argc, argv);
}
