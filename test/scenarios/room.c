/* SPDX-License-Identifier: MIT */
/* room.c - scenario: a room of talk: people who listen by WebSockets, by streams of events and by polls, say things by
 * sockets and posts, are cut off, slow and apart, and come back, in another way perhaps; and a server (room_site.c)
 * that comes back, too.
 *
 * What somebody says he says again until he hears it, and the server tells it once. Whoever names what he heard last
 * hears all that was acknowledged behind it, once and in order, or of a gap (room_ear.c). When nothing goes wrong any
 * more all hear the same last words, and in the end nothing is open. */
#include "room.h"

#include <stdio.h>
#include <string.h>

#define WILD_SECONDS 60
#define CALM_SECONDS 60 /* until everybody is back */
#define LAST_SECONDS 25 /* until everybody has heard the last words */

static struct bight_reactor *reactor_of(const struct person *person)
{
    return person->world->clients[person->number % person->world->client_count];
}

static struct bight_http_client *http_of(const struct person *person)
{
    return person->world->http[person->number % person->world->client_count];
}

static bool goes_wrong(const struct person *person, unsigned chance)
{
    return !person->world->is_calm && draw(&person->world->audit, chance);
}

static void connect_person(void *context);

/* He has no connection any more, and comes back. */
static void has_lost(struct person *person)
{
    (void)bight_timer_cancel(person->leaving);
    (void)bight_timer_cancel(person->slow);
    person->heard.size = 0;
    person->is_connected = false;
    if (!person->world->is_over) {
        (void)bight_call_later(
            reactor_of(person), draw_seconds(&person->world->audit, 2), connect_person, person, &person->again);
    }
}

static void release_asked(struct person *person)
{
    struct bight_deferred *asked = person->asked;
    person->asked = NULL;
    bight_deferred_release(asked);
}

/* There is nothing to listen to. */
static bool is_refused(struct person *person, struct bight_result *result)
{
    release_asked(person);
    if (bight_result_failure(result) == NULL) {
        return false;
    }
    bight_result_clear(result);
    has_lost(person);
    return true;
}

/* ------------------------------------------------------------------------------------------- by a socket */

static void caller_received(struct bight_websocket *socket, const char *text, size_t size)
{
    struct person *person = bight_websocket_self(struct caller, socket)->person;
    if (person == NULL) {
        return;
    }
    person_hears_json(person, text, size);
    if (goes_wrong(person, 5)) {
        (void)bight_transport_pause(bight_websocket_transport(socket));
    }
}

static void caller_closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    struct person *person = bight_websocket_self(struct caller, socket)->person;
    (void)code;
    (void)reason;
    (void)clean;
    if (person != NULL && person->socket == socket) {
        person->socket = NULL;
        has_lost(person);
        bight_websocket_release(socket);
    }
}

static const struct bight_websocket_ops caller_ops = { .text_received = caller_received, .closed = caller_closed };

static void is_called(struct bight_result *result, void *context)
{
    struct person *person = context;
    if (is_refused(person, result)) {
        return;
    }
    person->socket = bight_result_take(result, &bight_type_websocket);
    bight_websocket_self(struct caller, person->socket)->person = person;
}

/* ------------------------------------------------------------------------------------------- by events */

static void read_on(void *context);

static void end_response(struct person *person)
{
    struct bight_http_response *response = person->response;
    person->response = NULL;
    bight_http_response_release(response);
    has_lost(person);
}

static void has_read(struct bight_result *result, void *context)
{
    struct person *person = context;
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    size_t size = bytes != NULL ? bight_bytes_size(bytes) : 0;
    struct bight_deferred *reading = person->reading;
    person->reading = NULL;
    bight_deferred_release(reading);
    if (size > 0) {
        memcpy(text_room(&person->heard, size), bight_bytes_data(bytes), size);
        person_hears_events(person);
    }
    bight_result_clear(result);
    if (size == 0) {
        end_response(person);
    } else if (goes_wrong(person, 10)) {
        (void)bight_call_later(
            reactor_of(person), draw_seconds(&person->world->audit, 5), read_on, person, &person->slow);
    } else {
        read_on(person);
    }
}

static void read_on(void *context)
{
    struct person *person = context;
    struct bight_deferred *reading = bight_http_response_read(person->response, 0);
    person->reading = bight_deferred_hold(reading);
    (void)bight_deferred_add_both(reading, has_read, person);
    audit_watch(&person->world->audit, reading);
}

static void has_head(struct bight_result *result, void *context)
{
    struct person *person = context;
    if (is_refused(person, result)) {
        return;
    }
    person->response = bight_result_take(result, &bight_type_http_response);
    if (bight_http_response_status(person->response) != 200) {
        end_response(person);
    } else {
        read_on(person);
    }
}

/* ------------------------------------------------------------------------------------------- by polls */

static void has_polled(struct bight_result *result, void *context)
{
    struct person *person = context;
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    bool is_answered = response != NULL && bight_http_response_status(response) == 200;
    release_asked(person);
    if (is_answered) {
        const struct bight_bytes *body = bight_http_response_body(response);
        person_hears_poll(person, (const char *)bight_bytes_data(body), bight_bytes_size(body));
    }
    bight_result_clear(result);
    if (is_answered && !person->world->is_over && draw(&person->world->audit, 80)) {
        (void)bight_timer_cancel(person->leaving);
        connect_person(person);
    } else {
        has_lost(person);
    }
}

/* ------------------------------------------------------------------------------------------- coming back */

static void name_place(struct person *person, char *url, size_t size)
{
    const char *name = person->way == BY_EVENTS ? "lastEventId" : "after";
    size_t used = strlen(url);
    person->is_stranger = !person->has_place && draw(&person->world->audit, 50);
    person->has_named = person->has_place;
    person->named_epoch = person->epoch;
    if (person->has_place) {
        (void)snprintf(url + used, size - used, "&%s=%s-%lu", name, person->world->epochs[person->epoch].name,
            (unsigned long)person->last);
    } else if (person->is_stranger) {
        (void)snprintf(url + used, size - used, "&%s=nobody-7", name);
    }
}

static struct bight_deferred *ask(struct person *person, const char *url)
{
    static const struct bight_websocket_connect_options options = { .size = sizeof options, .seconds = 5 };
    if (person->way == BY_SOCKET) {
        return bight_websocket_connect(reactor_of(person), url, &person->world->sockets, &options);
    }
    struct bight_http_call *call = bight_http_call_new(http_of(person), "GET", url);
    return person->way == BY_EVENTS ? bight_http_call_stream(call) : bight_http_call_send(call);
}

static void leave(void *context);

static void connect_person(void *context)
{
    static const char *const ways[WAYS] = { "socket", "events", "poll" };
    static void (*const answers[WAYS])(struct bight_result *, void *) = { is_called, has_head, has_polled };
    struct person *person = context;
    char url[200];
    if (!person->is_connected && draw(&person->world->audit, 50)) {
        person->way = (enum way)bight_simulation_draw(person->world->audit.simulation, WAYS);
    }
    person->is_connected = true;
    person->has_joined = false;
    person->attempt++;
    memset(person->was_said_here, 0, sizeof person->was_said_here);
    (void)snprintf(url, sizeof url, "%s://10.0.0.1/rooms/%u/%s?who=%u&try=%u", person->way == BY_SOCKET ? "ws" : "http",
        person->topic, ways[person->way], person->number, person->attempt);
    name_place(person, url, sizeof url);
    if (goes_wrong(person, 50)) {
        (void)bight_call_later(
            reactor_of(person), draw_seconds(&person->world->audit, 8), leave, person, &person->leaving);
    }
    struct bight_deferred *asked = ask(person, url);
    person->asked = bight_deferred_hold(asked);
    (void)bight_deferred_add_both(asked, answers[person->way], person);
    audit_watch(&person->world->audit, asked);
}

static void leave_socket(struct person *person)
{
    struct bight_websocket *socket = person->socket;
    bool ends_now = draw(&person->world->audit, 50);
    bight_websocket_self(struct caller, socket)->person = NULL;
    person->socket = NULL;
    if (ends_now) {
        (void)bight_transport_abort_connection(bight_websocket_transport(socket));
    } else {
        (void)bight_transport_resume(bight_websocket_transport(socket));
        (void)bight_websocket_close(socket, 0, NULL);
    }
    bight_websocket_release(socket);
    has_lost(person);
}

/* Its handlers let go of it. */
static void cancel(struct bight_deferred *deferred)
{
    (void)bight_deferred_hold(deferred);
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
}

/* He has had enough, whatever is under way. */
static void leave(void *context)
{
    struct person *person = context;
    if (person->asked != NULL) {
        cancel(person->asked);
    } else if (person->socket != NULL) {
        leave_socket(person);
    } else if (person->reading != NULL) {
        cancel(person->reading);
    } else if (person->response != NULL) {
        end_response(person);
    }
}

/* ------------------------------------------------------------------------------------------- saying */

static void was_posted(struct bight_result *result, void *context)
{
    struct person *person = context;
    struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    struct bight_deferred *posted = person->posted;
    person->posted = NULL;
    bight_deferred_release(posted);
    if (response != NULL && bight_http_response_status(response) == 204) {
        person->is_done[person->posting] = true;
    }
    bight_result_clear(result);
}

static void post(struct person *person, unsigned saying, const char *text, size_t size)
{
    char url[100];
    (void)snprintf(url, sizeof url, "http://10.0.0.1/rooms/%u", person->topic);
    struct bight_http_call *call = bight_http_call_new(http_of(person), "POST", url);
    (void)bight_http_call_body(call, text, size, "text/plain");
    struct bight_deferred *posted = bight_http_call_send(call);
    person->posting = saying;
    person->posted = bight_deferred_hold(posted);
    (void)bight_deferred_add_both(posted, was_posted, person);
    audit_watch(&person->world->audit, posted);
}

/* By a socket once; whether it has been told before a gap cannot be known there. */
static void say(struct person *person, unsigned saying)
{
    char text[MAX_SAID];
    size_t size = room_text(person->world, person->number * MAX_SAYINGS + saying, text);
    bool may_post = person->was_told_of_a_gap || person->world->is_calm || draw(&person->world->audit, 50);
    if (person->socket != NULL && !person->was_said_here[saying] && bight_websocket_is_open(person->socket)) {
        person->was_said_here[saying] = true;
        (void)bight_websocket_send_text(person->socket, text, size);
    } else if (person->posted == NULL && may_post) {
        post(person, saying, text, size);
    }
}

static void say_on(void *context)
{
    struct person *person = context;
    for (unsigned i = 0; i < person->sayings; i++) {
        if (!person->is_done[i]) {
            say(person, i);
            break;
        }
    }
    if (!person->world->is_over) {
        (void)bight_call_later(
            reactor_of(person), 0.1 + draw_seconds(&person->world->audit, 4), say_on, person, &person->saying);
    }
}

/* ------------------------------------------------------------------------------------------- trouble */

static void heal(void *context)
{
    bight_simulation_partition(((struct room_world *)context)->audit.simulation, NULL, NULL, false);
}

static void part(void *context)
{
    struct room_world *world = context;
    struct bight_host *client = world->hosts[1 + bight_simulation_draw(world->audit.simulation, world->client_count)];
    bight_simulation_partition(world->audit.simulation, world->hosts[0], client, true);
    (void)bight_call_later(world->server, draw_seconds(&world->audit, 20), heal, world, NULL);
}

/* Sockets of people who do not read go on. */
static void wake_all(struct room_world *world)
{
    for (size_t i = 0; i < world->person_count; i++) {
        if (world->people[i].socket != NULL) {
            (void)bight_transport_resume(bight_websocket_transport(world->people[i].socket));
        }
    }
}

static void wake_some(void *context)
{
    struct room_world *world = context;
    if (!world->is_over) {
        wake_all(world);
        (void)bight_call_later(world->clients[0], draw_seconds(&world->audit, 5), wake_some, world, NULL);
    }
}

static void calm(struct room_world *world)
{
    const struct bight_link_conditions link = { .latency = 0.001 };
    const struct bight_kernel_conditions kernel = { .short_read = 0 };
    world->is_calm = true;
    world->may_fail = false;
    room_journal_calm(world);
    heal(world);
    bight_simulation_link(world->audit.simulation, NULL, NULL, &link);
    for (size_t i = 0; i <= world->client_count; i++) {
        bight_host_kernel(world->hosts[i], &kernel);
    }
}

/* ------------------------------------------------------------------------------------------- the end */

static void check_person(const struct person *person)
{
    const struct room_world *world = person->world;
    const struct epoch *epoch = &world->epochs[world->epoch];
    uint64_t last = 0;
    for (size_t i = 0; i < epoch->count; i++) {
        last = epoch->told[i].topic == person->topic ? epoch->told[i].number : last;
    }
    if (!person->has_place || person->epoch != world->epoch || person->last < last) {
        audit_wrong("person %u has heard up to %lu of %lu (way %d, %sconnected)", person->number,
            (unsigned long)person->last, (unsigned long)last, (int)person->way, person->is_connected ? "" : "not ");
    }
    for (unsigned i = 0; i < person->sayings; i++) {
        if (!person->is_done[i]) {
            audit_wrong("person %u does not know whether saying %u was told", person->number, i);
        }
    }
}

static void go_home(struct room_world *world)
{
    world->is_over = true;
    for (size_t i = 0; i < world->person_count; i++) {
        struct person *person = &world->people[i];
        (void)bight_timer_cancel(person->again);
        (void)bight_timer_cancel(person->saying);
        leave(person);
        if (person->posted != NULL) {
            cancel(person->posted);
        }
    }
    bight_simulation_run(world->audit.simulation, draw(&world->audit, 50) ? 1 : 0);
    for (size_t i = 0; i < world->client_count; i++) {
        bight_http_client_free(world->http[i]);
    }
    room_close(world);
    bight_simulation_run(world->audit.simulation, 40);
    for (size_t i = 0; i < world->person_count; i++) {
        text_free(&world->people[i].heard);
    }
    if (world->opened != world->closed || world->audit.pending != 0) {
        audit_wrong("%zu of %zu sockets have been closed, %zu Deferreds are open", world->closed, world->opened,
            world->audit.pending);
    }
}

/* ------------------------------------------------------------------------------------------------ runs */

static void make_clients(struct room_world *world)
{
    static const struct bight_http_call_options calls = {
        .size = sizeof calls, .between_seconds = 10, .first_byte_seconds = 12
    };
    const struct bight_http_client_options options = { .size = sizeof options, .max_per_host = 20, .calls = &calls };
    world->client_count = 1 + (size_t)bight_simulation_draw(world->audit.simulation, 2);
    for (size_t i = 0; i < world->client_count; i++) {
        world->hosts[1 + i] = bight_simulation_host(world->audit.simulation, i == 0 ? "one" : "other");
        world->clients[i] = audit_reactor(&world->audit, world->hosts[1 + i], 1024 * 1024);
        world->http[i] = bight_http_client_new(world->clients[i], &options);
    }
}

/* Whether anybody may ever be told of a gap by the hub that he left is known. */
static void draw_server(struct room_world *world)
{
    struct audit *audit = &world->audit;
    bool is_heavy = draw(audit, 15), skips = draw(audit, 50);
    world->most_text = is_heavy ? MAX_SAID - 100 : 2000;
    world->most_chatter = 1 + (unsigned)draw_size(audit, MAX_CHATTER - 1);
    world->keeps = draw(audit, 50);
    world->may_fail = draw(audit, 50);
    world->lives = (unsigned)bight_simulation_draw(audit->simulation, MAX_LIVES);
    world->may_drop = draw(audit, 30);
    world->hub_options = (struct bight_http_hub_options) {
        .size = sizeof world->hub_options,
        .max_messages = world->may_drop ? 1 + draw_size(audit, 30) : 0,
        .max_bytes = is_heavy ? 4 << 20 : 0,
        .max_age = world->may_drop ? 0.5 + draw_seconds(audit, 10) : 10000,
    };
    world->event_options = (struct bight_http_event_options) { .size = sizeof world->event_options,
        .heartbeat = 3,
        .limit = draw(audit, 50) ? 1 : 0,
        .policy = skips ? BIGHT_HTTP_EVENT_SKIP : BIGHT_HTTP_EVENT_DROP_CLIENT };
    world->visitor_options = (struct bight_websocket_options) { .size = sizeof world->visitor_options,
        .ping_seconds = 4,
        .pong_seconds = 4,
        .slow_limit = draw(audit, 50) ? 1 : 0,
        .skip_slow = skips };
}

static void make_people(struct room_world *world)
{
    struct audit *audit = &world->audit;
    world->person_count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_PEOPLE);
    for (size_t i = 0; i < world->person_count; i++) {
        struct person *person = &world->people[i];
        person->world = world;
        person->number = (unsigned)i;
        person->topic = draw(audit, 30);
        person->way = (enum way)bight_simulation_draw(audit->simulation, WAYS);
        person->sayings = (unsigned)bight_simulation_draw(audit->simulation, MAX_SAYINGS + 1);
        (void)bight_call_later(reactor_of(person), draw_seconds(audit, 10), connect_person, person, &person->again);
        (void)bight_call_later(reactor_of(person), draw_seconds(audit, 10), say_on, person, &person->saying);
    }
}

static void run_room(struct room_world *world)
{
    struct audit *audit = &world->audit;
    world->hosts[0] = bight_simulation_host(audit->simulation, "server");
    world->server = audit_reactor(audit, world->hosts[0], 1200 * 1024);
    make_clients(world);
    draw_server(world);
    room_journal_begin(world);
    room_open(world);
    world->trouble = draw_trouble(audit);
    set_trouble(audit, &world->trouble, world->hosts, 1 + world->client_count);
    make_people(world);
    wake_some(world);
    if (draw(audit, 30)) {
        (void)bight_call_later(world->server, draw_seconds(audit, WILD_SECONDS), part, world, NULL);
    }
    bight_simulation_run(audit->simulation, WILD_SECONDS);
    calm(world);
    bight_simulation_run(audit->simulation, CALM_SECONDS);
    room_say_last_words(world);
    bight_simulation_run(audit->simulation, LAST_SECONDS);
    for (size_t i = 0; i < world->person_count; i++) {
        check_person(&world->people[i]);
    }
    go_home(world);
}

static const char *run_with(struct bight_simulation *simulation, bool has_journal)
{
    static const struct bight_websocket_options patient = {
        .size = sizeof patient, .ping_seconds = 4, .pong_seconds = 4
    };
    static struct room_world world;
    memset(&world, 0, sizeof world);
    world.has_journal = has_journal;
    world.visitors = (struct bight_websocket_factory)BIGHT_WEBSOCKET_FACTORY_FULL(
        struct visitor, &room_visitor_ops, &world.visitor_options);
    world.sockets = (struct bight_websocket_factory)BIGHT_WEBSOCKET_FACTORY_FULL(struct caller, &caller_ops, &patient);
    world.visitors.base.context = world.sockets.base.context = &world;
    audit_begin(&world.audit, simulation);
    run_room(&world);
    const char *wrong = audit_end(&world.audit);
    room_journal_end();
    return wrong;
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    (void)context;
    return run_with(simulation, false);
}

static const char *run_journal(struct bight_simulation *simulation, void *context)
{
    (void)context;
    return run_with(simulation, true);
}

const struct bight_scenario room_scenario = { "room", run, NULL };
const struct bight_scenario journal_scenario = { "journal", run_journal, NULL };
