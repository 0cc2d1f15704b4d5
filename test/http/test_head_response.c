/* SPDX-License-Identifier: MIT */
/* Tests of the heads of responses (protocols/http/message/head.h): what is tolerated, what is not. */
#include "heads.h"
#include "support.h"

static const struct row in_order[] = {
    { "HTTP/1.1 200 OK\r\n\r\n", "19: 1.1 200 [OK]" },
    { "HTTP/1.0 404 Not Found\r\na: b\r\n\r\n", "32: 1.0 404 [Not Found] a=[b]" },
    { "HTTP/1.1 200 \r\n\r\n", "17: 1.1 200 []" },
    { "HTTP/1.3 999 \t\x80(\r\n\r\n", "20: 1.1 999 [\t\x80(]" },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "25: 1.1 100 [Continue]" },
    { "HTTP/1.1 200 O", "partial" },
    { "\r", "partial" },
};

#define DIGITS "a status that is not of three digits"

static const struct row tolerated[] = {
    { "HTTP/1.1 200\r\n\r\n", "~16: 1.1 200 []" },
    { "HTTP/1.1 200 OK\n\n", "~17: 1.1 200 [OK]" },
    { "HTTP/1.1 200 OK\r\na: b\n\r\n", "~24: 1.1 200 [OK] a=[b]" },
    { "HTTP/1.1 200 OK\r\na: b\r\n\n", "~24: 1.1 200 [OK] a=[b]" },
    { "HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", "~29: 1.1 200 [OK] a=[b c]" },
    { "HTTP/1.1 200 OK\r\na: b \t\r\n\t \tc\t\r\n \r\n d\r\ne: f\r\n\r\n", "~47: 1.1 200 [OK] a=[b c d] e=[f]" },
    { "HTTP/1.1 200 OK\r\na:\r\n b\r\n\r\n", "~27: 1.1 200 [OK] a=[b]" },
    { "HTTP/1.1 200 OK\r\na: b\r\n \r\n\r\n", "~28: 1.1 200 [OK] a=[b]" },
    { "HTTP/1.1 200 OK\na: b\n c\n\n", "~25: 1.1 200 [OK] a=[b c]" },
};

static const struct row refused[] = {
    { "HTTP/2.0 200 OK\r\n", "505@5 a version other than 1" },
    { "HTTP/1.1 20 OK\r\n", "400@11 " DIGITS },
    { "HTTP/1.1 2000 OK\r\n", "400@12 " DIGITS },
    { "HTTP/1.1 -20 OK\r\n", "400@9 " DIGITS },
    { "HTTP/1.1 099 OK\r\n", "400@9 a status below 100" },
    { "HTTP/1.1  200 OK\r\n", "400@9 " DIGITS },
    { "HTTP/1.1\t200 OK\r\n", "400@8 a version without a space behind it" },
    { "HTTP/1.1 200\tOK\r\n", "400@12 " DIGITS },
    { "HTTP/1.1 200 O\x01\r\n", "400@14 a control character" },
    { "HTTP/1.1 200 O\rK\r\n", "400@14 a bare CR" },
    { "HTTP/1.1 200 OK\r\r\n", "400@15 a bare CR" },
    { "HTTP/1.1 200 OK\r\n\r\r\n", "400@17 a bare CR" },
    { WITH_NUL("HTTP/1.1 200 OK\r\na: \0\r\n", "400@20 a NUL") },
    { WITH_NUL("HTTP/1.1 200 OK\r\na: b\r\n \0\r\n", "400@24 a NUL") },
    { "HTTP/1.1 200 OK\r\na : b\r\n", "400@18 white space before a colon" },
    { "HTTP/1.1 200 OK\r\n a: b\r\n", "400@17 white space at the beginning of a line" },
    { "\r\nHTTP/1.1 200 OK\r\n", "400@0 an empty line in place of a start line" },
    { "\nHTTP/1.1 200 OK\r\n", "400@0 an empty line in place of a start line" },
    { "ICY 200 OK\r\n", "400@0 a version that is not `HTTP/` and two digits" },
    { "200 OK\r\n", "400@0 a version that is not `HTTP/` and two digits" },
};

START_TEST(a_head_in_order_is_read_as_it_is) /* H1 */
{
    CHECK_ROWS(in_order, BI_HEAD_RESPONSE, &usual_limits);
}
END_TEST

START_TEST(what_servers_do_wrong_without_doubt_about_it_is_tolerated_and_told) /* C5 */
{
    CHECK_ROWS(tolerated, BI_HEAD_RESPONSE, &usual_limits);
}
END_TEST

START_TEST(anything_else_is_refused) /* C5 */
{
    CHECK_ROWS(refused, BI_HEAD_RESPONSE, &usual_limits);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_head_in_order_is_read_as_it_is);
    tcase_add_test(tests, what_servers_do_wrong_without_doubt_about_it_is_tolerated_and_told);
    tcase_add_test(tests, anything_else_is_refused);
}

BIGHT_TEST_MAIN("http_head_response", add_tests)
