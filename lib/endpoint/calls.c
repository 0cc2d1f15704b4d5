/* SPDX-License-Identifier: MIT */
/* calls.c - what programs call: bight_connect (E2), bight_listen (E1), bight_adopt_connection, bight_serve,
 * bight_open_stream.
 *
 * Each reads the string and lets its type do the rest. Whatever is wrong comes through the Deferred, the string's
 * faults too; it has fired already when the type needed not wait. Only bight_serve, which is for programs that cannot
 * go on without, logs an error and ends the program, as a main() would do otherwise. */
#include <bight/memory.h>
#include <bight/stream.h>

#include <string.h>

#include "base/check.h"
#include "base/places.h"
#include "base/report.h"
#include "endpoint/grammar.h"
#include "transport/socket.h"
#include "transport/transport.h"

/* What is wrong with the call, in words; NULL: nothing. One that builds its protocols itself needs no table. */
static const char *find_mistake(const struct bight_reactor *reactor, const struct bight_factory *factory)
{
    if (reactor == NULL || factory == NULL) {
        return reactor == NULL ? "there is no reactor" : "there is no factory";
    }
    bool builds = factory->ops != NULL && factory->ops->build_protocol != NULL;
    if (!builds && factory->inner != NULL) {
        return find_mistake(reactor, factory->inner);
    }
    return builds ? NULL : bi_factory_lack(factory);
}

static struct bight_failure *check_call(
    const char *place, const char *function, const struct bight_reactor *reactor, const struct bight_factory *factory)
{
    const char *mistake = find_mistake(reactor, factory);
    if (mistake != NULL) {
        (void)bi_usage_error(BIGHT_E_INVALID_ARGUMENT, place, "%s: %s", function, mistake);
        return bight_failure_new_at(place, BIGHT_E_INVALID_ARGUMENT, 0, NULL, "%s", mistake);
    }
    int code = bi_reactor_check_thread_at(place, reactor, function);
    if (code == BIGHT_OK && factory->reactor != NULL && factory->reactor != reactor) {
        code = BIGHT_E_FACTORY_IN_USE;
    }
    if (code != BIGHT_OK) {
        return bight_failure_of(code);
    }
    return bi_factory_check(factory);
}

/* `direction` says which of the two the type is asked for. */
static struct bight_deferred *open_by_type(const char *place, const char *function,
    enum bi_endpoint_direction direction, struct bight_reactor *reactor, const char *endpoint,
    struct bight_factory *factory)
{
    struct bi_parsed_endpoint parsed;
    struct bight_argument arguments[BI_ENDPOINT_PART_LIMIT];
    struct bight_failure *failure = check_call(place, function, reactor, factory);
    if (failure != NULL) {
        return bight_fail_at(place, failure);
    }
    const struct bight_endpoint_type *type = bi_endpoint_read(endpoint, direction, &parsed, arguments, &failure);
    if (type == NULL) {
        return bight_fail_at(place, failure);
    }
    failure = bi_endpoint_read_secrets(reactor, type, &parsed, arguments);
    if (failure != NULL) {
        return bight_fail_at(place, bi_endpoint_tried(direction, endpoint, failure));
    }
    const char *before = bi_places_here(place);
    struct bight_deferred *deferred = direction == BI_ENDPOINT_CONNECT ? type->connect(reactor, arguments, factory)
                                                                       : type->listen(reactor, arguments, factory);
    bi_places_here(before);
    bi_endpoint_wipe(&parsed);
    return bi_endpoint_tell_tried(direction, endpoint, deferred);
}

static void release_factory(void *factory)
{
    bight_factory_release(factory);
}

static void pass_on(struct bight_result *result, void *factory)
{
    (void)result;
    (void)factory;
}

/* A factory that frees itself is needed until its user is known. NULL: it does not, or is another reactor's and not to
 * be touched here. */
static struct bight_factory *hold_taken(struct bight_factory *factory, const struct bight_reactor *reactor)
{
    struct bight_factory *taken = bi_factory_taken(factory);
    if (taken == NULL || (taken->reactor != NULL && taken->reactor != reactor)) {
        return NULL;
    }
    return bight_factory_hold(taken);
}

/* A type may have to ask elsewhere first, so the hold lasts until the Deferred has fired. */
static struct bight_deferred *call_type(const char *place, const char *function, enum bi_endpoint_direction direction,
    struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    struct bight_factory *taken = hold_taken(factory, reactor);
    struct bight_deferred *deferred = open_by_type(place, function, direction, reactor, endpoint, factory);
    if (taken == NULL) {
        return deferred;
    }
    if (bight_deferred_result(deferred) == NULL &&
        bight_deferred_add_both_full(deferred, pass_on, taken, release_factory) == 0) {
        return deferred;
    }
    if (bight_deferred_result(deferred) == NULL) {
        bight_deferred_cancel(deferred);
        bight_deferred_release(deferred);
        deferred = bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bight_factory_release(taken);
    return deferred;
}

struct bight_deferred *bight_connect_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    return call_type(place, "bight_connect", BI_ENDPOINT_CONNECT, reactor, endpoint, factory);
}

struct bight_deferred *bight_listen_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    return call_type(place, "bight_listen", BI_ENDPOINT_LISTEN, reactor, endpoint, factory);
}

/* ------------------------------------------------------------------------------------------------ adopt */

static int adopt(const char *place, struct bight_reactor *reactor, int fd, struct bight_factory *factory,
    struct bight_protocol **protocol)
{
    struct bight_failure *failure = check_call(place, "bight_adopt_connection", reactor, factory);
    if (failure == NULL) {
        return bi_adopt(place, reactor, fd, factory, protocol);
    }
    int code = bight_failure_code(failure);
    if (!bight_failure_is(failure, BIGHT_E_USAGE)) { /* that has been logged */
        bi_report_failure(failure);
    }
    bight_failure_release(failure);
    return code;
}

int bight_adopt_connection_at(const char *place, struct bight_reactor *reactor, int fd, struct bight_factory *factory,
    struct bight_protocol **protocol)
{
    struct bight_factory *taken = hold_taken(factory, reactor);
    int code = adopt(place, reactor, fd, factory, protocol);
    bight_factory_release(taken);
    return code;
}

/* ------------------------------------------------------------------------------------------------ serve */

struct serving {
    struct bight_reactor *reactor;
    char endpoint[];
};

static int give_up(struct bight_reactor *reactor, const struct bight_failure *failure)
{
    int code = bight_failure_code(failure);
    bi_report_failure(failure);
    if (reactor != NULL) {
        bight_reactor_fail(reactor, bight_error_exit_status(code));
    }
    return code;
}

static void failed_later(struct bight_result *result, void *context)
{
    struct serving *serving = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (!bight_failure_is(failure, BIGHT_E_SHUTDOWN)) {
        failure = bi_endpoint_tried(BI_ENDPOINT_LISTEN, serving->endpoint, failure);
        (void)give_up(serving->reactor, failure);
    }
    bight_failure_release(failure);
}

/* A type of a third party may have to ask elsewhere first. */
static int wait_for_port(struct bight_reactor *reactor, const char *endpoint, struct bight_deferred *listening)
{
    size_t size = strlen(endpoint) + 1;
    struct serving *serving = bight_malloc(sizeof *serving + size);
    if (serving == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    serving->reactor = reactor;
    memcpy(serving->endpoint, endpoint, size);
    int code = bight_deferred_add_callbacks_full(listening, NULL, failed_later, serving, bight_free);
    if (code != 0) {
        bight_free(serving);
    }
    return code;
}

int bight_serve_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    struct bight_deferred *listening = bight_listen_at(place, reactor, endpoint, factory);
    struct bight_result *result = bight_deferred_result(listening);
    struct bight_failure *failure = NULL;
    int code = 0;
    if (result != NULL) {
        failure = bight_result_failure(result) == NULL ? NULL : bight_result_take_failure(result);
    } else {
        code = wait_for_port(reactor, endpoint, listening);
    }
    if (code != 0) {
        bight_deferred_cancel(listening);
        failure = bight_failure_of(code);
    }
    if (failure != NULL) {
        code = give_up(reactor, failure);
        bight_failure_release(failure);
    }
    bight_deferred_release(listening);
    return code;
}

/* ------------------------------------------------------------------------------------------ open_stream */

/* The factory, which makes one stream, is its Deferred's until connecting has come to its end, and its stream's. */
static void give_stream(struct bight_result *result, void *context)
{
    struct bight_protocol *protocol = bight_result_take(result, &bight_type_protocol);
    (void)context;
    bight_result_set(result, &bight_type_stream, protocol);
}

static void free_factory(void *factory)
{
    bight_stream_factory_free(factory);
}

struct bight_deferred *bight_open_stream_at(const char *place, struct bight_reactor *reactor, const char *endpoint)
{
    struct bight_stream_factory *factory = bight_stream_factory_new(NULL, NULL);
    if (factory == NULL) {
        return bight_fail_at(place, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *opening = bight_connect_at(place, reactor, endpoint, &factory->base);
    int code = bight_deferred_add_callback_full(opening, give_stream, factory, free_factory);
    if (code == 0) {
        return opening;
    }
    bight_deferred_cancel(opening);
    bight_deferred_release(opening);
    bight_stream_factory_free(factory);
    return bight_fail_at(place, bight_failure_of(code));
}
