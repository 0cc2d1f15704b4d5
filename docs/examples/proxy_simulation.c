/* SPDX-License-Identifier: MIT */
/* proxy_simulation.c - proxy.c on a simulated network: whoever gets an answer through it gets the whole of it, whatever
 * breaks. A scenario for the explorer. */
#include "proxy.h"

#include <bight/testing/explorer.h>

#include <string.h>

enum { MAX_BYTES = 200000, TALKS = 5 };

static struct bight_simulation *network;
static struct bight_reactor *client;
static size_t answered, under_way;
static const char *wrong;

/* The server says the whole back when it has heard the client's end, which only half-closing can bring. */
static void echo_all(struct bight_result *result, void *context)
{
    struct bight_stream *stream = context;
    if (bight_await(bight_stream_read_all(stream, MAX_BYTES), result) == 0) {
        bight_transport_write_bytes(bight_stream_transport(stream), result->value);
    }
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    (void)context;
    return bight_spawn(bight_stream_reactor(stream), echo_all, stream);
}

static void ask(struct bight_stream *stream, struct bight_result *result)
{
    static uint8_t text[MAX_BYTES];
    size_t size = bight_simulation_draw(network, sizeof text);
    for (size_t i = 0; i < size; i++) {
        text[i] = (uint8_t)(i * i >> 8);
    }
    bight_stream_write(stream, text, size);
    bight_stream_write_eof(stream);
    if (bight_await(bight_stream_read_all(stream, MAX_BYTES), result) == 0) {
        answered++;
        if (bight_bytes_size(result->value) != size || memcmp(bight_bytes_data(result->value), text, size) != 0) {
            wrong = "an answer is not what was said, and ended in good order";
        }
    }
}

static void talk(struct bight_result *result, void *context)
{
    (void)context;
    under_way++;
    if (bight_await(bight_open_stream(client, "tcp:proxy:4000"), result) == 0) {
        struct bight_stream *stream = bight_result_take(result, &bight_type_stream);
        ask(stream, result);
        bight_stream_abort(stream);
        bight_stream_release(stream);
    }
    under_way--;
    bight_result_clear(result);
}

/* The first talk is on a good network, the others on a bad one, on which the proxy's machine lacks room too. */
static const char *converse(struct bight_host *proxy)
{
    const struct bight_link_conditions link = {
        .latency = 0.02, .jitter = 0.03, .split = 200, .join = 200, .reset = 5, .refuse = 200
    };
    const struct bight_kernel_conditions kernel = { .short_write = 200, .would_block = 100, .send_buffer = 8192 };
    for (size_t i = 0; i < TALKS; i++) {
        bight_deferred_release(bight_spawn(client, talk, NULL));
        if (i == 0) {
            bight_simulation_run(network, 10);
            bight_simulation_link(network, NULL, NULL, &link);
            bight_host_kernel(proxy, &kernel);
            wrong = answered == 1 ? wrong : "there is no answer, and nothing that kept it";
        }
    }
    bight_simulation_run(network, 300);
    return under_way == 0 ? wrong : "a talk does not end";
}

static const char *proxying(struct bight_simulation *simulation, void *context)
{
    struct bight_stream_factory servers = BIGHT_STREAM_FACTORY(struct bight_stream, serve, NULL);
    struct bight_host *proxy = bight_simulation_host(simulation, "proxy");
    struct bight_reactor *between = bight_host_reactor(proxy);
    struct bight_reactor *server = bight_host_reactor(bight_simulation_host(simulation, "server"));
    (void)context;
    network = simulation;
    client = bight_host_reactor(bight_simulation_host(simulation, "client"));
    answered = under_way = 0;
    wrong = NULL;
    proxy_factory.context = (void *)"tcp:server:4000";
    bight_serve(server, "tcp:4000", &servers.base);
    bight_serve(between, "tcp:4000", &proxy_factory);
    const char *found = converse(proxy);
    bight_reactor_free(client);
    bight_reactor_free(between);
    bight_reactor_free(server);
    return found;
}

int main(int argc, char **argv)
{
    const struct bight_scenario scenario = { "proxying", proxying, NULL };
    return bight_explorer_main(&scenario, 1, argc, argv);
}
