/* SPDX-License-Identifier: MIT */
/* likely.h - which way nearly every request goes, for the compiler to put that way's instructions in a row. */
#ifndef BI_HTTP_LIKELY_H
#define BI_HTTP_LIKELY_H

#define BI_USUALLY(condition) __builtin_expect((condition) != 0, 1)
#define BI_RARELY(condition) __builtin_expect((condition) != 0, 0)

/* A function that every message passes: these lie side by side, in few pages. */
#define BI_HOT __attribute__((hot))

#endif
