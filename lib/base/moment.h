/* SPDX-License-Identifier: MIT */
/* moment.h - moments and spans of time, in nanoseconds of whichever clock. */
#ifndef BI_BASE_MOMENT_H
#define BI_BASE_MOMENT_H

#include <math.h>
#include <stdint.h>

/* What is too far away to be told is never: UINT64_MAX. */
static inline uint64_t bi_moment_after(uint64_t moment, uint64_t span)
{
    return span > UINT64_MAX - moment ? UINT64_MAX : moment + span;
}

/* A span as a program gave it; UINT64_MAX is for ever. */
static inline double bi_seconds_of(uint64_t span)
{
    return span == UINT64_MAX ? (double)INFINITY : (double)span / 1e9;
}

/* 0 once it has come. */
static inline double bi_seconds_until(uint64_t now, uint64_t moment)
{
    return moment > now ? bi_seconds_of(moment == UINT64_MAX ? moment : moment - now) : 0;
}

#endif
