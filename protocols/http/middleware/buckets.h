/* SPDX-License-Identifier: MIT */
/* buckets.h - token buckets by key, as many as there is room for: the one that was not used for the longest time goes
 * for a new one.
 *
 * Of a bucket only the time is kept at which it would be full (the generic cell rate algorithm, ITU-T I.371). Nothing
 * is allocated behind the beginning. */
#ifndef BI_HTTP_BUCKETS_H
#define BI_HTTP_BUCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BI_BUCKET_KEY 16

struct bi_bucket;

struct bi_buckets {
    uint64_t interval; /* nanoseconds in which a token comes */
    uint64_t burst;    /* nanoseconds in which a whole bucket is filled */
    uint64_t key[2];   /* of the hash */
    uint32_t *heads;   /* of chains, as many as a power of two; a bucket's number + 1 */
    uint32_t mask;
    uint32_t count, room;
    uint32_t newest, oldest; /* number + 1; 0: there is none */
    struct bi_bucket *all;
};

/* `burst` tokens at most, `rate` a second, `room` buckets. False when out of memory. The key is the caller's to set. */
bool bi_buckets_init(struct bi_buckets *buckets, double rate, double burst, uint32_t room);
void bi_buckets_finish(struct bi_buckets *buckets);

/* Takes a token from the bucket of the key, of BI_BUCKET_KEY bytes, at a time in nanoseconds that never goes back. 0;
 * or in how many nanoseconds there will be one. */
uint64_t bi_buckets_take(struct bi_buckets *buckets, const uint8_t *key, uint64_t now);

#endif
