/* SPDX-License-Identifier: MIT */
/* factory.c - when a factory is started and stopped, and whose it is (T16, T15).
 *
 * A factory is the user's memory, often static; bight only counts in it who makes use of it: ports, attempts to connect
 * and connections. It belongs to a reactor from the first use to the end of the last, when it may go to another reactor
 * or be freed. */
#include "transport/transport.h"

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

static int add(struct bight_factory *factory, struct bight_reactor *reactor, uint32_t *count)
{
    bool was_used = is_used(factory);
    if (was_used && factory->reactor != reactor) {
        return BIGHT_E_FACTORY_IN_USE;
    }
    ++*count;
    if (was_used) {
        return BIGHT_OK;
    }
    factory->reactor = reactor;
    if (factory->ops != NULL && factory->ops->started != NULL) {
        factory->ops->started(factory);
    }
    return BIGHT_OK;
}

static void subtract(struct bight_factory *factory, uint32_t *count)
{
    --*count;
    if (is_used(factory)) {
        return;
    }
    factory->reactor = NULL;
    if (factory->ops != NULL && factory->ops->stopped != NULL) {
        factory->ops->stopped(factory);
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

bool bi_factory_admits(struct bight_factory *factory, const struct bight_address *peer)
{
    return factory->ops == NULL || factory->ops->admit == NULL || factory->ops->admit(factory, peer);
}

struct bight_protocol *bi_factory_build(struct bight_factory *factory, const struct bight_address *peer, int *code)
{
    bool custom = factory->ops != NULL && factory->ops->build_protocol != NULL;
    factory->out_of_memory = false;
    struct bight_protocol *protocol =
        custom ? factory->ops->build_protocol(factory, peer) : bight_protocol_new(factory);
    if (protocol == NULL) {
        *code = factory->out_of_memory ? BIGHT_E_OUT_OF_MEMORY : BIGHT_E_NO_PROTOCOL;
    }
    return protocol;
}
