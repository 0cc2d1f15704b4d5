/* SPDX-License-Identifier: MIT */
/* support.h - the few lines that every test program shares: main(), and leak-free running under sanitizers.
 *
 * A test file defines `static void add_tests(TCase *)` or builds its own suite and ends with BIGHT_TEST_MAIN. */
#ifndef BIGHT_TEST_SUPPORT_H
#define BIGHT_TEST_SUPPORT_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs every test of `suite` in a process of its own, prints Check's summary, returns the exit status. */
static inline int bight_test_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define BIGHT_TEST_MAIN(name, add_tests)   \
    int main(void)                         \
    {                                      \
        Suite *suite = suite_create(name); \
        TCase *tests = tcase_create(name); \
        tcase_set_timeout(tests, 60);      \
        add_tests(tests);                  \
        suite_add_tcase(suite, tests);     \
        return bight_test_run(suite);      \
    }

#endif
