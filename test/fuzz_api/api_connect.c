/* SPDX-License-Identifier: MIT */
/* api_connect.c - listening, connecting, and Deferreds that are tied, cancelled and released (E1 to E3, T18, D32).
 *
 * Every Deferred that the program is given must finish, whatever is done to it and to what it stands for. */
#include "knock.h" /* first, since its names are the usual ones */

#include "api_world.h"

#include <bight/endpoint.h>

/* --------------------------------------------------------------------------------------- Deferreds */

void finish_item(struct item *item, const struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    fuzz_tell(
        world.tape, "-> %s %u finishes: %d", item->what, item->id, failure == NULL ? 0 : bight_failure_code(failure));
    run_item(item);
    if (item->end != NULL) {
        item->end->ties--;
    }
}

static void on_finished(struct bight_result *result, void *context)
{
    struct item *item = context;
    finish_item(item, result);
    act_inside(item->id * 23u, NULL);
    bight_result_clear(result);
}

void watch_deferred(struct item *item, struct bight_deferred *deferred)
{
    item->deferred = deferred;
    item->must_run = true;
    (void)bight_deferred_add_both_full(deferred, on_finished, item, release_item);
}

static void on_cancelled(struct bight_promise promise, void *context)
{
    struct item *item = context;
    if (item->is_released) {
        fuzz_fail("the canceller of Deferred %u is called after its end", item->id);
    }
    act_inside(item->id * 29u, NULL);
    if (item->id % 2 == 0) {
        (void)bight_callback(promise, NULL, NULL);
    }
}

/* A Deferred of the program's own, tied to a connection or a scope, perhaps with a time limit. */
void act_tie(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    struct item *item = new_item("tied Deferred", fuzz_choose(operation, 2));
    struct scope *scope = &world.scopes[fuzz_choose(operation, SCOPES)];
    (void)context;
    if (item == NULL) {
        return;
    }
    watch_deferred(item, bight_deferred_new(&item->promise, fuzz_choose(operation, 2) ? on_cancelled : NULL, item));
    if (fuzz_choose(operation, 4) == 0) {
        (void)bight_deferred_add_timeout(item->deferred, 1, bight_reactor_clock(world.reactors[item->side]));
    }
    if (fuzz_choose(operation, 3) == 0 && scope->scope != NULL) {
        bight_deferred_tie(item->deferred, bight_scope_owner(scope->scope));
    } else if (end != NULL) {
        item->end = end;
        end->ties++;
        bight_protocol_tie(end->protocol, item->deferred);
    }
}

/* The first Deferred in the program's hands from the operation's subject on. */
static struct item *find_deferred(const struct fuzz_operation *operation)
{
    for (unsigned i = 0; i < world.item_count; i++) {
        struct item *item = &world.items[(operation->subject + i) % world.item_count];
        if (item->deferred != NULL) {
            return item;
        }
    }
    return NULL;
}

void act_fire(struct fuzz_operation *operation, void *context)
{
    struct item *item = find_deferred(operation);
    (void)context;
    if (item == NULL || item->promise.slot == NULL) {
        return;
    }
    bool had_run = item->has_run;
    int code = fuzz_choose(operation, 2) == 0 ? bight_callback(item->promise, NULL, NULL)
                                              : bight_errback(item->promise, bight_failure_of(BIGHT_E_LIMIT));
    if ((code == 0 && had_run) || (code == 0 && !item->has_run)) {
        fuzz_fail("firing Deferred %u answers %d", item->id, code);
    }
}

void act_cancel(struct fuzz_operation *operation, void *context)
{
    struct item *item = find_deferred(operation);
    (void)context;
    if (item != NULL) {
        world.has_cancelled = true;
        bight_deferred_cancel(item->deferred);
    }
}

void act_release(struct fuzz_operation *operation, void *context)
{
    struct item *item = find_deferred(operation);
    (void)context;
    if (item != NULL && !item->is_awaited) {
        struct bight_deferred *deferred = item->deferred;
        item->deferred = NULL;
        bight_deferred_release(deferred);
    }
}

/* --------------------------------------------------------------------------------------- listening */

static const char *const port_names[PORTS] = { "tcp:101", "tcp:102:backlog=2", "unix:/run/fuzz",
    "knock:sesame:tcp:103:maxconn=4" };
static const char *const targets[][2] = {
    { "tcp:127.0.0.1:101", "tcp:server:101" },
    { "tcp:server:102", "tcp:server:102:timeout=2" },
    { "unix:/run/fuzz", "tcp:server:109" },
    { "knock:sesame:tcp:server:103", "knock:simsim:tcp:server:103" },
};

static void on_listening(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct bight_port *port = bight_result_peek(result, &bight_type_port);
    finish_item(item, result);
    world.listens[item->order] = port != NULL;
    if (port != NULL) {
        world.ports[item->order] = bight_result_take(result, &bight_type_port);
    }
    bight_result_clear(result);
    act_inside(item->id * 31u, NULL);
}

void act_listen(struct fuzz_operation *operation, void *context)
{
    unsigned number = operation->subject % PORTS;
    struct item *item = world.listens[number] || world.is_ending ? NULL : new_item("listening", 0);
    (void)context;
    if (item == NULL) {
        return;
    }
    item->order = number;
    item->must_run = true;
    world.listens[number] = true;
    item->deferred = bight_listen(world.reactors[0], port_names[number], &world.factories[0]);
    (void)bight_deferred_add_both_full(item->deferred, on_listening, item, release_item);
}

void stop_port(unsigned number)
{
    struct bight_port *port = world.ports[number];
    struct item *item = port == NULL ? NULL : new_item("end of a port", 0);
    if (port == NULL) {
        return;
    }
    world.ports[number] = NULL;
    struct bight_deferred *stopping = bight_port_stop_listening(port);
    bight_port_release(port);
    world.listens[number] = false;
    if (item != NULL) {
        watch_deferred(item, stopping);
    } else {
        bight_deferred_release(stopping);
    }
}

void act_port(struct fuzz_operation *operation, void *context)
{
    unsigned number = operation->subject % PORTS;
    (void)context;
    if (world.ports[number] == NULL) {
        return;
    }
    int code = 0;
    switch (fuzz_choose(operation, 5)) {
    case 0:
        stop_port(number);
        break;
    case 1:
        code = bight_port_pause(world.ports[number]);
        break;
    default:
        code = bight_port_resume(world.ports[number]);
        break;
    }
    if (code != 0) {
        fuzz_fail("a port answers %d", code);
    }
}

/* -------------------------------------------------------------------------------------- connecting */

static void on_connected(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct bight_protocol *protocol = bight_result_peek(result, &bight_type_protocol);
    struct end *end = protocol == NULL ? NULL : end_of(protocol);
    finish_item(item, result);
    if (protocol == NULL) {
        bight_result_clear(result);
    } else if (!end->made) {
        fuzz_fail("connect gives end %u, whose connection_made has not run", end->id);
    } else if (item->budget == 0 && end->protocol == protocol) {
        end->protocol = bight_result_take(result, &bight_type_protocol); /* it is that one already: with its hold */
        end->holds++;
    } else if (item->budget == 1) {
        end->aborted = end->aborted || end->protocol == protocol;
        bight_result_discard(result);
    } /* else the result stays with the Deferred */
    act_inside(item->id * 37u, NULL);
}

/* Before anything else; it stays. */
void register_knock(void)
{
    (void)bight_endpoint_register(&knock_type);
}

void act_connect(struct fuzz_operation *operation, void *context)
{
    struct item *item = world.is_ending ? NULL : new_item("connecting", 1);
    unsigned number = operation->subject % PORTS;
    (void)context;
    if (item == NULL) {
        return;
    }
    item->side = number != 2 ? 1 : 0;
    item->budget = fuzz_choose(operation, 8);
    item->must_run = true;
    if (number == 0) {
        item->side = fuzz_choose(operation, 2);
    }
    const char *target = number == 0 ? targets[0][item->side] : targets[number][fuzz_choose(operation, 4) == 0];
    item->deferred = bight_connect(world.reactors[item->side], target, &world.factories[item->side]);
    (void)bight_deferred_add_both_full(item->deferred, on_connected, item, release_item);
}
