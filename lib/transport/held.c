/* SPDX-License-Identifier: MIT */
/* held.c - what waits to enter layers: files whose bytes have to be read for them, and what was written behind; and
 * layers that keep what was written until there is room below.
 *
 * A queue is an output that is never flushed, its chunks those of queue.c. It is let in from the loop, a step a turn: a
 * chunk, or as much of a file as one read returns, and only while the output below is under the low mark, so that a
 * layer turns no large file into as large an output. advance.c asks whether there is a step to take whenever something
 * has been sent or read. */
#include "transport/held.h"

#include <errno.h>

#include "transport/layer_talk.h"
#include "transport/queue.h"
#include "transport/state.h"

size_t bi_held_size(const struct bight_transport *transport)
{
    size_t size = 0;
    for (const struct bight_layer *layer = transport->extension->top; layer != NULL; layer = layer->below) {
        size += layer->held == NULL ? 0 : layer->held->queued;
    }
    return size;
}

/* ------------------------------------------------------------------------------------------- a queue */

static struct bi_output *queue_of(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    if (layer->held == NULL) {
        layer->held = bi_pool_take(&transport->hub->outputs);
        if (layer->held != NULL) {
            *layer->held = (struct bi_output) { .transport = transport };
        }
    }
    return layer->held;
}

static void give_back(struct bi_output *queue)
{
    bi_pool_give(&queue->transport->hub->outputs, queue);
}

/* They may have been put to use elsewhere already, or not: a caller that is refused has kept them. */
static void forget_references(struct bi_chunk *chunk)
{
    for (; chunk != NULL; chunk = chunk->next) {
        chunk->release = NULL;
    }
}

static int append(struct bi_output *queue, const struct bight_piece *piece)
{
    if (piece->release == NULL) {
        return bi_queue_append_copy(queue, piece->data, piece->size);
    }
    return bi_queue_append_reference(queue, piece) == NULL ? BIGHT_E_OUT_OF_MEMORY : BIGHT_OK;
}

int bi_held_add(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct bi_output *queue = layer->held;
    struct bi_chunk *last = queue->last;
    int code = BIGHT_OK;
    for (size_t i = 0; i < count && code == BIGHT_OK; i++) {
        code = append(queue, &pieces[i]);
    }
    if (code == BIGHT_OK && queue->counted > bi_flow_limit(layer->transport)) {
        code = BIGHT_E_OVERFLOW;
    }
    if (code != BIGHT_OK) {
        forget_references(last->next);
        return code;
    }
    bi_flow_check_watermarks(layer->transport);
    return BIGHT_OK;
}

int bi_held_add_file(struct bight_layer *layer, struct bi_file *file, size_t size)
{
    struct bight_transport *transport = layer->transport;
    struct bi_output *queue = queue_of(layer);
    int code = queue == NULL ? BIGHT_E_OUT_OF_MEMORY : bi_file_queue(queue, file, size);
    if (code == BIGHT_OK) {
        transport->state |= BI_HELD;
        bi_transport_changed(transport);
        bi_flow_check_watermarks(transport);
    }
    return code;
}

/* ----------------------------------------------------------------------------------------- a step */

static void unlink_first(struct bi_output *queue)
{
    struct bi_chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
}

/* What of a file a layer is given at once: it is no reason to pass the output's limit. */
static size_t portion(const struct bight_transport *transport, size_t size)
{
    size_t most = bi_flow_limit(transport) / 2;
    return size <= most || size <= 1 ? size : most > 0 ? most : 1;
}

/* What comes first, as a piece; or a negative answer of the file's. */
static ssize_t look(const struct bi_output *queue, struct bight_piece *piece)
{
    const struct bi_chunk *chunk = queue->first;
    if (!bi_chunk_is_file(chunk)) {
        *piece = (struct bight_piece) { chunk->data, chunk->size, chunk->release, chunk->context, chunk->counted };
        return 0;
    }
    *piece = (struct bight_piece) { .counted = true };
    ssize_t there = chunk->size == 0 ? 0 : bi_file_look(chunk->context, chunk->size, &piece->data);
    piece->size = there > 0 ? portion(queue->transport, (size_t)there) : 0;
    return there;
}

/* What was written goes on below a layer that has been popped. One that is popped in its own write has yet to hand on
 * what it was given. */
void bi_held_popped(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    struct bight_layer *below = bi_held_level(layer->below);
    if (!bi_held_has(layer) || layer->held->busy || bi_is_cut(transport)) {
        return;
    }
    int code = BIGHT_OK;
    if (below == NULL) {
        code = bi_output_take_queue(transport, layer->held);
    } else if (queue_of(below) == NULL) {
        code = BIGHT_E_OUT_OF_MEMORY;
    } else {
        bi_queue_move(layer->held, below->held);
    }
    if (code != BIGHT_OK) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
}

static int write_to(struct bight_layer *layer, const struct bight_piece *piece)
{
    struct bi_output *queue = layer->held;
    if (piece->size == 0) {
        return BIGHT_OK;
    }
    queue->busy = true;
    int code = layer->ops->write(layer, piece, 1);
    queue->busy = false;
    if (layer->is_popped) {
        bi_held_popped(layer);
    }
    return code;
}

/* It leaves the queue before the layer has it, whose write may come back to the queue. */
static int hand_over(struct bight_layer *layer, const struct bight_piece *piece)
{
    struct bi_output *queue = layer->held;
    struct bi_chunk *chunk = queue->first;
    bool is_whole = piece->size == chunk->size;
    queue->queued -= piece->size;
    queue->counted -= chunk->counted ? piece->size : 0;
    if (is_whole) {
        unlink_first(queue);
    } else {
        chunk->size -= piece->size;
        bi_file_advance(chunk->context, piece->size);
    }
    int code = write_to(layer, piece);
    if (is_whole) {
        bool is_taken = piece->release != NULL && piece->size > 0 && code == BIGHT_OK;
        chunk->release = is_taken ? NULL : chunk->release;
        code == BIGHT_OK ? bi_queue_retire(queue, chunk) : bi_queue_drop(queue, chunk);
    }
    bi_queue_release_sent(queue);
    return code;
}

static void tidy(struct bight_layer *layer)
{
    struct bi_output *queue = layer->held;
    if (queue->first == NULL) {
        layer->held = NULL;
        bi_queue_release_sent(queue);
        give_back(queue);
    }
}

static void flush(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    layer->wants_room = false;
    bool is_outermost = bi_layers_enter(transport);
    int code = layer->ops->flush(layer);
    bi_layers_leave(transport, is_outermost);
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
}

static void let_in(struct bight_layer *layer)
{
    struct bight_transport *transport = layer->transport;
    struct bi_chunk *chunk = layer->held->first;
    struct bight_piece piece;
    ssize_t there = look(layer->held, &piece);
    if (there == BI_FILE_UNREAD) {
        bi_file_read(chunk->context, chunk->size);
    }
    if (there < 0) {
        return;
    }
    bool is_outermost = bi_layers_enter(transport);
    int code = hand_over(layer, &piece);
    tidy(layer);
    bi_layers_leave(transport, is_outermost);
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
}

/* ------------------------------------------------------------------------------------------- going on */

static struct bight_layer *find_lowest(const struct bight_transport *transport)
{
    struct bight_layer *layer = transport->extension->lowest;
    while (layer != NULL && !bi_held_has(layer) && !layer->wants_room) {
        layer = layer->above;
    }
    return layer;
}

/* What comes before that which waits for the layer, or is kept by it. */
static size_t count_before(const struct bight_transport *transport, const struct bight_layer *layer)
{
    size_t queued = bi_output_queued(transport);
    for (layer = layer->wants_room ? layer->below : layer; layer != NULL; layer = layer->below) {
        queued += BI_LAYER_HAS(layer, queued) ? layer->ops->queued(layer) : 0;
    }
    return queued;
}

static bool can_go_on(const struct bight_transport *transport, const struct bight_layer *layer)
{
    size_t queued = count_before(transport, layer);
    if (bi_is_cut(transport) || bi_write_end_of(transport) >= BI_END_QUEUED ||
        (queued > 0 && queued >= transport->extension->low)) {
        return false;
    }
    const struct bi_chunk *chunk = layer->wants_room ? NULL : layer->held->first;
    return chunk == NULL || !(bi_chunk_is_file(chunk) && bi_file_is_being_read(chunk->context));
}

/* A release function may pop layers: they stay until it has been left. */
static void end(struct bight_transport *transport)
{
    transport->state = (transport->state & ~BI_HELD) | BI_CHANGED;
    bool is_outermost = bi_layers_enter(transport);
    for (struct bight_layer *layer = transport->extension->lowest; layer != NULL; layer = layer->above) {
        if (layer->held != NULL) {
            tidy(layer);
        }
    }
    bi_layers_leave(transport, is_outermost);
    bi_flow_drained(transport);
}

void bi_held_go_on(struct bight_transport *transport)
{
    struct bi_extension *extension = transport->extension;
    struct bight_layer *layer = find_lowest(transport);
    if (layer == NULL) {
        end(transport);
        return;
    }
    if (!can_go_on(transport, layer)) {
        return;
    }
    if (extension->may_go_on) {
        extension->may_go_on = false;
        layer->wants_room ? flush(layer) : let_in(layer);
        transport->state |= BI_CHANGED;
    } else {
        bi_transport_later(transport);
    }
}

void bi_held_was_read(struct bight_transport *transport)
{
    if ((transport->state & BI_HELD) && !bi_is_cut(transport)) {
        bi_transport_later(transport);
    }
}

/* ------------------------------------------------------------------------------------------- its end */

static void drop_chunks(struct bi_output *queue)
{
    while (queue->first != NULL) {
        struct bi_chunk *chunk = queue->first;
        unlink_first(queue);
        bi_queue_drop(queue, chunk);
    }
    queue->queued = queue->counted = 0;
}

void bi_held_drop(struct bight_layer *layer)
{
    struct bi_output *queue = layer->held;
    layer->held = NULL;
    if (queue != NULL) {
        drop_chunks(queue);
        bi_queue_release_sent(queue);
        give_back(queue);
    }
}

void bi_held_drop_all(struct bight_transport *transport)
{
    transport->state &= ~BI_HELD;
    bool is_outermost = bi_layers_enter(transport);
    for (struct bight_layer *layer = transport->extension->top; layer != NULL; layer = layer->below) {
        bi_held_drop(layer);
    }
    bi_layers_leave(transport, is_outermost);
}

void bi_held_leave_to_parent(struct bight_transport *transport)
{
    for (struct bight_layer *layer = transport->extension->top; layer != NULL; layer = layer->below) {
        if (layer->held != NULL) {
            drop_chunks(layer->held);
        }
    }
    bi_transport_later(transport);
}
