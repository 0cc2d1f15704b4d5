/* SPDX-License-Identifier: MIT */
/* peers.c - how many connections each peer of a port has.
 *
 * Kept only while a port has such a limit. A peer is a record in a hash table that is keyed by chance, so no choice of
 * addresses makes it slow; each open descriptor remembers its record in an array. A record goes with the peer's last
 * connection, so there are never more of them than connections, which the limit in all and the descriptors bound: a
 * peer that has many addresses and closes at once leaves nothing behind.
 *
 * An IPv6 peer is its /64: that is what a single subscriber or host is given at least (RFC 6177; the interface
 * identifier is the host's own to choose, RFC 4291, and to change, RFC 8981), so a limit for each address of 2^64 would
 * be none; larger prefixes would put neighbours together. Link-local addresses all share one prefix, and count in full.
 * IPv4 mapped into IPv6, as a socket for both sees it, is IPv4. */
#include "transport/peers.h"

#include <string.h>

#include <bight/memory.h>
#include <bight/sys/digest.h>
#include <bight/sys/hash.h>

struct record {
    size_t count;
    size_t key_size;
    uint8_t key[16];
};

struct bi_peers {
    struct bight_hash records;
    size_t limit;
    struct record **of_descriptor; /* indexed by it; NULL: it is not counted */
    size_t capacity;
};

/* --------------------------------------------------------------------------------------------- who it is */

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_link_local(const uint8_t address[16])
{
    return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* 0: it has no address, as peers on UNIX sockets have none. */
static size_t find_key(const struct bight_address *peer, const uint8_t **key)
{
    if (peer->family == BIGHT_ADDRESS_IPV4) {
        *key = peer->at.ipv4;
        return 4;
    }
    if (peer->family != BIGHT_ADDRESS_IPV6) {
        return 0;
    }
    bool is_mapped = memcmp(peer->at.ipv6, mapped, sizeof mapped) == 0;
    *key = peer->at.ipv6 + (is_mapped ? sizeof mapped : 0);
    return is_mapped ? 4 : is_link_local(peer->at.ipv6) ? 16 : 8;
}

/* -------------------------------------------------------------------------------------------- counting */

/* Room for a descriptor. */
static int make_room(struct bi_peers *peers, size_t descriptor)
{
    if (descriptor < peers->capacity) {
        return BIGHT_OK;
    }
    size_t capacity = peers->capacity == 0 ? 64 : peers->capacity;
    while (capacity <= descriptor) {
        capacity *= 2;
    }
    struct record **grown = bight_realloc(peers->of_descriptor, capacity * sizeof(struct record *));
    if (grown == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    memset(grown + peers->capacity, 0, (capacity - peers->capacity) * sizeof(struct record *));
    peers->of_descriptor = grown;
    peers->capacity = capacity;
    return BIGHT_OK;
}

/* NULL: out of memory. */
static struct record *add_record(struct bi_peers *peers, const uint8_t *key, size_t size)
{
    struct record *record = bight_calloc(1, sizeof *record);
    if (record == NULL) {
        return NULL;
    }
    record->key_size = size;
    memcpy(record->key, key, size);
    if (bight_hash_set(&peers->records, key, size, record) != 0) {
        bight_free(record);
        return NULL;
    }
    return record;
}

int bi_peers_join(struct bi_peers *peers, int descriptor, const struct bight_address *peer)
{
    const uint8_t *key;
    size_t size = find_key(peer, &key);
    if (size == 0) {
        return BIGHT_OK;
    }
    struct record *record = bight_hash_get(&peers->records, key, size);
    if (record != NULL && peers->limit != 0 && record->count >= peers->limit) {
        return BIGHT_E_OVERFLOW;
    }
    if (make_room(peers, (size_t)descriptor) != BIGHT_OK) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    record = record == NULL ? add_record(peers, key, size) : record;
    if (record == NULL) {
        return BIGHT_E_OUT_OF_MEMORY;
    }
    record->count++;
    peers->of_descriptor[descriptor] = record;
    return BIGHT_OK;
}

void bi_peers_leave(struct bi_peers *peers, int descriptor)
{
    struct record *record = (size_t)descriptor < peers->capacity ? peers->of_descriptor[descriptor] : NULL;
    if (record == NULL) {
        return;
    }
    peers->of_descriptor[descriptor] = NULL;
    if (--record->count == 0) {
        (void)bight_hash_remove(&peers->records, record->key, record->key_size);
    }
}

/* ------------------------------------------------------------------------------------------------ life */

struct bi_peers *bi_peers_new(struct bight_reactor *reactor)
{
    uint64_t key[2];
    struct bi_peers *peers = bight_calloc(1, sizeof *peers);
    if (peers == NULL || bight_random(reactor, key, sizeof key) != 0) {
        bight_free(peers);
        return NULL;
    }
    bight_hash_init(&peers->records, key, bight_free);
    return peers;
}

void bi_peers_free(struct bi_peers *peers)
{
    if (peers != NULL) {
        bight_hash_finish(&peers->records);
        bight_free(peers->of_descriptor);
        bight_free(peers);
    }
}

void bi_peers_set_limit(struct bi_peers *peers, size_t limit)
{
    peers->limit = limit;
}

size_t bi_peers_limit(const struct bi_peers *peers)
{
    return peers->limit;
}

size_t bi_peers_count(const struct bi_peers *peers)
{
    return peers->records.count;
}
