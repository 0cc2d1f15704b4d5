/* SPDX-License-Identifier: MIT */
/* Tests of conditions (protocols/http/message/precondition.h). */
#include "http/message/precondition.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

#define NOW INT64_C(1780000000)
#define MODIFIED INT64_C(784111777)
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define SAME "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"
#define OBSOLETE "Sunday, 06-Nov-94 08:49:37 GMT"

#define GET BI_METHOD_GET
#define HEAD BI_METHOD_HEAD
#define PUT BI_METHOD_PUT
#define PROCEED BI_PRECONDITION_PROCEED
#define NOT_MODIFIED BI_PRECONDITION_NOT_MODIFIED
#define FAILED BI_PRECONDITION_FAILED

enum state { STRONG, WEAK, DATED, BARE, ABSENT };

static struct bi_representation representation_in(enum state state)
{
    struct bi_representation representation = {
        .exists = state != ABSENT,
        .has_etag = state != DATED && state != BARE, /* of what does not exist nothing counts */
        .has_modified = state != BARE,
        .etag = { bi_view_of("a"), state == WEAK },
        .modified = MODIFIED,
    };
    return representation;
}

/* Tag conditions: If-Match and If-None-Match; dates: If-Unmodified-Since and If-Modified-Since. */
static const struct row {
    enum bi_method method;
    enum state state;
    const char *match, *unmodified, *none_match, *modified;
    enum bi_precondition_result result;
} rows[] = {
    { GET, STRONG, NULL, NULL, NULL, NULL, PROCEED },
    { PUT, ABSENT, NULL, NULL, NULL, NULL, PROCEED },
    /* 1. If-Match compares strongly. */
    { PUT, STRONG, "\"a\"", NULL, NULL, NULL, PROCEED },
    { PUT, STRONG, "\"x\", \"a\"", NULL, NULL, NULL, PROCEED },
    { PUT, STRONG, "\"x\"", NULL, NULL, NULL, FAILED },
    { PUT, STRONG, "W/\"a\"", NULL, NULL, NULL, FAILED },
    { PUT, WEAK, "\"a\"", NULL, NULL, NULL, FAILED },
    { PUT, WEAK, "W/\"a\"", NULL, NULL, NULL, FAILED },
    { PUT, BARE, "\"a\"", NULL, NULL, NULL, FAILED },
    { PUT, ABSENT, "\"a\"", NULL, NULL, NULL, FAILED },
    { PUT, BARE, "*", NULL, NULL, NULL, PROCEED },
    { PUT, BARE, " *\t", NULL, NULL, NULL, PROCEED },
    { PUT, ABSENT, "*", NULL, NULL, NULL, FAILED },
    { GET, STRONG, "\"x\"", NULL, NULL, NULL, FAILED },
    { GET, STRONG, "\"a\"", NULL, NULL, NULL, PROCEED },
    { PUT, STRONG, "", NULL, NULL, NULL, FAILED },
    { PUT, STRONG, "a", NULL, NULL, NULL, FAILED },
    { PUT, STRONG, "\"a\", x", NULL, NULL, NULL, PROCEED },
    { PUT, STRONG, "x, \"a\"", NULL, NULL, NULL, FAILED },
    { PUT, STRONG, "*, \"a\"", NULL, NULL, NULL, FAILED },
    /* 2. If-Unmodified-Since, without If-Match. */
    { PUT, DATED, NULL, BEFORE, NULL, NULL, FAILED },
    { PUT, DATED, NULL, SAME, NULL, NULL, PROCEED },
    { PUT, DATED, NULL, OBSOLETE, NULL, NULL, PROCEED },
    { PUT, DATED, NULL, AFTER, NULL, NULL, PROCEED },
    { GET, DATED, NULL, BEFORE, NULL, NULL, FAILED },
    { PUT, DATED, NULL, "yesterday", NULL, NULL, PROCEED },
    { PUT, BARE, NULL, BEFORE, NULL, NULL, PROCEED },
    { PUT, ABSENT, NULL, BEFORE, NULL, NULL, PROCEED },
    { PUT, STRONG, "\"a\"", BEFORE, NULL, NULL, PROCEED },
    { PUT, STRONG, "\"x\"", AFTER, NULL, NULL, FAILED },
    /* 3. If-None-Match compares weakly. */
    { GET, STRONG, NULL, NULL, "\"a\"", NULL, NOT_MODIFIED },
    { HEAD, STRONG, NULL, NULL, "\"a\"", NULL, NOT_MODIFIED },
    { GET, STRONG, NULL, NULL, "W/\"a\"", NULL, NOT_MODIFIED },
    { GET, WEAK, NULL, NULL, "\"a\"", NULL, NOT_MODIFIED },
    { GET, STRONG, NULL, NULL, "\"x\",\"a\"", NULL, NOT_MODIFIED },
    { GET, STRONG, NULL, NULL, "\"x\"", NULL, PROCEED },
    { GET, BARE, NULL, NULL, "\"a\"", NULL, PROCEED },
    { GET, BARE, NULL, NULL, "*", NULL, NOT_MODIFIED },
    { GET, ABSENT, NULL, NULL, "*", NULL, PROCEED },
    { PUT, STRONG, NULL, NULL, "\"a\"", NULL, FAILED },
    { PUT, STRONG, NULL, NULL, "\"x\"", NULL, PROCEED },
    { PUT, BARE, NULL, NULL, "*", NULL, FAILED },
    { PUT, ABSENT, NULL, NULL, "*", NULL, PROCEED },
    { PUT, ABSENT, NULL, NULL, "\"a\"", NULL, PROCEED },
    { GET, STRONG, NULL, NULL, "a", NULL, PROCEED },
    { GET, STRONG, NULL, NULL, "\"x\", a", NULL, PROCEED },
    { GET, STRONG, NULL, NULL, "\"a\", a", NULL, NOT_MODIFIED },
    { PUT, STRONG, NULL, NULL, "\"x\", a", NULL, FAILED },
    { PUT, STRONG, NULL, NULL, "", NULL, PROCEED },
    /* 4. If-Modified-Since, of GET and HEAD, without If-None-Match. */
    { GET, DATED, NULL, NULL, NULL, BEFORE, PROCEED },
    { GET, DATED, NULL, NULL, NULL, SAME, NOT_MODIFIED },
    { HEAD, DATED, NULL, NULL, NULL, AFTER, NOT_MODIFIED },
    { GET, DATED, NULL, NULL, NULL, OBSOLETE, NOT_MODIFIED },
    { GET, DATED, NULL, NULL, NULL, "0", PROCEED },
    { GET, BARE, NULL, NULL, NULL, SAME, PROCEED },
    { GET, ABSENT, NULL, NULL, NULL, SAME, PROCEED },
    { PUT, DATED, NULL, NULL, NULL, SAME, PROCEED },
    { GET, STRONG, NULL, NULL, "\"x\"", SAME, PROCEED },
    { GET, STRONG, NULL, NULL, "\"a\"", BEFORE, NOT_MODIFIED },
    /* Both halves. */
    { GET, STRONG, "\"a\"", NULL, "\"a\"", NULL, NOT_MODIFIED },
    { GET, STRONG, "\"x\"", NULL, "\"a\"", NULL, FAILED },
    { PUT, STRONG, "\"a\"", NULL, "\"a\"", NULL, FAILED },
    { GET, DATED, NULL, SAME, NULL, SAME, NOT_MODIFIED },
    { GET, DATED, NULL, BEFORE, NULL, SAME, FAILED },
    /* Methods that have none, and those of others. */
    { BI_METHOD_OPTIONS, STRONG, "\"x\"", BEFORE, "\"a\"", SAME, PROCEED },
    { BI_METHOD_TRACE, STRONG, "\"x\"", BEFORE, "\"a\"", SAME, PROCEED },
    { BI_METHOD_CONNECT, STRONG, "\"x\"", BEFORE, "\"a\"", SAME, PROCEED },
    { BI_METHOD_DELETE, STRONG, "\"x\"", NULL, NULL, NULL, FAILED },
    { BI_METHOD_OTHER, STRONG, NULL, NULL, "\"a\"", NULL, FAILED },
};

static struct bi_lines lines_of(const char *text, struct bi_view *line)
{
    *line = text == NULL ? (struct bi_view) { 0 } : bi_view_of(text);
    return (struct bi_lines) { line, text == NULL ? 0 : 1 };
}

START_TEST(conditions_are_looked_at_in_the_order_of_the_rfc) /* A12 */
{
    const struct row *row = &rows[_i];
    struct bi_view lines[4];
    struct bi_representation representation = representation_in(row->state);
    struct bi_conditions conditions = {
        .if_match = lines_of(row->match, &lines[0]),
        .if_unmodified_since = lines_of(row->unmodified, &lines[1]),
        .if_none_match = lines_of(row->none_match, &lines[2]),
        .if_modified_since = lines_of(row->modified, &lines[3]),
    };
    ck_assert_int_eq(bi_precondition(row->method, &conditions, &representation, NOW), row->result);
}
END_TEST

static enum bi_precondition_result of_lines(enum bi_method method, const char *one, const char *other, bool none)
{
    struct bi_view lines[] = { bi_view_of(one), bi_view_of(other) };
    struct bi_representation representation = representation_in(STRONG);
    struct bi_conditions conditions = { 0 };
    *(none ? &conditions.if_none_match : &conditions.if_match) = (struct bi_lines) { lines, 2 };
    return bi_precondition(method, &conditions, &representation, NOW);
}

START_TEST(the_lines_of_a_field_are_one_list) /* A12 */
{
    ck_assert_int_eq(of_lines(GET, "\"x\"", "\"a\"", true), NOT_MODIFIED);
    ck_assert_int_eq(of_lines(GET, "\"x\"", "\"y\"", true), PROCEED);
    ck_assert_int_eq(of_lines(PUT, "\"x\"", "\"a\"", false), PROCEED);
    ck_assert_int_eq(of_lines(PUT, "*", "\"a\"", false), FAILED); /* `*` stands alone */
    ck_assert_int_eq(of_lines(PUT, "\"x\"", "*", true), FAILED);
}
END_TEST

START_TEST(a_date_that_comes_twice_is_ignored) /* A12 */
{
    struct bi_view lines[] = { bi_view_of(SAME), bi_view_of(SAME) };
    struct bi_representation representation = representation_in(DATED);
    struct bi_conditions conditions = { .if_modified_since = { lines, 2 } };
    ck_assert_int_eq(bi_precondition(GET, &conditions, &representation, NOW), PROCEED);
    conditions.if_modified_since.count = 1;
    ck_assert_int_eq(bi_precondition(GET, &conditions, &representation, NOW), NOT_MODIFIED);
}
END_TEST

static const struct {
    enum state state;
    const char *if_range;
    int64_t now;
    bool holds;
} ranges[] = {
    { STRONG, "\"a\"", NOW, true },
    { STRONG, " \"a\" ", NOW, true },
    { STRONG, "\"x\"", NOW, false },
    { STRONG, "W/\"a\"", NOW, false },
    { WEAK, "W/\"a\"", NOW, false },
    { WEAK, "\"a\"", NOW, false },
    { BARE, "\"a\"", NOW, false },
    { ABSENT, "\"a\"", NOW, false },
    { STRONG, "\"a\", \"b\"", NOW, false },
    { STRONG, "*", NOW, false },
    { STRONG, "", NOW, false },
    { STRONG, "a", NOW, false },
    { DATED, SAME, NOW, true },
    { STRONG, OBSOLETE, NOW, true },
    { DATED, BEFORE, NOW, false },
    { DATED, AFTER, NOW, false },
    { DATED, SAME, MODIFIED + 1, true },
    { DATED, SAME, MODIFIED, false }, /* the second is not over: it may change once more in it */
    { BARE, SAME, NOW, false },
    { ABSENT, SAME, NOW, false },
};

START_TEST(a_range_is_followed_if_what_it_is_of_is_surely_the_same) /* A12, F2 */
{
    struct bi_representation representation = representation_in(ranges[_i].state);
    struct bi_view value = { edge_copy(ranges[_i].if_range, strlen(ranges[_i].if_range)), strlen(ranges[_i].if_range) };
    ck_assert_int_eq(bi_if_range_holds(value, &representation, ranges[_i].now), ranges[_i].holds);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, conditions_are_looked_at_in_the_order_of_the_rfc, 0, (int)(sizeof rows / sizeof *rows));
    tcase_add_test(tests, the_lines_of_a_field_are_one_list);
    tcase_add_test(tests, a_date_that_comes_twice_is_ignored);
    tcase_add_loop_test(
        tests, a_range_is_followed_if_what_it_is_of_is_surely_the_same, 0, (int)(sizeof ranges / sizeof *ranges));
}

BIGHT_TEST_MAIN("http_precondition", add_tests)
