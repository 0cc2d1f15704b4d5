/* SPDX-License-Identifier: MIT */
/* flood.c - scenario: short lines in bulk, sent as fast as they go and read one by one.
 *
 * The server reads them from a stream, in handlers that read on, or hears them as a line receiver that pauses now and
 * then, and may answer each with much more. Bytes come by the chunk and go by the line, so whoever thinks that somebody
 * waits for input when nobody does keeps all of them: what is held is looked at with every line. And whoever hands out
 * the lines of a chunk whatever their answers have queued passes what a connection may queue. */
#include "scenario.h"

#include <bight/protocols/line.h>

#include <string.h>

#include "../../protocols/basic/line.h"

#define MAX_LINES 100000
#define MAX_PIECE 8000
#define MAX_ANSWER 1000
#define MAX_ANSWERED 4000000
#define CHUNK 65536

struct flood {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *client_reactor;
    struct bight_stream_factory streams;
    struct bight_line_factory lines;
    struct bight_stream *client;
    size_t limit, count, sent, heard;
    size_t answer, answered; /* bytes to each line, and all that came back */
    size_t pause_every;      /* lines; 0: never */
    double pause_seconds;
    bool has_started, has_ended;
};

struct reader {
    struct bight_stream base;
    struct bight_promise done;
};

struct hearer {
    struct bight_line_receiver base;
    struct bight_timer timer;
};

static bool may_fail(const struct flood *flood)
{
    const struct trouble *trouble = &flood->trouble;
    return trouble->resets || trouble->refusals || trouble->names || trouble->files;
}

static char digit(size_t number)
{
    return (char)('0' + number % 10);
}

/* One line, and how many bytes are held behind it. */
static void hear(struct flood *flood, const void *line, size_t size, size_t held)
{
    if (size != 1 || *(const char *)line != digit(flood->heard)) {
        audit_wrong("line %zu is '%.*s'", flood->heard, (int)size, (const char *)line);
    }
    if (held > flood->limit + CHUNK) {
        audit_wrong("%zu bytes are held, the limit is %zu", held, flood->limit);
    }
    flood->heard++;
}

static void ended(struct flood *flood, const struct bight_failure *reason)
{
    bool well = reason == NULL || bight_failure_code(reason) == BIGHT_E_CONNECTION_DONE;
    if (!well && !may_fail(flood)) {
        audit_wrong("the flood ended: %s", bight_failure_message(reason));
    }
    flood->has_ended = true;
}

/* ------------------------------------------------------------------------------------ read from a stream */

static void read_on(struct reader *reader);

static void got_line(struct bight_result *result, void *context)
{
    struct reader *reader = context;
    struct flood *flood = reader->base.base.factory->context;
    struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
    if (line == NULL) {
        ended(flood, bight_result_failure(result));
        bight_result_clear(result);
        (void)bight_callback(reader->done, NULL, NULL);
        return;
    }
    hear(flood, bight_bytes_data(line), bight_bytes_size(line), bight_stream_buffered(&reader->base));
    bight_result_clear(result);
    read_on(reader);
}

static void read_on(struct reader *reader)
{
    struct bight_deferred *line = bight_stream_read_line(&reader->base, 10);
    (void)bight_deferred_add_both(line, got_line, reader);
    bight_deferred_release(line);
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    struct reader *reader = bight_stream_self(struct reader, stream);
    struct bight_deferred *done = bight_deferred_new(&reader->done, NULL, NULL);
    struct flood *flood = context;
    flood->has_started = true;
    bight_stream_set_limits(stream, flood->limit, 0);
    read_on(reader);
    return done;
}

/* ---------------------------------------------------------------------------------- heard as lines */

static struct flood *flood_of(struct bight_line_receiver *receiver)
{
    return receiver->base.factory->context;
}

static void made(struct bight_line_receiver *receiver)
{
    flood_of(receiver)->has_started = true;
}

static void go_on(void *context)
{
    bight_line_resume(context);
}

static void said(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct flood *flood = flood_of(receiver);
    struct hearer *hearer = bight_line_self(struct hearer, receiver);
    static const char answer[MAX_ANSWER];
    hear(flood, line, size, bi_input_size(receiver->own->input));
    (void)bight_transport_write(bight_line_transport(receiver), answer, flood->answer);
    if (flood->pause_every > 0 && flood->heard % flood->pause_every == 0) {
        bight_line_pause(receiver);
        (void)bight_call_later(bight_transport_reactor(bight_line_transport(receiver)), flood->pause_seconds, go_on,
            receiver, &hearer->timer);
    }
}

static void lost(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)bight_timer_cancel(bight_line_self(struct hearer, receiver)->timer);
    ended(flood_of(receiver), reason);
}

static const struct bight_line_ops line_ops = {
    .connection_made = made, .line_received = said, .connection_lost = lost
};

/* ------------------------------------------------------------------------------------------ the client */

static void read_answer(struct flood *flood);

static void got_answer(struct bight_result *result, void *context)
{
    struct flood *flood = context;
    struct bight_bytes *bytes = bight_result_peek(result, &bight_type_bytes);
    size_t size = bytes == NULL ? 0 : bight_bytes_size(bytes);
    bight_result_clear(result);
    flood->answered += size;
    if (size > 0) {
        read_answer(flood);
        return;
    }
    audit_watch(&flood->audit, bight_stream_close(flood->client));
    bight_stream_release(flood->client);
}

static void read_answer(struct flood *flood)
{
    struct bight_deferred *answer = bight_stream_read(flood->client, 0);
    (void)bight_deferred_add_both(answer, got_answer, flood);
    bight_deferred_release(answer);
}

/* Who is answered reads to the end. */
static void end_sending(struct flood *flood)
{
    if (flood->answer > 0) {
        (void)bight_stream_write_eof(flood->client);
    } else {
        audit_watch(&flood->audit, bight_stream_close(flood->client));
    }
    bight_stream_release(flood->client);
}

static void send_piece(struct bight_result *result, void *context)
{
    struct flood *flood = context;
    char piece[MAX_PIECE];
    size_t left = flood->count - flood->sent, lines = left < sizeof piece / 2 ? left : sizeof piece / 2;
    for (size_t i = 0; i < lines; i++) {
        piece[2 * i] = digit(flood->sent + i);
        piece[2 * i + 1] = '\n';
    }
    if (lines == 0 || bight_result_failure(result) != NULL ||
        bight_stream_write(flood->client, piece, 2 * lines) != 0) {
        bight_result_clear(result);
        end_sending(flood);
        return;
    }
    flood->sent += lines;
    struct bight_deferred *room = bight_stream_drain(flood->client);
    (void)bight_deferred_add_both(room, send_piece, flood);
    bight_deferred_release(room);
}

static void opened(struct bight_result *result, void *context)
{
    struct flood *flood = context;
    flood->client = bight_result_take(result, &bight_type_stream);
    if (flood->answer > 0) {
        bight_stream_hold(flood->client);
        read_answer(flood);
    }
    send_piece(result, flood);
}

static void start(void *context)
{
    struct flood *flood = context;
    struct bight_deferred *opening = bight_open_stream(flood->client_reactor, "tcp:server:7");
    (void)bight_deferred_add_callback(opening, opened, flood);
    audit_watch(&flood->audit, opening);
}

/* ----------------------------------------------------------------------------------------------- the run */

static void check_complete(const struct flood *flood)
{
    if (flood->has_started && !flood->has_ended) {
        audit_wrong("the flood has not ended: %zu lines of %zu", flood->heard, flood->count);
    }
    if (flood->heard > flood->sent || (!may_fail(flood) && flood->heard != flood->count)) {
        audit_wrong("%zu lines were heard, %zu of %zu sent", flood->heard, flood->sent, flood->count);
    }
    if (!may_fail(flood) && flood->answered != flood->heard * flood->answer) {
        audit_wrong("%zu bytes came back for %zu lines", flood->answered, flood->heard);
    }
}

static uint64_t most_answer(const struct flood *flood)
{
    uint64_t most = MAX_ANSWERED / (flood->count + 1);
    return most < MAX_ANSWER - 1 ? most : MAX_ANSWER - 1;
}

static void run_flood(struct flood *flood)
{
    struct audit *audit = &flood->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    bool by_line = draw(audit, 50);
    flood->count = draw_size(audit, MAX_LINES);
    flood->limit = by_line ? 0 : 1 + draw_size(audit, 10000);
    flood->pause_every = draw(audit, 70) ? 1 + flood->count / 500 + draw_size(audit, 100) : 0;
    flood->pause_seconds = draw(audit, 50) ? 0 : draw_seconds(audit, 0.01);
    flood->answer =
        by_line && draw(audit, 50) ? 1 + (size_t)bight_simulation_draw(audit->simulation, most_answer(flood)) : 0;
    struct bight_reactor *server = audit_reactor(audit, hosts[0], flood->answer > 0 ? 3 * CHUNK : CHUNK);
    flood->client_reactor = audit_reactor(audit, hosts[1], 2 * CHUNK + MAX_PIECE);
    (void)audit_listen(audit, server, "tcp:7", by_line ? &flood->lines.base : &flood->streams.base);
    flood->trouble = draw_trouble(audit);
    set_trouble(audit, &flood->trouble, hosts, 2);
    (void)bight_call_later(flood->client_reactor, draw_seconds(audit, 1), start, flood, NULL);
    bight_simulation_run(audit->simulation, 600);
    check_complete(flood);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct flood flood = {
        .streams = BIGHT_STREAM_FACTORY(struct reader, serve, NULL),
        .lines = BIGHT_LINE_FACTORY(struct hearer, &line_ops),
    };
    (void)context;
    flood.streams.base.context = &flood;
    flood.lines.base.context = &flood;
    audit_begin(&flood.audit, simulation);
    run_flood(&flood);
    return audit_end(&flood.audit);
}

const struct bight_scenario flood_scenario = { "flood", run, NULL };
