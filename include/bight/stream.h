/* SPDX-License-Identifier: MIT */
/* bight/stream.h - streams: a connection that is read from instead of calling back.
 *
 * asyncio's StreamReader and StreamWriter in one. A stream is a protocol over any transport; every read returns a
 * Deferred. A server has a function that is called with each new stream, a client opens one:
 *
 *     static struct bight_stream_factory adders = BIGHT_STREAM_FACTORY(struct bight_stream, add_up, NULL);
 *     bight_serve(reactor, "tcp:1234", &adders.base);
 *     struct bight_deferred *opening = bight_open_stream(reactor, "tcp:localhost:1234");
 *
 * One read at a time. What has not been asked for is kept, up to a limit; then the connection is not read from until it
 * sinks below. Cancelling a read, bight_deferred_add_timeout included, leaves the bytes where they are. */
#ifndef BIGHT_STREAM_H
#define BIGHT_STREAM_H

#include <string.h>

#include <bight/reactor.h>
#include <bight/transport.h>

BIGHT_BEGIN

struct bight_stream;
struct bight_stream_state;

/* The base of every protocol over a stream. The layout is frozen; programs use the functions below. */
struct bight_stream {
    struct bight_protocol base;
    struct bight_stream_state *own; /* bight's */
    void *reserved[2];
};

/* ------------------------------------------------------------------------------------------ making */

/* Called with each new stream. When the Deferred that it returns (taken) is done the stream is closed gracefully and a
 * failure is logged: as information when a peer can bring it about at will (CONNECTION, TIMED_OUT, TOO_LONG, OVERFLOW,
 * SYNTAX, TLS), for debugging when the program itself has ended what was waited for (CANCELLED and its kind, as at the
 * reactor's end), else as an error, ten a second at most and the rest counted. NULL: nothing is waited for, the program
 * closes. The stream's memory stays until the Deferred is done.
 *
 * When the client leaves before that, what waits at the stream is answered first: a read, a drain, a close. Then the
 * Deferred is cancelled, so that a coroutine that waits for something else sees CANCELLED (D36), as far as `leaving`
 * says. */
typedef struct bight_deferred *(*bight_stream_function)(struct bight_stream *stream, void *context);

/* What ends the function's Deferred that is not done. */
enum bight_stream_leaving {
    BIGHT_CANCEL_AT_LOSS, /* the connection's end, however it came. A peer that only ends its side may wait for answers;
                             over TCP one that has gone altogether looks the same until something is written */
    BIGHT_CANCEL_AT_END,  /* the end of the peer's side already: for programs with nothing to say to a silent peer */
    BIGHT_CANCEL_NEVER    /* nothing: it finishes what it does, and writes answer CLOSED */
};

struct bight_stream_factory {
    struct bight_factory base; /* base.context is the function's context */
    bight_stream_function function;
    size_t buffer_limit; /* 0: 64 KiB. See bight_stream_set_limits */
    size_t exact_limit;  /* 0: 16 MiB */
    enum bight_stream_leaving leaving;
    void *reserved[1];
};

BIGHT_API extern const struct bight_protocol_ops bight_stream_protocol_ops;

/* The initialiser of a factory. `type` is struct bight_stream, or a struct whose first member is `struct bight_stream
 * base`; anything else does not compile. The function may be NULL, for clients that use bight_connect with a struct of
 * their own. */
#define BIGHT_STREAM_FACTORY(type, stream_function, stream_context) \
    BIGHT_STREAM_FACTORY_OF_SIZE(BIGHT_SIZE_OVER(type, struct bight_stream), (stream_function), (stream_context))

/* For receivers over this one: see BIGHT_FACTORY_OF_SIZE. */
#define BIGHT_STREAM_FACTORY_OF_SIZE(size, stream_function, stream_context)                                 \
    {                                                                                                       \
        BIGHT_FACTORY_OF_SIZE(size, &bight_stream_protocol_ops, (stream_context)), (stream_function), 0, 0, \
            BIGHT_CANCEL_AT_LOSS,                                                                           \
        {                                                                                                   \
            NULL                                                                                            \
        }                                                                                                   \
    }

/* The same from the heap; the context is borrowed. NULL when out of memory. Freeing is legal at any time: the memory
 * goes when its ports and streams have gone. NULL is allowed. */
BIGHT_API BIGHT_MUST_USE struct bight_stream_factory *bight_stream_factory_new(
    bight_stream_function function, void *context);
BIGHT_API void bight_stream_factory_free(struct bight_stream_factory *factory);

/* Connects. A Deferred of the stream with a hold (bight_type_stream); otherwise as bight_connect.
 *
 *     struct bight_deferred *bight_open_stream(struct bight_reactor *reactor, const char *endpoint); */
#define bight_open_stream(...) bight_open_stream_at(BIGHT_HERE, __VA_ARGS__)

/* The type of a result that is a `struct bight_stream *` with a hold: destroying releases the hold and leaves the
 * connection alone, discarding aborts it too. */
extern BIGHT_API const struct bight_type bight_type_stream;

/* The program's own struct around `stream`; see bight_self. */
#define bight_stream_self(type, stream) \
    ((type *)bight_stream_protocol_self((stream), BIGHT_SIZE_OVER(type, struct bight_stream), BIGHT_HERE))
static inline void *bight_stream_protocol_self(struct bight_stream *stream, size_t size, const char *place);

static inline struct bight_transport *bight_stream_transport(const struct bight_stream *stream);

/* NULL when it has been freed, or another protocol has the connection. */
static inline struct bight_reactor *bight_stream_reactor(const struct bight_stream *stream);

/* T3: a hold keeps the memory, and with it the bytes that were not read, beyond the end of the connection. */
static inline struct bight_stream *bight_stream_hold(struct bight_stream *stream);
static inline void bight_stream_release(struct bight_stream *stream);

/* buffer_limit: not read from while more bytes than this are held that no read has asked for (at most 64 KiB more are
 * held; a read that waits may gather what it was allowed). exact_limit: the most that bight_stream_read_exactly may be
 * asked for, since such sizes often come from the peer. 0: as it is. */
BIGHT_API void bight_stream_set_limits(struct bight_stream *stream, size_t buffer_limit, size_t exact_limit);
BIGHT_API void bight_stream_get_limits(
    const struct bight_stream *stream, size_t *buffer_limit, size_t *exact_limit); /* never 0 */

/* ----------------------------------------------------------------------------------------- reading */

/* Each of these returns a Deferred of bytes (bight_type_bytes) with a NUL behind them, as bight_bytes_new makes. At the
 * end of the stream what was received can still be read; then come the answers that are noted below when the peer ended
 * gracefully, and otherwise the reason's failure (CONNECTION_LOST, TIMED_OUT ...). After closing or aborting on this
 * side: CLOSED. A read while another waits fails with USAGE. After the reactor has been freed: SHUTDOWN. If the answer
 * cannot be allocated: OUT_OF_MEMORY, and the bytes stay; if the input cannot be stored, the connection is aborted and
 * reads fail with that. A read for which the bytes are there fires inside the call; after 64 of these in a row the next
 * one fires on a later turn, so that reading in handlers does not pile up on the stack. */

/* From 1 to `limit` bytes (0: the buffer limit), as soon as there are any. At the end: bytes of size 0.
 *
 *     struct bight_deferred *bight_stream_read(struct bight_stream *stream, size_t limit); */
#define bight_stream_read(...) bight_stream_read_at(BIGHT_HERE, __VA_ARGS__)

/* Exactly `size` bytes (0: none, at once). At the end, with fewer left: INCOMPLETE, and they stay. More than the exact
 * limit: TOO_LONG.
 *
 *     struct bight_deferred *bight_stream_read_exactly(struct bight_stream *stream, size_t size); */
#define bight_stream_read_exactly(...) bight_stream_read_exactly_at(BIGHT_HERE, __VA_ARGS__)

/* Up to the first separator (copied, at least one byte), which is included, and the limit (0: the buffer limit) counts
 * it. TOO_LONG when there is none within the limit, and nothing is consumed. At the end: INCOMPLETE, and what there is
 * stays.
 *
 *     struct bight_deferred *bight_stream_read_until(struct bight_stream *stream, const void *separator,
 *         size_t separator_size, size_t limit); */
#define bight_stream_read_until(...) bight_stream_read_until_at(BIGHT_HERE, __VA_ARGS__)

/* A line without its LF or CRLF, at most `limit` bytes (0: the buffer limit), else TOO_LONG and nothing is consumed. A
 * last line that the end cuts off is given as it is. After it, at the end: an empty result, no bytes at all
 * (an empty line is bytes of size 0).
 *
 *     struct bight_deferred *bight_stream_read_line(struct bight_stream *stream, size_t limit); */
#define bight_stream_read_line(...) bight_stream_read_line_at(BIGHT_HERE, __VA_ARGS__)

/* All until the end, at most `limit` bytes (0: the exact limit), else TOO_LONG and nothing is consumed.
 *
 *     struct bight_deferred *bight_stream_read_all(struct bight_stream *stream, size_t limit); */
#define bight_stream_read_all(...) bight_stream_read_all_at(BIGHT_HERE, __VA_ARGS__)

/* True when no byte is left and none will come. */
BIGHT_API bool bight_stream_at_end(const struct bight_stream *stream);

/* Bytes received and not read. */
BIGHT_API size_t bight_stream_buffered(const struct bight_stream *stream);

/* Forgets them, and what waits in the transport; returns their number. A layer that is pushed makes this needless
 * (T19): they go through it, or are forgotten when the peer has ended. */
BIGHT_API size_t bight_stream_forget_input(struct bight_stream *stream);

/* As bight_transport_switch_protocol (T23), and the bytes not read go with it. A read that waits fails with CLOSED. */
BIGHT_API int bight_stream_switch_protocol(struct bight_stream *stream, struct bight_protocol *protocol);

/* ----------------------------------------------------------------------------------------- writing */

/* As bight_transport_write. */
BIGHT_API int bight_stream_write(struct bight_stream *stream, const void *data, size_t size);

/* The same with a text: all before its NUL. */
static inline int bight_stream_write_text(struct bight_stream *stream, const char *text);

/* As bight_transport_writef: what printf would print. */
BIGHT_API int bight_stream_writef(struct bight_stream *stream, const char *format, ...) BIGHT_PRINTF(2, 3);
BIGHT_API int bight_stream_vwritef(struct bight_stream *stream, const char *format, va_list arguments)
    BIGHT_PRINTF(2, 0);

/* Fires empty: at once while no more than the high watermark is queued, else when it has sunk below the low one. Fails
 * with the reason when the connection ends before, and with CLOSED after closing. Any number may wait. Uses the
 * transport's place for a producer while one does: PRODUCER_REGISTERED when the program has one. After 64 drains and
 * reads in a row that were answered inside their calls the next one fires on a later turn, as reads do.
 *
 *     struct bight_deferred *bight_stream_drain(struct bight_stream *stream); */
#define bight_stream_drain(...) bight_stream_drain_at(BIGHT_HERE, __VA_ARGS__)

/* Half close: as bight_transport_lose_write. Reading goes on. */
BIGHT_API int bight_stream_write_eof(struct bight_stream *stream);

/* ----------------------------------------------------------------------------------------- closing */

/* T7: sends what was written, then closes. Input is thrown away, what was not read too. The Deferred fires empty when
 * the connection has ended, however it did (bight_stream_reason); cancelling it ends the waiting, not the closing. May
 * be asked again.
 *
 *     struct bight_deferred *bight_stream_close(struct bight_stream *stream); */
#define bight_stream_close(...) bight_stream_close_at(BIGHT_HERE, __VA_ARGS__)

/* T10. */
BIGHT_API void bight_stream_abort(struct bight_stream *stream);

/* Why the connection has ended (borrowed); NULL as long as it has not. */
BIGHT_API const struct bight_failure *bight_stream_reason(const struct bight_stream *stream);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_open_stream_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_read_at(
    const char *place, struct bight_stream *stream, size_t limit);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_read_exactly_at(
    const char *place, struct bight_stream *stream, size_t size);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_read_until_at(
    const char *place, struct bight_stream *stream, const void *separator, size_t separator_size, size_t limit);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_read_line_at(
    const char *place, struct bight_stream *stream, size_t limit);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_read_all_at(
    const char *place, struct bight_stream *stream, size_t limit);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_drain_at(const char *place, struct bight_stream *stream);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_stream_close_at(const char *place, struct bight_stream *stream);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline void *bight_stream_protocol_self(struct bight_stream *stream, size_t size, const char *place)
{
    return bight_protocol_self(&stream->base, size, place);
}

static inline struct bight_transport *bight_stream_transport(const struct bight_stream *stream)
{
    return stream->base.transport;
}

static inline struct bight_reactor *bight_stream_reactor(const struct bight_stream *stream)
{
    return bight_transport_reactor(stream->base.transport);
}

static inline struct bight_stream *bight_stream_hold(struct bight_stream *stream)
{
    bight_protocol_hold(&stream->base);
    return stream;
}

static inline void bight_stream_release(struct bight_stream *stream)
{
    bight_protocol_release(stream == NULL ? NULL : &stream->base);
}

static inline int bight_stream_write_text(struct bight_stream *stream, const char *text)
{
    return bight_stream_write(stream, text, strlen(text));
}

BIGHT_END

#endif
