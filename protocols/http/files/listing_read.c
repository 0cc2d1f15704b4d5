/* SPDX-License-Identifier: MIT */
/* listing_read.c - the names in a directory, with what a listing says of each, and their order.
 *
 * What could not be served is not listed: hidden names, what is no file, links that lead out. */
#include <bight/memory.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/files/listing.h"

#define BLOCK ((size_t)64 << 10) /* bytes of names that are allocated together */

struct bi_listing_block {
    struct bi_listing_block *next;
    size_t used;
    char names[BLOCK];
};

/* ---------------------------------------------------------------------------------------------- its room */

void bi_listing_finish(struct bi_listing *listing)
{
    while (listing->names != NULL) {
        struct bi_listing_block *block = listing->names;
        listing->names = block->next;
        bight_free(block);
    }
    bight_free(listing->items);
    *listing = (struct bi_listing) { 0 };
}

static const char *keep_name(struct bi_listing *listing, const char *name)
{
    size_t size = strlen(name) + 1;
    struct bi_listing_block *block = listing->names;
    if (block == NULL || sizeof block->names - block->used < size) {
        block = bight_malloc(sizeof *block);
        if (block == NULL) {
            return NULL;
        }
        block->next = listing->names;
        block->used = 0;
        listing->names = block;
    }
    block->used += size;
    return memcpy(block->names + block->used - size, name, size);
}

static bool has_room(struct bi_listing *listing)
{
    if (listing->count < listing->room) {
        return true;
    }
    size_t room = listing->room == 0 ? 64 : 2 * listing->room;
    struct bi_listing_item *items = bight_realloc(listing->items, room * sizeof *items);
    if (items == NULL) {
        return false;
    }
    listing->items = items;
    listing->room = room;
    return true;
}

/* False: no memory. */
static bool add(struct bi_listing *listing, const char *name, const struct stat *status)
{
    const char *kept = has_room(listing) ? keep_name(listing, name) : NULL;
    if (kept == NULL) {
        return false;
    }
    listing->items[listing->count++] = (struct bi_listing_item) {
        .name = kept,
        .size = (uint64_t)status->st_size,
        .modified = status->st_mtim.tv_sec,
        .is_directory = S_ISDIR(status->st_mode),
    };
    return true;
}

/* --------------------------------------------------------------------------------------------- reading */

/* Where a link in the directory leads, if it may be followed there. */
static bool follow(struct bi_below *below, const char *directory, const char *name, struct stat *status)
{
    char path[BI_FILES_NAME_SIZE + NAME_MAX + 2];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return bi_below_stat(below, path, status) == 0;
}

static bool is_shown(struct bi_below *below, const char *directory, int descriptor, const char *name, bool dot_files,
    struct stat *status)
{
    struct bi_view view = { (const uint8_t *)name, strlen(name) };
    if (!bi_files_segment_is_good(view, dot_files) || fstatat(descriptor, name, status, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    if (S_ISLNK(status->st_mode) && !follow(below, directory, name, status)) {
        return false;
    }
    return S_ISREG(status->st_mode) || S_ISDIR(status->st_mode);
}

static int read_all(struct bi_listing *listing, struct bi_below *below, const char *directory, DIR *stream,
    bool dot_files, size_t limit)
{
    const struct dirent *entry;
    struct stat status;
    for (errno = 0; (entry = readdir(stream)) != NULL; errno = 0) {
        if (!is_shown(below, directory, dirfd(stream), entry->d_name, dot_files, &status)) {
            continue;
        }
        if (listing->count == limit) {
            listing->is_cut = true;
            return 0;
        }
        if (!add(listing, entry->d_name, &status)) {
            return ENOMEM;
        }
    }
    return errno;
}

int bi_listing_read(
    struct bi_listing *listing, struct bi_below *below, const char *directory, bool dot_files, size_t limit)
{
    int descriptor = bi_below_open(below, directory, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
    if (descriptor < 0) {
        return -descriptor;
    }
    DIR *stream = fdopendir(descriptor);
    if (stream == NULL) {
        int number = errno;
        (void)close(descriptor);
        return number;
    }
    int number = read_all(listing, below, directory, stream, dot_files, limit);
    (void)closedir(stream);
    return number;
}

/* ---------------------------------------------------------------------------------------------- the order */

static int compare_kinds(const struct bi_listing_item *one, const struct bi_listing_item *other)
{
    return (int)other->is_directory - (int)one->is_directory;
}

static int compare_by_name(const void *left, const void *right)
{
    const struct bi_listing_item *one = left, *other = right;
    int order = compare_kinds(one, other);
    return order != 0 ? order : bi_files_compare_names(one->name, other->name);
}

static int compare_by_size(const void *left, const void *right)
{
    const struct bi_listing_item *one = left, *other = right;
    int order = compare_kinds(one, other);
    if (order == 0 && !one->is_directory) {
        order = (one->size > other->size) - (one->size < other->size);
    }
    return order != 0 ? order : bi_files_compare_names(one->name, other->name);
}

static int compare_by_time(const void *left, const void *right)
{
    const struct bi_listing_item *one = left, *other = right;
    int order = compare_kinds(one, other);
    if (order == 0) {
        order = (one->modified > other->modified) - (one->modified < other->modified);
    }
    return order != 0 ? order : bi_files_compare_names(one->name, other->name);
}

static void turn_round(struct bi_listing_item *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct bi_listing_item item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

void bi_listing_sort(struct bi_listing *listing, enum bi_listing_order order, bool reverse)
{
    static int (*const compare[])(const void *, const void *) = { compare_by_name, compare_by_size, compare_by_time };
    size_t directories = 0;
    if (listing->count == 0) {
        return;
    }
    qsort(listing->items, listing->count, sizeof *listing->items, compare[order]);
    while (directories < listing->count && listing->items[directories].is_directory) {
        directories++;
    }
    if (reverse) {
        turn_round(listing->items, directories);
        turn_round(listing->items + directories, listing->count - directories);
    }
}
