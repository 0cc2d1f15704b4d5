/* SPDX-License-Identifier: MIT */
/* test_debug_dump.c - the picture of what waits for what: what is in it, as text.
 *
 * DOT, and where the text goes, are in test_debug_dump_output.c. */
#include "debug_dump_support.h"

#include <pthread.h>

static void pass(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
}

/* ------------------------------------------------------------------------------------ the Deferreds */

START_TEST(without_debug_mode_it_says_so_and_how_many_deferreds_there_are) /* G5 */
{
    struct bight_promise promise;
    bight_deferred_set_debug(false);
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("debug mode"), "debug mode is off (BIGHT_DEBUG=1): 1 Deferreds in this process, not known which");
    expect_not(text, "a.c:1");
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(a_deferred_has_its_place_state_age_and_handlers) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_add_callback(deferred, pass, NULL);
    bight_deferred_add_both(deferred, pass, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n1 Deferred\n");
    const char *line = line_with("a.c:1");
    expect(line, " (a.c:1), not fired, 2 handlers to call, ");
    expect(line, " s old");
    ck_assert_int_eq(line[2], '#');
    bight_callback(promise, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    line = line_with("a.c:1");
    expect(line, " (a.c:1), fired at ");
    expect(line, "with no value");
    expect_not(line, "handler");
    bight_deferred_release(deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n0 Deferreds\n");
    expect_not(text, "a.c:1");
}
END_TEST

START_TEST(what_it_fired_with_is_named) /* G5 */
{
    struct bight_deferred *failed = bight_fail_at("f.c:1", bight_failure_of(BIGHT_E_TIMED_OUT));
    struct bight_deferred *succeeded = bight_succeed_at("s.c:1", &bight_type_text, bight_strdup("secret"));
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("f.c:1"), "with a failure: ");
    expect(line_with("f.c:1"), bight_error_name(BIGHT_E_TIMED_OUT));
    expect(line_with("s.c:1"), "with a value: text");
    expect_not(text, "secret");
    bight_result_clear(bight_deferred_result(failed));
    bight_deferred_release(failed);
    bight_deferred_release(succeeded);
}
END_TEST

START_TEST(waiting_is_shown_from_both_ends) /* G5 */
{
    struct bight_promise inner_promise, outer_promise;
    struct bight_deferred *inner = bight_deferred_new_at("inner.c:1", &inner_promise, NULL, NULL, NULL);
    struct bight_deferred *outer = bight_deferred_new_at("outer.c:1", &outer_promise, NULL, NULL, NULL);
    char waits[64], awaited[64];
    bight_deferred_add_callback(outer, chain_inner, inner);
    bight_deferred_add_callback(outer, pass, NULL);
    bight_callback_at("fire.c:9", outer_promise, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    snprintf(waits, sizeof waits, "waits for %s", name_of("inner.c:1"));
    snprintf(awaited, sizeof awaited, "awaited by %s", name_of("outer.c:1"));
    expect(line_with("(outer.c:1)"), waits);
    expect(line_with("(outer.c:1)"), "fired at fire.c:9");
    expect(line_with("(outer.c:1)"), "1 handler to call");
    expect(line_with("(inner.c:1)"), awaited);
    bight_callback(inner_promise, NULL, NULL);
    bight_deferred_release(outer);
}
END_TEST

START_TEST(what_a_result_goes_on_to_is_shown) /* G5 D9 */
{
    struct bight_promise promises[3];
    struct bight_deferred *made[3];
    char gives[64];
    for (int i = 0; i < 3; i++) {
        const char *const places[] = { "one.c:1", "two.c:1", "three.c:1" };
        made[i] = bight_deferred_new_at(places[i], &promises[i], NULL, NULL, NULL);
    }
    bight_deferred_chain(made[0], promises[1]);
    struct bight_deferred *all = bight_gather_results_at("all.c:1", &made[1], 2);
    dump(BIGHT_DUMP_TEXT);
    snprintf(gives, sizeof gives, "gives on to %s", name_of("two.c:1"));
    expect(line_with("(one.c:1)"), gives);
    snprintf(gives, sizeof gives, "gives on to %s", name_of("all.c:1"));
    expect(line_with("(two.c:1)"), gives);
    expect(line_with("(three.c:1)"), gives);
    bight_callback(promises[0], NULL, NULL);
    bight_callback(promises[2], NULL, NULL);
    bight_deferred_release(made[0]);
    bight_deferred_release(all);
}
END_TEST

static void dump_inside(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    dump(BIGHT_DUMP_TEXT);
}

START_TEST(a_handler_may_ask_and_sees_itself_running) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_add_callback(deferred, dump_inside, NULL);
    bight_callback(promise, NULL, NULL);
    expect(line_with("a.c:1"), "running");
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(pausing_is_shown) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_pause(deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("a.c:1"), "not fired, paused");
    bight_deferred_unpause(deferred);
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

START_TEST(what_nobody_holds_is_told) /* G5 */
{
    struct bight_promise promise;
    struct bight_deferred *deferred = bight_deferred_new_at("a.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_release(deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("a.c:1"), "held by nobody");
    bight_callback(promise, NULL, NULL);
}
END_TEST

static void await_it(struct bight_result *result, void *deferred)
{
    (void)bight_await(deferred, result);
}

START_TEST(a_coroutine_waits_for_what_it_awaits) /* G5 D35 */
{
    struct bight_promise promise;
    char waits[64];
    struct bight_deferred *inner = bight_deferred_new_at("inner.c:1", &promise, NULL, NULL, NULL);
    struct bight_deferred *outer = bight_spawn_at("spawn.c:1", reactor, await_it, inner);
    bight_testing_settle(reactor, 100);
    dump(BIGHT_DUMP_TEXT);
    snprintf(waits, sizeof waits, "of a coroutine, not fired, waits for %s", name_of("inner.c:1"));
    expect(line_with("(spawn.c:1)"), waits);
    bight_callback(promise, NULL, NULL);
    bight_testing_settle(reactor, 100);
    bight_deferred_release(outer);
}
END_TEST

static void *make_in_thread(void *promise)
{
    return bight_deferred_new_at("thread.c:1", promise, NULL, NULL, NULL);
}

START_TEST(only_this_threads_deferreds_are_shown) /* G5 */
{
    pthread_t thread;
    void *deferred;
    struct bight_promise promise;
    ck_assert_int_eq(pthread_create(&thread, NULL, make_in_thread, &promise), 0);
    pthread_join(thread, &deferred);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n0 Deferreds\n");
    bight_callback(promise, NULL, NULL);
    bight_deferred_release(deferred);
}
END_TEST

/* ------------------------------------------------------------------------------- what else there is */

START_TEST(timers_stand_in_the_order_in_which_they_are_due) /* G5 */
{
    bight_call_later_at("late.c:1", reactor, 2.5, ignore, NULL, NULL);
    bight_call_later_at("soon.c:1", reactor, 0.25, ignore, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n2 timers\n  call (soon.c:1), due in 0.250000 s\n  call (late.c:1), due in 2.500000 s\n");
    bight_deferred_set_debug(false);
    bight_call_later(reactor, 5, ignore, NULL, NULL);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "  call, due in 5.000000 s\n");
}
END_TEST

START_TEST(a_connection_has_peer_state_unsent_bytes_and_ties) /* G5 D32 */
{
    struct bight_address host, peer_address;
    struct bight_promise promise;
    char ties[64];
    bight_address_parse_ip(&host, "192.0.2.1", 80);
    bight_address_parse_ip(&peer_address, "192.0.2.7", 4711);
    struct bight_string_peer *peer = bight_string_connect_at(reactor, &factory, true, &host, &peer_address);
    struct bight_protocol *protocol = bight_string_protocol(peer);
    struct bight_deferred *tied = bight_deferred_new_at("tied.c:1", &promise, NULL, NULL, NULL);
    bight_deferred_hold(bight_protocol_tie(protocol, tied));
    bight_string_set_window(peer, 0);
    bight_transport_write(protocol->transport, "hello", 5);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "\n1 connection\n");
    const char *line = line_with("peer");
    expect(line, ", open, peer 192.0.2.7:4711, 5 bytes to send");
    snprintf(ties, sizeof ties, "tied to it: %s", name_of("tied.c:1"));
    expect(line_with("peer"), ties);
    expect(line_with("(tied.c:1)"), "tied");
    bight_transport_lose_connection(protocol->transport);
    dump(BIGHT_DUMP_TEXT);
    expect(line_with("peer"), "closing, flushes its output");
    bight_string_peer_free(peer);
    bight_deferred_release(tied);
    bight_deferred_release(tied);
}
END_TEST

START_TEST(looking_changes_nothing) /* G5 */
{
    struct bight_address peer_address;
    bight_address_parse_ip(&peer_address, "192.0.2.7", 4711);
    struct bight_string_peer *peer = bight_string_connect_at(reactor, &factory, true, NULL, &peer_address);
    const struct bight_transport *transport = bight_string_protocol(peer)->transport;
    bool had_extension = transport->extension != NULL;
    dump(BIGHT_DUMP_TEXT);
    ck_assert(had_extension == (transport->extension != NULL));
    ck_assert_ptr_null(bight_string_protocol(peer)->reserved);
    ck_assert(!bi_reactor_has_work(reactor));
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(ports_have_address_and_connections) /* G5 */
{
    struct bight_reactor *real = bight_reactor_new();
    struct bight_deferred *listening = bight_listen_at("serve.c:1", real, "tcp:0:interface=127.0.0.1", &factory);
    bi_reactor_turn(real, false);
    ck_assert_int_eq(bight_debug_dump(real, BIGHT_DUMP_TEXT, gather, NULL), 0);
    expect(line_with("  port"), "port (serve.c:1), 127.0.0.1:");
    expect(line_with("  port"), ", 0 accepted connections");
    bight_deferred_release(listening);
    bight_reactor_free(real);
}
END_TEST

START_TEST(the_reactors_figures_come_first) /* G5 */
{
    bight_reactor_set_timing(reactor, true);
    bight_testing_advance(reactor, 1);
    dump(BIGHT_DUMP_TEXT);
    expect(text, "  reactor: ");
    ck_assert_ptr_eq(strstr(text, "  reactor: "), text);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, without_debug_mode_it_says_so_and_how_many_deferreds_there_are);
    tcase_add_test(tests, a_deferred_has_its_place_state_age_and_handlers);
    tcase_add_test(tests, what_it_fired_with_is_named);
    tcase_add_test(tests, waiting_is_shown_from_both_ends);
    tcase_add_test(tests, what_a_result_goes_on_to_is_shown);
    tcase_add_test(tests, a_handler_may_ask_and_sees_itself_running);
    tcase_add_test(tests, pausing_is_shown);
    tcase_add_test(tests, what_nobody_holds_is_told);
    tcase_add_test(tests, a_coroutine_waits_for_what_it_awaits);
    tcase_add_test(tests, only_this_threads_deferreds_are_shown);
    tcase_add_test(tests, timers_stand_in_the_order_in_which_they_are_due);
    tcase_add_test(tests, a_connection_has_peer_state_unsent_bytes_and_ties);
    tcase_add_test(tests, looking_changes_nothing);
    tcase_add_test(tests, ports_have_address_and_connections);
    tcase_add_test(tests, the_reactors_figures_come_first);
}

BIGHT_TEST_MAIN("debug_dump", add_tests)
