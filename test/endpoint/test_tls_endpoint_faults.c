/* SPDX-License-Identifier: MIT */
/* test_tls_endpoint_faults.c - tls: in endpoint strings, whose clients' contexts are made in threads, while memory is
 * refused, bight's and OpenSSL's, at every place in turn (L1, L13, L15): no crash, no leak, nothing left open, and
 * nobody taken for verified who was not. */
#include "net_support.h"

#include <bight/testing/ca.h>

#include "tls_support.h"

static struct net net;
static struct outcome listened, connected;
static char listening[200], ca_file[128];

static void ignore(const struct bight_log_event *event, void *context)
{
    (void)event, (void)context;
}

/* Work in threads takes as long as it takes. A wait that nothing but time ends is met only after a fault. */
#define AWAIT(condition)                                                                         \
    for (unsigned turns_ = 1; !(condition); turns_++) {                                          \
        bi_reactor_turn(net.reactor, false);                                                     \
        sched_yield();                                                                           \
        if (turns_ % 256 == 0 && bight_testing_fault_injected()) {                               \
            fake_advance(&net.fake, net.reactor, 11 * UINT64_C(1000000000)); /* L4's and more */ \
        }                                                                                        \
    }

static bool is_honest(const struct outcome *outcome)
{
    return outcome->code == 0 || bight_testing_fault_injected();
}

/* There and back, or lost. */
static bool converse(const struct bight_protocol *protocol)
{
    const struct bight_tls_session *session = bight_transport_tls(protocol->transport);
    if (session == NULL || !session->is_verified) {
        return session == NULL && bight_testing_fault_injected();
    }
    int lost = seen.lost;
    seen.received = 0;
    (void)bight_transport_write(protocol->transport, "hello", 5);
    AWAIT(seen.received >= 10 || seen.lost > lost);
    return seen.lost == lost || bight_testing_fault_injected();
}

static bool connect_and_converse(void)
{
    char target[300];
    snprintf(target, sizeof target, "tls:127.0.0.1:%u:servername=localhost:ca=%s",
        (unsigned)net_port_number(listened.value), ca_file);
    watch_if_possible(bight_connect(net.reactor, target, &probe_factory), &connected);
    AWAIT(connected.fired);
    bool is_good = is_honest(&connected);
    if (connected.type == &bight_type_protocol) {
        is_good = is_good && converse(connected.value);
    }
    forget_outcome(&connected);
    return is_good;
}

/* The second has the first one's context, while it is reloaded. */
static bool live(void *context)
{
    (void)context;
    int before = count_descriptors();
    memset(&seen, 0, sizeof seen);
    memset(&net, 0, sizeof net);
    seen.echo = true;
    net.reactor = fake_reactor(&net.fake);
    if (net.reactor == NULL) {
        return bight_testing_fault_injected() && count_descriptors() == before;
    }
    watch_if_possible(bight_listen(net.reactor, listening, &probe_factory), &listened);
    bool is_good = listened.fired && is_honest(&listened);
    if (listened.value != NULL) {
        is_good = connect_and_converse() && is_good;
        (void)bight_reload_endpoints(net.reactor);
        is_good = connect_and_converse() && is_good;
        net_stop(listened.value);
    }
    forget_outcome(&listened);
    bight_reactor_free(net.reactor);
    return is_good && seen.made == seen.lost && seen.started == seen.stopped && count_descriptors() == before;
}

START_TEST(a_client_of_a_string_has_its_context_or_fails) /* L1, L13, L15 */
{
    make_place();
    struct bight_testing_ca *ca = bight_testing_ca_new("Testing Root", NULL);
    const struct bight_testing_certificate *good = bight_testing_certificate_new(ca, NULL);
    snprintf(listening, sizeof listening, "tls:0:interface=127.0.0.1:cert=%s", put_file("server.pem", good->all, 0600));
    snprintf(ca_file, sizeof ca_file, "%s", put_file("ca.pem", bight_testing_ca_pem(ca), 0600));
    bight_log_set_observer(ignore, NULL);
    probe_factory.ops = &plain_factory_ops;
    ck_survives_faults(live, NULL);
    bight_testing_certificate_free(good);
    bight_testing_ca_free(ca);
    remove_place();
}
END_TEST

int main(void)
{
    if (!hook_openssl(199)) {
        return EXIT_FAILURE;
    }
    Suite *suite = suite_create("tls_endpoint_faults");
    TCase *tests = tcase_create("tls_endpoint_faults");
    give_faults_time(tests);
    tcase_add_test(tests, a_client_of_a_string_has_its_context_or_fails);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
