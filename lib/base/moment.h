/* SPDX-License-Identifier: MIT */
/* moment.h - moments and spans of time, in nanoseconds of whichever clock. */
#ifndef BI_BASE_MOMENT_H
#define BI_BASE_MOMENT_H

#include <stdint.h>

/* What is too far away to be told is never: UINT64_MAX. */
static inline uint64_t bi_moment_after(uint64_t moment, uint64_t span)
{
    return span > UINT64_MAX - moment ? UINT64_MAX : moment + span;
}

#endif
