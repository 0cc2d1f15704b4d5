/* SPDX-License-Identifier: MIT */
/* ws_peer.c - a site with WebSockets for clients that are not bight's: /echo, /kept, which keeps what it compresses by,
 * /close, which closes with what it is told
 * ("4000 reason"), /all, whose messages go to all that are there; and a page for browsers.
 *
 *     ws_peer ENDPOINT [PAGE] */
#include <bight/bight.h>
#include <bight/protocols/http.h>
#include <bight/protocols/websocket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bight_websocket_options large = {
    .size = sizeof large, .message_limit = (uint64_t)16 << 20, .deflate = true
};

static void echo_text(struct bight_websocket *socket, const char *text, size_t size)
{
    (void)bight_websocket_send_text(socket, text, size);
}

static void echo_binary(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    (void)bight_websocket_send_binary(socket, data, size);
}

static const struct bight_websocket_ops echo_ops = { .text_received = echo_text, .binary_received = echo_binary };
static struct bight_websocket_factory echoes = BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &echo_ops, &large);

static const struct bight_websocket_options kept = {
    .size = sizeof kept, .deflate = true, .takeover = true, .window_bits = 11
};
static struct bight_websocket_factory kept_echoes =
    BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &echo_ops, &kept);

static void close_as_told(struct bight_websocket *socket, const char *text, size_t size)
{
    char *reason;
    unsigned long code = strtoul(text, &reason, 10);
    (void)size;
    (void)bight_websocket_close(socket, (unsigned)code, *reason != '\0' ? reason + 1 : NULL);
}

static const struct bight_websocket_ops close_ops = { .text_received = close_as_told };
static struct bight_websocket_factory closers = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &close_ops);

/* ---------------------------------------------------------------------------------------------- to all */

struct member {
    struct bight_websocket base;
    struct member *next, *previous;
};

static struct member all = { .next = &all, .previous = &all };

static void join(struct bight_websocket *socket, struct bight_http_request *request)
{
    struct member *member = bight_websocket_self(struct member, socket);
    (void)request;
    member->next = &all;
    member->previous = all.previous;
    member->previous->next = all.previous = member;
}

static void leave(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    struct member *member = bight_websocket_self(struct member, socket);
    (void)code;
    (void)reason;
    (void)clean;
    member->next->previous = member->previous;
    member->previous->next = member->next;
}

static void tell_all(struct bight_websocket *socket, const char *text, size_t size)
{
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, text, size);
    (void)socket;
    for (struct member *member = all.next; member != &all; member = member->next) {
        (void)bight_websocket_send_message(&member->base, message);
    }
    bight_websocket_message_release(message);
}

static const struct bight_websocket_ops all_ops = { .opened = join, .text_received = tell_all, .closed = leave };
static struct bight_websocket_factory members = BIGHT_WEBSOCKET_FACTORY(struct member, &all_ops);

/* --------------------------------------------------------------------------------------------- the site */

static const char *page;

static void show_page(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_file(request, page);
}

/* What the page loads until it has said all. */
static struct bight_http_request *held;

static void hold(struct bight_http_request *request, void *context)
{
    (void)context;
    held = bight_http_request_hold(request);
}

static void let_go(struct bight_http_request *request, void *context)
{
    (void)context;
    if (held != NULL) {
        (void)bight_http_respond_empty(held, 204);
        bight_http_request_release(held);
        held = NULL;
    }
    (void)bight_http_respond_empty(request, 204);
}

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

int main(int argc, char **argv)
{
    static const char *const subprotocols[] = { "two", "one", NULL };
    static const struct bight_websocket_accept_options options = { .size = sizeof options,
        .subprotocols = subprotocols };
    if (argc < 2) {
        fprintf(stderr, "usage: ws_peer ENDPOINT [PAGE]\n");
        return 64;
    }
    struct bight_http_site *site = bight_http_site_new();
    page = argc > 2 ? argv[2] : "";
    (void)bight_http_route(site, "GET /", say_hello, NULL);
    (void)bight_http_route(site, "GET /page", show_page, NULL);
    (void)bight_http_route(site, "GET /held", hold, NULL);
    (void)bight_http_route(site, "GET /said", let_go, NULL);
    (void)bight_websocket_route_full(site, "/echo", &echoes, &options);
    (void)bight_websocket_route(site, "/kept", &kept_echoes);
    (void)bight_websocket_route(site, "/close", &closers);
    (void)bight_websocket_route(site, "/all", &members);
    struct bight_reactor *reactor = bight_reactor_new();
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status;
}
