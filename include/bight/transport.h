/* SPDX-License-Identifier: MIT */
/* bight/transport.h - the transport: a connection as its protocol sees it.
 *
 * A facade that stays for the life of the connection; layers (bight/sys/layer.h) and the socket are below it. Every
 * call after the end answers CLOSED and does nothing (T3). Nothing here calls the protocol from inside the call.
 * Only in the reactor's thread. */
#ifndef BIGHT_TRANSPORT_H
#define BIGHT_TRANSPORT_H

#include <bight/bytes.h>
#include <bight/protocol.h>

#include <stdarg.h>
#include <sys/uio.h>

BIGHT_BEGIN

/* --------------------------------------------------------------------------------------- writing */

/* Writes are kept in order; small ones are gathered during a handler and sent once after it, large ones are tried at
 * once (T6). Empty ones do nothing. Returns 0; CLOSED (also after lose_connection and lose_write) and then nothing was
 * taken; OUT_OF_MEMORY or OVERFLOW, and then nothing was taken and the connection is aborted. */
BIGHT_API int bight_transport_write(struct bight_transport *transport, const void *data, size_t size);

/* `count` pieces, one after the other, all or nothing. */
BIGHT_API int bight_transport_write_sequence(
    struct bight_transport *transport, const struct iovec *parts, size_t count);

/* What printf would print, without a NUL behind it: formatted once, to where it is sent from, and with no allocation of
 * its own; more than 255 bytes are formatted twice. The codes of bight_transport_write; TOO_LONG for more than 1 MiB
 * and INVALID_ARGUMENT for what printf cannot print: then nothing was taken, and the connection goes on. */
BIGHT_API int bight_transport_writef(struct bight_transport *transport, const char *format, ...) BIGHT_PRINTF(2, 3);
BIGHT_API int bight_transport_vwritef(struct bight_transport *transport, const char *format, va_list arguments)
    BIGHT_PRINTF(2, 0);

/* Counted bytes, by reference (few are copied instead): the transport takes a hold of its own. */
BIGHT_API int bight_transport_write_bytes(struct bight_transport *transport, struct bight_bytes *bytes);

/* Memory that the caller lends: when 0 is given, release(context) is called once, never inside this call, when the
 * bytes have been sent or dropped. It does not count towards the output limit. */
BIGHT_API int bight_transport_write_lent(
    struct bight_transport *transport, const void *data, size_t size, bight_release_function release, void *context);

/* `size` bytes of a file from `offset` on, in order with what is written before and behind. The loop never waits for
 * the disk: threads of the reactor's own ("bight-files") read what is not in memory. What is at its place in memory
 * goes from there to a socket; through layers, and to whatever else, it is read and written, 64 KiB at a time. It
 * counts as queued, but not towards the output limit. The file's own position stays, unless it has none (a pipe; it
 * must block).
 *
 * When 0 is given, release(context) is called once, never inside this call, when the bytes have been sent or dropped
 * and no thread reads any more; as long the descriptor must stay open (a thread that a reactor's end left behind calls
 * it itself). NULL: the caller knows by other means. A file that is shorter by then aborts the connection with
 * INCOMPLETE, one that cannot be read with the errno. OVERFLOW: more than SIZE_MAX / 2 bytes would be queued.
 * INVALID_ARGUMENT, a usage error: no range of a file. NOT_SUPPORTED: a table of system calls without files. */
BIGHT_API int bight_transport_send_file(struct bight_transport *transport, int descriptor, uint64_t offset,
    uint64_t size, bight_release_function release, void *context);

/* The same as a Deferred (Twisted's FileSender): fires with `size` (bight_type_integer) when all of it has been sent,
 * on a later turn; fails with CLOSED when the connection ended before. The descriptor is taken, also on failure, and
 * closed when no thread reads it any more. Cancelling aborts the connection, since a stream cannot have a gap; so does
 * a timeout. It fails at once with the codes of bight_transport_send_file.
 *
 *     struct bight_deferred *bight_send_file(struct bight_transport *transport, int descriptor, uint64_t offset,
 *         uint64_t size); */
#define bight_send_file(transport, descriptor, offset, size) \
    bight_send_file_at(BIGHT_HERE, (transport), (descriptor), (offset), (size))

/* Bytes written that the kernel has not taken yet. */
BIGHT_API size_t bight_transport_queued(const struct bight_transport *transport);

/* --------------------------------------------------------------------------------------- closing */

/* T7: delivers nothing more, flushes, shuts, and closes with CONNECTION_DONE. 0 or CLOSED. */
BIGHT_API int bight_transport_lose_connection(struct bight_transport *transport);

/* T10: drops what is queued and resets. connection_lost(CONNECTION_ABORTED) comes on a later turn. 0 or CLOSED. */
BIGHT_API int bight_transport_abort_connection(struct bight_transport *transport);

/* T11: flushes, shuts the writing side, then write_connection_lost; reading goes on. 0; CLOSED; NOT_SUPPORTED when the
 * bottom cannot; OUT_OF_MEMORY, and then nothing has changed. */
BIGHT_API int bight_transport_lose_write(struct bight_transport *transport);

/* True until lose, abort, or the end. */
BIGHT_API bool bight_transport_is_open(const struct bight_transport *transport);

/* ------------------------------------------------------------------------------- flow, both ways */

/* T2: deliver nothing more until resumed; resuming delivers on a later turn. Idempotent. 0 or CLOSED. */
BIGHT_API int bight_transport_pause(struct bight_transport *transport);
BIGHT_API int bight_transport_resume(struct bight_transport *transport);

/* Input that the protocol does not want now: it is delivered again, before all other input, when the protocol has
 * resumed or its output gone, to the protocol that it switches to, or through the layer that it pushes; if nothing
 * stands in the way, on a later turn. Several pieces are given back the last one first. `data` is copied at most once,
 * however often the end of a piece is given back. 0; CLOSED, also when the peer's end was reported already;
 * OUT_OF_MEMORY, and then the connection is aborted. */
BIGHT_API int bight_transport_give_back(struct bight_transport *transport, const void *data, size_t size);

/* False when the protocol must be given nothing more at present: it has paused, its own output is above the mark (T13),
 * it has switched, pushed a layer or closed. Receivers, which hand out a piece bit by bit, ask after each and
 * give back the rest. */
BIGHT_API bool bight_transport_takes_input(const struct bight_transport *transport);

/* Forgets what was read and waits for the protocol, which has paused or given it back. Returns the number of bytes. */
BIGHT_API size_t bight_transport_forget_input(struct bight_transport *transport);

/* T13: a source of output that is notified of room. A push producer is paused above the high watermark and resumed
 * below the low one; a pull producer (streaming false) has `resume` called whenever more is wanted, at most once a
 * turn. */
struct bight_producer_ops {
    void (*pause)(void *context);  /* push only; may be called inside write */
    void (*resume)(void *context); /* push: go on; pull: produce a piece */
    void (*stop)(void *context);   /* once, at loss: produce no more */
};

/* 0; PRODUCER_REGISTERED or INVALID_ARGUMENT without a table (usage errors); CLOSED, and then `stop` has been called
 * (T14); OUT_OF_MEMORY, and then it was not. A pull producer's first `resume` comes inside the call. The table and
 * context are borrowed until unregister or stop. */
BIGHT_API int bight_transport_register_producer(
    struct bight_transport *transport, const struct bight_producer_ops *ops, void *context, bool streaming);

/* The source has ended; a lose_connection that waited for it goes on (T8). 0; CLOSED, also while the connection is on
 * its way to an end and the producer has been stopped; or INVALID_ARGUMENT when none is registered. */
BIGHT_API int bight_transport_unregister_producer(struct bight_transport *transport);

/* The settings below return 0; CLOSED after the end; OUT_OF_MEMORY, and then nothing has changed.
 *
 * In bytes; low must be below high, else INVALID_ARGUMENT. Defaults 16 KiB and 64 KiB. They hold from the next attempt
 * to send. */
BIGHT_API int bight_transport_set_watermarks(struct bight_transport *transport, size_t low, size_t high);
/* What is set, here and below: the setting, or its default, in the same unit; 0 or false once the connection is over.
 */
BIGHT_API void bight_transport_get_watermarks(const struct bight_transport *transport, size_t *low, size_t *high);

/* T13: stop reading while the connection's own output is above the mark. On by default for accepted connections, off
 * for made ones. */
BIGHT_API int bight_transport_set_backpressure(struct bight_transport *transport, bool on);
BIGHT_API bool bight_transport_get_backpressure(const struct bight_transport *transport);

/* T13: most bytes of copied and counted output; more aborts with OVERFLOW. SIZE_MAX: none. Default 16 MiB for accepted
 * connections, none for made ones. */
BIGHT_API int bight_transport_set_output_limit(struct bight_transport *transport, size_t limit);
BIGHT_API size_t bight_transport_get_output_limit(const struct bight_transport *transport);

/* What all connections of the reactor together may have waiting: output that their peers do not take (copied and
 * counted bytes, as above), and input that protocols do not take. When that is met, connections whose own queue grows
 * and is longer than 64 KiB are aborted with OVERFLOW, which is logged once each time. Default a quarter of the
 * machine's memory. 0 or OUT_OF_MEMORY. */
BIGHT_API int bight_reactor_set_held_limit(struct bight_reactor *reactor, size_t bytes);
BIGHT_API size_t bight_reactor_get_held_limit(struct bight_reactor *reactor); /* 0 when out of memory */
/* How much waits now. */
BIGHT_API size_t bight_reactor_held(struct bight_reactor *reactor);

/* -------------------------------------------------------------------------------------- timeouts */

/* T24. Idle: aborts with TIMED_OUT when for `seconds` nothing was received and nothing sent; never earlier, at most a
 * sixteenth and 17 ms later, while time in which the loop is held up does not count. It costs nothing but a few
 * wake-ups of the loop, for all connections with the same timeout together. More than 100 days are for ever. Total:
 * that long from now, whatever happens. 0 seconds: none. The default is none. INVALID_ARGUMENT for what is no time.
 * OUT_OF_MEMORY changes nothing. */
BIGHT_API int bight_transport_set_idle_timeout(struct bight_transport *transport, double seconds);
BIGHT_API int bight_transport_set_total_timeout(struct bight_transport *transport, double seconds);
/* The idle timeout as it was rounded up; of the total one what is left of it. 0: none. */
BIGHT_API double bight_transport_get_idle_timeout(const struct bight_transport *transport);
BIGHT_API double bight_transport_get_total_timeout(const struct bight_transport *transport);

/* T24. Aborts with TIMED_OUT when output waits and for so long made no progress: less than 1 KiB of it, or all that was
 * left, was taken by the peer. 0 seconds, the default: none. */
BIGHT_API int bight_transport_set_write_timeout(struct bight_transport *transport, double seconds);
BIGHT_API double bight_transport_get_write_timeout(const struct bight_transport *transport);

/* T7's bounds: a flush without progress (default 30 s), how long and how much is read after the shut (5 s, 16 MiB). */
BIGHT_API int bight_transport_set_flush_timeout(struct bight_transport *transport, double seconds);
BIGHT_API double bight_transport_get_flush_timeout(const struct bight_transport *transport);
/* What is progress within these times, of a flush and under a write timeout, instead of 1 KiB: with the time it is the
 * least rate at which the peer has to take output that waits. 0: any byte. The last ones are progress however few.
 * CLOSED or OUT_OF_MEMORY. */
BIGHT_API int bight_transport_set_least_progress(struct bight_transport *transport, size_t bytes);
BIGHT_API size_t bight_transport_get_least_progress(const struct bight_transport *transport); /* at least 1 */
BIGHT_API int bight_transport_set_linger(struct bight_transport *transport, double seconds, size_t bytes);
BIGHT_API void bight_transport_get_linger(const struct bight_transport *transport, double *seconds, size_t *bytes);

/* ------------------------------------------------------------------------------------------ facts */

/* The addresses of both ends; family NONE when there is none. 0, CLOSED (the peer's can be asked for in connection_lost
 * if it was asked for before), or the code of the kernel's refusal. */
BIGHT_API int bight_transport_peer(struct bight_transport *transport, struct bight_address *address);
BIGHT_API int bight_transport_host(struct bight_transport *transport, struct bight_address *address);

/* TCP only; NOT_SUPPORTED elsewhere. Nodelay is on by default. */
BIGHT_API int bight_transport_set_nodelay(struct bight_transport *transport, bool on);
BIGHT_API int bight_transport_set_keepalive(struct bight_transport *transport, bool on);

/* Never reused in this reactor (T3); 0 after the end. */
BIGHT_API uint64_t bight_transport_id(const struct bight_transport *transport);

/* The transport with this id; NULL from its connection_lost on. */
BIGHT_API struct bight_transport *bight_transport_find(struct bight_reactor *reactor, uint64_t id);

BIGHT_API struct bight_protocol *bight_transport_protocol(const struct bight_transport *transport);
BIGHT_API struct bight_reactor *bight_transport_reactor(const struct bight_transport *transport);

/* The descriptor below, for options that bight does not know; -1 when there is none. It stays bight's. */
BIGHT_API int bight_transport_descriptor(const struct bight_transport *transport);

/* -------------------------------------------------------------------------------------- switching */

/* T23: hands the connection to `protocol` (made with bight_protocol_new and taken) with the `size` bytes not yet
 * consumed (copied). In a handler it happens when that handler has returned. 0; CLOSED (after lose_connection too),
 * OUT_OF_MEMORY, FACTORY_IN_USE when the protocol's factory belongs to another reactor at present, or USAGE when a
 * switch is pending already or the protocol has had a connection: then nothing was taken. */
BIGHT_API int bight_transport_switch_protocol(
    struct bight_transport *transport, struct bight_protocol *protocol, const void *data, size_t size);

/* --------------------------------------------------------------------------------------- joining */

/* Bytes that came from each of two joined connections and were written to the other. */
struct bight_join_counts {
    uint64_t from_first, from_second;
    uint64_t reserved[2];
};
extern BIGHT_API const struct bight_type bight_type_join_counts;

/* Joins two connections of a reactor, as a proxy does: what comes from one is written to the other, both ways, until
 * both have ended. Both are switched to protocols of bight's (T23), so the protocols that have them now get
 * protocol_replaced; what these have not consumed goes along, of receivers and streams too (the slot return_input).
 * Paused connections go on. A peer that does not read holds up its opposite, at the marks of the connection to it
 * (T13); its own producer a connection must not have any more. A peer's end is passed on by itself (T11) and the other
 * way goes on; where the bottom knows no half close the other connection is lost gracefully instead.
 *
 * They end together: when one ends gracefully, by lose_connection or both ways' ends, the other is lost when all that
 * was written to it has gone out; when one ends in any other way, the other is aborted, so that no peer takes what it
 * has for all of it. Then the Deferred fires, with the counts (bight_type_join_counts) or with the first reason that
 * was not CONNECTION_DONE. Cancelling it aborts both; it need not be kept. Timeouts and limits stay as they are set; a
 * port that is drained waits for the joined, as long as it waits for any.
 *
 * When it cannot begin, both are aborted too and it fails: CLOSED, when one is not open both ways any more; USAGE, when
 * a switch is pending; PRODUCER_REGISTERED; OUT_OF_MEMORY. INVALID_ARGUMENT, a usage error: it is one connection, or
 * they are not of one reactor; then nothing happens to them.
 *
 *     struct bight_deferred *bight_transport_join(struct bight_transport *first, struct bight_transport *second); */
#define bight_transport_join(first, second) bight_transport_join_at(BIGHT_HERE, (first), (second))

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_send_file_at(
    const char *place, struct bight_transport *transport, int descriptor, uint64_t offset, uint64_t size);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_transport_join_at(
    const char *place, struct bight_transport *first, struct bight_transport *second);

BIGHT_END

#endif
