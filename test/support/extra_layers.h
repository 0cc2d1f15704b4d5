/* SPDX-License-Identifier: MIT */
/* extra_layers.h - layers that a whole test program's connections get, by the environment: BIGHT_TEST_LAYERS is a
 * letter for each, the lowest first. What tests promise of a plain connection holds above layers that hand everything
 * on:
 *
 * t  transparent: hands on what comes
 * r  rotates each byte up by 13 and down again on its way out; s does the opposite, so "rs" changes nothing
 * c  cuts what comes and goes into pieces
 * d  delays what comes to a later turn */
#ifndef BIGHT_TEST_EXTRA_LAYERS_H
#define BIGHT_TEST_EXTRA_LAYERS_H

#include <stdlib.h>

#include <bight/reactor.h>
#include <bight/sys/layer.h>

struct extra_layer {
    struct bight_layer base;
    uint8_t turned; /* r, s */
    char kind;
    bool is_held; /* d: what comes now was held before */
};

static void extra_turn(const uint8_t *data, size_t size, uint8_t by, uint8_t *turned)
{
    for (size_t i = 0; i < size; i++) {
        turned[i] = (uint8_t)(data[i] + by);
    }
}

static void extra_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct extra_layer *self = (struct extra_layer *)layer;
    size_t part = self->kind == 'c' ? (size + 1) / 2 : size;
    uint8_t *turned = NULL;
    if (self->kind == 'd' && !self->is_held) {
        self->is_held = true;
        while (!bight_layer_hold_input(layer, data, size, UINT64_C(1000000000))) {
        }
        return;
    }
    self->is_held = false;
    if (self->turned != 0) {
        turned = (uint8_t *)malloc(size);
        extra_turn(data, size, self->turned, turned);
        data = turned;
    }
    bight_layer_deliver(layer, data, part);
    bight_layer_deliver(layer, data + part, size - part);
    free(turned);
}

static void extra_received_end(struct bight_layer *layer)
{
    bight_layer_deliver_end(layer);
}

/* Lent memory, turned: lent on in its place. */
struct extra_lent {
    struct bight_piece piece;
    uint8_t turned[];
};

static void extra_release(void *context)
{
    struct extra_lent *lent = (struct extra_lent *)context;
    lent->piece.release(lent->piece.context);
    free(lent);
}

static int extra_write_turned(struct extra_layer *self, const struct bight_piece *piece)
{
    struct extra_lent *lent = (struct extra_lent *)malloc(sizeof *lent + piece->size);
    bool is_lent = piece->release != NULL;
    lent->piece = *piece;
    extra_turn(piece->data, piece->size, (uint8_t)-self->turned, lent->turned);
    struct bight_piece turned = {
        .data = lent->turned,
        .size = piece->size,
        .release = is_lent ? extra_release : NULL,
        .context = lent,
        .counted = piece->counted,
    };
    int code = bight_layer_send(&self->base, &turned, 1);
    if (!is_lent || code != 0) {
        free(lent);
    }
    return code;
}

static int extra_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct extra_layer *self = (struct extra_layer *)layer;
    int code = 0;
    if (self->kind == 't' || self->kind == 'd') {
        return bight_layer_send(layer, pieces, count);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        code = self->turned != 0 ? extra_write_turned(self, &pieces[i]) : bight_layer_send(layer, &pieces[i], 1);
    }
    return code;
}

static void extra_write_end(struct bight_layer *layer)
{
    bight_layer_send_end(layer);
}

static void extra_free(struct bight_layer *layer)
{
    free(layer);
}

static const struct bight_layer_ops extra_layer_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = extra_received,
    .received_end = extra_received_end,
    .write = extra_write,
    .write_end = extra_write_end,
    .free = extra_free,
};

/* False: the connection is closed, or there is no memory. */
static inline bool push_extra_layer(struct bight_transport *transport, char kind)
{
    struct extra_layer *layer = (struct extra_layer *)calloc(1, sizeof *layer);
    layer->base.ops = &extra_layer_ops;
    layer->kind = kind;
    layer->turned = kind == 'r' ? 13 : kind == 's' ? (uint8_t)-13 : 0;
    if (bight_transport_push_layer(transport, &layer->base) != 0) {
        free(layer);
        return false;
    }
    return true;
}

/* A NULL transport is fine. */
static inline void push_extra_layers(struct bight_transport *transport)
{
    const char *kinds = getenv("BIGHT_TEST_LAYERS");
    for (; transport != NULL && kinds != NULL && *kinds != '\0'; kinds++) {
        (void)push_extra_layer(transport, *kinds);
    }
}

#endif
