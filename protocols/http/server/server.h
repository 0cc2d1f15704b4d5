/* SPDX-License-Identifier: MIT */
/* server.h - the server's side of HTTP/1.1: a factory of connections, its limits, its pool of requests.
 *
 * The embedder of a server (a site) sets a handler, which is called once for each request; routes and pages are the
 * embedder's.
 */
#ifndef BI_HTTP_SERVER_H
#define BI_HTTP_SERVER_H

#include <bight/protocols/http_site.h>
#include <bight/reactor.h>

#include "http/message/date.h"
#include "http/message/head.h"

struct bi_http_server;

/* Bytes kept in one piece that grows at its end and is used up from its beginning. */
struct bi_http_buffer {
    uint8_t *bytes;
    size_t start, end, capacity;
};

struct bi_http_server_ops {
    /* A head has come, and is in order (H2). Called once for each request; answers it or keeps it (A2). */
    void (*requested)(struct bi_http_server *server, struct bight_http_request *request);
    /* Answers with the page of an error; must answer. */
    void (*failed)(struct bi_http_server *server, struct bight_http_request *request, int status, const char *message);
    /* Of a request with hooks: its answer is about to have this status; and it is over. */
    void (*announced)(struct bi_http_server *server, struct bight_http_request *request, int status);
    void (*ended)(struct bi_http_server *server, struct bight_http_request *request);
    /* Why it cannot serve (taken), or NULL. */
    struct bight_failure *(*check)(const struct bi_http_server *server);
    /* Nothing of it is left: ports, connections, requests. Called once after bi_http_server_free. */
    void (*gone)(struct bi_http_server *server);
};

struct bi_http_limits {
    struct bi_head_limits head;
    uint64_t body;
    uint32_t requests, body_rate, read_rate;
    double head_seconds, idle_seconds;
    bool half_close;
};

#define BI_HTTP_BODY_WINDOW 10.0  /* seconds over which a body's rate is looked at */
#define BI_HTTP_READ_WINDOW 30.0  /* the same for what a client takes */
#define BI_HTTP_BACKLOG 65536     /* input that is read ahead while an answer is outstanding */
#define BI_HTTP_DISCARD 262144    /* of a body that is not wanted, before the connection is closed instead */
#define BI_HTTP_MAX_TRAILERS 8192 /* bytes, and BI_HTTP_MAX_TRAILER_FIELDS */
#define BI_HTTP_MAX_TRAILER_FIELDS 100
#define BI_HTTP_DRAIN_GRACE                                                                          \
    1.0                           /* seconds in which an idle connection may ask once more (H9), and \
                                     in which its end is waited for then */
#define BI_HTTP_DRAIN_BYTES 65536 /* dropped meanwhile */
#define BI_HTTP_SPARE_REQUESTS 64 /* that are kept for reuse */

struct bi_http_figures {
    uint64_t requests, refused, abandoned; /* heads in order; those that were no good; clients that went */
    uint64_t classes[6];                   /* answers by the status's first digit */
    uint64_t bytes_in, bytes_out;
    uint64_t latencies[BIGHT_HTTP_LATENCIES], latency_time; /* nanoseconds */
    size_t in_flight;
};

/* The head of an answer that has no fields of the program's. The next answer is mostly like the last one, so it is put
 * together once for a status and a type, until the date changes, and its end for a length. */
#define BI_READY_TYPE 48
#define BI_READY_PART 128 /* most are not longer */
struct bi_ready_head {
    uint16_t status; /* 0: there is none */
    uint8_t class;
    uint8_t size;  /* up to the length */
    uint8_t whole; /* with it and two line ends */
    uint16_t room; /* for all that is moved, of which some is too much */
    size_t length; /* of the body that the end is for; SIZE_MAX: there is none yet */
    char type[BI_READY_TYPE];
    char text[224];
};

struct bi_http_server {
    struct bight_factory factory; /* of the connections */
    const struct bi_http_server_ops *ops;
    struct bi_http_limits limits;
    struct bight_http_request *spare; /* linked by `next` */
    size_t spare_count, made;         /* of all that were made, those that are not spare are in use */
    size_t most_spare;                /* 0 once it is freed */
    struct bi_http_buffer spare_fields;
    struct bi_http_peer *peers; /* peers.c's; NULL: nobody has asked */
    bool is_serving;            /* between the factory's started and stopped */
    bool freed;
    bool is_freeing; /* not over yet: nothing of it goes */
    bool date_is_fresh;
    struct bi_date_cache date;
    struct bight_timer date_timer;
    struct bi_known_host known_host;
    struct bi_ready_head ready;
    struct bi_http_figures figures;
};

/* The limits' defaults. */
extern const struct bi_http_limits bi_http_default_limits;

void bi_http_server_init(struct bi_http_server *server, const struct bi_http_server_ops *ops);
/* The beginning of its end: no request is handed on any more. */
void bi_http_server_begin_free(struct bi_http_server *server);
/* `gone` is called when nothing is left, perhaps inside. */
void bi_http_server_free(struct bi_http_server *server);

/* A request with its arrays, to be taken into use by bi_exchange_begin; NULL when out of memory. */
struct bight_http_request *bi_http_server_make(struct bi_http_server *server);
/* How many are in use. */
static inline size_t bi_http_server_requests(const struct bi_http_server *server)
{
    return server->made - server->spare_count;
}
/* One that is not kept for reuse. */
void bi_http_server_drop(struct bi_http_server *server, struct bight_http_request *request);

/* The field Date: BI_DATE_LINE bytes, formatted once a second. */
const char *bi_http_server_date(struct bi_http_server *server);

/* Reports a misuse; returns `code`. */
int bi_http_usage(int code, const char *what);

#endif
