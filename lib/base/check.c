/* SPDX-License-Identifier: MIT */
/* check.c - the end of a program whose invariant broke, and the report of a caller's misuse.
 *
 * This is the only place of the library that ends the process. */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <bight/log.h>

enum { WHAT_LIMIT = 512 };

void bi_invariant_broken(const char *condition, const char *place)
{
    bight_log_at(place, BIGHT_LOG_CRITICAL, "bight", NULL, "broken invariant: %s", condition);
    abort();
}

int bi_usage_error(int code, const char *place, const char *format, ...)
{
    char what[WHAT_LIMIT];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    bight_log_at(place, BIGHT_LOG_ERROR, "usage", NULL, "%s [%s]", what, bight_error_name(code));
    return code;
}
