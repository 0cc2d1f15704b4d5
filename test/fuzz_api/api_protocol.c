/* SPDX-License-Identifier: MIT */
/* api_protocol.c - the ends of connections: what a protocol may be told, and when (T1 to T5, T7, T10 to T12, T23).
 *
 * Every end writes a stream of its own, its number first, so that the other end knows whose bytes it gets and what each
 * must be. No handler may be called from inside an operation. */
#include "api_world.h"

#include <stdlib.h>

static struct api_protocol *self_of(struct bight_protocol *protocol)
{
    return bight_self(struct api_protocol, protocol);
}

struct end *end_of(struct bight_protocol *protocol)
{
    return self_of(protocol)->end;
}

uint8_t byte_at(uint32_t id, uint32_t position)
{
    return position < HEADER ? (uint8_t)(id >> (8 * position))
                             : (uint8_t)(id * 31 + position * 167 + (position >> 8) * 13);
}

struct bight_transport *transport_of(struct end *end)
{
    return end->protocol->transport;
}

struct end *find_end(const struct fuzz_operation *operation)
{
    for (unsigned i = 0; i < world.end_count; i++) {
        struct end *end = &world.ends[(operation->subject + i) % world.end_count];
        if (end->protocol != NULL) {
            return end;
        }
    }
    return NULL;
}

void check_answer(struct end *end, const char *call, int code, bool closed)
{
    fuzz_tell(world.tape, "%s of end %u answers %d", call, end->id, code);
    closed = closed || end->lost;
    if (closed && code != BIGHT_E_CLOSED) {
        fuzz_fail("%s of end %u, which is closed, answers %d", call, end->id, code);
    }
    if (closed || code == 0) {
        return;
    }
    bool is_over = end->protocol == NULL || end->has_failed || !bight_transport_is_open(transport_of(end));
    if (code != BIGHT_E_CLOSED || (!is_over && !end->write_ended)) {
        fuzz_fail("%s of end %u, which is open, answers %d", call, end->id, code);
    }
}

void let_go_of(struct end *end)
{
    struct bight_protocol *protocol = end->protocol;
    end->holds--;
    if (end->lost && end->holds == 0) {
        end->protocol = NULL;
    }
    bight_protocol_release(protocol);
}

/* ------------------------------------------------------------------------------------- the handlers */

static void check_heard(struct end *end, struct bight_protocol *protocol, const char *what)
{
    fuzz_tell(world.tape, "-> %s at end %u", what, end->id);
    if (world.in_call > 0) {
        fuzz_fail("%s at end %u from inside a call", what, end->id);
    }
    if (!end->made || end->lost || end->protocol != protocol) {
        fuzz_fail("%s at end %u, which is not connected", what, end->id);
    }
}

/* What comes only while the connection is in use. */
static void check_in_use(struct end *end, const char *what)
{
    if (end->losing || end->aborted) {
        fuzz_fail("%s at end %u after it was closed", what, end->id);
    }
}

static void act_in_handler(struct end *end, struct moment *moment)
{
    act_inside((uint64_t)end->id << 32 | end->events++, moment);
}

static void on_made(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    bool is_switch = end->made;
    if (is_switch != end->switching || end->lost) {
        fuzz_fail("connection_made again at end %u", end->id);
    }
    end->made = true;
    end->switching = false;
    end->paused = false;
    end->protocol = protocol;
    check_heard(end, protocol, "connection_made");
    check_in_use(end, "connection_made");
    if (!is_switch) {
        world.in_call++;
        write_some(end, HEADER, 0);
        world.in_call--;
    }
    act_in_handler(end, NULL);
}

static void check_byte(struct end *end, uint8_t byte)
{
    uint32_t position = end->received++;
    if (position < HEADER) {
        end->peer |= (uint32_t)byte << (8 * position);
        return;
    }
    if (end->peer >= world.end_count || world.ends[end->peer].written <= position) {
        fuzz_fail("end %u receives byte %u, which end %u has not written", end->id, position, end->peer);
    }
    if (byte != byte_at(end->peer, position)) {
        fuzz_fail("end %u receives a wrong byte at %u from end %u", end->id, position, end->peer);
    }
}

static void on_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct end *end = end_of(protocol);
    struct moment moment = { end, data, size };
    check_heard(end, protocol, "data");
    check_in_use(end, "data");
    if (size == 0 || size > 65536 || end->paused || end->read_ended || end->switching) {
        fuzz_fail("%zu bytes at end %u, which was paused or ended", size, end->id);
    }
    for (size_t i = 0; i < size; i++) {
        check_byte(end, data[i]);
    }
    end->is_hearing = true;
    act_in_handler(end, &moment);
    end->is_hearing = false;
}

/* The end of a stream comes behind all of it, except that a local stream has no other way to say it was aborted. Behind
 * a layer that failed nothing more comes from above it. */
static void check_whole(const struct end *end)
{
    const struct end *peer = end->received < HEADER ? NULL : &world.ends[end->peer];
    bool is_good_order = peer != NULL && !peer->has_failed && (!peer->lost || peer->reason == BIGHT_E_CONNECTION_DONE);
    if (is_good_order && end->received != peer->written) {
        fuzz_fail("end %u got %u of %u bytes before the end of the stream", end->id, end->received, peer->written);
    }
}

static bool on_read_lost(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    check_heard(end, protocol, "read_connection_lost");
    check_in_use(end, "read_connection_lost");
    if (end->read_ended || end->paused) {
        fuzz_fail("read_connection_lost at end %u again, or paused", end->id);
    }
    check_whole(end);
    end->read_ended = true;
    act_in_handler(end, NULL);
    bool handled = draw_from((uint64_t)end->id << 32 | end->events++) % 2 == 0;
    end->losing = end->losing || (!handled && !end->switching && !end->aborted);
    end->is_unsure = true;
    return handled;
}

/* A layer has become secure. A pause does not hold it up. */
static void on_handshake(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    check_heard(end, protocol, "handshake_completed");
    check_in_use(end, "handshake_completed");
    act_in_handler(end, NULL);
}

static void on_room(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    check_heard(end, protocol, "room");
    check_in_use(end, "room");
    if (end->producer != NULL || end->write_ended) {
        fuzz_fail("end %u hears of room, and has a producer or does not write", end->id);
    }
    act_in_handler(end, NULL);
}

static void on_write_lost(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    check_heard(end, protocol, "write_connection_lost");
    if (!end->write_ended || end->write_end_heard) {
        fuzz_fail("write_connection_lost at end %u again, or not asked for", end->id);
    }
    end->write_end_heard = true;
    act_in_handler(end, NULL);
}

static void check_loss(const struct end *end)
{
    if (end->ties > 0) {
        fuzz_fail("end %u is lost with %u Deferreds that are tied to it", end->id, end->ties);
    }
    if (end->producer != NULL) {
        fuzz_fail("end %u is lost and its producer was not stopped", end->id);
    }
}

static void on_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct end *end = end_of(protocol);
    int code = bight_failure_code(reason);
    check_heard(end, protocol, "connection_lost");
    check_loss(end);
    if (code == BIGHT_E_CONNECTION_ABORTED && !end->aborted && !end->is_unsure && !world.has_cancelled) {
        fuzz_fail("end %u was aborted by nobody", end->id);
    }
    end->lost = true;
    end->reason = code;
    end->switching = false;
    end->holds++;
    bight_protocol_hold(protocol);
    act_in_handler(end, NULL);
    let_go_of(end);
}

/* The old protocol's part ends; the end goes on with the new one. */
static void on_replaced(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    check_heard(end, protocol, "protocol_replaced");
    if (!end->switching || bight_transport_write(protocol->transport, "x", 1) != BIGHT_E_CLOSED || end->ties > 0) {
        fuzz_fail("end %u is handed over and should not be", end->id);
    }
    bight_protocol_hold(protocol);
    while (end->holds > 0) {
        end->holds--;
        bight_protocol_release(protocol);
    }
    end->protocol = NULL;
    end->read_ended = false;
    bight_protocol_release(protocol);
}

static const struct bight_protocol_ops end_ops = {
    .connection_made = on_made,
    .data_received = on_data,
    .connection_lost = on_lost,
    .read_connection_lost = on_read_lost,
    .write_connection_lost = on_write_lost,
    .protocol_replaced = on_replaced,
    .handshake_completed = on_handshake,
    .room = on_room,
};

/* ------------------------------------------------------------------------------------- factories */

struct bight_protocol *new_protocol(struct end *end)
{
    struct bight_protocol *protocol = bight_protocol_new(&world.factories[end->side]);
    if (protocol == NULL) {
        abort();
    }
    self_of(protocol)->end = end;
    return protocol;
}

static struct bight_protocol *build(struct bight_factory *factory, const struct bight_address *peer)
{
    unsigned side = factory == &world.factories[0] ? 0 : 1;
    (void)peer;
    if (world.end_count == MAX_ENDS || draw_from(world.end_count * 77u + side) % 20 == 0) {
        return NULL;
    }
    struct end *end = &world.ends[world.end_count];
    *end = (struct end) { .id = world.end_count++, .side = side };
    return new_protocol(end);
}

static void on_started(struct bight_factory *factory)
{
    unsigned *started = &world.factories_started[factory == &world.factories[0] ? 0 : 1];
    if (++*started != 1) {
        fuzz_fail("a factory is started twice");
    }
}

static void on_stopped(struct bight_factory *factory)
{
    unsigned *started = &world.factories_started[factory == &world.factories[0] ? 0 : 1];
    if ((*started)-- != 1) {
        fuzz_fail("a factory is stopped that was not started");
    }
}

static const struct bight_factory_ops factory_ops = {
    .build_protocol = build,
    .started = on_started,
    .stopped = on_stopped,
};

void begin_factories(void)
{
    for (unsigned side = 0; side < 2; side++) {
        world.factories[side] = (struct bight_factory)BIGHT_FACTORY(struct api_protocol, &end_ops);
        world.factories[side].ops = &factory_ops;
    }
}
