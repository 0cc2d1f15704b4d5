/* SPDX-License-Identifier: MIT */
/* api_run.c - runs of the client's reactor from start to stop: triggers, calls when it is running, calls from threads
 * by the thousand, and stops (R2, R3, R9).
 *
 * The first during-trigger of a shutdown is ours. What had been asked for when the stop was must have run by then,
 * every before-trigger must have run and its Deferred have fired; from then until the run is over nothing runs that was
 * only asked for. All that is off after a second stop, and when the time for a shutdown is over. */
#include "api_company.h"

#include <string.h>

#include "reactor/reactor.h"

enum { CLIENT = 1, CALLS_PER_TURN = 1024, MAX_AT_ONCE = 3000, PHASES = 3 };
enum { STARTUP, SHUTDOWN };
static const char *const events[] = { BIGHT_STARTUP, BIGHT_SHUTDOWN };
enum { BEFORE_SHUTDOWN = SHUTDOWN * PHASES + BIGHT_BEFORE, DISCONNECTING = BEFORE_SHUTDOWN + 1 };

#define SHUTDOWN_NANOSECONDS UINT64_C(10000000000)

static struct {
    unsigned run, stage, stops; /* stage: event and phase, of the last trigger that ran */
    bool is_disconnecting;
    uint64_t stopped_at, timers_owed;
    unsigned calls_owed, when_owed; /* had been asked for at the stop */
    unsigned when_asked, when_made; /* calls when running */
    uint64_t turns[2];
    unsigned calls_in_turn[2];
} state;

static uint64_t client_now(void)
{
    return bight_clock_now(bight_reactor_clock(world.reactors[CLIENT]));
}

/* ------------------------------------------------------------------------------------------- calls */

void check_asked(unsigned side, const char *what)
{
    if (world.in_call > 0) {
        fuzz_fail("%s runs inside a call", what);
    }
    if (side == CLIENT && state.is_disconnecting) {
        fuzz_fail("%s runs while everything is disconnected", what);
    }
}

void check_call_from_thread(unsigned side, unsigned order)
{
    check_asked(side, "a call from a thread");
    if (order != world.calls_run[side]++) {
        fuzz_fail("call %u from a thread runs out of its order", order);
    }
    if (state.turns[side] != world.reactors[side]->meter.turns) {
        state.turns[side] = world.reactors[side]->meter.turns;
        state.calls_in_turn[side] = 0;
    }
    if (++state.calls_in_turn[side] > CALLS_PER_TURN) {
        fuzz_fail("a turn makes more than %d calls from threads", CALLS_PER_TURN);
    }
}

static void run_one_of_many(void *context)
{
    uintptr_t number = (uintptr_t)context;
    check_call_from_thread(number % 2, (unsigned)(number / 2));
}

void act_calls_from_threads(struct fuzz_operation *operation, void *context)
{
    unsigned side = fuzz_choose(operation, 2), count = fuzz_choose(operation, MAX_AT_ONCE);
    (void)context;
    for (unsigned i = 0; i < count; i++) {
        uintptr_t number = (uintptr_t)world.calls_made[side]++ * 2 + side;
        int code = bight_call_from_thread(world.mailboxes[side], run_one_of_many, (void *)number);
        if (code != 0) {
            fuzz_fail("call_from_thread answers %d", code);
        }
    }
}

static void run_when_running(void *context)
{
    struct item *item = context;
    run_item(item);
    check_asked(CLIENT, "a call when running");
    if (item->order != state.when_made++ || !bight_reactor_is_running(world.reactors[CLIENT])) {
        fuzz_fail("call %u when running runs out of its order, or when it is not", item->id);
    }
    act_inside(item->id * 179u, NULL);
}

void act_call_when_running(struct fuzz_operation *operation, void *context)
{
    struct item *item = new_item("call when running", CLIENT);
    (void)operation;
    (void)context;
    if (item == NULL) {
        return;
    }
    item->order = state.when_asked++;
    int code = bight_call_when_running_full(world.reactors[CLIENT], run_when_running, item, release_item, NULL);
    if (code != 0 || item->has_run) {
        fuzz_fail("call_when_running answers %d", code);
    }
}

/* ---------------------------------------------------------------------------------------- triggers */

static bool is_trigger(const struct item *item)
{
    return strcmp(item->what, "trigger") == 0 && !item->is_released;
}

static void enter_stage(unsigned stage)
{
    bool is_running = bight_reactor_is_running(world.reactors[CLIENT]);
    if (stage < state.stage || is_running == (stage == STARTUP * PHASES + BIGHT_BEFORE)) {
        fuzz_fail("a trigger of phase %u runs after one of phase %u, %srunning", stage, state.stage,
            is_running ? "" : "not ");
    }
    state.stage = stage;
}

/* item->limit: the Deferred that it gave, from 1; 0: none. */
static struct bight_deferred *on_trigger(void *context)
{
    struct item *item = context;
    struct item *waits = NULL;
    struct bight_deferred *deferred = NULL;
    fuzz_tell(world.tape, "-> trigger %u runs", item->id);
    enter_stage(item->order);
    if (item->is_released || item->budget == state.run) {
        fuzz_fail("trigger %u runs again, or after its release", item->id);
    }
    item->budget = state.run;
    item->limit = 0;
    act_inside(item->id * 181u + state.run, NULL);
    if (item->order == BEFORE_SHUTDOWN && draw_from(item->id * 191u + state.run) % 2 == 0) {
        deferred = plain_deferred(CLIENT, &waits);
    }
    if (deferred != NULL) {
        item->limit = waits->id + 1;
    }
    return deferred;
}

static void add_trigger(struct fuzz_operation *operation)
{
    struct item *item = new_item("trigger", CLIENT);
    if (item == NULL) {
        return;
    }
    unsigned stage = fuzz_choose(operation, 2) == 0 ? BEFORE_SHUTDOWN : fuzz_choose(operation, 2 * PHASES);
    item->order = stage;
    uint64_t id;
    int code = bight_add_trigger(
        world.reactors[CLIENT], events[stage / PHASES], stage % PHASES, on_trigger, item, release_item, &id);
    if (code != 0) {
        fuzz_fail("add_trigger answers %d", code);
    }
    item->deadline = id;
}

void act_trigger(struct fuzz_operation *operation, void *context)
{
    struct item *item = NULL;
    (void)context;
    for (unsigned i = 0; i < world.item_count && item == NULL; i++) {
        struct item *other = &world.items[(operation->subject + i) % world.item_count];
        item = strcmp(other->what, "trigger") == 0 ? other : NULL;
    }
    if (item == NULL || fuzz_choose(operation, 4) > 0) {
        add_trigger(operation);
        return;
    }
    bool was_there = is_trigger(item) && item->deadline != 0;
    uint64_t id = item->deadline;
    item->deadline = 0; /* it may be inside, and released when it has returned */
    int code = bight_remove_trigger(world.reactors[CLIENT], id);
    if (code != (was_there ? 0 : BIGHT_E_STALE)) {
        fuzz_fail("remove_trigger answers %d", code);
    }
}

/* ------------------------------------------------------------------------------------------- stops */

void stop_client(void)
{
    if (state.stops++ == 0) {
        state.stopped_at = client_now();
        state.timers_owed = world.timers_armed;
        state.calls_owed = world.calls_made[CLIENT];
        state.when_owed = state.when_asked;
    }
    int code = bight_reactor_stop(world.reactors[CLIENT]);
    if (code != 0) {
        fuzz_fail("stop answers %d", code);
    }
}

void act_stop(struct fuzz_operation *operation, void *context)
{
    (void)context;
    if (bight_reactor_is_running(world.reactors[CLIENT]) && fuzz_choose(operation, 2) == 0) {
        stop_client();
    }
}

static void check_nothing_is_owed(void)
{
    if (state.when_made < state.when_owed || world.calls_run[CLIENT] < state.calls_owed) {
        fuzz_fail("%u calls when running and %u from threads did not run before the end, instead of %u and %u",
            state.when_made, world.calls_run[CLIENT], state.when_owed, state.calls_owed);
    }
    for (unsigned i = 0; i < world.item_count; i++) {
        const struct item *item = &world.items[i];
        if (is_timer(item) && item->side == CLIENT && !item->has_run && !item->is_released &&
            item->deadline <= state.stopped_at && item->armed_order <= state.timers_owed) {
            fuzz_fail("timer %u was due at the stop and did not run before the end", item->id);
        }
    }
}

static void check_before_triggers(void)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        const struct item *item = &world.items[i];
        if (!is_trigger(item) || item->deadline == 0 || item->order != BEFORE_SHUTDOWN) {
            continue;
        }
        if (item->budget != state.run) {
            fuzz_fail("before-trigger %u did not run", item->id);
        }
        if (item->limit > 0 && !world.items[item->limit - 1].has_run) {
            fuzz_fail("the Deferred of before-trigger %u was not awaited", item->id);
        }
    }
}

static struct bight_deferred *on_disconnecting(void *context)
{
    (void)context;
    enter_stage(DISCONNECTING);
    if (state.stops == 1 && client_now() < state.stopped_at + SHUTDOWN_NANOSECONDS) {
        check_nothing_is_owed();
        check_before_triggers();
    }
    state.is_disconnecting = true;
    return NULL;
}

int run_client(void)
{
    state.run++;
    state.stage = state.stops = 0;
    int status = bight_reactor_run(world.reactors[CLIENT]);
    state.is_disconnecting = false;
    return status;
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&state, 0, sizeof state);
    int code =
        bight_add_trigger(world.reactors[CLIENT], BIGHT_SHUTDOWN, BIGHT_DURING, on_disconnecting, NULL, NULL, NULL);
    if (code != 0) {
        fuzz_fail("add_trigger answers %d", code);
    }
}

static void check(void)
{
}

static void end(void)
{
}

static void finish(void)
{
    for (unsigned side = 0; side < 2; side++) {
        if (world.calls_run[side] != world.calls_made[side]) {
            fuzz_fail("%u of %u calls from threads have run", world.calls_run[side], world.calls_made[side]);
        }
    }
}

const struct part run_part = { begin, check, end, finish };
