/* SPDX-License-Identifier: MIT */
/* room_site.c - the scenario room: a server with a hub, which drains, falls and comes back, half of the time with a
 * store that is slow, and may fail. */
#include "room.h"

#include <bight/service.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const topics[TOPICS] = { "tea", "rum" };

/* A key and letters, which depend on it. */
size_t room_text(const struct room_world *world, unsigned key, char text[MAX_SAID])
{
    size_t size = (size_t)snprintf(text, MAX_SAID, "%u ", key);
    size_t letters = key * 2654435761u % (key % 4 == 0 ? world->most_text : 50);
    for (size_t i = 0; i < letters; i++) {
        text[size + i] = (char)('a' + (key + i) % 26);
    }
    text[size + letters] = '\0';
    return size + letters;
}

/* ---------------------------------------------------------------------------------------- the truth */

void room_note_told(struct room_world *world, unsigned topic, unsigned key, uint64_t number)
{
    struct epoch *epoch = &world->epochs[world->epoch];
    if (epoch->count > 0 && epoch->told[epoch->count - 1].number >= number) {
        audit_wrong("id %lu is given after a higher one", (unsigned long)number);
    }
    for (size_t i = 0; i < epoch->count; i++) {
        if (epoch->told[i].key == key) {
            audit_wrong("key %u is told twice", key);
            return;
        }
    }
    epoch->told[epoch->count++] = (struct told) { number, topic, key };
    world->states[key] = IS_TOLD;
}

unsigned room_topic(const char *name)
{
    return strcmp(name, topics[0]) == 0 ? 0 : 1;
}

static bool is_kept(const struct room_world *world, uint64_t number)
{
    if (world->has_journal) {
        return room_journal_has(number);
    }
    for (size_t i = world->kept_count; i > 0; i--) {
        if (world->kept[i - 1].number == number) {
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------ the store */

struct keeping {
    struct room_world *world;
    const struct bight_http_hub_message *message;
    struct bight_promise promise;
};

static void keep_now(struct room_world *world, const struct bight_http_hub_message *message)
{
    char text[MAX_SAID];
    size_t size, at = world->kept_count++;
    const char *told = bight_http_hub_message_text(message, &size);
    unsigned key = (unsigned)strtoul(told, NULL, 10);
    if (key >= KEYS || size != room_text(world, key, text) || memcmp(told, text, size) != 0) {
        audit_wrong("the store has another text");
    }
    uint64_t number = bight_http_hub_message_number(message);
    for (; at > 0 && world->kept[at - 1].number > number; at--) {
        world->kept[at] = world->kept[at - 1];
    }
    unsigned topic = room_topic(bight_http_hub_message_topic(message));
    world->kept[at] = (struct told) { number, topic, key };
}

static void was_written(void *context)
{
    struct keeping keeping = *(struct keeping *)context;
    struct room_world *world = keeping.world;
    bight_free(context);
    world->keeping--;
    if (world->may_fail && draw(&world->audit, 15)) {
        (void)bight_errback(keeping.promise, bight_failure_new(BIGHT_E_SYSTEM, 0, NULL, "the disk is full"));
        return;
    }
    keep_now(world, keeping.message);
    (void)bight_callback(keeping.promise, NULL, NULL);
}

static struct bight_deferred *keep(const struct bight_http_hub_message *message, void *context)
{
    struct room_world *world = context;
    if (draw(&world->audit, 20)) {
        keep_now(world, message);
        return NULL;
    }
    struct keeping *keeping = bight_calloc(1, sizeof *keeping);
    *keeping = (struct keeping) { .world = world, .message = message };
    struct bight_deferred *deferred = bight_deferred_new(&keeping->promise, NULL, NULL);
    world->keeping++;
    (void)bight_call_later(world->server, draw_seconds(&world->audit, 0.5), was_written, keeping, NULL);
    return deferred;
}

static const struct bight_http_hub_store store = { .size = sizeof store, .keep = keep };

/* ------------------------------------------------------------------------------------------- saying */

struct saying {
    struct room_world *world;
    unsigned life, topic, key;
};

static void was_published(struct bight_result *result, void *context)
{
    const struct saying *saying = context;
    struct room_world *world = saying->world;
    const struct bight_failure *failure = bight_result_failure(result);
    bool is_of_now = saying->life == world->life;
    if (failure == NULL) {
        uint64_t number = strtoull(strchr(bight_result_peek(result, &bight_type_text), '-') + 1, NULL, 10);
        room_note_told(world, saying->topic, saying->key, number);
        if (!is_of_now || (world->keeps && !is_kept(world, number))) {
            audit_wrong("what was not kept, or after the hub's end, is acknowledged");
        }
        return;
    }
    if (is_of_now) {
        world->states[saying->key] = NOT_SAID;
    }
    if (!bight_failure_is(failure, is_of_now ? BIGHT_E_SYSTEM : BIGHT_E_CLOSED)) {
        audit_wrong("a message fails: %s", bight_failure_message(failure));
    }
}

static struct bight_deferred *publish(struct room_world *world, unsigned topic, unsigned key)
{
    char text[MAX_SAID];
    size_t size = room_text(world, key, text);
    struct saying *saying = bight_calloc(1, sizeof *saying);
    *saying = (struct saying) { world, world->life, topic, key };
    world->states[key] = IS_PENDING;
    struct bight_deferred *published = bight_http_hub_publish(world->hub, topics[topic], text, size);
    (void)bight_deferred_add_both_full(published, was_published, saying, bight_free);
    return published;
}

static void clear(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
}

static void publish_for_nobody(struct room_world *world, unsigned topic, unsigned key)
{
    struct bight_deferred *published = publish(world, topic, key);
    (void)bight_deferred_add_both(published, clear, NULL);
    bight_deferred_release(published);
}

/* Each key once. NULL: *status is what is to be answered. */
static struct bight_deferred *say(struct room_world *world, unsigned topic, const char *said, size_t size, int *status)
{
    char text[MAX_SAID];
    unsigned key = (unsigned)strtoul(said, NULL, 10);
    if (key >= CHATTER || size != room_text(world, key, text) || memcmp(said, text, size) != 0) {
        audit_wrong("somebody has said what he has not: %.20s", said);
        key = 0;
    }
    *status = world->hub == NULL ? 503 : world->states[key] == IS_TOLD ? 204 : 409;
    return world->hub != NULL && world->states[key] == NOT_SAID ? publish(world, topic, key) : NULL;
}

/* Now and then many at once. */
static void chatter(void *context)
{
    struct room_world *world = context;
    size_t count = draw(&world->audit, 15) ? draw_size(&world->audit, 30) : 1;
    for (; count > 0 && world->hub != NULL && world->chatter < world->most_chatter; count--) {
        publish_for_nobody(world, draw(&world->audit, 50), CHATTER + world->chatter++);
    }
    if (world->chatter < world->most_chatter && !world->is_calm) {
        (void)bight_call_later(world->server, draw_seconds(&world->audit, 2), chatter, world, NULL);
    }
}

/* ------------------------------------------------------------------------------------------ listening */

/* Who listens from now on, without a place of his, hears what comes behind what is known now. */
static void note_join(struct room_world *world, struct bight_http_request *request)
{
    const char *who = bight_http_request_query(request, "who"), *attempt = bight_http_request_query(request, "try");
    struct person *person = &world->people[strtoul(who, NULL, 10)];
    if (person->attempt == strtoul(attempt, NULL, 10)) {
        person->has_joined = true;
        person->joined_epoch = world->epoch;
        person->joined_at = world->epochs[world->epoch].count;
    }
}

static unsigned topic_of(struct bight_http_request *request)
{
    return bight_http_request_parameter(request, "room")[0] == '0' ? 0 : 1;
}

/* False: it has been answered. */
static bool may_listen(struct room_world *world, struct bight_http_request *request)
{
    layers_in_handler(&world->audit, bight_http_request_transport(request));
    if (world->hub == NULL) {
        (void)bight_http_respond_error(request, 503, NULL);
        return false;
    }
    note_join(world, request);
    return true;
}

static void follow_events(struct bight_http_request *request, void *context)
{
    struct room_world *world = context;
    if (may_listen(world, request)) {
        (void)bight_http_hub_respond_events(world->hub, request, topics[topic_of(request)], &world->event_options);
    }
}

static void follow_polls(struct bight_http_request *request, void *context)
{
    struct room_world *world = context;
    if (may_listen(world, request)) {
        (void)bight_http_hub_respond_poll(world->hub, request, topics[topic_of(request)], 4);
    }
}

static struct room_world *world_of(const struct bight_websocket *socket)
{
    return socket->base.factory->context;
}

static void opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    struct visitor *visitor = bight_websocket_self(struct visitor, socket);
    struct room_world *world = world_of(socket);
    int code;
    world->opened++;
    if (world->hub == NULL) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_GOING_AWAY, NULL);
        return;
    }
    note_join(world, request);
    visitor->topic = topic_of(request);
    visitor->subscription = bight_http_hub_subscribe_websocket(
        world->hub, topics[visitor->topic], bight_http_request_query(request, "after"), socket, &code);
}

static void text_received(struct bight_websocket *socket, const char *text, size_t size)
{
    int status;
    struct bight_deferred *said =
        say(world_of(socket), bight_websocket_self(struct visitor, socket)->topic, text, size, &status);
    if (said != NULL) {
        (void)bight_deferred_add_both(said, clear, NULL);
        bight_deferred_release(said);
    }
}

static void room(struct bight_websocket *socket)
{
    bight_http_hub_resume(bight_websocket_self(struct visitor, socket)->subscription);
}

static void closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    (void)code;
    (void)reason;
    (void)clean;
    world_of(socket)->closed++;
    bight_http_hub_unsubscribe(bight_websocket_self(struct visitor, socket)->subscription);
}

const struct bight_websocket_ops room_visitor_ops = {
    .opened = opened, .text_received = text_received, .room = room, .closed = closed
};

/* --------------------------------------------------------------------------------------------- posts */

struct post {
    struct room_world *world;
    unsigned topic;
};

static struct bight_failure *refusal(int status)
{
    return bight_failure_new_status(BIGHT_E_HTTP_STATUS, status, NULL, "say it again");
}

static void explain(struct bight_result *result, void *context)
{
    bool has_failed = bight_result_failure(result) != NULL;
    (void)context;
    bight_result_clear(result);
    if (has_failed) {
        bight_result_fail(result, refusal(503));
    }
}

static void has_come(struct bight_result *result, void *context)
{
    const struct post *post = context;
    const struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    char text[MAX_SAID + 1] = "";
    size_t size = bight_bytes_size(bytes) < MAX_SAID ? bight_bytes_size(bytes) : MAX_SAID;
    int status;
    memcpy(text, bight_bytes_data(bytes), size);
    struct bight_deferred *said = say(post->world, post->topic, text, size, &status);
    bight_result_clear(result);
    if (said != NULL) {
        (void)bight_deferred_add_both(said, explain, NULL);
        bight_result_chain(result, said);
    } else if (status != 204) {
        bight_result_fail(result, refusal(status));
    }
}

/* 204: it has been told. */
static void say_by_post(struct bight_http_request *request, void *context)
{
    struct post *post = bight_calloc(1, sizeof *post);
    *post = (struct post) { context, topic_of(request) };
    struct bight_deferred *body = bight_http_request_collect(request, MAX_SAID);
    (void)bight_deferred_add_callback_full(body, has_come, post, bight_free);
    (void)bight_http_respond_later(request, body);
}

/* ---------------------------------------------------------------------------------------------- lives */

static void serve(void *context);

static void serve_later(struct room_world *world, double most)
{
    (void)bight_call_later(world->server, 0.1 + draw_seconds(&world->audit, most), serve, world, NULL);
}

static void end_hub(void *context)
{
    struct room_world *world = context;
    world->life += world->hub != NULL;
    struct bight_http_hub *hub = world->hub;
    world->hub = NULL;
    bight_http_hub_free(hub);
}

static void end_all(struct room_world *world)
{
    struct bight_http_site *site = world->site;
    bool hub_is_first = draw(&world->audit, 50);
    world->site = NULL;
    (void)bight_timer_cancel(world->ending);
    if (hub_is_first) {
        end_hub(world);
    }
    bight_http_site_free(site);
    end_hub(world);
    room_journal_close(world);
}

static void has_drained(struct bight_result *result, void *context)
{
    struct room_world *world = context;
    bight_result_clear(result);
    world->is_draining = false;
    end_all(world);
    serve_later(world, 4);
}

static void stop(struct room_world *world)
{
    struct bight_port *port = world->audit.ports[world->audit.port_count - 1];
    world->is_serving = false;
    audit_watch(&world->audit, bight_port_stop_listening(port));
    end_all(world);
    serve_later(world, 4);
}

void room_crash(struct room_world *world)
{
    if (world->is_draining) {
        end_all(world);
    } else if (world->is_serving) {
        stop(world);
    }
}

/* At once, or gracefully, and then perhaps without a hub for a while. */
static void end_life(void *context)
{
    struct room_world *world = context;
    if (world->is_calm || !world->is_serving) {
        return;
    }
    if (draw(&world->audit, 30) || room_journal_falls(world)) {
        stop(world);
        return;
    }
    struct bight_port *port = world->audit.ports[world->audit.port_count - 1];
    double seconds = draw_seconds(&world->audit, 6);
    world->is_serving = false;
    world->is_draining = true;
    struct bight_deferred *drained = bight_drain(port, seconds, draw(&world->audit, 50));
    if (draw(&world->audit, 30)) {
        (void)bight_call_later(world->server, draw_seconds(&world->audit, seconds), end_hub, world, &world->ending);
    }
    (void)bight_deferred_add_both(drained, has_drained, world);
    audit_watch(&world->audit, drained);
}

/* What the store has is told before, or, if it was not acknowledged, for the first time. */
static void restore(struct room_world *world)
{
    const struct epoch *epoch = &world->epochs[world->epoch];
    for (size_t i = 0; i < world->kept_count; i++) {
        char text[MAX_SAID];
        const struct told *kept = &world->kept[i];
        size_t size = room_text(world, kept->key, text);
        int code = bight_http_hub_restore(world->hub, topics[kept->topic], kept->number, text, size);
        if (code != BIGHT_OK) {
            audit_wrong("a message cannot be restored: %s", bight_error_name(code));
        }
        if (epoch->count == 0 || epoch->told[epoch->count - 1].number < kept->number) {
            room_note_told(world, kept->topic, kept->key, kept->number);
        }
        world->states[kept->key] = IS_TOLD;
    }
}

static void make_hub(struct room_world *world)
{
    struct bight_http_hub_options options = world->hub_options;
    memset(world->states, 0, sizeof world->states);
    if (world->has_journal) {
        world->hub = room_journal_hub(world, &options);
        return;
    }
    if (world->keeps) {
        options.epoch = "kept";
        options.store = &store;
        options.store_context = world;
    } else {
        world->epoch += world->life > 0;
    }
    world->hub = bight_http_hub_new(world->server, &options);
    (void)snprintf(
        world->epochs[world->epoch].name, sizeof world->epochs[0].name, "%s", bight_http_hub_epoch(world->hub));
    restore(world);
}

static void make_site(struct room_world *world)
{
    world->site = bight_http_site_new();
    (void)bight_http_route(world->site, "GET /rooms/{room}/events", follow_events, world);
    (void)bight_http_route(world->site, "GET /rooms/{room}/poll", follow_polls, world);
    (void)bight_http_route(world->site, "POST /rooms/{room}", say_by_post, world);
    (void)bight_websocket_route(world->site, "/rooms/{room}/socket", &world->visitors);
}

/* The store's last word is waited for. */
static void serve(void *context)
{
    struct room_world *world = context;
    if (world->is_over) {
        return;
    }
    if (world->site == NULL) {
        make_site(world);
    }
    if (world->keeping > 0 || !room_journal_open(world) ||
        !audit_listen(&world->audit, world->server, "tcp:80", bight_http_site_factory(world->site))) {
        serve_later(world, 0.5);
        return;
    }
    world->is_serving = true;
    make_hub(world);
    if (world->life < world->lives) {
        (void)bight_call_later(world->server, draw_seconds(&world->audit, 20), end_life, world, NULL);
    }
}

void room_open(struct room_world *world)
{
    serve(world);
    chatter(world);
}

void room_say_last_words(struct room_world *world)
{
    if (world->hub == NULL) {
        audit_wrong("the server has not come back");
        return;
    }
    for (unsigned i = 0; i < TOPICS; i++) {
        publish_for_nobody(world, i, LAST_WORDS + i);
    }
}

void room_close(struct room_world *world)
{
    struct bight_port *port = world->audit.ports[world->audit.port_count - 1];
    audit_watch(&world->audit, bight_port_stop_listening(port));
    end_all(world);
}
