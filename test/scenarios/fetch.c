/* SPDX-License-Identifier: MIT */
/* fetch.c - scenario: a client of HTTP that fetches from servers that misbehave on demand, over bad links.
 *
 * Calls are collected or streamed, read slowly, cancelled, left; the client is closed or freed at any moment; servers
 * cut, spoil, delay and never end their answers, and close what was kept. Every call ends once, within its total time,
 * with a value or a failure that is documented for what went wrong; a body that succeeds is what was served; and in the
 * end nothing is open. */
#include <bight/protocols/http_client.h>
#include <bight/protocols/http_client_testing.h>

#include "http/coding/gzip.h"
#include "scenario.h"

#include <stdio.h>
#include <string.h>

#define MAX_FETCHES 10
#define MAX_SERVERS 3
#define MAX_BODY 12000
#define BODY_LIMIT 50000
#define RUN_SECONDS 300
#define CROWDED_SECONDS 15 /* calls begin within 8 */
#define SLOW_READER 0.2    /* seconds between two readings */

/* What the server does. */
enum kind { HONEST, CUT, SHORT, SLOW, STALE, AFTER, AWAY, LOOP, ENDLESS, NONSENSE, TWOFOLD, EARLY, KINDS };

struct fetch_world;

struct fetch {
    struct fetch_world *world;
    enum kind kind;
    bool streams, is_head, has_body, is_begun, may_succeed;
    char url[400];
    size_t seed, size, got;
    double total, began;
    struct bight_deferred *asked;
    struct bight_http_response *response;
    struct bight_timer reading;
    bool was_cancelled;
    unsigned ended;
};

struct fetch_world {
    struct audit audit;
    struct trouble trouble;
    struct bight_host *client_host;
    struct bight_reactor *reactor;
    struct bight_http_client *client; /* NULL: it has been freed */
    struct bight_http_misbehaving *servers[MAX_SERVERS];
    size_t server_count, fetch_count;
    struct fetch fetches[MAX_FETCHES];
    size_t max_descriptors, given_up; /* of the client's host; calls whose connection may still be ending */
    bool is_closing, is_freed, was_apart, is_closed, has_too_many;
};

static struct bight_simulation *simulation_of(const struct fetch *fetch)
{
    return fetch->world->audit.simulation;
}

static unsigned pick(const struct fetch *fetch, unsigned below)
{
    return (unsigned)bight_simulation_draw(simulation_of(fetch), below);
}

/* ------------------------------------------------------------------------------------------- the script */

static void add_text(struct fetch *fetch, const char *text)
{
    size_t used = strlen(fetch->url);
    (void)snprintf(fetch->url + used, sizeof fetch->url - used, "%s", text);
}

static void add_number(struct fetch *fetch, const char *word, size_t number)
{
    size_t used = strlen(fetch->url);
    (void)snprintf(fetch->url + used, sizeof fetch->url - used, "%s%zu", word, number);
}

static void add_honest_words(struct fetch *fetch)
{
    static const char *const framings[] = { "&framing=length", "&framing=chunked", "&framing=close" };
    bool may_be_packed = bi_gzip_is_built_in() && !fetch->streams && fetch->kind != SHORT && fetch->kind != ENDLESS;
    add_number(fetch, "size=", fetch->size);
    add_number(fetch, "&seed=", fetch->seed);
    if (fetch->kind == HONEST) {
        add_text(fetch, framings[pick(fetch, 3)]);
    } else if (pick(fetch, 2) == 0 && fetch->kind != SHORT) {
        add_number(fetch, "&framing=chunked&chunk=", 1 + pick(fetch, 2000));
    }
    add_text(fetch, may_be_packed && pick(fetch, 3) == 0 ? "&coding=gzip" : "");
}

static void add_cut(struct fetch *fetch)
{
    static const char *const ends[] = { "&end=close", "&end=reset", "" };
    add_number(fetch, "&cut=", pick(fetch, pick(fetch, 2) == 0 ? 150 : MAX_BODY));
    add_text(fetch, ends[pick(fetch, 3)]);
}

static void add_short(struct fetch *fetch)
{
    add_number(fetch, "&length=", fetch->size + 1 + pick(fetch, 100));
    add_text(fetch, pick(fetch, 2) == 0 ? "&end=close" : "");
    fetch->may_succeed = false;
}

/* The words for what is wrong; each kind's end with a NULL. */
static const struct {
    const char *words[6];
    bool may_succeed;
} troubles[KINDS] = {
    [SLOW] = { { "&wait=3", "&pace=0.02&size=30", "&pace=40", "&wait=200" }, true },
    [STALE] = { { "&next=close", "&next=reset" }, true },
    [AFTER] = { { "&after=0.1&end=close", "&after=0.5&end=reset", "&after=3&end=close" }, true },
    [AWAY] = { { "&hops=1", "&hops=9", "&hops=3&via=307" }, true },
    [LOOP] = { { "&loop=yes", "&hops=11", "&loop=yes&via=308" }, false },
    [ENDLESS] = { { "&endless=head", "&endless=interim", "&endless=body&framing=close", "&coding=bomb",
                      "&endless=head&pace=0.5" },
        false },
    [NONSENSE] = { { "&garbage=5000", "&garbage=1&end=close", "&field=A+%3A+b", "&status=101" }, false },
    [TWOFOLD] = { { "&framing=both", "&framing=twice" }, false },
    [EARLY] = { { "&when=line", "&when=head", "&when=head&deaf=2", "&deaf=2", "&interim=7" }, true },
};

static void add_trouble(struct fetch *fetch)
{
    const char *const *words = troubles[fetch->kind].words;
    unsigned count = 0;
    while (words[count] != NULL) {
        count++;
    }
    if (fetch->kind == CUT) {
        add_cut(fetch);
    } else if (fetch->kind == SHORT) {
        add_short(fetch);
    } else if (count > 0) {
        add_text(fetch, words[pick(fetch, count)]);
        fetch->may_succeed = troubles[fetch->kind].may_succeed;
    }
}

static void compose(struct fetch *fetch)
{
    struct audit *audit = &fetch->world->audit;
    fetch->kind = draw(audit, 40) ? HONEST : (enum kind)pick(fetch, KINDS);
    fetch->streams = draw(audit, 40);
    fetch->may_succeed = true;
    fetch->has_body = draw(audit, 25);
    fetch->is_head = !fetch->has_body && !fetch->streams && fetch->kind == HONEST && draw(audit, 20);
    fetch->seed = pick(fetch, 1000);
    fetch->size = draw_size(audit, MAX_BODY);
    fetch->total = fetch->kind == HONEST ? RUN_SECONDS - 50 : 1 + draw_seconds(audit, 30);
    (void)snprintf(
        fetch->url, sizeof fetch->url, "http://server%u/?", pick(fetch, (unsigned)fetch->world->server_count));
    add_honest_words(fetch);
    add_trouble(fetch);
    fetch->size = strstr(fetch->url, "&size=30") != NULL ? 30 : fetch->size;
}

/* ------------------------------------------------------------------------------------------- its end */

/* Whether things that programs see may have gone wrong on the way. */
static bool may_lose_connections(const struct fetch_world *world)
{
    return world->trouble.resets || world->trouble.files || world->was_apart || world->trouble.refusals;
}

static bool is_of_the_way(const struct fetch *fetch, const struct bight_failure *failure)
{
    const struct trouble *trouble = &fetch->world->trouble;
    if (bight_failure_is(failure, BIGHT_E_NAME_UNAVAILABLE) || bight_failure_is(failure, BIGHT_E_NAME_NOT_FOUND)) {
        return trouble->names;
    }
    if (bight_failure_is(failure, BIGHT_E_CONNECT_TIMED_OUT)) {
        return true; /* names may be late */
    }
    if (bight_failure_is(failure, BIGHT_E_CONNECT) || bight_failure_is(failure, BIGHT_E_ALL_FAILED)) {
        return trouble->refusals || trouble->files || trouble->resets;
    }
    return trouble->files &&
           (bight_failure_is(failure, BIGHT_E_SYSTEM) || bight_failure_is(failure, BIGHT_E_OUT_OF_MEMORY) ||
               bight_failure_is(failure, BIGHT_E_TOO_MANY_FILES));
}

/* A connection that ended: because of the link, of the server that was asked, or, for what is not repeated, because it
 * had been kept. */
static bool may_end(const struct fetch *fetch)
{
    return may_lose_connections(fetch->world) || fetch->kind != HONEST || fetch->has_body || fetch->world->is_closing;
}

static bool is_documented(const struct fetch *fetch, const struct bight_failure *failure)
{
    switch (bight_failure_code(failure)) {
    case BIGHT_E_CANCELLED:
        return fetch->was_cancelled;
    case BIGHT_E_CLOSED:
        return fetch->world->is_closing;
    case BIGHT_E_ABANDONED:
        return fetch->world->is_freed;
    case BIGHT_E_TIMED_OUT:
        return bight_failure_status(failure) >= BIGHT_HTTP_TIME_FIRST_BYTE && fetch->kind != HONEST;
    case BIGHT_E_SYNTAX:
        return fetch->kind == NONSENSE || fetch->kind == TWOFOLD;
    case BIGHT_E_TOO_LONG:
        return fetch->kind == ENDLESS;
    case BIGHT_E_LIMIT:
        return fetch->kind == LOOP;
    default:
        return bight_failure_is(failure, BIGHT_E_CONNECTION) ? may_end(fetch) : is_of_the_way(fetch, failure);
    }
}

static void check_time(const struct fetch *fetch)
{
    double took = bight_simulation_now(simulation_of(fetch)) - fetch->began;
    double slack = fetch->streams ? SLOW_READER : 0; /* who reads later, hears of it later */
    if (took > fetch->total * (1 + 1.0 / 16) + 0.004 + slack) {
        audit_wrong("a call with %.3f s took %.3f s: %s", fetch->total, took, fetch->url);
    }
}

/* NULL: with a value. */
static void settle(struct fetch *fetch, const struct bight_failure *failure)
{
    fetch->ended++;
    fetch->world->given_up += failure != NULL;
    check_time(fetch);
    if (failure != NULL && !is_documented(fetch, failure)) {
        audit_wrong("%s (%d): %s, of %s", bight_error_name(bight_failure_code(failure)), bight_failure_status(failure),
            bight_failure_message(failure), fetch->url);
    }
    if (failure == NULL && (!fetch->may_succeed || fetch->got != (fetch->is_head ? 0 : fetch->size))) {
        audit_wrong("%zu bytes of %s", fetch->got, fetch->url);
    }
}

static void take_bytes(struct fetch *fetch, const struct bight_bytes *bytes)
{
    size_t size = bytes != NULL ? bight_bytes_size(bytes) : 0;
    if (size > 0 && fetch->may_succeed &&
        !bight_http_misbehaving_is(fetch->seed, fetch->got, bight_bytes_data(bytes), size)) {
        audit_wrong("other bytes than were served behind %zu of %s", fetch->got, fetch->url);
    }
    fetch->got += size;
}

static void check_status(const struct fetch *fetch, struct bight_http_response *response)
{
    if (bight_http_response_status(response) != 200) {
        audit_wrong("status %d of %s", bight_http_response_status(response), fetch->url);
    }
}

static void has_collected(struct bight_result *result, void *context)
{
    struct fetch *fetch = context;
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    if (response != NULL) {
        check_status(fetch, response);
        take_bytes(fetch, bight_http_response_body(response));
    }
    settle(fetch, bight_result_failure(result));
    bight_result_clear(result);
}

/* ------------------------------------------------------------------------------------------- streams */

static void let_go(struct fetch *fetch)
{
    bight_http_response_release(fetch->response);
    fetch->response = NULL;
}

static void read_more(void *context);

static void has_read(struct bight_result *result, void *context)
{
    struct fetch *fetch = context;
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    bool is_over = bytes == NULL || bight_bytes_size(bytes) == 0;
    take_bytes(fetch, bytes);
    if (is_over) {
        settle(fetch, bight_result_failure(result));
    }
    bight_result_clear(result);
    if (is_over) {
        let_go(fetch);
    } else if (draw(&fetch->world->audit, 2)) {
        fetch->ended++; /* has enough */
        fetch->world->given_up++;
        let_go(fetch);
    } else if (draw(&fetch->world->audit, 20)) {
        (void)bight_call_later(
            fetch->world->reactor, draw_seconds(&fetch->world->audit, SLOW_READER), read_more, fetch, &fetch->reading);
    } else {
        read_more(fetch);
    }
}

static void read_more(void *context)
{
    struct fetch *fetch = context;
    struct bight_deferred *read = bight_http_response_read(fetch->response, 500 + pick(fetch, 20000));
    (void)bight_deferred_add_both(read, has_read, fetch);
    audit_watch(&fetch->world->audit, read);
}

static void head_has_come(struct bight_result *result, void *context)
{
    struct fetch *fetch = context;
    if (bight_result_failure(result) != NULL) {
        settle(fetch, bight_result_failure(result));
        bight_result_clear(result);
        return;
    }
    fetch->response = bight_result_take(result, &bight_type_http_response);
    check_status(fetch, fetch->response);
    read_more(fetch);
}

/* ------------------------------------------------------------------------------------------- calls */

static void cancel(void *context)
{
    struct fetch *fetch = context;
    fetch->was_cancelled = true;
    bight_deferred_cancel(fetch->asked);
}

static void ask(struct fetch *fetch)
{
    struct audit *audit = &fetch->world->audit;
    const struct bight_http_call_options options = {
        .size = sizeof options, .total_seconds = fetch->total, .max_body = BODY_LIMIT
    };
    const char *method = fetch->is_head ? "HEAD" : (fetch->has_body ? "POST" : "GET");
    static const char body[30000];
    struct bight_http_call *call = bight_http_call_new(fetch->world->client, method, fetch->url);
    (void)bight_http_call_configure(call, &options);
    if (fetch->has_body) {
        (void)bight_http_call_body(call, body, draw_size(audit, sizeof body), NULL);
    }
    fetch->asked = fetch->streams ? bight_http_call_stream(call) : bight_http_call_send(call);
    (void)bight_deferred_add_both(fetch->asked, fetch->streams ? head_has_come : has_collected, fetch);
    audit_watch(audit, bight_deferred_hold(fetch->asked));
}

static void begin(void *context)
{
    struct fetch *fetch = context;
    struct audit *audit = &fetch->world->audit;
    if (fetch->world->client == NULL) {
        return;
    }
    compose(fetch);
    fetch->is_begun = true;
    fetch->began = bight_simulation_now(audit->simulation);
    ask(fetch);
    if (draw(audit, 15)) {
        (void)bight_call_later(fetch->world->reactor, draw_seconds(audit, 2), cancel, fetch, NULL);
    }
}

/* ------------------------------------------------------------------------------------------- the client's end */

static void free_client(void *context)
{
    struct fetch_world *world = context;
    world->is_freed = true;
    bight_http_client_free(world->client);
    world->client = NULL;
}

static void has_closed(struct bight_result *result, void *context)
{
    struct fetch_world *world = context;
    world->is_closed = true;
    bight_result_clear(result);
}

static void close_client(void *context)
{
    struct fetch_world *world = context;
    if (world->client == NULL) {
        return;
    }
    world->is_closing = true;
    struct bight_deferred *closing = bight_http_client_close(world->client);
    (void)bight_deferred_add_both(closing, has_closed, world);
    audit_watch(&world->audit, closing);
}

/* The client's own descriptors are counted: a server may see more connections than there are, since the end of one is
 * still on its way to it when the next is made. Each may be two attempts in a race until it is made. What is closed in
 * a callback is closed in the turn behind it, so that only what two looks find counts. */
static void count_descriptors(void *context)
{
    struct fetch_world *world = context;
    size_t open = bight_host_descriptors(world->client_host);
    bool is_too_many = open > world->max_descriptors + world->given_up;
    if (is_too_many && world->has_too_many) {
        audit_wrong("%zu descriptors, at most %zu may be", open, world->max_descriptors + world->given_up);
    }
    world->has_too_many = is_too_many;
    if (bight_simulation_now(world->audit.simulation) < CROWDED_SECONDS) {
        (void)bight_call_later(world->reactor, 0.05, count_descriptors, world, NULL);
    }
}

static void heal(void *context)
{
    bight_simulation_partition(((struct fetch_world *)context)->audit.simulation, NULL, NULL, false);
}

static void part(void *context)
{
    struct fetch_world *world = context;
    world->was_apart = true;
    bight_simulation_partition(world->audit.simulation, NULL, NULL, true);
    (void)bight_call_later(world->reactor, draw_seconds(&world->audit, 20), heal, world, NULL);
}

/* ------------------------------------------------------------------------------------------------ runs */

static size_t make_hosts(struct fetch_world *world, struct bight_host **hosts)
{
    struct audit *audit = &world->audit;
    world->server_count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_SERVERS);
    hosts[0] = bight_simulation_host(audit->simulation, "client");
    world->reactor = audit_reactor(audit, hosts[0], 1024 * 1024);
    for (size_t i = 0; i < world->server_count; i++) {
        char name[40];
        (void)snprintf(name, sizeof name, "server%zu", i);
        hosts[1 + i] = bight_simulation_host(audit->simulation, name);
        world->servers[i] = bight_http_misbehaving_new();
        (void)audit_listen(audit, audit_reactor(audit, hosts[1 + i], 1024 * 1024), "tcp:80",
            bight_http_misbehaving_factory(world->servers[i]));
    }
    return 1 + world->server_count;
}

static void plan(struct fetch_world *world)
{
    struct audit *audit = &world->audit;
    world->fetch_count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_FETCHES);
    for (size_t i = 0; i < world->fetch_count; i++) {
        world->fetches[i].world = world;
        (void)bight_call_later(world->reactor, draw_seconds(audit, 8), begin, &world->fetches[i], NULL);
    }
    if (draw(audit, 15)) {
        (void)bight_call_later(world->reactor, draw_seconds(audit, 10), part, world, NULL);
    }
    if (draw(audit, 15)) {
        (void)bight_call_later(world->reactor, draw_seconds(audit, 10), close_client, world, NULL);
    }
    if (draw(audit, 15)) {
        (void)bight_call_later(world->reactor, draw_seconds(audit, 10), free_client, world, NULL);
    }
}

static void check_all(const struct fetch_world *world)
{
    for (size_t i = 0; i < world->fetch_count; i++) {
        const struct fetch *fetch = &world->fetches[i];
        if (fetch->ended != fetch->is_begun) {
            audit_wrong("call %zu has ended %u times: %s", i, fetch->ended, fetch->url);
        }
    }
    for (size_t i = 0; i < world->server_count; i++) {
        struct bight_http_misbehaving_figures figures = { .size = sizeof figures };
        (void)bight_http_misbehaving_read_figures(world->servers[i], &figures);
        if (figures.open != 0) {
            audit_wrong("%zu connections to server %zu are open", figures.open, i);
        }
    }
}

static void run_fetch(struct fetch_world *world)
{
    struct audit *audit = &world->audit;
    struct bight_host *hosts[1 + MAX_SERVERS];
    size_t count = make_hosts(world, hosts), descriptors = bight_host_descriptors(hosts[0]);
    const struct bight_http_client_options options = { .size = sizeof options,
        .max_per_host = 1 + (unsigned)bight_simulation_draw(audit->simulation, 8) };
    world->client = bight_http_client_new(world->reactor, &options);
    world->client_host = hosts[0];
    world->max_descriptors = descriptors + (size_t)2 * options.max_per_host * world->server_count;
    world->trouble = draw_trouble(audit);
    set_trouble(audit, &world->trouble, hosts, count);
    plan(world);
    count_descriptors(world);
    bight_simulation_run(audit->simulation, RUN_SECONDS);
    if (world->is_closing && !world->is_closed && !world->is_freed) {
        audit_wrong("a client that was closed has not come to its end");
    }
    free_client(world);
    bight_simulation_run(audit->simulation, 60); /* a flush may stand still for 30 s */
    check_all(world);
    if (bight_host_descriptors(hosts[0]) != descriptors) {
        audit_wrong("descriptors before and after: %zu and %zu", descriptors, bight_host_descriptors(hosts[0]));
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    static struct fetch_world world;
    (void)context;
    memset(&world, 0, sizeof world);
    audit_begin(&world.audit, simulation);
    run_fetch(&world);
    for (size_t i = 0; i < world.fetch_count; i++) {
        bight_deferred_release(world.fetches[i].asked);
    }
    const char *wrong = audit_end(&world.audit);
    for (size_t i = 0; i < world.server_count; i++) {
        bight_http_misbehaving_free(world.servers[i]);
    }
    return wrong;
}

const struct bight_scenario fetch_scenario = { "fetch", run, NULL };
