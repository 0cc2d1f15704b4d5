/* SPDX-License-Identifier: MIT */
/* buckets.c - token buckets by key, in arrays: chains of a hash table, and a list from the one used last to the oldest,
 * both linked by numbers.
 *
 * The hash has a secret key, so that nobody can choose addresses that fall into one chain. */
#include "http/middleware/buckets.h"

#include <bight/memory.h>
#include <bight/sys/hash.h>

#include <string.h>

struct bi_bucket {
    uint8_t key[BI_BUCKET_KEY];
    uint64_t full_at; /* nanoseconds */
    uint32_t next;    /* in its chain; links are numbers + 1, 0: none */
    uint32_t newer, older;
};

bool bi_buckets_init(struct bi_buckets *buckets, double rate, double burst, uint32_t room)
{
    uint32_t chains = 1;
    while (chains < room && chains < UINT32_C(1) << 31) {
        chains *= 2;
    }
    *buckets = (struct bi_buckets) { .mask = chains - 1, .room = room };
    buckets->interval = (uint64_t)(1e9 / rate);
    buckets->burst = (uint64_t)(1e9 / rate * burst);
    buckets->heads = bight_calloc(chains, sizeof *buckets->heads);
    buckets->all = bight_calloc(room, sizeof *buckets->all);
    if (buckets->heads == NULL || buckets->all == NULL) {
        bi_buckets_finish(buckets);
        return false;
    }
    return true;
}

void bi_buckets_finish(struct bi_buckets *buckets)
{
    bight_free(buckets->heads);
    bight_free(buckets->all);
    buckets->heads = NULL;
    buckets->all = NULL;
}

/* ----------------------------------------------------------------------------------------- the chains */

static struct bi_bucket *at(const struct bi_buckets *buckets, uint32_t link)
{
    return &buckets->all[link - 1];
}

static uint32_t *chain_of(const struct bi_buckets *buckets, const uint8_t *key)
{
    return &buckets->heads[(uint32_t)bight_siphash(buckets->key, key, BI_BUCKET_KEY) & buckets->mask];
}

static uint32_t find(const struct bi_buckets *buckets, const uint32_t *chain, const uint8_t *key)
{
    uint32_t link = *chain;
    while (link != 0 && memcmp(at(buckets, link)->key, key, BI_BUCKET_KEY) != 0) {
        link = at(buckets, link)->next;
    }
    return link;
}

static void leave_chain(struct bi_buckets *buckets, uint32_t link)
{
    uint32_t *place = chain_of(buckets, at(buckets, link)->key);
    while (*place != link) {
        place = &at(buckets, *place)->next;
    }
    *place = at(buckets, link)->next;
}

/* ------------------------------------------------------------------------------------- the list by use */

static void leave_list(struct bi_buckets *buckets, uint32_t link)
{
    const struct bi_bucket *bucket = at(buckets, link);
    *(bucket->newer != 0 ? &at(buckets, bucket->newer)->older : &buckets->newest) = bucket->older;
    *(bucket->older != 0 ? &at(buckets, bucket->older)->newer : &buckets->oldest) = bucket->newer;
}

static void become_newest(struct bi_buckets *buckets, uint32_t link)
{
    struct bi_bucket *bucket = at(buckets, link);
    bucket->newer = 0;
    bucket->older = buckets->newest;
    *(buckets->newest != 0 ? &at(buckets, buckets->newest)->newer : &buckets->oldest) = link;
    buckets->newest = link;
}

/* A free one, or the oldest. */
static uint32_t take_place(struct bi_buckets *buckets)
{
    if (buckets->count < buckets->room) {
        return ++buckets->count;
    }
    uint32_t link = buckets->oldest;
    leave_chain(buckets, link);
    leave_list(buckets, link);
    return link;
}

static uint32_t add(struct bi_buckets *buckets, const uint8_t *key)
{
    uint32_t link = take_place(buckets);
    uint32_t *chain = chain_of(buckets, key);
    struct bi_bucket *bucket = at(buckets, link);
    memcpy(bucket->key, key, BI_BUCKET_KEY);
    bucket->full_at = 0;
    bucket->next = *chain;
    *chain = link;
    become_newest(buckets, link);
    return link;
}

/* ------------------------------------------------------------------------------------------- a token */

uint64_t bi_buckets_take(struct bi_buckets *buckets, const uint8_t *key, uint64_t now)
{
    uint32_t link = find(buckets, chain_of(buckets, key), key);
    if (link == 0) {
        link = add(buckets, key);
    } else if (link != buckets->newest) {
        leave_list(buckets, link);
        become_newest(buckets, link);
    }
    struct bi_bucket *bucket = at(buckets, link);
    uint64_t full_at = (bucket->full_at > now ? bucket->full_at : now) + buckets->interval;
    if (full_at - now > buckets->burst) {
        return full_at - now - buckets->burst;
    }
    bucket->full_at = full_at;
    return 0;
}
