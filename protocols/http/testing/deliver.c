/* SPDX-License-Identifier: MIT */
/* deliver.c - says an answer: at once, a byte at a time, or piece by piece as the connection has room; and does what is
 * to come then.
 *
 * What waits for time has the talk's one timer. A reset comes when all that was written has left: the last byte is lent
 * to the transport, which says when. */
#include "http/testing/misbehaving.h"

#define MOST_AT_ONCE ((size_t)16 << 10)

static struct bight_transport *transport_of(const struct bi_talk *talk)
{
    return talk->base.transport;
}

/* Without memory for a timer the connection ends. */
static void call_later(struct bi_talk *talk, double seconds, void (*function)(void *context))
{
    if (seconds == 0) {
        function(talk);
    } else if (bight_call_later(bight_transport_reactor(transport_of(talk)), seconds, function, talk, &talk->timer) !=
               BIGHT_OK) {
        (void)bight_transport_abort_connection(transport_of(talk));
    }
}

/* ------------------------------------------------------------------------------------------- the end */

static unsigned end_of(const struct bi_talk *talk)
{
    if (talk->script.end != BI_NOT_SAID) {
        return (unsigned)talk->script.end;
    }
    return bi_choice(talk->script.framing) == BI_FRAMED_CLOSE ? BI_CLOSE : BI_STAY;
}

void bi_talk_end(struct bi_talk *talk, unsigned end)
{
    if (end == BI_CLOSE) {
        (void)bight_transport_lose_connection(transport_of(talk));
    } else if (end == BI_RESET) {
        (void)bight_transport_abort_connection(transport_of(talk));
    } else if (talk->said >= bi_http_buffer_size(&talk->answer.bytes) && !talk->answer.is_endless) {
        bi_talk_ready(talk);
    }
}

static void end_now(struct bi_talk *talk)
{
    bi_talk_end(talk, end_of(talk));
}

static void has_left(void *context)
{
    struct bi_talk *talk = context;
    void (*then)(struct bi_talk * talk) = talk->then;
    if (bight_transport_is_open(transport_of(talk))) {
        then(talk);
    }
    bight_protocol_release(&talk->base);
}

/* Goes on with `then`, if that is to be a reset as soon as the bytes have left. */
static void write_and_then(struct bi_talk *talk, const uint8_t *data, size_t size, void (*then)(struct bi_talk *talk))
{
    if (size == 0 || end_of(talk) != BI_RESET) {
        (void)bight_transport_write(transport_of(talk), data, size);
        then(talk);
        return;
    }
    (void)bight_transport_write(transport_of(talk), data, size - 1);
    talk->then = then;
    talk->last = data[size - 1];
    bight_protocol_hold(&talk->base);
    if (bight_transport_write_lent(transport_of(talk), &talk->last, 1, has_left, talk) != BIGHT_OK) {
        bight_protocol_release(&talk->base);
    }
}

static void say_what_is_unasked(void *context)
{
    struct bi_talk *talk = context;
    const struct bi_http_buffer *unasked = &talk->script.unasked;
    write_and_then(talk, bi_http_buffer_data(unasked), bi_http_buffer_size(unasked), end_now);
}

static void has_said_all(struct bi_talk *talk)
{
    if (talk->is_pulled) {
        talk->is_pulled = false;
        (void)bight_transport_unregister_producer(transport_of(talk));
    }
    bi_talk_said(talk);
    call_later(talk, talk->script.after, say_what_is_unasked);
}

/* ---------------------------------------------------------------------------------------- the answer */

/* What is next, at most `most` bytes of it; *is_last: behind it there is nothing. */
static struct bi_view next_piece(const struct bi_talk *talk, size_t most, bool *is_last)
{
    const struct bi_answer *answer = &talk->answer;
    size_t size = bi_http_buffer_size(&answer->bytes), period = size - answer->repeated;
    uint64_t end = answer->is_endless ? UINT64_MAX : size;
    end = talk->script.cut < end ? talk->script.cut : end;
    size_t at = talk->said < size ? (size_t)talk->said : answer->repeated + (talk->said - size) % period;
    size_t piece = size - at < most ? size - at : most;
    piece = end - talk->said < piece ? (size_t)(end - talk->said) : piece;
    *is_last = talk->said + piece >= end;
    return (struct bi_view) { bi_http_buffer_data(&answer->bytes) + at, piece };
}

/* Whether there is more. */
static bool say_piece(struct bi_talk *talk, size_t most)
{
    bool is_last;
    struct bi_view piece = next_piece(talk, most, &is_last);
    talk->said += piece.size;
    if (is_last) {
        write_and_then(talk, piece.at, piece.size, has_said_all);
        return false;
    }
    return bight_transport_write(transport_of(talk), piece.at, piece.size) == BIGHT_OK;
}

static void say_byte(void *context)
{
    struct bi_talk *talk = context;
    if (say_piece(talk, 1)) {
        call_later(talk, talk->script.pace, say_byte);
    }
}

static void produce(void *context)
{
    struct bi_talk *talk = context;
    if (!talk->has_produced) {
        talk->has_produced = !say_piece(talk, MOST_AT_ONCE);
    }
}

static void stop(void *context)
{
    ((struct bi_talk *)context)->is_pulled = false;
}

static const struct bight_producer_ops producer_ops = { .resume = produce, .stop = stop };

static void begin(void *context)
{
    struct bi_talk *talk = context;
    bool is_last;
    (void)next_piece(talk, MOST_AT_ONCE, &is_last);
    if (talk->script.pace > 0) {
        say_byte(talk);
    } else if (is_last) {
        (void)say_piece(talk, MOST_AT_ONCE);
    } else {
        talk->is_pulled = true;
        talk->has_produced = false;
        if (bight_transport_register_producer(transport_of(talk), &producer_ops, talk, false) != BIGHT_OK) {
            (void)bight_transport_abort_connection(transport_of(talk));
        }
    }
}

void bi_talk_answer(struct bi_talk *talk)
{
    talk->is_answering = true;
    talk->said = 0;
    call_later(talk, talk->script.wait, begin);
}
