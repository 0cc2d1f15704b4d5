/* SPDX-License-Identifier: MIT */
/* wrapper.c - factories that put layers under the connections of another (bight/sys/wrapper.h).
 *
 * An endpoint type that stands in front of another hands this factory to the inner type, which knows nothing of it. It
 * stands in front of the other (bight_factory.inner) and answers nothing itself. What happens to such a connection
 * until it has a protocol is in establish.c. */
#include "transport/wrapper.h"

#include <bight/memory.h>

#include "base/moment.h"
#include "transport/transport.h"

#define DEFAULT_TIMEOUT (10 * BIGHT_NANOSECONDS_PER_SECOND)
#define DEFAULT_RECEIVED 65536
#define DEFAULT_ESTABLISHING 4096

struct wrapped {
    struct bight_factory base; /* over the program's, or one of the endpoint type that stands in front */
    struct bight_wrapper wrapper;
};

/* ------------------------------------------------------------------------------------------ a factory */

static void release(struct bight_factory *factory)
{
    struct wrapped *wrapped = (struct wrapped *)factory;
    if (wrapped->wrapper.release != NULL) {
        wrapped->wrapper.release(wrapped->wrapper.context);
    }
    bight_free(wrapped);
}

static const struct bight_factory_ops wrapped_ops = { .release = release };

bool bi_is_wrapped(const struct bight_factory *factory)
{
    return factory->ops == &wrapped_ops;
}

static const struct wrapped *wrapped_of(const struct bight_factory *factory)
{
    return bi_is_wrapped(factory) ? (const struct wrapped *)factory : NULL;
}

struct bight_factory *bight_wrapped_factory_new(
    struct bight_reactor *reactor, struct bight_factory *factory, const struct bight_wrapper *wrapper, int *code)
{
    struct wrapped *wrapped = bight_calloc(1, sizeof *wrapped);
    int untold;
    code = code != NULL ? code : &untold;
    *code = BIGHT_E_OUT_OF_MEMORY;
    if (wrapped != NULL) {
        wrapped->base.ops = &wrapped_ops;
        wrapped->base.inner = factory;
        *code = bi_factory_add_port(&wrapped->base, reactor); /* whichever factory made it */
    }
    if (*code == BIGHT_OK) {
        wrapped->wrapper = *wrapper;
        return &wrapped->base;
    }
    bight_free(wrapped);
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
    struct bight_failure *failure = push_below(wrapped_of(wrapped->base.inner), transport);
    bool is_below = wrapped->wrapper.place == BIGHT_WRAPPER_BELOW;
    return failure == NULL && is_below ? push(wrapped, transport) : failure;
}

static struct bight_failure *push_above(const struct wrapped *wrapped, struct bight_transport *transport)
{
    struct bight_failure *failure = NULL;
    for (; wrapped != NULL && failure == NULL; wrapped = wrapped_of(wrapped->base.inner)) {
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
    for (const struct wrapped *each = wrapped_of(factory); each != NULL; each = wrapped_of(each->base.inner)) {
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
    for (const struct wrapped *each = wrapped_of(factory); each != NULL; each = wrapped_of(each->base.inner)) {
        name = each->wrapper.name;
    }
    return name;
}
