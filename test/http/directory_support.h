/* SPDX-License-Identifier: MIT */
/* directory_support.h - a directory of a test's own, and the files in it. */
#ifndef BIGHT_TEST_HTTP_DIRECTORY_SUPPORT_H
#define BIGHT_TEST_HTTP_DIRECTORY_SUPPORT_H

#include <check.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
