/* SPDX-License-Identifier: MIT */
/* test_half_close.c - connections of which one direction has ended (T8, T11, T12). How both end is in test_close.c. */
#include <errno.h>

#include "transport_support.h"

static bool handled(struct bight_protocol *p)
{
    (void)p;
    return true;
}

START_TEST(a_half_close_does_not_wait_for_ever_for_a_producer_either) /* T8, T11 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_lose_write(transport);
    bight_testing_advance(reactor, 31);
    ck_heard("stop write-lost");
    ck_assert(bight_string_is_shut(peer));
    bight_string_feed_text(peer, "still read");
    ck_heard("data:still read");
    tear_down();
}
END_TEST

START_TEST(lose_write_flushes_then_tells_and_reading_goes_on) /* T11 */
{
    set_up();
    bight_string_set_window(peer, 2);
    bight_transport_write(transport, "abcd", 4);
    ck_assert_int_eq(bight_transport_lose_write(transport), 0);
    ck_assert_int_eq(bight_transport_lose_write(transport), 0);
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
    settle();
    ck_heard("");
    bight_string_clear(peer);
    ck_heard("write-lost");
    ck_assert(bight_string_is_shut(peer));
    bight_string_feed_text(peer, "more");
    ck_heard("data:more");
    bight_string_end(peer);
    ck_heard("read-lost lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(lose_write_tells_from_the_loop) /* T11, T6 */
{
    set_up();
    bight_transport_lose_write(transport);
    ck_heard("");
    settle();
    ck_heard("write-lost");
    tear_down();
}
END_TEST

START_TEST(the_end_of_writing_that_a_producer_held_up_is_told_from_the_loop) /* T8, T11, T6 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_lose_write(transport);
    settle();
    ck_heard("");
    ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    ck_heard("");
    settle();
    ck_heard("write-lost");
    tear_down();
}
END_TEST

START_TEST(after_the_peers_eof_a_handler_can_go_on_writing) /* T11 */
{
    on.read_lost = handled;
    set_up();
    bight_string_end(peer);
    ck_heard("read-lost");
    ck_assert_int_eq(bight_transport_write(transport, "still", 5), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "still");
    bight_transport_lose_write(transport);
    settle();
    ck_heard("write-lost lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(the_peers_eof_flushes_what_was_written) /* T11 */
{
    on.data = echo;
    set_up();
    bight_string_set_window(peer, 1);
    bight_string_feed_text(peer, "abc");
    bight_string_end(peer);
    ck_heard("data:abc read-lost");
    for (int i = 0; i < 2; i++) {
        ck_heard("");
        bight_string_clear(peer);
    }
    ck_assert_str_eq(bight_string_written_text(peer), "c");
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(lose_after_lose_write_lingers_too) /* T7, T11 */
{
    set_up();
    bight_transport_lose_write(transport);
    settle();
    ck_heard("write-lost");
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 4);
    ck_heard("");
    bight_testing_advance(reactor, 2);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

/* It would wait for ever: a forwarder of which each side is the other's producer would leak both. */
START_TEST(a_peers_eof_that_nobody_handles_stops_the_producer) /* T8, T11, T14 */
{
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_transport_write(transport, "half an answer", 14);
    bight_string_end(peer);
    ck_heard("read-lost stop lost:CONNECTION_DONE");
    ck_assert_str_eq(bight_string_written_text(peer), "half an answer");
    tear_down();
}
END_TEST

START_TEST(a_handled_eof_never_stops_a_producer) /* T11 */
{
    on.read_lost = handled;
    set_up();
    bight_transport_register_producer(transport, &push_ops, NULL, true);
    bight_string_end(peer);
    ck_heard("read-lost");
    ck_assert_int_eq(bight_transport_write(transport, "more", 4), 0);
    bight_transport_unregister_producer(transport);
    bight_transport_lose_write(transport);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "more");
    ck_heard("write-lost lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

/* A client that has sent its request and half-closes waits for what is still produced. */
START_TEST(an_eof_behind_ones_own_lose_does_not_stop_the_producer) /* T8 */
{
    for (int write_only = 0; write_only < 2; write_only++) {
        set_up();
        stops = 0;
        bight_transport_register_producer(transport, &push_ops, NULL, true);
        ck_assert_int_eq(
            (write_only ? bight_transport_lose_write : bight_transport_lose_connection)(transport), BIGHT_OK);
        bight_string_end(peer);
        ck_assert_int_eq(stops, 0);
        ck_assert_int_eq(bight_transport_write(transport, "the rest", 8), BIGHT_OK);
        bight_transport_unregister_producer(transport);
        settle();
        ck_assert_str_eq(bight_string_written_text(peer), "the rest");
        heard[0] = '\0';
        tear_down();
    }
}
END_TEST

static void write_when_stopped(void *context)
{
    (void)context;
    hear("stop");
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
}

static const struct bight_producer_ops writing_ops = { .stop = write_when_stopped };

START_TEST(what_a_stopped_producer_writes_is_refused) /* T9, T11 */
{
    set_up();
    bight_transport_register_producer(transport, &writing_ops, NULL, true);
    bight_string_end(peer);
    ck_heard("read-lost stop lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(a_reset_behind_a_handled_eof_is_told) /* T11 */
{
    on.read_lost = handled;
    set_up();
    bight_string_end(peer);
    settle(); /* what waits for news has no turns */
    ck_heard("read-lost");
    bight_string_reset(peer, ECONNRESET);
    ck_heard("lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(a_pause_does_not_hide_a_reset_behind_a_handled_eof) /* T11 */
{
    on.read_lost = handled;
    set_up();
    bight_string_end(peer);
    ck_heard("read-lost");
    bight_transport_pause(transport);
    bight_string_reset(peer, ECONNRESET);
    ck_heard("lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

static void hear_pause(void *context)
{
    (void)context;
    hear("pause");
}

static void hear_resume(void *context)
{
    (void)context;
    hear("resume");
}

static const struct bight_producer_ops told_ops = {
    .pause = hear_pause, .resume = hear_resume, .stop = stop_producing
};

static bool raise_marks(struct bight_protocol *p)
{
    ck_assert_int_eq(bight_transport_set_watermarks(p->transport, 1000, 2000), BIGHT_OK);
    return false;
}

START_TEST(an_end_that_nobody_handles_is_a_lose_before_anything_else_is_called) /* T9, T11 */
{
    on.read_lost = raise_marks;
    set_up();
    bight_transport_set_watermarks(transport, 10, 50);
    bight_string_set_window(peer, 0);
    bight_transport_register_producer(transport, &told_ops, NULL, true);
    uint8_t *data = make_data(100);
    ck_assert_int_eq(bight_transport_write(transport, data, 100), BIGHT_OK);
    settle();
    ck_heard("pause");
    bight_string_end(peer);
    ck_heard("read-lost stop"); /* and no resume between them */
    free(data);
    heard[0] = '\0';
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("half_close");
    TCase *tests = tcase_create("half_close");
    tcase_add_test(tests, lose_write_flushes_then_tells_and_reading_goes_on);
    tcase_add_test(tests, lose_write_tells_from_the_loop);
    tcase_add_test(tests, the_end_of_writing_that_a_producer_held_up_is_told_from_the_loop);
    tcase_add_test(tests, a_half_close_does_not_wait_for_ever_for_a_producer_either);
    tcase_add_test(tests, after_the_peers_eof_a_handler_can_go_on_writing);
    tcase_add_test(tests, the_peers_eof_flushes_what_was_written);
    tcase_add_test(tests, lose_after_lose_write_lingers_too);
    tcase_add_test(tests, a_peers_eof_that_nobody_handles_stops_the_producer);
    tcase_add_test(tests, a_handled_eof_never_stops_a_producer);
    tcase_add_test(tests, a_reset_behind_a_handled_eof_is_told);
    tcase_add_test(tests, a_pause_does_not_hide_a_reset_behind_a_handled_eof);
    tcase_add_test(tests, an_eof_behind_ones_own_lose_does_not_stop_the_producer);
    tcase_add_test(tests, what_a_stopped_producer_writes_is_refused);
    tcase_add_test(tests, an_end_that_nobody_handles_is_a_lose_before_anything_else_is_called);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
