/* SPDX-License-Identifier: MIT */
/* held.h - what waits to enter layers behind files that are being read, between held.c, layers.c and advance.c.
 *
 * A layer takes bytes, and those of a file have to be read first; what is written behind it, by the program or by
 * layers above, waits with it. Each layer has a queue of its own for that, NULL as nearly always. */
#ifndef BI_TRANSPORT_HELD_H
#define BI_TRANSPORT_HELD_H

#include "transport/file.h"

/* The layer, or the highest below it, that sees what is written; NULL: the bottom is next. */
static inline struct bight_layer *bi_held_level(struct bight_layer *layer)
{
    while (layer != NULL && layer->ops->write == NULL) {
        layer = layer->below;
    }
    return layer;
}

/* What is written to it has to wait. */
static inline bool bi_held_has(const struct bight_layer *layer)
{
    return BI_UNLIKELY(layer->held != NULL) && layer->held->first != NULL;
}

/* Comes last in the layer's queue. The codes of write; nothing was taken unless it is 0. */
int bi_held_add_file(struct bight_layer *layer, struct bi_file *file, size_t size);
int bi_held_add(struct bight_layer *layer, const struct bight_piece *pieces, size_t count);

/* HELD: lets some of it into its layer, if the output below is nearly empty; from the loop. */
void bi_held_go_on(struct bight_transport *transport);
void bi_held_was_read(struct bight_transport *transport);

/* The layer is being popped: what waited for it waits for the next one, or goes to the bottom. */
void bi_held_popped(struct bight_layer *layer);
/* The layer is freed; the connection ends. */
void bi_held_drop(struct bight_layer *layer);
void bi_held_drop_all(struct bight_transport *transport);
/* In the child of a fork: it is the parent's to send. */
void bi_held_leave_to_parent(struct bight_transport *transport);

#endif
