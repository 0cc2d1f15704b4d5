/* SPDX-License-Identifier: MIT */
/* Tests of ranges (protocols/http/message/range.h). */
#include "http/message/range.h"

#include <check.h>
#include <string.h>

#include "edge.h"
#include "support.h"

#define WHOLE BI_RANGE_WHOLE
#define PART BI_RANGE_PART
#define NOTHING BI_RANGE_UNSATISFIABLE
#define LARGEST "18446744073709551615"

static const struct {
    const char *value;
    uint64_t size;
    enum bi_range_result result;
    uint64_t first, count;
} rows[] = {
    { "bytes=0-499", 10000, PART, 0, 500 },
    { "bytes=500-999", 10000, PART, 500, 500 },
    { "bytes=0-0", 10000, PART, 0, 1 },
    { "bytes=9999-9999", 10000, PART, 9999, 1 },
    { "bytes=9500-", 10000, PART, 9500, 500 },
    { "bytes=0-", 10000, PART, 0, 10000 },
    { "bytes=-500", 10000, PART, 9500, 500 },
    { "bytes=-10000", 10000, PART, 0, 10000 },
    { "bytes=-10001", 10000, PART, 0, 10000 },
    { "bytes=9999-10000", 10000, PART, 9999, 1 },
    { "bytes=000-0009", 10000, PART, 0, 10 },
    { "BYTES=1-2", 10000, PART, 1, 2 },
    { " bytes=1-2\t", 10000, PART, 1, 2 },
    { "bytes=, 1-2 ,,", 10000, PART, 1, 2 },
    /* 416. */
    { "bytes=10000-", 10000, NOTHING, 0, 0 },
    { "bytes=10000-20000", 10000, NOTHING, 0, 0 },
    { "bytes=-0", 10000, NOTHING, 0, 0 },
    { "bytes=-0", 0, NOTHING, 0, 0 },
    { "bytes=0-", 0, NOTHING, 0, 0 },
    { "bytes=0-0", 0, NOTHING, 0, 0 },
    { "bytes=-1", 0, WHOLE, 0, 0 },
    /* Numbers of any length. */
    { "bytes=0-" LARGEST, 10000, PART, 0, 10000 },
    { "bytes=0-99999999999999999999999999", 10000, PART, 0, 10000 },
    { "bytes=-99999999999999999999999999", 10000, PART, 0, 10000 },
    { "bytes=99999999999999999999999999-", 10000, NOTHING, 0, 0 },
    { "bytes=18446744073709551617-", 10000, NOTHING, 0, 0 }, /* 2^64 + 1 is not 1 */
    { "bytes=18446744073709551616-18446744073709551617", 10000, NOTHING, 0, 0 },
    { "bytes=18446744073709551614-", UINT64_MAX, PART, UINT64_MAX - 1, 1 },
    { "bytes=0-" LARGEST, UINT64_MAX, PART, 0, UINT64_MAX },
    { "bytes=" LARGEST "-", UINT64_MAX, NOTHING, 0, 0 },
    { "bytes=-" LARGEST, UINT64_MAX, PART, 0, UINT64_MAX },
    { "bytes=1-" LARGEST, UINT64_MAX, PART, 1, UINT64_MAX - 1 },
    /* As if it were not there. */
    { "", 10000, WHOLE, 0, 10000 },
    { "bytes", 10000, WHOLE, 0, 10000 },
    { "bytes=", 10000, WHOLE, 0, 10000 },
    { "bytes=,", 10000, WHOLE, 0, 10000 },
    { "bytes=-", 10000, WHOLE, 0, 10000 },
    { "bytes=--1", 10000, WHOLE, 0, 10000 },
    { "bytes=2-1", 10000, WHOLE, 0, 10000 },
    { "bytes=1-2-3", 10000, WHOLE, 0, 10000 },
    { "bytes=1 -2", 10000, WHOLE, 0, 10000 },
    { "bytes=1- 2", 10000, WHOLE, 0, 10000 },
    { "bytes =1-2", 10000, WHOLE, 0, 10000 },
    { "bytes=+1-2", 10000, WHOLE, 0, 10000 },
    { "bytes=1-2x", 10000, WHOLE, 0, 10000 },
    { "bytes=-5x", 10000, WHOLE, 0, 10000 },
    { "bytes=0x1-2", 10000, WHOLE, 0, 10000 },
    { "bytes=1", 10000, WHOLE, 0, 10000 },
    { "bytes=a-b", 10000, WHOLE, 0, 10000 },
    { "bytes:1-2", 10000, WHOLE, 0, 10000 },
    { "=1-2", 10000, WHOLE, 0, 10000 },
    { "1-2", 10000, WHOLE, 0, 10000 },
    { "items=1-2", 10000, WHOLE, 0, 10000 },
    { "bytesx=1-2", 10000, WHOLE, 0, 10000 },
    { "bytes=1-2,4-5", 10000, WHOLE, 0, 10000 },
    { "bytes=1-2,bad", 10000, WHOLE, 0, 10000 },
    { "bytes=0-,0-,0-,0-", 10000, WHOLE, 0, 10000 },
    { "bytes=20000-,1-2", 10000, WHOLE, 0, 10000 },
    { "bytes=\"1-2\"", 10000, WHOLE, 0, 10000 },
};

START_TEST(one_range_of_bytes_is_followed_and_nothing_else) /* F2 */
{
    uint64_t first, count;
    struct bi_view value = { edge_copy(rows[_i].value, strlen(rows[_i].value)), strlen(rows[_i].value) };
    ck_assert_int_eq(bi_range_parse(value, rows[_i].size, &first, &count), rows[_i].result);
    ck_assert_uint_eq(first, rows[_i].first);
    ck_assert_uint_eq(count, rows[_i].count);
}
END_TEST

START_TEST(a_part_is_never_empty_and_never_beyond_the_end) /* F2 */
{
    for (uint64_t size = 0; size < 8; size++) {
        uint64_t first, count;
        struct bi_view value = { edge_copy(rows[_i].value, strlen(rows[_i].value)), strlen(rows[_i].value) };
        for (; value.size > 0; value.size--, value.at = edge_copy(rows[_i].value, value.size)) {
            enum bi_range_result result = bi_range_parse(value, size, &first, &count);
            ck_assert_uint_le(first, size);
            ck_assert_uint_le(count, size - first);
            ck_assert(result != BI_RANGE_PART || count > 0);
        }
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    int count = (int)(sizeof rows / sizeof *rows);
    tcase_add_loop_test(tests, one_range_of_bytes_is_followed_and_nothing_else, 0, count);
    tcase_add_loop_test(tests, a_part_is_never_empty_and_never_beyond_the_end, 0, count);
}

BIGHT_TEST_MAIN("http_range", add_tests)
