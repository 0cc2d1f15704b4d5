/* SPDX-License-Identifier: MIT */
/* api_ops.c - the table of operations, and those on transports: closing, flow, options, switching, giving back, holds.
 *
 * `context` is the moment of data being received, or NULL. */
#include "api_http.h"

/* How often those of HTTP come; more in a program of their own. */
#ifndef API_HTTP_WEIGHT
#define API_HTTP_WEIGHT 1
#endif

/* ----------------------------------------------------------------------------------------- closing */

static void act_lose(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end == NULL || fuzz_choose(operation, 3) > 0) {
        return;
    }
    int code = bight_transport_lose_connection(transport_of(end));
    end->losing = end->losing || code == 0;
    check_answer(end, "lose_connection", code, false);
    if (end->protocol != NULL && bight_transport_is_open(transport_of(end))) {
        fuzz_fail("end %u is open after it was closed", end->id);
    }
}

static void act_abort(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end == NULL || fuzz_choose(operation, 4) > 0) {
        return;
    }
    int code = bight_transport_abort_connection(transport_of(end));
    end->aborted = end->aborted || code == 0;
    check_answer(end, "abort_connection", code, false);
}

static void act_lose_write(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end == NULL) {
        return;
    }
    bool is_closed = end->aborted || end->losing;
    int code = bight_transport_lose_write(transport_of(end));
    end->write_ended = end->write_ended || code == 0;
    check_answer(end, "lose_write", code, is_closed);
}

/* -------------------------------------------------------------------------------------------- flow */

static void act_pause(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end != NULL) {
        int code = bight_transport_pause(transport_of(end));
        end->paused = end->paused || code == 0;
        check_answer(end, "pause", code, false);
    }
}

static void act_resume(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end != NULL) {
        int code = bight_transport_resume(transport_of(end));
        end->paused = end->paused && code != 0;
        check_answer(end, "resume", code, false);
    }
}

/* ----------------------------------------------------------------------------------------- options */

static int set_option(struct bight_transport *transport, unsigned which, unsigned value)
{
    switch (which) {
    case 0:
        return bight_transport_set_watermarks(transport, value, 10 * value + 1);
    case 1:
        return bight_transport_set_backpressure(transport, value % 2 == 0);
    case 2:
        return bight_transport_set_output_limit(transport, (size_t)value * 1000);
    case 3:
        return bight_transport_set_idle_timeout(transport, value);
    case 4:
        return bight_transport_set_total_timeout(transport, value);
    case 5:
        return bight_transport_set_flush_timeout(transport, value);
    case 6:
        return bight_transport_set_linger(transport, value, (size_t)value * 1000);
    case 7:
        return bight_transport_set_keepalive(transport, value % 2 == 0);
    case 8:
        return bight_transport_set_write_timeout(transport, value);
    default:
        return bight_transport_set_nodelay(transport, value % 2 == 0);
    }
}

static void act_option(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end == NULL) {
        return;
    }
    unsigned which = fuzz_choose(operation, 10);
    end->is_unsure = end->is_unsure || which == 2;
    int code = set_option(transport_of(end), which, fuzz_choose(operation, 50));
    fuzz_tell(world.tape, "option %u of end %u answers %d", which, end->id, code);
    if (end->lost && code != BIGHT_E_CLOSED) {
        fuzz_fail("option %u of end %u, which is lost, answers %d", which, end->id, code);
    }
}

static void act_look(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    struct bight_address address;
    (void)context;
    if (end == NULL || end->switching) { /* when the old protocol's ties end it has no connection any more */
        return;
    }
    struct bight_transport *transport = transport_of(end);
    uint64_t id = bight_transport_id(transport);
    if (end->lost && (bight_transport_is_open(transport) || bight_transport_queued(transport) > 0 || id != 0)) {
        fuzz_fail("end %u is lost and does not look so", end->id);
    }
    if (!end->lost && id != 0 && bight_transport_find(world.reactors[end->side], id) != transport) {
        fuzz_fail("end %u is not found by its id", end->id);
    }
    (void)bight_transport_peer(transport, &address);
    (void)bight_transport_host(transport, &address);
}

/* ------------------------------------------------------------------------------------------- holds */

static void act_hold(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end != NULL && !world.is_ending) {
        end->holds++;
        bight_protocol_hold(end->protocol);
    }
}

/* The hold that connection_lost has while it runs is not for the taking. */
static void act_let_go(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end != NULL && end->holds > (end->lost ? 1 : 0)) {
        let_go_of(end);
    }
}

/* ----------------------------------------------------------------------- switching, giving input back */

/* So much of what came will come again, or, negative, will not. Noted before the call: what it calls may act as well.
 */
static void note_back(struct end *end, struct moment *moment, ptrdiff_t back)
{
    end->received = (uint32_t)((ptrdiff_t)end->received - back);
    if (moment != NULL) {
        moment->size = (size_t)((ptrdiff_t)moment->size - back);
    }
}

static void act_switch(struct fuzz_operation *operation, void *context)
{
    struct moment *moment = context;
    struct end *end = moment != NULL ? moment->end : find_end(operation);
    if (end == NULL || end->protocol == NULL || end->switching) {
        return;
    }
    size_t back =
        moment == NULL || end->received < HEADER + moment->size ? 0 : draw_from(operation->detail) % (moment->size + 1);
    const uint8_t *data = moment == NULL ? NULL : moment->data + moment->size - back;
    struct bight_protocol *next = new_protocol(end);
    bool was_closed = end->losing || end->aborted;
    end->switching = true;
    note_back(end, moment, (ptrdiff_t)back);
    int code = bight_transport_switch_protocol(transport_of(end), next, data, back);
    if (code != 0) {
        bight_protocol_free(next);
        end->switching = false;
        note_back(end, moment, -(ptrdiff_t)back);
    }
    check_answer(end, "switch_protocol", code, was_closed);
}

static void give_back(struct end *end, struct moment *moment, const uint8_t *data, size_t back, bool was_closed)
{
    note_back(end, moment, (ptrdiff_t)back);
    int code = bight_transport_give_back(transport_of(end), data, back);
    if (code != 0) {
        note_back(end, moment, -(ptrdiff_t)back);
    }
    check_answer(end, "give_back", code, was_closed);
}

/* Outside a handler that has been given something: what came last, which may be long ago. */
static void give_back_old(struct fuzz_operation *operation)
{
    struct end *end = find_end(operation);
    uint8_t bytes[64];
    if (end == NULL || end->is_hearing || end->received < HEADER) {
        return;
    }
    size_t back = fuzz_choose(operation, sizeof bytes);
    back = back < end->received - HEADER ? back : end->received - HEADER;
    for (size_t i = 0; i < back; i++) {
        bytes[i] = byte_at(end->peer, end->received - (uint32_t)(back - i));
    }
    bool is_heard_no_more = end->read_ended && !end->switching;
    give_back(end, NULL, bytes, back, end->losing || end->aborted || is_heard_no_more);
}

/* The end of what is being received, or of what has not been given back of it yet. */
static void act_give_back(struct fuzz_operation *operation, void *context)
{
    struct moment *moment = context;
    struct end *end = moment == NULL ? NULL : moment->end;
    if (moment == NULL) {
        give_back_old(operation);
        return;
    }
    if (end->protocol == NULL || end->received < HEADER + moment->size) {
        return;
    }
    size_t back = draw_from(operation->detail) % (moment->size + 1);
    give_back(end, moment, moment->data + moment->size - back, back, end->losing || end->aborted);
}

/* As if it had come. */
static void act_forget_input(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end == NULL || end->received < HEADER || end->is_hearing || fuzz_choose(operation, 3) > 0) {
        return;
    }
    bool takes_input = bight_transport_takes_input(transport_of(end));
    if (takes_input && (end->lost || end->losing || end->aborted || end->switching || end->paused || end->read_ended)) {
        fuzz_fail("end %u takes input and should not", end->id);
    }
    end->received += (uint32_t)bight_transport_forget_input(transport_of(end));
    if (end->received > world.ends[end->peer].written) {
        fuzz_fail("end %u forgets what has not been written", end->id);
    }
}

/* Whoever adds to a long queue is aborted. */
static void act_cap(struct fuzz_operation *operation, void *context)
{
    static const size_t limits[] = { 0, 30000, 100000, 300000, SIZE_MAX, SIZE_MAX };
    struct bight_reactor *reactor = world.reactors[fuzz_choose(operation, 2)];
    (void)context;
    world.has_cap = true;
    int code = bight_reactor_set_held_limit(reactor, limits[fuzz_choose(operation, 6)]);
    if (code != 0) {
        fuzz_fail("set_held_limit answers %d", code);
    }
}

const struct fuzz_kind api_kinds[] = {
    { "listen", 6, act_listen },
    { "pause, resume or stop a port", 3, act_port },
    { "connect", 9, act_connect },
    { "write", 24, act_write },
    { "write lent memory", 8, act_write_lent },
    { "send a file", 6, act_send_file },
    { "lose", 6, act_lose },
    { "abort", 4, act_abort },
    { "lose the writing side", 2, act_lose_write },
    { "pause", 4, act_pause },
    { "resume", 8, act_resume },
    { "register a producer", 4, act_register_producer },
    { "unregister the producer", 3, act_unregister_producer },
    { "set an option", 4, act_option },
    { "look", 2, act_look },
    { "hold", 3, act_hold },
    { "let go", 3, act_let_go },
    { "switch the protocol", 4, act_switch },
    { "give back input", 4, act_give_back },
    { "forget input", 2, act_forget_input },
    { "cap what is held", 1, act_cap },
    { "push a layer", 5, act_push_layer },
    { "pop a layer", 3, act_pop_layer },
    { "call later", 8, act_call_later },
    { "use a timer's handle", 6, act_timer },
    { "call from a thread", 4, act_call_from_thread },
    { "call from threads, by the thousand", 1, act_calls_from_threads },
    { "call when running", 3, act_call_when_running },
    { "add or remove a trigger", 8, act_trigger },
    { "defer to a thread", 2, act_defer_to_thread },
    { "use a thread pool", 4, act_pool },
    { "use a lock on a file", 5, act_lock },
    { "tie a Deferred", 6, act_tie },
    { "fire a Deferred", 8, act_fire },
    { "cancel a Deferred", 3, act_cancel },
    { "release a Deferred", 6, act_release },
    { "join a scope", 2, act_scope },
    { "call later in a scope", 2, act_scope_timer },
    { "close or free a scope", 2, act_end_scope },
    { "stop the reactor", 2, act_stop },
    { "spawn a coroutine", 9, act_spawn },
    { "cancel a coroutine", 5, act_coroutine },
    { "take turns at a lock", 9, act_turn },
    { "wait for a condition or notify it", 12, act_condition },
    { "use a semaphore", 8, act_semaphore },
    { "use an event", 4, act_event },
    { "use a barrier", 5, act_barrier },
    { "use a queue", 14, act_queue },
    { "use a looping call", 6, act_loop },
    { "use a task", 8, act_task },
    { "open a stream", 8, act_open_stream },
    { "read a stream", 14, act_read_stream },
    { "write to a stream", 10, act_write_stream },
    { "flood a stream", 2, act_flood_stream },
    { "close a stream, or set it", 4, act_close_stream },
    { "map, a few at a time", 3, act_map },
    { "combine", 4, act_combine },
    { "put a scope into a scope", 3, act_nest },
    { "run a nursery", 2, act_nursery },
    { "make a site, mount, serve or free it", 3 * API_HTTP_WEIGHT, act_site },
    { "ask a site", 7 * API_HTTP_WEIGHT, act_ask },
    { "answer a request", 10 * API_HTTP_WEIGHT, act_answer },
    { "use a request", 5 * API_HTTP_WEIGHT, act_use_request },
    { "read a request's body", 6 * API_HTTP_WEIGHT, act_body },
    { "stop reading a site, or leave it", 2 * API_HTTP_WEIGHT, act_leave },
    { "let a request proceed", 3 * API_HTTP_WEIGHT, act_proceed },
    { "answer as a store of sessions", 3 * API_HTTP_WEIGHT, act_store },
    { "use a session", 4 * API_HTTP_WEIGHT, act_session },
    { "use a stream of events", 5 * API_HTTP_WEIGHT, act_event_stream },
    { "read a form", 4 * API_HTTP_WEIGHT, act_form },
    { "replace a file of a site", 1 * API_HTTP_WEIGHT, act_rename },
    { "dial a WebSocket, or use one", 14 * API_HTTP_WEIGHT, act_socket },
    { "call a site, or use a call", 16 * API_HTTP_WEIGHT, act_call },
};
const size_t api_kind_count = sizeof api_kinds / sizeof *api_kinds;
