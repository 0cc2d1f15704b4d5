/* SPDX-License-Identifier: MIT */
/* test_line_input.c - what of its input a line receiver does not hand out, and to whom that goes (T2, T13, T19, T23).
 */
#include <bight/protocols/line.h>

#include <errno.h>

#include "transport/transport.h"

#include "../../protocols/basic/line.h"
#include "../transport/layer_support.h"

static uint8_t block[100000];
static void (*at_line)(struct bight_line_receiver *receiver, const char *line); /* what a test does besides */
static size_t lines;

static void hear_line(struct bight_line_receiver *receiver, const char *line, size_t size)
{
    char text[64] = "";
    memcpy(text, line, size < sizeof text ? size : sizeof text - 1);
    lines++;
    hear("%s", text);
    if (at_line != NULL) {
        at_line(receiver, text);
    }
}

static void hear_raw(struct bight_line_receiver *receiver, const uint8_t *data, size_t size)
{
    (void)receiver;
    hear("raw:%.*s", (int)size, (const char *)data);
}

static void hear_loss(struct bight_line_receiver *receiver, const struct bight_failure *reason)
{
    (void)receiver;
    hear("lost:%s", bight_error_name(bight_failure_code(reason)));
}

static void hear_room(struct bight_line_receiver *self)
{
    (void)self;
    hear("room");
}

static bool hear_drain(struct bight_line_receiver *self)
{
    (void)self;
    hear("drain");
    return true;
}

static const struct bight_line_ops ops = { .line_received = hear_line,
    .raw_data_received = hear_raw,
    .connection_lost = hear_loss,
    .room = hear_room,
    .drain = hear_drain };
static struct bight_line_factory factory = BIGHT_LINE_FACTORY(struct bight_line_receiver, &ops);

static void connect_lines(void)
{
    reactor = bight_testing_reactor_new();
    peer = bight_string_connect(reactor, &factory.base, true);
    protocol = bight_string_protocol(peer);
    transport = protocol->transport;
}

static void end_lines(void)
{
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(factory.base.connections, 0);
}

static struct bight_line_receiver *receiver(void)
{
    return (struct bight_line_receiver *)protocol;
}

/* -------------------------------------------------------------------------------------- what holds lines up */

static void answer_much(struct bight_line_receiver *self, const char *line)
{
    (void)line;
    ck_assert_int_eq(bight_transport_write(self->base.transport, block, 40000), 0);
}

START_TEST(above_the_mark_the_lines_of_a_chunk_wait) /* T13, B1 */
{
    at_line = answer_much;
    connect_lines();
    bight_string_set_window(peer, 0);
    bight_string_feed_text(peer, "a\nb\nc\nd\nhal");
    ck_heard("a b");
    ck_assert_ptr_null(receiver()->own->input);
    bight_string_set_window(peer, 70000);
    settle();
    ck_heard("room c d"); /* 10000 were left, and then more than the mark */
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    ck_heard("room");
    ck_assert_uint_eq(bi_input_size(receiver()->own->input), 3);
    bight_string_feed_text(peer, "f\n");
    ck_heard("half");
    end_lines();
}
END_TEST

static void answer_thousandfold(struct bight_line_receiver *self, const char *line)
{
    (void)line;
    heard[0] = '\0';
    ck_assert_int_eq(bight_transport_write(self->base.transport, block, 1024), 0);
    ck_assert_uint_le(bight_transport_queued(self->base.transport), 2 * 65536);
}

START_TEST(pipelined_lines_with_large_answers_do_not_overflow) /* T13 */
{
    enum { LINES = 32768 };
    static char stream[LINES * 2];
    size_t got = 0, piece;
    for (int i = 0; i < LINES; i++) {
        memcpy(stream + 2 * i, "x\n", 2);
    }
    at_line = answer_thousandfold;
    connect_lines();
    bight_string_set_window(peer, 0);
    bight_string_feed(peer, stream, sizeof stream);
    while (got < (size_t)LINES * 1024) {
        bight_string_set_window(peer, 1 << 20);
        settle();
        (void)bight_string_written(peer, &piece);
        ck_assert_uint_gt(piece, 0);
        got += piece;
        bight_string_clear(peer);
    }
    ck_assert_uint_eq(lines, LINES);
    end_lines();
}
END_TEST

static void pause_here(struct bight_line_receiver *self, const char *line)
{
    (void)line;
    bight_line_pause(self);
}

START_TEST(a_pause_at_every_line_copies_no_more_than_the_chunk) /* B1 */
{
    at_line = pause_here;
    connect_lines();
    bight_string_feed_text(peer, "a\nb\nc\nd\n");
    const struct bight_input *waiting = transport->extension->facade.input;
    ck_assert_ptr_nonnull(waiting);
    for (size_t i = 1; i < 4; i++) {
        ck_assert_ptr_eq(transport->extension->facade.input, waiting);
        ck_assert_uint_eq(lines, i);
        bight_line_resume(receiver());
        settle();
    }
    ck_heard("a b c d");
    ck_assert(transport->extension == NULL || transport->extension->facade.input == NULL);
    end_lines();
}
END_TEST

START_TEST(the_transport_s_own_pause_holds_lines_up_as_well) /* T2 */
{
    at_line = pause_here;
    connect_lines();
    bight_string_feed_text(peer, "a\nb\n");
    bight_transport_resume(transport);
    settle();
    ck_heard("a b");
    end_lines();
}
END_TEST

static void write_into_the_void(struct bight_line_receiver *self, const char *line)
{
    (void)bight_transport_write(self->base.transport, block, 8000);
    ck_assert(strcmp(line, "a") == 0 || !bight_transport_is_open(self->base.transport));
}

START_TEST(lines_behind_a_send_that_fails_are_handed_out) /* T2, T7 */
{
    at_line = write_into_the_void;
    connect_lines();
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "a\nb\nc\n");
    bight_string_reset(peer, ECONNRESET);
    bight_transport_resume(transport);
    settle();
    ck_heard("a b c lost:CONNECTION_LOST");
    end_lines();
}
END_TEST

START_TEST(what_waits_in_the_transport_can_be_forgotten) /* T19 */
{
    at_line = pause_here;
    connect_lines();
    bight_string_feed_text(peer, "a\nsmuggled\nmore");
    ck_assert_uint_eq(bight_line_forget_input(receiver()), 13);
    ck_assert_uint_eq(bight_line_forget_input(receiver()), 0);
    bight_line_resume(receiver());
    bight_string_feed_text(peer, "b\n");
    ck_heard("a b");
    end_lines();
}
END_TEST

START_TEST(a_receiver_hands_on_that_it_is_drained) /* V4 */
{
    static const struct bight_line_ops deaf = { .line_received = hear_line };
    connect_lines();
    bi_close_drain(transport, true);
    ck_assert(bight_transport_is_open(transport));
    ck_heard("drain");
    end_lines();
    factory.ops = &deaf;
    connect_lines();
    bi_close_drain(transport, true);
    ck_assert(!bight_transport_is_open(transport));
    end_lines();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ layers */

static void push_at_request(struct bight_line_receiver *self, const char *line)
{
    (void)self;
    if (strcmp(line, "SECURE") == 0) {
        push("l", 1);
    }
}

/* What STARTTLS injection lives on: lines behind the request that are taken as if they had come encrypted. */
START_TEST(lines_behind_a_request_go_through_the_layer_that_it_pushed) /* T19 */
{
    at_line = push_at_request;
    connect_lines();
    bight_string_feed_text(peer, "a\nSECURE\nb\nunfi");
    ck_heard("a SECURE");               /* "b" and its end, shifted, are no line */
    bight_string_feed_text(peer, "\t"); /* a line's end, shifted */
    ck_heard("c\vvogj");
    end_lines();
}
END_TEST

START_TEST(the_request_itself_may_have_come_in_pieces) /* T19 */
{
    at_line = push_at_request;
    connect_lines();
    bight_string_feed_text(peer, "SEC");
    bight_string_feed_text(peer, "URE\nb\t");
    ck_heard("SECURE c");
    end_lines();
}
END_TEST

START_TEST(the_beginning_of_a_line_goes_through_a_layer_that_is_pushed_from_outside) /* T19 */
{
    connect_lines();
    bight_string_feed_text(peer, "ab");
    ck_assert_uint_eq(bi_input_size(receiver()->own->input), 2);
    push("l", 1);
    ck_assert_ptr_null(receiver()->own->input);
    bight_string_feed_text(peer, "c\t");
    settle();
    ck_heard("bcd");
    end_lines();
}
END_TEST

START_TEST(lines_that_wait_go_through_a_layer_that_is_pushed_meanwhile) /* T19 */
{
    at_line = pause_here;
    connect_lines();
    bight_string_feed_text(peer, "a\nb\t");
    push("l", 1);
    bight_line_resume(receiver());
    settle();
    ck_heard("a c");
    end_lines();
}
END_TEST

static bool secure_without_memory(void *context)
{
    (void)context;
    heard[0] = '\0';
    at_line = pause_here;
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &factory.base, true);
    protocol = peer == NULL ? NULL : bight_string_protocol(peer);
    if (protocol != NULL) {
        transport = bight_protocol_hold(protocol)->transport;
        bight_string_feed_text(peer, "a\nb\nc");
        struct shift *layer = make_shift("l", 1);
        if (bight_transport_push_layer(transport, &layer->base) != BIGHT_OK) {
            free(layer);
        }
        bight_line_resume(receiver());
        bight_string_feed_text(peer, "\t");
        bight_string_end(peer);
        bight_line_resume(receiver());
        settle();
        bight_protocol_release(protocol);
    }
    bool ended = protocol == NULL || strstr(heard, "lost:") != NULL;
    bool plain = strstr(heard, "a b") != NULL && strstr(heard, "c\vd") == NULL;
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    return ended && !plain;
}

START_TEST(no_line_goes_past_a_layer_however_little_memory_there_is) /* D34, T19 */
{
    ck_assert_uint_eq(bight_testing_with_faults(secure_without_memory, NULL, 0), 0);
}
END_TEST

/* --------------------------------------------------------------------------------------- what a receiver is */

static void hear_finish(struct bight_line_receiver *self)
{
    ck_assert_ptr_eq(bight_line_reactor(self), reactor);
    hear("finish");
}

static const struct bight_line_ops finishing = { .connection_lost = hear_loss, .finish = hear_finish };

static void free_factory(struct bight_factory *base)
{
    hear("stopped");
    memset(base, 0xff, sizeof(struct bight_line_factory));
    free(base);
}

START_TEST(finish_comes_once_and_last_though_the_factory_has_gone) /* T3, T16 */
{
    static const struct bight_factory_ops factory_ops = { .stopped = free_factory };
    struct bight_line_factory *own = malloc(sizeof *own);
    *own = (struct bight_line_factory)BIGHT_LINE_FACTORY(struct bight_line_receiver, &finishing);
    own->base.ops = &factory_ops;
    reactor = bight_testing_reactor_new();
    peer = bight_string_connect(reactor, &own->base, true);
    protocol = bight_protocol_hold(bight_string_protocol(peer));
    bight_string_end(peer);
    settle();
    ck_heard("lost:CONNECTION_DONE stopped");
    bight_protocol_release(protocol);
    ck_heard("finish");
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
}
END_TEST

static void hear_early_finish(struct bight_line_receiver *self)
{
    ck_assert_ptr_null(bight_line_reactor(self));
    hear("finish");
}

START_TEST(finish_comes_for_a_receiver_that_had_no_connection)
{
    static const struct bight_line_ops early = { .finish = hear_early_finish };
    struct bight_line_factory own = BIGHT_LINE_FACTORY(struct bight_line_receiver, &early);
    bight_protocol_free(bight_protocol_new(&own.base));
    ck_heard("finish");
}
END_TEST

static void add_tests(TCase *tests)
{
    bight_log_set_level(BIGHT_LOG_CRITICAL);
    tcase_add_test(tests, above_the_mark_the_lines_of_a_chunk_wait);
    tcase_add_test(tests, pipelined_lines_with_large_answers_do_not_overflow);
    tcase_add_test(tests, a_pause_at_every_line_copies_no_more_than_the_chunk);
    tcase_add_test(tests, the_transport_s_own_pause_holds_lines_up_as_well);
    tcase_add_test(tests, lines_behind_a_send_that_fails_are_handed_out);
    tcase_add_test(tests, what_waits_in_the_transport_can_be_forgotten);
    tcase_add_test(tests, a_receiver_hands_on_that_it_is_drained);
    tcase_add_test(tests, lines_behind_a_request_go_through_the_layer_that_it_pushed);
    tcase_add_test(tests, the_request_itself_may_have_come_in_pieces);
    tcase_add_test(tests, the_beginning_of_a_line_goes_through_a_layer_that_is_pushed_from_outside);
    tcase_add_test(tests, lines_that_wait_go_through_a_layer_that_is_pushed_meanwhile);
    tcase_add_test(tests, no_line_goes_past_a_layer_however_little_memory_there_is);
    tcase_add_test(tests, finish_comes_once_and_last_though_the_factory_has_gone);
    tcase_add_test(tests, finish_comes_for_a_receiver_that_had_no_connection);
}

BIGHT_TEST_MAIN("line_input", add_tests)
