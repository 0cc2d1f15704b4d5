/* SPDX-License-Identifier: MIT */
/* drain.c - letting the connections of a port end (V4), and doing so when the reactor shuts down.
 *
 * A drain is notified of the end of the port's last connection, and has a timer for what does not end. It calls
 * protocols from the loop only, so its beginning and its end are tasks of a later turn: by then connection_lost of the
 * last one has been called. Whatever a protocol does meanwhile, cancelling the drain included, finds it counted. At a
 * shutdown the reactor awaits the Deferred of a drain like any other; what is left when it no longer does, because of a
 * second stop, is disconnected with the rest, and counted before. */
#include <bight/service.h>

#include <bight/log.h>
#include <bight/memory.h>
#include <bight/transport.h>

#include <math.h>

#include "base/check.h"
#include "base/moment.h"
#include "transport/port.h"

struct drain {
    struct bi_port_waiter waiter; /* first; in the port's list while its connections are waited for */
    struct bi_task task;          /* soon: begins, or fires */
    struct bi_wheel_entry deadline;
    struct bight_port *port; /* held */
    struct bight_promise promise;
    size_t cut;
    uint64_t nanoseconds; /* UINT64_MAX: no limit */
    bool lose;
    unsigned holds; /* of the code that fires it, and of a walk */
};

/* ------------------------------------------------------------------------------------------ one drain */

static void release_drain(struct drain *drain)
{
    if (--drain->holds == 0) {
        bight_free(drain);
    }
}

static bool is_over(const struct drain *drain)
{
    return drain->port == NULL;
}

/* Nothing comes to it any more. */
static void leave_port(struct drain *drain)
{
    struct bight_port *port = drain->port;
    struct bight_reactor *reactor = port->reactor;
    bi_list_remove(&drain->waiter.link);
    bi_list_init(&drain->waiter.link);
    bi_reactor_disarm(reactor, &drain->deadline);
    if (drain->task.run != NULL) {
        bi_reactor_unqueue(reactor, &drain->task);
    }
    drain->port = NULL;
    bight_port_release(port);
    release_drain(drain);
}

static void fire(struct bi_task *task)
{
    struct drain *drain = BI_CONTAINER(task, struct drain, task);
    struct bight_reactor *reactor = drain->port->reactor;
    struct bight_promise promise = drain->promise;
    intptr_t cut = (intptr_t)drain->cut;
    bi_reactor_enter_for(reactor, "drain", NULL, 0);
    leave_port(drain);
    (void)bight_callback(promise, &bight_type_integer, bight_integer(cut));
    bi_reactor_leave(reactor);
}

static void port_emptied(struct bi_port_waiter *waiter)
{
    struct drain *drain = (struct drain *)waiter;
    bi_list_init(&waiter->link);
    bi_reactor_soon(drain->port->reactor, &drain->task, fire);
}

static void cancelled(struct bight_promise promise, void *context)
{
    (void)promise;
    leave_port(context);
}

/* Connections end on a later turn, and the table only grows, so a walk survives whatever a protocol does. */
static void each_connection(struct drain *drain, void (*visit)(struct drain *drain, struct bight_transport *transport))
{
    const struct bight_port *port = drain->port;
    const struct bi_hub *hub = bi_hub_of(port->reactor);
    struct bight_transport *transport;
    drain->holds++;
    for (size_t cursor = 0; !is_over(drain) && hub != NULL && (transport = bi_hub_next(hub, &cursor)) != NULL;) {
        if (bi_port_of(transport) == port) {
            visit(drain, transport);
        }
    }
    release_drain(drain);
}

static void tell(struct drain *drain, struct bight_transport *transport)
{
    bi_close_drain(transport, drain->lose);
}

static void cut(struct drain *drain, struct bight_transport *transport)
{
    drain->cut += bight_transport_abort_connection(transport) == 0 ? 1 : 0;
}

static void time_is_up(struct bi_wheel_entry *timer)
{
    each_connection(BI_CONTAINER(timer, struct drain, deadline), cut);
}

static void begin(struct bi_task *task)
{
    struct drain *drain = BI_CONTAINER(task, struct drain, task);
    struct bight_reactor *reactor = drain->port->reactor;
    if (bight_port_connections(drain->port) == 0) {
        fire(task);
        return;
    }
    bi_list_append(&drain->port->end_waiters, &drain->waiter.link);
    if (drain->nanoseconds != UINT64_MAX) {
        drain->deadline.function = time_is_up;
        bi_reactor_arm(reactor, &drain->deadline, bi_moment_after(bi_reactor_now(reactor), drain->nanoseconds));
    }
    each_connection(drain, tell);
}

/* False: it is no time to wait for. */
static bool read_seconds(double seconds, uint64_t *nanoseconds)
{
    *nanoseconds = UINT64_MAX;
    return isinf(seconds) ? seconds > 0 : bight_seconds_to_nanoseconds(seconds, nanoseconds) == 0;
}

struct bight_deferred *bight_drain_at(const char *place, struct bight_port *port, double seconds, bool lose)
{
    uint64_t nanoseconds;
    int code = bi_reactor_check_thread_at(place, port->reactor, "bight_drain");
    if (code == BIGHT_OK && !read_seconds(seconds, &nanoseconds)) {
        code = bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "bight_drain: the time is negative or no number");
    }
    struct drain *drain = code == BIGHT_OK ? bight_calloc(1, sizeof *drain) : NULL;
    if (drain == NULL) {
        return bight_fail_at(place, bight_failure_of(code == BIGHT_OK ? BIGHT_E_OUT_OF_MEMORY : code));
    }
    struct bight_deferred *deferred = bight_deferred_new_at(place, &drain->promise, cancelled, drain, NULL);
    if (bight_deferred_has_fired(deferred)) { /* out of memory */
        bight_free(drain);
        return deferred;
    }
    drain->holds = 1;
    drain->port = bight_port_hold(port);
    drain->nanoseconds = nanoseconds;
    drain->lose = lose;
    bi_list_init(&drain->waiter.link);
    drain->waiter.emptied = port_emptied;
    bight_deferred_release(bight_port_stop_listening(port));
    bi_reactor_soon(port->reactor, &drain->task, begin);
    return deferred;
}

/* ---------------------------------------------------------------------------------------- at a shutdown */

/* Of the two triggers. */
struct at_shutdown {
    struct bight_port *port; /* held */
    double seconds;
    bool lose;
    uint64_t since; /* when the last drain began */
    unsigned holds;
};

static void release_at_shutdown(void *context)
{
    struct at_shutdown *this = context;
    if (--this->holds == 0) {
        bight_port_release(this->port);
        bight_free(this);
    }
}

static void log_cut(const struct at_shutdown *this, size_t count)
{
    char address[BIGHT_ADDRESS_TEXT_SIZE];
    uint64_t taken = bi_reactor_now(this->port->reactor) - this->since;
    if (count > 0) {
        bight_address_format(&this->port->address, address, sizeof address);
        bight_log(BIGHT_LOG_WARNING, "port", NULL, "%zu connection%s of %s cut after %.3g s", count,
            count == 1 ? "" : "s", address, (double)taken / (double)BIGHT_NANOSECONDS_PER_SECOND);
    }
}

static void drained(struct bight_result *result, void *context)
{
    if (result->type == &bight_type_integer) {
        log_cut(context, (size_t)bight_integer_value(result->value));
    }
}

static struct bight_deferred *begin_at_shutdown(void *context)
{
    struct at_shutdown *this = context;
    struct bight_reactor *reactor = this->port->reactor;
    this->since = bi_reactor_now(reactor);
    struct bight_deferred *draining = bight_drain(this->port, this->seconds, this->lose);
    if (isfinite(this->seconds)) {
        bi_reactor_await_longer(reactor, this->seconds);
    }
    this->holds++;
    if (bight_deferred_add_both_full(draining, drained, this, release_at_shutdown) != 0) {
        this->holds--; /* it does not know how many */
    }
    return draining;
}

/* When nothing is waited for any more, and nothing has been disconnected yet. */
static struct bight_deferred *tell_what_is_cut(void *context)
{
    const struct at_shutdown *this = context;
    log_cut(this, bight_port_connections(this->port));
    return NULL;
}

int bight_drain_at_shutdown(struct bight_port *port, double seconds, bool lose)
{
    struct bight_reactor *reactor = port->reactor;
    uint64_t nanoseconds, before;
    if (!read_seconds(seconds, &nanoseconds)) {
        return bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_drain_at_shutdown: the time is negative or no number");
    }
    struct at_shutdown *this = bight_malloc(sizeof *this);
    if (this == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    *this = (struct at_shutdown) { .port = bight_port_hold(port), .seconds = seconds, .lose = lose, .holds = 2 };
    int code =
        bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, begin_at_shutdown, this, release_at_shutdown, &before);
    if (code != 0) {
        release_at_shutdown(this);
        release_at_shutdown(this);
        return code;
    }
    code = bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_DURING, tell_what_is_cut, this, release_at_shutdown, NULL);
    if (code != 0) {
        (void)bight_remove_trigger(reactor, before);
        release_at_shutdown(this);
    }
    return code;
}
