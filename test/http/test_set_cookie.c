/* SPDX-License-Identifier: MIT */
/* Tests of cookies that are set, and of walks over those that have come (protocols/http/server/set_cookie.c, cookies.c,
 * protocols/http/message/set_cookie.c) and over a query (protocols/http/site/target.c). */
#include "site_support.h"

static const char *name, *value;
static struct bight_http_cookie_options options;
static bool clears;
static int code;
static char told[4096];

static void set_cookie(struct bight_http_request *request, void *context)
{
    (void)context;
    code = clears ? bight_http_respond_clear_cookie(request, name, &options)
                  : bight_http_respond_set_cookie(request, name, value, &options);
    (void)bight_http_respond_empty(request, 204);
}

static void begin(void)
{
    options = (struct bight_http_cookie_options) { .size = sizeof options };
    name = "a";
    value = "b";
    clears = false;
    told[0] = '\0';
    begin_site(NULL);
    add_route("/", set_cookie);
    connect_peer();
}

static const char *ask(void)
{
    bight_string_clear(peer);
    (void)say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    return take_answer();
}

#define SET(text) "Set-Cookie: " text

START_TEST(a_cookie_has_safe_defaults) /* A11 */
{
    begin();
    ck_assert(has_line(ask(), SET("a=b; Path=/; SameSite=Lax; HttpOnly")));
    options.size = offsetof(struct bight_http_cookie_options, domain); /* an older caller's */
    options.domain = "example.org";
    options.path = "/shop";
    value = "";
    ck_assert(has_line(ask(), SET("a=; Path=/shop; SameSite=Lax; HttpOnly")));
    ck_assert_int_eq(code, 0);
    end_site();
}
END_TEST

START_TEST(a_cookie_has_what_its_options_say) /* A11 */
{
    begin();
    options.domain = "example.org";
    options.max_age = 3600;
    options.same_site = BIGHT_HTTP_SAME_SITE_STRICT;
    options.for_scripts = true;
    ck_assert(has_line(ask(), SET("a=b; Path=/; Domain=example.org; Max-Age=3600; SameSite=Strict")));
    options = (struct bight_http_cookie_options) { .size = sizeof options,
        .same_site = BIGHT_HTTP_SAME_SITE_NONE,
        .secure = true,
        .partitioned = true,
        .max_age = -1 };
    name = "__host-a";
    ck_assert(has_line(ask(), SET("__host-a=b; Path=/; SameSite=None; Secure; HttpOnly; Partitioned")));
    end_site();
}
END_TEST

START_TEST(a_cookie_is_cleared_as_it_was_set) /* A11 */
{
    begin();
    clears = true;
    options.path = "/shop";
    options.max_age = 3600;
    ck_assert(has_line(ask(), SET("a=; Path=/shop; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; SameSite=Lax; "
                                  "HttpOnly")));
    end_site();
}
END_TEST

static void note_usage(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->system != NULL && strcmp(event->system, "usage") == 0) {
        usage_errors++;
        (void)snprintf(told, sizeof told, "%s", event->message);
    }
}

static char long_value[4097], long_path[1026], long_label[70] = "";

START_TEST(what_a_browser_would_ignore_is_refused_and_said) /* A11 */
{
    static const struct {
        const char *name, *value, *says;
        struct bight_http_cookie_options options;
    } refused[] = {
        { "", "b", "token", { 0 } },
        { "a b", "b", "token", { 0 } },
        { "a=", "b", "token", { 0 } },
        { "a\r\nX", "b", "token", { 0 } },
        { "a", "b c", "value", { 0 } },
        { "a", "b;c", "value", { 0 } },
        { "a", "b,c", "value", { 0 } },
        { "a", "\"b\"", "value", { 0 } },
        { "a", "b\\", "value", { 0 } },
        { "a", "b\r\nX: y", "value", { 0 } },
        { "a", "\xc3\xa9", "value", { 0 } },
        { "a", "\x7f", "value", { 0 } },
        { "a", long_value, "4096", { 0 } },
        { NULL, "b", "no name", { 0 } },
        { "a", NULL, "no value", { 0 } },
        { "a", "b", "path", { .path = "shop" } },
        { "a", "b", "path", { .path = "" } },
        { "a", "b", "path", { .path = "/a;Domain=x" } },
        { "a", "b", "path", { .path = "/a b" } },
        { "a", "b", "path", { .path = long_path } },
        { "a", "b", "domain", { .domain = ".example.org" } },
        { "a", "b", "domain", { .domain = "example.org." } },
        { "a", "b", "domain", { .domain = "localhost" } },
        { "a", "b", "domain", { .domain = "127.0.0.1" } },
        { "a", "b", "domain", { .domain = "a..b" } },
        { "a", "b", "domain", { .domain = "-a.org" } },
        { "a", "b", "domain", { .domain = "a_b.org" } },
        { "a", "b", "domain", { .domain = long_label } },
        { "a", "b", "domain", { .domain = "a.org; Secure" } },
        { "a", "b", "time", { .max_age = -2 } },
        { "a", "b", "SameSite=None", { .same_site = BIGHT_HTTP_SAME_SITE_NONE } },
        { "a", "b", "SameSite", { .same_site = (enum bight_http_same_site)7 } },
        { "a", "b", "partitioned", { .partitioned = true } },
        { "a", "b", "secure and not", { .secure = true, .not_secure = true } },
        { "__Secure-a", "b", "__Secure-", { 0 } },
        { "__sEcUrE-a", "b", "__Secure-", { 0 } },
        { "__Host-a", "b", "__Host-", { 0 } },
        { "__HOST-a", "b", "path", { .secure = true, .path = "/x" } },
        { "__Host-a", "b", "domain", { .secure = true, .domain = "example.org" } },
    };
    memset(long_value, 'x', sizeof long_value - 1);
    memset(long_path, '/', sizeof long_path - 1);
    memset(long_label, 'x', 64);
    memcpy(long_label + 64, ".org", 5);
    begin();
    bight_log_set_observer(note_usage, NULL);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        name = refused[i].name;
        value = refused[i].value;
        options = refused[i].options;
        options.size = sizeof options;
        ck_assert_ptr_null(strstr(ask(), "Set-Cookie"));
        ck_assert_int_eq(code, BIGHT_E_INVALID_ARGUMENT);
        ck_assert_uint_eq(usage_errors, i + 1);
        ck_assert_msg(strstr(told, refused[i].says) != NULL, "%zu: %s", i, told);
    }
    end_site();
}
END_TEST

START_TEST(what_is_just_within_the_limits_is_set) /* A11 */
{
    begin();
    memset(long_value, 'x', 4095);
    memset(long_path, '/', 1024);
    long_value[4095] = long_path[1024] = '\0';
    value = long_value;
    options.path = long_path;
    ck_assert_ptr_nonnull(strstr(ask(), "Set-Cookie"));
    ck_assert_int_eq(code, 0);
    end_site();
}
END_TEST

static void answer_and_set(struct bight_http_request *request, void *context)
{
    (void)bight_http_respond_text(request, 200, "");
    (void)context;
    code = bight_http_respond_set_cookie(request, "a", "b", NULL);
}

START_TEST(a_cookie_that_comes_too_late_is_a_usage_error) /* A11 */
{
    begin();
    add_route("/late", answer_and_set);
    say("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_int_eq(code, BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 1);
    end_site();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- reading */

static void tell(const char *format, const char *one, const char *other)
{
    size_t size = strlen(told);
    (void)snprintf(told + size, sizeof told - size, format, one != NULL ? one : "NUL", other != NULL ? other : "NUL");
}

static void walk_cookies(struct bight_http_request *request, void *context)
{
    size_t cursor = 0;
    const char *one, *other;
    (void)context;
    while (bight_http_request_next_cookie(request, &cursor, &one, &other)) {
        tell("[%s|%s]", one, other);
    }
    ck_assert(!bight_http_request_next_cookie(request, &cursor, NULL, NULL));
    cursor = 0;
    while ((one = bight_http_request_next_cookie_value(request, "a", &cursor)) != NULL) {
        tell("(%s)%s", one, "");
    }
    cursor = 12345678;
    ck_assert(!bight_http_request_next_cookie(request, &cursor, NULL, NULL));
    ck_assert_ptr_null(bight_http_request_cookie(request, "none"));
    (void)bight_http_respond_empty(request, 204);
}

START_TEST(all_cookies_can_be_read_in_their_order) /* A11 */
{
    begin();
    add_route("/cookies", walk_cookies);
    say("GET /cookies HTTP/1.1\r\nHost: x\r\nCookie: a=1; b=2;;=3\r\nCookie: a=\"4\"; A=5\r\nX: y\r\n"
        "Cookie: \r\nCookie: a=6\r\n\r\n");
    ck_assert_str_eq(told, "[a|1][b|2][a|\"4\"][A|5][a|6](1)(\"4\")(6)");
    told[0] = '\0';
    say("GET /cookies HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(told, "");
    end_site();
}
END_TEST

static size_t counted;

static void count(struct bight_http_request *request, void *context)
{
    size_t cursor = 0;
    (void)context;
    for (counted = 0; bight_http_request_next_cookie(request, &cursor, NULL, NULL); counted++) {
    }
    cursor = 0;
    for (; bight_http_request_next_query(request, &cursor, NULL, NULL); counted++) {
    }
    (void)bight_http_respond_empty(request, 204);
}

START_TEST(a_hundred_cookies_are_read_over_all_lines) /* A11 */
{
    static char head[8192];
    size_t size = (size_t)sprintf(head, "GET /count HTTP/1.1\r\nHost: x\r\n");
    begin();
    add_route("/count", count);
    for (int line = 0; line < 3; line++) {
        size += (size_t)sprintf(head + size, "Cookie: ");
        for (int i = 0; i < 40; i++) {
            size += (size_t)sprintf(head + size, "a=%d;", i);
        }
        size += (size_t)sprintf(head + size, "\r\n");
    }
    (void)sprintf(head + size, "\r\n");
    say(head);
    ck_assert_uint_eq(counted, 100);
    end_site();
}
END_TEST

START_TEST(a_thousand_parameters_are_read) /* A11 */
{
    static char head[8192];
    size_t size = (size_t)sprintf(head, "GET /count?");
    begin();
    add_route("/count", count);
    for (int i = 0; i < 1200; i++) {
        size += (size_t)sprintf(head + size, "a=%d&", i % 10);
    }
    (void)sprintf(head + size, " HTTP/1.1\r\nHost: x\r\n\r\n");
    say(head);
    ck_assert_uint_eq(counted, 1000);
    end_site();
}
END_TEST

static void walk_query(struct bight_http_request *request, void *context)
{
    size_t cursor = 0;
    const char *one, *other;
    struct bight_http_view name_view, value_view;
    (void)context;
    while (bight_http_request_next_query(request, &cursor, &one, &other)) {
        tell("[%s|%s]", one, other);
    }
    cursor = 0;
    while ((one = bight_http_request_next_query_value(request, "a", &cursor)) != NULL) {
        tell("(%s)%s", one, "");
    }
    cursor = 0;
    while (bight_http_request_next_query_raw(request, &cursor, &name_view, &value_view)) {
        (void)snprintf(told + strlen(told), 16, "{%zu|%zu}", name_view.size, value_view.size);
    }
    ck_assert(!bight_http_request_next_query_raw(request, &cursor, NULL, NULL));
    cursor = 60000;
    ck_assert(!bight_http_request_next_query(request, &cursor, NULL, NULL));
    (void)bight_http_respond_empty(request, 204);
}

START_TEST(all_parameters_of_a_query_can_be_read_in_their_order) /* A11 */
{
    begin();
    add_route("/query", walk_query);
    say("GET /query?a=1&&b=%41+&%61=%002&=&c&a=3 HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(told, "[a|1][b|A ][a|NUL][|][c|][a|3](1)(3){1|1}{1|2}{1|2}{0|0}{1|0}{1|1}");
    told[0] = '\0';
    say("GET /query HTTP/1.1\r\nHost: x\r\n\r\nGET /query? HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(told, "");
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_cookie_has_safe_defaults);
    tcase_add_test(tests, a_cookie_has_what_its_options_say);
    tcase_add_test(tests, a_cookie_is_cleared_as_it_was_set);
    tcase_add_test(tests, what_a_browser_would_ignore_is_refused_and_said);
    tcase_add_test(tests, what_is_just_within_the_limits_is_set);
    tcase_add_test(tests, a_cookie_that_comes_too_late_is_a_usage_error);
    tcase_add_test(tests, all_cookies_can_be_read_in_their_order);
    tcase_add_test(tests, a_hundred_cookies_are_read_over_all_lines);
    tcase_add_test(tests, a_thousand_parameters_are_read);
    tcase_add_test(tests, all_parameters_of_a_query_can_be_read_in_their_order);
}

BIGHT_TEST_MAIN("http_set_cookie", add_tests)
