/* SPDX-License-Identifier: MIT */
/* link.c - events, and the ways between hosts that some of them travel: how long, how wide, cut or whole.
 *
 * Each ordered pair of hosts has a way with conditions of its own; settings are kept as rules, so that a host that is
 * made later falls under those for any host. An event that comes to its time while its way is cut is held, in order,
 * and goes on when the way is healed; one from or to a host that has vanished never happens. */
#include <string.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

#define DEFAULT_LATENCY (50 * BI_SIM_MILLISECOND / 1000)

/* -------------------------------------------------------------------------------------------- events */

static bool way_is_lost(const struct bight_host *from, const struct bight_host *to)
{
    return from != to && (from->vanished || to->vanished);
}

static void event_is_due(struct bi_wheel_entry *entry)
{
    struct bi_sim_event *event = BI_CONTAINER(entry, struct bi_sim_event, entry);
    if (event->from != NULL) {
        if (way_is_lost(event->from, event->to)) {
            return;
        }
        if (bi_sim_way(event->from, event->to)->apart) {
            bi_list_append(&event->simulation->held, &event->held);
            return;
        }
    }
    event->run(event);
}

void bi_sim_event_init(struct bi_sim_event *event, struct bight_simulation *simulation, struct bight_host *from,
    struct bight_host *to, void (*run)(struct bi_sim_event *event))
{
    *event = (struct bi_sim_event) {
        .entry.function = event_is_due, .simulation = simulation, .from = from, .to = to, .run = run
    };
}

void bi_sim_event_disarm(struct bi_sim_event *event)
{
    if (event->simulation == NULL) {
        return; /* never prepared */
    }
    bi_wheel_disarm(&event->simulation->wheel, &event->entry);
    if (event->held.next != NULL) {
        bi_list_remove(&event->held);
        event->held.next = NULL;
    }
}

void bi_sim_event_arm(struct bi_sim_event *event, uint64_t when)
{
    bi_sim_event_disarm(event);
    bi_wheel_arm(&event->simulation->wheel, &event->entry, when);
}

static void release_held(struct bight_simulation *simulation)
{
    struct bi_link held;
    bi_list_take_all(&held, &simulation->held);
    BI_LIST_EACH_TAKEN (link, &held) {
        struct bi_sim_event *event = BI_CONTAINER(link, struct bi_sim_event, held);
        if (bi_sim_way(event->from, event->to)->apart) {
            bi_list_append(&simulation->held, &event->held);
            continue;
        }
        event->held.next = NULL;
        bi_sim_event_arm(event, simulation->now + bi_sim_latency(event->from, event->to));
    }
}

/* ---------------------------------------------------------------------------------------------- ways */

struct bi_sim_way *bi_sim_way(struct bight_host *from, const struct bight_host *to)
{
    return &from->ways[to->index];
}

bool bi_sim_is_cut(struct bight_host *from, const struct bight_host *to)
{
    return way_is_lost(from, to) || bi_sim_way(from, to)->apart;
}

static uint64_t nanoseconds(double seconds)
{
    return seconds > 0 ? (uint64_t)(seconds * (double)BIGHT_NANOSECONDS_PER_SECOND) : 0;
}

uint64_t bi_sim_latency(struct bight_host *from, struct bight_host *to)
{
    const struct bight_link_conditions *conditions = &bi_sim_way(from, to)->conditions;
    uint64_t latency = conditions->latency > 0 ? nanoseconds(conditions->latency) : DEFAULT_LATENCY;
    if (conditions->jitter > 0) {
        latency += bight_simulation_draw(from->simulation, nanoseconds(conditions->jitter));
    }
    return latency;
}

uint64_t bi_sim_arrival(struct bight_host *from, struct bight_host *to, size_t size)
{
    struct bi_sim_way *way = bi_sim_way(from, to);
    uint64_t departure = from->simulation->now;
    if (way->conditions.bytes_per_second > 0) {
        departure = way->busy_until > departure ? way->busy_until : departure;
        departure += nanoseconds((double)size / way->conditions.bytes_per_second);
        way->busy_until = departure;
    }
    return departure + bi_sim_latency(from, to);
}

/* --------------------------------------------------------------------------------------------- rules */

static bool is_meant(const struct bight_host *rule, const struct bight_host *host)
{
    return rule == NULL || rule == host;
}

static bool applies(const struct bi_sim_rule *rule, const struct bight_host *from, const struct bight_host *to)
{
    return (is_meant(rule->one, from) && is_meant(rule->other, to)) ||
           (is_meant(rule->one, to) && is_meant(rule->other, from));
}

/* No cable is between a host and itself. */
static void apply(const struct bi_sim_rule *rule, struct bight_host *from, const struct bight_host *to)
{
    struct bi_sim_way *way = bi_sim_way(from, to);
    if (!applies(rule, from, to)) {
        return;
    }
    if (!rule->is_partition) {
        way->conditions = rule->conditions;
    } else if (from != to) {
        way->apart = rule->apart;
    }
}

static void apply_to_all(struct bight_simulation *simulation, const struct bi_sim_rule *rule)
{
    for (uint32_t from = 0; from < simulation->host_count; from++) {
        for (uint32_t to = 0; to < simulation->host_count; to++) {
            apply(rule, simulation->hosts[from], simulation->hosts[to]);
        }
    }
}

/* Later rules win: one for the same pair replaces the earlier. */
static void add_rule(struct bight_simulation *simulation, const struct bi_sim_rule *given)
{
    apply_to_all(simulation, given);
    struct bi_sim_rule *rule = bi_sim_allocate(sizeof *rule);
    BI_INVARIANT(rule != NULL);
    *rule = *given;
    bi_list_append(&simulation->rules, &rule->link);
    for (struct bi_link *link = simulation->rules.next; link != &rule->link;) {
        struct bi_sim_rule *old = BI_CONTAINER(link, struct bi_sim_rule, link);
        link = link->next;
        if (old->one == rule->one && old->other == rule->other && old->is_partition == rule->is_partition) {
            bi_list_remove(&old->link);
            bi_testing_plain_free(old);
        }
    }
}

void bi_sim_free_rules(struct bight_simulation *simulation)
{
    BI_LIST_EACH_TAKEN (link, &simulation->rules) {
        bi_testing_plain_free(BI_CONTAINER(link, struct bi_sim_rule, link));
    }
}

/* Called when the host is the last of the simulation's. */
bool bi_sim_make_ways(struct bight_host *host)
{
    struct bight_simulation *simulation = host->simulation;
    for (uint32_t i = 0; i < simulation->host_count; i++) {
        struct bight_host *each = simulation->hosts[i];
        size_t before = each == host ? 0 : simulation->host_count - 1;
        struct bi_sim_way *ways = bi_testing_plain_realloc(each->ways, simulation->host_count * sizeof *ways);
        if (ways == NULL) {
            return false;
        }
        each->ways = ways;
        memset(ways + before, 0, (simulation->host_count - before) * sizeof *ways);
    }
    for (struct bi_link *link = simulation->rules.next; link != &simulation->rules; link = link->next) {
        const struct bi_sim_rule *rule = BI_CONTAINER(link, struct bi_sim_rule, link);
        for (uint32_t i = 0; i < simulation->host_count; i++) {
            apply(rule, simulation->hosts[i], host);
            apply(rule, host, simulation->hosts[i]);
        }
    }
    return true;
}

void bight_simulation_link(struct bight_simulation *simulation, struct bight_host *from, struct bight_host *to,
    const struct bight_link_conditions *conditions)
{
    const struct bi_sim_rule rule = { .one = from, .other = to, .conditions = *conditions };
    add_rule(simulation, &rule);
}

void bight_simulation_partition(
    struct bight_simulation *simulation, struct bight_host *one, struct bight_host *other, bool apart)
{
    const struct bi_sim_rule rule = { .one = one, .other = other, .is_partition = true, .apart = apart };
    add_rule(simulation, &rule);
    release_held(simulation);
}

void bight_host_vanish(struct bight_host *host)
{
    host->vanished = true;
}
