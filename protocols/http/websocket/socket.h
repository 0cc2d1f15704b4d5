/* SPDX-License-Identifier: MIT */
/* socket.h - what the files of WebSocket share: a socket's state, and what all sockets of a factory have together.
 *
 * A socket is open from its handshake until a close frame is sent (BI_PHASE_CLOSING: the peer's is waited for) or its
 * end is certain (BI_PHASE_ENDING: the transport's is). What it keeps between messages is struct bight_websocket_state
 * and nothing else, of which there may be a million; times are told by the shared ticks, so no clock is asked for a
 * message. */
#ifndef BI_WEBSOCKET_SOCKET_H
#define BI_WEBSOCKET_SOCKET_H

#include <bight/protocols/websocket.h>

#include <stddef.h>

#include "http/message/likely.h"
#include "http/websocket/deflate.h"
#include "http/websocket/frame.h"
#include "http/websocket/gathered.h"

enum bi_phase { BI_PHASE_NEW, BI_PHASE_OPEN, BI_PHASE_CLOSING, BI_PHASE_ENDING };

struct bi_watch_link {
    struct bi_watch_link *next, *previous; /* NULL: in no ring */
};

/* Of a frame, or a message, that has not come whole. */
struct bi_incoming {
    struct bi_frame_reader reader;
    struct bi_gathered *message; /* what has come of one that came in parts; NULL: nothing */
    uint32_t begun;              /* the tick of its first byte */
    bool is_timed;               /* by that */
};

/* What few sockets have, or only for a while. */
struct bi_extras {
    struct bight_http_request *request; /* until it is opened; NULL: a client, or opened */
    struct bi_dial *dial;               /* likewise, of a client; held: dial.h */
    struct bi_control *pong;            /* a ping's payload that waits for room; NULL: none does */
    char *subprotocol, *reason;         /* allocated; NULL: none */
    struct bi_deflate_terms terms;      /* of what is_deflated; zeroed: as usual */
    struct bi_kept *kept;               /* of compression with takeover; NULL: nothing yet */
};

struct bight_websocket_state {
    const struct bight_websocket_ops *ops; /* the factory's: it may be gone before the socket is */
    struct bi_shared *shared;              /* NULL: it has not been connected */
    struct bi_incoming *incoming;          /* NULL: nothing has, or it is being gone through */
    struct bi_extras *extras;              /* NULL: none */
    struct bi_watch_link link;             /* where it is looked at next */
    uint32_t due;                          /* the tick of that */
    uint32_t heard;                        /* the tick of the last byte, */
    uint32_t asked;                        /* of the ping that was not answered, or of the close frame */
    uint32_t place;                        /* behind the socket, in units of BI_PLACE */
    uint16_t close_code;                   /* 0: it has just ended */
    uint8_t phase;                         /* enum bi_phase */
    uint8_t sending;                       /* the opcode of a message that is sent in pieces; 0: none is */
    struct bi_utf8 sent;                   /* and what is known of its text */
    uint8_t violation;                     /* enum bi_violation: what it was closed for */
    bool is_client : 1, is_clean : 1, was_opened : 1, is_pinged : 1, takes_pieces : 1, is_deflated : 1;
};

#define BI_PLACE _Alignof(max_align_t)
_Static_assert(sizeof(void *) != 8 || sizeof(struct bight_websocket_state) == 72, "a socket's state is small");

#define BI_MASKS 64 /* that are made at once */
#define BI_WATCH_SLOTS 64

/* Options with their defaults; times in ticks. */
struct bi_settings {
    uint64_t message_limit;
    size_t slow_limit;
    uint32_t fragment, ping, pong, close; /* BI_NEVER */
    double tick;                          /* seconds */
    double write_seconds;                 /* without progress of output that waits; 0: any */
    bool skip_slow;
};
#define BI_NEVER UINT32_MAX

/* Of the sockets of a factory that are connected. */
struct bi_shared {
    struct bight_websocket_factory *factory; /* NULL: none of them is any more */
    struct bight_reactor *reactor;
    size_t connected, holds;
    uint32_t tick;
    bool is_still; /* there was no memory for the timer */
    struct bight_timer timer;
    struct bi_settings settings;
    struct bi_raw_deflater *deflater; /* NULL: none has been needed */
    struct bi_raw_inflater *inflater;
    struct bi_incoming *spare; /* memory for one; NULL: none */
    unsigned masks_left;
    bi_mask masks[BI_MASKS];
    struct bi_watch_link slots[BI_WATCH_SLOTS];
};

static inline struct bight_websocket *bi_websocket_of(struct bight_protocol *protocol)
{
    return (struct bight_websocket *)protocol;
}

static inline struct bight_websocket *bi_websocket_of_state(struct bight_websocket_state *own)
{
    return (struct bight_websocket *)(void *)((char *)own - own->place * BI_PLACE);
}

/* ----------------------------------------------------------------------------------------------- own.c */

/* What has not come whole, for as long as it is gone through: `fresh`, or a block of its own. It is kept or dropped
 * then. */
static inline struct bi_incoming *bi_incoming_take(struct bight_websocket_state *own, struct bi_incoming *fresh)
{
    struct bi_incoming *incoming = own->incoming;
    own->incoming = NULL;
    if (incoming == NULL) {
        *fresh = (struct bi_incoming) { .message = NULL };
        incoming = fresh;
    }
    return incoming;
}
/* There is nothing that would be kept. */
static inline bool bi_incoming_is_nothing(const struct bi_incoming *incoming)
{
    return bi_frame_is_between(&incoming->reader) && incoming->message == NULL;
}
/* 0 or OUT_OF_MEMORY: then it is to be dropped. */
int bi_incoming_keep(struct bight_websocket_state *own, struct bi_incoming *incoming, const struct bi_incoming *fresh);
void bi_incoming_drop(struct bight_websocket_state *own, struct bi_incoming *incoming, const struct bi_incoming *fresh);

/* Made on first use; NULL when out of memory. */
struct bi_extras *bi_extras_of(struct bight_websocket_state *own);
/* Frees those that are empty. */
void bi_extras_trim(struct bight_websocket_state *own);
/* Request and dial must have gone. */
void bi_extras_free(struct bight_websocket_state *own);
/* A copy. 0 or OUT_OF_MEMORY. */
int bi_extras_set_subprotocol(struct bight_websocket_state *own, struct bi_view name);
void bi_socket_release_request(struct bight_websocket *socket);

/* -------------------------------------------------------------------------------------------- shared.c */

/* The socket has a connection. 0 or OUT_OF_MEMORY. */
int bi_shared_join(struct bight_websocket *socket);
/* It has none any more. */
void bi_shared_leave(struct bight_websocket *socket);
/* Its memory goes. */
void bi_shared_release(struct bi_shared *shared);
/* Whether messages of the factory's sockets are to be compressed, if the other side agrees, and how. 0, or
 * INVALID_ARGUMENT, a usage error. */
int bi_shared_deflate_wish(const struct bight_websocket_factory *factory, struct bi_deflate_wish *wish);
/* A mask that nobody can know. 0, or a code of bight_random. */
int bi_shared_mask(struct bi_shared *shared, bi_mask *mask);

/* --------------------------------------------------------------------------------------------- watch.c */

/* It is to be looked at at this tick, if not earlier. */
void bi_watch_want(struct bight_websocket *socket, uint32_t due);
/* It is not to be looked at any more. */
void bi_watch_stop(struct bight_websocket *socket);
/* So many ticks, which may be BI_NEVER, from now on. */
void bi_watch_want_within(struct bight_websocket *socket, uint32_t ticks);
/* A tick has passed. */
void bi_watch_tick(struct bi_shared *shared);
/* The timer. */
void bi_watch_arm(struct bi_shared *shared);

static inline void bi_watch_heard(struct bight_websocket_state *own)
{
    own->heard = own->shared->tick;
    own->is_pinged = false;
}

/* ------------------------------------------------------------------------------------------- closing.c */

/* Something that the peer has done ends it. */
void bi_socket_fail(struct bight_websocket *socket, enum bi_violation violation);
/* The connection is reset, for it is of no use any more. */
void bi_socket_abort(struct bight_websocket *socket);
/* The peer's close frame. */
void bi_socket_close_received(struct bight_websocket *socket, struct bi_view payload);
/* The peer has not closed in time. */
void bi_socket_close_expired(struct bight_websocket *socket);

/* What a socket that has ended has ended with, as `closed` is told. */
unsigned bi_socket_close_code(const struct bight_websocket *socket);
const char *bi_socket_close_reason(const struct bight_websocket *socket);

/* ------------------------------------------------------------------------------------------- output.c */

/* A frame, masked if it is a client's; `first` is opcode and flags. The codes of bight_transport_write. */
int bi_socket_write(struct bight_websocket *socket, unsigned first, const void *data, size_t size);
/* One of an open socket: the connection is aborted if it cannot be. */
int bi_socket_send(struct bight_websocket *socket, unsigned first, const void *data, size_t size);
/* The same of a whole message, `opcode` its kind: compressed, if that has been agreed on and is worth it. */
int bi_socket_send_message(struct bight_websocket *socket, unsigned opcode, const void *data, size_t size);
/* 0, or why no message can be sent now: it is closed, or one is sent in pieces, which is a usage error. */
int bi_socket_refuse_message(const struct bight_websocket *socket);
static inline int bi_socket_check(const struct bight_websocket *socket)
{
    bool is_fine = socket->own->phase == BI_PHASE_OPEN && socket->own->sending == 0 &&
                   bight_transport_is_open(socket->base.transport);
    return BI_USUALLY(is_fine) ? BIGHT_OK : bi_socket_refuse_message(socket);
}
/* Answers a ping, or keeps its payload until there is room. */
void bi_socket_pong(struct bight_websocket *socket, struct bi_view payload);
void bi_socket_send_kept_pong(struct bight_websocket *socket);

/* Reports a misuse; returns `code`. */
int bi_websocket_usage(int code, const char *what);

#endif
