/* SPDX-License-Identifier: MIT */
/* ledger.c - scenario: coroutines all the way: clients send messages over streams, the server's coroutines put them
 * into a queue with little room, and a few workers take them out and enter them under a lock.
 *
 * What was acknowledged is in the ledger, once; what is in the ledger was sent; nothing is there twice, whatever the
 * network does and however many Deferreds there is no memory for. In the end everybody has come home. */
#include "scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testing/kit/testing.h"

#define MAX_CLIENTS 12
#define MAX_MESSAGES 30
#define MAX_WORKERS 4
#define LINE_LIMIT 200

struct entry {
    unsigned sent, acknowledged, entered;
};

struct ledger {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *server, *clients;
    struct bight_stream_factory factory;
    struct bight_queue *queue;
    struct bight_lock *lock;
    struct entry entries[MAX_CLIENTS][MAX_MESSAGES];
    size_t count, begun, running, working, complete;
    size_t out;                /* messages on their way through the queue */
    unsigned writing, refused; /* at the ledger; per mille of the pooled objects */
    uint64_t chance;
    double slowness; /* most seconds that entering takes */
    bool is_impatient;
};

/* --------------------------------------------------------------------------------- memory, and time */

/* Deterministic, and apart from the simulation's own draws, which go on in steps of its own. */
static bool grants(void *context)
{
    struct ledger *ledger = context;
    ledger->chance = ledger->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (ledger->chance >> 33) % 1000 >= ledger->refused;
}

/* Takes the Deferred; one that cannot be given a limit is given up at once. */
static struct bight_deferred *within(struct bight_reactor *reactor, double seconds, struct bight_deferred *deferred)
{
    if (bight_deferred_add_timeout(deferred, seconds, bight_reactor_clock(reactor)) != 0) {
        bight_deferred_cancel(deferred);
    }
    return deferred;
}

static void rest(struct ledger *ledger, struct bight_reactor *reactor, double most)
{
    struct bight_result nothing = { NULL, NULL, NULL };
    (void)bight_await(bight_sleep(bight_reactor_clock(reactor), draw_seconds(&ledger->audit, most)), &nothing);
    bight_result_clear(&nothing);
}

/* ---------------------------------------------------------------------------------------- a message */

struct message {
    struct ledger *ledger;
    unsigned client, number;
};

static void free_message(void *value)
{
    struct message *message = value;
    message->ledger->out--;
    bight_free(message);
}

static const struct bight_type type_message = { .name = "message", .destroy = free_message };

/* ---------------------------------------------------------------------------------------- a worker */

static void enter(struct ledger *ledger, const struct message *message)
{
    struct entry *entry = &ledger->entries[message->client][message->number];
    if (ledger->writing++ != 0) {
        audit_wrong("two write into the ledger at once");
    }
    rest(ledger, ledger->server, ledger->slowness);
    if (entry->entered++ != 0 || entry->sent == 0) {
        audit_wrong("message %u of client %u is entered %u times", message->number, message->client, entry->entered);
    }
    ledger->writing--;
}

static struct bight_deferred *enter_in_turn(void *context);

/* Half of them by hand, half as a run under the lock. */
static bool enter_locked(struct ledger *ledger, struct message *message)
{
    struct bight_result result = { NULL, NULL, NULL };
    unsigned before = ledger->entries[message->client][message->number].entered;
    if (draw(&ledger->audit, 50)) {
        (void)bight_await(bight_lock_run(ledger->lock, enter_in_turn, message), &result);
    } else if (bight_await(bight_lock_acquire(ledger->lock), &result) == 0) {
        enter(ledger, message);
        (void)bight_lock_release(ledger->lock);
    }
    bight_result_clear(&result);
    return ledger->entries[message->client][message->number].entered > before;
}

static void enter_message(struct bight_result *result, void *context)
{
    struct message *message = context;
    (void)result;
    enter(message->ledger, message);
}

static struct bight_deferred *enter_in_turn(void *context)
{
    struct message *message = context;
    return bight_spawn(message->ledger->server, enter_message, message);
}

static void work(struct bight_result *result, void *context)
{
    struct ledger *ledger = context;
    ledger->working++;
    int code;
    while ((code = bight_await(bight_queue_get(ledger->queue), result)) != BIGHT_E_SHUTDOWN) {
        if (code != 0) {
            rest(ledger, ledger->server, 0.01); /* no memory to wait */
            continue;
        }
        struct message *message = bight_result_take(result, &type_message);
        while (!enter_locked(ledger, message)) {
            rest(ledger, ledger->server, 0.01);
        }
        free_message(message);
        (void)bight_queue_task_done(ledger->queue);
    }
    bight_result_clear(result);
    ledger->working--;
}

/* ----------------------------------------------------------------------------------------- a session */

struct session {
    struct ledger *ledger;
    struct bight_stream *stream;
};

static void free_session(void *context)
{
    struct session *session = context;
    bight_stream_release(session->stream);
    bight_free(session);
}

/* "client number padding"; NULL for what no client has said. */
static struct message *parse(struct ledger *ledger, const struct bight_bytes *line)
{
    char text[LINE_LIMIT + 1] = "";
    unsigned client, number;
    memcpy(text, bight_bytes_data(line), bight_bytes_size(line));
    if (sscanf(text, "%u %u", &client, &number) != 2 || client >= MAX_CLIENTS || number >= MAX_MESSAGES) {
        audit_wrong("a client says: %s", text);
        return NULL;
    }
    struct message *message = bight_malloc(sizeof *message);
    *message = (struct message) { ledger, client, number };
    ledger->out++;
    return message;
}

static int acknowledge(struct bight_result *result, const struct session *session)
{
    int code = bight_stream_write(session->stream, "taken\r\n", 7);
    return code != 0 ? code : bight_await(bight_stream_drain(session->stream), result);
}

static void hold_session(struct bight_result *result, void *context)
{
    struct session *session = context;
    struct ledger *ledger = session->ledger;
    while (bight_await(bight_stream_read_line(session->stream, LINE_LIMIT), result) == 0) {
        const struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
        struct message *message = line == NULL ? NULL : parse(ledger, line);
        if (message == NULL) {
            return;
        }
        if (bight_await(bight_queue_put_later(ledger->queue, &type_message, message), result) != 0 ||
            acknowledge(result, session) != 0) {
            return;
        }
    }
}

static struct bight_deferred *serve(struct bight_stream *stream, void *context)
{
    struct ledger *ledger = context;
    struct session *session = bight_malloc(sizeof *session);
    *session = (struct session) { ledger, bight_stream_hold(stream) };
    struct bight_deferred *holding = bight_spawn_full(ledger->server, hold_session, session, free_session);
    bight_protocol_tie(&stream->base, holding);
    return holding;
}

/* ----------------------------------------------------------------------------------------- a client */

static int send_message(
    struct ledger *ledger, struct bight_stream *stream, unsigned client, unsigned number, struct bight_result *result)
{
    char text[LINE_LIMIT];
    int padding = (int)draw_size(&ledger->audit, 150);
    int size = snprintf(text, sizeof text, "%u %u %*s\n", client, number, padding, "");
    struct entry *entry = &ledger->entries[client][number];
    entry->sent++;
    int code = bight_stream_write(stream, text, (size_t)size);
    if (code != 0) {
        bight_result_fail(result, bight_failure_of(code));
        return code;
    }
    code = bight_await(within(ledger->clients, 40, bight_stream_read_line(stream, 20)), result);
    const struct bight_bytes *line = bight_result_peek(result, &bight_type_bytes);
    if (code == 0 && line == NULL) {
        return BIGHT_E_INCOMPLETE;
    }
    entry->acknowledged += code == 0;
    return code;
}

static void send_all(struct ledger *ledger, struct bight_stream *stream, unsigned client, struct bight_result *result)
{
    unsigned count = 1 + (unsigned)bight_simulation_draw(ledger->audit.simulation, MAX_MESSAGES);
    for (unsigned i = 0; i < count; i++) {
        if (send_message(ledger, stream, client, i, result) != 0) {
            return;
        }
        if (draw(&ledger->audit, 30)) {
            rest(ledger, ledger->clients, 1);
        }
    }
    ledger->complete++;
}

static void be_client(struct bight_result *result, void *context)
{
    struct ledger *ledger = context;
    unsigned client = (unsigned)ledger->begun++;
    ledger->running++;
    if (bight_await(within(ledger->clients, 60, bight_open_stream(ledger->clients, "tcp:server:7")), result) == 0) {
        struct bight_stream *stream = bight_result_take(result, &bight_type_stream);
        send_all(ledger, stream, client, result);
        if (draw(&ledger->audit, 20)) {
            bight_stream_abort(stream);
        }
        (void)bight_await(bight_stream_close(stream), result);
        bight_stream_release(stream);
    }
    bight_result_clear(result);
    ledger->running--;
}

static void start_client(void *context)
{
    struct ledger *ledger = context;
    size_t begun = ledger->begun;
    struct bight_deferred *client = bight_spawn(ledger->clients, be_client, ledger);
    ledger->begun += ledger->begun == begun; /* one for which there was no memory */
    if (ledger->is_impatient && draw(&ledger->audit, 40)) {
        (void)within(ledger->clients, draw_seconds(&ledger->audit, 3), client);
    }
    audit_watch(&ledger->audit, client);
}

/* ------------------------------------------------------------------------------------------ the run */

static void check_entries(const struct ledger *ledger)
{
    for (size_t i = 0; i < MAX_CLIENTS * MAX_MESSAGES; i++) {
        const struct entry *entry = &ledger->entries[i / MAX_MESSAGES][i % MAX_MESSAGES];
        if (entry->acknowledged > entry->entered || entry->entered > entry->sent) {
            audit_wrong("a message was sent %u times, entered %u and acknowledged %u", entry->sent, entry->entered,
                entry->acknowledged);
        }
    }
}

static void check_complete(const struct ledger *ledger)
{
    const struct trouble *trouble = &ledger->trouble;
    if (ledger->begun != ledger->count || ledger->running != 0 || ledger->working != 0 || ledger->out != 0) {
        audit_wrong("%zu of %zu clients run, %zu workers, %zu messages are on their way", ledger->running,
            ledger->begun, ledger->working, ledger->out);
    }
    bool is_calm = !trouble->resets && !trouble->refusals && !trouble->names && !trouble->files;
    if (is_calm && ledger->refused == 0 && !ledger->is_impatient && ledger->complete != ledger->count) {
        audit_wrong("nothing was wrong, and complete are %zu of %zu", ledger->complete, ledger->count);
    }
    check_entries(ledger);
}

static void begin_work(struct ledger *ledger)
{
    const struct bight_queue_options options = { .size = sizeof options,
        .size_limit = 1 + draw_size(&ledger->audit, 20) };
    ledger->queue = bight_queue_new(&options);
    ledger->lock = bight_lock_new();
    for (size_t i = bight_simulation_draw(ledger->audit.simulation, MAX_WORKERS) + 1; i > 0; i--) {
        audit_watch(&ledger->audit, bight_spawn(ledger->server, work, ledger));
    }
}

/* All who wait for something in here have gone before. */
static void end_work(struct ledger *ledger)
{
    bi_testing_ask_for_pooled(NULL, NULL);
    bight_queue_shutdown(ledger->queue, false);
    bight_simulation_run(ledger->audit.simulation, 30);
    check_complete(ledger);
    bight_queue_free(ledger->queue);
    bight_lock_free(ledger->lock);
}

static void run_ledger(struct ledger *ledger)
{
    struct audit *audit = &ledger->audit;
    struct bight_host *hosts[2] = { bight_simulation_host(audit->simulation, "server"),
        bight_simulation_host(audit->simulation, "client") };
    ledger->count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CLIENTS);
    ledger->server = audit_reactor(audit, hosts[0], 192 * 1024);
    ledger->clients = audit_reactor(audit, hosts[1], 192 * 1024);
    (void)audit_listen(audit, ledger->server, "tcp:7", &ledger->factory.base);
    ledger->trouble = draw_trouble(audit);
    set_trouble(audit, &ledger->trouble, hosts, 2);
    ledger->is_impatient = draw(audit, 30);
    ledger->slowness = draw(audit, 50) ? draw_seconds(audit, 0.3) : 0.01;
    ledger->refused = draw(audit, 40) ? 1 + (unsigned)draw_size(audit, 50) : 0;
    audit->lacks_memory = ledger->refused > 0;
    ledger->chance = bight_simulation_draw(audit->simulation, UINT32_MAX);
    begin_work(ledger);
    for (size_t i = 0; i < ledger->count; i++) {
        (void)bight_call_later(ledger->clients, draw_seconds(audit, 2), start_client, ledger, NULL);
    }
    if (ledger->refused > 0) {
        bi_testing_ask_for_pooled(grants, ledger);
    }
    bight_simulation_run(audit->simulation, 600);
    end_work(ledger);
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct ledger ledger = { .factory = BIGHT_STREAM_FACTORY(struct bight_stream, serve, NULL) };
    (void)context;
    ledger.factory.base.context = &ledger;
    audit_begin(&ledger.audit, simulation);
    run_ledger(&ledger);
    return audit_end(&ledger.audit);
}

const struct bight_scenario ledger_scenario = { "ledger", run, NULL };
