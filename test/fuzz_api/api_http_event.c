/* SPDX-License-Identifier: MIT */
/* api_http_event.c - streams of events, alone and in channels, sent to, closed and released at any moment. What is sent
 * to a channel is numbered, so that clients see that nothing comes twice or out of its order (A13). */
#include "api_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 60, CHANNELS = 2 };

static struct listener {
    struct bight_http_event_stream *stream; /* while we have a hold */
    bool was_ended, has_gone;
} listeners[STREAMS];
static unsigned listener_count, sent;
static struct bight_http_event_channel *channels[CHANNELS];
static bool spoiled; /* a program wrote among them by other means */

void spoil_events(void)
{
    spoiled = true;
}

/* ------------------------------------------------------------------------------------------- streams */

static void has_gone(struct bight_http_event_stream *stream, void *context)
{
    struct listener *listener = context;
    (void)stream;
    if (listener->has_gone || listener->was_ended) {
        fuzz_fail(
            "a stream of events is told that it has gone, after it had %s", listener->has_gone ? "gone" : "ended");
    }
    listener->has_gone = true;
    act_inside((unsigned)(listener - listeners) * 359u, NULL);
}

static void caught_up(struct bight_http_event_stream *stream, uint64_t missed, void *context)
{
    (void)stream;
    if (missed == 0 || ((struct listener *)context)->has_gone) {
        fuzz_fail("a stream of events has caught up with nothing");
    }
    check_not_inside("the catching up of a stream of events");
    act_inside((unsigned)missed * 367u, NULL);
}

static void respond_events(struct asked *asked, struct fuzz_operation *operation)
{
    struct listener *listener = &listeners[listener_count];
    struct bight_http_event_options options = { .size = sizeof options,
        .heartbeat = fuzz_choose(operation, 2) == 0 ? 0.1 : 0,
        .limit = fuzz_choose(operation, 2) == 0 ? 1000 : 0,
        .policy = fuzz_choose(operation, 2) == 0 ? BIGHT_HTTP_EVENT_SKIP : BIGHT_HTTP_EVENT_DROP_CLIENT,
        .gone = has_gone,
        .caught_up = fuzz_choose(operation, 2) == 0 ? caught_up : NULL,
        .context = listener };
    if (listener_count == STREAMS || world.is_ending) {
        return;
    }
    listener_count++;
    (void)bight_http_request_last_event_id(asked->request);
    struct bight_http_event_stream *stream = bight_http_respond_events(asked->request, &options);
    if (stream == NULL) {
        listener->was_ended = true;
        return;
    }
    asked->began = asked->has_events = true;
    if (fuzz_choose(operation, 3) > 0) {
        (void)bight_http_event_channel_add(channels[fuzz_choose(operation, CHANNELS)], stream);
    } else {
        listener->stream = stream;
    }
}

static void end_listener(struct listener *listener)
{
    struct bight_http_event_stream *stream = listener->stream;
    listener->stream = NULL;
    if (stream != NULL) {
        bight_http_event_stream_release(stream);
    }
}

/* ----------------------------------------------------------------------------------------- operations */

static void use_channel(struct fuzz_operation *operation)
{
    struct bight_http_event_channel **channel = &channels[fuzz_choose(operation, CHANNELS)];
    static char text[3000];
    switch (fuzz_choose(operation, 8)) {
    case 0:
        bight_http_event_channel_close(*channel);
        break;
    case 1: {
        struct bight_http_event_channel *former = *channel;
        *channel = NULL;
        bight_http_event_channel_free(former);
        if (*channel == NULL) { /* it may have been used within */
            *channel = world.is_ending ? NULL : bight_http_event_channel_new();
        }
        break;
    }
    default:
        (void)snprintf(text, sizeof text, "c%u %0*d", sent++, (int)fuzz_choose(operation, 2900), 0);
        (void)bight_http_event_channel_send_text(*channel, fuzz_choose(operation, 2) == 0 ? NULL : "type", text);
        break;
    }
}

static void use_listener(struct listener *listener, struct fuzz_operation *operation)
{
    struct bight_http_event_stream *stream = bight_http_event_stream_hold(listener->stream);
    switch (fuzz_choose(operation, 7)) {
    case 0:
        listener->was_ended = bight_http_event_stream_close(stream) == 0 || listener->was_ended;
        break;
    case 1:
        end_listener(listener);
        break;
    case 2:
        (void)bight_http_event_stream_send_comment(stream, "a\nb");
        break;
    case 3:
        (void)bight_http_event_stream_send_retry(stream, 100);
        break;
    case 4:
        (void)bight_http_event_stream_request(stream);
        (void)bight_http_event_stream_is_open(stream);
        break;
    default:
        (void)bight_http_event_stream_send_text(stream, "one", "an event\nfor one");
        break;
    }
    bight_http_event_stream_release(stream);
}

void act_event_stream(struct fuzz_operation *operation, void *context)
{
    (void)context;
    struct asked *asked = find_asked(operation->subject);
    unsigned drawn = fuzz_choose(operation, 4);
    if (drawn == 0 && asked != NULL) {
        begin_use(asked);
        respond_events(asked, operation);
        end_use(asked);
    } else if (drawn < 3) {
        use_channel(operation);
    }
    for (unsigned i = 0; i < listener_count && drawn == 3; i++) {
        struct listener *listener = &listeners[(operation->subject + i) % listener_count];
        if (listener->stream != NULL) {
            use_listener(listener, operation);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------- clients */

/* A whole stream: the numbers rise. */
void check_events(const char *text, size_t size)
{
    static const char mark[] = "\ndata: c";
    long last = -1;
    const char *end = text + size;
    while (!spoiled && size > 0 && (text = memmem(text, (size_t)(end - text), mark, sizeof mark - 1)) != NULL) {
        text += sizeof mark - 1;
        long number = strtol(text, NULL, 10);
        if (number <= last || number >= (long)sent) {
            fuzz_fail("event %ld comes after event %ld", number, last);
        }
        last = number;
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(listeners, 0, sizeof listeners);
    listener_count = sent = 0;
    spoiled = false;
    for (unsigned i = 0; i < CHANNELS; i++) {
        channels[i] = bight_http_event_channel_new();
    }
}

static void check(void)
{
}

static void end(void)
{
    for (unsigned i = 0; i < listener_count; i++) {
        end_listener(&listeners[i]);
    }
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct bight_http_event_channel *channel = channels[i];
        channels[i] = NULL;
        bight_http_event_channel_free(channel);
    }
}

const struct part http_event_part = { begin, check, end, end };
