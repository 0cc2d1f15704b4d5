/* SPDX-License-Identifier: MIT */
/* disk.c - small files on a host's disk: opened by path, read, written, sent, and locked with flock(2).
 *
 * A file is a node of the host's name space, beside the paths of UNIX sockets, and stays when it is closed. It is there
 * for locks between the reactors of a host, which stand for processes: what an open file locks is free when it is
 * closed. There are no directories and no permissions. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "testing/kit/testing.h"
#include "testing/simulation/simulation.h"

struct disk_file {
    struct bi_sim_file file; /* first */
    struct bi_sim_node *node;
    size_t at;
    int lock; /* LOCK_SH, LOCK_EX or LOCK_UN */
};

static ssize_t read_disk(struct bi_sim_file *file, void *buffer, size_t size)
{
    struct disk_file *disk = (struct disk_file *)file;
    size_t left =
        disk->node->content_size - (disk->at < disk->node->content_size ? disk->at : disk->node->content_size);
    size = size < left ? size : left;
    memcpy(buffer, disk->node->content + disk->at, size);
    disk->at += size;
    return (ssize_t)size;
}

static ssize_t write_disk(struct bi_sim_file *file, const void *data, size_t size)
{
    struct disk_file *disk = (struct disk_file *)file;
    struct bi_sim_node *node = disk->node;
    size_t room = sizeof node->content - disk->at;
    if (size > room) {
        return -ENOSPC;
    }
    memcpy(node->content + disk->at, data, size);
    disk->at += size;
    node->content_size = disk->at > node->content_size ? disk->at : node->content_size;
    return (ssize_t)size;
}

ssize_t bi_sim_file_look(const struct bi_sim_file *file, uint64_t offset, size_t size, const char **bytes)
{
    if (!bi_sim_is_disk(file)) {
        return -ESPIPE;
    }
    const struct bi_sim_node *node = ((const struct disk_file *)file)->node;
    if (offset >= node->content_size) {
        return 0;
    }
    size_t left = node->content_size - (size_t)offset;
    *bytes = node->content + offset;
    return (ssize_t)(size < left ? size : left);
}

static void unlock(struct disk_file *disk)
{
    disk->node->shared -= disk->lock == LOCK_SH;
    disk->node->is_exclusive = disk->node->is_exclusive && disk->lock != LOCK_EX;
    disk->lock = LOCK_UN;
}

static void close_disk(struct bi_sim_file *file)
{
    struct disk_file *disk = (struct disk_file *)file;
    unlock(disk);
    bi_sim_release_node(disk->node);
    bi_testing_plain_free(disk);
}

static const struct bi_sim_file_ops disk_ops = { read_disk, write_disk, close_disk };

bool bi_sim_is_disk(const struct bi_sim_file *file)
{
    return file->ops == &disk_ops;
}

/* Has changed from one lock to the other if it could; a lock that is asked for again may be lost, as in the kernel. */
int bi_sim_flock(struct bi_sim_file *file, int operation)
{
    struct disk_file *disk = (struct disk_file *)file;
    int lock = operation & ~LOCK_NB;
    if (!bi_sim_is_disk(file) || (lock != LOCK_SH && lock != LOCK_EX && lock != LOCK_UN)) {
        return -EINVAL;
    }
    unlock(disk);
    const struct bi_sim_node *node = disk->node;
    if (lock != LOCK_UN && (node->is_exclusive || (lock == LOCK_EX && node->shared > 0))) {
        return operation & LOCK_NB ? -EWOULDBLOCK : -EDEADLK; /* no holder could release it meanwhile */
    }
    disk->lock = lock;
    disk->node->shared += lock == LOCK_SH;
    disk->node->is_exclusive = lock == LOCK_EX;
    return 0;
}

static int find_or_make(struct bight_host *host, const char *path, int flags, mode_t mode, struct bi_sim_node **node)
{
    *node = bi_sim_find_path(host, path);
    if (*node != NULL) {
        bool is_new_only = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
        return is_new_only ? -EEXIST : !S_ISREG((*node)->mode) ? -ENXIO : 0;
    }
    if ((flags & O_CREAT) == 0) {
        return -ENOENT;
    }
    if (strlen(path) >= sizeof(*node)->name) {
        return -ENAMETOOLONG;
    }
    *node = bi_sim_node_new(host, path, strlen(path), S_IFREG | (mode & 0777));
    return *node == NULL ? -ENOMEM : 0;
}

int bi_sim_open(struct bight_host *host, const char *path, int flags, mode_t mode)
{
    struct bi_sim_node *node;
    int result = find_or_make(host, path, flags, mode, &node);
    if (result != 0) {
        return result;
    }
    struct disk_file *disk = bi_sim_allocate(sizeof *disk);
    if (disk == NULL) {
        return -ENOMEM;
    }
    bi_sim_file_init(&disk->file, &disk_ops, host);
    disk->file.ready = BIGHT_READABLE | BIGHT_WRITABLE;
    disk->node = node;
    disk->lock = LOCK_UN;
    node->holds++;
    node->content_size = flags & O_TRUNC ? 0 : node->content_size;
    result = bi_sim_file_open(&disk->file);
    if (result < 0) {
        close_disk(&disk->file);
    }
    return result;
}
