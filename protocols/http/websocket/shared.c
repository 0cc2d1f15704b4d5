/* SPDX-License-Identifier: MIT */
/* shared.c - what the sockets of a factory have together: settings, ticks, masks.
 *
 * It is made with the first connection and belongs to the factory until the last one ends; the memory of sockets that
 * are held beyond keeps it. */
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/sys/digest.h>

#include <math.h>

#include "http/websocket/socket.h"

#define PARTS 16.0 /* of the shortest time that is a tick */
#define LEAST_TICK 0.001
#define LEAST_WINDOW 9 /* bits */
#define USUAL_WINDOW 12
#define LEAST_SLOW ((size_t)65536) /* of who is skipped: from there on a transport tells of room again */

static const struct bight_websocket_options no_options = { .size = sizeof no_options };

/* ------------------------------------------------------------------------------------------- settings */

#define OPTION(options, member)                                                                                        \
    ((options)->size >= offsetof(struct bight_websocket_options, member) + sizeof(options)->member ? (options)->member \
                                                                                                   : 0)

/* Seconds; what is no time is the default. */
static double time_of(double seconds, double usual)
{
    return seconds > 0 ? seconds : usual;
}

/* Never fewer than the time has, wherever between two ticks it begins. */
static uint32_t ticks_of(double seconds, double tick)
{
    double ticks = seconds / tick;
    if (!(ticks < INT32_MAX)) { /* one of infinitely many, too */
        return BI_NEVER;
    }
    uint32_t whole = (uint32_t)ticks;
    return whole + (whole < ticks ? 2 : 1);
}

static double shorter_of(double one, double other)
{
    return one < other ? one : other;
}

static void read_settings(struct bi_settings *settings, const struct bight_websocket_options *options)
{
    double fragment = time_of(OPTION(options, fragment_seconds), 60), ping = time_of(OPTION(options, ping_seconds), 30);
    double pong = time_of(OPTION(options, pong_seconds), 30), close = time_of(OPTION(options, close_seconds), 5);
    uint64_t limit = OPTION(options, message_limit);
    size_t slow = OPTION(options, slow_limit);
    bool skips = OPTION(options, skip_slow);
    double tick = shorter_of(shorter_of(fragment, ping), shorter_of(pong, close)) / PARTS;
    tick = tick < LEAST_TICK ? LEAST_TICK : tick;
    *settings = (struct bi_settings) {
        .message_limit = limit != 0 ? limit : UINT64_C(1) << 20,
        .slow_limit = slow == 0                    ? (size_t)1 << 20
                      : skips && slow < LEAST_SLOW ? LEAST_SLOW
                                                   : slow,
        .fragment = ticks_of(fragment, tick),
        .ping = ticks_of(ping, tick),
        .pong = ticks_of(pong, tick),
        .close = ticks_of(close, tick),
        .tick = tick,
        .write_seconds = ping + pong < INFINITY ? ping + pong : 0,
        .skip_slow = skips,
    };
}

int bi_shared_deflate_wish(const struct bight_websocket_factory *factory, struct bi_deflate_wish *wish)
{
    const struct bight_websocket_options *options = factory->options != NULL ? factory->options : &no_options;
    unsigned bits = OPTION(options, window_bits);
    *wish = (struct bi_deflate_wish) { .is_there = OPTION(options, deflate) && bi_gzip_is_built_in() };
    if (bits != 0 && (bits < LEAST_WINDOW || bits > BI_LARGEST_WINDOW)) {
        return bi_websocket_usage(BIGHT_E_INVALID_ARGUMENT, "options of a WebSocket: window_bits is not from 9 to 15");
    }
    wish->takeover = OPTION(options, takeover);
    wish->bits = (uint8_t)(!wish->takeover ? BI_LARGEST_WINDOW : bits != 0 ? bits : USUAL_WINDOW);
    return BIGHT_OK;
}

/* -------------------------------------------------------------------------------------------- its life */

static struct bi_shared *make(struct bight_websocket_factory *factory, struct bight_reactor *reactor)
{
    struct bi_shared *shared = bight_calloc(1, sizeof *shared);
    if (shared == NULL) {
        return NULL;
    }
    shared->factory = factory;
    shared->reactor = reactor;
    read_settings(&shared->settings, factory->options != NULL ? factory->options : &no_options);
    for (size_t i = 0; i < BI_WATCH_SLOTS; i++) {
        shared->slots[i] = (struct bi_watch_link) { &shared->slots[i], &shared->slots[i] };
    }
    factory->own = shared;
    return shared;
}

int bi_shared_join(struct bight_websocket *socket)
{
    struct bight_websocket_factory *factory = (struct bight_websocket_factory *)socket->base.factory;
    struct bi_shared *shared = factory->own != NULL ? factory->own : make(factory, bight_websocket_reactor(socket));
    if (shared == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    socket->own->shared = shared;
    shared->connected++;
    shared->holds++;
    if (!bight_timer_is_pending(shared->timer)) {
        bi_watch_arm(shared);
    }
    return BIGHT_OK;
}

void bi_shared_leave(struct bight_websocket *socket)
{
    struct bi_shared *shared = socket->own->shared;
    bi_watch_stop(socket);
    if (--shared->connected == 0) {
        (void)bight_timer_cancel(shared->timer);
        shared->factory->own = NULL;
        shared->factory = NULL;
        shared->reactor = NULL;
    }
}

/* Who holds it without a connection is memory alone. */
void bi_shared_release(struct bi_shared *shared)
{
    if (shared != NULL && --shared->holds == 0) {
        bi_raw_deflater_free(shared->deflater);
        bi_raw_inflater_free(shared->inflater);
        bight_free(shared->spare);
        bight_wipe(shared->masks, sizeof shared->masks);
        bight_free(shared);
    }
}

/* ----------------------------------------------------------------------------------------------- masks */

int bi_shared_mask(struct bi_shared *shared, bi_mask *mask)
{
    if (shared->masks_left == 0) {
        int code = bight_random(shared->reactor, shared->masks, sizeof shared->masks);
        if (code != BIGHT_OK) {
            return code;
        }
        shared->masks_left = BI_MASKS;
    }
    *mask = shared->masks[--shared->masks_left];
    return BIGHT_OK;
}

int bi_websocket_usage(int code, const char *what)
{
    bight_log_at(NULL, BIGHT_LOG_ERROR, "usage", NULL, "%s [%s]", what, bight_error_name(code));
    return code;
}
