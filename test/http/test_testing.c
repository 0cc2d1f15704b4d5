/* SPDX-License-Identifier: MIT */
/* Tests of the kit for tests of sites (protocols/http/testing): what it sends, what comes back, how it ends. */
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>

#include "site_support.h"

#include <bight/testing/check.h>

/* ---------------------------------------------------------------------------------------------- the site */

static struct bight_http_request *kept;
static bool client_went;

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

/* Each field that came, a line each, then the body. */
static void has_been_collected(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    const char *name, *value;
    size_t cursor = 0;
    if (bight_result_failure(result) != NULL) {
        return;
    }
    (void)bight_http_respond_begin(request, 200, "text/plain", -1);
    (void)bight_http_respond_writef(
        request, "%s %s\n", bight_http_request_method(request), bight_http_request_path(request));
    while (bight_http_request_next_field(request, &cursor, &name, &value)) {
        (void)bight_http_respond_writef(request, "%s: %s\n", name, value);
    }
    const struct bight_bytes *body = bight_result_peek(result, &bight_type_bytes);
    (void)bight_http_respond_write(request, bight_bytes_data(body), bight_bytes_size(body));
    (void)bight_http_respond_finish(request);
}

static void mirror(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *deferred = bight_http_request_collect(request, 1 << 24);
    (void)bight_deferred_add_both(deferred, has_been_collected, request);
    bight_deferred_release(deferred);
}

static void has_gone(struct bight_http_request *request, void *context)
{
    (void)request;
    (void)context;
    client_went = true;
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
    bight_http_request_set_gone(request, has_gone, NULL);
}

static void sleep_long(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_later(
        request, bight_sleep(bight_reactor_clock(bight_http_request_reactor(request)), 3600));
}

static void abort_it(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_begin(request, 200, "text/plain", 10);
    (void)bight_http_respond_write(request, "part", 4);
    bight_http_respond_abort(request);
}

static void answer_large(struct bight_http_request *request, void *context)
{
    static char large[3 << 20];
    (void)context;
    (void)bight_http_respond(request, 200, "text/plain", large, sizeof large);
}

static void echo_received(struct bight_protocol *protocol, const uint8_t *data, size_t size)
{
    (void)bight_transport_write(protocol->transport, data, size);
}

static const struct bight_protocol_ops echo_ops = { .data_received = echo_received };
static struct bight_factory echo_factory = BIGHT_FACTORY(struct bight_protocol, &echo_ops);

static void upgrade(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_upgrade(request, "echo", bight_protocol_new(&echo_factory));
}

static void begin(void)
{
    begin_site(NULL);
    kept = NULL;
    client_went = false;
    add_route("GET /", say_hello);
    add_route("/mirror", mirror);
    add_route("/keep", keep);
    add_route("/sleep", sleep_long);
    add_route("/abort", abort_it);
    add_route("/large", answer_large);
    add_route("/upgrade", upgrade);
}

/* Nothing of a request may be left. */
static void end(void)
{
    char text[1000];
    ck_assert_uint_eq(bight_trial_left_over(reactor, text, sizeof text), 0);
    end_site();
}

static struct bight_http_response *response_of(struct bight_deferred *asked)
{
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    bight_deferred_release(asked);
    ck_assert_ptr_nonnull(response);
    return response;
}

static void expect(struct bight_deferred *asked, int status, const char *body)
{
    struct bight_http_response *response = response_of(asked);
    ck_assert_int_eq(bight_http_response_status(response), status);
    ck_assert_str_eq(bight_http_testing_text(response), body);
    bight_http_response_release(response);
}

static void expect_failure(struct bight_deferred *asked, int kind)
{
    bight_failure_release(bight_expect_failure(asked, kind));
    bight_deferred_release(asked);
}

/* --------------------------------------------------------------------------------------------- requests */

START_TEST(an_answer_given_at_once_is_there_when_asking_returns)
{
    begin();
    struct bight_http_response *response = response_of(bight_http_testing_get(site, "/"));
    ck_assert_int_eq(bight_http_response_status(response), 200);
    ck_assert_str_eq(bight_http_testing_text(response), "Hello");
    ck_assert_str_eq(bight_http_response_field(response, "content-length"), "5");
    ck_assert_str_eq(bight_http_response_field(response, "Date"), "Sun, 09 Sep 2001 01:46:41 GMT");
    ck_assert_ptr_null(bight_http_response_field(response, "Connection"));
    bight_http_response_release(response);
    end();
}
END_TEST

START_TEST(errors_of_the_site_are_answers)
{
    begin();
    expect(bight_http_testing_get(site, "/nowhere"), 404, "404 Not Found\n");
    expect(bight_http_testing_post(site, "/", NULL, NULL, 0), 405, "405 Method Not Allowed\n");
    end();
}
END_TEST

START_TEST(what_is_asked_arrives_as_it_was_said)
{
    static const char *const fields[] = { "Cookie: a=b", "X-One: 1", NULL };
    begin();
    expect(bight_http_testing_post(site, "/mirror?x=y", "text/plain", "body", 4), 200,
        "POST /mirror\nhost: localhost\ncontent-type: text/plain\ncontent-length: 4\nbody");
    expect(bight_http_testing_request(site, "PUT", "/mirror",
               &(struct bight_http_testing_options) {
                   .size = sizeof(struct bight_http_testing_options),
                   .fields = fields,
                   .body = "chunks",
                   .body_size = 6,
                   .chunked = true,
               }),
        200, "PUT /mirror\nhost: localhost\ncookie: a=b\nX-One: 1\ntransfer-encoding: chunked\nchunks");
    end();
}
END_TEST

START_TEST(fields_of_the_tests_own_take_the_place_of_those_of_the_kit)
{
    static const char *const fields[] = { "host: example.org:80", "Content-Length: 2", NULL };
    begin();
    expect(
        bight_http_testing_request(site, "GET", "/mirror",
            &(struct bight_http_testing_options) {
                .size = sizeof(struct bight_http_testing_options), .fields = fields, .body = "abc", .body_size = 3 }),
        200, "GET /mirror\nhost: example.org:80\ncontent-length: 2\nab");
    end();
}
END_TEST

START_TEST(a_request_and_its_answer_may_cross_byte_by_byte)
{
    begin();
    expect(bight_http_testing_request(site, "GET", "/",
               &(struct bight_http_testing_options) { .size = sizeof(struct bight_http_testing_options), .chunk = 1 }),
        200, "Hello");
    end();
}
END_TEST

START_TEST(head_has_the_fields_and_no_body)
{
    begin();
    struct bight_http_response *response = response_of(bight_http_testing_request(site, "HEAD", "/", NULL));
    ck_assert_str_eq(bight_http_response_field(response, "Content-Length"), "5");
    ck_assert_uint_eq(bight_bytes_size(bight_http_response_body(response)), 0);
    bight_http_response_release(response);
    end();
}
END_TEST

START_TEST(large_bodies_pass_both_ways)
{
    static char body[5 << 20];
    begin();
    memset(body, 'b', sizeof body);
    struct bight_http_response *response =
        response_of(bight_http_testing_post(site, "/mirror", NULL, body, sizeof body));
    ck_assert_uint_gt(bight_bytes_size(bight_http_response_body(response)), sizeof body);
    bight_http_response_release(response);
    end();
}
END_TEST

START_TEST(what_takes_its_time_is_there_when_that_has_passed)
{
    begin();
    struct bight_deferred *asked = bight_http_testing_get(site, "/sleep");
    bight_testing_advance(reactor, 3599);
    ck_assert(bight_expect_no_result(asked));
    bight_testing_advance(reactor, 1);
    expect(asked, 204, "");
    end();
}
END_TEST

START_TEST(several_requests_are_under_way_at_a_time)
{
    begin();
    struct bight_deferred *first = bight_http_testing_get(site, "/keep");
    struct bight_deferred *slow = bight_http_testing_get(site, "/sleep");
    expect(bight_http_testing_get(site, "/"), 200, "Hello");
    (void)bight_http_respond_text(kept, 200, "now");
    bight_http_request_release(kept);
    settle();
    expect(first, 200, "now");
    ck_assert(bight_expect_no_result(slow));
    bight_testing_advance(reactor, 3600);
    expect(slow, 204, "");
    end();
}
END_TEST

START_TEST(an_upgrade_is_an_answer_without_a_body)
{
    static const char *const fields[] = { "Connection: upgrade", "Upgrade: echo", NULL };
    begin();
    struct bight_http_response *response = response_of(bight_http_testing_request(site, "GET", "/upgrade",
        &(struct bight_http_testing_options) { .size = sizeof(struct bight_http_testing_options), .fields = fields }));
    ck_assert_int_eq(bight_http_response_status(response), 101);
    ck_assert_str_eq(bight_http_response_field(response, "Upgrade"), "echo");
    bight_http_response_release(response);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- how it ends */

START_TEST(cancelling_is_the_client_going) /* A3 */
{
    begin();
    struct bight_deferred *asked = bight_http_testing_get(site, "/keep");
    ck_assert(!client_went);
    bight_deferred_cancel(asked);
    expect_failure(asked, BIGHT_E_CANCELLED);
    settle();
    ck_assert(client_went);
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "too late"), BIGHT_E_CLOSED);
    bight_http_request_release(kept);
    end();
}
END_TEST

START_TEST(an_exchange_that_is_aborted_is_a_failure)
{
    begin();
    expect_failure(bight_http_testing_get(site, "/abort"), BIGHT_E_CONNECTION);
    end();
}
END_TEST

START_TEST(an_answer_that_is_too_long_is_a_failure)
{
    begin();
    expect_failure(bight_http_testing_request(site, "GET", "/large",
                       &(struct bight_http_testing_options) {
                           .size = sizeof(struct bight_http_testing_options), .limit = 1 << 20 }),
        BIGHT_E_TOO_LONG);
    end();
}
END_TEST

static const struct {
    const char *method, *target, *field;
} impossible[] = {
    { "GET ", "/", NULL },
    { "", "/", NULL },
    { "GET", "/ HTTP/1.1\r\nX: ", NULL },
    { "GET", "", NULL },
    { "GET", "/", "X: a\r\nY: b" },
    { "GET", "/", "no colon" },
};

START_TEST(a_request_that_would_not_be_one_is_refused)
{
    const char *const fields[] = { impossible[_i].field, NULL };
    begin();
    expect_failure(bight_http_testing_request(site, impossible[_i].method, impossible[_i].target,
                       &(struct bight_http_testing_options) {
                           .size = sizeof(struct bight_http_testing_options), .fields = fields }),
        BIGHT_E_INVALID_ARGUMENT);
    end();
}
END_TEST

START_TEST(a_site_that_could_not_be_served_fails)
{
    begin();
    ck_assert_int_lt(bight_http_route(site, "GET nowhere", say_hello, NULL), 0);
    expect_failure(bight_http_testing_get(site, "/"), BIGHT_E_CONFIGURATION);
    expect_failure(bight_http_testing_get(NULL, "/"), BIGHT_E_OUT_OF_MEMORY);
    end();
}
END_TEST

START_TEST(without_a_testing_reactor_there_is_no_request)
{
    begin();
    bight_reactor_free(reactor);
    expect_failure(bight_http_testing_get(site, "/"), BIGHT_E_INVALID_ARGUMENT);
    bight_http_site_free(site);
}
END_TEST

START_TEST(a_site_that_another_reactor_serves_is_asked_there)
{
    begin();
    connect_peer();
    struct bight_reactor *other = bight_testing_reactor_new();
    expect(bight_http_testing_get(site, "/"), 200, "Hello");
    expect_failure(bight_http_testing_request(site, "GET", "/",
                       &(struct bight_http_testing_options) {
                           .size = sizeof(struct bight_http_testing_options), .reactor = other }),
        BIGHT_E_FACTORY_IN_USE);
    bight_reactor_free(other);
    end_site();
}
END_TEST

START_TEST(the_reactor_may_go_while_a_request_is_under_way)
{
    begin();
    struct bight_deferred *asked = bight_http_testing_get(site, "/sleep");
    bight_reactor_free(reactor);
    ck_assert(bight_deferred_has_fired(asked));
    bight_result_clear(bight_deferred_result(asked));
    bight_deferred_release(asked);
    bight_http_site_free(site);
}
END_TEST

START_TEST(the_site_may_go_while_a_request_is_under_way)
{
    begin();
    struct bight_deferred *asked = bight_http_testing_get(site, "/keep");
    bight_http_site_free(site);
    (void)bight_http_respond_text(kept, 200, "yet");
    bight_http_request_release(kept);
    settle();
    expect(asked, 200, "yet");
    bight_reactor_free(reactor);
}
END_TEST

START_TEST(a_response_that_was_received_is_no_answer) /* H6 */
{
    begin();
    struct bight_http_response *response = response_of(bight_http_testing_get(site, "/"));
    struct bight_deferred *asked = bight_http_testing_get(site, "/keep");
    ck_assert_int_eq(bight_http_respond_response(kept, response), BIGHT_E_INVALID_ARGUMENT);
    bight_http_response_release(response);
    (void)bight_http_respond_text(kept, 200, "mine");
    bight_http_request_release(kept);
    settle();
    expect(asked, 200, "mine");
    end();
}
END_TEST

/* --------------------------------------------------------------------------------------- trials, faults */

static void look_at_hello(struct bight_result *result, void *context)
{
    (void)context;
    const struct bight_http_response *response = bight_result_peek(result, &bight_type_http_response);
    ck_assert_int_eq(bight_http_response_status(response), 204);
    bight_result_clear(result);
}

static struct bight_deferred *ask_in_a_trial(struct bight_reactor *its, void *context)
{
    (void)its;
    struct bight_deferred *asked = bight_http_testing_get(context, "/sleep");
    ck_assert_int_eq(bight_deferred_add_callback(asked, look_at_hello, NULL), 0);
    return asked;
}

START_TEST(a_trial_waits_for_an_answer_and_nothing_is_left)
{
    begin();
    bight_trial_use_check();
    ck_assert(bight_trial_run(reactor, ask_in_a_trial, site, 4000));
    end_site();
}
END_TEST

static bool ask_without_memory(void *context)
{
    (void)context;
    struct bight_reactor *its = bight_testing_reactor_new();
    struct bight_http_site *own = bight_http_site_new();
    if (its != NULL && own != NULL && bight_http_route(own, "/mirror", mirror, NULL) == 0) {
        struct bight_deferred *asked = bight_http_testing_post(own, "/mirror", "text/plain", "body", 4);
        bight_testing_settle(its, 1000);
        struct bight_result *result = bight_deferred_result(asked);
        ck_assert_ptr_nonnull(result);
        bight_result_clear(result);
        bight_deferred_release(asked);
    }
    bight_reactor_free(its);
    bight_http_site_free(own);
    return true;
}

START_TEST(without_memory_asking_fails_and_leaves_nothing) /* D34 */
{
    bight_log_set_observer(count_errors, NULL);
    ck_assert_uint_eq(bight_testing_with_faults(ask_without_memory, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_answer_given_at_once_is_there_when_asking_returns);
    tcase_add_test(tests, errors_of_the_site_are_answers);
    tcase_add_test(tests, what_is_asked_arrives_as_it_was_said);
    tcase_add_test(tests, fields_of_the_tests_own_take_the_place_of_those_of_the_kit);
    tcase_add_test(tests, a_request_and_its_answer_may_cross_byte_by_byte);
    tcase_add_test(tests, head_has_the_fields_and_no_body);
    tcase_add_test(tests, large_bodies_pass_both_ways);
    tcase_add_test(tests, what_takes_its_time_is_there_when_that_has_passed);
    tcase_add_test(tests, several_requests_are_under_way_at_a_time);
    tcase_add_test(tests, an_upgrade_is_an_answer_without_a_body);
    tcase_add_test(tests, cancelling_is_the_client_going);
    tcase_add_test(tests, an_exchange_that_is_aborted_is_a_failure);
    tcase_add_test(tests, an_answer_that_is_too_long_is_a_failure);
    tcase_add_loop_test(tests, a_request_that_would_not_be_one_is_refused, 0, sizeof impossible / sizeof *impossible);
    tcase_add_test(tests, a_site_that_could_not_be_served_fails);
    tcase_add_test(tests, without_a_testing_reactor_there_is_no_request);
    tcase_add_test(tests, a_site_that_another_reactor_serves_is_asked_there);
    tcase_add_test(tests, the_reactor_may_go_while_a_request_is_under_way);
    tcase_add_test(tests, the_site_may_go_while_a_request_is_under_way);
    tcase_add_test(tests, a_response_that_was_received_is_no_answer);
    tcase_add_test(tests, a_trial_waits_for_an_answer_and_nothing_is_left);
    tcase_add_test(tests, without_memory_asking_fails_and_leaves_nothing);
}

BIGHT_TEST_MAIN("http_testing", add_tests)
