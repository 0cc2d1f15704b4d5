/* SPDX-License-Identifier: MIT */
/* test_stream_leaving.c - what serves a stream when its client leaves: told by what it waits for, or cancelled. */
#include <bight/coroutine.h>
#include <bight/task.h>

#include "stream_support.h"

static double pause = 60;
static bool reads_first, goes_on;

/* Reads a line or waits, and says what came of it; then waits once more if it is to go on. */
static void body(struct bight_result *result, void *context)
{
    int code = reads_first ? bight_await(bight_stream_read_line(context, 0), result)
                           : bight_await(bight_sleep(bight_reactor_clock(reactor), pause), result);
    hear("first:%s", bight_error_name(code));
    if (goes_on) {
        code = bight_await(bight_sleep(bight_reactor_clock(reactor), pause), result);
        hear("second:%s", bight_error_name(code));
    }
    hear("write:%s", bight_error_name(bight_stream_write_text(context, "x")));
}

static struct bight_deferred *serve(struct bight_stream *made, void *context)
{
    (void)context;
    stream = made;
    return bight_spawn(reactor, body, made);
}

static void begin(enum bight_stream_leaving leaving)
{
    streams.function = serve;
    streams.leaving = leaving;
    set_up();
}

static void gone(void)
{
    bight_string_reset(peer, 0);
    settle();
}

START_TEST(when_the_client_leaves_a_coroutine_is_cancelled) /* D36 */
{
    begin(BIGHT_CANCEL_AT_LOSS);
    ck_heard("");
    gone();
    ck_heard("first:CANCELLED write:CLOSED");
    tear_down();
}
END_TEST

START_TEST(a_read_that_waits_is_told_the_reason_and_not_cancelled)
{
    reads_first = true;
    begin(BIGHT_CANCEL_AT_LOSS);
    gone();
    ck_heard("first:CONNECTION_LOST write:CLOSED");
    tear_down();
}
END_TEST

START_TEST(what_it_waits_for_after_the_reason_is_cancelled)
{
    reads_first = goes_on = true;
    begin(BIGHT_CANCEL_AT_LOSS);
    gone();
    ck_heard("first:CONNECTION_LOST second:CANCELLED write:CLOSED");
    tear_down();
}
END_TEST

START_TEST(a_cancelled_coroutine_may_go_on) /* D36 */
{
    goes_on = true;
    begin(BIGHT_CANCEL_AT_LOSS);
    gone();
    ck_heard("first:CANCELLED");
    bight_testing_advance(reactor, 60);
    ck_heard("second:OK write:CLOSED");
    tear_down();
}
END_TEST

START_TEST(the_end_of_the_peer_s_side_alone_cancels_nothing)
{
    begin(BIGHT_CANCEL_AT_LOSS);
    bight_string_end(peer);
    settle();
    ck_heard("");
    bight_testing_advance(reactor, 60);
    ck_heard("first:OK write:OK");
    ck_assert_str_eq(bight_string_written_text(peer), "x");
    tear_down();
}
END_TEST

START_TEST(or_cancels_if_that_is_asked_for)
{
    begin(BIGHT_CANCEL_AT_END);
    bight_string_end(peer);
    settle();
    ck_heard("first:CANCELLED write:OK");
    tear_down();
}
END_TEST

START_TEST(who_cancels_at_the_end_cancels_at_the_loss_too)
{
    begin(BIGHT_CANCEL_AT_END);
    gone();
    ck_heard("first:CANCELLED write:CLOSED");
    tear_down();
}
END_TEST

START_TEST(it_may_be_left_to_finish)
{
    begin(BIGHT_CANCEL_NEVER);
    gone();
    ck_heard("");
    bight_testing_advance(reactor, 60);
    ck_heard("first:OK write:CLOSED");
    tear_down();
}
END_TEST

START_TEST(one_that_is_done_is_not_cancelled)
{
    pause = 0.001;
    begin(BIGHT_CANCEL_AT_LOSS);
    bight_testing_advance(reactor, 1);
    ck_heard("first:OK write:OK");
    gone();
    ck_heard("");
    tear_down();
}
END_TEST

static void chain_a_pause(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_chain(result, bight_sleep(bight_reactor_clock(reactor), 60));
}

static void hear_code(struct bight_result *result, void *context)
{
    const struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    hear("%s", failure == NULL ? "OK" : bight_error_name(bight_failure_code(failure)));
}

static struct bight_deferred *serve_by_a_chain(struct bight_stream *made, void *context)
{
    (void)context;
    stream = made;
    struct bight_deferred *deferred = bight_succeed(NULL, NULL);
    bight_deferred_add_callback(deferred, chain_a_pause, NULL);
    bight_deferred_add_both(deferred, hear_code, NULL);
    return deferred;
}

START_TEST(a_chain_that_has_fired_and_waits_is_cancelled_too) /* D16 */
{
    streams.function = serve_by_a_chain;
    set_up();
    ck_heard("");
    gone();
    ck_heard("CANCELLED");
    tear_down();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, when_the_client_leaves_a_coroutine_is_cancelled);
    tcase_add_test(tests, a_read_that_waits_is_told_the_reason_and_not_cancelled);
    tcase_add_test(tests, what_it_waits_for_after_the_reason_is_cancelled);
    tcase_add_test(tests, a_cancelled_coroutine_may_go_on);
    tcase_add_test(tests, the_end_of_the_peer_s_side_alone_cancels_nothing);
    tcase_add_test(tests, or_cancels_if_that_is_asked_for);
    tcase_add_test(tests, who_cancels_at_the_end_cancels_at_the_loss_too);
    tcase_add_test(tests, it_may_be_left_to_finish);
    tcase_add_test(tests, one_that_is_done_is_not_cancelled);
    tcase_add_test(tests, a_chain_that_has_fired_and_waits_is_cancelled_too);
}

BIGHT_TEST_MAIN("stream_leaving", add_tests)
