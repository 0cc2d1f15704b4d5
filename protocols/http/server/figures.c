/* SPDX-License-Identifier: MIT */
/* figures.c - how long answers have taken: a histogram of fixed buckets.
 *
 * An answer that is whole when its handler returns has taken no time in which the client waited for the program; it is
 * counted without a look at a clock. Of the others the time begins when they are parked, which costs as much as two
 * looks. */
#include <bight/protocols/http_site.h>

#include <math.h>

#include "http/server/request.h"

static const double limits[BIGHT_HTTP_LATENCIES - 1] = { 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
    10 };

double bight_http_latency_limit(size_t number)
{
    return number < BIGHT_HTTP_LATENCIES - 1 ? limits[number] : INFINITY;
}

void bi_figures_took(const struct bight_http_request *request)
{
    struct bi_http_figures *figures = &request->server->figures;
    uint64_t now = bight_clock_now(bight_reactor_clock(request->server->factory.reactor));
    uint64_t taken = now > request->parked_at ? now - request->parked_at : 0;
    size_t number = 0;
    while (number < BIGHT_HTTP_LATENCIES - 1 && (double)taken / 1e9 > limits[number]) {
        number++;
    }
    figures->latencies[number]++;
    figures->latency_time += taken;
}
