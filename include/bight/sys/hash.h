/* SPDX-License-Identifier: MIT */
/* bight/sys/hash.h - a hash table from byte strings to pointers that is safe against keys chosen by a peer.
 *
 * SipHash-2-4 (Aumasson, Bernstein: SipHash) with a key of 128 bits from its creator, so that a peer without the key
 * cannot choose strings that collide; open addressing. Strings are copied. Any thread may have a table, no two may
 * share one.
 *
 *     uint64_t key[2];
 *     int code = bight_random(reactor, key, sizeof key);        (bight/sys/digest.h)
 *     ...
 *     bight_hash_init(&table, key, release); */
#ifndef BIGHT_SYS_HASH_H
#define BIGHT_SYS_HASH_H

#include <bight/error.h>

BIGHT_BEGIN

struct bight_hash_entry;

/* The owner's memory; `count` is for reading, the rest is bight's. */
struct bight_hash {
    size_t count; /* of entries */
    struct bight_hash_entry *entries;
    size_t capacity;
    uint64_t key[2];
    bight_release_function release;
    uintptr_t spare[4];
};

/* SipHash-2-4 of `size` bytes. Any thread. */
BIGHT_API uint64_t bight_siphash(const uint64_t key[2], const void *data, size_t size);

/* An empty table. `release` is how a value is released; NULL: values are borrowed. Allocates nothing. */
BIGHT_API void bight_hash_init(struct bight_hash *table, const uint64_t key[2], bight_release_function release);

/* Releases every value, and leaves an empty table. Safe on one that is zeroed. */
BIGHT_API void bight_hash_finish(struct bight_hash *table);

/* Takes `value`, in place of the one that the string had (which is released). 0 or OUT_OF_MEMORY, and then nothing has
 * changed and nothing was taken. */
BIGHT_API int bight_hash_set(struct bight_hash *table, const void *key, size_t size, void *value);

/* The string's value, which stays the table's. NULL: it is not there. */
BIGHT_API void *bight_hash_get(const struct bight_hash *table, const void *key, size_t size);

/* Removes the string and returns its value; NULL: it was not there. */
BIGHT_API void *bight_hash_take(struct bight_hash *table, const void *key, size_t size);

/* Removes the string and releases its value; false: it was not there. Never allocates. */
BIGHT_API bool bight_hash_remove(struct bight_hash *table, const void *key, size_t size);

/* Walks the entries in no order: *cursor starts at 0; false at the end. The strings and values are the table's. It must
 * not change meanwhile. */
BIGHT_API bool bight_hash_next(
    const struct bight_hash *table, size_t *cursor, const void **key, size_t *size, void **value);

BIGHT_END

#endif
