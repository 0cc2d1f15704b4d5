/* SPDX-License-Identifier: MIT */
/* happy_eyeballs.c - RFC 8305: attempts to connect to the addresses of a name, one after the other, each given
 * a short head start before the next, and the first to succeed wins.
 *
 * A single address, a literal or a UNIX path, is a race with one runner. A race that is won may have to wait until the
 * connection has been established, within the time that the race has. The race's memory is counted: the Deferred has it
 * as its canceller's context until it fires, a look-up has it until it has answered. A race is over (is_over) when it
 * was won, lost or cancelled; from then on nothing of it is open and whatever still comes is ignored. The protocol's
 * and the consumer's code run last, when the race is over, so they may do anything. */
#include "endpoint/happy_eyeballs.h"

#include <errno.h>
#include <string.h>

#include <bight/memory.h>
#include <bight/sys/resolver.h>

#include "base/moment.h"
#include "base/places.h"
#include "deferred/deferred.h"
#include "endpoint/failures.h"
#include "transport/establish.h"
#include "transport/socket.h"
#include "transport/transport.h"
#include "transport/wrapper.h"

#define HEAD_START (BIGHT_NANOSECONDS_PER_SECOND / 4)    /* RFC 8305, section 5 */
#define FULL_BACKLOG (BIGHT_NANOSECONDS_PER_SECOND / 50) /* a UNIX socket's: connect(2) says EAGAIN and never more */

/* A name's owner decides how many addresses it has. */
#define ADDRESS_LIMIT 32

struct race {
    struct bi_open open;
    struct bi_task begin; /* in the reactor's soon queue */
    uint32_t holds;
    bool is_over;
    struct bight_reactor *reactor;
    struct bight_factory *factory; /* NULL: not used any more */
    struct bight_promise promise;
    struct bight_deferred *look_up; /* NULL: none is under way */
    struct bi_race_options options;
    struct bi_wheel_entry head_start;
    struct bi_wheel_entry deadline;
    struct bight_address *addresses;
    size_t count, next, running;
    char *connectors; /* `count` of them */
    size_t connector_size;
    struct bight_failure **failures; /* of `count` attempts */
    size_t failed;
    struct bight_transport *transport; /* the winner's, while it is being established; NULL: none is */
    char name[];                       /* the host */
};

static void run_next(struct race *race);

/* ----------------------------------------------------------------------------- the order of addresses */

/* Moves the address at `from` up to `to`; those in between move down. */
static void move_up(struct bight_address *addresses, size_t from, size_t to)
{
    struct bight_address moved = addresses[from];
    memmove(&addresses[to + 1], &addresses[to], (from - to) * sizeof *addresses);
    addresses[to] = moved;
}

void bi_interleave_families(struct bight_address *addresses, size_t count)
{
    for (size_t place = 1; place < count; place++) {
        for (size_t found = place; found < count; found++) {
            if (addresses[found].family != addresses[place - 1].family) {
                move_up(addresses, found, place);
                break;
            }
        }
    }
}

/* ---------------------------------------------------------------------------------------------- memory */

static void release_race(void *context)
{
    struct race *race = context;
    if (--race->holds > 0) {
        return;
    }
    for (size_t i = 0; i < race->failed; i++) {
        bight_failure_release(race->failures[i]);
    }
    bight_free(race->addresses);
    bight_free(race->connectors);
    bight_free(race->failures);
    bight_free(race);
}

static struct bi_connector *runner(struct race *race, size_t index)
{
    return (struct bi_connector *)(void *)(race->connectors + index * race->connector_size);
}

static void stop_attempts(struct race *race)
{
    bi_reactor_disarm(race->reactor, &race->head_start);
    for (size_t i = 0; i < race->next; i++) {
        bi_connector_close(runner(race, i));
    }
}

/* The connection that has no protocol yet goes, and with it its hold of the race. */
static void give_up_winner(struct race *race)
{
    struct bight_transport *transport = race->transport;
    race->transport = NULL;
    if (transport != NULL) {
        bi_establish_forget(transport);
        (void)bight_transport_abort_connection(transport);
        release_race(race);
    }
}

/* Closes and stops everything but the factory's use. The caller has a hold. */
static void end_race(struct race *race)
{
    race->is_over = true;
    bi_open_leave(&race->open);
    bi_reactor_disarm(race->reactor, &race->deadline);
    if (race->begin.run != NULL) {
        bi_reactor_unqueue(race->reactor, &race->begin);
    }
    stop_attempts(race);
    struct bight_deferred *look_up = race->look_up;
    race->look_up = NULL;
    if (look_up != NULL) {
        bight_deferred_cancel(look_up);
        bight_deferred_release(look_up);
    }
    give_up_winner(race);
}

static void leave_factory(struct race *race)
{
    struct bight_factory *factory = race->factory;
    race->factory = NULL;
    if (factory != NULL) {
        bi_factory_remove_port(factory);
    }
}

/* --------------------------------------------------------------------------------------------- the end */

/* Takes `failure`. */
static void lose(struct race *race, struct bight_failure *failure)
{
    struct bight_promise promise = race->promise;
    race->holds++;
    end_race(race);
    leave_factory(race);
    (void)bight_errback(promise, failure);
    release_race(race);
}

/* The host's name, or the one address that was to be connected to. */
static const char *target_of(const struct race *race, char text[BIGHT_ADDRESS_TEXT_SIZE])
{
    if (race->options.name != NULL) {
        return race->options.name;
    }
    bight_address_format(&race->options.address, text, BIGHT_ADDRESS_TEXT_SIZE);
    return text;
}

/* The failure of the only attempt; when there was no name the address that it tells is the target. */
static struct bight_failure *failure_of_one(const struct race *race, const struct bight_failure *failure)
{
    const char *name = race->options.name;
    return bight_failure_new_at(bight_failure_place(failure), bight_failure_code(failure), bight_failure_errno(failure),
        NULL, "cannot connect to %s%s%s", name == NULL ? "" : name, name == NULL ? "" : ": ",
        bight_failure_message(failure));
}

/* What the program has refused is told as such only if nothing else was wrong. */
static int code_of_all(const struct race *race)
{
    for (size_t i = 0; i < race->failed; i++) {
        if (bight_failure_code(race->failures[i]) != BIGHT_E_ADDRESS_REFUSED) {
            return BIGHT_E_ALL_FAILED;
        }
    }
    return BIGHT_E_ADDRESS_REFUSED;
}

static void lose_all(struct race *race)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    if (race->failed == 1) {
        lose(race, failure_of_one(race, race->failures[0]));
        return;
    }
    size_t count = race->failed;
    int code = code_of_all(race);
    race->failed = 0; /* the causes are taken */
    lose(race, bight_failure_new_many(code, race->failures, count, "cannot connect to %s", target_of(race, text)));
}

/* A connection that ends inside connection_made does so on a later turn (T3): the consumer still gets its protocol
 * (held, and taken), which then answers CLOSED. */
static void give_protocol(struct bight_promise promise, struct bight_protocol *protocol)
{
    struct bight_result result = { &bight_type_protocol, protocol, NULL };
    if (bight_promise_is_open(promise)) {
        (void)bight_callback(promise, result.type, result.value);
    } else {
        bight_result_discard(&result); /* cancelled in connection_made, which is no misuse of ours to report */
    }
}

static void start(struct bight_promise promise, struct bight_transport *transport)
{
    struct bight_protocol *first = bight_protocol_hold(bight_transport_protocol(transport));
    bight_transport_start(transport);
    struct bight_protocol *protocol = bight_transport_protocol(transport); /* another, when it was switched (T23) */
    if (protocol == NULL || protocol == first) {
        protocol = first;
    } else {
        bight_protocol_hold(protocol);
        bight_protocol_release(first);
    }
    give_protocol(promise, protocol);
}

/* K2: whose fault it was is the cause. */
static struct bight_failure *not_established(const struct race *race, const struct bight_failure *cause)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    struct bight_failure *causes[] = { bight_failure_hold(cause) };
    return bight_failure_new_many(bight_failure_code(cause), causes, 1, "cannot connect to %s", target_of(race, text));
}

static void established(void *context, struct bight_transport *transport, const struct bight_failure *failure)
{
    struct race *race = context;
    race->transport = NULL;
    if (failure != NULL) {
        lose(race, not_established(race, failure));
    } else {
        struct bight_promise promise = race->promise;
        end_race(race);
        give_protocol(promise, bight_protocol_hold(bight_transport_protocol(transport)));
    }
    release_race(race);
}

/* Until it has been established the race has its time, and can be cancelled. */
static void wait_for_winner(struct race *race, struct bight_transport *transport)
{
    race->transport = transport;
    race->holds++;
    (void)bi_establish_then(transport, established, race);
    bight_transport_start(transport);
}

static void win(struct race *race, struct bi_connector *connector, size_t index)
{
    struct bight_reactor *reactor = race->reactor;
    struct bight_factory *factory = race->factory;
    struct bight_promise promise = race->promise;
    struct bight_address peer = race->addresses[index];
    bool is_inherited = bi_connector_is_inherited(connector), waits = bi_is_wrapped(factory);
    int code = 0, fd = bi_connector_take(connector);
    race->factory = NULL; /* ours until the connection uses it */
    race->holds++;
    waits ? stop_attempts(race) : end_race(race);
    const char *before = bi_deferred_debug() ? bi_places_here(bi_places_find(&race->open, 0, NULL)) : NULL;
    struct bight_transport *transport =
        bight_transport_new(reactor, factory, &bi_socket_bottom, NULL, fd, &peer, false, &code);
    bi_places_here(before);
    bi_factory_remove_port(factory);
    if (transport == NULL) {
        (void)reactor->system->ops->close(reactor->system, fd);
        end_race(race);
        (void)bight_errback(promise, bight_failure_of(code));
    } else {
        if (is_inherited) {
            bi_close_inherit(transport);
        }
        waits ? wait_for_winner(race, transport) : start(promise, transport);
    }
    release_race(race);
}

/* --------------------------------------------------------------------------------------------- running */

/* Where the attempt is to come from, in *bind; NULL: from anywhere. A port without an address is that of any address of
 * the target's family. */
static const struct bight_address *bind_of(const struct race *race, size_t index, struct bight_address *bind)
{
    *bind = race->options.bind;
    if (bind->family == BIGHT_ADDRESS_NONE && bind->port == 0) {
        return NULL;
    }
    bind->family = race->addresses[index].family;
    return bind;
}

static void attempt_failed(struct race *race, size_t index, int number)
{
    struct bight_address bind;
    race->failures[race->failed++] =
        bi_connect_failure(race->reactor, &race->addresses[index], bind_of(race, index, &bind), number);
    race->running--;
}

static void attempt_done(struct bi_connector *connector, int result)
{
    struct race *race = connector->context;
    size_t index = (size_t)((char *)connector - race->connectors) / race->connector_size;
    if (result == 0) {
        win(race, connector, index);
        return;
    }
    attempt_failed(race, index, -result);
    run_next(race);
}

static void arm(struct race *race, struct bi_wheel_entry *timer, uint64_t nanoseconds)
{
    uint64_t now = bi_reactor_now(race->reactor);
    bi_reactor_arm(race->reactor, timer, bi_moment_after(now, nanoseconds));
}

/* 1: connected, 0: under way or to be tried again, -errno. */
static int begin_attempt(struct race *race, size_t index)
{
    struct bi_connector *connector = runner(race, index);
    struct bight_address bind;
    race->next = index + 1;
    race->running++;
    int result = bi_connector_begin(
        connector, race->reactor, attempt_done, race, &race->addresses[index], bind_of(race, index, &bind));
    if (result != -EAGAIN || race->addresses[index].family != BIGHT_ADDRESS_UNIX) {
        return result;
    }
    race->next = index; /* the same again, a little later */
    race->running--;
    arm(race, &race->head_start, FULL_BACKLOG);
    return 0;
}

/* The factory is asked, and may have the race cancelled. */
static bool may_begin(struct race *race, size_t index)
{
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    const struct bight_address *address = &race->addresses[index];
    bool may = bi_factory_may_connect(race->factory, address);
    if (!may && !race->is_over) {
        bight_address_format(address, text, sizeof text);
        race->next = index + 1;
        race->failures[race->failed++] =
            bight_failure_new(BIGHT_E_ADDRESS_REFUSED, 0, NULL, "%s: not allowed by the program", text);
    }
    return may && !race->is_over;
}

/* False: it has failed at once, or was not allowed. */
static bool try_next(struct race *race)
{
    size_t index = race->next;
    if (!may_begin(race, index)) {
        return false;
    }
    int result = begin_attempt(race, index);
    if (result > 0) {
        win(race, runner(race, index), index);
    } else if (result < 0) {
        attempt_failed(race, index, -result);
    } else if (race->next > index && race->next < race->count) {
        arm(race, &race->head_start, HEAD_START);
    }
    return result >= 0;
}

/* Begins the next attempt; at once the one after it when that fails at once. */
static void run_next(struct race *race)
{
    race->holds++;
    bi_reactor_disarm(race->reactor, &race->head_start);
    while (!race->is_over && race->next < race->count && !try_next(race)) {
    }
    if (!race->is_over && race->running == 0 && race->next == race->count) {
        lose_all(race);
    }
    release_race(race);
}

static void head_start_over(struct bi_wheel_entry *timer)
{
    run_next(BI_CONTAINER(timer, struct race, head_start));
}

static void deadline_over(struct bi_wheel_entry *timer)
{
    struct race *race = BI_CONTAINER(timer, struct race, deadline);
    char text[BIGHT_ADDRESS_TEXT_SIZE];
    const char *what = race->transport == NULL ? "no answer" : "not established";
    size_t count = race->failed;
    race->failed = 0; /* the causes are taken */
    lose(race, bight_failure_new_many(BIGHT_E_CONNECT_TIMED_OUT, race->failures, count,
                   "cannot connect to %s: %s within %g s", target_of(race, text), what, race->options.timeout));
}

/* ------------------------------------------------------------------------------------------ addresses */

/* Those that the local address can reach, interleaved, within the limit. */
static void choose_addresses(struct race *race, const struct bight_address *addresses, size_t count)
{
    enum bight_address_family family = race->options.bind.family;
    for (size_t i = 0; i < count && race->count < ADDRESS_LIMIT; i++) {
        if (family == BIGHT_ADDRESS_NONE || family == addresses[i].family) {
            race->addresses[race->count++] = addresses[i];
        }
    }
    bi_interleave_families(race->addresses, race->count);
}

static bool make_room(struct race *race, size_t count)
{
    count = count < ADDRESS_LIMIT ? count : ADDRESS_LIMIT;
    race->connector_size = bi_connector_size(race->reactor);
    race->addresses = bight_calloc(count, sizeof *race->addresses);
    race->connectors = bight_calloc(count, race->connector_size);
    race->failures = bight_calloc(count, sizeof(struct bight_failure *));
    return race->addresses != NULL && race->connectors != NULL && race->failures != NULL;
}

static void begin_running(struct race *race, const struct bight_address *addresses, size_t count)
{
    if (!make_room(race, count)) {
        lose(race, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    choose_addresses(race, addresses, count);
    if (race->count == 0) {
        lose(race, bight_failure_new(BIGHT_E_UNREACHABLE, 0, NULL,
                       "cannot connect to %s: none of its addresses is of the family of bind=", race->name));
        return;
    }
    run_next(race);
}

/* The result is consumed, a failure too: the race's Deferred tells of it. */
static void looked_up(struct bight_result *result, void *context)
{
    struct race *race = context;
    if (race->is_over) {
        bight_result_clear(result);
        return;
    }
    bight_deferred_release(race->look_up);
    race->look_up = NULL;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        lose(race, failure);
        return;
    }
    struct bight_address_list *list = bight_result_peek(result, &bight_type_address_list);
    if (list == NULL || list->count == 0) {
        lose(race, bight_failure_of(BIGHT_E_NAME_NOT_FOUND));
    } else {
        begin_running(race, list->addresses, list->count);
    }
    bight_result_clear(result);
}

static void look_up(struct race *race)
{
    struct bight_deferred *deferred = bight_resolve(race->reactor, race->name, race->options.port);
    race->look_up = bight_deferred_hold(deferred);
    race->holds++;
    int code = bight_deferred_add_both_full(deferred, looked_up, race, release_race);
    if (code != 0) {
        release_race(race);
        lose(race, bight_failure_of(code));
    }
    bight_deferred_release(deferred);
}

/* --------------------------------------------------------------------------------------------- begin */

static void begin(struct bi_task *task)
{
    struct race *race = BI_CONTAINER(task, struct race, begin);
    race->holds++;
    if (race->options.name != NULL) {
        look_up(race);
    } else {
        begin_running(race, &race->options.address, 1);
    }
    release_race(race);
}

static void cancelled(struct bight_promise promise, void *context)
{
    struct race *race = context;
    (void)promise;
    end_race(race);
    leave_factory(race);
}

static void reactor_ends(struct bi_open *open)
{
    lose(BI_CONTAINER(open, struct race, open), bight_failure_of(BIGHT_E_SHUTDOWN));
}

static struct race *new_race(
    struct bight_reactor *reactor, struct bight_factory *factory, const struct bi_race_options *options)
{
    size_t name_size = options->name == NULL ? 0 : strlen(options->name);
    struct race *race = bight_calloc(1, sizeof *race + name_size + 1);
    if (race == NULL) {
        return NULL;
    }
    race->open.end = reactor_ends;
    race->holds = 1;
    race->reactor = reactor;
    race->factory = factory;
    race->options = *options;
    race->head_start.function = head_start_over;
    race->deadline.function = deadline_over;
    if (options->name != NULL) {
        memcpy(race->name, options->name, name_size);
        race->options.name = race->name;
    }
    return race;
}

static void start_race(struct race *race)
{
    uint64_t nanoseconds = 0;
    int code = bight_seconds_to_nanoseconds(race->options.timeout, &nanoseconds);
    if (code == 0) {
        code = bi_open_join(race->reactor, &race->open);
    }
    if (code != 0) {
        lose(race, bight_failure_of(code));
        return;
    }
    if (nanoseconds > 0) {
        arm(race, &race->deadline, nanoseconds);
    }
    bi_reactor_soon(race->reactor, &race->begin, begin);
}

struct bight_deferred *bi_race(
    struct bight_reactor *reactor, struct bight_factory *factory, const struct bi_race_options *options)
{
    int code = bi_factory_add_port(factory, reactor);
    if (code != 0) {
        return bight_fail(bight_failure_of(code));
    }
    struct race *race = new_race(reactor, factory, options);
    if (race == NULL) {
        bi_factory_remove_port(factory);
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    race->holds++;
    struct bight_deferred *deferred = bight_deferred_new_full(&race->promise, cancelled, race, release_race);
    if (bight_deferred_has_fired(deferred)) {
        leave_factory(race); /* D34: there was no memory for it */
    } else {
        start_race(race);
    }
    release_race(race);
    return deferred;
}
