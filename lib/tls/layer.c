/* SPDX-License-Identifier: MIT */
/* layer.c - TLS as a layer: its table, its beginning and its end. The handshake, input, and output have files of their
 * own. */
#include "tls/layer.h"

#include <bight/memory.h>

#include "tls/facts.h"
#include "tls/wrap.h"
#include "transport/state.h"

/* ------------------------------------------------------------------------------------------ the table */

static void free_layer(struct bight_layer *layer)
{
    bi_tls_layer_free(bi_tls_layer_of(layer));
}

/* An end that was asked for waits for the handshake: what was written goes out behind it. */
static bool is_busy(struct bight_layer *layer)
{
    const struct bi_tls_layer *self = bi_tls_layer_of(layer);
    return self->is_end_asked && self->state < BI_TLS_OPEN;
}

/* L3 */
static int prepare_layer(struct bight_layer *layer)
{
    bi_tls_begin(bi_tls_layer_of(layer));
    return 1; /* a failure is being told by then */
}

static size_t count_queued(const struct bight_layer *layer)
{
    const struct bi_tls_layer *self = (const struct bi_tls_layer *)layer;
    return self->text.queued + (self->records == NULL ? 0 : self->records->size);
}

static const struct bight_layer_ops tls_ops = {
    .size = sizeof tls_ops,
    .received = bi_tls_received,
    .received_end = bi_tls_received_end,
    .write = bi_tls_write,
    .write_end = bi_tls_write_end,
    .free = free_layer,
    .is_busy = is_busy,
    .flush = bi_tls_flush,
    .queued = count_queued,
    .facts = bi_tls_tell_facts,
    .prepare = prepare_layer,
};

/* ------------------------------------------------------------------------------------ beginning and end */

/* A client's session is made at once, since the name may be wrong; a server's waits for the first byte. */
static int prepare(struct bi_tls_layer *layer, const char *name, uint16_t port, struct bight_failure **failure)
{
    layer->state = BI_TLS_WAITING;
    if (bi_tls_is_server(layer->tls)) {
        return BIGHT_OK;
    }
    layer->ssl = bi_tls_session_new(layer->tls, name, port, failure);
    if (layer->ssl == NULL) {
        return bight_failure_code(*failure);
    }
    bi_tls_hub_connect(layer->hub, layer->ssl);
    return BIGHT_OK;
}

struct bi_tls_layer *bi_tls_layer_new(struct bight_reactor *reactor, struct bight_tls *tls, const char *name,
    uint16_t port, struct bight_failure **failure)
{
    struct bi_tls_hub *hub = bi_tls_hub_of(reactor);
    struct bi_tls_layer *layer = hub == NULL ? NULL : bight_calloc(1, sizeof *layer);
    if (layer == NULL) {
        *failure = bight_failure_of(BIGHT_E_OUT_OF_MEMORY);
        return NULL;
    }
    layer->base.ops = &tls_ops;
    layer->hub = hub;
    layer->tls = bight_tls_hold(tls);
    if (prepare(layer, name, port, failure) != BIGHT_OK) {
        bi_tls_layer_free(layer);
        return NULL;
    }
    return layer;
}

struct bight_layer *bi_tls_wrap(struct bight_reactor *reactor, struct bight_tls *tls, const char *name, uint16_t port,
    struct bight_failure **failure)
{
    struct bi_tls_layer *layer = bi_tls_layer_new(reactor, tls, name, port, failure);
    return layer == NULL ? NULL : &layer->base;
}

void bi_tls_layer_free(struct bi_tls_layer *layer)
{
    layer->hub->gathering -= layer->is_gathering ? 1 : 0;
    bi_tls_forget_warm(layer);
    bi_tls_opening_free(layer);
    bi_tls_plaintext_drop(layer->hub, &layer->text);
    bi_tls_buffer_give(layer->hub, layer->records);
    bi_tls_facts_free(layer->facts);
    SSL_free(layer->ssl);
    bight_tls_release(layer->tls);
    bight_free(layer);
}

void bi_tls_fail(struct bi_tls_layer *layer, struct bight_failure *failure)
{
    layer->state = BI_TLS_OVER;
    bi_tls_opening_free(layer);
    (void)bi_tls_send_records(layer);
    bight_layer_fail(&layer->base, failure);
}
