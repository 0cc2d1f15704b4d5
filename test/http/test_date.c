/* SPDX-License-Identifier: MIT */
/* Tests of times as HTTP writes them (protocols/http/message/date.h). */
#include "http/message/date.h"

#include <check.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "edge.h"
#include "support.h"

#define NOW INT64_C(1780000000) /* Thu, 28 May 2026 20:26:40 GMT */
#define NONE INT64_MIN

static int64_t parsed(const char *text, size_t size, int64_t now)
{
    int64_t seconds = NONE;
    bool is_date = bi_date_parse((struct bi_view) { edge_copy(text, size), size }, now, &seconds);
    ck_assert_int_eq(is_date, seconds != NONE);
    return seconds;
}

static const char *formatted(int64_t seconds)
{
    static char text[BI_DATE_SIZE + 1];
    bi_date_format((char *)edge_copy(text, BI_DATE_SIZE), seconds);
    memcpy(text, edge_copy("", 0) - BI_DATE_SIZE, BI_DATE_SIZE);
    return text;
}

static const struct {
    const char *text;
    int64_t seconds;
} dates[] = {
    { "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
    { "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
    { "Sun Nov  6 08:49:37 1994", 784111777 },
    { "Sun Nov 06 08:49:37 1994", 784111777 },
    { "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
    { "Wed, 31 Dec 1969 23:59:59 GMT", -1 },
    { "Tue, 29 Feb 2000 12:00:00 GMT", 951825600 },
    { "Thu, 29 Feb 2024 00:00:00 GMT", 1709164800 },
    { "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800 }, /* was a leap second */
    { "Tue, 19 Jan 2038 03:14:08 GMT", 2147483648 },
    { "Sat, 01 Jan 0000 00:00:00 GMT", BI_DATE_FIRST },
    { "Fri, 31 Dec 9999 23:59:59 GMT", BI_DATE_LAST },
    /* The calendar. */
    { "Mon, 06 Nov 1994 08:49:37 GMT", NONE },
    { "Thu, 29 Feb 2023 00:00:00 GMT", NONE },
    { "Wed, 01 Mar 2023 00:00:00 GMT", 1677628800 },
    { "Mon, 29 Feb 1900 00:00:00 GMT", NONE },
    { "Wed, 00 Jan 1970 00:00:00 GMT", NONE },
    { "Sun, 32 Dec 1994 08:49:37 GMT", NONE },
    { "Thu, 31 Nov 1994 08:49:37 GMT", NONE },
    { "Sun, 06 Nov 1994 24:00:00 GMT", NONE },
    { "Sun, 06 Nov 1994 08:60:00 GMT", NONE },
    { "Sun, 06 Nov 1994 08:49:60 GMT", NONE },
    { "Sat, 31 Dec 2016 23:59:61 GMT", NONE },
    /* The grammar. */
    { "", NONE },
    { "Sun", NONE },
    { "Sun,", NONE },
    { "0", NONE },
    { "784111777", NONE },
    { "sun, 06 Nov 1994 08:49:37 GMT", NONE },
    { "Sun, 06 nov 1994 08:49:37 GMT", NONE },
    { "Sun, 06 Nov 1994 08:49:37 gmt", NONE },
    { "Sun, 06 Nov 1994 08:49:37 UTC", NONE },
    { "Sun, 06 Nov 1994 08:49:37", NONE },
    { "Sun, 06 Nov 1994 08:49:37 +0000", NONE },
    { "Sun, 06 Nov 1994 08:49 GMT", NONE },
    { "Sun, 6 Nov 1994 08:49:37 GMT", NONE },
    { "Sun, 06  Nov 1994 08:49:37 GMT", NONE },
    { "Sun,06 Nov 1994 08:49:37 GMT", NONE },
    { "Sun, +6 Nov 1994 08:49:37 GMT", NONE },
    { "Sun, 06 Nov 94 08:49:37 GMT", NONE },
    { "Sun, 06 Nov 19940 08:49:37 GMT", NONE },
    { "Sun, 06-Nov-1994 08:49:37 GMT", NONE },
    { "Sunday, 06 Nov 1994 08:49:37 GMT", NONE },
    { "Sunday, 06-Nov-1994 08:49:37 GMT", NONE },
    { "Sunda, 06-Nov-94 08:49:37 GMT", NONE },
    { "Sun Nov 6 08:49:37 1994", NONE },
    { "Sun Nov   6 08:49:37 1994", NONE },
    { "Sun Nov  6 08:49:37 1994 GMT", NONE },
    { " Sun, 06 Nov 1994 08:49:37 GMT", NONE },
    { "Sun, 06 Nov 1994 08:49:37 GMT ", NONE },
    { "Sun, 06 Nov 1994 08:49:37 GMT\r\n", NONE },
    { "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", NONE },
};

START_TEST(a_date_is_read_in_three_forms_and_nothing_else_is) /* A12 */
{
    ck_assert_int_eq(parsed(dates[_i].text, strlen(dates[_i].text), NOW), dates[_i].seconds);
}
END_TEST

START_TEST(a_date_that_is_cut_is_none) /* H1 */
{
    for (size_t size = 0; size < strlen(dates[_i].text); size++) {
        ck_assert_int_eq(parsed(dates[_i].text, size, NOW), NONE);
    }
}
END_TEST

START_TEST(a_nul_is_no_end_of_a_date)
{
    ck_assert_int_eq(parsed("Sun, 06 Nov 1994 08:49:37 GMT\0", 30, NOW), NONE);
    ck_assert_int_eq(parsed("Sunday\0 06-Nov-94 08:49:37 GMT", 30, NOW), NONE);
}
END_TEST

static const struct {
    const char *now, *text, *means;
} centuries[] = {
    { "Thu, 28 May 2026 20:26:40 GMT", "Tuesday, 28-May-75 20:26:40 GMT", "Tue, 28 May 2075 20:26:40 GMT" },
    { "Thu, 28 May 2026 20:26:40 GMT", "Saturday, 28-May-77 20:26:40 GMT", "Sat, 28 May 1977 20:26:40 GMT" },
    { "Thu, 28 May 2026 20:26:40 GMT", "Thursday, 28-May-26 20:26:40 GMT", "Thu, 28 May 2026 20:26:40 GMT" },
    /* Exactly 50 years, and a second more. */
    { "Thu, 28 May 2026 20:26:40 GMT", "Thursday, 28-May-76 20:26:40 GMT", "Thu, 28 May 2076 20:26:40 GMT" },
    { "Thu, 28 May 2026 20:26:40 GMT", "Friday, 28-May-76 20:26:41 GMT", "Fri, 28 May 1976 20:26:41 GMT" },
    /* The day of the week does not choose. */
    { "Thu, 28 May 2026 20:26:40 GMT", "Thursday, 28-May-76 20:26:41 GMT", NULL },
    { "Thu, 28 May 2026 20:26:40 GMT", "Tuesday, 29-Feb-00 00:00:00 GMT", "Tue, 29 Feb 2000 00:00:00 GMT" },
    /* Near the turn of a century. */
    { "Fri, 31 Dec 1999 23:59:59 GMT", "Saturday, 01-Jan-00 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT" },
    { "Sat, 01 Jan 2000 00:00:00 GMT", "Friday, 31-Dec-99 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:59 GMT" },
    { "Thu, 31 Dec 2099 23:59:59 GMT", "Thursday, 01-Jan-05 00:00:00 GMT", "Thu, 01 Jan 2105 00:00:00 GMT" },
    { "Thu, 31 Dec 2099 23:59:59 GMT", "Monday, 29-Feb-00 00:00:00 GMT", NULL },
    /* No year of five digits, and none before 0000. */
    { "Fri, 31 Dec 9999 23:59:59 GMT", "Thursday, 01-Jan-20 00:00:00 GMT", "Thu, 01 Jan 9920 00:00:00 GMT" },
    { "Sat, 01 Jan 0000 00:00:00 GMT", "Friday, 31-Dec-99 00:00:00 GMT", NULL },
};

START_TEST(two_digits_of_a_year_are_at_most_50_years_ahead) /* A12 */
{
    const char *text = centuries[_i].text, *means = centuries[_i].means;
    int64_t now = parsed(centuries[_i].now, BI_DATE_SIZE, NOW);
    ck_assert_int_ne(now, NONE);
    int64_t wanted = means == NULL ? NONE : parsed(means, BI_DATE_SIZE, NOW);
    ck_assert_int_eq(means == NULL, wanted == NONE);
    ck_assert_int_eq(parsed(text, strlen(text), now), wanted);
}
END_TEST

START_TEST(a_time_is_written_as_libc_has_it) /* H6 */
{
    int64_t step = 12345677; /* a hundred and forty-odd days: every day of the week, month and hour */
    for (int64_t seconds = BI_DATE_FIRST; seconds <= BI_DATE_LAST; seconds += step) {
        char wanted[64];
        struct tm tm;
        time_t time = (time_t)seconds;
        if ((int64_t)time != seconds || gmtime_r(&time, &tm) == NULL) {
            continue; /* libc has it in 32 bits */
        }
        (void)strftime(wanted, sizeof wanted, "%a, %d %b ", &tm); /* the locale is "C" */
        (void)snprintf(wanted + 12, sizeof wanted - 12, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900, tm.tm_hour,
            tm.tm_min, tm.tm_sec);
        ck_assert_str_eq(formatted(seconds), wanted);
        ck_assert_int_eq(parsed(wanted, BI_DATE_SIZE, NOW), seconds);
    }
}
END_TEST

START_TEST(every_day_follows_the_day_before)
{
    int64_t first = parsed("Wed, 01 Jan 1890 00:00:00 GMT", BI_DATE_SIZE, NOW);
    for (int64_t day = 0; day < 90000; day++) {
        ck_assert_int_eq(parsed(formatted(first + day * 86400), BI_DATE_SIZE, NOW), first + day * 86400);
    }
}
END_TEST

START_TEST(a_time_beyond_four_digits_becomes_the_nearest_that_has_them) /* H6 */
{
    ck_assert_str_eq(formatted(BI_DATE_LAST + 1), "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert_str_eq(formatted(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
    ck_assert_str_eq(formatted(BI_DATE_FIRST - 1), "Sat, 01 Jan 0000 00:00:00 GMT");
    ck_assert_str_eq(formatted(INT64_MIN), "Sat, 01 Jan 0000 00:00:00 GMT");
    ck_assert_int_eq(parsed("Sunday, 06-Nov-94 08:49:37 GMT", 30, INT64_MIN), NONE);
    ck_assert_int_eq(parsed("Sunday, 06-Nov-94 08:49:37 GMT", 30, INT64_MAX), INT64_C(253239727777));
}
END_TEST

START_TEST(the_line_is_formatted_once_a_second) /* H6 */
{
    struct bi_date_cache cache = { 0 };
    ck_assert_mem_eq(bi_date_cache_line(&cache, 0), "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", BI_DATE_LINE);
    const char *line = bi_date_cache_line(&cache, 784111777);
    ck_assert_mem_eq(line, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", BI_DATE_LINE);
    cache.line[6] = '#';
    ck_assert_int_eq(bi_date_cache_line(&cache, 784111777)[6], '#');
    ck_assert_mem_eq(bi_date_cache_line(&cache, 784111778), "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n", BI_DATE_LINE);
    ck_assert_mem_eq(bi_date_cache_line(&cache, 784111777), "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", BI_DATE_LINE);
}
END_TEST

static void add_tests(TCase *tests)
{
    int date_count = (int)(sizeof dates / sizeof *dates);
    tcase_add_loop_test(tests, a_date_is_read_in_three_forms_and_nothing_else_is, 0, date_count);
    tcase_add_loop_test(tests, a_date_that_is_cut_is_none, 0, 12); /* those that are dates */
    tcase_add_test(tests, a_nul_is_no_end_of_a_date);
    tcase_add_loop_test(
        tests, two_digits_of_a_year_are_at_most_50_years_ahead, 0, (int)(sizeof centuries / sizeof *centuries));
    tcase_add_test(tests, a_time_is_written_as_libc_has_it);
    tcase_add_test(tests, every_day_follows_the_day_before);
    tcase_add_test(tests, a_time_beyond_four_digits_becomes_the_nearest_that_has_them);
    tcase_add_test(tests, the_line_is_formatted_once_a_second);
}

BIGHT_TEST_MAIN("http_date", add_tests)
