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

/* The type of a result that is a `struct bight_port *` with a hold: destroying lets go of the hold and the port goes on
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

BIGHT_END

#endif
