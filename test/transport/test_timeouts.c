/* SPDX-License-Identifier: MIT */
/* test_timeouts.c - a connection's own deadlines on the virtual clock (T24, T5). Idle timeouts are in test_idle.c. */
#include "transport_support.h"

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

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_total_timeout_comes_whatever_happens);
    tcase_add_test(tests, bad_times_are_refused);
    tcase_add_test(tests, the_timeouts_do_not_disturb_a_linger);
}

BIGHT_TEST_MAIN("timeouts", add_tests)
