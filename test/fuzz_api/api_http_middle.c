/* SPDX-License-Identifier: MIT */
/* api_http_middle.c - middleware that lets by, answers, stops and lets proceed, in sites and in those mounted in them;
 * compression. Whoever was asked about a request hears of its head once at most, and of its end just once, unless its
 * site has gone (A6). */
#include "api_http.h"

#include <stdlib.h>
#include <string.h>

enum { STOPPED = 30, MET = 12, TOURS = 2 * ASKED };

/* What a request has met. */
static struct tour {
    struct {
        struct item *middleware;
        unsigned heads, ends;
    } met[MET];
    unsigned count;
} tours[TOURS];
static unsigned tour_count;

static struct bight_http_request *stopped[STOPPED];

/* -------------------------------------------------------------------------------------------- tours */

static void end_tour(void *value)
{
    const struct tour *tour = value;
    for (unsigned i = 0; i < tour->count && http.freeing == 0; i++) {
        if (tour->met[i].ends != 1 && !tour->met[i].middleware->is_released) {
            fuzz_fail(
                "middleware %u hears of the end of a request %u times", tour->met[i].middleware->id, tour->met[i].ends);
        }
    }
}

static const struct bight_type tour_type = { .name = "tour", .destroy = end_tour };

static struct tour *tour_of(struct bight_http_request *request)
{
    struct tour *tour = bight_http_request_attached(request, &tour_type);
    if (tour == NULL && tour_count < TOURS) {
        tour = &tours[tour_count++];
        *tour = (struct tour) { .count = 0 };
        (void)bight_http_request_attach(request, &tour_type, tour);
    }
    return tour;
}

/* The number of what it has met; MET: too many. */
static unsigned find_met(struct tour *tour, const struct item *middleware)
{
    unsigned at = 0;
    while (tour != NULL && at < tour->count && tour->met[at].middleware != middleware) {
        at++;
    }
    return tour == NULL ? MET : at;
}

/* --------------------------------------------------------------------------------------- middleware */

static bool stop(struct bight_http_request *request)
{
    for (unsigned i = 0; i < STOPPED && !world.is_ending; i++) {
        if (stopped[i] == NULL) {
            stopped[i] = bight_http_request_hold(request);
            return false;
        }
    }
    return true;
}

static bool before(struct bight_http_request *request, void *context)
{
    struct item *middleware = context;
    struct tour *tour = tour_of(request);
    unsigned at = find_met(tour, middleware), drawn = (unsigned)draw_from(middleware->id * 337u + tour_count);
    check_not_inside("middleware");
    if (middleware->is_released) {
        fuzz_fail("middleware is asked that was released");
    }
    if (at < MET && at < tour->count) {
        fuzz_fail("middleware %u is asked twice about a request", middleware->id);
    }
    if (at < MET) {
        tour->met[tour->count++].middleware = middleware;
        tour->met[at].heads = tour->met[at].ends = 0;
    }
    act_inside(drawn, NULL);
    switch (drawn % 16) {
    case 0:
        (void)bight_http_respond_text(request, 403, "no");
        return false;
    case 1:
    case 2:
    case 3:
        return stop(request);
    case 4:
        return false; /* without a word: 500 */
    default:
        return true;
    }
}

static void head(struct bight_http_request *request, int status, void *context)
{
    struct item *middleware = context;
    struct tour *tour = tour_of(request);
    unsigned at = find_met(tour, middleware);
    if (status < 100 || status > 599 || (at < MET && (at == tour->count || ++tour->met[at].heads > 1))) {
        fuzz_fail("middleware %u hears of a head (%d) that is not its", middleware->id, status);
    }
    (void)bight_http_respond_set(request, "X-Middle", "1");
    http.in_head++;
    act_inside(middleware->id * 347u + tour_count, NULL);
    http.in_head--;
}

static void done(struct bight_http_request *request, const struct bight_http_outcome *outcome, void *context)
{
    struct item *middleware = context;
    struct tour *tour = tour_of(request);
    unsigned at = find_met(tour, middleware);
    if (outcome->seconds < 0 || (at < MET && (at == tour->count || ++tour->met[at].ends > 1))) {
        fuzz_fail("middleware %u hears of an end that is not its", middleware->id);
    }
    act_inside(middleware->id * 349u + tour_count, NULL);
}

static const struct bight_http_middleware_ops ops = {
    .size = sizeof ops, .before = before, .head = head, .done = done
};

/* ----------------------------------------------------------------------------------------------- sites */

void add_middleware(struct bight_http_site *site, uint64_t drawn)
{
    static const char *const shrunk[] = { "x/*", "text/*", NULL };
    const struct bight_http_compression_options compression = {
        .size = sizeof compression, .least = 100, .limit = 2, .types = shrunk
    };
    struct item *item = drawn % 2 == 0 ? new_item("middleware", 0) : NULL;
    if (item != NULL) {
        (void)bight_http_use_full(site, &ops, item, release_item);
    }
    if (drawn / 2 % 2 == 0) {
        (void)bight_http_use_compression(site, &compression);
    }
}

/* What is called from outside: its handlers may run inside. */
unsigned step_outside(void)
{
    unsigned in_call = world.in_call;
    world.in_call = 0;
    return in_call;
}

void step_inside(unsigned in_call)
{
    world.in_call = in_call;
}

void act_proceed(struct fuzz_operation *operation, void *context)
{
    (void)context;
    for (unsigned i = 0; i < STOPPED; i++) {
        unsigned at = (operation->subject + i) % STOPPED;
        struct bight_http_request *request = stopped[at];
        if (request != NULL) {
            stopped[at] = NULL;
            unsigned in_call = step_outside();
            if (fuzz_choose(operation, 5) > 0) {
                (void)bight_http_request_proceed(request);
            }
            bight_http_request_release(request);
            step_inside(in_call);
            return;
        }
    }
}

/* ----------------------------------------------------------------------------------------- the part */

static void begin(void)
{
    tour_count = 0;
    memset(stopped, 0, sizeof stopped);
}

static void check(void)
{
}

static void end(void)
{
    for (unsigned i = 0; i < STOPPED; i++) {
        struct bight_http_request *request = stopped[i];
        stopped[i] = NULL;
        if (request != NULL) {
            bight_http_request_release(request);
        }
    }
}

const struct part http_middle_part = { begin, check, end, end };
