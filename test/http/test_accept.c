/* SPDX-License-Identifier: MIT */
/* Tests of lists with weights (protocols/http/message/accept.h). */
#include "http/message/accept.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static struct bi_view view(const char *text)
{
    return (struct bi_view) { edge_copy(text, strlen(text)), strlen(text) };
}

static const struct {
    const char *list, *members;
} lists[] = {
    { "", "" },
    { "gzip", "gzip=1000 " },
    { "gzip;q=0.5, br ; Q=1 ,, identity;q=0", "gzip=500 br=1000 identity=0 " },
    { "text/html;level=1;q=0.123", "text/html;level=1=123 " },
    { "text/html ; level=1 ; q=0.1", "text/html ; level=1=100 " },
    { "a/b;q=0.5;ext=1;other=\"x,y\"", "a/b=500 " },
    { "a;x=\"q=0\"", "a;x=\"q=0\"=1000 " },
    { "en-US,*;q=0.001", "en-US=1000 *=1 " },
    /* Weights. */
    { "a;q=0", "a=0 " },
    { "a;q=0.,b;q=1.", "a=0 b=1000 " },
    { "a;q=1.0,b;q=1.00,c;q=1.000", "a=1000 b=1000 c=1000 " },
    { "a;q=0.9,b;q=0.09,c;q=0.009", "a=900 b=90 c=9 " },
    { "a;q=1.001,b;q=1.1,c;q=2,d;q=01,e;q=0.0001,f;q=1.0000", "" },
    { "a;q=-1,b;q=.5,c;q=0,5,d;q=1e0,e;q=0x1,f;q= 1,g;q=\"1\",h;q=,i;q", "c=0 5=1000 " },
    { "a;q=0.5;q=0.6", "" },
    { "a;q=0.a,b;q=0.5a,c;q=1a", "" },
    /* Members. */
    { "a b, c;d, e;f=, g/, /h, i/j/k, l;m=\"n, o", "" },
    { ";q=1, =, \"a\", b", "b=1000 " },
    { "a\x80, b", "b=1000 " },
};

START_TEST(members_have_weights_and_malformed_ones_are_skipped) /* A10 */
{
    struct bi_view list = view(lists[_i].list);
    struct bi_accept_member member;
    char found[256] = "";
    while (bi_accept_next(&list, &member)) {
        size_t size = strlen(found);
        (void)snprintf(found + size, sizeof found - size, "%.*s%.*s=%d ", (int)member.range.size,
            (const char *)member.range.at, (int)member.parameters.size, (const char *)member.parameters.at,
            member.weight);
    }
    ck_assert_str_eq(found, lists[_i].members);
}
END_TEST

START_TEST(every_cut_of_a_list_is_read_within_its_bounds) /* H1 */
{
    for (size_t size = 0; size <= strlen(lists[_i].list); size++) {
        struct bi_view list = { edge_copy(lists[_i].list, size), size };
        struct bi_accept_member member;
        while (bi_accept_next(&list, &member)) {
            ck_assert_uint_gt(member.range.size, 0);
            ck_assert_int_le(member.weight, BI_ACCEPT_WEIGHT);
        }
    }
}
END_TEST

#define RFC_LIST "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5"

static const struct {
    enum bi_accept_kind kind;
    const char *list, *offer;
    int weight;
} weights[] = {
    /* The example of RFC 9110, section 12.5.1. */
    { BI_ACCEPT_MEDIA, RFC_LIST, "text/plain;format=flowed", 1000 },
    { BI_ACCEPT_MEDIA, RFC_LIST, "text/plain", 700 },
    { BI_ACCEPT_MEDIA, RFC_LIST, "text/html", 300 },
    { BI_ACCEPT_MEDIA, RFC_LIST, "image/jpeg", 500 },
    { BI_ACCEPT_MEDIA, RFC_LIST, "text/plain;format=fixed", 400 },
    { BI_ACCEPT_MEDIA, RFC_LIST, "text/html;level=3", 300 },
    /* Whatever the order. */
    { BI_ACCEPT_MEDIA, "*/*;q=0.1, text/*;q=0.2, text/html;q=0.3, text/html;level=1;q=0.4", "text/html;level=1", 400 },
    { BI_ACCEPT_MEDIA, "text/html;level=1;q=0.4, text/html;q=0.3, text/*;q=0.2, */*;q=0.1", "text/html;level=1", 400 },
    { BI_ACCEPT_MEDIA, "text/html;a=1;q=0.1, text/html;a=1;b=2;q=0.2", "text/html;b=2;a=1", 200 },
    { BI_ACCEPT_MEDIA, "text/html;a=1;q=0.1, text/*;q=0.2", "text/html", 200 },
    { BI_ACCEPT_MEDIA, "text/*;a=1;q=0.1, text/html;q=0.2", "text/html;a=1", 200 },
    { BI_ACCEPT_MEDIA, "TEXT/HTML;LEVEL=\"1\"", "text/html; level=1", 1000 },
    { BI_ACCEPT_MEDIA, "text/html;level=2", "text/html; level=1", -1 },
    { BI_ACCEPT_MEDIA, "text/html;q=0.1, text/html;q=0.2, text/html;q=0.1", "text/html", 200 },
    { BI_ACCEPT_MEDIA, "text/html;q=0", "text/html", 0 },
    { BI_ACCEPT_MEDIA, "*/html, *, text", "text/html", -1 },
    { BI_ACCEPT_MEDIA, "text/html", "text", -1 },
    { BI_ACCEPT_CODING, "gzip;q=0.5, *;q=0.1", "gzip", 500 },
    { BI_ACCEPT_CODING, "*;q=0.1, GZIP;q=0.5", "gzip", 500 },
    { BI_ACCEPT_CODING, "x-gzip", "gzip", 1000 },
    { BI_ACCEPT_CODING, "gzip", "x-gzip", 1000 },
    { BI_ACCEPT_CODING, "gzip;level=9", "gzip", -1 },
    { BI_ACCEPT_CODING, "*;q=0.1", "br", 100 },
    { BI_ACCEPT_CODING, "gzip", "gzi", -1 },
    { BI_ACCEPT_CODING, "gzip", "br", -1 },
    { BI_ACCEPT_LANGUAGE, "da, en-gb;q=0.8, en;q=0.7", "en", 700 },
    { BI_ACCEPT_LANGUAGE, "da, en-gb;q=0.8, en;q=0.7", "en-GB", 800 },
    { BI_ACCEPT_LANGUAGE, "da, en-gb;q=0.8, en;q=0.7", "en-US", 700 },
    { BI_ACCEPT_LANGUAGE, "da, en-gb;q=0.8, en;q=0.7", "de", -1 },
    { BI_ACCEPT_LANGUAGE, "en", "eng", -1 },
    { BI_ACCEPT_LANGUAGE, "zh;q=0.9, zh-Hant;q=0.3, zh;q=0.8", "zh-hant-tw", 300 },
    { BI_ACCEPT_LANGUAGE, "en-GB, *;q=0.1", "en", 1000 },
    { BI_ACCEPT_LANGUAGE, "en-GB;q=0, *;q=0.1", "en", 100 },
    { BI_ACCEPT_LANGUAGE, "en-GB;q=0.8, en-US;q=0.9", "en", 900 },
    { BI_ACCEPT_LANGUAGE, "*;q=0.5, de", "fr", 500 },
};

static struct bi_lines lines_of(const char *list, struct bi_view *line)
{
    if (list != NULL) {
        *line = view(list);
    }
    return (struct bi_lines) { line, list != NULL ? 1 : 0 };
}

START_TEST(an_offer_has_the_weight_of_the_most_specific_member) /* A10 */
{
    struct bi_view line;
    ck_assert_int_eq(
        bi_accept_weight(weights[_i].kind, lines_of(weights[_i].list, &line), weights[_i].offer), weights[_i].weight);
}
END_TEST

#define NONE BI_ACCEPT_NONE
#define IDENTITY BI_ACCEPT_IDENTITY

static const struct {
    enum bi_accept_kind kind;
    const char *list; /* NULL: not there */
    const char *offers[3];
    size_t choice;
} choices[] = {
    { BI_ACCEPT_MEDIA, NULL, { "text/html", "application/json" }, 0 },
    { BI_ACCEPT_MEDIA, NULL, { NULL }, NONE },
    { BI_ACCEPT_MEDIA, "", { "text/html" }, 0 },
    { BI_ACCEPT_MEDIA, "rubbish;", { "text/html" }, NONE },
    { BI_ACCEPT_MEDIA, ";q", { "text/html" }, 0 },
    { BI_ACCEPT_MEDIA, "*/*", { "text/html", "application/json" }, 0 },
    { BI_ACCEPT_MEDIA, "application/json, text/html", { "text/html", "application/json" }, 0 },
    { BI_ACCEPT_MEDIA, "application/json, text/html;q=0.9", { "text/html", "application/json" }, 1 },
    { BI_ACCEPT_MEDIA, "text/*;q=0.5, */*;q=0.6", { "text/html", "image/png" }, 1 },
    { BI_ACCEPT_MEDIA, "text/html;q=0, */*", { "text/html", "application/json" }, 1 },
    { BI_ACCEPT_MEDIA, "text/html;q=0", { "text/html" }, NONE },
    { BI_ACCEPT_MEDIA, "image/*", { "text/html", "application/json" }, NONE },
    { BI_ACCEPT_CODING, NULL, { "br", "gzip" }, IDENTITY },
    { BI_ACCEPT_CODING, "", { "br", "gzip" }, IDENTITY },
    { BI_ACCEPT_CODING, "gzip, deflate, br", { "br", "gzip" }, 0 },
    { BI_ACCEPT_CODING, "gzip, deflate", { "br", "gzip" }, 1 },
    { BI_ACCEPT_CODING, "gzip;q=0.001", { "gzip" }, 0 },
    { BI_ACCEPT_CODING, "deflate", { "gzip" }, IDENTITY },
    { BI_ACCEPT_CODING, "gzip;q=0", { "gzip" }, IDENTITY },
    { BI_ACCEPT_CODING, "*", { "gzip" }, 0 },
    { BI_ACCEPT_CODING, "*;q=0", { "gzip" }, NONE },
    { BI_ACCEPT_CODING, "identity;q=0", { "gzip" }, NONE },
    { BI_ACCEPT_CODING, "gzip, identity;q=0", { "gzip" }, 0 },
    { BI_ACCEPT_CODING, "gzip, *;q=0", { "gzip" }, 0 },
    { BI_ACCEPT_CODING, "identity, *;q=0", { "gzip" }, IDENTITY },
    { BI_ACCEPT_CODING, "gzip;q=0.5, identity", { "gzip" }, IDENTITY },
    { BI_ACCEPT_CODING, "gzip;q=0.5, identity;q=0.5", { "gzip" }, 0 },
    { BI_ACCEPT_CODING, "gzip;q=1.0, identity; q=0.5, *;q=0", { "br", "gzip" }, 1 },
    { BI_ACCEPT_LANGUAGE, NULL, { "en", "de" }, 0 },
    { BI_ACCEPT_LANGUAGE, "de-CH, fr;q=0.9", { "en", "de" }, 1 },
    { BI_ACCEPT_LANGUAGE, "fr", { "en", "de" }, NONE },
    { BI_ACCEPT_LANGUAGE, "fr, *;q=0.1", { "en", "de" }, 0 },
};

START_TEST(the_best_offer_is_chosen) /* A10, F3 */
{
    struct bi_view line;
    size_t count = 0;
    while (count < 3 && choices[_i].offers[count] != NULL) {
        count++;
    }
    ck_assert_uint_eq(bi_accept_choose(choices[_i].kind, lines_of(choices[_i].list, &line), choices[_i].offers, count),
        choices[_i].choice);
}
END_TEST

START_TEST(the_lines_of_a_field_are_one_list) /* A10 */
{
    struct bi_view lines[] = { bi_view_of("*;q=0.1"), bi_view_of("gzip;q=0.5"), bi_view_of("br;q=0.4") };
    const char *offers[] = { "br", "gzip" };
    ck_assert_int_eq(bi_accept_weight(BI_ACCEPT_CODING, (struct bi_lines) { lines, 3 }, "br"), 400);
    ck_assert_uint_eq(bi_accept_choose(BI_ACCEPT_CODING, (struct bi_lines) { lines, 3 }, offers, 2), 1);
}
END_TEST

static void add_tests(TCase *tests)
{
    int list_count = (int)(sizeof lists / sizeof *lists);
    tcase_add_loop_test(tests, members_have_weights_and_malformed_ones_are_skipped, 0, list_count);
    tcase_add_loop_test(tests, every_cut_of_a_list_is_read_within_its_bounds, 0, list_count);
    tcase_add_loop_test(
        tests, an_offer_has_the_weight_of_the_most_specific_member, 0, (int)(sizeof weights / sizeof *weights));
    tcase_add_loop_test(tests, the_best_offer_is_chosen, 0, (int)(sizeof choices / sizeof *choices));
    tcase_add_test(tests, the_lines_of_a_field_are_one_list);
}

BIGHT_TEST_MAIN("http_accept", add_tests)
