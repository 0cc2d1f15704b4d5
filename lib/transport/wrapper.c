/* SPDX-License-Identifier: MIT */
/* wrapper.c - factories that put layers under the connections of another (bight/sys/wrapper.h).
 *
 * An endpoint type that stands in front of another gives this factory to the inner type, which knows nothing of it. It
 * makes no protocols of its own, and is a use of the factory that it stands for, as a port is, so that one stops after
 * the last of its connections. What becomes of such a connection until it has a protocol is in establish.c. */
#include "transport/wrapper.h"

#include <bight/memory.h>

#include "base/moment.h"
#include "transport/transport.h"

#define DEFAULT_TIMEOUT (10 * BIGHT_NANOSECONDS_PER_SECOND)
#define DEFAULT_RECEIVED 65536
#define DEFAULT_ESTABLISHING 4096

struct wrapped {
    struct bight_factory base;
    struct bight_factory *outer; /* whom it asks: the program's, or one of the endpoint type that stands in front */
    struct bight_wrapper wrapper;
};

/* ------------------------------------------------------------------------------------------ a factory */

static struct bight_protocol *build(struct bight_factory *factory, const struct bight_address *peer)
{
    int code = BIGHT_OK;
    struct bight_protocol *protocol = bi_factory_build(((struct wrapped *)factory)->outer, peer, &code);
    factory->out_of_memory = code == BIGHT_E_OUT_OF_MEMORY;
    return protocol;
}

static bool admit(struct bight_factory *factory, const struct bight_address *peer)
{
    return bi_factory_admits(((struct wrapped *)factory)->outer, peer);
}

static void stopped(struct bight_factory *factory)
{
    struct wrapped *wrapped = (struct wrapped *)factory;
    if (wrapped->wrapper.release != NULL) {
        wrapped->wrapper.release(wrapped->wrapper.context);
    }
    bi_factory_remove_port(wrapped->outer);
    bight_free(wrapped);
}

static const struct bight_factory_ops wrapped_ops = { .build_protocol = build, .stopped = stopped, .admit = admit };

bool bi_is_wrapped(const struct bight_factory *factory)
{
    return factory->ops == &wrapped_ops;
}

static const struct wrapped *wrapped_of(const struct bight_factory *factory)
{
    return bi_is_wrapped(factory) ? (const struct wrapped *)factory : NULL;
}

static struct wrapped *make(struct bight_factory *factory, const struct bight_wrapper *wrapper)
{
    struct wrapped *wrapped = bight_calloc(1, sizeof *wrapped);
    if (wrapped != NULL) {
        wrapped->base.ops = &wrapped_ops;
        wrapped->outer = factory;
        wrapped->wrapper = *wrapper;
    }
    return wrapped;
}

struct bight_factory *bight_wrapped_factory_new(
    struct bight_reactor *reactor, struct bight_factory *factory, const struct bight_wrapper *wrapper, int *code)
{
    *code = bi_factory_add_port(factory, reactor);
    struct wrapped *wrapped = *code == BIGHT_OK ? make(factory, wrapper) : NULL;
    if (wrapped != NULL) {
        (void)bi_factory_add_port(&wrapped->base, reactor); /* whoever has made it */
        return &wrapped->base;
    }
    if (*code == BIGHT_OK) {
        *code = BIGHT_E_OUT_OF_MEMORY;
        bi_factory_remove_port(factory);
    }
    if (wrapper->release != NULL) {
        wrapper->release(wrapper->context);
    }
    return NULL;
}

void bight_wrapped_factory_release(struct bight_factory *wrapped)
{
    if (wrapped != NULL) {
        bi_factory_remove_port(wrapped);
    }
}

/* -------------------------------------------------------------------------------------------- layers */

static struct bight_failure *push(const struct wrapped *wrapped, struct bight_transport *transport)
{
    struct bight_failure *failure = NULL;
    struct bight_layer *layer = wrapped->wrapper.make_layer(wrapped->wrapper.context, transport, &failure);
    if (layer == NULL) {
        return failure == NULL ? bight_failure_of(BIGHT_E_OUT_OF_MEMORY) : failure;
    }
    int code = bight_transport_push_layer(transport, layer);
    if (code != BIGHT_OK && layer->ops != NULL && layer->ops->free != NULL) {
        layer->ops->free(layer);
    }
    return code == BIGHT_OK ? NULL : bight_failure_of(code);
}

/* The string's first one leads to the second, so it comes first on the way from the bottom. */
static struct bight_failure *push_below(const struct wrapped *wrapped, struct bight_transport *transport)
{
    if (wrapped == NULL) {
        return NULL;
    }
    struct bight_failure *failure = push_below(wrapped_of(wrapped->outer), transport);
    bool is_below = wrapped->wrapper.place == BIGHT_WRAPPER_BELOW;
    return failure == NULL && is_below ? push(wrapped, transport) : failure;
}

static struct bight_failure *push_above(const struct wrapped *wrapped, struct bight_transport *transport)
{
    struct bight_failure *failure = NULL;
    for (; wrapped != NULL && failure == NULL; wrapped = wrapped_of(wrapped->outer)) {
        failure = wrapped->wrapper.place == BIGHT_WRAPPER_ABOVE ? push(wrapped, transport) : NULL;
    }
    return failure;
}

struct bight_failure *bi_wrapper_push_layers(struct bight_factory *factory, struct bight_transport *transport)
{
    struct bight_failure *failure = push_below(wrapped_of(factory), transport);
    return failure == NULL ? push_above(wrapped_of(factory), transport) : failure;
}

/* -------------------------------------------------------------------------------------------- limits */

static void lessen(size_t *limit, size_t asked, size_t by_default)
{
    size_t own = asked == 0 ? by_default : asked;
    *limit = own < *limit ? own : *limit;
}

struct bi_wrapper_limits bi_wrapper_limits_of(const struct bight_factory *factory)
{
    struct bi_wrapper_limits limits = { UINT64_MAX, SIZE_MAX, SIZE_MAX };
    for (const struct wrapped *each = wrapped_of(factory); each != NULL; each = wrapped_of(each->outer)) {
        uint64_t timeout = 0;
        (void)bight_seconds_to_nanoseconds(each->wrapper.timeout, &timeout);
        timeout = timeout == 0 ? DEFAULT_TIMEOUT : timeout;
        limits.timeout = timeout < limits.timeout ? timeout : limits.timeout;
        lessen(&limits.max_received, each->wrapper.max_received, DEFAULT_RECEIVED);
        lessen(&limits.max_establishing, each->wrapper.max_establishing, DEFAULT_ESTABLISHING);
    }
    return limits;
}

const char *bi_wrapper_name(const struct bight_factory *factory)
{
    const char *name = "";
    for (const struct wrapped *each = wrapped_of(factory); each != NULL; each = wrapped_of(each->outer)) {
        name = each->wrapper.name;
    }
    return name;
}
