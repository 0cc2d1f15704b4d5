/* SPDX-License-Identifier: MIT */
/* job_support.h - a pool whose jobs run when the test says so, and a directory for what they make. */
#ifndef BIGHT_TEST_HTTP_JOB_SUPPORT_H
#define BIGHT_TEST_HTTP_JOB_SUPPORT_H

#include <bight/sys/system.h>

#include "directory_support.h"
#include "site_support.h"

static struct {
    void (*run)(void *context);
    void *context;
} jobs[16];
static size_t job_count;

static inline int start_job(struct bight_system *system, void (*run)(void *context), void *context)
{
    (void)system;
    ck_assert_uint_lt(job_count, sizeof jobs / sizeof jobs[0]);
    jobs[job_count].run = run;
    jobs[job_count++].context = context;
    return 0;
}

/* To be called before the first job. */
static inline void hold_jobs(void)
{
    ((struct bight_system_ops *)(uintptr_t)bight_reactor_system(reactor)->ops)->start_job = start_job;
    job_count = 0;
}

/* Runs those that wait, whose results have not come home yet; returns how many. */
static inline size_t run_jobs(void)
{
    size_t count = job_count;
    job_count = 0;
    for (size_t i = 0; i < count; i++) {
        jobs[i].run(jobs[i].context);
    }
    return count;
}

/* Lets everything that waits run and come home; returns how many jobs there were. */
static inline size_t work(void)
{
    size_t count = 0, done;
    settle();
    do {
        done = run_jobs();
        count += done;
        settle();
    } while (done > 0);
    return count;
}

#endif
