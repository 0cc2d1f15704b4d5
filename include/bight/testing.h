/* SPDX-License-Identifier: MIT */
/* bight/testing.h - testing without a network: a virtual clock, connections in memory, allocation faults.
 *
 * Link with `pkg-config bight-testing`. The code under test is the production code: the testing reactor runs the same
 * turns, timers and transports, only its clock is a variable and its loop watches nothing. */
#ifndef BIGHT_TESTING_H
#define BIGHT_TESTING_H

#include <bight/bight.h>

BIGHT_BEGIN

/* ------------------------------------------------------------------------------------ virtual clock */

/* A reactor whose time stands still until it is told to go on, with no descriptors: listening and connecting through
 * the kernel fail. Freed with bight_reactor_free. NULL when out of memory. Its time begins at 1 s. bight_reactor_run
 * works too: where another reactor would wait, this one lets time jump to the next deadline, and with none pending it
 * waits for calls from other threads. Calls for when the reactor runs need it. */
BIGHT_API BIGHT_MUST_USE struct bight_reactor *bight_testing_reactor_new(void);

/* The testing reactor that this thread has made last (a recorder's too); NULL: none, or it has been freed. */
BIGHT_API struct bight_reactor *bight_testing_reactor(void);

/* Lets `seconds` pass: jumps from deadline to deadline, turns at each until nothing is left to do (at most 1000 times),
 * and ends at the exact time likewise. This and settle and jump below are for code outside handlers: inside one they
 * are usage errors and do nothing. */
BIGHT_API void bight_testing_advance(struct bight_reactor *reactor, double seconds);

/* Lets the `count` spans of `seconds` pass, one after the other, as Twisted's Clock.pump does. */
BIGHT_API void bight_testing_pump(struct bight_reactor *reactor, const double *seconds, size_t count);

/* Lets `seconds` pass as a handler does that takes so long: the clock goes on, but no timer fires and nothing is read
 * until the next turn. Inside handlers and outside. */
BIGHT_API void bight_testing_hold_up(struct bight_reactor *reactor, double seconds);

/* Turns without letting time pass, until nothing is left to do or `limit` turns are over; returns the turns made. */
BIGHT_API size_t bight_testing_settle(struct bight_reactor *reactor, size_t limit);

/* Jumps to the next deadline, however far, and settles. False when no timer is pending that could ever fire. */
BIGHT_API bool bight_testing_jump(struct bight_reactor *reactor);

/* bight_main and bight_main_coroutine in virtual time: the program waits for nothing. */
BIGHT_API int bight_testing_main(bight_main_function function, int argc, char **argv);
BIGHT_API int bight_testing_main_coroutine(bight_main_body body, int argc, char **argv);

/* ---------------------------------------------------------------------------------- string transport */

/* The far end of a connection in memory: what the test feeds and reads. */
struct bight_string_peer;

/* Connects a protocol of `factory` to a peer in memory; connection_made has run when it returns, and what was written
 * can be read. `accepted` chooses the defaults of T13. NULL when the factory gave no protocol or when out of memory.
 * Freed with bight_string_peer_free, also after the connection or the reactor has gone; to a connection that is still
 * there freeing is a reset. */
BIGHT_API BIGHT_MUST_USE struct bight_string_peer *bight_string_connect(
    struct bight_reactor *reactor, struct bight_factory *factory, bool accepted);

/* The same with addresses of the near end and of the peer, which the factory and bight_transport_host and _peer are
 * told (copied; NULL: none). */
BIGHT_API BIGHT_MUST_USE struct bight_string_peer *bight_string_connect_at(struct bight_reactor *reactor,
    struct bight_factory *factory, bool accepted, const struct bight_address *host, const struct bight_address *peer);

BIGHT_API void bight_string_peer_free(struct bight_string_peer *peer);

/* The protocol at the near end; NULL after connection_lost (hold it to keep it longer). */
BIGHT_API struct bight_protocol *bight_string_protocol(const struct bight_string_peer *peer);

/* Sends to the protocol, and turns until settled. Returns the bytes that it has not been able to read yet. */
BIGHT_API size_t bight_string_feed(struct bight_string_peer *peer, const void *data, size_t size);
BIGHT_API size_t bight_string_feed_text(struct bight_string_peer *peer, const char *text);

/* The same, in chunks of `chunk` bytes, each received by itself. */
BIGHT_API size_t bight_string_feed_chunked(struct bight_string_peer *peer, const void *data, size_t size, size_t chunk);

/* The peer's EOF, or its reset with an errno (0: ECONNRESET). Turns until settled. */
BIGHT_API void bight_string_end(struct bight_string_peer *peer);
BIGHT_API void bight_string_reset(struct bight_string_peer *peer, int number);

/* What the protocol has written and the peer not taken: borrowed until the next call. What the protocol writes outside
 * any handler is there after the next turn. */
BIGHT_API const uint8_t *bight_string_written(struct bight_string_peer *peer, size_t *size);

/* The same as a NUL-terminated text. */
BIGHT_API const char *bight_string_written_text(struct bight_string_peer *peer);

/* The peer takes what was written: forgets it, makes room, turns until settled. */
BIGHT_API void bight_string_clear(struct bight_string_peer *peer);

/* The peer's window: how many bytes it takes before sends meet EAGAIN. SIZE_MAX, the default: all. */
BIGHT_API void bight_string_set_window(struct bight_string_peer *peer, size_t bytes);

/* What has happened to the near end. */
BIGHT_API bool bight_string_is_shut(const struct bight_string_peer *peer);   /* its writing side */
BIGHT_API bool bight_string_is_closed(const struct bight_string_peer *peer); /* closed altogether */
BIGHT_API bool bight_string_was_reset(const struct bight_string_peer *peer);

/* ---------------------------------------------------------------------------------- allocation faults */

/* Runs body(context) again and again: first with every allocation granted, then with the n-th one failing for n from 1
 * until a run ends without a failed one, then with all from the n-th on failing, likewise. The body sets up and tears
 * down everything itself and may not keep memory from one run to the next; a run that leaves some is reported in
 * the log (standard error) with n and the place where the fault hit, as is the body's own `false`; so is, before it
 * ends the process, a crash, or a run of more than 20 s of real time. Returns the number of runs that went wrong.
 * `limit` bounds n (0: 2000). Memory that was taken before may not be released inside, and the C library's allocator is
 * in place behind. */
BIGHT_API size_t bight_testing_with_faults(bool (*body)(void *context), void *context, size_t limit);

/* Has OpenSSL ask, too, so that its allocations fail among bight's own; what it leaves is not counted. A handshake
 * makes eight thousand of them, so one in `one_in` may do, not the same ones in each run. To be called before anything
 * uses OpenSSL, first thing in main; false: it is too late. Runs of a body that uses OpenSSL are not all alike, since
 * it keeps much of what it has made. */
BIGHT_API bool bight_testing_hook_openssl(size_t one_in);

/* True while, in the present run, an allocation has been refused: for bodies that expect success otherwise. */
BIGHT_API bool bight_testing_fault_injected(void);

/* Counts allocations that go through the hook, from zero, from here on, or no more; and the count so far. The first
 * call installs an allocator, so it must come before anything else of bight is used. Pools hide nothing that is
 * allocated: a slot taken from a free list does not count. */
BIGHT_API void bight_testing_count_allocations(bool on);
BIGHT_API size_t bight_testing_allocation_count(void);

BIGHT_END

/* More of the kit, each of which stands alone too. To be included by themselves: bight/testing/trial.h (under Check
 * bight/testing/check.h) and the simulation. */
#include <bight/testing/ca.h>
#include <bight/testing/pair.h>
#include <bight/testing/recorder.h>
#include <bight/testing/syscalls.h>

#endif
