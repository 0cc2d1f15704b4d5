/* SPDX-License-Identifier: MIT */
/* api_http.c - sites: made, mounted, served and freed at random, and handlers that answer in every way, now, later or
 * never, while anything else happens inside them (A1 to A6, H3 to H6).
 *
 * What a handler says is numbered, so that clients (api_http_client.c) know whose bytes they get and what each must be.
 * No handler may be called from inside an operation, nor once its route was released. */
#include "api_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_state http;

static unsigned pages;

static struct slot {
    struct bight_http_site *site;
    struct bight_port *port;
    bool listens;
} slots[SITES];

uint8_t http_byte(unsigned number, uint32_t position)
{
    return (uint8_t)(number * 37u + position * 101u + (position >> 8) * 7u);
}

/* -------------------------------------------------------------------------------------- what is asked */

struct asked *find_asked(uint64_t subject)
{
    for (unsigned i = 0; i < http.asked_count; i++) {
        struct asked *asked = &http.asked[(subject + i) % http.asked_count];
        if (asked->holds > 0) {
            return asked;
        }
    }
    return NULL;
}

void hold_asked(struct asked *asked)
{
    (void)bight_http_request_hold(asked->request);
    asked->holds++;
}

static void release_one(struct asked *asked, unsigned *count)
{
    struct bight_http_request *request = asked->request;
    --*count;
    if (asked->holds + asked->uses == 0) {
        asked->request = NULL;
    }
    bight_http_request_release(request);
}

void let_go_of_asked(struct asked *asked)
{
    release_one(asked, &asked->holds);
}

void begin_use(struct asked *asked)
{
    (void)bight_http_request_hold(asked->request);
    asked->uses++;
}

void end_use(struct asked *asked)
{
    release_one(asked, &asked->uses);
}

/* Its own number, if it says one that is known. */
static unsigned read_number(struct bight_http_request *request)
{
    const char *text = bight_http_request_field(request, "X-Ask");
    unsigned long number = text != NULL ? strtoul(text, NULL, 10) : ASKS;
    return number < http.ask_count ? (unsigned)number : ASKS;
}

static struct asked *new_asked(struct bight_http_request *request)
{
    if (http.asked_count == ASKED || world.is_ending) {
        return NULL;
    }
    struct asked *asked = &http.asked[http.asked_count];
    *asked = (struct asked) { .request = request, .id = http.asked_count++, .length = -1 };
    asked->ask = read_number(request);
    if (asked->ask < ASKS && http.asks[asked->ask].was_asked && !http.asks[asked->ask].may_repeat) {
        fuzz_fail("request %u is handed to a handler again", asked->ask);
    }
    if (asked->ask < ASKS) {
        http.asks[asked->ask].was_asked = true;
    }
    hold_asked(asked);
    return asked;
}

void check_not_inside(const char *what)
{
    if (world.in_call > 0) {
        fuzz_fail("%s is called from inside a call", what);
    }
}

/* -------------------------------------------------------------------------------------------- handlers */

static struct asked *begin_handler(struct bight_http_request *request, struct item *route)
{
    check_not_inside("a handler");
    if (route->is_released) {
        fuzz_fail("a handler is called whose route was released");
    }
    struct asked *asked = new_asked(request);
    fuzz_tell(world.tape, "-> request %u, the client's %u", asked != NULL ? asked->id : ASKED,
        asked != NULL ? asked->ask : ASKS);
    return asked;
}

/* Some are answered at once, the others by whoever comes by. */
static void handle(struct bight_http_request *request, void *context)
{
    struct asked *asked = begin_handler(request, context);
    struct fuzz_operation drawn = { .detail = (uint32_t)draw_from(http.asked_count * 251u) };
    if (asked == NULL) {
        (void)bight_http_respond_empty(request, 204);
        return;
    }
    if (fuzz_choose(&drawn, 3) == 0) {
        bight_http_request_set_gone(request, client_has_gone, asked);
    }
    act_inside(asked->id * 257u, NULL);
    if (asked->holds > 0 && fuzz_choose(&drawn, 3) == 0) {
        begin_use(asked); /* middleware may release it within */
        respond_to(asked, &drawn);
        end_use(asked);
    }
    act_inside(asked->id * 263u, NULL);
    if (asked->holds > 0 && fuzz_choose(&drawn, 3) == 0) {
        let_go_of_asked(asked);
    }
}

static void run(struct bight_http_request *request, struct bight_result *result, void *context)
{
    struct asked *asked = begin_handler(request, context);
    http.running++;
    for (unsigned i = 0; asked != NULL && i < 3 && !world.is_ending; i++) {
        struct bight_deferred *deferred = some_deferred(0, draw_from(asked->id * 269u + i));
        act_inside(asked->id * 271u + i, NULL);
        if (deferred == NULL) {
            break;
        }
        (void)bight_await(deferred, result);
    }
    if (asked != NULL && asked->holds > 0) {
        let_go_of_asked(asked);
    }
    http.running--;
}

static void make_page(struct bight_http_request *request, int status, const char *message, void *context)
{
    (void)message;
    (void)context;
    act_inside(++pages * 277u, NULL);
    if (pages % 3 > 0) {
        (void)bight_http_respond_text(request, status, "a page");
    }
}

/* ----------------------------------------------------------------------------------------------- sites */

static void add_route(struct bight_http_site *site, const char *pattern, bool is_coroutine, uint64_t drawn)
{
    struct item *item = new_item("route", 0);
    struct bight_http_route_options options = { .size = sizeof options,
        .body_limit = drawn % 4 == 0 ? 1000 : 0,
        .seconds = drawn / 4 % 3 == 0 ? 0.5 : 0,
        .cancel_when_gone = drawn / 12 % 2 == 0 };
    if (item == NULL) {
        return;
    }
    if (is_coroutine) {
        (void)bight_http_route_coroutine_full(site, pattern, run, item, release_item, &options);
    } else {
        (void)bight_http_route_full(site, pattern, handle, item, release_item, &options);
    }
}

static void make_site(struct slot *slot, uint64_t drawn)
{
    struct bight_http_site_options options = { .size = sizeof options,
        .request_limit = drawn % 5 == 0 ? 3 : 0,
        .body_limit = drawn / 5 % 4 == 0 ? 20000 : 0,
        .head_seconds = drawn / 20 % 3 == 0 ? 0.2 : 0,
        .idle_seconds = drawn / 60 % 3 == 0 ? 0.5 : 0,
        .half_close = drawn / 180 % 2 == 0 };
    struct bight_http_site *site = bight_http_site_new_full(&options);
    slot->site = site;
    add_middleware(site, draw_from(drawn));
    add_sessions(site, draw_from(drawn + 1));
    add_middleware(site, draw_from(drawn + 2));
    add_files(site, draw_from(drawn + 3));
    add_sockets(site);
    add_route(site, "/all/{rest...}", false, drawn / 7);
    add_route(site, "GET /get", false, drawn / 11);
    add_route(site, "POST /post", false, drawn / 13);
    add_route(site, "/coroutine", true, drawn / 17);
    if (drawn / 360 % 3 == 0) {
        bight_http_site_set_error(site, make_page, NULL);
    }
}

static void on_listening(struct bight_result *result, void *context)
{
    struct item *item = context;
    struct slot *slot = &slots[item->order];
    finish_item(item, result);
    slot->listens = false;
    if (bight_result_peek(result, &bight_type_port) != NULL) {
        slot->port = bight_result_take(result, &bight_type_port);
        slot->listens = true;
    }
    bight_result_clear(result);
}

static void serve(unsigned number)
{
    static const char *const endpoints[SITES] = { "tcp:301", "tcp:302", "tcp:303" };
    struct slot *slot = &slots[number];
    struct item *item = slot->listens || slot->site == NULL ? NULL : new_item("serving", 0);
    if (item == NULL) {
        return;
    }
    item->order = number;
    slot->listens = true;
    watch_with(
        item, bight_listen(world.reactors[0], endpoints[number], bight_http_site_factory(slot->site)), on_listening);
}

static void stop_serving(struct slot *slot)
{
    struct bight_port *port = slot->port;
    if (port != NULL) {
        slot->port = NULL;
        slot->listens = false;
        bight_deferred_release(bight_port_stop_listening(port));
        bight_port_release(port);
    }
}

static void free_site(struct slot *slot)
{
    struct bight_http_site *site = slot->site;
    slot->site = NULL;
    http.freeing++;
    bight_http_site_free(site);
    http.freeing--;
}

void act_site(struct fuzz_operation *operation, void *context)
{
    static const char *const paths[] = { "/m", "/m/n/", "h.org/" };
    unsigned number = operation->subject % SITES;
    struct slot *slot = &slots[number];
    unsigned drawn = fuzz_choose(operation, 12);
    (void)context;
    if (world.is_ending) {
        return;
    }
    if (slot->site == NULL) {
        make_site(slot, draw_from(operation->position * 281u));
        serve(number);
    } else if (drawn < 4) {
        serve(number);
    } else if (drawn == 4) {
        stop_serving(slot);
    } else if (drawn == 5) {
        free_site(slot);
    } else if (drawn < 9) {
        (void)bight_http_mount(slot->site, paths[fuzz_choose(operation, 3)], slots[fuzz_choose(operation, SITES)].site);
    } else if (drawn == 9) {
        add_route(slot->site, "/new/{rest...}", false, fuzz_choose(operation, 100));
    } else {
        struct bight_http_figures figures = { .size = sizeof figures };
        if (bight_http_site_read_figures(slot->site, &figures) != 0 || figures.in_flight > ASKED) {
            fuzz_fail("the figures of site %u are no good", number);
        }
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    memset(&http, 0, sizeof http);
    memset(slots, 0, sizeof slots);
    pages = 0;
}

static void check(void)
{
}

/* Every second site is freed with its port and its requests as they are, the others behind both. */
static void end(void)
{
    for (unsigned i = 0; i < SITES; i++) {
        if (i % 2 == 0) {
            free_site(&slots[i]);
        }
        stop_serving(&slots[i]);
    }
    for (unsigned i = 0; i < http.asked_count; i++) {
        while (http.asked[i].holds > 0 && (i % 4 > 0 || !world.parks)) {
            let_go_of_asked(&http.asked[i]);
        }
    }
    for (unsigned i = 0; i < SITES; i++) {
        free_site(&slots[i]);
    }
}

/* Some requests are held longer than the reactors live. */
static void finish(void)
{
    for (unsigned i = 0; i < http.asked_count; i++) {
        while (http.asked[i].holds > 0) {
            let_go_of_asked(&http.asked[i]);
        }
    }
}

const struct part http_part = { begin, check, end, finish };
