/* SPDX-License-Identifier: MIT */
/* socket.h - the parts of this room that stand on sockets, for the endpoints: the bottom of a connection, listening
 * sockets, ports, attempts to connect, and what of all that is to be closed with its reactor. */
#ifndef BI_TRANSPORT_SOCKET_H
#define BI_TRANSPORT_SOCKET_H

#include <bight/port.h>
#include <bight/sys/bottom.h>

#include "reactor/reactor.h"

/* A stream socket, TCP or UNIX. Its memory is the port that accepted it, or NULL. */
extern const struct bight_bottom_ops bi_socket_bottom;

/* ------------------------------------------------------------------------------- open.c: what is open */

/* Something other than a connection that is to end with its reactor's run: a port, an attempt to connect. */
struct bi_open {
    struct bi_link link;
    void (*end)(struct bi_open *open);    /* it has left already */
    void (*forked)(struct bi_open *open); /* it is in the child of a fork (R13); may be NULL */
    /* Of a port: more about it, as parts of a dump's node, into a buffer. NULL: an attempt to connect. */
    void (*tell)(const struct bi_open *open, char *text, size_t size);
};

/* 0; OUT_OF_MEMORY; SHUTDOWN while the reactor disconnects everything: a client that reconnects at a loss would
 * otherwise outlive the run. */
int bi_open_join(struct bight_reactor *reactor, struct bi_open *open);
/* The one after `previous` (NULL: the first) of what is open; NULL at the end. For tests. */
BI_PRIVATE_API struct bi_open *bi_open_next(struct bight_reactor *reactor, const struct bi_open *previous);
/* Nothing when it is in none (zeroed). */
void bi_open_leave(struct bi_open *open);

/* T17: a descriptor in hand for the day when there is no other. Closes it; false when there is none. */
bool bi_open_spend_spare(struct bight_reactor *reactor);
void bi_open_restore_spare(struct bight_reactor *reactor);

/* E4: notes that a descriptor of this number was adopted, and whether one was. 0 or OUT_OF_MEMORY. */
int bi_open_adopt(struct bight_reactor *reactor, int fd);
bool bi_open_was_adopted(struct bight_reactor *reactor, int fd);

/* --------------------------------------------------------------------- listen.c: listening sockets */

struct bi_listen_options {
    int backlog; /* 0: the default */
    int defer;   /* TCP: seconds for which a connection that brings nothing is not told of; 0: none */
    bool only_ipv6, dual_stack;
    bool reuse_port, keepalive, no_delay;
    bool has_mode;
    mode_t mode;
    size_t max_connections; /* 0: no limit */
};

/* A non-blocking, close-on-exec socket that listens; or -errno. */
int bi_listen_ip(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bi_listen_options *options);
/* Any stack: IPv6 that takes IPv4 too, or IPv4 where there is no IPv6. */
int bi_listen_any(struct bight_reactor *reactor, uint16_t port, const struct bi_listen_options *options);
int bi_listen_unix(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bi_listen_options *options);
/* adopt.c: checks and prepares one that came from elsewhere. 0 or -errno: ENOTSOCK, EINVAL (does not listen), EBADF ...
 */
int bi_listen_prepare(struct bight_reactor *reactor, int fd, const struct bi_listen_options *options);

/* adopt.c: bight_adopt_connection, whose factory has been looked at. */
int bi_adopt(const char *place, struct bight_reactor *reactor, int fd, struct bight_factory *factory,
    struct bight_protocol **protocol);

/* ------------------------------------------------------------------------------------ port.c, accept.c */

/* A port on a listening socket, which is taken in any case. Accepting begins. One hold is the caller's. NULL with
 * *failure set. `path`: the UNIX address that it was
 * bound to here; the path is removed when the port is closed, if it is still this socket's. NULL: none. */
struct bight_port *bi_port_new(struct bight_reactor *reactor, struct bight_factory *factory, int fd,
    const struct bi_listen_options *options, const struct bight_address *path, struct bight_failure **failure);

/* E4: whether a port of the reactor, open as yet, has this descriptor. */
bool bi_port_has_descriptor(struct bight_reactor *reactor, int fd);

/* A connection that it accepted has been closed; its memory may be freed in here. */
void bi_port_connection_ended(struct bight_port *port, int descriptor);

/* ------------------------------------------------------------------------ connector.c: one attempt */

/* An attempt to connect to one address, in the caller's memory: this and the loop's watch_size bytes. */
struct bi_connector {
    struct bight_reactor *reactor;
    int descriptor; /* -1: none */
    unsigned forks; /* the count of forks when it began: R13 */
    void *context;  /* the caller's */
    /* Called from the loop, bracketed, with 0 (connected) or -errno (closed). */
    void (*done)(struct bi_connector *connector, int result);
};

/* The memory that a connector needs, a multiple of the strictest alignment. */
size_t bi_connector_size(const struct bight_reactor *reactor);

/* Fills the connector and begins. 1: connected at once; 0: done will be called; -errno: failed, and nothing is
 * open. `bind` may be NULL. */
int bi_connector_begin(struct bi_connector *connector, struct bight_reactor *reactor,
    void (*done)(struct bi_connector *connector, int result), void *context, const struct bight_address *address,
    const struct bight_address *bind);

/* Whether there is an address here to come from on the way to `address`: `bind`, or one that the kernel chooses. */
bool bi_connector_has_source(
    struct bight_reactor *reactor, const struct bight_address *address, const struct bight_address *bind);

/* The connected descriptor, now the caller's. */
int bi_connector_take(struct bi_connector *connector);

/* It was begun before a fork, and is the parent's, too (R13). */
bool bi_connector_is_inherited(const struct bi_connector *connector);

/* Closes what is open; done is not called. Fine at any time, also on a zeroed one. */
void bi_connector_close(struct bi_connector *connector);

#endif
