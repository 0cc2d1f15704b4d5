/* SPDX-License-Identifier: MIT */
/* Tests of sites as a whole (protocols/http/site): routes that could not be added, failures and what is told of them.
 */
#include "site_support.h"

static void answer(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "there");
}

static const struct {
    const char *pattern;
    int code;
    const char *told;
} broken[] = {
    { "GET users", BIGHT_E_SYNTAX, "route \"GET users\", column 10: there is no path: it begins with /" },
    { "GET /{name", BIGHT_E_SYNTAX, "route \"GET /{name\", column 6: there is no } behind this {" },
    { "GET /", BIGHT_E_INVALID_ARGUMENT, "route \"GET /\" is the same as \"GET /\": both match GET /" },
    { "", BIGHT_E_SYNTAX, "route \"\", column 1: there is no path: it begins with /" },
};
static char told[512];

static void listen_to_log(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level >= BIGHT_LOG_ERROR) {
        (void)snprintf(told, sizeof told, "%s", event->message);
    }
}

START_TEST(a_site_with_a_route_that_could_not_be_added_is_not_served_and_the_run_ends_with_78) /* A5 */
{
    struct bight_reactor *real = bight_reactor_new();
    struct bight_http_site *part = bight_http_site_new();
    ck_assert_int_eq(bight_http_route(part, "GET /", answer, NULL), 0);
    bight_log_set_observer(listen_to_log, NULL);
    ck_assert_int_eq(bight_http_route(part, broken[_i].pattern, answer, NULL), broken[_i].code);
    ck_assert_str_eq(told, broken[_i].told);
    ck_assert_int_eq(bight_serve(real, "tcp:0", bight_http_site_factory(part)), BIGHT_E_CONFIGURATION);
    ck_assert_int_eq(bight_reactor_run(real), 78);
    bight_http_site_free(part);
    bight_reactor_free(real);
    bight_log_set_observer(NULL, NULL);
}
END_TEST

static void free_site(void *context)
{
    bight_http_site_free(context);
}

START_TEST(the_release_of_a_route_that_could_not_be_added_frees_the_site) /* A5 */
{
    struct bight_http_site *part = bight_http_site_new();
    bight_log_set_observer(listen_to_log, NULL);
    ck_assert_int_eq(bight_http_route_full(part, "users", answer, part, free_site, NULL), BIGHT_E_SYNTAX);
    bight_log_set_observer(NULL, NULL);
}
END_TEST

START_TEST(functions_accept_the_site_that_could_not_be_made) /* A5 */
{
    ck_assert_int_eq(bight_http_route(NULL, "GET /", answer, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_route_full(NULL, "GET /", answer, NULL, NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_route_coroutine(NULL, "GET /", NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_ptr_null(bight_http_site_factory(NULL));
    bight_http_site_set_error(NULL, NULL, NULL);
    bight_http_site_free(NULL);
}
END_TEST

/* ------------------------------------------------------------------------------------------- failures */

static struct bight_failure *thrown;

static void fail_later(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(request, bight_fail(thrown));
}

/* What is answered when a handler ends with the failure, which is taken. */
static const char *answer_to(struct bight_failure *failure)
{
    thrown = failure;
    say("GET /fail HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_testing_settle(reactor, 100);
    return take_answer();
}

static void begin(void)
{
    begin_site(NULL);
    ck_assert_int_eq(bight_http_route(site, "/fail", fail_later, NULL), 0);
    connect_peer();
}

START_TEST(a_failure_with_a_status_is_answered_with_it_and_its_message) /* A2 */
{
    begin();
    ck_assert_str_eq(body_of(answer_to(bight_http_failure(409, "taken"))), "409 Conflict\ntaken\n");
    end_site();
}
END_TEST

static const int others[] = { BIGHT_E_TIMED_OUT, BIGHT_E_TOO_LONG, BIGHT_E_SYNTAX, BIGHT_E_CANCELLED };

START_TEST(any_other_is_500_without_internals_also_one_that_a_body_might_have_failed_with) /* A2 */
{
    begin();
    const char *answered = answer_to(bight_failure_new(others[_i], 0, NULL, "the password is secret"));
    ck_assert_str_eq(body_of(answered), "500 Internal Server Error\n");
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_site_with_a_route_that_could_not_be_added_is_not_served_and_the_run_ends_with_78, 0,
        sizeof broken / sizeof *broken);
    tcase_add_test(tests, the_release_of_a_route_that_could_not_be_added_frees_the_site);
    tcase_add_test(tests, functions_accept_the_site_that_could_not_be_made);
    tcase_add_test(tests, a_failure_with_a_status_is_answered_with_it_and_its_message);
    tcase_add_loop_test(tests, any_other_is_500_without_internals_also_one_that_a_body_might_have_failed_with, 0,
        sizeof others / sizeof *others);
}

BIGHT_TEST_MAIN("http_site", add_tests)
