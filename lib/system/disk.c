/* SPDX-License-Identifier: MIT */
/* disk.c - whole files and directories: each opened once, and what is asked about it is asked of what was opened.
 *
 * A name may come to mean another file between two calls; a descriptor does not. */
#include "system/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bight/memory.h>

#include "base/quiet.h"

/* -------------------------------------------------------------------------------------------- files */

static int open_again(const char *path, int flags, mode_t mode)
{
    int fd;
    do {
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* 0 or -errno. */
static int look_at(int fd, struct stat *status)
{
    if (fstat(fd, status) < 0) {
        return -errno;
    }
    return S_ISREG(status->st_mode) ? 0 : S_ISDIR(status->st_mode) ? -EISDIR : -EINVAL;
}

/* Until its end or until `room` is full; the bytes, or -errno. */
static ssize_t read_all(int fd, uint8_t *buffer, size_t room)
{
    size_t have = 0;
    while (have < room) {
        ssize_t got = read(fd, buffer + have, room - have);
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        have += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)have;
}

static int read_content(int fd, size_t expected, struct bi_disk_file *file)
{
    uint8_t *buffer = bight_malloc(expected + 1);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    ssize_t got = read_all(fd, buffer, expected + 1);
    if (got < 0 || (size_t)got > expected) {
        bight_free(buffer);
        return got < 0 ? (int)got : -EAGAIN;
    }
    file->content = buffer;
    file->size = (size_t)got;
    return 0;
}

static int read_opened(int fd, size_t limit, struct bi_disk_file *file)
{
    struct stat status;
    int result = look_at(fd, &status);
    if (result < 0) {
        return result;
    }
    file->others_may_read = (status.st_mode & S_IROTH) != 0;
    file->others_may_write = (status.st_mode & S_IWOTH) != 0;
    return (uint64_t)status.st_size > limit ? -EFBIG : read_content(fd, (size_t)status.st_size, file);
}

int bi_disk_read(const char *path, size_t limit, struct bi_disk_file *file)
{
    *file = (struct bi_disk_file) { .content = NULL };
    int fd = open_again(path, O_RDONLY, 0);
    if (fd < 0) {
        return fd;
    }
    int result = read_opened(fd, limit, file);
    (void)close(fd);
    return result;
}

/* -------------------------------------------------------------------------------------- directories */

/* Names one after the other, while their number is not known. */
struct names {
    char *text;
    size_t size, room, count;
};

static int add_name(struct names *names, const char *name)
{
    size_t size = strlen(name) + 1;
    if (names->room - names->size < size) {
        size_t room = 2 * names->room + size;
        char *larger = bight_realloc(names->text, room);
        if (larger == NULL) {
            return -ENOMEM;
        }
        names->text = larger;
        names->room = room;
    }
    memcpy(names->text + names->size, name, size);
    names->size += size;
    names->count++;
    return 0;
}

static int read_names(DIR *stream, size_t limit, struct names *names)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            return -errno;
        }
        if (entry->d_name[0] == '.') {
            continue;
        }
        int result = names->count == limit ? -EFBIG : add_name(names, entry->d_name);
        if (result < 0) {
            return result;
        }
    }
}

static int compare_names(const void *first, const void *second)
{
    return strcmp(*(char *const *)first, *(char *const *)second);
}

static int sort_names(const struct names *names, struct bi_disk_directory *directory)
{
    char **list = bight_malloc(names->count * sizeof *list + names->size + 1);
    if (list == NULL) {
        return -ENOMEM;
    }
    char *text = (char *)(list + names->count);
    if (names->size > 0) {
        memcpy(text, names->text, names->size);
    }
    for (size_t i = 0; i < names->count; i++) {
        list[i] = text;
        text += strlen(text) + 1;
    }
    qsort(list, names->count, sizeof *list, compare_names);
    directory->names = list;
    directory->count = names->count;
    return 0;
}

static int list_opened(DIR *stream, size_t limit, struct bi_disk_directory *directory)
{
    struct stat status;
    struct names names = { .text = NULL };
    if (fstat(dirfd(stream), &status) < 0) {
        return -errno;
    }
    directory->others_may_write = (status.st_mode & S_IWOTH) != 0;
    int result = read_names(stream, limit, &names);
    result = result == 0 ? sort_names(&names, directory) : result;
    bight_free(names.text);
    return result;
}

int bi_disk_list(const char *path, size_t limit, struct bi_disk_directory *directory)
{
    *directory = (struct bi_disk_directory) { .names = NULL };
    DIR *stream = opendir(path);
    if (stream == NULL) {
        return -errno;
    }
    int result = list_opened(stream, limit, directory);
    (void)closedir(stream);
    return result;
}

bool bi_disk_is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

bool bi_disk_is_open_to_all(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & S_IWOTH) != 0;
}

/* ------------------------------------------------------------------------------------------ secrets */

int bi_disk_open_private(const char *path)
{
    struct stat status;
    int fd = open_again(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return fd;
    }
    int result = look_at(fd, &status);
    if (result == 0 && ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0 || status.st_uid != geteuid())) {
        result = -EPERM;
    }
    if (result < 0) {
        (void)close(fd);
        return result;
    }
    return fd;
}

void bi_disk_append(int fd, const void *data, size_t size)
{
    struct bi_quiet quiet;
    bi_quiet_begin(&quiet);
    ssize_t written = write(fd, data, size);
    bi_quiet_end(&quiet, written < 0 ? errno : 0);
}

void bi_disk_close(int fd)
{
    (void)close(fd);
}

int bi_disk_share(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
