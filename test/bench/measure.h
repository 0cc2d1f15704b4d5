/* SPDX-License-Identifier: MIT */
/* measure.h - the time in nanoseconds, and the median of what several rounds took. */
#ifndef BIGHT_BENCH_MEASURE_H
#define BIGHT_BENCH_MEASURE_H

#include <stdlib.h>
#include <time.h>

static inline double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static inline int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;
    return (difference > 0) - (difference < 0);
}

/* Sorts them. */
static inline double median(double *times, unsigned count)
{
    qsort(times, count, sizeof(*times), compare);
    return times[count / 2];
}

#endif
