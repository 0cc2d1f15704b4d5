/* SPDX-License-Identifier: MIT */
/* test_layer_talk.c - what layers say and are asked besides bytes: flushing, being secure, what they have queued, what
 * they know, the loss. How bytes pass is in test_layers.c. */
#include <errno.h>

#include "transport_support.h"

/* Gathers what is written and sends it when it is flushed. */
struct gatherer {
    struct bight_layer base;
    char gathered[256];
    size_t size;
    unsigned flushes;
    size_t written; /* of what the last one sent, before it returned */
    int code;       /* of a flush; 0: sends */
    bool holds;
    const char *fact;
};

static const char key, other_key;

static int gather(struct bight_layer *layer, const struct bight_piece *pieces, size_t count)
{
    struct gatherer *self = (struct gatherer *)layer;
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_le(self->size + pieces[i].size, sizeof self->gathered);
        memcpy(self->gathered + self->size, pieces[i].data, pieces[i].size);
        self->size += pieces[i].size;
    }
    bight_layer_flush_later(layer);
    return BIGHT_OK;
}

static int send_gathered(struct bight_layer *layer)
{
    struct gatherer *self = (struct gatherer *)layer;
    struct bight_piece piece = { .data = (const uint8_t *)self->gathered, .size = self->size, .counted = true };
    self->flushes++;
    if (self->code != BIGHT_OK || self->holds) {
        return self->code;
    }
    self->size = 0;
    int code = bight_layer_send(layer, &piece, 1);
    (void)bight_string_written(peer, &self->written);
    return code;
}

static size_t count_gathered(const struct bight_layer *layer)
{
    return ((const struct gatherer *)layer)->size;
}

static void pass_secured(struct bight_layer *layer)
{
    hear("secured");
    bight_layer_secured(layer);
}

static void note_loss(struct bight_layer *layer, const struct bight_failure *reason)
{
    struct bight_piece piece = { .data = (const uint8_t *)"x", .size = 1 };
    ck_assert_int_eq(bight_layer_send(layer, &piece, 1), BIGHT_E_CLOSED);
    hear("%s:%s", ((struct gatherer *)layer)->fact, bight_error_name(bight_failure_code(reason)));
}

static const void *tell_fact(const struct bight_layer *layer, const void *which)
{
    return which == &key ? ((const struct gatherer *)layer)->fact : NULL;
}

static const struct bight_layer_ops gatherer_ops = {
    .size = sizeof gatherer_ops,
    .write = gather,
    .flush = send_gathered,
    .queued = count_gathered,
    .secured = pass_secured,
    .lost = note_loss,
    .facts = tell_fact,
};

static struct gatherer first, second;

static void push_gatherer(struct gatherer *gatherer, const char *fact)
{
    gatherer->base.ops = &gatherer_ops;
    gatherer->fact = fact;
    ck_assert_int_eq(bight_transport_push_layer(transport, &gatherer->base), BIGHT_OK);
}

static void write_text(const char *text)
{
    ck_assert_int_eq(bight_transport_write(transport, text, strlen(text)), BIGHT_OK);
}

static void answer_in_pieces(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    (void)data;
    (void)size;
    write_text("in ");
    write_text("three ");
    write_text("pieces");
    ck_assert_uint_eq(first.flushes, 0);
}

START_TEST(what_a_handler_writes_in_pieces_is_flushed_once_behind_it)
{
    on.data = answer_in_pieces;
    set_up();
    push_gatherer(&first, "first");
    bight_string_feed_text(peer, "x");
    ck_assert_str_eq(bight_string_written_text(peer), "in three pieces");
    ck_assert_uint_eq(first.flushes, 1);
    ck_heard("data:x");
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("first:CONNECTION_ABORTED lost:CONNECTION_ABORTED");
    tear_down();
}
END_TEST

START_TEST(what_is_flushed_leaves_at_once) /* L11 */
{
    set_up();
    push_gatherer(&first, "first");
    on.data = answer_in_pieces;
    bight_string_feed_text(peer, "x");
    ck_assert_uint_eq(first.written, strlen("in three pieces"));
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(of_what_is_flushed_the_bottom_may_take_a_part) /* L11, T6 */
{
    set_up();
    push_gatherer(&first, "first");
    bight_string_set_window(peer, 7);
    write_text("hello ");
    settle();
    write_text("world");
    settle();
    write_text("!");
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello w");
    ck_assert_uint_eq(bight_transport_queued(transport), 5);
    bight_string_clear(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "orld!");
    ck_assert_uint_eq(bight_transport_queued(transport), 0);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(higher_layers_are_flushed_first)
{
    set_up();
    push_gatherer(&first, "first");
    push_gatherer(&second, "second");
    write_text("hello");
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "hello");
    ck_assert_uint_eq(first.flushes, 1);
    ck_assert_uint_eq(second.flushes, 1);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(what_was_gathered_goes_out_before_the_end) /* T7 */
{
    set_up();
    push_gatherer(&first, "first");
    write_text("last words");
    bight_transport_lose_connection(transport);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "last words");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard("first:CONNECTION_DONE lost:CONNECTION_DONE");
    tear_down();
}
END_TEST

static int say_and_fail(struct bight_layer *layer)
{
    struct bight_piece piece = { .data = (const uint8_t *)"alert", .size = 5, .counted = true };
    ck_assert_int_eq(bight_layer_send(layer, &piece, 1), BIGHT_OK);
    bight_layer_fail(layer, bight_failure_of(BIGHT_E_TLS));
    return BIGHT_OK;
}

static void end_below(struct bight_layer *layer)
{
    hear("%s:write-end", ((struct gatherer *)layer)->fact);
    bight_layer_send_end(layer);
}

START_TEST(the_last_words_of_a_layer_that_fails_pass_layers_that_gather) /* T5, T7 */
{
    struct bight_layer_ops failing = gatherer_ops, ending = gatherer_ops;
    failing.flush = say_and_fail;
    ending.write_end = end_below;
    set_up();
    push_gatherer(&first, "first");
    first.base.ops = &ending;
    push_gatherer(&second, "second");
    second.base.ops = &failing;
    write_text("x");
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "alert");
    ck_assert(bight_string_is_shut(peer));
    bight_string_end(peer);
    ck_heard("first:write-end first:TLS second:TLS lost:TLS");
    tear_down();
}
END_TEST

START_TEST(a_flush_that_fails_ends_the_connection) /* T6 */
{
    set_up();
    push_gatherer(&first, "first");
    first.code = BIGHT_E_OUT_OF_MEMORY;
    write_text("hello");
    settle();
    ck_heard("first:OUT_OF_MEMORY lost:OUT_OF_MEMORY");
    tear_down();
}
END_TEST

START_TEST(what_layers_have_counts_as_queued) /* T13 */
{
    set_up();
    push_gatherer(&first, "first");
    push_gatherer(&second, "second");
    first.holds = true;
    write_text("hello");
    ck_assert_uint_eq(bight_transport_queued(transport), 5);
    settle();
    ck_assert_uint_eq(bight_transport_queued(transport), 5);
    ck_assert_uint_eq(first.size, 5);
    heard[0] = '\0';
    tear_down();
}
END_TEST

START_TEST(the_lowest_layer_hears_of_the_loss_first_and_the_protocol_last) /* T3 */
{
    set_up();
    push_gatherer(&first, "first");
    push_gatherer(&second, "second");
    bight_string_reset(peer, ECONNRESET);
    ck_heard("first:CONNECTION_LOST second:CONNECTION_LOST lost:CONNECTION_LOST");
    tear_down();
}
END_TEST

START_TEST(facts_are_told_by_the_highest_layer_that_knows_them)
{
    set_up();
    ck_assert_ptr_null(bight_transport_facts(transport, &key));
    push_gatherer(&first, "first");
    push_gatherer(&second, "second");
    ck_assert_str_eq(bight_transport_facts(transport, &key), "second");
    ck_assert_ptr_null(bight_transport_facts(transport, &other_key));
    bight_layer_pop(&second.base);
    ck_assert_str_eq(bight_transport_facts(transport, &key), "first");
    bight_transport_abort_connection(transport);
    settle();
    heard[0] = '\0';
    tear_down();
}
END_TEST

/* ------------------------------------------------------------------------------------- being secure */

static void become_secure(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    if (data[0] == '!') {
        bight_layer_secured(layer);
        data++;
        size--;
    }
    bight_layer_deliver(layer, data, size);
}

static const struct bight_layer_ops secure_ops = { .size = sizeof secure_ops, .received = become_secure };
static struct bight_layer secure = { .ops = &secure_ops };

static void hear_of_handshake(struct bight_protocol *p)
{
    (void)p;
    hear("handshake");
}

static void hear_data(struct bight_protocol *p, const uint8_t *data, size_t size)
{
    (void)p;
    hear("data:%.*s", (int)size, (const char *)data);
}

static void hear_loss(struct bight_protocol *p, const struct bight_failure *reason)
{
    (void)p;
    (void)reason;
    hear("lost");
}

static const struct bight_protocol_ops secure_protocol_ops = {
    .data_received = hear_data,
    .handshake_completed = hear_of_handshake,
    .connection_lost = hear_loss,
};
static struct bight_factory secure_factory = BIGHT_FACTORY(struct bight_protocol, &secure_protocol_ops);

static void set_up_secure(void)
{
    reactor = bight_testing_reactor_new();
    peer = bight_string_connect(reactor, &secure_factory, true);
    protocol = bight_string_protocol(peer);
    transport = protocol->transport;
    ck_assert_int_eq(bight_transport_push_layer(transport, &secure), BIGHT_OK);
}

START_TEST(the_protocol_hears_that_it_is_secure_before_the_data) /* T19 */
{
    set_up_secure();
    bight_string_feed_text(peer, "!abc");
    ck_heard("handshake data:abc");
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("lost");
    tear_down();
}
END_TEST

START_TEST(a_paused_protocol_hears_of_it_and_of_the_data_when_it_resumes) /* T2, T19 */
{
    set_up_secure();
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "!abc");
    ck_heard("handshake");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:abc");
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("lost");
    tear_down();
}
END_TEST

START_TEST(what_waited_before_comes_before_it) /* T19 */
{
    set_up_secure();
    bight_transport_pause(transport);
    bight_string_feed_text(peer, "plain");
    bight_layer_set_hungry(&secure, true);
    bight_string_feed_text(peer, "!abc");
    ck_heard("");
    bight_transport_resume(transport);
    settle();
    ck_heard("data:plain handshake data:abc");
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("lost");
    tear_down();
}
END_TEST

START_TEST(layers_above_hear_of_it_first) /* T19 */
{
    set_up_secure();
    push_gatherer(&first, "first");
    bight_string_feed_text(peer, "!abc");
    ck_heard("secured handshake data:abc");
    bight_transport_abort_connection(transport);
    settle();
    ck_heard("first:CONNECTION_ABORTED lost");
    tear_down();
}
END_TEST

START_TEST(a_table_without_a_size_is_refused)
{
    static const struct bight_layer_ops sizeless = { .write = gather };
    static struct bight_layer layer = { .ops = &sizeless };
    set_up();
    ck_assert_int_eq(bight_transport_push_layer(transport, &layer), BIGHT_E_INVALID_ARGUMENT);
    tear_down();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("layer_talk");
    TCase *tests = tcase_create("layer_talk");
    tcase_add_test(tests, what_a_handler_writes_in_pieces_is_flushed_once_behind_it);
    tcase_add_test(tests, what_is_flushed_leaves_at_once);
    tcase_add_test(tests, of_what_is_flushed_the_bottom_may_take_a_part);
    tcase_add_test(tests, higher_layers_are_flushed_first);
    tcase_add_test(tests, what_was_gathered_goes_out_before_the_end);
    tcase_add_test(tests, the_last_words_of_a_layer_that_fails_pass_layers_that_gather);
    tcase_add_test(tests, a_flush_that_fails_ends_the_connection);
    tcase_add_test(tests, what_layers_have_counts_as_queued);
    tcase_add_test(tests, the_lowest_layer_hears_of_the_loss_first_and_the_protocol_last);
    tcase_add_test(tests, facts_are_told_by_the_highest_layer_that_knows_them);
    tcase_add_test(tests, the_protocol_hears_that_it_is_secure_before_the_data);
    tcase_add_test(tests, a_paused_protocol_hears_of_it_and_of_the_data_when_it_resumes);
    tcase_add_test(tests, what_waited_before_comes_before_it);
    tcase_add_test(tests, layers_above_hear_of_it_first);
    tcase_add_test(tests, a_table_without_a_size_is_refused);
    suite_add_tcase(suite, tests);
    return bight_test_run(suite);
}
