/* SPDX-License-Identifier: MIT */
/* bight/protocols/websocket.h - WebSocket (RFC 6455), as a server and as a client: messages both ways.
 *
 * A program's protocol embeds struct bight_websocket as its member `base` and fills a struct bight_websocket_ops:
 *
 *     static void echo(struct bight_websocket *socket, const char *text, size_t size)
 *     {
 *         (void)bight_websocket_send_text(socket, text, size);
 *     }
 *     static const struct bight_websocket_ops echo_ops = { .text_received = echo };
 *     static struct bight_websocket_factory echoes = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &echo_ops);
 *
 *     bight_websocket_route(site, "/echo", &echoes);
 *
 * Handlers may close, abort, send, free or stop anything. They never see what the other side must not send: such a
 * connection is closed with the code that says so (W2). W1 to W9 of docs/semantics.md are the contract. Only in the
 * reactor's thread. */
#ifndef BIGHT_PROTOCOLS_WEBSOCKET_H
#define BIGHT_PROTOCOLS_WEBSOCKET_H

#include <bight/bytes.h>
#include <bight/protocols/http_site.h>
#include <bight/retry.h>
#include <bight/tls.h>

BIGHT_BEGIN

struct bight_websocket;
struct bight_websocket_state;
struct bight_websocket_message;

enum bight_websocket_kind { BIGHT_WEBSOCKET_TEXT = 1, BIGHT_WEBSOCKET_BINARY = 2 };

/* Close codes, of RFC 6455, section 7.4.1. From 3000 to 4999 they are the program's. */
enum bight_websocket_code {
    BIGHT_WEBSOCKET_NORMAL = 1000,
    BIGHT_WEBSOCKET_GOING_AWAY = 1001, /* the server goes down, the page is left */
    BIGHT_WEBSOCKET_PROTOCOL_ERROR = 1002,
    BIGHT_WEBSOCKET_UNSUPPORTED = 1003,
    BIGHT_WEBSOCKET_NO_CODE = 1005,  /* `closed` alone: the peer's close frame had none */
    BIGHT_WEBSOCKET_ABNORMAL = 1006, /* `closed` alone: the connection was lost without a close frame */
    BIGHT_WEBSOCKET_INVALID = 1007,
    BIGHT_WEBSOCKET_POLICY = 1008,
    BIGHT_WEBSOCKET_TOO_BIG = 1009,
    BIGHT_WEBSOCKET_INTERNAL_ERROR = 1011,
};

/* A full table that stands on its own. Any slot may be NULL. A table that takes one kind of message alone closes with
 * 1003 when the other comes. */
struct bight_websocket_ops {
    /* Once, before all else: the handshake is done. At a server `request` is what asked for it, with all that
     * middleware has left there (bight_http_request_attached), until the handler returns; at a client NULL. */
    void (*opened)(struct bight_websocket *socket, struct bight_http_request *request);
    /* A whole message: `size` bytes of UTF-8, a NUL behind them (there may be others within), most often where they
     * were received. It ends when the handler returns. */
    void (*text_received)(struct bight_websocket *socket, const char *text, size_t size);
    void (*binary_received)(struct bight_websocket *socket, const uint8_t *data, size_t size);
    /* Instead of both: messages in pieces, as they come, each of at most 64 KiB, perhaps empty, cut anywhere, within
     * a character too. `last` ends the message. */
    void (*piece_received)(
        struct bight_websocket *socket, enum bight_websocket_kind kind, const uint8_t *data, size_t size, bool last);
    /* It is answered by itself (W4). */
    void (*ping_received)(struct bight_websocket *socket, const uint8_t *data, size_t size);
    void (*pong_received)(struct bight_websocket *socket, const uint8_t *data, size_t size);
    /* Once and last, from the loop, if `opened` was called. `code` is the peer's, or what it was closed with for
     * something that the peer did; ABNORMAL when the connection just ended. `reason` is never NULL, and ends with the
     * first NUL in it. `clean`: both sides have said that they close. */
    void (*closed)(struct bight_websocket *socket, unsigned code, const char *reason, bool clean);
    /* As of struct bight_protocol_ops: there is room for output again. */
    void (*room)(struct bight_websocket *socket);
    /* The port is being drained, or the reactor stops. True: the program closes it by itself; false: as without the
     * slot, it is closed with GOING_AWAY. */
    bool (*drain)(struct bight_websocket *socket);
    /* The memory goes: frees what the program's struct owns, and does nothing else. Called for each that was made, one
     * that was never opened too. */
    void (*finish)(struct bight_websocket *socket);
    void (*reserved[6])(void);
};

/* How sockets behave, of either side. Times are in seconds, at most a sixteenth of the shortest of them late; INFINITY:
 * none. */
struct bight_websocket_options {
    size_t size; /* sizeof(struct bight_websocket_options) */
    uint64_t
        message_limit; /* bytes of a message, also of one that comes in pieces: 1 MiB; else TOO_BIG. UINT64_MAX: any */
    double fragment_seconds; /* from a message's first byte to its last, if it comes in parts: 60; else POLICY */
    double ping_seconds;     /* without a byte from the peer, then it is pinged: 30 */
    double pong_seconds;     /* from then on without one, then it is dead: 30 */
    double close_seconds;    /* from our close frame to the peer's, and to the connection's end: 5 */
    size_t slow_limit;       /* of bight_websocket_send_message: output that may wait: 1 MiB; with skip_slow never
                                under 64 KiB */
    /* Messages are compressed (permessage-deflate, RFC 7692) if the other side agrees; needs zlib. Each by itself, so
     * that nothing is kept between them; those of less than 64 bytes, those in pieces and of bight_websocket_sendf are
     * sent as they are. Not for messages that have a secret and a stranger's words in them, whose sizes give it away.
     */
    bool deflate;
    bool skip_slow; /* who has more waiting is left out, instead of being disconnected */
    /* With `deflate`: a message, from 16 bytes on, may refer to those before it, either way, so that small ones that
     * are alike become very small. Each socket keeps memory for it from its first compressed message to its end, and
     * messages of bight_websocket_send_message are sent as they are. */
    bool takeover;
    /* With `takeover`: how far back messages may refer, 2 to the power of this many bytes, 9 to 15: 12. A socket keeps
     * 50 KB with 12, 19 KB with 9, 310 KB with 15. A peer that cannot be held to it does not take over. */
    unsigned char window_bits;
    const void *reserved[4];
};

/* The base of every protocol over WebSocket. The layout is frozen; programs use the functions below. */
struct bight_websocket {
    struct bight_protocol base;
    struct bight_websocket_state *own; /* bight's */
    void *reserved[2];
};

/* It serves sites and makes connections alike, those of one reactor at a time. */
struct bight_websocket_factory {
    struct bight_factory base;
    const struct bight_websocket_ops *ops;
    const struct bight_websocket_options *options; /* NULL: the defaults; borrowed as long as the factory is used */
    void *own;                                     /* bight's */
    void *reserved[2];
};

BIGHT_API extern const struct bight_protocol_ops bight_websocket_protocol_ops;

/* The initialiser of a factory. `type` is struct bight_websocket, or a struct whose first member is
 * `struct bight_websocket base`; anything else does not compile. */
#define BIGHT_WEBSOCKET_FACTORY(type, websocket_ops) \
    BIGHT_WEBSOCKET_FACTORY_OF_SIZE(BIGHT_SIZE_OVER(type, struct bight_websocket), (websocket_ops), NULL)

/* The same with options. */
#define BIGHT_WEBSOCKET_FACTORY_FULL(type, websocket_ops, options) \
    BIGHT_WEBSOCKET_FACTORY_OF_SIZE(BIGHT_SIZE_OVER(type, struct bight_websocket), (websocket_ops), (options))

/* For protocols over this one: see BIGHT_FACTORY_OF_SIZE. */
#define BIGHT_WEBSOCKET_FACTORY_OF_SIZE(size, websocket_ops, options)                                       \
    {                                                                                                       \
        BIGHT_FACTORY_OF_SIZE(size, &bight_websocket_protocol_ops, NULL), (websocket_ops), (options), NULL, \
        {                                                                                                   \
            NULL, NULL                                                                                      \
        }                                                                                                   \
    }

/* The program's own struct around `socket`; see bight_self. */
#define bight_websocket_self(type, socket) \
    ((type *)bight_websocket_self_of((socket), BIGHT_SIZE_OVER(type, struct bight_websocket), BIGHT_HERE))
static inline void *bight_websocket_self_of(struct bight_websocket *socket, size_t size, const char *place);

/* For what all connections have: addresses, pausing, timeouts, TLS, queued output. The bytes on it are the library's.
 */
static inline struct bight_transport *bight_websocket_transport(const struct bight_websocket *socket);
/* NULL when it has been freed. */
static inline struct bight_reactor *bight_websocket_reactor(const struct bight_websocket *socket);

/* True from `opened` on until a close frame has been sent, or the connection has gone. */
BIGHT_API bool bight_websocket_is_open(const struct bight_websocket *socket);

/* What both have agreed on, borrowed; NULL: nothing. */
BIGHT_API const char *bight_websocket_subprotocol(const struct bight_websocket *socket);

/* ------------------------------------------------------------------------------------------- sending */

/* Sends a message. 0; CLOSED when it is not open, INVALID_ARGUMENT, a usage error, for text that is not UTF-8, USAGE, a
 * usage error, while a message in pieces is unfinished: then nothing was sent. OVERFLOW when more waits than the
 * transport's output limit, OUT_OF_MEMORY, or a code of bight_random: then the connection is aborted. The data is
 * copied, or sent at once. */
BIGHT_API int bight_websocket_send_text(struct bight_websocket *socket, const char *text, size_t size);
BIGHT_API int bight_websocket_send_binary(struct bight_websocket *socket, const void *data, size_t size);
/* The same with what printf would print; the codes of bight_transport_writef too. */
BIGHT_API int bight_websocket_sendf(struct bight_websocket *socket, const char *format, ...) BIGHT_PRINTF(2, 3);

/* A message in pieces, of which the first says the kind and `last` ends it; text may be cut within a character. The
 * codes above. */
BIGHT_API int bight_websocket_send_piece(
    struct bight_websocket *socket, enum bight_websocket_kind kind, const void *data, size_t size, bool last);

/* At most 125 bytes; the peer answers with the same in a pong. The codes above; INVALID_ARGUMENT for more. */
BIGHT_API int bight_websocket_ping(struct bight_websocket *socket, const void *data, size_t size);

/* Begins the end: sends a close frame with `code` (0: NORMAL) and `reason` (NULL: none; at most 123 bytes), after
 * which no message is handled any more, and waits for the peer's. CLOSED when that has been done; INVALID_ARGUMENT, a
 * usage error, for a code that must not be sent or a reason that is too long or no UTF-8: then nothing was sent. */
BIGHT_API int bight_websocket_close(struct bight_websocket *socket, unsigned code, const char *reason);

/* ---------------------------------------------------------------------------------- sending to many */

/* A message that is framed once, and sent to any number of sockets by reference. Counted; any thread may make, hold and
 * release one. NULL when out of memory, and (a usage error) for text that is not UTF-8. */
BIGHT_API BIGHT_MUST_USE struct bight_websocket_message *bight_websocket_message_new(
    enum bight_websocket_kind kind, const void *data, size_t size);
BIGHT_API struct bight_websocket_message *bight_websocket_message_hold(struct bight_websocket_message *message);
/* NULL is allowed. */
BIGHT_API void bight_websocket_message_release(struct bight_websocket_message *message);

/* As bight_websocket_send_text; a message of NULL is OUT_OF_MEMORY, and nothing happens. When more output than
 * `slow_limit` waits at the socket: OVERFLOW; the connection is aborted, or goes on without the message (`skip_slow`).
 */
BIGHT_API int bight_websocket_send_message(struct bight_websocket *socket, struct bight_websocket_message *message);

/* ----------------------------------------------------------------------------------------- a server */

/* How a request is looked at (W7). Lists end with a NULL; what they point at is borrowed for the call, for routes as
 * long as the route is there. */
struct bight_websocket_accept_options {
    size_t size;                     /* sizeof(struct bight_websocket_accept_options) */
    const char *const *subprotocols; /* of those that the client offers the first of these is chosen; NULL: none is */
    const char *const *origins;      /* "https://www.example.org": pages that may connect, apart from the site's own */
    bool any_origin;                 /* Origin is not looked at: for what needs no protection from other sites' pages */
    const void *reserved[4];
};

/* Answers with the upgrade: from the handler, or later. `factory` makes the protocol, which is opened on a later turn.
 * 0; HTTP_STATUS: it has been answered with why not: 426 for what does not ask for it (with
 * Sec-WebSocket-Version: 13), 405, 400 for a bad key, 403 for a page of another origin. Other codes as of
 * bight_http_respond; NO_PROTOCOL, and 503, when the factory makes none. The options may be NULL. */
BIGHT_API int bight_http_respond_websocket(struct bight_http_request *request, struct bight_websocket_factory *factory,
    const struct bight_websocket_accept_options *options);

/* A route whose handler does that. `path` is "[HOST]/path", as of bight_http_route without its method. The factory is
 * borrowed as long as the site is there. 0, or a code of bight_http_route. */
BIGHT_API int bight_websocket_route(
    struct bight_http_site *site, const char *path, struct bight_websocket_factory *factory);
BIGHT_API int bight_websocket_route_full(struct bight_http_site *site, const char *path,
    struct bight_websocket_factory *factory, const struct bight_websocket_accept_options *options);

/* ------------------------------------------------------------------------------------------ a client */

/* Lists end with a NULL. All of it is copied, or held. */
struct bight_websocket_connect_options {
    size_t size;                     /* sizeof(struct bight_websocket_connect_options) */
    double seconds;                  /* from the call to the opened socket, TLS included: 10 */
    const char *const *subprotocols; /* to offer, the one that is liked most first; NULL: none */
    const char *const *fields;       /* more of the request's, "Name: value"; NULL: none. Not those that make it one
                                        for a socket: Host, Connection, Upgrade, Sec-WebSocket-* and their kin */
    const char *origin;              /* NULL: none is sent */
    const char *endpoint;            /* what is connected to instead of the URL's host: any endpoint string */
    struct bight_tls
        *tls; /* for wss: whom to trust, and who we are; NULL: what the system trusts. Needed with `endpoint` */
    const void *reserved[4];
};

/* A Deferred of a socket with a hold (bight_type_websocket), after `opened` has run and before anything else is
 * received. `url` is ws: or wss:, without a user. The options may be NULL.
 *
 * It fails with SYNTAX for a URL that is none, or an answer that is no agreement: a wrong key, an extension or
 * subprotocol that was not asked for; HTTP_STATUS for any answer but 101, redirects too (bight_failure_status is the
 * status); INVALID_ARGUMENT, a usage error, for options that cannot be; TIMED_OUT; as bight_connect does, or with what
 * TLS failed with; INCOMPLETE when the connection ends before the answer; NO_PROTOCOL. Cancelling ends what is under
 * way. Discarding the socket aborts its connection. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_websocket_connect(struct bight_reactor *reactor, const char *url,
    struct bight_websocket_factory *factory, const struct bight_websocket_connect_options *options);
extern BIGHT_API const struct bight_type bight_type_websocket;

/* ------------------------------------------------------------------------- a client that comes back */

struct bight_websocket_keep_options {
    size_t size;                                           /* sizeof(struct bight_websocket_keep_options) */
    const struct bight_websocket_connect_options *connect; /* NULL: the defaults */
    const struct bight_retry_policy *policy; /* of the pauses; its worth_it is asked of a socket's end too. NULL */
    void *context;                           /* worth_it's */
    double steady_seconds;                   /* see below: 10 */
    const void *reserved[4];
};

/* Keeps a socket connected: connects as bight_websocket_connect does, and again when that fails or a socket has ended,
 * whoever has closed it, with the pauses of bight_retry in between. Each socket is a new one of the factory's, whose
 * `opened` and `closed` tell of it. One that ends before it was open for `steady_seconds` counts as an attempt that has
 * failed; the end of another has the pauses begin with the first again. (Twisted's ReconnectingClientFactory.)
 *
 * A Deferred that never succeeds, and may be released. Cancelling it ends the keeping: a pause or an attempt at once,
 * an open socket with NORMAL; it fails with CANCELLED. Else it fails with what is not worth another attempt: for
 * worth_it, or a URL or options that cannot be; and with ABANDONED when the reactor is freed. A socket's end is a
 * CONNECTION_LOST whose bight_failure_status is the close code. What the options point at is borrowed until it has
 * failed; all else is copied. The options may be NULL. */
BIGHT_API BIGHT_MUST_USE struct bight_deferred *bight_websocket_keep(struct bight_reactor *reactor, const char *url,
    struct bight_websocket_factory *factory, const struct bight_websocket_keep_options *options);

/* A hold keeps the memory beyond `closed`, as bight_protocol_hold. Returns the socket. Releasing NULL is allowed. */
static inline struct bight_websocket *bight_websocket_hold(struct bight_websocket *socket);
static inline void bight_websocket_release(struct bight_websocket *socket);

/* --------------------------------------------------------------------------------------- inline bodies */

static inline void *bight_websocket_self_of(struct bight_websocket *socket, size_t size, const char *place)
{
    return bight_protocol_self(&socket->base, size, place);
}

static inline struct bight_transport *bight_websocket_transport(const struct bight_websocket *socket)
{
    return socket->base.transport;
}

static inline struct bight_reactor *bight_websocket_reactor(const struct bight_websocket *socket)
{
    return bight_transport_reactor(socket->base.transport);
}

static inline struct bight_websocket *bight_websocket_hold(struct bight_websocket *socket)
{
    (void)bight_protocol_hold(&socket->base);
    return socket;
}

static inline void bight_websocket_release(struct bight_websocket *socket)
{
    bight_protocol_release(socket != NULL ? &socket->base : NULL);
}

BIGHT_END

#endif
