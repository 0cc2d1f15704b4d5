/* SPDX-License-Identifier: MIT */
/* queue.h - the chunks of an output, between queue.c, which keeps them, and output.c, which sends them. */
#ifndef BIGHT_TRANSPORT_QUEUE_H
#define BIGHT_TRANSPORT_QUEUE_H

#include "transport/transport.h"

#define BIGHT_PARTS_A_SEND 64 /* well below IOV_MAX */

/* An empty block; NULL without memory. */
struct bight_chunk *bight_queue_new_block(struct bight_hub *hub);

void bight_queue_append(struct bight_output *output, struct bight_chunk *chunk);

/* 0 or OUT_OF_MEMORY; then a part may have been queued. */
int bight_queue_append_copy(struct bight_output *output, const uint8_t *data, size_t size);

/* The chunk, or NULL without memory. The piece's memory is released when it has been sent or dropped. */
struct bight_chunk *bight_queue_append_reference(struct bight_output *output, const struct bight_piece *piece);

/* `chunk` is the caller's, and leaves the queue before the caller returns. */
void bight_queue_append_borrowed(
    struct bight_output *output, const struct bight_piece *piece, struct bight_chunk *chunk);

/* `size` bytes have been sent: chunks that are empty go. */
void bight_queue_consume(struct bight_output *output, size_t size);

/* A chunk that has left the queue: back to its pool, or to those whose memory is released later. */
void bight_queue_retire(struct bight_output *output, struct bight_chunk *chunk);

/* Releases the memory of what was sent. Never inside a write. */
void bight_queue_release_sent(struct bight_output *output);

/* What comes first, at most BIGHT_PARTS_A_SEND parts; gives their count, and their bytes. */
int bight_queue_collect(const struct bight_output *output, struct iovec *parts, size_t *total);

#endif
