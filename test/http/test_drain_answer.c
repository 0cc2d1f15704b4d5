/* SPDX-License-Identifier: MIT */
/* Tests of waiting until a client has taken what was written (protocols/http/server/drain.c). */
#include "site_support.h"

#define AT(method) method " / HTTP/1.1\r\nHost: x\r\n\r\n"
#define PIECE 10000

static struct bight_http_request *kept;
static int drained, failed, code;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), 0);
}

static void note(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    (void)context;
    if (failure != NULL) {
        failed++;
        code = bight_failure_code(failure);
    } else {
        drained++;
    }
    bight_failure_release(failure);
}

static void drain(void)
{
    struct bight_deferred *draining = bight_http_respond_drain(kept);
    ck_assert_int_eq(bight_deferred_add_both(draining, note, NULL), 0);
    bight_deferred_release(draining);
}

static void write_much(size_t size)
{
    static const char piece[PIECE];
    for (; size > 0; size -= PIECE) {
        ck_assert_int_eq(bight_http_respond_write(kept, piece, PIECE), 0);
    }
}

static void begin(const char *request)
{
    drained = failed = code = 0;
    begin_site(NULL);
    add_route("/", keep);
    connect_peer();
    say(request);
}

/* A client that takes no more than this from now on. */
static void narrow(size_t window)
{
    bight_string_clear(peer);
    bight_string_set_window(peer, window);
}

static void end(void)
{
    bight_http_respond_abort(kept);
    bight_http_request_release(kept);
    settle();
    end_site();
}

START_TEST(what_is_taken_is_no_reason_to_wait) /* T13 */
{
    begin(AT("GET"));
    drain();
    ck_assert_int_eq(drained, 1);
    narrow(0);
    write_much(5 * PIECE);
    settle();
    drain();
    ck_assert_int_eq(drained, 2);
    end();
}
END_TEST

START_TEST(who_has_written_more_than_is_taken_waits_until_little_is_left) /* T13 */
{
    begin(AT("GET"));
    narrow(0);
    write_much(20 * PIECE);
    drain();
    settle();
    ck_assert_int_eq(drained, 0);
    bight_string_set_window(peer, 20 * PIECE - 20000);
    settle();
    ck_assert_int_eq(drained, 0);
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    settle();
    ck_assert_int_eq(drained, 1);
    drain();
    ck_assert_int_eq(drained, 2);
    end();
}
END_TEST

static bool writes_on;

static void write_on(struct bight_result *result, void *context)
{
    note(result, context);
    if (writes_on && drained < 1000) {
        ck_assert_int_eq(bight_http_respond_write(kept, "x", 1), 0);
        struct bight_deferred *draining = bight_http_respond_drain(kept);
        ck_assert_int_eq(bight_deferred_add_both(draining, write_on, NULL), 0);
        bight_deferred_release(draining);
    }
}

START_TEST(many_drains_in_a_row_let_the_loop_turn) /* T13, A1 */
{
    begin(AT("GET"));
    writes_on = true;
    struct bight_deferred *draining = bight_http_respond_drain(kept);
    ck_assert_int_eq(bight_deferred_add_both(draining, write_on, NULL), 0);
    bight_deferred_release(draining);
    ck_assert_int_lt(drained, 100);
    settle();
    ck_assert_int_eq(drained, 1000);
    writes_on = false;
    end();
}
END_TEST

START_TEST(the_clients_leaving_ends_the_waiting) /* A3 */
{
    begin(AT("GET"));
    narrow(0);
    write_much(20 * PIECE);
    drain();
    settle();
    bight_string_reset(peer, 0);
    ck_assert_int_eq(failed, 1);
    ck_assert_int_eq(code, BIGHT_E_CLOSED);
    drain();
    ck_assert_int_eq(failed, 2);
    ck_assert_int_eq(code, BIGHT_E_CLOSED);
    ck_assert_uint_eq(usage_errors, 0);
    end();
}
END_TEST

START_TEST(the_end_of_the_answer_ends_the_waiting) /* A2 */
{
    begin(AT("GET"));
    narrow(0);
    write_much(20 * PIECE);
    drain();
    ck_assert_int_eq(bight_http_respond_finish(kept), 0);
    ck_assert_int_eq(failed, 1);
    ck_assert_int_eq(code, BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

START_TEST(one_waits_at_a_time_and_behind_a_beginning) /* A2 */
{
    begin(AT("GET"));
    narrow(0);
    write_much(20 * PIECE);
    drain();
    drain();
    ck_assert_int_eq(code, BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 1);
    end();
}
END_TEST

static const struct bight_producer_ops silent_ops = { .stop = NULL };

START_TEST(nobody_waits_beside_a_producer) /* T13 */
{
    begin(AT("GET"));
    ck_assert_int_eq(bight_http_respond_register_producer(kept, &silent_ops, NULL, true), 0);
    drain();
    ck_assert_int_eq(code, BIGHT_E_USAGE);
    end();
}
END_TEST

START_TEST(a_wait_that_was_cancelled_may_be_asked_again) /* D14 */
{
    begin(AT("GET"));
    narrow(0);
    write_much(20 * PIECE);
    struct bight_deferred *draining = bight_http_respond_drain(kept);
    ck_assert_int_eq(bight_deferred_add_both(draining, note, NULL), 0);
    bight_deferred_cancel(draining);
    bight_deferred_release(draining);
    ck_assert_int_eq(code, BIGHT_E_CANCELLED);
    drain();
    bight_string_set_window(peer, SIZE_MAX);
    bight_string_clear(peer);
    settle();
    ck_assert_int_eq(drained, 1);
    end();
}
END_TEST

START_TEST(an_answer_without_a_body_has_always_room) /* H6 */
{
    begin(AT("HEAD"));
    write_much(20 * PIECE);
    drain();
    ck_assert_int_eq(drained, 1);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------- no memory */

static void write_carelessly(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
    static const char large[20 * PIECE];
    (void)bight_http_respond_begin(request, 200, NULL, -1);
    (void)bight_http_respond_write(request, large, sizeof large);
    struct bight_deferred *draining = bight_http_respond_drain(request);
    if (bight_deferred_add_both(draining, note, NULL) != BIGHT_OK) {
        bight_deferred_cancel(draining);
        failed++;
    }
    bight_deferred_release(draining);
}

/* The waiting has an end. */
static bool drain_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    kept = NULL;
    drained = failed = 0;
    if (reactor != NULL && bight_http_route(site, "/", write_carelessly, NULL) == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        bight_string_set_window(peer, 1000);
        say(context);
        bight_string_set_window(peer, SIZE_MAX);
        bight_string_clear(peer);
        (void)bight_testing_settle(reactor, 1000);
        good = kept == NULL || drained + failed == 1;
    }
    if (kept != NULL) {
        bight_http_request_release(kept);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(a_wait_that_there_is_no_memory_for_fails) /* T6 */
{
    static char sent[] = AT("GET");
    ck_assert_uint_eq(bight_testing_with_faults(drain_without_memory, sent, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_taken_is_no_reason_to_wait);
    tcase_add_test(tests, who_has_written_more_than_is_taken_waits_until_little_is_left);
    tcase_add_test(tests, many_drains_in_a_row_let_the_loop_turn);
    tcase_add_test(tests, the_clients_leaving_ends_the_waiting);
    tcase_add_test(tests, the_end_of_the_answer_ends_the_waiting);
    tcase_add_test(tests, one_waits_at_a_time_and_behind_a_beginning);
    tcase_add_test(tests, nobody_waits_beside_a_producer);
    tcase_add_test(tests, a_wait_that_was_cancelled_may_be_asked_again);
    tcase_add_test(tests, an_answer_without_a_body_has_always_room);
    tcase_add_test(tests, a_wait_that_there_is_no_memory_for_fails);
}

BIGHT_TEST_MAIN("http_drain_answer", add_tests)
