/* SPDX-License-Identifier: MIT */
/* ws_echo.c - says back what it is told, over WebSocket: ws://localhost:8888/echo */
#include <bight/bight.h>
#include <bight/protocols/http.h>
#include <bight/protocols/websocket.h>

static void echo(struct bight_websocket *socket, const char *text, size_t size)
{
    bight_websocket_send_text(socket, text, size);
}

static const struct bight_websocket_ops echo_ops = { .text_received = echo };
static struct bight_websocket_factory echoes = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &echo_ops);

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    bight_websocket_route(site, "/echo", &echoes);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
