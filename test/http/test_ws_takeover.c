/* SPDX-License-Identifier: MIT */
/* Tests of permessage-deflate with takeover (W6): what is agreed on, by both sides, and messages that refer to those
 * before them. Without it: test_ws_deflate.c. */
#include "http/coding/raw_deflate.h"
#include "http/websocket/terms.h"
#include "ws_client_support.h"

static struct bight_websocket_options options;
static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY_FULL(struct bight_websocket, &ws_ops, &options);

static void wish_for(unsigned bits)
{
    options = (struct bight_websocket_options) {
        .size = sizeof options, .deflate = true, .takeover = true, .window_bits = (unsigned char)bits
    };
}

/* ----------------------------------------------------------------------------------------------- a server */

static const struct {
    unsigned bits;
    const char *offer, *answer; /* NULL: it is declined */
} offers[] = {
    { 15, "permessage-deflate", "" },
    { 15, "permessage-deflate; client_max_window_bits", "" },
    { 15, "permessage-deflate; server_no_context_takeover", "; server_no_context_takeover" },
    { 15, "permessage-deflate; client_no_context_takeover", "; client_no_context_takeover" },
    { 15, "permessage-deflate; server_max_window_bits=10", "; server_max_window_bits=10" },
    { 15, "permessage-deflate; client_max_window_bits=10", "" },
    { 12, "permessage-deflate; client_max_window_bits", "; server_max_window_bits=12; client_max_window_bits=12" },
    { 0, "permessage-deflate; client_max_window_bits", "; server_max_window_bits=12; client_max_window_bits=12" },
    { 12, "permessage-deflate; client_max_window_bits=10; server_max_window_bits=9", "; server_max_window_bits=9" },
    { 12, "permessage-deflate; client_max_window_bits=8", "; server_max_window_bits=12" },
    /* A window of 15 that cannot be limited is not kept. */
    { 12, "permessage-deflate", "; client_no_context_takeover; server_max_window_bits=12" },
    { 9, "permessage-deflate; server_no_context_takeover", "; server_no_context_takeover; client_no_context_takeover" },
    { 12, "permessage-deflate; server_max_window_bits=8", NULL },
};

START_TEST(a_server_keeps_no_larger_window_than_it_wants) /* W6 */
{
    char wanted[1000];
    wish_for(offers[_i].bits);
    ws_begin_with(&plain, offers[_i].offer);
    (void)snprintf(wanted, sizeof wanted, WS_ANSWER "Sec-WebSocket-Extensions: permessage-deflate%s\r\n\r\n",
        offers[_i].answer != NULL ? offers[_i].answer : "");
    ck_assert_str_eq(take_answer(), offers[_i].answer != NULL ? wanted : WS_ANSWER "\r\n");
    ck_assert_str_eq(ws_happened(), "open(/ws).");
    ws_end();
}
END_TEST

START_TEST(a_window_that_cannot_be_is_a_usage_error) /* W6 */
{
    static const unsigned char bits[] = { 1, 8, 16, 255 };
    wish_for(bits[_i]);
    ws_begin_with(&plain, "permessage-deflate");
    ck_assert_int_eq(strncmp(take_answer(), "HTTP/1.1 500", 12), 0);
    ck_assert_uint_eq(usage_errors, 1);
    ws_end();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- a client */

static struct bight_failure *failed;

static void note_failure(struct bight_result *result, void *context)
{
    (void)context;
    failed = bight_result_take_failure(result);
    bight_result_clear(result);
}

/* The request. */
static const char *dial(void)
{
    ws_events[0] = '\0';
    usage_errors = 0;
    failed = NULL;
    bight_log_set_observer(count_errors, NULL);
    recorder = bight_recorder_new();
    reactor = bight_recorder_reactor(recorder);
    struct bight_deferred *connecting = bight_websocket_connect(reactor, "ws://192.0.2.7/", &plain, NULL);
    ck_assert_int_eq(bight_deferred_add_both(connecting, note_failure, NULL), 0);
    bight_deferred_release(connecting);
    settle();
    return bight_recorder_attempts(recorder) > 0 ? answer_call() : NULL;
}

static void hang_up(void)
{
    bight_failure_release(failed);
    bight_recorder_free(recorder);
    bight_string_peer_free(peer);
    peer = NULL;
}

static const struct {
    unsigned bits;
    const char *offer;
} asked[] = {
    { 15, "permessage-deflate; client_max_window_bits" },
    { 10, "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10, "
          "permessage-deflate; server_no_context_takeover; client_max_window_bits=10" },
};

START_TEST(a_client_asks_for_what_it_can_keep) /* W6 */
{
    char line[300];
    wish_for(asked[_i].bits);
    (void)snprintf(line, sizeof line, "Sec-WebSocket-Extensions: %s", asked[_i].offer);
    ck_assert(has_line(dial(), line));
    hang_up();
}
END_TEST

static const struct {
    unsigned bits;
    const char *answer;
    bool agreed;
} answers[] = {
    { 15, "", true },
    { 15, "; server_no_context_takeover; client_no_context_takeover", true },
    { 15, "; server_max_window_bits=8; client_max_window_bits=8", true },
    { 15, "; client_max_window_bits", false },
    { 10, "", false },
    { 10, "; server_max_window_bits=10", true },
    { 10, "; server_max_window_bits=9; client_max_window_bits=9", true },
    { 10, "; server_max_window_bits=11", false },
    { 10, "; server_max_window_bits=11; server_no_context_takeover", true },
    { 10, "; server_no_context_takeover", true },
    { 10, "; server_no_context_takeover; client_max_window_bits=15", true },
};

/* And what it then sends is of the window that it has promised. */
START_TEST(a_client_takes_no_larger_window_than_it_wants) /* W6, W7 */
{
    char field[300];
    wish_for(answers[_i].bits);
    const char *request = dial();
    (void)snprintf(field, sizeof field, "Sec-WebSocket-Extensions: permessage-deflate%s\r\n", answers[_i].answer);
    agree(request, field);
    settle();
    ck_assert_int_eq(failed == NULL, answers[_i].agreed);
    if (failed != NULL) {
        ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_SYNTAX);
    }
    hang_up();
}
END_TEST

START_TEST(a_clients_window_that_cannot_be_is_a_usage_error) /* W6, W7 */
{
    wish_for(8);
    ck_assert_ptr_null(dial());
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 1);
    hang_up();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- messages */

static const char news[] = "{\"kind\":\"price\",\"of\":\"ACME\",\"is\":1234}";

/* The peer's end of what the socket sends, a frame after another. */
struct reader {
    struct bi_raw_inflater *inflater;
    size_t at;
};

/* Takes the next frame, of a server; returns how large its payload was. */
static size_t read_as(struct reader *reader, const void *wanted, size_t wanted_size)
{
    static uint8_t plain_text[100000];
    size_t size, most = sizeof plain_text;
    const uint8_t *written = bight_string_written(peer, &size);
    ck_assert_uint_le(reader->at + 4, size);
    const uint8_t *frame = written + reader->at;
    size_t head = frame[1] < 126 ? 2 : 4, payload = frame[1] < 126 ? frame[1] : (size_t)frame[2] << 8 | frame[3];
    struct bi_view data = { frame + head, payload };
    if ((frame[0] & BI_FRAME_COMPRESSED) == 0) {
        ck_assert_uint_eq(payload, wanted_size);
        ck_assert_mem_eq(frame + head, wanted, wanted_size);
    } else {
        bi_raw_inflater_begin(reader->inflater);
        ck_assert_int_eq(bi_raw_inflate(reader->inflater, &data, plain_text, &most), BI_INFLATE_MORE);
        ck_assert_uint_eq(most, wanted_size);
        ck_assert_mem_eq(plain_text, wanted, wanted_size);
    }
    reader->at += head + payload;
    return payload;
}

static struct reader begin_talk(unsigned bits)
{
    wish_for(bits);
    ws_begin_with(&plain, "permessage-deflate; client_max_window_bits");
    ck_assert_str_eq(ws_happened(), "open(/ws).");
    bight_string_clear(peer);
    return (struct reader) { .inflater = bi_raw_inflater_new(bits, true) };
}

static void end_talk(struct reader *reader)
{
    bi_raw_inflater_free(reader->inflater);
    ws_end();
}

START_TEST(a_message_refers_to_those_before_it) /* W6 */
{
    struct reader reader = begin_talk(9);
    size_t first = 0, last = 0;
    for (unsigned i = 0; i < 20; i++) {
        ck_assert_int_eq(bight_websocket_send_text(ws_socket, news, sizeof news - 1), 0);
        settle();
        last = read_as(&reader, news, sizeof news - 1);
        first = i == 0 ? last : first;
    }
    ck_assert_uint_gt(first, 30);
    ck_assert_uint_lt(last, 8);
    end_talk(&reader);
}
END_TEST

/* What is sent as it is, is no part of what others refer to. */
START_TEST(messages_of_all_kinds_come_through_one_behind_the_other) /* W6, W3 */
{
    static uint8_t noise[5000];
    struct reader reader = begin_talk(9 + (unsigned)_i);
    uint32_t state = 1;
    for (size_t i = 0; i < sizeof noise; i++) {
        state = state * 1664525u + 1013904223u;
        noise[i] = (uint8_t)(state >> 24);
    }
    struct bight_websocket_message *message = bight_websocket_message_new(BIGHT_WEBSOCKET_TEXT, news, sizeof news - 1);
    for (unsigned i = 0; i < 30; i++) {
        size_t size = i * 150;
        ck_assert_int_eq(bight_websocket_send_text(ws_socket, news, sizeof news - 1), 0);
        ck_assert_int_eq(bight_websocket_send_binary(ws_socket, noise, size), 0);
        ck_assert_int_eq(bight_websocket_send_message(ws_socket, message), 0);
        ck_assert_int_eq(bight_websocket_send_text(ws_socket, "short", 5), 0);
        settle();
        (void)read_as(&reader, news, sizeof news - 1);
        ck_assert_uint_le(read_as(&reader, noise, size), size + 64);
        ck_assert_uint_eq(read_as(&reader, news, sizeof news - 1), sizeof news - 1);
        ck_assert_uint_eq(read_as(&reader, "short", 5), 5);
    }
    bight_websocket_message_release(message);
    end_talk(&reader);
}
END_TEST

static void say_kept(struct bi_raw_deflater *deflater, const char *text, bool is_final)
{
    uint8_t room[200];
    size_t size = bi_raw_deflate(deflater, (struct bi_view) { (const uint8_t *)text, strlen(text) }, room, sizeof room);
    ck_assert_uint_gt(size, 0);
    if (is_final) { /* one more block, of no bytes and the last: what zlib calls the end of a stream */
        memcpy(room + size, "\x00\x00\xff\xff\x03\x00", 6);
        size += 6;
        room[size++] = 0;
    }
    ws_say_frame(WS_TEXT | BI_FRAME_COMPRESSED, room, size);
}

START_TEST(what_is_received_refers_to_what_was_before_even_behind_a_last_block) /* W6 */
{
    struct reader reader = begin_talk(10);
    struct bi_raw_deflater *deflater = bi_raw_deflater_new(6, 10, true);
    for (unsigned i = 0; i < 5; i++) {
        say_kept(deflater, news, _i == 1 && i % 2 == 0);
    }
    ck_assert_uint_eq(count_of(ws_happened(), news), 5);
    bi_raw_deflater_free(deflater);
    end_talk(&reader);
}
END_TEST

START_TEST(what_refers_to_nothing_is_1007) /* W6, W2 */
{
    struct reader reader = begin_talk(10);
    struct bi_raw_deflater *deflater = bi_raw_deflater_new(6, 10, true);
    uint8_t room[200];
    (void)bi_raw_deflate(deflater, (struct bi_view) { (const uint8_t *)news, sizeof news - 1 }, room, sizeof room);
    say_kept(deflater, news, false); /* the one before it was not sent */
    bight_string_end(peer);
    ck_assert_str_eq(ws_happened(), "closed(1007 a compressed message is damaged unclean).");
    bi_raw_deflater_free(deflater);
    end_talk(&reader);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_server_keeps_no_larger_window_than_it_wants, 0, (int)(sizeof offers / sizeof *offers));
    tcase_add_loop_test(tests, a_window_that_cannot_be_is_a_usage_error, 0, 4);
    tcase_add_loop_test(tests, a_client_asks_for_what_it_can_keep, 0, 2);
    tcase_add_loop_test(
        tests, a_client_takes_no_larger_window_than_it_wants, 0, (int)(sizeof answers / sizeof *answers));
    tcase_add_test(tests, a_clients_window_that_cannot_be_is_a_usage_error);
    tcase_add_test(tests, a_message_refers_to_those_before_it);
    tcase_add_loop_test(tests, messages_of_all_kinds_come_through_one_behind_the_other, 0, 7);
    tcase_add_loop_test(tests, what_is_received_refers_to_what_was_before_even_behind_a_last_block, 0, 2);
    tcase_add_test(tests, what_refers_to_nothing_is_1007);
}

BIGHT_TEST_MAIN("http_ws_takeover", add_tests)
