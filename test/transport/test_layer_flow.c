/* SPDX-License-Identifier: MIT */
/* test_layer_flow.c - layers that keep things back: input that the protocol does not want now, output for which there
 * is no room below. */
#include "transport_support.h"

/* Takes input four bytes at a time while it is wanted; keeps what is written and hands on so much whenever there is
 * room. */
struct lazy {
    struct bight_layer base;
    uint8_t kept[4096];
    size_t size, portion;
};

static void take_while_wanted(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    while (size > 0) {
        size_t part = size < 4 ? size : 4;
        if (bight_layer_hold_unwanted(layer, data, size)) {
            hear("held[%zu]", size);
            return;
        }
        bight_layer_deliver(layer, data, part);
        data += part;
        size -= part;
    }
}

static void take_end(struct bight_layer *layer)
{
    hear("end");
    bight_layer_deliver_end(layer);
}

static int keep(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct lazy *self = (struct lazy *)layer;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_le(self->size + pieces[i].size, sizeof self->kept);
        memcpy(self->kept + self->size, pieces[i].data, pieces[i].size);
        self->size += pieces[i].size;
    }
    bight_layer_flush_with_room(layer);
    return bight_layer_keeps(layer, self->size);
}

static int send_portion(struct bight_layer *layer)
{
    struct lazy *self = (struct lazy *)layer;
    size_t size = self->size < self->portion ? self->size : self->portion;
    uint8_t sent[sizeof self->kept];
    memcpy(sent, self->kept, size);
    memmove(self->kept, self->kept + size, self->size - size);
    self->size -= size;
    hear("flush[%zu]", size);
    struct bight_piece piece = { .data = sent, .size = size, .counted = true };
    int code = bight_layer_send(layer, &piece, 1);
    if (self->size > 0) {
        bight_layer_flush_with_room(layer);
    }
    return code == BIGHT_OK ? bight_layer_keeps(layer, self->size) : code;
}

static size_t count_kept(const struct bight_layer *layer)
{
    return ((const struct lazy *)layer)->size;
}

static void end_written(struct bight_layer *layer)
{
    hear("write-end");
    bight_layer_send_end(layer);
}

static const struct bight_layer_ops lazy_ops = {
    .size = sizeof lazy_ops,
    .received = take_while_wanted,
    .received_end = take_end,
    .write = keep,
    .write_end = end_written,
    .flush = send_portion,
    .queued = count_kept,
};

static struct lazy lazy, other;

static void push_lazy(struct lazy *layer, size_t portion)
{
    layer->base.ops = &lazy_ops;
    layer->portion = portion;
    ck_assert_int_eq(bight_transport_push_layer(transport, &layer->base), BIGHT_OK);
}

static void pause_it(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    bight_transport_pause(p->transport);
}

/* ----------------------------------------------------------------------------------------------- input */

START_TEST(what_a_paused_protocol_does_not_want_stays_below_the_layer) /* L10 */
{
    on.data = pause_it;
    set_up();
    push_lazy(&lazy, 0);
    bight_string_feed_text(peer, "onetwothree.");
    ck_heard("data:onet held[8]");
    settle();
    bight_transport_resume(transport);
    settle();
    ck_heard("data:woth held[4]");
    on.data = NULL;
    bight_transport_resume(transport);
    ck_heard("");
    settle();
    ck_heard("data:ree.");
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(the_end_waits_behind_what_is_not_wanted) /* T12 */
{
    on.data = pause_it;
    set_up();
    push_lazy(&lazy, 0);
    bight_string_feed_text(peer, "onetwo");
    bight_string_end(peer);
    ck_heard("data:onet held[2]");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:wo end");
    bight_transport_resume(transport);
    settle();
    ck_heard("read-lost write-end lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(what_waits_higher_up_keeps_the_input_of_lower_layers)
{
    on.data = pause_it;
    set_up();
    push_lazy(&lazy, 0);
    push_lazy(&other, 0);
    bight_string_feed_text(peer, "onetwothree.");
    ck_heard("data:onet held[8]");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:woth held[4]");
    on.data = NULL;
    bight_transport_resume(transport);
    settle();
    ck_heard("data:ree.");
    tear_down();
    heard[0] = '\0';
}
END_TEST

START_TEST(a_hungry_layer_above_wants_input_though_the_protocol_has_paused)
{
    set_up();
    push_lazy(&lazy, 0);
    push_lazy(&other, 0);
    bight_transport_pause(transport);
    bight_layer_set_hungry(&other.base, true);
    bight_string_feed_text(peer, "onetwo");
    ck_heard("held[4] held[2]"); /* the upper one, which has it then, and so the lower one */
    bight_layer_set_hungry(&other.base, false);
    bight_transport_resume(transport);
    settle();
    ck_heard("data:onet data:wo");
    tear_down();
    heard[0] = '\0';
}
END_TEST

START_TEST(what_is_not_wanted_is_thrown_away_when_the_connection_is_lost) /* T7 */
{
    on.data = pause_it;
    set_up();
    push_lazy(&lazy, 0);
    bight_string_feed_text(peer, "onetwo");
    bight_transport_lose_connection(transport);
    settle();
    bight_string_end(peer);
    ck_heard("data:onet held[2] write-end end lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- output */

static void write_size(size_t size)
{
    static const uint8_t zeros[4096];
    ck_assert_int_eq(bight_transport_write(transport, zeros, size), BIGHT_OK);
}

START_TEST(a_layer_is_flushed_as_often_as_there_is_room) /* L10 */
{
    set_up();
    push_lazy(&lazy, 100);
    write_size(250);
    ck_assert_uint_eq(bight_transport_queued(transport), 250);
    settle();
    ck_heard("flush[100] flush[100] flush[50]");
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    tear_down();
    heard[0] = '\0';
}
END_TEST

START_TEST(a_layer_is_not_flushed_while_too_much_waits_below) /* L10 */
{
    set_up();
    bight_transport_set_watermarks(transport, 50, 1000);
    bight_string_set_window(peer, 60);
    push_lazy(&lazy, 100);
    write_size(300);
    settle();
    ck_heard("flush[100] flush[100]"); /* 40 of the first wait, which is below the mark, then 140 */
    ck_assert_uint_eq(bight_transport_queued(transport), 240);
    bight_string_clear(peer);
    ck_heard("");
    bight_string_clear(peer);
    ck_heard("flush[100]");
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(the_end_comes_behind_what_a_layer_keeps) /* T7 */
{
    set_up();
    push_lazy(&lazy, 100);
    write_size(150);
    bight_transport_lose_connection(transport);
    settle();
    ck_heard("flush[100] flush[50] write-end");
    bight_string_end(peer);
    ck_heard("end lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(a_flush_that_has_no_room_is_bounded) /* T7 */
{
    set_up();
    bight_string_set_window(peer, 0);
    push_lazy(&lazy, 100);
    bight_transport_set_watermarks(transport, 50, 1000);
    write_size(300);
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 29);
    ck_heard("flush[100]");
    bight_testing_advance(reactor, 2);
    ck_heard("lost:TIMED_OUT");
    tear_down();
}
END_TEST

START_TEST(what_a_layer_keeps_counts_towards_the_limit) /* T13 */
{
    set_up();
    bight_string_set_window(peer, 0);
    bight_transport_set_output_limit(transport, 1000);
    push_lazy(&lazy, 100);
    write_size(600);
    ck_assert_int_eq(bight_transport_write(transport, lazy.kept, 500), BIGHT_E_OVERFLOW);
    settle();
    ck_heard("lost:OVERFLOW");
    tear_down();
}
END_TEST

START_TEST(what_a_layer_keeps_counts_towards_the_cap_of_all) /* T13 */
{
    set_up();
    size_t before = bight_reactor_held(reactor);
    push_lazy(&lazy, 100);
    write_size(600);
    ck_assert_uint_eq(bight_reactor_held(reactor) - before, 600);
    settle();
    ck_assert_uint_eq(bight_reactor_held(reactor), before);
    bight_string_set_window(peer, 0);
    write_size(600);
    bight_transport_abort_connection(transport);
    settle();
    ck_assert_uint_eq(bight_reactor_held(reactor), before);
    heard[0] = '\0';
    tear_down();
}
END_TEST

static void note_pause(void *context)
{
    (void)context;
    hear("producer-pause");
}

static void note_resume(void *context)
{
    (void)context;
    hear("producer-resume");
}

START_TEST(a_producer_is_paused_by_what_a_layer_keeps) /* T13 */
{
    static const struct bight_producer_ops producer = { .pause = note_pause, .resume = note_resume };
    set_up();
    push_lazy(&lazy, 4096);
    bight_transport_set_watermarks(transport, 100, 1000);
    ck_assert_int_eq(bight_transport_register_producer(transport, &producer, NULL, true), BIGHT_OK);
    write_size(999);
    ck_heard("");
    write_size(999);
    ck_heard("producer-pause");
    settle();
    ck_heard("flush[1998] producer-resume");
    bight_transport_unregister_producer(transport);
    heard[0] = '\0';
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layer_flow");
    TCase *tests = tcase_create("layers that keep things back");
    tcase_add_test(tests, what_a_paused_protocol_does_not_want_stays_below_the_layer);
    tcase_add_test(tests, the_end_waits_behind_what_is_not_wanted);
    tcase_add_test(tests, what_waits_higher_up_keeps_the_input_of_lower_layers);
    tcase_add_test(tests, a_hungry_layer_above_wants_input_though_the_protocol_has_paused);
    tcase_add_test(tests, what_is_not_wanted_is_thrown_away_when_the_connection_is_lost);
    tcase_add_test(tests, a_layer_is_flushed_as_often_as_there_is_room);
    tcase_add_test(tests, a_layer_is_not_flushed_while_too_much_waits_below);
    tcase_add_test(tests, the_end_comes_behind_what_a_layer_keeps);
    tcase_add_test(tests, a_flush_that_has_no_room_is_bounded);
    tcase_add_test(tests, what_a_layer_keeps_counts_towards_the_limit);
    tcase_add_test(tests, what_a_layer_keeps_counts_towards_the_cap_of_all);
    tcase_add_test(tests, a_producer_is_paused_by_what_a_layer_keeps);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
