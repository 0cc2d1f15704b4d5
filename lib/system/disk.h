/* SPDX-License-Identifier: MIT */
/* disk.h - files and directories that are small and wanted as a whole, for what belongs to no reactor and so has no
 * table of system calls. Everything here blocks. */
#ifndef BI_SYSTEM_DISK_H
#define BI_SYSTEM_DISK_H

#include <bight/macros.h>

struct bi_disk_file {
    uint8_t *content; /* of bight_malloc's */
    size_t size;
    bool others_may_read, others_may_write; /* neither its owner nor in its group */
};

/* Reads a whole file. 0, or -errno and then there is no content: EINVAL when it is no regular file, EISDIR when it is a
 * directory, EFBIG when it has more than `limit` bytes, EAGAIN when it grew meanwhile. */
int bi_disk_read(const char *path, size_t limit, struct bi_disk_file *file);

struct bi_disk_directory {
    char **names; /* sorted, without those that begin with a dot; one block of bight_malloc's */
    size_t count;
    bool others_may_write;
};

/* Lists a directory. 0, or -errno and then there are no names: EFBIG when there are more than `limit`. */
int bi_disk_list(const char *path, size_t limit, struct bi_disk_directory *directory);

/* There is something of that name, links followed. */
bool bi_disk_is_there(const char *path);

/* It is a directory, links followed, in which everybody may make files. */
bool bi_disk_is_open_to_all(const char *path);

/* Opens a file to append secrets to; makes it for its owner alone when it is missing. Its descriptor, or -errno: ELOOP
 * when it is a symbolic link, EPERM when it is another user's or others may read or write it, EINVAL when it is no
 * regular file. */
int bi_disk_open_private(const char *path);

/* Appends in one piece, so that lines of several processes do not mix; what fails is lost. */
void bi_disk_append(int fd, const void *data, size_t size);
void bi_disk_close(int fd);

/* Another descriptor of the same; -1 when there is none to be had. */
int bi_disk_share(int fd);

#endif
