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
#include "transport/pool.h"

/* Receive buffer of a hub, and so the most that data_received gets at once (T2). */
#define BIGHT_RECEIVE_SIZE 65536

/* Writes of this size and more are tried at once instead of being gathered. */
#define BIGHT_LARGE_WRITE 4096

/* A block of copied output, its chunk included: sixteen of them and a slab's header are 256 KiB. */
#define BIGHT_BLOCK_SIZE 16304

/* Copied output that an output has room for itself, so that its pool's items are about a KiB: a message to each of
 * hundreds of connections must not touch so many blocks. Not exactly one: items a power of two apart would share few
 * lines of the processor's cache. */
#define BIGHT_FIRST_BLOCK_SIZE 640

/* T13's and T7's defaults. */
#define BIGHT_LOW_WATERMARK 16384
#define BIGHT_HIGH_WATERMARK 65536
#define BIGHT_ACCEPTED_LIMIT (16u << 20)
#define BIGHT_FLUSH_SECONDS 30
#define BIGHT_LINGER_SECONDS 5
#define BIGHT_LINGER_BYTES (16u << 20)

/* Bits of bight_transport.state. */
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
#define BIGHT_STATE_IN_HANDLER (1u << 11)   /* a slot of the protocol is on the stack */
#define BIGHT_STATE_ACCEPTED (1u << 12)
#define BIGHT_STATE_LAYERED (1u << 13)       /* the extension has layers */
#define BIGHT_STATE_HELD_INPUT (1u << 14)    /* the extension has input to deliver first */
#define BIGHT_STATE_SWITCHING (1u << 15)     /* the extension has a protocol to switch to */
#define BIGHT_STATE_PRESSURE_ON (1u << 17)   /* backpressure is wanted (T13) */
#define BIGHT_STATE_RESET (1u << 18)         /* the descriptor is to be closed with a reset */
#define BIGHT_STATE_END_HELD (1u << 19)      /* the layers' EOF waits until the protocol can hear of it */
#define BIGHT_STATE_PRODUCING (1u << 20)     /* the extension has a producer */
#define BIGHT_STATE_WRITE_ENDED (1u << 21)   /* lose_write was asked for */
#define BIGHT_STATE_WRITE_END_DUE (1u << 22) /* write_connection_lost has to be called */
#define BIGHT_STATE_FACTORY_APART (1u << 23) /* the extension has the factory that built the protocol */
#define BIGHT_STATE_LOST_IN_WATCH (1u << 24) /* a struct bight_loss lies in the watch's memory */

/* Of edge-triggered reading, see receive.c: */
#define BIGHT_STATE_SENT (1u << 25)       /* a send has succeeded since the last read */
#define BIGHT_STATE_LOOK_LATER (1u << 26) /* what is to be read next belongs to a later turn */
#define BIGHT_STATE_UNREAD (1u << 27)     /* reading stopped before the kernel's buffer was known to be empty */
#define BIGHT_STATE_IN_SEQUENCE                                                          \
    (1u << 28) /* between the rounds of a write: the marks are judged after the last one \
                */
#define BIGHT_STATE_INHERITED                                                              \
    (1u << 29) /* R13: is the parent's, too; cleared when the program ends it here as well \
                */
#define BIGHT_STATE_OVER (BIGHT_STATE_ENDING | BIGHT_STATE_ENDED)

/* Bits of bight_protocol.state. */
#define BIGHT_PROTOCOL_CONNECTED (1u << 0) /* a transport has taken it */
#define BIGHT_PROTOCOL_OVER (1u << 1)      /* connection_lost or protocol_replaced is due or has been called */
#define BIGHT_PROTOCOL_COUNTED (1u << 2)   /* among its factory's connections */

struct bight_hub;
struct bight_port;
struct bight_extension;
struct bight_output;
struct bight_idle_class;

/* idle.c: 16 bytes of each connection, for what each read and send leaves. */
struct bight_idle {
    uint32_t active;         /* the hub's tick of the last one */
    uint32_t previous, next; /* in its list: indices of slots */
    uint16_t class_number;   /* 0: no idle timeout */
    uint16_t list;
};

/* On machines of 64 bits: a cache line, and what idle timeouts need. */
struct bight_transport {
    uint64_t id;           /* slot index below, generation above; see hub.c. A free slot keeps its next one */
    struct bight_hub *hub; /* NULL: the slot is free */
    struct bight_protocol *protocol;
    const struct bight_bottom_ops *bottom;
    struct bight_extension *extension;
    struct bight_output *output; /* NULL: nothing is queued */
    void *bottom_memory;         /* a socket's is its port, or NULL: see port.c */
    int descriptor;
    uint32_t state;
    struct bight_idle idle;
    /* the loop's watch follows; while the loss is queued a struct bight_loss lies there instead */
};

/* A stretch of output: a block with room behind it (one of hub.blocks, or the first one, which is the output's own), or
 * a reference. */
struct bight_chunk {
    struct bight_chunk *next;
    const uint8_t *data; /* what has not been sent yet */
    size_t size;
    uint8_t *room; /* blocks: the free rest; NULL for a reference */
    uint8_t *room_end;
    bight_release_function release;
    void *context;
    bool counted;  /* towards the output limit */
    bool borrowed; /* lies on the stack of the write that is on its way */
};

struct bight_output {
    struct bight_task task; /* afterwards: flush */
    struct bight_transport *transport;
    struct bight_chunk *first, *last;
    struct bight_chunk *sent; /* their memory is released when no write is on the stack */
    size_t queued;
    size_t counted;
    bool watching;  /* the kernel has refused: waits for writable, or for the retry */
    bool busy;      /* an attempt to send, or a drop, is on the stack */
    bool refused;   /* the last attempt ended because the kernel took no more */
    bool starved;   /* and that because it had no memory */
    uint64_t pause; /* nanoseconds before the retry; 0: none since something was sent */
    struct bight_wheel_entry retry;
    struct bight_chunk first_block;
    /* the loop's watch for writing follows, and then the first block's bytes */
};

/* Input that could not be delivered: a queue in one piece of memory. */
struct bight_held {
    uint8_t *data;
    size_t start, end, capacity;
};

struct bight_extension {
    struct bight_transport *transport;
    struct bight_task task; /* soon: deliver, switch */
    struct bight_held held;

    struct bight_layer *top, *lowest;
    struct bight_layer *popped; /* linked by `below`; freed when no slot of a layer is on the stack */
    unsigned layer_depth;

    const struct bight_producer_ops *producer;
    void *producer_context;
    struct bight_task pull_task;
    bool streaming;
    bool producer_paused;

    size_t low, high, limit;

    struct bight_wheel_entry total_timer, close_timer;
    uint64_t flush; /* T7; nanoseconds */
    uint64_t linger;
    size_t linger_bytes; /* what may still be thrown away after the shut */

    struct bight_protocol *next_protocol; /* SWITCHING */
    uint8_t *switch_data;
    size_t switch_size;

    struct bight_factory *factory; /* FACTORY_APART */
    struct bight_scope_member member;
    struct bight_address *peer; /* when it has been asked for */
    uint64_t began;             /* connection_log.c; 0: is not logged */
};

/* Lies where the watch was. */
struct bight_loss {
    struct bight_task task;
    struct bight_failure *reason;
};

struct bight_hub {
    struct bight_attachment attachment;
    struct bight_reactor *reactor;
    struct bight_system *system;
    uint8_t *receive_buffer;
    bool is_edge;  /* the loop's watches tell news only */
    uint32_t tick; /* idle.c: a coarse time */
    struct bight_pool extensions, outputs, references, blocks;
    struct bight_wheel_entry trim_timer; /* armed while a pool has slabs to give back */
    struct bight_output *ready_output;   /* with an empty block: see output.c. NULL: in use, or not made yet */

    struct bight_idle_class **idle_classes; /* idle.c */
    uint16_t idle_class_count;
    uint64_t idle_shortest;       /* nanoseconds: the shortest period */
    uint64_t idle_now, idle_seen; /* its clock, and the system's when that was advanced */

    struct bight_slot_page *pages; /* hub.c */
    size_t page_count, page_capacity;
    size_t open_page; /* no page before this one has a free slot */
    size_t watch_size, slot_size;
    size_t empty_pages;
    bool disconnecting;

    uint64_t failures_since; /* stream/factory.c: of the second in which so many streams' functions failed */
    unsigned failures;
};

static inline struct bight_watch *bight_watch_of(const struct bight_transport *transport)
{
    return (struct bight_watch *)(void *)(uintptr_t)(transport + 1);
}

/* What stands in for the transport of a protocol that has none: it answers CLOSED. Nobody writes to it. */
extern const struct bight_transport bight_transport_closed;
#define BIGHT_TRANSPORT_CLOSED ((struct bight_transport *)(uintptr_t)&bight_transport_closed)

/* First in the functions that programs call: in debug builds a call from a wrong thread is reported and does nothing.
 */
#ifdef BIGHT_DEBUG_CHECKS
#define BIGHT_TRANSPORT_CHECK(transport, what)                                                                \
    do {                                                                                                      \
        if ((transport)->hub != NULL && bight_reactor_check_thread((transport)->hub->reactor, (what)) != 0) { \
            return BIGHT_E_WRONG_THREAD;                                                                      \
        }                                                                                                     \
    } while (0)
#else
#define BIGHT_TRANSPORT_CHECK(transport, what) ((void)0)
#endif

/* --- hub.c */

/* The hub of a reactor, made on first use; NULL without memory. */
BIGHT_PRIVATE_API struct bight_hub *bight_hub_of(struct bight_reactor *reactor);

/* Walks the transports, ended ones too: *cursor starts at 0; NULL at the end. */
BIGHT_PRIVATE_API struct bight_transport *bight_hub_next(const struct bight_hub *hub, size_t *cursor);
/* The transport of the slot with this index: the lower half of its id. */
struct bight_transport *bight_hub_at(const struct bight_hub *hub, uint32_t index);
/* A slot with its id and hub set and the rest zeroed; NULL without memory. */
struct bight_transport *bight_hub_take(struct bight_hub *hub);
void bight_hub_give(struct bight_transport *transport);

/* describe.c: as bight_attachment.describe. */
void bight_hub_describe(struct bight_attachment *attachment, struct bight_dump *dump);

/* The transport's extension, made on first use; NULL without memory. */
struct bight_extension *bight_extension_of(struct bight_transport *transport);
/* Gives its memory back, and all that it has but layers and producer, which must be gone. */
void bight_extension_drop(struct bight_transport *transport);

/* --- receive.c */

/* As a bight_watch_function, context being the transport: for bottoms that have a watch. */
void bight_transport_readable_event(int fd, short what, void *transport);
/* Makes the bottom's watching agree with the state. Ends the connection when that fails. */
void bight_receive_update(struct bight_transport *transport);
/* What the lowest layer or the bottom has for the protocol; and the end of it. */
void bight_receive_deliver(struct bight_transport *transport, const uint8_t *data, size_t size);
void bight_receive_deliver_end(struct bight_transport *transport);
/* Puts off to a later turn what is held, or a switch. Needs the extension. */
void bight_receive_later(struct bight_transport *transport);
/* Forgets input that is held. */
void bight_receive_drop_held(struct bight_transport *transport);
/* 0 or OUT_OF_MEMORY. `front`: before what is held already. */
int bight_receive_hold(struct bight_transport *transport, const uint8_t *data, size_t size, bool front);
/* Goes on after anything that stood in the way of delivering: a pending switch, what is held, a held EOF, new input. */
void bight_receive_go_on(struct bight_transport *transport);

/* --- output.c */

/* As a bight_watch_function, context being the transport. */
void bight_transport_writable_event(int fd, short what, void *transport);
/* What reaches the bottom: queued and, if it is large, tried at once. The codes of write; the caller ends the
 * connection on any but CLOSED. */
int bight_output_write(struct bight_transport *transport, const struct bight_piece *pieces, size_t count);
/* The same for a small piece that is copied; and for what is left of a large one of which `sent` bytes have been sent
 * with nothing queued (negative: -errno). */
int bight_output_gather(struct bight_transport *transport, const uint8_t *data, size_t size);
int bight_output_left_over(struct bight_transport *transport, const uint8_t *data, size_t size, ssize_t sent);
/* The task of an output. */
void bight_output_run_flush(struct bight_task *task);
/* Sends what can be sent now. */
void bight_output_flush(struct bight_transport *transport);
/* An output whose task runs, so that advance is called from the loop. 0 or OUT_OF_MEMORY. */
int bight_output_ask(struct bight_transport *transport);
/* Forgets what has not been sent, and the watch. Calls release functions. */
void bight_output_drop(struct bight_transport *transport);

/* In the child of a fork: what is queued is the parent's to send. Calls nothing. */
void bight_output_leave_to_parent(struct bight_transport *transport);

/* For the hub's end. */
void bight_output_free_ready(struct bight_hub *hub);
/* Takes its watch and its task out, and nothing else: for the moment when the loss is queued. */
void bight_output_quiet(struct bight_transport *transport);

static inline size_t bight_output_queued(const struct bight_transport *transport)
{
    return transport->output == NULL ? 0 : transport->output->queued;
}

/* --- flow.c */

/* After an attempt to send: producers and backpressure. */
void bight_flow_judge(struct bight_transport *transport);
/* The output has become empty. */
void bight_flow_drained(struct bight_transport *transport);
/* At loss: the producer's one stop. */
void bight_flow_stop_producer(struct bight_transport *transport);
size_t bight_flow_limit(const struct bight_transport *transport);

/* --- connection_log.c */

void bight_connection_log_begin(struct bight_transport *transport);
void bight_connection_log_end(const struct bight_transport *transport, const struct bight_failure *reason);

/* --- close.c */

/* The connection has ended: connection_lost(reason) comes on a later turn. Takes `reason`. Does nothing more when it
 * has ended already. */
void bight_close_end(struct bight_transport *transport, struct bight_failure *reason, bool reset);
/* The same at once, for a shutdown: calls connection_lost. */
void bight_close_end_now(struct bight_transport *transport, struct bight_failure *reason);
/* In the child of a fork (R13): only the descriptor is this process's own. */
void bight_close_inherit(struct bight_transport *transport);
/* A failed receive or send: `number` is a positive errno. */
void bight_close_broken(struct bight_transport *transport, int number, const char *what);
/* After anything that a close may have waited for: goes on with it as far as it can. */
void bight_close_advance(struct bight_transport *transport);
/* lose_connection without its checks. */
void bight_close_lose(struct bight_transport *transport);
/* Bytes were sent while a close waits for the output: the flush has made progress, or none if it is 0. */
void bight_close_progress(struct bight_transport *transport, size_t sent);
/* From the lowest layer, or lose itself: nothing more comes from above. */
void bight_close_shut_wanted(struct bight_transport *transport);
/* lose_connection, or what waited for a producer, goes on: its input is thrown away, its output flushed. */
void bight_close_flush(struct bight_transport *transport);
/* Input that came while losing and is thrown away. */
void bight_close_discarded(struct bight_transport *transport, size_t size);

/* --- idle.c */

/* An idle timeout in place of the one before; 0 nanoseconds: none. 0, or OUT_OF_MEMORY and nothing is changed. */
int bight_idle_start(struct bight_transport *transport, uint64_t nanoseconds);
void bight_idle_stop(struct bight_transport *transport);
/* When no transport is left. */
void bight_idle_finish(struct bight_hub *hub);

/* Bytes have come, or have gone: for the figures, and for the idle timeout (T24). */
static inline void bight_count_received(struct bight_transport *transport, size_t size)
{
    transport->idle.active = transport->hub->tick;
    transport->hub->reactor->traffic.received += size;
}

static inline void bight_count_sent(struct bight_transport *transport, size_t size)
{
    transport->idle.active = transport->hub->tick;
    transport->hub->reactor->traffic.sent += size;
}

/* --- timeouts.c */

/* The time is up: aborts with TIMED_OUT. */
void bight_timeouts_end(struct bight_transport *transport);
/* Everything that is armed for the transport goes. */
void bight_timeouts_disarm(struct bight_transport *transport);
/* After the shut only the linger counts. */
void bight_timeouts_disarm_user(struct bight_transport *transport);
/* The one that bounds a flush or a linger. */
void bight_timeouts_close_in(struct bight_transport *transport, uint64_t nanoseconds);

/* --- layers.c */

/* Up from the bottom, and down from the facade, of a LAYERED transport. */
void bight_layers_received(struct bight_transport *transport, const uint8_t *data, size_t size);
void bight_layers_received_end(struct bight_transport *transport);
int bight_layers_write(struct bight_transport *transport, const struct bight_piece *pieces, size_t count);
void bight_layers_write_end(struct bight_transport *transport);
bool bight_layers_are_busy(const struct bight_transport *transport);
/* At loss. */
void bight_layers_free(struct bight_transport *transport);

/* --- switch.c */

/* Carries out a pending switch, and those that its connection_made asks for. Delivers nothing. */
void bight_switch_now(struct bight_transport *transport);
/* Forgets a pending one. */
void bight_switch_drop(struct bight_transport *transport);

/* --- protocol.c */

/* The connection of the protocol is over: its ties are cancelled. */
void bight_protocol_end_ties(struct bight_protocol *protocol);
/* Takes a protocol for a transport: USAGE when it has had one. */
int bight_protocol_connect(struct bight_protocol *protocol, struct bight_transport *transport);

/* The transport's hold. */
void bight_protocol_disconnect(struct bight_protocol *protocol);

/* --- factory.c (T16) */

/* One more port (or attempt to connect) or connection of the factory: `started` is called before the first. 0, or
 * FACTORY_IN_USE (logged) when it belongs to another reactor at present. */
/* What the factory needs to make protocols by itself and has not, in words; NULL: nothing. */
const char *bight_factory_lack(const struct bight_factory *factory);
int bight_factory_add_port(struct bight_factory *factory, struct bight_reactor *reactor);
int bight_factory_add_connection(struct bight_factory *factory, struct bight_reactor *reactor);
/* One less: `stopped` is called after the last, and the factory may be gone then. */
void bight_factory_remove_port(struct bight_factory *factory);
void bight_factory_remove_connection(struct bight_factory *factory);
/* Asks the factory for a protocol. NULL with *code (NO_PROTOCOL, OUT_OF_MEMORY). */
struct bight_protocol *bight_factory_build(struct bight_factory *factory, const struct bight_address *peer, int *code);

/* --- port.c */

/* A port is told when a connection that it accepted has ended (its memory may be freed in here). */
void bight_port_connection_ended(struct bight_port *port);

#endif
