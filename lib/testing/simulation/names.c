/* SPDX-License-Identifier: MIT */
/* names.c - the resolver of simulated hosts: names that the simulation was told, answered in virtual time.
 *
 * Each host that a name stands for has its IPv6 and its IPv4 address, in that order. "localhost" is the host itself.
 * An answer takes a fraction of a millisecond up to five, or as long as the conditions of the host's kernel make it; it
 * comes by a timer of the reactor, so in the reactor's own turn. The names are told in simulation.c. */
#include <bight/memory.h>
#include <bight/sys/resolver.h>

#include <string.h>
#include <strings.h>

#include "reactor/reactor.h"
#include "testing/simulation/simulation.h"

#define USUAL_DELAY (5 * BI_SIM_MILLISECOND)
#define LATEST (10 * BIGHT_NANOSECONDS_PER_SECOND)

struct sim_resolver {
    struct bight_resolver resolver; /* first */
    struct bi_sim_loop *loop;
    struct bi_link questions;
};

struct question {
    struct bi_link link;
    struct bi_wheel_entry timer;
    struct sim_resolver *resolver;
    struct bight_promise promise;
    uint16_t port;
    int code; /* what it fails with; 0: answered */
    char name[];
};

/* -------------------------------------------------------------------------------------------- answers */

static bool is_localhost(const char *name)
{
    return strcasecmp(name, "localhost") == 0;
}

static bool is_asked_for(const struct bi_sim_name *name, const struct question *question)
{
    return strcasecmp(name->text, question->name) == 0;
}

static size_t count_hosts(const struct question *question)
{
    const struct bi_link *names = &question->resolver->loop->simulation->names;
    size_t count = 0;
    for (struct bi_link *link = names->next; link != names; link = link->next) {
        count += is_asked_for(BI_CONTAINER(link, struct bi_sim_name, link), question);
    }
    return count;
}

static struct bight_address with_port(const struct bight_address *address, uint16_t port)
{
    struct bight_address with = *address;
    with.port = port;
    return with;
}

static void add_addresses(struct bight_address_list *list, const struct question *question)
{
    const struct bi_link *names = &question->resolver->loop->simulation->names;
    size_t count = 0;
    for (struct bi_link *link = names->next; link != names; link = link->next) {
        const struct bi_sim_name *name = BI_CONTAINER(link, struct bi_sim_name, link);
        if (is_asked_for(name, question)) {
            list->addresses[count++] = with_port(&name->host->ipv6, question->port);
            list->addresses[count++] = with_port(&name->host->ipv4, question->port);
        }
    }
}

static void add_loopback(struct bight_address_list *list, const struct question *question)
{
    list->addresses[0] = (struct bight_address) { .family = BIGHT_ADDRESS_IPV6, .port = question->port };
    list->addresses[0].at.ipv6[15] = 1;
    list->addresses[1] = (struct bight_address) { .family = BIGHT_ADDRESS_IPV4, .port = question->port };
    list->addresses[1].at.ipv4[0] = 127;
    list->addresses[1].at.ipv4[3] = 1;
}

static void answer(const struct question *question, struct bight_promise promise)
{
    size_t hosts = is_localhost(question->name) ? 1 : count_hosts(question);
    int code = question->code != 0 ? question->code : hosts == 0 ? BIGHT_E_NAME_NOT_FOUND : 0;
    if (code != 0) {
        bight_errback(promise, bight_failure_new(code, 0, NULL, "%s: not resolved", question->name));
        return;
    }
    struct bight_address_list *list = bight_address_list_new(hosts * 2);
    if (list == NULL) {
        bight_errback(promise, bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
        return;
    }
    if (is_localhost(question->name)) {
        add_loopback(list, question);
    } else {
        add_addresses(list, question);
    }
    bight_callback(promise, &bight_type_address_list, list);
}

/* ------------------------------------------------------------------------------------------ questions */

static void forget(struct question *question)
{
    bi_reactor_disarm(question->resolver->loop->reactor, &question->timer);
    bi_list_remove(&question->link);
    bight_free(question);
}

static void time_to_answer(struct bi_wheel_entry *timer)
{
    struct question *question = BI_CONTAINER(timer, struct question, timer);
    struct bight_promise promise = question->promise;
    bi_list_remove(&question->link); /* cancelling from here on finds nothing */
    bi_list_init(&question->link);
    answer(question, promise);
    bight_free(question);
}

static void cancelled(struct bight_promise promise, void *context)
{
    (void)promise;
    forget(context);
}

static uint64_t think(struct question *question)
{
    struct bight_host *host = question->resolver->loop->host;
    struct bight_simulation *simulation = host->simulation;
    uint64_t delay = bight_simulation_draw(simulation, USUAL_DELAY);
    if (bi_sim_fault(simulation, host->kernel.name_late, "late name")) {
        delay = bi_sim_detail(simulation, LATEST / BI_SIM_MILLISECOND) * BI_SIM_MILLISECOND;
    }
    if (bi_sim_fault(simulation, host->kernel.name_fails, "failing name")) {
        question->code = bi_sim_detail(simulation, 2) == 0 ? BIGHT_E_NAME_UNAVAILABLE : BIGHT_E_NAME_NOT_FOUND;
    }
    bi_sim_trace_bytes(simulation, question->name, strlen(question->name));
    bi_sim_trace(host, BI_SIM_resolve, question->port, (int64_t)delay, question->code);
    return delay;
}

static struct bight_deferred *resolve(struct bight_resolver *base, const char *name, uint16_t port)
{
    struct sim_resolver *resolver = (struct sim_resolver *)base;
    size_t size = strlen(name) + 1;
    struct question *question = bight_calloc(1, sizeof *question + size);
    if (question == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    memcpy(question->name, name, size);
    question->port = port;
    question->resolver = resolver;
    question->timer.function = time_to_answer;
    struct bight_deferred *deferred = bight_deferred_new(&question->promise, cancelled, question);
    if (!bight_promise_is_open(question->promise)) {
        bight_free(question);
        return deferred;
    }
    bi_list_append(&resolver->questions, &question->link);
    bi_reactor_arm(resolver->loop->reactor, &question->timer, resolver->loop->simulation->now + think(question));
    return deferred;
}

static void free_resolver(struct bight_resolver *base)
{
    struct sim_resolver *resolver = (struct sim_resolver *)base;
    while (!bi_list_is_empty(&resolver->questions)) {
        struct question *question = BI_CONTAINER(resolver->questions.next, struct question, link);
        struct bight_promise promise = question->promise;
        forget(question);
        (void)bight_errback(promise, bight_failure_of(BIGHT_E_SHUTDOWN));
    }
    bight_free(resolver);
}

struct bight_resolver *bi_sim_resolver_new(struct bi_sim_loop *loop)
{
    static const struct bight_resolver_ops ops = {
        .size = sizeof(struct bight_resolver_ops), .resolve = resolve, .free = free_resolver
    };
    struct sim_resolver *resolver = bight_calloc(1, sizeof *resolver);
    if (resolver == NULL) {
        return NULL;
    }
    resolver->resolver.ops = &ops;
    resolver->loop = loop;
    bi_list_init(&resolver->questions);
    return &resolver->resolver;
}
