/* SPDX-License-Identifier: MIT */
/* listen_events.c - a topic's messages as a stream of events. What a slow client could not take is not lost: it stands
 * in the history, and is told when the client has room again. */
#include <bight/memory.h>

#include <string.h>

#include "http/hub/hub.h"

struct listening {
    struct bight_http_hub_subscription *subscription; /* NULL: the hub has ended */
    struct bight_http_event_stream *stream;           /* NULL: it is being begun */
};

/* When out of memory the client is to come back for it. */
static bool took(const struct listening *listening, int code)
{
    if (code == BIGHT_E_OUT_OF_MEMORY && bight_http_event_stream_is_open(listening->stream)) {
        bight_http_respond_abort(bight_http_event_stream_request(listening->stream));
    }
    return code == BIGHT_OK;
}

static bool tell(
    struct bight_http_hub_subscription *subscription, const struct bight_http_hub_message *message, void *context)
{
    const struct listening *listening = context;
    (void)subscription;
    struct bight_http_event *event = bi_hub_message_event((struct bight_http_hub_message *)(uintptr_t)message);
    int code = bight_http_event_stream_send(listening->stream, event);
    return took(listening, code);
}

static bool tell_gap(struct bight_http_hub_subscription *subscription, const char *id, void *context)
{
    const struct listening *listening = context;
    (void)subscription;
    struct bight_http_event *event = bight_http_event_new(id, "gap", "lost", 4);
    int code = bight_http_event_stream_send(listening->stream, event);
    bight_http_event_release(event);
    return took(listening, code);
}

/* A stream that is on its way to its end, as one whose client was dropped, calls `client_has_gone` yet. */
static void end(struct listening *listening)
{
    struct bight_http_event_stream *stream = listening->stream;
    if (bight_http_event_stream_close(stream) == BIGHT_OK) {
        bight_free(listening);
        bight_http_event_stream_release(stream);
    }
}

static void hub_has_ended(struct bight_http_hub_subscription *subscription, void *context)
{
    struct listening *listening = context;
    (void)subscription;
    listening->subscription = NULL;
    if (listening->stream != NULL) {
        end(listening);
    }
}

static const struct bight_http_hub_listener listener = {
    .size = sizeof listener, .message = tell, .gap = tell_gap, .ended = hub_has_ended
};

static void client_has_gone(struct bight_http_event_stream *stream, void *context)
{
    struct listening *listening = context;
    bight_http_hub_unsubscribe(listening->subscription);
    bight_free(listening);
    bight_http_event_stream_release(stream);
}

static void client_has_room(struct bight_http_event_stream *stream, uint64_t missed, void *context)
{
    const struct listening *listening = context;
    (void)stream;
    (void)missed; /* that will be told */
    bight_http_hub_resume(listening->subscription);
}

/* What was given, of an older caller's struct too, with our own ends. */
static struct bight_http_event_options options_of(const struct bight_http_event_options *given, void *context)
{
    struct bight_http_event_options options = { .size = sizeof options };
    if (given != NULL) {
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
        options.size = sizeof options;
    }
    options.gone = client_has_gone;
    options.caught_up = client_has_room;
    options.context = context;
    return options;
}

static int begin(
    struct listening *listening, struct bight_http_request *request, const struct bight_http_event_options *given)
{
    struct bight_http_event_options options = options_of(given, listening);
    listening->stream = bight_http_respond_events(request, &options);
    if (listening->stream == NULL) {
        bight_http_hub_unsubscribe(listening->subscription);
        bight_free(listening);
        return BIGHT_E_CLOSED;
    }
    if (listening->subscription == NULL) { /* middleware that saw the head has freed the hub */
        end(listening);
        return BIGHT_E_CLOSED;
    }
    return BIGHT_OK;
}

int bight_http_hub_respond_events(struct bight_http_hub *hub, struct bight_http_request *request, const char *topic,
    const struct bight_http_event_options *options)
{
    int code = BIGHT_E_OUT_OF_MEMORY;
    struct listening *listening = bight_calloc(1, sizeof *listening);
    if (listening != NULL) {
        const char *after = bight_http_request_last_event_id(request);
        listening->subscription = bight_http_hub_subscribe(hub, topic, after, &listener, listening, &code);
    }
    if (listening != NULL && listening->subscription != NULL) {
        return begin(listening, request, options);
    }
    bight_free(listening);
    if (code == BIGHT_E_OUT_OF_MEMORY) {
        bight_http_respond_abort(request);
    }
    return code;
}
