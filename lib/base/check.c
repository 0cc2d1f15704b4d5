/* SPDX-License-Identifier: MIT */
/* check.c - the end of a program whose invariant broke, and the report of a caller's misuse.
 *
 * This is the only place of the library that ends the process. */
#include "base/check.h"

#include <stdlib.h>

#include <bight/log.h>

void bight_invariant_broken(const char *condition, const char *place)
{
    bight_log_at(place, BIGHT_LOG_CRITICAL, "bight", NULL, "broken invariant: %s", condition);
    abort();
}

int bight_usage_error(int code, const char *place, const char *what)
{
    bight_log_at(place, BIGHT_LOG_ERROR, "usage", NULL, "%s: %s", what, bight_error_text(code));
    return code;
}
