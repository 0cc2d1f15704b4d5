/* SPDX-License-Identifier: MIT */
/* Tests of bodies that go to a file (protocols/http/server/save.c, draft.c): whole under their name, or nothing of
 * them; how much waits for the thread; all the ways in which it ends. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "job_support.h"

#define POST(target, more) "POST " target " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define FIVE "Content-Length: 5\r\n"
#define LARGE (1 << 20)

static struct bight_http_save_options options;
static const char *path; /* to save to */
static struct bight_deferred *saving;
static intptr_t saved;
static int failed, number, calls;
static uint64_t last_saved;
static int64_t last_length;
static bool cancels;

static void has_saved(struct bight_result *result, void *context)
{
    struct bight_http_request *request = context;
    struct bight_failure *failure = bight_result_take_failure(result);
    if (failure != NULL) {
        failed = bight_failure_code(failure);
        number = bight_failure_errno(failure);
        (void)bight_http_respond_failure(request, failure);
    } else {
        ck_assert_ptr_eq(result->type, &bight_type_integer);
        saved = bight_integer_value(result->value);
        (void)bight_http_respond_empty(request, 201);
    }
    bight_result_discard(result);
}

static void note_progress(struct bight_http_request *request, uint64_t now, int64_t length, void *context)
{
    ck_assert_ptr_eq(context, &options);
    (void)request;
    ck_assert_uint_gt(now, last_saved);
    calls++;
    last_saved = now;
    last_length = length;
    if (cancels) {
        bight_deferred_cancel(saving);
    }
}

static void save(struct bight_http_request *request, void *context)
{
    (void)context;
    saving = bight_http_request_save(request, path, &options);
    ck_assert_int_eq(bight_deferred_add_both(saving, has_saved, request), 0);
}

static void save_tied(struct bight_http_request *request, void *context)
{
    save(request, context);
    (void)bight_deferred_tie(saving, bight_http_request_owner(request));
}

static void say_hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void begin(void)
{
    make_directory();
    path = in_directory("file");
    options = (struct bight_http_save_options) {
        .size = sizeof options,
        .limit = UINT64_MAX,
        .progress = note_progress,
        .context = &options,
    };
    saving = NULL;
    saved = -1;
    failed = number = calls = 0;
    last_saved = 0;
    last_length = -2;
    cancels = false;
    begin_site(NULL);
    hold_jobs();
    add_route("/", say_hello);
    add_route("/save", save);
    add_route("/tied", save_tied);
    connect_peer();
}

static void end(size_t files)
{
    bight_deferred_release(saving);
    end_site();
    ck_assert_uint_eq(count_files(), files);
    remove_directory();
}

static mode_t mode_of(const char *name)
{
    struct stat status;
    ck_assert_int_eq(lstat(in_directory(name), &status), 0);
    return status.st_mode & 07777;
}

static const uint8_t *make_large(void)
{
    static uint8_t large[LARGE];
    for (size_t i = 0; i < sizeof large; i++) {
        large[i] = (uint8_t)(i * 7 + i / 251);
    }
    return large;
}

/* ----------------------------------------------------------------------------------------------- whole */

START_TEST(a_body_gets_its_name_when_it_is_whole) /* A4 */
{
    begin();
    say(POST("/save", FIVE) "123");
    ck_assert_uint_eq(work(), 1);
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert_uint_eq(count_files(), 1);
    say("45");
    work();
    ck_assert(has_line(take_answer(), "HTTP/1.1 201 Created"));
    ck_assert(file_holds("file", "12345", 5));
    ck_assert_int_eq(saved, 5);
    ck_assert_int_eq(mode_of("file"), 0600);
    ck_assert_int_eq(calls, 2);
    ck_assert_uint_eq(last_saved, 5);
    ck_assert_int_eq(last_length, 5);
    ck_assert_str_eq(body_of(say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "Hello");
    end(1);
}
END_TEST

START_TEST(a_chunked_body_is_saved_without_its_chunks) /* A4 */
{
    begin();
    options.mode = 0664;
    say(POST("/save", "Transfer-Encoding: chunked\r\n") "2\r\n12\r\n3\r\n345\r\n0\r\n\r\n");
    work();
    ck_assert(file_holds("file", "12345", 5));
    ck_assert_int_eq(last_length, -1);
    ck_assert_int_eq(mode_of("file"), 0664);
    end(1);
}
END_TEST

START_TEST(no_body_is_an_empty_file) /* A4 */
{
    begin();
    say(POST("/save", ""));
    work();
    ck_assert(has_line(take_answer(), "HTTP/1.1 201 Created"));
    ck_assert(file_holds("file", "", 0));
    ck_assert_int_eq(saved, 0);
    ck_assert_int_eq(calls, 0);
    end(1);
}
END_TEST

START_TEST(options_are_not_needed) /* A4 */
{
    begin();
    say(POST("/save", FIVE) "12");
    bight_deferred_release(saving);
    end_site();
    begin_site(NULL);
    hold_jobs();
    options = (struct bight_http_save_options) { .size = offsetof(struct bight_http_save_options, mode) };
    options.mode = 0777; /* behind what an old caller knows */
    add_route("/save", save);
    connect_peer();
    say(POST("/save", FIVE) "12345");
    work();
    ck_assert(file_holds("file", "12345", 5));
    ck_assert_int_eq(mode_of("file"), 0600);
    end(1);
}
END_TEST

START_TEST(a_file_that_has_the_name_stays_or_is_replaced) /* A4 */
{
    begin();
    write_file("file", "old");
    options.replace = _i == 1;
    options.no_sync = _i == 1;
    say(POST("/save", FIVE) "12345");
    work();
    if (_i == 1) {
        ck_assert(file_holds("file", "12345", 5));
    } else {
        ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
        ck_assert_int_eq(number, EEXIST);
        ck_assert(file_holds("file", "old", 3));
    }
    end(1);
}
END_TEST

START_TEST(a_name_that_was_taken_meanwhile_stays) /* A4 */
{
    begin();
    say(POST("/save", FIVE) "123");
    work();
    write_file("file", "first");
    say("45");
    work();
    ck_assert_int_eq(number, EEXIST);
    ck_assert(file_holds("file", "first", 5));
    end(1);
}
END_TEST

START_TEST(a_link_that_has_the_name_is_replaced_and_not_followed) /* A4 */
{
    begin();
    options.replace = true;
    write_file("other", "other");
    ck_assert_int_eq(symlink("other", path), 0);
    say(POST("/save", FIVE) "12345");
    work();
    ck_assert(file_holds("other", "other", 5));
    ck_assert(file_holds("file", "12345", 5));
    end(2);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ how much */

START_TEST(no_more_is_received_than_the_thread_writes) /* A4 */
{
    const uint8_t *large = make_large();
    begin();
    say(POST("/save", "Content-Length: 1048576\r\n"));
    size_t left = bight_string_feed(peer, large, LARGE);
    ck_assert_uint_le(LARGE - left, 5 * 65536); /* what a thread has, what waits for it, the backlog, a receive */
    ck_assert_uint_gt(left, 0);
    ck_assert_uint_eq(job_count, 1);
    ck_assert_uint_gt(work(), 4);
    ck_assert(file_holds("file", large, LARGE));
    ck_assert_int_eq(saved, LARGE);
    ck_assert(has_line(take_answer(), "HTTP/1.1 201 Created"));
    end(1);
}
END_TEST

START_TEST(a_client_is_not_blamed_for_a_slow_disk) /* A4, H3 */
{
    begin();
    say(POST("/save", "Content-Length: 1048576\r\n"));
    (void)bight_string_feed(peer, make_large(), LARGE);
    bight_testing_advance(reactor, 100);
    ck_assert_int_eq(failed, 0);
    work();
    ck_assert_int_eq(saved, LARGE);
    end(1);
}
END_TEST

/* ----------------------------------------------------------------------------------------------- its ends */

START_TEST(nothing_stays_when_the_client_leaves) /* A3, A4 */
{
    begin();
    say(POST("/save", FIVE) "123");
    if (_i == 1) {
        work();
        ck_assert_uint_eq(count_files(), 1);
    }
    bight_string_reset(peer, 0);
    ck_assert_int_eq(failed, BIGHT_E_CLOSED);
    work();
    ck_assert_uint_eq(count_files(), 0);
    end(0);
}
END_TEST

START_TEST(a_client_that_ends_its_side_too_early_leaves_nothing) /* A3, A4 */
{
    begin();
    say(POST("/save", FIVE) "123");
    work();
    bight_string_end(peer);
    ck_assert_int_eq(failed, BIGHT_E_CLOSED);
    work();
    end(0);
}
END_TEST

START_TEST(a_whole_body_is_saved_though_the_client_goes_unless_it_is_tied) /* A3, A4, D32 */
{
    begin();
    say(_i == 0 ? POST("/save", FIVE) "12345" : POST("/tied", FIVE) "12345");
    bight_string_reset(peer, 0);
    work();
    ck_assert_int_eq(failed, _i == 0 ? 0 : BIGHT_E_CANCELLED);
    ck_assert_int_eq(saved, _i == 0 ? 5 : -1);
    end(_i == 0 ? 1 : 0);
}
END_TEST

START_TEST(a_cancel_removes_the_draft) /* A4 */
{
    begin();
    say(POST("/save", FIVE) "123");
    if (_i > 0) {
        work();
    }
    if (_i > 1) {
        say("4"); /* a job has it */
    }
    bight_deferred_cancel(saving);
    ck_assert_int_eq(failed, BIGHT_E_CANCELLED);
    work();
    ck_assert(has_line(take_answer(), "HTTP/1.1 500 Internal Server Error"));
    ck_assert_uint_eq(count_files(), 0);
    say(_i > 1 ? "5" : "45");
    ck_assert_str_eq(body_of(say("GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "Hello");
    end(0);
}
END_TEST

START_TEST(a_progress_function_may_cancel) /* A4 */
{
    begin();
    cancels = true;
    say(POST("/save", FIVE) "123");
    work();
    ck_assert_int_eq(failed, BIGHT_E_CANCELLED);
    ck_assert_int_eq(calls, 1);
    end(0);
}
END_TEST

START_TEST(a_body_over_the_limit_leaves_nothing) /* A4, H3 */
{
    begin();
    options.limit = 4;
    say(_i == 0 ? POST("/save", FIVE) : POST("/save", "Transfer-Encoding: chunked\r\n") "4\r\n1234\r\n");
    work();
    if (_i == 1) {
        say("1\r\n5\r\n");
        work();
    }
    ck_assert(has_line(take_answer(), "HTTP/1.1 413 Content Too Large"));
    ck_assert_int_eq(failed, BIGHT_E_TOO_LONG);
    end(0);
}
END_TEST

START_TEST(an_encoded_body_is_not_saved) /* A4 */
{
    begin();
    say(POST("/save", FIVE "Content-Encoding: gzip\r\n") "12345");
    work();
    ck_assert(has_line(take_answer(), "HTTP/1.1 415 Unsupported Media Type"));
    end(0);
}
END_TEST

START_TEST(a_route_whose_time_is_over_leaves_nothing) /* A2, A4 */
{
    begin();
    struct bight_http_route_options short_one = { .size = sizeof short_one, .seconds = 5 };
    ck_assert_int_eq(bight_http_route_full(site, "/short", save, NULL, NULL, &short_one), 0);
    say(POST("/short", FIVE) "123");
    work();
    bight_testing_advance(reactor, 5);
    work();
    ck_assert(has_line(take_answer(), "HTTP/1.1 503 Service Unavailable"));
    say("45");
    work();
    ck_assert_int_ne(failed, 0);
    end(0);
}
END_TEST

START_TEST(the_end_of_the_reactor_removes_the_draft) /* A4, R10 */
{
    begin();
    say(POST("/save", FIVE) "123");
    work();
    say("4");
    ck_assert_uint_eq(job_count, 1);
    bight_string_peer_free(peer);
    peer = NULL;
    bight_reactor_free(reactor);
    ck_assert_int_ne(failed, 0);
    ck_assert_uint_eq(count_files(), 0);
    bight_http_site_free(site);
    bight_deferred_release(saving);
    remove_directory();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ refusals */

START_TEST(what_the_disk_refuses_is_the_failure) /* A4 */
{
    struct rlimit old, small = { 4, 4 };
    begin();
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    say(POST("/save", FIVE) "12345");
    work();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert_int_eq(number, EFBIG);
    ck_assert_int_eq(failed, BIGHT_E_SYSTEM);
    const char *answer = take_answer();
    ck_assert(has_line(answer, "HTTP/1.1 500 Internal Server Error"));
    ck_assert_ptr_null(strstr(answer, directory)); /* internals */
    end(0);
}
END_TEST

START_TEST(a_path_that_leads_nowhere_is_a_failure) /* A4 */
{
    static const struct {
        const char *name;
        int number;
    } rows[] = { { "none/file", ENOENT }, { "other/file", ENOTDIR }, { "none", EISDIR } };
    begin();
    write_file("other", "");
    options.replace = true;
    if (_i == 2) {
        ck_assert_int_eq(mkdir(in_directory("none"), 0700), 0);
    }
    path = in_directory(rows[_i].name);
    say(POST("/save", FIVE) "12345");
    work();
    ck_assert_int_eq(number, rows[_i].number);
    if (_i == 2) {
        ck_assert_int_eq(rmdir(in_directory("none")), 0);
    }
    end(1);
}
END_TEST

START_TEST(a_path_without_a_name_is_a_usage_error) /* A4 */
{
    static const char *const paths[] = { "", "/", "a/", "..", "a/.", NULL };
    begin();
    path = paths[_i];
    say(POST("/save", FIVE) "12345");
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert_int_eq(failed, BIGHT_E_INVALID_ARGUMENT);
    ck_assert_uint_eq(job_count, 0);
    end(0);
}
END_TEST

static void consume_and_save(struct bight_http_request *request, void *context)
{
    static const struct bight_http_consumer silent = { .size = sizeof silent };
    ck_assert_int_eq(bight_http_request_consume(request, 0, &silent, NULL), 0);
    save(request, context);
}

START_TEST(a_body_that_has_been_asked_for_is_not_saved_and_its_reader_stays) /* A4 */
{
    begin();
    add_route("/twice", consume_and_save);
    say(POST("/twice", FIVE) "12345");
    ck_assert_int_eq(failed, BIGHT_E_USAGE);
    ck_assert_uint_eq(usage_errors, 1);
    ck_assert_uint_eq(job_count, 0);
    end(0);
}
END_TEST

static void answer_and_save(struct bight_http_request *request, void *context)
{
    save(request, context);
    (void)bight_http_respond_empty(request, 202);
}

START_TEST(a_body_that_was_answered_before_it_came_is_not_saved) /* A2, A4 */
{
    begin();
    add_route("/hasty", answer_and_save);
    say(POST("/hasty", FIVE) "123");
    work();
    ck_assert_int_eq(failed, BIGHT_E_CANCELLED);
    say("45");
    ck_assert_str_eq(body_of(strstr(say("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK")), "Hello");
    end(0);
}
END_TEST

/* ------------------------------------------------------------------------------------------------- no memory */

/* A handler cannot always be added. */
static void save_carelessly(struct bight_http_request *request, void *context)
{
    (void)context;
    saving = bight_http_request_save(request, path, &options);
    if (bight_deferred_add_both(saving, has_saved, request) != BIGHT_OK) {
        bight_deferred_cancel(saving);
    }
}

/* The file is whole or is not there, and who was answered 201 has it. */
static bool save_without_memory(void *context)
{
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    peer = NULL;
    if (reactor != NULL && bight_http_route(site, "/", save_carelessly, NULL) == BIGHT_OK) {
        hold_jobs();
        peer = bight_string_connect(reactor, bight_http_site_factory(site), true);
    }
    if (peer != NULL) {
        saving = NULL;
        last_saved = 0;
        say(context);
        work();
        const char *answer = bight_string_written_text(peer);
        bool is_there = access(path, F_OK) == 0;
        good = !is_there || file_holds("file", "hello world", 11);
        good = good && (answer == NULL || strstr(answer, " 201 ") == NULL || is_there);
        good = good && (is_there || bight_testing_fault_injected());
        bight_deferred_release(saving);
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    (void)unlink(path);
    return good && count_files() == 0;
}

START_TEST(every_allocation_of_a_saving_may_fail) /* A4, T6 */
{
    static char sent[] = POST("/", "Transfer-Encoding: chunked\r\n") "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    begin();
    end_site();
    ck_assert_uint_eq(bight_testing_with_faults(save_without_memory, sent, 0), 0);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_body_gets_its_name_when_it_is_whole);
    tcase_add_test(tests, a_chunked_body_is_saved_without_its_chunks);
    tcase_add_test(tests, no_body_is_an_empty_file);
    tcase_add_test(tests, options_are_not_needed);
    tcase_add_loop_test(tests, a_file_that_has_the_name_stays_or_is_replaced, 0, 2);
    tcase_add_test(tests, a_name_that_was_taken_meanwhile_stays);
    tcase_add_test(tests, a_link_that_has_the_name_is_replaced_and_not_followed);
    tcase_add_test(tests, no_more_is_received_than_the_thread_writes);
    tcase_add_test(tests, a_client_is_not_blamed_for_a_slow_disk);
    tcase_add_loop_test(tests, nothing_stays_when_the_client_leaves, 0, 2);
    tcase_add_test(tests, a_client_that_ends_its_side_too_early_leaves_nothing);
    tcase_add_loop_test(tests, a_whole_body_is_saved_though_the_client_goes_unless_it_is_tied, 0, 2);
    tcase_add_loop_test(tests, a_cancel_removes_the_draft, 0, 3);
    tcase_add_test(tests, a_progress_function_may_cancel);
    tcase_add_loop_test(tests, a_body_over_the_limit_leaves_nothing, 0, 2);
    tcase_add_test(tests, an_encoded_body_is_not_saved);
    tcase_add_test(tests, a_route_whose_time_is_over_leaves_nothing);
    tcase_add_test(tests, the_end_of_the_reactor_removes_the_draft);
    tcase_add_test(tests, what_the_disk_refuses_is_the_failure);
    tcase_add_loop_test(tests, a_path_that_leads_nowhere_is_a_failure, 0, 3);
    tcase_add_loop_test(tests, a_path_without_a_name_is_a_usage_error, 0, 6);
    tcase_add_test(tests, a_body_that_has_been_asked_for_is_not_saved_and_its_reader_stays);
    tcase_add_test(tests, a_body_that_was_answered_before_it_came_is_not_saved);
    tcase_add_test(tests, every_allocation_of_a_saving_may_fail);
}

BIGHT_TEST_MAIN("http_save", add_tests)
