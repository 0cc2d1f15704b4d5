/* SPDX-License-Identifier: MIT */
/* entry.c - in a thread: from a name to what it leads to, a file opened or read; in the loop: whether that still holds.
 *
 * What is at a name is looked at before it is opened, since opening what is no file may do something to it: a FIFO has
 * a reader then, a tape is rewound. What was opened is looked at again, and that counts. */
#include <bight/memory.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http/files/files.h"
#include "http/server/file_type.h"

#define PATH_ROOM (BI_FILES_NAME_SIZE + NAME_MAX + 8) /* of a directory's index, and a sibling's ending */
#define LINES_ROOM 1024
#define NANOSECONDS INT64_C(1000000000)

const struct bi_files_coding bi_files_codings[BI_FILES_CODINGS] = {
    { "br", ".br" },
    { "zstd", ".zst" },
    { "gzip", ".gz" },
};

/* ---------------------------------------------------------------------------------------------- witnesses */

static int64_t nanoseconds_of(struct timespec time)
{
    return time.tv_sec * NANOSECONDS + time.tv_nsec;
}

/* `result` is that of a look at the name. */
static struct bi_files_witness testify(uint8_t ending, int result, const struct stat *status)
{
    struct bi_files_witness witness = { .ending = ending, .exists = result == 0 && S_ISREG(status->st_mode) };
    if (witness.exists) {
        witness.device = status->st_dev;
        witness.inode = status->st_ino;
        witness.size = (uint64_t)status->st_size;
        witness.modified = nanoseconds_of(status->st_mtim);
        witness.changed = nanoseconds_of(status->st_ctim);
    }
    return witness;
}

static bool agree(const struct bi_files_witness *one, const struct bi_files_witness *other)
{
    return one->exists == other->exists && one->device == other->device && one->inode == other->inode &&
           one->size == other->size && one->modified == other->modified && one->changed == other->changed;
}

static void name_sibling(char out[PATH_ROOM], const char *name, uint8_t ending)
{
    (void)snprintf(out, PATH_ROOM, "%s%s", name, ending < BI_FILES_CODINGS ? bi_files_codings[ending].ending : "");
}

bool bi_files_entry_holds(struct bi_files *files, const struct bi_files_entry *entry)
{
    char name[PATH_ROOM];
    if (entry->is_recent) {
        return false;
    }
    for (uint8_t i = 0; i < entry->witness_count; i++) {
        struct stat status;
        const struct bi_files_witness *before = &entry->witnesses[i];
        name_sibling(name, entry->name, before->ending);
        int result = bi_below_peek(&files->below, name, &status);
        struct bi_files_witness now = testify(before->ending, result, &status);
        if ((result != 0 && result != -ENOENT) || !agree(before, &now)) {
            return false;
        }
    }
    return true;
}

/* ---------------------------------------------------------------------------------------------- its life */

void bi_files_entry_release(void *context)
{
    struct bi_files_entry *entry = context;
    if (atomic_fetch_sub_explicit(&entry->holds, 1, memory_order_acq_rel) > 1) {
        return;
    }
    if (entry->file.descriptor >= 0) {
        (void)close(entry->file.descriptor);
    }
    bight_free(entry);
}

#define TRIES 3 /* at reading a file that does not change meanwhile */

/* What is known of a file before there is an entry for it. */
struct draft {
    struct bi_files *files;
    const struct bi_files_key *key;
    const char *name;
    int64_t now; /* seconds since 1970 */
    struct bi_files_witness witnesses[BI_FILES_WITNESSES];
    uint8_t witness_count;
    uint8_t chosen;   /* whose content is sent */
    bool is_restless; /* it is not read into memory: it was changed each time */
};

static const char *type_of(const struct bi_files *files, const char *name)
{
    const char *slash = strrchr(name, '/'), *dot = strrchr(slash != NULL ? slash : name, '.');
    for (const struct bight_http_file_type *type = files->types; dot != NULL && type != NULL && type->ending != NULL;
         type++) {
        if (strcasecmp(dot + 1, type->ending) == 0) {
            return type->type;
        }
    }
    return bi_file_type(name);
}

static void describe(struct draft *draft, const struct stat *status, struct bi_file_content *file)
{
    uint8_t ending = draft->witnesses[draft->chosen].ending;
    *file = (struct bi_file_content) {
        .descriptor = -1,
        .size = (uint64_t)status->st_size,
        .modified = status->st_mtim.tv_sec,
        .nanoseconds = status->st_mtim.tv_nsec,
        .type = type_of(draft->files, draft->name),
        .coding = ending < BI_FILES_CODINGS ? bi_files_codings[ending].name : NULL,
        .release = bi_files_entry_release,
    };
}

/* With room for `content` bytes at file.data; NULL when out of memory. */
static struct bi_files_entry *make(const struct draft *draft, const struct bi_file_content *file, size_t content)
{
    char lines[LINES_ROOM];
    size_t size = bi_files_write_lines(draft->files, file, draft->now, lines, sizeof lines);
    size_t lines_size = size <= sizeof lines ? size : 0, name_size = strlen(draft->name) + 1;
    size_t key_size = draft->key->size,
           all = sizeof(struct bi_files_entry) + lines_size + name_size + key_size + content;
    struct bi_files_entry *entry = bight_malloc(all);
    if (entry == NULL) {
        return NULL;
    }
    char *at = (char *)(entry + 1);
    *entry = (struct bi_files_entry) { .charge = all, .witness_count = draft->witness_count, .file = *file };
    atomic_init(&entry->holds, 1);
    entry->is_recent = draft->now - file->modified < 2;
    memcpy(entry->witnesses, draft->witnesses, sizeof entry->witnesses);
    entry->lines = (struct bi_view) { (const uint8_t *)at, lines_size };
    memcpy(at, lines, lines_size);
    entry->name = memcpy(at + lines_size, draft->name, name_size);
    entry->key = memcpy(at + lines_size + name_size, draft->key->text, key_size);
    entry->key_size = key_size;
    entry->file.context = entry;
    entry->file.pages = &entry->pages;
    entry->file.data = at + lines_size + name_size + key_size;
    return entry;
}

/* ---------------------------------------------------------------------------------------------- content */

/* How many bytes there were, or -errno. */
static ssize_t read_whole(int descriptor, char *out, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(descriptor, out + done, size - done, (off_t)done);
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

/* Reads what was measured. What changes meanwhile is not what its tag would say for long: it is read again soon. */
static int fill(struct bi_files_entry *entry, int descriptor, const struct bi_files_witness *witness)
{
    struct stat status;
    ssize_t got = read_whole(descriptor, (char *)(uintptr_t)entry->file.data, (size_t)entry->file.size);
    if (got < 0) {
        return (int)-got;
    }
    struct bi_files_witness now = testify(witness->ending, fstat(descriptor, &status), &status);
    return (uint64_t)got < entry->file.size || !agree(witness, &now) ? EAGAIN : 0;
}

/* From an open descriptor, which is taken. 0, EAGAIN when it was changed meanwhile, or another errno. */
static int load(struct draft *draft, int descriptor, const struct stat *status, struct bi_files_found *found)
{
    struct bi_file_content file;
    describe(draft, status, &file);
    bool is_small = file.size <= draft->files->memory_file_limit && !draft->is_restless;
    struct bi_files_entry *entry = make(draft, &file, is_small ? (size_t)file.size : 0);
    if (entry == NULL) {
        (void)close(descriptor);
        return ENOMEM;
    }
    if (is_small) {
        int number = fill(entry, descriptor, &draft->witnesses[draft->chosen]);
        (void)close(descriptor);
        if (number != 0) {
            bi_files_entry_release(entry);
            return number;
        }
    } else {
        entry->file.data = NULL;
        entry->file.descriptor = descriptor;
    }
    *found = (struct bi_files_found) { BI_FILES_FILE, entry };
    return 0;
}

/* ---------------------------------------------------------------------------------------------- the look */

/* The first sibling that is accepted and not older than the file itself, if there is one. */
static void choose(struct draft *draft, unsigned accepted)
{
    char name[PATH_ROOM];
    draft->chosen = 0;
    for (uint8_t i = 0; i < BI_FILES_CODINGS && draft->chosen == 0; i++) {
        struct stat status;
        if ((accepted >> i & 1) == 0) {
            continue;
        }
        name_sibling(name, draft->name, i);
        struct bi_files_witness witness = testify(i, bi_below_stat(&draft->files->below, name, &status), &status);
        if (witness.exists && witness.modified >= draft->witnesses[0].modified) {
            draft->chosen = draft->witness_count;
        }
        draft->witnesses[draft->witness_count++] = witness;
    }
}

/* Absence is 0, and nothing found. */
static int open_chosen(struct draft *draft, struct bi_files_found *found)
{
    char name[PATH_ROOM];
    struct stat status;
    struct bi_files_witness *witness = &draft->witnesses[draft->chosen];
    name_sibling(name, draft->name, witness->ending);
    int descriptor = bi_below_open(&draft->files->below, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return bi_below_is_absence(-descriptor) ? 0 : -descriptor;
    }
    *witness = testify(witness->ending, fstat(descriptor, &status), &status);
    if (!witness->exists) {
        (void)close(descriptor);
        return 0;
    }
    return load(draft, descriptor, &status, found);
}

/* A file that is written all the time is sent as a large one, by its descriptor. */
static int find_file(
    struct bi_files *files, const struct bi_files_key *key, const char *name, int64_t now, struct bi_files_found *found)
{
    int number = EAGAIN;
    for (int i = 0; i < TRIES && number == EAGAIN; i++) {
        struct draft draft = { .files = files, .key = key, .name = name, .now = now, .is_restless = i == TRIES - 1 };
        struct stat status;
        int result = bi_below_stat(&files->below, name, &status);
        draft.witnesses[draft.witness_count++] = testify(BI_FILES_CODINGS, result, &status);
        if (!draft.witnesses[0].exists) {
            return result == 0 || bi_below_is_absence(-result) ? 0 : -result;
        }
        choose(&draft, (unsigned char)key->text[0]);
        number = open_chosen(&draft, found);
    }
    return number;
}

static int find_directory(struct bi_files *files, const char *name, struct bi_files_found *found)
{
    char path[PATH_ROOM];
    struct stat status;
    size_t size = strlen(name);
    (void)snprintf(path, sizeof path, "%.*s", (int)(size > 0 ? size - 1 : 0), name);
    int result = bi_below_stat(&files->below, size > 0 ? path : ".", &status);
    if (result != 0) {
        return bi_below_is_absence(-result) ? 0 : -result;
    }
    found->kind = S_ISDIR(status.st_mode) ? BI_FILES_LISTED : BI_FILES_ABSENT;
    return 0;
}

/* By a name that ends with a slash, or is empty. */
static int find_in_directory(
    struct bi_files *files, const struct bi_files_key *key, int64_t now, struct bi_files_found *found)
{
    const char *name = key->text + 1;
    char path[PATH_ROOM];
    int number = 0;
    if (files->index != NULL) {
        (void)snprintf(path, sizeof path, "%s%s", name, files->index);
        number = find_file(files, key, path, now, found);
    }
    return number == 0 && found->kind == BI_FILES_ABSENT && files->listing ? find_directory(files, name, found)
                                                                           : number;
}

/* Whether a directory that was asked for without its slash has anything to show. */
static int find_without_slash(struct bi_files *files, const char *name, struct bi_files_found *found)
{
    char path[PATH_ROOM];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/%s", name, files->index != NULL ? files->index : "");
    bool is_shown = files->listing || (files->index != NULL && bi_below_stat(&files->below, path, &status) == 0 &&
                                          S_ISREG(status.st_mode));
    found->kind = is_shown ? BI_FILES_DIRECTORY : BI_FILES_ABSENT;
    return 0;
}

int bi_files_find(struct bi_files *files, const struct bi_files_key *key, int64_t now, struct bi_files_found *found)
{
    const char *name = key->text + 1;
    size_t size = key->size - 1;
    struct stat status;
    *found = (struct bi_files_found) { BI_FILES_ABSENT, NULL };
    if (size == 0 || name[size - 1] == '/') {
        return find_in_directory(files, key, now, found);
    }
    int number = find_file(files, key, name, now, found);
    if (number == 0 && found->kind == BI_FILES_ABSENT && bi_below_stat(&files->below, name, &status) == 0 &&
        S_ISDIR(status.st_mode)) {
        return find_without_slash(files, name, found);
    }
    return number;
}
