/* SPDX-License-Identifier: MIT */
/* factory.c - when a factory is started, stopped and released, which reactor it belongs to (T16, T15), and what it is
 * asked.
 *
 * A factory is the user's memory, often static; bight only counts in it what uses it: ports, attempts to connect and
 * connections. It belongs to a reactor from the first use to the end of the last, when it may go to another reactor or
 * be freed. One with `release` frees itself: what must not outlive it, a call that may yet use it or the memory of its
 * protocols, has a hold, which is no use. One in front of another is a use of that one while it is used itself, so
 * nothing else counts for the inner one; what is asked of the first goes down the row. */
#include "transport/transport.h"
#include "transport/wrapper.h"

static bool is_used(const struct bight_factory *factory)
{
    return factory->ports != 0 || factory->connections != 0;
}

const char *bi_factory_lack(const struct bight_factory *factory)
{
    if (factory->protocol_size < sizeof(struct bight_protocol)) {
        return "the factory was not made with BIGHT_FACTORY or its like";
    }
    return factory->protocol_ops == NULL ? "the factory has no table of handlers: BIGHT_FACTORY was given NULL" : NULL;
}

/* ---------------------------------------------------------------------------------------------- holds */

static bool has_release(const struct bight_factory *factory)
{
    return factory->ops != NULL && factory->ops->release != NULL;
}

/* Of a factory that has no `release` nothing is looked at: it may have been freed. */
static void release_unused(struct bight_factory *factory)
{
    if (!is_used(factory) && factory->holds == 0) {
        factory->ops->release(factory);
    }
}

struct bight_factory *bight_factory_hold(struct bight_factory *factory)
{
    for (struct bight_factory *each = factory; each != NULL; each = each->inner) {
        each->holds++;
    }
    return factory;
}

void bight_factory_release(struct bight_factory *factory)
{
    while (factory != NULL) {
        struct bight_factory *inner = factory->inner;
        factory->holds--;
        if (has_release(factory)) {
            release_unused(factory);
        }
        factory = inner;
    }
}

struct bight_factory *bi_factory_taken(struct bight_factory *factory)
{
    while (factory != NULL && !has_release(factory)) {
        factory = factory->inner;
    }
    return factory;
}

/* ----------------------------------------------------------------------------------------------- uses */

/* The first use. */
static int start(struct bight_factory *factory, struct bight_reactor *reactor)
{
    int code = factory->inner == NULL ? BIGHT_OK : bi_factory_add_port(factory->inner, reactor);
    if (code != BIGHT_OK) {
        return code;
    }
    factory->reactor = reactor;
    return BIGHT_OK;
}

static int add(struct bight_factory *factory, struct bight_reactor *reactor, uint32_t *count)
{
    bool was_used = is_used(factory);
    if (was_used && factory->reactor != reactor) {
        return BIGHT_E_FACTORY_IN_USE;
    }
    int code = was_used ? BIGHT_OK : start(factory, reactor);
    if (code != BIGHT_OK) {
        return code;
    }
    ++*count;
    if (!was_used && factory->ops != NULL && factory->ops->started != NULL) {
        factory->ops->started(factory);
    }
    return BIGHT_OK;
}

/* `stopped` may use the factory again, and free one that has no `release`. */
static void stop(struct bight_factory *factory)
{
    struct bight_factory *inner = factory->inner;
    bool is_released = has_release(factory);
    factory->reactor = NULL;
    if (factory->ops != NULL && factory->ops->stopped != NULL) {
        factory->ops->stopped(factory);
    }
    if (is_released) {
        release_unused(factory);
    }
    if (inner != NULL) {
        bi_factory_remove_port(inner);
    }
}

static void subtract(struct bight_factory *factory, uint32_t *count)
{
    --*count;
    if (!is_used(factory)) {
        stop(factory);
    }
}

int bi_factory_add_port(struct bight_factory *factory, struct bight_reactor *reactor)
{
    return add(factory, reactor, &factory->ports);
}

int bi_factory_add_connection(struct bight_factory *factory, struct bight_reactor *reactor)
{
    return add(factory, reactor, &factory->connections);
}

void bi_factory_remove_port(struct bight_factory *factory)
{
    subtract(factory, &factory->ports);
}

void bi_factory_remove_connection(struct bight_factory *factory)
{
    subtract(factory, &factory->connections);
}

/* ---------------------------------------------------------------------------------------- being asked */

/* One that has layers put under its connections may have to say whose was never established. */
bool bi_factory_asks_peer(const struct bight_factory *factory)
{
    for (; factory != NULL; factory = factory->inner) {
        if (factory->ops != NULL &&
            (factory->ops->build_protocol != NULL || factory->ops->admit != NULL || bi_is_wrapped(factory))) {
            return true;
        }
    }
    return false;
}

bool bi_factory_admits(struct bight_factory *factory, const struct bight_address *peer)
{
    for (; factory != NULL; factory = factory->inner) {
        if (factory->ops != NULL && factory->ops->admit != NULL && !factory->ops->admit(factory, peer)) {
            return false;
        }
    }
    return true;
}

struct bight_failure *bi_factory_check(const struct bight_factory *factory)
{
    struct bight_failure *failure = NULL;
    for (; factory != NULL && failure == NULL; factory = factory->inner) {
        if (factory->ops != NULL && factory->ops->check != NULL) {
            failure = factory->ops->check(factory);
        }
    }
    return failure;
}

/* It is used meanwhile, so it is neither stopped nor freed if the attempt that asks is cancelled in there. */
bool bi_factory_may_connect(struct bight_factory *factory, const struct bight_address *address)
{
    bool may = true;
    factory->ports++;
    for (struct bight_factory *each = factory; each != NULL && may; each = each->inner) {
        may = each->ops == NULL || each->ops->may_connect == NULL || each->ops->may_connect(each, address);
    }
    bi_factory_remove_port(factory);
    return may;
}

void bi_factory_tell_end(struct bight_factory *factory, const struct bight_failure *reason)
{
    if (factory->ops != NULL && factory->ops->connection_ended != NULL) {
        factory->ops->connection_ended(factory, reason);
    }
}

static struct bight_protocol *build(struct bight_factory *factory, const struct bight_address *peer)
{
    if (factory->ops != NULL && factory->ops->build_protocol != NULL) {
        return factory->ops->build_protocol(factory, peer);
    }
    return factory->inner == NULL ? bight_protocol_new(factory)
                                  : bight_factory_build_protocol(factory->inner, peer, factory);
}

struct bight_protocol *bi_factory_build(struct bight_factory *factory, const struct bight_address *peer, int *code)
{
    factory->out_of_memory = false;
    struct bight_protocol *protocol = build(factory, peer);
    if (protocol == NULL) {
        *code = factory->out_of_memory ? BIGHT_E_OUT_OF_MEMORY : BIGHT_E_NO_PROTOCOL;
    }
    return protocol;
}

struct bight_protocol *bight_factory_build_protocol(
    struct bight_factory *factory, const struct bight_address *peer, struct bight_factory *asking)
{
    int code = BIGHT_OK;
    struct bight_protocol *protocol = bi_factory_build(factory, peer, &code);
    if (asking != NULL) {
        asking->out_of_memory = code == BIGHT_E_OUT_OF_MEMORY;
    }
    return protocol;
}
