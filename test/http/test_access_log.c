/* SPDX-License-Identifier: MIT */
/* Tests of the access log (protocols/http/middleware/access_log.c, log_sink.c): what is noted of requests; when lines
 * are written, and by whom; disks that are slow, full or gone. */
#include <errno.h>
#include <fcntl.h>

#include "job_support.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a.example\r\n\r\n"

static char lines[1 << 18];
static size_t calls;
static struct bight_http_request *held;
static char warnings[2048];
static size_t warning_count;

static void gather(const char *text, size_t size, void *context)
{
    ck_assert_str_eq(context, "context");
    ck_assert_int_eq(text[size - 1], '\n');
    ck_assert_uint_lt(strlen(lines) + size, sizeof lines);
    strncat(lines, text, size);
    calls++;
}

static void note_warning(const struct bight_log_event *event, void *context)
{
    (void)context;
    if (event->level >= BIGHT_LOG_WARNING) {
        (void)snprintf(warnings, sizeof warnings, "%s", event->message);
        warning_count++;
    }
}

static void hello(struct bight_http_request *request, void *context)
{
    (void)context;
    (void)bight_http_respond_text(request, 200, "Hello");
}

static void keep(struct bight_http_request *request, void *context)
{
    (void)context;
    held = bight_http_request_hold(request);
}

static void cut(struct bight_http_request *request, void *context)
{
    (void)context;
    bight_http_respond_abort(request);
}

static void begin(struct bight_http_access_log_options options)
{
    lines[0] = '\0';
    calls = warning_count = 0;
    begin_site(NULL);
    bight_log_set_observer(note_warning, NULL);
    add_route("/hello/{name}", hello);
    add_route("/kept", keep);
    add_route("/cut", cut);
    options.size = sizeof options;
    ck_assert_int_eq(bight_http_use_access_log(site, &options), 0);
    (void)connect_peer();
}

static void begin_gathering(struct bight_http_access_log_options options)
{
    options.write = gather;
    options.context = (void *)(uintptr_t) "context";
    begin(options);
}

static const char *gathered(void)
{
    bight_testing_advance(reactor, 1.1);
    return lines;
}

static void begin_file(struct bight_http_access_log_options options)
{
    make_directory();
    options.path = in_directory("log");
    begin(options);
    hold_jobs();
}

static size_t size_of(const char *name)
{
    struct stat status;
    return stat(in_directory(name), &status) == 0 ? (size_t)status.st_size : 0;
}

static void say_often(const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++) {
        (void)say(text);
        bight_string_clear(peer);
    }
}

/* -------------------------------------------------------------------------------- what is in a line */

START_TEST(a_request_has_a_line_at_its_end) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .with_pattern = true });
    (void)say("GET /hello/x?y HTTP/1.1\r\nHost: a.example\r\nReferer: r\r\nUser-Agent: u\r\n"
              "Authorization: secret\r\nCookie: secret\r\n\r\n");
    const char *text = gathered();
    ck_assert_ptr_nonnull(strstr(text, " - - ["));
    ck_assert_ptr_nonnull(strstr(text, "] \"GET /hello/x?y HTTP/1.1\" 200 5 \"r\" \"u\" \"/hello/{name}\"\n"));
    ck_assert_ptr_null(strstr(text, "secret"));
    end_site();
}
END_TEST

START_TEST(a_line_in_json_can_be_had) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .format = BIGHT_HTTP_LOG_JSON, .with_seconds = true });
    (void)say("GET /hello/x HTTP/1.0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(gathered(), "\"method\":\"GET\",\"target\":\"/hello/x\",\"version\":\"1.0\","
                                             "\"status\":200,\"bytes\":5,\"seconds\":0.000}\n"));
    end_site();
}
END_TEST

START_TEST(what_was_not_answered_is_noted) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .with_seconds = true });
    (void)say(_i == 0 ? GET("/kept") : GET("/cut"));
    bight_testing_advance(reactor, 0.5);
    if (_i == 0) {
        bight_string_reset(peer, ECONNRESET);
        settle();
        bight_http_request_release(held);
    }
    ck_assert_ptr_nonnull(strstr(gathered(), _i == 0 ? "\" 499 0 \"-\" \"-\" 0.500\n" : "\" 444 0 "));
    end_site();
}
END_TEST

START_TEST(one_that_has_gone_has_its_address) /* A6 */
{
    struct bight_address address;
    begin_gathering((struct bight_http_access_log_options) { .size = 0 });
    ck_assert_int_eq(bight_address_parse_ip(&address, "192.0.2.1", 1), 0);
    bight_string_peer_free(peer);
    peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, NULL, &address);
    (void)say(GET("/kept"));
    bight_string_reset(peer, ECONNRESET);
    settle();
    bight_http_request_release(held);
    ck_assert_int_eq(strncmp(gathered(), "192.0.2.1 - - [", 15), 0);
    end_site();
}
END_TEST

START_TEST(connections_in_a_row_have_addresses_of_their_own) /* A6, A8 */
{
    char from[32];
    struct bight_address address;
    begin_gathering((struct bight_http_access_log_options) { .size = 0 });
    for (unsigned i = 1; i < 10; i++) { /* in the same memory, mostly */
        bight_string_peer_free(peer);
        (void)snprintf(from, sizeof from, i % 2 == 0 ? "192.0.2.%u" : "2001:db8::%u", i);
        ck_assert_int_eq(bight_address_parse_ip(&address, from, 1), 0);
        peer = bight_string_connect_at(reactor, bight_http_site_factory(site), true, NULL, &address);
        say_often(GET("/hello/x"), 2);
        (void)strcat(from, " - - [");
        ck_assert_uint_eq(count_of(gathered(), from), 2);
    }
    end_site();
}
END_TEST

START_TEST(a_stream_that_is_cut_has_the_bytes_that_went) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .size = 0 });
    (void)say(GET("/kept"));
    (void)bight_http_respond_begin(held, 200, NULL, 10);
    (void)bight_http_respond_write(held, "12345", 5);
    bight_string_reset(peer, ECONNRESET);
    settle();
    bight_http_request_release(held);
    ck_assert_ptr_nonnull(strstr(gathered(), "\" 200 5 "));
    end_site();
}
END_TEST

START_TEST(lines_of_a_second_are_written_together) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .size = 0 });
    say_often(GET("/hello/x"), 10);
    ck_assert_uint_eq(calls, 0);
    ck_assert_uint_eq(count_of(gathered(), "\n"), 10);
    ck_assert_uint_eq(calls, 1);
    say_often(GET("/hello/x"), 1);
    ck_assert_uint_eq(count_of(gathered(), "\n"), 11);
    end_site();
}
END_TEST

START_TEST(what_is_gathered_is_written_when_the_site_is_freed) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .size = 0 });
    say_often(GET("/hello/x"), 3);
    end_site();
    ck_assert_uint_eq(count_of(lines, "\n"), 3);
}
END_TEST

START_TEST(much_is_written_before_its_time) /* A6 */
{
    begin_gathering((struct bight_http_access_log_options) { .buffer = 1 });
    say_often(GET("/hello/x"), 1000);
    ck_assert_uint_gt(calls, 0);
    ck_assert_uint_lt(calls, 10);
    ck_assert_uint_eq(count_of(gathered(), "\n"), 1000);
    end_site();
}
END_TEST

/* ------------------------------------------------------------------------------------ files */

START_TEST(a_thread_writes_the_file) /* A6 */
{
    begin_file((struct bight_http_access_log_options) { .size = 0 });
    say_often(GET("/hello/x"), 2);
    ck_assert_uint_eq(job_count, 0);
    bight_testing_advance(reactor, 1.1);
    ck_assert_uint_eq(job_count, 1);
    ck_assert_uint_eq(size_of("log"), 0);
    ck_assert_uint_eq(work(), 1);
    size_t size = size_of("log");
    ck_assert_uint_gt(size, 0);
    say_often(GET("/hello/x"), 2);
    end_site();
    ck_assert_uint_eq(size_of("log"), 2 * size);
    remove_directory();
}
END_TEST

START_TEST(the_end_comes_behind_a_job_that_has_not_begun) /* A6 */
{
    begin_file((struct bight_http_access_log_options) { .size = 0 });
    (void)say(GET("/hello/1"));
    bight_testing_advance(reactor, 1.1);
    (void)say(GET("/hello/2"));
    bight_http_site_free(site);
    site = NULL;
    char text[512] = "";
    FILE *file = fopen(in_directory("log"), "r");
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    ck_assert_uint_gt(size, 0);
    ck_assert_ptr_nonnull(strstr(text, "/hello/1"));
    ck_assert(strstr(text, "/hello/1") < strstr(text, "/hello/2"));
    ck_assert_uint_eq(work(), 1);
    ck_assert_uint_eq(size_of("log"), size);
    end_site();
    remove_directory();
}
END_TEST

START_TEST(a_disk_that_is_slow_has_lines_dropped_which_is_said_now_and_then) /* A6 */
{
    begin_file((struct bight_http_access_log_options) { .buffer = 1 });
    static char request[1000];
    (void)snprintf(request, sizeof request, "GET /hello/%0800d HTTP/1.1\r\nHost: a\r\n\r\n", 7);
    say_often(request, 500);
    ck_assert_uint_eq(job_count, 1);
    ck_assert_uint_eq(warning_count, 1);
    ck_assert_ptr_nonnull(strstr(warnings, "dropped, 1 since"));
    bight_testing_advance(reactor, 11);
    say_often(request, 10);
    ck_assert_uint_eq(warning_count, 2);
    ck_assert_uint_ge(work(), 2);
    ck_assert_uint_gt(size_of("log"), 65536);
    say_often(GET("/hello/x"), 1);
    ck_assert_uint_eq(warning_count, 2);
    end_site();
    remove_directory();
}
END_TEST

START_TEST(a_rotated_file_is_opened_again) /* A6 */
{
    begin_file((struct bight_http_access_log_options) { .size = 0 });
    (void)say(GET("/hello/1"));
    bight_testing_advance(reactor, 1.1);
    (void)work();
    size_t size = size_of("log");
    ck_assert_int_eq(rename(in_directory("log"), in_directory("log.1")), 0);
    (void)say(GET("/hello/2"));
    bight_http_access_log_reopen(site);
    ck_assert_uint_eq(work(), 1);
    ck_assert_uint_eq(size_of("log"), size);
    ck_assert_uint_eq(size_of("log.1"), size);
    bight_http_access_log_reopen(NULL);
    end_site();
    remove_directory();
}
END_TEST

START_TEST(one_that_cannot_be_opened_again_is_said_and_tried_at_the_next_rotation) /* A6 */
{
    begin_file((struct bight_http_access_log_options) { .size = 0 });
    ck_assert_int_eq(unlink(in_directory("log")), 0);
    ck_assert_int_eq(mkdir(in_directory("log"), 0700), 0);
    bight_http_access_log_reopen(site);
    (void)work();
    ck_assert_uint_eq(warning_count, 1);
    say_often(GET("/hello/x"), 1);
    bight_testing_advance(reactor, 1.1);
    (void)work();
    ck_assert_uint_eq(warning_count, 1);
    ck_assert_int_eq(rmdir(in_directory("log")), 0);
    bight_http_access_log_reopen(site);
    (void)work();
    say_often(GET("/hello/x"), 1);
    end_site();
    ck_assert_uint_gt(size_of("log"), 0);
    remove_directory();
}
END_TEST

START_TEST(a_full_disk_is_said_once_and_harms_nobody) /* A6 */
{
    begin((struct bight_http_access_log_options) { .path = "/dev/full" });
    hold_jobs();
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_str_eq(body_of(say(GET("/hello/x"))), "Hello");
        bight_string_clear(peer);
        bight_testing_advance(reactor, 1.1);
        (void)work();
    }
    ck_assert_uint_eq(warning_count, 1);
    ck_assert_ptr_nonnull(strstr(warnings, "/dev/full cannot be written: No space left"));
    (void)say(GET("/hello/x"));
    end_site();
    ck_assert_uint_eq(warning_count, 1);
}
END_TEST

START_TEST(a_reader_that_has_gone_harms_nobody) /* A6 */
{
    char path[64];
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    (void)snprintf(path, sizeof path, "/dev/fd/%d", ends[1]);
    begin((struct bight_http_access_log_options) { .path = path });
    close(ends[0]);
    (void)say(GET("/hello/x"));
    end_site(); /* SIGPIPE would end the test */
    ck_assert_uint_eq(warning_count, 1);
    close(ends[1]);
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_is_a_code) /* A6 */
{
    begin_site(NULL);
    const struct bight_http_access_log_options options = { .size = sizeof options, .path = "/nowhere/at/all" };
    ck_assert_int_eq(bight_http_use_access_log(site, &options), bight_error_from_errno(ENOENT));
    const struct bight_http_access_log_options strange = { .size = sizeof strange, .flush_seconds = -1 };
    ck_assert_int_eq(bight_http_use_access_log(site, &strange), BIGHT_E_INVALID_ARGUMENT);
    ck_assert_int_eq(bight_http_use_access_log(NULL, NULL), BIGHT_E_OUT_OF_MEMORY);
    end_site();
}
END_TEST

/* Behind each injected fault the site serves, or does not begin to. */
static bool play(void *context)
{
    (void)context;
    bool good = true;
    reactor = bight_testing_reactor_new();
    site = bight_http_site_new();
    const struct bight_http_access_log_options options = {
        .size = sizeof options, .path = in_directory("log"), .with_pattern = true
    };
    int code = bight_http_route(site, "/hello/{name}", hello, NULL);
    code = code == 0 ? bight_http_use_access_log(site, &options) : code;
    peer = code == 0 && reactor != NULL ? bight_string_connect(reactor, bight_http_site_factory(site), true) : NULL;
    for (unsigned i = 0; peer != NULL && i < 3; i++) {
        (void)bight_string_feed_text(peer, GET("/hello/x"));
        bight_testing_advance(reactor, 1.1);
        good = good && (bight_string_is_closed(peer) || bight_string_written_text(peer) == NULL ||
                           strstr(bight_string_written_text(peer), "Hello") != NULL || bight_testing_fault_injected());
    }
    bight_string_peer_free(peer);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    peer = NULL;
    return good;
}

START_TEST(every_allocation_of_a_log_may_fail) /* A6, T6 */
{
    make_directory();
    ck_assert_uint_eq(bight_testing_with_faults(play, NULL, 0), 0);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_request_has_a_line_at_its_end);
    tcase_add_test(tests, a_line_in_json_can_be_had);
    tcase_add_loop_test(tests, what_was_not_answered_is_noted, 0, 2);
    tcase_add_test(tests, one_that_has_gone_has_its_address);
    tcase_add_test(tests, connections_in_a_row_have_addresses_of_their_own);
    tcase_add_test(tests, a_stream_that_is_cut_has_the_bytes_that_went);
    tcase_add_test(tests, lines_of_a_second_are_written_together);
    tcase_add_test(tests, what_is_gathered_is_written_when_the_site_is_freed);
    tcase_add_test(tests, much_is_written_before_its_time);
    tcase_add_test(tests, a_thread_writes_the_file);
    tcase_add_test(tests, the_end_comes_behind_a_job_that_has_not_begun);
    tcase_add_test(tests, a_disk_that_is_slow_has_lines_dropped_which_is_said_now_and_then);
    tcase_add_test(tests, a_rotated_file_is_opened_again);
    tcase_add_test(tests, one_that_cannot_be_opened_again_is_said_and_tried_at_the_next_rotation);
    tcase_add_test(tests, a_full_disk_is_said_once_and_harms_nobody);
    tcase_add_test(tests, a_reader_that_has_gone_harms_nobody);
    tcase_add_test(tests, a_path_that_cannot_be_opened_is_a_code);
    tcase_add_test(tests, every_allocation_of_a_log_may_fail);
}

BIGHT_TEST_MAIN("http_access_log", add_tests)
