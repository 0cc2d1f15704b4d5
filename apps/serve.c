/* SPDX-License-Identifier: MIT */
/* serve.c - runs a service: listens on every endpoint, serves until told to stop, drains.
 *
 * All endpoints share one factory. When one of them cannot be listened on, nothing is served: a service that is half
 * there is no help. SIGHUP has certificates read again. At SIGTERM or SIGINT the ports stop and open connections may go
 * on until they end by themselves or the time for that is over; a second signal stops at once. How many were cut is
 * reported. */
#include "runner.h"

#include <bight/bight.h>
#include <bight/log.h>
#include <bight/memory.h>
#include <bight/service.h>

#include <signal.h>
#include <string.h>
#include <sysexits.h>

#define DRAIN_SECONDS 10

struct serving {
    const struct runner_command *command;
    struct bight_reactor *reactor;
    struct bight_factory *factory;
};

/* An endpoint that is being listened on. */
struct place {
    const struct serving *serving;
    const char *endpoint;
};

/* ---------------------------------------------------------------------------------------- listening */

static bool is_secure(const char *endpoint)
{
    return strncmp(endpoint, "tls", 3) == 0 || strncmp(endpoint, "secure:", 7) == 0;
}

static void listening(struct bight_result *result, void *context)
{
    const struct place *place = context;
    const struct runner_command *command = place->serving->command;
    const struct bight_service *service = command->service;
    struct bight_port *port = bight_result_peek(result, &bight_type_port);
    announce(port);
    if (service->url_scheme != NULL) {
        runner_print_urls(port, service->url_scheme, is_secure(place->endpoint));
    }
    if (service->listening != NULL) {
        service->listening(command->values, port, is_secure(place->endpoint));
    }
}

static void not_listening(struct bight_result *result, void *context)
{
    const struct serving *serving = ((const struct place *)context)->serving;
    const struct bight_failure *failure = bight_result_failure(result);
    if (!bight_failure_is(failure, BIGHT_E_SHUTDOWN)) {
        bight_reactor_fail(serving->reactor, complain_of(failure));
        (void)bight_reactor_stop(serving->reactor); /* the second one: without a drain */
    }
    bight_result_clear(result);
}

static double drain_seconds(const struct runner_command *command)
{
    return command->drain_seconds > 0 ? command->drain_seconds : DRAIN_SECONDS;
}

static void free_place(void *place)
{
    bight_free(place);
}

static void listen_on(const struct serving *serving, const char *endpoint)
{
    const struct bight_serve_options options = { .size = sizeof options,
        .drain_seconds = drain_seconds(serving->command) };
    struct bight_deferred *port = bight_serve_full(serving->reactor, endpoint, serving->factory, &options);
    struct place *place = bight_malloc(sizeof *place);
    if (place != NULL) {
        *place = (struct place) { serving, endpoint };
    }
    if (place == NULL || bight_deferred_add_callbacks_full(port, listening, not_listening, place, free_place) != 0) {
        bight_reactor_fail(serving->reactor, EX_OSERR);
    }
    bight_deferred_release(port);
}

/* While the reactor runs: a program that sees it listen may stop it, so signals are handled by then. */
static void listen_on_all(void *context)
{
    const struct serving *serving = context;
    const struct runner_command *command = serving->command;
    for (int i = 0; i < command->endpoint_count; i++) {
        listen_on(serving, command->endpoints[i]);
    }
    if (command->endpoint_count == 0) {
        listen_on(serving, command->service->default_endpoint);
    }
}

/* ------------------------------------------------------------------------------------------ stopping */

static void stop(int number, void *reactor)
{
    (void)number;
    (void)bight_reactor_stop(reactor);
}

/* Certificates are read again. Where there is nothing to reload, a hang-up ends it as SIGTERM does: a service that dies
 * with its terminal must not cut off its clients. */
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
    if (hear_hang_up(reactor) != 0 || bight_call_when_running(reactor, listen_on_all, serving) != 0) {
        return EX_OSERR;
    }
    return bight_reactor_run(reactor);
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
    struct serving serving = { .command = command, .reactor = reactor, .factory = factory };
    int status = run(&serving);
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
    struct bight_reactor *reactor = bight_reactor_new();
    return reactor == NULL ? EX_OSERR : serve(reactor, command);
}
