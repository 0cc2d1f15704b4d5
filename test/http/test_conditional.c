/* SPDX-License-Identifier: MIT */
/* Tests of conditions of requests against what the program says of its target (protocols/http/server/conditional.c).
 * The rules themselves are test_precondition.c's. */
#include "site_support.h"

#define AT(method, more) method " / HTTP/1.1\r\nHost: x\r\n" more "\r\n"

/* The clock on the wall of a testing reactor stands here. */
#define NOW 1000000001
#define LATE "Sun, 09 Sep 2001 01:46:40 GMT"  /* a second before */
#define EARLY "Sun, 09 Sep 2001 01:46:39 GMT" /* two */

static struct bight_http_validators now;
static int handled;

static void serve(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "Cache-Control", "max-age=5");
    if (!bight_http_respond_if_unmet(request, &now)) {
        handled++;
        (void)bight_http_respond_text(request, 200, "Hello");
    }
}

static void begin(void)
{
    handled = 0;
    now = (struct bight_http_validators) { .size = sizeof now, .etag = "\"7\"", .modified = NOW - 1 };
    begin_site(NULL);
    add_route("/", serve);
    connect_peer();
}

static const char *ask(const char *text)
{
    say(text);
    return take_answer();
}

START_TEST(without_conditions_the_answer_has_the_validators) /* A12 */
{
    begin();
    const char *answer = ask(AT("GET", ""));
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "ETag: \"7\""));
    ck_assert(has_line(answer, "Last-Modified: " LATE));
    ck_assert_str_eq(body_of(answer), "Hello");
    end_site();
}
END_TEST

START_TEST(what_the_client_has_is_304_without_a_body) /* A12, H6 */
{
    static const char *const requests[] = {
        AT("GET", "If-None-Match: \"7\"\r\n"),
        AT("HEAD", "If-None-Match: \"7\"\r\n"),
        AT("GET", "If-None-Match: \"1\"\r\nIf-None-Match: W/\"7\"\r\n"),
        AT("GET", "If-None-Match: *\r\n"),
        AT("GET", "If-Modified-Since: " LATE "\r\n"),
        AT("GET", "If-None-Match: \"7\"\r\nIf-Modified-Since: " EARLY "\r\n"),
    };
    begin();
    const char *answer = ask(requests[_i]);
    ck_assert(has_line(answer, "HTTP/1.1 304 Not Modified"));
    ck_assert(has_line(answer, "ETag: \"7\""));
    ck_assert(has_line(answer, "Cache-Control: max-age=5"));
    ck_assert_ptr_null(strstr(answer, "Content-"));
    ck_assert_str_eq(body_of(answer), "");
    ck_assert_int_eq(handled, 0);
    ck_assert_str_eq(body_of(ask(AT("GET", ""))), "Hello"); /* and the connection goes on */
    end_site();
}
END_TEST

START_TEST(what_is_new_is_sent) /* A12 */
{
    begin();
    ck_assert_str_eq(body_of(ask(AT("GET", "If-None-Match: \"6\"\r\nIf-Modified-Since: " LATE "\r\n"))), "Hello");
    ck_assert_str_eq(body_of(ask(AT("GET", "If-Modified-Since: " EARLY "\r\n"))), "Hello");
    ck_assert_str_eq(body_of(ask(AT("GET", "If-Match: \"7\"\r\n"))), "Hello");
    end_site();
}
END_TEST

START_TEST(a_change_of_what_has_changed_is_412) /* A12 */
{
    static const char *const requests[] = {
        AT("PUT", "If-Match: \"6\"\r\n"),
        AT("DELETE", "If-Match: \"6\", W/\"7\"\r\n"),
        AT("PATCH", "If-Unmodified-Since: " EARLY "\r\n"),
        AT("PUT", "If-None-Match: *\r\n"),
        AT("POST", "If-None-Match: \"7\"\r\n"),
        AT("GET", "If-Match: \"6\"\r\n"),
    };
    begin();
    const char *answer = ask(requests[_i]);
    ck_assert(has_line(answer, "HTTP/1.1 412 Precondition Failed"));
    ck_assert_ptr_null(strstr(answer, "ETag"));
    ck_assert_int_eq(handled, 0);
    end_site();
}
END_TEST

START_TEST(a_change_of_what_is_as_expected_goes_on_and_sets_no_fields) /* A12 */
{
    begin();
    const char *answer = ask(AT("PUT", "If-Match: \"6\", \"7\"\r\n"));
    ck_assert_str_eq(body_of(answer), "Hello");
    ck_assert_ptr_null(strstr(answer, "ETag"));
    ck_assert_ptr_null(strstr(answer, "Last-Modified"));
    end_site();
}
END_TEST

START_TEST(what_is_missing_can_be_made_but_not_changed) /* A12 */
{
    begin();
    now = (struct bight_http_validators) { .size = sizeof now, .missing = true };
    ck_assert_str_eq(body_of(ask(AT("PUT", "If-None-Match: *\r\n"))), "Hello");
    ck_assert(has_line(ask(AT("PUT", "If-Match: *\r\n")), "HTTP/1.1 412 Precondition Failed"));
    end_site();
}
END_TEST

START_TEST(a_time_in_the_future_is_now) /* A12 */
{
    begin();
    now.modified = NOW + 1000;
    ck_assert(has_line(ask(AT("GET", "")), "Last-Modified: Sun, 09 Sep 2001 01:46:41 GMT"));
    end_site();
}
END_TEST

START_TEST(a_tag_that_is_none_is_a_usage_error_and_not_sent) /* A12 */
{
    begin();
    now.etag = "7";
    now.modified = 0;
    const char *answer = ask(AT("GET", "If-None-Match: \"7\"\r\n"));
    ck_assert_str_eq(body_of(answer), "Hello");
    ck_assert_ptr_null(strstr(answer, "ETag"));
    ck_assert_ptr_null(strstr(answer, "Last-Modified"));
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

START_TEST(options_of_an_older_caller_end_where_they_end) /* A12 */
{
    begin();
    now.size = offsetof(struct bight_http_validators, missing);
    now.missing = true;
    ck_assert_str_eq(body_of(ask(AT("PUT", "If-Match: \"7\"\r\n"))), "Hello");
    end_site();
}
END_TEST

static struct bight_http_request *kept;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

START_TEST(whoever_has_gone_is_asked_nothing) /* A3, A12 */
{
    begin();
    add_route("/keep", keep);
    say("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
    bight_string_reset(peer, 0);
    ck_assert(bight_http_respond_if_unmet(kept, &now));
    ck_assert_uint_eq(usage_errors, 0);
    bight_http_request_release(kept);
    end_site();
}
END_TEST

static bool ask_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    handled = 0;
    if (reactor != NULL && bight_http_route(site, "/", serve, NULL) == BIGHT_OK) {
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        const char *answer = say(context);
        good = handled == 0;
        good = good && (bight_testing_fault_injected() || (answer != NULL && strstr(answer, " 412 ") != NULL));
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(a_condition_that_there_is_no_memory_for_is_not_met) /* A12, T6 */
{
    static char sent[1500] = "PUT / HTTP/1.1\r\nHost: x\r\n";
    while (strlen(sent) < 1400) {
        strcat(sent, "If-Match: \"6\"\r\n");
    }
    strcat(sent, "\r\n");
    now = (struct bight_http_validators) { .size = sizeof now, .etag = "\"7\"" };
    ck_assert_uint_eq(bight_testing_with_faults(ask_without_memory, sent, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, without_conditions_the_answer_has_the_validators);
    tcase_add_loop_test(tests, what_the_client_has_is_304_without_a_body, 0, 6);
    tcase_add_test(tests, what_is_new_is_sent);
    tcase_add_loop_test(tests, a_change_of_what_has_changed_is_412, 0, 6);
    tcase_add_test(tests, a_change_of_what_is_as_expected_goes_on_and_sets_no_fields);
    tcase_add_test(tests, what_is_missing_can_be_made_but_not_changed);
    tcase_add_test(tests, a_time_in_the_future_is_now);
    tcase_add_test(tests, a_tag_that_is_none_is_a_usage_error_and_not_sent);
    tcase_add_test(tests, options_of_an_older_caller_end_where_they_end);
    tcase_add_test(tests, whoever_has_gone_is_asked_nothing);
    tcase_add_test(tests, a_condition_that_there_is_no_memory_for_is_not_met);
}

BIGHT_TEST_MAIN("http_conditional", add_tests)
