/* SPDX-License-Identifier: MIT */
/* feed.c - scenario: a feed of events (feed_site.c), listeners that come back, and uploads of files by forms.
 *
 * Listeners read slowly, leave and reset in the middle of an event, and connect again with the id of the last one that
 * they had whole, as EventSource does: they get every event, once, in order and byte for byte, but for those that are
 * not kept any more, which they are told. Uploads are cut at any byte, and end only if they are whole. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/message/chunked.h"
#include "text.h"

#define RUN_SECONDS 400
#define MOST_CONNECTIONS 25 /* of a seat */
#define PLAIN_FROM 8        /* from that connection on it does nothing but listen */
#define PATIENCE 30

/* ------------------------------------------------------------------------------------------- listeners */

struct listener {
    struct bight_protocol base;
    struct end end;
    struct seat *seat;
    struct text heard, body; /* body: without its chunks, from the next event on */
    bool has_head;
    struct bi_chunked chunked;
    struct bight_timer leaving, resume, patience;
};

static struct feed_world *world_of(const struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

static void has_failed(struct bight_result *result, void *context);

static void start_listener(void *context)
{
    struct feed_world *world = context;
    struct bight_deferred *connecting =
        audit_connect(&world->audit, world->client, "tcp:10.0.0.1:80", &world->listeners);
    (void)bight_deferred_add_errback(connecting, has_failed, world);
    bight_deferred_release(connecting);
}

/* One that wants a connection gets the next. */
static struct seat *find_wanting(struct feed_world *world)
{
    for (size_t i = 0; i < world->seat_count; i++) {
        if (world->seats[i].wants) {
            return &world->seats[i];
        }
    }
    return NULL;
}

static void try_again(struct feed_world *world, struct seat *seat)
{
    seat->wants = ++seat->connections < MOST_CONNECTIONS && !seat->is_done;
    if (seat->wants) {
        (void)bight_call_later(world->client, draw_seconds(&world->audit, 2), start_listener, world, NULL);
    }
}

static void has_failed(struct bight_result *result, void *context)
{
    struct seat *seat = find_wanting(context);
    bight_result_discard(result);
    if (seat != NULL) {
        try_again(context, seat);
    }
}

static void leave(void *context)
{
    struct listener *listener = context;
    if (draw(&world_of(&listener->base)->audit, 50)) {
        (void)bight_transport_abort_connection(listener->base.transport);
    } else {
        (void)bight_transport_lose_connection(listener->base.transport);
    }
}

static void is_impatient(void *context)
{
    audit_wrong("a listener has heard nothing for %d s", PATIENCE);
    (void)bight_transport_abort_connection(((struct listener *)context)->base.transport);
}

static void be_patient(struct listener *listener)
{
    (void)bight_timer_cancel(listener->patience);
    (void)bight_call_later(world_of(&listener->base)->client, PATIENCE, is_impatient, listener, &listener->patience);
}

/* ---------------------------------------------------------------------------------------------- events */

static const char *value_of(const char *event, const char *end, const char *name)
{
    size_t size = strlen(name);
    for (const char *line = event; line < end; line = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1) {
        if ((size_t)(end - line) > size && memcmp(line, name, size) == 0) {
            return line + size;
        }
    }
    return NULL;
}

static void check_event(struct seat *seat, uint32_t number, const char *data, const char *end)
{
    char text[MAX_EVENT];
    size_t size = event_text(number, text);
    bool is_next = number == seat->last + 1 || (seat->may_skip && number > seat->last);
    if (!is_next) {
        audit_wrong("event %lu comes after event %lu", (unsigned long)number, (unsigned long)seat->last);
    }
    if (data == NULL ? size > 0
                     : (size_t)(end - data) < size + 1 || memcmp(data, text, size) != 0 || data[size] != '\n') {
        audit_wrong("event %lu has another text", (unsigned long)number);
    }
    seat->last = number;
    seat->may_skip = false;
}

/* One that is whole, with an LF at the end of each line. */
static void take_event(struct seat *seat, const char *event, const char *end)
{
    const char *id = value_of(event, end, "id: ");
    const char *type = value_of(event, end, "event: ");
    if (type != NULL && memcmp(type, "lost\n", 5) == 0) {
        seat->may_skip = true;
    } else if (id != NULL) {
        check_event(seat, (uint32_t)strtoul(id, NULL, 10), value_of(event, end, "data: "), end);
    } else if (event[0] != ':') {
        audit_wrong("an event without an id");
    }
}

static void take_events(struct listener *listener)
{
    struct text *body = &listener->body;
    size_t used = 0;
    while (used < body->size) {
        const char *event = (const char *)body->data + used;
        const char *end = memmem(event, body->size - used, "\n\n", 2);
        if (end == NULL) {
            break;
        }
        take_event(listener->seat, event, end + 1);
        used = (size_t)(end + 2 - (const char *)body->data);
    }
    text_drop(body, used);
}

static void take_head(struct listener *listener)
{
    size_t head = find_head(&listener->heard);
    if (head == 0) {
        return;
    }
    if (memcmp(listener->heard.data, "HTTP/1.1 200 ", 13) != 0) {
        audit_wrong("a listener is refused");
    }
    listener->has_head = true;
    bi_chunked_begin(&listener->chunked, false);
    text_drop(&listener->heard, head);
}

static void take_body(struct listener *listener)
{
    const uint8_t *bytes = listener->heard.data, *data;
    size_t size = listener->heard.size, piece;
    enum bi_chunked_result result;
    while ((result = bi_chunked_next(&listener->chunked, &bytes, &size, &data, &piece)) == BI_CHUNKED_DATA) {
        memcpy(text_room(&listener->body, piece), data, piece);
    }
    if (result == BI_CHUNKED_REFUSED) {
        audit_wrong("chunks that are none: %s", listener->chunked.why);
    }
    listener->heard.size = 0;
    take_events(listener);
}

static void resume(void *context)
{
    (void)bight_transport_resume(((struct listener *)context)->base.transport);
}

static void listener_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct listener *listener = bight_self(struct listener, protocol);
    struct feed_world *world = world_of(protocol);
    end_hears(&listener->end);
    if (listener->seat == NULL) {
        return;
    }
    memcpy(text_room(&listener->heard, size), data, size);
    be_patient(listener);
    if (!listener->has_head) {
        take_head(listener);
    }
    if (listener->has_head && listener->heard.size > 0) {
        take_body(listener);
    }
    listener->seat->is_done = listener->seat->last == world->planned;
    if (listener->seat->is_done) {
        (void)bight_transport_lose_connection(protocol->transport);
    } else if (listener->seat->connections < PLAIN_FROM && draw(&world->audit, 10) &&
               bight_transport_pause(protocol->transport) == BIGHT_OK) {
        (void)bight_call_later(world->client, draw_seconds(&world->audit, 10), resume, listener, &listener->resume);
    }
}

static void listener_made(struct bight_protocol *protocol)
{
    struct listener *listener = bight_self(struct listener, protocol);
    struct feed_world *world = world_of(protocol);
    char said[200], last[60] = "";
    end_made(&listener->end, protocol);
    listener->seat = find_wanting(world);
    if (listener->seat == NULL) {
        (void)bight_transport_abort_connection(protocol->transport);
        return;
    }
    listener->seat->wants = listener->seat->may_skip = false;
    if (listener->seat->last > 0) {
        (void)snprintf(last, sizeof last, "Last-Event-ID: %lu\r\n", (unsigned long)listener->seat->last);
    }
    (void)snprintf(said, sizeof said, "GET /feed HTTP/1.1\r\nHost: server\r\n%s\r\n", last);
    (void)bight_transport_write(protocol->transport, said, strlen(said));
    if (listener->seat->connections < PLAIN_FROM && draw(&world->audit, 60)) {
        (void)bight_call_later(world->client, draw_seconds(&world->audit, 5), leave, listener, &listener->leaving);
    }
    be_patient(listener);
}

static void listener_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct listener *listener = bight_self(struct listener, protocol);
    end_lost(&listener->end, reason);
    (void)bight_timer_cancel(listener->leaving);
    (void)bight_timer_cancel(listener->resume);
    (void)bight_timer_cancel(listener->patience);
    text_free(&listener->heard);
    text_free(&listener->body);
    if (listener->seat != NULL) {
        try_again(world_of(protocol), listener->seat);
    }
}

static const struct bight_protocol_ops listener_ops = {
    .connection_made = listener_made, .data_received = listener_received, .connection_lost = listener_lost
};

/* --------------------------------------------------------------------------------------------- uploads */

struct uploader {
    struct bight_protocol base;
    struct end end;
    struct upload *upload;
    struct text said, heard;
    size_t sent;
    bool leaves;
    struct bight_timer timer;
};

static void compose(struct uploader *uploader, uint32_t number)
{
    static const char before[] = "--b\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
                                 "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    static const char behind[] = "\r\n--b--\r\n";
    char head[200];
    size_t size = uploader->upload->size;
    (void)snprintf(head, sizeof head,
        "POST /upload/%lu HTTP/1.1\r\nHost: server\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        "Content-Length: %zu\r\n\r\n",
        (unsigned long)number, sizeof before - 1 + size + sizeof behind - 1);
    put(&uploader->said, head);
    put(&uploader->said, before);
    if (size > 0) {
        put_stream(&uploader->said, UPLOAD_KEY + number, 0, size);
    }
    put(&uploader->said, behind);
}

static void end_upload(struct uploader *uploader)
{
    if (!uploader->upload->is_cut) {
        return;
    }
    uploader->leaves = true;
    if (draw(&world_of(&uploader->base)->audit, 50)) {
        (void)bight_transport_abort_connection(uploader->base.transport);
    } else {
        (void)bight_transport_lose_connection(uploader->base.transport);
    }
}

static void say_on(void *context)
{
    struct uploader *uploader = context;
    struct feed_world *world = world_of(&uploader->base);
    size_t left = uploader->said.size - uploader->sent;
    size_t piece = draw(&world->audit, 20) || left < 100 ? left : 1 + draw_size(&world->audit, left - 1);
    uploader->upload->is_sent = !uploader->upload->is_cut && piece == left; /* the server may have it at once */
    if (bight_transport_write(uploader->base.transport, uploader->said.data + uploader->sent, piece) != BIGHT_OK) {
        return;
    }
    uploader->sent += piece;
    if (uploader->sent == uploader->said.size) {
        end_upload(uploader);
    } else {
        (void)bight_call_later(world->client, draw_seconds(&world->audit, 0.1), say_on, uploader, &uploader->timer);
    }
}

static void uploader_made(struct bight_protocol *protocol)
{
    struct uploader *uploader = bight_self(struct uploader, protocol);
    struct feed_world *world = world_of(protocol);
    end_made(&uploader->end, protocol);
    uint32_t number = (uint32_t)world->uploads_begun++;
    uploader->upload = &world->uploads[number];
    uploader->upload->size = draw_size(&world->audit, 40000);
    uploader->upload->is_cut = draw(&world->audit, 50);
    compose(uploader, number);
    if (uploader->upload->is_cut) {
        uploader->said.size = 1 + (size_t)bight_simulation_draw(world->audit.simulation, uploader->said.size - 1);
    }
    say_on(uploader);
}

static void uploader_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct uploader *uploader = bight_self(struct uploader, protocol);
    end_hears(&uploader->end);
    memcpy(text_room(&uploader->heard, size), data, size);
    if (find_head(&uploader->heard) == 0 || uploader->upload->was_answered) {
        return;
    }
    uploader->upload->was_answered = true;
    if (memcmp(uploader->heard.data, "HTTP/1.1 200 ", 13) != 0 || !uploader->upload->has_ended) {
        audit_wrong("an upload is answered %.12s", (const char *)uploader->heard.data);
    }
    (void)bight_transport_lose_connection(protocol->transport);
}

static void uploader_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct uploader *uploader = bight_self(struct uploader, protocol);
    const struct feed_world *world = world_of(protocol);
    end_lost(&uploader->end, reason);
    (void)bight_timer_cancel(uploader->timer);
    if (!uploader->upload->is_cut && !uploader->upload->was_answered && !world->trouble.resets &&
        !world->trouble.files) {
        audit_wrong("an upload was not answered: %s", bight_error_name(uploader->end.reason));
    }
    text_free(&uploader->said);
    text_free(&uploader->heard);
}

static const struct bight_protocol_ops uploader_ops = {
    .connection_made = uploader_made, .data_received = uploader_received, .connection_lost = uploader_lost
};

static void start_uploader(void *context)
{
    struct feed_world *world = context;
    bight_deferred_release(audit_connect(&world->audit, world->client, "tcp:10.0.0.1:80", &world->uploaders));
}

/* ------------------------------------------------------------------------------------------------ runs */

static void start_clients(struct feed_world *world)
{
    struct audit *audit = &world->audit;
    world->seat_count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_SEATS);
    world->upload_count = (size_t)bight_simulation_draw(audit->simulation, MAX_UPLOADS);
    for (size_t i = 0; i < world->seat_count; i++) {
        world->seats[i].wants = true;
        (void)bight_call_later(world->client, draw_seconds(audit, 5), start_listener, world, NULL);
    }
    for (size_t i = 0; i < world->upload_count; i++) {
        (void)bight_call_later(world->client, draw_seconds(audit, 10), start_uploader, world, NULL);
    }
}

static void check_seats(const struct feed_world *world)
{
    bool may_fail = world->trouble.resets || world->trouble.files || world->trouble.refusals || world->trouble.names;
    for (size_t i = 0; i < world->seat_count && !may_fail; i++) {
        if (!world->seats[i].is_done) {
            audit_wrong("nothing was wrong, and listener %zu has %lu of %lu events, by %u connections", i,
                (unsigned long)world->seats[i].last, (unsigned long)world->planned, world->seats[i].connections);
        }
    }
    for (size_t i = 0; i < world->uploads_begun; i++) {
        const struct upload *upload = &world->uploads[i];
        if (upload->was_handled && upload->has_ended == upload->has_failed) {
            audit_wrong("upload %zu has %s", i, upload->has_ended ? "ended and failed" : "neither ended nor failed");
        }
    }
}

static void run_feed(struct feed_world *world)
{
    struct audit *audit = &world->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    world->server = audit_reactor(audit, hosts[0], 1024 * 1024);
    world->client = audit_reactor(audit, hosts[1], 1024 * 1024);
    world->planned = 1 + (uint32_t)draw_size(audit, 60);
    make_feed(world);
    (void)audit_listen(audit, world->server, "tcp:80", bight_http_site_factory(world->site));
    world->trouble = draw_trouble(audit);
    set_trouble(audit, &world->trouble, hosts, 2);
    start_clients(world);
    bight_simulation_run(audit->simulation, RUN_SECONDS);
    if (audit->pending != 0 || audit->made != audit->lost) {
        audit_wrong("something has not come to an end: %zu of %zu ends", audit->lost, audit->made);
    }
    check_seats(world);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct feed_world world = { .listeners = BIGHT_FACTORY(struct listener, &listener_ops),
        .uploaders = BIGHT_FACTORY(struct uploader, &uploader_ops) };
    (void)context;
    world.listeners.context = world.uploaders.context = &world;
    audit_begin(&world.audit, simulation);
    run_feed(&world);
    bight_http_event_channel_free(world.channel);
    const char *wrong = audit_end(&world.audit);
    bight_http_site_free(world.site);
    return wrong;
}

const struct bight_scenario feed_scenario = { "feed", run, NULL };
