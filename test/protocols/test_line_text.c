/* SPDX-License-Identifier: MIT */
/* test_line_text.c - lines as strings: the NUL behind each that comes, whose memory that is written to,
 * and lines that are sent as printf prints. */
#include <bight/protocols/line.h>

#include "transport/transport.h"

#include "../transport/transport_support.h"

static void (*at_line)(struct bight_line_receiver *receiver, const char *line, size_t size); /* besides */
static const char *given;                                                                    /* the last line */

static void hear_line(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    ck_assert_int_eq(line[size], '\0');
    hear("'%s'", line);
    given = line;
    if (at_line != NULL) {
        at_line(receiver, line, size);
    }
}

static void hear_raw(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    hear("raw:%.*s", (int)size, (const char *)data);
    const uint8_t *end = memchr(data, '.', size);
    if (end != NULL) {
        (void)bight_line_set_line_mode(receiver, end + 1, size - (size_t)(end + 1 - data));
    }
}

static void hear_loss(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)receiver;
    hear("lost:%s", bight_error_name(bight_failure_code(reason)));
}

static void hear_too_long(struct bight_line_receiver *receiver, size_t size)
{
    (void)receiver;
    hear("long:%zu", size);
}

static const struct bight_line_ops ops = { .line_received = hear_line,
    .raw_data_received = hear_raw,
    .line_length_exceeded = hear_too_long,
    .connection_lost = hear_loss };
static struct bight_line_factory factory = BIGHT_LINE_FACTORY(struct bight_line_receiver, &ops);

static void connect_lines(void)
{
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &factory.base, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    transport = protocol == NULL ? NULL : protocol->transport;
}

static void end_lines(void)
{
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(factory.base.connections, 0);
}

/* As a layer or another protocol does that hands on what it must not change. */
static void give_constant(const char *text)
{
    bight_line_protocol_ops.data_received(protocol, (const uint8_t *)text, strlen(text));
}

/* ----------------------------------------------------------------------------------- the NUL behind a line */

START_TEST(a_line_has_a_nul_behind_it_however_it_was_cut)
{
    static const char stream[] = "one\r\n\ntwo\n\r\nthree\rx\r\n";
    for (size_t chunk = 1; chunk <= sizeof stream; chunk++) {
        connect_lines();
        bight_string_feed_chunked(peer, stream, sizeof stream - 1, chunk);
        ck_heard("'one' '' 'two' '' 'three\rx'");
        end_lines();
    }
}
END_TEST

START_TEST(so_has_one_that_ends_with_a_delimiter_of_the_factory_s)
{
    static const char stream[] = "a-b----c-----";
    factory.delimiter = "--";
    for (size_t chunk = 1; chunk <= sizeof stream; chunk++) {
        connect_lines();
        bight_string_feed_chunked(peer, stream, sizeof stream - 1, chunk);
        ck_heard("'a-b' '' 'c' ''");
        end_lines();
    }
}
END_TEST

static void pause_here(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    (void)line;
    (void)size;
    bight_line_pause(receiver);
}

START_TEST(so_have_lines_that_waited)
{
    at_line = pause_here;
    connect_lines();
    bight_string_feed_text(peer, "a\nbc\nd");
    ck_heard("'a'");
    bight_line_resume((struct bight_line_receiver *)protocol);
    settle();
    ck_heard("'bc'");
    bight_line_resume((struct bight_line_receiver *)protocol);
    bight_string_feed_text(peer, "\n");
    settle();
    ck_heard("'d'");
    end_lines();
}
END_TEST

static void turn_raw(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    (void)size;
    if (line[0] == 'R') {
        bight_line_set_raw_mode(receiver);
    }
}

START_TEST(what_is_raw_keeps_every_byte_and_lines_behind_it_have_their_nul)
{
    static const char stream[] = "R\r\nab\ncd.e\nf\r\n";
    at_line = turn_raw;
    connect_lines();
    bight_string_feed_text(peer, stream);
    ck_heard("'R' raw:ab\ncd.e\nf\r\n 'e' 'f'");
    end_lines();
}
END_TEST

START_TEST(so_have_lines_behind_one_that_was_too_long)
{
    factory.limit = 4;
    connect_lines();
    bight_string_feed_chunked(peer, "123456\nab\n", 10, 3);
    bight_string_feed_text(peer, "123456\ncd\n");
    ck_heard("long:4 'ab' long:4 'cd'");
    end_lines();
}
END_TEST

/* -------------------------------------------------------------------------------------- whose memory it is */

START_TEST(memory_that_is_not_the_library_s_is_not_written_to)
{
    static const char text[] = "one\r\ntwo\nth";
    connect_lines();
    give_constant(text); /* would crash */
    ck_heard("'one' 'two'");
    ck_assert(given < text || given > text + sizeof text);
    give_constant("ree\n");
    ck_heard("'three'");
    end_lines();
}
END_TEST

static bool give_constant_without_memory(void *context)
{
    (void)context;
    connect_lines();
    if (protocol != NULL) {
        give_constant("one\ntwo\n");
        settle();
    }
    bool is_right =
        protocol == NULL || strcmp(heard, "'one' 'two'") == 0 || strstr(heard, "lost:CONNECTION_ABORTED") != NULL;
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    return is_right;
}

START_TEST(without_memory_for_the_copy_the_connection_is_aborted) /* D34 */
{
    ck_assert_uint_eq(bight_testing_with_faults(give_constant_without_memory, NULL, 0), 0);
}
END_TEST

START_TEST(usually_a_line_is_a_view_and_nothing_is_allocated)
{
    at_line = NULL;
    connect_lines();
    bight_string_feed_text(peer, "one\ntwo\n");
    const uint8_t *buffer = transport->hub->receive_buffer;
    ck_assert_ptr_eq(given, buffer + 4);
    ck_heard("'one' 'two'");
    end_lines();
}
END_TEST

/* Looks at what it has handed on. */
static void look_behind(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    bight_layer_deliver(layer, data, size);
    hear("%.*s", (int)size, (const char *)data);
}

static void free_layer(struct bight_layer *layer)
{
    (void)layer;
}

START_TEST(the_delimiter_is_back_when_the_handler_has_returned)
{
    static const struct bight_layer_ops looking = {
        .size = sizeof looking, .received = look_behind, .free = free_layer
    };
    struct bight_layer layer = { .ops = &looking };
    connect_lines();
    ck_assert_int_eq(bight_transport_push_layer(transport, &layer), 0);
    bight_string_feed_text(peer, "a\r\nb\nc");
    ck_heard("'a' 'b' a\r\nb\nc");
    end_lines();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ sending */

static int send_two(const char *a, const char *b)
{
    return bight_line_sendf((struct bight_line_receiver *)protocol, "%s-%s", a, b);
}

START_TEST(a_line_can_be_sent_as_printf_prints)
{
    char longer[1000] = "";
    memset(longer, 'y', sizeof longer - 1);
    connect_lines();
    ck_assert_int_eq(send_two("a", "b"), 0);
    ck_assert_int_eq(send_two("", ""), 0);
    ck_assert_int_eq(send_two("x", longer), 0);
    settle();
    const char *sent = bight_string_written_text(peer);
    ck_assert_mem_eq(sent, "a-b\r\n-\r\nx-yyy", 13);
    ck_assert_uint_eq(strlen(sent), 8 + 2 + 999 + 2);
    ck_assert_str_eq(sent + strlen(sent) - 3, "y\r\n");
    end_lines();
}
END_TEST

START_TEST(a_text_that_would_be_two_lines_is_not_sent)
{
    connect_lines();
    ck_assert_int_eq(send_two("a\n", "b"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(send_two("a", "\r"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(send_two("a", "b"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "a-b\r\n");
    end_lines();
    factory.delimiter = "--";
    connect_lines();
    ck_assert_int_eq(send_two("a", "b-"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(send_two("a", "b"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "a-b--");
    end_lines();
}
END_TEST

START_TEST(after_closing_no_line_is_sent) /* T9 */
{
    connect_lines();
    (void)bight_transport_lose_connection(transport);
    ck_assert_int_eq(send_two("a", "b"), BIGHT_E_CLOSED);
    end_lines();
}
END_TEST

static void add_tests(TCase *tests)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    tcase_add_test(tests, a_line_has_a_nul_behind_it_however_it_was_cut);
    tcase_add_test(tests, so_has_one_that_ends_with_a_delimiter_of_the_factory_s);
    tcase_add_test(tests, so_have_lines_that_waited);
    tcase_add_test(tests, what_is_raw_keeps_every_byte_and_lines_behind_it_have_their_nul);
    tcase_add_test(tests, so_have_lines_behind_one_that_was_too_long);
    tcase_add_test(tests, memory_that_is_not_the_library_s_is_not_written_to);
    tcase_add_test(tests, without_memory_for_the_copy_the_connection_is_aborted);
    tcase_add_test(tests, usually_a_line_is_a_view_and_nothing_is_allocated);
    tcase_add_test(tests, the_delimiter_is_back_when_the_handler_has_returned);
    tcase_add_test(tests, a_line_can_be_sent_as_printf_prints);
    tcase_add_test(tests, a_text_that_would_be_two_lines_is_not_sent);
    tcase_add_test(tests, after_closing_no_line_is_sent);
}

BIGHT_TEST_MAIN("line_text", add_tests)
