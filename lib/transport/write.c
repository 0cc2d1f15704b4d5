/* SPDX-License-Identifier: MIT */
/* write.c - the facade's writing functions: who may write, and the forms in which bytes are given.
 *
 * They check the state, pass layers if there are any, and end the connection when a write fails: a stream never has a
 * gap (T6). Files are file.c's. Two ways are short: a small write is gathered, and a large one with nothing before it
 * goes straight from the caller's memory to the bottom. */
#include <inttypes.h>
#include <string.h>

#include "base/pages.h"
#include "transport/layer_talk.h"
#include "transport/state.h"

/* Counted bytes below this size are copied: a reference costs as much as copying so many. */
#define COPY_BELOW 128

/* With one of these a write needs a closer look. */
#define UNUSUAL ((BI_LIFE & ~BI_NEW) | BI_WRITE_END | BI_LAYERED)

/* The code of a write that failed; the connection ends with it. */
static int fail(struct bight_transport *transport, int code)
{
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
    return code;
}

/* Outside any handler: whatever a layer makes of the write, the protocol is not called inside it (T6). */
static int __attribute__((noinline))
write_from_outside(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    uint32_t outer = transport->state & BI_IN_CALL;
    transport->state |= BI_IN_CALL;
    int code = bi_layers_pass_down(transport, transport->extension->top, pieces, count);
    transport->state = (transport->state & ~BI_IN_CALL) | outer;
    if (transport->state & BI_CHANGED) {
        bi_transport_changed(transport);
    }
    return code;
}

static inline int write_through_layers(
    struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    int code = BI_LIKELY(transport->state & BI_IN_HANDLER)
                   ? bi_layers_pass_down(transport, transport->extension->top, pieces, count)
                   : write_from_outside(transport, pieces, count);
    return BI_LIKELY(code == BIGHT_OK) ? code : fail(transport, code);
}

static int write_pieces(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    size_t total;
    if (!bi_output_add_sizes(pieces, count, &total)) {
        return fail(transport, BIGHT_E_OVERFLOW); /* layers must not meet it */
    }
    if (transport->state & BI_LAYERED) {
        return write_through_layers(transport, pieces, count);
    }
    return fail(transport, bi_output_write(transport, pieces, count));
}

/* The usual case of a connection that has layers. */
static int __attribute__((noinline)) write_layered(struct bight_transport *transport, const void *data, size_t size)
{
    struct bight_piece piece = { .data = data, .size = size, .counted = true };
    return write_through_layers(transport, &piece, 1);
}

static int write_unusual(struct bight_transport *transport, const void *data, size_t size)
{
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (size == 0) {
        return BIGHT_OK;
    }
    struct bight_piece piece = { .data = data, .size = size, .counted = true };
    return write_pieces(transport, &piece, 1);
}

/* Nothing is queued: the whole of it may go at once and leave nothing behind. */
static int write_large(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    if (transport->output == NULL) {
        struct iovec part = { (void *)(uintptr_t)data, size };
        ssize_t sent = transport->bottom->send(transport, &part, 1);
        if (BI_LIKELY(sent == (ssize_t)size)) {
            transport->state |= BI_SENT;
            bi_count_sent(transport, size);
            if (BI_UNLIKELY(transport->state & BI_PRODUCING)) {
                bi_flow_drained(transport);
            }
            return BIGHT_OK;
        }
        return fail(transport, bi_output_left_over(transport, data, size, sent));
    }
    struct bight_piece piece = { .data = data, .size = size, .counted = true };
    return fail(transport, bi_output_write(transport, &piece, 1));
}

/* True when the ready output has been taken for these bytes, which fit its block. */
static inline bool take_ready(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bi_hub *hub = transport->hub;
    struct bi_output *output = hub->ready_output;
    if (BI_UNLIKELY(output == NULL || bi_memory_asks_permit) ||
        BI_UNLIKELY(transport->extension != NULL && transport->extension->limit < size)) {
        return false;
    }
    hub->ready_output = NULL;
    struct bi_chunk *block = output->first;
    memcpy(block->room, data, size);
    block->room += size;
    block->size = output->queued = output->counted = size;
    output->transport = transport;
    transport->output = output;
    bi_reactor_afterwards(hub->reactor, &output->task, bi_output_run_flush);
    return true;
}

/* Records and the like: as short a way as the protocol's own. */
int bi_write_down(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    if (count != 1 || pieces->release != NULL || !pieces->counted || pieces->size == 0) {
        return bi_output_write(transport, pieces, count);
    }
    if (pieces->size >= BI_LARGE_WRITE) {
        return write_large(transport, pieces->data, pieces->size);
    }
    if (transport->output == NULL && take_ready(transport, pieces->data, pieces->size)) {
        return BIGHT_OK;
    }
    return bi_output_gather(transport, pieces->data, pieces->size);
}

/* Out of line, so that the usual write needs no frame for it. */
static int __attribute__((noinline)) write_other(struct bight_transport *transport, const void *data, size_t size)
{
    if (BI_UNLIKELY((transport->state & UNUSUAL) || size == 0)) {
        return write_unusual(transport, data, size);
    }
    if (size >= BI_LARGE_WRITE) {
        return write_large(transport, data, size);
    }
    int code = bi_output_gather(transport, data, size);
    return BI_LIKELY(code == BIGHT_OK) ? code : fail(transport, code);
}

int bight_transport_write(struct bight_transport *transport, const void *data, size_t size)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_write");
    if (BI_LIKELY(!(transport->state & UNUSUAL) && transport->output == NULL && size - 1 < BI_LARGE_WRITE - 1) &&
        BI_LIKELY(take_ready(transport, data, size))) {
        return BIGHT_OK;
    }
    if (BI_LIKELY((transport->state & UNUSUAL) == BI_LAYERED && size - 1 < SIZE_MAX / 2)) {
        return write_layered(transport, data, size);
    }
    return write_other(transport, data, size);
}

/* More pieces than this are written in several rounds, all of them or none: a round that fails ends the connection. */
#define PIECES_A_ROUND 16

static int write_round(struct bight_transport *transport, const struct iovec *parts, size_t count)
{
    struct bight_piece pieces[PIECES_A_ROUND];
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0) {
            pieces[used++] =
                (struct bight_piece) { .data = parts[i].iov_base, .size = parts[i].iov_len, .counted = true };
        }
    }
    return used == 0 ? BIGHT_OK : write_pieces(transport, pieces, used);
}

/* A producer that is paused may write: the marks are looked at when all rounds are queued, so that nothing comes
 * between.
 */
int bight_transport_write_sequence(struct bight_transport *transport, const struct iovec *parts, size_t count)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_write_sequence");
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    int code = BIGHT_OK;
    bool has_rounds = count > PIECES_A_ROUND;
    struct bight_transport *outer = transport->hub->sequence;
    transport->hub->sequence = has_rounds ? transport : outer;
    while (count > 0 && code == BIGHT_OK) {
        size_t round = count < PIECES_A_ROUND ? count : PIECES_A_ROUND;
        code = write_round(transport, parts, round);
        parts += round;
        count -= round;
        if (bi_is_cut(transport)) {
            break; /* the rest would be dropped with what was queued */
        }
    }
    if (has_rounds) {
        transport->hub->sequence = outer;
        bi_flow_check_watermarks(transport);
    }
    return code;
}

static void release_bytes(void *bytes)
{
    bight_bytes_release(bytes);
}

int bight_transport_write_bytes(struct bight_transport *transport, struct bight_bytes *bytes)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_write_bytes");
    size_t size = bight_bytes_size(bytes);
    if (size < COPY_BELOW || !bi_takes_output(transport)) {
        return bight_transport_write(transport, bight_bytes_data(bytes), size);
    }
    struct bight_piece piece = {
        .data = bight_bytes_data(bytes),
        .size = size,
        .release = release_bytes,
        .context = bight_bytes_hold(bytes),
        .counted = true,
    };
    int code = write_pieces(transport, &piece, 1);
    if (code != BIGHT_OK) {
        bight_bytes_release(bytes);
    }
    return code;
}

int bight_transport_write_lent(
    struct bight_transport *transport, const void *data, size_t size, bight_release_function release, void *context)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_write_lent");
    if (release == NULL) {
        return bight_transport_write(transport, data, size); /* only good during the call */
    }
    struct bight_piece piece = { .data = data, .size = size, .release = release, .context = context };
    return write_pieces(transport, &piece, 1);
}

/* ------------------------------------------------------------------------------------------- files */

static bool is_range(int descriptor, uint64_t offset, uint64_t size)
{
    return descriptor >= 0 && offset <= INT64_MAX && size <= INT64_MAX - offset && size <= SIZE_MAX / 2;
}

int bight_transport_send_file(struct bight_transport *transport, int descriptor, uint64_t offset, uint64_t size,
    bight_release_function release, void *context)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_send_file");
    if (!is_range(descriptor, offset, size)) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "bight_transport_send_file: %" PRIu64 " bytes from %" PRIu64 " on of descriptor %d are no part of a file",
            size, offset, descriptor);
    }
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (transport->hub->system->ops->preadv2 == NULL) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    struct bi_file *file = bi_file_new(transport, descriptor, offset, release, context);
    if (file == NULL) {
        return fail(transport, BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_layer *layer = bi_held_level(transport->state & BI_LAYERED ? transport->extension->top : NULL);
    int code = layer == NULL ? bi_output_send_file(transport, file, (size_t)size)
                             : bi_held_add_file(layer, file, (size_t)size);
    if (code != BIGHT_OK) {
        bi_file_forget(file);
    }
    return fail(transport, code);
}
