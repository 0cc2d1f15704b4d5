/* SPDX-License-Identifier: MIT */
/* figures.c - what a site has done so far, for the program and as the text that Prometheus reads (A15).
 *
 * Counting is the server's, where things happen. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "http/site/site.h"

/* All that there is; a caller's struct may be shorter, of an older version, or longer. */
static struct bight_http_figures read_all(const struct bi_http_server *server)
{
    const struct bi_http_figures *own = &server->figures;
    struct bight_http_figures figures = {
        .requests = own->requests,
        .refused = own->refused,
        .abandoned = own->abandoned,
        .in_flight = own->in_flight,
        .connections = server->factory.connections,
        .bytes_received = own->bytes_in,
        .bytes_sent = own->bytes_out,
        .latency_time = (double)own->latency_time / 1e9,
    };
    memcpy(figures.answers, own->classes, sizeof figures.answers);
    memcpy(figures.latencies, own->latencies, sizeof figures.latencies);
    return figures;
}

int bight_http_site_read_figures(const struct bight_http_site *site, struct bight_http_figures *figures)
{
    size_t size = figures->size;
    if (site == NULL || size < sizeof figures->size) {
        return BIGHT_E_INVALID_ARGUMENT;
    }
    struct bight_http_figures all = read_all(&site->server);
    all.size = size;
    memset(figures, 0, size);
    memcpy(figures, &all, size < sizeof all ? size : sizeof all);
    return BIGHT_OK;
}

/* ------------------------------------------------------------------------------------------- as text */

struct page {
    char text[8192];
    size_t size;
};

static void BIGHT_PRINTF(2, 3) add(struct page *page, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(page->text + page->size, sizeof page->text - page->size, format, arguments);
    va_end(arguments);
    if (size > 0 && (size_t)size < sizeof page->text - page->size) {
        page->size += (size_t)size;
    }
}

static void add_head(struct page *page, const char *name, const char *type, const char *help)
{
    add(page, "# HELP bight_http_%s %s\n# TYPE bight_http_%s %s\n", name, help, name, type);
}

static void add_one(struct page *page, const char *name, const char *type, const char *help, uint64_t value)
{
    add_head(page, name, type, help);
    add(page, "bight_http_%s %" PRIu64 "\n", name, value);
}

static void add_answers(struct page *page, const struct bight_http_figures *figures)
{
    add_head(page, "responses_total", "counter", "Responses by the class of their status.");
    for (size_t i = 1; i < sizeof figures->answers / sizeof *figures->answers; i++) {
        add(page, "bight_http_responses_total{class=\"%zuxx\"} %" PRIu64 "\n", i, figures->answers[i]);
    }
}

/* Numbers are written without a point: where that is a comma is the locale's. */
static const char *const latency_limits[BIGHT_HTTP_LATENCIES - 1] = { "0.001", "0.005", "0.01", "0.025", "0.05", "0.1",
    "0.25", "0.5", "1", "2.5", "5", "10" };

static void add_latencies(struct page *page, const struct bight_http_figures *figures)
{
    uint64_t count = 0;
    add_head(page, "response_seconds", "histogram", "Time from a request's head to the end of its response.");
    for (size_t i = 0; i < BIGHT_HTTP_LATENCIES - 1; i++) {
        count += figures->latencies[i];
        add(page, "bight_http_response_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", latency_limits[i], count);
    }
    count += figures->latencies[BIGHT_HTTP_LATENCIES - 1];
    add(page, "bight_http_response_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", count);
    uint64_t time = (uint64_t)(figures->latency_time * 1e9);
    add(page, "bight_http_response_seconds_sum %" PRIu64 ".%09" PRIu64 "\n", time / 1000000000, time % 1000000000);
    add(page, "bight_http_response_seconds_count %" PRIu64 "\n", count);
}

static void fill(struct page *page, const struct bight_http_figures *figures)
{
    add_one(page, "requests_total", "counter", "Requests whose head was in order.", figures->requests);
    add_one(page, "refused_total", "counter", "Requests that were refused.", figures->refused);
    add_one(page, "abandoned_total", "counter", "Requests whose client left before the response was whole.",
        figures->abandoned);
    add_answers(page, figures);
    add_latencies(page, figures);
    add_one(page, "requests_in_flight", "gauge", "Requests that are not over.", figures->in_flight);
    add_one(page, "connections", "gauge", "Connections that are open.", figures->connections);
    add_one(page, "received_bytes_total", "counter", "Bytes that clients have sent.", figures->bytes_received);
    add_one(page, "sent_bytes_total", "counter", "Bytes that were sent to clients.", figures->bytes_sent);
}

void bight_http_figures_handler(struct bight_http_request *request, void *context)
{
    const struct bight_http_site *site = context;
    struct bight_http_figures figures = read_all(site != NULL ? &site->server : request->server);
    struct page page;
    page.size = 0;
    fill(&page, &figures);
    (void)bight_http_respond_set(request, "Cache-Control", "no-store");
    (void)bight_http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", page.text, page.size);
}
