/* SPDX-License-Identifier: MIT */
/* below.h - names looked up below a directory, so that nothing outside it is reached, whatever is renamed meanwhile
 * (F1). For any thread, and without anything of bight's. */
#ifndef BI_HTTP_BELOW_H
#define BI_HTTP_BELOW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct bi_below {
    int directory;           /* O_PATH */
    bool follows;            /* links lead anywhere */
    atomic_bool has_openat2; /* as far as is known */
    atomic_bool has_peek;    /* likewise: names may be looked up without waiting for a disk */
};

/* Opens the directory: 0, or -errno. */
int bi_below_init(struct bi_below *below, const char *path, bool follows);
void bi_below_finish(struct bi_below *below);

/* As openat(2) of a name in it: relative, of segments that are neither empty nor `.` nor `..`, or "." for itself. With
 * O_PATH a link that is not followed may be opened itself. A descriptor, or -errno. */
int bi_below_open(struct bi_below *below, const char *name, int flags);

/* What is behind the name, without opening it for reading: 0, or -errno. */
int bi_below_stat(struct bi_below *below, const char *name, struct stat *status);

/* The same if that can be told without waiting for a disk; else -EAGAIN. */
int bi_below_peek(struct bi_below *below, const char *name, struct stat *status);

/* What is at the name is not what may be served, whatever it is: not there, not allowed, a link that leads out. */
bool bi_below_is_absence(int number);

#endif
