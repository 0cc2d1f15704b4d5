/* SPDX-License-Identifier: MIT */
/* stream.c - a stream as a protocol: what the connection brings is kept here until it is read.
 *
 * Reads and their answers are in read.c and answer.c, output and the end in write.c, factories in
 * factory.c. The one idea: bytes are in the buffer, and at most one read waits for them; whenever either
 * changes, bi_stream_try_answer is asked. A chunk that a waiting read wants whole never gets into the buffer, so a
 * stream that waits holds no memory. The buffer grows while a read wants more and no further than the limit otherwise:
 * then the transport is paused. */
#include <bight/memory.h>

#include "stream/stream.h"

/* If a postponed read counted as one that waits, a peer that sends short lines would decide how much is held: each turn
 * takes the answers of some out and would let a whole chunk in. */
void bi_stream_update_flow(struct bight_stream *stream)
{
    bool pause = bi_input_size(stream->own->input) > stream->own->buffer_limit && !bi_stream_wants_bytes(stream);
    if (pause == ((stream->own->flags & STREAM_PAUSED) != 0) || (stream->own->flags & (STREAM_LOST | STREAM_CLOSING))) {
        return;
    }
    stream->own->flags ^= STREAM_PAUSED;
    if (pause) {
        (void)bight_transport_pause(stream->base.transport);
    } else {
        (void)bight_transport_resume(stream->base.transport);
    }
}

void bi_stream_stop_input(struct bight_stream *stream)
{
    stream->own->flags |= STREAM_CLOSING;
    bi_input_drop(&stream->own->input);
}

/* --------------------------------------------------------------------------------------------- events */

static struct bight_stream *stream_of(struct bight_protocol *protocol)
{
    return (struct bight_stream *)protocol;
}

static void set_memory(struct bight_protocol *protocol, void *memory)
{
    stream_of(protocol)->own = memory;
}

static void connection_made(struct bight_protocol *protocol)
{
    const struct bight_stream_factory *factory = (const struct bight_stream_factory *)protocol->factory;
    struct bight_stream *stream = stream_of(protocol);
    stream->own->transport = protocol->transport;
    stream->own->buffer_limit = BI_STREAM_BUFFER_LIMIT;
    stream->own->exact_limit = BI_STREAM_EXACT_LIMIT;
    bight_stream_set_limits(stream, factory->buffer_limit, factory->exact_limit);
    bi_stream_serve(stream);
}

/* The whole of a chunk is what a read waits for. */
static bool hand_over(struct bight_stream *stream, const uint8_t *data, size_t size)
{
    if (!bi_stream_wants_bytes(stream) || stream->own->kind != STREAM_SOME || stream->own->input != NULL ||
        size > stream->own->wanted) {
        return false;
    }
    struct bight_bytes *bytes = bight_bytes_new(data, size);
    if (bytes == NULL) {
        return false;
    }
    (void)bight_callback(bi_stream_end_read(stream), &bight_type_bytes, bytes);
    return true;
}

/* A piece that cannot be stored would leave a gap in the stream. */
static void run_out_of_memory(struct bight_stream *stream)
{
    if (stream->own->reason == NULL) {
        stream->own->reason = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    (void)bight_transport_abort_connection(stream->base.transport);
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct bight_stream *stream = stream_of(protocol);
    stream->own->answered = 0;
    if (!hand_over(stream, data, size)) {
        if (bi_input_append(&stream->own->input, data, size) != BIGHT_OK) {
            run_out_of_memory(stream);
            return;
        }
        bi_stream_try_answer(stream);
    }
    bi_stream_update_flow(stream);
}

static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct bight_stream *stream = stream_of(protocol);
    stream->own->flags |= STREAM_ENDED;
    stream->own->answered = 0;
    bi_stream_try_answer(stream);
    bi_stream_client_left(stream, BIGHT_CANCEL_AT_END);
    return true;
}

static void end(struct bight_stream *stream)
{
    stream->own->flags |= STREAM_LOST;
    stream->own->answered = 0;
    bi_stream_try_answer(stream);
    bi_stream_tell_waiters(stream);
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct bight_stream *stream = stream_of(protocol);
    if (stream->own->reason == NULL) {
        stream->own->reason = bight_failure_hold(reason);
    }
    if (bight_failure_code(stream->own->reason) == BIGHT_E_CONNECTION_DONE) {
        stream->own->flags |= STREAM_ENDED;
    }
    end(stream);
    bi_stream_client_left(stream, BIGHT_CANCEL_AT_LOSS);
}

static void protocol_replaced(struct bight_protocol *protocol)
{
    struct bight_stream *stream = stream_of(protocol);
    bi_stream_stop_input(stream);
    stream->own->reason = bight_failure_of(BIGHT_E_CLOSED);
    bi_stream_leave_producer(stream);
    if ((stream->own->flags & STREAM_PAUSED) != 0) {
        (void)bight_transport_resume(stream->own->transport);
    }
    end(stream);
}

/* What cannot be given back, since the peer has ended, is forgotten: it has not come through the layer. */
static void return_input(struct bight_protocol *protocol)
{
    struct bight_stream *stream = stream_of(protocol);
    struct bight_input *input = bi_input_take(&stream->own->input);
    (void)bight_transport_give_back(stream->own->transport, bi_input_bytes(input), bi_input_size(input));
    bight_free(input);
    bi_stream_update_flow(stream);
}

static void finish(struct bight_protocol *protocol)
{
    struct bight_stream *stream = stream_of(protocol);
    bi_input_drop(&stream->own->input);
    bight_failure_release(stream->own->reason);
}

const struct bight_protocol_ops bight_stream_protocol_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .connection_lost = connection_lost,
    .read_connection_lost = read_connection_lost,
    .protocol_replaced = protocol_replaced,
    .finish = finish,
    .return_input = return_input,
    .memory_size = sizeof(struct bight_stream_state),
    .set_memory = set_memory,
};
