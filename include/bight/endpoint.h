/* SPDX-License-Identifier: MIT */
/* bight/endpoint.h - endpoint strings: where to listen and where to connect (E1 to E6).
 *
 * Servers
 * tcp:PORT[:interface=HOST][:backlog=N][:reuseport=yes][:nodelay=no][:keepalive=yes][:maxconn=N][:defer=SECONDS] tcp6:
 * the same, IPv6 only       unix:PATH[:mode=660][:backlog=N][:maxconn=N]       fd:N[:maxconn=N] Clients
 * tcp:HOST:PORT[:timeout=SECONDS][:bind=ADDRESS][:bindport=PORT]         unix:PATH[:timeout=SECONDS]
 *
 * Parts are split at unescaped ':', the first unescaped '=' makes a keyword, '\' escapes any character, '[...]' keeps
 * an IPv6 literal together. An attempt to connect takes at most 30 s, its look-up included, unless timeout says
 * otherwise (0: no limit). It comes from the address `bind`, and from the port `bindport`, of any address without
 * `bind`. `interface` is an address or a name, which is looked up without blocking: the first of its addresses that is
 * this machine's is listened on. At maxconn connections a port accepts no more until one ends. With `defer`, for
 * protocols in which the client speaks first, a connection is accepted when it brings its first bytes or its end, or
 * after as many seconds (Linux: TCP_DEFER_ACCEPT, which makes them 1, 3, 7, 15 ...; elsewhere listening fails). A UNIX
 * path that begins with '@' is an abstract name. Types are case-insensitive; third parties add theirs with
 * bight/sys/endpoint.h. */
#ifndef BIGHT_ENDPOINT_H
#define BIGHT_ENDPOINT_H

#include <bight/port.h>
#include <bight/protocol.h>
#include <bight/reactor.h>

BIGHT_BEGIN

/* Listens, and makes a protocol of `factory` for each connection. A Deferred of a port (bight_type_port), which may
 * have fired already; every error comes through it (E1): the system's, the string's, FACTORY_IN_USE, OUT_OF_MEMORY, and
 * SHUTDOWN while a run's end disconnects everything. `factory` is borrowed until stopped (T16); one that has a
 * `release` is taken, on failure too.
 *
 *     struct bight_deferred *bight_listen(struct bight_reactor *reactor, const char *endpoint,
 *         struct bight_factory *factory); */
#define bight_listen(...) bight_listen_at(BIGHT_HERE, __VA_ARGS__)

/* Connects. A Deferred of the protocol with a hold (bight_type_protocol), after its connection_made ran (E2).
 * Cancelling before then stops the attempt (E3). Nothing of the factory's protocols is called inside this call, and no
 * data come before the Deferred's handlers have run. A
 * connection that connection_made has aborted or lost returns its protocol all the same; it answers CLOSED. `factory`
 * is borrowed until then, and by the connection (T16); one that has a `release` is taken, on failure too. Fails as
 * listening does; NO_PROTOCOL when the factory made none.
 *
 *     struct bight_deferred *bight_connect(struct bight_reactor *reactor, const char *endpoint,
 *         struct bight_factory *factory); */
#define bight_connect(...) bight_connect_at(BIGHT_HERE, __VA_ARGS__)

/* Listens for as long as the reactor lives, for a program that cannot go on without: a failure is logged in one line
 * and ends run() with a sysexits status. At shutdown the port stops listening. Returns 0, or the code that was logged
 * when it is known at once.
 *
 *     int bight_serve(struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory); */
#define bight_serve(...) bight_serve_at(BIGHT_HERE, __VA_ARGS__)

/* Makes a connection of `factory` of a stream socket, TCP or UNIX, that is connected already: accepted by another
 * program, come through a UNIX socket, or one end of a socketpair. It is made non-blocking and close-on-exec, and its
 * options are what bight's own have; T13's defaults are those of an accepted one. bight_transport_new's rules hold:
 * connection_made has been called when this returns. *protocol (NULL: it is not asked for) gets the protocol with a
 * hold, as bight_connect's Deferred has it. From 0 on the descriptor is the connection's, which closes it; on a code it
 * is still the caller's, and open. It must not be given twice. `factory` is borrowed until stopped (T16); one that has
 * a `release` is taken, on a code too. INVALID_ARGUMENT, with a usage error that says what the descriptor is: not open,
 * not a socket, not a stream, one that listens; CONNECTION_LOST: it is not connected, or not any more; NO_PROTOCOL,
 * OUT_OF_MEMORY, FACTORY_IN_USE, SHUTDOWN, WRONG_THREAD, the system's. Twisted's adoptStreamConnection.
 *
 *     int bight_adopt_connection(
 *         struct bight_reactor *reactor, int fd, struct bight_factory *factory, struct bight_protocol **protocol); */
#define bight_adopt_connection(...) bight_adopt_connection_at(BIGHT_HERE, __VA_ARGS__)

/* `text` with '\', ':', '=' and '[' escaped, to be put into an endpoint string as one argument's value. Writes at most
 * `size` bytes with the NUL and returns the length that the whole needs, as snprintf does. */
BIGHT_API size_t bight_endpoint_quote(const char *text, char *buffer, size_t size);

/* What endpoint strings have read from files (certificates, keys, whom to trust) is read again, in threads, for the
 * connections that come from now on; what cannot be used is logged, and what there was stays. Returns how many strings
 * there are that have read something. */
BIGHT_API size_t bight_reload_endpoints(struct bight_reactor *reactor);

/* The keys of all TLS sessions of endpoint strings are appended to this file, from which others (Wireshark) can read
 * what was said: a warning is logged. Process-wide, before the first reactor; the path is borrowed. NULL: they are
 * not. */
BIGHT_API void bight_endpoint_set_keylog(const char *path);
BIGHT_API const char *bight_endpoint_get_keylog(void); /* as it was set */

/* -------------------------------------------------------------------------------- what the macros call */

/* `place` is the place of the call: BIGHT_HERE. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_listen_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory);
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_connect_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory);
BIGHT_API int bight_serve_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory);
BIGHT_API int bight_adopt_connection_at(const char *place, struct bight_reactor *reactor, int fd,
    struct bight_factory *factory, struct bight_protocol **protocol);

BIGHT_END

#endif
