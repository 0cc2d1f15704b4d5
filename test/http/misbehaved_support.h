/* SPDX-License-Identifier: MIT */
/* misbehaved_support.h - a client and a server that misbehaves on demand, each on a host of its own of a simulated
 * network, and what has to be left of
 * them in the end. */
#ifndef BIGHT_TEST_HTTP_MISBEHAVED_SUPPORT_H
#define BIGHT_TEST_HTTP_MISBEHAVED_SUPPORT_H

#include <bight/protocols/http_client_testing.h>

#include "client_support.h"

static struct bight_http_misbehaving *server;
static struct bight_reactor *server_reactor;

static inline struct bight_http_misbehaving_figures figures_now(void)
{
    struct bight_http_misbehaving_figures figures = { .size = sizeof figures };
    ck_assert_int_eq(bight_http_misbehaving_read_figures(server, &figures), 0);
    return figures;
}

static inline void begin_with(const struct bight_http_client_options *options)
{
    begin_world(options);
    server_reactor = bight_host_reactor(bight_simulation_host(network, "server"));
    server = bight_http_misbehaving_new();
    ck_assert_int_eq(bight_serve(server_reactor, "tcp:80", bight_http_misbehaving_factory(server)), 0);
}

static inline void begin(void)
{
    begin_with(NULL);
}

static void note_cause(struct bight_result *result, void *name)
{
    const struct bight_failure *failure = bight_result_failure(result);
    const struct bight_failure *cause = failure != NULL ? bight_failure_cause(failure, 0) : NULL;
    if (cause != NULL && !bight_failure_is(cause, BIGHT_E_CONNECTION_DONE)) {
        hear("%s<%s", bight_error_name(bight_failure_code(failure)), bight_error_name(bight_failure_code(cause)));
        bight_result_clear(result);
    } else {
        note_response(result, name);
    }
}

/* As note, and with a failure's cause. Takes the Deferred. */
static inline void note_misbehaved(struct bight_deferred *deferred)
{
    bight_deferred_add_both(deferred, note_cause, (void *)(uintptr_t) "");
    bight_deferred_release(deferred);
}

static inline void ask(const char *method, const char *script)
{
    char url[1000];
    (void)snprintf(url, sizeof url, "http://server/x?%s", script);
    note_misbehaved(bight_http_call_send(bight_http_call_new(client, method, url)));
}

/* The same client is served well, and its connections are no more than it may have; when it is gone, nothing of it is
 * left at the server. */
static inline void end_sound(void)
{
    heard[0] = '\0';
    ask("GET", "size=11&seed=7");
    pass(1);
    ck_assert_int_eq(strncmp(heard, "200 '", 5), 0);
    ck_assert(bight_http_misbehaving_is(7, 0, heard + 5, 11));
    heard[0] = '\0';
    ck_assert_uint_le(figures_now().most_open, 8);
    bight_http_client_free(client);
    client = NULL;
    pass(40); /* a server that is silent flushes for 30 s */
    ck_assert_uint_eq(figures_now().open, 0);
    bight_http_misbehaving_free(server);
    bight_reactor_free(server_reactor);
    end_world();
}

#endif
