/* SPDX-License-Identifier: MIT */
/* output.c - what goes down: text that waits, its records, and the end with its close_notify.
 *
 * What a handler writes is gathered until the flush, so it leaves as full records in one send; of large pieces the full
 * records are encrypted at once, from where they lie. No more than 64 KiB are encrypted ahead of the bottom (L10):
 * beyond that text waits, which is counted as what was written, and the layer is flushed when there is room. */
#include "tls/layer.h"
#include "transport/layer_talk.h"
#include "transport/state.h"

/* Buffers full that one connection sends in a row, so that a peer that reads fast does not hold up the others. */
#define SENDS_IN_A_ROW 8

/* Layers that gather at a time. A message to each of thousands of connections must not take a block for each. */
#define MAX_GATHERING 64

static const char doing[] = "the TLS connection failed";

/* ------------------------------------------------------------------------------------------- records */

int bi_tls_send_records(struct bi_tls_layer *layer)
{
    struct bi_tls_buffer *records = layer->records;
    if (records == NULL) {
        return BIGHT_OK;
    }
    layer->records = NULL; /* code that is called below may write */
    struct bight_piece piece = { .data = records->bytes, .size = records->size, .counted = true };
    int code = bight_layer_send(&layer->base, &piece, 1);
    bi_tls_buffer_give(layer->hub, records);
    return code;
}

void bi_tls_flush_soon(struct bi_tls_layer *layer)
{
    bight_layer_flush_later(&layer->base);
}

static size_t count_ahead(const struct bi_tls_layer *layer)
{
    size_t ahead = bi_output_queued(layer->base.transport) + (layer->records == NULL ? 0 : layer->records->size);
    for (const struct bight_layer *below = layer->base.below; BI_UNLIKELY(below != NULL); below = below->below) {
        ahead += BI_LAYER_HAS(below, queued) ? below->ops->queued(below) : 0;
    }
    return ahead;
}

static bool may_encrypt(const struct bi_tls_layer *layer)
{
    return layer->state == BI_TLS_OPEN && !layer->is_blocked && !bi_is_cut(layer->base.transport) &&
           count_ahead(layer) < BI_TLS_AHEAD;
}

/* ---------------------------------------------------------------------------------------- encrypting */

/* CLOSED: it has failed, and that is being told. */
static int fail(struct bi_tls_layer *layer, const struct bi_tls_frame *frame, int error)
{
    bi_tls_fail(layer, frame->lacks_memory ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY)
                                           : bi_tls_failure_of_data(layer->ssl, error, doing));
    return BIGHT_E_CLOSED;
}

/* One record. */
static int encrypt(struct bi_tls_layer *layer)
{
    const struct bi_tls_stretch *first = layer->text.first;
    size_t size = first->size < BI_TLS_RECORD ? first->size : BI_TLS_RECORD, done = 0;
    struct bi_tls_frame frame = { .records = &layer->records, .most = UINT16_MAX };
    bi_tls_use(layer, size);
    bi_tls_frame_enter(layer->hub, &frame);
    int result = SSL_write_ex(layer->ssl, first->data, size, &done);
    int error = BI_LIKELY(result == 1) ? SSL_ERROR_NONE : bi_tls_frame_error(&frame, layer->ssl, result);
    bi_tls_frame_leave(layer->hub, &frame);
    if (BI_LIKELY(result == 1)) {
        bi_tls_plaintext_consume(layer->hub, &layer->text, done);
        bi_tls_was_fruitful(layer);
        return BIGHT_OK;
    }
    layer->is_blocked = error == SSL_ERROR_WANT_READ;
    return layer->is_blocked ? BIGHT_OK : fail(layer, &frame, error);
}

/* A record that is not full is only made of the last text, when all of it is to go. */
static bool has_record(const struct bi_tls_layer *layer, bool all)
{
    const struct bi_tls_stretch *first = layer->text.first;
    return first != NULL && (all || first->size >= BI_TLS_RECORD);
}

static int encrypt_some(struct bi_tls_layer *layer, bool all)
{
    int code = BIGHT_OK, sends = 0;
    bool is_any = false;
    while (code == BIGHT_OK && sends < SENDS_IN_A_ROW && has_record(layer, all) && may_encrypt(layer)) {
        is_any = true;
        code = encrypt(layer);
        if (code == BIGHT_OK && layer->records != NULL && layer->records->size >= BI_TLS_AHEAD) {
            code = bi_tls_send_records(layer);
            sends++;
        }
    }
    if (is_any) {
        bi_tls_rest(layer);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------ the end */

static int close_notify(struct bi_tls_layer *layer)
{
    struct bi_tls_frame frame = { .records = &layer->records, .most = UINT16_MAX };
    bi_tls_forget_errors();
    bi_tls_frame_enter(layer->hub, &frame);
    int result = SSL_shutdown(layer->ssl);
    int error = result >= 0 ? SSL_ERROR_NONE : SSL_get_error(layer->ssl, result);
    bi_tls_frame_leave(layer->hub, &frame);
    if (error != SSL_ERROR_NONE) {
        return fail(layer, &frame, error);
    }
    bi_tls_rest(layer);
    return BIGHT_OK;
}

/* L9. Everything has been encrypted, and leaves with it. */
static int end_output(struct bi_tls_layer *layer)
{
    int code = close_notify(layer);
    if (code != BIGHT_OK) {
        return code;
    }
    layer->is_end_sent = true;
    code = bi_tls_send_records(layer);
    bight_layer_send_end(&layer->base);
    return code;
}

/* The handshake will not be finished, or has failed. */
static void end_at_once(struct bi_tls_layer *layer)
{
    layer->state = BI_TLS_OVER;
    (void)bi_tls_send_records(layer);
    bight_layer_send_end(&layer->base);
}

/* L5: what was written is worth finishing the handshake for; so is a side that goes on reading. */
void bi_tls_write_end(struct bight_layer *layer)
{
    struct bi_tls_layer *self = bi_tls_layer_of(layer);
    bool is_opening = self->state < BI_TLS_OPEN;
    self->is_end_asked = true;
    if (self->state == BI_TLS_OPEN) {
        (void)bi_tls_flush(layer);
    } else if (!is_opening || (self->text.queued == 0 && bi_is_losing(layer->transport))) {
        end_at_once(self);
    }
}

/* ----------------------------------------------------------------------------------------- flushing */

static void set_gathering(struct bi_tls_layer *layer, bool on)
{
    if (layer->is_gathering != on) {
        layer->is_gathering = on;
        layer->hub->gathering += on ? 1u : -1u;
    }
}

/* What waits on, does so for room below; or for input, which then has the layer flushed. */
static int keep(struct bi_tls_layer *layer)
{
    if (layer->state == BI_TLS_OPEN && layer->text.queued > 0 && !layer->is_blocked) {
        bight_layer_flush_with_room(&layer->base);
    }
    return layer->text.counted == layer->base.kept ? BIGHT_OK : bight_layer_keeps(&layer->base, layer->text.counted);
}

static bool is_end_due(const struct bi_tls_layer *layer)
{
    return layer->is_end_asked && layer->text.queued == 0 && layer->state == BI_TLS_OPEN && !layer->is_end_sent;
}

int bi_tls_flush(struct bight_layer *layer)
{
    struct bi_tls_layer *self = bi_tls_layer_of(layer);
    set_gathering(self, false);
    self->is_blocked = false;
    int code = encrypt_some(self, true);
    if (code == BIGHT_OK) {
        code = BI_UNLIKELY(is_end_due(self)) ? end_output(self) : bi_tls_send_records(self);
    }
    bi_tls_plaintext_release_used(self->hub, &self->text);
    if (code == BIGHT_OK && BI_UNLIKELY(self->text.queued > 0 || self->base.kept > 0)) {
        code = keep(self);
    }
    return code;
}

/* ------------------------------------------------------------------------------------------ writing */

static int add(struct bi_tls_layer *layer, const struct bight_piece *pieces, size_t count, bool may_borrow)
{
    int code = BIGHT_OK;
    for (size_t i = 0; i < count && code == BIGHT_OK; i++) {
        code = bi_tls_plaintext_add(layer->hub, &layer->text, &pieces[i], may_borrow);
    }
    return code;
}

/* Behind what was added: it is encrypted as far as is useful, gathered until the flush, or waits. */
static int go_on(struct bi_tls_layer *layer, bool is_free)
{
    bool is_crowded = layer->hub->gathering >= MAX_GATHERING && !layer->is_gathering;
    bool is_enough = is_free && has_record(layer, is_crowded);
    int code = is_enough ? encrypt_some(layer, is_crowded) : BIGHT_OK;
    int settled = bi_tls_plaintext_commit(layer->hub, &layer->text);
    if (code != BIGHT_OK || settled != BIGHT_OK) {
        return code != BIGHT_OK ? code : settled;
    }
    if (is_crowded && (code = bi_tls_send_records(layer)) != BIGHT_OK) {
        return code;
    }
    if (is_enough ? may_encrypt(layer) : is_free) {
        set_gathering(layer, layer->text.queued > 0);
        bi_tls_flush_soon(layer);
        return BIGHT_OK;
    }
    bi_tls_flush_soon(layer);
    return keep(layer);
}

int bi_tls_write(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct bi_tls_layer *self = bi_tls_layer_of(layer);
    if (BI_UNLIKELY(self->state == BI_TLS_OVER || self->is_end_sent)) {
        return BIGHT_E_CLOSED;
    }
    bool is_free = may_encrypt(self);
    uint32_t write = bi_tls_plaintext_begin(&self->text);
    int code = add(self, pieces, count, is_free);
    code = code == BIGHT_OK ? go_on(self, is_free) : code;
    if (BI_UNLIKELY(code != BIGHT_OK)) {
        bi_tls_plaintext_refuse(&self->text, write);
    }
    return code;
}
