/* SPDX-License-Identifier: MIT */
/* Tests of Content-Range (protocols/http/message/content_range.h). */
#include "http/message/content_range.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

static const struct {
    const char *value;
    bool is_sound, is_unsatisfied;
    uint64_t first, last;
    int64_t total;
} rows[] = {
    { "bytes 0-499/1234", true, false, 0, 499, 1234 },
    { "bytes 500-1233/1234", true, false, 500, 1233, 1234 },
    { "BYTES 0-0/*", true, false, 0, 0, -1 },
    { "bytes */1234", true, true, 0, 0, 1234 },
    { "bytes */0", true, true, 0, 0, 0 },
    { "bytes 007-008/009", true, false, 7, 8, 9 },
    { "bytes 0-9223372036854775806/9223372036854775807", true, false, 0, INT64_MAX - 1, INT64_MAX },
    { "", false, false, 0, 0, 0 },
    { "bytes", false, false, 0, 0, 0 },
    { "bytes ", false, false, 0, 0, 0 },
    { "bytes 0-1", false, false, 0, 0, 0 },
    { "bytes 0-1/", false, false, 0, 0, 0 },
    { "bytes 0-1/2 ", false, false, 0, 0, 0 },
    { "bytes 0-1/2x", false, false, 0, 0, 0 },
    { "bytes 0-1/*2", false, false, 0, 0, 0 },
    { "bytes  0-1/2", false, false, 0, 0, 0 },
    { "bytes=0-1/2", false, false, 0, 0, 0 },
    { "bytes 2-1/3", false, false, 0, 0, 0 },
    { "bytes 0-2/2", false, false, 0, 0, 0 },
    { "bytes */*", false, false, 0, 0, 0 },
    { "bytes -1/2", false, false, 0, 0, 0 },
    { "bytes +0-1/2", false, false, 0, 0, 0 },
    { "bytes 0-1/9223372036854775808", false, false, 0, 0, 0 },
    { "bytes 18446744073709551616-18446744073709551617/9", false, false, 0, 0, 0 },
    { "lines 0-1/2", false, false, 0, 0, 0 },
};

START_TEST(a_content_range_is_what_it_says_or_nothing) /* C12 */
{
    struct bi_content_range range;
    size_t size = strlen(rows[_i].value);
    const uint8_t *value = edge_copy(rows[_i].value, size);
    ck_assert_int_eq(bi_content_range_parse((struct bi_view) { value, size }, &range), rows[_i].is_sound);
    if (rows[_i].is_sound) {
        ck_assert_int_eq(range.is_unsatisfied, rows[_i].is_unsatisfied);
        ck_assert_uint_eq(range.first, rows[_i].first);
        ck_assert_uint_eq(range.last, rows[_i].last);
        ck_assert_int_eq(range.total, rows[_i].total);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_content_range_is_what_it_says_or_nothing, 0, sizeof rows / sizeof *rows);
}

BIGHT_TEST_MAIN("http_content_range", add_tests)
