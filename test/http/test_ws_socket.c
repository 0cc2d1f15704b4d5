/* SPDX-License-Identifier: MIT */
/* Tests of WebSockets of a site as their programs see them: messages, pings, ends. */
#include "ws_support.h"

static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);

static void begin(void)
{
    ws_begin(&plain);
}

/* -------------------------------------------------------------------------------------------- messages */

START_TEST(messages_of_both_kinds_are_received) /* W1 */
{
    begin();
    ws_say(WS_TEXT, "Hello");
    ws_say(WS_BINARY, "bytes");
    ws_say(WS_TEXT, "");
    ws_say(BI_OPCODE_TEXT, "Hel");
    ws_say(BI_OPCODE_CONTINUATION, "lo, ");
    ws_say(BI_FRAME_FINAL, "world");
    ck_assert_str_eq(ws_happened(), "text(Hello).binary(bytes).text().text(Hello, world).");
    WS_WROTE("");
    ws_end();
}
END_TEST

/* However the client's bytes are cut. */
START_TEST(what_is_received_does_not_depend_on_the_cuts) /* W1 */
{
    uint8_t bytes[2000];
    char large[600];
    memset(large, 'x', sizeof large);
    size_t size = ws_frame(bytes, WS_TEXT,
        "Gr\xc3\xbc\xc3\x9f"
        "e",
        7);
    size += ws_frame(bytes + size, WS_BINARY, large, sizeof large);
    size += ws_frame(bytes + size, BI_OPCODE_TEXT, "a\xc3", 2);
    size += ws_frame(bytes + size, WS_PING, "p", 1);
    size += ws_frame(bytes + size, BI_FRAME_FINAL,
        "\xa4"
        "b",
        2);
    size += ws_frame(bytes + size, WS_TEXT, large, sizeof large);
    size += ws_frame(bytes + size, WS_CLOSE,
        "\x03\xe8"
        "bye",
        5);
    for (size_t chunk = 1; chunk < size; chunk += 1 + chunk / 20) {
        begin();
        (void)bight_string_feed_chunked(peer, (const char *)bytes, size, chunk);
        ck_assert_str_eq(ws_happened(), "text(Gr\xc3\xbc\xc3\x9f"
                                        "e).binary(600).ping(p).text(a\xc3\xa4"
                                        "b).text(600).closed(1000 bye clean).");
        WS_WROTE("\x8a\x01p\x88\x05\x03\xe8"
                 "bye");
        ck_assert(bight_string_is_closed(peer));
        ws_end();
    }
}
END_TEST

START_TEST(a_message_of_a_megabyte_is_received_and_one_byte_more_is_1009) /* W1, W2 */
{
    size_t size = ((size_t)1 << 20) + (size_t)_i;
    char *text = malloc(size);
    memset(text, 'x', size);
    begin();
    ws_say_frame(WS_TEXT, text, size);
    if (_i == 0) {
        ck_assert_str_eq(ws_happened(), "text(1048576).");
    } else {
        WS_WROTE("\x88\x16\x03\xf1"
                 "a message is too big");
        bight_string_end(peer);
        ck_assert_str_eq(ws_happened(), "closed(1009 a message is too big unclean).");
    }
    free(text);
    ws_end();
}
END_TEST

static void echo(struct bight_websocket *socket, const char *text, size_t size)
{
    ck_assert_int_eq(bight_websocket_send_text(socket, text, size), 0);
}

static void echo_binary(struct bight_websocket *socket, const uint8_t *data, size_t size)
{
    ck_assert_int_eq(bight_websocket_send_binary(socket, data, size), 0);
}

static const struct bight_websocket_ops echo_ops = { .text_received = echo, .binary_received = echo_binary };
static struct bight_websocket_factory echoes = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &echo_ops);

static void say_three_at_once(unsigned kind_of_second)
{
    uint8_t bytes[100];
    size_t size = ws_frame(bytes, WS_TEXT, "one", 3);
    size += ws_frame(bytes + size, kind_of_second, "two", 3);
    size += ws_frame(bytes + size, WS_TEXT, "three", 5);
    (void)bight_string_feed(peer, bytes, size);
}

START_TEST(answers_to_messages_of_one_read_are_one_write) /* W1, H7 */
{
    ws_begin(&echoes);
    say_three_at_once(WS_BINARY);
    WS_WROTE("\x81\x03one\x82\x03two\x81\x05three");
    ws_end();
}
END_TEST

static void pause_at_each(struct bight_websocket *socket, const char *text, size_t size)
{
    ws_socket = socket;
    ws_text(socket, text, size);
    (void)bight_transport_pause(bight_websocket_transport(socket));
}

static const struct bight_websocket_ops pausing_ops = { .text_received = pause_at_each };
static struct bight_websocket_factory pausing = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &pausing_ops);

START_TEST(a_handler_that_pauses_has_the_next_message_of_the_read_when_it_resumes) /* W1 */
{
    ws_begin(&pausing);
    say_three_at_once(WS_TEXT);
    ck_assert_str_eq(ws_happened(), "text(one).");
    (void)bight_transport_resume(bight_websocket_transport(ws_socket));
    ck_assert_str_eq(ws_happened(), "text(two).");
    (void)bight_transport_resume(bight_websocket_transport(ws_socket));
    ck_assert_str_eq(ws_happened(), "text(three).");
    ws_end();
}
END_TEST

START_TEST(large_messages_are_echoed) /* W1 */
{
    static const size_t sizes[] = { 126, 4095, 4096, 65535, 65536, 300000 };
    size_t size = sizes[_i], written_size;
    char *text = malloc(size);
    memset(text, 'x', size);
    ws_begin(&echoes);
    ws_say_frame(WS_TEXT, text, size);
    settle();
    const uint8_t *written = bight_string_written(peer, &written_size);
    size_t head = bi_frame_head_size(size, false);
    ck_assert_uint_eq(written_size, head + size);
    ck_assert_mem_eq(written + head, text, size);
    free(text);
    ws_end();
}
END_TEST

/* ----------------------------------------------------------------------------------------- in pieces */

static void note_piece(
    struct bight_websocket *socket, enum bight_websocket_kind kind, const uint8_t *data, size_t size, bool last)
{
    (void)socket;
    ws_note("%s%.*s%s", kind == BIGHT_WEBSOCKET_TEXT ? "t" : "b", (int)size, (const char *)data, last ? "." : "-");
}

static const struct bight_websocket_ops piece_ops = {
    .opened = ws_opened, .piece_received = note_piece, .closed = ws_closed
};
static struct bight_websocket_factory pieces = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &piece_ops);

START_TEST(messages_are_received_in_pieces_as_they_come) /* W1 */
{
    ws_begin(&pieces);
    ws_say(BI_OPCODE_TEXT, "Hel");
    ws_say(BI_OPCODE_CONTINUATION, "");
    ws_say(BI_OPCODE_CONTINUATION, "lo");
    ws_say(BI_FRAME_FINAL, "");
    ws_say(WS_BINARY, "b");
    ck_assert_str_eq(ws_happened(), "tHel-tlo-t.bb.");
    ws_say(BI_OPCODE_TEXT, "\xc3");
    ws_say(BI_FRAME_FINAL, "x");
    ck_assert_str_eq(ws_happened(), "t\xc3-");
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1007 text is not UTF-8 unclean).");
    ws_end();
}
END_TEST

START_TEST(messages_are_sent_in_pieces) /* W1 */
{
    begin();
    ck_assert_int_eq(bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_TEXT, "\xc3", 1, false), 0);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, "x", 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_BINARY, "x", 1, true), BIGHT_E_USAGE);
    ck_assert_int_eq(
        bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_TEXT, "x", 1, true), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_websocket_ping(ws_socket, "p", 1), 0);
    ck_assert_int_eq(bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_TEXT, "\xa4", 1, false), 0);
    ck_assert_int_eq(bight_websocket_send_piece(ws_socket, BIGHT_WEBSOCKET_TEXT, NULL, 0, true), 0);
    ck_assert_int_eq(bight_websocket_send_binary(ws_socket, "b", 1), 0);
    settle();
    WS_WROTE("\x01\x01\xc3\x89\x01p\x00\x01\xa4\x80\x00\x82\x01"
             "b");
    ck_assert_uint_eq(usage_errors, 3);
    ws_end();
}
END_TEST

START_TEST(a_kind_that_the_table_does_not_take_is_1003) /* W2 */
{
    static const struct bight_websocket_ops text_ops = { .text_received = ws_text, .closed = ws_closed };
    static struct bight_websocket_factory texts = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &text_ops);
    ws_begin(&texts);
    ws_say(WS_BINARY, "x");
    WS_WROTE("\x88\x24\x03\xeb"
             "binary messages are not taken here");
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1003 binary messages are not taken here unclean).");
    ws_end();
}
END_TEST

START_TEST(what_is_sent_is_what_may_be) /* W1 */
{
    begin();
    ck_assert_int_eq(bight_websocket_sendf(ws_socket, "%d and %s", 7, "more"), 0);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, "\xff", 1), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_websocket_sendf(ws_socket, "%s", "\xff"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_websocket_ping(ws_socket, ws_events, 126), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_websocket_close(ws_socket, 1005, NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_websocket_close(ws_socket, 1000, "\xff"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert(bight_websocket_is_open(ws_socket));
    ck_assert_int_eq(bight_websocket_close(ws_socket, 3000, "so long"), 0);
    ck_assert(!bight_websocket_is_open(ws_socket));
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, "x", 1), BIGHT_E_CLOSED);
    ck_assert_int_eq(bight_websocket_close(ws_socket, 0, NULL), BIGHT_E_CLOSED);
    settle();
    WS_WROTE("\x81\x0a"
             "7 and more\x88\x09\x0b\xb8so long");
    ck_assert_uint_eq(usage_errors, 5);
    ws_end();
}
END_TEST

/* -------------------------------------------------------------------------------------- pings and ends */

START_TEST(pings_are_answered_and_pongs_told) /* W4 */
{
    begin();
    ws_say(WS_PING, "are you there");
    ws_say(WS_PONG, "yes");
    ck_assert_str_eq(ws_happened(), "ping(are you there).pong(yes).");
    WS_WROTE("\x8a\x0d"
             "are you there");
    ws_end();
}
END_TEST

START_TEST(the_clients_close_is_answered_and_the_server_closes_the_connection) /* W4 */
{
    begin();
    ws_say(WS_CLOSE, "");
    WS_WROTE("\x88\x00");
    ck_assert(is_over());
    ck_assert_str_eq(ws_happened(), "closed(1005 clean).");
    ws_end();
}
END_TEST

START_TEST(behind_both_close_frames_the_clients_end_is_not_waited_for) /* W4 */
{
    begin();
    if (_i == 0) {
        ck_assert_int_eq(bight_websocket_close(ws_socket, BIGHT_WEBSOCKET_GOING_AWAY, NULL), 0);
        settle();
    }
    ws_say(WS_CLOSE, "\x03\xe9");
    WS_WROTE("\x88\x02\x03\xe9");
    ck_assert(bight_string_is_closed(peer));
    ck_assert(!bight_string_was_reset(peer));
    ck_assert_str_eq(ws_happened(), "closed(1001 clean).");
    ws_end();
}
END_TEST

START_TEST(behind_a_violation_the_clients_end_is_waited_for) /* W2, T7 */
{
    begin();
    ws_say(BI_FRAME_FINAL | 3, "");
    ck_assert(bight_string_is_shut(peer) && !bight_string_is_closed(peer));
    bight_testing_advance(reactor, 5.1);
    ck_assert(bight_string_is_closed(peer));
    ws_end();
}
END_TEST

START_TEST(a_close_code_comes_back) /* W4 */
{
    begin();
    ws_say(WS_CLOSE, "\x0f\xa1"
                     "bye");
    WS_WROTE("\x88\x05\x0f\xa1"
             "bye");
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(4001 bye clean).");
    ws_end();
}
END_TEST

START_TEST(after_sending_close_only_the_clients_close_counts) /* W4 */
{
    begin();
    ck_assert_int_eq(bight_websocket_close(ws_socket, 0, NULL), 0);
    settle();
    WS_WROTE("\x88\x02\x03\xe8");
    ws_say(WS_TEXT, "late");
    ws_say(WS_PING, "late");
    ck_assert(!is_over());
    ws_say(WS_CLOSE, "\x03\xe8");
    ck_assert(is_over());
    WS_WROTE("");
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1000 clean).");
    ws_end();
}
END_TEST

START_TEST(a_client_that_does_not_close_is_disconnected) /* W4 */
{
    begin();
    ck_assert_int_eq(bight_websocket_close(ws_socket, 0, NULL), 0);
    bight_testing_advance(reactor, 4.9);
    ck_assert_str_eq(ws_happened(), "");
    bight_testing_advance(reactor, 0.8);
    ck_assert_str_eq(ws_happened(), "closed(1006 unclean).");
    ws_end();
}
END_TEST

START_TEST(a_connection_that_just_ends_is_1006) /* W1 */
{
    begin();
    ws_say(BI_OPCODE_TEXT, "half");
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1006 unclean).");
    ws_end();
}
END_TEST

START_TEST(a_violation_closes_with_its_code) /* W2 */
{
    begin();
    (void)bight_string_feed(peer, "\x81\x05Hello", 7);
    WS_WROTE("\x88\x1e\x03\xea"
             "a client's frame has no mask");
    ck_assert(is_over());
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1002 a client's frame has no mask unclean).");
    ws_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, messages_of_both_kinds_are_received);
    tcase_add_test(tests, what_is_received_does_not_depend_on_the_cuts);
    tcase_add_loop_test(tests, a_message_of_a_megabyte_is_received_and_one_byte_more_is_1009, 0, 2);
    tcase_add_test(tests, answers_to_messages_of_one_read_are_one_write);
    tcase_add_test(tests, a_handler_that_pauses_has_the_next_message_of_the_read_when_it_resumes);
    tcase_add_loop_test(tests, large_messages_are_echoed, 0, 6);
    tcase_add_test(tests, messages_are_received_in_pieces_as_they_come);
    tcase_add_test(tests, messages_are_sent_in_pieces);
    tcase_add_test(tests, a_kind_that_the_table_does_not_take_is_1003);
    tcase_add_test(tests, what_is_sent_is_what_may_be);
    tcase_add_test(tests, pings_are_answered_and_pongs_told);
    tcase_add_test(tests, the_clients_close_is_answered_and_the_server_closes_the_connection);
    tcase_add_loop_test(tests, behind_both_close_frames_the_clients_end_is_not_waited_for, 0, 2);
    tcase_add_test(tests, behind_a_violation_the_clients_end_is_waited_for);
    tcase_add_test(tests, a_close_code_comes_back);
    tcase_add_test(tests, after_sending_close_only_the_clients_close_counts);
    tcase_add_test(tests, a_client_that_does_not_close_is_disconnected);
    tcase_add_test(tests, a_connection_that_just_ends_is_1006);
    tcase_add_test(tests, a_violation_closes_with_its_code);
}

BIGHT_TEST_MAIN("http_ws_socket", add_tests)
