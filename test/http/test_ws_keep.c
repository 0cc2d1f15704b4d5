/* SPDX-License-Identifier: MIT */
/* Tests of clients of WebSockets that come back (W10), on a recorder's network: when they connect again, after which
 * pauses, what ends it; and with memory that is refused. */
#include "ws_client_support.h"

static struct bight_websocket_factory plain = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ws_ops);
static const struct bight_retry_policy exact = { .size = sizeof exact, .no_jitter = true };
static const struct bight_websocket_keep_options exactly = { .size = sizeof exactly, .policy = &exact };
static struct bight_failure *failed;
static struct bight_deferred *keeping;

static void note_failure(struct bight_result *result, void *context)
{
    (void)context;
    failed = bight_result_take_failure(result);
    ws_note("failed.");
}

static void keep(
    const char *url, struct bight_websocket_factory *factory, const struct bight_websocket_keep_options *options)
{
    ws_events[0] = '\0';
    failed = NULL;
    bight_log_set_observer(count_errors, NULL);
    recorder = bight_recorder_new();
    reactor = bight_recorder_reactor(recorder);
    keeping = bight_websocket_keep(reactor, url, factory, options);
    ck_assert_int_eq(bight_deferred_add_both(keeping, note_failure, NULL), 0);
    settle();
}

static void drop_peer(void)
{
    bight_string_peer_free(peer);
    peer = NULL;
}

static void end(void)
{
    bight_deferred_release(keeping);
    bight_recorder_free(recorder);
    drop_peer();
    bight_failure_release(failed);
}

static void accept_one(void)
{
    (void)ws_happened();
    drop_peer();
    agree(answer_call(), "");
    ck_assert_str_eq(ws_happened(), "open().");
}

/* The server closes, or just goes. */
static void lose(const char *frame, size_t size)
{
    (void)bight_string_feed(peer, frame, size);
    bight_string_end(peer);
}

/* It connects again after so many seconds, and not before. */
static void pauses_for(double seconds)
{
    settle();
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    bight_testing_advance(reactor, seconds - 0.01);
    settle();
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    bight_testing_advance(reactor, 0.02);
    settle();
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 1);
}

START_TEST(a_lost_socket_is_connected_again) /* W10 */
{
    static const char bye[] = "\x88\x05\x03\xe8"
                              "bye";
    keep("ws://192.0.2.7/", &plain, &exactly);
    for (unsigned i = 0; i < 3; i++) {
        accept_one();
        bight_testing_advance(reactor, 11);
        lose(bye, i == 1 ? 0 : sizeof bye - 1);
        ck_assert_str_eq(ws_happened(), i == 1 ? "closed(1006 unclean)." : "closed(1000 bye clean).");
        pauses_for(1);
    }
    ck_assert_ptr_null(failed);
    end();
}
END_TEST

START_TEST(pauses_grow_while_nobody_answers) /* W10 */
{
    keep("ws://192.0.2.7/", &plain, &exactly);
    for (double pause = 1; pause < 100; pause *= 2) {
        ck_assert(bight_recorder_fail(recorder, 0, 0));
        pauses_for(pause < 60 ? pause : 60);
    }
    accept_one();
    bight_testing_advance(reactor, 11);
    lose("", 0);
    pauses_for(1);
    end();
}
END_TEST

START_TEST(a_server_that_accepts_and_closes_is_not_asked_more_often) /* W10 */
{
    keep("ws://192.0.2.7/", &plain, &exactly);
    for (double pause = 1; pause < 16; pause *= 2) {
        accept_one();
        bight_testing_advance(reactor, 9);
        lose("", 0);
        pauses_for(pause);
    }
    end();
}
END_TEST

START_TEST(pauses_are_left_to_chance) /* W10 */
{
    keep("ws://192.0.2.7/", &plain, NULL);
    ck_assert(bight_recorder_fail(recorder, 0, 0));
    ck_assert_double_le(bight_testing_timer(reactor, 0), 1);
    ck_assert_double_ge(bight_testing_timer(reactor, 0), 0.5);
    end();
}
END_TEST

enum { IN_A_PAUSE, CONNECTING, IN_THE_HANDSHAKE, FRESH, STEADY, MOMENTS };

static void come_to(int moment)
{
    if (moment == IN_A_PAUSE) {
        ck_assert(bight_recorder_fail(recorder, 0, 0));
    } else if (moment == IN_THE_HANDSHAKE) {
        (void)answer_call();
    } else if (moment >= FRESH) {
        accept_one();
        bight_testing_advance(reactor, moment == STEADY ? 11 : 1);
        bight_string_clear(peer);
    }
}

START_TEST(a_cancel_ends_it) /* W10 */
{
    keep("ws://192.0.2.7/", &plain, &exactly);
    come_to(_i);
    bight_deferred_cancel(keeping);
    settle();
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_CANCELLED);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    if (_i >= FRESH) {
        size_t size;
        ck_assert_int_eq(bight_string_written(peer, &size)[0], WS_CLOSE);
        ck_assert_uint_eq(size, 8);
        bight_string_end(peer);
        ck_assert_str_eq(ws_happened(), "failed.closed(1006 unclean).");
    } else {
        ck_assert_str_eq(ws_happened(), "failed.");
    }
    bight_testing_advance(reactor, 100);
    settle();
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    end();
}
END_TEST

static void cancel_it(struct bight_websocket *socket, struct bight_http_request *request)
{
    (void)socket;
    (void)request;
    bight_deferred_cancel(keeping);
}

START_TEST(a_cancel_while_it_is_opened_ends_it) /* W10 */
{
    static const struct bight_websocket_ops ops = { .opened = cancel_it };
    struct bight_websocket_factory factory = BIGHT_WEBSOCKET_FACTORY(struct bight_websocket, &ops);
    keep("ws://192.0.2.7/", &factory, &exactly);
    agree(answer_call(), "");
    ck_assert_str_eq(ws_happened(), "failed.");
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_CANCELLED);
    bight_testing_advance(reactor, 100);
    settle();
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    end();
}
END_TEST

static bool unless_told_to_go(const struct bight_failure *failure, void *context)
{
    int *asked = context;
    ++*asked;
    return bight_failure_status(failure) != 4001;
}

START_TEST(worth_it_is_asked_of_an_end) /* W10 */
{
    int asked = 0;
    static const struct bight_retry_policy policy = {
        .size = sizeof policy, .no_jitter = true, .worth_it = unless_told_to_go
    };
    const struct bight_websocket_keep_options options = {
        .size = sizeof options, .policy = &policy, .context = &asked
    };
    keep("ws://192.0.2.7/", &plain, &options);
    accept_one();
    bight_testing_advance(reactor, _i == 0 ? 1 : 11);
    lose("\x88\x02\x0f\xa0", 4);
    pauses_for(1);
    accept_one();
    lose("\x88\x02\x0f\xa1", 4);
    ck_assert_str_eq(ws_happened(), "failed.closed(4001 clean).");
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(asked, 2);
    end();
}
END_TEST

static bool cancel_instead(const struct bight_failure *failure, void *context)
{
    (void)failure;
    (void)context;
    bight_deferred_cancel(keeping);
    return true;
}

START_TEST(worth_it_may_cancel) /* W10 */
{
    static const struct bight_retry_policy policy = { .size = sizeof policy, .worth_it = cancel_instead };
    static const struct bight_websocket_keep_options options = { .size = sizeof options, .policy = &policy };
    keep("ws://192.0.2.7/", &plain, &options);
    accept_one();
    bight_testing_advance(reactor, _i == 0 ? 1 : 11);
    lose("", 0);
    settle();
    bight_testing_advance(reactor, 100);
    settle();
    ck_assert_ptr_nonnull(failed);
    ck_assert_uint_eq(bight_recorder_attempts(recorder), 0);
    end();
}
END_TEST

START_TEST(what_cannot_be_is_not_tried_again) /* W10 */
{
    static const char *const urls[] = { "http://192.0.2.7/", "ws://[", "ws://user@192.0.2.7/" };
    keep(urls[_i], &plain, NULL);
    ck_assert_int_eq(bight_failure_code(failed), BIGHT_E_SYNTAX);
    end();
}
END_TEST

START_TEST(a_reactor_that_is_freed_ends_it) /* W10 */
{
    keep("ws://192.0.2.7/", &plain, &exactly);
    come_to(_i);
    bight_recorder_free(recorder);
    ck_assert_ptr_nonnull(failed);
    ck_assert(bight_failure_is(failed, BIGHT_E_CANCELLED) || bight_failure_is(failed, BIGHT_E_CONNECTION));
    recorder = NULL;
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- without memory */

static void count_outcome(struct bight_result *result, void *outcomes)
{
    bight_result_discard(result);
    ++*(unsigned *)outcomes;
}

/* An attempt is answered, if there is one. */
static void answer_if_asked(void)
{
    bight_string_peer_free(peer);
    (void)bight_testing_settle(reactor, 1000);
    peer = bight_recorder_complete(recorder, 0);
    const char *request = peer != NULL ? bight_string_written_text(peer) : NULL;
    if (request != NULL && strstr(request, "Sec-WebSocket-Key: ") != NULL) {
        agree(request, "");
    }
    (void)bight_testing_settle(reactor, 1000);
}

/* It ends once, when it is cancelled at last or before. */
static bool play(void *context)
{
    unsigned outcomes = 0;
    (void)context;
    peer = NULL;
    recorder = bight_recorder_new();
    if (recorder == NULL) {
        return true;
    }
    reactor = bight_recorder_reactor(recorder);
    keeping = bight_websocket_keep(reactor, "ws://192.0.2.7/", &plain, &exactly);
    bool is_watched = bight_deferred_add_both(keeping, count_outcome, &outcomes) == BIGHT_OK;
    for (unsigned i = 0; i < 3; i++) {
        answer_if_asked();
        bight_testing_advance(reactor, 6 + 6 * i);
        if (peer != NULL) {
            bight_string_end(peer);
        }
        (void)bight_testing_settle(reactor, 1000);
        bight_testing_advance(reactor, 3);
    }
    bight_deferred_cancel(keeping);
    bight_deferred_release(keeping);
    bool is_good = !is_watched || outcomes == 1;
    bight_recorder_free(recorder);
    bight_string_peer_free(peer);
    peer = NULL;
    return is_good && plain.own == NULL;
}

START_TEST(every_allocation_of_keeping_may_fail) /* W10, T15 */
{
    ws_events[0] = '\0';
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_lost_socket_is_connected_again);
    tcase_add_test(tests, pauses_grow_while_nobody_answers);
    tcase_add_test(tests, a_server_that_accepts_and_closes_is_not_asked_more_often);
    tcase_add_test(tests, pauses_are_left_to_chance);
    tcase_add_loop_test(tests, a_cancel_ends_it, 0, MOMENTS);
    tcase_add_test(tests, a_cancel_while_it_is_opened_ends_it);
    tcase_add_loop_test(tests, worth_it_is_asked_of_an_end, 0, 2);
    tcase_add_loop_test(tests, worth_it_may_cancel, 0, 2);
    tcase_add_loop_test(tests, what_cannot_be_is_not_tried_again, 0, 3);
    tcase_add_loop_test(tests, a_reactor_that_is_freed_ends_it, 0, MOMENTS);
    tcase_add_test(tests, every_allocation_of_keeping_may_fail);
}

BIGHT_TEST_MAIN("http_ws_keep", add_tests)
