/* SPDX-License-Identifier: MIT */
/* ws_broadcast.c - what any WebSocket sends goes to every WebSocket, framed once; or is published by a hub, whose
 * listeners all sockets are.
 *
 * Usage: ws_broadcast ENDPOINT [hub] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bight/bight.h>
#include <bight/protocols/http.h>
#include <bight/protocols/websocket.h>

struct member {
    struct bight_websocket base;
    size_t index;
    struct bight_http_hub_subscription *subscription;
};

enum { MOST = 65536 };

static struct member *members[MOST];
static size_t count;
static struct bight_http_hub *hub;

static void opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    struct member *member = bight_websocket_self(struct member, socket);
    (void)request;
    if (count == MOST) {
        exit(1);
    }
    member->index = count;
    members[count++] = member;
    if (hub != NULL) {
        member->subscription = bight_http_hub_subscribe_websocket(hub, "all", NULL, socket, NULL);
    }
}

static void received(struct bight_websocket *socket, enum bight_websocket_kind kind, const void *data, size_t size)
{
    (void)socket;
    if (hub != NULL) {
        bight_deferred_release(bight_http_hub_publish(hub, "all", data, size));
        return;
    }
    struct bight_websocket_message *message = bight_websocket_message_new(kind, data, size);
    for (size_t i = 0; i < count; i++) {
        (void)bight_websocket_send_message(&members[i]->base, message);
    }
    bight_websocket_message_release(message);
}

static void text_received(struct bight_websocket *socket, const char *text, size_t size)
{
    received(socket, BIGHT_WEBSOCKET_TEXT, text, size);
}

static void binary_received(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    received(socket, BIGHT_WEBSOCKET_BINARY, data, size);
}

static void closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    struct member *member = bight_websocket_self(struct member, socket);
    (void)code;
    (void)reason;
    (void)clean;
    members[member->index] = members[--count];
    members[member->index]->index = member->index;
    bight_http_hub_unsubscribe(member->subscription);
}

static const struct bight_websocket_ops ops = {
    .opened = opened, .text_received = text_received, .binary_received = binary_received, .closed = closed
};
static struct bight_websocket_factory factory = BIGHT_WEBSOCKET_FACTORY(struct member, &ops);

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: ws_broadcast ENDPOINT [hub]\n");
        return 64;
    }
    struct bight_reactor *reactor = bight_reactor_new();
    hub = argc > 2 && strcmp(argv[2], "hub") == 0 ? bight_http_hub_new(reactor, NULL) : NULL;
    struct bight_http_site *site = bight_http_site_new();
    (void)bight_websocket_route(site, "/{path...}", &factory);
    bight_serve(reactor, argv[1], bight_http_site_factory(site));
    int status = bight_reactor_run(reactor);
    bight_http_hub_free(hub);
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
