/* SPDX-License-Identifier: MIT */
/* walk.c - everything that a reactor has, one after the other.
 *
 * The obvious way, a cursor into what is walked, would have to stand firm while the program opens, closes and cancels.
 * So what there is is listed first, each item by what shows whether it is still there: a port is held, a connection has
 * its id, a timer its handle. */
#include <bight/debug.h>

#include <bight/memory.h>
#include <bight/transport.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/places.h"
#include "transport/describe.h"
#include "transport/port.h"
#include "transport/state.h"

struct entry {
    struct bight_item item;
    uint64_t id;       /* of a connection */
    uint64_t deadline; /* of a timer, for sorting */
};

struct list {
    struct bight_reactor *reactor;
    struct entry *entries;
    size_t count;
};

/* ------------------------------------------------------------------------------------------- listing */

static struct entry *add(struct list *list, enum bight_item_kind kind, const void *object, uint64_t generation)
{
    struct entry *entry = &list->entries[list->count++];
    *entry = (struct entry) { .item.kind = kind, .item.place = bi_places_find(object, generation, NULL) };
    return entry;
}

static void list_ports(struct list *list)
{
    for (struct bi_open *open = NULL; (open = bi_open_next(list->reactor, open)) != NULL;) {
        if (open->tell != NULL) { /* or an attempt to connect */
            struct bight_port *port = BI_CONTAINER(open, struct bight_port, open);
            add(list, BIGHT_ITEM_PORT, open, 0)->item.port = bight_port_hold(port);
        }
    }
}

static void list_connections(struct list *list)
{
    const struct bi_hub *hub = bi_hub_if_any(list->reactor);
    struct bight_transport *transport;
    for (size_t cursor = 0; hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        if (bi_life_of(transport) != BI_LOST) {
            struct entry *entry = add(list, BIGHT_ITEM_CONNECTION, transport, transport->id);
            entry->item.transport = transport;
            entry->id = transport->id;
        }
    }
}

static void list_timer(const struct bi_wheel_entry *timer, void *context)
{
    struct list *list = context;
    const struct bight_timer_slot *slot = bi_reactor_call_of(timer);
    if (slot != NULL) {
        struct entry *entry = add(list, BIGHT_ITEM_TIMER, timer, timer->generation);
        entry->item.timer = (struct bight_timer) { (void *)(uintptr_t)slot, slot->generation, &list->reactor->clock };
        entry->deadline = timer->deadline;
    }
}

static int compare_deadlines(const void *left, const void *right)
{
    uint64_t one = ((const struct entry *)left)->deadline, other = ((const struct entry *)right)->deadline;
    return one < other ? -1 : one > other;
}

static void list_timers(struct list *list)
{
    size_t before = list->count;
    bi_wheel_visit(&list->reactor->wheel, list_timer, list);
    qsort(list->entries + before, list->count - before, sizeof *list->entries, compare_deadlines);
}

/* Room for what there is, and perhaps more. */
static bool make_room(struct list *list, unsigned kinds)
{
    const struct bight_reactor *reactor = list->reactor;
    size_t room = 1;
    room += kinds & BIGHT_ITEM_PORT ? (size_t)reactor->traffic.ports : 0;
    room += kinds & BIGHT_ITEM_CONNECTION ? (size_t)reactor->traffic.open : 0;
    room += kinds & BIGHT_ITEM_TIMER ? (size_t)reactor->wheel.armed : 0;
    list->entries = bight_calloc(room, sizeof *list->entries);
    return list->entries != NULL;
}

/* ------------------------------------------------------------------------------------------- walking */

static bool is_there(const struct list *list, const struct entry *entry)
{
    switch (entry->item.kind) {
    case BIGHT_ITEM_PORT:
        return entry->item.port->descriptor >= 0;
    case BIGHT_ITEM_CONNECTION:
        return bi_hub_find(bi_hub_if_any(list->reactor), entry->id) != NULL;
    case BIGHT_ITEM_TIMER:
        return bight_timer_is_pending(entry->item.timer);
    }
    return false;
}

static void walk(const struct list *list, bight_item_function function, void *context)
{
    bool goes_on = true;
    for (size_t i = 0; i < list->count && goes_on; i++) {
        goes_on = !is_there(list, &list->entries[i]) || function(&list->entries[i].item, context);
    }
}

static void release(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        bight_port_release(list->entries[i].item.port);
    }
    bight_free(list->entries);
}

int bight_reactor_walk(struct bight_reactor *reactor, unsigned kinds, bight_item_function function, void *context)
{
    const unsigned all = BIGHT_ITEM_PORT | BIGHT_ITEM_CONNECTION | BIGHT_ITEM_TIMER;
    struct list list = { .reactor = reactor };
    int code = bi_reactor_check_thread(reactor, "bight_reactor_walk");
    if (code != BIGHT_OK) {
        return code;
    }
    if (function == NULL || (kinds & ~all) != 0) {
        return bi_usage_error(BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_reactor_walk: %s",
            function == NULL ? "there is no function" : "there is no such kind of item");
    }
    if (!make_room(&list, kinds)) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (kinds & BIGHT_ITEM_PORT) {
        list_ports(&list);
    }
    if (kinds & BIGHT_ITEM_CONNECTION) {
        list_connections(&list);
    }
    if (kinds & BIGHT_ITEM_TIMER) {
        list_timers(&list);
    }
    walk(&list, function, context);
    release(&list);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- in words */

static size_t describe_port(const struct bight_port *port, char *buffer, size_t size)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    const char *state = port->is_paused ? ", paused" : port->is_backing_off ? ", backs off" : "";
    bight_address_format(&port->address, address, sizeof address);
    int length = snprintf(buffer, size, "port %s: %zu connection%s%s", address, port->connections,
        port->connections == 1 ? "" : "s", state);
    return length < 0 ? 0 : (size_t)length;
}

static size_t describe_connection(struct bight_transport *transport, char *buffer, size_t size)
{
    struct bight_address peer;
    char address[BIGHT_ADDRESS_TEXT_SIZE] = "a peer without an address";
    if (bi_describe_peer(transport, &peer) && bight_address_format(&peer, NULL, 0) > 0) {
        bight_address_format(&peer, address, sizeof address);
    }
    size_t queued = bi_is_cut(transport) ? 0 : bi_flow_queued(transport);
    int length = snprintf(buffer, size, "connection %llu %s %s: %s, %zu byte%s to send",
        (unsigned long long)transport->id, transport->state & BI_ACCEPTED ? "from" : "to", address,
        bi_describe_state(transport), queued, queued == 1 ? "" : "s");
    return length < 0 ? 0 : (size_t)length;
}

static size_t describe_timer(struct bight_timer timer, char *buffer, size_t size)
{
    uint64_t deadline = bight_timer_deadline(timer), now = bight_clock_now(timer.clock);
    bool is_late = deadline <= now;
    double seconds = (double)(is_late ? now - deadline : deadline - now) / (double)BIGHT_NANOSECONDS_PER_SECOND;
    int length = snprintf(buffer, size, "timer due %s %.6f s", is_late ? "since" : "in", seconds);
    return length < 0 ? 0 : (size_t)length;
}

static size_t describe(const struct bight_item *item, char *buffer, size_t size)
{
    switch (item->kind) {
    case BIGHT_ITEM_PORT:
        return describe_port(item->port, buffer, size);
    case BIGHT_ITEM_CONNECTION:
        return describe_connection(item->transport, buffer, size);
    case BIGHT_ITEM_TIMER:
        return describe_timer(item->timer, buffer, size);
    }
    return 0;
}

size_t bight_item_describe(const struct bight_item *item, char *buffer, size_t size)
{
    size_t length = describe(item, buffer, size);
    if (item->place == NULL) {
        return length;
    }
    size_t used = length < size ? length : size;
    int more = snprintf(used < size ? buffer + used : NULL, size - used, " (%s)", item->place);
    return length + (more < 0 ? 0 : (size_t)more);
}
