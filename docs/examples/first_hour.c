/* SPDX-License-Identifier: MIT */
/* first_hour.c - a server with what every program needs: threads, backpressure, errors, limits and signals.
 *
 * docs/first_hour.md explains it. `first_hour ENDPOINT` answers lines: `sum N` adds the numbers to N in a thread, and
 * `count N` writes them all, as fast as the client reads. `first_hour ENDPOINT BACKEND` is a proxy, each side of which
 * waits for the other. */
#define _POSIX_C_SOURCE 200809L

#include <bight/bight.h>
#include <bight/protocols/line.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

struct client {
    struct bight_line_receiver base;
    unsigned long next, last; /* what its producer writes next, and last */
    unsigned jobs;            /* sums that are still being added up */
    bool ended;               /* it has sent EOF */
};

static char motto[64];

/* A client that has sent EOF may still wait for answers. */
static void lose_when_done(struct client *client)
{
    if (client->ended && client->jobs == 0 && client->next > client->last) {
        bight_transport_lose_connection(bight_line_transport(&client->base));
    }
}

/* ------------------------------------------------------------------------------------------- threads */

/* In a thread of the pool: it may block, and touches nothing of the reactor. */
static void add_up(struct bight_result *result, void *context)
{
    intptr_t sum = 0;
    for (intptr_t number = 1; number <= *(const intptr_t *)context; number++) {
        sum += number;
    }
    bight_result_set(result, &bight_type_integer, bight_integer(sum));
}

/* Back in the loop's thread. */
static void answer(struct bight_result *result, void *context)
{
    struct client *client = context;
    bight_line_sendf(&client->base, "%ld", (long)bight_integer_value(bight_result_peek(result, &bight_type_integer)));
}

static void refuse(struct bight_result *result, void *context)
{
    struct client *client = context;
    bight_line_send_text(&client->base, bight_failure_message(bight_result_failure(result)));
    bight_result_clear(result); /* handled */
}

static void job_done(struct bight_result *result, void *context)
{
    struct client *client = context;
    (void)result;
    client->jobs--;
    lose_when_done(client);
}

static void sum(struct client *client, intptr_t limit)
{
    struct bight_reactor *reactor = bight_transport_reactor(bight_line_transport(&client->base));
    intptr_t *job = bight_malloc(sizeof *job);
    if (job == NULL) {
        bight_transport_abort_connection(bight_line_transport(&client->base));
        return;
    }
    *job = limit;
    client->jobs++;
    struct bight_deferred *added = bight_defer_to_thread_full(reactor, add_up, job, bight_free);
    bight_deferred_add_callbacks(added, answer, refuse, client);
    bight_deferred_add_both(added, job_done, client);
    bight_deferred_release(bight_protocol_tie(&client->base.base, added));
}

/* In the loop's thread, so `motto` needs no lock. */
static void set_motto(void *text)
{
    snprintf(motto, sizeof motto, "%s", (const char *)text);
    puts("the motto is there");
    fflush(stdout);
}

/* A thread of the program's own: it has the mailbox, never the reactor. */
static void *load_motto(void *mailbox)
{
    char *text = strdup("one thread, one loop");
    if (text != NULL && bight_call_from_thread_full(mailbox, set_motto, text, free) != 0) {
        free(text); /* nothing was taken: the text is still ours */
    }
    bight_mailbox_release(mailbox);
    return NULL;
}

/* -------------------------------------------------------------------------------------- backpressure */

/* Called whenever there is room for more, at most once a turn. */
static void produce(void *context)
{
    struct client *client = context;
    for (int i = 0; i < 100 && client->next <= client->last; i++) {
        bight_line_sendf(&client->base, "%lu", client->next++);
    }
    if (client->next > client->last) {
        bight_transport_unregister_producer(bight_line_transport(&client->base)); /* that was all */
        lose_when_done(client);
    }
}

/* The connection is being lost: nothing more is to be produced. */
static void stop_producing(void *context)
{
    struct client *client = context;
    client->next = client->last + 1;
}

static const struct bight_producer_ops counting = { .resume = produce, .stop = stop_producing };

static void count(struct client *client, unsigned long last)
{
    if (client->next <= client->last) {
        bight_line_send_text(&client->base, "one at a time, please");
        return;
    }
    client->next = 1;
    client->last = last;
    if (bight_transport_register_producer(bight_line_transport(&client->base), &counting, client, false) != 0) {
        stop_producing(client);
    }
}

/* One side of the proxy. What it reads is written to `other`. */
struct side {
    struct bight_protocol base;
    struct side *other; /* NULL: not connected yet, or lost */
};

static void pause_reading(void *side)
{
    bight_transport_pause(((struct side *)side)->base.transport);
}

static void resume_reading(void *side)
{
    bight_transport_resume(((struct side *)side)->base.transport);
}

static void no_more_room(void *side)
{
    (void)side; /* the other side is lost; its connection_lost ends this one */
}

static const struct bight_producer_ops relaying = { pause_reading, resume_reading, no_more_room };

static void join(struct side *one, struct side *other)
{
    one->other = other;
    other->other = one;
    bight_transport_register_producer(one->base.transport, &relaying, other, true);
    bight_transport_register_producer(other->base.transport, &relaying, one, true);
    bight_transport_resume(one->base.transport);
}

static void relay(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct side *side = bight_self(struct side, protocol);
    bight_transport_write(side->other->base.transport, data, size);
}

/* EOF here: this producer has ended, and the other side is told by an EOF of its own. */
static bool relay_eof(struct bight_protocol *protocol)
{
    struct side *side = bight_self(struct side, protocol);
    if (side->other != NULL) {
        bight_transport_unregister_producer(side->other->base.transport);
        bight_transport_lose_write(side->other->base.transport);
    }
    return side->other != NULL;
}

static void side_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct side *side = bight_self(struct side, protocol), *other = side->other;
    if (other == NULL) {
        return;
    }
    other->other = NULL;
    bight_transport_unregister_producer(other->base.transport);
    if (bight_failure_is(reason, BIGHT_E_CONNECTION_DONE)) {
        bight_transport_lose_connection(other->base.transport);
    } else {
        bight_transport_abort_connection(other->base.transport); /* a stream that was cut must not look whole */
    }
}

static const char *backend;
static struct bight_factory backends;

static void reached(struct bight_result *result, void *context)
{
    struct side *side = context;
    join(side, bight_self(struct side, bight_result_peek(result, &bight_type_protocol)));
}

static void not_reached(struct bight_result *result, void *context)
{
    struct side *side = context;
    const struct bight_failure *failure = bight_result_failure(result);
    if (bight_failure_is(failure, BIGHT_E_CONNECT)) { /* refused, unreachable, unknown, timed out ... */
        bight_log(BIGHT_LOG_WARNING, NULL, failure, "the backend cannot be reached");
        bight_result_clear(result);
    }
    bight_transport_lose_connection(side->base.transport);
}

static void accepted(struct bight_protocol *protocol)
{
    struct side *side = bight_self(struct side, protocol);
    struct bight_reactor *reactor = bight_transport_reactor(protocol->transport);
    bight_transport_pause(protocol->transport); /* until somebody takes what comes */
    struct bight_deferred *connected = bight_connect(reactor, backend, &backends);
    bight_deferred_add_callbacks(connected, reached, not_reached, side);
    bight_deferred_release(bight_protocol_tie(protocol, connected));
}

static const struct bight_protocol_ops front_ops = {
    .connection_made = accepted,
    .data_received = relay,
    .read_connection_lost = relay_eof,
    .connection_lost = side_lost,
};
static const struct bight_protocol_ops backend_ops = {
    .data_received = relay,
    .read_connection_lost = relay_eof,
    .connection_lost = side_lost,
};
static struct bight_factory fronts = BIGHT_FACTORY(struct side, &front_ops);
static struct bight_factory backends = BIGHT_FACTORY(struct side, &backend_ops);

/* ------------------------------------------------------------------------------------------- clients */

static void client_made(struct bight_line_receiver *receiver)
{
    struct client *client = bight_line_self(struct client, receiver);
    struct bight_transport *transport = bight_line_transport(receiver);
    client->next = 1; /* and last is 0: nothing to produce */
    bight_transport_set_idle_timeout(transport, 60);
    bight_transport_set_write_timeout(transport, 30);
    bight_transport_set_watermarks(transport, 8 << 10, 32 << 10);
    bight_transport_set_output_limit(transport, 1 << 20);
}

static void command(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct client *client = bight_line_self(struct client, receiver);
    long number = 0;
    (void)size;
    if (sscanf(line, "sum %9ld", &number) == 1) {
        sum(client, number);
    } else if (sscanf(line, "count %9ld", &number) == 1 && number >= 0) {
        count(client, (unsigned long)number);
    } else {
        bight_line_send_text(receiver, motto);
    }
}

static bool client_ended(struct bight_line_receiver *receiver)
{
    struct client *client = bight_line_self(struct client, receiver);
    client->ended = true;
    lose_when_done(client);
    return true; /* without this the connection would be closed, answers outstanding or not */
}

static void client_lost(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)receiver;
    if (bight_failure_is(reason, BIGHT_E_TIMED_OUT) || bight_failure_is(reason, BIGHT_E_LIMIT)) {
        bight_log(BIGHT_LOG_INFO, "clients", reason, "a client was too slow");
    }
}

static const struct bight_line_ops client_ops = {
    .connection_made = client_made,
    .line_received = command,
    .read_connection_lost = client_ended,
    .connection_lost = client_lost,
};
static struct bight_line_factory clients = BIGHT_LINE_FACTORY(struct client, &client_ops);

/* ------------------------------------------------------------------------------------------ the program */

static void log_line(const struct bight_log_event *event, void *stream)
{
    char line[1024];
    bight_log_event_format(event, line, sizeof line);
    fprintf(stream, "%s\n", line); /* may be called in any thread */
}

/* As many descriptors as the system allows: one for each connection, and some more. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void report(int number, void *context)
{
    (void)number;
    printf("%zu bytes wait\n", bight_reactor_held(context));
    fflush(stdout);
}

static void start_thread(struct bight_reactor *reactor, pthread_t *thread)
{
    struct bight_mailbox *mailbox = bight_reactor_mailbox(reactor);
    if (pthread_create(thread, NULL, load_motto, mailbox) != 0) {
        exit(EX_OSERR);
    }
}

int main(int argc, char **argv)
{
    pthread_t thread;
    if (argc < 2) {
        fprintf(stderr, "usage: first_hour ENDPOINT [BACKEND]\n");
        return EX_USAGE;
    }
    bight_log_set_level(BIGHT_LOG_INFO);
    bight_log_set_observer(log_line, stderr);
    raise_descriptor_limit();
    struct bight_reactor *reactor = bight_reactor_new();
    bight_reactor_set_held_limit(reactor, (size_t)256 << 20);
    bight_on_signal(reactor, SIGUSR1, report, reactor);
    start_thread(reactor, &thread);
    backend = argv[2];
    bight_serve(reactor, argv[1], backend == NULL ? &clients.base : &fronts);
    int status = bight_reactor_run(reactor);
    bight_reactor_free(reactor);
    pthread_join(thread, NULL);
    return status;
}
