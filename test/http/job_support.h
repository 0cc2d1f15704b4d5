/* SPDX-License-Identifier: MIT */
/* job_support.h - a pool whose jobs run when the test says so, and a directory for what they make. */
#ifndef BIGHT_TEST_HTTP_JOB_SUPPORT_H
#define BIGHT_TEST_HTTP_JOB_SUPPORT_H

#include <bight/sys/system.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ------------------------------------------------------------------------------------------ the directory */

static char directory[64];

static inline void make_directory(void)
{
    strcpy(directory, "/tmp/bight-http-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* The path of a name in it; it stays until the call after the next one. */
static inline const char *in_directory(const char *name)
{
    static char paths[2][512];
    static unsigned turn;
    char *path = paths[turn++ % 2];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

/* How many files there are, hidden ones too. */
static inline size_t count_files(void)
{
    DIR *listing = opendir(directory);
    size_t count = 0;
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(listing);
    return count;
}

static inline void write_file(const char *name, const char *text)
{
    FILE *file = fopen(in_directory(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static inline bool file_holds(const char *name, const void *data, size_t size)
{
    char *found = malloc(size + 1);
    FILE *file = fopen(in_directory(name), "r");
    bool holds = file != NULL && fread(found, 1, size + 1, file) == size && memcmp(found, data, size) == 0;
    if (file != NULL) {
        fclose(file);
    }
    free(found);
    return holds;
}

/* What is in it goes, and the directory, and all that may be in there is files. */
static inline void remove_directory(void)
{
    DIR *listing = opendir(directory);
    ck_assert_ptr_nonnull(listing);
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        (void)unlink(in_directory(entry->d_name));
    }
    closedir(listing);
    ck_assert_int_eq(rmdir(directory), 0);
}

#endif
