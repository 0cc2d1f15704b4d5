/* SPDX-License-Identifier: MIT */
/* transport.h - the facade's inside, shared by the files of lib/transport.
 *
 * A connection that merely echoes must stay small (the facade and the loop's watch are the whole of it) and must touch
 * little per message. So: what few connections need is in an extension made on demand; what only unsent output needs is
 * in a pooled output; both are NULL between messages. The hub is the room's attachment to a reactor: the table of
 * transports, the pools, the receive buffer. */
#ifndef BI_TRANSPORT_TRANSPORT_H
#define BI_TRANSPORT_TRANSPORT_H

#include <bight/sys/bottom.h>
#include <bight/sys/layer.h>
#include <bight/sys/scope.h>

#include "base/pool.h"
#include "deferred/owner.h"
#include "reactor/reactor.h"
#include "transport/input.h"

/* Receive buffer of a hub, and so the most that data_received gets at once (T2). */
#define BI_RECEIVE_SIZE 65536

/* Writes of this size and more are tried at once instead of being gathered. */
#define BI_LARGE_WRITE 4096

/* What a block of copied output holds, the same on all machines, since simulated runs show where output is cut. With
 * their chunks, on machines of 64 bits, sixteen of them and a slab's head just fit 256 KiB. */
#define BI_BLOCK_BYTES 16240

/* Copied output that an output has room for itself, so that its pool's items are about a KiB: a message to each of
 * hundreds of connections must not touch so many blocks. Not exactly one: items a power of two apart would share few
 * lines of the processor's cache. */
#define BI_FIRST_BLOCK_SIZE 640

/* T13's and T7's defaults. */
#define BI_LOW_WATERMARK 16384
#define BI_HIGH_WATERMARK 65536
#define BI_ACCEPTED_LIMIT (16u << 20)
#define BI_FLUSH_SECONDS 30
#define BI_MIN_PROGRESS 1024
#define BI_LINGER_SECONDS 5
#define BI_LINGER_BYTES (16u << 20)

/* Bits of bight_protocol.state. */
#define BI_PROTOCOL_CONNECTED (1u << 0) /* a transport has taken it */
#define BI_PROTOCOL_OVER (1u << 1)      /* connection_lost or protocol_replaced is due or has been called */
#define BI_PROTOCOL_COUNTED (1u << 2)   /* among its factory's connections */
#define BI_PROTOCOL_ABOVE (1u << 4)     /* see bi_flow_awaits_room */
#define BI_PROTOCOL_DRAINING (1u << 3)  /* closes by itself, as asked */
#define BI_PROTOCOL_MADE (1u << 5)      /* connection_made has been called */
#define BI_PROTOCOL_HOLDS (1u << 6)     /* its factory, which has a release */

struct bi_hub;
struct bight_port;
struct bi_extension;
struct bi_output;
struct bi_file;
struct bi_establishing;
struct bi_idle_class;

/* idle.c: 16 bytes of each connection, for what each read and send leaves. */
struct bi_idle {
    uint32_t previous, next; /* in its list: indices of slots */
    uint32_t
        active; /* the hub's tick of the last one; not behind the state: both are written in a row, see `counted` */
    uint16_t class_number; /* 0: no idle timeout */
    uint8_t list;

    /* Not idle.c's, but in a byte that was left. */
    uint8_t finds : 6;     /* of receive.c's looks in a row that found something */
    uint8_t is_early : 1;  /* is looked at before it is watched: receive.c */
    uint8_t no_linger : 1; /* T7: none was asked for; that alone is not worth an extension */
};

/* On machines of 64 bits: a cache line, and what idle timeouts need. */
struct bight_transport {
    uint64_t id; /* slot index below, generation above; see hub.c. A free slot keeps its next one */
    struct bi_hub *hub;
    struct bight_protocol *protocol;
    const struct bight_bottom_ops *bottom;
    struct bi_extension *extension;
    struct bi_output *output; /* NULL: nothing is queued */
    void *bottom_memory;      /* a socket's is its port, or NULL: see port.c */
    int descriptor;
    uint32_t state;
    struct bi_idle idle;
    /* the loop's watch follows; when it has gone a struct bi_loss lies there instead */
};

/* A stretch of output: a block with room behind it (one of hub.blocks, or the first one, which is the output's own), or
 * a reference. An output has one more chunk of its own for what others refer to as well (common.c). */
struct bi_chunk {
    struct bi_chunk *next;
    const uint8_t *data; /* what has not been sent yet */
    size_t size;
    uint8_t *room; /* blocks: the free rest; NULL for a reference */
    uint8_t *room_end;
    bight_release_function release;
    void *context;
    bool counted;  /* towards the output limit */
    bool borrowed; /* lies on the stack of the write that is on its way */
};

struct bi_output {
    struct bi_task task; /* afterwards: flush */
    struct bight_transport *transport;
    struct bi_chunk *first, *last;
    struct bi_chunk *sent;  /* their memory is released when no write is on the stack */
    size_t most;            /* reserve.c: what a commit may be that has nothing to decide; */
    size_t reserved;        /* any other; 0: nothing is reserved */
    struct bi_chunk *aside; /* where that is to be, if not in the last chunk */
    size_t queued;
    size_t held;    /* of what is counted, what the hub has counted too: see cap.c */
    size_t counted; /* not next to `queued`: compilers would make a vector of the two to add to both, which is slower */
    bool watching;  /* the kernel has refused: waits for writable, or for the retry */
    bool busy;      /* an attempt to send, or a drop, is on the stack */
    bool settling;  /* what follows an attempt is on the stack */
    bool refused;   /* the last attempt ended because the kernel took no more */
    bool starved;   /* and that because it had no memory */
    bool unread;    /* or because the file that comes first has to be read before */
    bool reading;   /* watching stands for that: a thread reads */
    struct bi_chunk common; /* a stretch of a block that others have, too: common.c */
    uint64_t pause;         /* nanoseconds before the retry; 0: none since something was sent */
    struct bi_wheel_entry retry;
    struct bi_chunk first_block;
    /* the loop's watch for writing follows, and then the first block's bytes */
};

/* The end of input that is being delivered: what the handler on the stack has not been given. */
struct bi_rest {
    const uint8_t *data;
    size_t size;
};

struct bi_extension {
    struct bight_transport *transport;
    struct bi_task task; /* soon: advance.c */

    struct bight_level facade;    /* levels.c: what waits for the protocol */
    struct bight_input *returned; /* by a handler; NULL: nothing */
    struct bi_rest *rest;         /* of what waited for the protocol and is being delivered; NULL: nothing is */
    size_t held;                  /* of what waits, what the hub has counted */
    struct bight_layer *pushed;   /* the first one since the handler began */

    struct bight_layer *top, *lowest;
    struct bight_layer *popped; /* linked by `below`; freed when no slot of a layer is on the stack */
    struct bi_task flush_task;  /* afterwards: layer_talk.c */

    bool may_go_on; /* held.c: one step a turn */

    const struct bight_producer_ops *producer;
    void *producer_context;
    struct bi_task pull_task;
    bool streaming;
    bool producer_paused;

    size_t low, high, limit;

    struct bi_wheel_entry total_timer, close_timer;
    uint64_t flush, linger, stall; /* T7, T7, T24's time for output without progress; nanoseconds */
    size_t linger_bytes;           /* what may still be thrown away after the shut */
    size_t progress;               /* sent since the flush timer was armed */
    size_t least_progress;         /* what that has to come to */
    struct bight_failure *reason;  /* the first one, which connection_lost gets; NULL: graceful so far */

    struct bight_protocol *next_protocol; /* SWITCHING */

    struct bight_factory *factory;        /* transport.c: that was asked for the protocol; NULL: see there */
    struct bi_establishing *establishing; /* establish.c; NULL: it need not be, or has been announced */
    struct bight_scope_member member;
    struct bight_address *peer; /* when it has been asked for */
    uint64_t began;             /* connection_log.c; 0: is not logged */
};

/* establish.c: what has been logged within a second. */
struct bi_establish_log {
    uint64_t second; /* when it began */
    uint64_t count;
};

/* doubt.c: what has been answered and not looked at again. */
struct bi_doubts {
    struct bi_doubt *list;
    size_t count, capacity;
    size_t next, kept, last; /* of the round that is on its way */
    struct bi_wheel_entry timer;
};

/* Memory of bight's own: NULL, or what is being delivered from it. */
struct bi_own_input {
    const uint8_t *data;
    size_t size;
};

/* common.c: what many connections are sent. */
struct bi_common {
    struct bi_common_block *block; /* that is being filled; NULL: none */
    struct bight_bytes *bytes;     /* what was copied there last, held; NULL: nothing */
    const uint8_t *at;             /* where */
    size_t size;
    size_t blocks; /* that there are, with those that are full */
};

struct bi_hub {
    struct bi_attachment attachment;
    struct bight_reactor *reactor;
    struct bight_system *system;
    uint8_t *receive_buffer;
    struct bi_own_input own; /* what is being delivered from memory of bight's own: see bi_input_is_own */
    bool is_edge;            /* the loop's watches tell news only */
    uint32_t tick;           /* idle.c: a coarse time */
    struct bi_pool extensions, outputs, references, blocks;
    struct bi_wheel_entry trim_timer; /* armed while a pool has slabs to give back */
    struct bight_transport *sequence; /* is in the midst of a long write: its marks are judged after that */
    struct bi_output *ready_output;   /* with an empty block: see output.c. NULL: in use, or not made yet */
    struct bi_output *lent_output;    /* the same for reserve.c */
    uint64_t refused;                 /* reserve.c: the transport that was given no room last */
    int refused_code;

    struct bi_common common;
    struct bi_doubts doubts;

    struct bi_idle_class **idle_classes; /* idle.c */
    uint16_t idle_class_count;
    uint64_t idle_shortest;       /* nanoseconds: the shortest period */
    uint64_t idle_now, idle_seen; /* its clock, and the system's when that was advanced */

    struct bi_pool slots; /* hub.c */
    struct bi_slot_slab *slabs;
    size_t slab_count, slab_capacity;
    size_t watch_size;
    bool disconnecting;
    struct bi_establish_log establish_log;

    size_t held, held_limit; /* cap.c: bytes that wait in all connections */
    bool held_is_told;

    struct bi_task budget_task; /* soon: what layers may spend in a turn is theirs again */
    uint64_t spent;             /* nanoseconds */

    uint64_t failures_since; /* stream/factory.c: of the second in which so many streams' functions failed */
    unsigned failures;
};

static inline struct bight_watch *bi_watch_of(const struct bight_transport *transport)
{
    return (struct bight_watch *)(void *)(uintptr_t)(transport + 1);
}

/* What stands in for the transport of a protocol that has none: it answers CLOSED. It is never written to. */
extern const struct bight_transport bi_transport_closed;
#define BI_TRANSPORT_CLOSED ((struct bight_transport *)(uintptr_t)&bi_transport_closed)

/* First in the functions that programs call: in debug builds a call from a wrong thread, or between a reserve and its
 * commit, is reported and does nothing. */
#ifdef BIGHT_DEBUG_CHECKS
int bi_transport_check(const struct bight_transport *transport, const char *what); /* reserve.c */
#define BI_TRANSPORT_CHECK(transport, what)                     \
    do {                                                        \
        int refused_ = bi_transport_check((transport), (what)); \
        if (refused_ != 0) {                                    \
            return refused_;                                    \
        }                                                       \
    } while (0)
#else
#define BI_TRANSPORT_CHECK(transport, what) ((void)0)
#endif

/* --- transport.c */

/* Asks the factory for the transport's protocol, and takes it. 0, or why there is none. */
int bi_transport_build(
    struct bight_transport *transport, struct bight_factory *factory, const struct bight_address *peer);
/* The factory that was asked for the connection's protocol, if the protocol's is another: it counts with both. Else
 * NULL. */
struct bight_factory *bi_transport_apart(const struct bight_transport *transport);
/* The protocol is another now: that factory stays the one that was asked. It needs an extension. */
void bi_transport_note_apart(struct bight_transport *transport, struct bight_factory *factory);
/* Calls connection_made. */
void bi_transport_made(struct bight_transport *transport);
/* What bight_transport_peer says from now on. 0 or OUT_OF_MEMORY. */
int bi_transport_remember_peer(struct bight_transport *transport, const struct bight_address *peer);

/* --- hub.c */

/* The hub of a reactor, made on first use; NULL when out of memory. */
BI_PRIVATE_API struct bi_hub *bi_hub_of(struct bight_reactor *reactor);

/* NULL when there is none yet. */
const struct bi_hub *bi_hub_if_any(const struct bight_reactor *reactor);

/* Walks the transports, ended ones too: *cursor starts at 0; NULL at the end. */
BI_PRIVATE_API struct bight_transport *bi_hub_next(const struct bi_hub *hub, size_t *cursor);
/* The transport of the slot with this index: the lower half of its id. */
struct bight_transport *bi_hub_at(const struct bi_hub *hub, uint32_t index);
/* The transport with this id; NULL when it has been lost. */
struct bight_transport *bi_hub_find(const struct bi_hub *hub, uint64_t id);
/* A slot with its id and hub set and the rest zeroed; NULL when out of memory. */
struct bight_transport *bi_hub_take(struct bi_hub *hub);
void bi_hub_give(struct bight_transport *transport);
/* Work of so many nanoseconds that a layer has done on this turn; false when all layers together have done enough. */
bool bi_hub_spend(struct bi_hub *hub, uint64_t nanoseconds);

/* describe.c: as bi_attachment.describe. */
void bi_hub_describe(struct bi_attachment *attachment, struct bi_dump *dump);

/* The transport's extension, made on first use; NULL when out of memory. */
struct bi_extension *bi_extension_of(struct bight_transport *transport);
/* Frees its memory, and all that it has but layers and producer, which must be gone. */
void bi_extension_drop(struct bight_transport *transport);
/* From the loop, with nothing of the connection on the stack: frees one that is as it was made. */
void bi_extension_drop_unused(struct bight_transport *transport);

/* --- advance.c */

/* Decides what follows from what has been marked, from the loop: may call the protocol. While something of the
 * connection is on the stack it only marks: the function that is there decides when it has returned. */
void bi_transport_advance(struct bight_transport *transport);
/* The same for calls of the program, in which the protocol must not be called: that comes on a later turn. */
void bi_transport_changed(struct bight_transport *transport);
/* Decides again on a later turn. */
void bi_transport_later(struct bight_transport *transport);

/* --- receive.c */

/* As a bight_watch_function, context being the transport: for bottoms that have a watch. */
void bi_transport_readable_event(int fd, short what, void *transport);
/* Makes the bottom's watching agree with the state. Ends the connection when that fails. */
void bi_receive_update(struct bight_transport *transport);
/* BROKEN: reads what was received before, some of it a turn, and delivers it. */
void bi_receive_rest(struct bight_transport *transport);

/* For one that is about to be started, over a socket: at the end of the turn it is looked at, and only then watched, if
 * it is still there. bi_port_looked_early is told. */
void bi_receive_put_off(struct bight_transport *transport);
/* The same behind the handler that accepts it. */
void bi_receive_put_off_to_the_end(struct bight_transport *transport);
/* It is watched now. */
void bi_receive_end_early(struct bight_transport *transport);
/* It is not looked at any more: the memory of its watch is free. False: it was watched long ago. */
bool bi_receive_forget_early(struct bight_transport *transport);

/* The lazy look: one receive, and what follows if it finds something. */
void bi_receive_look(struct bight_transport *transport);

/* --- doubt.c */

/* The connection is to be looked at when it has been quiet for a while. False when out of memory. */
bool bi_doubt_note(struct bight_transport *transport);
/* No connection is in doubt any more. */
void bi_doubt_finish(struct bi_hub *hub);

/* --- output.c */

/* As a bight_watch_function, context being the transport. */
void bi_transport_writable_event(int fd, short what, void *transport);
/* What reaches the bottom: queued and, if it is large, tried at once, unless the caller has: with nothing queued, and
 * `tried` is what came of that. The codes of write; the caller ends the connection on any but CLOSED. */
#define BI_NOT_TRIED ((ssize_t)(SIZE_MAX / 2))
int bi_output_write(struct bight_transport *transport, const struct bight_piece *pieces, size_t count, ssize_t tried);
/* The same for a small piece that is copied. */
int bi_output_gather(struct bight_transport *transport, const uint8_t *data, size_t size);
/* The task of an output. */
void bi_output_run_flush(struct bi_task *task);
/* A file (file.h) is queued, of which so much is to be sent; it is taken when 0 is given. */
int bi_output_send_file(struct bight_transport *transport, struct bi_file *file, size_t size);
/* The file that comes first has been read. */
void bi_output_was_read(struct bight_transport *transport);
/* What was queued elsewhere comes last here. OUT_OF_MEMORY: nothing has moved. */
int bi_output_take_queue(struct bight_transport *transport, struct bi_output *from);
/* An output whose task runs, so that advance is called from the loop. 0 or OUT_OF_MEMORY. */
int bi_output_ask(struct bight_transport *transport);
/* Forgets what has not been sent, and the watch. Calls release functions. */
void bi_output_drop(struct bight_transport *transport);

/* In the child of a fork: what is queued is the parent's to send. Calls nothing. */
void bi_output_leave_to_parent(struct bight_transport *transport);

/* Takes its watch and its task out, and nothing else: for the moment when the loss is queued. */
void bi_output_quiet(struct bight_transport *transport);

/* What waits for the bottom. */
static inline size_t bi_output_queued(const struct bight_transport *transport)
{
    return transport->output == NULL ? 0 : transport->output->queued;
}

/* --- held.c: what waits above layers behind files. Only of a HELD transport. */
size_t bi_held_size(const struct bight_transport *transport);

/* --- cap.c */

void bi_cap_begin(struct bi_hub *hub);
/* A queue holds so much `now`, of which *counted had been counted. False when all connections together hold too much
 * and this queue, which has grown, is not short: its connection is to end with OVERFLOW. */
bool bi_cap_update(struct bi_hub *hub, size_t *counted, size_t now);

/* --- write.c */

/* From the lowest layer to the output. The codes of write; the caller ends the connection on any but CLOSED. */
int bi_write_down(struct bight_transport *transport, const struct bight_piece *pieces, size_t count);

/* --- flow.c */

/* After an attempt to send: producers and backpressure. May call the producer. */
void bi_flow_check_watermarks(struct bight_transport *transport);
/* The output was above the high mark and has not been seen below the low one since: for the protocol's `room`. */
static inline bool bi_flow_awaits_room(const struct bight_transport *transport)
{
    return (transport->protocol->state & BI_PROTOCOL_ABOVE) != 0;
}
/* It may be below now: notifies the protocol; inside a call of the program, on a later turn. */
void bi_flow_tell_room(struct bight_transport *transport, bool quiet);
/* What was written and the bottom has not taken, in layers and output. */
size_t bi_flow_queued(const struct bight_transport *transport);
/* The output has become empty. */
void bi_flow_drained(struct bight_transport *transport);
/* Takes the producer out, with its one stop. */
void bi_flow_stop_producer(struct bight_transport *transport);
size_t bi_flow_limit(const struct bight_transport *transport);

/* --- connection_log.c */

void bi_connection_log_begin(struct bight_transport *transport);
void bi_connection_log_end(const struct bight_transport *transport, const struct bight_failure *reason);

/* --- loss.c */

/* The connection has ended: connection_lost(reason) comes on a later turn. Takes `reason`, which is told unless there
 * was one before. Does nothing more when it has ended already. */
void bi_close_end(struct bight_transport *transport, struct bight_failure *reason, bool reset);
/* The same at once, for a shutdown: calls connection_lost. */
void bi_close_end_now(struct bight_transport *transport, struct bight_failure *reason);
/* In the child of a fork (R13): only the descriptor is this process's own. */
void bi_close_inherit(struct bight_transport *transport);
/* A receive or a send has failed: `number` is a positive errno. */
void bi_close_broken(struct bight_transport *transport, int number, const char *what);

/* --- close.c */

/* From the loop: the protocol is to finish. One that does not know how is lost if `lose` says so. What is being
 * established is told when it has been. */
BI_PRIVATE_API void bi_close_drain(struct bight_transport *transport, bool lose);
/* lose_connection without its checks. */
void bi_begin_close(struct bight_transport *transport);
/* A layer cannot go on (T5): what it has sent is flushed, and the reason kept, which is taken. */
void bi_close_failed(struct bight_transport *transport, struct bight_layer *layer, struct bight_failure *reason);
/* A layer has failed, and why is kept for the loss. */
static inline bool bi_has_failed(const struct bight_transport *transport)
{
    return transport->extension != NULL && transport->extension->reason != NULL;
}
/* Bytes were sent, or none: for what bounds a flush. */
void bi_close_progress(struct bight_transport *transport, size_t sent);
/* From the lowest layer: nothing more comes from above. */
void bi_close_end_reached(struct bight_transport *transport);
/* Input that came while losing and is thrown away. */
void bi_close_discarded(struct bight_transport *transport, size_t size);
/* The graceful loss: DONE, or the reason that was kept. */
void bi_close_done(struct bight_transport *transport);

/* --- idle.c */

/* An idle timeout in place of the one before; 0 nanoseconds: none. 0, or OUT_OF_MEMORY and nothing is changed. */
int bi_idle_start(struct bight_transport *transport, uint64_t nanoseconds);
void bi_idle_stop(struct bight_transport *transport);
uint64_t bi_idle_timeout(const struct bight_transport *transport); /* as it was rounded up; 0: none */
/* When no transport is left. */
void bi_idle_finish(struct bi_hub *hub);

/* Bytes have come, or have gone: for the figures, and for the idle timeout (T24). */
static inline void bi_count_received(struct bight_transport *transport, size_t size)
{
    transport->idle.active = transport->hub->tick;
    transport->hub->reactor->traffic.received += size;
}

static inline void bi_count_sent(struct bight_transport *transport, size_t size)
{
    transport->idle.active = transport->hub->tick;
    transport->hub->reactor->traffic.sent += size;
}

/* --- timeouts.c */

/* The time is up: aborts with TIMED_OUT. */
void bi_timeouts_end(struct bight_transport *transport);
/* Everything that is armed for the transport goes. */
void bi_timeouts_disarm(struct bight_transport *transport);
/* What bounds a flush or a linger: it is armed again when there is still something to bound. */
void bi_timeouts_disarm_close(struct bight_transport *transport);

/* --- layers.c */

/* Down from the facade of a LAYERED transport. */
void bi_layers_write_end(struct bight_transport *transport);
/* The same for what stands below a layer that has failed. */
void bi_layers_end_below(struct bight_layer *layer);
/* At loss. */
void bi_layers_free(struct bight_transport *transport);

/* --- switch.c */

/* Carries out a pending switch, and those that its connection_made asks for. Delivers nothing. For advance.c. */
void bi_switch_now(struct bight_transport *transport);
/* Forgets a pending one. */
void bi_switch_drop(struct bight_transport *transport);

/* --- protocol.c */

/* The connection of the protocol is over: its ties are cancelled. */
void bi_protocol_end_ties(struct bight_protocol *protocol);
/* Takes a protocol for a transport: USAGE when it has had one. */
int bi_protocol_connect(struct bight_protocol *protocol, struct bight_transport *transport);

/* The transport's hold. */
void bi_protocol_disconnect(struct bight_protocol *protocol);

/* --- factory.c (T16) */

/* One more port (or attempt to connect) or connection of the factory: `started` is called before the first. 0, or
 * FACTORY_IN_USE when it belongs to another reactor at present. */
/* What the factory needs to make protocols by itself and has not, in words; NULL: nothing. */
const char *bi_factory_lack(const struct bight_factory *factory);
int bi_factory_add_port(struct bight_factory *factory, struct bight_reactor *reactor);
int bi_factory_add_connection(struct bight_factory *factory, struct bight_reactor *reactor);
/* One less: `stopped` is called after the last, and the factory may be gone then. */
void bi_factory_remove_port(struct bight_factory *factory);
void bi_factory_remove_connection(struct bight_factory *factory);
/* The first in its row that frees itself when it is not needed: a caller that may yet use it must hold that one. NULL:
 * none. */
struct bight_factory *bi_factory_taken(struct bight_factory *factory);
/* Whether it looks at the peer's address when a connection is accepted. */
bool bi_factory_asks_peer(const struct bight_factory *factory);
/* Why it cannot be used (the caller's), or NULL. */
struct bight_failure *bi_factory_check(const struct bight_factory *factory);
/* Calls user code; the factory is still there behind it. */
bool bi_factory_may_connect(struct bight_factory *factory, const struct bight_address *address);
/* A connection of it, or of one that it stands in front of, has ended. */
void bi_factory_tell_end(struct bight_factory *factory, const struct bight_failure *reason);
/* Whether it wants connections from this peer. */
bool bi_factory_admits(struct bight_factory *factory, const struct bight_address *peer);
/* Asks the factory for a protocol. NULL with *code (NO_PROTOCOL, OUT_OF_MEMORY). */
struct bight_protocol *bi_factory_build(struct bight_factory *factory, const struct bight_address *peer, int *code);

/* --- port.c */

/* Notifies a port that a connection that it accepted has ended (its memory may be freed in here). */
void bi_port_connection_ended(struct bight_port *port, int descriptor);

#endif
