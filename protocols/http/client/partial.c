/* SPDX-License-Identifier: MIT */
/* partial.c - what there is of a file that did not come whole.
 *
 * What it is a part of is written down before the first byte of it, and taken away before it is made again: so there is
 * never a part that is taken for one of something else. One process at a time has it, by a lock that goes with it. */
#include "http/client/partial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/server/again.h"

#define FIRST_LINE "bight part 1\n"
#define MOST_FROM 4096 /* bytes of what tells of it */

/* ------------------------------------------------------------------------------------------- of what it is */

static int set_names(struct bi_partial *partial, struct bi_draft *draft)
{
    int own = snprintf(draft->own_name, sizeof draft->own_name, "%s.part", draft->name);
    int from = snprintf(partial->from_name, sizeof partial->from_name, "%s.part.from", draft->name);
    return own < 0 || from < 0 || from >= (int)sizeof partial->from_name ? ENAMETOOLONG : 0;
}

/* False: there is nothing that can be read. */
static bool read_from(const struct bi_partial *partial, const struct bi_draft *draft, char *text)
{
    int file;
    ssize_t size;
    BI_AGAIN(file, openat(draft->directory, partial->from_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
    if (file < 0) {
        return false;
    }
    BI_AGAIN(size, read(file, text, MOST_FROM - 1));
    (void)close(file);
    text[size > 0 ? size : 0] = '\0';
    return size > 0 && strlen(text) == (size_t)size;
}

/* The validator, if it is of the URL. */
static void find_validator(struct bi_partial *partial, const struct bi_draft *draft)
{
    char text[MOST_FROM];
    size_t first = strlen(FIRST_LINE), url = strlen(partial->url);
    partial->validator[0] = '\0';
    if (!read_from(partial, draft, text) || strncmp(text, FIRST_LINE, first) != 0 ||
        strncmp(text + first, partial->url, url) != 0 || text[first + url] != '\n') {
        return;
    }
    const char *validator = text + first + url + 1;
    size_t size = strcspn(validator, "\n");
    if (validator[size] == '\n' && validator[size + 1] == '\0' && size < sizeof partial->validator) {
        memcpy(partial->validator, validator, size);
        partial->validator[size] = '\0';
    }
}

static int write_from(const struct bi_partial *partial, const struct bi_draft *draft)
{
    char text[MOST_FROM];
    int file, size = snprintf(text, sizeof text, FIRST_LINE "%s\n%s\n", partial->url, partial->validator);
    if (partial->validator[0] == '\0' || size < 0 || size >= (int)sizeof text) {
        return 0; /* then it cannot be gone on with */
    }
    BI_AGAIN(
        file, openat(draft->directory, partial->from_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file < 0) {
        return errno;
    }
    ssize_t written;
    BI_AGAIN(written, write(file, text, (size_t)size));
    int number = written == size ? 0 : written < 0 ? errno : ENOSPC;
    (void)close(file);
    return number;
}

/* ------------------------------------------------------------------------------------------- the part */

static int open_part(struct bi_draft *draft, int flags)
{
    struct stat status;
    BI_AGAIN(draft->file,
        openat(draft->directory, draft->own_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | flags, 0600));
    if (draft->file < 0) {
        return errno;
    }
    if (fstat(draft->file, &status) != 0 || flock(draft->file, LOCK_EX | LOCK_NB) != 0) {
        return errno;
    }
    return S_ISREG(status.st_mode) ? 0 : EEXIST;
}

static void close_part(struct bi_draft *draft)
{
    if (draft->file >= 0) {
        (void)close(draft->file);
        draft->file = -1;
    }
}

int bi_partial_look(struct bi_partial *partial, struct bi_draft *draft)
{
    struct stat status;
    int number = bi_draft_begin(draft);
    number = number == 0 ? set_names(partial, draft) : number;
    number = number == 0 ? open_part(draft, 0) : number;
    if (number != 0) {
        close_part(draft);
        return number == ENOENT && draft->directory >= 0 ? 0 : number;
    }
    partial->is_there = true;
    find_validator(partial, draft);
    if (partial->validator[0] != '\0' && fstat(draft->file, &status) == 0) {
        partial->size = (uint64_t)status.st_size;
    }
    return 0;
}

int bi_partial_begin(struct bi_partial *partial, struct bi_draft *draft, bool is_fresh)
{
    int number = draft->file < 0 ? open_part(draft, O_CREAT) : 0;
    if (number != 0) {
        close_part(draft);
        return number;
    }
    partial->is_there = true;
    draft->written = is_fresh ? 0 : partial->size;
    if (!is_fresh) {
        return lseek(draft->file, (off_t)partial->size, SEEK_SET) >= 0 ? 0 : errno;
    }
    if (unlinkat(draft->directory, partial->from_name, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    return ftruncate(draft->file, 0) == 0 ? write_from(partial, draft) : errno;
}

/* ------------------------------------------------------------------------------------------- its end */

int bi_partial_keep(struct bi_partial *partial, struct bi_draft *draft)
{
    if (unlinkat(draft->directory, partial->from_name, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    int number = bi_draft_keep(draft);
    partial->is_there = number != 0;
    return number;
}

void bi_partial_leave(struct bi_partial *partial, struct bi_draft *draft)
{
    bool is_of_use = partial->validator[0] != '\0' && (draft->written > 0 || partial->size > 0);
    if (draft->file >= 0 && partial->is_there && !is_of_use) {
        (void)unlinkat(draft->directory, draft->own_name, 0);
        (void)unlinkat(draft->directory, partial->from_name, 0);
    }
    bi_draft_leave(draft);
}
