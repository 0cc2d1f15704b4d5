/* SPDX-License-Identifier: MIT */
/* Tests of what a served directory does not show (protocols/http/files/below.c, name.c): paths and links that lead out,
 * what is hidden, what is no file; directories that are swapped for links meanwhile. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "files_support.h"
#include "http/files/below.h"
#include "http/files/name.h"

#define SECRET "this is not to be seen"
#define TRIES 4000

static const struct bight_http_files_options following = { .size = sizeof following, .follow_links = true };
static const struct bight_http_files_options showing_dots = { .size = sizeof showing_dots, .dot_files = true };

/* Beside what is served. */
static void write_secret(void)
{
    write_old("../secret.txt", SECRET);
    write_old("../outside/secret.txt", SECRET);
}

static bool is_refused(const char *answer)
{
    return (has_line(answer, "HTTP/1.1 404 Not Found") || has_line(answer, "HTTP/1.1 400 Bad Request")) &&
           strstr(answer, SECRET) == NULL && strstr(answer, directory) == NULL;
}

START_TEST(no_spelling_of_a_path_leads_out) /* F1, A1 */
{
    static const char *const paths[] = { "/static/../secret.txt", "/static/%2e%2e/secret.txt",
        "/static/%2E./secret.txt", "/static/..%2fsecret.txt", "/static/..%5csecret.txt", "/static/..\\secret.txt",
        "/static/dir/../../secret.txt", "/static/dir%2f..%2f..%2fsecret.txt", "/static/%252e%252e/secret.txt",
        "/static/%252e%252e%252fsecret.txt", "/static//../secret.txt", "/static//etc/passwd", "/static/dir//file.txt",
        "/static/%2fetc/passwd", "/static/file.txt%00.html", "/static/%00", "/static/./file.txt", "/static/..",
        "/static/...", "/static/.../secret.txt", "/static/file.txt.", "/static/dir./file.txt",
        "/static/%c0%ae%c0%ae/secret.txt", "/static/file.txt/", "/static/file.txt/x", "/static/%ff%fe" };
    begin_files(NULL);
    write_secret();
    write_old("file.txt", "file");
    write_old("dir/file.txt", "file");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *answer = get(paths[i]);
        ck_assert_msg(is_refused(answer), "%s: %s", paths[i], answer);
        bight_string_peer_free(peer);
        connect_peer();
    }
    ck_assert_uint_eq(other_errors, 0);
    end_files();
}
END_TEST

START_TEST(a_name_that_is_too_long_is_not_there) /* F1 */
{
    char path[4000] = "/static/";
    begin_files(NULL);
    memset(path + 8, 'a', 300);
    ck_assert(is_refused(get(path)));
    for (size_t i = 8; i < 3000; i++) {
        path[i] = i % 2 == 0 ? 'a' : '/';
    }
    char request[4100];
    (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    say(request);
    work();
    ck_assert(is_refused(take_answer()));
    ck_assert_uint_eq(other_errors, 0);
    end_files();
}
END_TEST

START_TEST(hidden_names_are_not_there_unless_that_is_asked_for) /* F1 */
{
    static const char *const paths[] = { "/static/.env", "/static/.git/config", "/static/%2eenv", "/static/dir/.x/y" };
    for (int shows = 0; shows < 2; shows++) {
        begin_files(shows ? &showing_dots : NULL);
        write_old(".env", "env");
        write_old(".git/config", "config");
        write_old("dir/.x/y", "y");
        for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
            ck_assert_msg(
                has_line(get(paths[i]), shows ? "HTTP/1.1 200 OK" : "HTTP/1.1 404 Not Found"), "%s", paths[i]);
        }
        end_files();
    }
}
END_TEST

static void make_links(void)
{
    write_secret();
    write_old("dir/file.txt", "inside");
    ck_assert_int_eq(symlink("dir/file.txt", in_directory("in")), 0);
    ck_assert_int_eq(symlink("../dir", in_directory("dir/again")), 0);
    ck_assert_int_eq(symlink("../secret.txt", in_directory("out")), 0);
    ck_assert_int_eq(symlink("../outside", in_directory("out_dir")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", in_directory("absolute")), 0);
    ck_assert_int_eq(symlink("loop", in_directory("loop")), 0);
    ck_assert_int_eq(symlink("/proc/self/root/etc/passwd", in_directory("magic")), 0);
    ck_assert_int_eq(symlink("../root/dir/file.txt", in_directory("out_and_in")), 0);
}

START_TEST(links_that_stay_inside_are_followed_and_others_are_not_there) /* F1 */
{
    static const char *const out[] = { "/static/out", "/static/out_dir/secret.txt", "/static/absolute", "/static/loop",
        "/static/magic", "/static/out_and_in", "/static/out_dir", "/static/out_dir/" };
    begin_files(NULL);
    make_links();
    ck_assert_str_eq(body_of(get("/static/in")), "inside");
    ck_assert_str_eq(body_of(get("/static/dir/again/again/file.txt")), "inside");
    for (size_t i = 0; i < sizeof out / sizeof *out; i++) {
        ck_assert_msg(is_refused(get(out[i])), "%s", out[i]);
    }
    ck_assert_uint_eq(other_errors, 0);
    end_files();
}
END_TEST

START_TEST(links_lead_anywhere_when_that_is_asked_for) /* F1 */
{
    begin_files(&following);
    make_links();
    ck_assert_str_eq(body_of(get("/static/out")), SECRET);
    ck_assert_str_eq(body_of(get("/static/out_dir/secret.txt")), SECRET);
    ck_assert(is_refused(get("/static/magic")));
    ck_assert(is_refused(get("/static/loop")));
    end_files();
}
END_TEST

/* As where the kernel has no openat2, or a filter refuses it. */
START_TEST(without_openat2_a_name_is_walked_and_no_link_followed) /* F1 */
{
    struct bi_below below;
    struct stat status;
    begin_files(NULL);
    make_links();
    ck_assert_int_eq(bi_below_init(&below, directory, false), 0);
    atomic_store(&below.has_openat2, false);
    atomic_store(&below.has_peek, false);
    ck_assert_int_eq(bi_below_stat(&below, "dir/file.txt", &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    ck_assert_int_eq(bi_below_stat(&below, ".", &status), 0);
    ck_assert_int_eq(bi_below_stat(&below, "dir/none", &status), -ENOENT);
    ck_assert_int_eq(bi_below_stat(&below, "out_dir/secret.txt", &status), -ENOTDIR);
    ck_assert_int_eq(bi_below_open(&below, "in", O_RDONLY), -ELOOP);
    ck_assert_int_eq(bi_below_open(&below, "out", O_RDONLY), -ELOOP);
    ck_assert(bi_below_stat(&below, "out", &status) != 0 || S_ISLNK(status.st_mode));
    ck_assert_int_eq(bi_below_peek(&below, "dir/file.txt", &status), -EAGAIN);
    char path[600];
    memset(path, 'a', sizeof path);
    path[sizeof path - 3] = '/';
    path[sizeof path - 1] = '\0';
    ck_assert_int_eq(bi_below_open(&below, path, O_RDONLY), -ENAMETOOLONG);
    bi_below_finish(&below);
    end_files();
}
END_TEST

START_TEST(what_is_no_file_is_not_there_and_is_not_opened) /* F1 */
{
    begin_files(&following);
    ck_assert_int_eq(mkfifo(in_directory("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("/dev/zero", in_directory("device")), 0);
    ck_assert_int_eq(symlink("/dev/tty", in_directory("terminal")), 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", in_directory("socket"));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    static const char *const paths[] = { "/static/fifo", "/static/device", "/static/terminal", "/static/socket" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ck_assert_msg(is_refused(get(paths[i])), "%s", paths[i]);
    }
    ck_assert_int_eq(open(in_directory("fifo"), O_WRONLY | O_NONBLOCK), -1); /* nobody reads it, nor did */
    ck_assert_int_eq(errno, ENXIO);
    ck_assert_uint_eq(other_errors, 0);
    close(fd);
    end_files();
}
END_TEST

START_TEST(the_directory_stays_the_one_that_was_opened) /* F1 */
{
    begin_files(NULL);
    write_old("file.txt", "file");
    char moved[128], from[128];
    (void)snprintf(from, sizeof from, "%s", directory);
    (void)snprintf(moved, sizeof moved, "%s.moved", directory);
    ck_assert_int_eq(rename(from, moved), 0);
    ck_assert_int_eq(symlink("/etc", from), 0);
    ck_assert_str_eq(body_of(get("/static/file.txt")), "file");
    ck_assert(is_refused(get("/static/passwd")));
    end_files();
}
END_TEST

/* ------------------------------------------------------------------------------------------------ a race */

static atomic_bool stops;

/* "dir" is a directory of what may be seen, and a link to where the secret is, in turn. */
static void *swap(void *context)
{
    char names[3][256];
    (void)context;
    (void)snprintf(names[0], sizeof names[0], "%s/dir", directory);
    (void)snprintf(names[1], sizeof names[1], "%s/good", directory);
    (void)snprintf(names[2], sizeof names[2], "%s/bad", directory);
    while (!atomic_load(&stops)) {
        (void)rename(names[0], names[1]);
        (void)rename(names[2], names[0]);
        (void)rename(names[0], names[2]);
        (void)rename(names[1], names[0]);
        (void)sched_yield();
    }
    return NULL;
}

static void race(struct bi_below *below, size_t *inside)
{
    static const char *const names[] = { "dir/secret.txt", "dir/deep/secret.txt", "deep_in/secret.txt" };
    for (int i = 0; i < TRIES || (*inside == 0 && i < 100 * TRIES); i++) {
        char text[64] = "";
        int descriptor = bi_below_open(below, names[i % 3], O_RDONLY);
        if (descriptor >= 0) {
            ck_assert_int_ge(read(descriptor, text, sizeof text - 1), 0);
            close(descriptor);
            ck_assert_str_eq(text, "public");
            ++*inside;
        }
    }
}

START_TEST(a_directory_that_is_swapped_for_a_link_meanwhile_never_leads_out) /* F1 */
{
    struct bi_below below;
    pthread_t thread;
    size_t inside = 0;
    begin_files(NULL);
    write_secret();
    write_old("../outside/deep/secret.txt", SECRET);
    write_old("dir/secret.txt", "public");
    write_old("dir/deep/secret.txt", "public");
    ck_assert_int_eq(symlink("../outside", in_directory("bad")), 0);
    ck_assert_int_eq(symlink("dir/deep/../deep", in_directory("deep_in")), 0);
    ck_assert_int_eq(bi_below_init(&below, directory, false), 0);
    atomic_store(&below.has_openat2, _i == 0);
    atomic_store(&stops, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, swap, NULL), 0);
    race(&below, &inside);
    for (int i = 0; i < TRIES / 4; i++) {
        const char *answer = get("/static/dir/secret.txt");
        ck_assert_ptr_null(strstr(answer, SECRET));
        bight_testing_advance(reactor, 1);
    }
    atomic_store(&stops, true);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_gt(inside, 0);
    bi_below_finish(&below);
    end_files();
}
END_TEST

/* ----------------------------------------------------------------------------------------------- names */

START_TEST(names_are_ordered_as_people_count) /* F3 */
{
    static const char *const names[] = { "", "1", "01", "2", "9", "10", "100", "a", "A1", "a2", "a02", "a10b", "a10c",
        "b", "\xc3\xa4" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t j = 0; j < sizeof names / sizeof *names; j++) {
            int order = bi_files_compare_names(names[i], names[j]);
            bool is_same_number = i != j && order != 0 &&
                                  (strspn(names[i], "0") > 0 || strspn(names[j], "0") > 0 || strstr(names[i], "a02") ||
                                      strstr(names[j], "a02"));
            ck_assert_msg(
                is_same_number || (order > 0) - (order < 0) == (i > j) - (i < j), "%s %s", names[i], names[j]);
            ck_assert_int_eq(
                (bi_files_compare_names(names[j], names[i]) > 0) - (bi_files_compare_names(names[j], names[i]) < 0),
                (order < 0) - (order > 0));
        }
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, no_spelling_of_a_path_leads_out);
    tcase_add_test(tests, a_name_that_is_too_long_is_not_there);
    tcase_add_test(tests, hidden_names_are_not_there_unless_that_is_asked_for);
    tcase_add_test(tests, links_that_stay_inside_are_followed_and_others_are_not_there);
    tcase_add_test(tests, links_lead_anywhere_when_that_is_asked_for);
    tcase_add_test(tests, without_openat2_a_name_is_walked_and_no_link_followed);
    tcase_add_test(tests, what_is_no_file_is_not_there_and_is_not_opened);
    tcase_add_test(tests, the_directory_stays_the_one_that_was_opened);
    tcase_add_loop_test(tests, a_directory_that_is_swapped_for_a_link_meanwhile_never_leads_out, 0, 2);
    tcase_add_test(tests, names_are_ordered_as_people_count);
}

BIGHT_TEST_MAIN("http_files_refused", add_tests)
