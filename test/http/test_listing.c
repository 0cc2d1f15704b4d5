/* SPDX-License-Identifier: MIT */
/* Tests of directories as pages (protocols/http/files/listing*.c): what is listed, in which order, how it is escaped.
 */
#include "files_support.h"

static const struct bight_http_files_options listing = { .size = sizeof listing, .listing = true };

/* Whether the texts stand in the answer in this order. */
static bool in_order(const char *answer, const char *const *texts)
{
    for (; *texts != NULL && answer != NULL; texts++) {
        answer = strstr(answer, *texts);
    }
    return answer != NULL;
}

START_TEST(a_directory_is_listed_when_that_is_asked_for) /* F3 */
{
    begin_files(&listing);
    write_old("dir/file10.txt", "0123456789");
    write_old("dir/File9.txt", "");
    write_old("dir/zoo/x", "");
    const char *answer = get("/static/dir/");
    const char *const order[] = { "<h1>/static/dir/</h1>", "href=\"../\"", "href=\"zoo/\">zoo/</a>",
        "href=\"File9.txt\">File9.txt</a></td><td>0 B</td><td>2001-09-09 01:30</td>",
        "href=\"file10.txt\">file10.txt</a></td><td>10 B</td>", "</html>\n", NULL };
    ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
    ck_assert(has_line(answer, "Content-Type: text/html; charset=utf-8"));
    ck_assert(has_line(answer, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'"));
    ck_assert_msg(in_order(answer, order), "%s", answer);
    end_files();
}
END_TEST

START_TEST(listings_are_ordered_as_asked) /* F3 */
{
    static const struct {
        const char *query, *order[5];
    } rows[] = {
        { "", { "href=\"a/\"", "href=\"f1\"", "href=\"f2\"", "href=\"f10\"", NULL } },
        { "?sort=name&reverse", { "href=\"a/\"", "href=\"f10\"", "href=\"f2\"", "href=\"f1\"", NULL } },
        { "?sort=size", { "href=\"a/\"", "href=\"f10\"", "href=\"f1\"", "href=\"f2\"", NULL } },
        { "?sort=size&reverse=", { "href=\"a/\"", "href=\"f2\"", "href=\"f1\"", "href=\"f10\"", NULL } },
        { "?sort=time", { "href=\"a/\"", "href=\"f2\"", "href=\"f1\"", "href=\"f10\"", NULL } },
        { "?sort=<script>", { "href=\"a/\"", "href=\"f1\"", "href=\"f2\"", "href=\"f10\"", NULL } },
    };
    char target[80];
    begin_files(&listing);
    write_old("a/x", "");
    write_old("f1", "11");
    write_old("f2", "222");
    write_old("f10", "1");
    set_time("f2", THEN - 1);
    set_time("f10", THEN + 1);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)snprintf(target, sizeof target, "/static/%s", rows[i].query);
        const char *answer = get(target);
        ck_assert_msg(in_order(answer, rows[i].order), "%s: %s", rows[i].query, answer);
        ck_assert_ptr_null(strstr(answer, "<script>"));
    }
    ck_assert_ptr_null(strstr(get("/static/"), "../")); /* there is nothing above */
    ck_assert_ptr_nonnull(
        strstr(get("/static/?sort=size"), "<th aria-sort=\"ascending\"><a href=\"?sort=size&amp;reverse\">"));
    end_files();
}
END_TEST

START_TEST(names_are_escaped_for_where_they_stand) /* F3 */
{
    begin_files(&listing);
    write_old("<img src=x onerror=alert(1)>\"'&", "");
    write_old("javascript:alert(1)", "");
    write_old("bad \xff\xed\xa0\x80\xf0\x9f\x98\x80 utf", "");
    write_old("line\nbreak#?%", "");
    const char *answer = get("/static/");
    ck_assert_ptr_null(strstr(answer, "<img"));
    ck_assert_ptr_nonnull(strstr(answer, "<a href=\"%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%22%27%26\">&lt;img "
                                         "src=x onerror=alert(1)&gt;&quot;&#39;&amp;</a>"));
    ck_assert_ptr_nonnull(strstr(answer, "href=\"javascript%3Aalert%281%29\""));
    ck_assert_ptr_nonnull(strstr(answer, "href=\"bad%20%FF%ED%A0%80%F0%9F%98%80%20utf\">bad "
                                         "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xf0\x9f\x98\x80 utf</a>"));
    ck_assert_ptr_nonnull(strstr(answer, "href=\"line%0Abreak%23%3F%25\">line\xef\xbf\xbd"
                                         "break#?%</a>"));
    ck_assert(has_line(get("/static/line%0Abreak%23%3F%25"), "HTTP/1.1 200 OK"));
    answer = get_with("/static/", "Accept: application/json");
    ck_assert_ptr_nonnull(strstr(answer, "\"name\":\"<img src=x onerror=alert(1)>\\u0022'&\""));
    ck_assert_ptr_nonnull(strstr(answer, "\"name\":\"line\\u000abreak#?%\""));
    end_files();
}
END_TEST

START_TEST(the_path_that_is_shown_is_escaped) /* F3 */
{
    begin_files(&listing);
    write_old("<b>/x", "");
    const char *answer = get("/static/%3Cb%3E/");
    ck_assert_ptr_nonnull(strstr(answer, "<h1>/static/&lt;b&gt;/</h1>"));
    ck_assert_ptr_null(strstr(answer, "<b>"));
    end_files();
}
END_TEST

START_TEST(a_listing_is_json_for_those_who_prefer_that) /* F3 */
{
    begin_files(&listing);
    write_old("dir/x", "");
    write_old("f.txt", "12");
    set_time("dir", THEN);
    const char *answer = get_with("/static/", "Accept: application/json");
    ck_assert(has_line(answer, "Content-Type: application/json"));
    ck_assert(has_line(answer, "Vary: Accept"));
    ck_assert_str_eq(body_of(answer),
        "{\"path\":\"/static/\",\"truncated\":false,\"entries\":[\n"
        "{\"name\":\"dir\",\"href\":\"dir/\",\"type\":\"directory\",\"modified\":\"2001-09-09T01:30:00Z\"},\n"
        "{\"name\":\"f.txt\",\"href\":\"f.txt\",\"type\":\"file\",\"size\":2,\"modified\":\"2001-09-09T01:30:00Z\"}\n]}"
        "\n");
    ck_assert(has_line(
        get_with("/static/", "Accept: text/html, application/json;q=0.9"), "Content-Type: text/html; charset=utf-8"));
    ck_assert(has_line(get_with("/static/", "Accept: */*"), "Content-Type: text/html; charset=utf-8"));
    end_files();
}
END_TEST

START_TEST(what_is_not_served_is_not_listed) /* F1, F3 */
{
    begin_files(&listing);
    write_old("../secret", "secret");
    write_old(".hidden", "");
    write_old("dot.", "");
    write_old("back\\slash", "");
    write_old("seen", "");
    ck_assert_int_eq(mkfifo(in_directory("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("../secret", in_directory("out")), 0);
    ck_assert_int_eq(symlink("seen", in_directory("in")), 0);
    const char *answer = get_with("/static/", "Accept: application/json");
    ck_assert_uint_eq(count_of(answer, "\"name\""), 2);
    ck_assert_ptr_nonnull(strstr(answer, "\"name\":\"in\""));
    ck_assert_ptr_nonnull(strstr(answer, "\"name\":\"seen\""));
    end_files();
}
END_TEST

START_TEST(a_directory_of_many_names_comes_a_part_at_a_time) /* F4 */
{
    enum { COUNT = 2000 };
    char name[40];
    begin_files(&listing);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "name %d", i);
        write_file(name, "");
    }
    say("GET /static/ HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_gt(work(), 3);
    const char *answer = take_answer();
    ck_assert(has_line(answer, "Transfer-Encoding: chunked"));
    ck_assert_uint_eq(count_of(answer, "<tr><td>"), COUNT);
    ck_assert_ptr_nonnull(strstr(answer, "</html>\n\r\n0\r\n\r\n"));
    ck_assert(has_line(ask_for("HEAD /static/ HTTP/1.1\r\nHost: x"), "Transfer-Encoding: chunked"));
    ck_assert(has_line(get("/static/name%207"), "HTTP/1.1 200 OK")); /* the connection goes on */
    end_files();
}
END_TEST

START_TEST(who_does_not_read_a_listing_is_waited_for) /* F4, T6 */
{
    char name[200];
    begin_files(&listing);
    memset(name, 'x', sizeof name);
    for (int i = 0; i < 4000; i++) {
        (void)snprintf(name + 150, sizeof name - 150, "%d", i);
        write_file(name, "");
    }
    bight_string_set_window(peer, 10000);
    say("GET /static/ HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_lt(work(), 5);
    if (_i == 0) {
        bight_string_reset(peer, 0);
    } else {
        bight_string_set_window(peer, SIZE_MAX / 4);
    }
    work();
    if (_i == 1) {
        size_t size;
        ck_assert_ptr_nonnull(bight_string_written(peer, &size));
        ck_assert_uint_gt(size, 1500000);
    }
    end_files();
}
END_TEST

START_TEST(a_listing_that_is_cut_says_so) /* F3 */
{
    const struct bight_http_files_options options = { .size = sizeof options, .listing = true, .listing_limit = 3 };
    char name[] = "a";
    begin_files(&options);
    for (; *name < 'e'; ++*name) {
        write_old(name, "");
    }
    const char *answer = get("/static/");
    ck_assert_uint_eq(count_of(answer, "<tr><td>"), 3);
    ck_assert_ptr_nonnull(strstr(answer, "There are more names here than these 3"));
    ck_assert_ptr_nonnull(strstr(get_with("/static/", "Accept: application/json"), "\"truncated\":true"));
    end_files();
}
END_TEST

START_TEST(nothing_is_listed_unless_that_is_asked_for) /* F3 */
{
    begin_files(NULL);
    write_old("dir/x", "");
    ck_assert(has_line(get("/static/dir/"), "HTTP/1.1 404 Not Found"));
    ck_assert(has_line(get("/static/"), "HTTP/1.1 404 Not Found"));
    end_files();
    begin_files(&listing);
    write_old("dir/index.html", "index");
    write_old("sub/x", "");
    ck_assert_str_eq(body_of(get("/static/dir/")), "index");
    ck_assert(has_line(get("/static/sub"), "Location: /static/sub/"));
    ck_assert(has_line(get("/static/none/"), "HTTP/1.1 404 Not Found"));
    ck_assert(has_line(get("/static/dir/index.html/"), "HTTP/1.1 404 Not Found"));
    end_files();
}
END_TEST

START_TEST(sizes_are_said_as_people_say_them) /* F3 */
{
    static const struct {
        off_t size;
        const char *text;
    } rows[] = { { 1023, ">1023 B<" }, { 1024, ">1.0 KiB<" }, { 10189, ">10 KiB<" }, { 1048064, ">1.0 MiB<" },
        { (off_t)5 << 30, ">5.0 GiB<" }, { (off_t)3 << 40, ">3.0 TiB<" } };
    begin_files(&listing);
    write_old("file", "");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (truncate(in_directory("file"), rows[i].size) == 0) {
            const char *answer = get("/static/");
            ck_assert_msg(strstr(answer, rows[i].text) != NULL, "%s: %s", rows[i].text, answer);
        }
    }
    end_files();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_directory_is_listed_when_that_is_asked_for);
    tcase_add_test(tests, listings_are_ordered_as_asked);
    tcase_add_test(tests, names_are_escaped_for_where_they_stand);
    tcase_add_test(tests, the_path_that_is_shown_is_escaped);
    tcase_add_test(tests, a_listing_is_json_for_those_who_prefer_that);
    tcase_add_test(tests, what_is_not_served_is_not_listed);
    tcase_add_test(tests, a_directory_of_many_names_comes_a_part_at_a_time);
    tcase_add_loop_test(tests, who_does_not_read_a_listing_is_waited_for, 0, 2);
    tcase_add_test(tests, a_listing_that_is_cut_says_so);
    tcase_add_test(tests, nothing_is_listed_unless_that_is_asked_for);
    tcase_add_test(tests, sizes_are_said_as_people_say_them);
}

BIGHT_TEST_MAIN("http_listing", add_tests)
