/* SPDX-License-Identifier: MIT */
/* disk.h - what a journal needs of a disk: a file that is appended to, cut, and replaced as a whole. A test has a disk
 * of its own, whose power goes (test/scenarios/journal_disk.c). */
#ifndef CHATROOM_DISK_H
#define CHATROOM_DISK_H

#include <stdbool.h>
#include <sys/types.h>

struct disk;

/* The file at a path, which is made if need be, and is nobody else's then, its name on the disk for good. NULL: *number
 * says why, an errno: EWOULDBLOCK, somebody else has it; EINVAL, it is no regular file. */
struct disk *disk_open(const char *path, int *number);
void disk_close(struct disk *disk); /* NULL is allowed */

/* All of these return 0 or an errno. */

/* *size bytes from `at` on; fewer: the end is there. */
int disk_read(struct disk *disk, off_t at, char *bytes, size_t *size);
/* Is behind what there was, and on the disk for good. After a failure any part of it may be there. */
int disk_append(struct disk *disk, const char *bytes, size_t size);
/* To `size` bytes, which are on the disk for good. */
int disk_cut(struct disk *disk, off_t size);

/* Another file, which takes the place of this one: begun, added to, and put there. At any moment there is all of the
 * one on the disk or all of the other. After a failure it is to be dropped, and this one goes on; but if *is_certain
 * is false it cannot be known which of them is there after a loss of power. */
int disk_begin_new(struct disk *disk);
int disk_add_new(struct disk *disk, const char *bytes, size_t size);
int disk_put_new(struct disk *disk, bool *is_certain);
void disk_drop_new(struct disk *disk);

#endif
