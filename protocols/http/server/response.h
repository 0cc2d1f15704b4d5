/* SPDX-License-Identifier: MIT */
/* response.h - what a response is made of: for the code that makes one of what has come from a server. */
#ifndef BI_HTTP_RESPONSE_H
#define BI_HTTP_RESPONSE_H

#include <stdatomic.h>

#include "http/server/request.h"

struct bi_response_origin;

struct bight_http_response {
    atomic_uint holds;
    int status;
    bool received;      /* not made here: its fields say how another message was framed */
    bool has_own_lines; /* the fields are in `room`, and do not change */
    struct bi_http_buffer fields;
    struct bight_bytes *body;
    char *text;                        /* the field that was asked for last */
    struct bi_response_origin *origin; /* NULL: it comes from no client */
    _Alignas(max_align_t) uint8_t room[];
};

/* How it came, of a client's: part of a struct of its owner's. */
struct bi_response_origin {
    /* The response goes: what its owner has of it is released. */
    void (*finish)(struct bight_http_response *response);
};

/* A response that has come from a server, in one piece with what its owner has of it and with its fields: `room` begins
 * with `origin_size` bytes, zeroed but for the pointer, and `fields` is room for `lines_size` bytes behind them, which
 * are counted by `end`. NULL when out of memory. */
struct bight_http_response *bi_response_new_received(
    int status, size_t origin_size, size_t lines_size, void (*finish)(struct bight_http_response *response));

#endif
