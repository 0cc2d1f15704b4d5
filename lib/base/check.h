/* SPDX-License-Identifier: MIT */
/* check.h - assertions on bight's own invariants, and reports of misuse by a caller.
 *
 * An invariant holds whatever peers and callers do; BIGHT_INVARIANT stays on in release builds. Misuse is not
 * an invariant: bight_usage_error() logs it with the caller's place and gives the code to return. A code is too coarse
 * to tell a programmer what to mend, so each report says in words what was wrong, "bight_semaphore_new: the number is
 * below 1", and names the caller's line wherever a macro has passed it. */
#ifndef BIGHT_BASE_CHECK_H
#define BIGHT_BASE_CHECK_H

#include <bight/error.h>

#include "base/private.h"
#define BIGHT_LIKELY(x) __builtin_expect(!!(x), 1)
#define BIGHT_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define BIGHT_INVARIANT(condition) (BIGHT_LIKELY(condition) ? (void)0 : bight_invariant_broken(#condition, BIGHT_HERE))

/* Logs what broke as critical and ends the process with SIGABRT. */
_Noreturn BIGHT_PRIVATE_API void bight_invariant_broken(const char *condition, const char *place);

/* Logs an error "<what was wrong> [<name of the code>]" with the place and gives `code` back. */
BIGHT_PRIVATE_API int bight_usage_error(int code, const char *place, const char *format, ...) BIGHT_PRINTF(3, 4);

/* The texts of mistakes that several calls share. */
#define BIGHT_BAD_SECONDS "the number of seconds is negative, or no number"
#define BIGHT_BAD_TYPE "a failure or a Deferred is given as a value"
#define BIGHT_FREED_TWICE "it has been freed before"

#endif
