/* SPDX-License-Identifier: MIT */
/* client.h - what the client's files share: calls, the pool's hosts, connections and attempts to make them.
 *
 * A call that has been sent waits in its host's queue until it has a connection; from then until its response is whole
 * the two belong together: that is an exchange. A host is everything in which calls must be equal to share connections
 * (C2), under one flat key; it has *slots*, each an attempt or the connection that came of it. User code is called
 * last, when what it may look at or free is in order. */
#ifndef BI_HTTP_CLIENT_H
#define BI_HTTP_CLIENT_H

#include <bight/protocols/http_client_hooks.h>
#include <bight/sys/hash.h>

#include "http/client/links.h"
#include "http/client/proxy.h"
#include "http/client/response_parser.h"
#include "http/message/members.h"
#include "http/message/url.h"
#include "http/server/response.h"

#define BI_CALL_INLINE_TEXT 256 /* of method and URL */
#define BI_CALL_SECRETS 16
#define BI_CALL_ENDPOINT 1024     /* bytes of an endpoint string, and of a local address */
#define BI_CLIENT_DISCARDED 65536 /* bytes of a redirect's body that are read for the connection's sake */
#define BI_FOREVER UINT64_MAX

struct bi_call_settings {
    uint64_t connect, first_byte, between, total; /* nanoseconds; BI_FOREVER: none */
    uint64_t body;                                /* bytes; 0: the default */
    uint64_t expects_from, continue_time;         /* bytes of a body; nanoseconds */
    unsigned redirects;
    bool follows, downgrades, repeats_body, repeats, fails_on_status, decodes;
    struct bi_proxies *proxies; /* likewise held by their owner; NULL: none */
    struct bight_tls *tls;      /* held by their owner */
    const char *local_address;  /* likewise its owner's */
};

struct bi_pool_host {
    struct bight_http_client *client;
    uint32_t holds;         /* its slots, the calls in its queue, and who looks at it */
    unsigned slots;         /* attempts and connections */
    struct bi_link queue;   /* of calls, in their order */
    struct bi_link idle;    /* of connections, the one that was used last first */
    struct bi_link starved; /* in one of the client's rings, while it waits for a slot */
    bool has_none;          /* in the first one */
    struct bight_tls *tls;  /* held; NULL: the client's own context, or none */
    bool is_secure;
    bool is_elsewhere; /* the endpoint is not the URL's: the program has named it, or a proxy */
    bool is_ipv6;
    uint16_t port;                /* the URL's */
    struct bi_proxies *proxies;   /* held, for the next one */
    const struct bi_proxy *proxy; /* NULL: none */
    const char *name;             /* whom a certificate must be for */
    const char *endpoint;         /* what is connected to */
    size_t key_size;
    char text[]; /* the key, name, endpoint */
};

struct bi_dial;
struct bi_trace;

/* On the way to a connection. */
struct bi_attempt {
    struct bi_link link; /* among the client's */
    struct bi_pool_host *host;
    struct bight_http_call *call;            /* for which it was begun, if that waits for it yet; else NULL */
    struct bight_deferred *deferred;         /* of the connecting; NULL: it has not begun, or is over */
    struct bi_client_connection *connection; /* which is establishing TLS; NULL: there is none yet */
    struct bi_dial *dial;                    /* NULL: nobody sees its addresses */
    uint64_t since, limit;
    bool is_dropped; /* nobody wants it any more */
};

struct bi_body_stream;
struct bi_decoder;

struct bi_client_connection {
    struct bight_protocol base;
    struct bi_link link;          /* among the client's */
    struct bi_link idle;          /* among its host's idle ones */
    struct bi_pool_host *host;    /* NULL: it has no slot (any more) */
    struct bi_attempt *attempt;   /* which it is part of; NULL: it is ready */
    struct bight_http_call *call; /* NULL: none is under way */
    uint64_t since;               /* the last progress, or when it became idle */
    uint64_t idle_time;           /* for which it is kept */
    size_t queued;                /* output that waited when that was looked at last */
    uint32_t served;              /* responses */
    bool is_paused;               /* by a body that nobody wants more of */
    bool is_closing;              /* lost or aborted: not to be used */
    struct bi_response_parser parser;
};

struct bi_client_hop {
    struct bi_client_hop *next;
    int status;
    char url[];
};

enum bi_call_state {
    BI_CALL_NEW,
    BI_CALL_WAITING,  /* in its host's queue */
    BI_CALL_SENT,     /* it has a connection */
    BI_CALL_ANSWERED, /* and the head of the response has come */
};

/* How far the body is. */
enum bi_sending {
    BI_SENDING_NOT,
    BI_SENDING_HELD,      /* until the server says that it wants it */
    BI_SENDING_UNDER_WAY, /* the program makes it */
    BI_SENDING_DONE       /* all of it has been written */
};

/* What becomes of the response whose head has come. */
enum bi_call_rest {
    BI_REST_COLLECTED,
    BI_REST_REDIRECTED, /* it is read for the connection's sake, and the call goes on to another target */
    BI_REST_REFUSED     /* likewise, and its status is a failure */
};

struct bight_http_call {
    struct bight_http_client *client;
    struct bi_link link;   /* among the client's, from when it is sent */
    struct bi_link queued; /* in its host's queue */
    struct bight_promise promise;
    struct bi_pool_host *host; /* while it waits */
    struct bi_attempt *attempt;
    struct bi_client_connection *connection;
    uint8_t state;          /* enum bi_call_state */
    uint8_t method;         /* enum bi_method */
    bool has_settings;      /* of its own, with holds */
    bool is_repeated;       /* a kept connection was dead: this is the second time */
    uint8_t rest;           /* enum bi_call_rest */
    int status;             /* of what is not collected */
    int code;               /* what was wrong first; 0: nothing yet */
    const char *why;        /* lives for ever */
    uint64_t began, number; /* the moment, and its place among the client's */
    struct bi_call_settings settings;
    char *text; /* method and URL, each with a NUL: in inline_text or allocated */
    size_t method_size;
    struct bi_view url_text; /* in `text` */
    struct bi_url url;
    char *endpoint, *local_address;       /* NULL: none */
    const struct bi_proxy *proxy;         /* of this hop, one of its settings'; NULL: none */
    struct bight_bytes *body;             /* NULL: none */
    struct bight_http_upload *upload;     /* a body that is not plain bytes; NULL: none */
    uint8_t sending;                      /* enum bi_sending */
    bool asks_no_more;                    /* it is sent without asking first */
    uint64_t resumes_at;                  /* the rest from there on is asked for; 0: all of it */
    struct bight_timer continuing;        /* for how long it is held */
    struct bight_http_response *response; /* with a hold, unless it is streamed */
    bool is_streamed;                     /* the Deferred brings the head, and the body comes later */
    struct bi_body_stream *stream;        /* from then on; NULL: none yet */
    bool asks_for_codings;                /* Accept-Encoding is the library's */
    struct bi_decoder *decoder;           /* of the response's body; NULL: it is as it comes */
    uint64_t received;                    /* bytes of its body */
    struct bi_http_buffer collected;
    struct bi_http_buffer form;    /* the body to be, of one that is a form */
    struct bi_http_buffer secrets; /* names, each with a NUL */
    unsigned secret_count;
    struct bi_client_hop *hops, *last_hop;
    unsigned hop_count;
    struct bi_trace *trace; /* of the request that is under way; NULL: none is kept */

    /* From here on nothing is zeroed for a new call. */
    struct bi_http_buffer fields; /* empty in one that is not in use */
    struct bight_http_call *next; /* spare ones */
    char inline_text[BI_CALL_INLINE_TEXT];
};

struct bight_http_client {
    struct bight_factory factory; /* of the connections; the client is freed by its `release` */
    struct bight_reactor *reactor;
    struct bi_call_settings settings;
    struct bi_response_limits limits;
    unsigned max_per_host, max_slots, slots;
    uint64_t idle_time;
    char *local_address, *lines; /* lines: of the head, the same in all calls */
    size_t lines_size;
    struct bight_hash hosts;
    struct bi_pool_host *last;       /* that was asked for; NULL: none, or it has gone */
    struct bi_link starved, wanting; /* hosts that wait for a slot: that have none, that have some */
    struct bi_link calls, connections, attempts;
    size_t idle_count;
    struct bight_http_cookie_jar *cookies; /* held; NULL: none are kept */
    uint64_t sent;                         /* calls */
    struct bight_http_call *spare;
    size_t spare_count;
    struct bi_field *fields; /* shared by the parsers */
    bool is_closing, is_freed;
    struct bight_promise closed;

    /* trace.c, dial.c */
    struct bight_http_client_hooks hooks;
    bool public_only;
    struct bi_link traces; /* that have something to tell */
    struct bight_timer telling;

    /* tls.c: the context for calls without one. */
    struct bight_tls *tls;
    struct bight_deferred *making_tls; /* NULL: it is not being made */

    /* limits.c */
    struct bight_timer timer;
    uint64_t now, real, period, shortest; /* nanoseconds */
};

/* What a client's response has beside its fields. */
struct bi_client_origin {
    struct bi_response_origin base;
    const char *url;
    struct bi_client_hop *hops;
    struct bi_body_stream *stream;  /* NULL: it is not streamed */
    struct bi_http_buffer trailers; /* "Name: value\r\n" ... */
};

/* --------------------------------------------------------------------------------------------- client.c */

/* Fires what waits for the client's end, if that has come. Calls user code. */
void bi_client_check_end(struct bight_http_client *client);

/* --------------------------------------------------------------------------------------------- settings.c */

/* Over what `base` says. 0, or INVALID_ARGUMENT, a usage error. Takes no holds, copies no texts. */
int bi_settings_read(struct bi_call_settings *settings, const struct bi_call_settings *base,
    const struct bight_http_call_options *given);
extern const struct bi_call_settings bi_settings_default;
/* In nanoseconds: 0 is `otherwise`. False: it is no time. */
bool bi_settings_seconds(double seconds, uint64_t otherwise, uint64_t *nanoseconds);

/* ------------------------------------------------------------------------------------------------ call.c */

/* A new one, or a spare one; NULL when out of memory. */
struct bight_http_call *bi_call_make(struct bight_http_client *client);
/* bi_proxies_read, and whether the client may have proxies: 0, OUT_OF_MEMORY, or INVALID_ARGUMENT, a usage error. */
int bi_call_read_proxies(const struct bight_http_client *client, struct bi_proxies **proxies, struct bi_proxies *base,
    const struct bight_http_call_options *options);
/* Returns `code`, which the sending will fail with unless something else was wrong before. */
int bi_call_remember(struct bight_http_call *call, int code, const char *why);
/* Puts method and URL in it, parsed; neither may lie in the text that it has. SYNTAX with *why, or OUT_OF_MEMORY: then
 * nothing has changed. */
int bi_call_set_target(struct bight_http_call *call, struct bi_view method, struct bi_view url, const char **why);
/* It is in no ring, queue or exchange any more: all that it has is released. */
void bi_call_free(struct bight_http_call *call);

/* ---------------------------------------------------------------------------------------------- form.c */

/* The fields of a form, if it has any, are its body from now on. 0 or OUT_OF_MEMORY. */
int bi_call_finish_form(struct bight_http_call *call);

/* -------------------------------------------------------------------------------------------- request.c */

/* Writes all of the call's request to its connection. 0, or the transport's code. */
int bi_call_write(struct bight_http_call *call);

/* -------------------------------------------------------------------------------------------- outcome.c */

/* The call is over, without a word: it is taken out of everything, its exchange, if there is one, is broken off, and it
 * is freed. */
void bi_call_end(struct bight_http_call *call);
/* The same, and user code is called last. `failure` is taken. */
void bi_call_fail(struct bight_http_call *call, struct bight_failure *failure);
void bi_call_succeed(struct bight_http_call *call);
/* The head of one that is streamed has come; the call goes on. */
void bi_call_deliver_head(struct bight_http_call *call);
/* A time is up. */
void bi_call_time_out(struct bight_http_call *call, enum bight_http_time time);

/* ------------------------------------------------------------------------------------------- redirect.c */

/* Whether the head that the exchange's parser shows is a redirect that is followed. */
bool bi_redirect_is_followed(const struct bight_http_call *call, const struct bi_response_parser *parser);
/* Makes the call ask what the Location says, before its first exchange is over. 0, or a code with *why. */
int bi_redirect_prepare(struct bight_http_call *call, const struct bi_response_parser *parser, const char **why);

/* ----------------------------------------------------------------------------------------------- pool.c */

/* Sends a call on a connection that is idle, or has it wait for one. */
void bi_pool_submit(struct bight_http_call *call);
/* Takes it out of its queue; its attempt is another's then, or dropped. */
void bi_pool_withdraw(struct bight_http_call *call);
/* A connection that can be used; no user code is called: for the call that waits longest, or it is kept. */
void bi_pool_offer(struct bi_client_connection *connection);
/* It is kept no more, if it was. */
void bi_pool_forget(struct bi_client_connection *connection);
/* A slot of the host has become free: `host` may be gone behind it. */
void bi_pool_release_slot(struct bi_pool_host *host);
void bi_host_release(struct bi_pool_host *host);

/* -------------------------------------------------------------------------------------------- attempt.c */

/* Takes a slot of the host. Calls no user code, but may fail at once. */
void bi_attempt_start(struct bi_pool_host *host, struct bight_http_call *call);
/* Its connection is ready. */
void bi_attempt_succeed(struct bi_attempt *attempt);
/* Frees it; its call fails. `failure` is taken. */
void bi_attempt_fail(struct bi_attempt *attempt, struct bight_failure *failure);
/* Nobody wants it. */
void bi_attempt_drop(struct bi_attempt *attempt);
/* Connects, now that the client has a context for TLS. */
void bi_attempt_connect(struct bi_attempt *attempt);

/* ------------------------------------------------------------------------------------------------ tls.c */

/* THERE; or 0: it is being made, and the attempts that have not begun go on, or fail, when it has been, perhaps inside.
 * OUT_OF_MEMORY. */
#define BI_TLS_THERE 1
int bi_client_need_tls(struct bight_http_client *client);
void bi_client_forget_tls(struct bight_http_client *client);

/* ----------------------------------------------------------------------------------------- connection.c */

extern const struct bight_protocol_ops bi_client_connection_ops;
/* Ends it; it is not used any more. */
void bi_connection_close(struct bi_client_connection *connection, bool abort);

/* ------------------------------------------------------------------------------------------- exchange.c */

/* The call has got a connection. Calls no user code. */
void bi_client_exchange_begin(struct bight_http_call *call, struct bi_client_connection *connection);
void bi_client_exchange_read(struct bi_client_connection *connection, struct bi_view input);
/* The peer will send no more. */
void bi_client_exchange_end_input(struct bi_client_connection *connection);
/* The connection has gone. */
void bi_client_exchange_lost(struct bi_client_connection *connection, const struct bight_failure *reason);

/* --------------------------------------------------------------------------------------------- limits.c */

/* Something is to be watched, `shortest` its shortest time. 0 or OUT_OF_MEMORY. */
int bi_limits_watch(struct bight_http_client *client, uint64_t shortest);
void bi_limits_stop(struct bight_http_client *client);
/* The moment, for what is compared with it later: not earlier than now, at most a look's time later. */
static inline uint64_t bi_limits_stamp(const struct bight_http_client *client)
{
    return client->now + client->period;
}
/* The shortest time in the settings. */
uint64_t bi_limits_shortest(const struct bi_call_settings *settings);

/* ------------------------------------------------------------------------------------------- received.c */

/* The response of the head that the parser shows; NULL when out of memory. It takes the call's hops when it is
 * delivered. */
struct bight_http_response *bi_received_new(
    const struct bight_http_call *call, const struct bi_response_parser *parser);
static inline struct bi_client_origin *bi_received_origin(const struct bight_http_response *response)
{
    return (struct bi_client_origin *)(void *)response->origin;
}
void bi_hops_free(struct bi_client_hop *hops);

#endif
