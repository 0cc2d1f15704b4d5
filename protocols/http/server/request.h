/* SPDX-License-Identifier: MIT */
/* request.h - what the server's files share: connections, and requests with their bodies and answers.
 *
 * A connection has at most one request at a time, from the first byte of its head until it has been answered and its
 * body has been read or thrown away: that is an exchange. The request outlives it while it is held. What comes from the
 * peer meanwhile waits in the request's backlog, bounded (H4). */
#ifndef BI_HTTP_REQUEST_H
#define BI_HTTP_REQUEST_H

#include "http/message/chunked.h"
#include "http/message/framing.h"
#include "http/message/likely.h"
#include "http/message/private.h"
#include "http/message/tokens.h"
#include "http/server/server.h"

struct bi_http_connection {
    struct bight_protocol base;
    struct bight_http_request *request; /* NULL: idle */
    uint32_t served;
    uint8_t consuming; /* its input is being gone through: code that wants more of it need not ask */
    uint8_t draining;  /* H9 */
    uint8_t ended;     /* the peer's EOF has come, and does not count (half_close) */
    uint8_t flags;     /* BI_HTTP_PAUSED ... */
};

#define BI_HTTP_PAUSED 1u   /* this has paused the transport */
#define BI_HTTP_BOUNDED 2u  /* the transport bounds how slowly output may go */
#define BI_HTTP_NO_IDLE 4u  /* the idle timeout is off */
#define BI_HTTP_GOING_ON 8u /* the backlog is gone through on a coming turn */
#define BI_HTTP_CLOSING 16u /* it has been lost or aborted: input is not looked at any more */

enum bi_input_state {
    BI_INPUT_HEAD,
    BI_INPUT_BODY,
    BI_INPUT_TRAILERS,
    BI_INPUT_DONE,
    BI_INPUT_UPGRADE, /* it is another protocol's */
};

/* The body's user. */
enum bi_body_user {
    BI_BODY_NOBODY, /* it has not been asked for, or its reader wants nothing now */
    BI_BODY_COLLECT,
    BI_BODY_READ,
    BI_BODY_CONSUMER,
    BI_BODY_DISCARD,
};

/* In place of a consumer's `data`: takes a part of the piece, or all, and makes *size that of what it has taken. False:
 * no more for now; true when it has not taken all would stop it for ever. */
typedef bool (*bi_body_take_function)(
    struct bight_http_request *request, const uint8_t *data, size_t *size, void *context);

struct bi_http_body {
    uint8_t user;                 /* enum bi_body_user */
    bool asked;                   /* in some way, once */
    bool is_read;                 /* by bight_http_request_read: it may be asked again */
    bool blocked;                 /* the consumer wants no more for now */
    bool takes_encoded;           /* the program decodes it */
    uint8_t coding;               /* enum bi_coding: what is decoded for the program */
    uint64_t left;                /* of a body with a length */
    uint64_t limit, used;         /* how much may come; how much has, decoded */
    uint64_t coded;               /* how much has come of what is decoded */
    struct bi_decoding *decoding; /* NULL: nothing has come of it, or it is over */
    size_t wanted;                /* of a read */
    struct bi_chunked chunked;
    struct bight_promise promise; /* of a collect or a read */
    struct bi_http_buffer collected;
    const struct bight_http_consumer *consumer;
    bi_body_take_function take; /* NULL: its `data` takes */
    void *context;
    uint64_t window;                /* what had come when the present window of the rate began */
    uint64_t watched;               /* nanoseconds of the window in which it was wanted, but for those ... */
    uint64_t wanted_since;          /* ... since then; 0: it is not wanted now */
    struct bight_failure *failure;  /* why it will not be whole */
    struct bi_head *trailers;       /* NULL: there were none */
    struct bi_http_buffer trailing; /* their bytes */
};

enum bi_answer_state {
    BI_ANSWER_NONE,
    BI_ANSWER_ANNOUNCED, /* middleware is told of its head, and may add to it */
    BI_ANSWER_BEGUN,
    BI_ANSWER_FILTERED, /* the same, and its body goes through a filter */
    BI_ANSWER_WHOLE,    /* written, or aborted */
};

/* What is to know of the ends of an answer that comes piece by piece; part of a struct of its owner's. */
struct bi_http_watcher {
    void (*draining)(struct bi_http_watcher *watcher); /* the connection is to end soon (H9) */
    void (*over)(struct bi_http_watcher *watcher);     /* the exchange is; last */
};

/* Its head has gone out, and its body is not whole. */
#define BI_ANSWER_IS_UNDER_WAY(state) ((state) == BI_ANSWER_BEGUN || (state) == BI_ANSWER_FILTERED)

/* A waiter until there is room for more of an answer, and who watches it. */
struct bi_http_drain {
    struct bight_promise promise; /* open: it is awaited */
    struct bight_timer timer;
    uint32_t at_once;                /* that were answered in their call, in a row */
    struct bi_http_watcher *watcher; /* NULL: none */
};

struct bi_http_answer {
    uint8_t state; /* enum bi_answer_state */
    bool streams;  /* it comes piece by piece */
    bool chunked, has_length, bodiless, producing;
    uint16_t status;
    uint64_t left;                /* of what was announced */
    struct bi_http_buffer fields; /* "Name: value\r\n" ... */
    struct bi_http_drain *drain;  /* NULL: no room has been asked for, and nobody watches */
};

/* A block of texts that live as long as the request. */
struct bi_http_block {
    struct bi_http_block *next;
    size_t used, size;
};

struct bi_http_attachment {
    struct bi_http_attachment *next;
    const struct bight_type *type;
    void *value;
};

#define BI_DUE_CONTINUE 1u /* Expect: 100-continue has not been answered */
#define BI_DUE_HOOKS 2u    /* middleware has been told of the request, and is to be told of what becomes of it */

struct bi_http_filter_ops;

enum bi_scheme { BI_SCHEME_OF_CONNECTION, BI_SCHEME_HTTP, BI_SCHEME_HTTPS };

/* What middleware has been told, found out, and what the body goes through. The embedder's, but for `sent` and `head`;
 * nothing of it is set without `has_hooks`. */
struct bi_http_hooks {
    struct bi_passage *first, *last;         /* in the request's memory */
    uint64_t sent;                           /* bytes of the answer, with its head */
    uint64_t head;                           /* of its head */
    double seconds;                          /* for the answer, if its route has none; 0: any */
    const char *address;                     /* of the client, as logs name it, in the request's memory; NULL: none */
    const char *id, *user;                   /* likewise */
    const struct bight_address *client;      /* likewise, as trusted proxies say; NULL: the connection's peer */
    uint8_t scheme;                          /* enum bi_scheme */
    bool may_proceed;                        /* a middleware has it */
    bool was_aborted;                        /* before its answer was whole */
    bool is_trusted;                         /* as if it came from an origin that the site trusts */
    bool is_unfiltered;                      /* the program wants its answer as it is */
    bool is_started;                         /* the filter has all of the body, and sends it by itself */
    bool is_counted;                         /* the filtered answer was announced with a length: `left` of it */
    const struct bi_http_filter_ops *filter; /* NULL: none */
    void *filter_context;
};

#define BI_HTTP_MAX_PARAMETERS 16
#define BI_HTTP_INLINE_TEXT 512

struct bight_http_request {
    struct bi_http_server *server;
    struct bi_http_connection *connection; /* NULL: the exchange is over */
    uint32_t holds;                        /* the exchange's, if it is not over, and others */
    uint32_t pending;                      /* what may still answer: the handler, holds, Deferreds ... */
    uint8_t input;                         /* enum bi_input_state */
    bool closing;                          /* the connection ends behind the answer */
    bool gone;                             /* the client has, or it has been answered for the program */
    uint8_t due;                           /* what its answer's head has to see to: BI_DUE_CONTINUE ... */
    bool paging;                           /* the program's page of an error is being asked for */
    bool dispatched;                       /* the handler has been called */
    bool cancel_when_gone;
    bool is_parked;
    bool is_mounted; /* it has come to a site in the server's: `mount` is set */
    bool has_body;   /* `body` has been set up */
    bool has_hooks;  /* `hooks` has been: what is in it can be asked for until the request is freed */
    size_t rest;     /* bytes behind the head that have come, while the handler runs */

    const uint8_t *bytes; /* where the head stands: the receive buffer, or `kept` */

    /* What the site found out. */
    void *route;         /* NULL: none has been found */
    struct bi_view path; /* canonical, in the head or in the request's own memory */
    double seconds;      /* of the route; 0: any */
    uint32_t route_index;
    uint8_t parameter_count;
    const char *path_text, **parameter_texts; /* as they were asked for */

    struct bight_protocol *upgrade; /* which gets the connection (A14) */
    struct bight_owner *owner;      /* NULL: none yet */
    struct bight_deferred *later;   /* what an answer is waited for from, held */
    bight_http_gone_function gone_function;
    void *gone_context;
    struct bi_http_attachment *attachments;
    struct bight_timer input_timer, answer_timer;
    uint64_t head_watched;             /* nanoseconds of a head's time that have counted */
    bool held_up;                      /* at the last look at its input's time, output waited */
    const char *method, *query, *host; /* as they were asked for */
    const char **texts;                /* of the fields, likewise; NULL: none was */

    struct bi_http_block *blocks;
    size_t inline_used;
    struct bi_http_answer answer;

    /* From answer.fields on nothing is zeroed for a new request: these are empty in one that is not in use; what is
     * behind them is written before it is read. */
    struct bi_http_buffer kept;    /* a head that did not come whole, or outlives the handler */
    struct bi_http_buffer backlog; /* input behind what is being read */
    struct {
        struct bight_http_site *site, *pages; /* the innermost, and the innermost that makes pages of errors */
        uint32_t at;                          /* where its part of the path begins */
        const char *text;                     /* of the path before, as it was asked for */
    } mount;
    uint64_t parked_at; /* when its handler returned, if it is parked */
    struct bi_http_hooks hooks;
    struct bi_head head;
    struct bi_framing framing;
    struct bi_http_body body;
    _Alignas(max_align_t) char inline_text[BI_HTTP_INLINE_TEXT];
    struct bi_span parameters[BI_HTTP_MAX_PARAMETERS]; /* in the path; parameter_count of them are set */
    struct bight_http_request *next;                   /* spare ones */
    struct bi_field fields[];
};

/* --------------------------------------------------------------------------------- buffer.c: kept bytes */

static inline size_t bi_http_buffer_size(const struct bi_http_buffer *buffer)
{
    return buffer->end - buffer->start;
}
/* What is kept; an empty one has none. */
static inline const uint8_t *bi_http_buffer_data(const struct bi_http_buffer *buffer)
{
    return buffer->bytes != NULL ? buffer->bytes + buffer->start : NULL;
}
/* 0 or OUT_OF_MEMORY. */
BI_HTTP_PRIVATE_API int bi_http_buffer_append(struct bi_http_buffer *buffer, const void *data, size_t size);
/* Room for `size` bytes at the end, to be counted by `end`; NULL when out of memory. */
uint8_t *bi_http_buffer_room(struct bi_http_buffer *buffer, size_t size);
BI_HTTP_PRIVATE_API void bi_http_buffer_free(struct bi_http_buffer *buffer);
/* What is kept, without a copy; the buffer is empty then. NULL when out of memory. */
struct bight_bytes *bi_http_buffer_take(struct bi_http_buffer *buffer);

/* ---------------------------------------------------------------------------------------- connection.c */

extern const struct bight_protocol_ops bi_http_connection_ops;

/* Input that waits is to be gone through: soon, or when the loop that goes through it looks again. */
void bi_http_go_on(struct bi_http_connection *connection);
/* Pauses or resumes the transport as the backlog says. */
void bi_http_update_flow(struct bi_http_connection *connection);
/* Loses or aborts the connection; what an exchange is told of it comes with connection_lost. */
void bi_http_close(struct bi_http_connection *connection, bool abort);
/* Behind a peer's EOF that does not count: closes when nothing is left to do. */
void bi_http_check_end(struct bi_http_connection *connection);

/* upgrade.c: hands the connection over, with input that was not used. */
void bi_http_upgrade(struct bi_http_connection *connection, const uint8_t *data, size_t size);

/* ------------------------------------------------------------------------------------------ exchange.c */

/* A new exchange on an idle connection; NULL when out of memory. */
struct bight_http_request *bi_exchange_begin(struct bi_http_connection *connection);
/* The same, and reads input of its head: what was used of it. 0: nothing more is to be read. */
size_t bi_exchange_start(struct bi_http_connection *connection, const uint8_t *data, size_t size);
/* Input of a head: what was used of it. May end the exchange. */
size_t bi_exchange_read_head(struct bight_http_request *request, const uint8_t *data, size_t size);
/* No byte of a head has come: one CRLF before it is none. */
bool bi_exchange_is_empty(const struct bight_http_request *request);
/* The server's own answer to what is no request, or came too slowly; the connection ends. */
void bi_exchange_refuse(struct bight_http_request *request, int status, const char *why);
/* The client has gone. */
void bi_exchange_gone(struct bight_http_request *request, const struct bight_failure *reason);
/* The connection is reset: the client must see that something is missing. */
void bi_exchange_abort(struct bight_http_request *request);

/* One more, or one less, that may answer; with the last the exchange is answered for them. */
static inline void bi_request_begin_pending(struct bight_http_request *request)
{
    request->holds++;
    request->pending++;
}
void bi_request_end_pending(struct bight_http_request *request);

/* ------------------------------------------------------------------------------------------- request.c */

/* Memory for `size` bytes that lives as long as the request; NULL when out of memory. */
char *bi_request_allocate(struct bight_http_request *request, size_t size);
/* The head is copied where it can stay. OUT_OF_MEMORY. */
int bi_request_keep_head(struct bight_http_request *request);
/* A NUL-terminated copy of the request's own. */
const char *bi_request_text(struct bight_http_request *request, const void *data, size_t size);
/* The value of the first field with the name, not OTHER, where it stands in the head; NULL: there is none. */
struct bi_view bi_request_field(const struct bight_http_request *request, enum bi_name name);
/* Ends the owner: what is tied to it is cancelled. */
void bi_request_end_owner(struct bight_http_request *request);
/* For reuse. */
static inline void bi_http_server_keep(struct bi_http_server *server, struct bight_http_request *request)
{
    request->next = server->spare;
    server->spare = request;
    server->spare_count++;
}
/* It is not held any more: what it has is freed. */
void bi_request_free(struct bight_http_request *request);
/* The same of one that mostly has nothing; without a jump for each thing. */
static inline void bi_request_put_back(struct bight_http_request *request)
{
    struct bi_http_server *server = request->server;
    uintptr_t any = (uintptr_t)request->kept.bytes | (uintptr_t)request->backlog.bytes |
                    (uintptr_t)request->answer.fields.bytes | (uintptr_t)request->owner |
                    (uintptr_t)request->attachments | (uintptr_t)request->blocks | (uintptr_t)request->has_body;
    if (BI_RARELY(any != 0) || BI_RARELY(server->spare_count >= server->most_spare)) {
        bi_request_free(request);
        return;
    }
    bi_http_server_keep(server, request);
}
static inline void bi_request_release(struct bight_http_request *request)
{
    if (BI_RARELY(--request->holds == 0)) {
        bi_request_free(request);
    }
}

/* ----------------------------------------------------------------------------------------- deadlines.c */

/* The idle timeout begins; if it cannot be set, the connection is aborted. */
void bi_deadlines_watch_idle(struct bi_http_connection *connection);
/* A head has begun; its time runs. */
void bi_deadlines_watch_head(struct bight_http_request *request);
/* The body is wanted: its rate counts from now on. And it is not, for now. */
void bi_deadlines_watch_body(struct bight_http_request *request);
void bi_deadlines_rest_body(struct bight_http_request *request);
/* The handler has returned and the exchange goes on. */
void bi_deadlines_park(struct bight_http_request *request);
/* An answer that is waited for has its time, from now on. */
void bi_deadlines_limit_answer(struct bight_http_request *request);
/* The exchange is over. */
void bi_deadlines_stop(struct bight_http_request *request);
void bi_deadlines_restore_idle(struct bi_http_connection *connection);
/* So many bytes have been written: what the client does not take of it must not stay for ever. */
void bi_deadlines_bound_output(struct bi_http_connection *connection, size_t written);
/* The same of a piece among many. */
void bi_deadlines_bound_stream(struct bi_http_connection *connection, size_t written);
/* Nothing has been written in this turn: what is queued was left behind. */
void bi_deadlines_bound_leftover(struct bi_http_connection *connection);

/* ---------------------------------------------------------------------------------------------- body.c */

/* There is one. */
void bi_body_begin(struct bight_http_request *request);
/* Hands it a piece: returns how much was taken. */
size_t bi_body_deliver(struct bight_http_request *request, const uint8_t *data, size_t size);
/* Are bytes of it taken now? */
bool bi_body_is_wanted(const struct bight_http_request *request);
/* Input of a body, or of its trailers: what was used of it. Calls handlers. */
size_t bi_body_read(struct bight_http_request *request, const uint8_t *data, size_t size);
/* All of it is here, read or not; of a chunked one that cannot be told. */
bool bi_body_has_come(const struct bight_http_request *request);
/* Throwing away what is left of it is worth less than the connection. */
bool bi_body_can_be_discarded(const struct bight_http_request *request);
/* What is left of it is thrown away; the connection is to end if that is too much. */
void bi_body_discard(struct bight_http_request *request);
/* All of it, and its trailers, have come. */
void bi_body_end(struct bight_http_request *request);
/* bight_http_request_consume by a consumer that may take less than there is. `refusal` (NULL: none) is taken: what the
 * body fails with in place of being read. */
int bi_body_consume(struct bight_http_request *request, uint64_t limit, struct bight_failure *refusal,
    const struct bight_http_consumer *consumer, bi_body_take_function take, void *context);
/* Why consuming it was answered with `code`: a hold. */
struct bight_failure *bi_body_why_not(const struct bight_http_request *request, int code);
/* It will not be whole: `failure` is taken. */
void bi_body_fail(struct bight_http_request *request, struct bight_failure *failure);
/* The same with a status of the body's own (A2). */
void bi_body_fail_with(struct bight_http_request *request, int code, int status, const char *why);
/* Its consumer, if that is the one with the context, wants no more of it, ever, and is not called again. */
void bi_body_stop(struct bight_http_request *request, const void *context);
/* The same as bi_body_fail from outside an exchange's own calls: the exchange may be over by it. */
void bi_body_give_up(struct bight_http_request *request, struct bight_failure *failure);

/* ------------------------------------------------------------------------------------------ trailers.c */

/* Input of trailers: what was used of it. */
size_t bi_trailers_read(struct bight_http_request *request, const uint8_t *data, size_t size);

/* ----------------------------------------------------------------------------------------- encoding.c */

/* The body is as it says, or is decoded, or the program takes what it is. */
bool bi_encoding_is_accepted(const struct bight_http_request *request);
/* What it fails with if not; the answer to come tells the client what would be accepted. */
struct bight_failure *bi_encoding_refuse(struct bight_http_request *request);

/* ------------------------------------------------------------------------------------------- fields.c */

/* Checks, and appends to or replaces in a block of "Name: value\r\n". The codes of bight_http_respond_set. */
int bi_fields_set(struct bi_http_buffer *fields, const char *name, const char *value, bool replace);
/* The same of what has been checked: 0, TOO_LONG or OUT_OF_MEMORY. */
int bi_fields_add(struct bi_http_buffer *fields, const char *name, const char *value, bool replace);
/* The same for the answer, of what is known to be a name and a value, and not many of them. */
int bi_fields_put(struct bight_http_request *request, const char *name, size_t name_size, const char *value);
/* Of an answer that has none yet: the memory that the last one left. */
static inline void bi_fields_begin(struct bight_http_request *request)
{
    if (request->answer.fields.bytes == NULL) {
        request->answer.fields = request->server->spare_fields;
        request->server->spare_fields = (struct bi_http_buffer) { .bytes = NULL };
    }
}
/* The answer's fields go; their memory may serve the next one. */
void bi_fields_end(struct bight_http_request *request);
/* The value of the first one with the name, and its size; NULL: there is none. */
const char *bi_fields_find(const struct bi_http_buffer *fields, const char *name, size_t *size);
/* Removes all with the name. */
void bi_fields_remove(struct bi_http_buffer *fields, const char *name);

/* -------------------------------------------------------------------------------------------- hooks.c */

/* The answer is about to have this status: middleware may set fields yet. 0, or why there can be no answer now. */
int bi_hooks_announce(struct bight_http_request *request, int status);
/* The exchange is over. */
void bi_hooks_end(struct bight_http_request *request);

/* ------------------------------------------------------------------------------------------ figures.c */

/* So many bytes of the answer have been handed to the connection. */
static inline void bi_answer_count(struct bight_http_request *request, size_t size)
{
    request->server->figures.bytes_out += size;
    if (BI_RARELY(request->due & BI_DUE_HOOKS)) {
        request->hooks.sent += size;
    }
}

/* The answer of a request that was parked is whole. */
void bi_figures_took(const struct bight_http_request *request);

/* -------------------------------------------------------------------------------------------- drain.c */

/* Has the answer watched from now on; NULL: no more. 0; OUT_OF_MEMORY, which cannot be where it was watched before. */
int bi_drain_watch(struct bight_http_request *request, struct bi_http_watcher *watcher);
/* The connection is to end soon (H9). */
void bi_drain_warn(struct bight_http_request *request);
/* There may be room again. */
void bi_drain_look(struct bight_http_request *request);
/* The exchange is over. */
void bi_drain_end(struct bight_http_request *request);

/* -------------------------------------------------------------------------------------------- peers.c */

/* Another connection may have had the memory of this one, which is new; NULL: none. */
void bi_http_peers_forget(struct bi_http_server *server, const struct bi_http_connection *connection);
/* Nothing of the server is left. */
void bi_http_peers_free(struct bi_http_server *server);

/* ------------------------------------------------------------------------------------------ failure.c */

/* What a failure is answered with, and the words that may be shown; NULL: none. */
int bi_status_of_failure(const struct bight_failure *failure, const char **message);

/* ------------------------------------------------------------------- the usual end of an exchange, exchange.c */

/* The request leaves its connection, which the caller looks after. */
static inline void bi_exchange_leave(struct bight_http_request *request)
{
    if (BI_RARELY(request->due & BI_DUE_HOOKS)) {
        bi_hooks_end(request);
    }
    request->connection->request = NULL;
    request->connection = NULL;
    if (BI_RARELY(request->kept.bytes != NULL)) { /* else it has never waited */
        bi_deadlines_stop(request);
    }
    request->server->figures.in_flight -= request->dispatched;
    if (BI_RARELY(request->owner != NULL)) {
        bi_request_end_owner(request);
    }
    if (BI_RARELY(request->answer.drain != NULL)) {
        bi_drain_end(request);
    }
}

/* Of one that is not the last, or has left something. */
void bi_exchange_finish_unusual(struct bight_http_request *request);

/* The connection goes on. */
static inline void bi_exchange_finish_open(struct bight_http_request *request)
{
    const struct bi_http_connection *connection = request->connection;
    if (BI_RARELY(request->backlog.bytes != NULL) || BI_RARELY(connection->ended) ||
        BI_RARELY((connection->flags & (BI_HTTP_PAUSED | BI_HTTP_NO_IDLE)) != 0)) {
        bi_exchange_finish_unusual(request);
        return;
    }
    bi_exchange_leave(request);
    bi_request_release(request);
}

static inline void bi_exchange_finish(struct bight_http_request *request)
{
    if (BI_RARELY(request->closing)) {
        bi_exchange_finish_unusual(request);
    } else {
        bi_exchange_finish_open(request);
    }
}

/* With the answer written and some of the input not read. */
void bi_exchange_discard_rest(struct bight_http_request *request);

/* Whatever has changed: is it over, does it have to wait? Behind each handler and each answer. */
static inline void bi_exchange_advance(struct bight_http_request *request)
{
    const struct bi_http_connection *connection = request->connection;
    if (connection == NULL || (connection->flags & BI_HTTP_CLOSING) || request->answer.state != BI_ANSWER_WHOLE) {
        return;
    }
    if (BI_USUALLY(request->input == BI_INPUT_DONE)) {
        bi_exchange_finish(request);
    } else {
        bi_exchange_discard_rest(request);
    }
}

#endif
