/* SPDX-License-Identifier: MIT */
/* hub.c - what the transports of one reactor share: the table of their slots, the pools, the receive buffer.
 *
 * A slot is a facade and the loop's watch behind it, without a header of malloc's. Slots lie in pages; an id is the
 * slot's index below and its generation above, and a generation never comes twice: it counts on when the page has been
 * given back and made anew, and a slot whose generations are used up is retired. A free slot keeps its next generation
 * in the upper half of `id` and the next free slot of its page in the lower; its hub is NULL. The hub hangs on the
 * reactor, which calls it when everything is disconnected and when it goes. */
#include <bight/memory.h>

#include <string.h>

#include "base/pages.h"
#include "transport/transport.h"

enum {
    PAGE_BITS = 8,
    SLOTS_A_PAGE = 1 << PAGE_BITS,
    NO_SLOT = SLOTS_A_PAGE,
    SPARE_PAGES = 1,
    OBJECT_SLAB = 65536,
    BLOCK_SLAB = 262144, /* 16 blocks */
    SPARE_BLOCK_SLABS = 4
};

#define TRIM_PERIOD BIGHT_NANOSECONDS_PER_SECOND

struct bi_slot_page {
    uint8_t *memory; /* NULL: given back */
    uint32_t used;   /* retired ones too */
    uint32_t first_free;
    uint32_t generation; /* of slots when the memory is made anew */
};

static const struct bi_attachment_kind connections;

_Static_assert(sizeof(void *) != 8 || sizeof(struct bight_transport) == 80, "a facade is a cache line and 16 bytes");
_Static_assert(sizeof(struct bi_loss) <= BIGHT_LEAST_WATCH, "a loss lies in a watch");

static struct bight_transport *slot_at(const struct bi_hub *hub, size_t page, size_t slot)
{
    return (struct bight_transport *)(void *)(hub->pages[page].memory + slot * hub->slot_size);
}

static uint64_t make_id(uint32_t generation, size_t index)
{
    return (uint64_t)generation << 32 | index;
}

static uint32_t generation_of(const struct bight_transport *transport)
{
    return (uint32_t)(transport->id >> 32);
}

/* What is behind id and hub of a free slot. */
static void poison(const struct bi_hub *hub, struct bight_transport *slot)
{
    size_t kept = offsetof(struct bight_transport, protocol);
    bi_memory_poison((char *)slot + kept, hub->slot_size - kept);
}

static int add_page(struct bi_hub *hub)
{
    if (hub->page_count == hub->page_capacity) {
        size_t capacity = hub->page_capacity == 0 ? 4 : hub->page_capacity * 2;
        struct bi_slot_page *pages = bight_realloc(hub->pages, capacity * sizeof *pages);
        if (pages == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
        hub->pages = pages;
        hub->page_capacity = capacity;
    }
    hub->pages[hub->page_count++] = (struct bi_slot_page) { .first_free = 0, .generation = 1 };
    return BIGHT_OK;
}

/* Memory for a page that has none: every slot is free and first of its generation. */
static int fill_page(struct bi_hub *hub, size_t number)
{
    struct bi_slot_page *page = &hub->pages[number];
    page->memory = bi_pages_allocate(hub->slot_size * SLOTS_A_PAGE);
    if (page->memory == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < SLOTS_A_PAGE; i++) {
        struct bight_transport *slot = slot_at(hub, number, i);
        slot->id = make_id(page->generation, i + 1);
        slot->hub = NULL;
        poison(hub, slot);
    }
    page->first_free = 0;
    page->used = 0;
    hub->empty_pages++;
    return BIGHT_OK;
}

static bool has_room(const struct bi_slot_page *page)
{
    return page->memory == NULL ? page->generation != UINT32_MAX : page->first_free != NO_SLOT;
}

/* The first page with a free slot; page_count when there is none. */
static size_t find_open_page(struct bi_hub *hub)
{
    while (hub->open_page < hub->page_count && !has_room(&hub->pages[hub->open_page])) {
        hub->open_page++;
    }
    return hub->open_page;
}

struct bight_transport *bi_hub_take(struct bi_hub *hub)
{
    size_t number = find_open_page(hub);
    if (number == hub->page_count && add_page(hub) != BIGHT_OK) {
        return NULL;
    }
    struct bi_slot_page *page = &hub->pages[number];
    if (page->memory == NULL && fill_page(hub, number) != BIGHT_OK) {
        return NULL;
    }
    uint32_t index = page->first_free;
    struct bight_transport *slot = slot_at(hub, number, index);
    page->first_free = (uint32_t)slot->id;
    hub->empty_pages -= page->used++ == 0;
    hub->reactor->traffic.open++;
    bi_memory_unpoison(slot, hub->slot_size);
    *slot = (struct bight_transport) {
        .id = make_id(generation_of(slot), number << PAGE_BITS | index),
        .hub = hub,
    };
    return slot;
}

/* The memory of a page without transports goes; its slots' generations go on where they were. */
static void release_page(struct bi_hub *hub, size_t number)
{
    struct bi_slot_page *page = &hub->pages[number];
    uint32_t generation = 0;
    for (size_t i = 0; i < SLOTS_A_PAGE; i++) {
        uint32_t each = generation_of(slot_at(hub, number, i));
        generation = each > generation ? each : generation;
    }
    page->generation = generation;
    bi_memory_unpoison(page->memory, hub->slot_size * SLOTS_A_PAGE);
    bi_pages_release(page->memory, hub->slot_size * SLOTS_A_PAGE);
    page->memory = NULL;
}

void bi_hub_give(struct bight_transport *transport)
{
    struct bi_hub *hub = transport->hub;
    size_t index = (uint32_t)transport->id;
    size_t number = index >> PAGE_BITS;
    struct bi_slot_page *page = &hub->pages[number];
    uint32_t generation = generation_of(transport) + 1;
    hub->reactor->traffic.open--;
    transport->hub = NULL;
    transport->id = make_id(generation, page->first_free);
    poison(hub, transport);
    if (generation == UINT32_MAX) {
        return; /* retired: counts as used for ever */
    }
    page->first_free = index & (SLOTS_A_PAGE - 1);
    hub->open_page = number < hub->open_page ? number : hub->open_page;
    if (--page->used > 0) {
        return;
    }
    if (hub->empty_pages >= SPARE_PAGES) {
        release_page(hub, number);
    } else {
        hub->empty_pages++;
    }
}

/* NULL when the slot at this index is free or has no memory. */
static struct bight_transport *transport_at(const struct bi_hub *hub, size_t index)
{
    size_t number = index >> PAGE_BITS;
    if (number >= hub->page_count || hub->pages[number].memory == NULL) {
        return NULL;
    }
    struct bight_transport *transport = slot_at(hub, number, index & (SLOTS_A_PAGE - 1));
    return transport->hub == NULL ? NULL : transport;
}

struct bight_transport *bi_hub_at(const struct bi_hub *hub, uint32_t index)
{
    return slot_at(hub, index >> PAGE_BITS, index & (SLOTS_A_PAGE - 1));
}

struct bight_transport *bight_transport_find(struct bight_reactor *reactor, uint64_t id)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &connections);
    if (attachment == NULL || id >> 32 == 0) {
        return NULL;
    }
    struct bi_hub *hub = BI_CONTAINER(attachment, struct bi_hub, attachment);
    struct bight_transport *transport = transport_at(hub, (uint32_t)id);
    if (transport == NULL || transport->id != id || (transport->state & BI_STATE_ENDED)) {
        return NULL;
    }
    return transport;
}

/* R3, T5: ends all whose state has none of these bits. No connection is left behind, and none is made meanwhile. */
static void end_all_but(struct bi_hub *hub, uint32_t bits)
{
    hub->disconnecting = true;
    for (size_t i = 0; i < hub->page_count << PAGE_BITS; i++) {
        struct bight_transport *transport = transport_at(hub, i);
        if (transport != NULL && !(transport->state & bits)) {
            bi_close_end_now(transport, bight_failure_of(BIGHT_E_CONNECTION_LOST));
        }
    }
    hub->disconnecting = false;
}

/* Those whose loss is queued already end when the reactor runs that queue, which it does next. */
static void disconnect(struct bi_attachment *attachment)
{
    end_all_but(BI_CONTAINER(attachment, struct bi_hub, attachment), BI_STATE_OVER);
}

/* --------------------------------------------------------------------------------------------- pools */

static void trim_in_a_while(void *context)
{
    struct bi_hub *hub = context;
    if (!bi_wheel_is_armed(&hub->trim_timer)) {
        bi_reactor_arm(hub->reactor, &hub->trim_timer, bi_reactor_now(hub->reactor) + TRIM_PERIOD);
    }
}

static void trim(struct bi_wheel_entry *timer)
{
    struct bi_hub *hub = BI_CONTAINER(timer, struct bi_hub, trim_timer);
    struct bi_pool *pools[] = { &hub->extensions, &hub->outputs, &hub->references, &hub->blocks };
    bool goes_on = false;
    for (size_t i = 0; i < sizeof pools / sizeof *pools; i++) {
        goes_on = bi_pool_trim(pools[i]) || goes_on;
    }
    if (goes_on) {
        trim_in_a_while(hub);
    }
}

static void make_pools(struct bi_hub *hub)
{
    size_t output_size = sizeof(struct bi_output) + hub->watch_size + BI_FIRST_BLOCK_SIZE;
    hub->trim_timer.function = trim;
    bi_pool_init(&hub->extensions, sizeof(struct bi_extension), OBJECT_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(&hub->outputs, output_size, OBJECT_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(&hub->references, sizeof(struct bi_chunk), OBJECT_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(&hub->blocks, sizeof(struct bi_chunk) + BI_BLOCK_BYTES, BLOCK_SLAB, SPARE_BLOCK_SLABS, trim_in_a_while, hub);
}

static void finish_pools(struct bi_hub *hub)
{
    bi_output_free_ready(hub);
    bi_reactor_disarm(hub->reactor, &hub->trim_timer);
    bi_pool_finish(&hub->extensions);
    bi_pool_finish(&hub->outputs);
    bi_pool_finish(&hub->references);
    bi_pool_finish(&hub->blocks);
}

/* ------------------------------------------------------------------------------- the hub's beginning and end */

static int after_fork(struct bi_attachment *attachment)
{
    struct bi_hub *hub = BI_CONTAINER(attachment, struct bi_hub, attachment);
    struct bight_transport *transport;
    for (size_t cursor = 0; (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        bi_close_inherit(transport);
    }
    return 0;
}

/* Ended connections whose protocols are held by somebody outlive the hub without a transport of their own. */
static void orphan_protocols(struct bi_hub *hub)
{
    for (size_t i = 0; i < hub->page_count << PAGE_BITS; i++) {
        struct bight_transport *transport = transport_at(hub, i);
        if (transport != NULL) {
            transport->protocol->transport = BI_TRANSPORT_CLOSED;
            bi_hub_give(transport);
        }
    }
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct bi_hub *hub = BI_CONTAINER(attachment, struct bi_hub, attachment);
    end_all_but(hub, BI_STATE_ENDED);
    orphan_protocols(hub);
    bi_idle_finish(hub);
    finish_pools(hub);
    for (size_t i = 0; i < hub->page_count; i++) {
        if (hub->pages[i].memory != NULL) {
            release_page(hub, i);
        }
    }
    bight_free(hub->pages);
    bi_pages_release(hub->receive_buffer, BI_RECEIVE_SIZE);
}

static bool open_hub(struct bi_attachment *attachment)
{
    struct bi_hub *hub = BI_CONTAINER(attachment, struct bi_hub, attachment);
    struct bight_reactor *reactor = attachment->reactor;
    hub->receive_buffer = bi_pages_allocate(BI_RECEIVE_SIZE); /* aligned: the kernel copies faster */
    if (hub->receive_buffer == NULL) {
        return false;
    }
    hub->reactor = reactor;
    hub->system = reactor->system;
    hub->is_edge = reactor->loop->edge != 0;
    hub->watch_size = (reactor->loop->ops->watch_size + 15) & ~(size_t)15;
    hub->slot_size = sizeof(struct bight_transport) + hub->watch_size;
    make_pools(hub);
    return true;
}

static const struct bi_attachment_kind connections = {
    .order = BI_ORDER_CONNECTIONS,
    .size = sizeof(struct bi_hub),
    .open = open_hub,
    .at = { [BI_DISCONNECTING] = disconnect },
    .finish = finish_hub,
    .after_fork = after_fork,
    .describe = bi_hub_describe,
};

struct bi_hub *bi_hub_of(struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_of(reactor, &connections);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_hub, attachment);
}

struct bight_transport *bi_hub_next(const struct bi_hub *hub, size_t *cursor)
{
    while (*cursor < hub->page_count << PAGE_BITS) {
        struct bight_transport *transport = transport_at(hub, (*cursor)++);
        if (transport != NULL) {
            return transport;
        }
    }
    return NULL;
}
