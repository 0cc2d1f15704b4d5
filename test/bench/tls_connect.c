/* SPDX-License-Identifier: MIT */
/* tls_connect.c - what it costs to connect by an endpoint string with `tls:`, beside TLS put on a connection with a
 * context that is ready (start_tls): reading the string, finding the context, and establishing below the factory.
 *
 * Connects to a server that echoes, one connection after the other, a byte there and back on each; sessions are resumed
 * in both ways. Prints the client's processor time of a connection in either way, in alternating rounds, and the median
 * of what the string costs more. With a third argument it makes one round, by "string" or "ready": for callgrind.
 *
 * Usage: tls_connect CA PORT [string | ready] (the server's certificate must be for localhost) */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bight/bight.h>

#include "measure.h"

enum { ROUNDS = 41, CONNECTIONS = 100 };

static struct bight_reactor *reactor;
static struct bight_tls *ready;
static char by_string[512], by_address[64];
static bool is_by_string;
static unsigned left, resumed;

static void connect_once(void);

static void begin(struct bight_protocol *protocol)
{
    (void)bight_transport_write(protocol->transport, "x", 1);
}

static void made(struct bight_protocol *protocol)
{
    if (is_by_string) {
        begin(protocol);
    } else if (bight_transport_start_tls(protocol->transport, ready, "localhost") != 0) {
        (void)bight_transport_abort_connection(protocol->transport);
    }
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    resumed += bight_transport_tls(protocol->transport)->is_resumed ? 1 : 0;
    (void)bight_transport_lose_connection(protocol->transport);
}

static void lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    if (!bight_failure_is(reason, BIGHT_E_CONNECTION_DONE)) {
        bight_log(BIGHT_LOG_ERROR, "tls_connect", reason, "a connection failed");
        exit(1);
    }
    if (--left > 0) {
        connect_once();
    } else {
        bight_reactor_stop(reactor);
    }
}

static const struct bight_protocol_ops ops = {
    .connection_made = made,
    .handshake_completed = begin,
    .data_received = received,
    .connection_lost = lost,
};
static struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);

static void connect_once(void)
{
    bight_deferred_release(bight_connect(reactor, is_by_string ? by_string : by_address, &factory));
}

static double processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void start(void *context)
{
    (void)context;
    connect_once();
}

/* Microseconds a connection. */
static double run_round(bool with_string)
{
    is_by_string = with_string;
    left = CONNECTIONS;
    double before = processor_time();
    bight_call_when_running(reactor, start, NULL);
    (void)bight_reactor_run(reactor);
    return (processor_time() - before) / 1e3 / CONNECTIONS;
}

static int compare_ways(void)
{
    double string[ROUNDS], context[ROUNDS], more[ROUNDS];
    (void)run_round(true); /* what is made once */
    (void)run_round(false);
    resumed = 0;
    for (unsigned i = 0; i < ROUNDS; i++) {
        context[i] = run_round(false);
        string[i] = run_round(true);
        more[i] = string[i] - context[i];
    }
    bool all = resumed == 2 * ROUNDS * CONNECTIONS;
    double difference = median(more, ROUNDS);
    printf("a context that is ready %.0f us, a string %.0f us: %.1f us more (%s)\n", median(context, ROUNDS),
        median(string, ROUNDS), difference, all ? "all resumed" : "not all were resumed");
    return difference > 100 ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: tls_connect CA PORT [string | ready]\n");
        return 64;
    }
    struct bight_failure *failure;
    const struct bight_tls_client_options options = { .size = sizeof options, .ca.file = argv[1] };
    ready = bight_tls_client_new(&options, &failure);
    if (ready == NULL) {
        bight_log(BIGHT_LOG_ERROR, "tls_connect", failure, "no context");
        return 1;
    }
    snprintf(by_string, sizeof by_string, "tls:127.0.0.1:%s:servername=localhost:ca=%s", argv[2], argv[1]);
    snprintf(by_address, sizeof by_address, "tcp:127.0.0.1:%s", argv[2]);
    reactor = bight_reactor_new();
    int status = 0;
    if (argc == 3) {
        status = compare_ways();
    } else {
        (void)run_round(strcmp(argv[3], "string") == 0);
    }
    bight_reactor_free(reactor);
    bight_tls_release(ready);
    return status;
}
