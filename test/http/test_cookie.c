/* SPDX-License-Identifier: MIT */
/* Tests of reading cookies (protocols/http/message/cookie.h). */
#include "http/message/cookie.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static const struct {
    const char *field, *pairs;
} rows[] = {
    { "", "" }, { "a=b", "[a|b]" }, { "a=b; c=d", "[a|b][c|d]" }, { "a=b;c=d", "[a|b][c|d]" },
    { " \ta\t=  b c \t;  d = e ;", "[a|b c][d|e]" }, { "a=", "[a|]" }, { "a=b=c==", "[a|b=c==]" },
    { "a=\"b\"", "[a|\"b\"]" }, { "a=\"b;c\"", "[a|\"b]" }, /* a quote protects nothing */
    { "a=b, c=d", "[a|b, c=d]" }, { "a b=c", "[a b|c]" }, { "=b; a=c", "[a|c]" }, { " =b", "" },
    { "b; a=c; d", "[a|c]" }, { ";;;", "" }, { "a=1; a=2; A=3", "[a|1][a|2][A|3]" },
    { "$Version=1; a=b; $Path=/", "[$Version|1][a|b][$Path|/]" }, { "a=\x80\xff", "[a|\x80\xff]" },
    { "\x0b"
      "a=\x0c",
        "[\x0b"
        "a|\x0c]" }, /* no white space, and none that a head lets through */
};

static struct bi_view copied(const char *text, size_t size)
{
    return (struct bi_view) { edge_copy(text, size), size };
}

static const char *read_pairs(struct bi_lines lines)
{
    static char text[256];
    struct bi_cookies cookies;
    struct bi_cookie cookie;
    size_t size = 0;
    text[0] = '\0';
    bi_cookies_begin(&cookies, lines);
    while (bi_cookies_next(&cookies, &cookie)) {
        size += (size_t)snprintf(text + size, sizeof text - size, "[%.*s|%.*s]", (int)cookie.name.size,
            (const char *)cookie.name.at, (int)cookie.value.size, (const char *)cookie.value.at);
    }
    return text;
}

START_TEST(a_field_is_split_at_semicolons_and_first_equals_signs) /* A11 */
{
    struct bi_view line = copied(rows[_i].field, strlen(rows[_i].field));
    ck_assert_str_eq(read_pairs((struct bi_lines) { &line, 1 }), rows[_i].pairs);
}
END_TEST

START_TEST(a_field_that_is_cut_has_the_pairs_before_the_cut) /* H1 */
{
    for (size_t size = 0; size < strlen(rows[_i].field); size++) {
        struct bi_view line = copied(rows[_i].field, size);
        const char *last = size == 0 ? NULL : memrchr(rows[_i].field, ';', size);
        char whole[256];
        strcpy(whole, read_pairs((struct bi_lines) { &line, 1 }));
        line = copied(rows[_i].field, last == NULL ? 0 : (size_t)(last - rows[_i].field));
        const char *before = read_pairs((struct bi_lines) { &line, 1 });
        ck_assert_int_eq(strncmp(whole, before, strlen(before)), 0);
    }
}
END_TEST

START_TEST(of_equal_names_the_first_counts) /* A11 */
{
    struct bi_view line = bi_view_of("x=0; a=1; a=2; A=3; =4"), value;
    struct bi_lines lines = { &line, 1 };
    ck_assert(bi_cookie_find(lines, bi_view_of("a"), &value));
    ck_assert(bi_view_equal(value, bi_view_of("1")));
    ck_assert(bi_cookie_find(lines, bi_view_of("A"), &value));
    ck_assert(bi_view_equal(value, bi_view_of("3")));
    ck_assert(!bi_cookie_find(lines, bi_view_of("b"), &value));
    ck_assert(!bi_cookie_find(lines, bi_view_of(""), &value));
}
END_TEST

START_TEST(lines_are_read_one_after_another) /* A11 */
{
    struct bi_view lines[] = { bi_view_of("a=b"), bi_view_of(""), bi_view_of("c=d; e=f") };
    ck_assert_str_eq(read_pairs((struct bi_lines) { lines, 3 }), "[a|b][c|d][e|f]");
    ck_assert_str_eq(read_pairs((struct bi_lines) { NULL, 0 }), "");
}
END_TEST

static size_t count_of(struct bi_lines lines)
{
    struct bi_cookies cookies;
    struct bi_cookie cookie;
    size_t count = 0;
    bi_cookies_begin(&cookies, lines);
    while (bi_cookies_next(&cookies, &cookie)) {
        count++;
    }
    return count;
}

START_TEST(a_hundred_are_read_and_no_more) /* A11 */
{
    char field[1024] = "";
    struct bi_view line, value;
    for (int pair = 0; pair < 99; pair++) {
        strcat(field, "a=;b;");
    }
    strcat(field, "last=1;more=2");
    line = bi_view_of(field);
    ck_assert_uint_eq(count_of((struct bi_lines) { &line, 1 }), BI_COOKIE_LIMIT);
    ck_assert(bi_cookie_find((struct bi_lines) { &line, 1 }, bi_view_of("last"), &value));
    ck_assert(!bi_cookie_find((struct bi_lines) { &line, 1 }, bi_view_of("more"), &value));
}
END_TEST

static void add_tests(TCase *tests)
{
    int count = (int)(sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, a_field_is_split_at_semicolons_and_first_equals_signs, 0, count);
    tcase_add_loop_test(tests, a_field_that_is_cut_has_the_pairs_before_the_cut, 0, count);
    tcase_add_test(tests, of_equal_names_the_first_counts);
    tcase_add_test(tests, lines_are_read_one_after_another);
    tcase_add_test(tests, a_hundred_are_read_and_no_more);
}

BIGHT_TEST_MAIN("http_cookie", add_tests)
