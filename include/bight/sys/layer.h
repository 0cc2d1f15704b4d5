/* SPDX-License-Identifier: MIT */
/* bight/sys/layer.h - layers between a transport's facade and its bottom: TLS, PROXY, throttling, logging.
 *
 * Data that was received goes up, data that is written goes down; each slot of a layer's table that is NULL passes
 * through. A layer embeds struct bight_layer first. It calls the functions below to hand on what it has made of the
 * data; bight holds the connection around every slot, so a layer may be popped, and the connection aborted, in any
 * of them. */
#ifndef BIGHT_SYS_LAYER_H
#define BIGHT_SYS_LAYER_H

#include <bight/transport.h>

BIGHT_BEGIN

struct bight_layer;
struct bight_input;
struct bi_output;

/* A piece of output on its way down. release NULL: the memory is only good during the call and is copied below if it
 * must wait; else it may be referred to until release(context), which the taker of the piece calls exactly once, never
 * inside the call that took it. */
struct bight_piece {
    const uint8_t *data;
    size_t size;
    bight_release_function release;
    void *context;
    bool counted; /* towards the output limit (T13); lent memory is not */
};

struct bight_layer_ops {
    size_t size; /* sizeof(struct bight_layer_ops): slots behind it are not looked at */
    /* Came from below. Hand on with bight_layer_deliver. */
    void (*received)(struct bight_layer *layer, const uint8_t *data, size_t size);
    /* The peer's side has ended (EOF). Hand on with bight_layer_deliver_end. */
    void (*received_end)(struct bight_layer *layer);
    /* Comes from above. Hand on with bight_layer_send. 0 (taken) or a code, and then nothing was taken. */
    int (*write)(struct bight_layer *layer, const struct bight_piece *pieces, size_t count);
    /* No more will be written. Hand on with bight_layer_send_end, when all of the layer's own has been sent. */
    void (*write_end)(struct bight_layer *layer);
    /* The connection has ended or the layer was popped: free what it has. Last call; no other is made after it. */
    void (*free)(struct bight_layer *layer);
    /* True while lose_connection must wait for it (a closing handshake). NULL: never. */
    bool (*is_busy)(struct bight_layer *layer);
    /* Once, behind the outermost handler, after bight_layer_flush_later: sends what the layer has gathered. The codes
     * of bight_layer_send; any but CLOSED ends the connection. */
    int (*flush)(struct bight_layer *layer);
    /* Bytes that were taken from above and have not been sent below. They count as the connection's output: for the
     * marks (T13) and in bight_transport_queued. Asked often: it must be quick. */
    size_t (*queued)(const struct bight_layer *layer);
    /* A layer below has become secure (bight_layer_secured). Hand on with bight_layer_secured. */
    void (*secured)(struct bight_layer *layer);
    /* The connection has ended; right before connection_lost, the lowest layer first. Nothing can be sent any more. */
    void (*lost)(struct bight_layer *layer, const struct bight_failure *reason);
    /* What the layer knows under this key, or NULL: see bight_transport_facts. */
    const void *(*facts)(const struct bight_layer *layer, const void *key);
    /* Of a layer that an endpoint puts under a connection (bight/sys/wrapper.h), once, when the layers below it are
     * ready and before anything is received: begins what has to be done before there is a protocol (a handshake, a
     * header). 0: ready; 1: later, see bight_layer_ready; an error's code: the connection cannot be established. NULL:
     * ready. */
    int (*prepare)(struct bight_layer *layer);
};

/* What waits to enter a layer, or the facade. bight's. */
struct bight_level {
    struct bight_input *input; /* NULL when there is none */
    size_t before;             /* how much of it comes before: */
    bool is_secured;           /* a layer below has become secure, which is to be reported */
    bool is_ended;             /* behind it */
    bool waits;                /* for the next turn */
    bool is_unwanted;          /* until what is above takes input */
    bool is_closed;            /* nothing may enter yet */
};

struct bight_layer {
    const struct bight_layer_ops *ops;
    struct bight_transport *transport; /* the facade; set by push */
    struct bight_layer *above, *below; /* NULL: the facade, the bottom */
    struct bight_layer *next_popped;   /* these are bight's */
    struct bight_level waiting;
    struct bi_output *held; /* what waits to enter it from above, behind a file */
    size_t kept;            /* that it has said it keeps */
    bool is_popped, is_hungry, is_ending, wants_flush, is_flushing, wants_room, is_prepared, is_ready;
};

/* Puts a layer right below the facade; it is taken. From now on it sees what is received and written. 0, CLOSED,
 * OUT_OF_MEMORY or INVALID_ARGUMENT (it has no table, or one without a size), and then it was not taken. What was
 * written before goes out below it, unseen. */
BIGHT_API int bight_transport_push_layer(struct bight_transport *transport, struct bight_layer *layer);

/* Takes a layer out, wherever it stands, and frees it. */
BIGHT_API void bight_layer_pop(struct bight_layer *layer);

/* Up: to the layer above or the protocol. What the protocol cannot be given now (it paused, a switch or a loss is
 * pending) is kept and delivered later or dropped, as the facade's state demands. */
BIGHT_API void bight_layer_deliver(struct bight_layer *layer, const uint8_t *data, size_t size);
BIGHT_API void bight_layer_deliver_end(struct bight_layer *layer);

/* For layers whose work takes long, inside `received`: says what the next piece of it costs, in nanoseconds. False: go
 * on. True: all layers of the reactor together have done enough on this turn (10 ms); what is left, `size` bytes, has
 * been kept, and `received` is called with it on a later turn, first come first served. */
BIGHT_API bool bight_layer_hold_input(struct bight_layer *layer, const uint8_t *data, size_t size, uint64_t cost);

/* For layers whose input is smaller, or safer, than what they make of it (encrypted, compressed), inside `received`,
 * before each piece of work. False: what is delivered now enters the protocol, or a hungry layer. True: it is not
 * wanted now (the protocol has paused ...); the `size` bytes have been kept, and `received` is called with them when
 * something is. */
BIGHT_API bool bight_layer_hold_unwanted(struct bight_layer *layer, const uint8_t *data, size_t size);

/* A hungry layer (one in a handshake) has its input whether the protocol has paused or not: some 128 KiB that wait
 * above it at most. */
BIGHT_API void bight_layer_set_hungry(struct bight_layer *layer, bool hungry);
BIGHT_API bool bight_layer_get_hungry(const struct bight_layer *layer);

/* The layer has made the connection secure: notifies the layers above, and at last the protocol's handshake_completed,
 * before any data that is delivered from now on. A paused protocol is notified too; one attached when all this is over
 * (see `prepare`) is not. */
BIGHT_API void bight_layer_secured(struct bight_layer *layer);

/* The layer has done what `prepare` has begun: when all layers of the connection are ready, the factory is asked for a
 * protocol, and what the layers deliver from now on is the protocol's. Does nothing for a layer that is ready. */
BIGHT_API void bight_layer_ready(struct bight_layer *layer);

/* The peer has sent a whole first message (a ClientHello, a header): of the connections that are being established, a
 * port that has too many drops those first that have not come that far. */
BIGHT_API void bight_layer_greeted(struct bight_layer *layer);

/* Where the connection comes from in truth, as a PROXY header says: what bight_transport_peer, build_protocol and the
 * log say from now on. The factory's `admit` is asked again: 0, CONNECTION_REFUSED when it does not want that peer (the
 * layer is to fail the connection), OUT_OF_MEMORY. */
BIGHT_API int bight_layer_set_peer(struct bight_layer *layer, const struct bight_address *peer);

/* Has `flush` called when the outermost handler has returned: what was written in it leaves in one piece. */
BIGHT_API void bight_layer_flush_later(struct bight_layer *layer);

/* For layers that do not turn all that was written into output that waits below (encrypted ahead, say): has `flush`
 * called from the loop when less than the low watermark waits below the layer. */
BIGHT_API void bight_layer_flush_with_room(struct bight_layer *layer);

/* Says that the layer now keeps so many counted bytes (bight_piece.counted) of what was written: whenever it has kept
 * more than until the flush, and when that has changed. The marks are looked at, which may call a producer. 0, or
 * OVERFLOW when the connection's output limit or the cap of all connections is passed: what `write` or `flush` is to
 * give then. */
BIGHT_API int bight_layer_keeps(struct bight_layer *layer, size_t counted);

/* What a layer of the connection has under this key, the highest first; NULL when none knows it. A key is the address
 * of something that the layer's header declares, which also says what is given; it is good as long as the layer. */
BIGHT_API const void *bight_transport_facts(const struct bight_transport *transport, const void *key);

/* Down: to the layer below or the bottom. As the write slot. */
BIGHT_API int bight_layer_send(struct bight_layer *layer, const struct bight_piece *pieces, size_t count);
BIGHT_API void bight_layer_send_end(struct bight_layer *layer);

/* Ends the connection with this failure (taken) as the reason: a failed handshake, a malformed header. What the layers
 * have sent by now (an alert) is flushed, the writing side shut, and the peer given T7's time to read it. What was
 * delivered before comes first, however long the protocol has paused (for the time of a flush at most); then only the
 * loss is delivered. What it still writes is CLOSED. Deliver nothing afterwards. */
BIGHT_API void bight_layer_fail(struct bight_layer *layer, struct bight_failure *reason);

/* A layer that logs the traffic passing it, as DEBUG events with direction, size and at most `limit` bytes of the data
 * (escaped); `name` is copied. NULL when out of memory. Push it with bight_transport_push_layer. */
BIGHT_API BIGHT_MUST_USE struct bight_layer *bight_traffic_log_new(const char *name, size_t limit);

BIGHT_END

#endif
