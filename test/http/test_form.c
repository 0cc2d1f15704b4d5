/* SPDX-License-Identifier: MIT */
/* Tests of forms that are collected (protocols/http/server/form.c, form_collect.c): what they hold, limits, refusals.
 * Their files are test_form_file.c's, forms as they come test_form_stream.c's. */
#include "form_support.h"

static struct bight_http_form_options options;
static struct bight_deferred *asking;
static struct bight_http_form *form;
static int failed, status;

static void has_form(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        failed = bight_failure_code(failure);
        status = bight_failure_status(failure);
        (void)bight_http_respond_failure(request, failure);
        return;
    }
    ck_assert_ptr_eq(result->type, &bight_type_http_form);
    form = bight_result_take(result, &bight_type_http_form);
    (void)bight_http_respond_empty(request, 204);
}

static void ask(struct bight_http_request *request, void *context)
{
    (void)context;
    asking = bight_http_request_form(request, &options);
    ck_assert_int_eq(bight_deferred_add_both(asking, has_form, request), 0);
}

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void begin(void)
{
    make_directory();
    options = (struct bight_http_form_options) { .size = sizeof options, .directory = directory };
    asking = NULL;
    form = NULL;
    failed = status = 0;
    begin_site(NULL);
    hold_jobs();
    add_route("/", say_hello);
    add_route("/form", ask);
    connect_peer();
}

/* For the next request. */
static void forget(void)
{
    bight_deferred_release(asking);
    bight_http_form_release(form);
    asking = NULL;
    form = NULL;
    failed = status = 0;
    bight_string_clear(peer);
}

static void end(void)
{
    forget();
    end_site();
    ck_assert_uint_eq(count_files(), 0);
    remove_directory();
}

/* [name|value] of all fields; NUL for a text that holds one. */
static const char *all_fields(void)
{
    static char text[4096];
    size_t size = 0, cursor = 0;
    const char *name, *value;
    text[0] = '\0';
    while (bight_http_form_next(form, &cursor, &name, &value)) {
        size += (size_t)snprintf(
            text + size, sizeof text - size, "[%s|%s]", name != NULL ? name : "NUL", value != NULL ? value : "NUL");
    }
    ck_assert(!bight_http_form_next(form, &cursor, NULL, NULL));
    return text;
}

static bool is_alive(void)
{
    bight_string_clear(peer);
    const char *answer = say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    return strstr(answer, "Hello") != NULL;
}

/* ---------------------------------------------------------------------------------------------- reading */

START_TEST(an_urlencoded_form_has_its_fields_in_order) /* A11 */
{
    static const char body[] = "a=1&b=%C3%A9+x&a=2&c&&=d&e=%00";
    begin();
    for (size_t piece = 1; piece <= sizeof body; piece += _i == 0 ? 1 : 100) {
        send_body("/form", _i == 0 ? URLENCODED : URLENCODED "; charset=UTF-8", body, sizeof body - 1, piece);
        ck_assert_ptr_nonnull(form);
        ck_assert_str_eq(all_fields(), "[a|1][b|\xc3\xa9 x][a|2][c|][|d][e|NUL]");
        ck_assert_uint_eq(job_count, 0);
        forget();
    }
    ck_assert(is_alive());
    end();
}
END_TEST

START_TEST(a_multipart_form_has_its_fields_in_order) /* A11 */
{
    static const char body[] = FIELD("a", "1") FIELD("b", "x\r\ny") FIELD("a", "") FIELD("\xc3\xa9\\\"", "--b") END;
    begin();
    for (size_t piece = 1; piece <= sizeof body; piece++) {
        send_body("/form", MULTIPART, body, sizeof body - 1, piece);
        ck_assert_ptr_nonnull(form);
        ck_assert_str_eq(all_fields(), "[a|1][b|x\r\ny][a|][\xc3\xa9\"|--b]");
        ck_assert_ptr_null(bight_http_form_find_file(form, "a"));
        ck_assert_uint_eq(job_count, 0);
        forget();
    }
    ck_assert(is_alive());
    end();
}
END_TEST

START_TEST(values_are_found_by_their_names) /* A11 */
{
    begin();
    send_text("/form", URLENCODED, "a=%00&b=1&a=2&A=3&a=4&b%00=5");
    size_t cursor = 0;
    ck_assert_str_eq(bight_http_form_value(form, "b"), "1");
    ck_assert_ptr_null(bight_http_form_value(form, "a"));
    ck_assert_ptr_null(bight_http_form_value(form, "none"));
    ck_assert_uint_eq(bight_http_form_value_raw(form, "a").size, 1);
    ck_assert_ptr_null(bight_http_form_value_raw(form, "none").data);
    ck_assert_str_eq(bight_http_form_next_value(form, "a", &cursor), "2");
    ck_assert_str_eq(bight_http_form_next_value(form, "a", &cursor), "4");
    ck_assert_ptr_null(bight_http_form_next_value(form, "a", &cursor));
    struct bight_http_view name, value;
    cursor = 5;
    ck_assert(bight_http_form_next_raw(form, &cursor, &name, &value));
    ck_assert_uint_eq(name.size, 2);
    ck_assert_str_eq(value.data, "5");
    ck_assert(!bight_http_form_next_raw(form, &cursor, &name, &value));
    end();
}
END_TEST

START_TEST(a_form_outlives_its_request_and_is_counted) /* A11 */
{
    begin();
    send_text("/form", URLENCODED, "a=1");
    bight_string_reset(peer, 0);
    ck_assert_ptr_eq(bight_http_form_hold(form), form);
    bight_http_form_release(form);
    ck_assert_str_eq(bight_http_form_value(form, "a"), "1");
    bight_http_form_release(NULL);
    end();
}
END_TEST

START_TEST(a_chunked_form_is_read) /* A11 */
{
    begin();
    say("POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " URLENCODED "\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\na=1\r\n2\r\n2&\r\n3\r\nb=3\r\n0\r\n\r\n");
    ck_assert_str_eq(all_fields(), "[a|12][b|3]");
    ck_assert(is_alive());
    end();
}
END_TEST

START_TEST(no_body_and_no_type_is_an_empty_form) /* A11 */
{
    begin();
    send_text("/form", NULL, "");
    settle();
    ck_assert_ptr_nonnull(form);
    ck_assert_str_eq(all_fields(), "");
    forget();
    send_text("/form", URLENCODED, "");
    settle();
    ck_assert_ptr_nonnull(form);
    forget();
    send_text("/form", MULTIPART, END);
    ck_assert_ptr_nonnull(form);
    end();
}
END_TEST

/* --------------------------------------------------------------------------------------------- refusals */

START_TEST(another_type_is_415) /* A11 */
{
    static const char *const types[] = { NULL, "text/plain", "application/json", "multipart/mixed; boundary=b",
        "application/x-www-form-urlencodedx", "nonsense", "multipart/form-data; boundary=" };
    begin();
    send_text("/form", types[_i], "a=1");
    settle();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 415 Unsupported Media Type"));
    ck_assert(has_line(answer, "Accept: application/x-www-form-urlencoded, multipart/form-data"));
    ck_assert_int_eq(failed, BIGHT_E_HTTP_STATUS);
    end();
}
END_TEST

START_TEST(what_is_no_form_is_400) /* A11 */
{
    static const struct {
        const char *type, *body;
    } broken[] = {
        { "multipart/form-data", END },
        { "multipart/form-data; boundary=\"\"", END },
        { "multipart/form-data; boundary=\"b \"", END },
        { "multipart/form-data; boundary=b; boundary=c", END },
        { "multipart/form-data; boundary=\"b\\\"\"", END },
        { "multipart/form-data; boundary=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            END },
        { MULTIPART, "" },
        { MULTIPART, "a=1" },
        { MULTIPART, FIELD("a", "1") },
        { MULTIPART, FIELD("a", "1") "--b" },
        { MULTIPART, "--b\r\n\r\n1\r\n" END },
        { MULTIPART, "--b\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n" END },
        { MULTIPART, "--b\r\nContent-Disposition: form-data; name=a\n\r\n1\r\n" END },
        { MULTIPART,
            "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n" END },
        { MULTIPART, "--b \r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n" END },
    };
    begin();
    send_text("/form", broken[_i].type, broken[_i].body);
    settle();
    ck_assert(has_line(take_answer(), "HTTP/1.1 400 Bad Request"));
    ck_assert_int_eq(failed, BIGHT_E_SYNTAX);
    ck_assert_int_eq(status, 400);
    end();
}
END_TEST

START_TEST(what_is_too_large_is_413) /* A11, H3 */
{
    static const struct {
        struct bight_http_form_options options;
        const char *type, *fits, *body;
    } large[] = {
        { { .field_limit = 2 }, URLENCODED, "a&b", "a&b&c" },
        { { .value_limit = 5 }, URLENCODED, "ab=123", "ab=1234" },
        { { .value_limit = 5 }, MULTIPART, FIELD("abcdef", "12345") END, FIELD("a", "123456") END },
        { { .part_limit = 2 }, MULTIPART, FIELD("a", "") FIELD("b", "") END,
            FIELD("a", "") FIELD("b", "") FILE_PART("c", "", "x", "") END },
        { { .part_head_limit = 70 }, MULTIPART, FIELD("a", "1") END,
            FIELD("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "1") END },
        { { .part_field_limit = 1 }, MULTIPART, FIELD("a", "1") END, FILE_PART("a", "", "x", "") END },
        { { .limit = 20 }, URLENCODED, "a=123456789012345678", "a=1234567890123456789" },
    };
    begin();
    options = large[_i].options;
    options.size = sizeof options;
    options.directory = directory;
    send_text("/form", large[_i].type, large[_i].fits);
    settle();
    ck_assert_ptr_nonnull(form);
    forget();
    send_text("/form", large[_i].type, large[_i].body);
    settle();
    ck_assert(has_line(take_answer(), "HTTP/1.1 413 Content Too Large"));
    ck_assert_int_eq(failed, BIGHT_E_TOO_LONG);
    end();
}
END_TEST

static const char *make_parts(unsigned count)
{
    static char body[64 * 1024];
    size_t size = 0;
    for (unsigned i = 0; i < count; i++) {
        size += (size_t)sprintf(body + size, FIELD("a", "%u"), i);
    }
    (void)sprintf(body + size, END);
    return body;
}

START_TEST(the_limits_have_defaults) /* A11 */
{
    static char value[65536 + 8] = "a=";
    begin();
    options = (struct bight_http_form_options) { .size = sizeof options.size };
    memset(value + 2, 'x', 65535);
    send_text("/form", URLENCODED, value);
    settle();
    ck_assert_ptr_nonnull(form);
    forget();
    send_text("/form", MULTIPART, make_parts(100));
    ck_assert_ptr_nonnull(form);
    forget();
    if (_i == 0) {
        value[65537] = 'x';
        send_text("/form", URLENCODED, value);
    } else {
        send_text("/form", MULTIPART, make_parts(101));
    }
    settle();
    ck_assert_int_eq(failed, BIGHT_E_TOO_LONG);
    end();
}
END_TEST

START_TEST(an_encoded_form_is_refused) /* A4, A11 */
{
    begin();
    send_text("/form", URLENCODED "\r\nContent-Encoding: gzip", "a=1");
    settle();
    ck_assert(has_line(take_answer(), "HTTP/1.1 415 Unsupported Media Type"));
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ its ends */

START_TEST(a_client_that_leaves_fails_the_form) /* A3, A11 */
{
    begin();
    say("POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " URLENCODED "\r\nContent-Length: 100\r\n\r\na=1&b");
    bight_string_reset(peer, 0);
    ck_assert_int_eq(failed, BIGHT_E_CLOSED);
    end();
}
END_TEST

START_TEST(a_cancelled_form_is_read_no_further) /* A11 */
{
    begin();
    say("POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: " URLENCODED "\r\nContent-Length: 10\r\n\r\na=1&b");
    bight_deferred_cancel(asking);
    ck_assert_int_eq(failed, BIGHT_E_CANCELLED);
    say("=2&c=");
    ck_assert(is_alive());
    end();
}
END_TEST

static void ask_twice(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer silent = { .size = sizeof silent };
    ck_assert_int_eq(bight_http_request_consume(request, 0, &silent, NULL), 0);
    ask(request, context);
}

START_TEST(a_body_that_has_been_asked_for_is_no_form) /* A4, A11 */
{
    begin();
    add_route("/twice", ask_twice);
    send_text("/twice", URLENCODED, "a=1");
    ck_assert_int_eq(failed, BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 1);
    end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_urlencoded_form_has_its_fields_in_order, 0, 2);
    tcase_add_test(tests, a_multipart_form_has_its_fields_in_order);
    tcase_add_test(tests, values_are_found_by_their_names);
    tcase_add_test(tests, a_form_outlives_its_request_and_is_counted);
    tcase_add_test(tests, a_chunked_form_is_read);
    tcase_add_test(tests, no_body_and_no_type_is_an_empty_form);
    tcase_add_loop_test(tests, another_type_is_415, 0, 7);
    tcase_add_loop_test(tests, what_is_no_form_is_400, 0, 15);
    tcase_add_loop_test(tests, what_is_too_large_is_413, 0, 7);
    tcase_add_loop_test(tests, the_limits_have_defaults, 0, 2);
    tcase_add_test(tests, an_encoded_form_is_refused);
    tcase_add_test(tests, a_client_that_leaves_fails_the_form);
    tcase_add_test(tests, a_cancelled_form_is_read_no_further);
    tcase_add_test(tests, a_body_that_has_been_asked_for_is_no_form);
}

BIGHT_TEST_MAIN("http_form", add_tests)
