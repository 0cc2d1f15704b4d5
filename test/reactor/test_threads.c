/* SPDX-License-Identifier: MIT */
/* test_threads.c - reactors in several threads at once, each with ports, connections, look-ups and timers of its own
 * (R1). What they share is what ThreadSanitizer looks at. */
#include <pthread.h>

#include <bight/bight.h>

#include "support.h"

enum { THREADS = 3, CLIENTS = 4, MESSAGES = 50 };

/* One thread's. */
struct life {
    struct bight_factory servers, clients;
    struct bight_reactor *reactor;
    char endpoint[64];
    int number, connected, echoed, ended, failed;
};

struct client {
    struct bight_protocol base;
    int left;
};

static struct life *life_of(struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

static void echo(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static void client_made(struct bight_protocol *protocol)
{
    struct client *client = bight_self(struct client, protocol);
    struct bight_promise promise;
    client->left = MESSAGES;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_release(bight_protocol_tie(protocol, deferred)); /* cancelled at the end, unheard */
    (void)bight_transport_set_idle_timeout(protocol->transport, 100);
    (void)bight_transport_write(protocol->transport, "x", 1);
}

static void client_heard(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct client *client = bight_self(struct client, protocol);
    life_of(protocol)->echoed += (int)size;
    if (--client->left > 0) {
        (void)bight_transport_write(protocol->transport, data, size);
    } else {
        (void)bight_transport_lose_connection(protocol->transport);
    }
}

static void client_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct life *life = life_of(protocol);
    (void)reason;
    if (++life->ended == CLIENTS) {
        (void)bight_reactor_stop(life->reactor);
    }
}

static const struct bight_protocol_ops server_ops = { .data_received = echo };
static const struct bight_protocol_ops client_ops = {
    .connection_made = client_made, .data_received = client_heard, .connection_lost = client_lost
};

static void connected(struct bight_result *result, void *context)
{
    struct life *life = context;
    life->connected++;
    bight_result_clear(result);
}

static void not_connected(struct bight_result *result, void *context)
{
    struct life *life = context;
    life->failed++;
    bight_result_clear(result);
    (void)bight_reactor_stop(life->reactor);
}

static void connect_clients(void *context)
{
    struct life *life = context;
    for (int i = 0; i < CLIENTS; i++) {
        struct bight_deferred *deferred = bight_connect(life->reactor, life->endpoint, &life->clients);
        bight_deferred_add_callbacks(deferred, connected, not_connected, life);
        bight_deferred_release(deferred);
    }
}

static void listening(struct bight_result *result, void *context)
{
    struct life *life = context;
    struct bight_address address;
    if (bight_port_address(bight_result_peek(result, &bight_type_port), &address) == 0) {
        snprintf(life->endpoint, sizeof life->endpoint, "tcp:localhost:%u", (unsigned)address.port);
    }
}

static void *live(void *context)
{
    struct life *life = context;
    life->servers = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &server_ops);
    life->clients = (struct bight_factory)BIGHT_FACTORY(struct client, &client_ops);
    life->servers.context = life->clients.context = life;
    const struct bight_reactor_options options = { .size = sizeof options, .leave_signals = life->number % 2 == 1 };
    life->reactor = bight_reactor_new_full(&options);
    struct bight_deferred *port = bight_listen(life->reactor, "tcp:0", &life->servers);
    bight_deferred_add_callback(port, listening, life);
    bight_deferred_release(bight_fail(bight_failure_new(BIGHT_E_SYSTEM, life->number, NULL, "reported by a thread")));
    (void)bight_call_later(life->reactor, 0.001, connect_clients, life, NULL);
    (void)bight_reactor_run(life->reactor);
    bight_deferred_release(port);
    bight_reactor_free(life->reactor);
    return NULL;
}

static void ignore_log(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

START_TEST(reactors_of_several_threads_do_not_know_of_each_other) /* R1 */
{
    static struct life lives[THREADS];
    pthread_t threads[THREADS];
    bight_log_set_observer(ignore_log, NULL);
    for (int i = 0; i < THREADS; i++) {
        lives[i].number = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, live, &lives[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(lives[i].failed, 0);
        ck_assert_int_eq(lives[i].connected, CLIENTS);
        ck_assert_int_eq(lives[i].echoed, CLIENTS * MESSAGES);
        ck_assert_uint_eq(lives[i].servers.connections + lives[i].servers.ports, 0);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, reactors_of_several_threads_do_not_know_of_each_other);
}

BIGHT_TEST_MAIN("threads", add_tests)
