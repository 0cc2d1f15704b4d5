/* SPDX-License-Identifier: MIT */
/* networks.h - sets of addresses: "10.0.0.0/8", "2001:db8::/32", "192.0.2.1", "unix". */
#ifndef BI_HTTP_NETWORKS_H
#define BI_HTTP_NETWORKS_H

#include <bight/address.h>

struct bi_network {
    enum bight_address_family family;
    uint8_t bits; /* of the prefix */
    uint8_t bytes[16];
};

/* False: it is none. Bits behind the prefix have to be 0: else one of both is a slip. */
bool bi_network_parse(struct bi_network *network, const char *text);

/* An IPv4 address that is mapped into IPv6 is that address. */
bool bi_network_has(const struct bi_network *network, const struct bight_address *address);
bool bi_networks_have(const struct bi_network *networks, size_t count, const struct bight_address *address);

/* The first `bits` of an address, the others 0; `address` is of IPv4 or IPv6. Returns its bytes, 4 or 16. */
size_t bi_network_prefix(
    const struct bight_address *address, unsigned bits_of_ipv4, unsigned bits_of_ipv6, uint8_t bytes[16]);

#endif
