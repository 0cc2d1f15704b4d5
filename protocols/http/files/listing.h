/* SPDX-License-Identifier: MIT */
/* listing.h - a directory's names, and the page that shows them, between the files that read, write and send it. All of
 * this is for threads, and without anything of bight's but its memory. */
#ifndef BI_HTTP_FILES_LISTING_H
#define BI_HTTP_FILES_LISTING_H

#include "http/files/below.h"
#include "http/files/name.h"

struct bi_listing_item {
    const char *name;
    uint64_t size;
    int64_t modified; /* seconds since 1970 */
    bool is_directory;
};

struct bi_listing_block;

/* Zeros are an empty one. */
struct bi_listing {
    struct bi_listing_item *items;
    size_t count, room;
    struct bi_listing_block *names;
    bool is_cut; /* there were more */
};

enum bi_listing_order {
    BI_LISTING_BY_NAME,
    BI_LISTING_BY_SIZE,
    BI_LISTING_BY_TIME,
};

/* listing_read.c. What may be served of a directory, at most `limit` names in no order: 0, or an errno. */
int bi_listing_read(
    struct bi_listing *listing, struct bi_below *below, const char *directory, bool dot_files, size_t limit);
/* Directories go before files. */
void bi_listing_sort(struct bi_listing *listing, enum bi_listing_order order, bool reverse);
void bi_listing_finish(struct bi_listing *listing);

/* listing_page.c. How far a page has been written; zeros but for what is said of it. */
struct bi_listing_page {
    const struct bi_listing *listing;
    const char *path; /* shown */
    bool is_json;
    bool has_parent; /* there is a directory above that is served */
    enum bi_listing_order order;
    bool reverse;
    size_t at; /* items written */
    enum { BI_PAGE_HEAD, BI_PAGE_ITEMS, BI_PAGE_END, BI_PAGE_DONE } stage;
};

/* Writes the page's next part, as much of it as surely goes into the room, BI_PAGE_PART at least; `stage` tells whether
 * that was all. Returns its size. */
#define BI_PAGE_PART ((size_t)64 << 10)
size_t bi_listing_write(struct bi_listing_page *page, char *out, size_t room);

#endif
