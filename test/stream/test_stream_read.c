/* SPDX-License-Identifier: MIT */
/* test_stream_read.c - what reads of a stream give: the bytes, the ends, the limits (S1 to S5, S9). */
#include "stream_support.h"

START_TEST(a_read_gives_what_there_is_as_soon_as_there_is_something) /* S2 */
{
    note(bight_stream_read(stream, 0));
    ck_heard("");
    feed("hello");
    ck_heard("'hello'");
    feed("world");
    ck_assert_uint_eq(bight_stream_buffered(stream), 5);
    note(bight_stream_read(stream, 3));
    note(bight_stream_read(stream, 3));
    ck_heard("'wor' 'ld'");
    note(bight_stream_read(stream, 2));
    feed("abc");
    ck_heard("'ab'");
    ck_assert_uint_eq(bight_stream_buffered(stream), 1);
}
END_TEST

START_TEST(read_exactly_waits_for_all_of_it) /* S2 */
{
    note(bight_stream_read_exactly(stream, 6));
    feed("abc");
    ck_heard("");
    feed("defghi");
    ck_heard("'abcdef'");
    note(bight_stream_read_exactly(stream, 3));
    note(bight_stream_read_exactly(stream, 0));
    ck_heard("'ghi' ''");
}
END_TEST

START_TEST(read_exactly_has_a_cap_against_hostile_sizes) /* S2 */
{
    note(bight_stream_read_exactly(stream, ((size_t)16 << 20) + 1));
    note(bight_stream_read_exactly(stream, SIZE_MAX));
    ck_heard("TOO_LONG TOO_LONG");
    bight_stream_set_limits(stream, 0, 10);
    note(bight_stream_read_exactly(stream, 11));
    note(bight_stream_read_exactly(stream, 10));
    feed("0123456789");
    ck_heard("TOO_LONG '0123456789'");
}
END_TEST

START_TEST(read_until_includes_the_separator) /* S2 */
{
    note(bight_stream_read_until(stream, "--", 2, 0));
    feed("a-b-");
    ck_heard("");
    feed("-c--");
    ck_heard("'a-b--'");
    note(bight_stream_read_until(stream, "--", 2, 0));
    ck_heard("'c--'");
    note(bight_stream_read_until(stream, "", 0, 0));
    ck_heard("INVALID_ARGUMENT");
}
END_TEST

START_TEST(read_until_copies_the_separator) /* D33 */
{
    char separator[] = "#";
    note(bight_stream_read_until(stream, separator, 1, 0));
    separator[0] = '!';
    feed("a!b#");
    ck_heard("'a!b#'");
}
END_TEST

START_TEST(over_the_limit_read_until_consumes_nothing) /* S2 */
{
    note(bight_stream_read_until(stream, ";", 1, 4));
    feed("abc");
    ck_heard("");
    feed("d;");
    ck_heard("TOO_LONG");
    note(bight_stream_read_until(stream, ";", 1, 5));
    ck_heard("'abcd;'");
}
END_TEST

START_TEST(read_line_strips_both_ends) /* S2 */
{
    note(bight_stream_read_line(stream, 0));
    feed("one\r");
    ck_heard("");
    feed("\ntwo\n\nfour\rx\r\n");
    for (int i = 0; i < 3; i++) {
        note(bight_stream_read_line(stream, 0));
    }
    ck_heard("'one' 'two' '' 'four\\rx'");
}
END_TEST

START_TEST(the_limit_of_a_line_does_not_count_its_end) /* S2 */
{
    note(bight_stream_read_line(stream, 3));
    feed("abc\r\nabcd\n");
    note(bight_stream_read_line(stream, 3));
    ck_heard("'abc' TOO_LONG");
    note(bight_stream_read_line(stream, 4));
    note(bight_stream_read_line(stream, 3));
    feed("efgh");
    ck_heard("'abcd'");
    feed("i");
    ck_heard("TOO_LONG");
}
END_TEST

START_TEST(the_last_line_may_lack_its_end_and_no_line_is_an_empty_result) /* S5 */
{
    feed("one\n\nlast");
    bight_string_end(peer);
    ck_assert(!bight_stream_at_end(stream));
    for (int i = 0; i < 5; i++) {
        note(bight_stream_read_line(stream, 0));
    }
    ck_heard("'one' '' 'last' - -");
    ck_assert(bight_stream_at_end(stream));
}
END_TEST

START_TEST(an_unended_line_over_the_limit_is_too_long_at_the_end_too) /* S5 */
{
    feed("abcd");
    note(bight_stream_read_line(stream, 3));
    bight_string_end(peer);
    ck_heard("TOO_LONG");
    note(bight_stream_read_line(stream, 4));
    ck_heard("'abcd'");
}
END_TEST

START_TEST(at_the_end_a_read_gives_no_bytes) /* S5 */
{
    feed("ab");
    bight_string_end(peer);
    note(bight_stream_read(stream, 0));
    note(bight_stream_read(stream, 0));
    note(bight_stream_read(stream, 0));
    ck_heard("'ab' '' ''");
    ck_assert(bight_stream_at_end(stream));
}
END_TEST

START_TEST(a_read_that_waits_hears_of_the_end) /* S5 */
{
    note(bight_stream_read(stream, 0));
    bight_string_end(peer);
    ck_heard("''");
}
END_TEST

START_TEST(what_is_incomplete_at_the_end_stays) /* S5 */
{
    note(bight_stream_read_exactly(stream, 5));
    feed("abc");
    bight_string_end(peer);
    ck_heard("INCOMPLETE");
    note(bight_stream_read_until(stream, "x", 1, 0));
    note(bight_stream_read(stream, 0));
    note(bight_stream_read_until(stream, "x", 1, 0));
    note(bight_stream_read_exactly(stream, 1));
    ck_heard("INCOMPLETE 'abc' INCOMPLETE INCOMPLETE");
}
END_TEST

START_TEST(read_all_gives_all_until_the_end) /* S2 S5 */
{
    note(bight_stream_read_all(stream, 0));
    feed("abc");
    feed("def");
    ck_heard("");
    bight_string_end(peer);
    ck_heard("'abcdef'");
    note(bight_stream_read_all(stream, 0));
    ck_heard("''");
}
END_TEST

START_TEST(over_the_limit_read_all_consumes_nothing) /* S2 */
{
    note(bight_stream_read_all(stream, 5));
    feed("abcde");
    ck_heard("");
    feed("f");
    ck_heard("TOO_LONG");
    note(bight_stream_read(stream, 0));
    ck_heard("'abcdef'");
}
END_TEST

START_TEST(after_a_reset_what_is_held_can_be_read_and_then_the_reason) /* S5 */
{
    feed("abc");
    bight_string_reset(peer, 0);
    ck_assert_int_eq(bight_failure_code(bight_stream_reason(stream)), BIGHT_E_CONNECTION_LOST);
    note(bight_stream_read_exactly(stream, 4));
    note(bight_stream_read_line(stream, 0));
    note(bight_stream_read_all(stream, 0));
    note(bight_stream_read(stream, 2));
    note(bight_stream_read_exactly(stream, 1));
    note(bight_stream_read(stream, 2));
    ck_heard("CONNECTION_LOST CONNECTION_LOST CONNECTION_LOST 'ab' 'c' CONNECTION_LOST");
    ck_assert(bight_stream_at_end(stream));
}
END_TEST

START_TEST(a_read_that_waits_gets_the_reason) /* S5 */
{
    note(bight_stream_read(stream, 0));
    bight_string_reset(peer, 0);
    ck_heard("CONNECTION_LOST");
}
END_TEST

START_TEST(a_second_read_is_a_usage_error_and_the_first_goes_on) /* S1 */
{
    note_named(bight_stream_read(stream, 0), "first:");
    note_named(bight_stream_read_line(stream, 0), "second:");
    ck_heard("second:USAGE");
    feed("abc");
    ck_heard("first:'abc'");
}
END_TEST

START_TEST(a_cancelled_read_leaves_the_bytes) /* S3 */
{
    struct bight_deferred *read = bight_stream_read_until(stream, "\n", 1, 0);
    feed("abc");
    bight_deferred_cancel(read);
    note(read);
    ck_heard("CANCELLED");
    note(bight_stream_read(stream, 0));
    ck_heard("'abc'");
}
END_TEST

START_TEST(a_read_can_have_a_timeout) /* S3, D17 */
{
    struct bight_deferred *read = bight_stream_read_exactly(stream, 4);
    ck_assert_int_eq(bight_deferred_add_timeout(read, 5, bight_reactor_clock(reactor)), 0);
    note(read);
    feed("abc");
    bight_testing_advance(reactor, 4.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("TIMED_OUT");
    note(bight_stream_read_exactly(stream, 4));
    feed("d");
    ck_heard("'abcd'");
}
END_TEST

/* ------------------------------------------------------------------------------------------ how it is cut */

static void read_everything(size_t chunk, bool cut_late)
{
    static const char text[] = "GET /\r\nname: value\r\n\r\n12345body;rest of it";
    heard[0] = '\0';
    stream = NULL;
    connect_with(&streams);
    if (cut_late) {
        bight_string_feed_chunked(peer, text, sizeof text - 1, chunk);
    }
    struct bight_deferred *reads[6];
    for (int i = 0; i < 6; i++) {
        reads[i] = i == 0   ? bight_stream_read_line(stream, 0)
                   : i == 1 ? bight_stream_read_until(stream, "\r\n\r\n", 4, 15)
                   : i == 2 ? bight_stream_read_exactly(stream, 5)
                   : i == 3 ? bight_stream_read_until(stream, ";", 1, 4)
                   : i == 4 ? bight_stream_read_until(stream, ";", 1, 5)
                            : bight_stream_read_all(stream, 0);
        note(reads[i]);
        if (i == 0 && !cut_late) {
            bight_string_feed_chunked(peer, text, sizeof text - 1, chunk);
        }
    }
    bight_string_end(peer);
    ck_heard("'GET /' 'name: value\\r\\n\\r\\n' '12345' TOO_LONG 'body;' 'rest of it'");
    bight_string_peer_free(peer);
    settle();
}

START_TEST(what_is_read_does_not_depend_on_the_cut) /* S2 */
{
    bight_string_peer_free(peer);
    bight_stream_release(stream);
    settle();
    for (size_t chunk = 1; chunk < 50; chunk++) {
        read_everything(chunk, true);
        read_everything(chunk, false);
    }
    stream = NULL;
    connect_with(&streams);
    bight_stream_hold(stream);
}
END_TEST

/* ------------------------------------------------------------------------------------------ backpressure */

START_TEST(more_than_the_limit_is_not_read_from_the_connection) /* S4 */
{
    bight_stream_set_limits(stream, 1000, 0);
    feed_size(600);
    ck_assert_uint_eq(feed_size(600), 0);
    ck_assert_uint_eq(feed_size(50000), 50000);
    ck_assert_uint_eq(bight_stream_buffered(stream), 1200);
    note(bight_stream_read(stream, 300));
    settle();
    ck_heard("[300]");
    ck_assert_uint_eq(bight_stream_buffered(stream), 50900);
}
END_TEST

START_TEST(a_read_that_waits_may_gather_what_it_was_allowed) /* S4 */
{
    bight_stream_set_limits(stream, 100, 0);
    feed_size(200);
    note(bight_stream_read_exactly(stream, 150000));
    ck_assert_uint_eq(feed_size(149799), 0);
    ck_heard("");
    feed_size(1);
    ck_heard("[150000]");
    struct bight_deferred *read = bight_stream_read_exactly(stream, 1000);
    feed_size(500);
    bight_deferred_cancel(read);
    bight_deferred_release(read);
    ck_assert_uint_eq(feed_size(10), 10);
}
END_TEST

START_TEST(an_end_behind_a_full_buffer_is_heard_after_it) /* S4, T12 */
{
    bight_stream_set_limits(stream, 100, 0);
    feed_size(200);
    bight_string_end(peer);
    note(bight_stream_read_exactly(stream, 200));
    note(bight_stream_read(stream, 0));
    settle();
    ck_heard("[200] ''");
}
END_TEST

START_TEST(input_can_be_forgotten) /* T19 */
{
    feed("abc");
    ck_assert_uint_eq(bight_stream_forget_input(stream), 3);
    ck_assert_uint_eq(bight_stream_forget_input(stream), 0);
    note(bight_stream_read(stream, 0));
    feed("d");
    ck_heard("'d'");
    note(bight_stream_read_line(stream, 0));
    feed("abc");
    ck_assert_uint_eq(bight_stream_forget_input(stream), 3);
    feed("\n");
    ck_heard("''");
}
END_TEST

/* --------------------------------------------------------------------------------------- reads in handlers */

static unsigned lines, depth, deepest;
static size_t most;

static void count_line(struct bight_result *result, void *context)
{
    (void)context;
    deepest = ++depth > deepest ? depth : deepest;
    most = bight_stream_buffered(stream) > most ? bight_stream_buffered(stream) : most;
    if (bight_result_peek(result, &bight_type_bytes) != NULL) {
        lines++;
        struct bight_deferred *next = bight_stream_read_line(stream, 0);
        bight_deferred_add_callback(next, count_line, NULL);
        bight_deferred_release(next);
    }
    depth--;
}

static void count_lines(void)
{
    struct bight_deferred *first = bight_stream_read_line(stream, 0);
    bight_deferred_add_callback(first, count_line, NULL);
    bight_deferred_release(first);
}

START_TEST(a_flood_of_lines_does_not_pile_up_on_the_stack) /* S9 */
{
    char *flood = malloc(60000);
    memset(flood, '\n', 60000);
    count_lines();
    bight_string_feed(peer, flood, 60000);
    bight_testing_settle(reactor, 10000);
    ck_assert_uint_eq(lines, 60000);
    ck_assert_uint_le(deepest, 65);
    free(flood);
    bight_string_end(peer);
}
END_TEST

START_TEST(the_limit_holds_while_reads_are_postponed) /* S4 S9 */
{
    enum { SIZE = 2000000 };
    char *flood = malloc(SIZE);
    memset(flood, '\n', SIZE);
    bight_stream_set_limits(stream, 100, 0);
    count_lines();
    bight_string_feed(peer, flood, SIZE);
    bight_testing_settle(reactor, SIZE);
    ck_assert_uint_eq(lines, SIZE);
    ck_assert_uint_le(most, 100 + 65536);
    free(flood);
    bight_string_end(peer);
}
END_TEST

START_TEST(a_postponed_read_gathers_when_its_turn_has_come) /* S4 S9 */
{
    bight_stream_set_limits(stream, 10, 0);
    feed_size(164);
    for (int i = 0; i < 64; i++) {
        bight_deferred_release(bight_stream_read_exactly(stream, 1));
    }
    note(bight_stream_read_exactly(stream, 1000));
    ck_assert_uint_eq(feed_size(900), 0);
    ck_heard("[1000]");
}
END_TEST

START_TEST(nor_does_one_that_a_reset_follows) /* S9 */
{
    char *flood = malloc(60000);
    memset(flood, '\n', 60000);
    bight_string_feed(peer, flood, 60000);
    bight_string_reset(peer, 0);
    free(flood);
    count_lines();
    settle();
    ck_assert_uint_eq(lines, 60000);
    ck_assert_uint_le(deepest, 65);
}
END_TEST

static void read_many(void)
{
    feed("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz");
    for (int i = 0; i < 64; i++) {
        bight_deferred_release(bight_stream_read_exactly(stream, 1));
    }
}

START_TEST(a_postponed_read_can_be_cancelled) /* S3 S9 */
{
    read_many();
    struct bight_deferred *read = bight_stream_read_exactly(stream, 1);
    note(bight_deferred_hold(read));
    ck_heard("");
    bight_deferred_cancel(read);
    bight_deferred_release(read);
    ck_heard("CANCELLED");
    note(bight_stream_read_exactly(stream, 1));
    ck_heard("");
    settle();
    ck_heard("'m'");
}
END_TEST

START_TEST(a_postponed_read_outlives_the_connection) /* S9 */
{
    read_many();
    note(bight_stream_read_exactly(stream, 1));
    bight_string_reset(peer, 0);
    settle();
    ck_heard("'m'");
}
END_TEST

static void read_on(struct bight_result *result, void *context)
{
    (void)context;
    struct bight_deferred *next;
    if (bight_result_failure(result) == NULL) {
        next = bight_stream_read_line(stream, 0);
        bight_deferred_add_both(next, read_on, NULL);
        bight_deferred_release(next);
        lines++;
        return;
    }
    hear("%s", bight_error_name(bight_failure_code(bight_result_failure(result))));
    bight_result_clear(result);
    note(bight_stream_read_line(stream, 0));
}

START_TEST(reading_on_while_the_reactor_ends_comes_to_an_end) /* S9 */
{
    char flood[1000];
    memset(flood, '\n', sizeof flood);
    bight_string_feed(peer, flood, sizeof flood);
    struct bight_deferred *first = bight_stream_read_exactly(stream, 1);
    bight_deferred_add_both(first, read_on, NULL);
    bight_deferred_release(first);
    bight_reactor_free(reactor);
    ck_assert_uint_lt(lines, 1000);
    ck_heard("SHUTDOWN ''"); /* what is left can be read for as long as there is a reactor */
    reactor = bight_testing_reactor_new();
}
END_TEST

START_TEST(the_end_of_the_reactor_fails_a_postponed_read_and_later_ones) /* S9 */
{
    read_many();
    note(bight_stream_read_exactly(stream, 1));
    bight_reactor_free(reactor);
    ck_heard("SHUTDOWN");
    note(bight_stream_read_exactly(stream, 1));
    ck_heard("SHUTDOWN");
    reactor = bight_testing_reactor_new();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ memory */

static bool read_once(void *context)
{
    bool good = true;
    (void)context;
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &streams.base, true);
    if (peer != NULL) {
        heard[0] = '\0';
        bight_stream_hold(stream);
        note(bight_stream_read_line(stream, 0));
        feed("one\ntwo;thr");
        note(bight_stream_read_until(stream, ";", 1, 0));
        note(bight_stream_read_exactly(stream, 5));
        feed("eefour");
        note(bight_stream_read(stream, 0));
        bight_string_end(peer);
        note(bight_stream_read_all(stream, 0));
        good = bight_testing_fault_injected() || strcmp(heard, "'one' 'two;' 'three' 'four' ''") == 0;
        bight_stream_release(stream);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    return good;
}

START_TEST(reading_survives_every_lack_of_memory) /* D34, T15 */
{
    tear_down();
    ck_assert_uint_eq(bight_testing_with_faults(read_once, NULL, 0), 0);
    set_up();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_read_gives_what_there_is_as_soon_as_there_is_something);
    tcase_add_test(tests, read_exactly_waits_for_all_of_it);
    tcase_add_test(tests, read_exactly_has_a_cap_against_hostile_sizes);
    tcase_add_test(tests, read_until_includes_the_separator);
    tcase_add_test(tests, read_until_copies_the_separator);
    tcase_add_test(tests, over_the_limit_read_until_consumes_nothing);
    tcase_add_test(tests, read_line_strips_both_ends);
    tcase_add_test(tests, the_limit_of_a_line_does_not_count_its_end);
    tcase_add_test(tests, the_last_line_may_lack_its_end_and_no_line_is_an_empty_result);
    tcase_add_test(tests, an_unended_line_over_the_limit_is_too_long_at_the_end_too);
    tcase_add_test(tests, at_the_end_a_read_gives_no_bytes);
    tcase_add_test(tests, a_read_that_waits_hears_of_the_end);
    tcase_add_test(tests, what_is_incomplete_at_the_end_stays);
    tcase_add_test(tests, read_all_gives_all_until_the_end);
    tcase_add_test(tests, over_the_limit_read_all_consumes_nothing);
    tcase_add_test(tests, after_a_reset_what_is_held_can_be_read_and_then_the_reason);
    tcase_add_test(tests, a_read_that_waits_gets_the_reason);
    tcase_add_test(tests, a_second_read_is_a_usage_error_and_the_first_goes_on);
    tcase_add_test(tests, a_cancelled_read_leaves_the_bytes);
    tcase_add_test(tests, a_read_can_have_a_timeout);
    tcase_add_test(tests, what_is_read_does_not_depend_on_the_cut);
    tcase_add_test(tests, more_than_the_limit_is_not_read_from_the_connection);
    tcase_add_test(tests, a_read_that_waits_may_gather_what_it_was_allowed);
    tcase_add_test(tests, an_end_behind_a_full_buffer_is_heard_after_it);
    tcase_add_test(tests, input_can_be_forgotten);
    tcase_add_test(tests, a_flood_of_lines_does_not_pile_up_on_the_stack);
    tcase_add_test(tests, the_limit_holds_while_reads_are_postponed);
    tcase_add_test(tests, a_postponed_read_gathers_when_its_turn_has_come);
    tcase_add_test(tests, nor_does_one_that_a_reset_follows);
    tcase_add_test(tests, a_postponed_read_can_be_cancelled);
    tcase_add_test(tests, a_postponed_read_outlives_the_connection);
    tcase_add_test(tests, reading_on_while_the_reactor_ends_comes_to_an_end);
    tcase_add_test(tests, the_end_of_the_reactor_fails_a_postponed_read_and_later_ones);
    tcase_add_test(tests, reading_survives_every_lack_of_memory);
}

BIGHT_TEST_MAIN("stream_read", add_tests)
