/* SPDX-License-Identifier: MIT */
/* listen_websocket.c - a topic's messages to a WebSocket, each framed once for all that get it. What it could not take
 * is told when the program says that there is room.
 *
 * The transport tells of room only when it has been above its mark behind an attempt to send. What a turn sends at
 * once, as a whole history to somebody who comes back, may fill it without one; so it is looked at again on the next
 * turn, behind which that has been made. */
#include <bight/reactor.h>

#include "http/hub/hub.h"

/* What is below the mark is not told of. */
static void look_for_room(void *context)
{
    struct bight_http_hub_subscription *subscription = context;
    struct bight_transport *transport = bight_websocket_transport(subscription->context);
    size_t low, high;
    bight_transport_get_watermarks(transport, &low, &high);
    if (bight_transport_queued(transport) <= high) {
        bight_http_hub_resume(subscription);
    }
}

/* When out of memory the client is to come back for it. */
static bool took(struct bight_http_hub_subscription *subscription, int code)
{
    struct bight_websocket *socket = subscription->context;
    if (code == BIGHT_E_OVERFLOW && bight_websocket_is_open(socket)) {
        code = bight_call_later(bight_websocket_reactor(socket), 0, look_for_room, subscription, &subscription->timer);
        code = code == BIGHT_OK ? BIGHT_E_OVERFLOW : code;
    }
    if (code == BIGHT_E_OUT_OF_MEMORY) {
        (void)bight_transport_abort_connection(bight_websocket_transport(socket));
    }
    return code == BIGHT_OK;
}

static bool tell(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    struct bight_http_hub_message *told = (struct bight_http_hub_message *)(uintptr_t)message;
    return took(subscription, bight_websocket_send_message(context, bi_hub_message_frame(told)));
}

static bool tell_gap(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    return took(subscription, bight_websocket_sendf(context, "{\"id\":\"%s\",\"gap\":true}", id));
}

static void hub_has_ended(struct bight_http_hub_subscription *subscription, void *context)
{
    (void)subscription;
    (void)bight_websocket_close(context, BIGHT_WEBSOCKET_GOING_AWAY, NULL);
}

static const struct bight_http_hub_listener listener = {
    .size = sizeof listener, .message = tell, .gap = tell_gap, .ended = hub_has_ended
};

static void release_socket(void *socket)
{
    bight_websocket_release(socket);
}

struct bight_http_hub_subscription *bight_http_hub_subscribe_websocket(
    struct bight_http_hub *hub, const char *topic, const char *after, struct bight_websocket *socket, int *code)
{
    struct bight_http_hub_subscription *subscription =
        bight_http_hub_subscribe(hub, topic, after, &listener, socket, code);
    if (subscription != NULL) {
        (void)bight_websocket_hold(socket);
        subscription->release = release_socket;
        subscription->is_kept = true;
        subscription->holds++;
    }
    return subscription;
}
