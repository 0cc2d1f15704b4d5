/* SPDX-License-Identifier: MIT */
/* peers.h - how many connections each peer of a port has, by the address or, of IPv6, by its first 64 bits. */
#ifndef BI_TRANSPORT_PEERS_H
#define BI_TRANSPORT_PEERS_H

#include <bight/address.h>

struct bight_reactor;
struct bi_peers;

/* NULL: out of memory, or of chance. */
struct bi_peers *bi_peers_new(struct bight_reactor *reactor);
void bi_peers_free(struct bi_peers *peers);

/* 0: no limit. Of what is counted nothing changes. */
void bi_peers_set_limit(struct bi_peers *peers, size_t limit);
size_t bi_peers_limit(const struct bi_peers *peers);

/* Counts a connection of this descriptor, unless its peer has no address. OVERFLOW: the peer has as many as it may;
 * OUT_OF_MEMORY. */
int bi_peers_join(struct bi_peers *peers, int descriptor, const struct bight_address *peer);
/* It is no longer the peer's; nothing when it was not counted. */
void bi_peers_leave(struct bi_peers *peers, int descriptor);

/* How many peers there are, for tests. */
size_t bi_peers_count(const struct bi_peers *peers);

#endif
