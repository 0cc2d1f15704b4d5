/* SPDX-License-Identifier: MIT */
/* ws_echo.c - returns each message of a WebSocket, at any path.
 *
 * Usage: ws_echo ENDPOINT [LIMIT [deflate|takeover]], LIMIT the most bytes that a message may have, 0: the default */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>
#include <bight/protocols/websocket.h>

static void echo_text(struct bight_websocket *socket, const char *text, size_t size)
{
    (void)bight_websocket_send_text(socket, text, size);
}

static void echo_binary(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)bight_websocket_send_binary(socket, data, size);
}

static const struct bight_websocket_ops echo_ops = { .text_received = echo_text, .binary_received = echo_binary };
static struct bight_websocket_options options = { .size = sizeof options };
static struct bight_websocket_factory echoes =
    BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &echo_ops, &options);

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: ws_echo ENDPOINT [LIMIT [deflate|takeover]]\n");
        return 64;
    }
    options.message_limit = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    options.deflate = argc > 3;
    options.takeover = argc > 3 && strcmp(argv[3], "takeover") == 0;
    struct bight_http_site *site = bight_http_site_new();
    (void)bight_websocket_route(site, "/{path...}", &echoes);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
