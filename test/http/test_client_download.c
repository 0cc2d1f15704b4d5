/* SPDX-License-Identifier: MIT */
/* Tests of downloads (protocols/http/client/download.c, partial.c) from a simulated network to real files: whole under
 * their name or not at all, and gone on with where that was asked for. */
#include <bight/protocols/http_download.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>

#include "client_support.h"

#include "directory_support.h"

#define HELLO ANSWER(5, "Hello")
#define TAGGED HEAD_200 "ETag: \"1\"\r\nContent-Length: 10\r\n\r\n"

static struct peer *server;
static struct bight_http_download_options options;
static uint64_t written;
static int64_t length;
static size_t reports;

/* ------------------------------------------------------------------------------------------- the world */

static void note_progress(uint64_t now, int64_t all, void *context)
{
    (void)context;
    ck_assert_uint_gt(now, written);
    written = now;
    length = all;
    reports++;
}

static void note_head(struct bight_http_response *response, void *context)
{
    (void)context;
    hear("head %d", bight_http_response_status(response));
}

static void begin(const char *text)
{
    make_directory();
    begin_world(NULL);
    server = add_peer("server", NULL, text);
    options = (struct bight_http_download_options) { .size = sizeof options, .progress = note_progress };
    written = 0;
    reports = 0;
}

static void end(void)
{
    end_world();
    remove_directory();
}

static void note_size(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    if (failure == NULL) {
        hear("%d", (int)bight_integer_value(bight_result_peek(result, &bight_type_integer)));
    } else if (bight_failure_status(failure) != 0) {
        hear("%s/%d", bight_error_name(bight_failure_code(failure)), bight_failure_status(failure));
    } else {
        hear("%s", bight_error_name(bight_failure_code(failure)));
    }
    bight_result_clear(result);
}

static struct bight_deferred *begin_download(void)
{
    struct bight_deferred *got = bight_http_download(client, "http://server/a", in_directory("a"), &options);
    bight_deferred_add_both(got, note_size, NULL);
    return got;
}

static void download(void)
{
    bight_deferred_release(begin_download());
    pass(2);
}

static bool is_there(const char *name)
{
    return access(in_directory(name), F_OK) == 0;
}

/* ------------------------------------------------------------------------------------------- whole or not */

START_TEST(what_is_downloaded_is_a_file) /* C12 */
{
    struct stat status;
    begin(HELLO);
    options.head = note_head;
    download();
    ck_heard("head 200 5");
    ck_assert(file_holds("a", "Hello", 5));
    ck_assert_uint_eq(count_files(), 1);
    ck_assert_int_eq(stat(in_directory("a"), &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    ck_assert_uint_eq(written, 5);
    ck_assert_int_eq((int)length, 5);
    ck_assert_ptr_nonnull(strstr(server->last, "\r\nAccept-Encoding: identity\r\n"));
    ck_assert_ptr_null(strstr(server->last, "Range"));
    end();
}
END_TEST

START_TEST(a_name_that_is_taken_is_replaced_only_if_asked) /* C12 */
{
    begin(HELLO);
    write_file("a", "old");
    download();
    ck_heard("SYSTEM");
    ck_assert(file_holds("a", "old", 3));
    ck_assert_uint_eq(count_files(), 1);
    options.replace = true;
    options.mode = 0640;
    written = 0;
    download();
    ck_heard("5");
    ck_assert(file_holds("a", "Hello", 5));
    ck_assert_uint_eq(count_files(), 1);
    end();
}
END_TEST

static void say_chunks(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n");
    say_after(talk, 0.5, "6\r\n world\r\n0\r\n\r\n");
}

static void cut_short(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "Content-Length: 10\r\n\r\nHello");
    say_after(talk, 0.1, NULL);
}

static const struct {
    const char *answer;
    void (*script)(struct talk *talk, const char *request);
    uint64_t limit;
    bool resumes;
    const char *expected;
} failures[] = {
    { "HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\nNo", NULL, 0, false, "HTTP_STATUS/404" },
    { "HTTP/1.1 404 X\r\nContent-Length: 2\r\n\r\nNo", NULL, 0, true, "HTTP_STATUS/404" },
    { "HTTP/1.1 206 X\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/5\r\n\r\nNo", NULL, 0, false, "SYNTAX" },
    { "HTTP/1.1 206 X\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/5\r\n\r\nNo", NULL, 0, true, "SYNTAX" },
    { "HTTP/1.1 416 X\r\nContent-Length: 0\r\nContent-Range: bytes */5\r\n\r\n", NULL, 0, true, "HTTP_STATUS/416" },
    { HELLO, NULL, 4, false, "TOO_LONG" }, { NULL, say_chunks, 10, false, "TOO_LONG" },
    { NULL, say_chunks, 10, true, "TOO_LONG" }, { NULL, cut_short, 0, false, "INCOMPLETE" },
    { NULL, cut_short, 0, true, "INCOMPLETE" }, /* nobody could tell of what it is a part */
};

START_TEST(what_is_not_whole_leaves_nothing) /* C12 */
{
    begin(failures[_i].answer);
    server->script = failures[_i].script;
    options.limit = failures[_i].limit;
    options.resume = failures[_i].resumes;
    download();
    ck_heard(failures[_i].expected);
    ck_assert_uint_eq(count_files(), 0);
    end();
}
END_TEST

START_TEST(where_no_file_can_be_made_none_is) /* C12 */
{
    begin(HELLO);
    options.resume = _i == 1;
    ck_assert_int_eq(chmod(directory, 0500), 0);
    if (geteuid() != 0) {
        download();
        ck_heard("SYSTEM");
    }
    ck_assert_int_eq(chmod(directory, 0700), 0);
    struct bight_deferred *got = bight_http_download(client, "http://server/a", "/no/such/place", &options);
    bight_deferred_add_both(got, note_size, NULL);
    bight_deferred_release(got);
    pass(1);
    ck_heard("SYSTEM");
    got = bight_http_download(client, "http://server/a", "/tmp/", &options);
    bight_deferred_add_both(got, note_size, NULL);
    bight_deferred_release(got);
    got = bight_http_download(client, "no url", in_directory("a"), &options);
    bight_deferred_add_both(got, note_size, NULL);
    bight_deferred_release(got);
    ck_heard("INVALID_ARGUMENT SYNTAX");
    end();
}
END_TEST

START_TEST(what_the_disk_refuses_ends_it) /* C12 */
{
    struct rlimit old, small = { 4, 4 };
    begin(_i == 0 ? HELLO : HEAD_200 "ETag: \"1\"\r\nContent-Length: 5\r\n\r\nHello");
    options.resume = _i > 0;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    download();
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_heard("SYSTEM");
    ck_assert_uint_eq(count_files(), 0);
    end();
}
END_TEST

START_TEST(a_download_may_be_cancelled_at_any_moment) /* C1 C12 */
{
    begin(NULL);
    server->script = say_chunks;
    options.resume = _i % 2 == 1;
    struct bight_deferred *got = begin_download();
    pass(0.0002 * _i * _i);
    bight_deferred_cancel(got);
    bight_deferred_release(got);
    pass(2);
    ck_assert(strcmp(heard, "CANCELLED") == 0 || strcmp(heard, "11") == 0);
    ck_assert_uint_eq(count_files(), strcmp(heard, "11") == 0 ? 1 : 0);
    end();
}
END_TEST

START_TEST(a_client_may_go_during_a_download) /* C1 C12 */
{
    begin(NULL);
    server->script = say_chunks;
    struct bight_deferred *got = begin_download();
    pass(0.2);
    bight_http_client_free(client);
    client = NULL;
    bight_deferred_release(got);
    pass(2);
    ck_heard("ABANDONED");
    ck_assert_uint_eq(count_files(), 0);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- going on */

static const char *second; /* what is answered to the second request, and */
static const char *third;  /* to one after it */

static void answer_parts(struct talk *talk, const char *request)
{
    switch (server->requests) {
    case 1:
        say(talk, TAGGED "Hello");
        say_after(talk, 0.1, NULL);
        break;
    case 2:
        ck_assert_ptr_nonnull(strstr(request, "\r\nRange: bytes=5-\r\n"));
        ck_assert_ptr_nonnull(strstr(request, "\r\nIf-Range: \"1\"\r\n"));
        say(talk, second);
        break;
    default:
        ck_assert_ptr_null(strstr(request, "Range:"));
        say(talk, third);
        break;
    }
}

#define PART(range, more) "HTTP/1.1 206 X\r\nContent-Range: bytes " range "\r\n" more "\r\n"
#define WHOLE TAGGED "0123456789"

static const struct {
    const char *second, *third, *expected, *file;
} rests[] = {
    { PART("5-9/10", "Content-Length: 5\r\n") "World", NULL, "10", "HelloWorld" },
    { PART("5-9/10", "ETag: \"1\"\r\nContent-Length: 5\r\n") "World", NULL, "10", "HelloWorld" },
    { PART("5-9/*", "Content-Length: 5\r\n") "World", NULL, "10", "HelloWorld" },
    { WHOLE, NULL, "10", "0123456789" },
    { "HTTP/1.1 416 X\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n", NULL, "5", "Hello" },
    /* What is of something else, or of another place. */
    { "HTTP/1.1 416 X\r\nContent-Range: bytes */4\r\nContent-Length: 0\r\n\r\n", WHOLE, "10", "0123456789" },
    { "HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n", WHOLE, "10", "0123456789" },
    { PART("5-9/10", "ETag: \"2\"\r\nContent-Length: 5\r\n") "World", WHOLE, "10", "0123456789" },
    { PART("5-9/10", "ETag: W/\"1\"\r\nContent-Length: 5\r\n") "World", WHOLE, "10", "0123456789" },
    { PART("4-8/10", "Content-Length: 5\r\n") "World", WHOLE, "10", "0123456789" },
    { PART("5-10/10", "Content-Length: 5\r\n") "World", WHOLE, "10", "0123456789" },
    { PART("x", "Content-Length: 5\r\n") "World", WHOLE, "10", "0123456789" },
    { "HTTP/1.1 206 X\r\nContent-Length: 5\r\n\r\nWorld", WHOLE, "10", "0123456789" },
    /* And again. */
    { PART("4-8/10", "Content-Length: 5\r\n") "World", PART("4-8/10", "Content-Length: 5\r\n") "World", "SYNTAX",
        NULL },
    { PART("5-7/10", "Content-Length: 3\r\n") "Wor", NULL, "INCOMPLETE", NULL },
    { "HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n", NULL, "HTTP_STATUS/503", NULL },
};

START_TEST(what_has_come_is_gone_on_with) /* C12 */
{
    begin(NULL);
    server->script = answer_parts;
    second = rests[_i].second;
    third = rests[_i].third;
    options.resume = true;
    download();
    ck_heard("INCOMPLETE");
    ck_assert(file_holds("a.part", "Hello", 5));
    ck_assert(is_there("a.part.from"));
    written = 0;
    download();
    ck_heard(rests[_i].expected);
    if (rests[_i].file != NULL) {
        ck_assert(file_holds("a", rests[_i].file, strlen(rests[_i].file)));
        ck_assert_uint_eq(count_files(), 1);
    } else {
        ck_assert(is_there("a.part"));
        ck_assert_uint_eq(count_files(), 2);
    }
    ck_assert_uint_eq(server->requests, rests[_i].third != NULL ? 3 : 2);
    end();
}
END_TEST

static const struct {
    const char *fields;
    size_t files;
} validators[] = {
    { "ETag: \"1\"\r\n", 2 },
    { "ETag: W/\"1\"\r\n", 0 },
    { "ETag: 1\r\n", 0 },
    { "Date: Mon, 05 Oct 2026 10:00:00 GMT\r\nLast-Modified: Sun, 04 Oct 2026 10:00:00 GMT\r\n", 2 },
    { "Date: Mon, 05 Oct 2026 10:00:00 GMT\r\nLast-Modified: Mon, 05 Oct 2026 09:59:59 GMT\r\n", 0 },
    { "Last-Modified: Sun, 04 Oct 2026 10:00:00 GMT\r\n", 0 },
};

static void say_with_fields(struct talk *talk, const char *request)
{
    (void)request;
    say(talk, HEAD_200 "Content-Length: 10\r\n");
    say(talk, second);
    say(talk, "\r\nHello");
    say_after(talk, 0.1, NULL);
}

START_TEST(only_what_can_be_told_apart_stays) /* C12 */
{
    begin(NULL);
    server->script = say_with_fields;
    second = validators[_i].fields;
    options.resume = true;
    download();
    ck_heard("INCOMPLETE");
    ck_assert_uint_eq(count_files(), validators[_i].files);
    end();
}
END_TEST

static const char *const froms[] = {
    "",
    "bight part 1\n",
    "bight part 1\nhttp://server/b\n\"1\"\n",
    "bight part 1\nhttp://server/a\n\"1\"",
    "bight part 1\nhttp://server/a\n\"1\"\nmore\n",
    "bight part 2\nhttp://server/a\n\"1\"\n",
    "bight part 1\nhttp://server/ab\n\"1\"\n",
};

START_TEST(a_part_of_nothing_known_is_made_again) /* C12 */
{
    begin(HELLO);
    options.resume = true;
    write_file("a.part", "something else");
    write_file("a.part.from", froms[_i]);
    download();
    ck_heard("5");
    ck_assert_ptr_null(strstr(server->last, "Range"));
    ck_assert(file_holds("a", "Hello", 5));
    ck_assert_uint_eq(count_files(), 1);
    end();
}
END_TEST

START_TEST(two_do_not_download_to_the_same_name) /* C12 */
{
    begin(HELLO);
    options.resume = true;
    write_file("a.part", "");
    int file = open(in_directory("a.part"), O_RDONLY);
    ck_assert_int_eq(flock(file, LOCK_EX), 0);
    download();
    ck_heard("SYSTEM");
    ck_assert_uint_eq(server->requests, 0);
    ck_assert(is_there("a.part"));
    close(file);
    download();
    ck_heard("5");
    end();
}
END_TEST

START_TEST(what_was_cancelled_is_gone_on_with) /* C12 */
{
    begin(NULL);
    server->script = answer_parts;
    second = PART("5-9/10", "Content-Length: 5\r\n") "World";
    options.resume = true;
    struct bight_deferred *got = begin_download();
    pass(0.05);
    bight_deferred_cancel(got);
    bight_deferred_release(got);
    pass(1);
    ck_heard("CANCELLED");
    ck_assert(file_holds("a.part", "Hello", 5));
    written = 0;
    download();
    ck_heard("10");
    ck_assert(file_holds("a", "HelloWorld", 10));
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- much */

static void say_much(struct talk *talk, const char *request)
{
    static char much[MOST_HEARD];
    (void)request;
    memset(much, 'x', sizeof much - 1);
    say(talk, HEAD_200 "Content-Length: 9999900\r\n\r\n");
    for (int i = 0; i < 100; i++) {
        say(talk, much);
    }
}

START_TEST(much_comes_whole_and_piece_by_piece) /* C12 */
{
    begin(NULL);
    server->script = say_much;
    bight_deferred_release(begin_download());
    pass(100);
    ck_heard("9999900");
    ck_assert_uint_gt(reports, 50);
    ck_assert_uint_eq(written, 9999900);
    end();
}
END_TEST

/* ------------------------------------------------------------------------------------------- memory */

static size_t ended;

static void count_end(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_clear(result);
    ended++;
}

static void answer_by_range(struct talk *talk, const char *request)
{
    if (strstr(request, "Range: bytes=5-") != NULL) {
        say(talk, PART("5-9/10", "Content-Length: 5\r\n") "World");
    } else {
        say(talk, TAGGED "Hello");
        hang_up(talk);
    }
}

static bool download_with_faults(void *context)
{
    const struct bight_http_download_options plain = { .size = sizeof plain, .resume = true };
    (void)context;
    bight_log_set_observer(count_errors, NULL);
    network = bight_simulation_new(1);
    struct bight_host *host = network != NULL ? bight_simulation_host(network, "client") : NULL;
    client_reactor = host != NULL ? bight_host_reactor(host) : NULL;
    server = client_reactor != NULL ? make_peer("server", "tcp:80", NULL) : NULL;
    size_t begun = 0;
    ended = 0;
    if (server != NULL) {
        server->script = answer_by_range;
        client = bight_http_client_new(client_reactor, NULL);
        for (; begun < 3; begun++) {
            struct bight_deferred *got = bight_http_download(client, "http://server/a", in_directory("a"), &plain);
            ended += bight_deferred_add_both(got, count_end, NULL) != BIGHT_OK;
            bight_deferred_release(got);
            pass(100);
        }
    }
    if (network != NULL) {
        end_world();
    }
    size_t files = count_files();
    (void)unlink(in_directory("a"));
    (void)unlink(in_directory("a.part"));
    (void)unlink(in_directory("a.part.from"));
    return ended == begun && files <= 3 && count_files() == 0;
}

START_TEST(memory_that_is_refused_ends_the_download) /* C1 C12 */
{
    make_directory();
    ck_assert_uint_eq(bight_testing_with_faults(download_with_faults, NULL, 0), 0);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, what_is_downloaded_is_a_file);
    tcase_add_test(tests, a_name_that_is_taken_is_replaced_only_if_asked);
    tcase_add_loop_test(tests, what_is_not_whole_leaves_nothing, 0, sizeof failures / sizeof *failures);
    tcase_add_loop_test(tests, where_no_file_can_be_made_none_is, 0, 2);
    tcase_add_loop_test(tests, what_the_disk_refuses_ends_it, 0, 2);
    tcase_add_loop_test(tests, a_download_may_be_cancelled_at_any_moment, 0, 60);
    tcase_add_test(tests, a_client_may_go_during_a_download);
    tcase_add_loop_test(tests, what_has_come_is_gone_on_with, 0, sizeof rests / sizeof *rests);
    tcase_add_loop_test(tests, only_what_can_be_told_apart_stays, 0, sizeof validators / sizeof *validators);
    tcase_add_loop_test(tests, a_part_of_nothing_known_is_made_again, 0, sizeof froms / sizeof *froms);
    tcase_add_test(tests, two_do_not_download_to_the_same_name);
    tcase_add_test(tests, what_was_cancelled_is_gone_on_with);
    tcase_add_test(tests, much_comes_whole_and_piece_by_piece);
    tcase_add_test(tests, memory_that_is_refused_ends_the_download);
}

BIGHT_TEST_MAIN("http_client_download", add_tests)
