/* SPDX-License-Identifier: MIT */
/* draft.c - a file that is being made.
 *
 * Its directory is opened once and everything happens in there, so that a directory that is renamed meanwhile does not
 * part the draft from its place. A file without a name (O_TMPFILE) would go by itself when the process dies, but could
 * not replace another in one step, and not every file system has them: so it has a name, used by no other, from the
 * start. */
#include "http/server/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server/again.h"

#define ATTEMPTS 100 /* at a name that is free */

const char *bi_draft_name_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    return *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
}

/* ---------------------------------------------------------------------------------------------- making */

static int open_directory(struct bi_draft *draft)
{
    char text[4096];
    size_t size = (size_t)(draft->name - draft->path);
    if (size >= sizeof text) {
        return ENAMETOOLONG;
    }
    memcpy(text, draft->path, size);
    text[size] = '\0';
    BI_AGAIN(draft->directory, open(size > 0 ? text : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return draft->directory < 0 ? errno : 0;
}

/* That the name is taken shows in the end; a client that sends much is better told at once. */
static int check_name(const struct bi_draft *draft)
{
    struct stat status;
    bool is_taken = !draft->replaces && fstatat(draft->directory, draft->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    return is_taken ? EEXIST : 0;
}

static const char *next_name(struct bi_draft *draft)
{
    (void)snprintf(draft->own_name, sizeof draft->own_name, ".bight-%016" PRIx64, draft->number++);
    return draft->own_name;
}

static int make(struct bi_draft *draft)
{
    int attempts = ATTEMPTS;
    do {
        const char *name = next_name(draft);
        BI_AGAIN(
            draft->file, openat(draft->directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    } while (draft->file < 0 && errno == EEXIST && --attempts > 0);
    return draft->file < 0 ? errno : 0;
}

int bi_draft_begin(struct bi_draft *draft)
{
    int number = draft->directory < 0 ? open_directory(draft) : 0;
    return number != 0 ? number : check_name(draft);
}

/* By the name in /proc, since without one it takes a privilege. */
bool bi_draft_adopt(struct bi_draft *draft, int descriptor)
{
    char name[32];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    if (linkat(AT_FDCWD, name, draft->directory, next_name(draft), AT_SYMLINK_FOLLOW) != 0) {
        return false;
    }
    draft->file = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (draft->file < 0) {
        (void)unlinkat(draft->directory, draft->own_name, 0);
    }
    return draft->file >= 0;
}

static int open_file(struct bi_draft *draft)
{
    int number = draft->directory < 0 ? bi_draft_begin(draft) : 0;
    return number != 0 ? number : make(draft);
}

int bi_draft_write(struct bi_draft *draft, const void *data, size_t size)
{
    const uint8_t *at = data;
    int number = draft->file < 0 ? open_file(draft) : 0;
    while (number == 0 && size > 0) {
        ssize_t written = write(draft->file, at, size);
        if (written >= 0) {
            at += written;
            size -= (size_t)written;
            draft->written += (uint64_t)written;
        } else if (errno != EINTR) {
            number = errno;
        }
    }
    return number;
}

/* ---------------------------------------------------------------------------------------------- its end */

/* Some file systems have nothing to sync, and say so. */
static int sync_to_disk(int descriptor)
{
    int result;
    BI_AGAIN(result, fsync(descriptor));
    return result == 0 || errno == EINVAL || errno == ENOSYS ? 0 : errno;
}

/* A rename replaces; a link does not, in one step. */
static int give_name(const struct bi_draft *draft)
{
    int directory = draft->directory;
    if (draft->replaces) {
        return renameat(directory, draft->own_name, directory, draft->name) == 0 ? 0 : errno;
    }
    if (linkat(directory, draft->own_name, directory, draft->name, 0) != 0) {
        return errno;
    }
    (void)unlinkat(directory, draft->own_name, 0);
    return 0;
}

void bi_draft_leave(struct bi_draft *draft)
{
    if (draft->file >= 0) {
        (void)close(draft->file);
    }
    if (draft->directory >= 0) {
        (void)close(draft->directory);
    }
    draft->file = draft->directory = -1;
}

/* Its bytes are on the disk before its name is, so that no crash leaves the name of a file that is not whole. */
int bi_draft_keep(struct bi_draft *draft)
{
    int number = draft->mode != 0 && fchmod(draft->file, draft->mode) != 0 ? errno : 0;
    if (number == 0 && !draft->is_hurried) {
        number = sync_to_disk(draft->file);
    }
    if (number == 0) {
        number = give_name(draft);
    }
    if (number != 0) {
        return number;
    }
    number = draft->is_hurried ? 0 : sync_to_disk(draft->directory);
    bi_draft_leave(draft);
    return number;
}

void bi_draft_discard(struct bi_draft *draft)
{
    if (draft->file >= 0) {
        (void)unlinkat(draft->directory, draft->own_name, 0);
    }
    bi_draft_leave(draft);
}
