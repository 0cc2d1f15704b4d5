/* SPDX-License-Identifier: MIT */
/* bight/protocols/line.h - the line receiver: a protocol that reacts to lines, and to raw data between them.
 *
 * Twisted's LineReceiver. A program's protocol embeds struct bight_line_receiver as its member `base` and fills a
 * struct bight_line_ops:
 *
 *     struct member { struct bight_line_receiver base; char name[32]; };
 *     static const struct bight_line_ops chat_ops = { .line_received = said };
 *     static struct bight_line_factory chat = BIGHT_LINE_FACTORY(struct member, &chat_ops);
 *     bight_serve(reactor, "tcp:1234", &chat.base);
 */
#ifndef BIGHT_PROTOCOLS_LINE_H
#define BIGHT_PROTOCOLS_LINE_H

#include <bight/transport.h>

BIGHT_BEGIN

struct bight_line_receiver;
struct bight_line_state;

/* A full table that stands on its own. Any slot may be NULL. */
struct bight_line_ops {
    void (*connection_made)(struct bight_line_receiver *receiver);
    /* One line without its delimiter: `size` bytes and a NUL behind them (line[size] == 0; a peer may have sent others
     * within), most often a view of the receive buffer. It ends when the handler returns. */
    void (*line_received)(struct bight_line_receiver *receiver, const char *line, size_t size);
    /* In raw mode: whatever comes, as data_received. */
    void (*raw_data_received)(struct bight_line_receiver *receiver, const uint8_t *data, size_t size);
    /* More than the limit, `size`, came without a delimiter. NULL: the connection is lost. A handler that keeps the
     * connection gets the lines after it: the rest of the long one, to its delimiter, is thrown away (or given to
     * raw_data_received when the handler turns to raw mode). */
    void (*line_length_exceeded)(struct bight_line_receiver *receiver, size_t size);
    void (*connection_lost)(struct bight_line_receiver *receiver, const struct bight_failure *reason);
    bool (*read_connection_lost)(struct bight_line_receiver *receiver);
    void (*write_connection_lost)(struct bight_line_receiver *receiver);
    void (*protocol_replaced)(struct bight_line_receiver *receiver);
    void (*handshake_completed)(struct bight_line_receiver *receiver);
    void (*room)(struct bight_line_receiver *receiver);
    bool (*drain)(struct bight_line_receiver *receiver);
    /* The memory goes, now that the last hold has gone: frees what the protocol's struct owns, and does nothing else.
     * Called for every receiver that was made, one that never had a connection too. The factory may have gone before.
     */
    void (*finish)(struct bight_line_receiver *receiver);
    void (*reserved[4])(void);
};

/* The base of every protocol over lines. The layout is frozen; programs use the functions below. */
struct bight_line_receiver {
    struct bight_protocol base;
    struct bight_line_state *own; /* bight's */
    void *reserved[2];
};

struct bight_line_factory {
    struct bight_factory base;
    const struct bight_line_ops *ops;
    const char *delimiter; /* NULL: both "\r\n" and "\n" end a line; at most 255 bytes of it count */
    size_t limit;          /* longest line without its delimiter; 0: 16384; at most 1 GiB */
    void *reserved[2];
};

BIGHT_API extern const struct bight_protocol_ops bight_line_protocol_ops;

/* The initialiser of a factory. `type` is struct bight_line_receiver, or a struct whose first member is
 * `struct bight_line_receiver base`; anything else does not compile. */
#define BIGHT_LINE_FACTORY(type, line_ops) \
    BIGHT_LINE_FACTORY_OF_SIZE(BIGHT_SIZE_OVER(type, struct bight_line_receiver), (line_ops))

/* For receivers over this one: see BIGHT_FACTORY_OF_SIZE. */
#define BIGHT_LINE_FACTORY_OF_SIZE(size, line_ops)                                        \
    {                                                                                     \
        BIGHT_FACTORY_OF_SIZE(size, &bight_line_protocol_ops, NULL), (line_ops), NULL, 0, \
        {                                                                                 \
            NULL, NULL                                                                    \
        }                                                                                 \
    }

/* The program's own struct around `receiver`; see bight_self. */
#define bight_line_self(type, receiver) \
    ((type *)bight_line_receiver_self((receiver), BIGHT_SIZE_OVER(type, struct bight_line_receiver), BIGHT_HERE))
static inline void *bight_line_receiver_self(struct bight_line_receiver *receiver, size_t size, const char *place);

static inline struct bight_transport *bight_line_transport(const struct bight_line_receiver *receiver);

/* NULL when it has been freed, or another protocol has the connection. */
static inline struct bight_reactor *bight_line_reactor(const struct bight_line_receiver *receiver);

/* Writes the text and the delimiter ("\r\n" when both are accepted). A text that would be read as more than one line
 * is refused with INVALID_ARGUMENT: one that makes a delimiter, and any CR or LF when lines end with these. Other
 * codes as bight_transport_write. */
BIGHT_API int bight_line_send(struct bight_line_receiver *receiver, const char *line, size_t size);
BIGHT_API int bight_line_send_text(struct bight_line_receiver *receiver, const char *line);

/* The same with what printf would print: a text that would be read as more than one line is refused likewise, so what a
 * peer has chosen may stand in it. The codes of bight_line_send and bight_transport_writef. */
BIGHT_API int bight_line_sendf(struct bight_line_receiver *receiver, const char *format, ...) BIGHT_PRINTF(2, 3);
BIGHT_API int bight_line_vsendf(struct bight_line_receiver *receiver, const char *format, va_list arguments)
    BIGHT_PRINTF(2, 0);

/* From now on raw_data_received gets what comes, beginning with what was read already. In line_received it takes effect
 * when that returns. */
BIGHT_API void bight_line_set_raw_mode(struct bight_line_receiver *receiver);

/* Back to lines; `data` was read as raw but belongs to the lines (may be empty). The end of what raw_data_received was
 * just given is not copied. 0, CLOSED, or OUT_OF_MEMORY (aborted). Never delivers inside the call. Several pieces are
 * put back the last one first. Handlers use this and not bight_transport_give_back, which knows nothing of what the
 * receiver has not handed out yet. */
BIGHT_API int bight_line_set_line_mode(struct bight_line_receiver *receiver, const uint8_t *data, size_t size);

/* As bight_transport_pause and bight_transport_resume (T2): pausing in a handler takes effect at once, lines that were
 * read already included, and resuming delivers on a later turn. So does all that stands in the way of input: output
 * above the mark (T13), a switch, a layer that is pushed. What waits is the transport's. */
BIGHT_API void bight_line_pause(struct bight_line_receiver *receiver);
BIGHT_API void bight_line_resume(struct bight_line_receiver *receiver);

/* Forgets what was read and not delivered; returns the number of bytes. A layer that is pushed makes this needless: all
 * of it goes through the layer (T19). */
BIGHT_API size_t bight_line_forget_input(struct bight_line_receiver *receiver);

/* As bight_transport_switch_protocol (T23), and what was read and not delivered goes with it. */
BIGHT_API int bight_line_switch_protocol(struct bight_line_receiver *receiver, struct bight_protocol *protocol);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline void *bight_line_receiver_self(struct bight_line_receiver *receiver, size_t size, const char *place)
{
    return bight_protocol_self(&receiver->base, size, place);
}

static inline struct bight_transport *bight_line_transport(const struct bight_line_receiver *receiver)
{
    return receiver->base.transport;
}

static inline struct bight_reactor *bight_line_reactor(const struct bight_line_receiver *receiver)
{
    return bight_transport_reactor(receiver->base.transport);
}

BIGHT_END

#endif
