/* SPDX-License-Identifier: MIT */
/* Tests of answering (A2: protocols/http/server/answer.c, stream.c, fields.c, redirect.c, failure.c, response.c): what
 * no message may hold, one answer for a request, statuses of failures, pieces, responses. How answers are framed is
 * test_answers.c's. */
#include "site_support.h"

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct bight_http_request *kept;

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    kept = bight_http_request_hold(request);
}

static void begin(void)
{
    begin_site(NULL);
    add_route("/", keep);
    connect_peer();
    say(GET);
}

/* Releases what is kept, and returns what the client has got. */
static const char *end_kept(void)
{
    bight_http_request_release(kept);
    settle();
    return take_answer();
}

/* ------------------------------------------------------------------------------------------------- fields */

START_TEST(a_field_that_is_set_replaces_and_one_that_is_added_does_not) /* H6 */
{
    begin();
    ck_assert_int_eq(bight_http_respond_add(kept, "X-A", "1"), 0);
    ck_assert_int_eq(bight_http_respond_add(kept, "X-Ab", "2"), 0);
    ck_assert_int_eq(bight_http_respond_add(kept, "x-a", "3"), 0);
    ck_assert_int_eq(bight_http_respond_add(kept, "Vary", "4"), 0);
    ck_assert_int_eq(bight_http_respond_set(kept, "X-A", "5"), 0);
    ck_assert_int_eq(bight_http_respond_set(kept, "content-type", "text/css"), 0);
    ck_assert_int_eq(bight_http_respond_set(kept, "X-Empty", ""), 0);
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "text"), 0);
    const char *answer = end_kept();
    ck_assert_uint_eq(count_of(answer, "X-A: ") + count_of(answer, "x-a: "), 1);
    ck_assert(has_line(answer, "X-A: 5"));
    ck_assert(has_line(answer, "X-Ab: 2"));
    ck_assert(has_line(answer, "Vary: 4"));
    ck_assert(has_line(answer, "X-Empty: "));
    ck_assert(has_line(answer, "content-type: text/css"));
    ck_assert_uint_eq(count_of(answer, "text/"), 1);
    end_site();
}
END_TEST

START_TEST(what_no_message_may_hold_is_refused_with_a_code) /* H6 */
{
    static const char *const rows[][2] = { { "A", "b\r\nC: d" }, { "A", "b\n" }, { "A", "b\rc" }, { "A", "\x01" },
        { "A", "\x7f" }, { "A:", "b" }, { "A B", "c" }, { "", "a" }, { "A\r\nB", "c" }, { "Content-Length", "5" },
        { "transfer-encoding", "chunked" }, { "Connection", "close" }, { "Date", "today" }, { "Upgrade", "x" },
        { "Trailer", "x" }, { "Keep-Alive", "x" } };
    begin();
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        ck_assert_int_eq(bight_http_respond_set(kept, rows[row][0], rows[row][1]), BIGHT_E_INVALID_ARGUMENT);
        ck_assert_int_eq(bight_http_respond_add(kept, rows[row][0], rows[row][1]), BIGHT_E_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(bight_http_respond(kept, 200, "text/plain\r\nA: b", "", 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond(kept, 200, "a\nb", "", 0), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_respond(kept, 200, "text/plain\x7f", "", 0), BIGHT_E_INVALID_ARGUMENT);
    static const int statuses[] = { -1, 0, 100, 101, 199, 600, 999 };
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        ck_assert_int_eq(bight_http_respond_text(kept, statuses[i], ""), BIGHT_E_INVALID_ARGUMENT);
        ck_assert_int_eq(bight_http_respond_begin(kept, statuses[i], NULL, 0), BIGHT_E_INVALID_ARGUMENT);
    }
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "still"), 0);
    ck_assert_str_eq(body_of(end_kept()), "still");
    end_site();
}
END_TEST

START_TEST(fields_are_bounded) /* H6 */
{
    static char value[32768];
    begin();
    memset(value, 'v', sizeof value - 1);
    ck_assert_int_eq(bight_http_respond_add(kept, "A", value), 0);
    ck_assert_int_eq(bight_http_respond_add(kept, "A", value), BIGHT_E_TOO_LONG);
    ck_assert_int_eq(bight_http_respond_set(kept, "A", value), 0);
    ck_assert_int_eq(bight_http_respond_empty(kept, 204), 0);
    ck_assert_uint_eq(count_of(end_kept(), "\r\nA: v"), 1);
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- one answer */

START_TEST(a_request_is_answered_once) /* A2 */
{
    begin();
    ck_assert(bight_http_request_is_open(kept));
    if (_i == 0) {
        ck_assert_int_eq(bight_http_respond_text(kept, 200, "first"), 0);
        ck_assert(!bight_http_request_is_open(kept));
    } else {
        ck_assert_int_eq(bight_http_respond_begin(kept, 200, NULL, 5), 0);
        ck_assert(bight_http_request_is_open(kept));
    }
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "second"), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, NULL, 0), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_error(kept, 404, NULL), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_redirect(kept, 303, "/"), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_failure(kept, bight_failure_of(BIGHT_E_LIMIT)), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_later(kept, bight_succeed(NULL, NULL)), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_set(kept, "A", "b"), BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 7);
    if (_i == 1) {
        ck_assert_int_eq(bight_http_respond_write(kept, "first", 5), 0);
        ck_assert_int_eq(bight_http_respond_finish(kept), 0);
    }
    ck_assert_int_eq(bight_http_respond_write(kept, "more", 4), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_finish(kept), BIGHT_E_USAGE);
    const char *answer = end_kept();
    ck_assert_str_eq(body_of(answer), "first");
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1"), 1);
    end_site();
}
END_TEST

START_TEST(the_last_hold_that_goes_without_an_answer_is_500) /* A2 */
{
    begin();
    bight_http_request_hold(kept);
    bight_http_request_release(kept);
    settle();
    ck_assert_str_eq(bight_string_written_text(peer), "");
    ck_assert(has_line(end_kept(), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_uint_eq(other_errors, 1);
    say(GET);
    bight_http_respond_text(kept, 200, "next");
    ck_assert_str_eq(body_of(end_kept()), "next");
    end_site();
}
END_TEST

START_TEST(the_last_hold_that_goes_in_the_middle_aborts) /* A2, H6 */
{
    begin();
    (void)bight_http_respond_begin(kept, 200, NULL, -1);
    (void)bight_http_respond_write(kept, "half", 4);
    (void)end_kept();
    ck_assert(bight_string_was_reset(peer));
    ck_assert_uint_eq(other_errors, 1);
    end_site();
}
END_TEST

START_TEST(an_answer_may_end_the_connection) /* H5 */
{
    begin();
    bight_http_respond_close(kept);
    (void)bight_http_respond_text(kept, 200, "last");
    const char *answer = end_kept();
    ck_assert(has_line(answer, "Connection: close"));
    ck_assert_str_eq(body_of(answer), "last");
    ck_assert(is_over());
    ck_assert(!bight_string_was_reset(peer));
    end_site();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- pieces */

START_TEST(pieces_of_any_size_arrive) /* H6 */
{
    static char piece[10000];
    begin();
    memset(piece, 'p', sizeof piece - 1);
    ck_assert_int_eq(bight_http_respond_write(kept, "a", 1), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, "text/plain", 9999 + 9999 + 4), 0);
    ck_assert_int_eq(bight_http_respond_write(kept, piece, sizeof piece - 1), 0);
    ck_assert_int_eq(bight_http_respond_writef(kept, "%s", piece), 0);
    ck_assert_int_eq(bight_http_respond_writef(kept, "%04d", 17), 0);
    ck_assert_int_eq(bight_http_respond_finish(kept), 0);
    const char *body = body_of(end_kept());
    ck_assert_uint_eq(strlen(body), 20002);
    ck_assert_str_eq(body + 19998, "0017");
    end_site();
}
END_TEST

/* What is large goes by reference. */
START_TEST(pieces_that_are_counted_bytes_arrive) /* H6 */
{
    static char piece[20001];
    struct bight_bytes *small = bight_bytes_new("abc", 3);
    memset(piece, 'y', sizeof piece - 1);
    struct bight_bytes *large = bight_bytes_new(piece, sizeof piece - 1);
    begin();
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, small), BIGHT_E_USAGE);
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, "text/plain", -1), 0);
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, large), 0);
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, small), 0);
    bight_bytes_release(large);
    bight_bytes_release(small);
    ck_assert_int_eq(bight_http_respond_finish(kept), 0);
    const char *body = body_of(end_kept());
    ck_assert_mem_eq(body, "4e20\r\nyyy", 9);
    ck_assert_str_eq(strrchr(body, 'y'), "y\r\n3\r\nabc\r\n0\r\n\r\n");
    end_site();
}
END_TEST

START_TEST(counted_bytes_count_against_what_was_announced) /* H6 */
{
    struct bight_bytes *bytes = bight_bytes_new("abc", 3);
    begin();
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, "text/plain", 5), 0);
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, bytes), 0);
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, bytes), BIGHT_E_TOO_LONG);
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, bytes), BIGHT_E_CLOSED);
    bight_bytes_release(bytes);
    (void)end_kept();
    end_site();
}
END_TEST

START_TEST(the_null_of_bytes_that_could_not_be_made_aborts) /* H6 */
{
    begin();
    ck_assert_int_eq(bight_http_respond_begin(kept, 200, "text/plain", -1), 0);
    ck_assert_int_eq(bight_http_respond_write_bytes(kept, NULL), BIGHT_E_OUT_OF_MEMORY);
    settle();
    ck_assert(bight_string_was_reset(peer));
    (void)end_kept();
    end_site();
}
END_TEST

START_TEST(more_or_less_than_was_announced_aborts) /* H6 */
{
    begin();
    (void)bight_http_respond_begin(kept, 200, NULL, 4);
    ck_assert_int_eq(bight_http_respond_write(kept, "123", 3), 0);
    if (_i == 0) {
        ck_assert_int_eq(bight_http_respond_write(kept, "45", 2), BIGHT_E_TOO_LONG);
    } else {
        ck_assert_int_eq(bight_http_respond_finish(kept), BIGHT_E_INCOMPLETE);
    }
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert_int_eq(bight_http_respond_write(kept, "4", 1), BIGHT_E_CLOSED);
    ck_assert(!bight_http_request_is_open(kept));
    (void)end_kept();
    ck_assert(bight_string_was_reset(peer));
    end_site();
}
END_TEST

START_TEST(an_abort_is_legal_at_any_time) /* H6 */
{
    begin();
    if (_i == 1) {
        (void)bight_http_respond_begin(kept, 200, NULL, -1);
    }
    bight_http_respond_abort(kept);
    bight_http_respond_abort(kept);
    ck_assert_int_eq(bight_http_respond_text(kept, 200, "late"), BIGHT_E_CLOSED);
    (void)end_kept();
    ck_assert(bight_string_was_reset(peer));
    ck_assert_uint_eq(usage_errors + other_errors, 0);
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- failures */

START_TEST(a_failure_is_answered_with_its_status) /* A2 */
{
    struct bight_failure *failures[] = {
        bight_http_failure(404, "no such user"),
        bight_http_failure(403, NULL),
        bight_http_failure(503, "later\r\nSet-Cookie: a"),
        bight_failure_new(BIGHT_E_CONFIGURATION, 404, NULL, "the password is secret"), /* an errno is no status */
        bight_failure_of(BIGHT_E_TOO_LONG),
        bight_failure_of(BIGHT_E_SYNTAX),
        bight_failure_of(BIGHT_E_TIMED_OUT),
        bight_http_failure(200, "no failure"),
    };
    static const struct {
        const char *line, *body;
        size_t logged;
    } rows[] = {
        { "HTTP/1.1 404 Not Found", "404 Not Found\nno such user\n", 0 },
        { "HTTP/1.1 403 Forbidden", "403 Forbidden\n", 0 },
        { "HTTP/1.1 503 Service Unavailable", "503 Service Unavailable\nlater\r\nSet-Cookie: a\n", 0 },
        { "HTTP/1.1 500 Internal Server Error", "500 Internal Server Error\n", 1 },
        { "HTTP/1.1 500 Internal Server Error", "500 Internal Server Error\n", 1 },
        { "HTTP/1.1 500 Internal Server Error", "500 Internal Server Error\n", 1 },
        { "HTTP/1.1 500 Internal Server Error", "500 Internal Server Error\n", 1 },
        { "HTTP/1.1 500 Internal Server Error", "500 Internal Server Error\nno failure\n", 1 },
    };
    begin();
    ck_assert_int_eq(bight_failure_status(failures[0]), 404);
    ck_assert_int_eq(bight_failure_errno(failures[0]), 0);
    ck_assert_int_eq(bight_http_respond_failure(kept, failures[_i]), 0);
    const char *answer = end_kept();
    ck_assert(has_line(answer, rows[_i].line));
    ck_assert_str_eq(body_of(answer), rows[_i].body);
    ck_assert_uint_eq(other_errors, rows[_i].logged);
    ck_assert(!is_over());
    for (int i = 0; i < 8; i++) {
        if (i != _i) {
            bight_failure_release(failures[i]);
        }
    }
    end_site();
}
END_TEST

static void set_fields_and_fail(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_set(request, "Content-Type", "application/json");
    (void)bight_http_respond_set(request, "Content-Encoding", "gzip");
    (void)bight_http_respond_set(request, "ETag", "\"1\"");
    (void)bight_http_respond_set(request, "X-Request", "17");
    (void)bight_http_respond_failure(request, bight_http_failure(404, "none"));
}

START_TEST(a_page_of_an_error_does_not_pass_for_what_was_to_be_answered) /* A2 */
{
    begin();
    add_route("/fails", set_fields_and_fail);
    (void)end_kept();
    const char *answer = say("GET /fails HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_str_eq(body_of(answer), "404 Not Found\nnone\n");
    ck_assert(has_line(answer, "Content-Type: text/plain; charset=utf-8"));
    ck_assert(has_line(answer, "X-Request: 17"));
    ck_assert_ptr_null(strstr(answer, "json"));
    ck_assert_ptr_null(strstr(answer, "gzip"));
    ck_assert_ptr_null(strstr(answer, "ETag"));
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- redirects */

START_TEST(a_redirect_leads_to_a_path_or_a_url_and_nowhere_else) /* A5 */
{
    static const struct {
        const char *location, *line;
    } rows[] = {
        { "/next", "Location: /next" },
        { "/a b\"c?d=\xc3\xa9", "Location: /a%20b%22c?d=%C3%A9" },
        { "/a%20b", "Location: /a%20b" },
        { "/a\r\nSet-Cookie: b", "Location: /a%0D%0ASet-Cookie:%20b" },
        { "https://example.org/x", "Location: https://example.org/x" },
        { "//evil.org", NULL },
        { "/\\evil.org", NULL },
        { "javascript:alert(1)", NULL },
        { "next", NULL },
        { "", NULL },
    };
    begin();
    int code = bight_http_respond_redirect(kept, 303, rows[_i].location);
    ck_assert_int_eq(code, rows[_i].line != NULL ? 0 : BIGHT_E_INVALID_ARGUMENT);
    if (rows[_i].line != NULL) {
        const char *answer = end_kept();
        ck_assert(has_line(answer, "HTTP/1.1 303 See Other"));
        ck_assert_msg(has_line(answer, rows[_i].line), "%s", answer);
    } else {
        ck_assert_int_eq(bight_http_respond_redirect(kept, 200, "/"), BIGHT_E_INVALID_ARGUMENT);
        (void)end_kept();
    }
    end_site();
}
END_TEST

/* ---------------------------------------------------------------------------------------------- responses */

START_TEST(a_response_is_sent_once_or_many_times) /* A2 */
{
    begin();
    struct bight_http_response *response = bight_http_response_new(404);
    ck_assert_int_eq(bight_http_response_set(response, "A", "1"), 0);
    ck_assert_int_eq(bight_http_response_set(response, "a", "2"), 0);
    ck_assert_int_eq(bight_http_response_add(response, "B", "3"), 0);
    ck_assert_int_eq(bight_http_response_set(response, "Connection", "close"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_response_set_body(response, "text/css", "one", 3), 0);
    ck_assert_int_eq(bight_http_response_set_body(response, "text/xml", "body", 4), 0);
    ck_assert_int_eq(bight_http_response_status(response), 404);
    ck_assert_str_eq(bight_http_response_field(response, "a"), "2");
    ck_assert_str_eq(bight_http_response_field(response, "content-type"), "text/xml");
    ck_assert_ptr_null(bight_http_response_field(response, "C"));
    ck_assert_uint_eq(bight_bytes_size(bight_http_response_body(response)), 4);
    for (int i = 0; i < 2; i++) {
        (void)bight_http_respond_set(kept, "Content-Type", "text/html");
        (void)bight_http_respond_set(kept, "X-Own", "4");
        ck_assert_int_eq(bight_http_respond_response(kept, response), 0);
        const char *answer = end_kept();
        ck_assert(has_line(answer, "HTTP/1.1 404 Not Found"));
        ck_assert(has_line(answer, "a: 2"));
        ck_assert(has_line(answer, "B: 3"));
        ck_assert(has_line(answer, "X-Own: 4"));
        ck_assert(has_line(answer, "Content-Type: text/xml"));
        ck_assert_uint_eq(count_of(answer, "Content-Type"), 1);
        ck_assert_str_eq(body_of(answer), "body");
        say(GET);
    }
    (void)end_kept();
    bight_http_response_release(response);
    end_site();
}
END_TEST

START_TEST(the_null_of_a_response_that_could_not_be_made_is_answered_500) /* A2 */
{
    begin();
    struct bight_http_response *response = bight_http_response_new(600);
    ck_assert_ptr_null(response);
    ck_assert_ptr_null(bight_http_response_hold(response));
    ck_assert_int_eq(bight_http_response_set(response, "A", "b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_response_add(response, "A", "b"), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_response_set_body(response, NULL, "a", 1), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_response_take_bytes(response, NULL, bight_bytes_new("a", 1)), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_http_response_status(response), 0);
    ck_assert_ptr_null(bight_http_response_field(response, "A"));
    ck_assert_ptr_null(bight_http_response_body(response));
    (void)bight_http_respond_response(kept, response);
    bight_http_response_release(response);
    ck_assert(has_line(end_kept(), "HTTP/1.1 500 Internal Server Error"));
    end_site();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_field_that_is_set_replaces_and_one_that_is_added_does_not);
    tcase_add_test(tests, what_no_message_may_hold_is_refused_with_a_code);
    tcase_add_test(tests, fields_are_bounded);
    tcase_add_loop_test(tests, a_request_is_answered_once, 0, 2);
    tcase_add_test(tests, the_last_hold_that_goes_without_an_answer_is_500);
    tcase_add_test(tests, the_last_hold_that_goes_in_the_middle_aborts);
    tcase_add_test(tests, an_answer_may_end_the_connection);
    tcase_add_test(tests, pieces_of_any_size_arrive);
    tcase_add_test(tests, pieces_that_are_counted_bytes_arrive);
    tcase_add_test(tests, counted_bytes_count_against_what_was_announced);
    tcase_add_test(tests, the_null_of_bytes_that_could_not_be_made_aborts);
    tcase_add_loop_test(tests, more_or_less_than_was_announced_aborts, 0, 2);
    tcase_add_loop_test(tests, an_abort_is_legal_at_any_time, 0, 2);
    tcase_add_loop_test(tests, a_failure_is_answered_with_its_status, 0, 8);
    tcase_add_test(tests, a_page_of_an_error_does_not_pass_for_what_was_to_be_answered);
    tcase_add_loop_test(tests, a_redirect_leads_to_a_path_or_a_url_and_nowhere_else, 0, 10);
    tcase_add_test(tests, a_response_is_sent_once_or_many_times);
    tcase_add_test(tests, the_null_of_a_response_that_could_not_be_made_is_answered_500);
}

BIGHT_TEST_MAIN("http_answer", add_tests)
