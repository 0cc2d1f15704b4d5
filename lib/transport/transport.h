/* SPDX-License-Identifier: MIT */
/* transport.h - the facade's inside, shared by the files of lib/transport.
 *
 * A connection that merely echoes must stay small (the facade and the loop's watch are the whole of it) and must touch
 * little per message. So: what few connections need is in an extension made on demand; what only unsent output needs is
 * in a pooled output; both are NULL between messages. The hub is the room's attachment to a reactor: the table of
 * transports, the pools, the receive buffer. */
#ifndef BIGHT_TRANSPORT_TRANSPORT_H
#define BIGHT_TRANSPORT_TRANSPORT_H

#include <bight/sys/bottom.h>
#include <bight/sys/layer.h>
#include <bight/sys/scope.h>

#include "deferred/owner.h"
#include "reactor/reactor.h"

/* Receive buffer of a hub, and so the most that data_received gets at once (T2). */
#define BIGHT_RECEIVE_SIZE 65536

/* Writes of this size and more are tried at once instead of being gathered. */
#define BIGHT_LARGE_WRITE 4096

/* A block of gathered or left-over output: its header and the bytes. */
#define BIGHT_BLOCK_SIZE 16384

/* enum bits of bight_transport.state */
#define BIGHT_STATE_STARTED (1u << 0)       /* connection_made has been called */
#define BIGHT_STATE_READING (1u << 1)       /* the bottom watches for input */
#define BIGHT_STATE_PAUSED (1u << 2)        /* by the protocol */
#define BIGHT_STATE_PRESSED (1u << 3)       /* not read from because its own output is above the mark */
#define BIGHT_STATE_LOSING (1u << 4)        /* lose_connection was asked for */
#define BIGHT_STATE_SHUT_WANTED (1u << 5)   /* shut the writing side when the output is empty */
#define BIGHT_STATE_SHUT (1u << 6)          /* the writing side has been shut */
#define BIGHT_STATE_INPUT_ENDED (1u << 7)   /* the peer's EOF has been seen by the bottom */
#define BIGHT_STATE_END_DELIVERED (1u << 8) /* and the protocol has heard of it */
#define BIGHT_STATE_ENDING (1u << 9)        /* the loss is queued: nothing more is called but connection_lost */
#define BIGHT_STATE_ENDED (1u << 10)        /* connection_lost has been called or needs not be */
#define BIGHT_STATE_IN_HANDLER (1u << 11)   /* a slot of the protocol or of a layer is on the stack */
#define BIGHT_STATE_ACCEPTED (1u << 12)
#define BIGHT_STATE_LAYERED (1u << 13)      /* the extension has layers */
#define BIGHT_STATE_HELD_INPUT (1u << 14)   /* the extension has input to deliver first */
#define BIGHT_STATE_SWITCHING (1u << 15)    /* the extension has a protocol to switch to */
#define BIGHT_STATE_IDLE_WATCHED (1u << 16) /* an idle timeout compares last_active */
#define BIGHT_STATE_PRESSURE_ON (1u << 17)  /* backpressure is wanted (T13) */
#define BIGHT_STATE_RESET (1u << 18)        /* the descriptor is to be closed with a reset */

struct bight_hub;
struct bight_port;
struct bight_extension;
struct bight_output;

struct bight_transport {
    uint64_t id; /* slot index and generation; see hub.c */
    struct bight_hub *hub;
    struct bight_protocol *protocol;
    const struct bight_bottom_ops *bottom;
    struct bight_extension *extension;
    struct bight_output *output; /* NULL: nothing is queued */
    void *bottom_memory;         /* a socket's is its port, or NULL: see port.c */
    int descriptor;
    uint32_t state;
    uint32_t last_active; /* the hub's idle tick at the last read */
    uint32_t depth;       /* handlers of this connection on the stack */
    /* the loop's watch follows, at an aligned offset; while the loss is queued its task lies there instead */
};

struct bight_hub {
    struct bight_attachment attachment;
    struct bight_reactor *reactor;
    struct bight_system *system;
    uint8_t *receive_buffer;
    uint32_t idle_tick;
    /* the rest is hub.c's and pool.c's: table of transports, pools of extensions, outputs and blocks, idle timer */
    struct bight_hub_state *state;
};

static inline struct bight_reactor *bight_transport_reactor_inline(const struct bight_transport *transport)
{
    return transport->hub->reactor;
}

/* The hub of a reactor, made on first use; NULL without memory. */
struct bight_hub *bight_hub_of(struct bight_reactor *reactor);

/* A port is told when a connection that it accepted has ended (its memory may be freed in here). */
void bight_port_connection_ended(struct bight_port *port);

#endif
