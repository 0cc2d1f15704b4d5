/* SPDX-License-Identifier: MIT */
/* rooms.c - the site of a chat: a page, and three ways to listen to a room: WebSocket, server-sent events, long
 * polling.
 *
 * A room is a topic of the hub, and there is one as soon as somebody is in it. What is told is what was said with the
 * time put in: "KEY\nNAME\nMILLISECONDS\nTEXT". Who has said something knows that it is known to all when he is told it
 * himself; until then he may say it again with the same key, over another connection, in another way. */
#include "chatroom.h"

#include <bight/clock.h>
#include <bight/protocols/websocket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEYS 10000
#define BURST 20 /* messages of a connection within BURST_SECONDS */
#define BURST_SECONDS UINT64_C(10)

struct rooms {
    struct bight_http_hub *hub;
    struct keys *keys;
    struct bight_http_site *site;
    struct bight_websocket_factory visitors;
};

/* A WebSocket of somebody in a room. */
struct visitor {
    struct bight_websocket base;
    struct rooms *rooms;
    struct bight_http_hub_subscription *subscription;
    char room[BIGHT_HTTP_HUB_TOPIC_SIZE + 1];
    uint64_t since; /* when it began to say the last `burst` things, in nanoseconds */
    unsigned burst;
};

/* ------------------------------------------------------------------------------------------- saying */

/* Somebody who has said the same again, and is answered as the first one is. */
struct repeating {
    struct repeating *next;
    struct bight_promise promise;
};

/* On its way to all. Its key is forgotten if nobody was told, so that it may be said again. */
struct saying {
    struct rooms *rooms;
    struct said said;
    char key[SAID_MAX_KEY];
    struct repeating *first;
};

static void answer(struct repeating *repeating, const struct bight_failure *failure)
{
    if (failure != NULL) {
        (void)bight_errback(repeating->promise, bight_failure_hold(failure));
    } else {
        (void)bight_callback(repeating->promise, NULL, NULL);
    }
    free(repeating);
}

static void was_said(struct bight_result *result, void *context)
{
    struct saying *saying = context;
    const struct bight_failure *failure = bight_result_failure(result);
    struct repeating *next = saying->first;
    keys_settle(saying->rooms->keys, saying->key, saying->said.key_size, failure == NULL);
    for (struct repeating *repeating = next; repeating != NULL; repeating = next) {
        next = repeating->next;
        answer(repeating, failure);
    }
}

/* NULL when out of memory. */
static struct bight_deferred *repeat(struct saying *saying)
{
    struct repeating *repeating = malloc(sizeof *repeating);
    if (repeating == NULL) {
        return bight_fail(bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "no memory"));
    }
    struct bight_deferred *deferred = bight_deferred_new(&repeating->promise, NULL, NULL);
    repeating->next = saying->first;
    saying->first = repeating;
    return deferred;
}

static long long milliseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct bight_deferred *publish(struct rooms *rooms, const char *room, const struct said *said)
{
    char text[SAID_MAX + 64];
    struct saying *saying = malloc(sizeof *saying);
    if (saying == NULL) {
        keys_settle(rooms->keys, said->key, said->key_size, false);
        return bight_fail(bight_failure_new(BIGHT_E_OUT_OF_MEMORY, 0, NULL, "no memory"));
    }
    *saying = (struct saying) { .rooms = rooms, .said = *said };
    memcpy(saying->key, said->key, said->key_size);
    keys_begin(rooms->keys, said->key, said->key_size, saying);
    int size = snprintf(text, sizeof text, "%.*s\n%.*s\n%lld\n%.*s", (int)said->key_size, said->key,
        (int)said->name_size, said->name, milliseconds(), (int)said->text_size, said->text);
    struct bight_deferred *published = bight_http_hub_publish(rooms->hub, room, text, (size_t)size);
    (void)bight_deferred_add_both_full(published, was_said, saying, free);
    return published;
}

/* NULL: all know it already, or *why says what is wrong. */
static struct bight_deferred *say(
    struct rooms *rooms, const char *room, const char *bytes, size_t size, const char **why)
{
    struct said said;
    *why = said_read(&said, bytes, size);
    if (*why != NULL) {
        return NULL;
    }
    struct saying *saying;
    switch (keys_add(rooms->keys, said.key, said.key_size, &saying)) {
    case KEY_IS_NEW:
        return publish(rooms, room, &said);
    case KEY_IS_BEING_SAID:
        return repeat(saying);
    case KEY_HAS_NO_ROOM:
        *why = "no memory";
        return NULL;
    case KEY_IS_KNOWN:
        break;
    }
    return NULL;
}

void rooms_remember(const char *text, void *context)
{
    const struct rooms *rooms = context;
    size_t size = strcspn(text, "\n");
    if (size > 0 && size <= SAID_MAX_KEY) {
        struct saying *saying;
        (void)keys_add(rooms->keys, text, size, &saying);
    }
}

/* ------------------------------------------------------------------------------------------- WebSocket */

static struct rooms *rooms_of(const struct bight_websocket *socket)
{
    return socket->base.factory->context;
}

static void opened(struct bight_websocket *socket, struct bight_http_request *request)
{
    struct visitor *visitor = bight_websocket_self(struct visitor, socket);
    const char *room = bight_http_request_parameter(request, "room");
    int code = BIGHT_E_INVALID_ARGUMENT;
    if ((size_t)snprintf(visitor->room, sizeof visitor->room, "%s", room) < sizeof visitor->room) {
        visitor->subscription = bight_http_hub_subscribe_websocket(
            rooms_of(socket)->hub, visitor->room, bight_http_request_query(request, "after"), socket, &code);
    }
    if (visitor->subscription == NULL) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_POLICY, bight_error_text(code));
    }
}

/* Whoever says more is not a person. */
static bool says_too_much(struct visitor *visitor)
{
    uint64_t now = bight_clock_now(bight_reactor_clock(bight_websocket_reactor(&visitor->base)));
    if (now - visitor->since > BURST_SECONDS * 1000000000) {
        visitor->since = now;
        visitor->burst = 0;
    }
    return ++visitor->burst > BURST;
}

static void text_received(struct bight_websocket *socket, const char *text, size_t size)
{
    struct visitor *visitor = bight_websocket_self(struct visitor, socket);
    const char *why;
    if (says_too_much(visitor)) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_POLICY, "too many messages");
        return;
    }
    struct bight_deferred *said = say(rooms_of(socket), visitor->room, text, size, &why);
    if (why != NULL) {
        (void)bight_websocket_close(socket, BIGHT_WEBSOCKET_POLICY, why);
    }
    bight_deferred_release(said); /* a failure that nobody takes is logged */
}

static void closed(struct bight_websocket *socket, unsigned code, const char *reason, bool clean)
{
    (void)code;
    (void)reason;
    (void)clean;
    bight_http_hub_unsubscribe(bight_websocket_self(struct visitor, socket)->subscription);
}

static const struct bight_websocket_options visitor_options = { .size = sizeof visitor_options,
    .message_limit = SAID_MAX };
static const struct bight_websocket_ops visitor_ops = {
    .opened = opened, .text_received = text_received, .closed = closed
};

/* ------------------------------------------------------------------------------------------- the other ways */

/* Of a room that cannot be. */
static void refuse(struct bight_http_request *request, int code)
{
    if (code != BIGHT_OK && bight_http_request_is_open(request)) {
        (void)bight_http_respond_error(request, 404, bight_error_text(code));
    }
}

static void follow_events(struct bight_http_request *request, void *context)
{
    const struct rooms *rooms = context;
    refuse(request,
        bight_http_hub_respond_events(rooms->hub, request, bight_http_request_parameter(request, "room"), NULL));
}

static void follow_polls(struct bight_http_request *request, void *context)
{
    const struct rooms *rooms = context;
    refuse(request, bight_http_hub_respond_poll(rooms->hub, request, bight_http_request_parameter(request, "room"), 0));
}

/* Outlives the request, if the client does not wait. */
struct posted {
    struct rooms *rooms;
    char room[BIGHT_HTTP_HUB_TOPIC_SIZE + 1];
};

static struct bight_failure *refusal(const char *why)
{
    return bight_failure_new_status(BIGHT_E_HTTP_STATUS, 400, NULL, "%s", why);
}

/* The id is of no use to the client, who will be told the message. */
static void explain(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    bool is_refused = failure != NULL && bight_failure_is(failure, BIGHT_E_INVALID_ARGUMENT);
    (void)context;
    if (failure == NULL || is_refused) {
        bight_result_clear(result);
    }
    if (is_refused) {
        bight_result_fail(result, refusal("the room's name or the text is no UTF-8"));
    }
}

static void has_come(struct bight_result *result, void *context)
{
    const struct posted *posted = context;
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    const char *why;
    struct bight_deferred *said =
        say(posted->rooms, posted->room, (const char *)bight_bytes_data(bytes), bight_bytes_size(bytes), &why);
    bight_result_clear(result);
    if (why != NULL) {
        bight_result_fail(result, refusal(why));
    } else if (said != NULL) {
        (void)bight_deferred_add_both(said, explain, NULL);
        bight_result_chain(result, said);
    }
}

/* Answered with 204 when all have been told. */
static void say_by_post(struct bight_http_request *request, void *context)
{
    struct posted *posted = malloc(sizeof *posted);
    const char *room = bight_http_request_parameter(request, "room");
    if (posted == NULL || (size_t)snprintf(posted->room, sizeof posted->room, "%s", room) >= sizeof posted->room) {
        free(posted);
        (void)bight_http_respond_error(request, posted == NULL ? 503 : 404, NULL);
        return;
    }
    posted->rooms = context;
    struct bight_deferred *body = bight_http_request_collect(request, SAID_MAX);
    (void)bight_deferred_add_callback_full(body, has_come, posted, free);
    (void)bight_http_respond_later(request, body);
}

/* ------------------------------------------------------------------------------------------- the page */

static void show(struct bight_http_request *request, const char *type, const char *text)
{
    (void)bight_http_respond_set(request, "Cache-Control", "no-cache");
    (void)bight_http_respond_set(request, "X-Content-Type-Options", "nosniff");
    (void)bight_http_respond_set(request, "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'");
    (void)bight_http_respond(request, 200, type, text, strlen(text));
}

static void show_page(struct bight_http_request *request, void *context)
{
    (void)context;
    show(request, "text/html; charset=utf-8", chatroom_page);
}

static void show_script(struct bight_http_request *request, void *context)
{
    (void)context;
    show(request, "text/javascript; charset=utf-8", chatroom_script);
}

static void show_style(struct bight_http_request *request, void *context)
{
    (void)context;
    show(request, "text/css; charset=utf-8", chatroom_style);
}

static void go_to_the_lobby(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_redirect(request, 302, "/rooms/lobby");
}

/* ------------------------------------------------------------------------------------------- all of it */

static int add_routes(struct rooms *rooms)
{
    static const struct {
        const char *pattern;
        bight_http_handler handler;
    } routes[] = {
        { "GET /", go_to_the_lobby },
        { "GET /rooms/{room}", show_page },
        { "GET /chat.js", show_script },
        { "GET /chat.css", show_style },
        { "GET /rooms/{room}/events", follow_events },
        { "GET /rooms/{room}/poll", follow_polls },
        { "POST /rooms/{room}", say_by_post },
    };
    int code = bight_http_site_guard_loopback(rooms->site, NULL, 0);
    for (size_t i = 0; code == BIGHT_OK && i < sizeof routes / sizeof *routes; i++) {
        code = bight_http_route(rooms->site, routes[i].pattern, routes[i].handler, rooms);
    }
    return code == BIGHT_OK ? bight_websocket_route(rooms->site, "/rooms/{room}/socket", &rooms->visitors) : code;
}

struct rooms *rooms_new(struct bight_reactor *reactor, struct bight_http_hub *hub)
{
    static const struct bight_websocket_factory visitors =
        BIGHT_WEBSOCKET_FACTORY_FULL(struct visitor, &visitor_ops, &visitor_options);
    struct rooms *rooms = calloc(1, sizeof *rooms);
    if (rooms == NULL) {
        return NULL;
    }
    rooms->hub = hub;
    rooms->visitors = visitors;
    rooms->visitors.base.context = rooms;
    rooms->keys = keys_new(reactor, KEYS);
    rooms->site = bight_http_site_new();
    if (hub == NULL || rooms->keys == NULL || add_routes(rooms) != BIGHT_OK) {
        rooms_free(rooms);
        return NULL;
    }
    return rooms;
}

struct bight_factory *rooms_factory(struct rooms *rooms)
{
    return bight_http_site_factory(rooms->site);
}

void rooms_free(struct rooms *rooms)
{
    if (rooms != NULL) {
        bight_http_site_free(rooms->site);
        keys_free(rooms->keys);
        free(rooms);
    }
}
