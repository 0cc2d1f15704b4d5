/* SPDX-License-Identifier: MIT */
/* streams.c - scenario: conversations over streams: messages with a header, answers by lines, timeouts that leave the
 * bytes.
 *
 * A client sends messages in pieces, waiting for room in between, and reads a line after each; the server reads a
 * header and then the body, at once or in pieces. Every read may be given up and asked for again. Whoever is not lost
 * has had every message answered. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CLIENTS 12
#define MAX_MESSAGES 8
#define MAX_BYTES 30000
#define HEADER 12

struct streams {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *client_reactor;
    struct bight_stream_factory factory;
    size_t started, running, complete;
    uint32_t next_key;
};

struct client {
    struct streams *streams;
    struct bight_stream *stream;
    uint32_t key;
    unsigned messages;
    size_t position, size, sent; /* of the whole stream; and of the message on its way */
};

struct session {
    struct bight_stream base;
    struct streams *streams;
    struct bight_promise done;
    uint32_t key;
    size_t position, size, received;
};

static void put(uint8_t *bytes, size_t number)
{
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(number >> (24 - 8 * i));
    }
}

static size_t get(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* Takes the Deferred; now and then it is given up after a while. */
static void then(struct streams *streams, struct bight_stream *stream, struct bight_deferred *read, bight_handler next,
    void *context)
{
    if (draw(&streams->audit, 30)) {
        (void)bight_deferred_add_timeout(read, draw_seconds(&streams->audit, 0.01),
            bight_reactor_clock(bight_transport_reactor(bight_stream_transport(stream))));
    }
    (void)bight_deferred_add_both(read, next, context);
    bight_deferred_release(read);
}

static bool has_timed_out(const struct bight_result *result)
{
    const struct bight_failure *failure = bight_result_failure(result);
    return failure != NULL && bight_failure_code(failure) == BIGHT_E_TIMED_OUT;
}

/* ------------------------------------------------------------------------------------------ the client */

static void say(struct client *client);

static void finish(struct client *client, const struct bight_failure *failure)
{
    struct streams *streams = client->streams;
    const struct trouble *trouble = &streams->trouble;
    if (failure != NULL && !trouble->resets && !trouble->files) {
        audit_wrong("a conversation failed: %s", bight_failure_message(failure));
    }
    streams->running--;
    if (draw(&streams->audit, 10)) {
        bight_stream_abort(client->stream);
    }
    audit_watch(&streams->audit, bight_stream_close(client->stream));
    bight_stream_release(client->stream);
    free(client);
}

static void got_end(struct bight_result *result, void *context)
{
    struct client *client = context;
    struct bight_bytes *rest = bight_result_peek(result, &bight_type_bytes);
    struct bight_failure *failure = bight_result_failure(result);
    if (has_timed_out(result)) {
        bight_result_clear(result);
        then(client->streams, client->stream, bight_stream_read_all(client->stream, 0), got_end, client);
        return;
    }
    if (failure == NULL && (bight_bytes_size(rest) != 0 || !bight_stream_at_end(client->stream))) {
        audit_wrong("%zu bytes after the last answer", bight_bytes_size(rest));
    }
    client->streams->complete += failure == NULL;
    finish(client, failure);
    bight_result_clear(result);
}

static void got_answer(struct bight_result *result, void *context)
{
    struct client *client = context;
    struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
    if (has_timed_out(result)) {
        then(client->streams, client->stream, bight_stream_read_line(client->stream, 20), got_answer, client);
    } else if (line == NULL) {
        struct bight_failure *failure = bight_result_failure(result);
        if (failure == NULL && !client->streams->trouble.files) {
            audit_wrong("the end instead of an answer");
        }
        finish(client, failure);
    } else {
        char text[32] = "";
        memcpy(text, bight_bytes_data(line), bight_bytes_size(line));
        if ((size_t)strtoul(text, NULL, 10) != client->size) {
            audit_wrong("the answer to %zu bytes is %s", client->size, text);
        }
        say(client);
    }
    bight_result_clear(result);
}

static void send_piece(struct bight_result *result, void *context)
{
    struct client *client = context;
    struct streams *streams = client->streams;
    size_t left = client->size - client->sent,
           piece = left < 2000 ? left : 2000 + draw_size(&streams->audit, left - 2000);
    struct bight_failure *failure = bight_result_failure(result);
    if (failure == NULL && left == 0) {
        then(streams, client->stream, bight_stream_read_line(client->stream, 20), got_answer, client);
        return;
    }
    struct bight_transport *transport = bight_stream_transport(client->stream);
    if (failure != NULL || stream_write(transport, client->key, client->position, piece) != 0) {
        failure = failure != NULL ? bight_failure_hold(failure) : bight_failure_of(BIGHT_E_CLOSED);
        finish(client, failure);
        bight_failure_release(failure);
        bight_result_clear(result);
        return;
    }
    client->sent += piece;
    client->position += piece;
    struct bight_deferred *room = bight_stream_drain(client->stream);
    (void)bight_deferred_add_both(room, send_piece, client);
    bight_deferred_release(room);
}

/* The next message, or the end. */
static void say(struct client *client)
{
    struct streams *streams = client->streams;
    struct bight_result go_on = { NULL, NULL, NULL };
    uint8_t header[HEADER];
    if (client->messages-- == 0) {
        (void)bight_stream_write_eof(client->stream);
        then(streams, client->stream, bight_stream_read_all(client->stream, 0), got_end, client);
        return;
    }
    client->size = draw_size(&streams->audit, MAX_BYTES);
    client->sent = 0;
    put(header, client->key);
    put(header + 4, client->position);
    put(header + 8, client->size);
    (void)bight_stream_write(client->stream, header, sizeof header);
    send_piece(&go_on, client);
}

static void opened(struct bight_result *result, void *context)
{
    struct streams *streams = context;
    struct client *client = calloc(1, sizeof *client);
    client->streams = streams;
    client->stream = bight_result_take(result, &bight_type_stream);
    client->key = streams->next_key++;
    client->messages = (unsigned)draw_size(&streams->audit, MAX_MESSAGES);
    bight_stream_set_limits(client->stream, 1 + draw_size(&streams->audit, 1000), 0);
    (void)bight_transport_set_watermarks(bight_stream_transport(client->stream), 500, 3000);
    say(client);
}

static void not_opened(struct bight_result *result, void *context)
{
    ((struct streams *)context)->running--;
    bight_result_clear(result);
}

static void start_client(void *context)
{
    struct streams *streams = context;
    struct bight_deferred *opening = bight_open_stream(streams->client_reactor, "tcp:server:7");
    streams->started++;
    streams->running++;
    (void)bight_deferred_add_callbacks(opening, opened, not_opened, streams);
    bight_deferred_release(opening);
}

/* ------------------------------------------------------------------------------------------ the server */

static void await_header(struct session *session);

static void end_session(struct session *session, struct bight_result *result)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    bool ended = failure != NULL && bight_failure_code(failure) == BIGHT_E_INCOMPLETE;
    if (ended && bight_stream_buffered(&session->base) == 0) {
        bight_failure_release(failure);
        (void)bight_callback(session->done, NULL, NULL);
    } else {
        if (ended) {
            audit_wrong("a client ended in the middle of a header");
        }
        (void)bight_errback(session->done, failure);
    }
}

static void go_on(struct bight_result *result, void *context)
{
    struct session *session = context;
    if (bight_result_failure(result) != NULL) {
        (void)bight_errback(session->done, bight_result_take_failure(result));
        return;
    }
    await_header(session);
}

static void answer(struct session *session)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%zu%s", session->size, draw(&session->streams->audit, 50) ? "\r\n" : "\n");
    (void)bight_stream_write(&session->base, text, (size_t)size);
    struct bight_deferred *room = bight_stream_drain(&session->base);
    (void)bight_deferred_add_both(room, go_on, session);
    bight_deferred_release(room);
}

static void got_body(struct bight_result *result, void *context);

static void await_body(struct session *session)
{
    struct audit *audit = &session->streams->audit;
    size_t left = session->size - session->received;
    if (left == 0) {
        answer(session);
        return;
    }
    struct bight_deferred *body = draw(audit, 50) ? bight_stream_read_exactly(&session->base, left)
                                                  : bight_stream_read(&session->base, 1 + draw_size(audit, left - 1));
    then(session->streams, &session->base, body, got_body, session);
}

static void got_body(struct bight_result *result, void *context)
{
    struct session *session = context;
    struct bight_bytes *body = bight_result_peek(result, &bight_type_bytes);
    if (has_timed_out(result)) {
        await_body(session);
    } else if (body == NULL || bight_bytes_size(body) == 0) {
        struct bight_failure *failure = bight_result_take_failure(result);
        (void)bight_errback(session->done, failure != NULL ? failure : bight_failure_of(BIGHT_E_INCOMPLETE));
    } else {
        stream_check(session->key, session->position, bight_bytes_data(body), bight_bytes_size(body));
        session->received += bight_bytes_size(body);
        session->position += bight_bytes_size(body);
        await_body(session);
    }
    bight_result_clear(result);
}

static void got_header(struct bight_result *result, void *context)
{
    struct session *session = context;
    struct bight_bytes *header = bight_result_peek(result, &bight_type_bytes);
    if (has_timed_out(result)) {
        await_header(session);
    } else if (header == NULL) {
        end_session(session, result);
    } else {
        const uint8_t *data = bight_bytes_data(header);
        session->key = (uint32_t)get(data);
        session->position = get(data + 4);
        session->size = get(data + 8);
        session->received = 0;
        await_body(session);
    }
    bight_result_clear(result);
}

static void await_header(struct session *session)
{
    then(session->streams, &session->base, bight_stream_read_exactly(&session->base, HEADER), got_header, session);
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    struct session *session = bight_stream_self(struct session, stream);
    struct bight_deferred *done = bight_deferred_new(&session->done, NULL, NULL);
    session->streams = context;
    bight_stream_set_limits(stream, 1 + draw_size(&session->streams->audit, 5000), 0);
    await_header(session);
    return done;
}

/* ----------------------------------------------------------------------------------------------- the run */

static void check_complete(const struct streams *streams, size_t count)
{
    const struct trouble *trouble = &streams->trouble;
    if (streams->started != count || streams->running != 0 || streams->audit.pending != 0 ||
        streams->factory.base.connections != 0) {
        audit_wrong("not ended: %zu clients, %u connections", streams->running, streams->factory.base.connections);
    }
    if (!trouble->resets && !trouble->refusals && !trouble->names && !trouble->files && streams->complete != count) {
        audit_wrong("nothing was wrong, and complete are %zu of %zu", streams->complete, count);
    }
}

static void run_streams(struct streams *streams)
{
    struct audit *audit = &streams->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CLIENTS);
    struct bight_reactor *server = audit_reactor(audit, hosts[0], 192 * 1024);
    streams->client_reactor = audit_reactor(audit, hosts[1], 192 * 1024);
    (void)audit_listen(audit, server, "tcp:7", &streams->factory.base);
    streams->trouble = draw_trouble(audit);
    set_trouble(audit, &streams->trouble, hosts, 2);
    for (size_t i = 0; i < count; i++) {
        (void)bight_call_later(streams->client_reactor, draw_seconds(audit, 2), start_client, streams, NULL);
    }
    bight_simulation_run(audit->simulation, 300);
    check_complete(streams, count);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct streams streams = { .factory = BIGHT_STREAM_FACTORY(struct session, serve, NULL) };
    (void)context;
    streams.factory.base.context = &streams;
    audit_begin(&streams.audit, simulation);
    run_streams(&streams);
    return audit_end(&streams.audit);
}

const struct bight_scenario streams_scenario = { "streams", run, NULL };
