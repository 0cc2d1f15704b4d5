/* SPDX-License-Identifier: MIT */
/* cache.c - the entries that are kept: bounded by their bytes and their open descriptors, the least used one goes.
 *
 * Whether an entry still holds is its user's to see to. What is sent when its entry goes has a hold of its own. */
#include "http/files/files.h"

#define MOST_DESCRIPTORS 64
#define OVERHEAD 128 /* bytes that an entry takes in the table and of the allocator */

static size_t weight_of(const struct bi_files_entry *entry)
{
    return entry->charge + entry->key_size + OVERHEAD;
}

static void unlink_entry(struct bi_files_cache *cache, struct bi_files_entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &cache->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry->newer;
}

static void link_newest(struct bi_files_cache *cache, struct bi_files_entry *entry)
{
    entry->older = cache->newest;
    entry->newer = NULL;
    *(entry->older != NULL ? &entry->older->newer : &cache->oldest) = entry;
    cache->newest = entry;
}

struct bi_files_entry *bi_files_cache_get(struct bi_files_cache *cache, const struct bi_files_key *key)
{
    struct bi_files_entry *entry = bight_hash_get(&cache->table, key->text, key->size);
    if (entry != NULL && entry != cache->newest) {
        unlink_entry(cache, entry);
        link_newest(cache, entry);
    }
    return entry;
}

void bi_files_cache_remove(struct bi_files_cache *cache, struct bi_files_entry *entry)
{
    (void)bight_hash_take(&cache->table, entry->key, entry->key_size);
    unlink_entry(cache, entry);
    cache->bytes -= weight_of(entry);
    cache->descriptors -= entry->file.data == NULL;
    entry->is_kept = false;
    bi_files_entry_release(entry);
}

static void shrink(struct bi_files_cache *cache)
{
    while (cache->bytes > cache->limit && cache->oldest != NULL) {
        bi_files_cache_remove(cache, cache->oldest);
    }
    for (struct bi_files_entry *entry = cache->oldest, *newer; entry != NULL && cache->descriptors > MOST_DESCRIPTORS;
         entry = newer) {
        newer = entry->newer;
        if (entry->file.data == NULL) {
            bi_files_cache_remove(cache, entry);
        }
    }
}

/* When out of memory it is not kept. */
void bi_files_cache_put(struct bi_files_cache *cache, struct bi_files_entry *entry)
{
    struct bi_files_entry *before = bight_hash_get(&cache->table, entry->key, entry->key_size);
    if (before != NULL) {
        bi_files_cache_remove(cache, before);
    }
    if (bight_hash_set(&cache->table, entry->key, entry->key_size, entry) != BIGHT_OK) {
        return;
    }
    link_newest(cache, bi_files_entry_hold(entry));
    entry->is_kept = true;
    cache->bytes += weight_of(entry);
    cache->descriptors += entry->file.data == NULL;
    shrink(cache);
}

void bi_files_cache_sweep(struct bi_files_cache *cache, int64_t since)
{
    for (struct bi_files_entry *entry = cache->oldest, *newer; entry != NULL; entry = newer) {
        newer = entry->newer;
        if (entry->file.data == NULL && entry->checked < since) {
            bi_files_cache_remove(cache, entry);
        }
    }
}

void bi_files_cache_finish(struct bi_files_cache *cache)
{
    while (cache->oldest != NULL) {
        bi_files_cache_remove(cache, cache->oldest);
    }
    bight_hash_finish(&cache->table);
}
