/* SPDX-License-Identifier: MIT */
/* Tests of answers that are begun and that nobody finishes: the client must see that something is missing (H6), and it
 * must not wait for ever. */
#include "site_support.h"

static void let_go(struct bight_http_request *request, void *context)
{
    (void)request;
    (void)context;
}

static struct bight_http_request *kept;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

/* A page that is not whole when this returns. */
static void begin_page(struct bight_http_request *request, int status, const char *message, void *context)
{
    (void)message;
    (void)context;
    ck_assert_int_eq(bight_http_respond_begin(request, status, "text/html", -1), 0);
    (void)bight_http_respond_write(request, "half", 4);
}

static const struct bight_http_route_options in_time = { .size = sizeof in_time, .seconds = 2 };

static void begin(void)
{
    begin_site(NULL);
    add_route("/let-go", let_go);
    ck_assert_int_eq(bight_http_route_full(site, "/keep", keep, NULL, NULL, &in_time), 0);
    bight_http_site_set_error(site, begin_page, NULL);
    connect_peer();
}

START_TEST(a_page_that_is_begun_for_a_request_that_was_let_go_is_aborted) /* A2, H6 */
{
    begin();
    (void)say("GET /let-go HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(bight_string_was_reset(peer));
    ck_assert_uint_eq(other_errors, 2);
    end_site();
}
END_TEST

static struct bight_http_request *paged;

/* One that is finished later is held. */
static void hold_page(struct bight_http_request *request, int status, const char *message, void *context)
{
    begin_page(request, status, message, context);
    paged = bight_http_request_hold(request);
}

START_TEST(a_page_that_is_held_is_finished_later) /* A2 */
{
    begin();
    bight_http_site_set_error(site, hold_page, NULL);
    (void)say("GET /let-go HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(!bight_string_was_reset(peer));
    ck_assert_int_eq(bight_http_respond_finish(paged), 0);
    bight_http_request_release(paged);
    settle();
    ck_assert_str_eq(body_of(bight_string_written_text(peer)), "4\r\nhalf\r\n0\r\n\r\n");
    end_site();
}
END_TEST

START_TEST(a_page_that_is_begun_when_the_time_is_over_is_aborted_though_the_request_is_held) /* A2, H6 */
{
    begin();
    (void)say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_testing_advance(reactor, 2);
    ck_assert(bight_string_was_reset(peer));
    ck_assert(!bight_http_request_is_open(kept));
    bight_http_request_release(kept);
    end_site();
}
END_TEST

static const struct {
    const char *version;
    int64_t length;
    bool resets; /* else what has come tells that there is more */
} answers[] = { { "1.0", -1, true }, { "1.0", 10, false }, { "1.1", -1, false }, { "1.1", 10, false } };

START_TEST(an_answer_that_ends_with_the_connection_is_not_ended_by_a_client_that_half_closes) /* H6, A3 */
{
    char text[100];
    begin();
    (void)snprintf(text, sizeof text, "GET /keep HTTP/%s\r\nHost: x\r\n\r\n", answers[_i].version);
    (void)say(text);
    (void)bight_http_respond_begin(kept, 200, "text/plain", answers[_i].length);
    (void)bight_http_respond_write(kept, "part", 4);
    settle();
    bight_string_end(peer);
    ck_assert(bight_string_is_closed(peer));
    ck_assert_int_eq(bight_string_was_reset(peer), answers[_i].resets);
    ck_assert_int_eq(bight_http_respond_finish(kept), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_page_that_is_begun_for_a_request_that_was_let_go_is_aborted);
    tcase_add_test(tests, a_page_that_is_held_is_finished_later);
    tcase_add_test(tests, a_page_that_is_begun_when_the_time_is_over_is_aborted_though_the_request_is_held);
    tcase_add_loop_test(tests, an_answer_that_ends_with_the_connection_is_not_ended_by_a_client_that_half_closes, 0,
        sizeof answers / sizeof *answers);
}

BIGHT_TEST_MAIN("http_unfinished", add_tests)
