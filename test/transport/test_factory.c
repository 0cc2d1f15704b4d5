/* SPDX-License-Identifier: MIT */
/* test_factory.c - factories that free themselves, and factories in front of others (T4, T15, T16). */
#include <bight/testing/simulation.h>

#include "transport/transport.h"
#include "transport_support.h"

/* ------------------------------------------------------------------------------ from the heap, and gone */

static void heap_release(struct bight_factory *factory)
{
    hear("release");
    bight_free(factory);
}

static void heap_started(struct bight_factory *factory)
{
    (void)factory;
    hear("started");
}

static void heap_stopped(struct bight_factory *factory)
{
    (void)factory;
    hear("stopped");
}

static void tell_end(struct bight_factory *factory, const struct bight_failure *reason)
{
    (void)factory;
    (void)reason;
    hear("ended");
}

static const struct bight_factory_ops heap_ops = {
    .started = heap_started, .stopped = heap_stopped, .release = heap_release
};

static struct bight_factory *heap_factory(void)
{
    struct bight_factory *factory = bight_malloc(sizeof *factory);
    if (factory != NULL) {
        *factory = (struct bight_factory)BIGHT_FACTORY(struct bight_protocol, &probe_ops);
        factory->ops = &heap_ops;
    }
    return factory;
}

START_TEST(a_factory_is_released_once_after_its_last_connection) /* T16 */
{
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_factory *factory = heap_factory();
    struct bight_string_peer *first = bight_string_connect(own, factory, true);
    struct bight_string_peer *second = bight_string_connect(own, factory, true);
    ck_heard("started made made");
    bight_string_reset(first, 0);
    ck_heard("lost:CONNECTION_LOST");
    bight_string_reset(second, 0);
    ck_heard("lost:CONNECTION_LOST stopped release");
    bight_string_peer_free(first);
    bight_string_peer_free(second);
    bight_reactor_free(own);
}
END_TEST

START_TEST(a_factory_stays_as_long_as_one_of_its_protocols)
{
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_string_peer *far = bight_string_connect(own, heap_factory(), true);
    struct bight_protocol *held = bight_protocol_hold(bight_string_protocol(far));
    bight_string_reset(far, 0);
    ck_heard("started made lost:CONNECTION_LOST stopped");
    ck_assert_ptr_nonnull(bight_self(struct bight_protocol, held));
    bight_protocol_release(held);
    ck_heard("release");
    bight_string_peer_free(far);
    bight_reactor_free(own);
}
END_TEST

START_TEST(a_hold_puts_the_release_off_and_a_factory_can_be_used_again)
{
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_factory *factory = bight_factory_hold(heap_factory());
    for (int i = 0; i < 2; i++) {
        struct bight_string_peer *far = bight_string_connect(own, factory, true);
        bight_string_reset(far, 0);
        ck_heard("started made lost:CONNECTION_LOST stopped");
        bight_string_peer_free(far);
    }
    bight_factory_release(factory);
    ck_heard("release");
    bight_factory_release(NULL);
    bight_reactor_free(own);
}
END_TEST

START_TEST(a_protocol_that_was_never_connected_holds_its_factory_too)
{
    struct bight_protocol *unused = bight_protocol_new(heap_factory());
    bight_protocol_free(unused);
    ck_heard("release");
}
END_TEST

static void again_stopped(struct bight_factory *factory)
{
    static bool was_here;
    hear("stopped");
    if (!was_here) {
        was_here = true;
        peer = bight_string_connect(reactor, factory, true);
    }
}

START_TEST(a_factory_that_is_used_again_when_it_stops_is_not_released)
{
    static const struct bight_factory_ops ops = { .stopped = again_stopped, .release = heap_release };
    struct bight_factory *factory = heap_factory();
    factory->ops = &ops;
    reactor = bight_testing_reactor_new();
    struct bight_string_peer *first = bight_string_connect(reactor, factory, true);
    bight_string_reset(first, 0);
    ck_heard("made lost:CONNECTION_LOST stopped made");
    bight_string_reset(peer, 0);
    ck_heard("lost:CONNECTION_LOST stopped release");
    bight_string_peer_free(first);
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
}
END_TEST

/* ------------------------------------------------------------------------- what is called takes it, always */

static int code_of(struct bight_deferred *deferred)
{
    struct bight_result *result = bight_deferred_result(deferred);
    int code = result == NULL ? 1 : bight_failure_code(bight_result_failure(result));
    if (result != NULL) {
        bight_result_clear(result);
    }
    bight_deferred_release(deferred);
    return code;
}

START_TEST(listening_and_connecting_take_it_when_they_fail) /* E1, D33 */
{
    struct bight_reactor *own = bight_testing_reactor_new();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_int_eq(code_of(bight_listen(own, "tcp:what", heap_factory())), BIGHT_E_BAD_VALUE);
    ck_heard("release");
    ck_assert_int_lt(code_of(bight_listen(own, "tcp:7", heap_factory())), 0);
    ck_heard("release");
    ck_assert_int_eq(code_of(bight_connect(own, "nonsense", heap_factory())), BIGHT_E_UNKNOWN_TYPE);
    ck_heard("release");
    struct bight_factory *senseless = heap_factory();
    senseless->protocol_ops = NULL;
    ck_assert_int_eq(code_of(bight_listen(own, "tcp:7", senseless)), BIGHT_E_INVALID_ARGUMENT);
    ck_heard("release");
    bight_reactor_free(own);
}
END_TEST

START_TEST(serving_and_connecting_in_a_network_free_what_they_were_given) /* T16, E3 */
{
    struct bight_simulation *simulation = bight_simulation_new(1);
    struct bight_host *host = bight_simulation_host(simulation, "server");
    struct bight_reactor *own = bight_host_reactor(host);
    ck_assert_int_eq(bight_serve(own, "tcp:7", heap_factory()), 0);
    ck_heard("started");
    struct bight_deferred *connecting = bight_connect(own, "tcp:server:7", heap_factory());
    bight_simulation_run(simulation, 1);
    ck_heard("started made made");
    bight_deferred_release(connecting);
    struct bight_deferred *cancelled = bight_connect(own, "tcp:server:7", heap_factory());
    ck_heard("started");
    bight_deferred_cancel(cancelled);
    ck_assert_int_eq(code_of(cancelled), BIGHT_E_CANCELLED);
    ck_heard("stopped release");
    bight_reactor_free(own);
    ck_assert_ptr_nonnull(strstr(heard, "release"));
    ck_assert_ptr_nonnull(strstr(strstr(heard, "release") + 1, "release"));
    heard[0] = '\0';
    bight_simulation_free(simulation);
}
END_TEST

/* ------------------------------------------------------------------------------- one in front of another */

struct front {
    struct bight_factory base;
    const char *name;
};

static const char *name_of(const struct bight_factory *factory)
{
    return ((const struct front *)factory)->name;
}

static void front_started(struct bight_factory *factory)
{
    hear("%s:started", name_of(factory));
}

static void front_stopped(struct bight_factory *factory)
{
    hear("%s:stopped", name_of(factory));
}

static void front_ended(struct bight_factory *factory, const struct bight_failure *reason)
{
    hear("%s:ended:%s", name_of(factory), bight_error_name(bight_failure_code(reason)));
}

static void front_release(struct bight_factory *factory)
{
    hear("%s:release", name_of(factory));
    bight_free(factory);
}

static bool front_admits(struct bight_factory *factory, const struct bight_address *from)
{
    bool yes = from->port != 666;
    hear("%s:%s", name_of(factory), yes ? "yes" : "no");
    return yes;
}

static const struct bight_factory_ops front_ops = { .started = front_started,
    .stopped = front_stopped,
    .connection_ended = front_ended,
    .admit = front_admits,
    .release = front_release };

static struct bight_factory *front(struct bight_factory *inner, const char *name)
{
    struct front *made = bight_malloc(sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    struct bight_factory over = BIGHT_FACTORY_OVER(inner, &front_ops, NULL);
    struct bight_factory own = BIGHT_FACTORY(struct bight_protocol, &probe_ops);
    own.ops = &front_ops;
    *made = (struct front) { inner != NULL ? over : own, name };
    return &made->base;
}

START_TEST(factories_in_a_row_start_inside_out_stop_outside_in_and_all_hear_of_the_end) /* T4, T16 */
{
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_factory *row = front(front(front(NULL, "c"), "b"), "a");
    struct bight_string_peer *far = bight_string_connect(own, row, true);
    ck_heard("c:started b:started a:started made");
    bight_string_reset(far, 0);
    ck_heard("lost:CONNECTION_LOST c:ended:CONNECTION_LOST a:ended:CONNECTION_LOST b:ended:CONNECTION_LOST a:stopped "
             "a:release b:stopped b:release c:stopped c:release");
    bight_string_peer_free(far);
    bight_reactor_free(own);
}
END_TEST

START_TEST(a_row_that_is_never_used_goes_as_a_whole) /* E1 */
{
    struct bight_reactor *own = bight_testing_reactor_new();
    ck_assert_int_lt(code_of(bight_listen(own, "tcp:what", front(front(NULL, "b"), "a"))), 0);
    ck_heard("a:release b:release");
    bight_reactor_free(own);
}
END_TEST

START_TEST(an_inner_factory_that_somebody_else_uses_stays) /* T16 */
{
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_factory *inner = front(NULL, "b");
    struct bight_string_peer *first = bight_string_connect(own, inner, true);
    struct bight_string_peer *second = bight_string_connect(own, front(inner, "a"), true);
    ck_heard("b:started made a:started made");
    bight_string_reset(second, 0);
    ck_heard("lost:CONNECTION_LOST b:ended:CONNECTION_LOST a:ended:CONNECTION_LOST a:stopped a:release");
    bight_string_reset(first, 0);
    ck_heard("lost:CONNECTION_LOST b:ended:CONNECTION_LOST b:stopped b:release");
    bight_string_peer_free(first);
    bight_string_peer_free(second);
    bight_reactor_free(own);
}
END_TEST

START_TEST(each_of_a_row_is_asked_until_one_refuses) /* T15 */
{
    struct bight_factory *row = front(front(NULL, "b"), "a");
    struct bight_address friend = { .family = BIGHT_ADDRESS_IPV4, .port = 1 };
    ck_assert(bi_factory_admits(row, &friend));
    ck_heard("a:yes b:yes");
    friend.port = 666;
    ck_assert(!bi_factory_admits(row, &friend));
    ck_heard("a:no");
    bight_factory_release(bight_factory_hold(row));
    ck_heard("a:release b:release");
}
END_TEST

/* A policy that lets every second one in. */
static struct bight_protocol *build_some(struct bight_factory *factory, const struct bight_address *from)
{
    size_t *count = factory->context;
    return ++*count % 2 == 0 ? NULL : bight_factory_build_protocol(factory->inner, from, factory);
}

START_TEST(a_factory_may_have_the_inner_one_build_or_refuse) /* T15 */
{
    static const struct bight_factory_ops ops = { .build_protocol = build_some };
    size_t count = 0;
    struct bight_factory policy = BIGHT_FACTORY_OVER(&probe_factory, &ops, &count);
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_string_peer *first = bight_string_connect(own, &policy, true);
    ck_assert_ptr_eq(bight_string_protocol(first)->factory, &probe_factory);
    ck_assert_uint_eq(probe_factory.connections, 1);
    ck_assert_uint_eq(policy.connections, 1);
    ck_assert_ptr_null(bight_string_connect(own, &policy, true));
    bight_string_peer_free(first);
    bight_reactor_free(own);
    ck_assert_uint_eq(probe_factory.connections + probe_factory.ports + policy.connections, 0);
}
END_TEST

START_TEST(an_inner_factory_of_another_reactor_is_refused) /* T16 */
{
    struct bight_factory policy = BIGHT_FACTORY_OVER(&probe_factory, NULL, NULL);
    struct bight_reactor *own = bight_testing_reactor_new(), *other = bight_testing_reactor_new();
    struct bight_string_peer *first = bight_string_connect(other, &probe_factory, true);
    ck_assert_ptr_null(bight_string_connect(own, &policy, true));
    ck_assert_int_eq(bi_factory_add_port(&policy, own), BIGHT_E_FACTORY_IN_USE);
    ck_assert_uint_eq(policy.ports, 0);
    bight_string_peer_free(first);
    bight_reactor_free(other);
    bight_reactor_free(own);
}
END_TEST

/* A switch on the first byte: the protocol that goes on is another factory's. */
static void choose(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    struct bight_factory *chosen = p->factory->context;
    struct bight_protocol *next = bight_factory_build_protocol(chosen, NULL, NULL);
    if (next == NULL || bight_transport_switch_protocol(p->transport, next, data, size) != 0) {
        bight_protocol_free(next);
        (void)bight_transport_abort_connection(p->transport);
    }
}

START_TEST(a_switch_on_the_first_byte_goes_on_with_a_protocol_of_another_factory) /* T23 */
{
    static const struct bight_protocol_ops chooser_ops = { .data_received = choose };
    struct bight_factory *chosen = heap_factory();
    struct bight_factory chooser =
        BIGHT_FACTORY_OF_SIZE(sizeof(struct bight_protocol), &chooser_ops, bight_factory_hold(chosen));
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_string_peer *far = bight_string_connect(own, &chooser, true);
    bight_string_feed_text(far, "hello");
    ck_heard("started made data:hello");
    bight_string_reset(far, 0);
    ck_heard("lost:CONNECTION_LOST stopped");
    bight_factory_release(chosen);
    ck_heard("release");
    bight_string_peer_free(far);
    bight_reactor_free(own);
}
END_TEST

static struct bight_transport *switched;

static void choose_of_second(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    switched = p->transport;
    ck_assert_int_eq(bight_transport_switch_protocol(switched, bight_protocol_new(p->factory->context), data, size), 0);
}

START_TEST(an_accepted_connection_that_was_switched_needs_no_more_memory_than_another) /* T16, T23 */
{
    static const struct bight_protocol_ops chooser_ops = { .data_received = choose_of_second };
    static const struct bight_factory_ops told_ops = { .stopped = heap_stopped, .connection_ended = tell_end };
    struct bight_factory second = BIGHT_FACTORY(struct bight_protocol, &probe_ops);
    struct bight_factory first = BIGHT_FACTORY_OF_SIZE(sizeof(struct bight_protocol), &chooser_ops, &second);
    struct bight_simulation *simulation = bight_simulation_new(1);
    struct bight_reactor *own = bight_host_reactor(bight_simulation_host(simulation, "server"));
    first.ops = &told_ops;
    struct bight_deferred *listening = bight_listen(own, "tcp:7", &first);
    struct bight_deferred *connecting = bight_connect(own, "tcp:server:7", &probe_factory);
    bight_simulation_run(simulation, 1);
    struct bight_port *port = bight_result_take(bight_deferred_result(listening), &bight_type_port);
    struct bight_protocol *far = bight_result_take(bight_deferred_result(connecting), &bight_type_protocol);
    ck_assert_int_eq(bight_transport_write(far->transport, "hello", 5), 0);
    bight_simulation_run(simulation, 1);
    ck_heard("made made data:hello");
    ck_assert_ptr_null(switched->extension);
    ck_assert_uint_eq(first.connections + second.connections, 2);
    bight_deferred_release(bight_port_stop_listening(port));
    bight_port_release(port);
    ck_heard("");
    (void)bight_transport_abort_connection(switched);
    bight_simulation_run(simulation, 1);
    ck_heard("lost:CONNECTION_ABORTED ended stopped lost:CONNECTION_LOST");
    ck_assert_uint_eq(first.connections + second.connections, 0);
    bight_protocol_release(far);
    bight_deferred_release(listening);
    bight_deferred_release(connecting);
    bight_reactor_free(own);
    bight_simulation_free(simulation);
}
END_TEST

static bool serve_with_little_memory(void *context)
{
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_factory *inner = own == NULL ? NULL : heap_factory();
    struct bight_factory *row = inner == NULL ? NULL : front(inner, "a");
    (void)context;
    if (row == NULL) {
        bight_free(inner);
    } else {
        bight_factory_hold(row);
        struct bight_string_peer *far = bight_string_connect(own, row, true);
        if (far != NULL) {
            bight_string_reset(far, 0);
        }
        bight_string_peer_free(far);
        (void)code_of(bight_listen(own, "tcp:what", row));
        bight_factory_release(row);
    }
    bight_reactor_free(own);
    heard[0] = '\0';
    return true;
}

START_TEST(rows_survive_every_failed_allocation) /* D34 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_eq(bight_testing_with_faults(serve_with_little_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_factory_is_released_once_after_its_last_connection);
    tcase_add_test(tests, a_factory_stays_as_long_as_one_of_its_protocols);
    tcase_add_test(tests, a_hold_puts_the_release_off_and_a_factory_can_be_used_again);
    tcase_add_test(tests, a_protocol_that_was_never_connected_holds_its_factory_too);
    tcase_add_test(tests, a_factory_that_is_used_again_when_it_stops_is_not_released);
    tcase_add_test(tests, listening_and_connecting_take_it_when_they_fail);
    tcase_add_test(tests, serving_and_connecting_in_a_network_free_what_they_were_given);
    tcase_add_test(tests, factories_in_a_row_start_inside_out_stop_outside_in_and_all_hear_of_the_end);
    tcase_add_test(tests, a_row_that_is_never_used_goes_as_a_whole);
    tcase_add_test(tests, an_inner_factory_that_somebody_else_uses_stays);
    tcase_add_test(tests, each_of_a_row_is_asked_until_one_refuses);
    tcase_add_test(tests, a_factory_may_have_the_inner_one_build_or_refuse);
    tcase_add_test(tests, an_inner_factory_of_another_reactor_is_refused);
    tcase_add_test(tests, a_switch_on_the_first_byte_goes_on_with_a_protocol_of_another_factory);
    tcase_add_test(tests, an_accepted_connection_that_was_switched_needs_no_more_memory_than_another);
    tcase_add_test(tests, rows_survive_every_failed_allocation);
}

BIGHT_TEST_MAIN("factory", add_tests)
