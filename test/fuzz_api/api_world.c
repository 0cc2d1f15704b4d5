/* SPDX-License-Identifier: MIT */
/* api_world.c - plays one program of the whole interface on the simulated network, and looks at what is left.
 *
 * Half of the programs have a network and kernels that misbehave; some let the client's reactor run and stop instead of
 * stepping the world. At the end everything is closed and released, the world comes to rest, and then nothing may be
 * left: each connection lost, each Deferred finished, each context released, no descriptor open. */
#include "api_company.h"

#include <bight/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reactor/reactor.h"
#include "transport/invariants.h"

enum { STEPS_TO_REST = 400000 };

struct world world;

/* ------------------------------------------------------------------------------------------- things */

uint64_t draw_from(uint64_t salt)
{
    uint64_t state = world.tape->seed * UINT64_C(0x9e3779b97f4a7c15) ^ (salt * UINT64_C(0xd1342543de82ef95));
    return fuzz_random(&state);
}

struct item *new_item(const char *what, unsigned side)
{
    if (world.item_count == MAX_ITEMS) {
        return NULL;
    }
    struct item *item = &world.items[world.item_count];
    *item = (struct item) { .id = world.item_count++, .side = side, .what = what };
    return item;
}

void run_item(struct item *item)
{
    fuzz_tell(world.tape, "-> %s %u runs", item->what, item->id);
    if (item->has_run || item->is_released) {
        fuzz_fail("%s %u runs again, or after its release", item->what, item->id);
    }
    item->has_run = true;
}

void release_item(void *context)
{
    struct item *item = context;
    fuzz_tell(world.tape, "-> %s %u is released", item->what, item->id);
    if (item->is_released) {
        fuzz_fail("%s %u is released twice", item->what, item->id);
    }
    item->is_released = true;
    act_inside(item->id * 41u, NULL);
}

/* What must be true of all connections; what holds at rest only when no callback is on the stack. */
static void check_invariants(void)
{
    bool at_rest = world.tape->depth == 0 && world.in_call == 0;
    for (unsigned side = 0; side < 2; side++) {
        bi_invariants_check(world.reactors[side], at_rest);
    }
}

static bool act(struct moment *moment)
{
    world.in_call++;
    bool acted = fuzz_tape_act(world.tape, api_kinds, moment);
    world.in_call--;
    check_invariants();
    return acted;
}

void act_inside(uint64_t salt, struct moment *moment)
{
    static const unsigned counts[] = { 0, 0, 0, 1, 1, 2, 3, 0 };
    unsigned count = counts[draw_from(salt) % 8];
    if (world.tape->depth > 30 || world.is_ending) {
        return;
    }
    world.tape->depth++;
    while (count > 0 && act(moment)) {
        count--;
    }
    world.tape->depth--;
}

/* -------------------------------------------------------------------------------------- the beginning */

static unsigned one_in(uint64_t *state, unsigned chance, unsigned most)
{
    return fuzz_random(state) % chance == 0 ? (unsigned)(fuzz_random(state) % most) : 0;
}

static void begin_faults(uint64_t state)
{
    for (unsigned side = 0; side < 2; side++) {
        struct bight_kernel_conditions kernel = {
            .short_read = one_in(&state, 2, 300),
            .short_write = one_in(&state, 2, 300),
            .mark = one_in(&state, 4, 300),
            .would_block = one_in(&state, 2, 300),
            .spurious = one_in(&state, 2, 200),
            .interrupted = one_in(&state, 2, 100),
            .starved = one_in(&state, 3, 100),
            .forbidden = one_in(&state, 4, 100),
            .no_ports = one_in(&state, 4, 100),
            .no_files = one_in(&state, 4, 100),
            .shuffle = one_in(&state, 2, 500),
            .thread_late = one_in(&state, 2, 300),
            .not_cached = one_in(&state, 2, 500),
            .name_fails = one_in(&state, 4, 100),
            .name_late = one_in(&state, 4, 100),
            .send_buffer = one_in(&state, 2, 30000),
            .receive_buffer = one_in(&state, 2, 30000),
        };
        bight_host_kernel(world.hosts[side], &kernel);
    }
    struct bight_link_conditions link = {
        .jitter = (double)one_in(&state, 2, 100) / 1000,
        .split = one_in(&state, 2, 300),
        .join = one_in(&state, 2, 300),
        .reset = one_in(&state, 3, 30),
        .refuse = one_in(&state, 3, 100),
        .lose_attempt = one_in(&state, 4, 100),
    };
    bight_simulation_link(world.simulation, NULL, NULL, &link);
}

static void begin(struct fuzz_tape *tape)
{
    memset(&world, 0, sizeof world);
    world.tape = tape;
    world.uses_run = tape->seed % 4 == 3;
    world.parks = tape->seed % 5 == 2;
    world.simulation = bight_simulation_new(tape->seed);
    bight_simulation_set_trace(world.simulation, tape->tells ? stdout : NULL);
    begin_factories();
    for (unsigned side = 0; side < 2; side++) {
        world.hosts[side] = bight_simulation_host(world.simulation, side == 0 ? "server" : "client");
        world.reactors[side] = bight_host_reactor(world.hosts[side]);
        if (world.reactors[side] == NULL) {
            abort();
        }
        world.mailboxes[side] = bight_reactor_mailbox(world.reactors[side]);
    }
    if (tape->seed % 2 == 1) {
        begin_faults(tape->seed);
    }
    begin_parts();
}

/* --------------------------------------------------------------------------------------- the middle */

/* How long the world goes on between two operations of the outermost loop. */
static double choose_pause(void)
{
    static const double pauses[] = { 0, 0, 0.0001, 0.0002, 0.001, 0.01, 0.05, 0.3 };
    const struct fuzz_tape *tape = world.tape;
    uint64_t drawn = draw_from(1000000u + (tape->next > 0 ? tape->operations[tape->next - 1].position : 0));
    return drawn % 100 == 0 ? 35 : pauses[drawn / 100 % 8];
}

static void play_stepping(void)
{
    while (act(NULL)) {
        bight_simulation_run(world.simulation, choose_pause());
        check_parts();
    }
}

static void drive(void *context)
{
    (void)context;
    check_parts();
    if (act(NULL)) {
        (void)bight_call_later(world.reactors[1], choose_pause(), drive, NULL, NULL);
    } else if (bight_reactor_is_running(world.reactors[1])) {
        stop_client();
    }
}

static void check_stopped(void)
{
    for (unsigned i = 0; i < world.end_count; i++) {
        const struct end *end = &world.ends[i];
        if (end->side == 1 && end->made && !end->lost) {
            fuzz_fail("end %u is there after its reactor was stopped", i);
        }
    }
}

/* Calls from threads that were made while the last turn of a run drained them wait for the next run (R9), their wake-up
 * used up. There is no next one, and what comes now is stepped, which takes turns only on being woken. */
static void take_last_turns(void)
{
    while (bi_reactor_has_work(world.reactors[1])) {
        bi_reactor_turn(world.reactors[1], false);
    }
}

static void play_running(void)
{
    (void)bight_call_later(world.reactors[1], 0, drive, NULL, NULL);
    while (world.tape->next < world.tape->count) {
        (void)run_client();
        check_stopped();
    }
    take_last_turns();
}

/* ----------------------------------------------------------------------------------------- the end */

static void close_end(struct end *end)
{
    if (end->protocol != NULL && !end->lost) {
        end->aborted = true;
        (void)bight_transport_abort_connection(transport_of(end));
    }
}

static void let_go_of_item(struct item *item)
{
    struct bight_deferred *deferred = item->deferred;
    if (!world.parks || !item->is_plain) {
        (void)bight_abandon(item->promise);
        item->deferred = NULL;
        bight_deferred_release(deferred);
    }
}

static void let_everything_go(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        stop_port(i);
    }
    for (unsigned i = 0; i < SCOPES; i++) {
        bight_scope_free(world.scopes[i].scope);
        world.scopes[i].scope = NULL;
    }
    end_shares();
    end_parts();
    for (unsigned i = 0; i < world.item_count; i++) {
        let_go_of_item(&world.items[i]);
    }
    for (unsigned i = 0; i < world.end_count; i++) {
        close_end(&world.ends[i]);
    }
}

static void come_to_rest(void)
{
    if (!bight_simulation_settle(world.simulation, STEPS_TO_REST)) {
        fuzz_fail("the world does not come to rest");
    }
}

static void let_go_of_ends(void)
{
    for (unsigned i = 0; i < world.end_count; i++) {
        while (world.ends[i].holds > 0) {
            let_go_of(&world.ends[i]);
        }
    }
}

static void check_items(void)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        const struct item *item = &world.items[i];
        if (item->must_run && !item->has_run && !item->is_released) {
            fuzz_fail("%s %u never ran", item->what, item->id);
        }
    }
    for (unsigned i = 0; i < world.end_count; i++) {
        if (world.ends[i].made && !world.ends[i].lost) {
            fuzz_fail("end %u was never lost", i);
        }
    }
}

static void check_released(void)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        if (!world.items[i].is_released) {
            fuzz_fail("%s %u was never release", world.items[i].what, i);
        }
    }
    for (unsigned i = 0; i < world.layer_count; i++) {
        if (world.layers[i].is_live) {
            fuzz_fail("layer %u was never freed", i);
        }
    }
    for (unsigned side = 0; side < 2; side++) {
        const struct bight_factory *factory = &world.factories[side];
        if (factory->connections + factory->ports + world.factories_started[side] > 0) {
            fuzz_fail("factory %u has %u connections and %u ports left", side, factory->connections, factory->ports);
        }
        if (bight_host_descriptors(world.hosts[side]) > 0) {
            fuzz_fail("host %u has %zu descriptors left", side, bight_host_descriptors(world.hosts[side]));
        }
    }
}

static void end(void)
{
    world.is_ending = true;
    let_everything_go();
    come_to_rest();
    let_everything_go(); /* what has come of what was under way */
    come_to_rest();
    if (!world.parks) {
        check_items();
    }
    let_go_of_ends();
    for (unsigned side = 0; side < 2; side++) {
        bight_reactor_free(world.reactors[side]);
        bight_mailbox_release(world.mailboxes[side]);
    }
    finish_parts();
    check_items();
    check_released();
    bight_simulation_free(world.simulation);
}

/* In the programs on purpose: firing twice and registering two producers, which are usage errors, letting go of what
 * failed, serving streams with functions that fail, kernels without descriptors, and all that a program of HTTP may do
 * wrong: mounting a site twice, letting go of a request without an answer. */
static bool is_expected(const struct bight_log_event *event)
{
    return strcmp(event->system, "usage") == 0 || strcmp(event->system, "stream") == 0 ||
           strcmp(event->system, "http") == 0 || strncmp(event->message, "unhandled failure in a ", 23) == 0 ||
           strncmp(event->message, "cannot accept on ", 17) == 0;
}

static void hear_log(const struct bight_log_event *event, void *context)
{
    (void)context;
    fuzz_tell(world.tape, "-> log: %s", event->message);
    if (!is_expected(event)) {
        fuzz_fail("logged: [%s] %s", event->system, event->message);
    }
}

static void play(struct fuzz_tape *tape)
{
    bight_log_set_level(BIGHT_LOG_ERROR);
    bight_log_set_observer(hear_log, NULL);
    begin(tape);
    if (world.uses_run) {
        play_running();
    } else {
        play_stepping();
    }
    end();
}

int main(int argc, char **argv)
{
    register_knock();
    const struct fuzz_target target = {
        .name = "fuzz_api",
        .program_size = API_PROGRAM_SIZE,
        .kinds = api_kinds,
        .kind_count = api_kind_count,
        .play = play,
    };
    return fuzz_campaign(&target, argc, argv);
}
