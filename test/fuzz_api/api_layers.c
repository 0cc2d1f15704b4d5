/* SPDX-License-Identifier: MIT */
/* api_layers.c - layers of every kind that bight knows of: those that hand on what comes, in halves; that have no time,
 * or no wish, for their input; that are hungry, become secure, fail; and that keep what is written until they are
 * flushed, behind the handler or when there is room.
 *
 * None changes a byte, so the account of the ends holds above all of them (T6, T19). A layer that keeps something is
 * popped by nobody: what it has would be lost. */
#include "api_world.h"

#include <stdlib.h>
#include <string.h>

enum kind { GLASS, SLOW, UNWANTED, HUNGRY, SECURE, FAILING, GATHERS, KEEPS, KINDS };

/* A piece that a layer keeps: lent on, or a copy. */
struct kept {
    struct kept *next;
    struct bight_piece piece;
    uint8_t copy[];
};

static struct layer *self_of(const struct bight_layer *layer)
{
    return (struct layer *)(uintptr_t)layer;
}

static uint64_t draw_for(struct layer *layer)
{
    return draw_from(layer->salt++ * 257 + 31);
}

static bool keeps_some(const struct layer *layer)
{
    return layer->kept != NULL;
}

/* --------------------------------------------------------------------------------------------- input */

/* True when nothing of it is to be handed on. */
static bool is_put_off(struct layer *layer, const uint8_t *data, size_t size)
{
    switch (layer->kind) {
    case SLOW:
        return bight_layer_hold_input(&layer->base, data, size, UINT64_C(4000000));
    case UNWANTED:
        return bight_layer_hold_unwanted(&layer->base, data, size);
    case HUNGRY:
        bight_layer_set_hungry(&layer->base, draw_for(layer) % 2 == 0);
        return false;
    case FAILING:
        if (draw_for(layer) % 20 > 0) {
            return false;
        }
        layer->end->has_failed = true;
        bight_layer_fail(&layer->base, bight_failure_of(BIGHT_E_INVALID_ARGUMENT));
        return true;
    default:
        return false;
    }
}

static void on_layer_data(struct bight_layer *base, const uint8_t *data, size_t size)
{
    struct layer *layer = self_of(base);
    size_t half = size / 2;
    if (layer->end->has_failed || is_put_off(layer, data, size)) {
        return;
    }
    bight_layer_deliver(base, data, half);
    if (layer->kind == SECURE && draw_for(layer) % 3 == 0) {
        bight_layer_secured(base);
    }
    if (draw_for(layer) % 30 == 0 && !keeps_some(layer)) {
        bight_layer_pop(base);
    }
    bight_layer_deliver(base, data + half, size - half);
}

static void on_layer_end(struct bight_layer *base)
{
    bight_layer_deliver_end(base);
}

/* -------------------------------------------------------------------------------------------- output */

static size_t queued_of(const struct layer *layer, bool only_counted)
{
    size_t size = 0;
    for (const struct kept *kept = layer->kept; kept != NULL; kept = kept->next) {
        size += only_counted && !kept->piece.counted ? 0 : kept->piece.size;
    }
    return size;
}

static void free_copy(void *context)
{
    free(context);
}

static struct kept **end_of_list(struct layer *layer)
{
    struct kept **end = &layer->kept;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    return end;
}

static struct kept *keep(const struct bight_piece *piece)
{
    size_t size = piece->release == NULL ? piece->size : 0;
    struct kept *kept = malloc(sizeof *kept + size);
    if (kept == NULL) {
        abort();
    }
    kept->next = NULL;
    kept->piece = *piece;
    if (piece->release == NULL) {
        memcpy(kept->copy, piece->data, size);
        kept->piece.data = kept->copy;
    }
    return kept;
}

static void forget_from(struct kept **end)
{
    while (*end != NULL) {
        struct kept *kept = *end;
        *end = kept->next;
        free(kept);
    }
}

static void ask_for_flush(struct layer *layer)
{
    if (layer->kind == KEEPS) {
        bight_layer_flush_with_room(&layer->base);
    } else {
        bight_layer_flush_later(&layer->base);
    }
}

static int on_layer_write(struct bight_layer *base, const struct bight_piece *pieces, size_t count)
{
    struct layer *layer = self_of(base);
    if (layer->kind != GATHERS && layer->kind != KEEPS) {
        return bight_layer_send(base, pieces, count);
    }
    struct kept **end = end_of_list(layer);
    for (size_t i = 0; i < count; i++) {
        *end_of_list(layer) = keep(&pieces[i]);
    }
    int code = bight_layer_keeps(base, queued_of(layer, true));
    if (code != 0) {
        forget_from(end); /* they are not taken */
        (void)bight_layer_keeps(base, queued_of(layer, true));
        return code;
    }
    ask_for_flush(layer);
    return 0;
}

/* What was copied goes on as lent memory of its own. */
static int send_first(struct layer *layer)
{
    struct kept *kept = layer->kept;
    struct bight_piece piece = kept->piece;
    bool is_copy = piece.release == NULL;
    layer->kept = kept->next;
    if (is_copy) {
        piece.release = free_copy;
        piece.context = kept;
    }
    int code = bight_layer_send(&layer->base, &piece, 1);
    if (code != 0) {
        piece.release(piece.context); /* it was taken from above, and goes nowhere */
    }
    if (!is_copy) {
        free(kept);
    }
    return code;
}

/* Some of it, or all. */
static int on_layer_flush(struct bight_layer *base)
{
    struct layer *layer = self_of(base);
    size_t most = 1 + draw_for(layer) % 4;
    int code = 0;
    for (; keeps_some(layer) && most > 0 && code == 0; most--) {
        code = send_first(layer);
    }
    if (code == 0) {
        code = bight_layer_keeps(base, queued_of(layer, true));
    }
    if (code == 0 && keeps_some(layer)) {
        ask_for_flush(layer);
    } else if (code == 0 && layer->end_due) {
        layer->end_due = false;
        bight_layer_send_end(base);
    }
    return code;
}

static void on_layer_write_end(struct bight_layer *base)
{
    struct layer *layer = self_of(base);
    layer->end_due = keeps_some(layer);
    if (layer->end_due) {
        ask_for_flush(layer);
    } else {
        bight_layer_send_end(base);
    }
}

static size_t on_layer_queued(const struct bight_layer *base)
{
    return queued_of(self_of(base), false);
}

/* ------------------------------------------------------------------------------------- coming and going */

static void on_layer_freed(struct bight_layer *base)
{
    struct layer *layer = self_of(base);
    if (!layer->is_live) {
        fuzz_fail("a layer is freed twice");
    }
    layer->is_live = false;
    while (keeps_some(layer)) {
        struct kept *kept = layer->kept;
        layer->kept = kept->next;
        if (kept->piece.release != NULL) {
            kept->piece.release(kept->piece.context);
        }
        free(kept);
    }
}

static const struct bight_layer_ops glass = {
    .size = sizeof(struct bight_layer_ops), .received = on_layer_data, .write = on_layer_write, .free = on_layer_freed
};

static const struct bight_layer_ops everything = {
    .size = sizeof(struct bight_layer_ops),
    .received = on_layer_data,
    .received_end = on_layer_end,
    .write = on_layer_write,
    .write_end = on_layer_write_end,
    .free = on_layer_freed,
    .flush = on_layer_flush,
    .queued = on_layer_queued,
};

void act_push_layer(struct fuzz_operation *operation, void *context)
{
    struct end *end = find_end(operation);
    (void)context;
    if (end == NULL || world.layer_count == MAX_ITEMS) {
        return;
    }
    struct layer *layer = &world.layers[world.layer_count];
    layer->kind = fuzz_choose(operation, KINDS);
    layer->end = end;
    layer->salt = (uint64_t)world.layer_count++ << 20;
    layer->base.ops = layer->kind == GLASS ? &glass : &everything;
    layer->is_live = true; /* it may be popped inside */
    int code = bight_transport_push_layer(transport_of(end), &layer->base);
    if (code != 0) {
        layer->is_live = false;
    } else if (layer->kind == HUNGRY && layer->is_live) {
        bight_layer_set_hungry(&layer->base, true);
    }
    check_answer(end, "push_layer", code, false);
}

void act_pop_layer(struct fuzz_operation *operation, void *context)
{
    (void)context;
    for (unsigned i = 0; i < world.layer_count; i++) {
        struct layer *layer = &world.layers[(operation->subject + i) % world.layer_count];
        if (layer->is_live && !keeps_some(layer)) {
            bight_layer_pop(&layer->base);
            return;
        }
    }
}
