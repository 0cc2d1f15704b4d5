/* SPDX-License-Identifier: MIT */
/* write.c - a stream's output: waiting for room, and for the end.
 *
 * Waiters are in a ring of promises. For the waiters for room the stream is the transport's push producer, from the
 * first waiter until there is room or no waiter is left: a producer is told exactly what they want to know, and a
 * stream without them keeps the transport's own backpressure. There may be room inside one of the program's own calls,
 * so the promises are fired on a later turn. So are those of drains that would have been answered at once, when many
 * were: output that is sent at once never is above a mark, and writes and drains in handlers would pile up on the stack
 * and starve the rest. */
#include <bight/memory.h>

#include "deferred/promises.h"
#include "stream/stream.h"
#include "transport/state.h"

static struct bi_stream_waiters *waiters_of(struct bight_stream *stream)
{
    if (stream->own->waiters == NULL) {
        struct bi_stream_waiters *waiters = bight_calloc(1, sizeof *waiters);
        if (waiters == NULL) {
            return NULL;
        }
        waiters->stream = stream;
        bi_list_init(&waiters->drains);
        bi_list_init(&waiters->ends);
        stream->own->waiters = waiters;
    }
    return stream->own->waiters;
}

int bight_stream_write(struct bight_stream *stream, const void *data, size_t size)
{
    return bight_transport_write(stream->base.transport, data, size);
}

int bight_stream_vwritef(struct bight_stream *stream, const char *format, va_list arguments)
{
    return bight_transport_vwritef(stream->base.transport, format, arguments);
}

int bight_stream_writef(struct bight_stream *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int code = bight_stream_vwritef(stream, format, arguments);
    va_end(arguments);
    return code;
}

/* -------------------------------------------------------------------------------------------- draining */

void bi_stream_leave_producer(struct bight_stream *stream)
{
    if ((stream->own->flags & STREAM_PRODUCING) != 0) {
        stream->own->flags &= ~STREAM_PRODUCING;
        (void)bight_transport_unregister_producer(stream->own->transport);
    }
}

static bool has_room(const struct bight_transport *transport)
{
    size_t high = transport->extension == NULL ? BI_HIGH_WATERMARK : transport->extension->high;
    return bi_flow_queued(transport) <= high;
}

static void look_for_room(struct bi_task *task);

static void look_later(struct bi_stream_waiters *waiters)
{
    if (waiters->room.run == NULL) {
        bi_reactor_soon(waiters->stream->own->transport->hub->reactor, &waiters->room, look_for_room);
    }
}

static void resume(void *context)
{
    look_later(((struct bight_stream *)context)->own->waiters);
}

static void stop(void *context)
{
    ((struct bight_stream *)context)->own->flags &= ~STREAM_PRODUCING;
}

static const struct bight_producer_ops producer_ops = { .resume = resume, .stop = stop };

static int become_producer(struct bight_stream *stream)
{
    if ((stream->own->flags & STREAM_PRODUCING) != 0) {
        return BIGHT_OK;
    }
    int code = bight_transport_register_producer(stream->base.transport, &producer_ops, stream, true);
    stream->own->flags |= code == 0 ? STREAM_PRODUCING : 0;
    return code;
}

/* More may have been written meanwhile. What closing flushes is reported at the end. */
static void look_for_room(struct bi_task *task)
{
    struct bi_stream_waiters *waiters = BI_CONTAINER(task, struct bi_stream_waiters, room);
    struct bight_stream *stream = waiters->stream;
    bool is_room = has_room(stream->own->transport);
    if ((stream->own->flags & STREAM_CLOSING) != 0 || bi_list_is_empty(&waiters->drains)) {
        return;
    }
    int code = is_room ? BIGHT_OK : become_producer(stream);
    if (is_room || code != BIGHT_OK) {
        stream->own->answered = 0;
        bi_stream_leave_producer(stream);
        bi_promises_fire(&waiters->drains, code == BIGHT_OK ? NULL : bight_failure_of(code));
    }
}

static void nobody_waits(struct bi_link *drains)
{
    bi_stream_leave_producer(BI_CONTAINER(drains, struct bi_stream_waiters, drains)->stream);
}

static struct bight_deferred *wait_for_room(const char *place, struct bight_stream *stream)
{
    struct bi_stream_waiters *waiters = waiters_of(stream);
    int code = waiters == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
    if (code == BIGHT_OK && has_room(stream->own->transport)) {
        look_later(waiters);
    } else if (code == BIGHT_OK) {
        code = become_producer(stream);
    }
    return code == BIGHT_OK ? bi_promises_add(place, &waiters->drains, nobody_waits)
                            : bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_stream_drain_at(const char *place, struct bight_stream *stream)
{
    struct bight_transport *transport = stream->base.transport;
    if (!bight_transport_is_open(transport) || (stream->own->flags & STREAM_LOST) != 0) {
        const struct bight_failure *reason = (stream->own->flags & STREAM_CLOSING) == 0 ? stream->own->reason : NULL;
        return bight_fail_at(place, reason == NULL ? bight_failure_of(BIGHT_E_CLOSED) : bight_failure_hold(reason));
    }
    if (stream->own->answered < BI_STREAM_ANSWERS && has_room(transport)) {
        stream->own->answered++;
        return bight_succeed_at(place, NULL, NULL);
    }
    return wait_for_room(place, stream);
}

int bight_stream_write_eof(struct bight_stream *stream)
{
    return bight_transport_lose_write(stream->base.transport);
}

/* --------------------------------------------------------------------------------------------- closing */

int bi_stream_begin_close(struct bight_stream *stream)
{
    bi_stream_stop_input(stream);
    bi_stream_leave_producer(stream);
    return bight_transport_lose_connection(stream->base.transport);
}

struct bight_deferred *bight_stream_close_at(const char *place, struct bight_stream *stream)
{
    if ((stream->own->flags & STREAM_LOST) != 0) {
        return bight_succeed_at(place, NULL, NULL);
    }
    if (bi_stream_begin_close(stream) != 0) {
        return bight_succeed_at(place, NULL, NULL);
    }
    struct bi_stream_waiters *waiters = waiters_of(stream);
    if (waiters == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    return bi_promises_add(place, &waiters->ends, NULL);
}

void bight_stream_abort(struct bight_stream *stream)
{
    if ((stream->own->flags & STREAM_LOST) == 0) {
        bi_stream_stop_input(stream);
        (void)bight_transport_abort_connection(stream->base.transport);
    }
}

const struct bight_failure *bight_stream_reason(const struct bight_stream *stream)
{
    return (stream->own->flags & STREAM_LOST) == 0 ? NULL : stream->own->reason;
}

/* What was written before a close gracefully has gone out. */
void bi_stream_tell_waiters(struct bight_stream *stream)
{
    struct bi_stream_waiters *waiters = stream->own->waiters;
    if (waiters == NULL) {
        return;
    }
    if (waiters->room.run != NULL) {
        bi_reactor_unqueue(stream->own->transport->hub->reactor, &waiters->room);
    }
    bool flushed = (stream->own->flags & STREAM_CLOSING) != 0 &&
                   bight_failure_code(stream->own->reason) == BIGHT_E_CONNECTION_DONE;
    stream->own->waiters = NULL;
    bi_promises_fire(&waiters->drains, flushed ? NULL : stream->own->reason);
    bi_promises_fire(&waiters->ends, NULL);
    bight_free(waiters);
}
