/* SPDX-License-Identifier: MIT */
/* Tests of entity-tags (protocols/http/message/etag.h). */
#include "http/message/etag.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static struct bi_view view(const char *text)
{
    return (struct bi_view) { edge_copy(text, strlen(text)), strlen(text) };
}

static const struct {
    const char *text, *opaque; /* NULL: none */
    bool weak;
} tags[] = {
    { "\"xyzzy\"", "xyzzy", false },
    { "W/\"xyzzy\"", "xyzzy", true },
    { "\"\"", "", false },
    { "W/\"\"", "", true },
    { "\"a,b\"", "a,b", false },
    { "\"a\\\"", "a\\", false },
    { "\"\x80\xff!\"", "\x80\xff!", false },
    { "", NULL, false },
    { "\"", NULL, false },
    { "xyzzy", NULL, false },
    { "xyzzy\"", NULL, false },
    { "\"xyzzy", NULL, false },
    { "w/\"xyzzy\"", NULL, false },
    { "W/", NULL, false },
    { "W\"xyzzy\"", NULL, false },
    { "W/ \"xyzzy\"", NULL, false },
    { "\"a b\"", NULL, false },
    { "\"a\tb\"", NULL, false },
    { "\"a\x7f\"", NULL, false },
    { "\"a\"b\"", NULL, false },
    { "\"a\\\"b\"", NULL, false },
    { " \"a\"", NULL, false },
    { "\"a\" ", NULL, false },
    { "*", NULL, false },
};

START_TEST(a_tag_is_quoted_and_may_be_weak) /* A12 */
{
    struct bi_etag tag;
    bool is_tag = bi_etag_parse(view(tags[_i].text), &tag);
    ck_assert_int_eq(is_tag, tags[_i].opaque != NULL);
    if (is_tag) {
        ck_assert_int_eq(tag.weak, tags[_i].weak);
        ck_assert(bi_view_equal(tag.opaque, bi_view_of(tags[_i].opaque)));
    }
}
END_TEST

START_TEST(a_tag_that_is_cut_is_none) /* H1 */
{
    struct bi_etag tag;
    for (size_t size = 0; size < strlen(tags[_i].text); size++) {
        ck_assert(!bi_etag_parse((struct bi_view) { edge_copy(tags[_i].text, size), size }, &tag));
    }
}
END_TEST

static const struct {
    const char *list, *tags; /* in brackets; `!` where it is malformed */
} lists[] = {
    { "", "" },
    { ", ,", "" },
    { "\"a\"", "[a]" },
    { "\"a\", W/\"b\",\"\"", "[a][/b][]" },
    { " , \"a,b\" ,\t, \"c\\\" ,", "[a,b][c\\]" },
    { "\"a\" \"b\"", "!" },
    { "\"a\", b, \"c\"", "[a]!" },
    { "\"a\", *", "[a]!" },
    { "*", "!" },
    { "\"a\", \"b", "[a]!" },
    { "\"a\";\"b\"", "!" },
};

START_TEST(a_list_is_read_up_to_what_is_no_tag) /* A12 */
{
    struct bi_view list = view(lists[_i].list);
    struct bi_etag tag;
    enum bi_etag_result result;
    char found[64] = "";
    while ((result = bi_etag_next(&list, &tag)) == BI_ETAG_NEXT) {
        strcat(found, tag.weak ? "[/" : "[");
        strncat(found, (const char *)tag.opaque.at, tag.opaque.size);
        strcat(found, "]");
    }
    strcat(found, result == BI_ETAG_MALFORMED ? "!" : "");
    ck_assert_str_eq(found, lists[_i].tags);
}
END_TEST

static const struct {
    const char *one, *other;
    bool strong, weak;
} comparisons[] = {
    { "W/\"1\"", "W/\"1\"", false, true },
    { "W/\"1\"", "W/\"2\"", false, false },
    { "W/\"1\"", "\"1\"", false, true },
    { "\"1\"", "\"1\"", true, true },
    { "\"1\"", "\"11\"", false, false },
    { "\"a\"", "\"A\"", false, false },
};

START_TEST(strong_comparison_wants_strong_tags) /* A12 */
{
    struct bi_etag one, other;
    ck_assert(bi_etag_parse(bi_view_of(comparisons[_i].one), &one));
    ck_assert(bi_etag_parse(bi_view_of(comparisons[_i].other), &other));
    ck_assert_int_eq(bi_etag_equal_strong(&one, &other), comparisons[_i].strong);
    ck_assert_int_eq(bi_etag_equal_strong(&other, &one), comparisons[_i].strong);
    ck_assert_int_eq(bi_etag_equal_weak(&one, &other), comparisons[_i].weak);
    ck_assert_int_eq(bi_etag_equal_weak(&other, &one), comparisons[_i].weak);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_tag_is_quoted_and_may_be_weak, 0, (int)(sizeof tags / sizeof *tags));
    tcase_add_loop_test(tests, a_tag_that_is_cut_is_none, 0, 7); /* those that are tags */
    tcase_add_loop_test(tests, a_list_is_read_up_to_what_is_no_tag, 0, (int)(sizeof lists / sizeof *lists));
    tcase_add_loop_test(tests, strong_comparison_wants_strong_tags, 0, (int)(sizeof comparisons / sizeof *comparisons));
}

BIGHT_TEST_MAIN("http_etag", add_tests)
