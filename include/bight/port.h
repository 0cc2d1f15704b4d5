/* SPDX-License-Identifier: MIT */
/* bight/port.h - a port: what listens.
 *
 * Made by bight_listen (bight/endpoint.h). Counted: a hold keeps the memory, not the listening. */
#ifndef BIGHT_PORT_H
#define BIGHT_PORT_H

#include <bight/address.h>
#include <bight/deferred.h>

BIGHT_BEGIN

struct bight_port;
struct bight_reactor;
struct bight_factory;

/* The type of a result that is a `struct bight_port *` with a hold: destroying releases the hold and the port goes on
 * listening; discarding stops it too. */
extern BIGHT_API const struct bight_type bight_type_port;

BIGHT_API struct bight_port *bight_port_hold(struct bight_port *port);
BIGHT_API void bight_port_release(struct bight_port *port);

/* T18: the Deferred fires empty after the close; live connections go on. Again: a Deferred that fires likewise. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_port_stop_listening(struct bight_port *port);

/* T18: accept nothing until resumed; the kernel's queue fills meanwhile. 0 or CLOSED. */
BIGHT_API int bight_port_pause(struct bight_port *port);
BIGHT_API int bight_port_resume(struct bight_port *port);

/* Where it listens, with the port that the kernel chose for 0. 0 or CLOSED. */
BIGHT_API int bight_port_address(struct bight_port *port, struct bight_address *address);

/* Connections accepted through it that have not ended. */
BIGHT_API size_t bight_port_connections(const struct bight_port *port);

/* How many there may be (0: any number), as maxconn= of an endpoint string says, which this takes the place of. With
 * that many the port accepts no more until one ends: the others wait in the kernel's queue, without notice. Those that
 * are there stay when they are more. 0 or CLOSED. */
BIGHT_API int bight_port_set_max_connections(struct bight_port *port, size_t count);
BIGHT_API size_t bight_port_get_max_connections(const struct bight_port *port);

/* How many connections of one peer there may be (0: any number), of those accepted from the first such call on. One
 * that is over it is closed as it is accepted: nothing is read from it, and the factory is not asked. It counts among
 * the refused, and is logged as a warning, once in ten seconds. A peer is an IPv4 address or the first 64 bits of an
 * IPv6 address, the least that a single subscriber is assigned (a link-local address counts in full); peers on UNIX
 * sockets have no address and no limit. A connection counts with the address that a layer below has learnt
 * (bight_layer_set_peer) from then on. Memory is that of the connections: 4 or 8 bytes for each descriptor and a record
 * for each peer that has any. A connection for whose record there is no memory is refused too. 0, CLOSED or
 * OUT_OF_MEMORY. */
BIGHT_API int bight_port_set_max_per_peer(struct bight_port *port, size_t count);
BIGHT_API size_t bight_port_get_max_per_peer(const struct bight_port *port);

/* How many connections were closed as they were accepted, since their peer had as many as it may or the factory did not
 * admit it (bight_factory_ops.admit). */
BIGHT_API uint64_t bight_port_refused(const struct bight_port *port);

BIGHT_END

#endif
