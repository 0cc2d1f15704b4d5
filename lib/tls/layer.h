/* SPDX-License-Identifier: MIT */
/* layer.h - a TLS layer: its state, shared by the files that do its parts.
 *
 *   WAITING      a server's, before its first byte: there is no session yet (L4)
 *   OPENING      the handshake is under way; what is written waits
 *   OPEN         data passes, each direction until its end
 *   OVER         it has failed, or was ended before it was open: nothing passes any more
 *
 * OpenSSL is called in frames (hub.h), and nothing else is while one is on the stack: what it has read is delivered,
 * what it has written is sent, when it has returned. So no handler ever runs inside OpenSSL, and every one may do with
 * the connection what it likes. */
#ifndef BI_TLS_LAYER_H
#define BI_TLS_LAYER_H

#include <bight/sys/layer.h>

#include "reactor/wheel.h"
#include "tls/context.h"
#include "tls/hub.h"
#include "tls/plaintext.h"

enum bi_tls_state { BI_TLS_WAITING, BI_TLS_OPENING, BI_TLS_OPEN, BI_TLS_OVER };

struct bi_tls_opening;

struct bi_tls_layer {
    struct bight_layer base;
    struct bi_tls_hub *hub;
    struct bight_tls *tls;
    SSL *ssl;                                 /* NULL while WAITING */
    struct bi_tls_opening *opening;           /* NULL when the handshake is over */
    struct bi_tls_plaintext text;             /* that was written and is not encrypted yet */
    struct bi_tls_buffer *records;            /* that are not sent yet; NULL: none */
    struct bi_tls_facts *facts;               /* NULL until the first query */
    struct bi_tls_place place;                /* of the input */
    uint16_t barren_records, barren_messages; /* L10: since the last data */
    uint8_t state;
    uint8_t warm_place; /* of a warm one, in the hub */
    uint8_t uses;       /* records that a cold one has had, up to BI_TLS_USES */
    bool is_warm;       /* it keeps OpenSSL's buffers */
    bool was_used;      /* since the hub looked last */
    bool was_open;
    bool is_end_asked; /* nothing more will be written */
    bool is_end_sent;  /* our close_notify */
    bool is_end_read;  /* the peer's */
    bool is_blocked;   /* OpenSSL wants input before it goes on writing */
    bool is_gathering; /* counts among the hub's */
};

static inline struct bi_tls_layer *bi_tls_layer_of(struct bight_layer *layer)
{
    return (struct bi_tls_layer *)layer;
}

/* --- layer.c */

/* For this reactor's transports; `name` and `port` as for bi_tls_session_new. NULL: *failure says why. To be pushed,
 * and begun then; until it is pushed bi_tls_layer_free is what ends it. */
struct bi_tls_layer *bi_tls_layer_new(struct bight_reactor *reactor, struct bight_tls *tls, const char *name,
    uint16_t port, struct bight_failure **failure);
void bi_tls_layer_free(struct bi_tls_layer *layer);

/* The connection ends with this failure, which is taken: what is to be sent (an alert) goes out before. */
void bi_tls_fail(struct bi_tls_layer *layer, struct bight_failure *failure);

/* --- handshake.c */

/* Begins the handshake of a layer that has been pushed: a client speaks first. */
void bi_tls_begin(struct bi_tls_layer *layer);
/* Input that came before the session is open. Returns how much of it was used up. */
size_t bi_tls_open_with(struct bi_tls_layer *layer, const uint8_t *data, size_t size);
void bi_tls_opening_free(struct bi_tls_layer *layer);

/* --- warm.c */

void bi_tls_warm_up(struct bi_tls_layer *layer);
void bi_tls_cool_down(struct bi_tls_layer *layer);
/* OpenSSL's buffers, unless there is a part of a record in them, or the session has failed. */
void bi_tls_let_go(struct bi_tls_layer *layer);
/* Of a layer that ends. */
void bi_tls_forget_warm(struct bi_tls_layer *layer);

/* Records in a row after which a session is worth warming, and what they may be. */
#define BI_TLS_USES 16
#define BI_TLS_SMALL 4096

/* So much comes or goes. */
static inline void bi_tls_use(struct bi_tls_layer *layer, size_t size)
{
    if (size > BI_TLS_SMALL) {
        bi_tls_cool_down(layer);
        return;
    }
    layer->was_used = true;
    if (BI_UNLIKELY(!layer->is_warm) && ++layer->uses >= BI_TLS_USES) {
        bi_tls_warm_up(layer);
    }
}

/* Behind calls of OpenSSL's that read or write, when no more of them follow at once, and it is known whether the
 * session has failed. */
static inline void bi_tls_rest(struct bi_tls_layer *layer)
{
    if (!layer->is_warm) {
        bi_tls_let_go(layer);
    }
}

/* --- input.c */

void bi_tls_received(struct bight_layer *layer, const uint8_t *data, size_t size);
void bi_tls_received_end(struct bight_layer *layer);

/* --- output.c */

int bi_tls_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count);
int bi_tls_flush(struct bight_layer *layer);
void bi_tls_write_end(struct bight_layer *layer);
/* Records that OpenSSL made by itself are to be sent, or text that could not be encrypted before. */
void bi_tls_flush_soon(struct bi_tls_layer *layer);
/* All that there is of records goes down. The codes of bight_layer_send. */
int bi_tls_send_records(struct bi_tls_layer *layer);

/* Data has passed, either way: what comes without any is counted from here (L10). */
static inline void bi_tls_was_fruitful(struct bi_tls_layer *layer)
{
    layer->barren_records = layer->barren_messages = 0;
}

#endif
