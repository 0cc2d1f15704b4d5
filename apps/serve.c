/* SPDX-License-Identifier: MIT */
/* serve.c - runs a service: listens on every endpoint, serves until told to stop, drains.
 *
 * All endpoints share one factory. When one of them cannot be listened on, nothing is served: a service that is half
 * there helps nobody. At SIGTERM or SIGINT the ports stop and open connections may go on until they end by themselves
 * or the time for that is over; a second signal stops at once. */
#include "runner.h"

#include <bight/bight.h>

#include <sysexits.h>

struct listener {
    struct bight_reactor *reactor;
    const char *endpoint;
};

static void listening(struct bight_result *result, void *context)
{
    const struct listener *listener = context;
    int code = bight_drain_at_shutdown(listener->reactor, bight_result_peek(result, &bight_type_port), false);
    if (code != 0) {
        bight_result_fail(result, bight_failure_of(code));
    }
}

static void not_listening(struct bight_result *result, void *context)
{
    const struct listener *listener = context;
    const struct bight_failure *failure = bight_result_failure(result);
    if (!bight_failure_is(failure, BIGHT_E_SHUTDOWN)) {
        bight_reactor_fail(listener->reactor, runner_complain_of("listen on", listener->endpoint, failure));
        (void)bight_reactor_stop(listener->reactor); /* the second one: nobody is drained */
    }
    bight_result_clear(result);
}

static void listen_on(struct listener *listener, struct bight_factory *factory)
{
    struct bight_deferred *port = bight_listen(listener->reactor, listener->endpoint, factory);
    if (bight_deferred_add_callback(port, listening, listener) != 0 ||
        bight_deferred_add_errback(port, not_listening, listener) != 0) {
        bight_reactor_fail(listener->reactor, EX_OSERR);
    }
    bight_deferred_release(port);
}

struct serving {
    const struct runner_command *command;
    struct bight_factory *factory;
    struct listener *listeners; /* room for every endpoint, and for one more */
};

/* While the reactor runs: who hears that it listens may tell it to stop, so signals are heard by then. */
static void listen_on_all(void *context)
{
    const struct serving *serving = context;
    const struct runner_command *command = serving->command;
    for (int i = 0; i < command->endpoint_count; i++) {
        serving->listeners[i].endpoint = command->endpoints[i];
        listen_on(&serving->listeners[i], serving->factory);
    }
    if (command->endpoint_count == 0) {
        serving->listeners[0].endpoint = command->service->default_endpoint;
        listen_on(&serving->listeners[0], serving->factory);
    }
}

static int run(struct bight_reactor *reactor, struct serving *serving)
{
    for (int i = 0; i <= serving->command->endpoint_count; i++) {
        serving->listeners[i].reactor = reactor;
    }
    if (bight_call_when_running(reactor, listen_on_all, serving) != 0) {
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
        int status = runner_complain_of("start", service->name, failure);
        bight_failure_release(failure);
        bight_reactor_free(reactor);
        return status;
    }
    struct listener *listeners = bight_calloc((size_t)command->endpoint_count + 1, sizeof *listeners);
    struct serving serving = { command, factory, listeners };
    int status = listeners == NULL ? EX_OSERR : run(reactor, &serving);
    bight_reactor_free(reactor);
    bight_free(listeners);
    if (service->stop != NULL) {
        service->stop(factory);
    }
    return status;
}

int runner_serve(const struct runner_command *command)
{
    if (command->endpoint_count == 0 && command->service->default_endpoint == NULL) {
        return runner_complain("%s needs an endpoint, such as tcp:1234 (--help tells more)", command->service->name);
    }
    struct bight_reactor_options options = { .size = sizeof options, .shutdown_seconds = command->drain_seconds };
    struct bight_reactor *reactor = bight_reactor_new_full(&options);
    return reactor == NULL ? EX_OSERR : serve(reactor, command);
}
