/* SPDX-License-Identifier: MIT */
/* Tests of files as answers (protocols/http/server/file.c, file_type.c): whole, in parts, under conditions; what is no
 * file; files that change meanwhile. */
#include <fcntl.h>

#include "http/server/file_type.h"
#include "job_support.h"

#define AT(method, more) method " / HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define THEN 999999000 /* seconds, some before what the clock on the wall of a testing reactor says */
#define DATE "Sun, 09 Sep 2001 01:30:00 GMT"
#define TAG "\"3b9ac618.0-a\""

static const char *path;
static int code;

static void serve(struct bight_http_request *request, void *context)
{
    (void)context;
    code = bight_http_respond_file(request, path);
}

static void set_time(const char *name, time_t seconds)
{
    struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
    ck_assert_int_eq(utimensat(AT_FDCWD, in_directory(name), times, 0), 0);
}

static void begin(void)
{
    code = -1;
    make_directory();
    write_file("file.txt", "0123456789");
    set_time("file.txt", THEN);
    path = in_directory("file.txt");
    begin_site(NULL);
    hold_jobs();
    add_route("/", serve);
    connect_peer();
}

static void end(void)
{
    end_site();
    remove_directory();
}

static const char *ask(const char *text)
{
    say(text);
    work();
    return take_answer();
}

START_TEST(a_file_is_sent_with_what_is_known_of_it) /* F2, F3 */
{
    begin();
    say(AT("GET", ""));
    ck_assert_str_eq(take_answer(), "");
    ck_assert_int_eq(code, 0);
    work();
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Content-Type: text/plain; charset=utf-8"));
    ck_assert(has_line(answer, "Content-Length: 10"));
    ck_assert(has_line(answer, "Last-Modified: " DATE));
    ck_assert(has_line(answer, "ETag: " TAG));
    ck_assert(has_line(answer, "Accept-Ranges: bytes"));
    ck_assert(has_line(answer, "X-Content-Type-Options: nosniff"));
    ck_assert_str_eq(body_of(answer), "0123456789");
    struct bight_http_figures figures = { .size = sizeof figures };
    ck_assert_int_eq(bight_http_site_read_figures(site, &figures), 0);
    ck_assert_uint_eq(figures.bytes_sent, strlen(answer));
    const char *again = ask(AT("GET", "")); /* and the connection goes on */
    ck_assert_str_eq(body_of(again), "0123456789");
    end();
}
END_TEST

START_TEST(the_head_of_a_file_is_its_head_alone) /* H6 */
{
    begin();
    const char *answer = ask(AT("HEAD", "Range: bytes=0-1\r\n"));
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Content-Length: 10"));
    ck_assert_str_eq(body_of(answer), "");
    end();
}
END_TEST

START_TEST(an_empty_file_is_sent_too) /* F2 */
{
    begin();
    write_file("file.txt", "");
    const char *answer = ask(AT("GET", "Range: bytes=-5\r\n"));
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Content-Length: 0"));
    end();
}
END_TEST

START_TEST(a_part_is_206_and_what_lies_behind_the_end_416) /* F2 */
{
    static const struct {
        const char *fields, *status, *range, *body;
    } rows[] = {
        { "Range: bytes=0-0\r\n", "206 Partial Content", "bytes 0-0/10", "0" },
        { "Range: bytes=3-\r\n", "206 Partial Content", "bytes 3-9/10", "3456789" },
        { "Range: bytes=-4\r\n", "206 Partial Content", "bytes 6-9/10", "6789" },
        { "Range: bytes=5-99\r\n", "206 Partial Content", "bytes 5-9/10", "56789" },
        { "Range: bytes=10-\r\n", "416 Range Not Satisfiable", "bytes */10", NULL },
        { "Range: bytes=0-1,3-4\r\n", "200 OK", NULL, "0123456789" },
        { "Range: lines=1-2\r\n", "200 OK", NULL, "0123456789" },
        { "Range: bytes=1-2\r\nIf-Range: " TAG "\r\n", "206 Partial Content", "bytes 1-2/10", "12" },
        { "Range: bytes=1-2\r\nIf-Range: " DATE "\r\n", "206 Partial Content", "bytes 1-2/10", "12" },
        { "Range: bytes=1-2\r\nIf-Range: \"old\"\r\n", "200 OK", NULL, "0123456789" },
        { "Range: bytes=1-2\r\nIf-Range: Sun, 09 Sep 2001 01:29:59 GMT\r\n", "200 OK", NULL, "0123456789" },
    };
    char line[100], request[300];
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(request, sizeof request, AT("GET", "%s"), rows[i].fields);
        const char *answer = ask(request);
        (void)snprintf(line, sizeof line, "HTTP/1.1 %s", rows[i].status);
        ck_assert_msg(has_line(answer, line), "%s%s", request, answer);
        (void)snprintf(line, sizeof line, "Content-Range: %s", rows[i].range != NULL ? rows[i].range : "");
        ck_assert_msg(rows[i].range != NULL ? has_line(answer, line) : strstr(answer, "Content-Range") == NULL, "%s%s",
            request, answer);
        ck_assert_msg(rows[i].body == NULL || strcmp(body_of(answer), rows[i].body) == 0, "%s%s", request, answer);
    }
    end();
}
END_TEST

START_TEST(conditions_are_looked_at_before_ranges) /* A12 */
{
    begin();
    const char *answer = ask(AT("GET", "Range: bytes=0-1\r\nIf-None-Match: W/" TAG "\r\n"));
    ck_assert(has_line(answer, "HTTP/1.1 304 Not Modified"));
    ck_assert(has_line(answer, "ETag: " TAG));
    ck_assert(has_line(ask(AT("GET", "If-Modified-Since: " DATE "\r\n")), "HTTP/1.1 304 Not Modified"));
    ck_assert(has_line(ask(AT("GET", "If-Match: \"old\"\r\n")), "HTTP/1.1 412 Precondition Failed"));
    end();
}
END_TEST

START_TEST(what_has_just_been_written_has_a_weak_tag) /* A12 */
{
    begin();
    set_time("file.txt", 1000000000);
    const char *answer = ask(AT("GET", "Range: bytes=0-1\r\nIf-Range: W/\"3b9aca00.0-a\"\r\n"));
    ck_assert(has_line(answer, "ETag: W/\"3b9aca00.0-a\""));
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    set_time("file.txt", 2000000000);
    ck_assert(has_line(ask(AT("GET", "")), "Last-Modified: Sun, 09 Sep 2001 01:46:41 GMT"));
    end();
}
END_TEST

static void serve_described(struct bight_http_request *request, void *context)
{
    (void)bight_http_respond_set(request, "Content-Type", "text/css");
    (void)bight_http_respond_set(request, "ETag", "\"mine\"");
    (void)bight_http_respond_set(request, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    (void)bight_http_respond_set(request, "Accept-Ranges", "none");
    serve(request, context);
}

START_TEST(what_the_program_says_of_a_file_goes_before) /* F3 */
{
    begin();
    add_route("/described", serve_described);
    const char *answer = ask("GET /described HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(has_line(answer, "Content-Type: text/css"));
    ck_assert_uint_eq(count_of(answer, "Content-Type:"), 1);
    ck_assert_uint_eq(count_of(answer, "ETag: \"mine\""), 1);
    ck_assert_uint_eq(count_of(answer, "Last-Modified: Sun, 06 Nov 1994"), 1);
    ck_assert(has_line(answer, "Accept-Ranges: none"));
    ck_assert(has_line(
        ask("GET /described HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"mine\"\r\n\r\n"), "HTTP/1.1 304 Not Modified"));
    end();
}
END_TEST

START_TEST(what_is_no_file_is_404) /* A2 */
{
    begin();
    ck_assert_int_eq(mkfifo(in_directory("fifo"), 0600), 0);
    const char *const paths[] = { "none", "fifo", ".", "file.txt/more" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        path = in_directory(paths[i]);
        const char *answer = ask(AT("GET", ""));
        ck_assert_msg(has_line(answer, "HTTP/1.1 404 Not Found"), "%s", answer);
        ck_assert_ptr_null(strstr(answer, "bight-http"));
    }
    ck_assert_uint_eq(other_errors, 0);
    end();
}
END_TEST

START_TEST(what_the_file_system_refuses_is_500_and_logged) /* A2 */
{
    begin();
    ck_assert_int_eq(symlink("loop", in_directory("loop")), 0);
    path = in_directory("loop");
    const char *answer = ask(AT("GET", ""));
    ck_assert(has_line(answer, "HTTP/1.1 500 Internal Server Error"));
    ck_assert_uint_eq(other_errors, 1);
    end();
}
END_TEST

/* How many descriptors are open. */
static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 200; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

START_TEST(a_file_that_shrinks_aborts_and_one_that_grows_is_cut) /* F2, H6 */
{
    begin();
    size_t before = count_descriptors();
    say(AT("GET", ""));
    ck_assert_uint_eq(run_jobs(), 1); /* it has been looked at */
    write_file("file.txt", _i == 0 ? "01234" : "0123456789abc");
    work();
    if (_i == 0) {
        ck_assert(bight_string_was_reset(peer));
    } else {
        ck_assert_str_eq(body_of(take_answer()), "0123456789");
    }
    ck_assert_uint_eq(count_descriptors(), before);
    end();
}
END_TEST

START_TEST(nothing_stays_open_when_the_client_has_gone) /* A3 */
{
    begin();
    size_t before = count_descriptors();
    say(AT("GET", ""));
    if (_i > 0) {
        ck_assert_uint_eq(run_jobs(), 1);
    }
    bight_string_reset(peer, 0);
    work();
    ck_assert_uint_eq(count_descriptors(), before);
    end();
}
END_TEST

START_TEST(nothing_stays_open_when_the_client_takes_nothing) /* A3, T6 */
{
    begin();
    size_t before = count_descriptors();
    bight_string_set_window(peer, 20);
    say(AT("GET", ""));
    work();
    ck_assert_uint_eq(count_descriptors(), before + 1);
    bight_string_reset(peer, 0);
    work();
    ck_assert_uint_eq(count_descriptors(), before);
    end();
}
END_TEST

START_TEST(types_are_told_by_the_last_ending) /* F3 */
{
    static const char *const rows[][2] = {
        { "index.html", "text/html; charset=utf-8" },
        { "/a/B.JPG", "image/jpeg" },
        { "a.tar.gz", "application/gzip" },
        { "/a.html/b", "application/octet-stream" },
        { ".html", "application/octet-stream" },
        { "a.", "application/octet-stream" },
        { "", "application/octet-stream" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_str_eq(bi_file_type(rows[i][0]), rows[i][1]);
    }
}
END_TEST

/* ---------------------------------------------------------------------------------------------- no memory */

static bool serve_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && bight_http_route(site, "/", serve, NULL) == BIGHT_OK) {
        hold_jobs();
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        say(context);
        work();
        const char *answer = bight_string_written_text(peer);
        bool is_answered = answer != NULL && strstr(answer, " 206 ") != NULL;
        bool is_whole = is_answered && strcmp(body_of(answer), "12345") == 0;
        good = is_answered ? is_whole || bight_string_was_reset(peer) : bight_testing_fault_injected();
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return good;
}

START_TEST(every_allocation_of_a_file_may_fail) /* F2, T6 */
{
    static char sent[] = AT("GET", "Range: bytes=1-5\r\nIf-None-Match: \"1\"\r\n");
    begin();
    end_site();
    size_t before = count_descriptors();
    ck_assert_uint_eq(bight_testing_with_faults(serve_without_memory, sent, 0), 0);
    ck_assert_uint_eq(count_descriptors(), before);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_file_is_sent_with_what_is_known_of_it);
    tcase_add_test(tests, the_head_of_a_file_is_its_head_alone);
    tcase_add_test(tests, an_empty_file_is_sent_too);
    tcase_add_test(tests, a_part_is_206_and_what_lies_behind_the_end_416);
    tcase_add_test(tests, conditions_are_looked_at_before_ranges);
    tcase_add_test(tests, what_has_just_been_written_has_a_weak_tag);
    tcase_add_test(tests, what_the_program_says_of_a_file_goes_before);
    tcase_add_test(tests, what_is_no_file_is_404);
    tcase_add_test(tests, what_the_file_system_refuses_is_500_and_logged);
    tcase_add_loop_test(tests, a_file_that_shrinks_aborts_and_one_that_grows_is_cut, 0, 2);
    tcase_add_loop_test(tests, nothing_stays_open_when_the_client_has_gone, 0, 2);
    tcase_add_test(tests, nothing_stays_open_when_the_client_takes_nothing);
    tcase_add_test(tests, types_are_told_by_the_last_ending);
    tcase_add_test(tests, every_allocation_of_a_file_may_fail);
}

BIGHT_TEST_MAIN("http_file", add_tests)
