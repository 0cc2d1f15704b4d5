/* SPDX-License-Identifier: MIT */
/* files_support.h - a site that serves a directory, on a testing reactor whose jobs run when the test says so. */
#ifndef BIGHT_TEST_HTTP_FILES_SUPPORT_H
#define BIGHT_TEST_HTTP_FILES_SUPPORT_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>

#include "job_support.h"

#define THEN 999999000 /* seconds, some before what the clock on the wall of a testing reactor says */
#define DATE "Sun, 09 Sep 2001 01:30:00 GMT"

static inline void set_time(const char *name, time_t seconds)
{
    struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
    ck_assert_int_eq(utimensat(AT_FDCWD, in_directory(name), times, 0), 0);
}

/* The directories before the last slash are made. */
static inline void write_old(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s", name);
    for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        ck_assert(mkdir(in_directory(path), 0700) == 0 || errno == EEXIST);
        *slash = '/';
    }
    write_file(name, text);
    set_time(name, THEN);
}

/* Serves the directory's own directory "root"; beside it is what must not be reached. */
static inline void serve_files(const struct bight_http_files_options *options)
{
    begin_site(NULL);
    hold_jobs();
    ck_assert_int_eq(bight_http_files(site, "/static/", in_directory("root"), options), 0);
    connect_peer();
}

static inline void begin_files(const struct bight_http_files_options *options)
{
    make_directory();
    (void)strcat(directory, "/root");
    ck_assert_int_eq(mkdir(directory, 0700), 0);
    *strrchr(directory, '/') = '\0';
    serve_files(options);
    (void)strcat(directory, "/root"); /* names of the tests are names in it */
}

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static inline void remove_files(void)
{
    *strrchr(directory, '/') = '\0';
    ck_assert_int_eq(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void end_files(void)
{
    end_site();
    remove_files();
}

/* What is answered to lines of a request without its end. */
static inline const char *ask_for(const char *lines)
{
    char text[4096];
    (void)snprintf(text, sizeof text, "%s\r\n\r\n", lines);
    say(text);
    work();
    return take_answer();
}

static inline const char *get_with(const char *target, const char *fields)
{
    char text[3072];
    (void)snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x%s%s", target, *fields != '\0' ? "\r\n" : "", fields);
    return ask_for(text);
}

static inline const char *get(const char *target)
{
    return get_with(target, "");
}

#endif
