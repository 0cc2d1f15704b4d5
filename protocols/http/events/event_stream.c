/* SPDX-License-Identifier: MIT */
/* event_stream.c - an answer that is a stream of events: its life, its heartbeat, clients that do not keep up (A13).
 *
 * It stands on the answer's own functions alone (stream.c), so that whatever sits there, sits below it. What waits for
 * a client waits in its transport, of which no more than the limit is made use of: there is no second queue. A client
 * whose queue is longer is waited for as any other writer waits (drain.c). The program is told of nothing inside its
 * own calls: a drain that has to wait fires from the loop, and the end of an exchange comes from there, too, unless the
 * program brings it about. */
#include <bight/log.h>
#include <bight/memory.h>

#include <math.h>
#include <stdio.h>

#include "http/events/events.h"
#include "http/message/event.h"
#include "http/message/utf8.h"

#define HEARTBEAT 15.0
#define LIMIT ((size_t)262144)
#define LEAST_LIMIT ((size_t)65536) /* so much may gather before anything is tried: below, no client is slow */

static struct bight_http_event_stream *stream_of(struct bi_http_watcher *watcher)
{
    return (struct bight_http_event_stream *)(void *)watcher;
}

/* -------------------------------------------------------------------------------------------- its life */

struct bight_http_event_stream *bight_http_event_stream_hold(struct bight_http_event_stream *stream)
{
    if (stream != NULL) {
        stream->holds++;
    }
    return stream;
}

static void finish(struct bight_http_event_stream *stream)
{
    if (bight_http_event_stream_is_open(stream)) {
        (void)bight_http_respond_finish(stream->request);
    }
}

/* The last hold while it is not over is its own, and nobody else can send anything any more. */
void bight_http_event_stream_release(struct bight_http_event_stream *stream)
{
    if (stream == NULL) {
        return;
    }
    stream->holds--;
    if (stream->holds == 0) {
        bight_free(stream);
    } else if (stream->holds == 1 && stream->request != NULL) {
        stream->gone = NULL;
        finish(stream);
    }
}

int bight_http_event_stream_close(struct bight_http_event_stream *stream)
{
    if (!bight_http_event_stream_is_open(stream)) {
        return BIGHT_E_CLOSED;
    }
    stream->gone = NULL;
    finish(stream);
    return BIGHT_OK;
}

/* The exchange has come to its end, of whatever kind. */
static void over(struct bi_http_watcher *watcher)
{
    struct bight_http_event_stream *stream = stream_of(watcher);
    struct bight_http_request *request = stream->request;
    stream->request = NULL;
    bight_timer_cancel(stream->timer);
    bi_request_end_pending(request);
    if (stream->channel != NULL) {
        bi_channel_remove(stream);
    }
    if (stream->gone != NULL) {
        stream->gone(stream, stream->context);
    }
    bight_http_event_stream_release(stream);
}

/* H9: who listens connects again, to who is there then. */
static void draining(struct bi_http_watcher *watcher)
{
    finish(stream_of(watcher));
}

bool bight_http_event_stream_is_open(const struct bight_http_event_stream *stream)
{
    return stream != NULL && stream->request != NULL && bight_http_request_is_open(stream->request);
}

struct bight_http_request *bight_http_event_stream_request(const struct bight_http_event_stream *stream)
{
    return stream != NULL ? stream->request : NULL;
}

/* ------------------------------------------------------------------------------------- slow clients */

/* Of an open one. */
static bool is_behind(const struct bight_http_event_stream *stream)
{
    return stream->missed > 0 || bight_transport_queued(bight_http_request_transport(stream->request)) > stream->limit;
}

static void tell_gap(struct bight_http_event_stream *stream, uint64_t missed)
{
    char text[64];
    int size = snprintf(text, sizeof text, "event: gap\ndata: %llu\n\n", (unsigned long long)missed);
    (void)bight_http_respond_write(stream->request, text, (size_t)size);
}

/* The client has taken what waited, or has gone; or there was no memory to wait. */
static void has_room(struct bight_result *result, void *context)
{
    struct bight_http_event_stream *stream = context;
    uint64_t missed = stream->missed;
    bool has_failed = bight_result_failure(result) != NULL;
    bight_result_discard(result);
    if (!bight_http_event_stream_is_open(stream)) {
        return;
    }
    if (has_failed) {
        bi_exchange_abort(stream->request);
        return;
    }
    stream->missed = 0;
    if (stream->caught_up == NULL) {
        tell_gap(stream, missed);
        return;
    }
    stream->holds++;
    stream->caught_up(stream, missed, stream->context);
    bight_http_event_stream_release(stream);
}

static void await_room(struct bight_http_event_stream *stream)
{
    struct bight_deferred *room = bight_http_respond_drain(stream->request);
    if (bight_deferred_add_both(room, has_room, stream) != BIGHT_OK) {
        bight_deferred_cancel(room);
        bi_exchange_abort(stream->request);
    }
    bight_deferred_release(room);
}

/* 0, or why the client does not get what there is for it now. */
static int check(const struct bight_http_event_stream *stream)
{
    if (!bight_http_event_stream_is_open(stream)) {
        return BIGHT_E_CLOSED;
    }
    return is_behind(stream) ? BIGHT_E_OVERFLOW : BIGHT_OK;
}

/* An event does not get to a client that is behind. */
static void miss(struct bight_http_event_stream *stream)
{
    if (stream->policy == BIGHT_HTTP_EVENT_DROP_CLIENT) {
        bi_exchange_abort(stream->request);
    } else if (++stream->missed == 1) {
        await_room(stream);
    }
}

/* -------------------------------------------------------------------------------------------- sending */

int bight_http_event_stream_send(struct bight_http_event_stream *stream, struct bight_http_event *event)
{
    int code = check(stream);
    if (event == NULL && code != BIGHT_E_CLOSED) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (code == BIGHT_E_OVERFLOW) {
        miss(stream);
    }
    return code == BIGHT_OK ? bight_http_respond_write_bytes(stream->request, bi_event_bytes(event)) : code;
}

int bight_http_event_stream_send_text(struct bight_http_event_stream *stream, const char *type, const char *text)
{
    int code;
    struct bight_http_event *event = bi_event_make(NULL, type, text, strlen(text), &code);
    if (code == BIGHT_OK) {
        code = bight_http_event_stream_send(stream, event);
    }
    bight_http_event_release(event);
    return code;
}

int bight_http_event_stream_send_comment(struct bight_http_event_stream *stream, const char *text)
{
    struct bi_view comment = bi_view_of(text);
    if (!bi_is_utf8(comment.at, comment.size)) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    int code = check(stream);
    if (code != BIGHT_OK) {
        return code;
    }
    char *written = bight_malloc(bi_event_write_comment(comment, NULL));
    if (written == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    code = bight_http_respond_write(stream->request, written, bi_event_write_comment(comment, written));
    bight_free(written);
    return code;
}

/* It is no event: a client that skips those is told all the same. */
int bight_http_event_stream_send_retry(struct bight_http_event_stream *stream, uint32_t milliseconds)
{
    return bight_http_event_stream_is_open(stream)
               ? bight_http_respond_writef(stream->request, "retry: %u\n\n", (unsigned)milliseconds)
               : BIGHT_E_CLOSED;
}

static void beat(void *context);

static void await_beat(struct bight_http_event_stream *stream)
{
    struct bight_http_request *request = stream->request;
    if (stream->heartbeat < INFINITY && bight_http_event_stream_is_open(stream) &&
        bight_call_later(bight_http_request_reactor(request), stream->heartbeat, beat, stream, &stream->timer) !=
            BIGHT_OK) {
        bi_exchange_abort(request); /* a client that has vanished would stay for ever */
    }
}

/* What waits for a client is sign enough. */
static void beat(void *context)
{
    struct bight_http_event_stream *stream = context;
    if (check(stream) == BIGHT_OK) {
        (void)bight_http_respond_write(stream->request, ":\n\n", 3);
    }
    await_beat(stream);
}

/* ------------------------------------------------------------------------------------------- beginning */

/* The member, of an older caller's struct too; 0 where there is none. */
#define GIVEN(options, member)                                                                                 \
    ((options) != NULL &&                                                                                      \
                (options)->size >= offsetof(struct bight_http_event_options, member) + sizeof(options)->member \
            ? (options)->member                                                                                \
            : 0)

static bool may_be(const struct bight_http_event_options *options)
{
    double heartbeat = GIVEN(options, heartbeat);
    enum bight_http_event_policy policy = GIVEN(options, policy);
    return heartbeat >= 0 && (policy == BIGHT_HTTP_EVENT_DROP_CLIENT || policy == BIGHT_HTTP_EVENT_SKIP);
}

static struct bight_http_event_stream *make(const struct bight_http_event_options *options)
{
    struct bight_http_event_stream *stream = bight_malloc(sizeof *stream);
    if (stream != NULL) {
        size_t limit = GIVEN(options, limit);
        double heartbeat = GIVEN(options, heartbeat);
        *stream = (struct bight_http_event_stream) {
            .watcher = { .draining = draining, .over = over },
            .holds = 2,
            .limit = limit == 0            ? LIMIT
                     : limit > LEAST_LIMIT ? limit
                                           : LEAST_LIMIT,
            .heartbeat = heartbeat > 0 ? heartbeat : HEARTBEAT,
            .policy = GIVEN(options, policy),
            .gone = GIVEN(options, gone),
            .caught_up = GIVEN(options, caught_up),
            .context = GIVEN(options, context),
        };
    }
    return stream;
}

static int set_unless_set(struct bight_http_request *request, const char *name, const char *value)
{
    size_t size;
    return bi_fields_find(&request->answer.fields, name, &size) != NULL ? BIGHT_OK
                                                                        : bight_http_respond_set(request, name, value);
}

/* The head. False: there is no stream, for whatever reason, and that was all. */
static bool begin(struct bight_http_request *request)
{
    if (set_unless_set(request, "Cache-Control", "no-store") != BIGHT_OK ||
        set_unless_set(request, "X-Accel-Buffering", "no") != BIGHT_OK) {
        bi_exchange_abort(request);
        return false;
    }
    if (bight_http_respond_begin(request, 200, "text/event-stream", -1) != BIGHT_OK) {
        return false;
    }
    if (request->answer.bodiless || request->connection->draining) {
        (void)bight_http_respond_finish(request);
        return false;
    }
    return true;
}

/* It is watched before it is begun, for that may fail: what is not told of its end would be a leak. */
static bool start(struct bight_http_event_stream *stream, struct bight_http_request *request)
{
    if (bi_drain_watch(request, NULL) != BIGHT_OK) {
        bi_exchange_abort(request);
        return false;
    }
    if (!begin(request)) {
        return false;
    }
    (void)bi_drain_watch(request, &stream->watcher);
    bi_request_begin_pending(request);
    stream->request = request;
    return true;
}

struct bight_http_event_stream *bight_http_respond_events(
    struct bight_http_request *request, const struct bight_http_event_options *options)
{
    if (!may_be(options)) {
        (void)bi_http_usage(BIGHT_E_INVALID_ARGUMENT, "a stream of events: a heartbeat or a policy that is none");
        return NULL;
    }
    if (bi_answer_check(request, 200) != BIGHT_OK) {
        return NULL;
    }
    struct bight_http_event_stream *stream = make(options);
    if (stream == NULL) {
        bi_exchange_abort(request);
        return NULL;
    }
    if (!start(stream, request)) {
        bight_free(stream);
        return NULL;
    }
    uint32_t retry = GIVEN(options, retry);
    if (retry > 0) {
        (void)bight_http_event_stream_send_retry(stream, retry);
    }
    await_beat(stream);
    return stream;
}
