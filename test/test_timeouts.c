/* SPDX-License-Identifier: MIT */
/* test_timeouts.c - a connection's own deadlines on the virtual clock (T24, T5). */
#include "transport_support.h"

START_TEST(an_idle_connection_times_out_within_a_sixteenth_more) /* T24 */
{
    set_up();
    ck_assert_int_eq(bight_transport_set_idle_timeout(transport, 16), 0);
    bight_testing_advance(reactor, 15.99);
    ck_heard("");
    bight_testing_advance(reactor, 1.02);
    ck_heard("lost:TIMED_OUT");
    ck_assert(bight_string_was_reset(peer));
    tear_down();
}
END_TEST

START_TEST(input_keeps_an_idle_connection_alive) /* T24 */
{
    on.data = echo;
    set_up();
    bight_transport_set_idle_timeout(transport, 16);
    for (int i = 0; i < 20; i++) {
        bight_testing_advance(reactor, 15.5);
        bight_string_feed_text(peer, "x");
        ck_heard("data:x");
    }
    bight_testing_advance(reactor, 15.99);
    ck_heard("");
    bight_testing_advance(reactor, 1.02);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(idle_timeouts_of_many_lengths_live_side_by_side) /* T24 */
{
    struct bight_string_peer *peers[10];
    set_up();
    for (int i = 0; i < 10; i++) {
        peers[i] = bight_string_connect(reactor, &probe_factory, true);
        bight_transport_set_idle_timeout(bight_string_protocol(peers[i])->transport, 100 - 10 * i);
    }
    double passed = 0;
    for (int i = 9; i >= 0; i--) {
        double seconds = 100 - 10 * i;
        bight_testing_advance(reactor, seconds - 0.01 - passed);
        ck_assert(!bight_string_is_closed(peers[i]));
        bight_testing_advance(reactor, seconds / 16 + 0.02);
        ck_assert(bight_string_is_closed(peers[i]));
        passed = seconds + seconds / 16 + 0.01;
        bight_string_peer_free(peers[i]);
    }
    tear_down();
}
END_TEST

START_TEST(an_idle_timeout_can_be_taken_back) /* T24 */
{
    set_up();
    bight_transport_set_idle_timeout(transport, 1);
    bight_transport_set_idle_timeout(transport, 0);
    bight_testing_advance(reactor, 100);
    ck_heard("");
    ck_assert(!bight_testing_jump(reactor));
    tear_down();
}
END_TEST

START_TEST(a_total_timeout_comes_whatever_happens) /* T24 */
{
    on.data = echo;
    set_up();
    bight_transport_set_total_timeout(transport, 10);
    for (int i = 0; i < 9; i++) {
        bight_testing_advance(reactor, 1);
        bight_string_feed_text(peer, "x");
    }
    heard[0] = '\0';
    bight_testing_advance(reactor, 0.999);
    ck_heard("");
    bight_testing_advance(reactor, 0.001);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(bad_times_are_refused) /* T24 */
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_int_eq(bight_transport_set_idle_timeout(transport, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_set_total_timeout(transport, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_set_flush_timeout(transport, -1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_set_linger(transport, -1, 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_set_total_timeout(transport, 1e300), 0);
    tear_down();
}
END_TEST

START_TEST(the_timeouts_do_not_disturb_a_linger) /* T7, T24 */
{
    set_up();
    bight_transport_set_idle_timeout(transport, 1);
    bight_transport_set_total_timeout(transport, 2);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 4);
    ck_heard("");
    bight_testing_advance(reactor, 1);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(messages_arm_no_timer_and_allocate_nothing) /* T24 */
{
    on.data = echo;
    bight_testing_count_allocations(true); /* before anything is allocated */
    set_up();
    bight_transport_set_idle_timeout(transport, 1000);
    bight_string_feed_text(peer, "warm");
    bight_string_clear(peer);
    size_t before = bight_testing_allocation_count();
    for (int i = 0; i < 100; i++) {
        bight_string_feed_text(peer, "x");
        bight_string_clear(peer);
    }
    ck_assert_uint_eq(bight_testing_allocation_count(), before);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_idle_connection_times_out_within_a_sixteenth_more);
    tcase_add_test(tests, input_keeps_an_idle_connection_alive);
    tcase_add_test(tests, idle_timeouts_of_many_lengths_live_side_by_side);
    tcase_add_test(tests, an_idle_timeout_can_be_taken_back);
    tcase_add_test(tests, a_total_timeout_comes_whatever_happens);
    tcase_add_test(tests, bad_times_are_refused);
    tcase_add_test(tests, the_timeouts_do_not_disturb_a_linger);
    tcase_add_test(tests, messages_arm_no_timer_and_allocate_nothing);
}

BIGHT_TEST_MAIN("timeouts", add_tests)
