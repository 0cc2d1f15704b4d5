/* SPDX-License-Identifier: MIT */
/* Tests of directories that are served (protocols/http/files/): what is found, and how it is answered. What is refused
 * is in test_files_refused.c, what is kept in test_files_kept.c, listings are in test_listing.c. */
#include "files_support.h"
#include "http/site/site.h"

#define OPTIONS(...) \
    (&(const struct bight_http_files_options) { .size = sizeof(struct bight_http_files_options), __VA_ARGS__ })
#define LARGE 200000 /* bytes: it is not kept in memory */

static void write_large(const char *name)
{
    FILE *file = fopen(in_directory(name), "w");
    for (int i = 0; i < LARGE; i++) {
        (void)fputc('a' + i % 26, file);
    }
    ck_assert_int_eq(fclose(file), 0);
    set_time(name, THEN);
}

START_TEST(a_file_of_the_directory_is_sent) /* F1, F3 */
{
    begin_files(NULL);
    write_old("a/hello.txt", "Hello\n");
    for (int i = 0; i < 2; i++) { /* looked up, and kept */
        const char *answer = get("/static/a/hello.txt");
        ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
        ck_assert(has_line(answer, "Content-Type: text/plain; charset=utf-8"));
        ck_assert(has_line(answer, "Content-Length: 6"));
        ck_assert(has_line(answer, "X-Content-Type-Options: nosniff"));
        ck_assert(has_line(answer, "Accept-Ranges: bytes"));
        ck_assert(has_line(answer, "Cache-Control: no-cache"));
        ck_assert(has_line(answer, "Last-Modified: " DATE));
        ck_assert(has_line(answer, "ETag: \"3b9ac618.0-6\""));
        ck_assert_str_eq(body_of(answer), "Hello\n");
    }
    end_files();
}
END_TEST

START_TEST(head_one_dot_nought_and_a_last_request_have_the_same_fields) /* F3, H6 */
{
    static const char *const requests[] = { "HEAD /static/a.css HTTP/1.1\r\nHost: x", "GET /static/a.css HTTP/1.0",
        "GET /static/a.css HTTP/1.1\r\nHost: x\r\nConnection: close" };
    begin_files(OPTIONS(.cache_seconds = 60));
    write_old("a.css", "a{}");
    for (size_t i = 0; i < 3; i++) {
        const char *answer = ask_for(requests[i]);
        ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
        ck_assert(has_line(answer, "Content-Type: text/css; charset=utf-8"));
        ck_assert(has_line(answer, "Content-Length: 3"));
        ck_assert(has_line(answer, "Cache-Control: max-age=60"));
        ck_assert(has_line(answer, "ETag: \"3b9ac618.0-3\""));
        ck_assert_str_eq(body_of(answer), i == 0 ? "" : "a{}");
        bight_string_peer_free(peer);
        connect_peer();
    }
    end_files();
}
END_TEST

START_TEST(parts_and_conditions_are_of_what_is_kept_too) /* F2, A12 */
{
    begin_files(NULL);
    write_old("digits", "0123456789");
    write_large("large");
    for (int i = 0; i < 2; i++) {
        const char *answer = get_with("/static/digits", "Range: bytes=2-4");
        ck_assert(has_line(answer, "HTTP/1.1 206 Partial Content"));
        ck_assert(has_line(answer, "Content-Range: bytes 2-4/10"));
        ck_assert_str_eq(body_of(answer), "234");
        ck_assert(has_line(get_with("/static/digits", "Range: bytes=10-"), "HTTP/1.1 416 Range Not Satisfiable"));
        answer = get_with("/static/digits", "If-None-Match: \"3b9ac618.0-a\"");
        ck_assert(has_line(answer, "HTTP/1.1 304 Not Modified"));
        ck_assert(has_line(answer, "Cache-Control: no-cache"));
        answer = get_with("/static/large", "Range: bytes=199997-\r\nIf-Range: " DATE);
        ck_assert(has_line(answer, "HTTP/1.1 206 Partial Content"));
        ck_assert_uint_eq(strlen(body_of(answer)), 3);
        ck_assert_int_eq(body_of(answer)[0], 'a' + 199997 % 26);
    }
    end_files();
}
END_TEST

START_TEST(a_large_file_is_sent_from_where_it_is) /* F4 */
{
    begin_files(NULL);
    write_large("large.bin");
    for (int i = 0; i < 2; i++) {
        const char *answer = get("/static/large.bin");
        ck_assert(has_line(answer, "Content-Type: application/octet-stream"));
        ck_assert(has_line(answer, "Content-Length: 200000"));
        ck_assert_uint_eq(strlen(body_of(answer)), LARGE);
        ck_assert_int_eq(body_of(answer)[LARGE - 1], 'a' + (LARGE - 1) % 26);
    }
    end_files();
}
END_TEST

START_TEST(files_of_all_sizes_come_whole) /* F2, F4 */
{
    static const size_t sizes[] = { 0, 1, 4095, 4096, 65536, 65537 };
    begin_files(NULL);
    char *text = calloc(1, 70000);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(text, 'x', sizes[i]);
        write_old("file", text);
        bight_testing_advance(reactor, 1);
        for (int j = 0; j < 2; j++) {
            ck_assert_uint_eq(strlen(body_of(get("/static/file"))), sizes[i]);
        }
    }
    free(text);
    end_files();
}
END_TEST

START_TEST(names_mean_what_their_path_means) /* F1, A1 */
{
    begin_files(NULL);
    write_old("a b/100% \xc3\xa4;+&=?.txt", "odd");
    ck_assert_str_eq(body_of(get("/static/a%20b/100%25%20%c3%a4;+&=%3F.txt?x=/../y")), "odd");
    end_files();
}
END_TEST

START_TEST(an_index_stands_for_its_directory) /* F3 */
{
    begin_files(NULL);
    write_old("index.html", "top");
    write_old("dir/index.html", "dir");
    ck_assert_str_eq(body_of(get("/static/")), "top");
    ck_assert(has_line(get("/static/dir/"), "Content-Type: text/html; charset=utf-8"));
    ck_assert_str_eq(body_of(get("/static/dir/")), "dir");
    ck_assert(has_line(get("/static/dir/index.html/"), "HTTP/1.1 404 Not Found"));
    end_files();
    begin_files(OPTIONS(.index = "main.txt"));
    write_old("main.txt", "main");
    write_old("dir/index.html", "dir");
    ck_assert_str_eq(body_of(get("/static/")), "main");
    ck_assert(has_line(get("/static/dir/"), "HTTP/1.1 404 Not Found"));
    end_files();
}
END_TEST

START_TEST(a_directory_without_its_slash_is_redirected_on_this_host) /* F3, A5 */
{
    begin_files(NULL);
    write_old("a b/index.html", "dir");
    write_old("bare/x", "");
    const char *answer = get("/static/a%20b?q=1&r=//evil");
    ck_assert(has_line(answer, "HTTP/1.1 308 Permanent Redirect"));
    ck_assert(has_line(answer, "Location: /static/a%20b/?q=1&r=//evil"));
    ck_assert(has_line(get("/static"), "Location: /static/"));
    ck_assert(has_line(get("/static/bare"), "HTTP/1.1 404 Not Found")); /* there is nothing to see */
    end_files();
}
END_TEST

START_TEST(types_can_be_added) /* F3 */
{
    static const struct bight_http_file_type types[] = { { "log", "text/x-log" }, { "TXT", "text/x-mine" },
        { NULL, NULL } };
    begin_files(OPTIONS(.types = types));
    write_old("a.LOG", "");
    write_old("a.txt", "");
    write_old("a.html", "");
    write_old("log", "");
    ck_assert(has_line(get("/static/a.LOG"), "Content-Type: text/x-log"));
    ck_assert(has_line(get("/static/a.txt"), "Content-Type: text/x-mine"));
    ck_assert(has_line(get("/static/a.html"), "Content-Type: text/html; charset=utf-8"));
    ck_assert(has_line(get("/static/log"), "Content-Type: application/octet-stream"));
    end_files();
}
END_TEST

START_TEST(a_compressed_sibling_goes_to_those_who_take_it) /* F3 */
{
    static const struct {
        const char *accepted, *coding, *body;
    } rows[] = {
        { "Accept-Encoding: gzip, br", "br", "B" },
        { "Accept-Encoding: gzip", "gzip", "Z" },
        { "Accept-Encoding: br;q=0\r\nAccept-Encoding: *", "gzip", "Z" },
        { "Accept-Encoding: zstd", NULL, "plain" },
        { "Accept-Encoding: identity", NULL, "plain" },
        { "X: y", NULL, "plain" },
    };
    char line[80];
    begin_files(OPTIONS(.precompressed = BIGHT_HTTP_FILES_GZIP | BIGHT_HTTP_FILES_BROTLI | BIGHT_HTTP_FILES_ZSTD));
    write_old("a.js", "plain");
    write_old("a.js.br", "B");
    write_old("a.js.gz", "Z");
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const size_t row = i / 2;
        const char *answer = get_with("/static/a.js", rows[row].accepted);
        ck_assert(has_line(answer, "Content-Type: text/javascript; charset=utf-8"));
        ck_assert(has_line(answer, "Vary: Accept-Encoding"));
        (void)snprintf(line, sizeof line, "Content-Encoding: %s", rows[row].coding != NULL ? rows[row].coding : "");
        ck_assert(rows[row].coding != NULL ? has_line(answer, line) : strstr(answer, "Content-Encoding") == NULL);
        ck_assert_str_eq(body_of(answer), rows[row].body);
    }
    const char *answer = get_with("/static/a.js", "Accept-Encoding: gzip\r\nRange: bytes=0-0");
    ck_assert(has_line(answer, "Content-Range: bytes 0-0/1"));
    ck_assert(has_line(answer, "Content-Encoding: gzip"));
    ck_assert(has_line(answer, "ETag: \"3b9ac618.0-1-gzip\""));
    ck_assert(has_line(get("/static/a.js.gz"), "Content-Type: application/gzip"));
    end_files();
}
END_TEST

START_TEST(a_sibling_of_what_was_there_before_is_not_sent) /* F3 */
{
    begin_files(OPTIONS(.precompressed = BIGHT_HTTP_FILES_GZIP));
    write_old("a.js", "new");
    write_old("a.js.gz", "old");
    write_old("alone.gz", "alone");
    set_time("a.js.gz", THEN - 1);
    ck_assert_str_eq(body_of(get_with("/static/a.js", "Accept-Encoding: gzip")), "new");
    set_time("a.js.gz", THEN + 1); /* and one that comes later is seen */
    bight_testing_advance(reactor, 2);
    ck_assert_str_eq(body_of(get_with("/static/a.js", "Accept-Encoding: gzip")), "old");
    ck_assert(has_line(get_with("/static/alone", "Accept-Encoding: gzip"), "HTTP/1.1 404 Not Found"));
    end_files();
}
END_TEST

START_TEST(a_page_may_stand_for_what_is_not_there) /* F3 */
{
    begin_files(OPTIONS(.fallback = "app/main.html", .cache_seconds = 9));
    write_old("app/main.html", "app");
    for (int i = 0; i < 2; i++) {
        const char *answer = get_with("/static/users/7", "Accept: application/xml, text/html;q=0.9");
        ck_assert(has_line(answer, "HTTP/1.1 200 OK"));
        ck_assert(has_line(answer, "Cache-Control: no-cache"));
        ck_assert_str_eq(body_of(answer), "app");
        ck_assert(has_line(get_with("/static/logo.png", "Accept: image/*, */*"), "HTTP/1.1 404 Not Found"));
        ck_assert(has_line(get("/static/logo.png"), "HTTP/1.1 404 Not Found"));
    }
    ck_assert(has_line(get_with("/static/.git", "Accept: text/html"), "HTTP/1.1 404 Not Found"));
    ck_assert_int_eq(unlink(in_directory("app/main.html")), 0);
    bight_testing_advance(reactor, 2);
    ck_assert(has_line(get_with("/static/users/7", "Accept: text/html"), "HTTP/1.1 404 Not Found"));
    end_files();
}
END_TEST

START_TEST(other_methods_are_not_for_files) /* A5 */
{
    begin_files(NULL);
    const char *answer = ask_for("DELETE /static/x HTTP/1.1\r\nHost: x");
    ck_assert(has_line(answer, "HTTP/1.1 405 Method Not Allowed"));
    ck_assert(has_line(answer, "Allow: GET, HEAD, OPTIONS"));
    end_files();
}
END_TEST

START_TEST(a_mounted_site_and_paths_with_names_have_files_too) /* A5 */
{
    begin_files(NULL);
    write_old("dir/index.html", "dir");
    struct bight_http_site *inner = bight_http_site_new();
    ck_assert_int_eq(bight_http_files(inner, "/of/{user}/", directory, NULL), 0);
    ck_assert_int_eq(bight_http_mount(site, "/inner/", inner), 0);
    ck_assert_str_eq(body_of(get("/inner/of/me/dir/")), "dir");
    ck_assert(has_line(get("/inner/of/me/dir"), "Location: /inner/of/me/dir/"));
    end_files();
    bight_http_site_free(inner);
}
END_TEST

START_TEST(what_cannot_be_served_is_an_error_when_it_is_added) /* F1 */
{
    make_directory();
    write_file("file", "");
    const struct {
        const char *path, *directory;
        const struct bight_http_files_options *options;
        int code;
    } rows[] = {
        { "/static", "/", NULL, BIGHT_E_SYNTAX },
        { "", "/", NULL, BIGHT_E_SYNTAX },
        { "/{a}/{a}/", "/", NULL, BIGHT_E_SYNTAX },
        { "/static/", "/nowhere/at/all", NULL, BIGHT_E_SYSTEM },
        { "/static/", in_directory("file"), NULL, BIGHT_E_SYSTEM },
        { "/static/", "/", OPTIONS(.index = "a/b"), BIGHT_E_INVALID_ARGUMENT },
        { "/static/", "/", OPTIONS(.index = ".."), BIGHT_E_INVALID_ARGUMENT },
        { "/static/", "/", OPTIONS(.fallback = "../x"), BIGHT_E_INVALID_ARGUMENT },
        { "/static/", "/", OPTIONS(.memory_file_limit = 2 << 20), BIGHT_E_INVALID_ARGUMENT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        begin_site(NULL);
        ck_assert_int_eq(bight_http_files(site, rows[i].path, rows[i].directory, rows[i].options), rows[i].code);
        ck_assert_uint_ge(usage_errors + other_errors, 1);
        ck_assert(bi_site_is_broken(site));
        end_site();
    }
    ck_assert_int_eq(bight_http_files(NULL, "/", "/", NULL), BIGHT_E_OUT_OF_MEMORY);
    remove_directory();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_file_of_the_directory_is_sent);
    tcase_add_test(tests, head_one_dot_nought_and_a_last_request_have_the_same_fields);
    tcase_add_test(tests, parts_and_conditions_are_of_what_is_kept_too);
    tcase_add_test(tests, a_large_file_is_sent_from_where_it_is);
    tcase_add_test(tests, files_of_all_sizes_come_whole);
    tcase_add_test(tests, names_mean_what_their_path_means);
    tcase_add_test(tests, an_index_stands_for_its_directory);
    tcase_add_test(tests, a_directory_without_its_slash_is_redirected_on_this_host);
    tcase_add_test(tests, types_can_be_added);
    tcase_add_test(tests, a_compressed_sibling_goes_to_those_who_take_it);
    tcase_add_test(tests, a_sibling_of_what_was_there_before_is_not_sent);
    tcase_add_test(tests, a_page_may_stand_for_what_is_not_there);
    tcase_add_test(tests, other_methods_are_not_for_files);
    tcase_add_test(tests, a_mounted_site_and_paths_with_names_have_files_too);
    tcase_add_test(tests, what_cannot_be_served_is_an_error_when_it_is_added);
}

BIGHT_TEST_MAIN("http_files", add_tests)
