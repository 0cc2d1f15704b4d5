/* SPDX-License-Identifier: MIT */
/* hub.c - what the transports of one reactor share: the table of their slots, the pools, the receive buffer.
 *
 * A slot is a facade and the loop's watch behind it, without a header of malloc's. Slots come from a pool, and the
 * table knows its slabs by number. An id is the slot's index below (the slab's number, and which of its slots) and its
 * generation above, and a generation never comes twice: the table's entry stays when the slab has been given back, and
 * those that come at its number count on; a slot whose generations are used up is retired. A free slot keeps its next
 * id with a mark. The hub hangs on the reactor, which calls it when everything is disconnected and when it goes. */
#include <bight/memory.h>

#include <string.h>

#include "base/pages.h"
#include "transport/close.h"
#include "transport/invariants.h"
#include "transport/state.h"

enum {
    SLAB_BITS = 8,
    MAX_PER_SLAB = 1 << SLAB_BITS, /* slots */
    SPARE_SLABS = 1,
    OBJECT_SLAB = 65536,
    BLOCK_SLAB = 262144, /* 16 blocks */
    SPARE_BLOCK_SLABS = 4
};

#define TRIM_PERIOD BIGHT_NANOSECONDS_PER_SECOND

#define IS_FREE (UINT64_C(1) << 31) /* in an id */

struct bi_slot_slab {
    struct bi_pool_slab *slab; /* NULL: given back */
    uint32_t generation;       /* that none of its slots has had */
};

static const struct bi_attachment_kind connections;

_Static_assert(sizeof(void *) != 8 || sizeof(struct bight_transport) == 80, "a facade is a cache line and 16 bytes");
_Static_assert(offsetof(struct bight_transport, id) == offsetof(struct bi_slot, generation), "an id stays readable");
_Static_assert(sizeof(struct bi_loss) <= BIGHT_MIN_WATCH, "a loss lies in a watch");

struct bight_transport *bi_hub_at(const struct bi_hub *hub, uint32_t index)
{
    const struct bi_pool_slab *slab = hub->slabs[index >> SLAB_BITS].slab;
    return (struct bight_transport *)(void *)bi_pool_slot_at(&hub->slots, slab, index & (MAX_PER_SLAB - 1));
}

/* NULL when the slot at this index is free or has no memory. */
static struct bight_transport *transport_at(const struct bi_hub *hub, size_t index)
{
    size_t number = index >> SLAB_BITS;
    const struct bi_pool_slab *slab = number < hub->slab_count ? hub->slabs[number].slab : NULL;
    if (slab == NULL || (index & (MAX_PER_SLAB - 1)) >= slab->carved) {
        return NULL;
    }
    struct bight_transport *transport = bi_hub_at(hub, (uint32_t)index);
    return transport->id & IS_FREE ? NULL : transport;
}

/* The first that no slab has. */
static size_t find_number(const struct bi_hub *hub)
{
    size_t number = 0;
    while (number < hub->slab_count && hub->slabs[number].slab != NULL) {
        number++;
    }
    return number;
}

static int enter_slab(struct bi_hub *hub, struct bi_pool_slab *slab)
{
    size_t number = find_number(hub);
    if (number == hub->slab_capacity) {
        size_t capacity = number == 0 ? 4 : number * 2;
        struct bi_slot_slab *slabs = bight_realloc(hub->slabs, capacity * sizeof *slabs);
        if (slabs == NULL) {
            return BIGHT_E_OUT_OF_MEMORY;
        }
        hub->slabs = slabs;
        hub->slab_capacity = capacity;
    }
    if (number == hub->slab_count) {
        hub->slabs[hub->slab_count++].generation = 1;
    }
    hub->slabs[number].slab = slab;
    slab->number = (uint32_t)number;
    return BIGHT_OK;
}

/* Of a slot that has never been taken, and so is the last that its slab has carved. 0 when out of memory. */
static uint64_t make_id(struct bi_hub *hub, struct bi_pool_slab *slab)
{
    if (slab->carved == 1 && enter_slab(hub, slab) != BIGHT_OK) {
        return 0;
    }
    return (uint64_t)hub->slabs[slab->number].generation << 32 | slab->number << SLAB_BITS | (slab->carved - 1);
}

struct bight_transport *bi_hub_take(struct bi_hub *hub)
{
    struct bi_pool_slab *slab;
    struct bi_slot *slot = bi_pool_take_slot(&hub->slots, &slab);
    if (slot == NULL) {
        return NULL;
    }
    uint64_t id = slot->generation != 0 ? slot->generation & ~IS_FREE : make_id(hub, slab);
    if (id == 0) {
        bi_pool_release_slab(&hub->slots, slab);
        return NULL;
    }
    hub->reactor->traffic.open++;
    struct bight_transport *transport = (struct bight_transport *)(void *)slot;
    *transport = (struct bight_transport) { .id = id, .hub = hub };
    return transport;
}

void bi_hub_give(struct bight_transport *transport)
{
    struct bi_hub *hub = transport->hub;
    struct bi_slot_slab *entry = &hub->slabs[(uint32_t)transport->id >> SLAB_BITS];
    uint32_t generation = (uint32_t)(transport->id >> 32) + 1;
    hub->reactor->traffic.open--;
    transport->id = (uint64_t)generation << 32 | (uint32_t)transport->id | IS_FREE;
    if (generation == UINT32_MAX) {
        return; /* retired: counts as taken for ever */
    }
    entry->generation = generation > entry->generation ? generation : entry->generation;
    bool is_empty = bi_pool_give_slot(&hub->slots, entry->slab, (struct bi_slot *)(void *)transport);
    if (is_empty && hub->slots.spare > SPARE_SLABS) {
        bi_pool_release_slab(&hub->slots, entry->slab);
        entry->slab = NULL;
    }
}

/* What a slab has not carved is stepped over: with few connections that is nearly all of it. */
struct bight_transport *bi_hub_next(const struct bi_hub *hub, size_t *cursor)
{
    for (size_t number; (number = *cursor >> SLAB_BITS) < hub->slab_count; *cursor = (number + 1) << SLAB_BITS) {
        const struct bi_pool_slab *slab = hub->slabs[number].slab;
        size_t end = (number << SLAB_BITS) + (slab == NULL ? 0 : slab->carved);
        while (*cursor < end) {
            struct bight_transport *transport = transport_at(hub, (*cursor)++);
            if (transport != NULL) {
                return transport;
            }
        }
    }
    return NULL;
}

struct bight_transport *bi_hub_find(const struct bi_hub *hub, uint64_t id)
{
    struct bight_transport *transport = transport_at(hub, (uint32_t)id);
    if (transport == NULL || transport->id != id || bi_life_of(transport) == BI_LOST) {
        return NULL;
    }
    return transport;
}

struct bight_transport *bight_transport_find(struct bight_reactor *reactor, uint64_t id)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &connections);
    if (attachment == NULL || id >> 32 == 0) {
        return NULL;
    }
    return bi_hub_find(BI_CONTAINER(attachment, struct bi_hub, attachment), id);
}

/* R3, T5: ends all that have not come to this point of their lives. No connection is left behind, and none is made
 * meanwhile. */
static void end_all_before(struct bi_hub *hub, uint32_t life)
{
    hub->disconnecting = true;
    struct bight_transport *transport;
    for (size_t cursor = 0; (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        if (bi_life_of(transport) < life) {
            bi_close_end_now(transport, bight_failure_of(BIGHT_E_CONNECTION_LOST));
        }
    }
    hub->disconnecting = false;
}

/* Those whose loss is queued already end when the reactor runs that queue, which it does next. */
static void disconnect(struct bi_attachment *attachment)
{
    end_all_before(BI_CONTAINER(attachment, struct bi_hub, attachment), BI_LOSS_DUE);
}

/* -------------------------------------------------------------------------------------- layers' work */

/* What all layers together may do on one turn, so that a thousand handshakes do not hold up the loop. */
#define WORK_PER_TURN (BIGHT_NANOSECONDS_PER_SECOND / 100)

static void forget_spent(struct bi_task *task)
{
    BI_CONTAINER(task, struct bi_hub, budget_task)->spent = 0;
}

bool bi_hub_spend(struct bi_hub *hub, uint64_t nanoseconds)
{
    if (hub->spent >= WORK_PER_TURN) {
        return false;
    }
    hub->spent += nanoseconds < WORK_PER_TURN ? nanoseconds : WORK_PER_TURN;
    if (hub->budget_task.run == NULL) {
        bi_reactor_soon(hub->reactor, &hub->budget_task, forget_spent);
    }
    return true;
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
    size_t slot_size = sizeof(struct bight_transport) + hub->watch_size;
    size_t output_size = sizeof(struct bi_output) + hub->watch_size + BI_FIRST_BLOCK_SIZE;
    bi_pool_init(&hub->slots, slot_size - BI_SLOT_ALIGNMENT, slot_size * MAX_PER_SLAB, 0, NULL, NULL);
    hub->trim_timer.function = trim;
    bi_pool_init(&hub->extensions, sizeof(struct bi_extension), OBJECT_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(&hub->outputs, output_size, OBJECT_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(&hub->references, sizeof(struct bi_chunk), OBJECT_SLAB, 1, trim_in_a_while, hub);
    bi_pool_init(
        &hub->blocks, sizeof(struct bi_chunk) + BI_BLOCK_BYTES, BLOCK_SLAB, SPARE_BLOCK_SLABS, trim_in_a_while, hub);
}

/* One that is kept for the next small write. */
static void free_output(struct bi_hub *hub, struct bi_output *output)
{
    if (output != NULL) {
        bi_pool_give(&hub->blocks, output->first);
        bi_pool_give(&hub->outputs, output);
    }
}

static void finish_pools(struct bi_hub *hub)
{
    free_output(hub, hub->ready_output);
    free_output(hub, hub->lent_output);
    bi_reactor_disarm(hub->reactor, &hub->trim_timer);
    bi_pool_finish(&hub->extensions);
    bi_pool_finish(&hub->outputs);
    bi_pool_finish(&hub->references);
    bi_pool_finish(&hub->blocks);
}

/* ---------------------------------------------------------------------------------------- invariants */

static const char *look_at_slot(const struct bi_hub *hub, const struct bi_slot_slab *entry, uint32_t index)
{
    const struct bi_slot *slot = bi_pool_slot_at(&hub->slots, entry->slab, index & (MAX_PER_SLAB - 1));
    BI_MUST(((uint32_t)slot->generation & ~(uint32_t)IS_FREE) == index, "slots: an id says where its slot is");
    uint32_t generation = (uint32_t)(slot->generation >> 32);
    BI_MUST(!(slot->generation & IS_FREE) || generation == UINT32_MAX || generation <= entry->generation,
        "slots: the table knows the highest generation of those that were given back");
    return NULL;
}

static const char *look_at_slab(const struct bi_hub *hub, uint32_t number)
{
    const struct bi_slot_slab *entry = &hub->slabs[number];
    size_t free_slots = 0;
    BI_MUST(entry->slab->number == number, "slots: a slab knows its number");
    for (const struct bi_slot *slot = entry->slab->free_list; slot != NULL; slot = bi_slot_next(slot)) {
        BI_MUST(slot->generation & IS_FREE, "slots: what is in a free list is free");
        BI_MUST(++free_slots <= entry->slab->carved, "slots: a free list comes to an end");
    }
    BI_MUST(free_slots + entry->slab->used == entry->slab->carved, "slots: each is free or taken");
    for (uint32_t i = 0; i < entry->slab->carved; i++) {
        const char *broken = look_at_slot(hub, entry, number << SLAB_BITS | i);
        BI_MUST(broken == NULL, broken);
    }
    return NULL;
}

const char *bi_invariants_of_slots(const struct bi_hub *hub)
{
    BI_MUST(hub->slab_count <= hub->slab_capacity, "slots: the table is as long as its room at most");
    for (uint32_t number = 0; number < hub->slab_count; number++) {
        const char *broken = hub->slabs[number].slab == NULL ? NULL : look_at_slab(hub, number);
        BI_MUST(broken == NULL, broken);
    }
    return NULL;
}

/* ------------------------------------------------------------------------------- the hub's beginning and end */

static int after_fork(struct bi_attachment *attachment)
{
    struct bi_hub *hub = BI_CONTAINER(attachment, struct bi_hub, attachment);
    struct bight_transport *transport;
    for (size_t cursor = 0; (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        bi_receive_end_early(transport);
        bi_close_inherit(transport);
    }
    return 0;
}

/* Ended connections whose protocols the program holds outlive the hub without a transport of their own. */
static void orphan_protocols(struct bi_hub *hub)
{
    struct bight_transport *transport;
    for (size_t cursor = 0; (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        transport->protocol->transport = BI_TRANSPORT_CLOSED;
        bi_hub_give(transport);
    }
}

static void finish_hub(struct bi_attachment *attachment)
{
    struct bi_hub *hub = BI_CONTAINER(attachment, struct bi_hub, attachment);
    end_all_before(hub, BI_LOST);
    orphan_protocols(hub);
    if (hub->budget_task.run != NULL) {
        bi_reactor_unqueue(hub->reactor, &hub->budget_task);
    }
    bi_idle_finish(hub);
    bi_doubt_finish(hub);
    finish_pools(hub);
    for (size_t i = 0; i < hub->slab_count; i++) {
        if (hub->slabs[i].slab != NULL) {
            bi_pool_release_slab(&hub->slots, hub->slabs[i].slab);
        }
    }
    bight_free(hub->slabs);
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
    make_pools(hub);
    bi_cap_begin(hub);
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

const struct bi_hub *bi_hub_if_any(const struct bight_reactor *reactor)
{
    struct bi_attachment *attachment = bi_attachment_find(reactor, &connections);
    return attachment == NULL ? NULL : BI_CONTAINER(attachment, struct bi_hub, attachment);
}
