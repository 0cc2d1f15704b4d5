/* SPDX-License-Identifier: MIT */
/* handshake.c - from the first byte until the session is open, or has failed.
 *
 * It costs up to a millisecond of computing, which is shared among the connections of a turn (L4); it has a time and a
 * number of bytes in which to be done; and the protocol's pauses do not hold it up. */
#include <bight/memory.h>

#include "base/moment.h"
#include "reactor/reactor.h"
#include "tls/layer.h"
#include "transport/input.h"
#include "transport/state.h"

/* L4 */
#define OPENING_SECONDS 10
#define MAX_RECEIVED 65536

/* What a step of a handshake takes in which keys are exchanged and signed or verified, in nanoseconds. */
#define COST_OF_A_STEP 400000

struct bi_tls_opening {
    struct bi_wheel_entry timer;
    struct bi_task task; /* soon: the context has been chosen */
    struct bi_tls_layer *layer;
    size_t received;
    bool is_choosing;            /* which context serves a client is being decided elsewhere */
    struct bight_input *waiting; /* that came meanwhile */
};

static const char doing[] = "the TLS handshake failed";

static struct bight_reactor *reactor_of(const struct bi_tls_layer *layer)
{
    return layer->hub->attachment.reactor;
}

void bi_tls_opening_free(struct bi_tls_layer *layer)
{
    if (layer->opening != NULL) {
        bi_reactor_disarm(reactor_of(layer), &layer->opening->timer);
        if (layer->opening->task.run != NULL) {
            bi_reactor_unqueue(reactor_of(layer), &layer->opening->task);
        }
        bi_input_drop(&layer->opening->waiting);
        bight_free(layer->opening);
        layer->opening = NULL;
    }
}

static void time_is_up(struct bi_wheel_entry *timer)
{
    struct bi_tls_layer *layer = BI_CONTAINER(timer, struct bi_tls_opening, timer)->layer;
    bi_tls_fail(layer,
        bight_failure_new(BIGHT_E_TIMED_OUT, 0, NULL, "the TLS handshake took more than %d seconds", OPENING_SECONDS));
}

static bool make_opening(struct bi_tls_layer *layer)
{
    struct bight_reactor *reactor = reactor_of(layer);
    struct bi_tls_opening *opening = bight_calloc(1, sizeof *opening);
    layer->opening = opening;
    if (opening == NULL) {
        return false;
    }
    opening->layer = layer;
    opening->timer.function = time_is_up;
    bi_reactor_arm(reactor, &opening->timer,
        bi_moment_after(bi_reactor_now(reactor), OPENING_SECONDS * BIGHT_NANOSECONDS_PER_SECOND));
    return true;
}

/* --------------------------------------------------------------------------------------------- opening */

/* What a key holds goes when it is given a kind, even the one that it has. */
static void empty_key(EVP_PKEY *key)
{
    (void)EVP_PKEY_set_type(key, EVP_PKEY_X25519);
    EVP_PKEY_free(key);
}

/* What was exchanged is of no more use, and OpenSSL would keep it as long as the connection: 430 bytes of X25519, 7 to
 * 8 KiB of X25519MLKEM768, and our secret half, from which all keys of the connection can be derived, those that have
 * been updated, too. With the latter a server has no key of its own, and a client none of the peer's. */
static void forget_exchange(SSL *ssl)
{
    EVP_PKEY *key;
    if (SSL_get_tmp_key(ssl, &key) == 1) {
        empty_key(key);
    }
    if (SSL_get_peer_tmp_key(ssl, &key) == 1) {
        empty_key(key);
    }
}

/* OpenSSL verifies nothing when it resumes a session, so everything is looked at again before it is believed. */
static void complete(struct bi_tls_layer *layer)
{
    struct bight_failure *failure = bi_tls_check(layer->ssl);
    if (failure != NULL) {
        bi_tls_fail(layer, failure);
        return;
    }
    bi_tls_opening_free(layer);
    forget_exchange(layer->ssl);
    layer->state = BI_TLS_OPEN;
    layer->was_open = true;
    bi_tls_hub_opened(layer->ssl);
    bight_layer_set_hungry(&layer->base, false);
    bight_layer_secured(&layer->base);
    bight_layer_ready(&layer->base);
    bi_tls_flush_soon(layer);
}

static void go_on_soon(void *context);

/* L8. There is no callback when the session has gone. */
static void wait_for_choice(struct bi_tls_layer *layer)
{
    layer->opening->is_choosing = true;
    bi_tls_when_chosen(layer->ssl, go_on_soon, layer);
}

/* One step of OpenSSL's, as far as the view goes. */
static void step(struct bi_tls_layer *layer, struct bi_tls_frame *frame)
{
    bi_tls_forget_errors();
    bi_tls_frame_enter(layer->hub, frame);
    int result = SSL_do_handshake(layer->ssl);
    int error = result == 1 ? SSL_ERROR_NONE : SSL_get_error(layer->ssl, result);
    bi_tls_frame_leave(layer->hub, frame);
    if (error == SSL_ERROR_NONE) {
        bi_tls_forget_errors();
    }
    if (layer->records != NULL) { /* an answer: something has been computed */
        (void)bi_hub_spend(layer->base.transport->hub, COST_OF_A_STEP);
        bight_layer_greeted(&layer->base);
    }
    if (frame->lacks_memory) {
        bi_tls_fail(layer, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (result == 1) {
        complete(layer);
    } else if (error == SSL_ERROR_WANT_CLIENT_HELLO_CB) {
        wait_for_choice(layer);
    } else if (error != SSL_ERROR_WANT_READ) {
        bi_tls_fail(layer, bi_tls_failure(layer->ssl, error, doing));
    } else {
        bi_tls_flush_soon(layer);
    }
    bi_tls_rest(layer);
}

static bool make_session(struct bi_tls_layer *layer)
{
    struct bight_failure *failure;
    layer->ssl = bi_tls_session_new(layer->tls, NULL, 0, &failure);
    if (layer->ssl == NULL) {
        bi_tls_fail(layer, failure);
        return false;
    }
    bi_tls_hub_connect(layer->hub, layer->ssl);
    return true;
}

static bool is_too_much(struct bi_tls_layer *layer, size_t size)
{
    layer->opening->received += size;
    if (layer->opening->received <= MAX_RECEIVED) {
        return false;
    }
    bi_tls_fail(layer,
        bight_failure_new(BIGHT_E_OVERFLOW, 0, NULL, "the peer's TLS handshake is longer than %d bytes", MAX_RECEIVED));
    return true;
}

/* Keeps what cannot be used now. */
static void keep(struct bi_tls_layer *layer, const uint8_t *data, size_t size)
{
    if (!is_too_much(layer, size) && bi_input_append(&layer->opening->waiting, data, size) != BIGHT_OK) {
        bi_tls_fail(layer, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

/* Returns how much was used up. */
static size_t step_with(struct bi_tls_layer *layer, const uint8_t *data, size_t size)
{
    struct bi_tls_frame frame = { .input = data, .input_size = size, .records = &layer->records, .most = UINT16_MAX };
    step(layer, &frame);
    size_t used = size - frame.input_size;
    if (layer->state != BI_TLS_OPENING || is_too_much(layer, used)) {
        return used;
    }
    if (layer->opening->is_choosing) {
        keep(layer, frame.input, frame.input_size);
    }
    return size;
}

size_t bi_tls_open_with(struct bi_tls_layer *layer, const uint8_t *data, size_t size)
{
    if (layer->opening->is_choosing) {
        keep(layer, data, size);
        return size;
    }
    if (bight_layer_hold_input(&layer->base, data, size, 0)) {
        return size;
    }
    if (layer->ssl == NULL && !make_session(layer)) {
        return size;
    }
    layer->state = BI_TLS_OPENING;
    return step_with(layer, data, size);
}

/* With what has come meanwhile; what is left of it is data. */
static void go_on(struct bi_task *task)
{
    struct bi_tls_layer *layer = BI_CONTAINER(task, struct bi_tls_opening, task)->layer;
    struct bight_transport *transport = layer->base.transport;
    struct bight_input *waiting = bi_input_take(&layer->opening->waiting);
    bool is_outermost = bi_layers_enter(transport);
    size_t size = bi_input_size(waiting);
    size_t used = step_with(layer, bi_input_bytes(waiting), size);
    if (used < size) {
        bi_tls_received(&layer->base, bi_input_bytes(waiting) + used, size - used);
    }
    bight_free(waiting);
    bi_layers_leave(transport, is_outermost);
}

/* The choice may have been made anywhere, where the protocol must not be called (T6). */
static void go_on_soon(void *context)
{
    struct bi_tls_layer *layer = context;
    if (layer->opening != NULL && layer->opening->is_choosing) {
        layer->opening->is_choosing = false;
        bi_reactor_soon(reactor_of(layer), &layer->opening->task, go_on);
    }
}

void bi_tls_begin(struct bi_tls_layer *layer)
{
    bight_layer_set_hungry(&layer->base, true);
    if (!make_opening(layer)) {
        bi_tls_fail(layer, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    } else if (layer->ssl != NULL) {
        struct bi_tls_frame frame = { .records = &layer->records, .most = UINT16_MAX };
        layer->state = BI_TLS_OPENING;
        step(layer, &frame);
    }
}
