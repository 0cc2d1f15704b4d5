/* SPDX-License-Identifier: MIT */
/* inner.c - opening an endpoint that stands behind another in the same string, through the layer of the one in front
 * (bight/sys/wrapper.h).
 *
 * The inner type is given a factory that stands for the program's; what happens to its connections is in
 * transport/establish.c. That factory is held until the Deferred has fired: a type may ask elsewhere before it uses
 * it. */
#include <bight/memory.h>

#include "endpoint/grammar.h"

/* Too large for the stack of a coroutine, ten times over. */
struct reading {
    struct bi_parsed_endpoint parsed;
    struct bight_argument arguments[BI_ENDPOINT_PART_LIMIT];
};

static struct bight_deferred *open_read(struct reading *reading, enum bi_endpoint_direction direction,
    struct bight_reactor *reactor, const struct bight_argument *inner, struct bight_factory *factory)
{
    struct bight_failure *failure = NULL;
    const struct bight_endpoint_type *type =
        bi_endpoint_read_inner(inner, direction, &reading->parsed, reading->arguments, &failure);
    if (type != NULL) {
        failure = bi_endpoint_read_secrets(reactor, type, &reading->parsed, reading->arguments);
    }
    if (failure != NULL) {
        return bight_fail(failure);
    }
    return direction == BI_ENDPOINT_CONNECT ? type->connect(reactor, reading->arguments, factory)
                                            : type->listen(reactor, reading->arguments, factory);
}

struct bight_deferred *bi_endpoint_open_inner(enum bi_endpoint_direction direction, struct bight_reactor *reactor,
    const struct bight_argument *inner, struct bight_factory *factory)
{
    struct reading *reading = bight_malloc(sizeof *reading);
    if (reading == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    struct bight_deferred *deferred = open_read(reading, direction, reactor, inner, factory);
    bi_endpoint_wipe(&reading->parsed);
    bight_free(reading);
    return deferred;
}

static void pass_on(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

static void release_factory(void *wrapped)
{
    bight_wrapped_factory_release(wrapped);
}

struct bight_deferred *bi_wrapped_release_after(struct bight_deferred *deferred, struct bight_factory *wrapped)
{
    int code = bight_deferred_add_both_full(deferred, pass_on, wrapped, release_factory);
    if (code == BIGHT_OK) {
        return deferred;
    }
    bight_deferred_cancel(deferred);
    bight_deferred_release(deferred);
    bight_wrapped_factory_release(wrapped);
    return bight_fail(bight_failure_of(code));
}

static struct bight_deferred *open_through(enum bi_endpoint_direction direction, struct bight_reactor *reactor,
    const struct bight_argument *inner, struct bight_factory *factory, const struct bight_wrapper *wrapper)
{
    int code;
    struct bight_factory *wrapped = bight_wrapped_factory_new(reactor, factory, wrapper, &code);
    if (wrapped == NULL) {
        return bight_fail(bight_failure_of(code));
    }
    return bi_wrapped_release_after(bi_endpoint_open_inner(direction, reactor, inner, wrapped), wrapped);
}

struct bight_deferred *bight_listen_through(struct bight_reactor *reactor, const struct bight_argument *inner,
    struct bight_factory *factory, const struct bight_wrapper *wrapper)
{
    return open_through(BI_ENDPOINT_LISTEN, reactor, inner, factory, wrapper);
}

struct bight_deferred *bight_connect_through(struct bight_reactor *reactor, const struct bight_argument *inner,
    struct bight_factory *factory, const struct bight_wrapper *wrapper)
{
    return open_through(BI_ENDPOINT_CONNECT, reactor, inner, factory, wrapper);
}
