/* SPDX-License-Identifier: MIT */
/* test_protocol.c - the life of protocols and factories: holds, ties, scopes, results, refusals (T3, T15, T16, D31,
 * D32, D37). */
#include <bight/scope.h>

#include "base/places.h"
#include "transport_support.h"

struct larger {
    struct bight_protocol base;
    char name[100];
};

START_TEST(self_gives_the_programs_own_struct_and_checks_the_size)
{
    struct bight_factory factory = BIGHT_FACTORY(struct larger, &probe_ops);
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    struct bight_protocol *large = bight_protocol_new(&factory);
    struct bight_protocol *small = bight_protocol_new(&probe_factory);
    struct larger *self = bight_self(struct larger, large);
    ck_assert_ptr_eq(self, large);
    ck_assert_int_eq(self->name[99], 0);
    ck_assert_ptr_null(bight_self(struct larger, small));
    bight_protocol_free(large);
    bight_protocol_free(small);
    bight_protocol_free(NULL);
}
END_TEST

START_TEST(a_protocol_without_a_connection_answers_closed) /* T3 */
{
    struct bight_protocol *p = bight_protocol_new(&probe_factory);
    ck_assert_int_eq(bight_transport_write(p->transport, "x", 1), BIGHT_E_CLOSED);
    ck_assert(!bight_transport_is_open(p->transport));
    bight_protocol_free(p);
}
END_TEST

static void finish(struct bight_protocol *p)
{
    hear("finish%s", p->transport == NULL ? "!" : "");
}

START_TEST(finish_is_called_when_the_last_hold_has_gone) /* T3 */
{
    static const struct bight_protocol_ops ops = { .connection_lost = probe_lost, .finish = finish };
    struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &ops);
    struct bight_reactor *own = bight_testing_reactor_new();
    struct bight_string_peer *far = bight_string_connect(own, &factory, true);
    struct bight_protocol *held = bight_protocol_hold(bight_string_protocol(far));
    bight_string_reset(far, 0);
    ck_heard("lost:CONNECTION_LOST");
    bight_protocol_release(held);
    ck_heard("finish");
    bight_protocol_free(bight_protocol_new(&factory));
    ck_heard("finish");
    bight_string_peer_free(far);
    bight_reactor_free(own);
}
END_TEST

static void *memory_of_last;

static void set_memory(struct bight_protocol *made, void *memory)
{
    ck_assert_ptr_nonnull(made->factory);
    memory_of_last = memory;
}

START_TEST(releasing_no_protocol_does_nothing) /* T3 */
{
    bight_protocol_release(NULL);
    bight_stream_release(NULL);
}
END_TEST

START_TEST(memory_for_a_receiver_comes_with_the_protocol_zeroed_and_behind_the_program_s)
{
    static const struct bight_protocol_ops with_memory = { .memory_size = 40, .set_memory = set_memory };
    for (size_t more = 0; more < 20; more++) {
        struct bight_factory factory = BIGHT_FACTORY_OF_SIZE(sizeof(struct bight_protocol) + more, &with_memory, NULL);
        struct bight_protocol *made = bight_protocol_new(&factory);
        uint8_t *memory = memory_of_last;
        ck_assert_uint_eq((uintptr_t)memory % _Alignof(max_align_t), 0);
        ck_assert(memory >= (uint8_t *)made + factory.protocol_size);
        for (size_t i = 0; i < 40; i++) {
            ck_assert_uint_eq(memory[i], 0);
        }
        memset(memory, 0xff, 40);
        bight_protocol_free(made);
    }
}
END_TEST

START_TEST(freeing_a_connected_protocol_is_a_usage_error)
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    bight_protocol_free(protocol);
    bight_string_feed_text(peer, "x");
    ck_heard("data:x");
    tear_down();
}
END_TEST

START_TEST(a_factory_without_a_size_makes_nothing)
{
    struct bight_factory factory = { 0 };
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_ptr_null(bight_protocol_new(&factory));
}
END_TEST

/* ---------------------------------------------------------------------------------------------- ties */

static void told(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_failure *failure = bight_result_failure(result);
    hear("tie:%s", failure == NULL ? "value" : bight_error_name(bight_failure_code(failure)));
    bight_result_clear(result);
}

static struct bight_promise tie_one(struct bight_protocol *p)
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(deferred, told, NULL);
    bight_deferred_release(bight_protocol_tie(p, deferred));
    return promise;
}

START_TEST(ties_are_cancelled_when_the_connection_ends) /* D32, T4 */
{
    set_up();
    struct bight_promise first = tie_one(protocol);
    tie_one(protocol);
    ck_assert_int_eq(bight_callback(first, NULL, NULL), 0);
    ck_heard("tie:value");
    bight_string_end(peer);
    ck_heard("read-lost tie:CANCELLED lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(tying_to_what_has_ended_cancels_at_once) /* D32 */
{
    for (int tied_before = 0; tied_before < 2; tied_before++) {
        set_up();
        bight_protocol_hold(protocol);
        if (tied_before) {
            (void)bight_callback(tie_one(protocol), NULL, NULL);
        }
        bight_string_end(peer);
        heard[0] = '\0';
        tie_one(protocol);
        ck_heard("tie:CANCELLED");
        bight_protocol_release(protocol);
        tear_down();
        heard[0] = '\0';
    }
}
END_TEST

static void ask_for_addresses(struct bight_result *result, void *context)
{
    struct bight_address address;
    bight_result_clear(result);
    hear("peer:%d host:%d descriptor:%d", bight_transport_peer(context, &address),
        bight_transport_host(context, &address), bight_transport_descriptor(context));
}

START_TEST(ties_see_a_connection_that_has_no_descriptor_any_more) /* T3, T4 */
{
    set_up();
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new(&promise, NULL, NULL);
    bight_deferred_add_both(deferred, ask_for_addresses, transport);
    bight_deferred_release(bight_protocol_tie(protocol, deferred));
    bight_string_reset(peer, 0);
    char text[100];
    snprintf(text, sizeof text, "peer:%d host:%d descriptor:-1 lost:CONNECTION_LOST", BIGHT_E_CLOSED, BIGHT_E_CLOSED);
    ck_heard(text);
    tear_down();
}
END_TEST

static void tie_in_lost(struct bight_protocol *p)
{
    tie_one(p);
}

START_TEST(tying_in_connection_lost_cancels_at_once) /* D32 */
{
    on.lost = tie_in_lost;
    set_up();
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_ABORTED tie:CANCELLED");
    tear_down();
}
END_TEST

START_TEST(ties_of_a_protocol_that_was_never_connected_end_with_it) /* D32 */
{
    struct bight_protocol *p = bight_protocol_new(&probe_factory);
    tie_one(p);
    bight_protocol_free(p);
    ck_heard("tie:CANCELLED");
}
END_TEST

/* --------------------------------------------------------------------------------------------- scopes */

static void closed(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    hear("scope-closed");
}

START_TEST(closing_a_scope_loses_its_connections_and_then_aborts) /* D37 */
{
    set_up();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(bight_protocol_join_scope(protocol, scope), 0);
    ck_assert_uint_eq(bight_scope_count(scope), 1);
    struct bight_deferred *done = bight_scope_close(scope, 2);
    bight_deferred_add_both(done, closed, NULL);
    settle();
    ck_assert(bight_string_is_shut(peer));
    bight_testing_advance(reactor, 1.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("lost:CONNECTION_ABORTED scope-closed");
    bight_deferred_release(done);
    bight_scope_free(scope);
    tear_down();
}
END_TEST

static void hear_warning(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level == BIGHT_LOG_WARNING && strcmp(event->system, "scope") == 0) {
        hear("%s", event->message);
    }
}

START_TEST(a_connection_that_tries_to_outlive_its_scope_is_named_in_debug_mode) /* D37 */
{
    bight_log_set_observer(hear_warning, NULL);
    bight_deferred_set_debug(true);
    set_up();
    const char *before = bi_places_here("maker.c:1");
    struct bight_string_peer *far = bight_string_connect(reactor, &probe_factory, false);
    bi_places_here(before);
    ck_heard("made");
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(bight_protocol_join_scope(bight_string_protocol(far), scope), 0);
    bight_deferred_release(bight_scope_close(scope, 2));
    bight_testing_advance(reactor, 2.1);
    ck_heard("left in a scope whose time is up: a connection (made at maker.c:1) lost:CONNECTION_ABORTED");
    bight_string_peer_free(far);
    bight_scope_free(scope);
    tear_down();
}
END_TEST

START_TEST(a_connection_that_ends_leaves_its_scope) /* D37 */
{
    set_up();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(bight_protocol_join_scope(protocol, scope), 0);
    bight_string_end(peer);
    ck_assert_uint_eq(bight_scope_count(scope), 0);
    bight_scope_free(scope);
    tear_down();
}
END_TEST

START_TEST(a_closing_scope_takes_nobody_in) /* D37 */
{
    set_up();
    struct bight_scope *scope = bight_scope_new(bight_reactor_clock(reactor));
    bight_deferred_release(bight_scope_close(scope, 1));
    ck_assert_int_eq(bight_protocol_join_scope(protocol, scope), BIGHT_E_CANCELLED);
    bight_scope_free(scope);
    bight_transport_abort_connection(transport);
    bight_protocol_hold(protocol);
    settle();
    scope = bight_scope_new(bight_reactor_clock(reactor));
    ck_assert_int_eq(bight_protocol_join_scope(protocol, scope), BIGHT_E_CLOSED);
    bight_scope_free(scope);
    bight_protocol_release(protocol);
    tear_down();
}
END_TEST

/* -------------------------------------------------------------------------------------------- results */

START_TEST(a_result_destroyed_lets_go_and_discarded_aborts) /* D31 */
{
    set_up();
    struct bight_result result = { &bight_type_protocol, bight_protocol_hold(protocol), NULL };
    bight_result_clear(&result);
    settle();
    ck_assert(bight_transport_is_open(transport));
    bight_result_set(&result, &bight_type_protocol, bight_protocol_hold(protocol));
    bight_result_discard(&result);
    settle();
    ck_heard("lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

/* ------------------------------------------------------------------------------------------ factories */

static void started(struct bight_factory *factory)
{
    ck_assert_ptr_eq(factory->reactor, reactor);
    hear("started");
}

static void stopped(struct bight_factory *factory)
{
    ck_assert_ptr_null(factory->reactor);
    hear("stopped");
    if (factory->context != NULL) {
        free(factory);
    }
}

static void connection_ended(struct bight_factory *factory, const struct bight_failure *reason)
{
    (void)factory;
    (void)reason;
    hear("ended");
}

static const struct bight_factory_ops telling_ops = {
    .started = started,
    .stopped = stopped,
    .connection_ended = connection_ended,
};

START_TEST(a_factory_is_started_and_stopped_once_and_may_be_freed_then) /* T16 */
{
    struct bight_factory *factory = malloc(sizeof *factory);
    *factory = (struct bight_factory) { .protocol_size = sizeof(struct bight_protocol), .protocol_ops = &probe_ops };
    factory->ops = &telling_ops;
    factory->context = factory;
    reactor = bight_testing_reactor_new();
    struct bight_string_peer *first = bight_string_connect(reactor, factory, true);
    struct bight_string_peer *second = bight_string_connect(reactor, factory, true);
    ck_heard("started made made");
    struct bight_protocol *held = bight_protocol_hold(bight_string_protocol(first));
    bight_string_peer_free(first);
    ck_heard("lost:CONNECTION_LOST ended");
    bight_string_peer_free(second);
    ck_heard("lost:CONNECTION_LOST ended stopped");
    bight_protocol_release(held);
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_factory_belongs_to_one_reactor_at_a_time) /* T16 */
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    struct bight_reactor *other = bight_testing_reactor_new();
    ck_assert_ptr_null(bight_string_connect(other, &probe_factory, true));
    tear_down();
    peer = bight_string_connect(other, &probe_factory, true);
    ck_assert_ptr_nonnull(peer);
    bight_string_peer_free(peer);
    bight_reactor_free(other);
}
END_TEST

static struct bight_protocol *refuse(struct bight_factory *factory, const struct bight_address *from)
{
    (void)factory;
    (void)from;
    return NULL;
}

START_TEST(a_factory_may_refuse) /* T15, T16 */
{
    static const struct bight_factory_ops ops = { .build_protocol = refuse, .started = started, .stopped = stopped };
    struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &probe_ops);
    factory.ops = &ops;
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_null(bight_string_connect(reactor, &factory, true));
    ck_heard("started stopped");
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_factory inner = BIGHT_FACTORY(struct bight_protocol, &probe_ops);

static struct bight_protocol *ask_inner(struct bight_factory *factory, const struct bight_address *from)
{
    (void)factory;
    (void)from;
    return bight_protocol_new(&inner);
}

START_TEST(a_factory_that_wraps_another_hears_too) /* T16 */
{
    static const struct bight_factory_ops ops = {
        .build_protocol = ask_inner,
        .connection_ended = connection_ended,
        .stopped = stopped,
    };
    struct bight_factory outer = BIGHT_FACTORY(struct bight_protocol, &probe_ops);
    outer.ops = &ops;
    inner.ops = &telling_ops;
    reactor = bight_testing_reactor_new();
    peer = bight_string_connect(reactor, &outer, true);
    ck_assert_uint_eq(inner.connections, 1);
    ck_assert_uint_eq(outer.connections, 1);
    bight_string_peer_free(peer);
    ck_heard("started made lost:CONNECTION_LOST ended stopped ended stopped");
    bight_reactor_free(reactor);
}
END_TEST

static struct bight_protocol *already_used;

static struct bight_protocol *give_used(struct bight_factory *factory, const struct bight_address *from)
{
    (void)factory;
    (void)from;
    return already_used;
}

START_TEST(a_protocol_cannot_be_connected_twice) /* T15 */
{
    static const struct bight_factory_ops ops = { .build_protocol = give_used };
    struct bight_factory factory = BIGHT_FACTORY(struct bight_protocol, &probe_ops);
    factory.ops = &ops;
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    already_used = protocol;
    ck_assert_ptr_null(bight_string_connect(reactor, &factory, true));
    bight_string_feed_text(peer, "x");
    ck_heard("data:x");
    tear_down();
}
END_TEST

static void connect_another(struct bight_protocol *p)
{
    (void)p;
    ck_assert_ptr_null(bight_string_connect(reactor, &probe_factory, true));
}

START_TEST(no_connection_is_made_while_everything_is_disconnected) /* R3, T22 */
{
    on.lost = connect_another;
    set_up();
    tear_down();
    ck_heard("lost:CONNECTION_LOST");
}
END_TEST

/* ------------------------------------------------------------------------------------ when out of memory */

static bool echo_and_lose(void *context)
{
    (void)context;
    static uint8_t data[40000];
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    if (reactor == NULL) {
        return true;
    }
    peer = bight_string_connect(reactor, &probe_factory, true);
    if (peer != NULL) {
        struct bight_protocol *p = bight_string_protocol(peer);
        bight_string_set_window(peer, 10000);
        bight_string_feed(peer, data, sizeof data);
        if (p != NULL && bight_string_protocol(peer) == p) {
            tie_one(p);
            struct bight_bytes *bytes = bight_bytes_new(data, 5000);
            if (bytes != NULL) {
                (void)bight_transport_write_bytes(p->transport, bytes);
                bight_bytes_release(bytes);
            }
            (void)bight_transport_set_idle_timeout(p->transport, 5);
            (void)bight_transport_lose_connection(p->transport);
        }
        for (int i = 0; i < 10; i++) {
            bight_string_clear(peer);
        }
        bight_string_end(peer);
    }
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    bool ended = peer == NULL || strstr(heard, "lost:") != NULL;
    return ended && probe_factory.connections == 0;
}

static void try_echo(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    int code = bight_transport_write(p->transport, data, size);
    ck_assert(code == 0 || code == BIGHT_E_OUT_OF_MEMORY || code == BIGHT_E_CLOSED);
    ck_assert(code == 0 || bight_testing_fault_injected());
}

START_TEST(echo_ties_and_lose_survive_every_failed_allocation) /* D34, T6, T7 */
{
    on.data = try_echo;
    ck_assert_uint_eq(bight_testing_with_faults(echo_and_lose, NULL, 0), 0);
}
END_TEST

START_TEST(a_message_costs_no_allocation)
{
    on.data = echo;
    bight_testing_count_allocations(true); /* before anything is allocated */
    set_up();
    uint8_t *data = make_data(16384);
    bight_string_feed(peer, data, 16384);
    bight_string_feed(peer, data, 64);
    bight_string_clear(peer);
    size_t before = bight_testing_allocation_count();
    for (int i = 0; i < 100; i++) {
        bight_string_feed(peer, data, i % 2 == 0 ? 64 : 16384);
        bight_string_clear(peer);
    }
    ck_assert_uint_eq(bight_testing_allocation_count(), before);
    free(data);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, self_gives_the_programs_own_struct_and_checks_the_size);
    tcase_add_test(tests, a_protocol_without_a_connection_answers_closed);
    tcase_add_test(tests, finish_is_called_when_the_last_hold_has_gone);
    tcase_add_test(tests, releasing_no_protocol_does_nothing);
    tcase_add_test(tests, memory_for_a_receiver_comes_with_the_protocol_zeroed_and_behind_the_program_s);
    tcase_add_test(tests, freeing_a_connected_protocol_is_a_usage_error);
    tcase_add_test(tests, a_factory_without_a_size_makes_nothing);
    tcase_add_test(tests, ties_are_cancelled_when_the_connection_ends);
    tcase_add_test(tests, ties_see_a_connection_that_has_no_descriptor_any_more);
    tcase_add_test(tests, tying_to_what_has_ended_cancels_at_once);
    tcase_add_test(tests, tying_in_connection_lost_cancels_at_once);
    tcase_add_test(tests, ties_of_a_protocol_that_was_never_connected_end_with_it);
    tcase_add_test(tests, closing_a_scope_loses_its_connections_and_then_aborts);
    tcase_add_test(tests, a_connection_that_tries_to_outlive_its_scope_is_named_in_debug_mode);
    tcase_add_test(tests, a_connection_that_ends_leaves_its_scope);
    tcase_add_test(tests, a_closing_scope_takes_nobody_in);
    tcase_add_test(tests, a_result_destroyed_lets_go_and_discarded_aborts);
    tcase_add_test(tests, a_factory_is_started_and_stopped_once_and_may_be_freed_then);
    tcase_add_test(tests, a_factory_belongs_to_one_reactor_at_a_time);
    tcase_add_test(tests, a_factory_may_refuse);
    tcase_add_test(tests, a_factory_that_wraps_another_hears_too);
    tcase_add_test(tests, a_protocol_cannot_be_connected_twice);
    tcase_add_test(tests, no_connection_is_made_while_everything_is_disconnected);
    tcase_add_test(tests, echo_ties_and_lose_survive_every_failed_allocation);
    tcase_add_test(tests, a_message_costs_no_allocation);
}

BIGHT_TEST_MAIN("protocol", add_tests)
