/* SPDX-License-Identifier: MIT */
/* disk.c - a file that is appended to, cut, and replaced as a whole, by the system's calls (disk.h).
 *
 * Who has it locks it. The lock is of the file and not of its name, under which there may be another one by the time
 * that it is ours; then that one is tried. */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ATTEMPTS 10

struct disk {
    int descriptor, other; /* the other one is the new file, or -1 */
    char *path, *new_path; /* without links */
};

static int outcome_of(int result)
{
    return result == 0 ? 0 : errno;
}

/* ------------------------------------------------------------------------------------------- opening */

/* Only what is a file, and still under its name. 0, or an errno; ESTALE: it is not. */
static int lock(const struct disk *disk)
{
    struct stat ours, named;
    if (fstat(disk->descriptor, &ours) != 0) {
        return errno;
    }
    if (!S_ISREG(ours.st_mode)) {
        return EINVAL;
    }
    if (flock(disk->descriptor, LOCK_EX | LOCK_NB) != 0) {
        return errno;
    }
    bool is_named = stat(disk->path, &named) == 0 && named.st_ino == ours.st_ino && named.st_dev == ours.st_dev;
    return is_named ? 0 : ESTALE;
}

static int name_new(struct disk *disk)
{
    size_t size = strlen(disk->path) + sizeof ".new";
    disk->new_path = malloc(size);
    if (disk->new_path == NULL) {
        return ENOMEM;
    }
    (void)snprintf(disk->new_path, size, "%s.new", disk->path);
    return 0;
}

/* The directory says which file it is. */
static int sync_directory(const struct disk *disk)
{
    char name[PATH_MAX];
    const char *end = strrchr(disk->path, '/');
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - disk->path) + 1, disk->path);
    int directory = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return errno;
    }
    int number = outcome_of(fsync(directory));
    (void)close(directory);
    return number;
}

/* The name may be what somebody has given it who did not live to sync that. Where directories cannot be read the file
 * has never been another one. */
static int make_name_safe(const struct disk *disk)
{
    int number = sync_directory(disk);
    return number == EACCES || number == EPERM ? 0 : number;
}

static int open_once(struct disk *disk, const char *path)
{
    disk->descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (disk->descriptor < 0) {
        return errno;
    }
    disk->path = realpath(path, NULL);
    int number = disk->path != NULL ? lock(disk) : errno;
    number = number == 0 ? make_name_safe(disk) : number;
    return number == 0 ? name_new(disk) : number;
}

struct disk *disk_open(const char *path, int *number)
{
    *number = ESTALE;
    for (int i = 0; i < ATTEMPTS && *number == ESTALE; i++) {
        struct disk *disk = calloc(1, sizeof *disk);
        if (disk == NULL) {
            *number = ENOMEM;
            return NULL;
        }
        disk->other = -1;
        *number = open_once(disk, path);
        if (*number == 0) {
            return disk;
        }
        disk_close(disk);
    }
    return NULL;
}

void disk_close(struct disk *disk)
{
    if (disk == NULL) {
        return;
    }
    disk_drop_new(disk);
    if (disk->descriptor >= 0) {
        (void)close(disk->descriptor);
    }
    free(disk->path);
    free(disk->new_path);
    free(disk);
}

/* ------------------------------------------------------------------------------------------- the file */

int disk_read(struct disk *disk, off_t at, char *bytes, size_t *size)
{
    size_t wanted = *size;
    ssize_t got = 1;
    *size = 0;
    while (*size < wanted && got != 0) {
        got = pread(disk->descriptor, bytes + *size, wanted - *size, at + (off_t)*size);
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        *size += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return 0;
}

int disk_append(struct disk *disk, const char *bytes, size_t size)
{
    int number = write_all(disk->descriptor, bytes, size);
    return number == 0 ? outcome_of(fdatasync(disk->descriptor)) : number;
}

int disk_cut(struct disk *disk, off_t size)
{
    int number = outcome_of(ftruncate(disk->descriptor, size));
    return number == 0 ? outcome_of(fdatasync(disk->descriptor)) : number;
}

/* ------------------------------------------------------------------------------------------- another one */

/* What a crash has left there goes. Whoever may read this one may read that one. */
int disk_begin_new(struct disk *disk)
{
    struct stat ours;
    disk_drop_new(disk);
    if (fstat(disk->descriptor, &ours) != 0 || (unlink(disk->new_path) != 0 && errno != ENOENT)) {
        return errno;
    }
    disk->other = open(disk->new_path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (disk->other < 0) {
        return errno;
    }
    bool is_alike = fchmod(disk->other, ours.st_mode & 0777) == 0 && flock(disk->other, LOCK_EX | LOCK_NB) == 0;
    return is_alike ? 0 : errno;
}

int disk_add_new(struct disk *disk, const char *bytes, size_t size)
{
    return write_all(disk->other, bytes, size);
}

int disk_put_new(struct disk *disk, bool *is_certain)
{
    *is_certain = true;
    if (fsync(disk->other) != 0 || rename(disk->new_path, disk->path) != 0) {
        return errno;
    }
    (void)close(disk->descriptor);
    disk->descriptor = disk->other;
    disk->other = -1;
    int number = sync_directory(disk);
    *is_certain = number == 0;
    return number;
}

void disk_drop_new(struct disk *disk)
{
    if (disk->other >= 0) {
        (void)close(disk->other);
        (void)unlink(disk->new_path);
        disk->other = -1;
    }
}
