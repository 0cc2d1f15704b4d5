/* SPDX-License-Identifier: MIT */
/* whole_file.c - reading a whole file: opened once, and what is asked about it is asked of what was opened.
 *
 * A name may come to mean another file between two calls; a descriptor does not. */
#include "system/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bight/memory.h>

/* Non-blocking, so that a FIFO, which is refused, is not waited for. */
static int open_regular(const char *path, struct stat *status)
{
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    if (fd < 0) {
        return -errno;
    }
    int result = fstat(fd, status) < 0      ? -errno
                 : S_ISREG(status->st_mode) ? fd
                 : S_ISDIR(status->st_mode) ? -EISDIR
                                            : -EINVAL;
    if (result < 0) {
        (void)close(fd);
    }
    return result;
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

static int read_content(int fd, size_t expected, uint8_t **content, size_t *size)
{
    uint8_t *buffer = bight_malloc(expected + 1);
    if (buffer == NULL) {
        return -ENOMEM;
    }
    ssize_t got = read_all(fd, buffer, expected + 1);
    if (got < 0 || (size_t)got > expected) {
        bight_free(buffer);
        return got < 0 ? (int)got : -EAGAIN; /* it has grown meanwhile: it is being written */
    }
    *content = buffer;
    *size = (size_t)got;
    return 0;
}

int bi_read_whole_file(const char *path, size_t limit, uint8_t **content, size_t *size)
{
    struct stat status;
    int fd = open_regular(path, &status);
    if (fd < 0) {
        return fd;
    }
    int result = (uint64_t)status.st_size > limit ? -EFBIG : read_content(fd, (size_t)status.st_size, content, size);
    (void)close(fd);
    return result;
}
