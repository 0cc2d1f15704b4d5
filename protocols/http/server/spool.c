/* SPDX-License-Identifier: MIT */
/* spool.c - a temporary file without a name: by O_TMPFILE, and where the file system has no such thing under a name
 * that nobody can guess, which is removed at once. */
#include "http/server/spool.h"

#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/thread.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/server/again.h"

#define PIECE 16384                  /* bytes of a copy by reading and writing */
#define COPY_LIMIT ((size_t)1 << 30) /* of one by the kernel, a call */

struct bi_spool {
    atomic_uint holds;
    struct bight_reactor *reactor; /* in its thread, while the mailbox takes calls */
    struct bight_mailbox *mailbox;
    int file;        /* -1: not open */
    uint64_t number; /* of the name that it may have for a moment */
    char directory[];
};

/* ------------------------------------------------------------------------------------------------ its life */

static const char *default_directory(void)
{
    const char *directory = secure_getenv("TMPDIR");
    return directory != NULL && directory[0] != '\0' ? directory : "/var/tmp";
}

int bi_spool_new(struct bight_reactor *reactor, const char *directory, struct bi_spool **made)
{
    const char *path = directory != NULL ? directory : default_directory();
    size_t size = strlen(path) + 1;
    struct bi_spool *spool = bight_calloc(1, sizeof *spool + size);
    if (spool == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    atomic_init(&spool->holds, 1);
    memcpy(spool->directory, path, size);
    spool->file = -1;
    spool->reactor = reactor;
    spool->mailbox = bight_reactor_mailbox(reactor);
    int code = bight_random(reactor, &spool->number, sizeof spool->number);
    if (code != BIGHT_OK) {
        bi_spool_drop(spool);
        return code;
    }
    *made = spool;
    return BIGHT_OK;
}

struct bi_spool *bi_spool_hold(struct bi_spool *spool)
{
    atomic_fetch_add_explicit(&spool->holds, 1, memory_order_relaxed);
    return spool;
}

static bool is_last_hold(struct bi_spool *spool)
{
    return atomic_fetch_sub_explicit(&spool->holds, 1, memory_order_acq_rel) == 1;
}

static void close_file(struct bi_spool *spool)
{
    if (spool->file >= 0) {
        (void)close(spool->file);
        spool->file = -1;
    }
}

/* Behind which it is not asked whether a thread could close it. */
static void drop_at_the_end(void *context)
{
    struct bi_spool *spool = context;
    if (is_last_hold(spool)) {
        close_file(spool);
        bight_mailbox_release(spool->mailbox);
        bight_free(spool);
    }
}

static void close_in_thread(struct bight_result *result, void *context)
{
    (void)result;
    close_file(context);
}

static void ignore(struct bight_result *result, void *context)
{
    (void)context;
    bight_result_discard(result);
}

static void close_later(void *context)
{
    struct bi_spool *spool = bi_spool_hold(context);
    struct bight_deferred *closing =
        bight_defer_to_thread_full(spool->reactor, close_in_thread, spool, drop_at_the_end);
    (void)bight_deferred_add_both(closing, ignore, NULL); /* when out of memory that is logged */
    bight_deferred_release(closing);
}

void bi_spool_drop(struct bi_spool *spool)
{
    if (spool == NULL || !is_last_hold(spool)) {
        return;
    }
    atomic_store(&spool->holds, 1); /* for the call */
    if (spool->file < 0 ||
        bight_call_from_thread_full(spool->mailbox, close_later, spool, drop_at_the_end) != BIGHT_OK) {
        drop_at_the_end(spool);
    }
}

int bi_spool_descriptor(const struct bi_spool *spool)
{
    return spool->file;
}

const char *bi_spool_directory(const struct bi_spool *spool)
{
    return spool->directory;
}

/* ---------------------------------------------------------------------------------------------- writing */

static int open_named(struct bi_spool *spool)
{
    char name[4096];
    int size = snprintf(name, sizeof name, "%s/.bight-%016" PRIx64, spool->directory, spool->number);
    if (size < 0 || (size_t)size >= sizeof name) {
        return ENAMETOOLONG;
    }
    BI_AGAIN(spool->file, open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (spool->file < 0) {
        return errno;
    }
    (void)unlink(name);
    return 0;
}

static int open_file(struct bi_spool *spool)
{
    BI_AGAIN(spool->file, open(spool->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    return spool->file >= 0 ? 0 : open_named(spool);
}

int bi_spool_write(struct bi_spool *spool, const void *data, size_t size)
{
    const uint8_t *at = data;
    int number = spool->file < 0 ? open_file(spool) : 0;
    while (number == 0 && size > 0) {
        ssize_t written = write(spool->file, at, size);
        if (written >= 0) {
            at += written;
            size -= (size_t)written;
        } else if (errno != EINTR) {
            number = errno;
        }
    }
    return number;
}

/* ---------------------------------------------------------------------------------------------- reading */

int bi_spool_read(const struct bi_spool *spool, uint64_t offset, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = pread(spool->file, at, size, (off_t)offset);
        if (got == 0) {
            return EIO; /* somebody has cut it */
        }
        if (got > 0) {
            at += got;
            offset += (uint64_t)got;
            size -= (size_t)got;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* The kernel's way, which need not move bytes at all. It stops where it does not go. */
static void copy_by_kernel(const struct bi_spool *spool, off_t *offset, uint64_t *size, struct bi_draft *draft)
{
    while (*size > 0) {
        size_t piece = *size < COPY_LIMIT ? (size_t)*size : COPY_LIMIT;
        ssize_t copied = copy_file_range(spool->file, offset, draft->file, NULL, piece, 0);
        if (copied <= 0) {
            return;
        }
        *size -= (uint64_t)copied;
        draft->written += (uint64_t)copied;
    }
}

static int copy(const struct bi_spool *spool, uint64_t offset, uint64_t size, struct bi_draft *draft)
{
    uint8_t piece[PIECE];
    off_t at = (off_t)offset;
    int number = bi_draft_write(draft, NULL, 0);
    if (number == 0) {
        copy_by_kernel(spool, &at, &size, draft);
    }
    while (number == 0 && size > 0) {
        size_t part = size < PIECE ? (size_t)size : PIECE;
        number = bi_spool_read(spool, (uint64_t)at, piece, part);
        if (number == 0) {
            number = bi_draft_write(draft, piece, part);
        }
        at += (off_t)part;
        size -= part;
    }
    return number;
}

int bi_spool_copy(const struct bi_spool *spool, uint64_t offset, uint64_t size, struct bi_draft *draft, bool whole)
{
    int number = bi_draft_begin(draft);
    if (number != 0 || (whole && spool->file >= 0 && bi_draft_adopt(draft, spool->file))) {
        return number;
    }
    return copy(spool, offset, size, draft);
}
