/* SPDX-License-Identifier: MIT */
/* Tests of middleware that only looks at a request and sets fields (protocols/http/middleware): request ids, limits,
 * security fields, CORS. */
#include <math.h>

#include "http/middleware/cors.h"
#include "http/middleware/request_id.h"

#include "site_support.h"

#define GET(fields) "GET /hello HTTP/1.1\r\nHost: a.example\r\n" fields "\r\n"
#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

static struct bight_http_request *held;
static char last_id[256];

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    const char *id = bight_http_request_id(request);
    (void)snprintf(last_id, sizeof last_id, "%s", id != NULL ? id : "");
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    held = bight_http_request_hold(request);
}

static void has_collected(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        (void)bight_http_respond_failure(context, failure);
    } else {
        (void)bight_http_respond_text(context, 200, "Hello");
    }
    bight_result_discard(result);
}

static void collect(struct bight_http_request *request, void *context)
{
    (void)context;
    struct bight_deferred *collecting = bight_http_request_collect(request, 0);
    (void)bight_deferred_add_both(collecting, has_collected, request);
    bight_deferred_release(collecting);
}

static void begin(void)
{
    begin_site(NULL);
    add_route("/hello", hello);
    add_route("/kept", keep);
    add_route("/collected", collect);
}

/* ------------------------------------------------------------------------------------------ request ids */

START_TEST(each_request_has_an_id_of_its_own) /* A6 */
{
    char first[256];
    begin();
    ck_assert_int_eq(bight_http_use_request_id(site, NULL), 0);
    (void)connect_peer();
    for (unsigned i = 0; i < 200; i++) {
        char wanted[300];
        const char *answer = say(GET("X-Request-ID: mine\r\n"));
        (void)snprintf(wanted, sizeof wanted, "X-Request-ID: %s", last_id);
        ck_assert(has_line(answer, wanted));
        ck_assert_uint_eq(strlen(last_id), 32);
        ck_assert_str_ne(last_id, i > 0 ? first : "");
        (void)snprintf(first, sizeof first, "%s", last_id);
        bight_string_clear(peer);
    }
    end_site();
}
END_TEST

static const struct {
    const char *id;
    bool is_taken;
} ids[] = {
    { "a", true },
    { "00-4bf92f35.x_Y", true },
    { "", false },
    { "a b", false },
    { "a\tb", false },
    { "<script>", false },
    { "\xc3\xa4", false },
};

START_TEST(an_id_that_came_is_taken_if_that_is_asked_for) /* A6 */
{
    char request[256];
    begin();
    ck_assert_int_eq(
        bight_http_use_request_id(site,
            &(struct bight_http_request_id_options) {
                .size = sizeof(struct bight_http_request_id_options), .field = "X-Id", .takes_any = true }),
        0);
    (void)connect_peer();
    (void)snprintf(request, sizeof request, "GET /hello HTTP/1.1\r\nHost: a\r\nX-Id: %s\r\n\r\n", ids[_i].id);
    const char *answer = say(request);
    ck_assert_int_eq(strcmp(last_id, ids[_i].id) == 0, ids[_i].is_taken);
    ck_assert_ptr_nonnull(strstr(answer, "X-Id: "));
    end_site();
}
END_TEST

START_TEST(an_id_has_at_most_128_characters) /* A6 */
{
    uint8_t many[129];
    memset(many, 'a', sizeof many);
    ck_assert(bi_request_id_is_valid((struct bi_view) { many, 128 }));
    ck_assert(!bi_request_id_is_valid((struct bi_view) { many, 129 }));
}
END_TEST

START_TEST(without_it_a_request_has_no_id) /* A6 */
{
    begin();
    (void)connect_peer();
    (void)say(GET(""));
    ck_assert_str_eq(last_id, "");
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- limits */

static void use_limits(double seconds, uint64_t body)
{
    ck_assert_int_eq(
        bight_http_use_limits(site,
            &(struct bight_http_limits_options) {
                .size = sizeof(struct bight_http_limits_options), .seconds = seconds, .body_limit = body }),
        0);
}

START_TEST(a_time_limit_is_for_all_routes) /* A6, A2 */
{
    begin();
    use_limits(_i == 0 ? 5 : 0, 0);
    (void)connect_peer();
    (void)say("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n");
    bight_testing_advance(reactor, _i == 0 ? 4.9 : 29.9);
    ck_assert_str_eq(take_answer(), "");
    bight_testing_advance(reactor, 0.2);
    ck_assert_ptr_nonnull(strstr(take_answer(), "HTTP/1.1 503"));
    bight_http_request_release(held);
    end_site();
}
END_TEST

START_TEST(a_routes_own_limits_win) /* A6, A2 */
{
    begin();
    use_limits(5, 3);
    const struct bight_http_route_options own = { .size = sizeof own, .seconds = 8, .body_limit = 5 };
    ck_assert_int_eq(bight_http_route_full(site, "/own", keep, NULL, NULL, &own), 0);
    ck_assert_int_eq(bight_http_route_full(site, "POST /own", collect, NULL, NULL, &own), 0);
    (void)connect_peer();
    ck_assert_str_eq(body_of(say("POST /own HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345")), "Hello");
    bight_string_clear(peer);
    (void)say("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    bight_testing_advance(reactor, 7.9);
    ck_assert_str_eq(take_answer(), "");
    bight_testing_advance(reactor, 0.2);
    ck_assert_ptr_nonnull(strstr(take_answer(), "HTTP/1.1 503"));
    bight_http_request_release(held);
    end_site();
}
END_TEST

START_TEST(a_body_limit_is_for_all_routes) /* A6, H3 */
{
    begin();
    use_limits((double)INFINITY, 3);
    (void)connect_peer();
    ck_assert_ptr_nonnull(
        strstr(say("POST /collected HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345"), "HTTP/1.1 413"));
    end_site();
}
END_TEST

START_TEST(a_limit_of_infinity_is_none) /* A6 */
{
    begin();
    use_limits((double)INFINITY, 0);
    (void)connect_peer();
    (void)say("GET /kept HTTP/1.1\r\nHost: a\r\n\r\n");
    bight_testing_advance(reactor, 1000);
    ck_assert_str_eq(take_answer(), "");
    bight_http_request_release(held);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------- security fields */

static const struct {
    struct bight_http_security_options options;
    const char *fields[5]; /* that are there */
    const char *missing[3];
} secured[] = {
    { { .size = 0 },
        { "X-Content-Type-Options: nosniff", "Referrer-Policy: strict-origin-when-cross-origin",
            "X-Frame-Options: DENY", "Content-Security-Policy: frame-ancestors 'none'",
            "Cross-Origin-Opener-Policy: same-origin" },
        { "Strict-Transport-Security" } },
    { { .frames = "SAMEORIGIN", .referrer_policy = "no-referrer", .https_seconds = 3600 },
        { "X-Frame-Options: SAMEORIGIN", "Content-Security-Policy: frame-ancestors 'self'",
            "Referrer-Policy: no-referrer" },
        { "Strict-Transport-Security" } },
    { { .frames = "", .opener_policy = "", .allow_sniffing = true },
        { "Referrer-Policy: strict-origin-when-cross-origin" }, { "Content-Security", "Opener", "nosniff" } },
    { { .content_policy = "default-src 'self'" }, { "Content-Security-Policy: default-src 'self'" }, { "ancestors" } },
};

START_TEST(an_answer_tells_browsers_to_be_strict) /* A6 */
{
    struct bight_http_security_options options = secured[_i].options;
    options.size = sizeof options;
    begin();
    ck_assert_int_eq(bight_http_use_security_fields(site, &options), 0);
    (void)connect_peer();
    const char *answer = say(GET(""));
    for (unsigned i = 0; i < 5 && secured[_i].fields[i] != NULL; i++) {
        ck_assert_msg(has_line(answer, secured[_i].fields[i]), "%s", secured[_i].fields[i]);
    }
    for (unsigned i = 0; i < 3 && secured[_i].missing[i] != NULL; i++) {
        ck_assert_msg(strstr(answer, secured[_i].missing[i]) == NULL, "%s", secured[_i].missing[i]);
    }
    ck_assert_str_eq(body_of(answer), "Hello");
    end_site();
}
END_TEST

static void set_own(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "x-frame-options", "SAMEORIGIN");
    (void)bight_http_respond_text(request, 200, "Hello");
}

START_TEST(what_the_handler_set_stays) /* A6 */
{
    begin();
    add_route("/own", set_own);
    ck_assert_int_eq(bight_http_use_security_fields(site, NULL), 0);
    (void)connect_peer();
    const char *answer = say("GET /own HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert(has_line(answer, "x-frame-options: SAMEORIGIN"));
    ck_assert_ptr_null(strstr(answer, "DENY"));
    ck_assert(has_line(answer, "X-Content-Type-Options: nosniff"));
    end_site();
}
END_TEST

START_TEST(pages_of_errors_have_them_too) /* A6 */
{
    begin();
    ck_assert_int_eq(bight_http_use_security_fields(site, NULL), 0);
    (void)connect_peer();
    ck_assert(has_line(say("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"), "X-Frame-Options: DENY"));
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- CORS */

#define A "https://a.example"
#define B "https://b.example:8443"

static const struct {
    bool any, is_options;
    const char *origin, *asked;
    bool is_preflight, is_allowed, is_trusted;
} judged[] = {
    { false, false, NULL, NULL, false, false, false },
    { false, true, NULL, "PUT", false, false, false },
    { false, false, A, NULL, false, true, true },
    { false, false, "https://A.example:443", NULL, false, true, true },
    { false, false, "http://a.example", NULL, false, false, false },
    { false, false, "https://a.example.evil", NULL, false, false, false },
    { false, false, "https://xa.example", NULL, false, false, false },
    { false, false, "https://a.example:8443", NULL, false, false, false },
    { false, false, B, "PUT", false, true, true },
    { false, true, B, "PUT", true, true, true },
    { false, true, B, NULL, false, true, true },
    { false, true, "https://c.example", "PUT", true, false, false },
    { false, false, "null", NULL, false, false, false },
    { true, false, "https://c.example", NULL, false, true, false },
    { true, true, "null", "PUT", true, true, false },
    { true, false, NULL, NULL, false, false, false },
};

static struct bi_view view(const char *text)
{
    return text != NULL ? bi_view_of(text) : (struct bi_view) { NULL, 0 };
}

START_TEST(who_may_read_is_decided_by_the_exact_origin) /* A7 */
{
    const struct bi_view origins[] = { bi_view_of(A), bi_view_of(B) };
    const struct bi_cors_rules rules = { .origins = origins, .count = judged[_i].any ? 0 : 2, .any = judged[_i].any };
    struct bi_cors_verdict verdict =
        bi_cors_judge(&rules, judged[_i].is_options, view(judged[_i].origin), view(judged[_i].asked));
    ck_assert_int_eq(verdict.is_preflight, judged[_i].is_preflight);
    ck_assert_int_eq(verdict.is_allowed, judged[_i].is_allowed);
    ck_assert_int_eq(verdict.is_trusted, judged[_i].is_trusted);
}
END_TEST

static const char *const listed[] = { A, B, NULL };
static const char *const any[] = { "*", NULL };

static void begin_cors(struct bight_http_cors_options options)
{
    begin();
    options.size = sizeof options;
    ck_assert_int_eq(bight_http_use_cors(site, &options), 0);
    (void)connect_peer();
}

START_TEST(an_answer_says_who_may_read_it) /* A7 */
{
    begin_cors((struct bight_http_cors_options) { .origins = listed, .exposed = "X-Total", .credentials = true });
    const char *answer = say(GET("Origin: " B "\r\n"));
    ck_assert(has_line(answer, "Access-Control-Allow-Origin: " B));
    ck_assert(has_line(answer, "Access-Control-Allow-Credentials: true"));
    ck_assert(has_line(answer, "Access-Control-Expose-Headers: X-Total"));
    ck_assert(has_line(answer, "Vary: Origin"));
    ck_assert_str_eq(body_of(answer), "Hello");
    end_site();
}
END_TEST

START_TEST(others_are_told_that_it_varies) /* A7 */
{
    begin_cors((struct bight_http_cors_options) { .origins = listed });
    const char *answer = say(_i == 0 ? GET("") : GET("Origin: https://c.example\r\n"));
    ck_assert(has_line(answer, "Vary: Origin"));
    ck_assert_ptr_null(strstr(answer, "Access-Control"));
    end_site();
}
END_TEST

START_TEST(any_origin_is_a_star) /* A7 */
{
    begin_cors((struct bight_http_cors_options) { .origins = any });
    const char *answer = say(GET("Origin: https://c.example\r\n"));
    ck_assert(has_line(answer, "Access-Control-Allow-Origin: *"));
    ck_assert(has_line(answer, "Vary: Origin"));
    ck_assert_ptr_null(strstr(answer, "Credentials"));
    end_site();
}
END_TEST

#define PREFLIGHT(origin) \
    "OPTIONS /nowhere HTTP/1.1\r\nHost: a\r\nOrigin: " origin "\r\nAccess-Control-Request-Method: PUT\r\n\r\n"

START_TEST(a_preflight_is_answered_before_routes) /* A7 */
{
    begin_cors((struct bight_http_cors_options) { .origins = listed,
        .methods = "GET, PUT",
        .fields = "Content-Type, X-Key",
        .exposed = "X-Total",
        .max_age = 5 });
    const char *answer = say(PREFLIGHT(A));
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 204 ", 13), 0);
    ck_assert(has_line(answer, "Access-Control-Allow-Origin: " A));
    ck_assert(has_line(answer, "Access-Control-Allow-Methods: GET, PUT"));
    ck_assert(has_line(answer, "Access-Control-Allow-Headers: Content-Type, X-Key"));
    ck_assert(has_line(answer, "Access-Control-Max-Age: 5"));
    ck_assert(has_line(answer, "Vary: Origin"));
    ck_assert_ptr_null(strstr(answer, "Expose"));
    end_site();
}
END_TEST

START_TEST(a_preflight_from_elsewhere_is_told_nothing) /* A7 */
{
    begin_cors((struct bight_http_cors_options) { .origins = listed });
    const char *answer = say(PREFLIGHT("https://c.example"));
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 204 ", 13), 0);
    ck_assert_ptr_null(strstr(answer, "Access-Control-Allow"));
    end_site();
}
END_TEST

static const struct {
    const char *const *origins;
    const char *fields;
    bool admitted;
} posted[] = {
    { listed, "Origin: " A "\r\nSec-Fetch-Site: cross-site\r\n", true },
    { listed, "Origin: https://c.example\r\n", false },
    { listed, "Sec-Fetch-Site: cross-site\r\n", false },
    { any, "Origin: https://c.example\r\n", false },
};

START_TEST(a_listed_origin_is_exempt_from_the_protection) /* A7 */
{
    char request[512];
    begin_cors((struct bight_http_cors_options) { .origins = posted[_i].origins });
    (void)snprintf(request, sizeof request, "POST /hello HTTP/1.1\r\nHost: x.example\r\n%s\r\n", posted[_i].fields);
    ck_assert_int_eq(strncmp(say(request), "HTTP/1.1 200", 12) == 0, posted[_i].admitted);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------- options that cannot be */

static const char *const none[] = { NULL };
static const char *const path[] = { "https://a.example/", NULL };
static const char *const two_stars[] = { "*", A, NULL };

static const struct bight_http_cors_options wrong_cors[] = {
    { .origins = NULL },
    { .origins = none },
    { .origins = path },
    { .origins = two_stars },
    { .origins = any, .credentials = true },
    { .origins = listed, .methods = "GET\r\nX: y" },
    { .origins = listed, .fields = "a b" },
    { .origins = listed, .max_age = -1 },
};

START_TEST(rules_that_cannot_be_are_refused) /* A7 */
{
    struct bight_http_cors_options options = wrong_cors[_i];
    options.size = sizeof options;
    begin();
    ck_assert_int_eq(bight_http_use_cors(site, &options), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

START_TEST(options_that_cannot_be_are_refused) /* A6 */
{
    begin();
    ck_assert_int_eq(
        bight_http_use_limits(site,
            &(struct bight_http_limits_options) { .size = sizeof(struct bight_http_limits_options), .seconds = -1 }),
        BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_request_id(site,
                         &(struct bight_http_request_id_options) {
                             .size = sizeof(struct bight_http_request_id_options), .field = "a b" }),
        BIGHT_E_INVALID_ARGUMENT);
    const struct bight_http_security_options wrong[] = {
        { .size = sizeof *wrong, .frames = "ALLOW" },
        { .size = sizeof *wrong, .https_seconds = -1 },
        { .size = sizeof *wrong, .content_policy = "a\r\nb" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(bight_http_use_security_fields(site, &wrong[i]), BIGHT_E_INVALID_ARGUMENT);
    }
    ck_assert_uint_eq(usage_errors, 5);
    ck_assert_int_eq(bight_http_use_limits(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_use_request_id(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_use_security_fields(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- memory */

static int use_all(void)
{
    const struct bight_http_cors_options cors = {
        .size = sizeof cors, .origins = listed, .fields = "X-Key", .exposed = "X-Total", .credentials = true
    };
    int code = bight_http_use_request_id(site, NULL);
    code = code == 0 ? bight_http_use_limits(site, NULL) : code;
    code = code == 0 ? bight_http_use_security_fields(site, NULL) : code;
    return code == 0 ? bight_http_use_cors(site, &cors) : code;
}

/* A whole answer, or none. */
static bool play(void *context)
{
    (void)context;
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    int code = bight_http_route(site, "/hello", hello, NULL);
    code = code == 0 ? use_all() : code;
    peer = code == 0 && reactor != NULL ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    if (peer != NULL) {
        (void)bight_string_feed_text(peer, GET("Origin: " A "\r\n") PREFLIGHT(A) GET(""));
        (void)bight_testing_settle(reactor, 1000);
        const char *written = bight_string_written_text(peer);
        good = bight_testing_fault_injected() || (written != NULL && count_of(written, "X-Request-ID: ") == 3);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    return good;
}

START_TEST(every_allocation_may_fail) /* A6, T6 */
{
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, each_request_has_an_id_of_its_own);
    tcase_add_loop_test(tests, an_id_that_came_is_taken_if_that_is_asked_for, 0, COUNT(ids));
    tcase_add_test(tests, an_id_has_at_most_128_characters);
    tcase_add_test(tests, without_it_a_request_has_no_id);
    tcase_add_loop_test(tests, a_time_limit_is_for_all_routes, 0, 2);
    tcase_add_test(tests, a_routes_own_limits_win);
    tcase_add_test(tests, a_body_limit_is_for_all_routes);
    tcase_add_test(tests, a_limit_of_infinity_is_none);
    tcase_add_loop_test(tests, an_answer_tells_browsers_to_be_strict, 0, COUNT(secured));
    tcase_add_test(tests, what_the_handler_set_stays);
    tcase_add_test(tests, pages_of_errors_have_them_too);
    tcase_add_loop_test(tests, who_may_read_is_decided_by_the_exact_origin, 0, COUNT(judged));
    tcase_add_test(tests, an_answer_says_who_may_read_it);
    tcase_add_loop_test(tests, others_are_told_that_it_varies, 0, 2);
    tcase_add_test(tests, any_origin_is_a_star);
    tcase_add_test(tests, a_preflight_is_answered_before_routes);
    tcase_add_test(tests, a_preflight_from_elsewhere_is_told_nothing);
    tcase_add_loop_test(tests, a_listed_origin_is_exempt_from_the_protection, 0, COUNT(posted));
    tcase_add_loop_test(tests, rules_that_cannot_be_are_refused, 0, COUNT(wrong_cors));
    tcase_add_test(tests, options_that_cannot_be_are_refused);
    tcase_add_test(tests, every_allocation_may_fail);
}

BIGHT_TEST_MAIN("http_provided", add_tests)
