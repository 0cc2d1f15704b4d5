/* SPDX-License-Identifier: MIT */
/* test_layers.c - layers between facade and bottom: stacking, transforming, pushing and popping in every slot. */
#include <bight/log.h>

#include <errno.h>

#include "layer_support.h"

START_TEST(two_layers_transform_in_their_order)
{
    set_up();
    push("low", 1);
    push("high", 2);
    bight_string_feed_text(peer, "ab");
    ck_heard("data:d data:e");
    bight_transport_write(transport, "xyz", 3);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "uvw");
    tear_down();
    ck_heard("lost:CONNECTION_LOST high-freed low-freed");
}
END_TEST

static struct bight_layer *replaced;

static void replace_layer(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    on.data = NULL;
    bight_layer_pop(replaced);
    push("new", 1);
}

START_TEST(a_layer_that_was_popped_at_work_hands_on_to_the_one_pushed_in_its_place)
{
    on.data = replace_layer;
    set_up();
    replaced = &push("old", 0)->base;
    bight_string_feed_text(peer, "abc");
    settle();
    ck_heard("data:a data:c data:d old-freed");
    tear_down();
}
END_TEST

START_TEST(what_was_written_before_a_push_goes_out_unseen)
{
    set_up();
    bight_transport_write(transport, "plain", 5);
    push("l", 1);
    bight_transport_write(transport, "b", 1);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "plaina");
    tear_down();
}
END_TEST

START_TEST(a_layer_without_slots_passes_everything_through)
{
    static const struct bight_layer_ops nothing = { .size = sizeof(struct bight_layer_ops) };
    static struct bight_layer layer = { .ops = &nothing };
    on.data = echo;
    set_up();
    ck_assert_int_eq(bight_transport_push_layer(transport, &layer), 0);
    bight_string_feed_text(peer, "abc");
    ck_heard("data:abc");
    ck_assert_str_eq(bight_string_written_text(peer), "abc");
    bight_transport_lose_connection(transport);
    settle();
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard("lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(both_ends_travel_through_the_layers) /* T7, T11 */
{
    set_up();
    push("low", 1);
    push("high", 1);
    bight_string_end(peer);
    ck_heard("low-end high-end read-lost high-write-end low-write-end lost:CONNECTION_DONE high-freed low-freed");
    tear_down();
}
END_TEST

START_TEST(lose_waits_for_a_busy_layer) /* T7 */
{
    set_up();
    push("l", 0)->wait_at_end = true;
    bight_transport_lose_connection(transport);
    settle();
    ck_heard("l-write-end");
    ck_assert(!bight_string_is_shut(peer));
    bight_string_feed_text(peer, "x");
    bight_string_feed_text(peer, "!");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard("l-end lost:CONNECTION_DONE l-freed");
    tear_down();
}
END_TEST

START_TEST(a_layer_that_never_ends_runs_into_the_flush_timeout) /* T7 */
{
    set_up();
    push("l", 0)->wait_at_end = true;
    bight_transport_lose_connection(transport);
    bight_testing_advance(reactor, 31);
    ck_heard("l-write-end lost:TIMED_OUT l-freed");
    tear_down();
}
END_TEST

START_TEST(what_layers_have_while_the_protocol_pauses_is_held) /* T2, T12 */
{
    set_up();
    push("l", 1);
    bight_transport_pause(transport);
    ck_assert_uint_eq(bight_string_feed_text(peer, "ab"), 0);
    ck_assert_uint_eq(bight_string_feed_text(peer, "cd"), 2);
    bight_string_end(peer);
    ck_heard("");
    bight_transport_resume(transport);
    ck_heard("");
    settle();
    ck_heard("data:bc data:d data:e l-end read-lost l-write-end lost:CONNECTION_DONE l-freed");
    tear_down();
}
END_TEST

START_TEST(an_end_alone_waits_for_resume_too) /* T12 */
{
    set_up();
    push("l", 1);
    bight_transport_pause(transport);
    bight_string_end(peer);
    settle();
    ck_heard("l-end");
    bight_transport_resume(transport);
    ck_heard("");
    settle();
    ck_heard("read-lost l-write-end lost:CONNECTION_DONE l-freed");
    tear_down();
}
END_TEST

static void pop(struct bight_layer *layer)
{
    bight_layer_pop(layer);
    hear("popped");
}

static struct bight_layer *victim;

static void pop_victim(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    if (victim != NULL) {
        bight_layer_pop(victim);
        victim = NULL;
    }
}

START_TEST(a_layer_can_be_popped_in_its_own_received)
{
    set_up();
    push("l", 1)->act = pop;
    bight_string_feed_text(peer, "ab");
    ck_heard("popped data:b data:c l-freed");
    bight_string_feed_text(peer, "ab");
    ck_heard("data:ab");
    tear_down();
    ck_heard("lost:CONNECTION_LOST");
}
END_TEST

START_TEST(a_layer_can_be_popped_in_its_own_write)
{
    set_up();
    push("l", 1)->act_write = pop;
    bight_transport_write(transport, "b", 1);
    bight_transport_write(transport, "b", 1);
    settle();
    ck_heard("popped l-freed");
    ck_assert_str_eq(bight_string_written_text(peer), "ab");
    tear_down();
}
END_TEST

START_TEST(a_layer_can_be_popped_in_its_own_received_end)
{
    set_up();
    push("l", 1)->act_end = pop;
    bight_string_end(peer);
    ck_heard("popped l-end read-lost l-freed lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

START_TEST(the_protocol_can_pop_any_layer_while_they_run)
{
    for (int which = 0; which < 3; which++) {
        on.data = pop_victim;
        set_up();
        struct shift *layers[] = { push("a", 1), push("b", 1), push("c", 1) };
        victim = &layers[which]->base;
        bight_string_feed_text(peer, "00");
        bight_string_feed_text(peer, "0");
        char expected[64];
        /* the one that runs goes on with what it was given; the others are passed by */
        snprintf(expected, sizeof expected, "data:3 data:%c %c-freed data:2", which == 0 ? '3' : '2', 'a' + which);
        ck_heard(expected);
        tear_down();
        heard[0] = '\0';
    }
}
END_TEST

static void pop_all(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    struct bight_layer **layers = (struct bight_layer **)victim;
    (void)p;
    (void)data;
    (void)size;
    for (int i = 0; layers != NULL && i < 3; i++) {
        bight_layer_pop(layers[i]);
        bight_layer_pop(layers[i]);
    }
    victim = NULL;
}

START_TEST(the_protocol_can_pop_all_layers_while_they_run)
{
    on.data = pop_all;
    set_up();
    struct bight_layer *layers[] = { &push("a", 1)->base, &push("b", 1)->base, &push("c", 1)->base };
    victim = (struct bight_layer *)layers;
    bight_string_feed_text(peer, "00");
    ck_heard("data:3 data:1 c-freed b-freed a-freed");
    bight_string_feed_text(peer, "0");
    ck_heard("data:0");
    tear_down();
}
END_TEST

static void abort_below(struct bight_layer *layer)
{
    bight_transport_abort_connection(layer->transport);
}

START_TEST(the_connection_can_be_aborted_in_a_layer) /* T22 */
{
    set_up();
    push("l", 1)->act = abort_below;
    bight_string_feed_text(peer, "ab");
    ck_heard("lost:CONNECTION_ABORTED l-freed");
    tear_down();
}
END_TEST

static void fail_it(struct bight_layer *layer)
{
    bight_transport_write(layer->transport, "bcd", 3);
    bight_layer_fail(layer, bight_failure_of(BIGHT_E_TLS));
}

START_TEST(a_layer_that_fails_is_the_reason_and_its_last_words_go_out) /* T5, T7 */
{
    set_up();
    push("l", 1)->act = fail_it;
    bight_string_feed_text(peer, "ab");
    ck_assert_str_eq(bight_string_written_text(peer), "abc");
    ck_assert(bight_string_is_shut(peer));
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
    bight_string_feed_text(peer, "which the kernel would answer with a reset if nobody read it");
    ck_heard("");
    bight_string_end(peer);
    ck_heard("lost:TLS l-freed");
    ck_assert(!bight_string_was_reset(peer));
    tear_down();
}
END_TEST

/* As a layer does that meets a bad record behind good ones. */
static void deliver_and_fail(struct bight_layer *layer)
{
    bight_layer_deliver(layer, (const uint8_t *)"good", 4);
    bight_layer_fail(layer, bight_failure_of(BIGHT_E_TLS));
}

static void feed_a_failure(void)
{
    set_up();
    struct shift *failing = push("l", 0);
    failing->act = deliver_and_fail;
    failing->whole = true;
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "bad");
    ck_heard("");
    ck_assert_int_eq(bight_transport_write(transport, "x", 1), BIGHT_E_CLOSED);
}

START_TEST(what_a_layer_delivered_before_it_failed_comes_before_the_loss) /* T7 */
{
    feed_a_failure();
    bight_transport_resume(transport);
    settle();
    ck_heard("data:good");
    bight_string_end(peer);
    ck_heard("lost:TLS l-freed");
    tear_down();
}
END_TEST

START_TEST(a_pause_delays_the_loss_by_a_failed_layer_for_the_time_of_a_flush) /* T7 */
{
    feed_a_failure();
    bight_testing_advance(reactor, 29.9);
    ck_heard("");
    bight_testing_advance(reactor, 0.2);
    ck_heard("lost:TLS l-freed");
    tear_down();
}
END_TEST

static void say_last_words_and_fail(struct bight_layer *layer)
{
    bight_transport_write(layer->transport, "alert", 5);
    deliver_and_fail(layer);
}

START_TEST(a_failed_layer_is_the_reason_though_its_last_words_cannot_be_sent) /* T5, T7 */
{
    set_up();
    struct shift *failing = push("l", 0);
    failing->act = say_last_words_and_fail;
    failing->whole = true;
    bight_transport_pause(transport);
    bight_string_set_window(peer, 0);
    bight_string_feed_text(peer, "bad");
    bight_string_reset(peer, EPIPE);
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:good lost:TLS l-freed");
    tear_down();
}
END_TEST

START_TEST(layers_above_one_that_failed_hear_of_an_end) /* T7 */
{
    set_up();
    struct shift *failing = push("l", 0);
    failing->act = deliver_and_fail;
    failing->whole = true;
    push("m", 1);
    bight_string_feed_text(peer, "bad");
    bight_string_end(peer);
    ck_heard("data:h data:p data:p data:e m-end lost:TLS m-freed l-freed");
    tear_down();
}
END_TEST

static void push_another(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    push("new", 1);
    on.data = NULL;
}

START_TEST(a_layer_can_be_pushed_in_data_received)
{
    on.data = push_another;
    set_up();
    bight_string_feed_text(peer, "a");
    bight_string_feed_text(peer, "a");
    ck_heard("data:a data:b");
    tear_down();
}
END_TEST

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level != BIGHT_LOG_DEBUG) {
        return;
    }
    hear("[%s]", event->message);
    if (event->field_count == 3) {
        hear("<%.*s>", (int)event->fields[2].size, (const char *)event->fields[2].data);
    }
}

START_TEST(the_traffic_log_logs_both_directions_and_changes_nothing)
{
    on.data = echo;
    set_up();
    bight_log_set_observer(observe, NULL);
    bight_log_set_level(BIGHT_LOG_DEBUG);
    ck_assert_int_eq(bight_transport_push_layer(transport, bight_traffic_log_new("test", 3)), 0);
    bight_string_feed_text(peer, "hello");
    ck_heard("[test: received 5 bytes] <hel> data:hello [test: sent 5 bytes] <hel>");
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    bight_string_end(peer);
    ck_heard("[test: received the end 0 bytes] read-lost [test: sent the end 0 bytes] lost:CONNECTION_DONE");
    tear_down();
    bight_log_set_observer(NULL, NULL);
}
END_TEST

START_TEST(traffic_logs_stack)
{
    set_up();
    bight_log_set_observer(observe, NULL);
    bight_log_set_level(BIGHT_LOG_DEBUG);
    bight_transport_push_layer(transport, bight_traffic_log_new("low", 0));
    bight_transport_push_layer(transport, bight_traffic_log_new("high", 0));
    bight_string_feed_text(peer, "x");
    ck_heard("[low: received 1 bytes] [high: received 1 bytes] data:x");
    tear_down();
    bight_log_set_observer(NULL, NULL);
}
END_TEST

START_TEST(lent_memory_passes_through_layers_by_reference) /* T6 */
{
    static const struct bight_layer_ops nothing = { .size = sizeof(struct bight_layer_ops) };
    static struct bight_layer layer = { .ops = &nothing };
    int released = 0;
    set_up();
    bight_transport_push_layer(transport, &layer);
    bight_string_set_window(peer, 0);
    char text[] = "lent";
    ck_assert_int_eq(bight_transport_write_lent(transport, text, 4, count_release, &released), 0);
    text[0] = 'L';
    bight_string_set_window(peer, 10);
    bight_string_clear(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "Lent");
    ck_assert_int_eq(released, 1);
    tear_down();
}
END_TEST

/* ------------------------------------------------------------------------ input that is held for long */

static uint8_t collected[200000];
static size_t collected_size;

static void collect_and_pause(struct bight_protocol *of, const uint8_t *data, size_t size)
{
    ck_assert_uint_le(collected_size + size, sizeof collected);
    memcpy(collected + collected_size, data, size);
    collected_size += size;
    bight_transport_pause(of->transport);
}

START_TEST(held_input_is_delivered_piece_by_piece_to_a_protocol_that_pauses) /* T2 */
{
    set_up();
    uint8_t *data = make_data(sizeof collected);
    ck_assert_int_eq(bight_transport_push_layer(transport, bight_traffic_log_new("log", 10)), 0);
    on.data = collect_and_pause;
    bight_transport_pause(transport);
    bight_string_feed_chunked(peer, data, sizeof collected, 10000);
    settle();
    ck_assert_uint_eq(collected_size, 0);
    int pieces = 0;
    while (collected_size < sizeof collected) {
        size_t before = collected_size;
        ck_assert_int_eq(bight_transport_resume(transport), 0);
        settle();
        ck_assert_uint_gt(collected_size, before);
        ck_assert_uint_le(collected_size - before, 65536);
        pieces++;
    }
    ck_assert_int_gt(pieces, 3);
    ck_assert_mem_eq(collected, data, sizeof collected);
    free(data);
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, held_input_is_delivered_piece_by_piece_to_a_protocol_that_pauses);
    tcase_add_test(tests, two_layers_transform_in_their_order);
    tcase_add_test(tests, what_was_written_before_a_push_goes_out_unseen);
    tcase_add_test(tests, a_layer_that_was_popped_at_work_hands_on_to_the_one_pushed_in_its_place);
    tcase_add_test(tests, a_layer_without_slots_passes_everything_through);
    tcase_add_test(tests, both_ends_travel_through_the_layers);
    tcase_add_test(tests, lose_waits_for_a_busy_layer);
    tcase_add_test(tests, a_layer_that_never_ends_runs_into_the_flush_timeout);
    tcase_add_test(tests, what_layers_have_while_the_protocol_pauses_is_held);
    tcase_add_test(tests, an_end_alone_waits_for_resume_too);
    tcase_add_test(tests, a_layer_can_be_popped_in_its_own_received);
    tcase_add_test(tests, a_layer_can_be_popped_in_its_own_write);
    tcase_add_test(tests, a_layer_can_be_popped_in_its_own_received_end);
    tcase_add_test(tests, the_protocol_can_pop_any_layer_while_they_run);
    tcase_add_test(tests, the_protocol_can_pop_all_layers_while_they_run);
    tcase_add_test(tests, the_connection_can_be_aborted_in_a_layer);
    tcase_add_test(tests, a_layer_that_fails_is_the_reason_and_its_last_words_go_out);
    tcase_add_test(tests, what_a_layer_delivered_before_it_failed_comes_before_the_loss);
    tcase_add_test(tests, a_pause_delays_the_loss_by_a_failed_layer_for_the_time_of_a_flush);
    tcase_add_test(tests, a_failed_layer_is_the_reason_though_its_last_words_cannot_be_sent);
    tcase_add_test(tests, layers_above_one_that_failed_hear_of_an_end);
    tcase_add_test(tests, a_layer_can_be_pushed_in_data_received);
    tcase_add_test(tests, the_traffic_log_logs_both_directions_and_changes_nothing);
    tcase_add_test(tests, traffic_logs_stack);
    tcase_add_test(tests, lent_memory_passes_through_layers_by_reference);
}

BIGHT_TEST_MAIN("layers", add_tests)
