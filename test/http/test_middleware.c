/* SPDX-License-Identifier: MIT */
/* Tests of middleware (protocols/http/site/middleware.c, server/hooks.c): who is asked, who is told, and what may
 * happen in between; of the protection across origins as far as a site has it. */
#include <errno.h>

#include "site_support.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a.example\r\n\r\n"

/* What was called, in order: "b1 b2 handler h1 h2 d1 d2". */
static char calls[512];
static struct bight_http_outcome outcome;
static struct bight_http_request *held;

static void note(const char *what, const char *who)
{
    size_t used = strlen(calls);
    (void)snprintf(calls + used, sizeof calls - used, "%s%s%s", used > 0 ? " " : "", what, who);
}

static bool note_before(struct bight_http_request *request, void *context)
{
    (void)request;
    note("b", context);
    return true;
}

static void note_head(struct bight_http_request *request, int status, void *context)
{
    (void)status;
    note("h", context);
    ck_assert_int_eq(bight_http_respond_add(request, "X-Told", context), 0);
}

static void note_done(struct bight_http_request *request, const struct bight_http_outcome *told, void *context)
{
    note("d", context);
    ck_assert_ptr_nonnull(bight_http_request_method(request));
    outcome = *told;
}

static const struct bight_http_middleware_ops noting = {
    .size = sizeof noting, .before = note_before, .head = note_head, .done = note_done
};

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    note("handler", "");
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    note("handler", "");
    held = bight_http_request_hold(request);
}

static void use(struct bight_http_site *in, const struct bight_http_middleware_ops *ops, const char *name)
{
    ck_assert_int_eq(bight_http_use(in, ops, (void *)(uintptr_t)name), 0);
}

static void begin(void)
{
    calls[0] = '\0';
    held = NULL;
    outcome = (struct bight_http_outcome) { .status = -1 };
    begin_site(NULL);
    add_route("/hello", hello);
    add_route("/kept", keep);
}

static void begin_noted(void)
{
    begin();
    use(site, &noting, "1");
    use(site, &noting, "2");
    (void)connect_peer();
}

START_TEST(all_are_asked_and_told_once_in_order_of_adding) /* A6 */
{
    begin_noted();
    const char *answer = say(GET("/hello"));
    ck_assert_str_eq(calls, "b1 b2 handler h1 h2 d1 d2");
    ck_assert(has_line(answer, "X-Told: 1") && has_line(answer, "X-Told: 2"));
    ck_assert_str_eq(body_of(answer), "Hello");
    ck_assert_int_eq(outcome.status, 200);
    ck_assert(outcome.is_whole);
    ck_assert_uint_eq(outcome.bytes_sent, strlen(answer));
    ck_assert(outcome.seconds == 0); /* NOLINT: it was answered at once */
    end_site();
    ck_assert_str_eq(calls, "b1 b2 handler h1 h2 d1 d2");
}
END_TEST

static const struct {
    const char *request, *status;
} unusual[] = {
    { GET("/nowhere"), "404" },
    { GET("/%zz"), "400" },
    { GET("/a/../b"), "400" },
    { "DELETE /nowhere HTTP/1.1\r\nHost: a.example\r\n\r\n", "404" },
    { "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n", "204" },
    { "CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n", "501" },
    { "POST /hello HTTP/1.1\r\nHost: a.example\r\nOrigin: https://b.example\r\n\r\n", "403" },
    { "GET /hello/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "308" },
};

START_TEST(what_has_no_handler_is_seen_too) /* A6 */
{
    begin_noted();
    const char *answer = say(unusual[_i].request);
    ck_assert_int_eq(strncmp(answer + strlen("HTTP/1.1 "), unusual[_i].status, 3), 0);
    ck_assert_str_eq(calls, "b1 b2 h1 h2 d1 d2");
    ck_assert_int_eq(outcome.status, atoi(unusual[_i].status));
    end_site();
}
END_TEST

START_TEST(requests_in_a_row_are_seen_one_after_the_other) /* A6 */
{
    begin_noted();
    (void)say(GET("/hello") GET("/nowhere"));
    ck_assert_str_eq(calls, "b1 b2 handler h1 h2 d1 d2 b1 b2 h1 h2 d1 d2");
    end_site();
}
END_TEST

static bool refuse(struct bight_http_request *request, void *context)
{
    note("r", context);
    (void)bight_http_respond_error(request, 401, "no");
    return false;
}

static bool refuse_absently(struct bight_http_request *request, void *context)
{
    (void)refuse(request, context);
    return true; /* a slip: it has been answered all the same */
}

START_TEST(one_that_answers_is_the_last_that_is_asked) /* A6 */
{
    const struct bight_http_middleware_ops refusing = {
        .size = sizeof refusing, .before = _i == 0 ? refuse : refuse_absently, .done = note_done
    };
    begin();
    use(site, &noting, "1");
    use(site, &refusing, "2");
    use(site, &noting, "3");
    (void)connect_peer();
    const char *answer = say(GET("/hello"));
    ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 401"));
    ck_assert_str_eq(calls, "b1 r2 h1 d1 d2");
    end_site();
}
END_TEST

static bool stop(struct bight_http_request *request, void *context)
{
    note("s", context);
    held = bight_http_request_hold(request);
    return false;
}

static const struct bight_http_middleware_ops stopping = { .size = sizeof stopping, .before = stop };

START_TEST(one_that_waits_lets_the_request_proceed_later) /* A6 */
{
    begin();
    use(site, &noting, "1");
    use(site, &stopping, "2");
    use(site, &noting, "3");
    (void)connect_peer();
    ck_assert_str_eq(say(GET("/hello") GET("/nowhere")), "");
    bight_testing_advance(reactor, 2);
    ck_assert_str_eq(calls, "b1 s2");
    ck_assert_int_eq(bight_http_request_proceed(held), 0);
    ck_assert_str_eq(calls, "b1 s2 b3 handler h1 h3 d1 d3");
    ck_assert(outcome.seconds > 1.9 && outcome.seconds < 2.1);
    bight_http_request_release(held);
    calls[0] = '\0';
    settle();
    ck_assert_str_eq(calls, "b1 s2"); /* the next one */
    bight_http_request_release(held);
    ck_assert_uint_eq(other_errors, 1); /* it was answered for nobody */
    ck_assert_uint_eq(usage_errors, 0);
    end_site();
}
END_TEST

static bool proceed_at_once(struct bight_http_request *request, void *context)
{
    note("p", context);
    ck_assert_int_eq(bight_http_request_proceed(request), 0);
    return true;
}

static const struct bight_http_middleware_ops hasty = { .size = sizeof hasty, .before = proceed_at_once };

START_TEST(one_that_lets_it_proceed_within_does_so_once) /* A6 */
{
    begin();
    use(site, &hasty, "1");
    use(site, &noting, "2");
    (void)connect_peer();
    ck_assert_str_eq(body_of(say(GET("/hello"))), "Hello");
    ck_assert_str_eq(calls, "p1 b2 handler h2 d2");
    ck_assert_uint_eq(usage_errors, 0);
    end_site();
}
END_TEST

START_TEST(a_request_that_nobody_stopped_cannot_proceed) /* A6 */
{
    begin_noted();
    (void)say(GET("/kept"));
    ck_assert_int_eq(bight_http_request_proceed(held), BIGHT_E_USAGE);
    ck_assert_str_eq(calls, "b1 b2 handler");
    bight_http_respond_text(held, 200, "now");
    ck_assert_int_eq(bight_http_request_proceed(held), BIGHT_E_CLOSED);
    bight_http_request_release(held);
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

START_TEST(a_request_whose_client_has_gone_does_not_proceed) /* A6 */
{
    begin();
    use(site, &stopping, "1");
    use(site, &noting, "2");
    (void)connect_peer();
    (void)say(GET("/hello"));
    bight_string_reset(peer, ECONNRESET);
    settle();
    ck_assert_int_eq(bight_http_request_proceed(held), BIGHT_E_CLOSED);
    ck_assert_str_eq(calls, "s1");
    bight_http_request_release(held);
    end_site();
}
END_TEST

START_TEST(the_end_is_told_when_the_client_goes) /* A6 */
{
    begin_noted();
    (void)say(GET("/kept"));
    if (_i == 1) {
        ck_assert_int_eq(bight_http_respond_begin(held, 200, NULL, 10), 0);
    }
    bight_string_reset(peer, ECONNRESET);
    settle();
    ck_assert_str_eq(calls, _i == 1 ? "b1 b2 handler h1 h2 d1 d2" : "b1 b2 handler d1 d2");
    ck_assert_int_eq(outcome.status, _i == 1 ? 200 : 0);
    ck_assert(!outcome.is_whole);
    bight_http_request_release(held);
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

START_TEST(an_answer_that_is_cut_is_not_whole) /* A6 */
{
    begin_noted();
    (void)say(GET("/kept"));
    ck_assert_int_eq(bight_http_respond_begin(held, 200, NULL, 10), 0);
    ck_assert_int_eq(bight_http_respond_finish(held), BIGHT_E_INCOMPLETE);
    settle();
    ck_assert_str_eq(calls, "b1 b2 handler h1 h2 d1 d2");
    ck_assert(!outcome.is_whole);
    bight_http_request_release(held);
    end_site();
}
END_TEST

START_TEST(the_bytes_of_a_stream_are_counted) /* A6 */
{
    begin_noted();
    (void)say(GET("/kept"));
    ck_assert_int_eq(bight_http_respond_begin(held, 200, NULL, 10), 0);
    ck_assert_int_eq(bight_http_respond_write(held, "01234", 5), 0);
    ck_assert_int_eq(bight_http_respond_write(held, "56789", 5), 0);
    ck_assert_int_eq(bight_http_respond_finish(held), 0);
    bight_http_request_release(held);
    settle();
    const char *sent = take_answer();
    ck_assert_uint_eq(outcome.bytes_sent, strlen(sent));
    ck_assert(outcome.is_whole);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------ what hooks do */

static void answer_again(struct bight_http_request *request, int status, void *context)
{
    (void)context;
    (void)status;
    ck_assert_int_eq(bight_http_respond_text(request, 200, "again"), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_begin(request, 200, NULL, -1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_error(request, 500, NULL), BIGHT_E_USAGE);
}

START_TEST(the_head_is_no_place_for_another_answer) /* A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .head = answer_again };
    begin();
    use(site, &ops, "1");
    (void)connect_peer();
    ck_assert_str_eq(body_of(say(GET("/hello"))), "Hello");
    ck_assert_uint_eq(usage_errors, 3);
    end_site();
}
END_TEST

static void abort_at_head(struct bight_http_request *request, int status, void *context)
{
    (void)context;
    (void)status;
    bight_http_respond_abort(request);
}

START_TEST(an_exchange_that_is_aborted_at_its_head_sends_nothing) /* A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .head = abort_at_head };
    begin();
    use(site, &ops, "1");
    use(site, &noting, "2");
    (void)connect_peer();
    ck_assert_str_eq(say(GET("/hello")), "");
    settle();
    ck_assert_str_eq(calls, "b2 handler d2");
    ck_assert_int_eq(outcome.status, 0);
    ck_assert(bight_string_is_closed(peer));
    end_site();
}
END_TEST

static bool free_before(struct bight_http_request *request, void *context)
{
    (void)request;
    (void)context;
    bight_http_site_free(site);
    site = NULL;
    return true;
}

static void free_at_head(struct bight_http_request *request, int status, void *context)
{
    (void)status;
    (void)free_before(request, context);
}

static void free_at_end(struct bight_http_request *request, const struct bight_http_outcome *told, void *context)
{
    (void)told;
    (void)free_before(request, context);
}

START_TEST(the_site_may_be_freed_in_each) /* A6 */
{
    const struct bight_http_middleware_ops ops[] = {
        { .size = sizeof *ops, .before = free_before },
        { .size = sizeof *ops, .head = free_at_head },
        { .size = sizeof *ops, .done = free_at_end },
    };
    begin();
    use(site, &noting, "1");
    use(site, &ops[_i], "2");
    use(site, &noting, "3");
    (void)connect_peer();
    const char *answer = say(GET("/hello"));
    ck_assert_ptr_nonnull(strstr(answer, _i == 0 ? "HTTP/1.1 503" : "HTTP/1.1 200"));
    ck_assert_ptr_null(strstr(calls, "d3"));
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

static bool add_another(struct bight_http_request *request, void *context)
{
    (void)request;
    (void)context;
    for (unsigned i = 0; i < 20; i++) {
        use(site, &noting, "n");
    }
    return true;
}

START_TEST(more_may_be_added_within) /* A6 */
{
    static const struct bight_http_middleware_ops ops = { .size = sizeof ops, .before = add_another };
    begin();
    use(site, &ops, "1");
    (void)connect_peer();
    ck_assert_str_eq(body_of(say(GET("/hello"))), "Hello");
    ck_assert_uint_eq(count_of(calls, "bn"), 20);
    ck_assert_uint_eq(count_of(calls, "dn"), 20);
    end_site();
}
END_TEST

static unsigned released;

static void count_release(void *context)
{
    (void)context;
    released++;
}

START_TEST(a_context_is_released_with_the_site_or_when_it_could_not_be_added) /* A6 */
{
    static const struct bight_http_middleware_ops sizeless = { .size = 0 };
    static char name[] = "1";
    released = 0;
    begin();
    ck_assert_int_eq(bight_http_use_full(site, &noting, name, count_release), 0);
    ck_assert_uint_eq(released, 0);
    ck_assert_int_eq(bight_http_use_full(NULL, &noting, name, count_release), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_uint_eq(released, 1);
    ck_assert_int_eq(bight_http_use_full(site, &sizeless, name, count_release), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(released, 2);
    end_site();
    ck_assert_uint_eq(released, 3);
}
END_TEST

START_TEST(a_mounted_sites_are_behind_those_around_it) /* A6 */
{
    struct bight_http_site *inner = bight_http_site_new();
    begin();
    ck_assert_int_eq(bight_http_route(inner, "/x/{id}", keep, NULL), 0);
    ck_assert_int_eq(bight_http_mount(site, "/in", inner), 0);
    use(site, &noting, "1");
    use(inner, &stopping, "2");
    use(inner, &noting, "3");
    (void)connect_peer();
    (void)say(GET("/in/x/%37"));
    ck_assert_str_eq(calls, "b1 s2");
    struct bight_http_request *request = held;
    ck_assert_int_eq(bight_http_request_proceed(request), 0);
    bight_http_request_release(request);
    ck_assert_str_eq(calls, "b1 s2 b3 handler");
    ck_assert_str_eq(bight_http_request_parameter(held, "id"), "7");
    ck_assert_str_eq(bight_http_request_mount(held), "/in");
    ck_assert_str_eq(bight_http_request_pattern(held), "/x/{id}");
    bight_http_respond_text(held, 200, "there");
    bight_http_request_release(held);
    ck_assert_str_eq(calls, "b1 s2 b3 handler h1 h3 d1 d3");
    end_site();
    bight_http_site_free(inner);
}
END_TEST

/* --------------------------------------------------------------------------------- across origins */

#define POST(fields) "POST /hello HTTP/1.1\r\nHost: a.example\r\n" fields "\r\n"

static const struct {
    const char *request;
    bool admitted;
} posted[] = {
    { POST(""), true },
    { POST("Origin: https://a.example\r\n"), true },
    { POST("Origin: https://b.example\r\n"), false },
    { POST("Origin: https://trusted.example\r\n"), true },
    { POST("Sec-Fetch-Site: cross-site\r\nOrigin: https://trusted.example\r\n"), true },
    { POST("Sec-Fetch-Site: cross-site\r\n"), false },
    { POST("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n"), false },
    { POST("Origin: null\r\n"), false },
    { "PUT /hello HTTP/1.1\r\nHost: a.example\r\nOrigin: null\r\n\r\n", false },
    { "BREW /hello HTTP/1.1\r\nHost: a.example\r\nOrigin: null\r\n\r\n", false },
    { "GET /hello HTTP/1.1\r\nHost: a.example\r\nOrigin: https://b.example\r\nSec-Fetch-Site: cross-site\r\n\r\n",
        true },
    { "HEAD /hello HTTP/1.1\r\nHost: a.example\r\nSec-Fetch-Site: cross-site\r\n\r\n", true },
    { "OPTIONS /hello HTTP/1.1\r\nHost: a.example\r\nSec-Fetch-Site: cross-site\r\n\r\n", true },
};

START_TEST(what_another_sites_page_has_sent_is_refused) /* A7 */
{
    begin();
    ck_assert_int_eq(bight_http_trust_origin(site, "https://trusted.example"), 0);
    (void)connect_peer();
    const char *answer = say(posted[_i].request);
    ck_assert_int_eq(strstr(answer, "HTTP/1.1 403") == NULL, posted[_i].admitted);
    end_site();
}
END_TEST

START_TEST(the_protection_can_be_turned_off) /* A7 */
{
    begin_site(&(struct bight_http_site_options) {
        .size = sizeof(struct bight_http_site_options), .allow_cross_origin = true });
    add_route("POST /hello", hello);
    (void)connect_peer();
    ck_assert_str_eq(body_of(say(POST("Origin: https://b.example\r\n"))), "Hello");
    end_site();
}
END_TEST

START_TEST(an_origin_to_trust_is_scheme_and_host) /* A7 */
{
    static const char *const wrong[] = { "a.example", "https://a.example/", "*", "null", "" };
    begin_site(NULL);
    ck_assert_int_eq(bight_http_trust_origin(site, wrong[_i]), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert_int_eq(bight_http_trust_origin(NULL, "https://a.example"), BIGHT_E_OUT_OF_MEMORY);
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- the end */

/* The release of something that the site had. */
static void let_proceed(void *context)
{
    struct bight_http_request *request = held;
    (void)context;
    held = NULL;
    if (request != NULL) {
        (void)bight_http_request_proceed(request);
        bight_http_request_release(request);
    }
}

START_TEST(what_proceeds_while_its_site_is_freed_finds_none) /* A6, H9 */
{
    begin_site(NULL);
    calls[0] = '\0';
    bight_release_function of_route = _i == 0 ? let_proceed : NULL, of_use = _i == 0 ? NULL : let_proceed;
    ck_assert_int_eq(bight_http_route_full(site, "/hello", hello, NULL, of_route, NULL), 0);
    ck_assert_int_eq(bight_http_route_full(site, "/released/first", hello, NULL, of_route, NULL), 0);
    ck_assert_int_eq(bight_http_use_full(site, &stopping, (void *)(uintptr_t) "1", of_use), 0);
    (void)connect_peer();
    ck_assert_str_eq(say(GET("/hello")), "");
    bight_http_site_free(site);
    site = NULL;
    settle();
    ck_assert(has_line(bight_string_written_text(peer), "HTTP/1.1 503 Service Unavailable"));
    ck_assert_ptr_null(strstr(calls, "handler"));
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_proceeds_while_its_site_is_freed_finds_none, 0, 2);
    tcase_add_test(tests, all_are_asked_and_told_once_in_order_of_adding);
    tcase_add_loop_test(tests, what_has_no_handler_is_seen_too, 0, (int)(sizeof unusual / sizeof *unusual));
    tcase_add_test(tests, requests_in_a_row_are_seen_one_after_the_other);
    tcase_add_loop_test(tests, one_that_answers_is_the_last_that_is_asked, 0, 2);
    tcase_add_test(tests, one_that_waits_lets_the_request_proceed_later);
    tcase_add_test(tests, one_that_lets_it_proceed_within_does_so_once);
    tcase_add_test(tests, a_request_that_nobody_stopped_cannot_proceed);
    tcase_add_test(tests, a_request_whose_client_has_gone_does_not_proceed);
    tcase_add_loop_test(tests, the_end_is_told_when_the_client_goes, 0, 2);
    tcase_add_test(tests, an_answer_that_is_cut_is_not_whole);
    tcase_add_test(tests, the_bytes_of_a_stream_are_counted);
    tcase_add_test(tests, the_head_is_no_place_for_another_answer);
    tcase_add_test(tests, an_exchange_that_is_aborted_at_its_head_sends_nothing);
    tcase_add_loop_test(tests, the_site_may_be_freed_in_each, 0, 3);
    tcase_add_test(tests, more_may_be_added_within);
    tcase_add_test(tests, a_context_is_released_with_the_site_or_when_it_could_not_be_added);
    tcase_add_test(tests, a_mounted_sites_are_behind_those_around_it);
    tcase_add_loop_test(tests, what_another_sites_page_has_sent_is_refused, 0, (int)(sizeof posted / sizeof *posted));
    tcase_add_test(tests, the_protection_can_be_turned_off);
    tcase_add_loop_test(tests, an_origin_to_trust_is_scheme_and_host, 0, 5);
}

BIGHT_TEST_MAIN("http_middleware", add_tests)
