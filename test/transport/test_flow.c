/* SPDX-License-Identifier: MIT */
/* test_flow.c - backpressure, watermarks and producers (T13, T14). */
#include "faults.h"
#include "transport_support.h"

static uint8_t block[70000];

START_TEST(memory_for_a_burst_of_output_goes_two_seconds_after_it)
{
    static struct bight_test_memory memory;
    bight_test_fail_nth(&memory, 0);
    set_up_as(false);
    bight_string_set_window(peer, 0);
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(bight_transport_write(transport, block, 70000), 0);
    }
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    int after_burst = memory.out;
    bight_testing_advance(reactor, 0.9);
    ck_assert_int_eq(memory.out, after_burst);
    bight_testing_advance(reactor, 1.2);
    ck_assert_int_lt(memory.out, after_burst - 3);
    tear_down();
}
END_TEST

START_TEST(what_outgrows_the_first_block_stays_in_order) /* T6 */
{
    set_up();
    uint8_t *data = make_data(9000);
    static const size_t sizes[] = { 600, 100, 1, 3299, 1000, 4000 };
    size_t at = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ck_assert_int_eq(bight_transport_write(transport, data + at, sizes[i]), 0);
        at += sizes[i];
    }
    settle();
    ck_written(data, at);
    free(data);
    tear_down();
}
END_TEST

START_TEST(an_accepted_connection_that_does_not_read_is_not_read_from) /* T13 */
{
    on.data = echo;
    set_up();
    bight_string_set_window(peer, 0);
    ck_assert_uint_eq(bight_string_feed(peer, block, 65536), 0);
    ck_assert_uint_eq(bight_string_feed(peer, block, 65536), 0);
    ck_assert_uint_eq(bight_transport_queued(transport), 131072);
    ck_assert_uint_eq(bight_string_feed(peer, block, 1000), 1000);
    heard[0] = '\0';
    bight_string_set_window(peer, 131072 - 16384);
    bight_string_clear(peer); /* has taken nothing yet: 16384 stay queued */
    ck_heard("");
    bight_string_set_window(peer, 131072 - 16384 + 1);
    settle();
    bight_string_feed(peer, "", 0);
    ck_heard("data[1000]");
    tear_down();
}
END_TEST

START_TEST(a_made_connection_is_read_from_whatever_it_has_queued) /* T13 */
{
    set_up_as(false);
    bight_string_set_window(peer, 0);
    bight_transport_write(transport, block, 70000);
    ck_assert_uint_eq(bight_string_feed_text(peer, "x"), 0);
    bight_transport_set_backpressure(transport, true);
    bight_transport_write(transport, "x", 1);
    settle();
    ck_assert_uint_eq(bight_string_feed_text(peer, "y"), 1);
    bight_transport_set_backpressure(transport, false);
    settle();
    ck_assert_uint_eq(bight_string_feed_text(peer, ""), 0);
    tear_down();
}
END_TEST

START_TEST(marks_are_judged_after_the_attempt_to_send) /* T13 */
{
    set_up();
    bight_transport_write(transport, block, 70000);
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    ck_assert_uint_eq(bight_string_feed_text(peer, "x"), 0);
    tear_down();
}
END_TEST

static void burst(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    static const uint8_t piece[1000];
    (void)data;
    (void)size;
    for (int i = 0; i < 500; i++) {
        ck_assert_int_eq(bight_transport_write(p->transport, piece, sizeof piece), 0);
    }
}

START_TEST(a_burst_beyond_the_limit_is_no_overflow_while_the_peer_takes_it) /* T13 */
{
    size_t written;
    set_up();
    on.data = burst;
    bight_transport_set_output_limit(transport, 10000);
    bight_string_feed_text(peer, "!");
    (void)bight_string_written(peer, &written);
    ck_assert_uint_eq(written, 500 * 1000);
    ck_heard("data:!");
    tear_down();
}
END_TEST

START_TEST(marks_must_be_in_order) /* T13 */
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_int_eq(bight_transport_set_watermarks(transport, 5, 5), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_transport_set_watermarks(transport, 5, 6), 0);
    tear_down();
}
END_TEST

static void pause_producer(void *context)
{
    hear("pause");
    (void)context;
}

static void resume_producer(void *context)
{
    hear("resume");
    (void)context;
}

static void stop_producer(void *context)
{
    hear("stop");
    (void)context;
}

static const struct bight_producer_ops producer = {
    .pause = pause_producer,
    .resume = resume_producer,
    .stop = stop_producer,
};

START_TEST(a_push_producer_is_paused_and_resumed_at_the_marks) /* T13 */
{
    set_up();
    bight_transport_set_watermarks(transport, 100, 1000);
    ck_assert_int_eq(bight_transport_register_producer(transport, &producer, NULL, true), 0);
    ck_heard("");
    bight_string_set_window(peer, 0);
    bight_transport_write(transport, block, 5000);
    ck_heard("pause");
    bight_transport_write(transport, block, 5000);
    ck_heard("");
    bight_string_set_window(peer, 9900);
    bight_string_clear(peer);
    ck_heard("");
    bight_string_clear(peer);
    ck_heard("resume");
    ck_assert_int_eq(bight_transport_unregister_producer(transport), 0);
    tear_down();
    ck_heard("lost:CONNECTION_LOST");
}
END_TEST

static void write_when_paused(void *context)
{
    (void)context;
    ck_assert_int_eq(bight_transport_write(transport, "!", 1), 0);
}

START_TEST(what_a_producer_writes_when_paused_comes_behind_the_whole_sequence) /* T6, T13 */
{
    static const struct bight_producer_ops writer = { .pause = write_when_paused };
    struct iovec parts[40];
    set_up();
    bight_transport_set_watermarks(transport, 100, 1000);
    bight_transport_register_producer(transport, &writer, NULL, true);
    bight_string_set_window(peer, 0);
    for (size_t i = 0; i < 40; i++) {
        parts[i] = (struct iovec) { block + 100 * i, 100 };
    }
    ck_assert_int_eq(bight_transport_write_sequence(transport, parts, 40), 0);
    bight_transport_unregister_producer(transport);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    size_t size;
    const uint8_t *written = bight_string_written(peer, &size);
    ck_assert_uint_eq(size, 4001);
    ck_assert_mem_eq(written, block, 4000);
    ck_assert_int_eq(written[4000], '!');
    tear_down();
}
END_TEST

START_TEST(with_a_producer_there_is_no_backpressure) /* T13 */
{
    set_up();
    bight_transport_register_producer(transport, &producer, NULL, true);
    bight_string_set_window(peer, 0);
    bight_transport_write(transport, block, 70000);
    ck_assert_uint_eq(bight_string_feed_text(peer, "x"), 0);
    ck_heard("pause data:x");
    bight_transport_unregister_producer(transport);
    ck_assert_uint_eq(bight_string_feed_text(peer, "y"), 1);
    ck_heard("");
    tear_down();
}
END_TEST

static int pulls;

static void produce(void *context)
{
    struct bight_transport *t = context;
    pulls++;
    if (pulls <= 5) {
        ck_assert_int_eq(bight_transport_write(t, block, 5000), 0);
    } else {
        ck_assert_int_eq(bight_transport_unregister_producer(t), 0);
        bight_transport_lose_connection(t);
    }
}

START_TEST(a_pull_producer_is_asked_at_most_once_a_turn) /* T13 */
{
    static const struct bight_producer_ops pull = { .resume = produce };
    set_up();
    ck_assert_int_eq(bight_transport_register_producer(transport, &pull, transport, false), 0);
    ck_assert_int_eq(pulls, 1);
    bight_testing_settle(reactor, 1);
    ck_assert_int_le(pulls, 2);
    settle();
    ck_assert_int_eq(pulls, 6);
    size_t size;
    bight_string_written(peer, &size);
    ck_assert_uint_eq(size, 25000);
    ck_assert(bight_string_is_shut(peer));
    tear_down();
}
END_TEST

START_TEST(a_pull_producer_waits_for_a_slow_peer) /* T13 */
{
    static const struct bight_producer_ops pull = { .resume = produce };
    set_up();
    bight_string_set_window(peer, 100);
    bight_transport_register_producer(transport, &pull, transport, false);
    settle();
    ck_assert_int_eq(pulls, 1);
    tear_down();
}
END_TEST

START_TEST(a_second_producer_is_a_usage_error) /* T14 */
{
    set_up();
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    bight_transport_register_producer(transport, &producer, NULL, true);
    ck_assert_int_eq(bight_transport_register_producer(transport, &producer, NULL, true), BIGHT_E_PRODUCER_REGISTERED);
    ck_heard("");
    bight_transport_unregister_producer(transport);
    ck_assert_int_eq(bight_transport_unregister_producer(transport), BIGHT_E_INVALID_ARGUMENT);
    tear_down();
}
END_TEST

START_TEST(a_producer_on_a_closed_transport_is_stopped_at_once) /* T14 */
{
    set_up();
    bight_transport_lose_connection(transport);
    ck_assert_int_eq(bight_transport_register_producer(transport, &producer, NULL, true), BIGHT_E_CLOSED);
    ck_heard("stop");
    tear_down();
}
END_TEST

START_TEST(a_producer_is_stopped_once_at_loss) /* T14 */
{
    set_up();
    bight_transport_register_producer(transport, &producer, NULL, true);
    bight_string_reset(peer, 0);
    ck_heard("stop lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(a_producers_writes_outside_handlers_are_not_sent_inside_a_call) /* T6, T13 */
{
    int released = 0;
    set_up();
    bight_transport_register_producer(transport, &producer, NULL, true);
    bight_transport_write(transport, block, 100);
    ck_assert_int_eq(bight_transport_write_lent(transport, block, sizeof block, count_release, &released), 0);
    ck_assert_int_eq(released, 0);
    struct iovec part = { block, 20000 };
    ck_assert_int_eq(bight_transport_write_sequence(transport, &part, 1), 0);
    ck_assert_int_eq(released, 0);
    settle();
    ck_assert_int_eq(released, 1);
    ck_heard("");
    bight_transport_unregister_producer(transport);
    tear_down();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- room */

static bool fills_again;

static void hear_room(struct bight_protocol *p)
{
    hear("room");
    if (fills_again) {
        bight_transport_write(p->transport, block, 70000);
    }
}

static void set_up_with_room(bool accepted)
{
    static struct bight_protocol_ops roomy;
    roomy = probe_ops;
    roomy.room = hear_room;
    probe_factory.protocol_ops = &roomy;
    set_up_as(accepted);
    bight_string_set_window(peer, 0);
    ck_heard("made");
}

static void take(size_t size)
{
    bight_string_clear(peer);
    bight_string_set_window(peer, size);
    settle();
}

START_TEST(a_protocol_is_told_of_room_once_its_output_was_above_the_mark) /* T13 */
{
    for (int accepted = 0; accepted < 2; accepted++) {
        set_up_with_room(accepted);
        bight_transport_write(transport, block, 60000);
        take(60000);
        ck_heard("");
        take(0);
        bight_transport_write(transport, block, 70000);
        take(70000 - 16384);
        ck_heard("");
        take(1);
        ck_heard("room");
        take(SIZE_MAX);
        ck_heard("");
        tear_down();
        heard[0] = '\0';
    }
}
END_TEST

/* A long write in rounds: the last one is gathered, and goes as one small write does. */
START_TEST(what_was_above_the_mark_and_goes_in_one_send_made_room) /* T13 */
{
    struct iovec parts[20];
    for (size_t i = 0; i < 20; i++) {
        parts[i] = (struct iovec) { block, 900 };
    }
    set_up_with_room(false);
    take(SIZE_MAX);
    ck_assert_int_eq(bight_transport_set_watermarks(transport, 100, 1000), BIGHT_OK);
    ck_assert_int_eq(bight_transport_write_sequence(transport, parts, 20), BIGHT_OK);
    settle();
    ck_heard("room");
    tear_down();
}
END_TEST

START_TEST(who_fills_the_room_is_told_again) /* T13 */
{
    fills_again = true;
    set_up_with_room(true);
    bight_transport_write(transport, block, 70000);
    take(70000);
    ck_heard("room");
    fills_again = false;
    take(70000);
    ck_heard("room");
    take(SIZE_MAX);
    ck_heard("");
    tear_down();
}
END_TEST

START_TEST(room_is_the_producer_s_when_there_is_one) /* T13 */
{
    set_up_with_room(true);
    bight_transport_write(transport, block, 70000);
    bight_transport_register_producer(transport, &producer, NULL, true);
    take(SIZE_MAX);
    bight_transport_unregister_producer(transport);
    settle();
    ck_heard("pause resume");
    tear_down();
}
END_TEST

START_TEST(who_cannot_write_any_more_is_not_told_of_room) /* T13 */
{
    set_up_with_room(true);
    bight_transport_write(transport, block, 70000);
    bight_transport_lose_connection(transport);
    take(SIZE_MAX);
    ck_heard("");
    tear_down();
}
END_TEST

static void pause_above(void *context)
{
    (void)context;
    hear("pause");
    bight_string_set_window(peer, SIZE_MAX);
}

START_TEST(room_that_comes_inside_a_call_is_told_on_a_later_turn) /* T6, T13 */
{
    static const struct bight_producer_ops opening = { .pause = pause_above };
    set_up_with_room(true);
    bight_transport_write(transport, block, 70000);
    bight_transport_register_producer(transport, &opening, NULL, true);
    bight_transport_unregister_producer(transport);
    bight_transport_set_watermarks(transport, 80000, 90000);
    bight_transport_resume(transport);
    bight_transport_give_back(transport, "x", 1);
    ck_heard("pause");
    settle();
    ck_assert_ptr_nonnull(strstr(heard, "room"));
    heard[0] = '\0';
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, memory_for_a_burst_of_output_goes_two_seconds_after_it);
    tcase_add_test(tests, what_outgrows_the_first_block_stays_in_order);
    tcase_add_test(tests, an_accepted_connection_that_does_not_read_is_not_read_from);
    tcase_add_test(tests, a_made_connection_is_read_from_whatever_it_has_queued);
    tcase_add_test(tests, marks_are_judged_after_the_attempt_to_send);
    tcase_add_test(tests, a_burst_beyond_the_limit_is_no_overflow_while_the_peer_takes_it);
    tcase_add_test(tests, marks_must_be_in_order);
    tcase_add_test(tests, a_push_producer_is_paused_and_resumed_at_the_marks);
    tcase_add_test(tests, what_a_producer_writes_when_paused_comes_behind_the_whole_sequence);
    tcase_add_test(tests, with_a_producer_there_is_no_backpressure);
    tcase_add_test(tests, a_pull_producer_is_asked_at_most_once_a_turn);
    tcase_add_test(tests, a_pull_producer_waits_for_a_slow_peer);
    tcase_add_test(tests, a_second_producer_is_a_usage_error);
    tcase_add_test(tests, a_producer_on_a_closed_transport_is_stopped_at_once);
    tcase_add_test(tests, a_producer_is_stopped_once_at_loss);
    tcase_add_test(tests, a_protocol_is_told_of_room_once_its_output_was_above_the_mark);
    tcase_add_test(tests, what_was_above_the_mark_and_goes_in_one_send_made_room);
    tcase_add_test(tests, who_fills_the_room_is_told_again);
    tcase_add_test(tests, room_is_the_producer_s_when_there_is_one);
    tcase_add_test(tests, who_cannot_write_any_more_is_not_told_of_room);
    tcase_add_test(tests, room_that_comes_inside_a_call_is_told_on_a_later_turn);
    tcase_add_test(tests, a_producers_writes_outside_handlers_are_not_sent_inside_a_call);
}

BIGHT_TEST_MAIN("flow", add_tests)
