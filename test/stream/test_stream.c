/* SPDX-License-Identifier: MIT */
/* test_stream.c - a stream's output and its end, the function that serves it, factories, switching (S7, S8). */
#include <bight/sys/layer.h>

#include "stream/stream.h"
#include "stream_support.h"

START_TEST(a_text_is_written_up_to_its_end) /* S7 */
{
    ck_assert_int_eq(bight_stream_write_text(stream, "one\0two"), 0);
    ck_assert_int_eq(bight_stream_write_text(stream, ""), 0);
    ck_assert_int_eq(bight_stream_write_text(stream, "!"), 0);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "one!");
    bight_stream_write_eof(stream);
    ck_assert_int_eq(bight_stream_write_text(stream, "x"), BIGHT_E_CLOSED);
}
END_TEST

START_TEST(half_closing_lets_reading_go_on) /* S7, T11 */
{
    ck_assert_int_eq(bight_stream_write(stream, "bye", 3), 0);
    ck_assert_int_eq(bight_stream_write_eof(stream), 0);
    ck_assert_int_eq(bight_stream_write(stream, "x", 1), BIGHT_E_CLOSED);
    settle();
    ck_assert(bight_string_is_shut(peer));
    feed("answer");
    note(bight_stream_read(stream, 0));
    bight_string_end(peer);
    note(bight_stream_read(stream, 0));
    ck_heard("'answer' ''");
    ck_assert(bight_string_is_closed(peer));
    ck_assert_int_eq(bight_failure_code(bight_stream_reason(stream)), BIGHT_E_CONNECTION_DONE);
}
END_TEST

START_TEST(closing_flushes_and_fires_at_the_end) /* S7, T7 */
{
    bight_string_set_window(peer, 0);
    bight_stream_write(stream, "bye", 3);
    note_named(bight_stream_close(stream), "1");
    note_named(bight_stream_close(stream), "2");
    settle();
    ck_assert_ptr_null(bight_stream_reason(stream));
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    ck_assert_str_eq(bight_string_written_text(peer), "bye");
    ck_heard("");
    bight_string_end(peer);
    ck_heard("1- 2-");
    note(bight_stream_close(stream));
    ck_heard("-");
}
END_TEST

START_TEST(limits_can_be_read)
{
    size_t buffer_limit, exact_limit;
    bight_stream_set_limits(stream, 0, 10);
    bight_stream_get_limits(stream, &buffer_limit, &exact_limit);
    ck_assert_uint_eq(buffer_limit, 65536);
    ck_assert_uint_eq(exact_limit, 10);
}
END_TEST

START_TEST(closing_throws_input_away) /* S7 */
{
    feed("unread");
    bight_stream_set_limits(stream, 3, 0);
    note_named(bight_stream_read_exactly(stream, 10), "waiting:");
    bight_deferred_release(bight_stream_close(stream));
    ck_assert(bight_stream_at_end(stream));
    feed("more");
    bight_string_end(peer);
    ck_heard("waiting:CLOSED");
    note(bight_stream_read(stream, 0));
    note(bight_stream_read_line(stream, 0));
    ck_heard("CLOSED CLOSED");
}
END_TEST

START_TEST(a_cancelled_wait_for_the_end_does_not_stop_the_closing) /* S7 */
{
    struct bight_deferred *closed = bight_stream_close(stream);
    bight_deferred_cancel(closed);
    note(closed);
    ck_heard("CANCELLED");
    settle();
    ck_assert(bight_string_is_shut(peer));
}
END_TEST

START_TEST(aborting_resets) /* S7, T10 */
{
    note_named(bight_stream_read(stream, 0), "read:");
    fill();
    note_named(bight_stream_drain(stream), "drain:");
    bight_stream_abort(stream);
    bight_stream_abort(stream);
    ck_heard("");
    settle();
    ck_assert(bight_string_was_reset(peer));
    ck_heard("read:CLOSED drain:CONNECTION_ABORTED");
    bight_stream_abort(stream);
}
END_TEST

START_TEST(a_close_that_ends_in_an_abort_fires_too) /* S7 */
{
    fill();
    note(bight_stream_close(stream));
    bight_stream_abort(stream);
    settle();
    ck_heard("-");
    ck_assert_int_eq(bight_failure_code(bight_stream_reason(stream)), BIGHT_E_CONNECTION_ABORTED);
}
END_TEST

START_TEST(the_end_of_the_reactor_ends_all_waiting) /* S7, T5 */
{
    fill();
    note_named(bight_stream_read(stream, 0), "read:");
    note_named(bight_stream_drain(stream), "drain:");
    bight_reactor_free(reactor);
    ck_heard("read:CONNECTION_LOST drain:CONNECTION_LOST");
    note(bight_stream_drain(stream));
    note(bight_stream_close(stream));
    ck_heard("CONNECTION_LOST -");
    reactor = bight_testing_reactor_new();
}
END_TEST

static void end_in_handler(struct bight_result *result, void *what)
{
    bight_result_clear(result);
    if (strcmp(what, "abort") == 0) {
        bight_stream_abort(stream);
    } else if (strcmp(what, "close") == 0) {
        bight_deferred_release(bight_stream_close(stream));
    }
    bight_stream_release(stream);
}

START_TEST(a_stream_may_be_ended_and_let_go_of_in_any_handler) /* T22 */
{
    static const char *const ways[] = { "abort", "close", "release" };
    bight_stream_release(stream);
    bight_string_peer_free(peer);
    settle();
    for (int way = 0; way < 9; way++) {
        connect_with(&streams);
        bight_stream_hold(stream);
        fill();
        struct bight_deferred *deferred = way % 3 == 0   ? bight_stream_read(stream, 0)
                                          : way % 3 == 1 ? bight_stream_drain(stream)
                                                         : bight_stream_read_exactly(stream, 100);
        bight_deferred_add_both(deferred, end_in_handler, (void *)(uintptr_t)ways[way / 3]);
        bight_deferred_release(deferred);
        if (way % 3 != 2) {
            feed("abc");
        }
        bight_string_set_window(peer, SIZE_MAX);
        bight_string_clear(peer);
        bight_string_reset(peer, 0);
        bight_string_peer_free(peer);
        settle();
    }
    connect_with(&streams);
    bight_stream_hold(stream);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- serving */

struct session {
    struct bight_stream base;
    int number;
};

static struct bight_promise serving;

static struct bight_deferred *serve(struct bight_stream *made, void *context)
{
    struct session *session = bight_stream_self(struct session, made);
    session->number = 7;
    stream = made;
    hear("serve:%s", (const char *)context);
    return bight_deferred_new(&serving, NULL, NULL);
}

static char word[] = "context";
static struct bight_stream_factory servers = BIGHT_STREAM_FACTORY(struct session, serve, word);

static void observe(const struct bight_log_event *event, void *context)
{
    (void)context;
    hear("log%d:%s", (int)event->level, bight_error_name(bight_failure_code(event->failure)));
}

static void set_up_server(void)
{
    reactor = bight_testing_reactor_new();
    bight_log_set_level(BIGHT_LOG_INFO);
    bight_log_set_observer(observe, NULL);
    connect_with(&servers);
    ck_heard("serve:context");
}

static void tear_down_server(void)
{
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    ck_assert_uint_eq(servers.base.connections, 0);
}

START_TEST(the_stream_is_closed_when_the_function_s_deferred_is_done) /* S8 */
{
    bight_stream_write(stream, "bye", 3);
    settle();
    ck_assert(!bight_string_is_shut(peer));
    bight_callback(serving, NULL, NULL);
    settle();
    ck_assert(bight_string_is_shut(peer));
    ck_assert_str_eq(bight_string_written_text(peer), "bye");
    ck_heard("");
}
END_TEST

START_TEST(a_failure_of_the_function_s_deferred_is_logged_and_the_stream_closed) /* S8 */
{
    bight_errback(serving, bight_failure_of(BIGHT_E_APPLICATION));
    settle();
    ck_assert(bight_string_is_shut(peer));
    ck_heard("log40:APPLICATION");
}
END_TEST

START_TEST(that_the_peer_went_away_is_information_only) /* S8 */
{
    servers.leaving = BIGHT_CANCEL_NEVER;
    bight_string_reset(peer, 0);
    bight_errback(serving, bight_failure_hold(bight_stream_reason(stream)));
    ck_heard("log20:CONNECTION_LOST");
}
END_TEST

START_TEST(the_stream_s_memory_stays_until_the_function_s_deferred_is_done) /* S8, T3 */
{
    servers.leaving = BIGHT_CANCEL_NEVER;
    feed("held");
    bight_string_end(peer);
    bight_string_peer_free(peer);
    peer = NULL;
    bight_testing_advance(reactor, 60);
    ck_assert_int_eq(bight_stream_self(struct session, stream)->number, 7);
    note(bight_stream_read(stream, 0));
    ck_heard("'held'");
    bight_callback(serving, NULL, NULL);
}
END_TEST

static struct bight_deferred *serve_at_once(struct bight_stream *made, void *context)
{
    bight_stream_write(made, "hi", 2);
    return context == NULL ? bight_succeed(NULL, NULL) : bight_fail(bight_failure_of(BIGHT_E_SYNTAX));
}

START_TEST(the_function_s_deferred_may_have_fired_already) /* S8 */
{
    struct bight_stream_factory *factory = bight_stream_factory_new(serve_at_once, NULL);
    struct bight_string_peer *other = bight_string_connect(reactor, &factory->base, true);
    settle();
    ck_assert_str_eq(bight_string_written_text(other), "hi");
    ck_assert(bight_string_is_shut(other));
    bight_string_end(other);
    bight_string_peer_free(other);
    bight_stream_factory_free(factory);
    bight_callback(serving, NULL, NULL);
}
END_TEST

START_TEST(a_factory_from_the_heap_may_be_freed_while_it_is_used) /* S8, T16 */
{
    struct bight_stream_factory *factory = bight_stream_factory_new(keep_stream, NULL);
    struct bight_stream *server = stream;
    struct bight_string_peer *other = bight_string_connect(reactor, &factory->base, true);
    struct bight_stream *kept = bight_stream_hold(stream);
    ck_assert_ptr_ne(kept, server);
    bight_stream_factory_free(factory);
    bight_string_feed_text(other, "abc");
    bight_string_reset(other, 0);
    bight_string_peer_free(other);
    note(bight_stream_read(kept, 0));
    ck_heard("'abc'");
    ck_assert_ptr_eq(bight_stream_self(struct bight_stream, kept), kept);
    bight_stream_release(kept);
    bight_stream_factory_free(NULL);
    bight_callback(serving, NULL, NULL);
}
END_TEST

/* ------------------------------------------------------------------------------------- results, switching */

START_TEST(a_discarded_stream_is_aborted_and_a_destroyed_one_lives_on) /* D31 */
{
    bight_type_stream.destroy(bight_stream_hold(stream));
    settle();
    ck_assert(!bight_string_was_reset(peer));
    bight_type_stream.discard(bight_stream_hold(stream));
    settle();
    ck_assert(bight_string_was_reset(peer));
}
END_TEST

static void other_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)protocol;
    hear("other:%.*s", (int)(size < 20 ? size : 20), (const char *)data);
}

static void other_lost(struct bight_protocol *protocol, const struct bight_failure *reason)
{
    (void)protocol;
    hear("other-lost:%s", bight_error_name(bight_failure_code(reason)));
}

static const struct bight_protocol_ops other_ops = { .data_received = other_received, .connection_lost = other_lost };
static struct bight_factory others = BIGHT_FACTORY(struct bight_protocol, &other_ops);

START_TEST(a_switch_takes_the_unread_bytes_along) /* T23 */
{
    bight_stream_set_limits(stream, 3, 0);
    feed("headrest");
    fill();
    note_named(bight_stream_drain(stream), "drain:");
    note(bight_stream_read_exactly(stream, 4));
    ck_heard("'head'");
    bight_stream_set_limits(stream, 2, 0);
    note_named(bight_stream_read_exactly(stream, 100), "read:");
    ck_assert_int_eq(bight_stream_switch_protocol(stream, bight_protocol_new(&others)), 0);
    settle();
    ck_heard("read:CLOSED drain:CLOSED other:rest");
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    feed("more");
    ck_heard("other:more");
    note(bight_stream_read(stream, 0));
    note(bight_stream_close(stream));
    ck_heard("CLOSED -");
    bight_string_reset(peer, 0);
    ck_heard("other-lost:CONNECTION_LOST");
    struct bight_protocol *late = bight_protocol_new(&others);
    ck_assert_int_eq(bight_stream_switch_protocol(stream, late), BIGHT_E_CLOSED);
    bight_protocol_free(late);
}
END_TEST

START_TEST(what_a_full_stream_is_switched_to_reads_on) /* S4, T23 */
{
    bight_stream_set_limits(stream, 2, 0);
    feed("abc");
    feed("def");
    ck_assert_int_eq(bight_stream_switch_protocol(stream, bight_protocol_new(&others)), 0);
    settle();
    ck_heard("other:abc other:def");
}
END_TEST

/* ------------------------------------------------------------------------------------------------ memory */

static bool converse(void *context)
{
    bool good = true;
    (void)context;
    reactor = bight_testing_reactor_new();
    struct bight_stream_factory *factory = reactor == NULL ? NULL : bight_stream_factory_new(keep_stream, NULL);
    peer = factory == NULL ? NULL : bight_string_connect(reactor, &factory->base, true);
    heard[0] = '\0';
    if (peer != NULL) {
        static const char data[100 << 10];
        bight_stream_hold(stream);
        bight_string_set_window(peer, 0);
        (void)bight_stream_write(stream, data, sizeof data);
        note(bight_stream_drain(stream));
        bight_string_set_window(peer, SIZE_MAX);
        bight_string_clear(peer);
        note(bight_stream_close(stream));
        bight_string_end(peer);
        good = bight_testing_fault_injected() || strcmp(heard, "- -") == 0;
        bight_stream_release(stream);
    }
    bight_string_peer_free(peer);
    bight_stream_factory_free(factory);
    bight_reactor_free(reactor);
    return good;
}

START_TEST(writing_and_closing_survive_every_lack_of_memory) /* D34, T6 */
{
    tear_down();
    ck_assert_uint_eq(bight_testing_with_faults(converse, NULL, 0), 0);
    set_up();
}
END_TEST

static bool serve_once(void *context)
{
    reactor = bight_testing_reactor_new();
    struct bight_stream_factory *factory = reactor == NULL ? NULL : bight_stream_factory_new(serve_at_once, context);
    peer = factory == NULL ? NULL : bight_string_connect(reactor, &factory->base, true);
    if (peer != NULL) {
        bight_string_end(peer);
    }
    bool good = peer == NULL || bight_string_is_closed(peer);
    bight_string_peer_free(peer);
    bight_stream_factory_free(factory);
    bight_reactor_free(reactor);
    return good;
}

START_TEST(serving_survives_every_lack_of_memory) /* S8, D34 */
{
    tear_down();
    ck_assert_uint_eq(bight_testing_with_faults(serve_once, NULL, 0), 0);
    ck_assert_uint_eq(bight_testing_with_faults(serve_once, word, 0), 0);
    set_up();
}
END_TEST

static void pass_on_shifted(struct bight_layer *layer, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(data[i] + 1);
        bight_layer_deliver(layer, &byte, 1);
    }
}

static void free_nothing(struct bight_layer *layer)
{
    (void)layer;
}

static const struct bight_layer_ops shifting_ops = {
    .size = sizeof(struct bight_layer_ops), .received = pass_on_shifted, .free = free_nothing
};

START_TEST(what_was_not_read_goes_through_a_layer_that_is_pushed) /* T19 */
{
    static struct bight_layer layer = { .ops = &shifting_ops };
    bight_stream_set_limits(stream, 3, 0);
    note(bight_stream_read_until(stream, "a", 1, 0));
    feed("abcdef");
    ck_assert_int_eq(bight_transport_push_layer(stream->own->transport, &layer), 0);
    ck_assert_uint_eq(bight_stream_buffered(stream), 0);
    note(bight_stream_read_exactly(stream, 6));
    settle();
    feed("g");
    ck_heard("'a' 'cdefgh'");
}
END_TEST

START_TEST(a_stream_knows_its_reactor_as_long_as_that_lives)
{
    ck_assert_ptr_eq(bight_stream_reactor(stream), reactor);
    bight_string_end(peer);
    settle();
    ck_assert_ptr_eq(bight_stream_reactor(stream), reactor);
    bight_reactor_free(reactor);
    ck_assert_ptr_null(bight_stream_reactor(stream));
    reactor = NULL;
}
END_TEST

static void add_stream_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, limits_can_be_read);
    tcase_add_test(tests, a_stream_knows_its_reactor_as_long_as_that_lives);
    tcase_add_test(tests, what_was_not_read_goes_through_a_layer_that_is_pushed);
    tcase_add_test(tests, a_text_is_written_up_to_its_end);
    tcase_add_test(tests, half_closing_lets_reading_go_on);
    tcase_add_test(tests, closing_flushes_and_fires_at_the_end);
    tcase_add_test(tests, closing_throws_input_away);
    tcase_add_test(tests, a_cancelled_wait_for_the_end_does_not_stop_the_closing);
    tcase_add_test(tests, aborting_resets);
    tcase_add_test(tests, a_close_that_ends_in_an_abort_fires_too);
    tcase_add_test(tests, the_end_of_the_reactor_ends_all_waiting);
    tcase_add_test(tests, a_stream_may_be_ended_and_let_go_of_in_any_handler);
    tcase_add_test(tests, a_discarded_stream_is_aborted_and_a_destroyed_one_lives_on);
    tcase_add_test(tests, a_switch_takes_the_unread_bytes_along);
    tcase_add_test(tests, what_a_full_stream_is_switched_to_reads_on);
    tcase_add_test(tests, writing_and_closing_survive_every_lack_of_memory);
    tcase_add_test(tests, serving_survives_every_lack_of_memory);
}

static void add_server_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up_server, tear_down_server);
    tcase_add_test(tests, the_stream_is_closed_when_the_function_s_deferred_is_done);
    tcase_add_test(tests, a_failure_of_the_function_s_deferred_is_logged_and_the_stream_closed);
    tcase_add_test(tests, that_the_peer_went_away_is_information_only);
    tcase_add_test(tests, the_stream_s_memory_stays_until_the_function_s_deferred_is_done);
    tcase_add_test(tests, the_function_s_deferred_may_have_fired_already);
    tcase_add_test(tests, a_factory_from_the_heap_may_be_freed_while_it_is_used);
}

int main(void)
{
    Suite *suite = suite_create("stream");
    TCase *streams_alone = tcase_create("streams"), *serving_them = tcase_create("serving");
    tcase_set_timeout(streams_alone, 60);
    add_stream_tests(streams_alone);
    add_server_tests(serving_them);
    suite_add_tcase(suite, streams_alone);
    suite_add_tcase(suite, serving_them);
    return bight_test_run(suite);
}
