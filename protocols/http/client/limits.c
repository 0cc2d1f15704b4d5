/* SPDX-License-Identifier: MIT */
/* limits.c - how long things may take (C3): calls, exchanges, attempts, and how long a connection is kept (C2).
 *
 * There is no timer for each of them, and no call of the clock: one timer looks at all, every thirty-second part of the
 * shortest time that there is, and the client's `now` is the moment of its last look. What is noted in between is noted
 * as a look later, so that nothing ends early. A look that comes late because the loop was held up counts as if it had
 * come in time, or nearly. */
#include "http/client/sending.h"

#define PARTS 32
#define SHORTEST_PERIOD (BIGHT_NANOSECONDS_PER_SECOND / 1000)
#define LONGEST_PERIOD BIGHT_NANOSECONDS_PER_SECOND

static uint64_t least(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

uint64_t bi_limits_shortest(const struct bi_call_settings *settings)
{
    return least(least(settings->connect, settings->first_byte), least(settings->between, settings->total));
}

static bool is_over(const struct bight_http_client *client, uint64_t since, uint64_t limit)
{
    return limit != BI_FOREVER && client->now >= since && client->now - since >= limit;
}

/* ------------------------------------------------------------------------------------------- what is over */

/* True: it has been ended, and anything may have happened. */
static bool end_call(struct bight_http_call *call, enum bight_http_time time)
{
    bi_call_time_out(call, time);
    return true;
}

/* While output waits that the server does not take it is the sending that has its time. */
static bool is_sending(struct bight_http_client *client, struct bi_client_connection *connection)
{
    size_t queued = bight_transport_queued(connection->base.transport);
    if (queued != connection->queued) {
        connection->queued = queued;
        connection->since = bi_limits_stamp(client);
    }
    return queued > 0;
}

static bool look_at_exchange(struct bight_http_client *client, struct bight_http_call *call)
{
    struct bi_client_connection *connection = call->connection;
    if (connection->is_paused) {
        return false; /* it is the program that takes its time */
    }
    bool sends = is_sending(client, connection), is_first = connection->parser.is_fresh && !sends;
    if (!sends && bi_sending_waits(call)) {
        return false;
    }
    if (is_over(client, connection->since, is_first ? call->settings.first_byte : call->settings.between)) {
        return end_call(call, is_first ? BIGHT_HTTP_TIME_FIRST_BYTE : BIGHT_HTTP_TIME_BETWEEN);
    }
    return false;
}

static bool look_at_call(struct bight_http_client *client, struct bight_http_call *call)
{
    if (is_over(client, call->began, call->settings.total)) {
        return end_call(call, call->state == BI_CALL_WAITING ? BIGHT_HTTP_TIME_IN_QUEUE : BIGHT_HTTP_TIME_TOTAL);
    }
    return call->connection != NULL && look_at_exchange(client, call);
}

static bool look_at_connection(struct bight_http_client *client, struct bi_client_connection *connection)
{
    if (bi_link_is_in(&connection->idle) && is_over(client, connection->since, connection->idle_time)) {
        bi_connection_close(connection, false);
    }
    return false;
}

static bool look_at_attempt(struct bight_http_client *client, struct bi_attempt *attempt)
{
    if (!is_over(client, attempt->since, attempt->limit)) {
        return false;
    }
    struct bight_failure *failure = bight_failure_new_status(BIGHT_E_CONNECT_TIMED_OUT, BIGHT_HTTP_TIME_CONNECT, NULL,
        "no connection to %s within %g s", attempt->host->name, (double)attempt->limit / 1e9);
    bi_attempt_fail(attempt, failure);
    return true;
}

/* ------------------------------------------------------------------------------------------- looking */

/* Each of them; from the first one on again whenever one has been ended. */
#define LOOK_AT_ALL(client, ring, type, look)                                                       \
    for (struct bi_link *link = (client)->ring.next, *next; link != &(client)->ring; link = next) { \
        next = link->next;                                                                          \
        if (look(client, BI_LINKED(type, link, link))) {                                            \
            next = (client)->ring.next;                                                             \
        }                                                                                           \
    }

static void look(struct bight_http_client *client)
{
    LOOK_AT_ALL(client, attempts, struct bi_attempt, look_at_attempt);
    LOOK_AT_ALL(client, calls, struct bight_http_call, look_at_call);
    LOOK_AT_ALL(client, connections, struct bi_client_connection, look_at_connection);
}

static bool has_nothing(const struct bight_http_client *client)
{
    return client->is_freed || (bi_ring_is_empty(&client->calls) && bi_ring_is_empty(&client->connections) &&
                                   bi_ring_is_empty(&client->attempts));
}

static void move_on(struct bight_http_client *client)
{
    uint64_t real = bight_clock_now(bight_reactor_clock(client->reactor));
    client->now += least(real - client->real, 2 * client->period);
    client->real = real;
}

static void tick(void *context);

static int arm(struct bight_http_client *client)
{
    return bight_call_later(client->reactor, (double)client->period / 1e9, tick, client, &client->timer);
}

/* Without the timer nothing would be bounded. */
static void fail_all(struct bight_http_client *client)
{
    while (!bi_ring_is_empty(&client->calls) && !client->is_freed) {
        bi_call_fail(
            BI_LINKED(struct bight_http_call, link, client->calls.next), bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
}

static void tick(void *context)
{
    struct bight_http_client *client = context;
    (void)bight_factory_hold(&client->factory);
    move_on(client);
    look(client);
    if (has_nothing(client)) {
        client->shortest = BI_FOREVER;
    } else if (!bight_timer_is_pending(client->timer) && arm(client) != BIGHT_OK) {
        fail_all(client);
    }
    bight_factory_release(&client->factory);
}

int bi_limits_watch(struct bight_http_client *client, uint64_t shortest)
{
    if (bight_timer_is_pending(client->timer) && shortest >= client->shortest) {
        return BIGHT_OK;
    }
    if (bight_timer_is_pending(client->timer)) {
        move_on(client);
        (void)bight_timer_cancel(client->timer);
    } else {
        client->real = bight_clock_now(bight_reactor_clock(client->reactor));
        client->shortest = least(client->idle_time, bi_limits_shortest(&client->settings));
    }
    client->shortest = least(client->shortest, shortest);
    uint64_t period = least(client->shortest / PARTS, LONGEST_PERIOD);
    client->period = period > SHORTEST_PERIOD ? period : SHORTEST_PERIOD;
    return arm(client);
}

void bi_limits_stop(struct bight_http_client *client)
{
    (void)bight_timer_cancel(client->timer);
}
