/* SPDX-License-Identifier: MIT */
/* Tests of the lines and words of statuses (protocols/http/message/status.h). */
#include "http/message/status.h"

#include <check.h>
#include <string.h>

#include "support.h"

static const char *line_of(int status)
{
    static char line[BI_STATUS_LINE + 1];
    line[bi_status_line(line, status)] = '\0';
    return line;
}

START_TEST(a_registered_status_has_its_words)
{
    ck_assert_str_eq(line_of(200), "HTTP/1.1 200 OK\r\n");
    ck_assert_str_eq(line_of(431), "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    ck_assert_str_eq(bi_status_words(511), "Network Authentication Required");
}
END_TEST

START_TEST(any_other_status_has_none)
{
    ck_assert_str_eq(line_of(299), "HTTP/1.1 299 \r\n");
    ck_assert_str_eq(line_of(999), "HTTP/1.1 999 \r\n");
    ck_assert_str_eq(bi_status_words(99), "");
    ck_assert_str_eq(bi_status_words(1000), "");
    ck_assert_str_eq(bi_status_words(-1), "");
}
END_TEST

START_TEST(every_line_fits)
{
    for (int status = 100; status < 1000; status++) {
        ck_assert_uint_lt(strlen(line_of(status)), BI_STATUS_LINE);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_registered_status_has_its_words);
    tcase_add_test(tests, any_other_status_has_none);
    tcase_add_test(tests, every_line_fits);
}

BIGHT_TEST_MAIN("http_status", add_tests)
