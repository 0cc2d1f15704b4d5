/* SPDX-License-Identifier: MIT */
/* crawl.c - scenario: pages of several sites fetched by coroutines, a few at a time, whatever the sites do.
 *
 * Sites may be absent, vanish in the middle, answer late or never; the network and the kernels have their troubles.
 * Each fetch has a time limit, so the crawl has one: with K at a time, N pages take at most N / K of it, rounded up.
 * Every page has its outcome, in its place, and never are more than K under way. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SITES 6
#define MAX_PAGES 60
#define MAX_BYTES 20000
#define CALM_PATIENCE 40.0

struct crawl {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *reactor;
    struct bight_stream_factory factories[MAX_SITES];
    struct bight_host *vanishing;
    size_t sites, pages, limit, begun, under_way;
    unsigned flags;
    double patience, slowness, began_at, ended_at; /* patience with one page, seconds */
    bool is_calm, has_ended, is_cancelled;         /* is_cancelled: or will be */
    unsigned mute;                                 /* per cent of the requests are never answered */
};

/* ------------------------------------------------------------------------------------------ a site */

struct visit {
    struct crawl *crawl;
    struct bight_stream *stream;
};

static struct bight_deferred *nap(struct crawl *crawl, const struct bight_stream *stream)
{
    return bight_sleep(bight_reactor_clock(bight_transport_reactor(bight_stream_transport(stream))),
        draw_seconds(&crawl->audit, crawl->slowness));
}

static int send_page(struct bight_result *result, const struct visit *visit, uint32_t page, size_t size)
{
    struct bight_transport *transport = bight_stream_transport(visit->stream);
    char head[32];
    int head_size = snprintf(head, sizeof head, "%zu\r\n", size);
    int code = bight_stream_write(visit->stream, head, (size_t)head_size);
    for (size_t sent = 0; sent < size && code == 0;) {
        size_t piece = 1 + draw_size(&visit->crawl->audit, size - sent - 1);
        code = stream_write(transport, page, sent, piece);
        sent += piece;
        code = code != 0 ? code : bight_await(bight_stream_drain(visit->stream), result);
    }
    return code;
}

static void serve_page(struct bight_result *result, void *context)
{
    struct visit *visit = context;
    struct crawl *crawl = visit->crawl;
    if (bight_await(bight_stream_read_line(visit->stream, 40), result) != 0) {
        return;
    }
    const struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
    char text[48] = "";
    if (line == NULL) {
        return;
    }
    memcpy(text, bight_bytes_data(line), bight_bytes_size(line));
    if (draw(&crawl->audit, crawl->mute)) {
        (void)bight_await(bight_stream_read_all(visit->stream, 0), result);
        return;
    }
    if (bight_await(nap(crawl, visit->stream), result) != 0) {
        return;
    }
    (void)send_page(result, visit, (uint32_t)strtoul(text, NULL, 10), draw_size(&crawl->audit, MAX_BYTES));
}

static void free_visit(void *context)
{
    struct visit *visit = context;
    bight_stream_release(visit->stream);
    bight_free(visit);
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    struct visit *visit = bight_malloc(sizeof *visit);
    *visit = (struct visit) { context, bight_stream_hold(stream) };
    struct bight_reactor *reactor = bight_transport_reactor(bight_stream_transport(stream));
    struct bight_deferred *serving = bight_spawn_full(reactor, serve_page, visit, free_visit);
    bight_protocol_tie(&stream->base, serving);
    return serving;
}

/* ------------------------------------------------------------------------------------------ a page */

struct fetch {
    struct crawl *crawl;
    size_t page;
};

static int read_page(struct bight_result *result, struct bight_stream *stream, uint32_t page)
{
    char text[32] = "";
    int code = bight_await(bight_stream_read_line(stream, 20), result);
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    if (code == 0 && bytes == NULL) {
        bight_result_fail(result, bight_failure_of(BIGHT_E_INCOMPLETE));
        return BIGHT_E_INCOMPLETE;
    }
    if (code != 0) {
        return code;
    }
    memcpy(text, bight_bytes_data(bytes), bight_bytes_size(bytes));
    size_t size = strtoul(text, NULL, 10);
    code = bight_await(bight_stream_read_exactly(stream, size), result);
    bytes = bight_result_peek(result, &bight_type_bytes);
    if (code == 0) {
        stream_check(page, 0, bight_bytes_data(bytes), bight_bytes_size(bytes));
        bight_result_set(result, &bight_type_integer, bight_integer((intptr_t)page));
    }
    return code;
}

static void fetch_page(struct bight_result *result, void *context)
{
    struct fetch *fetch = context;
    struct crawl *crawl = fetch->crawl;
    char endpoint[40], request[24];
    (void)snprintf(endpoint, sizeof endpoint, "tcp:site%zu:80", fetch->page % crawl->sites);
    int size = snprintf(request, sizeof request, "%zu\n", fetch->page);
    if (bight_await(bight_open_stream(crawl->reactor, endpoint), result) != 0) {
        return;
    }
    struct bight_stream *stream = bight_result_take(result, &bight_type_stream);
    int code = bight_stream_write(stream, request, (size_t)size);
    if (code != 0) {
        bight_result_fail(result, bight_failure_of(code));
    } else if (read_page(result, stream, (uint32_t)fetch->page) == 0 && draw(&crawl->audit, 50)) {
        audit_watch(&crawl->audit, bight_stream_close(stream));
    }
    bight_stream_abort(stream);
    bight_stream_release(stream);
}

static void note_outcome(struct bight_result *result, void *context)
{
    struct crawl *crawl = context;
    crawl->under_way--;
    if (crawl->is_cancelled && bight_result_failure(result) != NULL) {
        bight_result_set(result, &bight_type_integer, bight_integer(-1)); /* else it would be reported as unhandled */
    }
}

static struct bight_deferred *begin_page(size_t index, void *context)
{
    struct crawl *crawl = context;
    struct fetch *fetch = bight_malloc(sizeof *fetch);
    *fetch = (struct fetch) { crawl, index };
    if (crawl->has_ended || index != crawl->begun || crawl->under_way >= crawl->limit) {
        audit_wrong("page %zu is begun with %zu under way", index, crawl->under_way);
    }
    crawl->begun++;
    crawl->under_way++;
    struct bight_deferred *fetching = bight_spawn_full(crawl->reactor, fetch_page, fetch, bight_free);
    (void)bight_deferred_add_timeout(fetching, crawl->patience, bight_reactor_clock(crawl->reactor));
    (void)bight_deferred_add_both(fetching, note_outcome, crawl);
    return fetching;
}

/* ---------------------------------------------------------------------------------------- the crawl */

static void check_outcomes(const struct crawl *crawl, const struct bight_results *results)
{
    if (results->count != crawl->pages) {
        audit_wrong("%zu outcomes of %zu pages", results->count, crawl->pages);
        return;
    }
    for (size_t i = 0; i < results->count; i++) {
        const struct bight_result *outcome = &results->items[i];
        const struct bight_failure *failure = bight_result_failure(outcome);
        if (failure == NULL && !crawl->is_cancelled &&
            (outcome->type != &bight_type_integer || bight_integer_value(outcome->value) != (intptr_t)i)) {
            audit_wrong("the outcome of page %zu is not its own", i);
        }
        if (failure != NULL && crawl->is_calm) {
            audit_wrong("nothing was wrong, and page %zu has failed: %s", i, bight_failure_message(failure));
        }
    }
}

static void crawled(struct bight_result *result, void *context)
{
    struct crawl *crawl = context;
    const struct bight_results *results = bight_result_peek(result, &bight_type_results);
    const struct bight_failure *failure = bight_result_failure(result);
    crawl->has_ended = true;
    crawl->ended_at = bight_simulation_now(crawl->audit.simulation);
    if (crawl->under_way != 0) {
        audit_wrong("the crawl has ended with %zu pages under way", crawl->under_way);
    }
    if (results != NULL) {
        check_outcomes(crawl, results);
    } else if (bight_failure_code(failure) == BIGHT_E_FIRST_ERROR) {
        if (crawl->is_calm || crawl->flags != 0 || bight_first_error_index(failure) >= crawl->begun) {
            audit_wrong("page %zu has ended the crawl", bight_first_error_index(failure));
        }
    } else if (!crawl->is_cancelled || bight_failure_code(failure) != BIGHT_E_CANCELLED) {
        audit_wrong("the crawl has failed: %s", bight_failure_message(failure));
    }
    bight_result_clear(result);
}

static void vanish(void *context)
{
    bight_host_vanish(((struct crawl *)context)->vanishing);
}

static void set_up_sites(struct crawl *crawl, struct bight_host **hosts)
{
    struct audit *audit = &crawl->audit;
    for (size_t i = 0; i < crawl->sites; i++) {
        char name[32];
        crawl->factories[i] = (struct bight_stream_factory)BIGHT_STREAM_FACTORY(struct bight_stream, serve, crawl);
        (void)snprintf(name, sizeof name, "site%zu", i);
        hosts[i] = bight_simulation_host(audit->simulation, name);
        struct bight_reactor *reactor = audit_reactor(audit, hosts[i], 192 * 1024);
        if (crawl->is_calm || !draw(audit, 15)) {
            (void)audit_listen(audit, reactor, "tcp:80", &crawl->factories[i].base);
        }
    }
    if (!crawl->is_calm && draw(audit, 40)) {
        crawl->vanishing = hosts[draw_size(audit, crawl->sites - 1)];
        (void)bight_call_later(crawl->reactor, draw_seconds(audit, 5), vanish, crawl, NULL);
    }
}

static void draw_crawl(struct crawl *crawl)
{
    struct audit *audit = &crawl->audit;
    crawl->trouble = draw_trouble(audit);
    crawl->is_calm =
        !crawl->trouble.resets && !crawl->trouble.refusals && !crawl->trouble.names && !crawl->trouble.files;
    crawl->sites = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_SITES);
    crawl->pages = (size_t)bight_simulation_draw(audit->simulation, MAX_PAGES + 1);
    crawl->limit = 1 + (size_t)bight_simulation_draw(audit->simulation, 12);
    crawl->flags = draw(audit, 75) ? BIGHT_ALL_OUTCOMES : 0;
    crawl->patience = crawl->is_calm ? CALM_PATIENCE : 0.05 + draw_seconds(audit, 10);
    crawl->is_cancelled = draw(audit, 10);
    crawl->slowness = draw_seconds(audit, 2);
    crawl->mute = crawl->is_calm ? 0 : (unsigned)draw_size(audit, 40);
}

static void run_crawl(struct crawl *crawl)
{
    struct audit *audit = &crawl->audit;
    struct bight_host *hosts[MAX_SITES + 1];
    draw_crawl(crawl);
    hosts[MAX_SITES] = bight_simulation_host(audit->simulation, "crawler");
    crawl->reactor = audit_reactor(audit, hosts[MAX_SITES], 192 * 1024);
    set_up_sites(crawl, hosts);
    hosts[crawl->sites] = hosts[MAX_SITES];
    set_trouble(audit, &crawl->trouble, hosts, crawl->sites + 1);
    double most = (double)((crawl->pages + crawl->limit - 1) / crawl->limit) * crawl->patience;
    crawl->began_at = bight_simulation_now(audit->simulation);
    struct bight_deferred *crawling = bight_map_limited(begin_page, crawl->pages, crawl->limit, crawl->flags, crawl);
    (void)bight_deferred_add_both(crawling, crawled, crawl);
    if (crawl->is_cancelled) {
        bight_simulation_run(audit->simulation, draw_seconds(audit, 5));
        bight_deferred_cancel(crawling);
    }
    bight_deferred_release(crawling);
    bight_simulation_run(audit->simulation, most + 60);
    if (!crawl->has_ended || crawl->ended_at - crawl->began_at > most + 0.001) {
        audit_wrong("a crawl of at most %.3f s has taken %.3f s", most, crawl->ended_at - crawl->began_at);
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct crawl crawl = { .has_ended = false };
    (void)context;
    audit_begin(&crawl.audit, simulation);
    run_crawl(&crawl);
    return audit_end(&crawl.audit);
}

const struct bight_scenario crawl_scenario = { "crawl", run, NULL };
