/* SPDX-License-Identifier: MIT */
/* output.c - the way out: what is gathered or left over, and sending it to the bottom.
 *
 * An output exists while something is queued; it and its blocks are pooled. It is a list of chunks: blocks with copied
 * bytes, and references to memory that was lent. Small writes are gathered in the last block and sent by a task behind
 * the handler; large ones are tried at once from where they lie, as chunks on the stack of the write, and only what the
 * kernel refuses is copied. After a refusal nothing is tried until the bottom says writable. Lent memory that has been
 * sent is put aside and released from the task: never inside a write. The checks of the state are write.c's. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "transport/transport.h"

enum {
    PARTS_A_SEND = 64, /* well below IOV_MAX */
    SENDS_A_TURN = 8,  /* so that one reader that is fast does not hold up the others */
    STACK_CHUNKS = 16,
    GATHER_MOST = 65536 /* what a handler gathers before it is sent all the same */
};

_Static_assert(PARTS_A_SEND <= IOV_MAX, "a send takes what the kernel takes");

/* What one write has put into the queue. */
struct write_pass {
    struct bight_chunk borrowed[STACK_CHUNKS];
    size_t borrowed_count;
    size_t reference_count;
    struct bight_chunk *reference; /* the last one */
};

static void run_flush(struct bight_task *task);

/* ------------------------------------------------------------------------------------- the output */

static struct bight_output *output_of(struct bight_transport *transport)
{
    if (transport->output != NULL) {
        return transport->output;
    }
    struct bight_output *output = bight_pool_take(&transport->hub->outputs);
    if (output == NULL) {
        return NULL;
    }
    *output = (struct bight_output) { .transport = transport };
    transport->output = output;
    return output;
}

static struct bight_watch *watch_of(struct bight_output *output)
{
    return (struct bight_watch *)(void *)(output + 1);
}

static void plan_flush(struct bight_output *output)
{
    if (output->task.run == NULL && !output->watching) {
        bight_reactor_afterwards(output->transport->hub->reactor, &output->task, run_flush);
    }
}

static void set_watching(struct bight_output *output, bool on)
{
    struct bight_transport *transport = output->transport;
    if (output->watching == on) {
        return;
    }
    output->watching = on;
    int code = transport->bottom->watch_writing(transport, watch_of(output), on);
    if (on && code != BIGHT_OK) {
        output->watching = false;
        bight_close_end(transport, bight_failure_of(code), true);
    }
}

int bight_output_ask(struct bight_transport *transport)
{
    struct bight_output *output = output_of(transport);
    if (output == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    plan_flush(output);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------ chunks */

static void append(struct bight_output *output, struct bight_chunk *chunk)
{
    chunk->next = NULL;
    if (output->last == NULL) {
        output->first = chunk;
    } else {
        output->last->next = chunk;
    }
    output->last = chunk;
}

/* An empty block; NULL without memory. */
static struct bight_chunk *new_block(struct bight_hub *hub)
{
    struct bight_chunk *block = bight_pool_take(&hub->blocks);
    if (block == NULL) {
        return NULL;
    }
    uint8_t *bytes = (uint8_t *)(block + 1);
    *block = (struct bight_chunk) {
        .data = bytes,
        .room = bytes,
        .room_end = (uint8_t *)block + BIGHT_BLOCK_SIZE,
        .counted = true,
    };
    return block;
}

/* Gives what was copied. */
static size_t fill(struct bight_chunk *block, const uint8_t *data, size_t size)
{
    size_t room = (size_t)(block->room_end - block->room);
    size_t part = size < room ? size : room;
    memcpy(block->room, data, part);
    block->room += part;
    block->size += part;
    return part;
}

/* 0 or OUT_OF_MEMORY; then a part may have been queued. */
static int append_copy(struct bight_output *output, const uint8_t *data, size_t size)
{
    while (size > 0) {
        struct bight_chunk *block = output->last;
        if (block == NULL || block->room == block->room_end) { /* a reference has neither */
            block = new_block(output->transport->hub);
            if (block == NULL) {
                return BIGHT_E_OUT_OF_MEMORY;
            }
            append(output, block);
        }
        size_t part = fill(block, data, size);
        data += part;
        size -= part;
        output->queued += part;
        output->counted += part;
    }
    return BIGHT_OK;
}

static void count_in(struct bight_output *output, const struct bight_chunk *chunk)
{
    output->queued += chunk->size;
    if (chunk->counted) {
        output->counted += chunk->size;
    }
}

static int append_reference(struct bight_output *output, const struct bight_piece *piece, struct write_pass *pass)
{
    struct bight_chunk *chunk = bight_pool_take(&output->transport->hub->references);
    if (chunk == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *chunk = (struct bight_chunk) {
        .data = piece->data,
        .size = piece->size,
        .release = piece->release,
        .context = piece->context,
        .counted = piece->counted,
    };
    append(output, chunk);
    count_in(output, chunk);
    pass->reference_count++;
    pass->reference = chunk;
    return BIGHT_OK;
}

static void append_borrowed(struct bight_output *output, const struct bight_piece *piece, struct write_pass *pass)
{
    struct bight_chunk *chunk = &pass->borrowed[pass->borrowed_count++];
    *chunk = (struct bight_chunk) { .data = piece->data, .size = piece->size, .counted = true, .borrowed = true };
    append(output, chunk);
    count_in(output, chunk);
}

/* A chunk that has left the queue. */
static void retire(struct bight_output *output, struct bight_chunk *chunk)
{
    struct bight_hub *hub = output->transport->hub;
    if (chunk->borrowed) {
        return;
    }
    if (chunk->room != NULL) {
        bight_pool_give(&hub->blocks, chunk);
    } else if (chunk->release == NULL) {
        bight_pool_give(&hub->references, chunk);
    } else {
        chunk->next = output->sent;
        output->sent = chunk;
    }
}

static void release_sent(struct bight_output *output)
{
    struct bight_pool *pool = &output->transport->hub->references;
    while (output->sent != NULL) {
        struct bight_chunk chunk = *output->sent;
        bight_pool_give(pool, output->sent);
        output->sent = chunk.next;
        chunk.release(chunk.context);
    }
}

/* `size` bytes have been sent, and chunks that are empty go. */
static void consume(struct bight_output *output, size_t size)
{
    output->queued -= size;
    while (output->first != NULL && output->first->size <= size) {
        struct bight_chunk *chunk = output->first;
        size -= chunk->size;
        output->counted -= chunk->counted ? chunk->size : 0;
        output->first = chunk->next;
        if (output->first == NULL) {
            output->last = NULL;
        }
        retire(output, chunk);
    }
    if (size > 0) {
        output->first->data += size;
        output->first->size -= size;
        output->counted -= output->first->counted ? size : 0;
    }
}

/* ------------------------------------------------------------------------------------------ sending */

static int collect(const struct bight_output *output, struct iovec *parts, size_t *total)
{
    int count = 0;
    *total = 0;
    for (struct bight_chunk *chunk = output->first; chunk != NULL && count < PARTS_A_SEND; chunk = chunk->next) {
        if (chunk->size > 0) {
            parts[count++] = (struct iovec) { (void *)(uintptr_t)chunk->data, chunk->size };
            *total += chunk->size;
        }
    }
    return count;
}

/* Until the queue is empty or the kernel refuses; gives what was sent. */
static size_t send_some(struct bight_output *output)
{
    struct bight_transport *transport = output->transport;
    size_t sent = 0;
    consume(output, 0);
    for (int i = 0; i < SENDS_A_TURN && output->queued > 0; i++) {
        struct iovec parts[PARTS_A_SEND];
        size_t total;
        int count = collect(output, parts, &total);
        ssize_t result = transport->bottom->send(transport, parts, count);
        if (result == -EINTR) {
            continue;
        }
        if (result == -EAGAIN || result == -EWOULDBLOCK || result == -ENOBUFS) {
            break;
        }
        if (result < 0) {
            bight_close_broken(transport, (int)-result, "send");
            return sent;
        }
        consume(output, (size_t)result);
        sent += (size_t)result;
        if ((size_t)result < total) {
            break;
        }
    }
    return sent;
}

static void attempt(struct bight_output *output)
{
    struct bight_transport *transport = output->transport;
    output->busy = true;
    size_t sent = send_some(output);
    output->busy = false;
    if (transport->state & BIGHT_STATE_OVER) {
        return;
    }
    set_watching(output, output->queued > 0);
    if (BIGHT_UNLIKELY(transport->state & BIGHT_STATE_LOSING)) {
        bight_close_progress(transport, sent);
    }
}

/* Behind an attempt that came from the loop: memory is released, the marks are judged, and an empty output goes. */
static void settle(struct bight_output *output)
{
    struct bight_transport *transport = output->transport;
    if (BIGHT_UNLIKELY(output->sent != NULL)) {
        release_sent(output);
    }
    if (transport->state & BIGHT_STATE_OVER) {
        return;
    }
    if (BIGHT_UNLIKELY((transport->state & (BIGHT_STATE_PRESSED | BIGHT_STATE_PRODUCING)) || output->queued > 0)) {
        bight_flow_judge(transport);
    }
    if (output->first != NULL || output->sent != NULL || output->task.run != NULL ||
        (transport->state & BIGHT_STATE_OVER)) {
        return;
    }
    transport->output = NULL;
    bight_pool_give(&transport->hub->outputs, output);
    if (BIGHT_UNLIKELY(transport->state & (BIGHT_STATE_PRODUCING | BIGHT_STATE_LOSING | BIGHT_STATE_SHUT_WANTED |
                                              BIGHT_STATE_WRITE_END_DUE))) {
        bight_flow_drained(transport);
        bight_close_advance(transport);
    }
}

static void run_flush(struct bight_task *task)
{
    struct bight_output *output = BIGHT_CONTAINER(task, struct bight_output, task);
    if (output->transport->state & BIGHT_STATE_OVER) {
        return;
    }
    if (!output->watching) {
        attempt(output);
    }
    settle(output);
}

void bight_output_flush(struct bight_transport *transport)
{
    if (transport->output != NULL && !transport->output->watching && !transport->output->busy) {
        attempt(transport->output);
    }
}

void bight_transport_writable(struct bight_transport *transport)
{
    struct bight_reactor *reactor = transport->hub->reactor;
    struct bight_output *output = transport->output;
    if (output == NULL || (transport->state & BIGHT_STATE_OVER)) {
        return;
    }
    bight_reactor_enter(reactor);
    attempt(output);
    settle(output);
    bight_reactor_leave(reactor);
}

void bight_transport_writable_event(int fd, short what, void *transport)
{
    (void)fd;
    (void)what;
    bight_transport_writable(transport);
}

/* ------------------------------------------------------------------------------------------ writing */

/* Passes the limit, even after an attempt to send (T13)? */
static bool is_too_much(struct bight_output *output)
{
    struct bight_transport *transport = output->transport;
    size_t limit = bight_flow_limit(transport);
    if ((output->counted > limit || output->queued >= GATHER_MOST) && !output->watching && !output->busy) {
        attempt(output);
        bight_flow_judge(transport);
    }
    return output->counted > limit && !(transport->state & BIGHT_STATE_OVER);
}

int bight_output_gather(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bight_output *output = output_of(transport);
    if (BIGHT_UNLIKELY(output == NULL)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = append_copy(output, data, size);
    if (BIGHT_UNLIKELY(code != BIGHT_OK)) {
        return code;
    }
    if (BIGHT_UNLIKELY(output->queued >= GATHER_MOST || transport->extension != NULL)) {
        if (is_too_much(output)) {
            return BIGHT_E_OVERFLOW;
        }
        if (output->watching) {
            bight_flow_judge(transport);
        }
    }
    if (output->task.run == NULL) {
        plan_flush(output);
    }
    return BIGHT_OK;
}

int bight_output_left_over(struct bight_transport *transport, const uint8_t *data, size_t size, ssize_t sent)
{
    if (sent < 0 && sent != -EAGAIN && sent != -EWOULDBLOCK && sent != -EINTR && sent != -ENOBUFS) {
        bight_close_broken(transport, (int)-sent, "send");
        return BIGHT_OK;
    }
    size_t done = sent < 0 ? 0 : (size_t)sent;
    struct bight_output *output = output_of(transport);
    int code = output == NULL ? BIGHT_E_OUT_OF_MEMORY : append_copy(output, data + done, size - done);
    if (code != BIGHT_OK) {
        return code;
    }
    set_watching(output, true);
    if (output->counted > bight_flow_limit(transport)) {
        return BIGHT_E_OVERFLOW;
    }
    bight_flow_judge(transport);
    return BIGHT_OK;
}

/* The chunks on the stack leave the queue. What is left of them is copied to where they stood. */
static int replace_borrowed(struct bight_output *output)
{
    struct bight_transport *transport = output->transport;
    bool over = (transport->state & BIGHT_STATE_OVER) != 0;
    int code = BIGHT_OK;
    struct bight_chunk *behind = output->first;
    output->first = output->last = NULL;
    while (behind != NULL) {
        struct bight_chunk *chunk = behind;
        behind = chunk->next;
        if (!chunk->borrowed) {
            append(output, chunk);
            continue;
        }
        output->queued -= chunk->size;
        output->counted -= chunk->size;
        if (!over && code == BIGHT_OK) {
            code = append_copy(output, chunk->data, chunk->size);
        }
    }
    return code;
}

static int enqueue(
    struct bight_output *output, const struct bight_piece *pieces, size_t count, bool large, struct write_pass *pass)
{
    int code = BIGHT_OK;
    for (size_t i = 0; i < count && code == BIGHT_OK; i++) {
        if (pieces[i].release != NULL) {
            code = append_reference(output, &pieces[i], pass);
        } else if (large && pieces[i].size > 0 && pass->borrowed_count < STACK_CHUNKS) {
            append_borrowed(output, &pieces[i], pass);
        } else {
            code = append_copy(output, pieces[i].data, pieces[i].size);
        }
    }
    return code;
}

/* A write that fails has taken nothing: its reference is forgotten. With several, of which some may have been sent,
 * they count as taken and the connection ends from here. */
static int refuse(struct bight_output *output, const struct write_pass *pass, int code)
{
    if (pass->reference_count > 1) {
        bight_close_end(output->transport, bight_failure_of(code), true);
        return BIGHT_OK;
    }
    if (pass->reference_count == 1) {
        for (struct bight_chunk *chunk = output->first; chunk != NULL; chunk = chunk->next) {
            chunk->release = chunk == pass->reference ? NULL : chunk->release;
        }
        for (struct bight_chunk *chunk = output->sent; chunk != NULL; chunk = chunk->next) {
            if (chunk == pass->reference) {
                bight_close_end(output->transport, bight_failure_of(code), true);
                return BIGHT_OK; /* it was sent: taken */
            }
        }
    }
    return code;
}

static bool add_sizes(const struct bight_piece *pieces, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].size > SIZE_MAX / 2 - *total) {
            return false;
        }
        *total += pieces[i].size;
    }
    return true;
}

int bight_output_write(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    size_t total;
    if (!add_sizes(pieces, count, &total)) {
        return BIGHT_E_OVERFLOW;
    }
    struct bight_output *output = output_of(transport);
    if (output == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    struct write_pass pass;
    pass.borrowed_count = pass.reference_count = 0;
    pass.reference = NULL;
    bool large = total >= BIGHT_LARGE_WRITE && !output->watching && !output->busy;
    int code = enqueue(output, pieces, count, large, &pass);
    if (code == BIGHT_OK && large) {
        attempt(output);
    }
    if (pass.borrowed_count > 0) {
        int copied = replace_borrowed(output);
        code = code == BIGHT_OK ? copied : code;
    }
    if (code == BIGHT_OK && is_too_much(output)) {
        code = BIGHT_E_OVERFLOW;
    }
    if (code != BIGHT_OK) {
        return refuse(output, &pass, code);
    }
    if (transport->state & BIGHT_STATE_OVER) {
        return BIGHT_OK;
    }
    if (output->watching || large) {
        bight_flow_judge(transport);
    }
    plan_flush(output);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- the end */

void bight_output_quiet(struct bight_transport *transport)
{
    if (transport->output != NULL) {
        set_watching(transport->output, false);
    }
}

void bight_output_drop(struct bight_transport *transport)
{
    struct bight_output *output = transport->output;
    if (output == NULL) {
        return;
    }
    transport->output = NULL;
    if (output->task.run != NULL) {
        bight_reactor_unqueue(transport->hub->reactor, &output->task);
    }
    while (output->first != NULL) {
        struct bight_chunk *chunk = output->first;
        output->first = chunk->next;
        retire(output, chunk);
    }
    release_sent(output);
    bight_pool_give(&transport->hub->outputs, output);
}
