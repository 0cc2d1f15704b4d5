/* SPDX-License-Identifier: MIT */
/* test_stream_drain.c - waiting for room in a stream's output (S6), and how many answers come inside their calls (S9).
 */
#include "stream_support.h"

START_TEST(draining_fires_at_once_while_there_is_room) /* S6 */
{
    note(bight_stream_drain(stream));
    ck_heard("-");
    bight_string_set_window(peer, 0);
    write_size(64 << 10);
    settle();
    note(bight_stream_drain(stream));
    ck_heard("-");
}
END_TEST

START_TEST(draining_waits_until_the_output_has_sunk_below_the_low_mark) /* S6 */
{
    fill();
    note_named(bight_stream_drain(stream), "1");
    note_named(bight_stream_drain(stream), "2");
    bight_string_set_window(peer, 80 << 10);
    bight_string_clear(peer);
    ck_heard("");
    bight_string_set_window(peer, 10 << 10);
    bight_string_clear(peer);
    ck_heard("1- 2-");
    note(bight_stream_drain(stream));
    ck_heard("-");
    fill();
    note(bight_stream_drain(stream));
    ck_heard("");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_heard("-");
}
END_TEST

START_TEST(a_drain_can_be_cancelled_alone) /* S6 */
{
    fill();
    struct bight_deferred *first = bight_stream_drain(stream);
    note_named(bight_stream_drain(stream), "2");
    bight_deferred_cancel(first);
    note_named(first, "1");
    ck_heard("1CANCELLED");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_heard("2-");
}
END_TEST

START_TEST(draining_fails_when_the_connection_is_lost) /* S6 */
{
    fill();
    note(bight_stream_drain(stream));
    bight_string_reset(peer, 0);
    note(bight_stream_drain(stream));
    ck_heard("CONNECTION_LOST CONNECTION_LOST");
}
END_TEST

START_TEST(a_drain_that_closing_flushes_has_drained) /* S6, T8 */
{
    fill();
    note_named(bight_stream_drain(stream), "drain:");
    note_named(bight_stream_close(stream), "close:");
    note_named(bight_stream_drain(stream), "late:");
    ck_heard("late:CLOSED");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    bight_string_end(peer);
    ck_heard("drain:- close:-");
    note(bight_stream_drain(stream));
    ck_heard("CLOSED");
}
END_TEST

static const struct bight_producer_ops no_ops;

START_TEST(a_producer_of_the_program_s_own_is_in_the_way_of_draining) /* S6, T14 */
{
    bight_transport_register_producer(bight_stream_transport(stream), &no_ops, NULL, true);
    fill();
    note(bight_stream_drain(stream));
    ck_heard("PRODUCER_REGISTERED");
}
END_TEST

static void drain_again(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    hear("drained");
    fill();
    note_named(bight_stream_drain(stream), "again:");
}

START_TEST(a_handler_of_a_drain_may_write_and_drain_again) /* S6 */
{
    fill();
    struct bight_deferred *drain = bight_stream_drain(stream);
    bight_deferred_add_callback(drain, drain_again, NULL);
    bight_deferred_release(drain);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_heard("drained");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_heard("again:-");
}
END_TEST

/* ---------------------------------------------------------------------------------------------- closing */

START_TEST(a_drain_that_nobody_waits_for_gives_the_producer_s_place_back) /* S6, T14 */
{
    fill();
    struct bight_deferred *first = bight_stream_drain(stream), *second = bight_stream_drain(stream);
    struct bight_transport *transport = bight_stream_transport(stream);
    bight_deferred_cancel(first);
    bight_log_set_level((enum bight_log_level)99);
    ck_assert_int_eq(bight_transport_register_producer(transport, &no_ops, NULL, true), BIGHT_E_PRODUCER_REGISTERED);
    bight_deferred_cancel(second);
    ck_assert_int_eq(bight_transport_register_producer(transport, &no_ops, NULL, true), 0);
    ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    note(first);
    note(second);
    ck_heard("CANCELLED CANCELLED");
    note(bight_stream_drain(stream));
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_heard("-");
}
END_TEST

static void drain_64_times(void)
{
    for (int i = 0; i < 64; i++) {
        struct bight_deferred *drain = bight_stream_drain(stream);
        ck_assert(bight_deferred_has_fired(drain));
        bight_deferred_release(drain);
    }
}

START_TEST(after_64_in_a_row_a_drain_is_answered_on_a_later_turn) /* S9 */
{
    drain_64_times();
    note_named(bight_stream_drain(stream), "1");
    note_named(bight_stream_drain(stream), "2");
    ck_heard("");
    settle();
    ck_heard("1- 2-");
    note(bight_stream_drain(stream));
    ck_heard("-");
}
END_TEST

START_TEST(reads_and_drains_are_counted_together) /* S9 */
{
    drain_64_times();
    note_named(bight_stream_read_exactly(stream, 0), "read:");
    note_named(bight_stream_drain(stream), "drain:");
    ck_heard("");
    settle();
    ck_heard("drain:- read:''");
}
END_TEST

static unsigned drained, depth, deepest;

/* As much as is sent at once, so that there always is room. */
static void write_and_drain(struct bight_result *result, void *context)
{
    (void)result;
    (void)context;
    deepest = ++depth > deepest ? depth : deepest;
    if (++drained < 10000) {
        write_size(8192);
        struct bight_deferred *drain = bight_stream_drain(stream);
        bight_deferred_add_callback(drain, write_and_drain, NULL);
        bight_deferred_release(drain);
    }
    depth--;
}

START_TEST(drains_in_handlers_do_not_pile_up_on_the_stack) /* S9 */
{
    write_and_drain(NULL, NULL);
    ck_assert_uint_eq(drained, 65);
    bight_testing_settle(reactor, 10000);
    ck_assert_uint_eq(drained, 10000);
    ck_assert_uint_le(deepest, 65);
}
END_TEST

START_TEST(a_postponed_drain_waits_on_when_there_is_no_room_any_more) /* S6 S9 */
{
    drain_64_times();
    note(bight_stream_drain(stream));
    fill();
    ck_heard("");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_heard("-");
}
END_TEST

START_TEST(a_postponed_drain_fails_when_a_producer_of_the_program_s_own_is_in_its_way) /* S6 S9 */
{
    drain_64_times();
    note(bight_stream_drain(stream));
    bight_log_set_level((enum bight_log_level)99);
    bight_transport_register_producer(bight_stream_transport(stream), &no_ops, NULL, true);
    fill();
    ck_heard("PRODUCER_REGISTERED");
}
END_TEST

START_TEST(a_postponed_drain_hears_of_the_end) /* S6 S9 */
{
    drain_64_times();
    note(bight_stream_drain(stream));
    bight_stream_abort(stream);
    settle();
    ck_heard("CONNECTION_ABORTED");
}
END_TEST

START_TEST(a_postponed_drain_is_flushed_by_closing) /* S6 S9 */
{
    fill();
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    drain_64_times();
    write_size(100);
    note_named(bight_stream_drain(stream), "drain:");
    note_named(bight_stream_close(stream), "close:");
    settle();
    bight_string_end(peer);
    ck_heard("drain:- close:-");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, draining_fires_at_once_while_there_is_room);
    tcase_add_test(tests, draining_waits_until_the_output_has_sunk_below_the_low_mark);
    tcase_add_test(tests, a_drain_can_be_cancelled_alone);
    tcase_add_test(tests, draining_fails_when_the_connection_is_lost);
    tcase_add_test(tests, a_drain_that_closing_flushes_has_drained);
    tcase_add_test(tests, a_producer_of_the_program_s_own_is_in_the_way_of_draining);
    tcase_add_test(tests, a_handler_of_a_drain_may_write_and_drain_again);
    tcase_add_test(tests, a_drain_that_nobody_waits_for_gives_the_producer_s_place_back);
    tcase_add_test(tests, after_64_in_a_row_a_drain_is_answered_on_a_later_turn);
    tcase_add_test(tests, reads_and_drains_are_counted_together);
    tcase_add_test(tests, drains_in_handlers_do_not_pile_up_on_the_stack);
    tcase_add_test(tests, a_postponed_drain_waits_on_when_there_is_no_room_any_more);
    tcase_add_test(tests, a_postponed_drain_fails_when_a_producer_of_the_program_s_own_is_in_its_way);
    tcase_add_test(tests, a_postponed_drain_hears_of_the_end);
    tcase_add_test(tests, a_postponed_drain_is_flushed_by_closing);
}

BIGHT_TEST_MAIN("stream_drain", add_tests)
