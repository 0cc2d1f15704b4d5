/* SPDX-License-Identifier: MIT */
/* plaintext.h - plaintext that waits to be encrypted.
 *
 * A queue of stretches: blocks, into which small writes are copied, and references to memory that was lent, or borrowed
 * for the length of a write. Every stretch but the last is a number of full records, so full records are what leaves
 * however the writes were cut (L11). */
#ifndef BI_TLS_PLAINTEXT_H
#define BI_TLS_PLAINTEXT_H

#include <bight/sys/layer.h>

#include "tls/hub.h"

struct bi_tls_stretch {
    struct bi_tls_stretch *next;
    const uint8_t *data;
    size_t size;
    uint8_t *room; /* a block's: of what is free behind the data; NULL for a reference */
    bool is_counted;
    bool is_borrowed;               /* good until the end of the write */
    uint32_t write;                 /* a reference's: in which it came */
    bight_release_function release; /* NULL: nothing is to be released */
    void *context;
    uint8_t bytes[];
};

enum {
    BI_TLS_REFERENCE_SIZE = sizeof(struct bi_tls_stretch),
    BI_TLS_BLOCK_SIZE = sizeof(struct bi_tls_stretch) + BI_TLS_RECORD
};

struct bi_tls_plaintext {
    struct bi_tls_stretch *first, *last;
    struct bi_tls_stretch *used; /* whose memory is to be released, outside of any write */
    size_t queued, counted;
    uint32_t writes, borrowed; /* so far; stretches that are */
};

/* A write begins; returns its number. */
static inline uint32_t bi_tls_plaintext_begin(struct bi_tls_plaintext *text)
{
    return ++text->writes;
}

/* Behind the rest. Small pieces are copied; of large ones that were not lent the memory is borrowed, if that is
 * allowed, until bi_tls_plaintext_commit. 0 or OUT_OF_MEMORY: then some may have been added, and
 * bi_tls_plaintext_refuse is due.
 */
int bi_tls_plaintext_add(
    struct bi_tls_hub *hub, struct bi_tls_plaintext *text, const struct bight_piece *piece, bool may_borrow);

/* At the end of a write: what is left of borrowed memory is copied. 0 or OUT_OF_MEMORY, as above. */
int bi_tls_plaintext_copy_borrowed(struct bi_tls_hub *hub, struct bi_tls_plaintext *text);

static inline int bi_tls_plaintext_commit(struct bi_tls_hub *hub, struct bi_tls_plaintext *text)
{
    return BI_LIKELY(text->borrowed == 0) ? BIGHT_OK : bi_tls_plaintext_copy_borrowed(hub, text);
}

/* The write fails: what was lent with it is its caller's still, and what was borrowed is forgotten. */
void bi_tls_plaintext_refuse(struct bi_tls_plaintext *text, uint32_t write);

/* The first `size` bytes, of the first stretch, have been encrypted. */
void bi_tls_plaintext_consume(struct bi_tls_hub *hub, struct bi_tls_plaintext *text, size_t size);

/* Calls the release functions that are due, of which there are some. */
void bi_tls_plaintext_release_all_used(struct bi_tls_hub *hub, struct bi_tls_plaintext *text);

static inline void bi_tls_plaintext_release_used(struct bi_tls_hub *hub, struct bi_tls_plaintext *text)
{
    if (BI_UNLIKELY(text->used != NULL)) {
        bi_tls_plaintext_release_all_used(hub, text);
    }
}

/* Forgets it all; calls release functions. */
void bi_tls_plaintext_drop(struct bi_tls_hub *hub, struct bi_tls_plaintext *text);

#endif
