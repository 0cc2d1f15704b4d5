/* SPDX-License-Identifier: MIT */
/* write.c - the facade's writing functions: when writing is allowed, and the forms in which bytes are given.
 *
 * They check the state, pass layers if there are any, and end the connection when a write fails: a stream never has a
 * gap (T6). Files are file.c's. Two ways are short: a small write is gathered, and a large one with nothing before it
 * goes straight from the caller's memory to the bottom. */
#include <inttypes.h>
#include <string.h>

#include "base/pages.h"
#include "transport/layer_talk.h"
#include "transport/output.h"

/* Counted bytes below this size are copied: a reference costs as much as copying so many. */
#define COPY_BELOW 128

/* With one of these a write needs a closer look. */
#define UNUSUAL ((BI_LIFE & ~BI_NEW) | BI_WRITE_END | BI_LAYERED | BI_RESERVED)

int bi_write_fail(struct bight_transport *transport, int code)
{
    if (code != BIGHT_OK && code != BIGHT_E_CLOSED) {
        bi_close_end(transport, bight_failure_of(code), true);
    }
    return code;
}

/* ------------------------------------------------------------------------------------ to the bottom */

static inline bool takes_ready(const struct bight_transport *transport, size_t size)
{
    return bi_output_is_ready(transport, size, BI_LARGE_WRITE - 1);
}

/* The ready output is taken for them. The copy comes last, so that nothing has to be saved for after it. */
BI_HOT static int __attribute__((noinline))
put_in_ready(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    struct bi_hub *hub = transport->hub;
    struct bi_output *output = hub->ready_output;
    struct bi_chunk *block = output->first;
    uint8_t *room = block->room;
    hub->ready_output = NULL;
    block->room = room + size;
    block->size = output->queued = output->counted = size;
    output->transport = transport;
    transport->output = output;
    output->task.run = bi_output_run_flush;
    bi_task_push(&hub->reactor->afterwards, &output->task);
    memcpy(room, data, size);
    return BIGHT_OK;
}

static int __attribute__((noinline))
write_behind(struct bight_transport *transport, const uint8_t *data, size_t size, ssize_t tried)
{
    struct bight_piece piece = { .data = data, .size = size, .counted = true };
    return bi_output_write(transport, &piece, 1, tried);
}

/* If nothing is queued the whole of it may go at once and leave nothing behind: then `total` is returned. */
static inline ssize_t try_now(struct bight_transport *transport, const struct iovec *parts, size_t count, size_t total)
{
    if (transport->output != NULL) {
        return BI_NOT_TRIED;
    }
    ssize_t tried = transport->bottom->send(transport, parts, (int)count);
    if (BI_LIKELY(tried == (ssize_t)total)) {
        transport->state |= BI_SENT;
        bi_count_sent(transport, total);
        if (BI_UNLIKELY(transport->state & BI_PRODUCING)) {
            bi_flow_drained(transport);
        }
    }
    return tried;
}

static int write_now(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    const struct iovec part = { (void *)(uintptr_t)data, size };
    ssize_t tried = try_now(transport, &part, 1, size);
    return BI_LIKELY(tried == (ssize_t)size) ? BIGHT_OK : write_behind(transport, data, size, tried);
}

/* Out of line, so that the usual write needs no frame for it. */
static int __attribute__((noinline)) write_more(struct bight_transport *transport, const void *data, size_t size)
{
    if (size >= BI_LARGE_WRITE) {
        return write_now(transport, data, size);
    }
    return size == 0 ? BIGHT_OK : bi_output_gather(transport, data, size);
}

static inline int write_plain(struct bight_transport *transport, const void *data, size_t size)
{
    return takes_ready(transport, size) ? put_in_ready(transport, data, size) : write_more(transport, data, size);
}

/* Records and the like: as short a way as the protocol's own. */
static inline bool is_plain(const struct bight_piece *pieces, size_t count)
{
    return count == 1 && pieces->release == NULL && pieces->counted;
}

int bi_write_down(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    return is_plain(pieces, count) ? write_plain(transport, pieces->data, pieces->size)
                                   : bi_output_write(transport, pieces, count, BI_NOT_TRIED);
}

/* ---------------------------------------------------------------------------------- through layers */

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
    return BI_LIKELY(transport->state & BI_IN_HANDLER)
               ? bi_layers_pass_down(transport, transport->extension->top, pieces, count)
               : write_from_outside(transport, pieces, count);
}

static int __attribute__((noinline)) send_further(
    struct bight_transport *transport, struct bight_layer *below, const struct bight_piece *pieces, size_t count)
{
    if (BI_UNLIKELY(transport->state & (BI_LIFE | BI_WRITE_END)) &&
        (bi_is_cut(transport) || bi_write_end_of(transport) >= BI_END_QUEUED)) {
        return BIGHT_E_CLOSED;
    }
    int code = bi_layers_pass_down(transport, below, pieces, count);
    return BI_LIKELY(code == BIGHT_OK) ? code : bi_write_fail(transport, code);
}

static int __attribute__((noinline)) send_at_once(struct bight_transport *transport, const uint8_t *data, size_t size)
{
    int code = write_now(transport, data, size);
    return BI_LIKELY(code == BIGHT_OK) ? code : bi_write_fail(transport, code);
}

/* What a layer flushes is all for now, and nothing waits for the output: what is gathered has been gathered there. */
static inline bool goes_at_once(
    const struct bight_transport *transport, const struct bight_layer *layer, const struct bight_piece *piece)
{
    const uint32_t waited_for = BI_THROTTLED | BI_PRODUCING | BI_HELD | BI_CHANGED | BI_RESERVED;
    return layer->is_flushing && piece->size > 0 && transport->output == NULL && !(transport->state & waited_for) &&
           !bi_flow_awaits_room(transport);
}

/* A layer may send of its own accord, where no write would see the code: so the connection is ended from here. */
int bight_layer_send(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct bight_transport *transport = layer->transport;
    struct bight_layer *below = bi_held_level(layer->below);
    if (BI_LIKELY(below == NULL && !(transport->state & (BI_LIFE | BI_WRITE_END)) && is_plain(pieces, count))) {
        if (BI_LIKELY(goes_at_once(transport, layer, pieces))) {
            return send_at_once(transport, pieces->data, pieces->size);
        }
        if (takes_ready(transport, pieces->size)) {
            return put_in_ready(transport, pieces->data, pieces->size);
        }
    }
    return send_further(transport, below, pieces, count);
}

/* --------------------------------------------------------------------------------------- the facade's */

bool bi_write_add_sizes(const struct bight_piece *pieces, size_t count, size_t *total)
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

int bi_write_pieces(struct bight_transport *transport, const struct bight_piece *pieces, size_t count)
{
    if (BI_UNLIKELY(transport->state & BI_RESERVED)) {
        return bi_reserve_refuse("a write");
    }
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    size_t total;
    if (!bi_write_add_sizes(pieces, count, &total)) {
        return bi_write_fail(transport, BIGHT_E_OVERFLOW); /* layers must not meet it */
    }
    return bi_write_fail(transport, transport->state & BI_LAYERED
                                        ? write_through_layers(transport, pieces, count)
                                        : bi_output_write(transport, pieces, count, BI_NOT_TRIED));
}

static int __attribute__((noinline)) write_piece(struct bight_transport *transport, const void *data, size_t size)
{
    struct bight_piece piece = { .data = data, .size = size, .counted = true };
    return bi_write_pieces(transport, &piece, 1);
}

/* Nearly always in answer to what came up through the same layers. */
static int __attribute__((noinline))
write_layered(struct bight_transport *transport, struct bight_layer *layer, const void *data, size_t size)
{
    const uint32_t answering = BI_IN_HANDLER | BI_IN_LAYER;
    struct bight_piece piece = { .data = data, .size = size, .counted = true };
    int code = BI_LIKELY((transport->state & (answering | BI_HELD)) == answering)
                   ? layer->ops->write(layer, &piece, 1)
                   : write_through_layers(transport, &piece, 1);
    return BI_LIKELY(code == BIGHT_OK) ? code : bi_write_fail(transport, code);
}

static int __attribute__((noinline)) write_unusual(struct bight_transport *transport, const void *data, size_t size)
{
    if (BI_LIKELY((transport->state & UNUSUAL) == BI_LAYERED && size - 1 < SIZE_MAX / 2)) {
        struct bight_layer *layer = bi_held_level(transport->extension->top);
        if (layer != NULL) {
            return write_layered(transport, layer, data, size);
        }
        return takes_ready(transport, size) ? put_in_ready(transport, data, size)
                                            : bi_write_fail(transport, write_more(transport, data, size));
    }
    if (size == 0) {
        return bi_takes_output(transport) ? BIGHT_OK : BIGHT_E_CLOSED;
    }
    return write_piece(transport, data, size);
}

static int __attribute__((noinline)) write_further(struct bight_transport *transport, const void *data, size_t size)
{
    int code = write_more(transport, data, size);
    return BI_LIKELY(code == BIGHT_OK) ? code : bi_write_fail(transport, code);
}

BI_HOT int bight_transport_write(struct bight_transport *transport, const void *data, size_t size)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_write");
    if (BI_UNLIKELY(transport->state & UNUSUAL)) {
        return write_unusual(transport, data, size);
    }
    return takes_ready(transport, size) ? put_in_ready(transport, data, size) : write_further(transport, data, size);
}

/* More pieces than this are written in several rounds, all of them or none: a round that fails ends the connection. */
#define PIECES_A_ROUND 16

/* Those that are not empty; returns how many. */
static size_t make_pieces(struct bight_piece pieces[PIECES_A_ROUND], const struct iovec *parts, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0) {
            pieces[used++] =
                (struct bight_piece) { .data = parts[i].iov_base, .size = parts[i].iov_len, .counted = true };
        }
    }
    return used;
}

static int write_round(struct bight_transport *transport, const struct iovec *parts, size_t count)
{
    struct bight_piece pieces[PIECES_A_ROUND];
    size_t used = make_pieces(pieces, parts, count);
    return used == 0 ? BIGHT_OK : bi_write_pieces(transport, pieces, used);
}

#define NOT_PLAIN SIZE_MAX

/* How much it is, if there is nothing to notify of marks between the parts: then it may take the short way. */
static size_t measure_plain(const struct bight_transport *transport, const struct iovec *parts, size_t count)
{
    size_t total = 0;
    if ((transport->state & UNUSUAL) || transport->extension != NULL || count > PIECES_A_ROUND) {
        return NOT_PLAIN;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > SIZE_MAX / 4 - total) {
            return NOT_PLAIN;
        }
        total += parts[i].iov_len;
    }
    return total;
}

/* Part by part. */
static int write_little(struct bight_transport *transport, const struct iovec *parts, size_t count)
{
    int code = BIGHT_OK;
    for (size_t i = 0; i < count && code == BIGHT_OK; i++) {
        code = write_plain(transport, parts[i].iov_base, parts[i].iov_len);
    }
    return BI_LIKELY(code == BIGHT_OK) ? code : bi_write_fail(transport, code);
}

/* As a large write. */
static int write_much(struct bight_transport *transport, const struct iovec *parts, size_t count, size_t total)
{
    struct bight_piece pieces[PIECES_A_ROUND];
    ssize_t tried = try_now(transport, parts, count, total);
    if (BI_LIKELY(tried == (ssize_t)total)) {
        return BIGHT_OK;
    }
    size_t used = make_pieces(pieces, parts, count);
    return bi_write_fail(transport, bi_output_write(transport, pieces, used, tried));
}

/* A producer that is paused may write: the marks are looked at when all rounds are queued, so that nothing comes
 * between.
 */
BI_HOT int bight_transport_write_sequence(struct bight_transport *transport, const struct iovec *parts, size_t count)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_write_sequence");
    size_t total = measure_plain(transport, parts, count);
    if (BI_LIKELY(total < BI_LARGE_WRITE)) {
        return write_little(transport, parts, count);
    }
    if (total != NOT_PLAIN) {
        return write_much(transport, parts, count, total);
    }
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
    int code = bi_write_pieces(transport, &piece, 1);
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
    return bi_write_pieces(transport, &piece, 1);
}

/* ------------------------------------------------------------------------------------------- files */

static bool is_range(int descriptor, uint64_t offset, uint64_t size)
{
    return descriptor >= 0 && offset <= INT64_MAX && size <= INT64_MAX - offset && size <= SIZE_MAX / 2;
}

int bi_transport_send_file(struct bight_transport *transport, const struct bi_file_source *source, const char *caller)
{
    if (!is_range(source->descriptor, source->offset, source->size)) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE,
            "%s: %" PRIu64 " bytes from %" PRIu64 " on of descriptor %d are no part of a file", caller, source->size,
            source->offset, source->descriptor);
    }
    if (!bi_takes_output(transport)) {
        return BIGHT_E_CLOSED;
    }
    if (transport->state & BI_RESERVED) {
        return bi_reserve_refuse(caller);
    }
    if (transport->hub->system->ops->preadv2 == NULL) {
        return BIGHT_E_NOT_SUPPORTED;
    }
    struct bi_file *file = bi_file_new(transport, source);
    if (file == NULL) {
        return bi_write_fail(transport, BIGHT_E_OUT_OF_MEMORY);
    }
    struct bight_layer *layer = bi_held_level(transport->state & BI_LAYERED ? transport->extension->top : NULL);
    int code = layer == NULL ? bi_output_send_file(transport, file, (size_t)source->size)
                             : bi_held_add_file(layer, file, (size_t)source->size);
    if (code != BIGHT_OK) {
        bi_file_forget(file);
    }
    return bi_write_fail(transport, code);
}

int bight_transport_send_file(struct bight_transport *transport, int descriptor, uint64_t offset, uint64_t size,
    bight_release_function release, void *context)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_send_file");
    const struct bi_file_source source = { descriptor, offset, size, NULL, release, context };
    return bi_transport_send_file(transport, &source, "bight_transport_send_file");
}

int bight_transport_send_file_again(struct bight_transport *transport, int descriptor, uint64_t offset, uint64_t size,
    struct bight_file_pages *pages, bight_release_function release, void *context)
{
    BI_TRANSPORT_CHECK(transport, "bight_transport_send_file_again");
    const struct bi_file_source source = { descriptor, offset, size, NULL, release, context, pages };
    return bi_transport_send_file(transport, &source, "bight_transport_send_file_again");
}
