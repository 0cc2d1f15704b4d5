/* SPDX-License-Identifier: MIT */
/* Tests of jars that are saved and loaded (protocols/http/client/cookie_file.c): what is in the file, and what of a
 * file is no good. Jobs of the pool run in the simulation. */
#include "cookies_support.h"
#include "directory_support.h"

#define TOP "# Netscape HTTP Cookie File\n# Saved by bight. It holds secrets.\n\n"

static void begin(void)
{
    make_directory();
    begin_jar(NULL);
}

static void end(size_t files)
{
    end_jar();
    ck_assert_uint_eq(count_files(), files);
    remove_directory();
}

static void note_number(struct bight_result *result, void *context)
{
    struct bight_failure *failure = bight_result_failure(result);
    (void)context;
    if (failure != NULL) {
        hear("%s/%d", bight_error_name(bight_failure_code(failure)), bight_failure_errno(failure));
    } else {
        ck_assert_ptr_eq(result->type, &bight_type_integer);
        hear("%d", (int)bight_integer_value(result->value));
    }
    bight_result_clear(result);
}

/* Takes the Deferred; until it has fired. */
static void wait_for(struct bight_deferred *deferred)
{
    bight_deferred_add_both(deferred, note_number, NULL);
    bight_deferred_release(deferred);
    pass(1);
}

static void save(bool with_session)
{
    wait_for(bight_http_cookie_jar_save(jar, in_directory("jar"), with_session));
}

static void load(void)
{
    wait_for(bight_http_cookie_jar_load(jar, in_directory("jar")));
}

static void ck_file(const char *text)
{
    ck_assert(file_holds("jar", text, strlen(text)));
}

/* ------------------------------------------------------------------------------------------- saving */

START_TEST(a_jar_is_saved_as_cookies_txt) /* C6 */
{
    begin();
    set("https://example.com/x/y", "a=b c; Secure; HttpOnly; Max-Age=100");
    set("http://example.org/", "s=t");
    set("http://example.org/", "nameless; Max-Age=100");
    set("http://example.org/", "tab=a\tb; Max-Age=100");
    set("http://example.org/", "u=v; Max-Age=200");
    save(false);
    ck_file(TOP "#HttpOnly_example.com\tFALSE\t/x\tTRUE\t1893456100\ta\tb c\n"
                "example.org\tFALSE\t/\tFALSE\t1893456200\tu\tv\n");
    save(true);
    ck_file(TOP "#HttpOnly_example.com\tFALSE\t/x\tTRUE\t1893456100\ta\tb c\n"
                "example.org\tFALSE\t/\tFALSE\t0\ts\tt\nexample.org\tFALSE\t/\tFALSE\t1893456200\tu\tv\n");
    ck_heard("2 3");
    end(1);
}
END_TEST

START_TEST(what_has_expired_is_not_saved) /* C6 */
{
    begin();
    set("http://example.org/", "a=b; Max-Age=10");
    pass(11);
    save(true);
    ck_file(TOP);
    end(1);
}
END_TEST

START_TEST(the_file_is_new_and_nobody_elses) /* C6 */
{
    struct stat before, after;
    begin();
    write_file("jar", "old");
    ck_assert_int_eq(chmod(in_directory("jar"), 0644), 0);
    ck_assert_int_eq(stat(in_directory("jar"), &before), 0);
    save(false);
    ck_assert_int_eq(stat(in_directory("jar"), &after), 0);
    ck_assert_uint_eq(after.st_mode & 07777, 0600);
    ck_assert(before.st_ino != after.st_ino);
    ck_file(TOP);
    end(1);
}
END_TEST

START_TEST(what_cannot_be_saved_is_a_failure_and_leaves_nothing) /* C6 */
{
    begin();
    wait_for(bight_http_cookie_jar_save(jar, in_directory("none/jar"), true));
    ck_assert_int_eq(mkdir(in_directory("jar"), 0700), 0);
    save(true);
    ck_assert_int_eq(rmdir(in_directory("jar")), 0);
    wait_for(bight_http_cookie_jar_save(jar, "/", true));
    wait_for(bight_http_cookie_jar_save(jar, NULL, true));
    wait_for(bight_http_cookie_jar_save(NULL, in_directory("jar"), true));
    ck_heard("SYSTEM/2 SYSTEM/21 INVALID_ARGUMENT/0 INVALID_ARGUMENT/0 OUT_OF_MEMORY/0");
    ck_assert_uint_eq(usage_errors, 2);
    end(0);
}
END_TEST

/* ------------------------------------------------------------------------------------------- loading */

START_TEST(what_was_saved_is_loaded) /* C6 */
{
    begin();
    set("https://www.example.com/x/y", "a=1; Secure; HttpOnly; Max-Age=100");
    set("https://www.example.com/", "d=2; Domain=example.com; Path=/");
    set("http://www.example.com/", "s=3; Path=/");
    set("http://[::1]/", "six=6");
    save(true);
    ck_assert_str_eq(sent_to("https://www.example.com/x"), "a=1; d=2; s=3");
    bight_http_cookie_jar_clear(jar);
    load();
    ck_heard("4 0");
    ck_assert_uint_eq(count_cookies(), 4);
    ck_assert_str_eq(sent_to("https://www.example.com/x"), "a=1; d=2; s=3");
    ck_assert_str_eq(sent_to("http://sub.example.com/x"), bi_suffixes_are_known() ? "d=2" : "");
    ck_assert_str_eq(sent_to("http://sub.www.example.com/x"), bi_suffixes_are_known() ? "d=2" : "");
    ck_assert_str_eq(sent_to("http://[::1]/"), "six=6");
    const struct bight_http_kept_cookie *cookie = bight_http_cookie_jar_next(jar, NULL);
    ck_assert(cookie->http_only && cookie->secure && cookie->host_only);
    ck_assert_int_eq(cookie->expires, NOW + 100);
    end(1);
}
END_TEST

START_TEST(bad_lines_are_skipped_and_counted) /* C6 */
{
    begin();
    write_file("jar", "# Netscape HTTP Cookie File\r\n\n"
                      "Example.com\tFALSE\t/\tFALSE\t0\tgood\t1\r\n"
                      "nonsense\n"
                      ".com\tTRUE\t/\tFALSE\t0\tbad\t1\n"
                      "..com\tTRUE\t/\tFALSE\t0\tbad\t1\n"
                      "example.com\tFALSE\t/\tFALSE\t5\texpired\t1\n"
                      "example.com\tFALSE\t/\tFALSE\t99999999999999999999999\tlong\t1\n"
                      "example.com\tFALSE\t/\tFALSE\t0\tlast\t1");
    load();
    ck_heard(bi_suffixes_are_known() ? "3" : "2");
    ck_assert_str_eq(sent_to("http://example.com/"), "good=1; long=1; last=1");
    const struct bight_http_kept_cookie *cookie = bight_http_cookie_jar_find(jar, "http://example.com/", "long");
    ck_assert_int_eq(cookie->expires, NOW + 400 * DAY);
    end(1);
}
END_TEST

START_TEST(the_port_that_wget_writes_is_read_as_nothing) /* C6 */
{
    begin();
    write_file("jar", "example.com:8080\tFALSE\t/\tFALSE\t0\ta\t1\n"
                      "::1\tFALSE\t/\tFALSE\t0\tsix\t1\n"
                      ":80\tFALSE\t/\tFALSE\t0\tnone\t1\n");
    load();
    ck_heard("1");
    ck_assert_str_eq(sent_to("http://example.com/"), "a=1");
    ck_assert_str_eq(sent_to("http://[::1]/"), "six=1");
    end(1);
}
END_TEST

START_TEST(what_the_jar_has_stays) /* C6 */
{
    begin();
    write_file("jar", "example.com\tFALSE\t/\tFALSE\t0\ta\told\nexample.com\tFALSE\t/\tFALSE\t0\tb\told\n");
    set("http://example.com/", "a=new");
    load();
    ck_assert_str_eq(sent_to("http://example.com/"), "a=new; b=old");
    end(1);
}
END_TEST

START_TEST(a_file_has_no_more_than_a_jar_may) /* C6 */
{
    begin();
    FILE *file = fopen(in_directory("jar"), "w");
    for (unsigned number = 0; number < 4000; number++) {
        fprintf(file, "host%u.example\tFALSE\t/\tFALSE\t0\tn%u\t1\n", number / 60, number);
    }
    ck_assert_int_eq(fclose(file), 0);
    load();
    ck_heard("0");
    ck_assert_uint_eq(count_cookies(), 3000);
    end(1);
}
END_TEST

START_TEST(what_cannot_be_loaded_is_a_failure) /* C6 */
{
    begin();
    load();
    wait_for(bight_http_cookie_jar_load(jar, directory));
    wait_for(bight_http_cookie_jar_load(jar, NULL));
    wait_for(bight_http_cookie_jar_load(NULL, directory));
    write_file("jar", "");
    load();
    ck_assert_int_eq(truncate(in_directory("jar"), (16 << 20) + 1), 0);
    load();
    ck_heard("SYSTEM/2 INVALID_ARGUMENT/0 INVALID_ARGUMENT/0 OUT_OF_MEMORY/0 0 TOO_LONG/0");
    ck_assert_uint_eq(usage_errors, 1);
    end(1);
}
END_TEST

START_TEST(a_jar_may_be_released_meanwhile) /* C6 */
{
    begin();
    write_file("jar", "example.com\tFALSE\t/\tFALSE\t0\ta\tb\n");
    struct bight_deferred *loaded = bight_http_cookie_jar_load(jar, in_directory("jar"));
    struct bight_deferred *saved = bight_http_cookie_jar_save(jar, in_directory("other"), true);
    bight_http_cookie_jar_release(jar);
    jar = NULL;
    wait_for(loaded);
    wait_for(saved);
    ck_heard("0 0");
    end(2);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_jar_is_saved_as_cookies_txt);
    tcase_add_test(tests, what_has_expired_is_not_saved);
    tcase_add_test(tests, the_file_is_new_and_nobody_elses);
    tcase_add_test(tests, what_cannot_be_saved_is_a_failure_and_leaves_nothing);
    tcase_add_test(tests, what_was_saved_is_loaded);
    tcase_add_test(tests, bad_lines_are_skipped_and_counted);
    tcase_add_test(tests, the_port_that_wget_writes_is_read_as_nothing);
    tcase_add_test(tests, what_the_jar_has_stays);
    tcase_add_test(tests, a_file_has_no_more_than_a_jar_may);
    tcase_add_test(tests, what_cannot_be_loaded_is_a_failure);
    tcase_add_test(tests, a_jar_may_be_released_meanwhile);
}

BIGHT_TEST_MAIN("http_client_cookies_file", add_tests)
