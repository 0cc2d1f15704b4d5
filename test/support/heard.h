/* SPDX-License-Identifier: MIT */
/* heard.h - what a test has heard, in order and in one line of text: "made data:hello lost:CONNECTION_DONE". */
#ifndef BIGHT_TEST_HEARD_H
#define BIGHT_TEST_HEARD_H

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static char heard[65536];

__attribute__((unused, format(printf, 1, 2))) static void hear(const char *format, ...)
{
    size_t used = strlen(heard);
    va_list arguments;
    if (used > 0 && used < sizeof heard - 1) {
        heard[used++] = ' ';
    }
    va_start(arguments, format);
    vsnprintf(heard + used, sizeof heard - used, format, arguments);
    va_end(arguments);
}

#define ck_heard(text)                 \
    do {                               \
        ck_assert_str_eq(heard, text); \
        heard[0] = '\0';               \
    } while (0)

#endif
