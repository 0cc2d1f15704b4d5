/* SPDX-License-Identifier: MIT */
/* rate_limit.c - how often a client's address may ask: 429 with Retry-After beyond that.
 *
 * The buckets are buckets.c's. The address is the client's, as trusted proxies found it; in IPv6 the network's, since a
 * single customer has 2^64 addresses. Over a UNIX socket there is none, and no limit. */
#include <bight/memory.h>
#include <bight/sys/digest.h>

#include <stdio.h>

#include "http/middleware/buckets.h"
#include "http/middleware/networks.h"
#include "http/middleware/provided.h"

#define DEFAULT_RATE 10.0
#define DEFAULT_BURST 50.0
#define DEFAULT_ROOM 65536u
#define MOST_ROOM (1u << 24)
#define IPV4_BITS 32
#define IPV6_BITS 64

struct rate_limit {
    bool has_key;
    struct bi_buckets buckets;
};

/* False: the client has no address of a network. */
static bool find_key(struct bight_http_request *request, uint8_t key[BI_BUCKET_KEY])
{
    struct bight_address client;
    if (bight_http_request_peer(request, &client) != BIGHT_OK) {
        return false;
    }
    memset(key, 0, BI_BUCKET_KEY);
    size_t size = bi_network_prefix(&client, IPV4_BITS, IPV6_BITS, key);
    key[BI_BUCKET_KEY - 1] = (uint8_t)size; /* behind the prefix of either */
    return size > 0;
}

static bool seed(struct rate_limit *limit, struct bight_reactor *reactor)
{
    limit->has_key = limit->has_key || bight_random(reactor, limit->buckets.key, sizeof limit->buckets.key) == BIGHT_OK;
    return limit->has_key;
}

static bool refuse(struct bight_http_request *request, uint64_t nanoseconds)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)(nanoseconds / 1000000000u + 1));
    (void)bight_http_respond_set(request, "Retry-After", text);
    (void)bight_http_respond_error(request, 429, "too many requests");
    return false;
}

/* Without random bytes nothing is limited: the table could be attacked. */
static bool admit(struct bight_http_request *request, void *context)
{
    struct rate_limit *limit = context;
    struct bight_reactor *reactor = bight_http_request_reactor(request);
    uint8_t key[BI_BUCKET_KEY];
    if (!find_key(request, key) || !seed(limit, reactor)) {
        return true;
    }
    uint64_t left = bi_buckets_take(&limit->buckets, key, bight_clock_now(bight_reactor_clock(reactor)));
    return left == 0 || refuse(request, left);
}

static const struct bight_http_middleware_ops rate_limit_ops = { .size = sizeof rate_limit_ops, .before = admit };

static void free_limit(void *context)
{
    struct rate_limit *limit = context;
    bi_buckets_finish(&limit->buckets);
    bight_free(limit);
}

int bight_http_use_rate_limit(struct bight_http_site *site, const struct bight_http_rate_limit_options *options)
{
    double rate = BI_GIVEN(options, rate), burst = BI_GIVEN(options, burst);
    uint32_t room = BI_GIVEN(options, addresses);
    rate = rate == 0 ? DEFAULT_RATE : rate; /* NOLINT: that is what says default */
    burst = burst == 0 ? DEFAULT_BURST : burst;
    if (!(rate >= 1e-6 && rate <= 1e9) || !(burst >= 1 && burst <= 1e6) || room > MOST_ROOM) {
        return bi_provided_refuse(site,
            "a rate limit: a rate from 0.000001 to 10^9, a burst from 1 to 10^6, room for up "
            "to 16777216 addresses");
    }
    struct rate_limit *limit = bight_calloc(1, sizeof *limit);
    if (limit != NULL && !bi_buckets_init(&limit->buckets, rate, burst, room > 0 ? room : DEFAULT_ROOM)) {
        bight_free(limit);
        limit = NULL;
    }
    return bi_provided_use(site, &rate_limit_ops, limit, free_limit);
}
