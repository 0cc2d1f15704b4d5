/* SPDX-License-Identifier: MIT */
/* port.h - a port's inside, shared by port.c (its life) and accept.c (what it is for). */
#ifndef BI_TRANSPORT_PORT_H
#define BI_TRANSPORT_PORT_H

#include "transport/peers.h"
#include "transport/socket.h"
#include "transport/transport.h"

/* A waiter for the end of a port's last connection. Taken out before it is called; takes itself out before it goes. */
struct bi_port_waiter {
    struct bi_link link;
    void (*emptied)(struct bi_port_waiter *waiter);
};

struct bight_port {
    struct bi_open open;
    struct bight_reactor *reactor;
    struct bight_factory *factory; /* NULL: closed */
    struct bight_factory *asked;   /* the same, for as long as it has connections: they count with it */
    uint32_t holds;                /* the consumers', and one of its own while it is open */
    int descriptor;                /* -1: closed */
    size_t connections;
    size_t max_connections;
    struct bi_peers *peers;         /* NULL: they are not counted */
    uint64_t refused;               /* connections closed as they were accepted */
    struct bi_link silent, greeted; /* struct bi_establishing: before and behind the peer's first message */
    size_t establishing;            /* in both */
    bool is_paused;                 /* by the user */
    bool is_accepting;              /* on the stack: the factory is not released meanwhile */
    bool is_backing_off;
    bool owns_path;
    bool has_identity;
    bool is_deferring;          /* a connection has brought something when it can be accepted */
    int8_t early;               /* accept.c: what speaks for looking at connections before they are watched */
    uint8_t passed;             /* connections that were not */
    uint64_t identity[2];       /* of the path, as it was bound */
    struct bi_link end_waiters; /* struct bi_port_waiter: for its last connection's end */
    struct bi_wheel_entry backoff_timer;
    uint64_t backoff;    /* nanoseconds, the last one; 0: none since a connection was accepted */
    unsigned failures;   /* errors of accept in a row that ought to have taken a connection off the queue */
    uint64_t starved_at; /* when accepting was last found to fail; 0: never */
    uint64_t full_at;    /* when the limit of connections was last met */
    uint64_t crowded_at; /* when a peer's was */
    struct bight_address address;
    max_align_t watch[]; /* the loop's watch_size bytes */
};

/* Watches or not, as pausing, backing off and the limit of connections demand. */
void bi_port_update(struct bight_port *port);

/* The watch's and the timer's functions. */
void bi_port_acceptable(int fd, short what, void *port);
void bi_port_backoff_ended(struct bi_wheel_entry *timer);

/* Accepts nothing for a while, longer each time until a connection is accepted. */
void bi_port_back_off(struct bight_port *port);

/* A connection that it accepted was looked at before it was watched; whether there was something. */
void bi_port_looked_early(struct bight_port *port, bool finds);

/* The end of accepting, when the port was closed meanwhile: releases the factory. */
void bi_port_leave_factory(struct bight_port *port);

/* A connection has turned out to come from another peer than it was accepted from. False: that peer has as many as it
 * may. */
bool bi_port_peer_learnt(struct bight_port *port, int descriptor, const struct bight_address *peer);

/* The port that has accepted it; NULL: none has. */
static inline struct bight_port *bi_port_of(const struct bight_transport *transport)
{
    return transport->bottom == &bi_socket_bottom ? transport->bottom_memory : NULL;
}

static inline struct bight_watch *bi_port_watch(struct bight_port *port)
{
    return (struct bight_watch *)port->watch;
}

#endif
