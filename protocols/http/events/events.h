/* SPDX-License-Identifier: MIT */
/* events.h - what the files of server-sent events share. */
#ifndef BI_HTTP_EVENTS_H
#define BI_HTTP_EVENTS_H

#include <bight/protocols/http_events.h>

#include "http/server/answer.h"

struct bight_http_event_stream {
    struct bi_http_watcher watcher;     /* of its answer */
    struct bight_http_request *request; /* pending; NULL: it is over */
    size_t holds;                       /* the program's, and one while it is not over */
    size_t limit;
    uint64_t missed; /* since the client does not keep up; 0: it does */
    double heartbeat;
    struct bight_timer timer;
    enum bight_http_event_policy policy;
    void (*gone)(struct bight_http_event_stream *stream, void *context);
    void (*caught_up)(struct bight_http_event_stream *stream, uint64_t missed, void *context);
    void *context;
    struct bight_http_event_channel *channel; /* NULL: none; else it has a hold */
    struct bight_http_event_stream *next, **previous;
};

/* event.c: an event as it is written; NULL, and *code says why, if there is none. `type` as of bight_http_event_new. */
struct bight_http_event *bi_event_make(const char *id, const char *type, const void *data, size_t size, int *code);
/* Its bytes, which it is. */
static inline struct bight_bytes *bi_event_bytes(struct bight_http_event *event)
{
    return (struct bight_bytes *)(void *)event;
}

/* channel.c: the stream, which is in a channel, leaves it. */
void bi_channel_remove(struct bight_http_event_stream *stream);

#endif
