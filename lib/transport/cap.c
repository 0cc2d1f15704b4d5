/* SPDX-License-Identifier: MIT */
/* cap.c - how much the connections of a reactor hold altogether, output that waits and input that waits, and the cap
 * on that. What a single connection may hold is flow.c's and levels.c's.
 *
 * The caps of single connections bound nothing: ten thousand peers that do not read hold 160 GiB. So what waits is
 * counted in the hub; but only when a connection's output is looked at because the bottom took less than there was, or
 * its input could not be delivered. A message that is sent whole costs nothing. When the cap is met, a connection that
 * adds to a queue that is long already is aborted; those with little are left alone. */
#include <bight/log.h>

#include <stdio.h>
#include <unistd.h>

#include "transport/state.h"

/* Of the machine's memory, by default. */
#define PART_OF_MEMORY 4

/* What a connection may hold although the cap is met. */
#define SPARED 65536

static size_t default_limit(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages <= 0 || size <= 0 ? SIZE_MAX : (size_t)pages / PART_OF_MEMORY * (size_t)size;
}

static void tell_once(struct bi_hub *hub)
{
    if (hub->held_is_told) {
        return;
    }
    hub->held_is_told = true;
    char message[160];
    snprintf(message, sizeof message,
        "the connections hold %zu bytes that wait, more than the %zu allowed: those that add most are aborted",
        hub->held, hub->held_limit);
    bight_log_event_emit(
        &(struct bight_log_event) { .level = BIGHT_LOG_WARNING, .system = "transport", .message = message });
}

void bi_cap_begin(struct bi_hub *hub)
{
    hub->held_limit = default_limit();
}

bool bi_cap_update(struct bi_hub *hub, size_t *counted, size_t now)
{
    bool grows = now > *counted;
    hub->held += now - *counted;
    *counted = now;
    if (BI_LIKELY(hub->held <= hub->held_limit)) {
        hub->held_is_told = false;
        return true;
    }
    if (!grows || now <= SPARED) {
        return true;
    }
    tell_once(hub);
    return false;
}

int bight_reactor_set_held_limit(struct bight_reactor *reactor, size_t bytes)
{
    struct bi_hub *hub = bi_hub_of(reactor);
    if (hub == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    hub->held_limit = bytes;
    return BIGHT_OK;
}

size_t bight_reactor_held(struct bight_reactor *reactor)
{
    const struct bi_hub *hub = bi_hub_of(reactor);
    return hub == NULL ? 0 : hub->held;
}
