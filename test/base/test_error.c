/* SPDX-License-Identifier: MIT */
/* test_error.c - the list of error codes keeps its promises: unique, described, and a tree that ends. */
#include "support.h"

#include <errno.h>
#include <sysexits.h>

#include <bight/error.h>

static const struct {
    const char *name;
    int code, parent;
    const char *text;
} listed[] = {
#define LISTED(name, value, parent, text) { #name, value, BIGHT_E_##parent, text },
    BIGHT_ERROR_LIST(LISTED)
#undef LISTED
};
enum { LISTED_COUNT = sizeof listed / sizeof listed[0] };

START_TEST(every_code_has_a_name_and_a_text_of_its_own)
{
    for (size_t i = 0; i < LISTED_COUNT; i++) {
        ck_assert_str_eq(bight_error_name(listed[i].code), listed[i].name);
        ck_assert_str_eq(bight_error_text(listed[i].code), listed[i].text);
        ck_assert_uint_gt(strlen(listed[i].text), 0);
        ck_assert_int_ne(listed[i].text[strlen(listed[i].text) - 1], '.');
        for (size_t k = 0; k < i; k++) {
            ck_assert_int_ne(listed[i].code, listed[k].code);
            ck_assert_str_ne(listed[i].name, listed[k].name);
            ck_assert_str_ne(listed[i].text, listed[k].text);
        }
    }
}
END_TEST

START_TEST(every_code_but_ok_is_negative_and_leads_to_a_category)
{
    for (size_t i = 1; i < LISTED_COUNT; i++) {
        ck_assert_int_lt(listed[i].code, 0);
        int category = listed[i].code / 100 * 100;
        ck_assert(bight_error_is(listed[i].code, category));
        ck_assert(bight_error_is(listed[i].code, listed[i].parent));
        ck_assert(bight_error_is(category, category));
    }
}
END_TEST

START_TEST(is_asks_along_the_parents_only)
{
    ck_assert(bight_error_is(BIGHT_E_WRONG_NAME, BIGHT_E_NOT_VERIFIED));
    ck_assert(bight_error_is(BIGHT_E_WRONG_NAME, BIGHT_E_TLS));
    ck_assert(!bight_error_is(BIGHT_E_NOT_VERIFIED, BIGHT_E_WRONG_NAME));
    ck_assert(!bight_error_is(BIGHT_E_STALE, BIGHT_E_ALREADY_CALLED));
    ck_assert(!bight_error_is(BIGHT_E_PERMISSION_DENIED, BIGHT_E_LISTEN));
    ck_assert(!bight_error_is(BIGHT_E_FACTORY_IN_USE, BIGHT_E_USAGE));
    ck_assert(!bight_error_is(BIGHT_E_CONNECT, BIGHT_E_CONNECTION));
    ck_assert(!bight_error_is(BIGHT_E_USAGE, BIGHT_OK));
    ck_assert(bight_error_is(BIGHT_OK, BIGHT_OK));
    ck_assert(!bight_error_is(-12345, BIGHT_E_USAGE));
}
END_TEST

START_TEST(a_number_that_is_no_code_is_called_unknown)
{
    ck_assert_str_eq(bight_error_name(1), "UNKNOWN");
    ck_assert_str_eq(bight_error_name(-199), "UNKNOWN");
    ck_assert_str_eq(bight_error_text(-199), "unknown error");
}
END_TEST

START_TEST(errno_becomes_the_closest_code)
{
    ck_assert_int_eq(bight_error_from_errno(0), BIGHT_OK);
    ck_assert_int_eq(bight_error_from_errno(ECONNREFUSED), BIGHT_E_CONNECTION_REFUSED);
    ck_assert_int_eq(bight_error_from_errno(EHOSTUNREACH), BIGHT_E_UNREACHABLE);
    ck_assert_int_eq(bight_error_from_errno(ECONNRESET), BIGHT_E_CONNECTION_LOST);
    ck_assert_int_eq(bight_error_from_errno(EADDRINUSE), BIGHT_E_ADDRESS_IN_USE);
    ck_assert_int_eq(bight_error_from_errno(EACCES), BIGHT_E_PERMISSION_DENIED);
    ck_assert_int_eq(bight_error_from_errno(EMFILE), BIGHT_E_TOO_MANY_FILES);
    ck_assert_int_eq(bight_error_from_errno(ENOMEM), BIGHT_E_OUT_OF_MEMORY);
    ck_assert_int_eq(bight_error_from_errno(EDOM), BIGHT_E_SYSTEM);
}
END_TEST

START_TEST(exit_statuses_are_those_of_sysexits)
{
    ck_assert_int_eq(bight_error_exit_status(BIGHT_OK), 0);
    ck_assert_int_eq(bight_error_exit_status(BIGHT_E_BAD_VALUE), EX_USAGE);
    ck_assert_int_eq(bight_error_exit_status(BIGHT_E_ADDRESS_IN_USE), EX_UNAVAILABLE);
    ck_assert_int_eq(bight_error_exit_status(BIGHT_E_PERMISSION_DENIED), EX_NOPERM);
    ck_assert_int_eq(bight_error_exit_status(BIGHT_E_NAME_NOT_FOUND), EX_NOHOST);
    ck_assert_int_eq(bight_error_exit_status(BIGHT_E_HTTP_STATUS), EX_UNAVAILABLE);
    for (size_t i = 1; i < LISTED_COUNT; i++) {
        int status = bight_error_exit_status(listed[i].code);
        ck_assert_int_ge(status, 64);
        ck_assert_int_le(status, 78);
    }
    ck_assert_int_eq(bight_error_exit_status(-12345), EX_SOFTWARE);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, every_code_has_a_name_and_a_text_of_its_own);
    tcase_add_test(tests, every_code_but_ok_is_negative_and_leads_to_a_category);
    tcase_add_test(tests, is_asks_along_the_parents_only);
    tcase_add_test(tests, a_number_that_is_no_code_is_called_unknown);
    tcase_add_test(tests, errno_becomes_the_closest_code);
    tcase_add_test(tests, exit_statuses_are_those_of_sysexits);
}

BIGHT_TEST_MAIN("error", add_tests)
