/* SPDX-License-Identifier: MIT */
/* hub.h - what the TLS layers of a reactor share: a BIO, buffers for one piece of work, blocks of plaintext.
 *
 * Calls of OpenSSL's follow one another in a reactor's thread, so one BIO serves all of its connections. What it reads
 * from and writes to is the frame of the call that is on the stack: callbacks inside one (a program that chooses by a
 * name, say) may lead to another, of another connection, so frames are a stack. */
#ifndef BI_TLS_HUB_H
#define BI_TLS_HUB_H

#include <openssl/ssl.h>

#include "base/check.h"
#include "base/pool.h"
#include "reactor/attachment.h"
#include "reactor/wheel.h"

/* The plaintext of a full record. */
#define BI_TLS_RECORD SSL3_RT_MAX_PLAIN_LENGTH

/* What is delivered at once, and what is encrypted ahead of the bottom (L10). */
#define BI_TLS_AHEAD 65536

/* Sessions of a hub that keep OpenSSL's buffers at a time, some 33 KiB each: see warm.c. */
#define BI_TLS_MAX_WARM 128

/* For plaintext on its way up, or records on their way down. */
struct bi_tls_buffer {
    struct bi_tls_buffer *next; /* spare ones */
    size_t size, room;
    uint8_t bytes[];
};

struct bi_tls_hub {
    struct bi_attachment attachment;
    BIO *bio;
    struct bi_tls_frame *frame; /* NULL: no call of OpenSSL's is on the stack */
    struct bi_tls_buffer *spare;
    unsigned spare_count;
    unsigned gathering; /* layers that keep plaintext until the flush */
    struct bi_pool blocks, references;
    struct bi_tls_stretch *spare_block; /* of plaintext: most records use one and return it at once. NULL: none */
    struct bi_wheel_entry trim_timer;   /* armed while one of them has slabs to give back */
    struct bi_wheel_entry warm_timer;   /* armed while there are warm sessions */
    unsigned warm_count, most_warm;     /* BI_TLS_MAX_WARM; tests take fewer */
    struct bi_tls_layer *warm[BI_TLS_MAX_WARM];
};

/* warm.c: those that have not been used since it was called last. */
void bi_tls_cool_down_unused(struct bi_wheel_entry *timer);

/* The hub of a reactor, made on first use; NULL when out of memory. */
struct bi_tls_hub *bi_tls_hub_of(struct bight_reactor *reactor);

/* An empty one with room for BI_TLS_AHEAD bytes and one record more; NULL when out of memory. */
struct bi_tls_buffer *bi_tls_buffer_take(struct bi_tls_hub *hub);
/* NULL is allowed. */
void bi_tls_buffer_give(struct bi_tls_hub *hub, struct bi_tls_buffer *buffer);

/* Where in its records the input of a session stands, once the session is open. */
struct bi_tls_place {
    uint16_t missing;    /* of a record that has begun; 0: the next begins */
    uint8_t header_size; /* of its header, when the view ended in it */
    uint8_t high;        /* byte of its length */
};

/* Around calls of OpenSSL's for one session. */
struct bi_tls_frame {
    struct bi_tls_frame *outer;
    const uint8_t *input; /* what is left of the view that was received */
    size_t input_size;
    struct bi_tls_place *place;     /* where the input stands. NULL: in a handshake, which asks for what it needs */
    struct bi_tls_buffer **records; /* where they are gathered; the buffer is made when it is needed */
    /* L10: records and messages since the last data. Past `most` nothing more is read. */
    uint16_t barren_records, barren_messages, most;
    bool is_dry;       /* there was no input left when OpenSSL asked for some */
    bool lacks_memory; /* for the records */
};

static inline void bi_tls_frame_enter(struct bi_tls_hub *hub, struct bi_tls_frame *frame)
{
    frame->outer = hub->frame;
    hub->frame = frame;
}

static inline void bi_tls_frame_leave(struct bi_tls_hub *hub, const struct bi_tls_frame *frame)
{
    hub->frame = frame->outer;
}

/* SSL_get_error of a read or a write in the frame that gave `result`. OpenSSL looks into its queue first, which may
 * have others' errors, so what is no error is told without. */
int bi_tls_frame_error(const struct bi_tls_frame *frame, const SSL *ssl, int result);

static inline bool bi_tls_frame_is_barren(const struct bi_tls_frame *frame)
{
    return frame->barren_records > frame->most || frame->barren_messages > frame->most;
}

/* Sets the hub's BIO in the session. */
void bi_tls_hub_connect(struct bi_tls_hub *hub, SSL *ssl);

/* The handshake is done: from here on messages are counted in frames, and a record is read in one piece. */
void bi_tls_hub_opened(SSL *ssl);

#endif
