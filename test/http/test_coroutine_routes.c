/* SPDX-License-Identifier: MIT */
/* Tests of routes that are coroutines and have options (protocols/http/site): limits, times, and who goes first. */
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include "site_support.h"

static int outcome; /* of the await; 1: it has not returned */
static unsigned released;

static void collect(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    outcome = bight_await(bight_http_request_collect(request, 0), result);
}

static void sleep_long(struct bight_http_request *request, struct bight_result *result, void *context)
{
    (void)context;
    outcome = bight_await(bight_sleep(bight_reactor_clock(bight_http_request_reactor(request)), 60), result);
}

static void count_release(void *context)
{
    (void)context;
    released++;
}

static void begin(bight_http_coroutine body, const struct bight_http_route_options *options)
{
    begin_site(NULL);
    outcome = 1;
    released = 0;
    ck_assert_int_eq(bight_http_route_coroutine_full(site, "/it", body, NULL, count_release, options), 0);
}

static void end(void)
{
    end_site();
    ck_assert_uint_eq(released, 1);
}

static int status_of(struct bight_deferred *asked)
{
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    int status = bight_http_response_status(response);
    bight_http_response_release(response);
    bight_deferred_release(asked);
    return status;
}

START_TEST(its_body_has_the_limit_of_the_route) /* A4 */
{
    begin(collect,
        &(struct bight_http_route_options) { .size = sizeof(struct bight_http_route_options), .body_limit = 10 });
    ck_assert_int_eq(status_of(bight_http_testing_post(site, "/it", NULL, "0123456789", 10)), 200);
    ck_assert_int_eq(outcome, 0);
    ck_assert_int_eq(status_of(bight_http_testing_post(site, "/it", NULL, "0123456789a", 11)), 413);
    ck_assert_int_eq(outcome, BIGHT_E_TOO_LONG);
    end();
}
END_TEST

START_TEST(the_limit_of_the_route_may_be_above_that_of_the_site) /* A4 */
{
    static char body[3 << 20];
    begin(collect,
        &(struct bight_http_route_options) { .size = sizeof(struct bight_http_route_options), .body_limit = 1 << 22 });
    ck_assert_int_eq(status_of(bight_http_testing_post(site, "/it", NULL, body, sizeof body)), 200);
    end();
}
END_TEST

/* Of the option cancel_when_gone: no, yes. */
START_TEST(when_its_time_is_over_the_client_is_answered_and_it_runs_on_or_is_cancelled) /* A3 */
{
    begin(sleep_long, &(struct bight_http_route_options) {
                          .size = sizeof(struct bight_http_route_options), .seconds = 5, .cancel_when_gone = _i == 1 });
    struct bight_deferred *asked = bight_http_testing_get(site, "/it");
    bight_testing_advance(reactor, 4.9);
    ck_assert(bight_expect_no_result(asked));
    bight_testing_advance(reactor, 0.2);
    ck_assert_int_eq(status_of(asked), 503);
    ck_assert_int_eq(outcome, _i == 1 ? BIGHT_E_CANCELLED : 1);
    bight_testing_advance(reactor, 60);
    ck_assert_int_eq(outcome, _i == 1 ? BIGHT_E_CANCELLED : 0);
    end();
}
END_TEST

START_TEST(when_its_client_goes_it_runs_on_or_is_cancelled) /* A3 */
{
    begin(sleep_long, &(struct bight_http_route_options) {
                          .size = sizeof(struct bight_http_route_options), .cancel_when_gone = _i == 1 });
    struct bight_deferred *asked = bight_http_testing_get(site, "/it");
    bight_deferred_cancel(asked);
    bight_failure_release(bight_expect_failure(asked, BIGHT_E_CANCELLED));
    bight_deferred_release(asked);
    settle();
    ck_assert_int_eq(outcome, _i == 1 ? BIGHT_E_CANCELLED : 1);
    bight_testing_advance(reactor, 60);
    ck_assert_int_eq(outcome, _i == 1 ? BIGHT_E_CANCELLED : 0);
    end();
}
END_TEST

START_TEST(one_that_answers_in_time_is_left_alone) /* A2 */
{
    begin(sleep_long, &(struct bight_http_route_options) {
                          .size = sizeof(struct bight_http_route_options), .seconds = 61, .cancel_when_gone = true });
    struct bight_deferred *asked = bight_http_testing_get(site, "/it");
    bight_testing_advance(reactor, 60);
    ck_assert_int_eq(status_of(asked), 204);
    ck_assert_int_eq(outcome, 0);
    end();
}
END_TEST

START_TEST(a_route_that_could_not_be_added_has_released_its_context) /* A5 */
{
    begin(collect, NULL);
    ck_assert_int_eq(bight_http_route_coroutine_full(site, "it", collect, NULL, count_release, NULL), BIGHT_E_SYNTAX);
    ck_assert_uint_eq(released, 1);
    released = 0;
    ck_assert_int_eq(
        bight_http_route_coroutine_full(NULL, "/it", collect, NULL, count_release, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(released, 1);
    released = 0;
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, its_body_has_the_limit_of_the_route);
    tcase_add_test(tests, the_limit_of_the_route_may_be_above_that_of_the_site);
    tcase_add_loop_test(tests, when_its_time_is_over_the_client_is_answered_and_it_runs_on_or_is_cancelled, 0, 2);
    tcase_add_loop_test(tests, when_its_client_goes_it_runs_on_or_is_cancelled, 0, 2);
    tcase_add_test(tests, one_that_answers_in_time_is_left_alone);
    tcase_add_test(tests, a_route_that_could_not_be_added_has_released_its_context);
}

BIGHT_TEST_MAIN("http_coroutine_routes", add_tests)
