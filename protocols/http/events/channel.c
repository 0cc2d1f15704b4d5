/* SPDX-License-Identifier: MIT */
/* channel.c - streams that get the same events. A stream is linked in, so adding one needs no memory. */
#include <bight/memory.h>

#include "http/events/events.h"

struct bight_http_event_channel {
    struct bight_http_event_stream *first;
    size_t size;
    unsigned closing; /* calls that close streams, inside which the program may do anything */
    bool is_freed;
};

struct bight_http_event_channel *bight_http_event_channel_new(void)
{
    return bight_calloc(1, sizeof(struct bight_http_event_channel));
}

static void insert(struct bight_http_event_channel *channel, struct bight_http_event_stream *stream)
{
    stream->channel = channel;
    stream->next = channel->first;
    stream->previous = &channel->first;
    if (channel->first != NULL) {
        channel->first->previous = &stream->next;
    }
    channel->first = stream;
    channel->size++;
}

void bi_channel_remove(struct bight_http_event_stream *stream)
{
    *stream->previous = stream->next;
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    stream->channel->size--;
    stream->channel = NULL;
    bight_http_event_stream_release(stream);
}

int bight_http_event_channel_add(struct bight_http_event_channel *channel, struct bight_http_event_stream *stream)
{
    int code = BIGHT_OK;
    if (!bight_http_event_stream_is_open(stream)) {
        code = BIGHT_E_CLOSED;
    } else if (channel == NULL) {
        code = BIGHT_E_OUT_OF_MEMORY;
    } else if (stream->channel != NULL) {
        code = bi_http_usage(BIGHT_E_USAGE, "a channel of events: the stream is in one already");
    }
    if (code != BIGHT_OK) {
        bight_http_event_stream_release(stream);
        return code;
    }
    insert(channel, stream);
    return BIGHT_OK;
}

/* Nothing of the program's runs in here: what an event ends is told from the loop. */
int bight_http_event_channel_send(struct bight_http_event_channel *channel, struct bight_http_event *event)
{
    if (channel == NULL || event == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    for (struct bight_http_event_stream *stream = channel->first; stream != NULL; stream = stream->next) {
        (void)bight_http_event_stream_send(stream, event);
    }
    return BIGHT_OK;
}

int bight_http_event_channel_send_text(struct bight_http_event_channel *channel, const char *type, const char *text)
{
    int code;
    struct bight_http_event *event = bi_event_make(NULL, type, text, strlen(text), &code);
    if (code == BIGHT_OK) {
        code = bight_http_event_channel_send(channel, event);
    }
    bight_http_event_release(event);
    return code;
}

/* Each leaves first: closing one may run what is tied to its request, which may do anything, such as adding others or
 * freeing the channel. */
void bight_http_event_channel_close(struct bight_http_event_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    channel->closing++;
    for (size_t left = channel->size; left > 0 && channel->first != NULL; left--) {
        struct bight_http_event_stream *stream = bight_http_event_stream_hold(channel->first);
        bi_channel_remove(stream);
        (void)bight_http_event_stream_close(stream);
        bight_http_event_stream_release(stream);
    }
    if (--channel->closing == 0 && channel->is_freed) {
        bight_free(channel);
    }
}

void bight_http_event_channel_free(struct bight_http_event_channel *channel)
{
    if (channel != NULL) {
        channel->is_freed = true;
        bight_http_event_channel_close(channel);
    }
}

size_t bight_http_event_channel_size(const struct bight_http_event_channel *channel)
{
    return channel != NULL ? channel->size : 0;
}
