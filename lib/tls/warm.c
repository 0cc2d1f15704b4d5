/* SPDX-License-Identifier: MIT */
/* warm.c - which sessions keep OpenSSL's buffers for a while.
 *
 * A session has two, 33 KiB together, and an idle connection has none (L11): when what there was has been read or
 * written, OpenSSL is told to release them. But to take them again each time is a tenth of what a small record costs.
 * So some of a reactor's sessions that are in use keep theirs until a second has passed without a record. Which ones
 * does not matter, as long as none takes the place of another that is in use: with more of them than places, each would
 * lose its own to the next one before it is used again.
 *
 * And only those that have had some small records in a row. What a thousand connections that say one word each have
 * kept and freed in turn lies scattered among what stays, and never gets back to the system. And a large record fills
 * the buffer: one that each session has to itself has left the processor's caches by the next record, while the one
 * that was just freed by another is still there.
 *
 * SSL_MODE_RELEASE_BUFFERS would have OpenSSL release them by itself, behind each record of several. But since 3.2 that
 * is settled when a session gets its keys: to clear it later does nothing, and the writing side does not notice when it
 * is set. So the mode is never set, and code that has called OpenSSL for a session calls bi_tls_rest. */
#include "reactor/reactor.h"
#include "tls/layer.h"

#define PERIOD BIGHT_NANOSECONDS_PER_SECOND

static void look_again(struct bi_tls_hub *hub)
{
    struct bight_reactor *reactor = hub->attachment.reactor;
    bi_reactor_arm(reactor, &hub->warm_timer, bi_reactor_now(reactor) + PERIOD);
}

void bi_tls_warm_up(struct bi_tls_layer *layer)
{
    struct bi_tls_hub *hub = layer->hub;
    layer->uses = 0;
    if (hub->warm_count >= hub->most_warm) {
        return;
    }
    layer->is_warm = true;
    layer->warm_place = (uint8_t)hub->warm_count;
    hub->warm[hub->warm_count++] = layer;
    if (!bi_wheel_is_armed(&hub->warm_timer)) {
        look_again(hub);
    }
}

/* The last one takes its place. */
void bi_tls_forget_warm(struct bi_tls_layer *layer)
{
    struct bi_tls_hub *hub = layer->hub;
    if (layer->is_warm) {
        struct bi_tls_layer *last = hub->warm[--hub->warm_count];
        hub->warm[layer->warm_place] = last;
        last->warm_place = layer->warm_place;
        layer->is_warm = false;
    }
}

/* SSL_free_buffers says that it keeps a buffer with something in it. But before 3.0.14 it does not look at a record of
 * which there is the header alone, nor at one that is decrypted and not read to its end (CVE-2024-4741). And a session
 * that has failed may have lost what has the buffers: since 3.2 to ask it for anything of that is a crash. */
void bi_tls_let_go(struct bi_tls_layer *layer)
{
    if (layer->state == BI_TLS_OVER) {
        return;
    }
    bool is_in_body = SSL_rstate_string(layer->ssl)[1] == 'B'; /* "RB", as against "RH" */
    if (!is_in_body && SSL_has_pending(layer->ssl) == 0) {
        (void)SSL_free_buffers(layer->ssl);
    }
}

/* Where there is a part of a record in one, it goes behind that record. */
void bi_tls_cool_down(struct bi_tls_layer *layer)
{
    layer->uses = 0;
    if (!layer->is_warm) {
        return;
    }
    bi_tls_forget_warm(layer);
    bi_tls_let_go(layer);
}

void bi_tls_cool_down_unused(struct bi_wheel_entry *timer)
{
    struct bi_tls_hub *hub = BI_CONTAINER(timer, struct bi_tls_hub, warm_timer);
    for (unsigned i = hub->warm_count; i-- > 0;) {
        struct bi_tls_layer *layer = hub->warm[i];
        if (layer->was_used) {
            layer->was_used = false;
        } else {
            bi_tls_cool_down(layer);
        }
    }
    if (hub->warm_count > 0) {
        look_again(hub);
    }
}
