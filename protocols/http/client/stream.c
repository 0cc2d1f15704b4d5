/* SPDX-License-Identifier: MIT */
/* stream.c - the body of a response that is read as it comes (C1): pulled by Deferreds, or pushed to a consumer.
 *
 * What nobody has asked for yet waits here, what comes in one turn at most (64 KiB), and the server behind its
 * connection, which is not read meanwhile. What is compressed waits as it came, and is undone as far as it is wanted: a
 * little of it may stand for much. The stream outlives its exchange: it belongs to the response, and goes with it. */
#include "http/client/stream.h"

#include <bight/memory.h>

#include "http/client/decode.h"

#define MOST_AT_ONCE 65536
#define PIECE 16384 /* of what is undone, */
#define PIECES_PER_TURN 16

struct bi_body_stream {
    struct bight_http_response *response;
    struct bight_http_call *call; /* NULL: nothing more comes */
    struct bight_reactor *reactor;
    struct bi_http_buffer kept;    /* has come, and was not wanted */
    struct bi_decoder *decoder;    /* NULL: it comes as it is meant */
    struct bi_http_buffer encoded; /* has come, and not been undone */
    uint64_t limit;                /* of what comes of it */
    bool has_come;                 /* anything */
    struct bight_failure *failure; /* how it has ended; NULL: it has not, or whole */
    struct bight_promise promise;  /* of a read */
    size_t wanted;
    const struct bight_http_response_consumer *consumer; /* NULL: none */
    void *context;
    bool is_blocked;           /* the consumer wants no more for now */
    struct bight_timer coming; /* what is kept, and the end, are pushed on a coming turn */
    uint32_t holds;            /* of the response that are ours, while what is ours is on the stack */
};

static struct bi_body_stream *stream_of(struct bight_http_response *response)
{
    return response == NULL || response->origin == NULL ? NULL : bi_received_origin(response)->stream;
}

/* Until `leave`, which may free the stream. */
static void enter(struct bi_body_stream *stream)
{
    (void)bight_http_response_hold(stream->response);
    stream->holds++;
}

static void leave(struct bi_body_stream *stream)
{
    stream->holds--;
    bight_http_response_release(stream->response);
}

int bi_body_stream_begin(struct bight_http_call *call)
{
    struct bi_body_stream *stream = bight_calloc(1, sizeof *stream);
    if (stream == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    stream->response = call->response;
    stream->call = call;
    stream->reactor = call->client->reactor;
    stream->decoder = call->decoder;
    stream->limit = call->settings.body != 0 ? call->settings.body : UINT64_MAX;
    call->decoder = NULL;
    call->stream = bi_received_origin(call->response)->stream = stream;
    return BIGHT_OK;
}

void bi_body_stream_free(struct bi_body_stream *stream)
{
    struct bight_http_call *call = stream->call;
    stream->call = NULL;
    if (call != NULL) {
        call->stream = NULL;
        call->response = NULL;
        bi_call_end(call);
    }
    (void)bight_timer_cancel(stream->coming);
    (void)bight_abandon(stream->promise);
    bi_http_buffer_free(&stream->kept);
    bi_http_buffer_free(&stream->encoded);
    bi_decoder_free(stream->decoder);
    bight_failure_release(stream->failure);
    bight_free(stream);
}

bool bi_body_stream_is_full(const struct bi_body_stream *stream)
{
    bool is_pushed = stream->consumer != NULL && !stream->is_blocked;
    return bi_http_buffer_size(&stream->kept) > 0 || bi_http_buffer_size(&stream->encoded) > 0 ||
           (!is_pushed && !bight_promise_is_open(stream->promise));
}

/* Its connection may be read again, and is on a coming turn. */
static void go_on(struct bi_body_stream *stream)
{
    struct bi_client_connection *connection = stream->call != NULL ? stream->call->connection : NULL;
    if (connection != NULL && connection->is_paused && !bi_body_stream_is_full(stream)) {
        connection->is_paused = false;
        connection->since = bi_limits_stamp(stream->call->client);
        (void)bight_transport_resume(connection->base.transport);
    }
}

/* ------------------------------------------------------------------------------------------- undoing */

/* What it was meant to be cannot be told. With a hold of the response: this may be told at once. */
static void fail_to_decode(struct bi_body_stream *stream, int code, const char *why)
{
    struct bight_failure *failure = bight_failure_new(code, 0, NULL, "%s", why);
    if (stream->call != NULL) {
        bi_call_fail(stream->call, failure);
    } else {
        stream->failure = failure;
    }
}

/* The next piece of what has come into `kept`, which is empty. 0, more has to come, or a code. */
static int decode(struct bi_body_stream *stream)
{
    struct bi_view input = { bi_http_buffer_data(&stream->encoded), bi_http_buffer_size(&stream->encoded) };
    uint8_t *room = bi_http_buffer_room(&stream->kept, PIECE);
    size_t size = PIECE;
    if (room == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bi_decoder_read(stream->decoder, &input, room, &size, stream->limit);
    stream->kept.end += code == BIGHT_OK ? size : 0;
    stream->encoded.start = stream->encoded.end - input.size;
    if (input.size == 0) {
        bi_http_buffer_free(&stream->encoded);
    }
    return code;
}

/* Something is kept, perhaps now. With a hold of the response. */
static bool has_more(struct bi_body_stream *stream)
{
    if (bi_http_buffer_size(&stream->kept) > 0 || stream->decoder == NULL || stream->failure != NULL) {
        return bi_http_buffer_size(&stream->kept) > 0;
    }
    int code = decode(stream);
    if (code != BIGHT_OK) {
        fail_to_decode(stream, code, bi_decoder_why(code));
    } else if (bi_http_buffer_size(&stream->kept) == 0) {
        bi_http_buffer_free(&stream->kept);
        if (stream->call == NULL && stream->has_come && !bi_decoder_is_whole(stream->decoder)) {
            fail_to_decode(stream, BIGHT_E_INCOMPLETE, "the response's body ends within what is compressed");
        }
    }
    return bi_http_buffer_size(&stream->kept) > 0;
}

/* ------------------------------------------------------------------------------------------- pulled */

/* From the beginning of what is kept. NULL when out of memory. */
static struct bight_bytes *take_kept(struct bi_body_stream *stream, size_t wanted)
{
    struct bi_http_buffer *kept = &stream->kept;
    size_t size = bi_http_buffer_size(kept) < wanted ? bi_http_buffer_size(kept) : wanted;
    struct bight_bytes *bytes = bight_bytes_new(bi_http_buffer_data(kept), size);
    if (bytes != NULL) {
        kept->start += size;
    }
    if (bi_http_buffer_size(kept) == 0) {
        bi_http_buffer_free(kept);
    }
    return bytes;
}

static struct bight_deferred *answer_at_once(struct bi_body_stream *stream, size_t wanted)
{
    if (bi_http_buffer_size(&stream->kept) == 0 && stream->failure != NULL) {
        return bight_fail(bight_failure_hold(stream->failure));
    }
    struct bight_bytes *bytes = take_kept(stream, wanted);
    return bytes != NULL ? bight_succeed(&bight_type_bytes, bytes)
                         : bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
}

struct bight_deferred *bight_http_response_read(struct bight_http_response *response, size_t limit)
{
    struct bi_body_stream *stream = stream_of(response);
    if (stream == NULL || stream->consumer != NULL || bight_promise_is_open(stream->promise)) {
        static const char why[] = "the body of a response: it is not streamed, or is being read";
        return bight_fail(bight_failure_new(bi_http_usage(BIGHT_E_USAGE, why), 0, NULL, "%s", why));
    }
    struct bight_deferred *deferred;
    size_t wanted = limit == 0 || limit > MOST_AT_ONCE ? MOST_AT_ONCE : limit;
    enter(stream);
    if (has_more(stream) || stream->call == NULL) {
        deferred = answer_at_once(stream, wanted);
    } else {
        deferred = bight_deferred_new(&stream->promise, NULL, NULL);
        stream->wanted = wanted;
    }
    go_on(stream);
    leave(stream);
    return deferred;
}

/* The Deferred's handlers may do anything, free the stream among it. */
static void answer_read(struct bi_body_stream *stream)
{
    struct bight_promise promise = stream->promise;
    struct bight_bytes *bytes = take_kept(stream, stream->wanted);
    stream->promise = (struct bight_promise) { .slot = NULL };
    if (bytes != NULL) {
        (void)bight_callback(promise, &bight_type_bytes, bytes);
    } else {
        (void)bight_errback(promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

/* ------------------------------------------------------------------------------------------- pushed */

/* The last thing that a consumer is told. */
static void push_end(struct bi_body_stream *stream)
{
    const struct bight_http_response_consumer *consumer = stream->consumer;
    stream->consumer = NULL;
    if (stream->failure == NULL && consumer->end != NULL) {
        consumer->end(stream->response, stream->context);
    } else if (stream->failure != NULL && consumer->failed != NULL) {
        consumer->failed(stream->response, stream->failure, stream->context);
    }
}

/* What is kept, if the consumer takes it. */
static void push_kept(struct bi_body_stream *stream)
{
    struct bi_http_buffer kept = stream->kept;
    stream->kept = (struct bi_http_buffer) { .bytes = NULL };
    if (stream->consumer->data != NULL) {
        stream->is_blocked = !stream->consumer->data(
            stream->response, bi_http_buffer_data(&kept), bi_http_buffer_size(&kept), stream->context);
    }
    bi_http_buffer_free(&kept);
}

/* If the program has released the response meanwhile, the consumer may be gone. */
static bool is_pushed(const struct bi_body_stream *stream)
{
    bool is_dropped = stream->response->holds == stream->holds;
    return stream->consumer != NULL && !stream->is_blocked && !is_dropped;
}

static int push_soon(struct bi_body_stream *stream);

/* What there is, as far as the consumer takes it, then the end. With a hold of the response. */
static void push_all(struct bi_body_stream *stream)
{
    int pieces = 0;
    while (is_pushed(stream) && pieces < PIECES_PER_TURN && has_more(stream) && is_pushed(stream)) {
        push_kept(stream);
        pieces++;
    }
    if (!is_pushed(stream)) {
        return;
    }
    if (pieces == PIECES_PER_TURN) {
        if (push_soon(stream) != BIGHT_OK) {
            fail_to_decode(stream, BIGHT_E_OUT_OF_MEMORY, bi_decoder_why(BIGHT_E_OUT_OF_MEMORY));
        }
    } else if (stream->call == NULL) {
        push_end(stream);
    }
}

static void push(void *context)
{
    struct bi_body_stream *stream = context;
    enter(stream);
    push_all(stream);
    go_on(stream);
    leave(stream);
}

static int push_soon(struct bi_body_stream *stream)
{
    return bight_timer_is_pending(stream->coming) ? BIGHT_OK
                                                  : bight_call_later(stream->reactor, 0, push, stream, &stream->coming);
}

int bight_http_response_consume(
    struct bight_http_response *response, const struct bight_http_response_consumer *consumer, void *context)
{
    struct bi_body_stream *stream = stream_of(response);
    if (stream == NULL || stream->consumer != NULL || bight_promise_is_open(stream->promise)) {
        return bi_http_usage(BIGHT_E_USAGE, "the body of a response: it is not streamed, or is being read");
    }
    int code = push_soon(stream);
    if (code == BIGHT_OK) {
        stream->consumer = consumer;
        stream->context = context;
        stream->is_blocked = false;
    }
    return code;
}

void bight_http_response_resume(struct bight_http_response *response)
{
    struct bi_body_stream *stream = stream_of(response);
    if (stream == NULL || stream->consumer == NULL || !stream->is_blocked) {
        return;
    }
    stream->is_blocked = false;
    if (push_soon(stream) != BIGHT_OK && stream->call != NULL) {
        bi_call_fail(stream->call, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

/* ------------------------------------------------------------------------------------------- what comes */

/* Of what is compressed. With a hold of the response. */
static void take_encoded(struct bi_body_stream *stream)
{
    if (bight_promise_is_open(stream->promise)) {
        if (has_more(stream)) {
            answer_read(stream);
        }
    } else if (is_pushed(stream) && !bight_timer_is_pending(stream->coming)) {
        push_all(stream);
    }
}

static void take(struct bi_body_stream *stream, struct bi_view piece)
{
    struct bi_http_buffer *into = stream->decoder != NULL ? &stream->encoded : &stream->kept;
    stream->has_come = true;
    if (stream->decoder == NULL && is_pushed(stream) && bi_http_buffer_size(&stream->kept) == 0) {
        if (stream->consumer->data != NULL) {
            stream->is_blocked = !stream->consumer->data(stream->response, piece.at, piece.size, stream->context);
        }
    } else if (bi_http_buffer_append(into, piece.at, piece.size) != BIGHT_OK) {
        bi_call_fail(stream->call, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (stream->decoder != NULL) {
        take_encoded(stream);
    } else if (bight_promise_is_open(stream->promise)) {
        answer_read(stream);
    }
}

void bi_body_stream_put(struct bight_http_call *call, struct bi_view piece)
{
    struct bi_body_stream *stream = call->stream;
    enter(stream);
    take(stream, piece);
    leave(stream);
}

/* A read is told at once, a consumer too, unless it has to be told of data first. */
static void tell_end(struct bi_body_stream *stream)
{
    enter(stream);
    stream->call = NULL;
    if (bight_promise_is_open(stream->promise)) {
        if (!has_more(stream) && stream->failure != NULL) {
            struct bight_promise promise = stream->promise;
            stream->promise = (struct bight_promise) { .slot = NULL };
            (void)bight_errback(promise, bight_failure_hold(stream->failure));
        } else {
            answer_read(stream);
        }
    } else if (is_pushed(stream) && !bight_timer_is_pending(stream->coming)) {
        push_all(stream);
    }
    leave(stream);
}

void bi_body_stream_end(struct bi_body_stream *stream)
{
    tell_end(stream);
}

void bi_body_stream_fail(struct bi_body_stream *stream, struct bight_failure *failure)
{
    stream->failure = failure;
    tell_end(stream);
}
