/* SPDX-License-Identifier: MIT */
/* draft.h - a file that is being made: under a name of its own beside the one that it will have, until it is whole.
 *
 * Everything here waits for a disk, so it is for threads of a pool; one thread at a time. */
#ifndef BI_HTTP_DRAFT_H
#define BI_HTTP_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BI_DRAFT_NAME 272 /* more than a file's name may have */

struct bi_draft {
    const char *path; /* of the file to be, and its name in there: borrowed */
    const char *name;
    mode_t mode;     /* 0: as it is made, 0600 */
    bool replaces;   /* what has the name already */
    bool is_hurried; /* nothing waits until it is on the disk */
    uint64_t number; /* of the name that it has meanwhile */
    uint64_t written;
    int directory, file; /* -1: not open */
    char own_name[BI_DRAFT_NAME];
};

/* Where its name begins in a path that can be one of a file; NULL: it cannot. */
const char *bi_draft_name_in(const char *path);

/* The functions below return 0 or an errno. Opens the directory, and looks whether the name can be had. */
int bi_draft_begin(struct bi_draft *draft);
/* Behind that: the file is one that has been opened and has no name yet. False: that cannot be had there. */
bool bi_draft_adopt(struct bi_draft *draft, int descriptor);
/* More of it; the first call begins if that has not been done, and makes the file, also of no bytes. */
int bi_draft_write(struct bi_draft *draft, const void *data, size_t size);
/* It is whole: it gets its name. */
int bi_draft_keep(struct bi_draft *draft);
/* Closes what is open, and leaves it under the name that it has. */
void bi_draft_leave(struct bi_draft *draft);
/* Closes what is open and, unless it has been kept, removes it. Any number of times. */
void bi_draft_discard(struct bi_draft *draft);

#endif
