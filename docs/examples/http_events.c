/* SPDX-License-Identifier: MIT */
/* http_events.c - a page that shows the time and a price as they change: GET /clock is a stream of its own for each
 * client, GET /prices one that all get alike.
 *
 *     http_events ENDPOINT */
#include <bight/bight.h>
#include <bight/protocols/http.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define KEPT 16 /* prices, for clients that were away */

/* A coroutine: it sends the time until the client has gone. */
static void tell_time(struct bight_http_request *request, struct bight_result *result, void *context)
{
    struct bight_clock *clock = bight_reactor_clock(bight_http_request_reactor(request));
    struct bight_http_event_stream *stream = bight_http_respond_events(request, NULL);
    char text[32];
    (void)context;
    do {
        time_t now = time(NULL);
        strftime(text, sizeof text, "%H:%M:%S", gmtime(&now));
    } while (
        bight_http_event_stream_send_text(stream, NULL, text) == 0 && bight_await(bight_sleep(clock, 1), result) == 0);
    bight_http_event_stream_release(stream);
}

/* ---------------------------------------------------------------------------------------------- prices */

struct ticker {
    struct bight_http_event_channel *channel;
    struct bight_http_event *kept[KEPT]; /* the one with the id n at n % KEPT */
    unsigned long last;                  /* id; 0: there is none yet */
    unsigned price;
};

/* Written down once, however many listen. */
static struct bight_deferred *change_price(struct bight_looping_call *call, void *context)
{
    struct ticker *ticker = context;
    char id[24], text[24];
    (void)call;
    ticker->price = 100 + (ticker->price * 7 + 13) % 50;
    int size = snprintf(text, sizeof text, "%u", ticker->price);
    snprintf(id, sizeof id, "%lu", ++ticker->last);
    struct bight_http_event **place = &ticker->kept[ticker->last % KEPT];
    bight_http_event_release(*place);
    *place = bight_http_event_new(id, "price", text, (size_t)size);
    bight_http_event_channel_send(ticker->channel, *place);
    return NULL;
}

/* What has come since the event that the client got last, as far as it is kept; for a new one the last price. */
static void send_missed(struct bight_http_event_stream *stream, const struct ticker *ticker, const char *last)
{
    unsigned long id = last != NULL ? strtoul(last, NULL, 10) : ticker->last - 1;
    if (id > ticker->last || ticker->last - id > KEPT) {
        id = ticker->last > KEPT ? ticker->last - KEPT : 0;
    }
    while (id < ticker->last) {
        bight_http_event_stream_send(stream, ticker->kept[++id % KEPT]);
    }
}

static void tell_prices(struct bight_http_request *request, void *context)
{
    static const struct bight_http_event_options options = {
        .size = sizeof options,
        .retry = 1000,
        .policy = BIGHT_HTTP_EVENT_SKIP,
    };
    struct ticker *ticker = context;
    struct bight_http_event_stream *stream = bight_http_respond_events(request, &options);
    if (stream != NULL) {
        send_missed(stream, ticker, bight_http_request_last_event_id(request));
        bight_http_event_channel_add(ticker->channel, stream);
    }
}

/* --------------------------------------------------------------------------------------------- the page */

static const char page[] = "<!DOCTYPE html><title>Events</title>\n"
                           "<p>It is <b id=now>...</b>, and a yard of rope costs <b id=price>...</b>.\n"
                           "<script>\n"
                           "const clock = new EventSource('clock'), prices = new EventSource('prices')\n"
                           "clock.onmessage = event => { now.textContent = event.data }\n"
                           "prices.addEventListener('price', event => { price.textContent = event.data })\n"
                           "</script>\n";

static void show_page(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_html(request, 200, page);
}

/* Who listens sees the stream end, and not break off. */
static struct bight_deferred *say_goodbye(void *channel)
{
    bight_http_event_channel_close(channel);
    return NULL;
}

int main(int argc, char **argv)
{
    struct bight_reactor *reactor = bight_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    struct ticker ticker = { .channel = bight_http_event_channel_new() };
    struct bight_looping_call *call = bight_looping_call_new(bight_reactor_clock(reactor), change_price, &ticker);
    bight_http_route(site, "GET /", show_page, NULL);
    bight_http_route_coroutine(site, "GET /clock", tell_time, NULL);
    bight_http_route(site, "GET /prices", tell_prices, &ticker);
    bight_serve(reactor, argc > 1 ? argv[1] : "tcp:8888", bight_http_site_factory(site));
    bight_deferred_release(bight_looping_call_start(call, 0.5, true));
    bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, say_goodbye, ticker.channel, NULL, NULL);
    int status = bight_reactor_run(reactor);
    bight_looping_call_free(call);
    bight_http_event_channel_free(ticker.channel);
    for (int i = 0; i < KEPT; i++) {
        bight_http_event_release(ticker.kept[i]);
    }
    bight_http_site_free(site);
    bight_reactor_free(reactor);
    return status;
}
