/* SPDX-License-Identifier: MIT */
/* hub.c - what the TLS layers of a reactor share: buffers for one piece of work, pools, timers.
 *
 * The BIO is bio.c's; which sessions keep OpenSSL's buffers is warm.c's. */
#include "tls/hub.h"

#include <bight/memory.h>

#include "reactor/reactor.h"
#include "tls/bio.h"
#include "tls/plaintext.h"

enum {
    SPARE_BUFFERS = 4,
    OVERHEAD = 1024, /* of a full record: header, padding, tag; and of small ones that come with it */
    BUFFER_ROOM = BI_TLS_AHEAD + BI_TLS_RECORD + OVERHEAD,
    BLOCK_SLAB = 1 << 18,
    REFERENCE_SLAB = 1 << 14
};

#define TRIM_PERIOD BIGHT_NANOSECONDS_PER_SECOND

static void trim_in_a_while(void *context)
{
    struct bi_tls_hub *hub = context;
    struct bight_reactor *reactor = hub->attachment.reactor;
    if (!bi_wheel_is_armed(&hub->trim_timer)) {
        bi_reactor_arm(reactor, &hub->trim_timer, bi_reactor_now(reactor) + TRIM_PERIOD);
    }
}

static void trim(struct bi_wheel_entry *timer)
{
    struct bi_tls_hub *hub = BI_CONTAINER(timer, struct bi_tls_hub, trim_timer);
    bool blocks = bi_pool_trim(&hub->blocks), references = bi_pool_trim(&hub->references);
    if (blocks || references) {
        trim_in_a_while(hub);
    }
}

static bool open_hub(struct bi_attachment *attachment)
{
    struct bi_tls_hub *hub = BI_CONTAINER(attachment, struct bi_tls_hub, attachment);
    hub->trim_timer.function = trim;
    hub->warm_timer.function = bi_tls_cool_down_unused;
    hub->most_warm = BI_TLS_MAX_WARM;
    hub->bio = bi_tls_bio_new(hub);
    if (hub->bio == NULL) {
        return false;
    }
    bi_pool_init(&hub->blocks, BI_TLS_BLOCK_SIZE, BLOCK_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(&hub->references, BI_TLS_REFERENCE_SIZE, REFERENCE_SLAB, 1, trim_in_a_while, hub);
    return true;
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct bi_tls_hub *hub = BI_CONTAINER(attachment, struct bi_tls_hub, attachment);
    bi_reactor_disarm(attachment->reactor, &hub->trim_timer);
    bi_reactor_disarm(attachment->reactor, &hub->warm_timer);
    while (hub->spare != NULL) {
        struct bi_tls_buffer *buffer = hub->spare;
        hub->spare = buffer->next;
        bight_free(buffer);
    }
    bi_pool_give(&hub->blocks, hub->spare_block);
    bi_pool_finish(&hub->blocks);
    bi_pool_finish(&hub->references);
    BIO_free(hub->bio);
}

static const struct bi_attachment_kind hub_kind = {
    .order = BI_ORDER_SECURITY,
    .size = sizeof(struct bi_tls_hub),
    .open = open_hub,
    .finish = finish_hub,
};

struct bi_tls_hub *bi_tls_hub_of(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_of(reactor, &hub_kind);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_tls_hub, attachment);
}

struct bi_tls_buffer *bi_tls_buffer_take(struct bi_tls_hub *hub)
{
    struct bi_tls_buffer *buffer = hub->spare;
    if (BI_LIKELY(buffer != NULL)) {
        hub->spare = buffer->next;
        hub->spare_count--;
        buffer->size = 0;
        return buffer;
    }
    buffer = bight_malloc(sizeof *buffer + BUFFER_ROOM);
    if (buffer != NULL) {
        *buffer = (struct bi_tls_buffer) { .room = BUFFER_ROOM };
    }
    return buffer;
}

void bi_tls_buffer_give(struct bi_tls_hub *hub, struct bi_tls_buffer *buffer)
{
    if (buffer == NULL) {
        return;
    }
    if (hub->spare_count >= SPARE_BUFFERS || buffer->room > BUFFER_ROOM) {
        bight_free(buffer);
        return;
    }
    buffer->next = hub->spare;
    hub->spare = buffer;
    hub->spare_count++;
}
