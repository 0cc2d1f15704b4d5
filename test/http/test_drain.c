/* SPDX-License-Identifier: MIT */
/* Tests of draining (H9): answers that are the last, idle connections with a moment of grace, a whole shutdown. */
#include <bight/service.h>

#include <math.h>

#include <bight/testing/trial.h>

#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define KEEP "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n"

static struct bight_http_request *kept;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void answer_kept(const char *text)
{
    (void)bight_http_respond_text(kept, 200, text);
    bight_http_request_release(kept);
}

static void answer_last(void *context)
{
    (void)context;
    answer_kept("last");
}

static void add_routes(void)
{
    add_route("/", say_hello);
    add_route("/keep", keep);
}

/* As a port does that is being drained. */
static void drain(void)
{
    struct bight_protocol *protocol = bight_string_protocol(peer);
    ck_assert(protocol->ops->drain(protocol));
    settle();
}

static void begin(void)
{
    begin_site(NULL);
    add_routes();
    connect_peer();
}

START_TEST(an_idle_connection_closes_after_its_grace) /* H9 */
{
    begin();
    if (_i == 1) {
        say(GET "\r\n");
        (void)take_answer();
    }
    drain();
    bight_testing_advance(reactor, 0.9);
    ck_assert(!is_over());
    bight_testing_advance(reactor, 0.2);
    ck_assert(is_over());
    ck_assert_str_eq(bight_string_written_text(peer), "");
    ck_assert(!bight_string_was_reset(peer));
    end_site();
}
END_TEST

START_TEST(the_end_of_one_that_is_idle_is_not_waited_for_long) /* H9 */
{
    begin();
    say(GET "\r\n");
    (void)take_answer();
    drain();
    bight_testing_advance(reactor, 1.1);
    ck_assert(bight_string_is_shut(peer) && !bight_string_is_closed(peer));
    bight_testing_advance(reactor, 1);
    ck_assert(bight_string_is_closed(peer));
    ck_assert(!bight_string_was_reset(peer));
    end_site();
}
END_TEST

START_TEST(one_more_request_is_served_in_the_grace) /* H9 */
{
    begin();
    drain();
    bight_testing_advance(reactor, 0.9);
    const char *answer = say(GET GET);
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_uint_eq(count_of(answer, "Hello"), 1);
    ck_assert(is_over());
    bight_testing_advance(reactor, 1);
    end_site();
}
END_TEST

START_TEST(one_that_takes_longer_than_the_grace_is_answered) /* H9 */
{
    begin();
    drain();
    say(KEEP);
    bight_testing_advance(reactor, 5);
    answer_kept("late");
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_str_eq(body_of(answer), "late");
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(what_is_under_way_is_answered_and_is_the_last) /* H9 */
{
    begin();
    say(KEEP GET);
    drain();
    answer_kept("last");
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(an_answer_whose_head_has_gone_out_is_finished) /* H9 */
{
    begin();
    say(KEEP);
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, NULL, 6), 0);
    (void)bight_http_respond_write(kept, "abc", 3);
    drain();
    bight_testing_advance(reactor, 5);
    ck_assert_int_eq(bight_http_respond_write(kept, "def", 3), 0);
    ck_assert_int_eq(bight_http_respond_finish(kept), 0);
    bight_http_request_release(kept);
    settle();
    ck_assert_str_eq(body_of(take_answer()), "abcdef");
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(a_head_and_a_body_that_have_begun_are_read) /* H9 */
{
    begin();
    say("POST / HTTP/1.1\r\n");
    drain();
    bight_testing_advance(reactor, 3);
    say("Host: x\r\nContent-Length: 3\r\n\r\n");
    const char *answer = say("abc");
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert(is_over());
    end_site();
}
END_TEST

START_TEST(what_was_answered_and_is_thrown_away_yet_ends_the_connection) /* H9, H5 */
{
    begin();
    say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc");
    drain();
    ck_assert(!is_over());
    say("def");
    ck_assert(is_over());
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------- a whole shutdown */

static double ended_at[3];
static struct bight_string_peer *peers[3];

static double now(void)
{
    return (double)bight_clock_now(bight_reactor_clock(reactor)) / 1e9;
}

static void look(void *context)
{
    (void)context;
    for (size_t i = 0; i < 3; i++) {
        if (ended_at[i] == 0 && (bight_string_is_shut(peers[i]) || bight_string_is_closed(peers[i]))) {
            ended_at[i] = now();
        }
    }
    (void)bight_call_later(reactor, 0.05, look, NULL, NULL);
}

static void stop(void *context)
{
    (void)context;
    (void)bight_reactor_stop(reactor);
}

static void end_peer(void *context)
{
    bight_string_end(context);
}

START_TEST(a_shutdown_waits_for_what_is_under_way) /* H9, V4 */
{
    struct bight_recorder *recorder = bight_recorder_new();
    begin_site(NULL);
    bight_reactor_free(reactor);
    reactor = bight_recorder_reactor(recorder);
    add_routes();
    struct bight_deferred *listening = bight_listen(reactor, "tcp:80", bight_http_site_factory(site));
    settle();
    struct bight_port *port = bight_expect_value(listening, &bight_type_port);
    bight_deferred_release(listening);
    ck_assert_int_eq(bight_drain_at_shutdown(port, INFINITY, false), 0);
    for (size_t i = 0; i < 3; i++) {
        peers[i] = bight_recorder_accept(recorder, 0, NULL);
        ck_assert_ptr_nonnull(peers[i]);
    }
    (void)bight_string_feed_text(peers[1], GET); /* idle again */
    bight_string_clear(peers[1]);
    (void)bight_string_feed_text(peers[2], KEEP);
    double begun = now();
    (void)bight_call_later(reactor, 1, stop, NULL, NULL);
    (void)bight_call_later(reactor, 4, answer_last, NULL, NULL);
    (void)bight_call_later(reactor, 5, end_peer, peers[2], NULL);
    look(NULL);
    ck_assert_int_eq(bight_reactor_run(reactor), 0);
    ck_assert_double_ge(ended_at[0], begun + 1.9);
    ck_assert_double_le(ended_at[1], begun + 2.2);
    ck_assert_double_ge(ended_at[2], begun + 3.9);
    ck_assert(has_line(bight_string_written_text(peers[2]), "Connection: close"));
    ck_assert_str_eq(bight_string_written_text(peers[0]), "");
    for (size_t i = 0; i < 3; i++) {
        bight_string_peer_free(peers[i]);
    }
    bight_port_release(port);
    bight_recorder_free(recorder);
    bight_http_site_free(site);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_idle_connection_closes_after_its_grace, 0, 2);
    tcase_add_test(tests, the_end_of_one_that_is_idle_is_not_waited_for_long);
    tcase_add_test(tests, one_more_request_is_served_in_the_grace);
    tcase_add_test(tests, one_that_takes_longer_than_the_grace_is_answered);
    tcase_add_test(tests, what_is_under_way_is_answered_and_is_the_last);
    tcase_add_test(tests, an_answer_whose_head_has_gone_out_is_finished);
    tcase_add_test(tests, a_head_and_a_body_that_have_begun_are_read);
    tcase_add_test(tests, what_was_answered_and_is_thrown_away_yet_ends_the_connection);
    tcase_add_test(tests, a_shutdown_waits_for_what_is_under_way);
}

BIGHT_TEST_MAIN("http_drain", add_tests)
