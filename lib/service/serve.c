/* SPDX-License-Identifier: MIT */
/* serve.c - listening with options (bight_serve_full).
 *
 * Nothing of its own: the port that bight_listen makes is given its limits and its drain before it has accepted
 * anything, which is inside the call for most types and in a handler of the Deferred for those that have to ask
 * elsewhere first. A port that cannot have them stops, for the program counts on them. */
#include <bight/service.h>

#include <bight/memory.h>

#include "base/check.h"
#include "base/options.h"

static int set_limits(struct bight_port *port, const struct bight_serve_options *options)
{
    size_t of_string = bight_port_get_max_connections(port);
    int code = BIGHT_OK;
    if (options->max_connections != 0 && (of_string == 0 || options->max_connections < of_string)) {
        code = bight_port_set_max_connections(port, options->max_connections);
    }
    if (code == BIGHT_OK && options->max_per_peer != 0) {
        code = bight_port_set_max_per_peer(port, options->max_per_peer);
    }
    if (code == BIGHT_OK && options->drain_seconds > 0) {
        code = bight_drain_at_shutdown(port, options->drain_seconds, options->drain_loses);
    }
    return code;
}

static void listening(struct bight_result *result, void *options)
{
    struct bight_port *port = bight_result_peek(result, &bight_type_port);
    int code = set_limits(port, options);
    if (code != BIGHT_OK) {
        bight_deferred_release(bight_port_stop_listening(port));
        bight_result_fail(result, bight_failure_of(code));
    }
}

/* The type has to ask elsewhere before there is a port. */
static struct bight_deferred *wait_for_port(
    const char *place, struct bight_deferred *deferred, const struct bight_serve_options *options)
{
    struct bight_serve_options *copy = bight_malloc(sizeof *copy);
    int code = BIGHT_E_OUT_OF_MEMORY;
    if (copy != NULL) {
        *copy = *options;
        code = bight_deferred_add_callback_full(deferred, listening, copy, bight_free);
    }
    if (code == BIGHT_OK) {
        return deferred;
    }
    bight_free(copy);
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    return bight_fail_at(place, bight_failure_of(code));
}

struct bight_deferred *bight_serve_full_at(const char *place, struct bight_reactor *reactor, const char *endpoint,
    struct bight_factory *factory, const struct bight_serve_options *given)
{
    struct bight_serve_options options;
    bi_take_options(&options, sizeof options, given);
    if (!(options.drain_seconds >= 0)) {
        (void)bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, place, "bight_serve_full: drain_seconds is negative or no number");
        bight_factory_release(factory == NULL ? NULL : bight_factory_hold(factory));
        return bight_fail_at(place, bight_failure_of(BIGHT_E_INVALID_ARGUMENT));
    }
    struct bight_deferred *deferred = bight_listen_at(place, reactor, endpoint, factory);
    struct bight_result *result = bight_deferred_result(deferred);
    if (result == NULL) {
        return wait_for_port(place, deferred, &options);
    }
    if (bight_result_failure(result) == NULL) {
        listening(result, &options);
    }
    return deferred;
}
