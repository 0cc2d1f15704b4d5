/* SPDX-License-Identifier: MIT */
/* stream.h - what the files of streams share: flags, the read that waits, the waiters for room and for the end. */
#ifndef BI_STREAM_STREAM_H
#define BI_STREAM_STREAM_H

#include <bight/stream.h>

#include "base/list.h"
#include "reactor/reactor.h"
#include "transport/input.h"

#define BI_STREAM_BUFFER_LIMIT ((size_t)65536)
#define BI_STREAM_EXACT_LIMIT ((size_t)16 << 20)

/* Reads and drains in a row that are answered inside their call. */
#define BI_STREAM_ANSWERS 64

/* bight_stream_state.flags */
#define STREAM_WAITING (1u << 0)   /* a read waits */
#define STREAM_ENDED (1u << 1)     /* the peer ended gracefully: what is held is all */
#define STREAM_LOST (1u << 2)      /* connection_lost or protocol_replaced has been called */
#define STREAM_CLOSING (1u << 3)   /* closed, aborted or switched on this side */
#define STREAM_PAUSED (1u << 4)    /* the transport is, because too much is held */
#define STREAM_POSTPONED (1u << 5) /* the read is answered on a later turn, at the earliest */
#define STREAM_PRODUCING (1u << 6) /* registered as the transport's producer */
#define STREAM_CALLED (1u << 8)    /* inside the call that answers a postponed read */
#define STREAM_OVER (STREAM_ENDED | STREAM_LOST | STREAM_CLOSING)

enum bi_stream_kind { STREAM_SOME, STREAM_EXACTLY, STREAM_UNTIL, STREAM_LINE, STREAM_ALL };

/* What a stream keeps. It is made together with the stream. */
struct bight_stream_state {
    struct bight_input *input; /* received and not read; NULL when there is none */
    size_t buffer_limit, exact_limit;
    struct bight_promise reader; /* of the read that waits, and what it wants */
    uint8_t *separator;
    size_t separator_size, wanted;
    uint32_t kind, flags;
    uint32_t answered;                 /* reads and drains in a row that were answered inside their call */
    struct bight_failure *reason;      /* why the connection ended; NULL before */
    struct bi_stream_waiters *waiters; /* for room and for the end; NULL: none yet */
    struct bight_transport *transport; /* the connection's, when another protocol has it by now, too */
    struct bight_deferred *serving;    /* of the factory's function, held until it is done; NULL: none */
};

/* Made for the first waiter; freed at the loss. */
struct bi_stream_waiters {
    struct bight_stream *stream;
    struct bi_task room; /* soon: there may be room */
    struct bi_link drains, ends;
};

/* --- stream.c: what comes */

/* A read waits for bytes. One that is postponed does not: its answer is most often there. */
static inline bool bi_stream_wants_bytes(const struct bight_stream *stream)
{
    return (stream->own->flags & (STREAM_WAITING | STREAM_POSTPONED)) == STREAM_WAITING;
}

/* Pauses or resumes the transport as what is held and asked for demands. */
void bi_stream_update_flow(struct bight_stream *stream);
/* No input any more, and none of what is held. */
void bi_stream_stop_input(struct bight_stream *stream);

/* --- answer.c */

/* Fires the read that waits if it can be answered. Runs its handlers. */
void bi_stream_try_answer(struct bight_stream *stream);
/* The read waits no more; returns its promise. */
struct bight_promise bi_stream_end_read(struct bight_stream *stream);

/* --- write.c */

/* T7, without waiting for the end. */
int bi_stream_begin_close(struct bight_stream *stream);
/* The transport is no more, or not this stream's. */
void bi_stream_tell_waiters(struct bight_stream *stream);
/* Stops being the transport's producer. */
void bi_stream_leave_producer(struct bight_stream *stream);

/* --- factory.c */

/* Calls the factory's function with a new stream. */
void bi_stream_serve(struct bight_stream *stream);
/* The client has left, in this way: what serves it is cancelled if it is to be. */
void bi_stream_client_left(struct bight_stream *stream, enum bight_stream_leaving how);

#endif
