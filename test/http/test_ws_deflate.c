/* SPDX-License-Identifier: MIT */
/* Tests of permessage-deflate (W6): what is agreed on, messages both ways, limits. */
#include "http/websocket/deflate.h"
#include "ws_support.h"

static const struct bight_websocket_options deflating = {
    .size = sizeof deflating, .deflate = true, .message_limit = 100000
};
static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ws_ops, &deflating);

static const struct {
    const char *offer, *answer; /* NULL: it is declined; else what is answered but for both no_context_takeover */
} offers[] = {
    { "permessage-deflate", "" },
    { "permessage-deflate; client_max_window_bits", "" },
    { "permessage-deflate; client_max_window_bits=10; server_no_context_takeover", "" },
    { "permessage-deflate; server_max_window_bits=15", "; server_max_window_bits=15" },
    { "permessage-deflate; client_max_window_bits=\"12\"", "" },
    { "permessage-deflate;server_max_window_bits = 15 ;client_no_context_takeover", "; server_max_window_bits=15" },
    { "x-other, permessage-deflate", "" },
    { "permessage-deflate; server_max_window_bits=8, permessage-deflate", "" },
    { "permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10" },
    { "permessage-deflate; server_max_window_bits=9, permessage-deflate", "; server_max_window_bits=9" },
    { "permessage-deflate; client_max_window_bits=8", "" },
    { "permessage-deflate; server_max_window_bits=8", NULL },
    { "permessage-deflate; server_max_window_bits", NULL },
    { "permessage-deflate; server_max_window_bits=16", NULL },
    { "permessage-deflate; client_max_window_bits=7", NULL },
    { "permessage-deflate; client_max_window_bits=015", NULL },
    { "permessage-deflate; client_no_context_takeover=1", NULL },
    { "permessage-deflate; client_no_context_takeover; client_no_context_takeover", NULL },
    { "permessage-deflate; other", NULL },
    { "permessage-deflate;", NULL },
    { "x-webkit-deflate-frame", NULL },
};

START_TEST(an_offer_is_agreed_to_if_it_can_be) /* W6 */
{
    char wanted[1000];
    ws_begin_with(&plain, offers[_i].offer);
    (void)snprintf(wanted, sizeof wanted,
        WS_ANSWER "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
                  "client_no_context_takeover%s\r\n\r\n",
        offers[_i].answer != NULL ? offers[_i].answer : "");
    ck_assert_str_eq(take_answer(), offers[_i].answer != NULL ? wanted : WS_ANSWER "\r\n");
    ck_assert_str_eq(ws_happened(), "open(/ws).");
    ws_end();
}
END_TEST

START_TEST(it_is_off_unless_asked) /* W6 */
{
    static struct bight_websocket_factory other = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);
    ws_begin_with(&other, "permessage-deflate");
    ck_assert_str_eq(take_answer(), WS_ANSWER "\r\n");
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    WS_WROTE("\x88\x17\x03\xea"
             "reserved bits are set");
    ws_end();
}
END_TEST

static void begin(void)
{
    ws_begin_with(&plain, "permessage-deflate");
    bight_string_clear(peer);
    ck_assert_str_eq(ws_happened(), "open(/ws).");
}

START_TEST(compressed_messages_of_the_rfc_are_received) /* W6 */
{
    begin();
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    ws_say_frame(BI_OPCODE_TEXT | BI_FRAME_COMPRESSED, "\xf2\x48\xcd", 3);
    ws_say_frame(BI_FRAME_FINAL, "\xc9\xc9\x07\x00", 4);
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11);
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8);
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13);
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, "\x00", 1);
    ws_say(WS_TEXT, "plain");
    ck_assert_str_eq(ws_happened(), "text(Hello).text(Hello).text(Hello).text(Hello).text(Hello).text().text(plain).");
    ws_end();
}
END_TEST

START_TEST(what_is_damaged_is_1007) /* W6, W2 */
{
    static const struct {
        const char *bytes;
        size_t size;
    } damaged[] = { { "\x07", 1 }, { "\xf2\x48\xcd", 3 }, { "\x00\x06\x00\xf9\xff\x48", 6 }, { "\xff\xff\xff", 3 },
        { "", 0 } };
    begin();
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, damaged[_i].bytes, damaged[_i].size);
    WS_WROTE("\x88\x21\x03\xef"
             "a compressed message is damaged");
    ws_end();
}
END_TEST

/* A message to many, and the same by itself. */
START_TEST(messages_are_compressed_where_it_is_worth_it) /* W6 */
{
    char text[5000];
    size_t size;
    memset(text, 'x', sizeof text);
    begin();
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, text, sizeof text);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, text, sizeof text), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, message), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, message), 0);
    bight_websocket_message_release(message);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, "small", 5), 0);
    settle();
    const uint8_t *written = bight_string_written(peer, &size);
    size_t frame = (size - 7) / 3;
    ck_assert_uint_lt(size, 200);
    ck_assert_uint_eq(written[0], 0xc1);
    ck_assert_uint_eq(written[1], frame - 2);
    ck_assert_mem_eq(written, written + frame, frame);
    ck_assert_mem_eq(written, written + 2 * frame, frame);
    ck_assert_mem_eq(written + 3 * frame, "\x81\x05small", 7);
    uint8_t echo[100];
    memcpy(echo, written + 2, frame - 2);
    ws_say_frame(WS_BINARY | BI_FRAME_COMPRESSED, echo, frame - 2);
    ck_assert_str_eq(ws_happened(), "binary(5000).");
    ws_end();
}
END_TEST

START_TEST(what_is_longer_than_the_peers_window_is_sent_as_it_is) /* W6 */
{
    static char text[513];
    size_t size;
    memset(text, 'x', sizeof text);
    ws_begin_with(&plain, "permessage-deflate; server_max_window_bits=9");
    bight_string_clear(peer);
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, text, 512 + (size_t)_i);
    ck_assert_int_eq(bight_websocket_send_text(ws_socket, text, 512 + (size_t)_i), 0);
    ck_assert_int_eq(bight_websocket_send_message(ws_socket, message), 0);
    bight_websocket_message_release(message);
    settle();
    ck_assert_uint_eq(bight_string_written(peer, &size)[0], _i == 0 ? 0xc1 : 0x81);
    ck_assert_int_eq(size < 100, _i == 0);
    ck_assert_int_eq(size > 1024, _i == 1);
    ws_end();
}
END_TEST

/* A megabyte of zeros is a kilobyte. */
START_TEST(the_limit_is_that_of_the_message_itself) /* W6, W2 */
{
    static char zeros[100001];
    uint8_t room[2000];
    struct bi_raw_deflater *deflater = bi_raw_deflater_new(9, 15, false);
    size_t size =
        bi_raw_deflate(deflater, (struct bi_view) { (const uint8_t *)zeros, 100000 + (size_t)_i }, room, sizeof room);
    bi_raw_deflater_free(deflater);
    ck_assert_uint_gt(size, 0);
    begin();
    ws_say_frame(WS_BINARY | BI_FRAME_COMPRESSED, room, size);
    if (_i == 0) {
        ck_assert_str_eq(ws_happened(), "binary(100000).");
    } else {
        WS_WROTE("\x88\x16\x03\xf1"
                 "a message is too big");
    }
    ws_end();
}
END_TEST

static size_t pieces_size, pieces;

static void count_piece(
    struct bight_websocket *socket, enum bight_websocket_kind kind, const uint8_t *data, size_t size, bool last)
{
    (void)socket;
    (void)kind;
    (void)data;
    pieces_size += size;
    pieces++;
    ck_assert_int_eq(last, pieces == 2);
}

START_TEST(what_it_stands_for_comes_in_pieces_too) /* W6, W1 */
{
    static char zeros[100000];
    static const struct bight_websocket_ops ops = { .opened = ws_opened, .piece_received = count_piece };
    static struct bight_websocket_factory factory =
        BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ops, &deflating);
    uint8_t room[2000];
    struct bi_raw_deflater *deflater = bi_raw_deflater_new(9, 15, false);
    size_t size =
        bi_raw_deflate(deflater, (struct bi_view) { (const uint8_t *)zeros, sizeof zeros }, room, sizeof room);
    bi_raw_deflater_free(deflater);
    pieces_size = pieces = 0;
    ws_begin_with(&factory, "permessage-deflate");
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, room, size);
    settle();
    ck_assert_uint_eq(pieces_size, 100000);
    ck_assert_uint_eq(pieces, 2);
    ws_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_offer_is_agreed_to_if_it_can_be, 0, (int)(sizeof offers / sizeof *offers));
    tcase_add_test(tests, it_is_off_unless_asked);
    tcase_add_test(tests, compressed_messages_of_the_rfc_are_received);
    tcase_add_loop_test(tests, what_is_damaged_is_1007, 0, 5);
    tcase_add_test(tests, messages_are_compressed_where_it_is_worth_it);
    tcase_add_loop_test(tests, what_is_longer_than_the_peers_window_is_sent_as_it_is, 0, 2);
    tcase_add_loop_test(tests, the_limit_is_that_of_the_message_itself, 0, 2);
    tcase_add_test(tests, what_it_stands_for_comes_in_pieces_too);
}

BIGHT_TEST_MAIN("http_ws_deflate", add_tests)
