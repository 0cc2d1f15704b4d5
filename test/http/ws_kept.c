/* SPDX-License-Identifier: MIT */
/* ws_kept.c - a client whose messages are compressed with takeover, for servers that are not bight's: says messages
 * that are alike, and some that are not, to one that says them back. Ends with 0 when all have come as they were.
 *
 *     ws_kept URL WINDOW-BITS */
#include <bight/bight.h>
#include <bight/protocols/websocket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGES 200

struct client {
    struct bight_websocket base;
    unsigned said;
    size_t size;
    char message[5000];
};

static void say(struct client *client)
{
    int size = snprintf(
        client->message, sizeof client->message, "{\"number\":%u,\"kind\":\"price\",\"of\":\"ACME\"}", client->said);
    client->size = (size_t)size;
    if (client->said % 7 == 3) { /* beyond any small window */
        for (; client->size < sizeof client->message; client->size++) {
            client->message[client->size] = (char)('a' + (client->size * client->said * 2654435761u >> 7) % 26);
        }
    }
    client->said++;
    (void)bight_websocket_send_text(&client->base, client->message, client->size);
}

static void opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    (void)request;
    say(bight_websocket_self(struct client, socket));
}

static void heard(struct bight_websocket *socket, const char *text, size_t size)
{
    struct client *client = bight_websocket_self(struct client, socket);
    if (size != client->size || memcmp(text, client->message, size) != 0) {
        fprintf(stderr, "ws_kept: message %u has come as another one\n", client->said);
        exit(1);
    }
    if (client->said == MESSAGES) {
        (void)bight_websocket_close(socket, 0, NULL);
    } else {
        say(client);
    }
}

static void closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    printf("%u messages, closed: %u %s%s\n", bight_websocket_self(struct client, socket)->said, code, reason,
        clean ? "" : "unclean");
    bight_reactor_stop(bight_websocket_reactor(socket));
}

static void fail(struct bight_result *result, void *reactor)
{
    char text[300];
    struct bight_failure *failure = bight_result_take_failure(result);
    bight_failure_format(failure, text, sizeof text);
    bight_failure_release(failure);
    fprintf(stderr, "ws_kept: %s\n", text);
    bight_reactor_fail(reactor, 69);
    bight_reactor_stop(reactor);
}

int main(int argc, char **argv)
{
    static const struct bight_websocket_ops ops = { .opened = opened, .text_received = heard, .closed = closed };
    if (argc != 3) {
        fprintf(stderr, "usage: ws_kept URL WINDOW-BITS\n");
        return 64;
    }
    const struct bight_websocket_options options = {
        .size = sizeof options, .deflate = true, .takeover = true, .window_bits = (unsigned char)atoi(argv[2])
    };
    struct bight_websocket_factory factory = BIGHT_WEBSOCKET_FACTORY_FULL(struct client, &ops, &options);
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_deferred *connecting = bight_websocket_connect(reactor, argv[1], &factory, NULL);
    bight_deferred_add_errback(connecting, fail, reactor);
    bight_deferred_release(connecting);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    return status;
}
