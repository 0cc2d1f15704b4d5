/* SPDX-License-Identifier: MIT */
/* below.c - names looked up below a directory (F1).
 *
 * The kernel's openat2 keeps a look-up inside, links and renames included: nothing is checked first and opened then.
 * Where there is none (before Linux 5.6, or a filter refuses it) a name is walked segment by segment, and no link is
 * followed at all. Which file systems answer a peek from memory is a list: others may ask a server, or a process. */
#include "http/files/below.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "http/server/again.h"

#if __has_include(<linux/openat2.h>) && defined SYS_openat2
#include <linux/openat2.h>
#define HAS_OPENAT2 true
#else
#define HAS_OPENAT2 false
#define RESOLVE_NO_XDEV 0x01
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_BENEATH 0x08
#endif
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20
#endif

#define TRIES 64 /* while directories are moved */

/* --------------------------------------------------------------------------------------------- openat2 */

#if HAS_OPENAT2
static int open_resolved(int directory, const char *name, int flags, uint64_t resolve)
{
    struct open_how how = { .flags = (uint64_t)flags, .resolve = resolve };
    int descriptor;
    BI_AGAIN(descriptor, (int)syscall(SYS_openat2, directory, name, &how, sizeof how));
    return descriptor >= 0 ? descriptor : -errno;
}
#else
static int open_resolved(int directory, const char *name, int flags, uint64_t resolve)
{
    (void)directory, (void)name, (void)flags, (void)resolve;
    return -ENOSYS;
}
#endif

static uint64_t resolve_of(const struct bi_below *below)
{
    return below->follows ? RESOLVE_NO_MAGICLINKS : RESOLVE_NO_MAGICLINKS | RESOLVE_BENEATH;
}

/* It is not there, or a filter does not let it through; then it will not be there later either. */
static bool is_missing(int result)
{
    return result == -ENOSYS || result == -EPERM || result == -E2BIG;
}

/* ------------------------------------------------------------------------------------ segment by segment */

static int open_at(int directory, const char *name, int flags)
{
    int descriptor;
    BI_AGAIN(descriptor, openat(directory, name, flags));
    return descriptor >= 0 ? descriptor : -errno;
}

static int open_directory(int directory, const char *segment, size_t size)
{
    char name[NAME_MAX + 1];
    if (size > NAME_MAX) {
        return -ENAMETOOLONG;
    }
    memcpy(name, segment, size);
    name[size] = '\0';
    return open_at(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int walk(int directory, const char *name, int flags)
{
    int from = directory, result;
    const char *slash;
    while ((slash = strchr(name, '/')) != NULL) {
        int next = open_directory(from, name, (size_t)(slash - name));
        if (from != directory) {
            (void)close(from);
        }
        if (next < 0) {
            return next;
        }
        from = next;
        name = slash + 1;
    }
    result = open_at(from, name, flags | O_NOFOLLOW);
    if (from != directory) {
        (void)close(from);
    }
    return result;
}

/* ------------------------------------------------------------------------------------------ the directory */

/* Of file systems that have what they know of cached names in this kernel's memory. */
static bool answers_from_memory(int directory)
{
    static const uint32_t kinds[] = {
        0xef53,     /* ext2, 3, 4 */
        0x58465342, /* XFS */
        0x9123683e, /* Btrfs */
        0x01021994, /* tmpfs */
        0x858458f6, /* ramfs */
        0x794c7630, /* overlayfs */
        0xf2f52010, /* F2FS */
        0x2fc12fc1, /* ZFS */
        0x73717368, /* squashfs */
        0xe0f5e1e2, /* EROFS */
    };
    struct statfs found;
    if (fstatfs(directory, &found) != 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if ((uint32_t)found.f_type == kinds[i]) {
            return true;
        }
    }
    return false;
}

int bi_below_init(struct bi_below *below, const char *path, bool follows)
{
    below->directory = open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    below->follows = follows;
    if (below->directory < 0) {
        return below->directory;
    }
    atomic_init(&below->has_openat2, HAS_OPENAT2);
    atomic_init(&below->has_peek, HAS_OPENAT2 && answers_from_memory(below->directory));
    return 0;
}

void bi_below_finish(struct bi_below *below)
{
    if (below->directory >= 0) {
        (void)close(below->directory);
    }
}

int bi_below_open(struct bi_below *below, const char *name, int flags)
{
    flags |= O_CLOEXEC;
    for (int i = 0; i < TRIES && atomic_load_explicit(&below->has_openat2, memory_order_relaxed); i++) {
        int result = open_resolved(below->directory, name, flags, resolve_of(below));
        if (is_missing(result)) {
            atomic_store_explicit(&below->has_openat2, false, memory_order_relaxed);
            atomic_store_explicit(&below->has_peek, false, memory_order_relaxed);
            break;
        }
        if (result != -EAGAIN && result != -EINTR) {
            return result;
        }
    }
    if (atomic_load_explicit(&below->has_openat2, memory_order_relaxed)) {
        return -EAGAIN;
    }
    return below->follows ? open_at(below->directory, name, flags) : walk(below->directory, name, flags);
}

static int stat_and_close(int descriptor, struct stat *status)
{
    if (descriptor < 0) {
        return descriptor;
    }
    int result = fstat(descriptor, status) == 0 ? 0 : -errno;
    (void)close(descriptor);
    return result;
}

int bi_below_stat(struct bi_below *below, const char *name, struct stat *status)
{
    return stat_and_close(bi_below_open(below, name, O_PATH), status);
}

/* Mounts below may be of another kind. */
int bi_below_peek(struct bi_below *below, const char *name, struct stat *status)
{
    if (!atomic_load_explicit(&below->has_peek, memory_order_relaxed)) {
        return -EAGAIN;
    }
    uint64_t resolve = resolve_of(below) | RESOLVE_CACHED | RESOLVE_NO_XDEV;
    int descriptor = open_resolved(below->directory, name, O_PATH | O_CLOEXEC, resolve);
    if (descriptor == -EINVAL) { /* before Linux 5.12 */
        atomic_store_explicit(&below->has_peek, false, memory_order_relaxed);
    }
    return descriptor >= 0 || descriptor == -ENOENT ? stat_and_close(descriptor, status) : -EAGAIN;
}

bool bi_below_is_absence(int number)
{
    switch (number) {
    case EACCES:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOENT:
    case ENOTDIR:
    case ENXIO:
    case EPERM:
    case EXDEV:
        return true;
    default:
        return false;
    }
}
