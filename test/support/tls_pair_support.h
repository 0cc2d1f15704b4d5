/* SPDX-License-Identifier: MIT */
/* tls_pair_support.h - two protocols joined in memory, both of which start TLS when they are made, or when the test
 * says so; they write down what they hear and do what the test tells them to. Check runs each test in a process of its
 * own, so the state is static. */
#ifndef BIGHT_TEST_TLS_PAIR_SUPPORT_H
#define BIGHT_TEST_TLS_PAIR_SUPPORT_H

#include <bight/memory.h>

#include "tls_support.h"

#include "heard.h"

#define CLIENT BIGHT_PAIR_CLIENT
#define SERVER BIGHT_PAIR_SERVER

/* One end: what it hears goes to `heard` with its name before it, what it receives is gathered. */
struct end {
    const char *name;
    struct bight_factory factory;
    struct bight_tls *tls;
    const char *peer_name;
    void (*made)(struct end *end, struct bight_transport *transport);
    bool starts_late; /* not in connection_made */
    uint8_t *got;
    size_t size, room;
    char reason[1024]; /* of the loss */
    void (*secure)(struct end *end);
    void (*data)(struct end *end, const uint8_t *data, size_t size);
    bool handles_end;
};

static struct end ends[2];
static struct bight_reactor *reactor;
static struct bight_pair *pair;
static struct bight_testing_ca *ca;
static const struct bight_testing_certificate *good;

static struct end *end_of(struct bight_protocol *protocol)
{
    return &ends[protocol->factory == &ends[SERVER].factory];
}

/* NULL when it has been lost. */
__attribute__((unused)) static struct bight_transport *transport_of(int side)
{
    struct bight_protocol *protocol = pair == NULL ? NULL : bight_pair_protocol(pair, side);
    return protocol == NULL ? NULL : protocol->transport;
}

static int start_tls(struct bight_transport *transport, const struct end *end)
{
    return bight_transport_start_tls(transport, end->tls, end->peer_name);
}

/* Who needs TLS and has none says nothing. */
static bool start_or_abort(struct bight_transport *transport, const struct end *end)
{
    bool is_started = start_tls(transport, end) == BIGHT_OK;
    if (!is_started) {
        (void)bight_transport_abort_connection(transport);
    }
    return is_started;
}

static void end_made(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    if (end->made != NULL) {
        end->made(end, protocol->transport);
    }
    if (!end->starts_late) {
        (void)start_or_abort(protocol->transport, end);
    }
}

static void end_secure(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    hear("%s:secure", end->name);
    if (end->secure != NULL) {
        end->secure(end);
    }
}

static void end_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct end *end = end_of(protocol);
    if (end->size + size > end->room) {
        end->room = 2 * (end->size + size);
        end->got = realloc(end->got, end->room);
    }
    memcpy(end->got + end->size, data, size);
    end->size += size;
    if (end->data != NULL) {
        end->data(end, data, size);
    }
}

static bool end_read_lost(struct bight_protocol *protocol)
{
    struct end *end = end_of(protocol);
    hear("%s:end", end->name);
    return end->handles_end;
}

static void end_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct end *end = end_of(protocol);
    bight_failure_describe(reason, end->reason, sizeof end->reason);
    hear("%s:%s", end->name, bight_error_name(bight_failure_code(reason)));
}

static const struct bight_protocol_ops end_ops = {
    .connection_made = end_made,
    .data_received = end_data,
    .connection_lost = end_lost,
    .read_connection_lost = end_read_lost,
    .handshake_completed = end_secure,
};

static void init_end(int side, const char *name, struct bight_tls *tls, const char *peer_name)
{
    ends[side] = (struct end) { .name = name, .tls = tls, .peer_name = peer_name };
    ends[side].factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &end_ops);
}

/* Contexts for both, and a reactor; nothing is connected. */
static void set_up(void)
{
    ca = bight_testing_ca_new("Testing Root", NULL);
    good = bight_testing_certificate_new(ca, NULL);
    ck_assert_ptr_nonnull(good);
    init_end(SERVER, "s", server_of(good), NULL);
    const struct bight_tls_client_options options = { .ca = pem_of(bight_testing_ca_pem(ca)),
        .without_resumption = true };
    init_end(CLIENT, "c", make_client(options), "localhost");
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
}

static void tear_down(void)
{
    bight_pair_free(pair);
    bight_reactor_free(reactor);
    for (int i = 0; i < 2; i++) {
        bight_tls_release(ends[i].tls);
        free(ends[i].got);
    }
    bight_testing_certificate_free(good);
    bight_testing_ca_free(ca);
}

__attribute__((unused)) static void join(void)
{
    pair = bight_pair_connect(reactor, &ends[SERVER].factory, &ends[CLIENT].factory);
    ck_assert_ptr_nonnull(pair);
}

__attribute__((unused)) static void pump(void)
{
    ck_assert(bight_pair_pump(pair, 0));
}

/* A secure connection. */
__attribute__((unused)) static void join_securely(void)
{
    join();
    pump();
    ck_heard("c:secure s:secure");
}

__attribute__((unused)) static void write_to(int side, const void *data, size_t size)
{
    ck_assert_int_eq(bight_transport_write(transport_of(side), data, size), BIGHT_OK);
}

__attribute__((unused)) static void echo(struct end *end, const uint8_t *data, size_t size)
{
    write_to(end == &ends[SERVER] ? SERVER : CLIENT, data, size);
}

/* `size` bytes that can be told apart. */
__attribute__((unused)) static uint8_t *make_data(size_t size)
{
    uint8_t *data = malloc(size + 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 8) + (i >> 16));
    }
    return data;
}

__attribute__((unused)) static void ck_got(int side, const void *data, size_t size)
{
    ck_assert_uint_eq(ends[side].size, size);
    ck_assert(size == 0 || memcmp(ends[side].got, data, size) == 0);
    ends[side].size = 0;
}

#endif
