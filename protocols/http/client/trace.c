/* SPDX-License-Identifier: MIT */
/* trace.c - a record for each request of a client with hooks, and the turn on which it is shown.
 *
 * Steps happen in the middle of the pool's work, where nothing of the program may be called. So a step is a time and a
 * bit in the record, and the records that have something new wait in a ring for the turn. */
#include "http/client/trace.h"

#include <bight/memory.h>

#include <math.h>
#include <string.h>

static double moment(struct bight_http_client *client)
{
    return (double)bight_clock_now(bight_reactor_clock(client->reactor)) / 1e9;
}

static void release(struct bi_trace *trace)
{
    if (--trace->holds == 0) {
        bight_free(trace);
    }
}

/* ------------------------------------------------------------------------------------------- telling */

/* One before a step that has been told is not told: the request is sent again. False: there is none to tell. */
static bool tell_next(struct bight_http_client *client, struct bi_trace *trace)
{
    for (unsigned step = 0; step < BIGHT_HTTP_STEPS; step++) {
        if ((trace->reached >> step & 1) != 0 && trace->told >> step == 0) {
            trace->told |= 1U << step;
            client->hooks.step(&trace->shown, (enum bight_http_step)step, client->hooks.context);
            return true;
        }
    }
    return false;
}

/* A record stays in the ring until all of it has been told: if the program frees the client in here, that tells the
 * rest. */
void bi_trace_tell(struct bight_http_client *client)
{
    while (!bi_ring_is_empty(&client->traces)) {
        struct bi_trace *trace = BI_LINKED(struct bi_trace, link, client->traces.next);
        trace->holds++;
        if (!tell_next(client, trace)) {
            bi_link_remove(&trace->link);
            release(trace);
        }
        release(trace);
    }
}

static void on_turn(void *context)
{
    struct bight_http_client *client = context;
    (void)bight_factory_hold(&client->factory);
    bi_trace_tell(client);
    bight_factory_release(&client->factory);
}

/* Without memory for the timer it is told with what comes next, or at the client's end. */
static void wait_to_tell(struct bi_trace *trace)
{
    struct bight_http_client *client = trace->client;
    if (!bi_link_is_in(&trace->link)) {
        trace->holds++;
        bi_ring_append(&client->traces, &trace->link);
    }
    if (!bight_timer_is_pending(client->telling)) {
        (void)bight_call_later(client->reactor, 0, on_turn, client, &client->telling);
    }
}

/* ------------------------------------------------------------------------------------------- noting */

void bi_trace_reach(struct bi_trace *trace, enum bight_http_step step)
{
    trace->shown.at[step] = moment(trace->client);
    trace->reached |= 1U << step;
    wait_to_tell(trace);
}

void bi_trace_begin(struct bight_http_call *call)
{
    size_t size = call->method_size + 1 + call->url_text.size + 1;
    struct bi_trace *trace = call->client->hooks.step != NULL ? bight_calloc(1, sizeof *trace + size) : NULL;
    if (trace == NULL) {
        return;
    }
    memcpy(trace->text, call->text, size);
    for (unsigned step = 0; step < BIGHT_HTTP_STEPS; step++) {
        trace->shown.at[step] = NAN;
    }
    trace->shown.call = call->number;
    trace->shown.hop = call->hop_count;
    trace->shown.method = trace->text;
    trace->shown.url = trace->text + call->method_size + 1;
    trace->client = call->client;
    trace->holds = 1;
    call->trace = trace;
    bi_trace_reach(trace, BIGHT_HTTP_STEP_QUEUED);
}

void bi_trace_sent(struct bight_http_call *call)
{
    struct bi_client_connection *connection = call->connection;
    struct bi_trace *trace = call->trace;
    if (trace != NULL) {
        (void)bight_transport_peer(connection->base.transport, &trace->shown.address);
        trace->shown.is_reused = connection->served > 0;
        bi_trace_reach(trace, BIGHT_HTTP_STEP_SENT);
    }
}

void bi_trace_answered(struct bight_http_call *call)
{
    if (call->trace != NULL) {
        call->trace->shown.status = call->connection->parser.head.status;
    }
}

void bi_trace_end(struct bight_http_call *call, int code)
{
    struct bi_trace *trace = call->trace;
    if (trace != NULL) {
        call->trace = NULL;
        trace->shown.code = code;
        bi_trace_reach(trace, BIGHT_HTTP_STEP_DONE);
        release(trace);
    }
}

void bi_trace_go_on(struct bight_http_call *call)
{
    if (call->trace == NULL || call->trace->shown.hop != call->hop_count) {
        bi_trace_end(call, BIGHT_OK);
        bi_trace_begin(call);
    }
}
