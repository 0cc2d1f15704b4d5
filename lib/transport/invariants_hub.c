/* SPDX-License-Identifier: MIT */
/* invariants_hub.c - what must be true of all connections of a reactor together: counts, sums, and that whatever was
 * taken from a pool has an owner. What must be true of one is in invariants.c; the words for its state are in
 * invariants_words.c.
 *
 * Ports and factories are the program's and are counted in; which they are is found by going through the connections. A
 * table on the stack does for that: nothing is allocated by looking, since a test may be counting allocations. */
#include "transport/invariants.h"

#include <stdio.h>

#include "transport/port.h"
#include "transport/state.h"

/* ------------------------------------------------------------------------------------------- counting */

/* Ports, or factories, and how many connections name them. Those that find no place are not looked at. */
struct tally {
    struct {
        const void *what;
        size_t count;
    } rows[64];
    size_t used;
};

static void count_one(struct tally *tally, const void *what)
{
    size_t i = 0;
    while (i < tally->used && tally->rows[i].what != what) {
        i++;
    }
    if (what == NULL || i == sizeof tally->rows / sizeof *tally->rows) {
        return;
    }
    tally->rows[i].what = what;
    tally->rows[i].count = i == tally->used ? 1 : tally->rows[i].count + 1;
    tally->used += i == tally->used;
}

static void count_factories(struct tally *tally, const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    count_one(tally, transport->protocol->factory); /* none of one that stands in */
    count_one(tally, bi_transport_apart(transport));
    if (extension != NULL) {
        count_one(tally, extension->next_protocol == NULL ? NULL : extension->next_protocol->factory);
    }
}

struct totals {
    size_t open, held, doubted;
    size_t extensions, outputs, references, blocks, common;
    struct tally ports, factories;
};

static void count_chunks(struct totals *totals, const struct bi_output *queue, const struct bi_chunk *chunk)
{
    for (; chunk != NULL; chunk = chunk->next) {
        bool is_common = chunk == &queue->common;
        totals->common += is_common;
        totals->references += chunk->room == NULL && !is_common;
        totals->blocks += chunk->room != NULL && chunk != &queue->first_block;
    }
}

static void count_queue(struct totals *totals, const struct bi_output *queue)
{
    if (queue != NULL) {
        totals->outputs++;
        totals->held += queue->held;
        count_chunks(totals, queue, queue->first);
        count_chunks(totals, queue, queue->sent);
        count_chunks(totals, queue, queue->aside);
    }
}

static void count_connection(struct totals *totals, const struct bight_transport *transport)
{
    const struct bi_extension *extension = transport->extension;
    totals->open++;
    count_queue(totals, transport->output);
    if (extension != NULL) {
        totals->extensions++;
        totals->held += extension->held;
    }
    for (const struct bight_layer *layer = extension == NULL ? NULL : extension->top; layer != NULL;
         layer = layer->below) {
        totals->held += layer->kept;
        count_queue(totals, layer->held);
    }
    if (bi_life_of(transport) != BI_LOST) {
        totals->doubted += (transport->state & BI_DOUBTED) != 0;
        count_one(&totals->ports, transport->bottom == &bi_socket_bottom ? transport->bottom_memory : NULL);
        count_factories(&totals->factories, transport);
    }
}

/* -------------------------------------------------------------------------------------- what they share */

static size_t used_in(const struct bi_link *ring)
{
    size_t used = 0;
    for (const struct bi_link *link = ring->next; link != ring; link = link->next) {
        used += BI_CONTAINER(link, const struct bi_pool_slab, link)->used;
    }
    return used;
}

static size_t used_of(const struct bi_pool *pool)
{
    return used_in(&pool->open) + used_in(&pool->exhausted);
}

static const char *look_at_ready(const struct bi_output *ready)
{
    if (ready == NULL) {
        return NULL;
    }
    const struct bi_chunk *block = ready->first;
    BI_MUST(block != NULL && block == ready->last && block->next == NULL, "ready output: it has one block");
    BI_MUST(block->room != NULL && block->size == 0, "ready output: its block is empty");
    BI_MUST(ready->queued == 0 && ready->counted == 0 && ready->held == 0, "ready output: nothing of it is counted");
    BI_MUST(ready->task.run == NULL && !ready->watching && ready->sent == NULL, "ready output: nothing waits for it");
    BI_MUST(ready->most == 0 && ready->reserved == 0, "ready output: nothing of it is reserved");
    return NULL;
}

static const char *look_at_pools(const struct bi_hub *hub, struct totals *totals)
{
    const char *broken = look_at_ready(hub->ready_output);
    broken = broken == NULL ? look_at_ready(hub->lent_output) : broken;
    BI_MUST(broken == NULL, broken);
    size_t kept = (size_t)(hub->ready_output != NULL) + (size_t)(hub->lent_output != NULL);
    totals->outputs += kept;
    totals->blocks += kept + hub->common.blocks;
    BI_MUST(used_of(&hub->extensions) == totals->extensions, "pools: each extension is a connection's");
    BI_MUST(used_of(&hub->outputs) == totals->outputs, "pools: each output is a connection's or a layer's");
    BI_MUST(used_of(&hub->references) == totals->references, "pools: each reference is in a queue");
    BI_MUST(used_of(&hub->blocks) == totals->blocks, "pools: each block is in a queue, or common to some");
    BI_MUST(hub->common.blocks <= totals->common, "common: each block is in an output");
    BI_MUST((hub->common.block == NULL) == (hub->common.bytes == NULL), "common: a block has what was copied last");
    return NULL;
}

static const char *look_at_hub(const struct bi_hub *hub, const struct totals *totals)
{
    BI_MUST(hub->held == totals->held, "cap: what all hold is the sum of what each holds");
    BI_MUST(hub->sequence == NULL, "hub: no long write is under way");
    BI_MUST(!hub->disconnecting, "hub: nothing is being disconnected");
    BI_MUST(hub->spent == 0 || hub->budget_task.run != NULL, "hub: what layers have spent is theirs again next turn");
    BI_MUST(hub->reactor->traffic.open == totals->open, "hub: the figure of open connections is right");
    return NULL;
}

/* --------------------------------------------------------------------------------- ports, factories */

static bool may_accept(const struct bight_port *port)
{
    return port->descriptor >= 0 && !port->is_paused && !port->is_backing_off &&
           (port->max_connections == 0 || port->connections < port->max_connections);
}

static const char *look_at_open_port(const struct bight_port *port)
{
    struct bight_loop *loop = port->reactor->loop;
    BI_MUST(port->descriptor >= 0 && port->holds > 0, "port: what is open has a descriptor and a hold");
    BI_MUST(port->factory != NULL && port->factory->ports > 0, "port: what is open counts with its factory");
    BI_MUST(port->is_backing_off == bi_wheel_is_armed(&port->backoff_timer), "port: who backs off has a timer");
    BI_MUST(may_accept(port) == loop->ops->watch_is_added(loop, (const struct bight_watch *)port->watch),
        "port: the loop watches while it may accept");
    return NULL;
}

static const char *look_at_ports(struct bight_reactor *reactor, struct totals *totals)
{
    for (size_t i = 0; i < totals->ports.used; i++) {
        const struct bight_port *port = totals->ports.rows[i].what;
        BI_MUST(port->connections == totals->ports.rows[i].count, "port: it counts its connections");
    }
    for (const struct bi_open *open = NULL; (open = bi_open_next(reactor, open)) != NULL;) {
        const struct bight_port *port = BI_CONTAINER(open, const struct bight_port, open);
        if (open->tell == NULL) {
            continue; /* an attempt to connect */
        }
        const char *broken = look_at_open_port(port);
        BI_MUST(broken == NULL, broken);
        size_t known = totals->ports.used;
        count_one(&totals->ports, port);
        BI_MUST(
            totals->ports.used == known || port->connections == 0, "port: it counts no connection that is not there");
    }
    return NULL;
}

static const char *look_at_factories(const struct bight_reactor *reactor, const struct totals *totals)
{
    for (size_t i = 0; i < totals->factories.used; i++) {
        const struct bight_factory *factory = totals->factories.rows[i].what;
        BI_MUST(factory->connections == totals->factories.rows[i].count, "factory: it counts its connections");
        BI_MUST(factory->reactor == reactor, "factory: who has connections belongs to their reactor");
    }
    return NULL;
}

/* ---------------------------------------------------------------------------------------- all of them */

static const char *find_in_hub(struct bight_reactor *reactor, const struct bi_hub *hub)
{
    struct totals totals = { .open = 0 };
    const struct bight_transport *transport;
    for (size_t cursor = 0; (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        count_connection(&totals, transport);
    }
    const char *broken = look_at_hub(hub, &totals);
    broken = broken != NULL ? broken : look_at_pools(hub, &totals);
    broken = broken != NULL ? broken : bi_invariants_of_doubts(hub, totals.doubted);
    broken = broken != NULL ? broken : bi_invariants_of_slots(hub);
    broken = broken != NULL ? broken : bi_invariants_of_idle(hub);
    broken = broken != NULL ? broken : look_at_ports(reactor, &totals);
    return broken != NULL ? broken : look_at_factories(reactor, &totals);
}

const char *bi_invariants_find(struct bight_reactor *reactor, bool at_rest, const struct bight_transport **whose)
{
    const struct bi_hub *hub = bi_hub_if_any(reactor);
    const struct bight_transport *transport;
    *whose = NULL;
    if (hub == NULL) {
        return NULL;
    }
    for (size_t cursor = 0; (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        const char *broken = at_rest ? bi_invariants_at_rest(transport) : bi_invariants_always(transport);
        if (broken != NULL) {
            *whose = transport;
            return broken;
        }
    }
    return at_rest ? find_in_hub(reactor, hub) : NULL;
}

void bi_invariants_broken(const char *name, const struct bight_transport *transport)
{
    char state[BI_INVARIANTS_TEXT], text[BI_INVARIANTS_TEXT + 160];
    bi_invariants_describe(transport, state, sizeof state);
    (void)snprintf(text, sizeof text, "%s (%s)", name, state);
    bi_invariant_broken(text, BIGHT_HERE);
}

void bi_invariants_check(struct bight_reactor *reactor, bool at_rest)
{
    const struct bight_transport *whose;
    const char *broken = bi_invariants_find(reactor, at_rest && reactor->handler_depth == 0, &whose);
    if (broken != NULL) {
        bi_invariants_broken(broken, whose);
    }
}
