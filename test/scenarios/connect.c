/* SPDX-License-Identifier: MIT */
/* connect.c - scenario: connecting to a name with good, refusing and silent addresses, cancelling, connecting again.
 *
 * Look-ups fail or come late, attempts are refused or lost, callers lose patience at random moments. Each attempt
 * returns exactly one outcome of a kind that can have come of it; whoever was not cancelled and has a good address gets
 * there, unless what can go wrong with a good address does; and when all is at rest no descriptor is left. */
#include "scenario.h"

#include <string.h>

#define MAX_CALLERS 8
#define MAX_ATTEMPTS 4
#define MAX_ADDRESSES 3

enum { GOOD_IPV4_ONLY, GOOD, REFUSING, SILENT, KINDS };

struct connecting {
    struct audit audit;
    struct trouble trouble;
    struct bight_reactor *client;
    struct bight_factory callers, servers[MAX_ADDRESSES];
    bool has_good;
};

/* One who wants to be connected, and tries again. */
struct caller {
    struct connecting *scenario;
    struct bight_deferred *attempt; /* held while one is under way */
    struct bight_timer patience;
    unsigned attempts;
    bool cancelled;
};

struct greeter {
    struct bight_protocol base;
    struct end end;
};

static struct connecting *scenario_of(const struct bight_protocol *protocol)
{
    return protocol->factory->context;
}

static void greeter_made(struct bight_protocol *protocol)
{
    struct greeter *greeter = bight_self(struct greeter, protocol);
    struct connecting *scenario = scenario_of(protocol);
    end_made(&greeter->end, protocol);
    /* a server's reset may be there before the connection is looked at: then the attempt has failed */
    bool may_abort = protocol->factory == &scenario->callers || scenario->trouble.resets;
    if (may_abort && draw(&scenario->audit, 10)) {
        (void)bight_transport_abort_connection(protocol->transport);
        return;
    }
    (void)bight_transport_write(protocol->transport, "hello", 5);
}

static void greeter_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    struct greeter *greeter = bight_self(struct greeter, protocol);
    (void)data;
    (void)size;
    end_hears(&greeter->end);
    (void)bight_transport_lose_connection(protocol->transport);
}

static void greeter_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    end_lost(&bight_self(struct greeter, protocol)->end, reason);
}

static const struct bight_protocol_ops greeter_ops = {
    .connection_made = greeter_made, .data_received = greeter_received, .connection_lost = greeter_lost
};

/* ------------------------------------------------------------------------------------------- callers */

static void try_again(void *context);

static void later(struct caller *caller)
{
    if (caller->attempts < MAX_ATTEMPTS) {
        (void)bight_call_later(
            caller->scenario->client, draw_seconds(&caller->scenario->audit, 3), try_again, caller, NULL);
    }
}

static bool may_fail(const struct connecting *scenario)
{
    return !scenario->has_good || scenario->trouble.refusals || scenario->trouble.names || scenario->trouble.files ||
           scenario->trouble.resets;
}

static void check_failure(const struct caller *caller, const struct bight_failure *failure)
{
    int code = bight_failure_code(failure);
    if (code == BIGHT_E_CANCELLED) {
        if (!caller->cancelled) {
            audit_wrong("cancelled, and nobody did");
        }
        return;
    }
    if (!may_fail(caller->scenario)) {
        audit_wrong("there is a good address, and connecting failed: %.200s", bight_failure_message(failure));
    }
    if (!bight_error_is(code, BIGHT_E_CONNECT) && !bight_error_is(code, BIGHT_E_SYSTEM) &&
        !bight_error_is(code, BIGHT_E_CONNECTION) && code != BIGHT_E_ALL_FAILED) {
        audit_wrong("connecting failed in a strange way: %s", bight_error_name(code));
    }
}

static void has_come_out(struct bight_result *result, void *context)
{
    struct caller *caller = context;
    struct bight_protocol *protocol = bight_result_peek(result, &bight_type_protocol);
    (void)bight_timer_cancel(caller->patience);
    if (protocol == NULL) {
        check_failure(caller, bight_result_failure(result));
    } else if (!bight_self(struct greeter, protocol)->end.made) {
        audit_wrong("connected before connection_made");
    }
    bight_result_clear(result);
    later(caller);
}

static void lose_patience(void *context)
{
    struct caller *caller = context;
    caller->cancelled = true;
    bight_deferred_cancel(caller->attempt);
}

static void try_again(void *context)
{
    struct caller *caller = context;
    struct connecting *scenario = caller->scenario;
    bight_deferred_release(caller->attempt);
    caller->attempts++;
    caller->cancelled = false;
    caller->attempt = bight_connect(scenario->client, "tcp:service:7", &scenario->callers);
    if (draw(&scenario->audit, 40)) {
        (void)bight_call_later(scenario->client,
            draw(&scenario->audit, 50) ? draw_seconds(&scenario->audit, 0.3) : draw_seconds(&scenario->audit, 20),
            lose_patience, caller, &caller->patience);
    }
    (void)bight_deferred_add_both(caller->attempt, has_come_out, caller);
    audit_watch(&scenario->audit, bight_deferred_hold(caller->attempt));
}

/* ------------------------------------------------------------------------------------------- the run */

/* One more host behind the name. */
static void add_address(struct connecting *scenario, struct bight_host *client, size_t index)
{
    struct audit *audit = &scenario->audit;
    const char *const names[] = { "first", "second", "third" };
    struct bight_host *host = bight_simulation_host(audit->simulation, names[index]);
    unsigned kind = (unsigned)bight_simulation_draw(audit->simulation, KINDS);
    char endpoint[64] = "tcp:7";
    (void)bight_simulation_name(audit->simulation, "service", host);
    if (kind == SILENT) {
        bight_simulation_partition(audit->simulation, client, host, true);
    }
    if (kind == GOOD_IPV4_ONLY) {
        char text[BIGHT_ADDRESS_TEXT_SIZE];
        struct bight_address address = *bight_host_address(host, false);
        bight_address_format(&address, text, sizeof text);
        text[strcspn(text, ":")] = '\0';
        strcat(strcpy(endpoint, "tcp:7:interface="), text);
    }
    if (kind == GOOD || kind == GOOD_IPV4_ONLY) {
        (void)audit_listen(audit, audit_reactor(audit, host, 65536), endpoint, &scenario->servers[index]);
        scenario->has_good = true;
    }
}

static void run_connect(struct connecting *scenario, struct caller *callers)
{
    struct audit *audit = &scenario->audit;
    struct bight_host *host = bight_simulation_host(audit->simulation, "client");
    size_t addresses = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_ADDRESSES);
    size_t count = 1 + (size_t)bight_simulation_draw(audit->simulation, MAX_CALLERS);
    scenario->client = audit_reactor(audit, host, 65536);
    for (size_t i = 0; i < addresses; i++) {
        add_address(scenario, host, i);
    }
    scenario->trouble = draw_trouble(audit);
    set_trouble(audit, &scenario->trouble, &host, 1);
    size_t descriptors = bight_host_descriptors(host);
    for (size_t i = 0; i < count; i++) {
        callers[i].scenario = scenario;
        (void)bight_call_later(scenario->client, draw_seconds(audit, 1), try_again, &callers[i], NULL);
    }
    bight_simulation_run(audit->simulation, 400);
    if (audit->pending != 0) {
        audit_wrong("%zu attempts have not come out", audit->pending);
    }
    if (audit->made == audit->lost && bight_host_descriptors(host) != descriptors) {
        audit_wrong("descriptors before and after: %zu and %zu", descriptors, bight_host_descriptors(host));
    }
    for (size_t i = 0; i < count; i++) {
        bight_deferred_release(callers[i].attempt);
    }
}

static const char *run(struct bight_simulation *simulation, void *context)
{
    struct connecting scenario = {
        .callers = BIGHT_FACTORY(struct greeter, &greeter_ops),
    };
    struct caller callers[MAX_CALLERS];
    (void)context;
    memset(callers, 0, sizeof callers);
    scenario.callers.context = &scenario;
    for (size_t i = 0; i < MAX_ADDRESSES; i++) {
        scenario.servers[i] = scenario.callers;
    }
    audit_begin(&scenario.audit, simulation);
    run_connect(&scenario, callers);
    return audit_end(&scenario.audit);
}

const struct bight_scenario connect_scenario = { "connect", run, NULL };
