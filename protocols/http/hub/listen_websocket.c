/* SPDX-License-Identifier: MIT */
/* listen_websocket.c - a topic's messages to a WebSocket, each framed once for all that get it. What it could not take
 * is told when the program says that there is room. */
#include "http/hub/hub.h"

static bool tell(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    struct bight_http_hub_message *told = (struct bight_http_hub_message *)(uintptr_t)message;
    (void)subscription;
    return bight_websocket_send_message(context, bi_hub_message_frame(told)) == BIGHT_OK;
}

static bool tell_gap(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    (void)subscription;
    return bight_websocket_sendf(context, "{\"id\":\"%s\",\"gap\":true}", id) == BIGHT_OK;
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
