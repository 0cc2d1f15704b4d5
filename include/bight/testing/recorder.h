/* SPDX-License-Identifier: MIT */
/* bight/testing/recorder.h - a recording reactor: what is listened on, connected to, looked up and timed is written
 * down, and the test completes it or makes it fail.
 *
 * The reactor is a testing reactor (bight/testing.h) whose sockets are the recorder's: programs use bight_listen,
 * bight_connect and bight_call_later with their ordinary strings, and the production code parses, binds, races and
 * accepts. What is pending is named by an index from 0, in the order of asking; an index moves down when something
 * before it is completed or goes. */
#ifndef BIGHT_TESTING_RECORDER_H
#define BIGHT_TESTING_RECORDER_H

#include <bight/address.h>
#include <bight/bight.h>

BIGHT_BEGIN

struct bight_recorder;
struct bight_string_peer; /* bight/testing.h */

/* NULL when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_recorder *bight_recorder_new(void);

/* Frees the reactor too. String peers may be freed before or after. NULL is allowed. */
BIGHT_API void bight_recorder_free(struct bight_recorder *recorder);

/* Its reactor; time passes with bight_testing_advance. Borrowed. */
BIGHT_API struct bight_reactor *bight_recorder_reactor(struct bight_recorder *recorder);

/* --------------------------------------------------------------------------------------- listening */

/* The sockets that listen; where one listens (address may be NULL): false past the end. */
BIGHT_API size_t bight_recorder_ports(const struct bight_recorder *recorder);
BIGHT_API bool bight_recorder_port(const struct bight_recorder *recorder, size_t index, struct bight_address *address);

/* A client calls the port, from `from` (NULL: 192.0.2.1, or nameless for a UNIX socket); the reactor settles. The peer
 * is the client's end, freed by the caller. It stays unaccepted as long as the port is paused or full. NULL past the
 * end or when out of memory. */
BIGHT_API BIGHT_MUST_USE struct bight_string_peer *bight_recorder_accept(
    struct bight_recorder *recorder, size_t index, const struct bight_address *from);

/* From here on listening fails with this errno (EADDRINUSE, EACCES); 0: no more. */
BIGHT_API void bight_recorder_refuse_listening(struct bight_recorder *recorder, int number);

/* -------------------------------------------------------------------------------------- connecting */

/* The attempts to connect that have not been decided, and where one goes. An attempt begins on a turn after
 * bight_connect: bight_testing_settle lets it. */
BIGHT_API size_t bight_recorder_attempts(const struct bight_recorder *recorder);
BIGHT_API bool bight_recorder_attempt(
    const struct bight_recorder *recorder, size_t index, struct bight_address *address);

/* It succeeds: the peer is the server's end, freed by the caller; the reactor settles. NULL past the end or without
 * memory. */
BIGHT_API BIGHT_MUST_USE struct bight_string_peer *bight_recorder_complete(
    struct bight_recorder *recorder, size_t index);

/* It fails with an errno (0: ECONNREFUSED); the reactor settles. False past the end. */
BIGHT_API bool bight_recorder_fail(struct bight_recorder *recorder, size_t index, int number);

/* ---------------------------------------------------------------------------------------- look-ups */

/* The names that are being looked up; one name (borrowed until it is answered), NULL past the end. */
BIGHT_API size_t bight_recorder_look_ups(const struct bight_recorder *recorder);
BIGHT_API const char *bight_recorder_look_up(const struct bight_recorder *recorder, size_t index);

/* The answer: `count` IP literals, or with 0 of them NAME_NOT_FOUND; the reactor settles. 0; INVALID_ARGUMENT past the
 * end; SYNTAX for what is no literal; OUT_OF_MEMORY. On a code the look-up is still pending. */
BIGHT_API int bight_recorder_answer(
    struct bight_recorder *recorder, size_t index, const char *const *literals, size_t count);

/* ------------------------------------------------------------------------------------------ timers */

/* The calls that are pending on a reactor, any one: those of bight_call_later and bight_call_at, and timeouts of
 * Deferreds; not the timers of connections. The second returns the moment of one, in order of deadlines, in seconds
 * from now; negative past the end. */
BIGHT_API size_t bight_testing_timers(struct bight_reactor *reactor);
BIGHT_API double bight_testing_timer(struct bight_reactor *reactor, size_t index);

BIGHT_END

#endif
