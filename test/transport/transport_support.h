/* SPDX-License-Identifier: MIT */
/* transport_support.h - what the tests of transports share: a protocol that writes down what it hears and does what the
 * test tells it to, on a testing reactor with a connection in memory. Check runs each test in a process of its own, so
 * the state is static. */
#ifndef BIGHT_TEST_TRANSPORT_SUPPORT_H
#define BIGHT_TEST_TRANSPORT_SUPPORT_H

#include <bight/memory.h>
#include <bight/sys/layer.h>
#include <bight/testing.h>
#include <bight/transport.h>

#include "extra_layers.h"
#include "heard.h"
#include "support.h"

/* What the protocol does besides writing down; NULL: nothing. */
static struct {
    void (*made)(struct bight_protocol *protocol);
    void (*data)(struct bight_protocol *protocol, const uint8_t *data, size_t size);
    void (*lost)(struct bight_protocol *protocol);
    bool (*read_lost)(struct bight_protocol *protocol);
    void (*write_lost)(struct bight_protocol *protocol);
    void (*replaced)(struct bight_protocol *protocol);
} on;

static size_t bytes_heard;

static void probe_made(struct bight_protocol *protocol)
{
    hear("made");
    if (on.made != NULL) {
        on.made(protocol);
    }
}

static void probe_data(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    bytes_heard += size;
    if (size <= 64) {
        hear("data:%.*s", (int)size, (const char *)data);
    } else {
        hear("data[%zu]", size);
    }
    if (on.data != NULL) {
        on.data(protocol, data, size);
    }
}

static void probe_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    hear("lost:%s", bight_error_name(bight_failure_code(reason)));
    if (on.lost != NULL) {
        on.lost(protocol);
    }
}

static bool probe_read_lost(struct bight_protocol *protocol)
{
    hear("read-lost");
    return on.read_lost != NULL && on.read_lost(protocol);
}

static void probe_write_lost(struct bight_protocol *protocol)
{
    hear("write-lost");
    if (on.write_lost != NULL) {
        on.write_lost(protocol);
    }
}

static void probe_replaced(struct bight_protocol *protocol)
{
    hear("replaced");
    if (on.replaced != NULL) {
        on.replaced(protocol);
    }
}

static const struct bight_protocol_ops probe_ops = {
    .connection_made = probe_made,
    .data_received = probe_data,
    .connection_lost = probe_lost,
    .read_connection_lost = probe_read_lost,
    .write_connection_lost = probe_write_lost,
    .protocol_replaced = probe_replaced,
};

/* A protocol that just echoes. */
__attribute__((unused)) static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    ck_assert_int_eq(bight_transport_write(protocol->transport, data, size), 0);
}

static struct bight_factory probe_factory = BIGHT_FACTORY(struct bight_protocol, &probe_ops);

static struct bight_reactor *reactor;
static struct bight_string_peer *peer;
static struct bight_protocol *protocol;
static struct bight_transport *transport;

/* A connection: accepted (with T13's defaults for those) or made. */
static void set_up_as(bool accepted)
{
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    peer = bight_string_connect(reactor, &probe_factory, accepted);
    ck_assert_ptr_nonnull(peer);
    protocol = bight_string_protocol(peer);
    transport = protocol == NULL ? NULL : protocol->transport;
    push_extra_layers(transport);
}

__attribute__((unused)) static void set_up(void)
{
    set_up_as(true);
    ck_heard("made");
}

__attribute__((unused)) static void tear_down(void)
{
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    ck_assert_uint_eq(probe_factory.connections, 0);
}

__attribute__((unused)) static void settle(void)
{
    ck_assert_uint_lt(bight_testing_settle(reactor, 10000), 10000);
}

/* `size` bytes that can be told apart. */
__attribute__((unused)) static uint8_t *make_data(size_t size)
{
    uint8_t *data = malloc(size);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 8));
    }
    return data;
}

__attribute__((unused)) static void ck_written(const void *data, size_t size)
{
    size_t written;
    const uint8_t *bytes = bight_string_written(peer, &written);
    ck_assert_uint_eq(written, size);
    ck_assert_mem_eq(bytes, data, size);
}

/* A producer that is told to stop. */
static int stops;

static void stop_producing(void *context)
{
    (void)context;
    stops++;
    hear("stop");
}

__attribute__((unused)) static const struct bight_producer_ops push_ops = { .stop = stop_producing };

__attribute__((unused)) static void count_release(void *context)
{
    ++*(int *)context;
}

#endif
