/* SPDX-License-Identifier: MIT */
/* serve.c - bight_serve: listening for a program that cannot go on without.
 *
 * The one place in the room that logs an error and ends a program; both are what a main() would do otherwise. The port
 * is the reactor's: it is closed when the run ends. */
#include <string.h>

#include <bight/memory.h>

#include "base/report.h"
#include "endpoint/grammar.h"

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
