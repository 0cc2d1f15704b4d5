/* SPDX-License-Identifier: MIT */
/* test_broken.c - a call of the bottom has failed, and something that was received before is still to be delivered (T2,
 * T7). */
#include <errno.h>

#include "layer_support.h"

/* The peer has sent this and is gone, which the next send finds out. */
static void send_and_reset(const char *text)
{
    bight_transport_pause(transport);
    bight_string_feed_text(peer, text);
    bight_string_reset(peer, ECONNRESET);
    ck_heard("");
}

static void write_into_the_void(void)
{
    ck_assert_int_eq(bight_transport_write(transport, "anything", 8), BIGHT_OK);
    settle();
}

START_TEST(what_came_before_a_send_that_fails_is_delivered) /* T2, T7 */
{
    set_up();
    send_and_reset("early answer");
    write_into_the_void();
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:early answer lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(from_then_on_writes_are_refused_and_the_producer_is_stopped) /* T7 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    send_and_reset("early answer");
    write_into_the_void();
    ck_heard("stop");
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_transport_lose_write(transport), BIGHT_E_CLOSED);
    ck_assert(!bight_transport_is_open(transport));
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    bight_transport_resume(transport);
    settle();
    ck_heard("data:early answer lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(a_pause_delays_the_loss_by_the_flush_time_at_most) /* T7 */
{
    set_up();
    send_and_reset("early answer");
    write_into_the_void();
    bight_testing_advance(reactor, 29);
    ck_heard("");
    bight_testing_advance(reactor, 2);
    ck_heard("lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(lose_forgets_what_is_left_and_keeps_the_reason) /* T7 */
{
    set_up();
    send_and_reset("early answer");
    write_into_the_void();
    bight_transport_lose_connection(transport);
    settle();
    ck_heard("lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(a_receive_that_fails_does_not_lose_what_waits) /* T2, T7 */
{
    set_up();
    push("l", 1);
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "ab");
    bight_string_reset(peer, ECONNRESET);
    bight_testing_advance(reactor, 1);
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:bc lost:CONNECTION_LOST l-freed");
    tear_down();
}
END_TEST

START_TEST(what_is_left_comes_up_through_the_layers) /* T7 */
{
    set_up();
    push("l", 1)->swallows_end = true;
    send_and_reset("ab");
    write_into_the_void();
    bight_transport_resume(transport);
    settle();
    ck_heard("data:bc lost:CONNECTION_LOST l-freed");
    tear_down();
}
END_TEST

static void pause_again(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    bight_transport_pause(p->transport);
    on.data = NULL;
}

START_TEST(a_protocol_that_pauses_again_hears_the_rest_after_that) /* T2, T7 */
{
    set_up();
    bight_transport_pause(transport);
    uint8_t *data = make_data(100000);
    bight_string_feed(peer, data, 100000);
    bight_string_reset(peer, ECONNRESET);
    write_into_the_void();
    on.data = pause_again;
    bight_transport_resume(transport);
    settle();
    ck_heard("data[65536]");
    bight_transport_resume(transport);
    settle();
    ck_heard("data[34464] lost:CONNECTION_LOST");
    free(data);
    tear_down();
}
END_TEST

START_TEST(the_end_behind_a_failure_is_no_end_in_good_order) /* T7 */
{
    set_up();
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "answer");
    bight_string_end(peer);
    bight_string_reset(peer, EPIPE);
    write_into_the_void();
    bight_transport_resume(transport);
    settle();
    ck_heard("data:answer lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

static bool be_broken(void *context)
{
    (void)context;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    struct bight_protocol *p = peer == NULL ? NULL : bight_string_protocol(peer);
    if (p != NULL) {
        bight_transport_pause(p->transport);
        bight_string_feed_text(peer, "text");
        bight_string_reset(peer, ECONNRESET);
        (void)bight_transport_write(p->transport, "anything", 8);
        bight_testing_advance(reactor, 40);
    }
    bool ended = p == NULL || strstr(heard, "lost:") != NULL;
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    return ended;
}

START_TEST(it_ends_however_little_memory_there_is) /* D34, T7 */
{
    ck_assert_uint_eq(bight_testing_with_faults(be_broken, NULL, 0), 0);
}
END_TEST

START_TEST(a_producer_that_was_stopped_can_be_unregistered_all_the_same) /* T8, T14 */
{
    set_up();
    ck_assert_int_eq(bight_transport_register_producer(transport, &push_ops, NULL, true), 0);
    send_and_reset("early answer");
    write_into_the_void();
    ck_heard("stop");
    ck_assert_int_eq(bight_transport_unregister_producer(transport), BIGHT_E_CLOSED);
    bight_transport_resume(transport);
    settle();
    ck_heard("data:early answer lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

/* A hungry layer would have input, which cannot come any more. */
START_TEST(nobody_looks_for_more_when_there_is_no_more) /* T7 */
{
    set_up();
    bight_layer_set_hungry(&push("low", 0)->base, true);
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "a");
    bight_string_reset(peer, ECONNRESET);
    settle();
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:a lost:CONNECTION_LOST low-freed");
    tear_down();
}
END_TEST

START_TEST(a_layer_s_failure_that_waits_is_told_when_the_connection_breaks) /* T5, T7 */
{
    set_up();
    struct shift *low = push("low", 0);
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_transport_write(transport, "abc", 3), BIGHT_OK);
    bight_transport_pause(transport);
    settle();
    bight_layer_fail(&low->base, bight_failure_of(BIGHT_E_INCOMPLETE));
    settle();
    ck_heard("");
    bight_string_reset(peer, ECONNRESET);
    settle();
    ck_heard("lost:INCOMPLETE low-freed");
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("broken");
    TCase *tests = tcase_create("broken");
    tcase_add_test(tests, what_came_before_a_send_that_fails_is_delivered);
    tcase_add_test(tests, from_then_on_writes_are_refused_and_the_producer_is_stopped);
    tcase_add_test(tests, a_producer_that_was_stopped_can_be_unregistered_all_the_same);
    tcase_add_test(tests, a_pause_delays_the_loss_by_the_flush_time_at_most);
    tcase_add_test(tests, lose_forgets_what_is_left_and_keeps_the_reason);
    tcase_add_test(tests, a_receive_that_fails_does_not_lose_what_waits);
    tcase_add_test(tests, what_is_left_comes_up_through_the_layers);
    tcase_add_test(tests, a_protocol_that_pauses_again_hears_the_rest_after_that);
    tcase_add_test(tests, the_end_behind_a_failure_is_no_end_in_good_order);
    tcase_add_test(tests, nobody_looks_for_more_when_there_is_no_more);
    tcase_add_test(tests, a_layer_s_failure_that_waits_is_told_when_the_connection_breaks);
    tcase_add_test(tests, it_ends_however_little_memory_there_is);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
