/* SPDX-License-Identifier: MIT */
/* hash.h - a seeded hash table from byte-string keys to pointers, safe against keys chosen by a peer.
 *
 * SipHash-2-4 (Aumasson, Bernstein: SipHash) with a 128-bit key that the maker passes in; open addressing.
 * Keys are copied. Not for several threads. */
#ifndef BI_BASE_HASH_H
#define BI_BASE_HASH_H

#include <bight/error.h>

struct bi_hash {
    struct bi_hash_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t key[2];
    bight_release_function release; /* how a value is let go of; NULL: borrowed */
};

uint64_t bi_siphash(const uint64_t key[2], const void *data, size_t size);

void bi_hash_init(struct bi_hash *table, const uint64_t key[2], bight_release_function release);
void bi_hash_finish(struct bi_hash *table); /* releases every value; safe on a zeroed table */

/* Takes `value` in place of what the key had (which is released). 0 or OUT_OF_MEMORY, and then nothing
 * changed. */
int bi_hash_set(struct bi_hash *table, const void *key, size_t size, void *value);
void *bi_hash_get(const struct bi_hash *table, const void *key, size_t size); /* NULL: not there */
void *bi_hash_take(struct bi_hash *table, const void *key, size_t size);      /* removes, gives it away */
bool bi_hash_remove(struct bi_hash *table, const void *key, size_t size);     /* releases it */

/* Walks the entries in no order: *cursor starts at 0; false at the end. The table must not change meanwhile.
 */
bool bi_hash_next(const struct bi_hash *table, size_t *cursor, const void **key, size_t *size, void **value);

#endif
