/* SPDX-License-Identifier: MIT */
/* relay.c - scenario: a proxy between a fast and a slow peer, which may hold only so much.
 *
 * The source sends as fast as it is let, the sink reads with pauses, and sends a stream of its own back. The proxy
 * connects on for each connection that it accepts and hands over what it reads: as a producer at the other connection,
 * by pausing and looking again, or by joining the two. Ends are handed over too. What waits in it stays within two
 * reads. */
#include "scenario.h"

#include <string.h>

#define MAX_CHAINS 4
#define MAX_BYTES 300000
#define PIECE 8192
#define MARK 65536
#define CAP (2 * MARK + PIECE)

struct relay {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *source, *proxy, *sink;
    struct bight_factory sources, accepted, made, sinks;
    bool by_producers, by_join;
    double slowness;
    size_t started, complete;
};

/* ------------------------------------------------------------------------------------- the two peers */

struct peer {
    struct bight_protocol base;
    struct end end;
    bool is_sink, is_paused;
    size_t size, sent, received;
    size_t coming; /* the peer's stream, as its first bytes say */
    struct bight_timer timer;
};

static struct relay *relay_of(const struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

static uint32_t key_from(bool sink)
{
    return sink ? 2 : 1;
}

/* The first four bytes of a stream tell its size. */
static uint8_t byte_at(const struct peer *peer, size_t position)
{
    return position < 4 ? (uint8_t)(peer->size >> (8 * position)) : stream_byte(key_from(peer->is_sink), position);
}

static void finish_sending(struct peer *peer)
{
    (void)bight_transport_unregister_producer(peer->base.transport);
    (void)bight_transport_lose_write(peer->base.transport);
}

static void go_on(void *context)
{
    struct peer *peer = context;
    uint8_t bytes[PIECE];
    peer->is_paused = false;
    while (!peer->is_paused && peer->sent < peer->size) {
        size_t size = peer->size - peer->sent < PIECE ? peer->size - peer->sent : PIECE;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = byte_at(peer, peer->sent + i);
        }
        if (bight_transport_write(peer->base.transport, bytes, size) != 0) {
            return;
        }
        peer->sent += size;
    }
    if (peer->sent == peer->size) {
        peer->sent++; /* once */
        finish_sending(peer);
    }
}

static void hold_on(void *context)
{
    ((struct peer *)context)->is_paused = true;
}

static void stop_producing(void *context)
{
    ((struct peer *)context)->is_paused = true;
}

static const struct bight_producer_ops peer_producer = { hold_on, go_on, stop_producing };

static void peer_made(struct bight_protocol *protocol)
{
    struct peer *peer = bight_self(struct peer, protocol);
    struct relay *relay = relay_of(protocol);
    end_made(&peer->end, protocol);
    peer->is_sink = protocol->factory == &relay->sinks;
    peer->size = 4 + draw_size(&relay->audit, peer->is_sink ? MAX_BYTES / 4 : MAX_BYTES);
    (void)bight_transport_register_producer(protocol->transport, &peer_producer, peer, true);
    go_on(peer);
}

static void read_on(void *context)
{
    (void)bight_transport_resume(((struct peer *)context)->base.transport);
}

static void peer_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct peer *peer = bight_self(struct peer, protocol);
    struct relay *relay = relay_of(protocol);
    size_t skip = peer->received < 4 ? 4 - peer->received : 0;
    end_hears(&peer->end);
    for (size_t i = 0; i < size && i < skip; i++) {
        peer->coming |= (size_t)data[i] << (8 * (peer->received + i));
    }
    if (size > skip) {
        stream_check(key_from(!peer->is_sink), peer->received + skip, data + skip, size - skip);
    }
    peer->received += size;
    if (peer->is_sink && draw(&relay->audit, 50)) {
        (void)bight_transport_pause(protocol->transport);
        (void)bight_call_later(bight_transport_reactor(protocol->transport),
            draw_seconds(&relay->audit, relay->slowness), read_on, peer, &peer->timer);
    }
}

static bool peer_ended(struct bight_protocol *protocol)
{
    struct peer *peer = bight_self(struct peer, protocol);
    end_hears_the_end(&peer->end);
    return true;
}

static void peer_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct peer *peer = bight_self(struct peer, protocol);
    end_lost(&peer->end, reason);
    (void)bight_timer_cancel(peer->timer);
    if (peer->end.reason == BIGHT_E_CONNECTION_DONE && peer->received >= 4 && peer->received == peer->coming) {
        relay_of(protocol)->complete++;
    } else if (peer->received > 4 && peer->received > peer->coming) {
        audit_wrong("more came than was sent");
    }
}

static const struct bight_protocol_ops peer_ops = { .connection_made = peer_made,
    .data_received = peer_received,
    .connection_lost = peer_lost,
    .read_connection_lost = peer_ended };

/* ----------------------------------------------------------------------------------------- the proxy */

struct leg {
    struct bight_protocol base;
    struct end end;
    struct leg *other; /* NULL: not connected yet, or lost */
    struct bight_timer look;
};

static void pause_leg(void *context)
{
    (void)bight_transport_pause(((struct leg *)context)->base.transport);
}

static void resume_leg(void *context)
{
    (void)bight_transport_resume(((struct leg *)context)->base.transport);
}

/* The other leg is lost: it tells in connection_lost. */
static void stop_leg(void *context)
{
    (void)context;
}

static const struct bight_producer_ops leg_producer = { pause_leg, resume_leg, stop_leg };

static void leg_made(struct bight_protocol *protocol)
{
    end_made(&bight_self(struct leg, protocol)->end, protocol);
}

static void look_again(void *context)
{
    struct leg *leg = context;
    if (leg->other != NULL && bight_transport_queued(leg->other->base.transport) > MARK / 4) {
        (void)bight_call_later(bight_transport_reactor(leg->base.transport), 0.01, look_again, leg, &leg->look);
        return;
    }
    resume_leg(leg);
}

static void leg_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct leg *leg = bight_self(struct leg, protocol);
    end_hears(&leg->end);
    if (leg->other == NULL) {
        audit_wrong("a leg reads before it has another");
        return;
    }
    (void)bight_transport_write(leg->other->base.transport, data, size);
    if (!relay_of(protocol)->by_producers && bight_transport_queued(leg->other->base.transport) > MARK) {
        pause_leg(leg);
        look_again(leg);
    }
}

static bool leg_ended(struct bight_protocol *protocol)
{
    struct leg *leg = bight_self(struct leg, protocol);
    end_hears_the_end(&leg->end);
    if (leg->other != NULL) {
        if (relay_of(protocol)->by_producers) {
            (void)bight_transport_unregister_producer(leg->other->base.transport);
        }
        (void)bight_transport_lose_write(leg->other->base.transport);
    }
    return leg->other != NULL;
}

/* The leg that is left sends what it has; after trouble it goes at once. */
static void leg_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct leg *leg = bight_self(struct leg, protocol), *other = leg->other;
    end_lost(&leg->end, reason);
    (void)bight_timer_cancel(leg->look);
    if (other == NULL) {
        return;
    }
    other->other = NULL;
    if (leg->end.reason != BIGHT_E_CONNECTION_DONE) {
        (void)bight_transport_abort_connection(other->base.transport);
        return;
    }
    if (relay_of(protocol)->by_producers && !leg->end.peer_ended) {
        (void)bight_transport_unregister_producer(other->base.transport);
    }
    (void)bight_transport_lose_connection(other->base.transport);
}

/* The library has the connections from here on. */
static void leg_replaced(struct bight_protocol *protocol)
{
    struct bight_failure *reason = bight_failure_of(BIGHT_E_CLOSED);
    end_lost(&bight_self(struct leg, protocol)->end, reason);
    bight_failure_release(reason);
}

static void join(struct leg *one, struct leg *other)
{
    struct relay *relay = relay_of(&one->base);
    if (relay->by_join) {
        audit_watch(&relay->audit, bight_transport_join(one->base.transport, other->base.transport));
        return;
    }
    bool by_producers = relay_of(&one->base)->by_producers;
    one->other = other;
    other->other = one;
    if (by_producers) {
        (void)bight_transport_register_producer(one->base.transport, &leg_producer, other, true);
        (void)bight_transport_register_producer(other->base.transport, &leg_producer, one, true);
    }
    resume_leg(one);
    resume_leg(other);
}

static void connected_on(struct bight_result *result, void *context)
{
    struct leg *accepted = context;
    struct bight_protocol *protocol = bight_result_peek(result, &bight_type_protocol);
    if (protocol == NULL) {
        (void)bight_transport_abort_connection(accepted->base.transport);
    } else if (!accepted->end.lost && bight_transport_is_open(protocol->transport)) {
        join(accepted, bight_self(struct leg, protocol));
    } else {
        (void)bight_transport_abort_connection(protocol->transport);
        (void)bight_transport_abort_connection(accepted->base.transport);
    }
    bight_result_clear(result);
}

static void made_leg_made(struct bight_protocol *protocol)
{
    leg_made(protocol);
    (void)bight_transport_pause(protocol->transport);
}

static void accepted_leg_made(struct bight_protocol *protocol)
{
    struct leg *leg = bight_self(struct leg, protocol);
    struct relay *relay = relay_of(protocol);
    leg_made(protocol);
    (void)bight_transport_pause(protocol->transport);
    struct bight_deferred *connecting = bight_connect(relay->proxy, "tcp:sink:9", &relay->made);
    (void)bight_deferred_add_both(connecting, connected_on, leg);
    audit_watch(&relay->audit, bight_protocol_tie(protocol, connecting));
}

static const struct bight_protocol_ops accepted_ops = { .connection_made = accepted_leg_made,
    .data_received = leg_received,
    .connection_lost = leg_lost,
    .read_connection_lost = leg_ended,
    .protocol_replaced = leg_replaced };

static const struct bight_protocol_ops made_leg_ops = { .connection_made = made_leg_made,
    .data_received = leg_received,
    .connection_lost = leg_lost,
    .read_connection_lost = leg_ended,
    .protocol_replaced = leg_replaced };

/* ------------------------------------------------------------------------------------------- the run */

static void start(void *context)
{
    struct relay *relay = context;
    relay->started++;
    bight_deferred_release(audit_connect(&relay->audit, relay->source, "tcp:proxy:8", &relay->sources));
}

static void run_relay(struct relay *relay)
{
    struct audit *audit = &relay->audit;
    struct bight_host *hosts[3] = { bight_simulation_host(audit->simulation, "source"),
        bight_simulation_host(audit->simulation, "proxy"), bight_simulation_host(audit->simulation, "sink") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CHAINS);
    relay->source = audit_reactor(audit, hosts[0], CAP);
    relay->proxy = audit_reactor(audit, hosts[1], CAP);
    relay->sink = audit_reactor(audit, hosts[2], CAP);
    relay->by_producers = draw(audit, 50);
    relay->by_join = draw(audit, 33);
    relay->slowness = draw_seconds(audit, 0.1);
    (void)audit_listen(audit, relay->proxy, "tcp:8", &relay->accepted);
    (void)audit_listen(audit, relay->sink, "tcp:9", &relay->sinks);
    relay->trouble = draw_trouble(audit);
    set_trouble(audit, &relay->trouble, hosts, 3);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(relay->source, draw_seconds(audit, 1), start, relay, NULL);
    }
    bight_simulation_run(audit->simulation, 600);
    if (audit->pending != 0 || audit->made != audit->lost) {
        audit_wrong("something has not come to an end: %zu of %zu ends", audit->lost, audit->made);
    }
    const struct trouble *trouble = &relay->trouble;
    if (!trouble->resets && !trouble->refusals && !trouble->names && !trouble->files && relay->complete != 2 * count) {
        audit_wrong("nothing was wrong, and complete are %zu of %zu", relay->complete, 2 * count);
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct relay relay = {
        .sources = BIGHT_FACTORY(struct peer, &peer_ops),
        .accepted = BIGHT_FACTORY(struct leg, &accepted_ops),
        .made = BIGHT_FACTORY(struct leg, &made_leg_ops),
        .sinks = BIGHT_FACTORY(struct peer, &peer_ops),
    };
    (void)context;
    relay.sources.context = relay.accepted.context = relay.made.context = relay.sinks.context = &relay;
    audit_begin(&relay.audit, simulation);
    run_relay(&relay);
    return audit_end(&relay.audit);
}

const struct bight_scenario relay_scenario = { "relay", run, NULL };
