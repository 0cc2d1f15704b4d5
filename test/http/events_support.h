/* SPDX-License-Identifier: MIT */
/* events_support.h - a route that answers with a stream of events, and what its client reads. */
#ifndef BIGHT_TEST_HTTP_EVENTS_SUPPORT_H
#define BIGHT_TEST_HTTP_EVENTS_SUPPORT_H

#include "site_support.h"

#define LISTEN "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"

static struct bight_http_event_stream *stream; /* the last one that was begun */
static struct bight_http_event_options event_options;
static unsigned ended, caught_up; /* how often the program was told so */
static uint64_t missed;

static inline void has_gone(struct bight_http_event_stream *which, void *context)
{
    (void)context;
    ck_assert(!bight_http_event_stream_is_open(which));
    ck_assert_ptr_null(bight_http_event_stream_request(which));
    ck_assert_int_eq(bight_http_event_stream_send_text(which, NULL, "late"), BIGHT_E_CLOSED);
    ended++;
}

static inline void has_caught_up(struct bight_http_event_stream *which, uint64_t events, void *context)
{
    (void)context;
    caught_up++;
    missed = events;
    (void)bight_http_event_stream_send_text(which, "sorry", "again");
}

static inline void listen_to(struct bight_http_request *request, void *context)
{
    (void)context;
    stream = bight_http_respond_events(request, &event_options);
}

static inline void begin_events(void)
{
    stream = NULL;
    ended = caught_up = 0;
    missed = 0;
    event_options = (struct bight_http_event_options) { .size = sizeof event_options, .gone = has_gone };
    begin_site(NULL);
    add_route("/events", listen_to);
    connect_peer();
}

static inline void end_events(void)
{
    bight_http_event_stream_release(stream);
    stream = NULL;
    settle();
    end_site();
}

/* What has come of the stream since, without its chunks and, if it is there, its head; forgotten then. */
static inline const char *take_events(void)
{
    static char text[1 << 20];
    const char *answer = take_answer(), *body = strncmp(answer, "HTTP/", 5) == 0 ? body_of(answer) : answer;
    size_t size = 0;
    while (body != NULL && *body != '\0') {
        char *end;
        size_t chunk = strtoul(body, &end, 16);
        ck_assert_mem_eq(end, "\r\n", 2);
        ck_assert_uint_ge(strlen(end), chunk + 4);
        memcpy(text + size, end + 2, chunk);
        size += chunk;
        body = end + 2 + chunk + 2;
        ck_assert_mem_eq(body - 2, "\r\n", 2);
    }
    text[size] = '\0';
    return text;
}

/* As a port does that is being drained. */
static inline void drain(void)
{
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert(protocol->ops->drain(protocol));
    settle();
}

#endif
