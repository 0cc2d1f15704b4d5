/* SPDX-License-Identifier: MIT */
/* filter.h - what the body of an answer goes through on its way to the connection: a content coding.
 *
 * A request that has hooks may have one filter. It is asked once for each answer, when all middleware has been told of
 * the head and before that is written, what it wants: nothing; to put other bytes in the body's place; or to write the
 * body itself, piece by piece. Answers without hooks never come here. */
#ifndef BI_HTTP_FILTER_H
#define BI_HTTP_FILTER_H

#include "http/server/answer.h"

/* A whole body of which a filter may keep the source. */
enum bi_offer_kind {
    BI_OFFER_STREAM, /* the program writes it, piece by piece */
    BI_OFFER_DATA,   /* it is in memory */
    BI_OFFER_FILE,
};

struct bi_http_offer {
    enum bi_offer_kind kind;
    int status;
    struct bi_view type;       /* that goes with the body; a Content-Type that was set goes before */
    int64_t length;            /* -1: not known */
    struct bi_view data;       /* DATA: lent until the call returns; to be replaced for BI_FILTER_REPLACED */
    struct bight_bytes *bytes; /* that the data is; NULL: a filter that keeps it copies it */
    int descriptor;            /* FILE: its part from `first` on; the filter that goes on with it takes it */
    uint64_t first;
    bight_release_function release; /* of the descriptor, perhaps in a thread */
    void *context;
};

enum bi_filter_choice {
    BI_FILTER_NONE,     /* the body goes as it is */
    BI_FILTER_REPLACED, /* offer->data goes, with its length */
    BI_FILTER_PIECES, /* it has no length any more: `write` and `finish` are called for a stream, `start` for others */
};

struct bi_http_filter_ops {
    /* Chooses, and sets fields. It may not fail: what it cannot do it does not choose. */
    enum bi_filter_choice (*choose)(struct bight_http_request *request, struct bi_http_offer *offer);
    /* What was offered goes on behind its head. 0; on a code the exchange is aborted. It calls bi_filter_put and
     * bi_filter_end itself, now or later. */
    int (*start)(struct bight_http_request *request);
    /* A piece of a stream, and its end: calls bi_filter_put. A code aborts the exchange. */
    int (*write)(struct bight_http_request *request, struct bi_view data);
    int (*finish)(struct bight_http_request *request);
    /* The exchange is over, whether anything was chosen or not; nothing is called behind it. */
    void (*end)(struct bight_http_request *request);
};

/* From now on the answer of a request with hooks goes through it; the one before ends. */
void bi_filter_set(struct bight_http_request *request, const struct bi_http_filter_ops *ops, void *context);

/* ------------------------------------------------------------------------- for filters: what they have made */

/* A piece of the body that is sent, chunked if it has to be. 0, or a code; the exchange has been aborted then. */
int bi_filter_put(struct bight_http_request *request, const void *data, size_t size);
/* Behind the last one of a body that was started. */
int bi_filter_end(struct bight_http_request *request);

/* -------------------------------------------------------------- for what answers: a request that has hooks */

/* As bight_http_respond; of `bytes`, if they are not NULL. */
int bi_filter_respond(
    struct bight_http_request *request, int status, const char *type, struct bi_view data, struct bight_bytes *bytes);
/* As bight_http_respond_begin, up to the head. */
int bi_filter_begin(struct bight_http_request *request, int status, const char *type, int64_t length);
int bi_filter_write(struct bight_http_request *request, const void *data, size_t size);
int bi_filter_finish(struct bight_http_request *request);
/* Tells the hooks of an answer with a whole body. 0: head and body are to be sent, told. BI_FILTERED: it has been
 * answered, and a FILE has been taken. Or a code. */
int bi_filter_begin_offered(struct bight_http_request *request, const char *type, struct bi_http_offer *offer);

#endif
