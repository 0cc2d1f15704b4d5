/* SPDX-License-Identifier: MIT */
/* serve.c - runs a service: listens on every endpoint, serves until told to stop, drains.
 *
 * All endpoints share one factory. When one of them cannot be listened on, nothing is served: a service that is half
 * there helps nobody. SIGHUP has certificates read again. At SIGTERM or SIGINT the ports stop and open connections may
 * go on until they end by themselves or the time for that is over; a second signal stops at once. How many were cut is
 * told. */
#include "runner.h"

#include <bight/bight.h>
#include <bight/log.h>

#include <signal.h>
#include <sysexits.h>

#define DRAIN_SECONDS 10

struct serving {
    const struct runner_command *command;
    struct bight_reactor *reactor;
    struct bight_factory *factory;
    struct listener *listeners; /* room for every endpoint, and for one more */
    uint64_t draining_since;
};

struct listener {
    struct serving *serving;
    const char *endpoint;
    struct bight_port *port; /* held; NULL: not yet */
};

/* ---------------------------------------------------------------------------------------- listening */

static void listening(struct bight_result *result, void *context)
{
    struct listener *listener = context;
    struct bight_port *port = bight_result_peek(result, &bight_type_port);
    int code = bight_drain_at_shutdown(listener->serving->reactor, port, false);
    if (code != 0) {
        bight_result_fail(result, bight_failure_of(code));
        return;
    }
    listener->port = bight_port_hold(port);
    announce(port);
}

static void not_listening(struct bight_result *result, void *context)
{
    const struct listener *listener = context;
    const struct bight_failure *failure = bight_result_failure(result);
    if (!bight_failure_is(failure, BIGHT_E_SHUTDOWN)) {
        bight_reactor_fail(listener->serving->reactor, complain_of(failure));
        (void)bight_reactor_stop(listener->serving->reactor); /* the second one: nobody is drained */
    }
    bight_result_clear(result);
}

static void listen_on(struct listener *listener)
{
    struct serving *serving = listener->serving;
    struct bight_deferred *port = bight_listen(serving->reactor, listener->endpoint, serving->factory);
    if (bight_deferred_add_callback(port, listening, listener) != 0 ||
        bight_deferred_add_errback(port, not_listening, listener) != 0) {
        bight_reactor_fail(serving->reactor, EX_OSERR);
    }
    bight_deferred_release(port);
}

/* While the reactor runs: who hears that it listens may tell it to stop, so signals are heard by then. */
static void listen_on_all(void *context)
{
    const struct serving *serving = context;
    const struct runner_command *command = serving->command;
    for (int i = 0; i < command->endpoint_count; i++) {
        serving->listeners[i].endpoint = command->endpoints[i];
        listen_on(&serving->listeners[i]);
    }
    if (command->endpoint_count == 0) {
        serving->listeners[0].endpoint = command->service->default_endpoint;
        listen_on(&serving->listeners[0]);
    }
}

/* ----------------------------------------------------------------------------------------- draining */

static void time_is_up(void *context)
{
    const struct serving *serving = context;
    (void)bight_reactor_stop(serving->reactor); /* the second one: what is left is cut */
}

static double drain_seconds(const struct runner_command *command)
{
    return command->drain_seconds > 0 ? command->drain_seconds : DRAIN_SECONDS;
}

/* The ports drain by themselves (bight_drain_at_shutdown). */
static struct bight_deferred *begin_draining(void *context)
{
    struct serving *serving = context;
    serving->draining_since = bight_clock_now(bight_reactor_clock(serving->reactor));
    (void)bight_call_later(serving->reactor, drain_seconds(serving->command), time_is_up, serving, NULL);
    return NULL;
}

/* When nothing is waited for any more, and nothing has been disconnected yet. */
static struct bight_deferred *tell_what_is_cut(void *context)
{
    const struct serving *serving = context;
    size_t count = 0;
    for (int i = 0; i <= serving->command->endpoint_count; i++) {
        const struct bight_port *port = serving->listeners[i].port;
        count += port == NULL ? 0 : bight_port_connections(port);
    }
    if (count > 0) {
        uint64_t taken = bight_clock_now(bight_reactor_clock(serving->reactor)) - serving->draining_since;
        (void)complain("%zu connection%s cut after %.3g s", count, count == 1 ? "" : "s",
            (double)taken / (double)BIGHT_NANOSECONDS_PER_SECOND);
    }
    return NULL;
}

static void stop(int number, void *reactor)
{
    (void)number;
    (void)bight_reactor_stop(reactor);
}

/* Certificates are read again. Where there is nothing to reload, a hang-up ends it as SIGTERM does: a service that dies
 * with its terminal must not cut who is being served. */
static void hung_up(int number, void *reactor)
{
    size_t count = bight_reload_endpoints(reactor);
    if (count == 0) {
        stop(number, reactor);
    } else {
        bight_log(BIGHT_LOG_INFO, "runner", NULL, "the certificates of %zu endpoint%s are read again", count,
            count == 1 ? "" : "s");
    }
}

/* nohup has it ignored. */
static int hear_hang_up(struct bight_reactor *reactor)
{
    struct sigaction found;
    if (sigaction(SIGHUP, NULL, &found) != 0 || found.sa_handler == SIG_IGN) {
        return 0;
    }
    return bight_on_signal(reactor, SIGHUP, hung_up, reactor);
}

/* ------------------------------------------------------------------------------------------ running */

static int run(struct serving *serving)
{
    struct bight_reactor *reactor = serving->reactor;
    for (int i = 0; i <= serving->command->endpoint_count; i++) {
        serving->listeners[i].serving = serving;
    }
    if (bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_BEFORE, begin_draining, serving, NULL, NULL) != 0 ||
        bight_add_trigger(reactor, BIGHT_SHUTDOWN, BIGHT_DURING, tell_what_is_cut, serving, NULL, NULL) != 0 ||
        hear_hang_up(reactor) != 0 || bight_call_when_running(reactor, listen_on_all, serving) != 0) {
        return EX_OSERR;
    }
    return bight_reactor_run(reactor);
}

static void release_listeners(struct serving *serving)
{
    for (int i = 0; serving->listeners != NULL && i <= serving->command->endpoint_count; i++) {
        bight_port_release(serving->listeners[i].port);
    }
    bight_free(serving->listeners);
}

static int serve(struct bight_reactor *reactor, const struct runner_command *command)
{
    const struct bight_service *service = command->service;
    struct bight_failure *failure = NULL;
    struct bight_factory *factory = service->start(reactor, command->values, &failure);
    if (factory == NULL) {
        (void)complain("cannot start %s: %s", service->name, bight_failure_message(failure));
        int status = bight_error_exit_status(bight_failure_code(failure));
        bight_failure_release(failure);
        bight_reactor_free(reactor);
        return status;
    }
    struct listener *listeners = bight_calloc((size_t)command->endpoint_count + 1, sizeof *listeners);
    struct serving serving = { .command = command, .reactor = reactor, .factory = factory, .listeners = listeners };
    int status = listeners == NULL ? EX_OSERR : run(&serving);
    release_listeners(&serving);
    bight_reactor_free(reactor);
    if (service->stop != NULL) {
        service->stop(factory);
    }
    return status;
}

int runner_serve(const struct runner_command *command)
{
    if (command->endpoint_count == 0 && command->service->default_endpoint == NULL) {
        return complain("%s needs an endpoint, such as tcp:1234 (--help tells more)", command->service->name);
    }
    struct bight_reactor_options options = {
        .size = sizeof options,
        .shutdown_seconds = drain_seconds(command) + 60, /* ours comes first, and tells what it cuts */
    };
    struct bight_reactor *reactor = bight_reactor_new_full(&options);
    return reactor == NULL ? EX_OSERR : serve(reactor, command);
}
