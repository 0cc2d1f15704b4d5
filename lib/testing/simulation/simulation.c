/* SPDX-License-Identifier: MIT */
/* simulation.c - making and ending simulations, their hosts, and the reactors on these.
 *
 * A simulation is all that its hosts stand on: one clock, one wheel of what is to happen, one source of chance, one
 * table of descriptors. What each of them does is in the other files of this folder; time passes in step.c. A reactor
 * on a host is the production reactor over the host's table of calls and a simulated loop. */
#include <string.h>

#include <bight/reactor.h>
#include <bight/sys/resolver.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define FIRST_MOMENT BIGHT_NANOSECONDS_PER_SECOND
#define MAX_HOSTS 0xfffe
#define FIRST_EPHEMERAL_PORT 32768

void *bi_sim_allocate(size_t size)
{
    void *memory = bi_testing_plain_realloc(NULL, size);
    return memory == NULL ? NULL : memset(memory, 0, size);
}

struct bight_simulation *bight_simulation_new(uint64_t seed)
{
    struct bight_simulation *simulation = bi_sim_allocate(sizeof *simulation);
    if (simulation == NULL) {
        return NULL;
    }
    simulation->now = FIRST_MOMENT;
    bi_wheel_init(&simulation->wheel, simulation->now);
    bi_list_init(&simulation->held);
    bi_list_init(&simulation->names);
    bi_list_init(&simulation->rules);
    bi_list_init(&simulation->jobs);
    bi_list_init(&simulation->datagrams);
    bi_sim_seed(simulation, seed);
    return simulation;
}

/* -------------------------------------------------------------------------------------------- ending */

static void free_name(struct bi_sim_name *name)
{
    bi_list_remove(&name->link);
    bi_testing_plain_free(name);
}

static void free_host(struct bight_host *host)
{
    BI_LIST_EACH_TAKEN (link, &host->nodes) {
        bi_sim_release_node(BI_CONTAINER(link, struct bi_sim_node, link));
    }
    bi_testing_plain_free(host->ways);
    bi_testing_plain_free(host);
}

/* What tests or leaks left open. */
static void close_files(struct bight_simulation *simulation)
{
    for (size_t i = 0; i < simulation->file_count; i++) {
        if (simulation->files[i] != NULL) {
            bi_sim_file_close(simulation->files[i], NULL);
        }
    }
}

void bight_simulation_free(struct bight_simulation *simulation)
{
    if (simulation == NULL) {
        return;
    }
    if (simulation->loop_count != 0) {
        (void)bi_usage_error(
            BIGHT_E_INVALID_ARGUMENT, BIGHT_HERE, "bight_simulation_free: reactors of it have not been freed");
        return;
    }
    bi_sim_finish_jobs(simulation);
    close_files(simulation);
    bi_sim_finish_datagrams(simulation);
    while (!bi_list_is_empty(&simulation->names)) {
        free_name(BI_CONTAINER(simulation->names.next, struct bi_sim_name, link));
    }
    for (uint32_t i = 0; i < simulation->host_count; i++) {
        free_host(simulation->hosts[i]);
    }
    bi_sim_free_rules(simulation);
    bi_testing_plain_free(simulation->hosts);
    bi_testing_plain_free(simulation->loops);
    bi_testing_plain_free(simulation->order);
    bi_testing_plain_free(simulation->files);
    bi_testing_plain_free(simulation->free_files);
    bi_testing_plain_free(simulation);
}

/* --------------------------------------------------------------------------------------------- hosts */

/* 10.0.0.1 and fd00::1 is the first. */
static void give_addresses(struct bight_host *host)
{
    uint32_t number = host->index + 1;
    uint8_t high = (uint8_t)(number >> 8), low = (uint8_t)number;
    host->ipv4 = (struct bight_address) { .family = BIGHT_ADDRESS_IPV4, .at.ipv4 = { 10, 0, high, low } };
    host->ipv6 = (struct bight_address) { .family = BIGHT_ADDRESS_IPV6, .at.ipv6 = { 0xfd } };
    host->ipv6.at.ipv6[14] = high;
    host->ipv6.at.ipv6[15] = low;
}

static struct bight_host *new_host(struct bight_simulation *simulation, const char *name)
{
    size_t size = strlen(name) + 1;
    struct bight_host *host = bi_sim_allocate(sizeof *host + size);
    if (host == NULL) {
        return NULL;
    }
    memcpy(host->name, name, size);
    host->simulation = simulation;
    host->index = simulation->host_count;
    host->next_port = FIRST_EPHEMERAL_PORT;
    bi_list_init(&host->nodes);
    for (size_t i = 0; i < BI_SIM_PORT_BUCKETS; i++) {
        bi_list_init(&host->ports[i]);
    }
    give_addresses(host);
    return host;
}

static bool is_taken(const struct bight_simulation *simulation, const char *name)
{
    for (uint32_t i = 0; i < simulation->host_count; i++) {
        if (strcmp(simulation->hosts[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

struct bight_host *bight_simulation_host(struct bight_simulation *simulation, const char *name)
{
    if (is_taken(simulation, name) || simulation->host_count == MAX_HOSTS) {
        return NULL;
    }
    struct bight_host **hosts =
        bi_testing_plain_realloc(simulation->hosts, (simulation->host_count + 1) * sizeof(struct bight_host *));
    if (hosts == NULL) {
        return NULL;
    }
    simulation->hosts = hosts;
    struct bight_host *host = new_host(simulation, name);
    if (host == NULL) {
        return NULL;
    }
    hosts[simulation->host_count++] = host;
    if (!bi_sim_make_ways(host) || bight_simulation_name(simulation, name, host) != 0) {
        simulation->host_count--;
        free_host(host);
        return NULL;
    }
    return host;
}

const struct bight_address *bight_host_address(const struct bight_host *host, bool ipv6)
{
    return ipv6 ? &host->ipv6 : &host->ipv4;
}

void bight_host_kernel(struct bight_host *host, const struct bight_kernel_conditions *conditions)
{
    host->kernel = *conditions;
}

size_t bight_host_descriptors(const struct bight_host *host)
{
    return host->descriptors;
}

static void forget_name(struct bight_simulation *simulation, const char *text)
{
    for (struct bi_link *link = simulation->names.next; link != &simulation->names;) {
        struct bi_sim_name *name = BI_CONTAINER(link, struct bi_sim_name, link);
        link = link->next;
        if (strcmp(name->text, text) == 0) {
            free_name(name);
        }
    }
}

int bight_simulation_name(struct bight_simulation *simulation, const char *text, struct bight_host *host)
{
    if (host == NULL) {
        forget_name(simulation, text);
        return 0;
    }
    size_t size = strlen(text) + 1;
    struct bi_sim_name *name = bi_sim_allocate(sizeof *name + size);
    if (name == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    name->host = host;
    memcpy(name->text, text, size);
    bi_list_append(&simulation->names, &name->link);
    return 0;
}

/* ------------------------------------------------------------------------------------------ reactors */

/* Installs one that knows the simulated hosts. 0 or a code. */
static int give_resolver(struct bight_reactor *reactor, struct bi_sim_loop *loop)
{
    struct bight_resolver *resolver = bi_sim_resolver_new(loop);
    int code = resolver == NULL ? BIGHT_E_OUT_OF_MEMORY : bight_reactor_set_resolver(reactor, resolver);
    if (code != BIGHT_OK && resolver != NULL) {
        resolver->ops->free(resolver);
    }
    return code;
}

struct bight_reactor *bight_host_reactor(struct bight_host *host)
{
    struct bi_sim_loop *loop = bi_sim_loop_new(host);
    if (loop == NULL) {
        return NULL;
    }
    struct bight_reactor_options options = {
        .size = sizeof options,
        .system = &loop->system,
        .loop = &loop->loop,
        .leave_signals = true,
    };
    struct bight_reactor *reactor = bight_reactor_new_full(&options);
    if (reactor == NULL) {
        return NULL; /* which has freed the loop */
    }
    if (give_resolver(reactor, loop) != BIGHT_OK) {
        bight_reactor_free(reactor);
        return NULL;
    }
    loop->reactor = reactor;
    return reactor;
}

/* ---------------------------------------------------------------------------------------------- time */

void bight_simulation_jump_wall_clock(struct bight_simulation *simulation, double seconds)
{
    simulation->wall_offset += (int64_t)(seconds * (double)BIGHT_NANOSECONDS_PER_SECOND);
}

double bight_simulation_now(const struct bight_simulation *simulation)
{
    return (double)(simulation->now - FIRST_MOMENT) / (double)BIGHT_NANOSECONDS_PER_SECOND;
}

void bight_simulation_set_check(struct bight_simulation *simulation, void (*check)(void *context), void *context)
{
    simulation->check = check;
    simulation->check_context = context;
}
