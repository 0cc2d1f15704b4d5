/* SPDX-License-Identifier: MIT */
/* Tests of the bodies of calls that are not plain bytes, on a simulated network: forms, and what a program makes
 * while it is sent. Those of files are in test_client_upload.c, servers that are asked first in test_client_expect.c.
 */
#include <bight/protocols/http_client_bodies.h>

#include "client_support.h"

#define HELLO ANSWER(5, "Hello")

static struct peer *server;

static void begin(const char *text)
{
    begin_world(NULL);
    server = add_peer("server", NULL, text);
}

static struct bight_http_call *post(void)
{
    struct bight_http_call *call = bight_http_call_new(client, "POST", "http://server/");
    ck_assert_ptr_nonnull(call);
    return call;
}

/* Takes the call. */
static void send_it(struct bight_http_call *call)
{
    note(bight_http_call_send(call), "");
}

static const char *body_of(const struct peer *peer)
{
    return strstr(peer->last, "\r\n\r\n") + 4;
}

/* ------------------------------------------------------------------------------------------- forms */

START_TEST(a_form_with_a_file_is_written_as_browsers_do) /* C8 */
{
    char expected[1000], boundary[100];
    begin(HELLO);
    struct bight_http_call *call = post();
    ck_assert_int_eq(bight_http_call_part_text(call, "a \"b\"", "\xc3\xa4\r\n"), 0);
    ck_assert_int_eq(bight_http_call_part_data(call, "c",
                         "1\0"
                         "2",
                         3, "d\".txt", "text/plain; charset=utf-8"),
        0);
    ck_assert_int_eq(bight_http_call_part_text(call, "e", ""), 0);
    send_it(call);
    pass(1);
    ck_heard("200 'Hello'");
    const char *type = strstr(server->last, "Content-Type: multipart/form-data; boundary=");
    ck_assert_ptr_nonnull(type);
    ck_assert_int_eq(sscanf(type, "Content-Type: multipart/form-data; boundary=%99[^\r]", boundary), 1);
    ck_assert_uint_ge(strlen(boundary), 32);
    (void)snprintf(expected, sizeof expected,
        "--%s\r\nContent-Disposition: form-data; name=\"a %%22b%%22\"\r\n\r\n\xc3\xa4\r\n\r\n--%s\r\n"
        "Content-Disposition: form-data; name=\"c\"; filename=\"d%%22.txt\"\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n1",
        boundary, boundary);
    const char *body = body_of(server);
    ck_assert_int_eq(strncmp(body, expected, strlen(expected)), 0);
    (void)snprintf(expected, sizeof expected,
        "2\r\n--%s\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\n\r\n--%s--\r\n", boundary, boundary);
    ck_assert_str_eq(body + strlen(body) + 1, expected);
    end_world();
}
END_TEST

START_TEST(what_no_form_may_hold_fails_the_call) /* C8 C11 */
{
    begin(HELLO);
    struct bight_http_call *calls[] = { post(), post(), post(), post(), post() };
    ck_assert_int_eq(bight_http_call_part_text(calls[0], "a\nb", ""), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_call_part_data(calls[1], "a", "", 0, "b\r", NULL), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_call_part_data(calls[2], "a", "", 0, "b", "text"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_call_form_field(calls[3], "a", "b"), 0);
    ck_assert_int_eq(bight_http_call_part_text(calls[3], "a", "b"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_call_part_text(calls[4], "a", "b"), 0);
    ck_assert_int_eq(bight_http_call_form_field(calls[4], "a", "b"), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_call_part_text(NULL, "a", "b"), BIGHT_E_OUT_OF_MEMORY);
    for (size_t i = 0; i < 5; i++) {
        send_it(calls[i]);
    }
    pass(1);
    ck_heard("INVALID_ARGUMENT INVALID_ARGUMENT INVALID_ARGUMENT INVALID_ARGUMENT INVALID_ARGUMENT");
    ck_assert_uint_eq(usage_errors, 5);
    end_world();
}
END_TEST

START_TEST(a_form_has_an_end_to_its_parts) /* C8 */
{
    begin(HELLO);
    struct bight_http_call *call = post();
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(bight_http_call_part_text(call, "a", "b"), 0);
    }
    ck_assert_int_eq(bight_http_call_part_text(call, "a", "b"), BIGHT_E_LIMIT);
    send_it(call);
    pass(1);
    ck_heard("LIMIT");
    end_world();
}
END_TEST

START_TEST(the_last_body_is_the_body) /* C8 */
{
    begin(HELLO);
    struct bight_http_call *call = post();
    ck_assert_int_eq(bight_http_call_part_text(call, "a", "b"), 0);
    ck_assert_int_eq(bight_http_call_body_file(call, "/nowhere", NULL), 0);
    ck_assert_int_eq(bight_http_call_body_text(call, "abc"), 0);
    send_it(call);
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_str_eq(body_of(server), "abc");
    end_world();
}
END_TEST

/* ------------------------------------------------------------------------------------------- made on the way */

static struct bight_http_upload *upload;
static size_t begun, again_asked, released;
static const char *say_at_once; /* NULL: nothing */

static void begin_body(struct bight_http_upload *given, void *context)
{
    (void)context;
    upload = given;
    begun++;
    if (say_at_once != NULL) {
        ck_assert_int_eq(bight_http_upload_write(upload, say_at_once, strlen(say_at_once)), 0);
        ck_assert_int_eq(bight_http_upload_finish(upload), 0);
        ck_assert_int_eq(bight_http_upload_finish(upload), BIGHT_E_CLOSED);
        ck_assert_int_eq(bight_http_upload_write(upload, "x", 1), BIGHT_E_CLOSED);
    }
}

static bool once_more(void *context)
{
    (void)context;
    again_asked++;
    return true;
}

static void release_source(void *context)
{
    (void)context;
    released++;
}

static const struct bight_http_body_source source = { .size = sizeof source, .begin = begin_body };
static const struct bight_http_body_source repeatable = {
    .size = sizeof repeatable, .begin = begin_body, .again = once_more
};

static struct bight_http_call *produced(int64_t length, const struct bight_http_body_source *with)
{
    const struct bight_http_call_options options = { .size = sizeof options, .expect_from = UINT64_MAX };
    struct bight_http_call *call = post();
    begun = again_asked = released = 0;
    upload = NULL;
    ck_assert_int_eq(bight_http_call_configure(call, &options), 0);
    ck_assert_int_eq(bight_http_call_body_source_full(call, length, "text/plain", with, NULL, release_source), 0);
    return call;
}

/* Of a peer whose requests are chunked: it answers behind the last chunk. */
static void answer_chunked(struct talk *talk)
{
    if (strstr(talk->input, "\r\n0\r\n\r\n") != NULL) {
        answer(talk, talk->size);
    }
}

START_TEST(a_body_of_unknown_length_goes_in_chunks) /* C8 */
{
    begin(HELLO);
    server->hears = answer_chunked;
    say_at_once = NULL;
    send_it(produced(-1, &source));
    pass(1);
    ck_assert_uint_eq(begun, 1);
    ck_assert_int_eq(bight_http_upload_write(upload, "Hello, ", 7), 0);
    pass(100); /* it is the program that takes its time */
    struct bight_bytes *bytes = bight_bytes_new("world", 5);
    ck_assert_int_eq(bight_http_upload_write_bytes(upload, bytes), 0);
    bight_bytes_release(bytes);
    ck_assert_int_eq(bight_http_upload_finish(upload), 0);
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_ptr_nonnull(strstr(server->last, "Transfer-Encoding: chunked\r\n"));
    ck_assert_str_eq(body_of(server), "7\r\nHello, \r\n5\r\nworld\r\n0\r\n\r\n");
    ck_assert_uint_eq(released, 1);
    get("http://server/", ""); /* on the same connection */
    ck_assert_uint_eq(server->accepted, 1);
    end_world();
}
END_TEST

START_TEST(a_body_of_known_length_is_announced) /* C8 */
{
    begin(HELLO);
    say_at_once = "abcde";
    send_it(produced(5, &source));
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_ptr_nonnull(strstr(server->last, "Content-Length: 5\r\n"));
    ck_assert_str_eq(body_of(server), "abcde");
    ck_assert_uint_eq(released, 1);
    end_world();
}
END_TEST

START_TEST(a_body_of_another_length_than_announced_fails) /* C8 */
{
    begin(HELLO);
    say_at_once = NULL;
    send_it(produced(5, &source));
    pass(1);
    ck_assert_int_eq(bight_http_upload_write(upload, "abcdef", 6), BIGHT_E_TOO_LONG);
    pass(1);
    ck_heard("TOO_LONG");
    send_it(produced(5, &source));
    pass(1);
    ck_assert_int_eq(bight_http_upload_write(upload, "abcd", 4), 0);
    ck_assert_int_eq(bight_http_upload_finish(upload), BIGHT_E_INCOMPLETE);
    ck_assert_uint_eq(released, 0);
    pass(1);
    ck_heard("INCOMPLETE");
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(server->requests, 0);
    end_world();
}
END_TEST

START_TEST(a_program_that_cannot_make_it_fails_the_call) /* C8 */
{
    begin(HELLO);
    server->hears = answer_chunked;
    say_at_once = NULL;
    send_it(produced(-1, &source));
    pass(1);
    bight_http_upload_fail(upload, bight_failure_of(BIGHT_E_OVERFLOW));
    bight_http_upload_fail(upload, bight_failure_of(BIGHT_E_OVERFLOW));
    ck_assert_int_eq(bight_http_upload_write(upload, "x", 1), BIGHT_E_CLOSED);
    pass(1);
    ck_heard("OVERFLOW");
    ck_assert_uint_eq(released, 1);
    end_world();
}
END_TEST

static size_t made, paused, stopped;

static void make_piece(void *context)
{
    static const char piece[10000];
    (void)context;
    made++;
    if (bight_http_upload_write(upload, piece, sizeof piece) == 0 && made == 1000) {
        (void)bight_http_upload_finish(upload);
    }
}

static void note_pause(void *context)
{
    (void)context;
    paused++;
}

static void note_stop(void *context)
{
    (void)context;
    stopped++;
}

static const struct bight_producer_ops pulled = { .pause = note_pause, .resume = make_piece, .stop = note_stop };

static void begin_pulled(struct bight_http_upload *given, void *context)
{
    begin_body(given, context);
    ck_assert_int_eq(bight_http_upload_register_producer(given, &pulled, NULL, false), 0);
}

static const struct bight_http_body_source pulled_source = { .size = sizeof pulled_source, .begin = begin_pulled };

START_TEST(a_server_that_does_not_read_makes_the_producer_wait) /* C8 */
{
    begin(HELLO);
    server->is_deaf = true;
    say_at_once = NULL;
    made = stopped = 0;
    struct bight_deferred *sent = bight_http_call_send(produced(10000 * 1000, &pulled_source));
    pass(10);
    ck_assert_uint_ge(made, 1);
    ck_assert_uint_lt(made, 300);
    bight_deferred_cancel(sent);
    note(sent, "");
    pass(1);
    ck_heard("CANCELLED");
    ck_assert_uint_eq(stopped, 1);
    ck_assert_uint_eq(released, 1);
    end_world();
}
END_TEST

static void refuse_at_once(struct talk *talk)
{
    talk->size = 0;
    if (talk->requests++ == 0) {
        say(talk, "HTTP/1.1 413 X\r\nContent-Length: 3\r\n\r\nToo");
    }
}

START_TEST(a_response_before_the_end_of_the_body_is_the_response) /* C8 */
{
    begin(NULL);
    server->hears = refuse_at_once;
    say_at_once = NULL;
    made = stopped = 0;
    send_it(produced(10000 * 1000, &pulled_source));
    pass(5);
    ck_heard("413 'Too'");
    ck_assert_uint_lt(made, 1000);
    ck_assert_uint_eq(stopped, 1);
    ck_assert_uint_eq(released, 1);
    ck_assert_uint_eq(server->open, 0);
    end_world();
}
END_TEST

static void redirect(struct talk *talk, const char *request)
{
    say(talk, strncmp(request, "POST / ", 7) == 0 ? "HTTP/1.1 307 X\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
                                                  : HELLO);
}

START_TEST(a_redirect_asks_whether_the_body_can_be_made_again) /* C4 C8 */
{
    begin(NULL);
    server->script = redirect;
    say_at_once = "abc";
    send_it(produced(3, &repeatable));
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_uint_eq(begun, 2);
    ck_assert_uint_eq(again_asked, 1);
    ck_assert_str_eq(body_of(server), "abc");
    send_it(produced(3, &source));
    pass(1);
    ck_heard("HTTP_STATUS/307");
    ck_assert_uint_eq(begun, 1);
    ck_assert_uint_eq(released, 1);
    end_world();
}
END_TEST

static void see_other(struct talk *talk, const char *request)
{
    say(talk, strncmp(request, "POST / ", 7) == 0 ? "HTTP/1.1 303 X\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
                                                  : HELLO);
}

START_TEST(a_redirect_that_wants_no_body_releases_it) /* C4 C8 */
{
    begin(NULL);
    server->script = see_other;
    say_at_once = "abc";
    send_it(produced(3, &source));
    pass(1);
    ck_heard("200 'Hello'");
    ck_assert_int_eq(strncmp(server->last, "GET /there ", 11), 0);
    ck_assert_ptr_null(strstr(server->last, "Content-"));
    ck_assert_uint_eq(released, 1);
    end_world();
}
END_TEST

static void do_nothing(struct talk *talk, const char *request)
{
    (void)talk;
    (void)request;
}

START_TEST(a_program_that_is_done_is_not_waited_for) /* C3 C8 */
{
    begin(NULL);
    server->script = do_nothing;
    say_at_once = "abc";
    send_it(produced(3, &source));
    pass(59);
    ck_heard("");
    pass(6);
    ck_heard("TIMED_OUT/2");
    end_world();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_form_with_a_file_is_written_as_browsers_do);
    tcase_add_test(tests, what_no_form_may_hold_fails_the_call);
    tcase_add_test(tests, a_form_has_an_end_to_its_parts);
    tcase_add_test(tests, the_last_body_is_the_body);
    tcase_add_test(tests, a_body_of_unknown_length_goes_in_chunks);
    tcase_add_test(tests, a_body_of_known_length_is_announced);
    tcase_add_test(tests, a_body_of_another_length_than_announced_fails);
    tcase_add_test(tests, a_program_that_cannot_make_it_fails_the_call);
    tcase_add_test(tests, a_server_that_does_not_read_makes_the_producer_wait);
    tcase_add_test(tests, a_response_before_the_end_of_the_body_is_the_response);
    tcase_add_test(tests, a_redirect_asks_whether_the_body_can_be_made_again);
    tcase_add_test(tests, a_redirect_that_wants_no_body_releases_it);
    tcase_add_test(tests, a_program_that_is_done_is_not_waited_for);
}

BIGHT_TEST_MAIN("http_client_bodies", add_tests)
