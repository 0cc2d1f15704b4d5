/* SPDX-License-Identifier: MIT */
/* hub.c - a hub: what one publishes all subscribers hear, and one that does not keep up is dropped.
 *
 * Usage: hub ENDPOINT [BYTES], which may wait for one subscriber. A client says "subscribe", "publish TEXT" or
 * "figures". */
#include <bight/bight.h>
#include <bight/protocols/line.h>
#include <bight/publisher.h>

#include <stdlib.h>
#include <string.h>

static struct bight_publisher *hub;

static void send_figures(struct bight_line_receiver *client)
{
    struct bight_publisher_figures figures = { .size = sizeof figures };
    bight_publisher_read_figures(hub, &figures);
    bight_line_sendf(
        client, "%zu subscribe, %lu were dropped", figures.subscribers, (unsigned long)figures.dropped_subscribers);
}

static void line_received(struct bight_line_receiver *client, const char *line, size_t size)
{
    (void)size;
    if (strncmp(line, "publish ", 8) == 0) {
        bight_publishf(hub, "%s\r\n", line + 8);
    } else if (strcmp(line, "subscribe") == 0) {
        bight_publisher_subscribe(hub, &client->base, NULL);
    } else if (strcmp(line, "figures") == 0) {
        send_figures(client);
    } else {
        bight_line_send_text(client, "subscribe, publish TEXT or figures, please");
    }
}

static const struct bight_line_ops ops = { .line_received = line_received };
static struct bight_line_factory clients = BIGHT_LINE_FACTORY(struct bight_line_receiver, &ops);

int main(int argc, char **argv)
{
    struct bight_publisher_options options = { .size = sizeof options, .policy = BIGHT_DROP_SUBSCRIBER };
    options.byte_limit = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    hub = bight_publisher_new(&options);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:4001", &clients.base);
    int status = hub != NULL ? bight_reactor_run(reactor) : 71;
    bight_reactor_free(reactor);
    bight_publisher_free(hub);
    return status;
}
