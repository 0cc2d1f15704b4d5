/* SPDX-License-Identifier: MIT */
/* test_line.c - the line receiver over the string transport.
 *
 * A recorder writes down what it hears, one event a line, so that whole conversations are compared as texts. What a
 * stream means may not depend on how it was cut: the streams below are fed whole, in every cut in two, and byte by
 * byte, and each way must give the same record. */
#include <bight/protocols/line.h>
#include <bight/testing.h>

#include "../../protocols/basic/line.h"
#include "support.h"

static char record[65536];
static size_t recorded;
static bool peers_end; /* after the stream that was fed */
static struct bight_reactor *reactor;

struct recorder {
    struct bight_line_receiver base;
    unsigned lines;
};

static void note(const char *event, const void *data, size_t size)
{
    char text[512];
    bight_escape(data, size, text, sizeof text);
    recorded += (size_t)snprintf(record + recorded, sizeof record - recorded, "%s(%s) ", event, text);
    ck_assert_uint_lt(recorded, sizeof record);
}

/* What a line tells the recorder to do, so that a stream of bytes can bring about anything. */
static void obey(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    struct bight_transport *transport = bight_line_transport(receiver);
    char word[16] = "";
    memcpy(word, line, size < sizeof word - 1 ? size : sizeof word - 1);
    if (strcmp(word, "RAW") == 0) {
        bight_line_set_raw_mode(receiver);
    } else if (strcmp(word, "LOSE") == 0) {
        bight_transport_lose_connection(transport);
    } else if (strcmp(word, "ABORT") == 0) {
        bight_transport_abort_connection(transport);
    } else if (strcmp(word, "PAUSE") == 0) {
        bight_line_pause(receiver);
    } else if (strcmp(word, "FORGET") == 0) {
        note("forgot", "", 0);
        bight_line_forget_input(receiver);
    }
}

static void hear_line(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    bight_line_self(struct recorder, receiver)->lines++;
    note("line", line, size);
    obey(receiver, line, size);
}

/* Raw data is noted byte by byte, since its chunking is not part of the promise. A '.' ends it. */
static void hear_raw(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        note("raw", data + i, 1);
        if (data[i] == '.') {
            bight_line_set_line_mode(receiver, data + i + 1, size - i - 1);
            return;
        }
    }
}

static void hear_length(struct bight_line_receiver *receiver, size_t size)
{
    char text[32];
    (void)receiver;
    note("exceeded", text, (size_t)snprintf(text, sizeof text, "%zu", size));
}

static void hear_length_and_turn_raw(struct bight_line_receiver *receiver, size_t size)
{
    hear_length(receiver, size);
    bight_line_set_raw_mode(receiver);
}

static void hear_loss(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)receiver;
    note("lost", bight_error_name(bight_failure_code(reason)), strlen(bight_error_name(bight_failure_code(reason))));
}

static const struct bight_line_ops recorder_ops = {
    .line_received = hear_line,
    .raw_data_received = hear_raw,
    .line_length_exceeded = hear_length,
    .connection_lost = hear_loss,
};
static const struct bight_line_ops raw_on_excess_ops = {
    .line_received = hear_line,
    .raw_data_received = hear_raw,
    .line_length_exceeded = hear_length_and_turn_raw,
};
static const struct bight_line_ops plain_ops = { .line_received = hear_line, .connection_lost = hear_loss };

static struct bight_line_factory recorders = BIGHT_LINE_FACTORY(struct recorder, &recorder_ops);

static struct bight_line_receiver *receiver_of(const struct bight_string_peer *peer)
{
    return (struct bight_line_receiver *)bight_string_protocol(peer);
}

static struct bight_string_peer *connect_peer(void)
{
    recorded = 0;
    record[0] = '\0';
    struct bight_string_peer *peer = bight_string_connect(reactor, &recorders.base, true);
    ck_assert_ptr_nonnull(peer);
    return peer;
}

static void set_up(void)
{
    reactor = bight_testing_reactor_new();
    ck_assert_ptr_nonnull(reactor);
    recorders.ops = &recorder_ops;
    recorders.delimiter = NULL;
    recorders.limit = 0;
    peers_end = false;
}

static void tear_down(void)
{
    bight_reactor_free(reactor);
}

/* ----------------------------------------------------------------------------------- what is a line */

static void expect_record(struct bight_string_peer *peer, const char *expected)
{
    if (peers_end) {
        bight_string_end(peer);
    }
    ck_assert_str_eq(record, expected);
    bight_string_peer_free(peer);
    bight_testing_settle(reactor, 10);
}

static void expect_events(const char *stream, const char *expected)
{
    size_t size = strlen(stream);
    for (size_t cut = 0; cut < size; cut++) {
        struct bight_string_peer *peer = connect_peer();
        bight_string_feed(peer, stream, cut);
        bight_string_feed(peer, stream + cut, size - cut);
        expect_record(peer, expected);
    }
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_chunked(peer, stream, size, 1);
    expect_record(peer, expected);
}

START_TEST(both_line_ends_are_accepted_by_default)
{
    expect_events("one\r\ntwo\n\r\n\nlast\r\r\nunfinished\r", "line(one) line(two) line() line() line(last\\r) ");
}
END_TEST

START_TEST(a_delimiter_of_one_s_own_is_the_only_one)
{
    recorders.delimiter = "\r\n";
    expect_events("one\ntwo\r\n\rthree\r\r\nfour\r\n", "line(one\\ntwo) line(\\rthree\\r) line(four) ");
    recorders.delimiter = "--";
    expect_events("a-b--c---d--", "line(a-b) line(c) line(-d) ");
    recorders.delimiter = "abab";
    expect_events("ababxababab", "line() line(x) ");
    expect_events("aababaabbabab", "line(a) line(aabb) ");
}
END_TEST

START_TEST(the_limit_counts_the_line_without_its_end)
{
    recorders.limit = 4;
    expect_events("1234\r\n12345\r\nafter\n", "line(1234) exceeded(4) exceeded(4) ");
    expect_events("1234\n1234\r\n12345\nx\n", "line(1234) line(1234) exceeded(4) line(x) ");
    expect_events("1234\rx\nnext\n", "exceeded(4) line(next) ");
    recorders.delimiter = "##";
    expect_events("1234##12345##x##", "line(1234) exceeded(4) line(x) ");
    expect_events("123456789#0##x##123#", "exceeded(4) line(x) ");
    expect_events("1234#5##x##", "exceeded(4) line(x) ");
}
END_TEST

START_TEST(a_receiver_without_a_handler_for_it_loses_the_connection_at_the_limit)
{
    recorders.limit = 4;
    recorders.ops = &plain_ops;
    peers_end = true;
    expect_events("12345\nx\ny\n", "lost(CONNECTION_DONE) ");
}
END_TEST

START_TEST(raw_mode_begins_with_what_was_read_and_may_end_anywhere)
{
    expect_events("RAW\r\na\nb.line\r\nRAW\n.RAW\nx.\nend\n",
        "line(RAW) raw(a) raw(\\n) raw(b) raw(.) line(line) line(RAW) raw(.) line(RAW) raw(x) raw(.) line() "
        "line(end) ");
}
END_TEST

START_TEST(turning_raw_at_the_limit_gives_what_is_beyond_it)
{
    recorders.limit = 4;
    recorders.ops = &raw_on_excess_ops;
    expect_events("abcdefg.x\nok\n", "exceeded(4) raw(e) raw(f) raw(g) raw(.) line(x) line(ok) ");
    recorders.delimiter = "##";
    expect_events("abcdefg.x##ok##", "exceeded(4) raw(e) raw(f) raw(g) raw(.) line(x) line(ok) ");
}
END_TEST

START_TEST(nothing_is_delivered_after_lose_or_abort) /* T7 T10 */
{
    peers_end = true;
    expect_events("a\nLOSE\nb\nc", "line(a) line(LOSE) lost(CONNECTION_DONE) ");
    expect_events("a\nABORT\nb\nc", "line(a) line(ABORT) lost(CONNECTION_ABORTED) ");
}
END_TEST

START_TEST(long_lines_of_many_chunks_arrive_whole)
{
    enum { SIZE = 200000 };
    char *stream = malloc(SIZE + 1);
    memset(stream, 'x', SIZE);
    stream[SIZE] = '\n';
    recorders.limit = SIZE;
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_chunked(peer, stream, SIZE + 1, 7);
    ck_assert_int_eq(strncmp(record, "line(xxxx", 9), 0);
    ck_assert_uint_eq(bight_line_self(struct recorder, receiver_of(peer))->lines, 1);
    ck_assert_ptr_null(receiver_of(peer)->own->input);
    bight_string_peer_free(peer);
    free(stream);
}
END_TEST

/* -------------------------------------------------------------------------------------------- pausing */

START_TEST(pausing_in_a_line_stops_at_once_and_resuming_gives_the_rest_on_a_later_turn) /* T2 */
{
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "a\nPAUSE\nb\nPAUSE\nc\nunfini");
    ck_assert_str_eq(record, "line(a) line(PAUSE) ");
    bight_string_feed_text(peer, "shed\n");
    ck_assert_str_eq(record, "line(a) line(PAUSE) ");
    bight_line_resume(receiver_of(peer));
    ck_assert_str_eq(record, "line(a) line(PAUSE) ");
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(a) line(PAUSE) line(b) line(PAUSE) ");
    bight_line_resume(receiver_of(peer));
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(a) line(PAUSE) line(b) line(PAUSE) line(c) line(unfinished) ");
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(pausing_again_before_the_later_turn_keeps_everything_back)
{
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "PAUSE\nb\n");
    bight_line_resume(receiver_of(peer));
    bight_line_pause(receiver_of(peer));
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(PAUSE) ");
    ck_assert_uint_eq(bight_string_feed_text(peer, "c\n"), 2); /* it is not read into the receiver either */
    bight_line_resume(receiver_of(peer));
    bight_line_resume(receiver_of(peer));
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(PAUSE) line(b) line(c) ");
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(the_end_comes_after_the_lines_that_waited) /* T12 */
{
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "PAUSE\nb\nc\n");
    bight_string_end(peer);
    ck_assert_str_eq(record, "line(PAUSE) ");
    bight_line_resume(receiver_of(peer));
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(PAUSE) line(b) line(c) lost(CONNECTION_DONE) ");
    bight_string_peer_free(peer);
}
END_TEST

static void pause_at_each(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    (void)line;
    (void)size;
    recorded++;
    bight_line_pause(receiver);
}

static const struct bight_line_ops pausing_ops = { .line_received = pause_at_each };

START_TEST(who_pauses_at_every_line_holds_nothing) /* T2 */
{
    enum { SIZE = 1000000 };
    recorders.ops = &pausing_ops;
    struct bight_string_peer *peer = connect_peer();
    char *lines = malloc(SIZE);
    memset(lines, '\n', SIZE);
    ck_assert_uint_gt(bight_string_feed(peer, lines, SIZE), SIZE - 65537);
    for (size_t i = 1; i < 5000; i++) {
        struct bight_line_receiver *receiver = receiver_of(peer);
        ck_assert_ptr_null(receiver->own->input);
        bight_line_resume(receiver);
        bight_testing_settle(reactor, 100);
        ck_assert_uint_eq(recorded, i + 1);
    }
    free(lines);
    recorded = 0;
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(a_connection_may_end_while_lines_wait)
{
    struct bight_string_peer *peer = connect_peer();
    struct bight_protocol *held = bight_protocol_hold(bight_string_protocol(peer));
    bight_string_feed_text(peer, "PAUSE\nb\n");
    bight_line_resume(receiver_of(peer));
    bight_transport_abort_connection(held->transport);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(PAUSE) lost(CONNECTION_ABORTED) ");
    bight_line_resume((struct bight_line_receiver *)held);
    bight_line_set_raw_mode((struct bight_line_receiver *)held);
    ck_assert_int_eq(
        bight_line_set_line_mode((struct bight_line_receiver *)held, (const uint8_t *)"x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_line_send_text((struct bight_line_receiver *)held, "x"), BIGHT_E_CLOSED);
    bight_testing_settle(reactor, 10);
    bight_protocol_release(held);
    bight_string_peer_free(peer);
}
END_TEST

/* -------------------------------------------------------------------------------- modes from outside */

START_TEST(turning_raw_from_outside_gives_the_unfinished_line_on_a_later_turn)
{
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "ab");
    bight_line_set_raw_mode(receiver_of(peer));
    ck_assert_str_eq(record, "");
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "raw(a) raw(b) ");
    ck_assert_int_eq(bight_line_set_line_mode(receiver_of(peer), (const uint8_t *)"x\ny", 3), 0);
    ck_assert_str_eq(record, "raw(a) raw(b) ");
    bight_testing_settle(reactor, 10);
    bight_string_feed_text(peer, "z\n");
    ck_assert_str_eq(record, "raw(a) raw(b) line(x) line(yz) ");
    bight_string_peer_free(peer);
}
END_TEST

static void put_back_in_pieces(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    (void)bight_line_set_line_mode(receiver, (const uint8_t *)"one\ntwo\n", 8);
    (void)bight_line_set_line_mode(receiver, data + 1, size - 1);
}

static const struct bight_line_ops putting_ops = { .line_received = hear_line,
    .raw_data_received = put_back_in_pieces };

START_TEST(what_is_put_back_goes_before_what_was_put_back_already)
{
    recorders.ops = &putting_ops;
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "RAW\n.a\nb\nc");
    bight_string_feed_text(peer, "d\n");
    ck_assert_str_eq(record, "line(RAW) line(a) line(b) line(cone) line(two) line(d) ");
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(input_can_be_forgotten_in_a_handler_and_outside) /* T19 */
{
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "a\nFORGET\nsmuggled\nmore");
    ck_assert_str_eq(record, "line(a) line(FORGET) forgot() ");
    bight_string_feed_text(peer, "b\nhalf");
    ck_assert_uint_eq(bight_line_forget_input(receiver_of(peer)), 4);
    ck_assert_uint_eq(bight_line_forget_input(receiver_of(peer)), 0);
    bight_string_feed_text(peer, "c\n");
    ck_assert_str_eq(record, "line(a) line(FORGET) forgot() line(b) line(c) ");
    bight_string_peer_free(peer);
}
END_TEST

/* ---------------------------------------------------------------------------------------- switching */

static struct bight_factory heirs;

static void inherit(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)protocol;
    note("heir", data, size);
}

static const struct bight_protocol_ops heir_ops = { .data_received = inherit };
static struct bight_factory heirs = BIGHT_FACTORY(struct bight_protocol, &heir_ops);

static void switch_at_word(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    note("line", line, size);
    if (size == 6 && memcmp(line, "SWITCH", 6) == 0) {
        ck_assert_int_eq(bight_line_switch_protocol(receiver, bight_protocol_new(&heirs)), 0);
    }
}

static void hear_replaced(struct bight_line_receiver *receiver)
{
    (void)receiver;
    note("replaced", "", 0);
}

static const struct bight_line_ops switching_ops = { .line_received = switch_at_word,
    .protocol_replaced = hear_replaced };

START_TEST(switching_in_a_line_hands_over_what_was_read) /* T23 */
{
    recorders.ops = &switching_ops;
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "a\nSWITCH\nrest\nof it");
    bight_string_feed_text(peer, "more");
    ck_assert_str_eq(record, "line(a) line(SWITCH) replaced() heir(rest\\nof it) heir(more) ");
    bight_string_peer_free(peer);
}
END_TEST

static void switch_to_nobody(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    note("line", line, size);
    ck_assert_int_eq(bight_line_switch_protocol(receiver, NULL), BIGHT_E_USAGE);
}

static const struct bight_line_ops refused_ops = { .line_received = switch_to_nobody };

START_TEST(a_switch_that_is_refused_leaves_the_lines_where_they_are) /* T23 */
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    recorders.ops = &refused_ops;
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "a\nb\nc");
    bight_string_feed_text(peer, "d\ne\n");
    ck_assert_str_eq(record, "line(a) line(b) line(cd) line(e) ");
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(switching_from_outside_hands_over_the_unfinished_line) /* T23 */
{
    recorders.ops = &switching_ops;
    struct bight_string_peer *peer = connect_peer();
    bight_string_feed_text(peer, "a\nhalf");
    ck_assert_int_eq(bight_line_switch_protocol(receiver_of(peer), bight_protocol_new(&heirs)), 0);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(record, "line(a) replaced() heir(half) ");
    bight_string_peer_free(peer);
}
END_TEST

/* ------------------------------------------------------------------------------------------ sending */

START_TEST(a_sent_line_gets_its_delimiter)
{
    struct bight_string_peer *peer = connect_peer();
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "hello"), 0);
    ck_assert_int_eq(bight_line_send(receiver_of(peer), "", 0), 0);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(bight_string_written_text(peer), "hello\r\n\r\n");
    bight_string_peer_free(peer);
    recorders.delimiter = "--";
    peer = connect_peer();
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a\nb"), 0);
    bight_testing_settle(reactor, 10);
    ck_assert_str_eq(bight_string_written_text(peer), "a\nb--");
    bight_string_peer_free(peer);
}
END_TEST

START_TEST(a_second_line_cannot_be_smuggled_into_a_sent_one)
{
    struct bight_string_peer *peer = connect_peer();
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a\r\nb"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a\rb"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a\n"), BIGHT_E_INVALID_ARGUMENT);
    bight_string_peer_free(peer);
    recorders.delimiter = "--";
    peer = connect_peer();
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a--b"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a-"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_line_send_text(receiver_of(peer), "a-b"), 0);
    bight_string_peer_free(peer);
}
END_TEST

/* -------------------------------------------------------------------------------- when out of memory */

static bool converse(void *context)
{
    (void)context;
    reactor = bight_testing_reactor_new();
    recorders.limit = 400;
    recorded = 0;
    struct bight_string_peer *peer = reactor == NULL ? NULL : bight_string_connect(reactor, &recorders.base, true);
    if (peer != NULL) {
        char text[600];
        memset(text, 'x', sizeof text);
        bight_string_feed_text(peer, "a\nRAW\nabc.unfin");
        bight_string_feed_text(peer, "ished\nPAUSE\nb\nPAUSE\nc");
        for (int i = 0; i < 2 && bight_string_protocol(peer) != NULL; i++) {
            bight_line_resume(receiver_of(peer));
            bight_testing_settle(reactor, 10);
        }
        bight_string_feed_chunked(peer, text, sizeof text, 50);
        bight_string_feed_text(peer, "\nlast\n");
        bight_string_end(peer);
        bight_string_peer_free(peer);
    }
    bool whole = recorded >= 30 && strstr(record, "line(c") == NULL && strstr(record, "line(last)") != NULL;
    bool ended = peer == NULL || strstr(record, "lost(") != NULL;
    bight_reactor_free(reactor);
    return ended && (whole || bight_testing_fault_injected());
}

START_TEST(every_failing_allocation_ends_in_good_order)
{
    bight_reactor_free(reactor);
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    ck_assert_uint_eq(bight_testing_with_faults(converse, NULL, 0), 0);
    set_up();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, both_line_ends_are_accepted_by_default);
    tcase_add_test(tests, a_delimiter_of_one_s_own_is_the_only_one);
    tcase_add_test(tests, the_limit_counts_the_line_without_its_end);
    tcase_add_test(tests, a_receiver_without_a_handler_for_it_loses_the_connection_at_the_limit);
    tcase_add_test(tests, raw_mode_begins_with_what_was_read_and_may_end_anywhere);
    tcase_add_test(tests, turning_raw_at_the_limit_gives_what_is_beyond_it);
    tcase_add_test(tests, nothing_is_delivered_after_lose_or_abort);
    tcase_add_test(tests, long_lines_of_many_chunks_arrive_whole);
    tcase_add_test(tests, pausing_in_a_line_stops_at_once_and_resuming_gives_the_rest_on_a_later_turn);
    tcase_add_test(tests, pausing_again_before_the_later_turn_keeps_everything_back);
    tcase_add_test(tests, the_end_comes_after_the_lines_that_waited);
    tcase_add_test(tests, who_pauses_at_every_line_holds_nothing);
    tcase_add_test(tests, a_connection_may_end_while_lines_wait);
    tcase_add_test(tests, turning_raw_from_outside_gives_the_unfinished_line_on_a_later_turn);
    tcase_add_test(tests, what_is_put_back_goes_before_what_was_put_back_already);
    tcase_add_test(tests, a_switch_that_is_refused_leaves_the_lines_where_they_are);
    tcase_add_test(tests, input_can_be_forgotten_in_a_handler_and_outside);
    tcase_add_test(tests, switching_in_a_line_hands_over_what_was_read);
    tcase_add_test(tests, switching_from_outside_hands_over_the_unfinished_line);
    tcase_add_test(tests, a_sent_line_gets_its_delimiter);
    tcase_add_test(tests, a_second_line_cannot_be_smuggled_into_a_sent_one);
    tcase_add_test(tests, every_failing_allocation_ends_in_good_order);
}

BIGHT_TEST_MAIN("line", add_tests)
