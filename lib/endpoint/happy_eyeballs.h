/* SPDX-License-Identifier: MIT */
/* happy_eyeballs.h - connecting to the first of several addresses that answers (E2, E3, E5). */
#ifndef BI_ENDPOINT_HAPPY_EYEBALLS_H
#define BI_ENDPOINT_HAPPY_EYEBALLS_H

#include <bight/endpoint.h>

/* Of endpoints that do not say, in seconds. */
#define BI_CONNECT_TIMEOUT 30.0

struct bi_race_options {
    const char *name; /* a host to be looked up; NULL: `address` is the only one */
    uint16_t port;
    struct bight_address address;
    struct bight_address bind; /* family NONE: any */
    double timeout;            /* seconds, over all; look-up included. 0: no limit */
};

/* A Deferred as of bight_connect. Nothing is called, and no connection begun, inside this call. */
struct bight_deferred *bi_race(
    struct bight_reactor *reactor, struct bight_factory *factory, const struct bi_race_options *options);

/* RFC 8305, section 4: the families take turns, beginning with the first address's; the order within a family stays. */
void bi_interleave_families(struct bight_address *addresses, size_t count);

#endif
