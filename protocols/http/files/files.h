/* SPDX-License-Identifier: MIT */
/* files.h - what the files of this room share: a directory that is served, what is kept of it, look-ups.
 *
 *     files.c      options and the route; from a request to an entry or a look-up
 *     cache.c      entries that are kept, bounded
 *     look_up.c    look-ups under way, and those who wait for them
 *     entry.c      in a thread: from a name to an entry; whether an entry still holds
 *     serve.c      from an entry to an answer
 *     listing.c ...   directories as pages */
#ifndef BI_HTTP_FILES_H
#define BI_HTTP_FILES_H

#include <bight/protocols/http_files.h>
#include <bight/sys/hash.h>

#include "http/files/below.h"
#include "http/files/name.h"
#include "http/server/file.h"

/* A key of the cache and of look-ups: a byte that says which codings are accepted, and the name. */
#define BI_FILES_KEY_SIZE (1 + BI_FILES_NAME_SIZE)
struct bi_files_key {
    size_t size; /* without the NUL behind it */
    char text[BI_FILES_KEY_SIZE];
};

/* The codings of siblings, in the order in which they are preferred: bit n of options and keys. */
#define BI_FILES_CODINGS 3
struct bi_files_coding {
    const char *name, *ending;
};
extern const struct bi_files_coding bi_files_codings[BI_FILES_CODINGS];

/* What a name was found to be, for a later look whether it still is. */
struct bi_files_witness {
    uint8_t ending; /* of bi_files_codings; BI_FILES_CODINGS: none */
    bool exists;
    uint64_t device, inode, size;
    int64_t modified, changed; /* nanoseconds */
};
#define BI_FILES_WITNESSES (1 + BI_FILES_CODINGS)

/* A file that may be sent: its content, or an open descriptor. Counted, for threads may read it. */
struct bi_files_entry {
    atomic_uint holds;
    struct bi_files_entry *newer, *older; /* in the cache */
    bool is_kept;                         /* it is in the cache */
    const char *key;                      /* what was asked for */
    size_t key_size, charge;              /* charge: bytes that it takes */
    int64_t checked;                      /* in this second of the server's date it was as it is */
    bool is_recent;                       /* what was read may not be all that was written in that moment */
    const char *name;
    struct bi_files_witness witnesses[BI_FILES_WITNESSES];
    uint8_t witness_count;
    struct bi_file_content file; /* its context is this */
    struct bight_file_pages pages;
    struct bi_view lines; /* of the head (bi_answer_begin_prepared) */
};

struct bi_files_cache {
    struct bight_hash table;
    struct bi_files_entry *newest, *oldest;
    size_t bytes, limit;
    unsigned descriptors;
};

struct bi_look_up;

struct bi_files {
    atomic_uint holds; /* the route's, look-ups', listings' */
    struct bi_below below;
    char *index, *fallback; /* NULL: none */
    bool listing, dot_files;
    uint32_t cache_seconds, listing_limit;
    unsigned precompressed;
    const struct bight_http_file_type *types;
    size_t memory_file_limit;
    struct bi_files_cache cache;
    struct bight_hash looking;     /* key -> look-up under way */
    struct bight_reactor *reactor; /* that of the timer */
    struct bight_timer sweeping;
    bool is_gone; /* the route has: nothing is kept any more */
};

/* What a name leads to. */
enum bi_files_kind {
    BI_FILES_ABSENT,
    BI_FILES_FILE,      /* an entry */
    BI_FILES_DIRECTORY, /* without its slash, and with something to be seen */
    BI_FILES_LISTED,    /* a directory that is to be listed */
};
struct bi_files_found {
    enum bi_files_kind kind;
    struct bi_files_entry *entry; /* of FILE: the finder's */
};

/* files.c */
static inline struct bi_files *bi_files_hold(struct bi_files *files)
{
    atomic_fetch_add_explicit(&files->holds, 1, memory_order_relaxed);
    return files;
}
void bi_files_release(void *files);
/* The values of a field, of as many lines as there is room for. */
#define BI_FILES_LINES 8
struct bi_lines bi_files_lines(
    const struct bight_http_request *request, enum bi_name name, struct bi_view room[BI_FILES_LINES]);
/* Answers with what was found for the key, which is what was asked for or the fallback. Returns NULL, or a Deferred
 * that the answer waits for yet. */
struct bight_deferred *bi_files_answer(struct bi_files *files, struct bight_http_request *request,
    const struct bi_files_key *key, const struct bi_files_found *found, bool is_fallback);

/* entry.c. In a thread, `now` in seconds since 1970: 0, or an errno that is the program's business and not the
 * client's.
 */
int bi_files_find(struct bi_files *files, const struct bi_files_key *key, int64_t now, struct bi_files_found *found);
/* Without waiting for a disk: the entry is what is there now. */
bool bi_files_entry_holds(struct bi_files *files, const struct bi_files_entry *entry);
static inline struct bi_files_entry *bi_files_entry_hold(struct bi_files_entry *entry)
{
    atomic_fetch_add_explicit(&entry->holds, 1, memory_order_relaxed);
    return entry;
}
/* Any thread. */
void bi_files_entry_release(void *entry);

/* cache.c */
struct bi_files_entry *bi_files_cache_get(struct bi_files_cache *cache, const struct bi_files_key *key);
/* Takes a hold of its own, if it keeps it. */
void bi_files_cache_put(struct bi_files_cache *cache, struct bi_files_entry *entry);
void bi_files_cache_remove(struct bi_files_cache *cache, struct bi_files_entry *entry);
/* Closes the descriptors of entries that were last checked before the second `since`. */
void bi_files_cache_sweep(struct bi_files_cache *cache, int64_t since);
void bi_files_cache_finish(struct bi_files_cache *cache);

/* look_up.c. A Deferred of nothing: by then the request has been answered with what the key leads to, or it fails. Only
 * for the request's respond_later, which keeps it. */
struct bight_deferred *bi_files_look_up(
    struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key, bool is_fallback);

/* serve.c */
void bi_files_send(struct bi_files *files, struct bight_http_request *request, struct bi_files_entry *entry);
/* The same as what stands for a path that is not there. */
void bi_files_send_fallback(struct bight_http_request *request, struct bi_files_entry *entry);
/* The lines of a head with the entry's content: the size, and written if that is not more than `room`. */
size_t bi_files_write_lines(
    const struct bi_files *files, const struct bi_file_content *file, int64_t now, char *out, size_t room);

/* listing.c. A Deferred of nothing: by then the request has been answered with the page of the directory. Likewise. */
struct bight_deferred *bi_files_list(
    struct bi_files *files, struct bight_http_request *request, const struct bi_files_key *key);

#endif
