/* SPDX-License-Identifier: MIT */
/* test_levels.c - input that waits for a layer or for the protocol, and to whom it goes (T2, T19, T23). */
#include "transport/transport.h"

#include "layer_support.h"

static struct bight_protocol *self;

static void give_back_rest(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    if (size > 1) {
        ck_assert_int_eq(bight_transport_give_back(p->transport, data + 1, size - 1), BIGHT_OK);
    }
}

START_TEST(what_is_given_back_comes_again_on_a_later_turn) /* T2 */
{
    on.data = give_back_rest;
    set_up();
    bight_string_feed_text(peer, "abc");
    ck_heard("data:abc data:bc data:c");
    tear_down();
}
END_TEST

static void pause_and_give_back(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_pause(p->transport);
    give_back_rest(p, data, size);
    on.data = NULL;
}

START_TEST(what_is_given_back_waits_for_resume_and_comes_before_what_follows) /* T2, T12 */
{
    on.data = pause_and_give_back;
    set_up();
    bight_string_feed_text(peer, "abc");
    bight_string_feed_text(peer, "def");
    bight_string_end(peer);
    ck_heard("data:abc");
    bight_transport_resume(transport);
    ck_heard("");
    settle();
    ck_heard("data:bc data:def read-lost lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

static void write_much_and_give_back(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    uint8_t *answer = make_data(100000);
    ck_assert_int_eq(bight_transport_write(p->transport, answer, 100000), BIGHT_OK);
    free(answer);
    give_back_rest(p, data, size);
    on.data = NULL;
}

START_TEST(above_the_mark_nothing_is_delivered_either) /* T13 */
{
    on.data = write_much_and_give_back;
    set_up();
    bight_string_set_window(peer, 1000);
    bight_string_feed_text(peer, "abc");
    settle();
    ck_heard("data:abc");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    settle();
    ck_heard("data:bc");
    tear_down();
}
END_TEST

static void give_back_twice(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)data;
    (void)size;
    on.data = NULL;
    ck_assert_int_eq(bight_transport_give_back(p->transport, "two", 3), BIGHT_OK);
    ck_assert_int_eq(bight_transport_give_back(p->transport, "one", 3), BIGHT_OK);
}

START_TEST(pieces_are_given_back_the_last_one_first) /* T2 */
{
    on.data = give_back_twice;
    set_up();
    bight_string_feed_text(peer, "x");
    ck_heard("data:x data:onetwo");
    tear_down();
}
END_TEST

static void take_one_and_pause(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    bight_transport_pause(p->transport);
    give_back_rest(p, data, size);
}

START_TEST(who_takes_a_chunk_bit_by_bit_has_it_copied_once) /* T2 */
{
    on.data = take_one_and_pause;
    set_up();
    bight_string_feed_text(peer, "abcd");
    const struct bight_input *waiting = transport->extension->facade.input;
    for (int i = 0; i < 3; i++) {
        ck_assert_ptr_nonnull(waiting);
        ck_assert_ptr_eq(transport->extension->facade.input, waiting);
        bight_transport_resume(transport);
        settle();
    }
    ck_heard("data:abcd data:bcd data:cd data:d");
    tear_down();
}
END_TEST

static void give_back_in_pieces(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    if (size == 4) {
        ck_assert_int_eq(bight_transport_give_back(p->transport, data + 3, 1), BIGHT_OK);
        ck_assert_int_eq(bight_transport_give_back(p->transport, data + 1, 2), BIGHT_OK);
        ck_assert_int_eq(bight_transport_give_back(p->transport, "x", 1), BIGHT_OK);
        ck_assert_int_eq(bight_transport_give_back(p->transport, data, 1), BIGHT_OK);
        on.data = NULL;
    }
}

START_TEST(pieces_of_what_waited_are_given_back_in_order_too) /* T2 */
{
    on.data = give_back_rest;
    set_up();
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "0abcd");
    on.data = give_back_in_pieces;
    bight_transport_resume(transport);
    bight_transport_give_back(transport, "", 0);
    settle();
    ck_heard("data:0abcd");
    bight_string_feed_text(peer, "abcd");
    ck_heard("data:abcd data:axbcd");
    on.data = give_back_rest;
    bight_string_feed_text(peer, "0abcd");
    on.data = NULL;
    ck_heard("data:0abcd data:abcd data:bcd data:cd data:d");
    tear_down();
}
END_TEST

static void forget_here(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    give_back_rest(p, data, size);
    ck_assert_uint_eq(bight_transport_forget_input(p->transport), 2);
    on.data = NULL;
}

START_TEST(what_waits_for_the_protocol_can_be_forgotten) /* T19 */
{
    on.data = pause_and_give_back;
    set_up();
    bight_string_feed_text(peer, "abc");
    on.data = forget_here;
    bight_transport_give_back(transport, "z", 1);
    bight_transport_resume(transport);
    settle();
    ck_heard("data:abc data:zbc");
    ck_assert_uint_eq(bight_transport_forget_input(transport), 0);
    bight_string_feed_text(peer, "d");
    ck_heard("data:d");
    tear_down();
}
END_TEST

static bool ask(struct bight_protocol *p)
{
    hear("%s", bight_transport_takes_input(p->transport) ? "yes" : "no");
    return true;
}

static void ask_after_pause(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)size;
    (void)ask(p);
    if (*data == 'p') {
        bight_transport_pause(p->transport);
    } else if (*data == 'l') {
        push("l", 0);
    } else if (*data == 'w') {
        static const uint8_t much[100000];
        bight_string_set_window(peer, 0);
        bight_transport_write(p->transport, much, sizeof much);
    } else {
        bight_transport_lose_connection(p->transport);
    }
    (void)ask(p);
}

START_TEST(whether_more_input_may_come_can_be_asked) /* T2, T13, T19 */
{
    on.data = ask_after_pause;
    set_up();
    bight_string_feed_text(peer, "p");
    ck_heard("data:p yes no");
    bight_transport_resume(transport);
    bight_string_feed_text(peer, "l");
    ck_heard("data:l yes no");
    ck_assert(bight_transport_takes_input(transport));
    bight_string_feed_text(peer, "w");
    ck_heard("data:w yes no");
    bight_string_set_window(peer, SIZE_MAX);
    settle();
    bight_string_feed_text(peer, "x");
    ck_heard("data:x yes no l-write-end");
    bight_string_end(peer);
    settle();
    tear_down();
}
END_TEST

static bool handle_and_give_back(struct bight_protocol *p)
{
    ck_assert_int_eq(bight_transport_give_back(p->transport, "x", 1), BIGHT_E_CLOSED);
    return ask(p);
}

START_TEST(behind_the_peer_s_end_nothing_can_be_given_back) /* T11 */
{
    on.read_lost = handle_and_give_back;
    set_up();
    bight_string_end(peer);
    ck_heard("read-lost no");
    bight_transport_abort_connection(transport);
    settle();
    tear_down();
}
END_TEST

static bool hand_over_with_layer(struct bight_protocol *p)
{
    on.read_lost = NULL;
    ck_assert_int_eq(
        bight_transport_switch_protocol(p->transport, bight_protocol_new(&probe_factory), NULL, 0), BIGHT_OK);
    push("new", 1);
    ck_assert_int_eq(bight_transport_give_back(p->transport, "a", 1), BIGHT_OK);
    return true;
}

START_TEST(who_takes_over_behind_the_end_hears_it_behind_what_was_given_back) /* T11, T23 */
{
    on.read_lost = hand_over_with_layer;
    set_up();
    bight_string_end(peer);
    settle();
    ck_heard("read-lost replaced made data:b new-end read-lost new-write-end lost:CONNECTION_DONE new-freed");
    tear_down();
}
END_TEST

START_TEST(after_the_end_nothing_can_be_given_back) /* T3 */
{
    set_up();
    bight_transport_abort_connection(transport);
    ck_assert_int_eq(bight_transport_give_back(transport, "x", 1), BIGHT_E_CLOSED);
    settle();
    ck_heard("lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

/* ------------------------------------------------------------------------------------------- pushing */

START_TEST(a_layer_that_is_pushed_takes_over_what_waited_for_the_protocol) /* T19 */
{
    on.data = pause_and_give_back;
    set_up();
    bight_string_feed_text(peer, "abc");
    ck_heard("data:abc");
    push("l", 1);
    bight_transport_resume(transport);
    settle();
    ck_heard("data:c data:d"); /* b and c, shifted: not as they came */
    tear_down();
}
END_TEST

static void push_and_give_back(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    on.data = NULL;
    push("l", 1);
    give_back_rest(p, data, size);
}

static void give_back_and_push(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    on.data = NULL;
    give_back_rest(p, data, size);
    push("l", 1);
}

/* What STARTTLS injection lives on: plaintext behind the request that is taken as if it had come encrypted. */
START_TEST(what_a_handler_gives_back_goes_through_the_layer_that_it_pushes) /* T19 */
{
    for (int order = 0; order < 2; order++) {
        on.data = order == 0 ? push_and_give_back : give_back_and_push;
        set_up();
        bight_string_feed_text(peer, "abc");
        bight_string_feed_text(peer, "d");
        ck_heard("data:abc data:c data:d data:e");
        tear_down();
        heard[0] = '\0';
    }
}
END_TEST

static void push_second(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    on.data = NULL;
    push("second", 2);
}

static void push_when_resumed(void *context)
{
    (void)context;
    push("l", 1);
}

static const struct bight_producer_ops pushing = { .resume = push_when_resumed };

static void give_all_back_once(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    on.data = NULL;
    ck_assert_int_eq(bight_transport_give_back(p->transport, data, size), BIGHT_OK);
}

START_TEST(what_is_given_back_long_after_a_push_comes_again_as_it_came) /* T2 */
{
    set_up();
    uint8_t *data = make_data(100000);
    bight_transport_register_producer(transport, &pushing, NULL, true);
    bight_string_set_window(peer, 0);
    ck_assert_int_eq(bight_transport_write(transport, data, 100000), BIGHT_OK);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer); /* now the producer pushes, and no handler has any input */
    on.data = give_all_back_once;
    bight_string_feed_text(peer, "ab");
    ck_heard("data:b data:bc");
    free(data);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(what_a_layer_delivers_behind_a_push_goes_through_the_new_one) /* T19 */
{
    set_up();
    push("first", 1);
    on.data = push_second;
    bight_string_feed_text(peer, "abc");
    ck_heard("data:b data:e data:f");
    tear_down();
}
END_TEST

START_TEST(an_end_that_waited_reaches_the_layer_that_is_pushed) /* T12, T19 */
{
    set_up();
    push("first", 1);
    bight_transport_pause(transport);
    bight_string_end(peer);
    ck_heard("first-end");
    push("second", 1);
    settle();
    ck_heard("second-end");
    bight_transport_resume(transport);
    settle();
    ck_heard("read-lost second-write-end first-write-end lost:CONNECTION_DONE second-freed first-freed");
    tear_down();
}
END_TEST

START_TEST(what_waits_for_a_layer_that_is_popped_goes_to_the_level_above) /* T2 */
{
    set_up();
    struct shift *layer = push("l", 1);
    layer->holds = true;
    layer->act_held = bight_layer_pop;
    bight_string_feed_text(peer, "abc");
    ck_heard("l-holds l-freed data:abc");
    tear_down();
}
END_TEST

/* ------------------------------------------------------------------------------------ work and hunger */

START_TEST(a_layer_that_has_done_enough_goes_on_on_a_later_turn)
{
    set_up();
    push("l", 1)->cost = 6000000;
    bight_string_feed_text(peer, "abcd");
    settle();
    ck_heard("data:b data:c l-holds data:d data:e");
    tear_down();
}
END_TEST

START_TEST(a_hungry_layer_has_its_input_though_the_protocol_pauses) /* T2 */
{
    set_up();
    struct shift *layer = push("l", 1);
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "a");
    size_t left = bight_string_feed_text(peer, "b");
    ck_assert_uint_eq(left, 1); /* one piece waits: no more is read */
    bight_layer_set_hungry(&layer->base, true);
    settle();
    ck_assert_uint_eq(bight_string_feed_text(peer, "c"), 0);
    bight_layer_set_hungry(&layer->base, false);
    ck_assert_uint_eq(bight_string_feed_text(peer, "d"), 1);
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:bcd data:e");
    tear_down();
}
END_TEST

START_TEST(hunger_has_a_bound) /* T2 */
{
    set_up();
    struct shift *layer = push("l", 0);
    layer->whole = true;
    bight_layer_set_hungry(&layer->base, true);
    bight_transport_pause(transport);
    uint8_t *data = make_data(1000000);
    size_t left = bight_string_feed(peer, data, 1000000);
    ck_assert_uint_ge(left, 1000000 - 4 * 65536);
    bight_transport_resume(transport);
    settle();
    ck_assert_uint_eq(bytes_heard, 1000000);
    free(data);
    heard[0] = '\0';
    tear_down();
}
END_TEST

/* ---------------------------------------------------------------------------------- calls of the program */

static int echo_up(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bight_layer_deliver(layer, pieces[i].data, pieces[i].size);
    }
    return BIGHT_OK;
}

static const struct bight_layer_ops mirror_ops = { .size = sizeof(struct bight_layer_ops), .write = echo_up };

START_TEST(a_layer_that_answers_a_write_does_not_call_the_protocol_inside_it) /* T6 */
{
    static struct bight_layer mirror = { .ops = &mirror_ops };
    set_up();
    ck_assert_int_eq(bight_transport_push_layer(transport, &mirror), BIGHT_OK);
    ck_assert_int_eq(bight_transport_write(transport, "hello", 5), BIGHT_OK);
    ck_heard("");
    settle();
    ck_heard("data:hello");
    tear_down();
}
END_TEST

START_TEST(a_layer_that_is_popped_with_an_end_on_its_way_does_not_keep_it) /* T7, T11 */
{
    set_up();
    struct shift *layer = push("l", 1);
    layer->wait_at_end = true;
    bight_transport_lose_write(transport);
    settle();
    ck_heard("l-write-end");
    bight_layer_pop(&layer->base);
    settle();
    ck_heard("l-freed write-lost");
    ck_assert(bight_string_is_shut(peer));
    tear_down();
}
END_TEST

static void pause_and_try(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    on.data = NULL;
    bight_transport_pause(p->transport);
    (void)bight_transport_give_back(p->transport, data, size);
}

static bool faulty(void *context)
{
    (void)context;
    heard[0] = '\0';
    reactor = bight_testing_reactor_new();
    peer = reactor == NULL ? NULL : bight_string_connect(reactor, &probe_factory, true);
    self = peer == NULL ? NULL : bight_string_protocol(peer);
    if (self != NULL) {
        transport = bight_protocol_hold(self)->transport;
        on.data = pause_and_try;
        bight_string_feed_text(peer, "abc");
        struct shift *layer = make_shift("l", 1);
        if (bight_transport_push_layer(transport, &layer->base) != BIGHT_OK) {
            free(layer);
        }
        (void)bight_transport_resume(transport);
        bight_string_feed_text(peer, "def");
        bight_string_end(peer);
        bight_protocol_release(self);
    }
    bool ended = self == NULL || strstr(heard, "lost:") != NULL;
    bight_reactor_free(reactor);
    bight_string_peer_free(peer);
    return ended;
}

START_TEST(no_byte_goes_astray_however_little_memory_there_is) /* D34, T2 */
{
    ck_assert_uint_eq(bight_testing_with_faults(faulty, NULL, 0), 0);
}
END_TEST

static void hear_return(struct bight_protocol *p)
{
    (void)p;
    hear("return");
}

static bool handle_end(struct bight_protocol *p)
{
    (void)p;
    return true;
}

START_TEST(who_has_heard_of_the_end_keeps_his_input_when_a_layer_is_pushed) /* T19 */
{
    static struct bight_protocol_ops ops;
    ops = probe_ops;
    probe_factory.protocol_ops = &ops;
    on.read_lost = handle_end;
    set_up();
    ops.return_input = hear_return;
    push("low", 0);
    ck_heard("return");
    bight_string_end(peer);
    ck_heard("low-end read-lost");
    push("high", 0);
    ck_heard("");
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("levels");
    TCase *tests = tcase_create("levels");
    tcase_add_test(tests, what_is_given_back_comes_again_on_a_later_turn);
    tcase_add_test(tests, what_is_given_back_waits_for_resume_and_comes_before_what_follows);
    tcase_add_test(tests, above_the_mark_nothing_is_delivered_either);
    tcase_add_test(tests, pieces_are_given_back_the_last_one_first);
    tcase_add_test(tests, who_takes_a_chunk_bit_by_bit_has_it_copied_once);
    tcase_add_test(tests, pieces_of_what_waited_are_given_back_in_order_too);
    tcase_add_test(tests, what_waits_for_the_protocol_can_be_forgotten);
    tcase_add_test(tests, whether_more_input_may_come_can_be_asked);
    tcase_add_test(tests, behind_the_peer_s_end_nothing_can_be_given_back);
    tcase_add_test(tests, who_takes_over_behind_the_end_hears_it_behind_what_was_given_back);
    tcase_add_test(tests, after_the_end_nothing_can_be_given_back);
    tcase_add_test(tests, a_layer_that_is_pushed_takes_over_what_waited_for_the_protocol);
    tcase_add_test(tests, what_a_handler_gives_back_goes_through_the_layer_that_it_pushes);
    tcase_add_test(tests, what_is_given_back_long_after_a_push_comes_again_as_it_came);
    tcase_add_test(tests, what_a_layer_delivers_behind_a_push_goes_through_the_new_one);
    tcase_add_test(tests, an_end_that_waited_reaches_the_layer_that_is_pushed);
    tcase_add_test(tests, what_waits_for_a_layer_that_is_popped_goes_to_the_level_above);
    tcase_add_test(tests, a_layer_that_has_done_enough_goes_on_on_a_later_turn);
    tcase_add_test(tests, a_hungry_layer_has_its_input_though_the_protocol_pauses);
    tcase_add_test(tests, hunger_has_a_bound);
    tcase_add_test(tests, a_layer_that_answers_a_write_does_not_call_the_protocol_inside_it);
    tcase_add_test(tests, a_layer_that_is_popped_with_an_end_on_its_way_does_not_keep_it);
    tcase_add_test(tests, who_has_heard_of_the_end_keeps_his_input_when_a_layer_is_pushed);
    tcase_add_test(tests, no_byte_goes_astray_however_little_memory_there_is);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
