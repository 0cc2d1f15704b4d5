/* SPDX-License-Identifier: MIT */
/* layer_support.h - a layer for tests: it shifts each byte, says what it hears, and does what the test tells it to in
 * its slots. What a protocol hears above it is in transport_support.h. */
#ifndef BIGHT_TEST_LAYER_SUPPORT_H
#define BIGHT_TEST_LAYER_SUPPORT_H

#include "transport_support.h"

/* Adds `key` to what goes up and subtracts it from what goes down, and says when it is freed. */
struct shift {
    struct bight_layer base;
    uint8_t key;
    const char *name;
    void (*act)(struct bight_layer *layer);       /* in `received`, before handing on */
    void (*act_write)(struct bight_layer *layer); /* in `write`, before handing on */
    void (*act_end)(struct bight_layer *layer);
    void (*act_held)(struct bight_layer *layer); /* when it has kept its input */
    bool wait_at_end;                            /* write_end hands on nothing until the peer says "!" */
    bool busy;
    bool whole;        /* hands on whole pieces, as they are */
    bool holds;        /* keeps its input for a later turn, once */
    bool swallows_end; /* says nothing of the peer's end */
    uint64_t cost;     /* of a byte; 0: nothing is asked for */
};

static void shift_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct shift *shift = (struct shift *)layer;
    if (shift->act != NULL) {
        shift->act(layer);
    }
    if (shift->holds) {
        shift->holds = false;
        hear("%s-holds", shift->name);
        while (!bight_layer_hold_input(layer, data, size, UINT64_C(10000000))) {
        }
        if (shift->act_held != NULL) {
            shift->act_held(layer);
        }
        return;
    }
    if (shift->whole) {
        bight_layer_deliver(layer, data, size);
        return;
    }
    for (size_t at = 0; at < size; at++) { /* byte by byte: it may be popped in the midst */
        if (shift->cost > 0 && bight_layer_hold_input(layer, data + at, size - at, shift->cost)) {
            hear("%s-holds", shift->name);
            return;
        }
        uint8_t byte = (uint8_t)(data[at] + shift->key);
        if (shift->busy && byte == '!') {
            shift->busy = false;
            bight_layer_send_end(layer);
        } else {
            bight_layer_deliver(layer, &byte, 1);
        }
    }
}

static void shift_end(struct bight_layer *layer)
{
    struct shift *shift = (struct shift *)layer;
    if (shift->act_end != NULL) {
        shift->act_end(layer);
    }
    if (!shift->swallows_end) {
        hear("%s-end", shift->name);
    }
    bight_layer_deliver_end(layer);
}

static int shift_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct shift *shift = (struct shift *)layer;
    int code = 0;
    if (shift->act_write != NULL) {
        shift->act_write(layer);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        uint8_t *copy = malloc(pieces[i].size);
        for (size_t at = 0; at < pieces[i].size; at++) {
            copy[at] = (uint8_t)(pieces[i].data[at] - shift->key);
        }
        struct bight_piece piece = { .data = copy, .size = pieces[i].size, .counted = true };
        code = bight_layer_send(layer, &piece, 1);
        free(copy);
    }
    return code;
}

static void shift_write_end(struct bight_layer *layer)
{
    struct shift *shift = (struct shift *)layer;
    hear("%s-write-end", shift->name);
    if (shift->wait_at_end) {
        shift->busy = true;
        return;
    }
    bight_layer_send_end(layer);
}

static bool shift_is_busy(struct bight_layer *layer)
{
    return ((struct shift *)layer)->busy;
}

static void shift_free(struct bight_layer *layer)
{
    hear("%s-freed", ((struct shift *)layer)->name);
    free(layer);
}

static const struct bight_layer_ops shift_ops = {
    .size = sizeof(struct bight_layer_ops),
    .received = shift_received,
    .received_end = shift_end,
    .write = shift_write,
    .write_end = shift_write_end,
    .free = shift_free,
    .is_busy = shift_is_busy,
};

static struct shift *make_shift(const char *name, uint8_t key)
{
    struct shift *shift = calloc(1, sizeof *shift);
    shift->base.ops = &shift_ops;
    shift->key = key;
    shift->name = name;
    return shift;
}

static struct shift *push(const char *name, uint8_t key)
{
    struct shift *shift = make_shift(name, key);
    ck_assert_int_eq(bight_transport_push_layer(transport, &shift->base), 0);
    return shift;
}

#endif
