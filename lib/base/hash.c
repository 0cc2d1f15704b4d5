/* SPDX-License-Identifier: MIT */
/* hash.c - SipHash-2-4 and the table over it.
 *
 * Open addressing with linear probing. The one idea: a removed entry leaves no mark; those behind it in its
 * run move up, so a table that sees many keys come and go stays as fast and as large as what it holds, and
 * removing never allocates. An entry keeps its key's hash: growing never hashes again, and most compares end
 * there. */
#include <bight/sys/hash.h>

#include <string.h>

#include <bight/memory.h>

#include "base/little_endian.h"

enum { FIRST_CAPACITY = 8 };

struct bight_hash_entry {
    void *key; /* NULL: free */
    size_t size;
    uint64_t hash;
    void *value;
};

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v2 = rotate_left(s->v2, 32);
}

static void sip_absorb(struct sip_state *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

uint64_t bight_siphash(const uint64_t key[2], const void *data, size_t size)
{
    /* The constants spell "somepseudorandomlygeneratedbytes" (SipHash, section 2). */
    struct sip_state s = {
        key[0] ^ UINT64_C(0x736f6d6570736575),
        key[1] ^ UINT64_C(0x646f72616e646f6d),
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };
    const uint8_t *at = data;
    size_t left = size;
    for (; left >= 8; left -= 8, at += 8) {
        sip_absorb(&s, bi_read_little_endian(at, 8));
    }
    sip_absorb(&s, ((uint64_t)size << 56) | bi_read_little_endian(at, left));
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void bight_hash_init(struct bight_hash *table, const uint64_t key[2], bight_release_function release)
{
    *table = (struct bight_hash) { .key = { key[0], key[1] }, .release = release };
}

static void release_value(const struct bight_hash *table, void *value)
{
    if (table->release != NULL) {
        table->release(value);
    }
}

void bight_hash_finish(struct bight_hash *table)
{
    struct bight_hash old = *table;
    bight_hash_init(table, old.key, old.release);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.entries[i].key != NULL) {
            bight_free(old.entries[i].key);
            release_value(&old, old.entries[i].value);
        }
    }
    bight_free(old.entries);
}

/* The entry of the key, or the free one where it would go. The table has a free entry. */
static struct bight_hash_entry *probe(const struct bight_hash *table, uint64_t hash, const void *key, size_t size)
{
    size_t mask = table->capacity - 1;
    for (size_t at = (size_t)hash & mask;; at = (at + 1) & mask) {
        struct bight_hash_entry *entry = &table->entries[at];
        if (entry->key == NULL) {
            return entry;
        }
        if (entry->hash == hash && entry->size == size && (size == 0 || memcmp(entry->key, key, size) == 0)) {
            return entry;
        }
    }
}

/* The entry of the key, NULL when it is not there. */
static struct bight_hash_entry *find(const struct bight_hash *table, const void *key, size_t size)
{
    if (table->count == 0) {
        return NULL;
    }
    struct bight_hash_entry *entry = probe(table, bight_siphash(table->key, key, size), key, size);
    return entry->key == NULL ? NULL : entry;
}

/* Room for one more key with at least a quarter of the entries free. */
static int make_room(struct bight_hash *table)
{
    if (table->count + 1 <= table->capacity / 4 * 3) {
        return BIGHT_OK;
    }
    struct bight_hash grown = *table;
    grown.capacity = table->capacity == 0 ? FIRST_CAPACITY : table->capacity * 2;
    grown.entries = bight_calloc(grown.capacity, sizeof *grown.entries);
    if (grown.entries == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    for (size_t i = 0; i < table->capacity; i++) {
        const struct bight_hash_entry *entry = &table->entries[i];
        if (entry->key != NULL) {
            *probe(&grown, entry->hash, entry->key, entry->size) = *entry;
        }
    }
    bight_free(table->entries);
    *table = grown;
    return BIGHT_OK;
}

static int add(struct bight_hash *table, const void *key, size_t size, void *value)
{
    if (make_room(table) != BIGHT_OK) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    void *copy = bight_malloc(size);
    if (copy == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    if (size > 0) {
        memcpy(copy, key, size);
    }
    uint64_t hash = bight_siphash(table->key, key, size);
    *probe(table, hash, key, size) =
        (struct bight_hash_entry) { .key = copy, .size = size, .hash = hash, .value = value };
    table->count++;
    return BIGHT_OK;
}

int bight_hash_set(struct bight_hash *table, const void *key, size_t size, void *value)
{
    struct bight_hash_entry *entry = find(table, key, size);
    if (entry == NULL) {
        return add(table, key, size, value);
    }
    void *old = entry->value;
    entry->value = value;
    release_value(table, old);
    return BIGHT_OK;
}

void *bight_hash_get(const struct bight_hash *table, const void *key, size_t size)
{
    const struct bight_hash_entry *entry = find(table, key, size);
    return entry == NULL ? NULL : entry->value;
}

/* Frees the entry at `hole`: each entry of the run behind it moves up when its own place allows it. */
static void close_gap(struct bight_hash *table, size_t hole)
{
    size_t mask = table->capacity - 1;
    struct bight_hash_entry *entries = table->entries;
    for (size_t at = (hole + 1) & mask; entries[at].key != NULL; at = (at + 1) & mask) {
        size_t from_home = (at - (size_t)entries[at].hash) & mask;
        size_t from_hole = (at - hole) & mask;
        if (from_home >= from_hole) {
            entries[hole] = entries[at];
            hole = at;
        }
    }
    entries[hole] = (struct bight_hash_entry) { 0 };
}

static bool remove_key(struct bight_hash *table, const void *key, size_t size, void **value)
{
    struct bight_hash_entry *entry = find(table, key, size);
    if (entry == NULL) {
        return false;
    }
    *value = entry->value;
    void *copy = entry->key;
    close_gap(table, (size_t)(entry - table->entries));
    table->count--;
    bight_free(copy); /* last: the caller may have passed this very copy as the key */
    return true;
}

void *bight_hash_take(struct bight_hash *table, const void *key, size_t size)
{
    void *value = NULL;
    remove_key(table, key, size, &value);
    return value;
}

bool bight_hash_remove(struct bight_hash *table, const void *key, size_t size)
{
    void *value = NULL;
    if (!remove_key(table, key, size, &value)) {
        return false;
    }
    release_value(table, value);
    return true;
}

bool bight_hash_next(const struct bight_hash *table, size_t *cursor, const void **key, size_t *size, void **value)
{
    while (*cursor < table->capacity) {
        const struct bight_hash_entry *entry = &table->entries[(*cursor)++];
        if (entry->key != NULL) {
            *key = entry->key;
            *size = entry->size;
            *value = entry->value;
            return true;
        }
    }
    return false;
}
