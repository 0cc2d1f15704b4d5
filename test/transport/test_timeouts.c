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

/* A peer that takes so much a second of 40,000 bytes that wait; returns after how many seconds the connection is lost.
 */
static int flush_at(size_t rate)
{
    uint8_t *data = make_data(40000);
    bight_string_set_window(peer, rate);
    ck_assert_int_eq(bight_transport_write(transport, data, 40000), 0);
    free(data);
    bight_transport_lose_connection(transport);
    int seconds = 0;
    while (strstr(heard, "lost") == NULL && seconds < 1000) {
        bight_testing_advance(reactor, 1);
        bight_string_clear(peer);
        seconds++;
    }
    return seconds;
}

START_TEST(what_a_flush_must_send_in_its_time_can_be_set) /* T7, T24 */
{
    set_up();
    ck_assert_int_eq(bight_transport_set_flush_timeout(transport, 10), 0);
    ck_assert_int_eq(bight_transport_set_least_progress(transport, 10000), 0);
    int seconds = flush_at(_i == 0 ? 900 : 2000);
    if (_i == 0) {
        ck_heard("lost:TIMED_OUT");
        ck_assert_int_le(seconds, 11);
    } else { /* and then the linger is over */
        ck_heard("lost:CONNECTION_DONE");
        ck_assert_int_ge(seconds, 19);
    }
    tear_down();
}
END_TEST

START_TEST(any_byte_may_be_progress) /* T7, T24 */
{
    set_up();
    ck_assert_int_eq(bight_transport_set_flush_timeout(transport, 2), 0);
    ck_assert_int_eq(bight_transport_set_least_progress(transport, 0), 0);
    ck_assert_int_ge(flush_at(100), 400);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

static void set_too_late(struct bight_protocol *p)
{
    ck_assert_int_eq(bight_transport_set_least_progress(p->transport, 4000), BIGHT_E_CLOSED);
}

START_TEST(the_same_amount_is_progress_under_a_write_timeout) /* T24 */
{
    on.lost = set_too_late;
    set_up();
    ck_assert_int_eq(bight_transport_set_write_timeout(transport, 10), 0);
    ck_assert_int_eq(bight_transport_set_least_progress(transport, 4000), 0);
    uint8_t *data = make_data(5000);
    bight_string_set_window(peer, 100);
    ck_assert_int_eq(bight_transport_write(transport, data, 5000), 0);
    free(data);
    for (int i = 0; i < 12; i++) {
        bight_testing_advance(reactor, 1);
        bight_string_clear(peer);
    }
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_total_timeout_comes_whatever_happens);
    tcase_add_test(tests, bad_times_are_refused);
    tcase_add_test(tests, the_timeouts_do_not_disturb_a_linger);
    tcase_add_loop_test(tests, what_a_flush_must_send_in_its_time_can_be_set, 0, 2);
    tcase_add_test(tests, any_byte_may_be_progress);
    tcase_add_test(tests, the_same_amount_is_progress_under_a_write_timeout);
}

BIGHT_TEST_MAIN("timeouts", add_tests)
