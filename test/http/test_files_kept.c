/* SPDX-License-Identifier: MIT */
/* Tests of what is kept of a served directory (protocols/http/files/cache.c, look_up.c), and for how long: nothing that
 * waits for a disk but the one who asked; changes are seen; memory and descriptors are bounded. */
#include "files_support.h"

#define LARGE 100000 /* bytes: an open descriptor is kept instead */

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 400; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

static void write_large(const char *name, char content, size_t size)
{
    char *text = malloc(size + 1);
    memset(text, content, size);
    text[size] = '\0';
    write_old(name, text);
    free(text);
}

/* The answer's body, and how many jobs it took. */
static const char *fetch(const char *target, size_t *count)
{
    char text[300];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    say(text);
    *count = work();
    const char *answer = take_answer();
    const char *body = body_of(answer);
    return body != NULL ? body : answer;
}

START_TEST(what_was_looked_up_is_good_for_a_second) /* F4 */
{
    size_t count;
    begin_files(NULL);
    write_old("file", "one");
    ck_assert_str_eq(fetch("/static/file", &count), "one");
    ck_assert_uint_eq(count, 1);
    write_old("file", "other");
    ck_assert_str_eq(fetch("/static/file", &count), "one"); /* no look at all */
    ck_assert_uint_eq(count, 0);
    bight_testing_advance(reactor, 1);
    ck_assert_str_eq(fetch("/static/file", &count), "other");
    ck_assert_uint_eq(count, 1);
    bight_testing_advance(reactor, 1);
    ck_assert_int_eq(unlink(in_directory("file")), 0);
    ck_assert_str_eq(fetch("/static/file", &count), "404 Not Found\n");
    end_files();
}
END_TEST

START_TEST(what_has_not_changed_is_not_read_again) /* F4 */
{
    size_t count;
    begin_files(NULL);
    write_old("file", "one");
    write_large("large", 'x', LARGE);
    (void)fetch("/static/file", &count);
    (void)fetch("/static/large", &count);
    for (int i = 0; i < 5; i++) {
        bight_testing_advance(reactor, 1);
        ck_assert_str_eq(fetch("/static/file", &count), "one");
        ck_assert_uint_eq(count, 0);
        ck_assert_uint_eq(strlen(fetch("/static/large", &count)), LARGE);
        ck_assert_uint_eq(count, 0);
    }
    end_files();
}
END_TEST

/* A change within a tick of the file system's clock would leave no trace. */
START_TEST(what_has_just_been_written_is_read_again) /* F4 */
{
    size_t count;
    begin_files(NULL);
    write_old("file", "one");
    set_time("file", 1000000001);
    ck_assert(strstr(get("/static/file"), "ETag: W/\"") != NULL);
    bight_testing_advance(reactor, 1);
    (void)fetch("/static/file", &count);
    ck_assert_uint_eq(count, 1);
    bight_testing_advance(reactor, 2);
    (void)fetch("/static/file", &count);
    ck_assert_uint_eq(count, 1);
    bight_testing_advance(reactor, 1);
    ck_assert(strstr(get("/static/file"), "ETag: \"") != NULL);
    end_files();
}
END_TEST

START_TEST(what_is_kept_does_not_wait_for_a_disk) /* F4 */
{
    begin_files(NULL);
    write_old("kept", "kept");
    write_old("slow", "slow");
    ck_assert_str_eq(body_of(get("/static/kept")), "kept");
    struct bight_string_peer *first = peer;
    say("GET /static/slow HTTP/1.1\r\nHost: x\r\n\r\n");
    settle(); /* and its job does not come back */
    connect_peer();
    for (int i = 0; i < 5; i++) {
        say("GET /static/kept HTTP/1.1\r\nHost: x\r\n\r\n");
        settle();
        ck_assert_str_eq(body_of(take_answer()), "kept");
        bight_testing_advance(reactor, 1);
    }
    struct bight_string_peer *second = peer;
    peer = first;
    ck_assert_str_eq(take_answer(), "");
    work();
    ck_assert_str_eq(body_of(take_answer()), "slow");
    bight_string_peer_free(second);
    end_files();
}
END_TEST

START_TEST(all_who_ask_for_a_name_wait_for_one_look) /* F4 */
{
    enum { COUNT = 8 };
    struct bight_string_peer *peers[COUNT];
    begin_files(NULL);
    write_old("file", "file");
    bight_string_peer_free(peer);
    for (int i = 0; i < COUNT; i++) {
        peers[i] = connect_peer();
        say("GET /static/file HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    settle();
    ck_assert_uint_eq(job_count, 1);
    bight_string_reset(peers[3], 0); /* one has left */
    work();
    for (int i = 0; i < COUNT; i++) {
        peer = peers[i];
        ck_assert(i == 3 || strcmp(body_of(take_answer()), "file") == 0);
        bight_string_peer_free(peer);
    }
    peer = NULL;
    end_files();
}
END_TEST

START_TEST(the_least_used_small_files_go_when_there_are_too_many) /* F4 */
{
    const struct bight_http_files_options options = { .size = sizeof options, .memory_limit = 40000 };
    char name[40], target[60];
    size_t count, looked = 0;
    begin_files(&options);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        write_large(name, 'x', 10000);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10; i++) {
            (void)snprintf(target, sizeof target, "/static/%d", i);
            ck_assert_uint_eq(strlen(fetch(target, &count)), 10000);
            looked += count;
            (void)fetch("/static/0", &count); /* that is used all the time */
            looked += 100 * count;
        }
    }
    ck_assert_uint_eq(looked, 1 + 9 + 9);
    end_files();
}
END_TEST

START_TEST(descriptors_of_large_files_are_few_and_close_soon) /* F4 */
{
    char name[40], target[60];
    size_t count;
    begin_files(NULL);
    size_t before = count_descriptors();
    for (int i = 0; i < 80; i++) {
        (void)snprintf(name, sizeof name, "%d", i);
        write_large(name, 'x', 70000);
        (void)snprintf(target, sizeof target, "/static/%d", i);
        ck_assert_uint_eq(strlen(fetch(target, &count)), 70000);
    }
    ck_assert_uint_eq(count_descriptors(), before + 64);
    bight_testing_advance(reactor, 10);
    ck_assert_uint_eq(count_descriptors(), before);
    end_files();
}
END_TEST

START_TEST(a_large_file_that_shrinks_aborts_and_one_that_grows_is_cut) /* F2 */
{
    begin_files(NULL);
    write_large("large", 'x', 1 << 19);
    size_t count = strlen(body_of(get("/static/large"))), before = count_descriptors();
    ck_assert_uint_eq(count, 1 << 19);
    bight_string_set_window(peer, 100000);
    say("GET /static/large HTTP/1.1\r\nHost: x\r\n\r\n");
    settle();
    FILE *file = fopen(in_directory("large"), _i == 0 ? "w" : "a");
    (void)fputs("more", file);
    (void)fclose(file);
    bight_string_set_window(peer, 1 << 20);
    work();
    if (_i == 0) {
        ck_assert(bight_string_was_reset(peer));
    } else {
        ck_assert_uint_eq(strlen(body_of(take_answer())), 1 << 19);
    }
    ck_assert_uint_eq(count_descriptors(), before);
    end_files();
}
END_TEST

START_TEST(nothing_is_left_when_the_client_or_the_site_has_gone) /* A3 */
{
    begin_files(NULL);
    write_old("small", "small");
    write_large("large", 'x', LARGE);
    size_t before = count_descriptors();
    say(_i % 2 == 0 ? "GET /static/small HTTP/1.1\r\nHost: x\r\n\r\n"
                    : "GET /static/large HTTP/1.1\r\nHost: x\r\n\r\n");
    settle();
    if (_i / 2 == 0) {
        bight_string_reset(peer, 0);
        work();
    } else {
        bight_http_site_free(site);
        site = NULL;
        work();
        ck_assert(has_line(take_answer(), "HTTP/1.1 200 OK")); /* what was under way is answered */
    }
    bight_testing_advance(reactor, 10);
    ck_assert_uint_le(count_descriptors(), before - (_i / 2));
    end_files();
}
END_TEST

START_TEST(a_reactor_that_ends_leaves_nothing) /* R10 */
{
    begin_files(NULL);
    write_large("large", 'x', LARGE);
    bight_string_set_window(peer, 1000);
    ck_assert_uint_gt(strlen(get("/static/large")), 0);
    say("GET /static/other HTTP/1.1\r\nHost: x\r\n\r\n");
    settle();
    end_files();
}
END_TEST

START_TEST(what_is_in_memory_costs_no_allocation) /* H7 */
{
    size_t count;
    begin_files(NULL);
    write_old("small", "small");
    write_large("middle", 'x', 3000);
    for (int i = 0; i < 5; i++) {
        (void)fetch("/static/small", &count);
        (void)fetch("/static/middle", &count);
    }
    static const char *const targets[] = { "/static/small", "/static/middle" };
    for (int i = 0; i < 2; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", targets[i]);
        say(text);
        settle();
        (void)take_answer();
        size_t before = bight_testing_allocation_count();
        say(text);
        settle();
        size_t file = bight_testing_allocation_count() - before;
        (void)take_answer();
        before = bight_testing_allocation_count();
        say("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"); /* what the peer in memory itself takes */
        settle();
        size_t nothing = bight_testing_allocation_count() - before;
        (void)take_answer();
        ck_assert_uint_le(file, nothing);
    }
    end_files();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_was_looked_up_is_good_for_a_second);
    tcase_add_test(tests, what_has_not_changed_is_not_read_again);
    tcase_add_test(tests, what_has_just_been_written_is_read_again);
    tcase_add_test(tests, what_is_kept_does_not_wait_for_a_disk);
    tcase_add_test(tests, all_who_ask_for_a_name_wait_for_one_look);
    tcase_add_test(tests, the_least_used_small_files_go_when_there_are_too_many);
    tcase_add_test(tests, descriptors_of_large_files_are_few_and_close_soon);
    tcase_add_loop_test(tests, a_large_file_that_shrinks_aborts_and_one_that_grows_is_cut, 0, 2);
    tcase_add_loop_test(tests, nothing_is_left_when_the_client_or_the_site_has_gone, 0, 4);
    tcase_add_test(tests, a_reactor_that_ends_leaves_nothing);
    tcase_add_test(tests, what_is_in_memory_costs_no_allocation);
}

BIGHT_TEST_MAIN("http_files_kept", add_tests)
