/* SPDX-License-Identifier: MIT */
/* file_support.h - files to send, and a disk that tests command: what is in memory, what fails, when threads read.
 *
 * Its functions are put into the table of a reactor's system before anything is connected. Jobs of the pool run when
 * the test says so. A read that may wait, outside a job, would have held up the loop: the test fails. */
#ifndef BIGHT_TEST_FILE_SUPPORT_H
#define BIGHT_TEST_FILE_SUPPORT_H

#include <bight/sys/system.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    int cold;            /* -errno of reads that may not wait; 0: all is in memory */
    int broken;          /* -errno of those that may */
    int refused;         /* -errno of sendfile */
    size_t longest;      /* that sendfile sends; 0: as asked */
    bool is_working;     /* a job runs */
    unsigned asked;      /* reads that may not wait */
    unsigned read;       /* those that may */
    unsigned sent;       /* by sendfile, calls */
    size_t most_at_once; /* asked of it */
    struct {
        void (*run)(void *context);
        void *context;
    } jobs[16];
    size_t job_count;
} disk;

static inline ssize_t disk_preadv2(
    struct bight_system *system, int fd, const struct iovec *parts, int count, uint64_t offset, int flags)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    disk.asked += flags != 0;
    disk.read += flags == 0;
    if (flags != 0 && disk.cold != 0) {
        return disk.cold;
    }
    if (flags == 0) {
        ck_assert_msg(disk.is_working, "the loop reads, and would wait for the disk");
    }
    return flags == 0 && disk.broken != 0 ? disk.broken : real->ops->preadv2(real, fd, parts, count, offset, 0);
}

static inline ssize_t disk_sendfile(struct bight_system *system, int to, int fd, uint64_t offset, size_t size)
{
    struct bight_system *real = bight_system_real();
    (void)system;
    disk.sent++;
    disk.most_at_once = size > disk.most_at_once ? size : disk.most_at_once;
    if (disk.refused != 0) {
        return disk.refused;
    }
    return real->ops->sendfile(real, to, fd, offset, disk.longest != 0 && disk.longest < size ? disk.longest : size);
}

static inline int disk_start_job(struct bight_system *system, void (*run)(void *context), void *context)
{
    (void)system;
    ck_assert_uint_lt(disk.job_count, sizeof disk.jobs / sizeof disk.jobs[0]);
    disk.jobs[disk.job_count].run = run;
    disk.jobs[disk.job_count++].context = context;
    return 0;
}

/* All that wait; returns how many. */
static inline size_t disk_work(void)
{
    size_t count = disk.job_count;
    for (size_t i = 0; i < count; i++) {
        disk.is_working = true;
        disk.jobs[i].run(disk.jobs[i].context);
        disk.is_working = false;
    }
    disk.job_count = 0;
    return count;
}

/* `system` is a test's, whose table is not constant. */
static inline void disk_insert(struct bight_system *system)
{
    struct bight_system_ops *ops = (struct bight_system_ops *)(uintptr_t)system->ops;
    memset(&disk, 0, sizeof disk);
    ops->preadv2 = disk_preadv2;
    ops->sendfile = disk_sendfile;
    ops->start_job = disk_start_job;
}

/* An open file of these bytes. */
static inline int make_file(const void *data, size_t size)
{
    char path[] = "/tmp/bight-file-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    return fd;
}

#endif
