/* SPDX-License-Identifier: MIT */
/* Listening, connecting and a conversation while memory runs out at every place in turn (D34, T15, E1, E2): no crash,
 * no leak, nothing left open, and the documented error. */
#include "net_support.h"

#include <bight/sys/resolver.h>
#include <bight/testing.h>

static struct net net;
static struct outcome listened, connected;

/* Memory is the only thing that may be missing. */
static bool is_honest(const struct outcome *outcome)
{
    if (outcome->code == 0) {
        return true;
    }
    return bight_testing_fault_injected() && outcome->code == BIGHT_E_OUT_OF_MEMORY;
}

static void ignore(const struct bight_log_event *event, void *context)
{
    (void)event;
    (void)context;
}

/* Two addresses at once: nobody listens on the first. */
static struct bight_deferred *resolve_two(struct bight_resolver *resolver, const char *name, uint16_t port)
{
    struct bight_address_list *list = bight_address_list_new(2);
    (void)resolver;
    (void)name;
    if (list == NULL) {
        return bight_fail(bight_failure_of(BIGHT_E_OUT_OF_MEMORY));
    }
    bight_address_parse_ip(&list->addresses[0], "127.0.0.2", port);
    bight_address_parse_ip(&list->addresses[1], "127.0.0.1", port);
    return bight_succeed(&bight_type_address_list, list);
}

static void free_nothing(struct bight_resolver *resolver)
{
    (void)resolver;
}

static const struct bight_resolver_ops resolver_ops = {
    .size = sizeof resolver_ops, .resolve = resolve_two, .free = free_nothing
};
static struct bight_resolver resolver_of_two = { &resolver_ops };
static const char *host;

static bool converse(void)
{
    char target[64];
    struct bight_port *port = listened.value;
    snprintf(target, sizeof target, "tcp:%s:%u:timeout=5", host, (unsigned)net_port_number(port));
    if (bight_reactor_set_resolver(net.reactor, &resolver_of_two) != BIGHT_OK) {
        return true;
    }
    watch_if_possible(bight_connect(net.reactor, target, &probe_factory), &connected);
    for (int i = 0; i < 50; i++) {
        net_turn(&net, 1);
    }
    if (!connected.fired || !is_honest(&connected)) {
        return false;
    }
    if (connected.type == &bight_type_protocol) {
        struct bight_protocol *protocol = connected.value;
        bight_transport_write(protocol->transport, "hello", 5);
        net_turn(&net, 20);
        if (!bight_testing_fault_injected() && seen.received < 10) {
            return false; /* there and back */
        }
    }
    return true;
}

static bool live(void *endpoint)
{
    struct bight_reactor *reactor;
    bool good = true;
    int before = count_descriptors();
    memset(&seen, 0, sizeof seen);
    memset(&net, 0, sizeof net);
    memset(&connected, 0, sizeof connected);
    bight_log_set_observer(ignore, NULL);
    probe_factory.ops = &plain_factory_ops;
    seen.on_made = NULL;
    net.reactor = reactor = fake_reactor(&net.fake);
    if (reactor == NULL) {
        return bight_testing_fault_injected() && count_descriptors() == before;
    }
    watch_if_possible(bight_listen(reactor, endpoint, &probe_factory), &listened);
    good = listened.fired && is_honest(&listened);
    if (listened.value != NULL) {
        seen.echo = true;
        good = good && converse();
        net_stop(listened.value);
    }
    forget_outcome(&connected);
    forget_outcome(&listened);
    bight_reactor_free(reactor);
    return good && seen.made == seen.lost && seen.started == seen.stopped && count_descriptors() == before;
}

START_TEST(listening_and_connecting_survive_every_lack_of_memory) /* D34, T15, E1, E2 */
{
    host = _i == 0 ? "127.0.0.1" : "example.org";
    ck_assert_uint_eq(bight_testing_with_faults(live, (void *)(uintptr_t) "tcp:0:interface=127.0.0.1", 0), 0);
}
END_TEST

static void stop_at_once(void *reactor)
{
    bight_reactor_stop(reactor);
}

static bool serve_unix(void *path)
{
    char endpoint[128];
    int before = count_descriptors();
    snprintf(endpoint, sizeof endpoint, "unix:%s:mode=600", (const char *)path);
    memset(&seen, 0, sizeof seen);
    bight_log_set_observer(ignore, NULL);
    struct bight_reactor *reactor = bight_reactor_new();
    if (reactor == NULL) {
        return bight_testing_fault_injected();
    }
    int code = bight_serve(reactor, endpoint, &probe_factory);
    int status = 0;
    if (bight_call_when_running(reactor, stop_at_once, reactor) == 0) {
        status = bight_reactor_run(reactor);
    }
    bight_reactor_free(reactor);
    bool is_honest_code = code == 0 || bight_testing_fault_injected();
    return is_honest_code && (status == 0 || bight_testing_fault_injected()) && access(path, F_OK) != 0 &&
           count_descriptors() == before && seen.started == seen.stopped;
}

START_TEST(serving_survives_every_lack_of_memory) /* D34, E1 */
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/bight-faults-%d", (int)getpid());
    ck_assert_uint_eq(bight_testing_with_faults(serve_unix, path, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, listening_and_connecting_survive_every_lack_of_memory, 0, 2);
    tcase_add_test(tests, serving_survives_every_lack_of_memory);
}

BIGHT_TEST_MAIN("endpoint_faults", add_tests)
