/* SPDX-License-Identifier: MIT */
/* bight/protocols/http_events.h - answers that do not end: streams of server-sent events (A13), to one and to many.
 *
 *     static void follow(struct bight_http_request *request, void *context)
 *     {
 *         bight_http_event_channel_add(context, bight_http_respond_events(request, NULL));
 *     }
 *     ...
 *     bight_http_event_channel_send_text(channel, "price", "42");
 *
 * The format is WHATWG HTML's, section 9.2, which a page reads with EventSource. That connects again by itself when a
 * stream has ended, and says which event it got last (bight_http_request_last_event_id), so ending a stream is never
 * wrong. A stream sends a comment now and then, so that no proxy takes it for dead and a client that has vanished is
 * noticed; it ends when the port is drained (H9); and what waits for a client that does not keep up is bounded.
 *
 * bight/publisher.h, which writes to connections as they are, does not fit here: an answer has chunks around its
 * pieces. Only in the reactor's thread, but for events. */
#ifndef BIGHT_PROTOCOLS_HTTP_EVENTS_H
#define BIGHT_PROTOCOLS_HTTP_EVENTS_H

#include <bight/protocols/http_respond.h>

BIGHT_BEGIN

struct bight_http_event_channel;
struct bight_http_event_stream;

/* --------------------------------------------------------------------------------------------- events */

/* One that is written down once, however many get it. Counted; made, held and released in any thread. */
struct bight_http_event;

/* `id` (NULL: none; "": forget the last one) is what a client will say it got last, at most 256 bytes; `type` (NULL or
 * "": `message`) is what it is called there; neither may hold CR, LF or NUL: a usage error. `data` is UTF-8 text, of
 * any lines; their ends (CR, LF, CRLF) are LF for who reads it. NULL: the id alone, of which the page is not told. NULL
 * when out of memory, and for what is not UTF-8. */
BIGHT_API BIGHT_MUST_USE struct bight_http_event *bight_http_event_new(
    const char *id, const char *type, const void *data, size_t size);
BIGHT_API struct bight_http_event *bight_http_event_hold(struct bight_http_event *event);
BIGHT_API void bight_http_event_release(struct bight_http_event *event);

/* --------------------------------------------------------------------------------------------- streams */

/* What happens to an event for a client that does not take what it was sent before. */
enum bight_http_event_policy {
    BIGHT_HTTP_EVENT_DROP_CLIENT, /* its connection is aborted; it connects again, and says which one it got last */
    BIGHT_HTTP_EVENT_SKIP         /* it does not get this one, nor others, until it has taken what waits */
};

struct bight_http_event_options {
    size_t size;      /* sizeof(struct bight_http_event_options) */
    double heartbeat; /* seconds between comments: 15. INFINITY: none are sent */
    uint32_t retry;   /* milliseconds after which the client is to connect again. 0: as it likes, mostly after 3 s */
    size_t limit;     /* bytes that may wait for the client: 256 KiB, never under 64. Past it the policy decides */
    enum bight_http_event_policy policy;
    /* Called once when the stream ends but by the program's own closing and releasing: the client has left, was
     * dropped, or the port is being drained. Every call answers CLOSED by then. */
    void (*gone)(struct bight_http_event_stream *stream, void *context);
    /* The client has taken what waited, and `missed` events were skipped meanwhile. NULL: it is sent an event `gap`,
     * whose data is that number. Neither is called inside a call of the program's. */
    void (*caught_up)(struct bight_http_event_stream *stream, uint64_t missed, void *context);
    void *context;
    const void *reserved[4];
};

/* Answers with a stream of events: 200, text/event-stream, and, unless they have been set before, `Cache-Control:
 * no-store` and `X-Accel-Buffering: no`. The options may be NULL, and are not kept. One hold is the caller's. The time
 * of a route with one ends its streams, too.
 *
 * NULL: there is no stream, and nothing is left to be done. The client has gone, or asked for the head alone; the port
 * is being drained, and the stream has ended at once; or there was no memory, and the exchange has been aborted. For an
 * answer that there is already, and for options that cannot be, NULL is a usage error. The functions below accept it.
 */
BIGHT_API BIGHT_MUST_USE struct bight_http_event_stream *bight_http_respond_events(
    struct bight_http_request *request, const struct bight_http_event_options *options);

/* With its last hold an open stream ends, as closed. */
BIGHT_API struct bight_http_event_stream *bight_http_event_stream_hold(struct bight_http_event_stream *stream);
BIGHT_API void bight_http_event_stream_release(struct bight_http_event_stream *stream);

/* Sends an event. 0; CLOSED, as of NULL; OVERFLOW: the policy has decided; OUT_OF_MEMORY, and then the connection has
 * been aborted, unless it is that the event is NULL. */
BIGHT_API int bight_http_event_stream_send(struct bight_http_event_stream *stream, struct bight_http_event *event);

/* The same of one that nobody else gets. INVALID_ARGUMENT, too, for what no event may hold. */
BIGHT_API int bight_http_event_stream_send_text(
    struct bight_http_event_stream *stream, const char *type, const char *text);

/* A comment, of any lines, which a page is not told of. OVERFLOW: the client is behind, and does not get it. */
BIGHT_API int bight_http_event_stream_send_comment(struct bight_http_event_stream *stream, const char *text);

/* Tells the client, from now on, when to connect again: before many are closed at once, not all at the same time. */
BIGHT_API int bight_http_event_stream_send_retry(struct bight_http_event_stream *stream, uint32_t milliseconds);

/* Ends it, behind what was sent. EventSource connects again: one that is to stay away has to be told so by an event, or
 * is answered 204 the next time. 0 or CLOSED. */
BIGHT_API int bight_http_event_stream_close(struct bight_http_event_stream *stream);

BIGHT_API bool bight_http_event_stream_is_open(const struct bight_http_event_stream *stream);

/* The request that it answers; NULL when it is over. */
BIGHT_API struct bight_http_request *bight_http_event_stream_request(const struct bight_http_event_stream *stream);

/* What the client says it got last: the field Last-Event-ID, or, where there is none, the parameter `lastEventId` of
 * the query, with which a page can begin where it was left. It comes from a stranger: at most 256 bytes, UTF-8, no CR,
 * LF or NUL. NULL: it says nothing, or nothing of that kind. */
BIGHT_API const char *bight_http_request_last_event_id(struct bight_http_request *request);

/* ------------------------------------------------------------------------------------------- channels */

/* Streams that get the same. One leaves it when it ends. NULL when out of memory; the functions accept it. */
BIGHT_API BIGHT_MUST_USE struct bight_http_event_channel *bight_http_event_channel_new(void);

/* Closes its streams. Legal at any time. */
BIGHT_API void bight_http_event_channel_free(struct bight_http_event_channel *channel);

/* Takes the caller's hold of the stream, in any case. 0; CLOSED, as of NULL; USAGE for one that is in a channel;
 * OUT_OF_MEMORY for the NULL of a failed bight_http_event_channel_new. */
BIGHT_API int bight_http_event_channel_add(
    struct bight_http_event_channel *channel, struct bight_http_event_stream *stream);

/* To all of them; what becomes of it is each one's policy's. 0 or OUT_OF_MEMORY, of NULL. */
BIGHT_API int bight_http_event_channel_send(struct bight_http_event_channel *channel, struct bight_http_event *event);

/* The same. INVALID_ARGUMENT, too, for what no event may hold. */
BIGHT_API int bight_http_event_channel_send_text(
    struct bight_http_event_channel *channel, const char *type, const char *text);

/* Closes the streams that are in it. */
BIGHT_API void bight_http_event_channel_close(struct bight_http_event_channel *channel);

/* How many are in it. */
BIGHT_API size_t bight_http_event_channel_size(const struct bight_http_event_channel *channel);

BIGHT_END

#endif
