/* SPDX-License-Identifier: MIT */
/* read.c - the reads that programs ask a stream for.
 *
 * Each makes its Deferred first and takes bytes only then, so that no lack of memory loses any. A read may be answered
 * inside its call, and another read in the handler of the first nests: a peer that sends many short lines at once would
 * decide how deep. So only some in a row are answered so; the next waits for a call on a later turn. */
#include <string.h>

#include <bight/memory.h>

#include "stream/stream.h"
#include "transport/transport.h"

/* ------------------------------------------------------------------------------------------- postponing */

static void answer_later(void *context)
{
    struct bight_stream *stream = context;
    stream->own->flags &= ~STREAM_POSTPONED;
    stream->own->flags |= STREAM_CALLED;
    stream->own->answered = 0;
    bi_stream_try_answer(stream);
    bi_stream_update_flow(stream);
}

/* After the call, which may have postponed the next read; or instead of it, when the reactor goes. */
static void leave_postponed(void *context)
{
    struct bight_stream *stream = context;
    if ((stream->own->flags & STREAM_CALLED) != 0) {
        stream->own->flags &= ~STREAM_CALLED;
    } else {
        stream->own->flags &= ~STREAM_POSTPONED;
        if ((stream->own->flags & STREAM_WAITING) != 0) {
            (void)bight_errback(bi_stream_end_read(stream), bight_failure_of(BIGHT_E_SHUTDOWN));
        }
    }
    bight_stream_release(stream);
}

static void postpone(struct bight_stream *stream)
{
    if ((stream->own->flags & STREAM_POSTPONED) != 0) {
        return;
    }
    bool is_ending = bi_reactor_is_ending(stream->base.transport->hub->reactor); /* then there is no later turn */
    int code = is_ending ? BIGHT_E_SHUTDOWN : bi_input_go_on_later(&stream->base, answer_later, leave_postponed);
    if (code == 0) {
        stream->own->flags |= STREAM_POSTPONED;
    } else {
        (void)bight_errback(bi_stream_end_read(stream), bight_failure_of(code));
    }
}

/* --------------------------------------------------------------------------------------------- reading */

static void cancel_read(struct bight_promise promise, void *context)
{
    struct bight_stream *stream = context;
    (void)promise;
    (void)bi_stream_end_read(stream);
    bi_stream_update_flow(stream);
}

/* What stands against a read; 0: nothing. */
static int find_obstacle(const char *place, const struct bight_stream *stream)
{
    if ((stream->own->flags & STREAM_WAITING) != 0) {
        return bi_usage_error(BIGHT_E_USAGE, place, "a read of a stream: another read waits already");
    }
    if (stream->base.transport->hub == NULL) {
        return stream->own->reason == NULL || (stream->own->flags & STREAM_CLOSING) != 0 ? BIGHT_E_CLOSED
                                                                                         : BIGHT_E_SHUTDOWN;
    }
    return bi_reactor_check_thread_at(place, stream->base.transport->hub->reactor, "a read of a stream");
}

static int set_separator(struct bight_stream *stream, const void *separator, size_t size)
{
    stream->own->separator_size = size;
    if (size == 0) {
        return BIGHT_OK;
    }
    stream->own->separator = bight_malloc(size);
    if (stream->own->separator == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(stream->own->separator, separator, size);
    return BIGHT_OK;
}

static void wait_for(struct bight_stream *stream, enum bi_stream_kind kind, size_t wanted)
{
    stream->own->kind = kind;
    stream->own->wanted = wanted;
    bi_input_search_anew(stream->own->input);
    stream->own->flags |= STREAM_WAITING;
    if (stream->own->answered >= BI_STREAM_ANSWERS) {
        postpone(stream);
    } else {
        bi_stream_try_answer(stream);
        stream->own->answered += (stream->own->flags & STREAM_WAITING) == 0;
    }
    bi_stream_update_flow(stream);
}

static struct bight_deferred *begin(const char *place, struct bight_stream *stream, enum bi_stream_kind kind,
    size_t wanted, const void *separator, size_t separator_size)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &promise, cancel_read, stream, NULL);
    if (!bight_promise_is_open(promise)) {
        return deferred;
    }
    int code = find_obstacle(place, stream);
    if (code == 0) {
        code = set_separator(stream, separator, separator_size);
    }
    if (code != 0) {
        (void)bight_errback_at(place, promise, bight_failure_of(code));
        return deferred;
    }
    stream->own->reader = promise;
    wait_for(stream, kind, wanted);
    return deferred;
}

struct bight_deferred *bight_stream_read_at(const char *place, struct bight_stream *stream, size_t limit)
{
    return begin(place, stream, STREAM_SOME, limit == 0 ? stream->own->buffer_limit : limit, NULL, 0);
}

struct bight_deferred *bight_stream_read_exactly_at(const char *place, struct bight_stream *stream, size_t size)
{
    if (size > stream->own->exact_limit) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_TOO_LONG));
    }
    return begin(place, stream, STREAM_EXACTLY, size, NULL, 0);
}

struct bight_deferred *bight_stream_read_until_at(
    const char *place, struct bight_stream *stream, const void *separator, size_t separator_size, size_t limit)
{
    if (separator_size == 0) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_stream_read_until: the separator is empty");
        return bight_fail_at(place, bight_failure_of(BIGHT_E_INVALID_ARGUMENT));
    }
    return begin(
        place, stream, STREAM_UNTIL, limit == 0 ? stream->own->buffer_limit : limit, separator, separator_size);
}

struct bight_deferred *bight_stream_read_line_at(const char *place, struct bight_stream *stream, size_t limit)
{
    size_t wanted = limit == 0 ? stream->own->buffer_limit : limit;
    return begin(place, stream, STREAM_LINE, wanted < SIZE_MAX / 2 ? wanted : SIZE_MAX / 2, NULL, 0);
}

struct bight_deferred *bight_stream_read_all_at(const char *place, struct bight_stream *stream, size_t limit)
{
    return begin(place, stream, STREAM_ALL, limit == 0 ? stream->own->exact_limit : limit, NULL, 0);
}

/* ----------------------------------------------------------------------------------- what is held */

bool bight_stream_at_end(const struct bight_stream *stream)
{
    return (stream->own->flags & STREAM_OVER) != 0 && bi_input_size(stream->own->input) == 0;
}

size_t bight_stream_buffered(const struct bight_stream *stream)
{
    return bi_input_size(stream->own->input);
}

size_t bight_stream_forget_input(struct bight_stream *stream)
{
    size_t size = bi_input_size(stream->own->input);
    bi_input_drop(&stream->own->input);
    size += bight_transport_forget_input(stream->base.transport);
    bi_stream_update_flow(stream);
    return size;
}

void bight_stream_set_limits(struct bight_stream *stream, size_t buffer_limit, size_t exact_limit)
{
    stream->own->buffer_limit = buffer_limit == 0 ? stream->own->buffer_limit : buffer_limit;
    stream->own->exact_limit = exact_limit == 0 ? stream->own->exact_limit : exact_limit;
    bi_stream_update_flow(stream);
}

void bight_stream_get_limits(const struct bight_stream *stream, size_t *buffer_limit, size_t *exact_limit)
{
    *buffer_limit = stream->own->buffer_limit;
    *exact_limit = stream->own->exact_limit;
}

int bight_stream_switch_protocol(struct bight_stream *stream, struct bight_protocol *protocol)
{
    struct bight_transport *transport = stream->base.transport;
    bight_stream_hold(stream);
    int code = bight_transport_switch_protocol(
        transport, protocol, bi_input_bytes(stream->own->input), bi_input_size(stream->own->input));
    if (code == 0 && (stream->own->flags & STREAM_LOST) == 0) {
        bi_stream_stop_input(stream);
    }
    bight_stream_release(stream);
    return code;
}
