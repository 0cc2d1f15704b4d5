/* SPDX-License-Identifier: MIT */
/* bight/service.h - serving: listening with limits, and letting connections finish when it is over.
 *
 * What a server wants around its protocol and does not want to write: how many connections there may be in all and from
 * one peer, and what happens to open connections when the program is asked to stop. A port of bight_listen can have
 * each of these by itself (bight/port.h, bight_drain). */
#ifndef BIGHT_SERVICE_H
#define BIGHT_SERVICE_H

#include <bight/endpoint.h>

BIGHT_BEGIN

/* Zero means the default. */
struct bight_serve_options {
    size_t size; /* sizeof(struct bight_serve_options) */
    /* How long connections may go on once the reactor has been asked to stop (bight_drain_at_shutdown); the shutdown
     * waits as long, whatever the reactor's shutdown_seconds. 0: the port stops and its connections are disconnected.
     */
    double drain_seconds;
    /* Connections whose protocols do not know how to finish (bight_protocol_ops.drain) are lost gracefully at once,
     * instead of being waited for. */
    bool drain_loses;
    /* See bight_port_set_max_connections: with that many accepting pauses, and the rest wait in the kernel's queue. 0:
     * as many as the string's maxconn allows, if it has one. */
    size_t max_connections;
    /* See bight_port_set_max_per_peer: what is over that is closed as it is accepted. 0: no limit. */
    size_t max_per_peer;
};

/* Listens as bight_listen does, with these options (NULL: the defaults), for as long as the reactor lives. A Deferred
 * of the port (bight_type_port), which may have fired already; releasing it leaves the port listening. Every error
 * comes through it: those of bight_listen, and INVALID_ARGUMENT for a time that is negative or no number. One that is
 * not handled is logged as critical (D18), but ends nothing: a program that cannot go on without the port awaits it in
 * its main, or ends the run in an errback (bight_reactor_fail), or uses bight_serve. `factory` is borrowed until
 * stopped (T16); one that has a `release` is taken, on failure too.
 *
 *     struct bight_deferred *bight_serve_full(struct bight_reactor *reactor, const char *endpoint,
 *         struct bight_factory *factory, const struct bight_serve_options *options); */
#define bight_serve_full(...) bight_serve_full_at(BIGHT_HERE, __VA_ARGS__)

/* ---------------------------------------------------------------------------------------- draining */

/* Drains a port: stops listening, tells its connections' protocols to finish (bight_protocol_ops.drain; from the loop,
 * on a later turn), with `lose` loses those without that slot gracefully at once, waits for all to end, and aborts what
 * is left after `seconds` (0: on a later turn; INFINITY: never). A Deferred of the number of connections that had to be
 * aborted (bight_type_integer), which fires when all have ended and connection_lost has been called; it may be released
 * at once. Cancelling it stops the waiting and the time, and nothing else. Connections that are still being established
 * are among them. Several may drain a port: whose time is up first aborts. Fails with INVALID_ARGUMENT for a time that
 * is negative or no number, OUT_OF_MEMORY, WRONG_THREAD; then nothing has happened.
 *
 *     struct bight_deferred *bight_drain(struct bight_port *port, double seconds, bool lose); */
#define bight_drain(...) bight_drain_at(BIGHT_HERE, __VA_ARGS__)

/* Drains the port so, and holds it until then, when its reactor shuts down: a before-trigger, for which the shutdown
 * waits as long as it takes, whatever the reactor's shutdown_seconds, but for INFINITY, which is that time. A second
 * stop ends the waiting. How many connections were cut, if any, is logged as a warning. 0, INVALID_ARGUMENT or
 * OUT_OF_MEMORY. */
BIGHT_API int bight_drain_at_shutdown(struct bight_port *port, double seconds, bool lose);

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_serve_full_at(const char *place, struct bight_reactor *reactor,
    const char *endpoint, struct bight_factory *factory, const struct bight_serve_options *options);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_drain_at(
    const char *place, struct bight_port *port, double seconds, bool lose);

BIGHT_END

#endif
