/* SPDX-License-Identifier: MIT */
/* layers.c - layers that the connections of a run get, some when they begin and some midway, in handlers and between
 * turns.
 *
 * What is promised of a connection holds above layers as well: so a scenario need not know. Each set changes nothing of
 * the bytes in the end: what one layer turns the next turns back, and the others hand on, cut, or delay. Half of the
 * runs have none. */
#include "scenario.h"

#include "extra_layers.h"
#include "transport/transport.h"

#include <string.h>

#define MAX_LAYERS 6
/* That a layer comes or goes, per mille. */
#define CHANCE_A_HANDLER 20
#define CHANCE_A_STEP 3

static const char *const sets[] = { "t", "c", "d", "rs", "sr", "rcs", "sdr", "tcd", "dtd", "crs" };

static bool is_ours(const struct bight_layer *layer)
{
    return layer->ops == &extra_layer_ops;
}

static size_t count_layers(const struct bight_transport *transport)
{
    size_t count = 0;
    const struct bi_extension *extension = transport->extension;
    for (const struct bight_layer *layer = extension == NULL ? NULL : extension->top; layer != NULL;
         layer = layer->below) {
        count++;
    }
    return count;
}

static void push_set(struct audit *audit, struct bight_transport *transport)
{
    const char *kinds = sets[bight_simulation_draw(audit->simulation, sizeof sets / sizeof *sets)];
    if (count_layers(transport) + strlen(kinds) > MAX_LAYERS) {
        return;
    }
    while (*kinds != '\0' && push_extra_layer(transport, *kinds)) { /* what fails behind the first is closed */
        kinds++;
    }
}

/* One that lies between two which turn, or turns itself, has others depend on it: what waits would pass it. */
static void pop_one(struct bight_transport *transport)
{
    struct bight_layer *layer = transport->extension == NULL ? NULL : transport->extension->top;
    if (layer != NULL && is_ours(layer) && ((const struct extra_layer *)layer)->turned == 0) {
        bight_layer_pop(layer);
    }
}

static void change(struct audit *audit, struct bight_transport *transport)
{
    if (bight_simulation_draw(audit->simulation, 3) == 0) {
        pop_one(transport);
    } else {
        push_set(audit, transport);
    }
}

/* Whether it is seen for the first time. */
static bool is_new(struct audit *audit, const struct bight_transport *transport)
{
    uint64_t *seen = &audit->seen[(uint32_t)transport->id % MAX_SEEN];
    bool is = *seen != transport->id;
    *seen = transport->id;
    return is;
}

static void look_at(struct audit *audit, struct bight_transport *transport, unsigned chance)
{
    if (!audit->layers || !bight_transport_is_open(transport)) {
        return;
    }
    if (is_new(audit, transport)) {
        if (draw(audit, 70)) {
            push_set(audit, transport);
        }
    } else if (bight_simulation_draw(audit->simulation, 1000) < chance) {
        change(audit, transport);
    }
}

void layers_in_handler(struct audit *audit, struct bight_transport *transport)
{
    look_at(audit, transport, CHANCE_A_HANDLER);
}

void layers_step(struct audit *audit, struct bight_reactor *reactor)
{
    const struct bi_hub *hub = audit->layers ? bi_hub_of(reactor) : NULL;
    struct bight_transport *transport;
    for (size_t cursor = 0; hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        look_at(audit, transport, CHANCE_A_STEP);
    }
}
