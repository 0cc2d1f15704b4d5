/* SPDX-License-Identifier: MIT */
/* api_company.c - the parts in their order, Deferreds that any of them may wait for, combinators, scopes in scopes and
 * nurseries.
 *
 * A Deferred that is made here has a handler of ours first: so it is known when it fires, and what combines it sees
 * what the handler left of the result. */
#include "api_http.h"

#include <bight/combine.h>
#include <bight/task.h>

static const struct part *const parts[] = { &coroutine_part, &turn_part, &meeting_part, &queue_part, &task_part,
    &stream_part, &run_part, &http_part, &http_client_part, &http_answer_part, &http_file_part, &http_middle_part,
    &http_session_part, &http_event_part, &http_form_part, &http_files_part, &http_socket_part, &http_call_part };
enum { PARTS = sizeof parts / sizeof *parts };

void begin_parts(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i]->begin();
    }
}

void check_parts(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i]->check();
    }
}

void end_parts(void)
{
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i]->end();
    }
}

void finish_parts(void)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        struct bight_deferred *deferred = world.items[i].deferred; /* of those that were parked */
        world.items[i].deferred = NULL;
        bight_deferred_release(deferred);
    }
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i]->finish();
    }
}

/* --------------------------------------------------------------------------------------- Deferreds */

void watch_with(struct item *item, struct bight_deferred *deferred, bight_handler handler)
{
    item->deferred = bight_deferred_hold(deferred); /* the handler may release it */
    item->must_run = true;
    (void)bight_deferred_add_both_full(deferred, handler, item, release_item);
    bight_deferred_release(deferred);
}

/* Half of them leave a failure to whoever waits. */
static void on_plain(struct bight_result *result, void *context)
{
    struct item *item = context;
    finish_item(item, result);
    wait_in_handler();
    act_inside(item->id * 71u, NULL);
    if (item->id % 2 == 0 || !item->is_awaited) {
        bight_result_clear(result);
    }
}

struct bight_deferred *plain_deferred(unsigned side, struct item **given)
{
    struct item *item = world.is_ending ? NULL : new_item("plain Deferred", side);
    if (item == NULL) {
        return NULL;
    }
    item->is_plain = item->is_awaited = true;
    struct bight_deferred *deferred = bight_deferred_new(&item->promise, NULL, NULL);
    (void)bight_deferred_hold(deferred);
    watch_with(item, deferred, on_plain);
    if (given != NULL) {
        *given = item;
    }
    return deferred;
}

static struct bight_deferred *nap(unsigned side, uint64_t drawn)
{
    static const double spans[] = { 0, 0.001, 0.01, 0.2, 3 };
    return bight_sleep(bight_reactor_clock(world.reactors[side]), spans[drawn % 5]);
}

static struct bight_deferred *gathered(unsigned side, uint64_t drawn)
{
    struct bight_deferred *members[3];
    size_t count = 0;
    while (count < 3) {
        struct bight_deferred *member = plain_deferred(side, NULL);
        if (member == NULL) {
            break;
        }
        members[count++] = member;
    }
    switch (count == 0 ? 0 : drawn % 4) {
    case 0:
        return bight_gather_results(members, count);
    case 1:
        return bight_race(members, count);
    case 2:
        return bight_when_first(members, count);
    default:
        return bight_deferred_list(members, count, (unsigned)(drawn / 4 % 8));
    }
}

struct bight_deferred *some_deferred(unsigned side, uint64_t drawn)
{
    uint64_t detail = drawn / 8;
    if (world.is_ending) {
        return NULL;
    }
    switch (drawn % 8) {
    case 0:
        return nap(side, detail);
    case 1:
        return spawned(side, detail);
    case 2:
        return turn_at_lock((unsigned)detail, NULL);
    case 3:
        return turn_at_semaphore((unsigned)detail, NULL);
    case 4:
        return value_of_queue((unsigned)detail, NULL);
    case 5:
        return read_of_stream(detail, NULL);
    case 6:
        return gathered(side, detail);
    default:
        return plain_deferred(side, NULL);
    }
}

void tie_somewhere(struct fuzz_operation *operation, struct item *item, bool lingers)
{
    struct end *end = find_end(operation);
    struct bight_scope *scope = world.scopes[fuzz_choose(operation, SCOPES)].scope;
    unsigned where = fuzz_choose(operation, 5);
    if (item == NULL || item->deferred == NULL || item->has_run || item->end != NULL) {
        return;
    }
    if (where == 0 && scope != NULL) {
        bight_deferred_tie(item->deferred, bight_scope_owner(scope));
    } else if (where == 1 && end != NULL) {
        item->end = lingers ? NULL : end;
        end->ties += !lingers;
        bight_protocol_tie(end->protocol, item->deferred);
    } else if (where == 2) {
        (void)bight_deferred_add_timeout(item->deferred, 0.1, bight_reactor_clock(world.reactors[item->side]));
    }
}

/* ------------------------------------------------------------------------------------- combinators */

/* The item counts in `budget` what is under way, in `order` the next index, and keeps the limit. */
static void on_mapped(struct bight_result *result, void *context)
{
    struct item *item = context;
    (void)result;
    if (item->budget-- == 0) {
        fuzz_fail("more of map %u end than were begun", item->id);
    }
}

static struct bight_deferred *map_one(size_t index, void *context)
{
    struct item *item = context;
    if (item->is_released || index != item->order || item->budget >= item->limit) {
        fuzz_fail("map %u begins number %zu, with %u under way", item->id, index, item->budget);
    }
    item->order++;
    item->has_run = true;
    act_inside(item->id * 73u + index, NULL);
    struct bight_deferred *deferred = some_deferred(item->side, draw_from(item->id * 79u + index));
    if (deferred != NULL) {
        item->budget++;
        (void)bight_deferred_add_both(deferred, on_mapped, item);
    }
    return deferred;
}

static void release_map(void *context)
{
    struct item *item = context;
    if (item->budget != 0) {
        fuzz_fail("map %u is over with %u under way", item->id, item->budget);
    }
    release_item(item);
}

static void on_map(struct bight_result *result, void *context)
{
    struct item *item = context;
    const struct bight_results *results = bight_result_peek(result, &bight_type_results);
    finish_item(item, result);
    if (results != NULL && results->count != item->order) {
        fuzz_fail("a map of %u gives %zu results", item->order, results->count);
    }
    act_inside(item->id * 83u, NULL);
    bight_result_clear(result);
}

void act_map(struct fuzz_operation *operation, void *context)
{
    unsigned side = operation->subject % 2, count = fuzz_choose(operation, 12);
    struct item *item = world.is_ending ? NULL : new_item("map", side);
    struct item *outer = item == NULL ? NULL : new_item("Deferred of a map", side);
    (void)context;
    if (item != NULL && outer == NULL) {
        item->is_released = true;
    }
    if (outer == NULL) {
        return;
    }
    item->limit = fuzz_choose(operation, 4);
    outer->order = count;
    unsigned flags = fuzz_choose(operation, 2) == 0 ? BIGHT_ALL_OUTCOMES : 0;
    watch_with(outer, bight_map_limited_full(map_one, count, item->limit, flags, item, release_map), on_map);
    tie_somewhere(operation, outer, true);
}

/* Several of any kind in one, or one behind a shield. */
void act_combine(struct fuzz_operation *operation, void *context)
{
    unsigned side = operation->subject % 2;
    struct item *item = world.is_ending ? NULL : new_item("combination", side);
    struct bight_deferred *members[4];
    size_t count = 0;
    (void)context;
    if (item == NULL) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        struct bight_deferred *member = some_deferred(side, draw_from(item->id * 89u + i));
        if (member != NULL) {
            members[count++] = member;
        }
    }
    struct bight_deferred *deferred;
    switch (count == 0 ? 0 : fuzz_choose(operation, 5)) {
    case 0:
        deferred = bight_gather_results(members, count);
        break;
    case 1:
        deferred = bight_race(members, count);
        break;
    case 2:
        deferred = bight_when_all(members, count);
        break;
    case 3:
        deferred = bight_when_first(members, count);
        break;
    default:
        members[0] = bight_shield(members[0]);
        deferred = bight_deferred_list(members, count, fuzz_choose(operation, 8));
    }
    watch_deferred(item, deferred);
    tie_somewhere(operation, item, true);
}

/* ------------------------------------------------------------------------------- scopes in company */

/* A new scope in another, or one that joins another. Those of one side share a clock. */
void act_nest(struct fuzz_operation *operation, void *context)
{
    unsigned inner = operation->subject % SCOPES, outer = (inner + 2 * fuzz_choose(operation, SCOPES / 2)) % SCOPES;
    struct bight_scope *into = world.scopes[outer].scope;
    (void)context;
    if (into == NULL || world.is_ending) {
        return;
    }
    if (world.scopes[inner].scope == NULL) {
        world.scopes[inner].scope = bight_scope_new_inside(into);
        return;
    }
    int code = bight_scope_join_scope(world.scopes[inner].scope, into);
    if (code != 0 && code != BIGHT_E_CANCELLED && code != BIGHT_E_CIRCULAR) {
        fuzz_fail("joining a scope answers %d", code);
    }
    if (code == 0 && inner == outer) {
        fuzz_fail("a scope is inside itself");
    }
    if (fuzz_choose(operation, 3) == 0) {
        (void)bight_scope_set_deadline(world.scopes[inner].scope, 0.05);
    }
}

static void run_in_nursery(void *context)
{
    run_item(context);
    act_inside(((struct item *)context)->id * 97u, NULL);
}

static struct bight_deferred *nurse(struct bight_scope *scope, void *context)
{
    struct item *item = context;
    run_item(item);
    act_inside(item->id * 101u, NULL);
    struct item *timer = new_item("timer of a nursery", item->side);
    if (timer != NULL && bight_scope_call_later(scope, 0.01, run_in_nursery, timer, release_item, NULL) != 0) {
        timer->is_released = true;
    }
    struct item *tied;
    struct bight_deferred *child = plain_deferred(item->side, &tied);
    if (child != NULL) {
        bight_deferred_tie(child, bight_scope_owner(scope));
        bight_deferred_release(child);
    }
    if (item->id % 3 == 0) {
        (void)bight_scope_set_deadline(scope, 0.02);
    }
    return some_deferred(item->side, draw_from(item->id * 103u));
}

void act_nursery(struct fuzz_operation *operation, void *context)
{
    unsigned side = operation->subject % 2;
    struct item *item = world.is_ending ? NULL : new_item("nursery", side);
    struct item *outer = item == NULL ? NULL : new_item("Deferred of a nursery", side);
    (void)context;
    if (item != NULL && outer == NULL) {
        item->is_released = true;
    }
    if (outer != NULL) {
        struct bight_clock *clock = bight_reactor_clock(world.reactors[side]);
        watch_deferred(outer, bight_scope_run_full(clock, nurse, item, release_item));
        tie_somewhere(operation, outer, true);
    }
}
