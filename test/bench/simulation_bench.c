/* SPDX-License-Identifier: MIT */
/* simulation_bench.c - messages a second of one echo scenario, over the real loopback and inside the simulation.
 *
 * 50 connections, 64 bytes each way, both ends on one reactor in one process on one core, the simulation's trace hash
 * on. Prints both rates and the ratio for each of three rounds. Usage: simulation_bench [SECONDS] */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <bight/protocols/wire.h>
#include <bight/testing/simulation.h>

enum { CONNECTIONS = 50, SIZE = 64, ROUNDS = 3, FIRST_MESSAGES = 20000 };

struct load {
    struct bight_factory echo, pingers;
    struct bight_reactor *reactor;
    size_t messages, limit;
};

static const uint8_t message[SIZE] = "a message of sixty-four bytes";

static void send_message(struct bight_protocol *protocol)
{
    bight_transport_write(protocol->transport, message, sizeof message);
}

static void received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct load *load = protocol->factory->context;
    (void)data;
    (void)size; /* so small a message comes as one */
    if (++load->messages >= load->limit) {
        bight_reactor_stop(load->reactor);
        return;
    }
    send_message(protocol);
}

static const struct bight_protocol_ops pinger_ops = { .connection_made = send_message, .data_received = received };

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void give_up(struct bight_result *result, void *context)
{
    char text[256];
    (void)context;
    bight_failure_format(bight_result_failure(result), text, sizeof text);
    fprintf(stderr, "simulation_bench: %s\n", text);
    exit(EXIT_FAILURE);
}

static void demand(struct bight_deferred *deferred)
{
    bight_deferred_add_errback(deferred, give_up, NULL);
    bight_deferred_release(deferred);
}

static void connect_all(struct bight_result *result, void *context)
{
    struct load *load = context;
    char endpoint[32];
    struct bight_address address;
    (void)bight_port_address(bight_result_peek(result, &bight_type_port), &address);
    (void)snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", address.port);
    for (int i = 0; i < CONNECTIONS; i++) {
        demand(bight_connect(load->reactor, endpoint, &load->pingers));
    }
}

/* Messages a second, both directions counted. */
static double measure(struct bight_reactor *reactor, size_t messages)
{
    struct load load = { .echo = BIGHT_FACTORY(struct bight_protocol, &bight_echo_ops),
        .pingers = BIGHT_FACTORY(struct bight_protocol, &pinger_ops),
        .reactor = reactor,
        .limit = messages };
    load.pingers.context = &load;
    struct bight_deferred *listening = bight_listen(reactor, "tcp:0:interface=127.0.0.1", &load.echo);
    bight_deferred_add_callback(listening, connect_all, &load);
    demand(listening);
    double start = now();
    bight_reactor_run(reactor);
    double seconds = now() - start;
    bight_reactor_free(reactor);
    return 2.0 * (double)load.messages / seconds;
}

static double measure_simulation(size_t messages, uint64_t *hash)
{
    struct bight_simulation *simulation = bight_simulation_new(1);
    struct bight_host *host = bight_simulation_host(simulation, "host");
    double rate = measure(bight_host_reactor(host), messages);
    *hash = bight_simulation_trace_hash(simulation);
    bight_simulation_free(simulation);
    return rate;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 1;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    size_t real_messages = FIRST_MESSAGES, simulated_messages = FIRST_MESSAGES;
    uint64_t hash = 0;
    for (int round = 0; round <= ROUNDS; round++) {
        double real = measure(bight_reactor_new(), real_messages);
        double simulated = measure_simulation(simulated_messages, &hash);
        if (round == 0) { /* finds how many fill the time */
            printf("trace hash after %d messages %016llx\n", FIRST_MESSAGES, (unsigned long long)hash);
        } else {
            printf("loopback %.0f/s  simulation %.0f/s  ratio %.2f\n", real, simulated, simulated / real);
        }
        real_messages = (size_t)(real * seconds / 2) + 1;
        simulated_messages = (size_t)(simulated * seconds / 2) + 1;
    }
    return EXIT_SUCCESS;
}
