/* SPDX-License-Identifier: MIT */
/* half_close.c - scenario: both ends of a connection send and end it, each in its own way and at its own time.
 *
 * An end is lose_write, lose_connection, abort, lose_write and an abort behind it, or just waiting for the peer's. Who
 * waits is notified of an abort, also when it has handled the peer's end and writes nothing. What was sent before an
 * orderly end is there before the end is; without resets and aborts nobody sees anything but an orderly end. Ends are
 * paired by the port of the one that connected. */
#include "scenario.h"

#include <string.h>

#define MAX_CONVERSATIONS 12
#define MAX_BYTES 40000
#define MAX_PIECES 10
#define LINGER_SECONDS 60 /* longer than any of the streams takes */

#define TOLD_WITHIN 3 /* seconds; longer than anything is under way */

enum act { WAIT, LOSE_WRITE, LEAVE, LOSE, ABORT };

/* What outlives the protocols. */
struct conversation {
    uint16_t port;
    size_t written[2]; /* by side: 0 has connected */
    bool aborted, has_ended[2];
    double left[2]; /* when; 0: has not */
};

struct half_close {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *client;
    struct bight_factory factories[2];
    struct conversation conversations[MAX_CONVERSATIONS + 1], nobodys;
    size_t started;
};

struct half {
    struct bight_protocol base;
    struct end end;
    struct conversation *conversation;
    int side;
    size_t size, received;
    enum act act;
    bool has_acted, no_more; /* delivery must have stopped */
    unsigned shut;
    struct bight_timer timer, resume;
};

static struct half_close *scenario_of(const struct half *half)
{
    return half->base.factory->context;
}

static uint32_t key_of(const struct half *half, int side)
{
    return (uint32_t)half->conversation->port * 2 + (uint32_t)side;
}

static struct conversation *conversation_at(struct half_close *scenario, uint16_t port)
{
    struct conversation *conversation = scenario->conversations;
    while (conversation->port != port && conversation->port != 0) {
        conversation++;
    }
    conversation->port = port;
    return conversation;
}

static void leave(void *context)
{
    struct half *half = context;
    if (bight_transport_is_open(half->base.transport)) {
        half->no_more = half->conversation->aborted = true;
        half->conversation->left[half->side] = bight_simulation_now(scenario_of(half)->audit.simulation);
        (void)bight_transport_abort_connection(half->base.transport);
    }
}

static void act(struct half *half);

static void stop_waiting(void *context)
{
    struct half *half = context;
    double left = half->conversation->left[1 - half->side];
    double now = bight_simulation_now(scenario_of(half)->audit.simulation);
    if (half->end.peer_ended && left != 0 && now > left + TOLD_WITHIN && half->conversation->port != 0) {
        audit_wrong("the peer has gone, and nobody was told");
    }
    half->act = LOSE;
    act(half);
}

static void act(struct half *half)
{
    struct bight_reactor *reactor = bight_transport_reactor(half->base.transport);
    half->has_acted = true;
    switch (half->act) {
    case LOSE_WRITE:
        (void)bight_transport_lose_write(half->base.transport);
        return;
    case LEAVE:
        (void)bight_transport_lose_write(half->base.transport);
        (void)bight_call_later(reactor, draw_seconds(&scenario_of(half)->audit, 1), leave, half, &half->timer);
        return;
    case LOSE:
        half->no_more = true;
        (void)bight_transport_lose_connection(half->base.transport);
        return;
    case ABORT:
        half->no_more = half->conversation->aborted = true;
        (void)bight_transport_abort_connection(half->base.transport);
        return;
    case WAIT: /* for the peer, but not for ever */
        (void)bight_call_later(reactor, 10, stop_waiting, half, &half->timer);
        half->has_acted = false;
        return;
    }
}

static void send_piece(void *context)
{
    struct half *half = context;
    struct audit *audit = &scenario_of(half)->audit;
    size_t left = half->size - half->conversation->written[half->side];
    size_t piece = left <= MAX_BYTES / MAX_PIECES ? left : left / 2 + (size_t)draw_size(audit, left / 2);
    if (!bight_transport_is_open(half->base.transport)) {
        return;
    }
    half->conversation->written[half->side] += piece; /* or a part of it, and it is lost */
    if (stream_write(half->base.transport, key_of(half, half->side), half->size - left, piece) != 0) {
        return;
    }
    if (piece == left) {
        act(half);
        return;
    }
    (void)bight_call_later(
        bight_transport_reactor(half->base.transport), draw_seconds(audit, 0.1), send_piece, half, &half->timer);
}

static void half_made(struct bight_protocol *protocol)
{
    struct half *half = bight_self(struct half, protocol);
    struct half_close *scenario = scenario_of(half);
    struct bight_address address = { 0 };
    end_made(&half->end, protocol);
    half->side = protocol->factory == &scenario->factories[0] ? 0 : 1;
    if (half->side == 0) {
        (void)bight_transport_host(protocol->transport, &address);
    } else {
        (void)bight_transport_peer(protocol->transport, &address);
    }
    /* a connection that was reset before it was accepted has no peer: it gets a conversation of its own */
    half->conversation = address.port != 0 ? conversation_at(scenario, address.port) : &scenario->nobodys;
    (void)bight_transport_set_linger(protocol->transport, LINGER_SECONDS, SIZE_MAX);
    half->size = draw_size(&scenario->audit, MAX_BYTES);
    static const enum act acts[] = { WAIT, WAIT, LOSE_WRITE, LOSE_WRITE, LEAVE, LEAVE, LOSE, LOSE };
    half->act = draw(&scenario->audit, 8) ? ABORT : acts[bight_simulation_draw(scenario->audit.simulation, 8)];
    send_piece(half);
}

static void resume(void *context)
{
    struct half *half = context;
    (void)bight_transport_resume(half->base.transport);
}

/* The last `size` bytes of what came. */
static void check_bytes(const struct half *half, const uint8_t *data, size_t size)
{
    stream_check(key_of(half, 1 - half->side), half->received - size, data, size);
    if (half->received > half->conversation->written[1 - half->side]) {
        audit_wrong("more came than was sent");
    }
}

static void half_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct half *half = bight_self(struct half, protocol);
    struct audit *audit = &scenario_of(half)->audit;
    end_hears(&half->end);
    if (half->no_more || half->end.peer_ended || bight_timer_is_pending(half->resume)) {
        audit_wrong("data came after %s", half->end.peer_ended ? "the peer's end" : "lose, abort or pause");
    }
    half->received += size;
    if (half->conversation->port != 0) { /* else nobody knows whose bytes came before the reset */
        check_bytes(half, data, size);
    }
    if (draw(audit, 20)) {
        (void)bight_transport_pause(protocol->transport);
        (void)bight_call_later(
            bight_transport_reactor(protocol->transport), draw_seconds(audit, 0.5), resume, half, &half->resume);
    }
}

/* The peer's end means that all it sent is here. */
static void check_all_is_here(const struct half *half)
{
    if (half->received != half->conversation->written[1 - half->side]) {
        audit_wrong("the end came after %zu of %zu bytes", half->received, half->conversation->written[1 - half->side]);
    }
}

static bool half_heard_the_end(struct bight_protocol *protocol)
{
    struct half *half = bight_self(struct half, protocol);
    end_hears_the_end(&half->end);
    if (half->no_more) {
        audit_wrong("read_connection_lost came after lose or abort");
    }
    check_all_is_here(half);
    if (draw(&scenario_of(half)->audit, 80)) {
        return true;
    }
    half->no_more = true; /* false is lose_connection */
    return false;
}

static void half_shut(struct bight_protocol *protocol)
{
    struct half *half = bight_self(struct half, protocol);
    end_hears(&half->end);
    if (++half->shut > 1 || !half->has_acted || (half->act != LOSE_WRITE && half->act != LEAVE)) {
        audit_wrong("write_connection_lost came unasked or twice");
    }
}

static void half_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct half *half = bight_self(struct half, protocol);
    const struct half_close *scenario = scenario_of(half);
    end_lost(&half->end, reason);
    half->conversation->has_ended[half->side] = true;
    (void)bight_timer_cancel(half->timer);
    (void)bight_timer_cancel(half->resume);
    if (half->end.reason == BIGHT_E_CONNECTION_DONE) {
        if (!half->no_more && !half->end.peer_ended) {
            audit_wrong("done, and neither end has ended it");
        }
        return;
    }
    bool is_expected = scenario->trouble.resets || scenario->trouble.files || half->conversation->aborted;
    if (!is_expected) {
        audit_wrong("nobody aborted, and it was lost: %.200s", bight_failure_message(reason));
    }
}

static const struct bight_protocol_ops half_ops = { .connection_made = half_made,
    .data_received = half_received,
    .connection_lost = half_lost,
    .read_connection_lost = half_heard_the_end,
    .write_connection_lost = half_shut };

static void start(void *context)
{
    struct half_close *scenario = context;
    scenario->started++;
    bight_deferred_release(
        audit_connect(&scenario->audit, scenario->client, "tcp:10.0.0.1:7", &scenario->factories[0]));
}

static void run_half_close(struct half_close *scenario)
{
    struct audit *audit = &scenario->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CONVERSATIONS);
    struct bight_reactor *server = audit_reactor(audit, hosts[0], MAX_BYTES);
    scenario->client = audit_reactor(audit, hosts[1], MAX_BYTES);
    (void)audit_listen(audit, server, "tcp:7", &scenario->factories[1]);
    scenario->trouble = draw_trouble(audit);
    set_trouble(audit, &scenario->trouble, hosts, 2);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(scenario->client, draw_seconds(audit, 1), start, scenario, NULL);
    }
    bight_simulation_run(audit->simulation, 300);
    if (scenario->started != count || audit->pending != 0 || audit->made != audit->lost) {
        audit_wrong("something has not come to an end: %zu of %zu ends", audit->lost, audit->made);
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct half_close scenario = {
        .factories = { BIGHT_FACTORY(struct half, &half_ops), BIGHT_FACTORY(struct half, &half_ops) },
    };
    (void)context;
    scenario.factories[0].context = scenario.factories[1].context = &scenario;
    audit_begin(&scenario.audit, simulation);
    run_half_close(&scenario);
    return audit_end(&scenario.audit);
}

const struct bight_scenario half_close_scenario = { "half_close", run, NULL };
