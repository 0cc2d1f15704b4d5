/* SPDX-License-Identifier: MIT */
/* queue.c - the chunks of an output: what is queued, in what form, and what happens to it when it has been sent.
 *
 * A chunk is a block of copied bytes, a reference to memory that was lent, a file (file.c), or (while the write that
 * brought it is on the stack) a piece of the caller's memory. Blocks and references are pooled, but for an output's
 * first block, which is part of it: small, since a handler may write to hundreds of connections, while the blocks after
 * it are large, since a send takes so many parts and no more. When something is sent, and how closing and flow depend
 * on it, is output.c's.
 */
#include "transport/queue.h"

#include <limits.h>
#include <string.h>

#include "transport/common.h"
#include "transport/file.h"

_Static_assert(BI_PARTS_PER_SEND <= IOV_MAX, "a send takes what the kernel takes");

void bi_queue_append(struct bi_output *output, struct bi_chunk *chunk)
{
    chunk->next = NULL;
    if (output->last == NULL) {
        output->first = chunk;
    } else {
        output->last->next = chunk;
    }
    output->last = chunk;
}

static struct bi_chunk *begin_block(struct bi_chunk *block, uint8_t *bytes, uint8_t *end)
{
    *block = (struct bi_chunk) { .data = bytes, .room = bytes, .room_end = end, .counted = true };
    return block;
}

struct bi_chunk *bi_queue_new_block(struct bi_hub *hub)
{
    struct bi_chunk *block = bi_pool_take(&hub->blocks);
    if (block == NULL) {
        return NULL;
    }
    uint8_t *bytes = (uint8_t *)(block + 1);
    return begin_block(block, bytes, bytes + BI_BLOCK_BYTES);
}

/* The output's own block is free when nothing is queued, or nothing but what many are sent: it is never behind others.
 */
struct bi_chunk *bi_queue_next_block(struct bi_output *output, size_t size)
{
    struct bi_hub *hub = output->transport->hub;
    if ((output->last != NULL && output->last != &output->common) || size > BI_FIRST_BLOCK_SIZE) {
        return bi_queue_new_block(hub);
    }
    uint8_t *bytes = (uint8_t *)(output + 1) + hub->watch_size;
    return begin_block(&output->first_block, bytes, bytes + BI_FIRST_BLOCK_SIZE);
}

/* Returns what was copied. */
static size_t fill(struct bi_chunk *block, const uint8_t *data, size_t size)
{
    size_t room = (size_t)(block->room_end - block->room);
    size_t part = size < room ? size : room;
    memcpy(block->room, data, part);
    block->room += part;
    block->size += part;
    return part;
}

int bi_queue_append_copy(struct bi_output *output, const uint8_t *data, size_t size)
{
    while (size > 0) {
        struct bi_chunk *block = output->last;
        if (block == NULL || block->room == block->room_end) { /* a reference has neither */
            block = bi_queue_next_block(output, size);
            if (block == NULL) {
                return BIGHT_E_OUT_OF_MEMORY;
            }
            bi_queue_append(output, block);
        }
        size_t part = fill(block, data, size);
        data += part;
        size -= part;
        output->queued += part;
        output->counted += part;
    }
    return BIGHT_OK;
}

static void count_in(struct bi_output *output, const struct bi_chunk *chunk)
{
    output->queued += chunk->size;
    if (chunk->counted) {
        output->counted += chunk->size;
    }
}

struct bi_chunk *bi_queue_append_reference(struct bi_output *output, const struct bight_piece *piece)
{
    struct bi_chunk *chunk = bi_pool_take(&output->transport->hub->references);
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (struct bi_chunk) {
        .data = piece->data,
        .size = piece->size,
        .release = piece->release,
        .context = piece->context,
        .counted = piece->counted,
    };
    bi_queue_append(output, chunk);
    count_in(output, chunk);
    return chunk;
}

/* `chunk` is the caller's, and leaves the queue before the caller returns. */
static void append_borrowed(struct bi_output *output, const struct bight_piece *piece, struct bi_chunk *chunk)
{
    *chunk = (struct bi_chunk) { .data = piece->data, .size = piece->size, .counted = true, .borrowed = true };
    bi_queue_append(output, chunk);
    count_in(output, chunk);
}

/* --------------------------------------------------------------------------------- chunks put aside */

static void free_memory(void *memory)
{
    bight_free(memory);
}

/* A block, or a reference to memory of its own. */
struct bi_chunk *bi_queue_new_aside(struct bi_hub *hub, size_t size, uint8_t **room)
{
    if (size <= BI_BLOCK_BYTES) {
        struct bi_chunk *block = bi_queue_new_block(hub);
        *room = block == NULL ? NULL : block->room;
        return block;
    }
    struct bi_chunk *chunk = bi_pool_take(&hub->references);
    if (chunk == NULL) {
        return NULL;
    }
    *room = bight_malloc(size);
    if (*room == NULL) {
        bi_pool_give(&hub->references, chunk);
        return NULL;
    }
    *chunk = (struct bi_chunk) { .data = *room, .release = free_memory, .context = *room, .counted = true };
    return chunk;
}

void bi_queue_free_aside(struct bi_hub *hub, struct bi_chunk *chunk)
{
    if (chunk->release != NULL) {
        chunk->release(chunk->context);
    }
    bi_pool_give(chunk->room != NULL ? &hub->blocks : &hub->references, chunk);
}

/* What was allocated for much and got little is not to wait as much: nothing refers to it yet. */
void bi_queue_fill_aside(struct bi_chunk *chunk, size_t size, size_t reserved)
{
    chunk->size = size;
    if (chunk->room != NULL) {
        chunk->room += size;
        return;
    }
    void *less = size < reserved / 2 ? bight_realloc(chunk->context, size) : NULL;
    if (less != NULL) {
        chunk->data = chunk->context = less;
    }
}

/* Many that ask for much and need little must not take a block each: what fits in the last one is copied there. */
void bi_queue_append_aside(struct bi_output *output, struct bi_chunk *chunk)
{
    struct bi_chunk *last = output->last;
    count_in(output, chunk);
    if (last != NULL && chunk->size <= (size_t)(last->room_end - last->room)) {
        (void)fill(last, chunk->data, chunk->size);
        bi_queue_free_aside(output->transport->hub, chunk);
    } else {
        bi_queue_append(output, chunk);
    }
}

/* ------------------------------------------------------------------------------------------- pieces */

static int enqueue_reference(struct bi_output *output, const struct bight_piece *piece, struct bi_write_pass *pass)
{
    struct bi_chunk *chunk = bi_queue_append_reference(output, piece);
    if (chunk == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    pass->reference_count++;
    pass->reference = chunk;
    return BIGHT_OK;
}

int bi_queue_append_pieces(
    struct bi_output *output, const struct bight_piece *pieces, size_t count, bool large, struct bi_write_pass *pass)
{
    int code = BIGHT_OK;
    for (size_t i = 0; i < count && code == BIGHT_OK; i++) {
        if (pieces[i].release != NULL) {
            code = enqueue_reference(output, &pieces[i], pass);
        } else if (large && pieces[i].size > 0 && pass->borrowed_count < BI_STACK_CHUNKS) {
            append_borrowed(output, &pieces[i], &pass->borrowed[pass->borrowed_count++]);
        } else {
            code = bi_queue_append_copy(output, pieces[i].data, pieces[i].size);
        }
    }
    return code;
}

void bi_queue_retire(struct bi_output *output, struct bi_chunk *chunk)
{
    struct bi_hub *hub = output->transport->hub;
    if (chunk->borrowed || chunk == &output->first_block) {
        return;
    }
    if (chunk == &output->common) {
        bi_common_retire(output);
    } else if (chunk->room != NULL) {
        bi_pool_give(&hub->blocks, chunk);
    } else if (chunk->release == NULL) {
        bi_pool_give(&hub->references, chunk);
    } else {
        chunk->next = output->sent;
        output->sent = chunk;
    }
}

void bi_queue_drop(struct bi_output *output, struct bi_chunk *chunk)
{
    if (bi_chunk_is_file(chunk)) {
        bi_file_drop(chunk->context);
    }
    bi_queue_retire(output, chunk);
}

void bi_queue_release_sent(struct bi_output *output)
{
    struct bi_pool *pool = &output->transport->hub->references;
    while (output->sent != NULL) {
        struct bi_chunk chunk = *output->sent;
        bi_pool_give(pool, output->sent);
        output->sent = chunk.next;
        chunk.release(chunk.context);
    }
}

static void take_part(struct bi_chunk *chunk, size_t size)
{
    if (BI_UNLIKELY(bi_chunk_is_file(chunk))) {
        bi_file_advance(chunk->context, size);
    } else {
        chunk->data += size;
    }
}

void bi_queue_consume(struct bi_output *output, size_t size)
{
    output->queued -= size;
    while (output->first != NULL && output->first->size <= size) {
        struct bi_chunk *chunk = output->first;
        size -= chunk->size;
        output->counted -= chunk->counted ? chunk->size : 0;
        output->first = chunk->next;
        if (output->first == NULL) {
            output->last = NULL;
        }
        bi_queue_retire(output, chunk);
    }
    if (size > 0) {
        take_part(output->first, size);
        output->first->size -= size;
        output->counted -= output->first->counted ? size : 0;
    }
}

void bi_queue_move(struct bi_output *from, struct bi_output *to)
{
    while (from->first != NULL) {
        struct bi_chunk *chunk = from->first;
        from->first = chunk->next;
        bi_queue_append(to, chunk);
    }
    from->last = NULL;
    to->queued += from->queued;
    to->counted += from->counted;
    from->queued = from->counted = 0;
}

int bi_queue_collect(const struct bi_output *output, struct iovec *parts, size_t *total, const struct bi_chunk **file)
{
    int count = 0;
    *total = 0;
    *file = NULL;
    for (struct bi_chunk *chunk = output->first; chunk != NULL && count < BI_PARTS_PER_SEND; chunk = chunk->next) {
        if (BI_UNLIKELY(bi_chunk_is_file(chunk))) {
            *file = chunk;
            break;
        }
        if (chunk->size > 0) {
            parts[count++] = (struct iovec) { (void *)(uintptr_t)chunk->data, chunk->size };
            *total += chunk->size;
        }
    }
    return count;
}

int bi_queue_replace_borrowed(struct bi_output *output, bool over)
{
    int code = BIGHT_OK;
    struct bi_chunk *behind = output->first;
    output->first = output->last = NULL;
    while (behind != NULL) {
        struct bi_chunk *chunk = behind;
        behind = chunk->next;
        if (!chunk->borrowed) {
            bi_queue_append(output, chunk);
            continue;
        }
        output->queued -= chunk->size;
        output->counted -= chunk->size;
        if (!over && code == BIGHT_OK) {
            code = bi_queue_append_copy(output, chunk->data, chunk->size);
        }
    }
    return code;
}
