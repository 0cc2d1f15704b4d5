/* SPDX-License-Identifier: MIT */
/* state.h - the state of a connection in one word, and the words in which it is asked and changed.
 *
 * Three fields whose usual value is 0, and flags, so that "a plain connection" is one test: (state & MASK) == 0. It is
 * no single phase, since the two directions end each in its own time. What follows from a change is decided in
 * advance.c alone; the others only mark it, and call bi_transport_changed. */
#ifndef BI_TRANSPORT_STATE_H
#define BI_TRANSPORT_STATE_H

#include "transport/invariants.h"

/* --- life: where the connection stands as a whole. Their order is used: from LOSS_DUE on it is over. */
#define BI_LIFE 7u
#define BI_OPEN 0u
#define BI_NEW 1u          /* connection_made has not been called */
#define BI_ESTABLISHING 2u /* layers that must be ready before there is a protocol */
#define BI_LOSING 3u       /* input is thrown away, output flushed (T7) */
#define BI_LINGERING 4u    /* shut; waits for the peer to see it */
#define BI_BROKEN 5u       /* a call of the bottom failed; what was received before is still delivered (T7) */
#define BI_LOSS_DUE 6u     /* connection_lost is queued: nothing is called but it, and what belongs to it */
#define BI_LOST 7u         /* it has been called, or needs not be */

/* --- the end of the output */
#define BI_WRITE_END (7u << 3)
#define BI_WRITE_OPEN (0u << 3)
#define BI_END_ASKED (1u << 3)     /* by lose_write or lose_connection; a producer may still write (T8) */
#define BI_END_IN_LAYERS (2u << 3) /* the layers know, and send what they have */
#define BI_END_QUEUED (3u << 3)    /* nothing more comes from above: shut when all has been sent */
#define BI_SHUT (4u << 3)

/* --- the end of the input. Not one field: with layers the protocol may get an end that the bottom has not seen. */
#define BI_EOF_RECEIVED (1u << 6)  /* the bottom has nothing more: the peer's EOF, or the receive that failed */
#define BI_EOF_DELIVERED (1u << 7) /* the protocol has been notified of the peer's end */

/* --- facts */
#define BI_ACCEPTED (1u << 8)
#define BI_PRESSURE_ON (1u << 9) /* backpressure is wanted (T13) */
#define BI_RESET (1u << 10)      /* the descriptor is to be closed with a reset */
#define BI_LAYERED (1u << 11)    /* the extension has layers */
#define BI_INHERITED (1u << 13)  /* R13: is the parent's, too; cleared when the program ends it here as well */

/* --- wishes, and what is due */
#define BI_PAUSED (1u << 14)        /* by the protocol */
#define BI_THROTTLED (1u << 15)     /* its own output is above the mark: as if it were paused */
#define BI_SWITCHING (1u << 16)     /* the extension has a protocol to switch to */
#define BI_PRODUCING (1u << 17)     /* the extension has a producer */
#define BI_WAITING (1u << 18)       /* some level has input that waits to enter it */
#define BI_WRITE_END_DUE (1u << 19) /* write_connection_lost has to be called */
#define BI_CHANGED (1u << 20)       /* something was marked whose consequences are to be decided */
#define BI_HELD (1u << 25)          /* a file, or what was written behind it, waits to enter a layer: held.c */
#define BI_RESERVED (1u << 30)      /* the program composes output: reserve.c */

/* --- brackets: what of this connection is on the stack */
#define BI_IN_HANDLER (1u << 21) /* a slot of the protocol */
#define BI_IN_LAYER (1u << 22)   /* a slot of a layer */
#define BI_ADVANCING (1u << 23)  /* advance.c */
#define BI_IN_CALL (1u << 24)    /* a call of the program: the protocol must not be called (T6) */

/* --- reading, see receive.c */
#define BI_LOOKS_ON (1u << 12)   /* it reads until there is nothing, whatever a read has given */
#define BI_READING (1u << 26)    /* the bottom watches for input */
#define BI_SENT (1u << 27)       /* a send has succeeded since the last read */
#define BI_LOOK_LATER (1u << 28) /* what is to be read next belongs to a later turn */
#define BI_UNREAD (1u << 29)     /* reading stopped before the kernel's buffer was known to be empty */
#define BI_DOUBTED (1u << 31)    /* doubt.c has noted it */

static inline uint32_t bi_life_of(const struct bight_transport *transport)
{
    return transport->state & BI_LIFE;
}

/* Nothing is called any more but connection_lost. */
static inline bool bi_is_over(const struct bight_transport *transport)
{
    return bi_life_of(transport) >= BI_LOSS_DUE;
}

/* Nothing is sent any more, and what a call of the program asks for is too late. */
static inline bool bi_is_cut(const struct bight_transport *transport)
{
    return bi_life_of(transport) >= BI_BROKEN;
}

/* lose_connection, or what amounts to it, was asked for; the end has not come yet. */
static inline bool bi_is_losing(const struct bight_transport *transport)
{
    return bi_life_of(transport) == BI_LOSING || bi_life_of(transport) == BI_LINGERING;
}

/* The protocol may be given input, now or when there is one. */
static inline bool bi_is_heard(const struct bight_transport *transport)
{
    uint32_t life = bi_life_of(transport);
    return life == BI_OPEN || life == BI_ESTABLISHING || life == BI_BROKEN;
}

static inline void bi_set_life(struct bight_transport *transport, uint32_t life)
{
    transport->state = (transport->state & ~BI_LIFE) | life;
}

static inline uint32_t bi_write_end_of(const struct bight_transport *transport)
{
    return transport->state & BI_WRITE_END;
}

static inline void bi_set_write_end(struct bight_transport *transport, uint32_t write_end)
{
    transport->state = (transport->state & ~BI_WRITE_END) | write_end;
}

/* All that was written and that the bottom has not taken. */
static inline size_t bi_output_waiting(const struct bight_transport *transport)
{
    return bi_output_queued(transport) + (BI_UNLIKELY(transport->state & BI_HELD) ? bi_held_size(transport) : 0);
}

/* T9, T11: writing has ended, unless a producer has yet to finish (T8). */
static inline bool bi_takes_output(const struct bight_transport *transport)
{
    uint32_t end = bi_write_end_of(transport);
    return !bi_is_cut(transport) &&
           (end == BI_WRITE_OPEN || (end == BI_END_ASKED && (transport->state & BI_PRODUCING)));
}

/* ----------------------------------------------------------------------------- the brackets, and advance */

/* layers.c: popped layers go, and what was marked is decided. */
void bi_layers_left(struct bight_transport *transport);

/* Around every slot of the protocol but connection_lost. They do not nest: while one is on the stack nothing of this
 * connection's is called, so what a handler changes is decided when it has returned. */
static inline void bi_enter_handler(struct bight_transport *transport)
{
    transport->state |= BI_IN_HANDLER;
}

static inline void bi_leave_handler(struct bight_transport *transport)
{
    transport->state &= ~BI_IN_HANDLER;
    if (BI_UNLIKELY(transport->state & (BI_CHANGED | BI_SWITCHING))) {
        bi_transport_advance(transport);
    }
    BI_CHECK_INVARIANTS(transport, bi_invariants_always);
}

/* Around every slot of a layer. They nest: layers write while they receive, and the other way round; what enter returns
 * is for leave, since only the outermost has something to do. A layer that was popped has marked the change. */
static inline bool bi_layers_enter(struct bight_transport *transport)
{
    bool is_outermost = !(transport->state & BI_IN_LAYER);
    transport->state |= BI_IN_LAYER;
    return is_outermost;
}

static inline void bi_layers_leave(struct bight_transport *transport, bool is_outermost)
{
    if (!is_outermost) {
        return;
    }
    transport->state &= ~BI_IN_LAYER;
    if (BI_UNLIKELY(transport->state & (BI_CHANGED | BI_SWITCHING))) {
        bi_layers_left(transport);
    }
    BI_CHECK_INVARIANTS(transport, bi_invariants_always);
}

#endif
