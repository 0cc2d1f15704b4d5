/* SPDX-License-Identifier: MIT */
/* memory.c - the store of sessions in memory: bounded in their number and bytes, the one that was used longest ago goes
 * first.
 *
 * What has expired goes when it is asked for, or when it is the oldest and another one comes. */
#include <bight/bytes.h>
#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/sys/hash.h>

#include <string.h>

#include "http/session/session.h"

#define EACH 256 /* bytes that an entry takes beside its own, about */

struct entry {
    struct entry *older, *newer;
    struct bight_bytes *bytes;
    uint64_t expires; /* nanoseconds of the reactor's clock */
    char id[BI_SESSION_ID + 1];
};

struct bi_session_memory {
    struct bight_hash table; /* id -> entry */
    bool has_key;
    size_t most_entries, most_bytes, bytes;
    struct entry *oldest, *newest;
};

static size_t cost_of(const struct entry *entry)
{
    return EACH + bight_bytes_size(entry->bytes);
}

static void unlink_entry(struct bi_session_memory *memory, struct entry *entry)
{
    *(entry->older != NULL ? &entry->older->newer : &memory->oldest) = entry->newer;
    *(entry->newer != NULL ? &entry->newer->older : &memory->newest) = entry->older;
    entry->older = entry->newer = NULL;
}

static void link_newest(struct bi_session_memory *memory, struct entry *entry)
{
    entry->older = memory->newest;
    *(memory->newest != NULL ? &memory->newest->newer : &memory->oldest) = entry;
    memory->newest = entry;
}

static void drop(struct bi_session_memory *memory, struct entry *entry)
{
    memory->bytes -= cost_of(entry);
    unlink_entry(memory, entry);
    (void)bight_hash_take(&memory->table, entry->id, BI_SESSION_ID);
    bight_bytes_release(entry->bytes);
    bight_free(entry);
}

struct bi_session_memory *bi_session_memory_new(size_t entries, size_t bytes)
{
    struct bi_session_memory *memory = bight_calloc(1, sizeof *memory);
    if (memory != NULL) {
        memory->most_entries = entries;
        memory->most_bytes = bytes;
    }
    return memory;
}

void bi_session_memory_free(struct bi_session_memory *memory)
{
    while (memory != NULL && memory->oldest != NULL) {
        drop(memory, memory->oldest);
    }
    if (memory != NULL) {
        bight_hash_finish(&memory->table);
    }
    bight_free(memory);
}

/* -------------------------------------------------------------------------------------------- asking */

static uint64_t now_of(struct bight_reactor *reactor)
{
    return bight_clock_now(bight_reactor_clock(reactor));
}

/* NULL: it is not there, or has expired. */
static struct entry *find(struct bi_session_memory *memory, struct bight_reactor *reactor, const char *id)
{
    struct entry *entry = memory->has_key ? bight_hash_get(&memory->table, id, BI_SESSION_ID) : NULL;
    if (entry != NULL && entry->expires <= now_of(reactor)) {
        drop(memory, entry);
        return NULL;
    }
    return entry;
}

static struct bight_deferred *load(struct bight_reactor *reactor, const char *id, void *context)
{
    struct bi_session_memory *memory = context;
    struct entry *entry = find(memory, reactor, id);
    if (entry == NULL) {
        return bight_succeed(NULL, NULL);
    }
    unlink_entry(memory, entry);
    link_newest(memory, entry);
    return bight_succeed(&bight_type_bytes, bight_bytes_hold(entry->bytes));
}

/* The oldest go until there is room for one more of the size; and if it has expired, one. */
static void make_room(struct bi_session_memory *memory, struct bight_reactor *reactor, size_t cost)
{
    if (memory->oldest != NULL && memory->oldest->expires <= now_of(reactor)) {
        drop(memory, memory->oldest);
    }
    while (memory->oldest != NULL &&
           (memory->table.count >= memory->most_entries || memory->bytes + cost > memory->most_bytes)) {
        drop(memory, memory->oldest);
    }
}

static int get_key(struct bi_session_memory *memory, struct bight_reactor *reactor)
{
    uint64_t key[2];
    int code = memory->has_key ? BIGHT_OK : bight_random(reactor, key, sizeof key);
    if (code == BIGHT_OK && !memory->has_key) {
        bight_hash_init(&memory->table, key, NULL);
        memory->has_key = true;
    }
    return code;
}

static int add(struct bi_session_memory *memory, const char *id, struct bight_bytes *bytes, uint64_t expires)
{
    struct entry *entry = bight_calloc(1, sizeof *entry);
    if (entry == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memcpy(entry->id, id, BI_SESSION_ID);
    if (bight_hash_set(&memory->table, id, BI_SESSION_ID, entry) != BIGHT_OK) {
        bight_free(entry);
        return BIGHT_E_OUT_OF_MEMORY;
    }
    entry->bytes = bight_bytes_hold(bytes);
    entry->expires = expires;
    memory->bytes += cost_of(entry);
    link_newest(memory, entry);
    return BIGHT_OK;
}

static struct bight_deferred *save(struct bight_reactor *reactor, const char *id, struct bight_bytes *bytes,
    double seconds, bool is_new, void *context)
{
    struct bi_session_memory *memory = context;
    struct entry *former = find(memory, reactor, id);
    if (former == NULL && !is_new) {
        return bight_succeed(NULL, NULL);
    }
    if (former != NULL) {
        drop(memory, former);
    }
    int code = get_key(memory, reactor);
    if (code == BIGHT_OK) {
        make_room(memory, reactor, EACH + bight_bytes_size(bytes));
        code = add(memory, id, bytes, now_of(reactor) + (uint64_t)(seconds * 1e9));
    }
    return code == BIGHT_OK ? bight_succeed(NULL, NULL) : bight_fail(bight_failure_of(code));
}

static struct bight_deferred *forget(struct bight_reactor *reactor, const char *id, void *context)
{
    struct bi_session_memory *memory = context;
    struct entry *entry = find(memory, reactor, id);
    if (entry != NULL) {
        drop(memory, entry);
    }
    return bight_succeed(NULL, NULL);
}

const struct bight_http_session_store_ops bi_session_memory_ops = {
    .size = sizeof bi_session_memory_ops, .load = load, .save = save, .remove = forget
};
