/* SPDX-License-Identifier: MIT */
/* queue.h - the chunks of an output, between queue.c, which keeps them, and output.c, which sends them. */
#ifndef BI_TRANSPORT_QUEUE_H
#define BI_TRANSPORT_QUEUE_H

#include "transport/transport.h"

#define BI_PARTS_PER_SEND 64 /* well below IOV_MAX */

#define BI_STACK_CHUNKS 16

/* What one write has put into the queue. */
struct bi_write_pass {
    struct bi_chunk borrowed[BI_STACK_CHUNKS];
    size_t borrowed_count;
    size_t reference_count;
    struct bi_chunk *reference; /* the last one */
};

/* An empty block; NULL when out of memory. */
struct bi_chunk *bi_queue_new_block(struct bi_hub *hub);

/* The same for the end of this queue, which is to take `size` bytes and not more than a block has. */
struct bi_chunk *bi_queue_next_block(struct bi_output *output, size_t size);

/* One of those that are part of the output. */
static inline bool bi_queue_is_own(const struct bi_output *output, const struct bi_chunk *chunk)
{
    return (uintptr_t)chunk - (uintptr_t)output < sizeof *output;
}

void bi_queue_append(struct bi_output *output, struct bi_chunk *chunk);

/* A chunk with room for so many bytes, which is no part of a queue; NULL when out of memory. It is filled before it is
 * appended, and must not be used afterwards. */
struct bi_chunk *bi_queue_new_aside(struct bi_hub *hub, size_t size, uint8_t **room);
void bi_queue_fill_aside(struct bi_chunk *chunk, size_t size, size_t reserved);
void bi_queue_append_aside(struct bi_output *output, struct bi_chunk *chunk);
void bi_queue_free_aside(struct bi_hub *hub, struct bi_chunk *chunk);

/* 0 or OUT_OF_MEMORY; then a part may have been queued. */
int bi_queue_append_copy(struct bi_output *output, const uint8_t *data, size_t size);

/* The chunk, or NULL when out of memory. The piece's memory is released when it has been sent or dropped. */
struct bi_chunk *bi_queue_append_reference(struct bi_output *output, const struct bight_piece *piece);

/* In the form that suits each piece; those that would be copied, when much is written at once, as chunks on the stack.
 * 0 or OUT_OF_MEMORY; then some may have been queued. */
int bi_queue_append_pieces(
    struct bi_output *output, const struct bight_piece *pieces, size_t count, bool large, struct bi_write_pass *pass);

/* The chunks on the stack leave the queue. What is left of them is copied to where they stood, unless it is `over`. 0
 * or OUT_OF_MEMORY. */
int bi_queue_replace_borrowed(struct bi_output *output, bool over);

/* `size` bytes have been sent: chunks that are empty go. */
void bi_queue_consume(struct bi_output *output, size_t size);

/* All of one queue goes behind what is in the other. The first has no block of its own. */
void bi_queue_move(struct bi_output *from, struct bi_output *to);

/* A chunk that has left the queue: back to its pool, or to the chunks whose memory is released later. */
void bi_queue_retire(struct bi_output *output, struct bi_chunk *chunk);

/* The same of one that has not been sent, or not all of it. */
void bi_queue_drop(struct bi_output *output, struct bi_chunk *chunk);

/* Releases the memory of what was sent. Never inside a write. */
void bi_queue_release_sent(struct bi_output *output);

/* What comes first, at most BI_PARTS_PER_SEND parts and no file; returns their count, their bytes, and the file that
 * comes right behind them, or NULL. */
int bi_queue_collect(const struct bi_output *output, struct iovec *parts, size_t *total, const struct bi_chunk **file);

#endif
