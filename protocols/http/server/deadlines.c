/* SPDX-License-Identifier: MIT */
/* deadlines.c - how long a peer may take (H3): for a head, for a body, for taking an answer; and a route's own time.
 *
 * An exchange that is over when its input has been gone through has no timer: only what has to wait is bounded. */
#include <bight/log.h>

#include "http/server/decoding.h"

#define SENT_AT_ONCE 4096 /* the transport tries what is not smaller at once, so what is queued then was refused */
#define GATHERED 65536    /* and what has gathered to this size */

static struct bight_reactor *reactor_of(const struct bight_http_request *request)
{
    return request->server->factory.reactor;
}

void bi_deadlines_stop(struct bight_http_request *request)
{
    bight_timer_cancel(request->input_timer);
    bight_timer_cancel(request->answer_timer);
}

/* Without its timer the exchange would not be bounded. */
static void arm(
    struct bight_http_request *request, double seconds, bight_timer_function function, struct bight_timer *timer)
{
    if (bight_call_later(reactor_of(request), seconds, function, request, timer) != BIGHT_OK) {
        bi_exchange_abort(request);
    }
}

/* --------------------------------------------------------------------------------------------- idle ones */

static void set_idle(struct bi_http_connection *connection, double seconds)
{
    if (bight_transport_set_idle_timeout(connection->base.transport, seconds) == BIGHT_E_OUT_OF_MEMORY) {
        bi_http_close(connection, true);
    }
}

void bi_deadlines_watch_idle(struct bi_http_connection *connection)
{
    set_idle(connection, ((const struct bi_http_server *)connection->base.factory)->limits.idle_seconds);
}

static void stop_idle(struct bi_http_connection *connection)
{
    if (!(connection->flags & BI_HTTP_NO_IDLE)) {
        connection->flags |= BI_HTTP_NO_IDLE;
        set_idle(connection, 0);
    }
}

void bi_deadlines_restore_idle(struct bi_http_connection *connection)
{
    if (connection->flags & BI_HTTP_NO_IDLE) {
        connection->flags &= (uint8_t)~BI_HTTP_NO_IDLE;
        bi_deadlines_watch_idle(connection);
    }
}

/* ------------------------------------------------------------------------------------ while it is held up */

/* While output waits that the client does not take, its input may not be read (T13): that time is not its own. It is
 * bounded by the rate at which output must go. Whether there is any is looked at a few times in each time that a peer
 * has, and what lies between two looks counts if there was none at both. */
#define LOOKS 4

static bool is_held_up(struct bi_http_connection *connection)
{
    if (bight_transport_queued(connection->base.transport) == 0) {
        return false;
    }
    bi_deadlines_bound_leftover(connection);
    return true;
}

/* Nanoseconds until the next look, when so much is left of `all`. */
static double next_look(uint64_t left, uint64_t all)
{
    return (double)(left < all / LOOKS ? left : all / LOOKS) / 1e9;
}

/* Whether the time since the last look is the peer's own. Only for looks: in a handler output waits for the turn's end.
 */
static bool counts(struct bight_http_request *request)
{
    bool was_held_up = request->held_up;
    request->held_up = is_held_up(request->connection);
    return !was_held_up && !request->held_up;
}

/* ---------------------------------------------------------------------------------------------- the head */

/* In nanoseconds. More than some thirty years are as good as for ever. */
static uint64_t head_time(const struct bight_http_request *request)
{
    double seconds = request->server->limits.head_seconds;
    return (uint64_t)((seconds < 1e9 ? seconds : 1e9) * 1e9);
}

static void look_at_head(void *context)
{
    struct bight_http_request *request = context;
    uint64_t limit = head_time(request);
    uint64_t step = (uint64_t)(next_look(limit - request->head_watched, limit) * 1e9);
    request->head_watched += counts(request) ? step : 0;
    if (limit - request->head_watched < LOOKS) { /* but for what dividing by it leaves */
        bi_exchange_refuse(request, 408, "its head took too long");
    } else {
        arm(request, next_look(limit - request->head_watched, limit), look_at_head, &request->input_timer);
    }
}

void bi_deadlines_watch_head(struct bight_http_request *request)
{
    if (!bight_timer_is_pending(request->input_timer)) {
        stop_idle(request->connection); /* it may be shorter */
        arm(request, next_look(UINT64_MAX, head_time(request)), look_at_head, &request->input_timer);
    }
}

/* ---------------------------------------------------------------------------------------------- the body */

/* The rate counts while bight reads: a program that does not ask for the body cannot blame the peer. So the windows are
 * made of the times in which it was wanted, put together. The obvious way, a window from each time on that it is
 * wanted, has no end for a body that is pulled and trickles. */
#define WINDOW ((uint64_t)(BI_HTTP_BODY_WINDOW * 1e9))

static uint64_t now_of(const struct bight_http_request *request)
{
    return bight_clock_now(bight_reactor_clock(reactor_of(request)));
}

static void look_at_body(void *context);

static void arm_body(struct bight_http_request *request)
{
    arm(request, next_look(WINDOW - request->body.watched, WINDOW), look_at_body, &request->input_timer);
}

static void end_slow_body(struct bight_http_request *request)
{
    bight_http_request_hold(request);
    bi_body_give_up(
        request, bight_failure_new_status(BIGHT_E_TIMED_OUT, 408, NULL, "the body of the request comes too slowly"));
    if (request->connection != NULL && request->answer.state == BI_ANSWER_NONE) {
        bi_exchange_refuse(request, 408, "its body comes too slowly");
        request->gone = true;
    }
    bight_http_request_release(request);
}

/* What the peer has sent counts, not what it stands for. */
static uint64_t received_of(const struct bi_http_body *body)
{
    return body->coding == BI_CODING_NONE ? body->used : body->coded;
}

static void look_at_body(void *context)
{
    struct bight_http_request *request = context;
    struct bi_http_body *body = &request->body;
    if (body->wanted_since == 0) {
        return; /* there is another look when it is wanted again */
    }
    bool counted = counts(request);
    body->wanted_since = counted ? body->wanted_since : now_of(request);
    bi_deadlines_rest_body(request);
    if (body->watched >= WINDOW) {
        uint64_t received = received_of(body);
        if (received - body->window < (uint64_t)(request->server->limits.body_rate * BI_HTTP_BODY_WINDOW)) {
            end_slow_body(request);
            return;
        }
        body->window = received;
        body->watched = 0;
    }
    bi_deadlines_watch_body(request);
}

void bi_deadlines_watch_body(struct bight_http_request *request)
{
    struct bi_http_body *body = &request->body;
    if (!request->has_body || body->wanted_since != 0 || request->input >= BI_INPUT_DONE ||
        request->connection == NULL || !bi_body_is_wanted(request)) {
        return;
    }
    body->wanted_since = now_of(request);
    if (!bight_timer_is_pending(request->input_timer)) {
        arm_body(request);
    }
}

void bi_deadlines_rest_body(struct bight_http_request *request)
{
    struct bi_http_body *body = &request->body;
    if (body->wanted_since != 0) {
        body->watched += request->held_up ? 0 : now_of(request) - body->wanted_since;
        body->wanted_since = 0;
    }
}

/* -------------------------------------------------------------------------------------------- the answer */

static void answer_is_late(void *context)
{
    struct bight_http_request *request = context;
    bight_http_request_hold(request);
    if (request->answer.state == BI_ANSWER_NONE) {
        bight_log(BIGHT_LOG_WARNING, "http", NULL, "a request has not been answered in its route's time: 503");
        request->server->ops->failed(request->server, request, 503, NULL);
        request->gone = true;
    }
    if (BI_ANSWER_IS_UNDER_WAY(
            request->answer.state)) { /* by the program's page, too: it cannot be finished any more */
        bi_exchange_abort(request);
    }
    bi_request_end_owner(request);
    if (request->later != NULL && request->cancel_when_gone) {
        bight_deferred_cancel(request->later);
    }
    bight_http_request_release(request);
}

void bi_deadlines_park(struct bight_http_request *request)
{
    stop_idle(request->connection);
    request->parked_at = now_of(request);
    if (!bi_body_has_come(request)) {
        bi_deadlines_watch_body(request);
    }
    bi_deadlines_limit_answer(request);
}

/* The route's time, or that which middleware set. */
static double seconds_of(const struct bight_http_request *request)
{
    return request->seconds <= 0 && request->has_hooks ? request->hooks.seconds : request->seconds;
}

/* The program has given all of it, and a filter sends it: what takes time is not the program. */
static bool has_been_given(const struct bight_http_request *request)
{
    return request->answer.state == BI_ANSWER_FILTERED && request->hooks.is_started;
}

void bi_deadlines_limit_answer(struct bight_http_request *request)
{
    double seconds = seconds_of(request);
    if (seconds > 0 && request->answer.state != BI_ANSWER_WHOLE && !has_been_given(request)) {
        bight_timer_cancel(request->answer_timer); /* of a middleware that waited */
        arm(request, seconds, answer_is_late, &request->answer_timer);
    }
}

/* Nearly all answers are gone with the send of their turn. A client that leaves some behind is held to a rate from then
 * on; asking for that on each connection would cost each of them the transport's extension. */
void bi_deadlines_bound_leftover(struct bi_http_connection *connection)
{
    struct bight_transport *transport = connection->base.transport;
    if ((connection->flags & BI_HTTP_BOUNDED) || bight_transport_queued(transport) == 0) {
        return;
    }
    const struct bi_http_server *server = (const struct bi_http_server *)connection->base.factory;
    size_t least = (size_t)(server->limits.read_rate * BI_HTTP_READ_WINDOW);
    connection->flags |= BI_HTTP_BOUNDED;
    if (bight_transport_set_write_timeout(transport, BI_HTTP_READ_WINDOW) == BIGHT_E_OUT_OF_MEMORY ||
        bight_transport_set_least_progress(transport, least) == BIGHT_E_OUT_OF_MEMORY) {
        bi_http_close(connection, true);
    }
}

void bi_deadlines_bound_output(struct bi_http_connection *connection, size_t written)
{
    if (written >= SENT_AT_ONCE) {
        bi_deadlines_bound_leftover(connection);
    }
}

/* Small pieces are tried when the turn ends, or when much has gathered. */
void bi_deadlines_bound_stream(struct bi_http_connection *connection, size_t written)
{
    if (written >= SENT_AT_ONCE || bight_transport_queued(connection->base.transport) >= GATHERED) {
        bi_deadlines_bound_leftover(connection);
    }
}
