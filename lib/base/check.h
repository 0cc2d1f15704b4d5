/* SPDX-License-Identifier: MIT */
/* check.h - assertions on bight's own invariants, and reports of misuse by a caller.
 *
 * An invariant holds whatever peers and callers do; BI_INVARIANT stays on in release builds. Misuse is not
 * an invariant: bi_usage_error() logs it with the caller's place and returns the code to return. A code is too coarse
 * to tell a programmer what to mend, so each report says in words what was wrong, "bight_semaphore_new: the number is
 * below 1", and names the caller's line wherever a macro has passed it. */
#ifndef BI_BASE_CHECK_H
#define BI_BASE_CHECK_H

#include <bight/error.h>

#include "base/private.h"
#define BI_LIKELY(x) __builtin_expect(!!(x), 1)
#define BI_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* A function that every message passes. These are put side by side, and so in two or three pages: where a system call
 * leaves the processor nothing of what it knew of them, each page that is touched behind it has to be looked up anew.
 */
#define BI_HOT __attribute__((hot))

#define BI_INVARIANT(condition) (BI_LIKELY(condition) ? (void)0 : bi_invariant_broken(#condition, BIGHT_HERE))

/* Logs what broke as critical and ends the process with SIGABRT. */
_Noreturn BI_PRIVATE_API void bi_invariant_broken(const char *condition, const char *place);

/* Logs an error "<what was wrong> [<name of the code>]" with the place and returns `code`. */
BI_PRIVATE_API int bi_usage_error(int code, const char *place, const char *format, ...) BIGHT_PRINTF(3, 4);

/* The texts of mistakes that several calls share. */
#define BI_BAD_SECONDS "the number of seconds is negative, or no number"
#define BI_BAD_TYPE "a failure or a Deferred is given as a value"
#define BI_FREED_TWICE "it has been freed before"

#endif
