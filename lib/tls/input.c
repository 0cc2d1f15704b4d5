/* SPDX-License-Identifier: MIT */
/* input.c - what comes from below: records, decrypted and delivered, and the peer's end.
 *
 * The records of a view are decrypted into one buffer and delivered at once. What the protocol does not want now stays
 * encrypted below the layer. */
#include "tls/layer.h"
#include "transport/state.h"

/* L10: records or messages without data between them. */
#define MAX_BARREN 32

static const char doing[] = "the TLS connection failed";

static inline void was_fruitful(struct bi_tls_frame *frame)
{
    frame->barren_records = 0;
    if (BI_UNLIKELY(frame->barren_messages > 0)) {
        frame->barren_messages = 0;
        bi_tls_forget_errors();
    }
}

/* Ends with SSL_ERROR_NONE when the view is used up, or the buffer is full. OpenSSL keeps nothing of either: it is
 * given a record at a time, and the buffer has room for all of it. */
static int read_some(struct bi_tls_layer *layer, struct bi_tls_frame *frame, struct bi_tls_buffer *plain)
{
    do {
        size_t got = 0;
        int result = SSL_read_ex(layer->ssl, plain->bytes + plain->size, BI_TLS_RECORD, &got);
        if (result != 1) {
            return bi_tls_frame_error(frame, layer->ssl, result);
        }
        plain->size += got;
        was_fruitful(frame);
    } while (frame->input_size > 0 && plain->size <= BI_TLS_AHEAD - BI_TLS_RECORD);
    return SSL_ERROR_NONE; /* with the view used up, to read again would but say that there is nothing */
}

static int read_in_frame(struct bi_tls_layer *layer, struct bi_tls_frame *frame, struct bi_tls_buffer *plain)
{
    frame->barren_records = layer->barren_records;
    frame->barren_messages = layer->barren_messages;
    bi_tls_use(layer, frame->input_size);
    bi_tls_frame_enter(layer->hub, frame);
    int error = read_some(layer, frame, plain);
    bi_tls_frame_leave(layer->hub, frame);
    layer->barren_records = frame->barren_records;
    layer->barren_messages = frame->barren_messages;
    return error;
}

static struct bight_failure *barren(void)
{
    return bight_failure_new(
        BIGHT_E_OVERFLOW, 0, NULL, "%s: the peer sent more than %d records without data", doing, MAX_BARREN);
}

/* Why the layer cannot go on; NULL: it can. What OpenSSL says of it must be asked for before a handler runs. */
static struct bight_failure *failure_of(struct bi_tls_layer *layer, const struct bi_tls_frame *frame, int error)
{
    if (BI_LIKELY(error == SSL_ERROR_NONE)) {
        return NULL;
    }
    if (frame->lacks_memory) {
        return bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
    }
    if (error == SSL_ERROR_WANT_READ) {
        return bi_tls_frame_is_barren(frame) ? barren() : NULL;
    }
    return error == SSL_ERROR_ZERO_RETURN ? NULL : bi_tls_failure_of_data(layer->ssl, error, doing);
}

static bool is_connected(const struct bi_tls_layer *layer)
{
    return !layer->base.is_popped && !bi_is_over(layer->base.transport);
}

static bool goes_on(const struct bi_tls_layer *layer)
{
    return layer->state == BI_TLS_OPEN && !layer->is_end_read && is_connected(layer);
}

/* Behind the data. After one's own lose the end is graceful whatever the peer says. */
static void conclude(struct bi_tls_layer *layer, int error, struct bight_failure *failure)
{
    if (failure != NULL && is_connected(layer) && !bi_is_losing(layer->base.transport)) {
        bi_tls_fail(layer, failure);
        return;
    }
    bight_failure_release(failure);
    if (error == SSL_ERROR_ZERO_RETURN && goes_on(layer)) {
        layer->is_end_read = true;
        bight_layer_deliver_end(&layer->base);
    }
}

/* The buffer is bight's own, as what the kernel is read into is. */
static inline void deliver(struct bi_tls_layer *layer, const struct bi_tls_buffer *plain)
{
    struct bi_hub *hub = layer->base.transport->hub;
    struct bi_own_input outer = hub->own;
    hub->own = (struct bi_own_input) { plain->bytes, plain->size };
    bight_layer_deliver(&layer->base, plain->bytes, plain->size);
    hub->own = outer;
}

/* One buffer full, at most. Returns how much of the view is left. */
static size_t read_once(struct bi_tls_layer *layer, const uint8_t *data, size_t size)
{
    struct bi_tls_buffer *plain = bi_tls_buffer_take(layer->hub);
    struct bi_tls_frame frame = {
        .input = data, .input_size = size, .place = &layer->place, .records = &layer->records, .most = MAX_BARREN
    };
    if (plain == NULL) {
        bi_tls_fail(layer, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return 0;
    }
    int error = read_in_frame(layer, &frame, plain);
    struct bight_failure *failure = failure_of(layer, &frame, error);
    layer->state = failure == NULL ? layer->state : BI_TLS_OVER;
    bi_tls_rest(layer);
    if (BI_UNLIKELY(layer->records != NULL || layer->is_blocked)) {
        bi_tls_flush_soon(layer);
    }
    deliver(layer, plain);
    bi_tls_buffer_give(layer->hub, plain);
    if (BI_UNLIKELY(error != SSL_ERROR_NONE)) {
        conclude(layer, error, failure);
    }
    return frame.input_size;
}

static void read_all(struct bi_tls_layer *layer, const uint8_t *data, size_t size)
{
    while (size > 0 && goes_on(layer) && !bight_layer_hold_unwanted(&layer->base, data, size)) {
        size_t left = read_once(layer, data, size);
        data += size - left;
        size = left;
    }
}

void bi_tls_received(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    struct bi_tls_layer *self = bi_tls_layer_of(layer);
    if (BI_UNLIKELY(self->state < BI_TLS_OPEN)) {
        size_t used = bi_tls_open_with(self, data, size);
        data += used;
        size -= used;
    }
    read_all(self, data, size);
}

/* ------------------------------------------------------------------------------------- the peer's end */

static struct bight_failure *truncated(const struct bi_tls_layer *layer)
{
    return bight_failure_new(BIGHT_E_TRUNCATED, 0, NULL,
        layer->state == BI_TLS_OPEN ? "the peer ended the connection without TLS's close_notify"
                                    : "the peer ended the connection during the TLS handshake");
}

/* L9: without close_notify an attacker may have cut the stream. When we have closed it, nothing is lost by that. */
void bi_tls_received_end(struct bight_layer *layer)
{
    struct bi_tls_layer *self = bi_tls_layer_of(layer);
    bool is_closed = self->is_end_sent && bi_is_losing(layer->transport);
    if (self->state == BI_TLS_OVER || self->is_end_read || is_closed) {
        bight_layer_deliver_end(layer);
    } else {
        bi_tls_fail(self, truncated(self));
    }
}
