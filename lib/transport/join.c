/* SPDX-License-Identifier: MIT */
/* join.c - two connections joined: what comes from one goes to the other, both ways, until both have ended.
 *
 * Each connection is switched (T23) to a protocol of this file, an end, whose factory is the join itself: so the join
 * lives until the factory is stopped, behind the last of its connections, and nothing has to be asked for at the end.
 * Each end is the push producer of the other connection (T13), so a peer that does not read holds its opposite up, and
 * pressure does not stop either way by itself. The unusual moments are the beginning, when one end may be lost before
 * the other is there, and a switch that is dropped because its connection ended first: then an end is called for
 * nothing but its finish, and the rest is decided on a later turn. */
#include <bight/memory.h>

#include "transport/levels.h"
#include "transport/state.h"

struct end;

/* From one connection to the other. It is the producer's context, and so must outlive the end that it belongs to. */
struct way {
    struct end *from; /* NULL: not there yet, or no more */
    bool is_producer; /* of the other connection */
    bool is_held_up;  /* by it */
};

struct join {
    struct bight_factory factory;
    struct way ways[2];
    struct bight_promise promise;
    struct bight_join_counts *counts; /* NULL: the promise has been fired */
    struct bight_failure *reason;     /* the first end that was not clean; NULL: none so far */
    struct bight_reactor *reactor;
    struct bi_task task; /* soon: an end has gone unheard */
    unsigned holds;      /* the Deferred's, the use of the factory, the ends', the task's */
};

struct end {
    struct bight_protocol base;
    struct join *join;
    struct bight_transport *transport; /* also when another protocol has it; NULL until connection_made */
    unsigned side;
};

static void release(void *context)
{
    struct join *join = context;
    if (--join->holds == 0) {
        bight_failure_release(join->reason);
        bight_free(join->counts);
        bight_free(join);
    }
}

static struct way *way_of(const struct end *end)
{
    return &end->join->ways[end->side];
}

/* NULL: not there yet, or no more. */
static struct end *opposite(const struct end *end)
{
    return end->join->ways[1 - end->side].from;
}

/* --------------------------------------------------------------------------------------------- the result */

static void destroy_counts(void *counts)
{
    bight_free(counts);
}

const struct bight_type bight_type_join_counts = { .name = "join counts", .destroy = destroy_counts };

/* Last in its caller: the handlers may do anything. */
static void fire_if_over(struct join *join)
{
    struct bight_join_counts *counts = join->counts;
    struct bight_failure *reason = join->reason;
    if (join->ways[0].from != NULL || join->ways[1].from != NULL || counts == NULL) {
        return;
    }
    join->counts = NULL;
    if (reason == NULL) {
        (void)bight_callback(join->promise, &bight_type_join_counts, counts);
        return;
    }
    join->reason = NULL;
    bight_free(counts);
    (void)bight_errback(join->promise, reason);
}

/* ------------------------------------------------------------------------------------------- producers */

static void pause_from(void *context)
{
    struct way *way = context;
    way->is_held_up = true;
    if (way->from != NULL) {
        (void)bight_transport_pause(way->from->base.transport);
    }
}

static void resume_from(void *context)
{
    struct way *way = context;
    way->is_held_up = false;
    if (way->from != NULL) {
        (void)bight_transport_resume(way->from->base.transport);
    }
}

static void stop_from(void *context)
{
    ((struct way *)context)->is_producer = false;
}

static const struct bight_producer_ops way_ops = { .pause = pause_from, .resume = resume_from, .stop = stop_from };

static void end_producing(struct way *way, const struct end *to)
{
    if (way->is_producer) {
        way->is_producer = false;
        (void)bight_transport_unregister_producer(to->transport);
    }
}

static int begin_producing(struct way *way, const struct end *to)
{
    way->is_producer = true;
    int code = bight_transport_register_producer(to->base.transport, &way_ops, way, true);
    way->is_producer = way->is_producer && code == BIGHT_OK;
    return code;
}

/* ---------------------------------------------------------------------------------------------- the end */

/* Takes the reason. */
static void fail(struct join *join, struct bight_failure *reason)
{
    if (join->reason == NULL && join->counts != NULL) {
        join->reason = reason;
    } else {
        bight_failure_release(reason);
    }
    for (size_t i = 0; i < 2; i++) {
        if (join->ways[i].from != NULL) {
            (void)bight_transport_abort_connection(join->ways[i].from->base.transport);
        }
    }
}

/* The other end is not there any more: what it has sent goes out, unless it was cut off. */
static void follow(struct join *join, struct end *left)
{
    end_producing(&join->ways[1 - left->side], left);
    if (join->reason == NULL) {
        (void)bight_transport_lose_connection(left->base.transport);
    } else {
        (void)bight_transport_abort_connection(left->base.transport);
    }
}

static void leave(struct end *end)
{
    struct join *join = end->join;
    struct end *left = opposite(end);
    way_of(end)->from = NULL;
    if (left != NULL) {
        follow(join, left);
    } else {
        fire_if_over(join);
    }
}

static void connection_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    struct end *end = (struct end *)protocol;
    struct join *join = end->join;
    if (bight_failure_code(reason) != BIGHT_E_CONNECTION_DONE && join->reason == NULL && join->counts != NULL) {
        join->reason = bight_failure_hold(reason);
    }
    leave(end);
}

/* Another protocol has this connection now, so the other one has nothing to go on with. */
static void protocol_replaced(struct bight_protocol *protocol)
{
    struct end *end = (struct end *)protocol;
    struct join *join = end->join;
    if (join->reason == NULL && join->counts != NULL) {
        join->reason = bight_failure_of(BIGHT_E_CLOSED);
    }
    end_producing(&join->ways[1 - end->side], end);
    if (way_of(end)->is_held_up) {
        (void)bight_transport_resume(end->transport);
    }
    leave(end);
}

static void went_unheard(struct bi_task *task)
{
    struct join *join = BI_CONTAINER(task, struct join, task);
    fail(join, bight_failure_of(BIGHT_E_CLOSED));
    fire_if_over(join);
    release(join);
}

/* Of one that has not been told of its loss: the connection ended before it could be switched. */
static void finish(struct bight_protocol *protocol)
{
    struct end *end = (struct end *)protocol;
    struct join *join = end->join;
    if (join != NULL && way_of(end)->from == end) {
        way_of(end)->from = NULL;
        if (join->task.run == NULL) {
            join->holds++;
            bi_reactor_soon(join->reactor, &join->task, went_unheard);
        }
    }
    if (join != NULL) {
        release(join);
    }
}

/* -------------------------------------------------------------------------------------------- the middle */

static void begin(struct join *join)
{
    int code = BIGHT_OK;
    for (size_t i = 0; i < 2 && code == BIGHT_OK; i++) {
        code = begin_producing(&join->ways[i], join->ways[1 - i].from);
    }
    if (code != BIGHT_OK) {
        fail(join, bight_failure_of(code));
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        if (!join->ways[i].is_held_up) {
            (void)bight_transport_resume(join->ways[i].from->base.transport);
        }
    }
}

static void connection_made(struct bight_protocol *protocol)
{
    struct end *end = (struct end *)protocol;
    struct end *other = opposite(end);
    end->transport = protocol->transport;
    (void)bight_transport_pause(protocol->transport);
    if (other == NULL) {
        (void)bight_transport_abort_connection(protocol->transport);
    } else if (other->transport != NULL) {
        begin(end->join);
    }
}

static void data_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct end *end = (struct end *)protocol;
    struct end *other = opposite(end);
    struct bight_join_counts *counts = end->join->counts;
    if (other != NULL && bight_transport_write(other->base.transport, data, size) == BIGHT_OK && counts != NULL) {
        *(end->side == 0 ? &counts->from_first : &counts->from_second) += size;
    }
}

/* Where an end cannot be passed on by itself the whole connection ends, behind what was sent. */
static bool read_connection_lost(struct bight_protocol *protocol)
{
    struct end *end = (struct end *)protocol;
    struct end *other = opposite(end);
    if (other == NULL) {
        return false;
    }
    end_producing(way_of(end), other);
    int code = bight_transport_lose_write(other->base.transport);
    if (code == BIGHT_E_NOT_SUPPORTED) {
        (void)bight_transport_lose_connection(other->base.transport);
    } else if (code == BIGHT_E_OUT_OF_MEMORY) {
        fail(end->join, bight_failure_of(code));
    }
    return true;
}

/* What goes through is not ours to cut. */
static bool drain(struct bight_protocol *protocol)
{
    (void)protocol;
    return true;
}

static const struct bight_protocol_ops end_ops = {
    .connection_made = connection_made,
    .data_received = data_received,
    .read_connection_lost = read_connection_lost,
    .connection_lost = connection_lost,
    .protocol_replaced = protocol_replaced,
    .finish = finish,
    .drain = drain,
};

/* --------------------------------------------------------------------------------------------- beginning */

static void started(struct bight_factory *factory)
{
    ((struct join *)factory)->holds++;
}

static void stopped(struct bight_factory *factory)
{
    release(factory);
}

static const struct bight_factory_ops join_ops = { .started = started, .stopped = stopped };

static void cancel(struct bight_promise promise, void *context)
{
    struct join *join = context;
    (void)promise;
    bight_free(join->counts);
    join->counts = NULL;
    fail(join, bight_failure_of(BIGHT_E_CANCELLED));
}

static struct join *make_join(struct bight_reactor *reactor)
{
    struct join *join = bight_calloc(1, sizeof *join);
    struct bight_join_counts *counts = bight_calloc(1, sizeof *counts);
    if (join == NULL || counts == NULL) {
        bight_free(join);
        bight_free(counts);
        return NULL;
    }
    join->factory = (struct bight_factory)BIGHT_FACTORY(struct end, &end_ops);
    join->factory.ops = &join_ops;
    join->counts = counts;
    join->reactor = reactor;
    join->holds = 1;
    return join;
}

/* What the protocol that has the connection has not consumed goes with it, if it is one that can tell. */
static void take_over_input(struct bight_transport *transport)
{
    struct bight_protocol *protocol = transport->protocol;
    if (protocol->ops->return_input != NULL && bi_levels_can_return(transport)) {
        protocol->ops->return_input(protocol);
    }
}

static int switch_to_end(struct join *join, unsigned side, struct bight_transport *transport)
{
    struct bight_protocol *protocol = bight_protocol_new(&join->factory);
    struct end *end = (struct end *)protocol;
    if (protocol == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    int code = bight_transport_switch_protocol(transport, protocol, NULL, 0);
    if (code != BIGHT_OK) {
        bight_protocol_free(protocol);
        return code;
    }
    join->holds++;
    end->join = join;
    end->side = side;
    join->ways[side].from = end;
    return BIGHT_OK;
}

static const char *complaint_of(const struct bight_transport *first, const struct bight_transport *second)
{
    if (first == second) {
        return "a connection cannot be joined to itself";
    }
    if (first->hub != NULL && second->hub != NULL && first->hub != second->hub) {
        return "the connections belong to different reactors";
    }
    return NULL;
}

/* One that is closing is left to that. */
static void abort_what_is_open(struct bight_transport *first, struct bight_transport *second)
{
    if (bight_transport_is_open(first)) {
        (void)bight_transport_abort_connection(first);
    }
    if (bight_transport_is_open(second)) {
        (void)bight_transport_abort_connection(second);
    }
}

static int switch_both(struct join *join, struct bight_transport *first, struct bight_transport *second)
{
    int code = switch_to_end(join, 0, first);
    code = code == BIGHT_OK ? switch_to_end(join, 1, second) : code;
    if (code == BIGHT_OK) {
        take_over_input(first);
        take_over_input(second);
    }
    return code;
}

struct bight_deferred *bight_transport_join_at(
    const char *place, struct bight_transport *first, struct bight_transport *second)
{
    const char *complaint = complaint_of(first, second);
    if (complaint != NULL) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_transport_join: %s", complaint);
        return bight_fail_at(place, bight_failure_of(BIGHT_E_INVALID_ARGUMENT));
    }
    struct join *join = first->hub == NULL ? NULL : make_join(first->hub->reactor);
    if (join == NULL) {
        abort_what_is_open(first, second);
        return bight_fail_at(place, bight_failure_of(first->hub == NULL ? BIGHT_E_CLOSED : BIGHT_E_OUT_OF_MEMORY));
    }
    join->holds++;
    struct bight_deferred *deferred = bight_deferred_new_at(place, &join->promise, cancel, join, release);
    int code = bight_promise_is_open(join->promise) ? switch_both(join, first, second) : BIGHT_E_OUT_OF_MEMORY;
    if (code != BIGHT_OK) {
        fail(join, bight_failure_of(code));
        abort_what_is_open(first, second);
    }
    fire_if_over(join);
    release(join);
    return deferred;
}
