/* SPDX-License-Identifier: MIT */
/* test_cap.c - what the connections of a reactor hold altogether, and the cap on it (T13). The caps of one connection
 * are in test_flow.c and test_transport.c. */
#include <bight/log.h>

#include "transport_support.h"

static unsigned warnings;

static void count_warnings(const struct bight_log_event *event, void *context)
{
    (void)context;
    warnings += strcmp(event->system, "transport") == 0 && event->level == BIGHT_LOG_WARNING;
}

/* Writes to a peer that takes nothing. */
static int write_blocked(size_t size)
{
    uint8_t *data = make_data(size);
    bight_string_set_window(peer, 0);
    int code = bight_transport_write(transport, data, size);
    settle();
    free(data);
    return code;
}

START_TEST(output_that_waits_is_counted_until_it_goes) /* T13 */
{
    set_up();
    ck_assert_int_eq(write_blocked(100000), BIGHT_OK);
    ck_assert_uint_eq(bight_reactor_held(reactor), 100000);
    bight_string_set_window(peer, 60000);
    bight_string_clear(peer);
    ck_assert_uint_eq(bight_reactor_held(reactor), 40000);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_assert_uint_eq(bight_reactor_held(reactor), 0);
    tear_down();
}
END_TEST

START_TEST(what_is_sent_whole_is_never_counted) /* T13 */
{
    on.data = echo;
    set_up();
    bight_string_feed_text(peer, "hello");
    ck_assert_uint_eq(bight_reactor_held(reactor), 0);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(a_loss_lets_go_of_what_was_counted) /* T13 */
{
    set_up();
    ck_assert_int_eq(write_blocked(100000), BIGHT_OK);
    bight_transport_abort_connection(transport);
    settle();
    ck_assert_uint_eq(bight_reactor_held(reactor), 0);
    ck_heard("lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

static void give_all_back(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_pause(p->transport);
    (void)bight_transport_give_back(p->transport, data, size);
    on.data = NULL;
}

START_TEST(input_that_waits_is_counted_too) /* T13 */
{
    on.data = give_all_back;
    set_up();
    bight_string_feed_text(peer, "hello");
    ck_assert_uint_eq(bight_reactor_held(reactor), 5);
    bight_transport_resume(transport);
    settle();
    ck_assert_uint_eq(bight_reactor_held(reactor), 0);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(input_that_is_forgotten_is_counted_no_more) /* T13 */
{
    on.data = give_all_back;
    set_up();
    bight_string_feed_text(peer, "hello");
    ck_assert_uint_eq(bight_reactor_held(reactor), 5);
    ck_assert_uint_eq(bight_transport_forget_input(transport), 5);
    ck_assert_uint_eq(bight_reactor_held(reactor), 0);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(at_the_cap_whoever_adds_to_a_long_queue_is_aborted) /* T13 */
{
    set_up();
    bight_log_set_observer(count_warnings, NULL);
    ck_assert_int_eq(bight_reactor_set_held_limit(reactor, 150000), BIGHT_OK);
    ck_assert_int_eq(write_blocked(100000), BIGHT_OK);
    ck_assert_int_eq(write_blocked(60000), BIGHT_E_OVERFLOW);
    ck_heard("lost:OVERFLOW");
    ck_assert_uint_eq(warnings, 1);
    ck_assert_uint_eq(bight_reactor_held(reactor), 0);
    tear_down();
}
END_TEST

START_TEST(at_the_cap_a_short_queue_is_spared) /* T13 */
{
    set_up();
    bight_log_set_observer(count_warnings, NULL);
    ck_assert_int_eq(bight_reactor_set_held_limit(reactor, 1000), BIGHT_OK);
    ck_assert_int_eq(write_blocked(60000), BIGHT_OK);
    ck_assert_int_eq(write_blocked(6000), BIGHT_E_OVERFLOW);
    ck_heard("lost:OVERFLOW");
    ck_assert_uint_eq(warnings, 1);
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cap");
    TCase *tests = tcase_create("cap");
    tcase_add_test(tests, output_that_waits_is_counted_until_it_goes);
    tcase_add_test(tests, what_is_sent_whole_is_never_counted);
    tcase_add_test(tests, a_loss_lets_go_of_what_was_counted);
    tcase_add_test(tests, input_that_waits_is_counted_too);
    tcase_add_test(tests, input_that_is_forgotten_is_counted_no_more);
    tcase_add_test(tests, at_the_cap_whoever_adds_to_a_long_queue_is_aborted);
    tcase_add_test(tests, at_the_cap_a_short_queue_is_spared);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
