/* SPDX-License-Identifier: MIT */
/* listen.c - bight_listen: reads the string and lets its type listen (E1).
 *
 * Whatever is wrong comes through the Deferred, which has fired already when the type needed not wait. Here is also
 * what the types share: making a port of a descriptor that listens, or a failure of the errno. */
#include "base/check.h"
#include "base/places.h"
#include "endpoint/failures.h"
#include "endpoint/grammar.h"
#include "endpoint/listening.h"
#include "transport/transport.h"

struct bight_deferred *bi_listening(struct bight_reactor *reactor, struct bight_factory *factory, int fd,
    const struct bi_listen_options *options, const struct bight_address *path)
{
    if (fd < 0) {
        return bight_fail(bi_listen_failure(-fd, path != NULL));
    }
    struct bight_failure *failure = NULL;
    struct bight_port *port = bi_port_new(reactor, factory, fd, options, path, &failure);
    return port == NULL ? bight_fail(failure) : bight_succeed(&bight_type_port, port);
}

/* What is wrong with the call, in words; NULL: nothing. One that builds its protocols itself needs no table. */
static const char *find_mistake(const struct bight_reactor *reactor, const struct bight_factory *factory, int *code)
{
    *code = BIGHT_E_INVALID_ARGUMENT;
    if (reactor == NULL || factory == NULL) {
        return reactor == NULL ? "there is no reactor" : "there is no factory";
    }
    if (factory->reactor != NULL && factory->reactor != reactor) {
        *code = BIGHT_E_FACTORY_IN_USE;
        return bight_error_text(BIGHT_E_FACTORY_IN_USE);
    }
    bool builds = factory->ops != NULL && factory->ops->build_protocol != NULL;
    return builds ? NULL : bi_factory_lack(factory);
}

struct bight_failure *bi_endpoint_check_call(
    const char *place, const char *function, const struct bight_reactor *reactor, const struct bight_factory *factory)
{
    int code;
    const char *mistake = find_mistake(reactor, factory, &code);
    if (mistake != NULL) {
        (void)bi_usage_error(code, place, "%s: %s", function, mistake);
        return bight_failure_new_at(place, code, 0, NULL, "%s", mistake);
    }
    code = bi_reactor_check_thread_at(place, reactor, function);
    return code != 0 ? bight_failure_of(code) : NULL;
}

struct bight_deferred *bight_listen_at(
    const char *place, struct bight_reactor *reactor, const char *endpoint, struct bight_factory *factory)
{
    struct bi_parsed_endpoint parsed;
    struct bight_argument arguments[BI_ENDPOINT_PART_LIMIT];
    struct bight_failure *failure = bi_endpoint_check_call(place, "bight_listen", reactor, factory);
    if (failure != NULL) {
        return bight_fail_at(place, failure);
    }
    const struct bight_endpoint_type *type =
        bi_endpoint_read(endpoint, BI_ENDPOINT_LISTEN, &parsed, arguments, &failure);
    if (type == NULL) {
        return bight_fail_at(place, failure);
    }
    const char *before = bi_places_here(place);
    struct bight_deferred *listening = type->listen(reactor, arguments, factory);
    bi_places_here(before);
    return bi_endpoint_tell_tried(BI_ENDPOINT_LISTEN, endpoint, listening);
}
