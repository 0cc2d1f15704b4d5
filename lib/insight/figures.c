/* SPDX-License-Identifier: MIT */
/* figures.c - reading the figures of a reactor.
 *
 * Nothing is counted here: each figure is read off what its room keeps anyway, or what meter.h and the transports count
 * in the reactor, which costs an instruction where it happens. */
#include <bight/coroutine.h>

#include <string.h>

#include "deferred/deferred.h"
#include "thread/pool.h"

static void read_handlers(const struct bi_meter *meter, struct bight_reactor_figures *figures)
{
    figures->turns = meter->turns;
    figures->handlers = (meter->beat + 1) / 2;
    figures->is_timed = meter->is_timed;
    memcpy(figures->handler_times, meter->times, sizeof meter->times);
    figures->handler_time = meter->total;
    figures->longest_handler = meter->longest;
    figures->longest_kind = meter->longest_kind;
    figures->longest_place = meter->longest_place;
    figures->blocks = meter->blocks;
    figures->timers_fired = meter->timers_fired;
}

static void read_traffic(const struct bi_traffic *traffic, struct bight_reactor_figures *figures)
{
    figures->connections_open = traffic->open;
    figures->connections_accepted = traffic->accepted;
    figures->connections_refused = traffic->refused;
    figures->connections_made = traffic->made;
    figures->ports_open = traffic->ports;
    figures->bytes_received = traffic->received;
    figures->bytes_sent = traffic->sent;
}

static void read_pools(const struct bight_reactor *reactor, struct bight_reactor_figures *figures)
{
    for (struct bight_thread_pool *pool = bi_thread_pools(reactor); pool != NULL; pool = pool->next) {
        struct bight_thread_pool_figures one = { .size = sizeof one };
        (void)bight_thread_pool_read_figures(pool, &one);
        figures->threads += one.threads;
        figures->threads_busy += one.busy;
        figures->jobs_queued += one.queued;
    }
}

static uint64_t count_coroutines(struct bight_reactor *reactor)
{
    struct bight_coroutine_figures figures = { .size = sizeof figures };
    (void)bight_coroutine_read_figures(reactor, &figures);
    return figures.coroutines;
}

int bight_reactor_read_figures(struct bight_reactor *reactor, struct bight_reactor_figures *figures)
{
    struct bight_reactor_figures all;
    if (figures == NULL || figures->size < sizeof figures->size || figures->size > sizeof all) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_reactor_read_figures: the member `size` is not the struct's");
    }
    memset(&all, 0, sizeof all);
    all.size = figures->size;
    bi_meter_calibrate(reactor);
    read_handlers(&reactor->meter, &all);
    read_traffic(&reactor->traffic, &all);
    read_pools(reactor, &all);
    all.timers_pending = reactor->wheel.armed;
    all.deferreds = bi_deferred_count();
    all.coroutines = count_coroutines(reactor);
    memcpy(figures, &all, all.size);
    return 0;
}
